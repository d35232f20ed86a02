package conformance_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
)

// heldRows is a hold of the model.
type heldRows struct {
	hold    *chrononaut.Hold
	keys    map[string]bool // of the table
	parents map[string]bool // whose children are held
	whole   bool
	inserts bool // are allowed
}

func (h heldRows) row(line string, inserted bool) bool {
	// id|p|u|v
	parts := strings.Split(line, "|")
	return h.whole && (!h.inserts || !inserted) || h.keys[parts[0]] || h.parents[parts[1]]
}

// TestSQLiteHoldsRefuseWhatTouchesThem runs random statements against a table with
// random holds, and the same against a twin without: what would change a held row, or
// make one, is refused; everything else does the same in both.
func TestSQLiteHoldsRefuseWhatTouchesThem(t *testing.T) {
	t.Parallel()
	for name, driver := range sqliteDrivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, n := t.TempDir(), 0
			rapid.Check(t, func(r *rapid.T) {
				n++
				checkHolds(t, r, driver, filepath.Join(dir, fmt.Sprint(n)))
			})
		})
	}
}

func checkHolds(t *testing.T, r *rapid.T, driver, path string) {
	db := openSQLite(t, driver, path)
	defer db.Close()
	db.exec("PRAGMA recursive_triggers = " + rapid.SampledFrom([]string{"OFF", "ON"}).Draw(r, "recursive triggers"))
	db.exec(`CREATE TABLE parents (id INTEGER PRIMARY KEY)`)
	for _, name := range []string{"t", "twin"} {
		db.exec(`CREATE TABLE ` + name + ` (id INTEGER PRIMARY KEY, p, u TEXT UNIQUE, v INT)`)
	}
	db.track("parents", nil)
	db.track("t", nil)
	db.exec(`INSERT INTO parents (id) VALUES (1), (2), (3)`)
	rows := func(table string) (lines []string) {
		return db.rows(`SELECT id, p, u, v FROM ` + table + ` ORDER BY id`)
	}
	byID := func(lines []string) map[string]string {
		m := map[string]string{}
		for _, line := range lines {
			id, _, _ := strings.Cut(line, "|")
			m[id] = line
		}
		return m
	}
	var holds []heldRows
	held := func(line string, inserted bool) bool {
		for _, h := range holds {
			if h.row(line, inserted) {
				return true
			}
		}
		return false
	}
	stamp := 0
	run := func(r *rapid.T, statement string) {
		stamp++
		statement = strings.ReplaceAll(statement, "@v", fmt.Sprint(stamp))
		before := byID(rows("twin"))
		db.exec(`SAVEPOINT twin`)
		fails := db.try(t.Context(), strings.ReplaceAll(statement, "@t", "twin"))
		after := byID(rows("twin"))
		refused := false
		for id, line := range before {
			if now, ok := after[id]; !ok || now != line {
				refused = refused || held(line, false) || ok && held(now, false)
			}
		}
		for id, line := range after {
			if _, ok := before[id]; !ok {
				refused = refused || held(line, true)
			}
		}
		r.Logf("%s: fails %v, refused %v", statement, fails, refused)
		if refused {
			db.exec(`ROLLBACK TO twin`)
		}
		db.exec(`RELEASE twin`)
		err := db.try(t.Context(), strings.ReplaceAll(statement, "@t", "t"))
		switch {
		case fails != nil && err == nil, fails == nil && !refused && err != nil, refused && !errors.Is(err, chrononaut.ErrHeld):
			r.Fatalf("%s: got error %v; the twin got %v, refused %v", statement, err, fails, refused)
		}
		if got, want := strings.Join(rows("t"), "\n"), strings.Join(rows("twin"), "\n"); got != want {
			r.Fatalf("%s: got rows\n%s\nwant\n%s", statement, got, want)
		}
	}
	id := rapid.IntRange(1, 5)
	p := rapid.SampledFrom([]string{"NULL", "1", "2", "'2'", "3", "3.0"})
	u := rapid.SampledFrom([]string{"NULL", "'x'", "'y'", "'z'"})
	r.Repeat(map[string]func(*rapid.T){
		"insert": func(r *rapid.T) {
			run(r, fmt.Sprintf(`INSERT OR %s INTO @t (id, p, u, v) VALUES (%d, %s, %s, @v)`, rapid.SampledFrom([]string{"ABORT", "REPLACE", "IGNORE"}).Draw(r, "policy"), id.Draw(r, "id"), p.Draw(r, "p"), u.Draw(r, "u")))
		},
		"upsert": func(r *rapid.T) {
			run(r, fmt.Sprintf(`INSERT INTO @t (id, p, u, v) VALUES (%d, %s, NULL, @v) ON CONFLICT (id) DO UPDATE SET p = excluded.p, v = excluded.v`, id.Draw(r, "id"), p.Draw(r, "p")))
		},
		"update": func(r *rapid.T) {
			set := rapid.SampledFrom([]string{"p = " + p.Draw(r, "p"), "u = " + u.Draw(r, "u"), fmt.Sprintf("id = %d", id.Draw(r, "new id")), "p = p"}).Draw(r, "set")
			run(r, fmt.Sprintf(`UPDATE OR %s @t SET %s, v = @v WHERE id >= %d AND id < %d + %d`, rapid.SampledFrom([]string{"ABORT", "REPLACE"}).Draw(r, "policy"), set, id.Draw(r, "id"), id.Draw(r, "to"), 1))
		},
		"delete": func(r *rapid.T) { run(r, fmt.Sprintf(`DELETE FROM @t WHERE id = %d`, id.Draw(r, "id"))) },
		"hold": func(r *rapid.T) {
			var h heldRows
			switch rapid.IntRange(0, 2).Draw(r, "what") {
			case 0:
				key := id.Draw(r, "id")
				hold, err := db.client().Hold(t.Context(), chrononaut.Table{Name: "t"}, sqliteKeys(key), "reason", nil)
				if errors.Is(err, chrononaut.ErrNotFound) {
					r.Skip("no such record")
				} else if err != nil {
					r.Fatal(err)
				}
				h = heldRows{hold: hold, keys: map[string]bool{fmt.Sprint(key): true}}
			case 1:
				parent := rapid.IntRange(1, 3).Draw(r, "parent")
				h = heldRows{hold: db.hold("parents", sqliteKeys(parent), &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "t"}, Columns: map[string]string{"p": "id"}}}}), keys: map[string]bool{}}
				h.parents = map[string]bool{fmt.Sprint(parent): true}
				for key, line := range byID(rows("t")) {
					if strings.Split(line, "|")[1] == fmt.Sprint(parent) {
						h.keys[key] = true
					}
				}
			default:
				inserts := rapid.Bool().Draw(r, "inserts")
				h = heldRows{hold: db.hold("t", nil, &chrononaut.HoldOpts{AllowInsert: inserts}), whole: true, inserts: inserts}
			}
			holds = append(holds, h)
		},
		"release": func(r *rapid.T) {
			if len(holds) == 0 {
				r.Skip("nothing is held")
			}
			n := rapid.IntRange(0, len(holds)-1).Draw(r, "hold")
			db.release(holds[n].hold)
			holds = append(holds[:n:n], holds[n+1:]...)
		},
	})
	for _, h := range holds {
		db.release(h.hold)
	}
	db.wants("guards", db.rows(`SELECT table_name FROM chrononaut_guard UNION ALL SELECT table_name FROM chrononaut_guarded`))
}
