package conformance_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

// lived is a database with tables that have been tracked and used for a while.
func (db *sqliteDB) lived() {
	db.t.Helper()
	db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, secret TEXT)`)
	db.exec(`CREATE TABLE tags (name TEXT NOT NULL PRIMARY KEY, todo INTEGER REFERENCES todos) WITHOUT ROWID`)
	db.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	db.track("tags", nil)
	db.exec(`INSERT INTO todos (id, title, secret) VALUES (1, 'a', 'hush'), (2, 'it''s', 'hush')`)
	db.exec(`INSERT INTO tags (name, todo) VALUES ('x', 2)`)
	db.exec(`UPDATE todos SET title = 'b' WHERE id = 1`)
	db.exec(`DELETE FROM todos WHERE id = 1`)
	db.wants("problems", db.problems())
}

const wholeSQLiteHistory = `SELECT * FROM chrononaut_activity ORDER BY id`

// goesOn writes to a database that was copied, and looks at what was recorded.
func (db *sqliteDB) goesOn(before []string) {
	db.t.Helper()
	db.wants("history of before", db.rows(wholeSQLiteHistory), before...)
	db.wants("problems", db.problems())
	db.exec(`INSERT INTO todos (id, title) VALUES (1, 'again')`)
	db.exec(`UPDATE todos SET title = 'c', secret = 'hush again' WHERE id = 2`)
	db.exec(`UPDATE tags SET name = 'y'`)
	db.wants("history", db.rows(`SELECT table_name, operation, version, key, previous_key FROM chrononaut_activity WHERE id > (SELECT max(id) - 3 FROM chrononaut_activity)`),
		`todos|insert|3|{"id":1}|`, `todos|update|1|{"id":2}|`, `tags|update|1|{"name":"y"}|{"name":"x"}`)
	for _, line := range db.rows(wholeSQLiteHistory) {
		if strings.Contains(line, "hush") {
			db.t.Errorf("history shows a hidden value: %s", line)
		}
	}
	for _, table := range []string{"todos", "tags"} {
		chronotest.RequireReplay(db.t, db.driver, chrononaut.Table{Name: table}, nil)
	}
	db.fails("TM004", `DELETE FROM chrononaut_activity`)
}

func TestSQLiteCopies(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.lived()
		before := db.rows(wholeSQLiteHistory)
		copied := filepath.Join(t.TempDir(), "copy.db")
		db.exec(`VACUUM INTO ?1`, copied)
		openSQLite(t, db.name, copied).goesOn(before)

		t.Run("through .dump of the command-line program", func(t *testing.T) {
			if _, err := exec.LookPath("sqlite3"); err != nil {
				t.Skip("no sqlite3")
			}
			restored := filepath.Join(t.TempDir(), "restored.db")
			script, err := exec.Command("sqlite3", db.path, ".dump").Output()
			if err != nil {
				t.Fatal(err)
			}
			restore := exec.Command("sqlite3", "-bail", restored)
			restore.Stdin = strings.NewReader(string(script))
			if out, err := restore.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			openSQLite(t, db.name, restored).goesOn(before)
		})

		db.exec(`VACUUM`)
		db.goesOn(before)
	})
}

// TestSQLiteRebuiltTable follows the way that SQLite's documentation recommends
// for what ALTER TABLE cannot do.
func TestSQLiteRebuiltTable(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.lived()
		before := db.rows(wholeSQLiteHistory)
		db.exec(`PRAGMA foreign_keys = off`)
		for _, sql := range []string{
			`BEGIN`,
			`CREATE TABLE new_todos (id INTEGER PRIMARY KEY, title TEXT NOT NULL DEFAULT '-', secret TEXT, due TEXT DEFAULT 'soon', version INTEGER)`,
			`INSERT INTO new_todos (id, title, secret, version) SELECT id, title, secret, version FROM todos`,
			`DROP TABLE todos`,
			`ALTER TABLE new_todos RENAME TO todos`,
			`COMMIT`,
		} {
			db.exec(sql)
		}
		db.exec(`PRAGMA foreign_keys = on`)
		db.wants("history: rebuilding is no change", db.rows(wholeSQLiteHistory), before...)
		if len(db.problems()) == 0 {
			t.Error("Check() found nothing, want the triggers that went with the table")
		}
		// Nothing captures this one; the baseline records what it left.
		db.exec(`UPDATE todos SET title = 'unseen' WHERE id = 2`)
		db.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
		db.wants("problems", db.problems())
		if _, err := db.migrator().Baseline(t.Context(), chrononaut.Table{Name: "todos"}, nil); err != nil {
			t.Fatal(err)
		}
		db.exec(`UPDATE todos SET due = 'now' WHERE id = 2`)
		db.exec(`INSERT INTO todos (id, title) VALUES (1, 'again')`)
		db.wants("history", db.history("todos")[4:],
			`baseline|1|{"id":2}||{"id":2,"title":"unseen","due":"soon","version":1}|`,
			`update|2|{"id":2}||{"id":2,"title":"unseen","due":"now","version":2}|`,
			`insert|3|{"id":1}||{"id":1,"title":"again","due":"soon","version":3}|`)
		chronotest.RequireReplay(t, db.driver, chrononaut.Table{Name: "todos"}, nil)
	})

	t.Run("without the version column, records go on with their versions", func(t *testing.T) {
		t.Parallel()
		eachSQLite(t, func(t *testing.T, db *sqliteDB) {
			db.lived()
			for _, sql := range []string{
				`PRAGMA foreign_keys = off`,
				`CREATE TABLE new_todos (id INTEGER PRIMARY KEY, title TEXT, secret TEXT)`,
				`INSERT INTO new_todos SELECT id, title, secret FROM todos`, `DROP TABLE todos`, `ALTER TABLE new_todos RENAME TO todos`,
			} {
				db.exec(sql)
			}
			db.track("todos", nil)
			db.exec(`UPDATE todos SET title = 'c'`)
			db.wants("history", db.rows(`SELECT operation, version, json_extract(data, '$.title') FROM chrononaut_activity WHERE table_name = 'todos' AND key = '{"id":2}'`),
				`insert|0|it's`, `update|1|c`)
			chronotest.RequireReplay(t, db.driver, chrononaut.Table{Name: "todos"}, nil)
		})
	})
}
