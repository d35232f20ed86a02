package conformance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (db *sqliteDB) problems() (found []string) {
	db.t.Helper()
	problems, err := db.migrator().Check(db.t.Context(), nil)
	if err != nil {
		db.t.Fatal(err)
	}
	for _, p := range problems {
		found = append(found, string(p.Kind)+" "+p.Object)
	}
	return found
}

func TestSQLiteMigrationsOfTheApplication(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, secret TEXT, other TEXT)`)
		db.track("t", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"other"}})
		db.wants("problems", db.problems())
		db.exec(`INSERT INTO t (id, a, b, c, secret) VALUES (1, 'a', 'b', 'c', 'hush')`)

		db.exec(`ALTER TABLE t DROP COLUMN b`)
		db.exec(`ALTER TABLE t RENAME COLUMN c TO d`)
		db.exec(`ALTER TABLE t RENAME COLUMN secret TO renamed`)
		db.exec(`ALTER TABLE t DROP COLUMN other`)
		db.exec(`ALTER TABLE t ADD COLUMN e TEXT DEFAULT 'e'`)
		db.exec(`ALTER TABLE t ADD COLUMN secret TEXT`)
		db.exec(`UPDATE t SET d = 'd'`)
		db.exec(`UPDATE t SET renamed = 'hush again', secret = 'hush'`)
		db.exec(`REPLACE INTO t (id, a) VALUES (1, 'z')`)
		db.exec(`DELETE FROM t`)
		db.wants("history", db.history("t"),
			`insert|0|{"id":1}||{"id":1,"a":"a","b":"b","c":"c","version":0}|{"hidden_cols_changed":["secret"]}`,
			`update|1|{"id":1}||{"id":1,"a":"a","b":null,"c":"d","version":1}|`,
			`update|2|{"id":1}||{"id":1,"a":"a","b":null,"c":"d","version":2}|{"hidden_cols_changed":["secret"]}`,
			`delete|3|{"id":1}||{"id":1,"a":"a","b":null,"c":"d","version":3}|`,
			`insert|4|{"id":1}||{"id":1,"a":"z","b":null,"c":null,"version":4}|`,
			`delete|5|{"id":1}||{"id":1,"a":"z","b":null,"c":null,"version":5}|`,
		)
		db.wants("problems", db.problems(),
			"column_missing secret", "column_missing other", "outdated d", "outdated renamed", "outdated e",
			"outdated b", "outdated c", "outdated other")

		m := db.migrator()
		table := chronodriver.Table{Name: "t"}
		_, err := m.Track(t.Context(), table, &chronomigrate.TrackOptions{Hidden: []string{"secret"}}, nil)
		if !errors.Is(err, chronomigrate.ErrOption) || !strings.Contains(err.Error(), "renamed to renamed") {
			t.Errorf("tracking a renamed hidden column in the open: got error %v, want ErrOption", err)
		}
		_, err = m.Track(t.Context(), table, nil, nil)
		if !errors.Is(err, chronomigrate.ErrNoColumn) {
			t.Errorf("tracking with the options that it had: got error %v, want ErrNoColumn", err)
		}
		db.track("t", &chronomigrate.TrackOptions{Hidden: []string{"renamed", "secret"}})
		db.wants("problems", db.problems())
		db.exec(`INSERT INTO t (id, a) VALUES (1, 'y')`)
		db.wants("history", db.history("t")[6:], `insert|6|{"id":1}||{"id":1,"a":"y","d":null,"e":"e","version":6}|`)
	})
}

func TestSQLiteRenamedTable(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 'a')`)
		db.exec(`ALTER TABLE t RENAME TO u`)
		db.exec(`UPDATE u SET a = 'b'`)
		db.exec(`REPLACE INTO u (id, a) VALUES (1, 'c')`)
		db.wants("history", db.rows(`SELECT table_name, operation, version FROM chrononaut_activity WHERE key <> '{}'`),
			"t|insert|0", "t|update|1", "t|delete|2", "t|insert|3")
		db.wants("problems", db.problems(), "table_dropped t")

		// A new table of the old name does not take the triggers away.
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id) VALUES (7)`)
		db.exec(`UPDATE u SET a = 'd'`)
		db.wants("history", db.rows(`SELECT table_name, operation, key FROM chrononaut_activity WHERE key <> '{}' AND id > 5`),
			`t|insert|{"id":7}`, `t|update|{"id":1}`)
		db.wants("problems", db.problems())
		db.track("u", &chronomigrate.TrackOptions{VersionColumn: "version"})
		db.exec(`UPDATE u SET a = 'e'`)
		db.wants("history", db.rows(`SELECT table_name, operation, version, key FROM chrononaut_activity WHERE table_name = 'u' AND key <> '{}'`),
			`u|baseline|4|{"id":1}`, `u|update|5|{"id":1}`)
		if _, err := db.migrator().Untrack(t.Context(), chronodriver.Table{Name: "t"}, nil); err != nil {
			t.Fatal(err)
		}
		db.wants("our triggers", db.rows(`SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'chrononaut\_u\_%' ESCAPE '\'`), "u")
		db.exec(`UPDATE t SET id = 8`)
		db.exec(`DROP TABLE u`)
		db.wants("problems", db.problems(), "table_dropped u")
	})
}

func TestSQLiteCheckFindsDrift(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE "Odd ""name" (id INTEGER PRIMARY KEY, a TEXT)`)
		table := chronodriver.Table{Name: `odd "NAME`}
		m := db.migrator()
		if _, err := m.Track(t.Context(), table, nil, nil); err != nil {
			t.Fatal(err)
		}
		db.exec(`DROP TRIGGER "chrononaut_Odd ""name_insert"`)
		db.exec(`DROP TRIGGER "chrononaut_Odd ""name_update"`)
		db.exec(`CREATE TRIGGER "chrononaut_Odd ""name_update" AFTER UPDATE ON "Odd ""name" BEGIN SELECT 1; END`)
		db.exec(`CREATE TRIGGER later AFTER UPDATE ON "Odd ""name" BEGIN SELECT 1; END`)
		db.exec(`DROP TRIGGER chrononaut_activity_no_delete`)
		db.wants("problems", db.problems(), "history_trigger chrononaut_activity_no_delete",
			// These are others where the application sees updates of the version.
			`outdated chrononaut_Odd "name_keep`, `outdated chrononaut_Odd "name_number_insert`, `outdated chrononaut_Odd "name_number_update`,
			`trigger_missing chrononaut_Odd "name_insert`, `trigger_changed chrononaut_Odd "name_update`, "trigger_order later")
		plan, err := m.Track(t.Context(), table, nil, &chronomigrate.ApplyOpts{DryRun: true})
		if err != nil || plan.Empty() {
			t.Fatalf("dry run: plan %v, error %v; want steps", plan, err)
		}
		if got := len(db.problems()); got != 7 {
			t.Errorf("%d problems after a dry run, want the same 7", got)
		}
		if _, err := m.Track(t.Context(), table, nil, nil); err != nil {
			t.Fatal(err)
		}
		db.wants("problems", db.problems(), "history_trigger chrononaut_activity_no_delete")
		again, err := m.Track(t.Context(), table, nil, nil)
		if err != nil || !again.Empty() {
			t.Errorf("tracking again: plan %q, error %v; want an empty plan", again.SQL(), err)
		}
		db.exec(`CREATE TABLE uncovered (id INTEGER PRIMARY KEY)`)
		problems, err := m.Check(t.Context(), &chronomigrate.CheckOpts{Uncovered: true})
		if err != nil || len(problems) != 2 || problems[1].Kind != chronomigrate.ProblemUncovered {
			t.Errorf("uncovered: %+v, error %v; want the table uncovered", problems, err)
		}
	})
}

func TestSQLiteTablesThatCannotBeTracked(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		m := db.migrator()
		db.exec(`CREATE TABLE nokey (a TEXT UNIQUE)`)
		db.exec(`CREATE VIEW v AS SELECT * FROM nokey`)
		db.exec(`CREATE TEMP TABLE scratch (id INTEGER PRIMARY KEY)`)
		db.exec(`CREATE TABLE new (id INTEGER PRIMARY KEY)`)
		db.exec(`CREATE TABLE nulls (k TEXT PRIMARY KEY)`)
		db.exec(`INSERT INTO nulls VALUES (NULL), (NULL)`)
		db.exec(`CREATE TABLE versioned (id INTEGER PRIMARY KEY, version INT, stamp TEXT)`)
		db.exec(`ATTACH ':memory:' AS other`)
		db.exec(`CREATE TABLE other.far (id INTEGER PRIMARY KEY)`)
		for _, tc := range []struct {
			table, schema string
			opts          *chronomigrate.TrackOptions
			want          error
		}{
			{"missing", "", nil, chronomigrate.ErrNoTable},
			{"nokey", "", nil, chronomigrate.ErrNoKey},
			{"v", "", nil, chronomigrate.ErrNotTrackable},
			{"scratch", "", nil, chronomigrate.ErrNotTrackable},
			{"scratch", "temp", nil, chronomigrate.ErrNotTrackable},
			{"new", "", nil, chronomigrate.ErrNotTrackable},
			{"nulls", "", nil, chronomigrate.ErrNotTrackable},
			{"far", "other", nil, chronomigrate.ErrNotTrackable},
			{"far", "", nil, chronomigrate.ErrNoTable},
			{"chrononaut_activity", "", nil, chronomigrate.ErrNotTrackable},
			{"sqlite_sequence", "", nil, chronomigrate.ErrNotTrackable},
			{"versioned", "", nil, chronomigrate.ErrVersionColumn},
			{"versioned", "", &chronomigrate.TrackOptions{VersionColumn: "stamp"}, chronomigrate.ErrVersionColumn},
			{"versioned", "", &chronomigrate.TrackOptions{VersionColumn: "id"}, chronomigrate.ErrVersionColumn},
			{"versioned", "", &chronomigrate.TrackOptions{VersionColumn: "v", Hidden: []string{"nope"}}, chronomigrate.ErrNoColumn},
			{"versioned", "", &chronomigrate.TrackOptions{VersionColumn: "v", Hidden: []string{"ID"}}, chronomigrate.ErrOption},
			{"versioned", "", &chronomigrate.TrackOptions{VersionColumn: "v", Hidden: []string{"stamp"}, Untracked: []string{"STAMP"}}, chronomigrate.ErrOption},
			{"versioned", "", &chronomigrate.TrackOptions{NoHistory: true}, chronomigrate.ErrOption},
		} {
			_, err := m.Track(t.Context(), chronodriver.Table{Schema: tc.schema, Name: tc.table}, tc.opts, nil)
			if !errors.Is(err, tc.want) {
				t.Errorf("track %s.%s: got error %v, want %v", tc.schema, tc.table, err, tc.want)
			}
		}
		db.wants("triggers on tables", db.rows(`SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name NOT LIKE 'chrononaut%'`))
		if _, err := m.Track(t.Context(), chronodriver.Table{Schema: "MAIN", Name: "VERSIONED"}, &chronomigrate.TrackOptions{VersionColumn: "VERSION"}, nil); err != nil {
			t.Errorf("adopting a version column: %v", err)
		}
		if _, err := m.Down(t.Context(), nil); !errors.Is(err, chronomigrate.ErrStillTracked) {
			t.Errorf("down: got error %v, want ErrStillTracked", err)
		}
		if _, err := m.Untrack(t.Context(), chronodriver.Table{Name: "versioned"}, nil); err != nil {
			t.Error(err)
		}
		if _, err := m.Down(t.Context(), nil); err != nil {
			t.Error(err)
		}
		db.wants("what is left", db.rows(`SELECT name FROM sqlite_schema WHERE name LIKE 'chrononaut%'`))
		if _, err := m.Track(t.Context(), chronodriver.Table{Name: "versioned"}, nil, nil); !errors.Is(err, chronomigrate.ErrNoHistory) {
			t.Errorf("track without history: got error %v, want ErrNoHistory", err)
		}
	})
}
