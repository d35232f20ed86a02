package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (db *sqliteDB) apply(plan *chrononaut.RestorePlan, err error) *chrononaut.RestoreResult {
	db.t.Helper()
	if err != nil {
		db.t.Fatal(err)
	}
	result, err := plan.Apply(db.t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "because", Actor: "ann", OnConflict: chrononaut.RestoreOverwrite})
	if err != nil {
		db.t.Fatalf("apply: %v\n%s", err, plan)
	}
	if len(result.Differences) > 0 {
		db.t.Fatalf("differences: %+v\n%s", result.Differences, plan)
	}
	return result
}

func (db *sqliteDB) wantRows(query string, want ...string) {
	db.t.Helper()
	if diff := cmp.Diff(want, db.rows(query)); diff != "" {
		db.t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

func TestSQLiteRestore(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE "Odd ""Name" (id INTEGER PRIMARY KEY, "Big Value" BLOB, ratio REAL, flag BOOLEAN DEFAULT 1, secret TEXT, added GENERATED ALWAYS AS (ratio * 2))`)
		db.track(`Odd "Name`, &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
		db.exec(`INSERT INTO "Odd ""Name" (id, "Big Value", ratio, secret) VALUES (1, x'00ff', 0.1, 's'), (2, 'text', 9e999, NULL)`)
		const all = `SELECT id, hex("Big Value"), typeof("Big Value"), ratio, flag, secret, added FROM "Odd ""Name" ORDER BY id`
		want := db.rows(all)
		db.exec(`UPDATE "Odd ""Name" SET "Big Value" = 7, ratio = 5, flag = 0`)
		db.exec(`DELETE FROM "Odd ""Name" WHERE id = 2`)
		table := chrononaut.Table{Name: `Odd "Name`}
		keys := []chrononaut.Key{{"id": 1}, {"id": 2}}
		plan, err := db.client().Restore(t.Context(), table, keys, chrononaut.ToVersion(0), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.DryRun(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		result := db.apply(plan, nil)
		if result.Inserted != 1 || result.Updated != 1 {
			t.Errorf("result: %+v", result)
		}
		db.wantRows(all, want...)
		db.wantRows(`SELECT operation, json_extract(extra_info, '$.restore.operation'), json_extract(user_info, '$.user_id') FROM chrononaut_activity WHERE operation = 'restore' ORDER BY id`,
			"restore|insert|ann", "restore|update|ann")
		var conflict *chrononaut.RestoreConflictError
		if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "again"}); !errors.As(err, &conflict) || len(conflict.Conflicts) != 2 {
			t.Errorf("an old plan was applied: %v", err)
		}
		db.apply(db.client().Revert(t.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))
		db.wantRows(`SELECT id, ratio FROM "Odd ""Name"`, "1|5")
	})
}

func TestSQLiteUndelete(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE a (id INTEGER PRIMARY KEY, up INTEGER REFERENCES a ON DELETE CASCADE)`)
		db.exec(`CREATE TABLE b (x TEXT, y INTEGER, a INTEGER REFERENCES a ON DELETE CASCADE, PRIMARY KEY (x, y)) WITHOUT ROWID`)
		db.exec(`CREATE TABLE c (id INTEGER PRIMARY KEY, x TEXT, y INTEGER, FOREIGN KEY (x, y) REFERENCES b ON DELETE SET NULL)`)
		for _, name := range []string{"a", "b", "c"} {
			db.track(name, nil)
		}
		db.exec(`INSERT INTO a (id, up) VALUES (1, NULL), (2, 1), (3, NULL)`)
		db.exec(`INSERT INTO b (x, y, a) VALUES ('p', 1, 2), ('q', 1, 3)`)
		db.exec(`INSERT INTO c (id, x, y) VALUES (1, 'p', 1), (2, 'q', 1)`)
		db.exec(`DELETE FROM b WHERE x = 'q'`) // Not of the cohort.
		db.exec(`DELETE FROM a WHERE id = 1`)
		db.wantRows(`SELECT id, x FROM c ORDER BY id`, "1|", "2|")
		db.apply(db.client().Undelete(t.Context(), chrononaut.Table{Name: "a"}, []chrononaut.Key{{"id": 1}}, nil))
		db.wantRows(`SELECT id, up FROM a ORDER BY id`, "1|", "2|1", "3|")
		db.wantRows(`SELECT x, y, a FROM b`, "p|1|2")
		db.wantRows(`SELECT id, x FROM c ORDER BY id`, "1|p", "2|")
	})
}

// A foreign key compares by the affinity and the collation of the parent's column.
func TestSQLiteRestoreForeignKeysCompareAsSQLiteDoes(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE names (name TEXT COLLATE NOCASE PRIMARY KEY)`)
		db.exec(`CREATE TABLE numbers (n NUMERIC PRIMARY KEY)`)
		db.exec(`CREATE TABLE children (id INTEGER PRIMARY KEY, name TEXT REFERENCES names ON DELETE CASCADE, n REAL REFERENCES numbers ON DELETE CASCADE)`)
		for _, name := range []string{"names", "numbers", "children"} {
			db.track(name, nil)
		}
		db.exec(`INSERT INTO names (name) VALUES ('Ann')`)
		db.exec(`INSERT INTO numbers (n) VALUES (1.5), (2)`)
		db.exec(`INSERT INTO children (id, name, n) VALUES (1, 'ANN', NULL), (2, NULL, 1.5), (3, NULL, 2)`)
		children, names, numbers := chrononaut.Table{Name: "children"}, chrononaut.Table{Name: "names"}, chrononaut.Table{Name: "numbers"}
		db.exec(`DELETE FROM names`)
		db.apply(db.client().Undelete(t.Context(), names, []chrononaut.Key{{"name": "Ann"}}, nil))
		db.exec(`DELETE FROM numbers`)
		db.apply(db.client().Undelete(t.Context(), numbers, []chrononaut.Key{{"n": 1.5}, {"n": 2}}, nil))
		db.wantRows(`SELECT id FROM children ORDER BY id`, "1", "2", "3")
		then := db.tick()
		db.exec(`DELETE FROM names`)
		db.exec(`DELETE FROM numbers`)
		db.apply(db.client().Restore(t.Context(), children, nil, chrononaut.ToPoint(chrononaut.At(then)), &chrononaut.RestoreOpts{With: []chrononaut.Table{names, numbers}}))
		db.wantRows(`SELECT id FROM children ORDER BY id`, "1", "2", "3")
	})
}

// Unique values that rows have exchanged, or shifted along, come back.
func TestSQLiteRestoreExchangedUniqueValues(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		for table, column := range map[string]string{"plain": "TEXT UNIQUE", "required": "TEXT NOT NULL UNIQUE COLLATE NOCASE", "number": "INTEGER NOT NULL UNIQUE"} {
			db.exec(`CREATE TABLE ` + table + ` (id INTEGER PRIMARY KEY, v ` + column + `)`)
			db.track(table, nil)
			db.exec(`INSERT INTO ` + table + ` (id, v) VALUES (1, 1), (2, 2), (3, 3)`)
			all := `SELECT id, typeof(v), v FROM ` + table + ` ORDER BY id`
			want := db.rows(all)
			then := chrononaut.ToPoint(chrononaut.At(db.tick()))
			for _, values := range []string{"2, 1, 3", "3, 1, 2", "2, 3, 4", "4, 1, 2"} {
				v := strings.Split(values, ", ")
				db.exec(`UPDATE ` + table + ` SET v = v + 10`)
				for id, value := range v {
					db.exec(fmt.Sprintf(`UPDATE %s SET v = %s WHERE id = %d`, table, value, id+1))
				}
				db.apply(db.client().Restore(t.Context(), chrononaut.Table{Name: table}, nil, then, nil))
				db.wantRows(all, want...)
			}
		}
		db.exec(`CREATE TABLE keys (id INTEGER PRIMARY KEY, v TEXT)`)
		db.track("keys", nil)
		db.exec(`INSERT INTO keys (id, v) VALUES (1, 'one'), (2, 'two')`)
		then := chrononaut.ToPoint(chrononaut.At(db.tick()))
		db.exec(`UPDATE keys SET id = 10 WHERE id = 1`)
		db.exec(`UPDATE keys SET id = 1 WHERE id = 2`)
		db.apply(db.client().Restore(t.Context(), chrononaut.Table{Name: "keys"}, []chrononaut.Key{{"id": 1}, {"id": 10}}, then, nil))
		db.wantRows(`SELECT id, v FROM keys ORDER BY id`, "1|one", "2|two")
	})
}

// Random writes, then a restore to a random moment, compared with what was there.
func TestSQLiteRestoreModel(t *testing.T) {
	t.Parallel()
	for seed := range 4 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			db := openSQLite(t, "sqlite", t.TempDir()+"/test.db")
			db.exec(`CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT UNIQUE, mentor INTEGER REFERENCES authors ON DELETE SET NULL ON UPDATE CASCADE)`)
			db.exec(`CREATE TABLE books (author INTEGER REFERENCES authors ON DELETE CASCADE ON UPDATE CASCADE, n INTEGER, title, PRIMARY KEY (author, n))`)
			db.track("authors", nil)
			db.track("books", nil)
			r := rand.New(rand.NewPCG(uint64(seed), 2))
			var states []string
			var times []time.Time
			for range 30 {
				db.randomBooks(r)
				states = append(states, db.books())
				times = append(times, db.tick())
			}
			for range 4 {
				goal := r.IntN(len(states))
				before := db.books()
				plan, err := db.client().Restore(t.Context(), chrononaut.Table{Name: "books"}, nil, chrononaut.ToPoint(chrononaut.At(times[goal])),
					&chrononaut.RestoreOpts{DeleteNew: true, With: []chrononaut.Table{{Name: "authors"}}})
				result := db.apply(plan, err)
				if diff := cmp.Diff(states[goal], db.books()); diff != "" {
					t.Fatalf("restored state (-want +got):\n%s\n%s", diff, plan)
				}
				if len(result.Transactions) > 0 {
					db.apply(db.client().Revert(t.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))
					if diff := cmp.Diff(before, db.books()); diff != "" {
						t.Fatalf("state after the revert (-want +got):\n%s", diff)
					}
				}
				db.tick()
				db.randomBooks(r)
				states, times = append(states, db.books()), append(times, db.tick())
			}
		})
	}
}

func (db *sqliteDB) books() string {
	db.t.Helper()
	return strings.Join(db.rows(`SELECT 'author', id, name, mentor FROM authors UNION ALL SELECT 'book', author, n, typeof(title) || title FROM books ORDER BY 1, 2, 3`), "\n")
}

// tick returns the database's time, and waits until it is another.
func (db *sqliteDB) tick() time.Time {
	db.t.Helper()
	// One of the drivers makes a time of what looks like one.
	const clock = `SELECT strftime('at %Y-%m-%dT%H:%M:%fZ', 'now')`
	now := db.rows(clock)[0]
	for db.rows(clock)[0] == now {
		continue
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(now, "at "))
	if err != nil {
		db.t.Fatal(err)
	}
	return at
}

// randomBooks runs a random transaction.
func (db *sqliteDB) randomBooks(r *rand.Rand) {
	db.t.Helper()
	tx, err := db.BeginTx(db.t.Context(), nil)
	if err != nil {
		db.t.Fatal(err)
	}
	for range 1 + r.IntN(3) {
		id, other, n := r.IntN(6), r.IntN(6), r.IntN(3)
		query := []string{
			fmt.Sprintf(`INSERT INTO authors (id, name, mentor) VALUES (%d, 'a%d', NULL)`, id, r.IntN(20)),
			fmt.Sprintf(`INSERT OR REPLACE INTO books (author, n, title) VALUES (%d, %d, %d.0)`, id, n, r.IntN(9)),
			fmt.Sprintf(`INSERT INTO books (author, n, title) VALUES (%d, %d, 't%d') ON CONFLICT DO UPDATE SET title = excluded.title`, id, n, r.IntN(9)),
			fmt.Sprintf(`UPDATE authors SET mentor = %d WHERE id = %d`, other, id),
			fmt.Sprintf(`UPDATE authors SET id = %d WHERE id = %d`, other, id),
			fmt.Sprintf(`UPDATE books SET n = %d, title = 'x' WHERE author = %d`, n, id),
			fmt.Sprintf(`DELETE FROM authors WHERE id = %d`, id),
			fmt.Sprintf(`DELETE FROM books WHERE author = %d`, id),
		}[r.IntN(8)]
		// A statement that breaks a constraint does nothing.
		_, _ = tx.ExecContext(context.WithoutCancel(db.t.Context()), query)
	}
	if err := tx.Commit(); err != nil {
		db.t.Fatal(err)
	}
}
