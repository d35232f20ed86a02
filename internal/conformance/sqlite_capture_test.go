package conformance_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// migrator installs history if it is not there.
func (db *sqliteDB) migrator() *chronomigrate.Migrator {
	db.t.Helper()
	m, err := chronomigrate.New(db.driver, nil)
	if err != nil {
		db.t.Fatal(err)
	}
	if _, err := m.Up(db.t.Context(), nil); err != nil {
		db.t.Fatal(err)
	}
	return m
}

// track tracks a table; opts may be nil.
func (db *sqliteDB) track(name string, opts *chronomigrate.TrackOptions) *chronomigrate.Plan {
	db.t.Helper()
	plan, err := db.migrator().Track(db.t.Context(), chronodriver.Table{Name: name}, opts, nil)
	if err != nil {
		db.t.Fatal(err)
	}
	return plan
}

// history returns what history has of records, without who and when.
func (db *sqliteDB) history(table string) []string {
	db.t.Helper()
	return db.rows(`SELECT operation, version, key, coalesce('<' || previous_key, ''), data,
		CASE WHEN extra_info = '{}' THEN '' ELSE extra_info END
		FROM chrononaut_activity WHERE table_name = ?1 AND key <> '{}' ORDER BY id`, table)
}

// wants compares lines.
func (db *sqliteDB) wants(what string, got []string, want ...string) {
	db.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		db.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// eachMode runs a test on both drivers and with recursive_triggers off and on.
func eachMode(t *testing.T, f func(t *testing.T, db *sqliteDB)) {
	t.Helper()
	for _, mode := range []string{"OFF", "ON"} {
		t.Run("with recursive triggers "+strings.ToLower(mode), func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				db.exec("PRAGMA recursive_triggers = " + mode)
				f(t, db)
			})
		})
	}
}

func TestSQLiteRecordsTheLifeOfARow(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, done INT)`)
		db.exec(`INSERT INTO todos VALUES (1, 'old', 0)`)
		db.track("todos", nil)
		db.exec(`INSERT INTO todos (title) VALUES ('new')`)
		db.exec(`UPDATE todos SET done = 1`)
		db.exec(`UPDATE todos SET done = 1, version = version + 1`)
		db.exec(`UPDATE todos SET version = 1`)
		db.exec(`UPDATE todos SET id = 3, version = 2 WHERE id = 2`)
		db.exec(`DELETE FROM todos WHERE id = 1`)
		db.exec(`INSERT INTO todos (id, title) VALUES (1, 'again'), (2, 'again')`)
		db.wants("history", db.history("todos"),
			`insert|0|{"id":2}||{"id":2,"title":"new","done":null,"version":0}|`,
			`baseline|0|{"id":1}||{"id":1,"title":"old","done":0,"version":0}|`,
			`update|1|{"id":1}||{"id":1,"title":"old","done":1,"version":1}|`,
			`update|1|{"id":2}||{"id":2,"title":"new","done":1,"version":1}|`,
			`update|2|{"id":3}|<{"id":2}|{"id":3,"title":"new","done":1,"version":2}|`,
			`delete|2|{"id":1}||{"id":1,"title":"old","done":1,"version":2}|`,
			`insert|3|{"id":1}||{"id":1,"title":"again","done":null,"version":3}|`,
			`insert|3|{"id":2}||{"id":2,"title":"again","done":null,"version":3}|`,
		)
		db.wants("the table", db.rows(`SELECT * FROM todos ORDER BY id`), `1|again||3`, `2|again||3`, `3|new|1|2`)
	})
}
