package conformance_test

import (
	"errors"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Holds do not depend on what the registry says, and what it says of a held table
// stays.
func TestSQLiteHoldsOutliveTheRegistry(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		for _, name := range []string{"t", "other"} {
			db.exec(`CREATE TABLE ` + name + ` (id INTEGER PRIMARY KEY, a)`)
			db.track(name, nil)
			db.exec(`INSERT INTO ` + name + ` (id, a) VALUES (1, 1)`)
		}
		hold := db.hold("t", sqliteKeys(1), nil)
		for _, sql := range []string{
			`UPDATE chrononaut_table SET table_schema = 'x' WHERE table_name = 't'`,
			`UPDATE chrononaut_table SET table_name = 'x' WHERE table_name = 't'`,
			`UPDATE chrononaut_table SET tracked = 0 WHERE table_name = 't'`,
			`UPDATE chrononaut_table SET options = '{"no_history":true}' WHERE table_name = 't'`,
			`UPDATE OR REPLACE chrononaut_table SET table_name = 't' WHERE table_name = 'other'`,
			`UPDATE OR REPLACE chrononaut_table SET rowid = (SELECT rowid FROM chrononaut_table WHERE table_name = 't') WHERE table_name = 'other'`,
			`REPLACE INTO chrononaut_table (table_schema, table_name, tracked, key_columns, options) VALUES ('main', 't', 0, '["id"]', '{}')`,
			`REPLACE INTO chrononaut_table (table_schema, table_name, tracked, key_columns, options) VALUES ('main', 't', 1, '["id"]', '{"no_history":true}')`,
			`REPLACE INTO chrononaut_table (rowid, table_schema, table_name, tracked, key_columns, options) SELECT rowid, 'main', 'x', 1, '["id"]', '{}' FROM chrononaut_table WHERE table_name = 't'`,
			`DELETE FROM chrononaut_table WHERE table_name = 't'`,
		} {
			db.held(hold, sql)
		}
		db.exec(`UPDATE chrononaut_table SET tracked_since = tracked_since, baseline = NULL`)
		// Whatever has become of the registry.
		db.exec(`DROP TRIGGER chrononaut_table_held; DROP TRIGGER chrononaut_table_held_delete`)
		db.exec(`UPDATE chrononaut_table SET table_schema = 'x' WHERE table_name = 't'`)
		db.held(hold, `UPDATE t SET a = 2`, `DELETE FROM t`)
		db.exec(`DELETE FROM chrononaut_table`)
		db.held(hold, `UPDATE t SET a = 2`, `DELETE FROM t`)
	})
}

// A hold goes by columns. When one of them has another name, the table stays as it is.
func TestSQLiteHoldsAndRenamedColumns(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, a)`)
		db.exec(`CREATE TABLE notes (id INTEGER PRIMARY KEY, todo_id INT REFERENCES todos, a)`)
		db.track("todos", nil)
		db.track("notes", nil)
		db.exec(`INSERT INTO todos (id) VALUES (1), (2); INSERT INTO notes (id, todo_id) VALUES (1, 1), (2, 2)`)
		hold := db.hold("todos", sqliteKeys(1), &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "notes"}}}})
		db.exec(`ALTER TABLE todos RENAME COLUMN id TO nr`)
		db.exec(`ALTER TABLE notes RENAME COLUMN todo_id TO todo_nr`)
		refused := func() {
			t.Helper()
			db.held(hold, `UPDATE todos SET a = 1 WHERE nr = 1`, `DELETE FROM todos WHERE nr = 1`, `UPDATE notes SET a = 1 WHERE id = 1`, `INSERT INTO notes (todo_nr) VALUES (1)`)
		}
		refused()
		for _, name := range []string{"todos", "notes"} {
			if _, err := db.migrator().Track(t.Context(), chronodriver.Table{Name: name}, nil, nil); !errors.Is(err, chronomigrate.ErrNotTrackable) {
				t.Errorf("track %s: got error %v, want ErrNotTrackable", name, err)
			}
		}
		refused()
		// Triggers that were made for the new names all the same.
		for _, name := range []string{"todos", "notes"} {
			for _, trigger := range db.rows(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 AND name GLOB '*_guard_*'`, name) {
				db.exec(`DROP TRIGGER ` + trigger)
			}
			db.guard(name)
		}
		refused()
		db.held(hold, `INSERT OR REPLACE INTO todos (nr) VALUES (1)`, `UPDATE todos SET a = 1 WHERE nr = 2`)
		db.exec(`ALTER TABLE todos RENAME COLUMN nr TO id`)
		db.exec(`ALTER TABLE notes RENAME COLUMN todo_nr TO todo_id`)
		db.track("todos", nil)
		db.track("notes", nil)
		db.held(hold, `UPDATE todos SET a = 1 WHERE id = 1`, `UPDATE notes SET a = 1 WHERE id = 1`)
		db.exec(`UPDATE todos SET a = 1 WHERE id = 2; UPDATE notes SET a = 1 WHERE id = 2`)
		db.release(hold)
		db.exec(`DELETE FROM notes; DELETE FROM todos`)
	})
}

// What the triggers write into a new row themselves is not a change of it.
func TestSQLiteHoldThatAllowsInsertWithRecordChanges(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", &chronomigrate.TrackOptions{RecordChanges: true})
		db.exec(`INSERT INTO t (id, a) VALUES (1, 1)`)
		hold := db.hold("t", nil, &chrononaut.HoldOpts{AllowInsert: true})
		db.exec(`INSERT INTO t (id, a) VALUES (2, 2), (3, 3)`)
		db.wants("rows", db.rows(`SELECT id, a, version, change_info IS NOT NULL, changed IS NOT NULL FROM t`), `1|1|0|1|1`, `2|2|0|1|1`, `3|3|0|1|1`)
		db.held(hold, `UPDATE t SET a = 3`, `UPDATE t SET change_info = 'x'`, `UPDATE t SET changed = NULL`, `DELETE FROM t WHERE id = 2`, `INSERT OR REPLACE INTO t (id) VALUES (2)`)
	})
}

// The second of two people is not the first one, whatever is written into the log.
func TestSQLiteReleaseOfTwoPeopleIsNotForged(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 1)`)
		hold := db.hold("t", sqliteKeys(1), &chrononaut.HoldOpts{TwoPeople: true})
		forge := func(actor string) {
			t.Helper()
			db.exec(`INSERT INTO chrononaut_activity (table_name, version, operation, data, user_info, extra_info) VALUES ('t', 0, 'release', '{"hold":1}', json_object('user_id', ?1), '{"rationale":"settled"}')`, actor)
			db.fails("TM004", `UPDATE chrononaut_hold SET released = json_object('actor', ?1, 'at', '', 'rationale', 'settled')`, actor)
		}
		forge("ann")
		if _, err := db.client().Release(chrononaut.WithActor(t.Context(), "ann"), hold.ID, "settled"); err != nil {
			t.Fatal(err)
		}
		forge("ann")
		db.exec(`INSERT INTO chrononaut_activity (table_name, version, operation, data) VALUES ('t', 0, 'release', '{"hold":1}')`)
		db.fails("TM004", `UPDATE chrononaut_hold SET released = '{}'`)
		db.fails("TM004", `UPDATE chrononaut_hold SET released = '{"actor":"bob"}'`)
		db.held(hold, `UPDATE t SET a = 2`)
		if _, err := db.client().Release(chrononaut.WithActor(t.Context(), "bob"), hold.ID, "agreed"); err != nil {
			t.Fatal(err)
		}
		db.exec(`UPDATE t SET a = 2`)
	})
}
