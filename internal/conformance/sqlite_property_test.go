package conformance_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// A check takes a database of its own, and there are eight times as many.
func init() {
	if err := flag.Set("rapid.checks", pgtest.Size("5", "12")); err != nil {
		panic(err)
	}
}

// keyKind is a kind of primary key for the property test.
type keyKind struct {
	name, column, suffix string
	keys                 []any
	fold                 bool // keys that differ in case are equal
}

var keyKinds = []keyKind{
	{"rowid", "k INTEGER PRIMARY KEY", "", []any{int64(1), int64(2), int64(3), int64(-1), int64(1<<53 + 1)}, false},
	{"folded", "k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL", "", []any{"a", "A", "b", "", "é"}, true},
	{"blobs", "k BLOB PRIMARY KEY NOT NULL", "WITHOUT ROWID", []any{[]byte{}, []byte{0}, []byte("a"), "a"}, false},
	{"mixed", "k PRIMARY KEY NOT NULL", "", []any{int64(1), "1", []byte("1"), 1.5}, false},
}

// record is a row of the model. A nil version is that of a row from before
// tracking, which no change has touched.
type record struct {
	key                 any
	u, v, hidden, notes any
	version             *int
}

// model is what the table and its history should be.
type model struct {
	kind   keyKind
	rows   map[string]record // by keyText
	last   map[string]int    // the highest version of each key
	events []string          // of the statement that ran last
}

func (m *model) clone() *model {
	return &model{m.kind, maps.Clone(m.rows), maps.Clone(m.last), nil}
}

func literalOf(v any) string { return fmt.Sprintf("%T %v", v, v) }

// keyText is the key as history has it.
func keyText(key any) string {
	switch k := key.(type) {
	case []byte:
		return `{"k":{"chrononaut:blob":"\\x` + hex.EncodeToString(k) + `"}}`
	case string:
		quoted, _ := json.Marshal(k)
		return `{"k":` + string(quoted) + `}`
	}
	return fmt.Sprintf(`{"k":%v}`, key)
}

func (m *model) sameKey(a, b any) bool {
	if m.kind.fold {
		return strings.EqualFold(a.(string), b.(string))
	}
	return literalOf(a) == literalOf(b)
}

func (m *model) lastOf(key string) int {
	if v, ok := m.last[key]; ok {
		return v
	}
	return -1
}

func (m *model) event(operation string, version int, key, previous string, hidden bool) {
	line := fmt.Sprintf("%s %d %s", operation, version, key)
	if previous != "" {
		line += " was " + previous
	}
	if hidden {
		line += " hidden"
	}
	m.events = append(m.events, line)
	m.last[key] = version
	if previous != "" {
		m.last[previous] = max(m.lastOf(previous), version)
	}
}

// before records a row that history does not know.
func (m *model) before(r record) {
	if key := keyText(r.key); m.lastOf(key) < 0 {
		m.event("baseline", versionOf(r), key, "", false)
	}
}

func versionOf(r record) int {
	if r.version == nil {
		return 0
	}
	return *r.version
}

func (m *model) delete(r record) {
	key := keyText(r.key)
	m.before(r)
	m.event("delete", max(versionOf(r), m.lastOf(key))+1, key, "", false)
	delete(m.rows, key)
}

// conflicts lists the rows, other than one, that exclude another.
func (m *model) conflicts(r record, except string) (rows []record) {
	for key, other := range m.rows {
		if key != except && (m.sameKey(r.key, other.key) || r.u != nil && literalOf(r.u) == literalOf(other.u)) {
			rows = append(rows, other)
		}
	}
	return rows
}

// write makes room for a row by a policy; ok is false when it stays out.
func (m *model) room(r record, except, policy string) (ok, fails bool) {
	conflicts := m.conflicts(r, except)
	switch {
	case len(conflicts) == 0:
		return true, false
	case policy == "IGNORE":
		return false, false
	case policy == "REPLACE":
		for _, c := range conflicts {
			m.delete(c)
		}
		return true, false
	}
	return false, true
}

func (m *model) insert(r record, policy string) (fails bool) {
	ok, fails := m.room(r, "\x00", policy)
	if !ok {
		return fails
	}
	key := keyText(r.key)
	version := m.lastOf(key) + 1
	m.event("insert", version, key, "", r.hidden != nil)
	r.version = &version
	m.rows[key] = r
	return false
}

func (m *model) update(old, r record, policy string) (fails bool) {
	was, key := keyText(old.key), keyText(r.key)
	hidden := literalOf(old.hidden) != literalOf(r.hidden)
	if was == key && literalOf(old.u) == literalOf(r.u) && literalOf(old.v) == literalOf(r.v) && !hidden {
		m.rows[key] = r
		return false
	}
	if ok, fails := m.room(r, was, policy); !ok {
		return fails
	}
	m.before(old)
	version := max(versionOf(old), m.lastOf(was), m.lastOf(key)) + 1
	previous := ""
	if was != key {
		previous = was
	}
	m.event("update", version, key, previous, hidden)
	r.version = &version
	delete(m.rows, was)
	m.rows[key] = r
	return false
}

// at returns the row that a statement finds by a key.
func (m *model) at(key any) (record, bool) {
	for _, r := range m.rows {
		if m.sameKey(r.key, key) {
			return r, true
		}
	}
	return record{}, false
}

// TestSQLiteHistoryIsTheTable runs random statements against a table, a model
// and history, and compares the three after each.
func TestSQLiteHistoryIsTheTable(t *testing.T) {
	t.Parallel()
	for _, kind := range keyKinds {
		t.Run("with keys of the kind "+kind.name, func(t *testing.T) {
			t.Parallel()
			for name, driver := range sqliteDrivers {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					dir, n := t.TempDir(), 0
					rapid.Check(t, func(r *rapid.T) {
						n++
						checkSQLite(t, r, kind, driver, filepath.Join(dir, fmt.Sprint(n)))
					})
				})
			}
		})
	}
}

func checkSQLite(t *testing.T, r *rapid.T, kind keyKind, driver, path string) {
	db := openSQLite(t, driver, path)
	defer db.Close()
	db.exec("PRAGMA recursive_triggers = " + rapid.SampledFrom([]string{"OFF", "ON"}).Draw(r, "recursive triggers"))
	db.exec(`CREATE TABLE t (` + kind.column + `, u TEXT UNIQUE, v, hidden, notes) ` + kind.suffix)
	m := &model{kind: kind, rows: map[string]record{}, last: map[string]int{}}
	for _, key := range kind.keys[2:] {
		if rapid.Bool().Draw(r, "was there before") {
			db.exec(`INSERT INTO t (k, v) VALUES (?1, 'before')`, key)
			m.rows[keyText(key)] = record{key: key, v: "before"}
		}
	}
	db.track("t", &chronomigrate.TrackOptions{Hidden: []string{"hidden"}, Untracked: []string{"notes"}})

	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var saved *model
	seen := int64(0)
	r.Repeat(map[string]func(*rapid.T){
		"insert": func(r *rapid.T) {
			row := drawRecord(r, kind)
			policy := drawPolicy(r)
			runSQLite(r, tx, m.insert(row, policy), `INSERT OR `+policy+` INTO t (k, u, v, hidden, notes) VALUES (?1, ?2, ?3, ?4, ?5)`,
				row.key, row.u, row.v, row.hidden, row.notes)
		},
		"upsert": func(r *rapid.T) {
			row := drawRecord(r, kind)
			old, found := m.at(row.key)
			var fails bool
			if found {
				changed := old
				changed.v, changed.notes = row.v, row.notes
				fails = m.update(old, changed, "ABORT")
			} else {
				fails = m.insert(row, "ABORT")
			}
			runSQLite(r, tx, fails, `INSERT INTO t (k, u, v, hidden, notes) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (k) DO UPDATE SET v = excluded.v, notes = excluded.notes`,
				row.key, row.u, row.v, row.hidden, row.notes)
		},
		"update": func(r *rapid.T) {
			row, of := drawRecord(r, kind), drawKey(r, kind)
			policy := drawPolicy(r)
			old, found := m.at(of)
			changed := old
			var set []string
			for _, column := range []string{"k = ?1", "u = ?2", "v = ?3", "hidden = ?4", "notes = ?5", "version = 77"} {
				if rapid.Bool().Draw(r, column) {
					set = append(set, column)
				}
			}
			for _, column := range set {
				switch column[0] {
				case 'k':
					changed.key = row.key
				case 'u':
					changed.u = row.u
				case 'h':
					changed.hidden = row.hidden
				case 'n':
					changed.notes = row.notes
				default:
					if column == "v = ?3" {
						changed.v = row.v
					}
				}
			}
			if len(set) == 0 {
				r.Skip("nothing to set")
			}
			fails := false
			switch {
			case !found:
			case slices.Contains(set, "version = 77"):
				// Stale, unless the row is ignored before.
				fails = policy != "IGNORE" || len(m.conflicts(changed, keyText(old.key))) == 0
			default:
				fails = m.update(old, changed, policy)
			}
			runSQLite(r, tx, fails, `UPDATE OR `+policy+` t SET `+strings.Join(set, ", ")+` WHERE k = ?6`,
				row.key, row.u, row.v, row.hidden, row.notes, of)
		},
		"delete": func(r *rapid.T) {
			key := drawKey(r, kind)
			if old, found := m.at(key); found {
				m.delete(old)
			}
			runSQLite(r, tx, false, `DELETE FROM t WHERE k = ?1`, key)
		},
		"save": func(r *rapid.T) {
			if saved != nil {
				r.Skip("saved already")
			}
			saved = m.clone()
			runSQLite(r, tx, false, `SAVEPOINT s`)
		},
		"go back": func(r *rapid.T) {
			if saved == nil {
				r.Skip("not saved")
			}
			m, saved = saved, nil
			runSQLite(r, tx, false, `ROLLBACK TO s; RELEASE s`)
			// Ids come back too.
			if err := tx.QueryRow(`SELECT max(id) FROM chrononaut_activity`).Scan(&seen); err != nil {
				r.Fatal(err)
			}
		},
		"": func(r *rapid.T) {
			compareSQLite(r, tx, m, &seen)
			m.events = nil
		},
	})
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	differences, err := chronotest.Replay(context.Background(), db.driver, chrononaut.Table{Name: "t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		if d.Kind != chronotest.Unrecorded || m.lastOf(keyOf(d)) >= 0 {
			r.Errorf("replay: %s", d)
		}
	}
}

func keyOf(d chronotest.Difference) string {
	text, _ := d.Key.JSON()
	return text
}

func drawKey(r *rapid.T, kind keyKind) any { return rapid.SampledFrom(kind.keys).Draw(r, "key") }

func drawPolicy(r *rapid.T) string {
	return rapid.SampledFrom([]string{"ABORT", "REPLACE", "REPLACE", "IGNORE"}).Draw(r, "policy")
}

func drawRecord(r *rapid.T, kind keyKind) record {
	return record{
		key:    drawKey(r, kind),
		u:      rapid.SampledFrom([]any{nil, nil, "x", "X", "y", "z"}).Draw(r, "u"),
		v:      rapid.SampledFrom(oddValues).Draw(r, "v"),
		hidden: rapid.SampledFrom([]any{nil, nil, "secret", []byte("secret")}).Draw(r, "hidden"),
		notes:  rapid.SampledFrom([]any{nil, "note", int64(1)}).Draw(r, "notes"),
	}
}

func runSQLite(r *rapid.T, tx *sql.Tx, fails bool, query string, args ...any) {
	r.Logf("%s %q", query, args)
	_, err := tx.Exec(query, args...)
	if (err != nil) != fails {
		r.Fatalf("%s: got error %v, want one: %v", query, err, fails)
	}
}

// compareSQLite compares what the last statement added to history, and the
// table, with the model.
func compareSQLite(r *rapid.T, tx *sql.Tx, m *model, seen *int64) {
	rows, err := tx.Query(`SELECT id, operation || ' ' || version || ' ' || key || coalesce(' was ' || previous_key, '') ||
			CASE extra_info WHEN '{}' THEN '' WHEN '{"hidden_cols_changed":["hidden"]}' THEN ' hidden' ELSE extra_info END
		FROM chrononaut_activity WHERE key <> '{}' AND id > ?1 ORDER BY id`, *seen)
	if err != nil {
		r.Fatal(err)
	}
	var events []string
	for rows.Next() {
		var line string
		if err := rows.Scan(seen, &line); err != nil {
			r.Fatal(err)
		}
		events = append(events, line)
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	want := slices.Clone(m.events)
	// Rows that are replaced go in any order.
	slices.Sort(events)
	slices.Sort(want)
	if diff := cmp.Diff(want, events); diff != "" {
		r.Fatalf("history (-want +got):\n%s", diff)
	}

	var got, wantRows []string
	rows, err = tx.Query(`SELECT k, u, v, hidden, notes, version FROM t`)
	if err != nil {
		r.Fatal(err)
	}
	for rows.Next() {
		var values [6]any
		if err := rows.Scan(&values[0], &values[1], &values[2], &values[3], &values[4], &values[5]); err != nil {
			r.Fatal(err)
		}
		got = append(got, rowText(values[:]))
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	for _, row := range m.rows {
		var version any
		if row.version != nil {
			version = int64(*row.version)
		}
		wantRows = append(wantRows, rowText([]any{row.key, row.u, row.v, row.hidden, row.notes, version}))
	}
	slices.Sort(got)
	slices.Sort(wantRows)
	if diff := cmp.Diff(wantRows, got); diff != "" {
		r.Fatalf("table (-want +got):\n%s", diff)
	}
}

func rowText(values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = literalOf(v)
	}
	return strings.Join(parts, ", ")
}
