package conformance_test

import (
	"slices"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// live compares the last state that history has of each record with the table,
// whose columns are named.
func (db *sqliteDB) live(table, columns string) {
	db.t.Helper()
	db.sameAsHistory(table, columns)
	db.wants("versions that are not those of history", db.rows(`SELECT t.id, t.version FROM "`+table+`" AS t
		WHERE t.version IS NOT (SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = ?1 AND a.key = json_object('id', t.id))`, table))
}

func (db *sqliteDB) sameAsHistory(table, columns string) {
	db.t.Helper()
	history := db.rows(`SELECT json_remove(a.data, '$.version') FROM chrononaut_activity AS a
		WHERE a.table_name = ?1 AND a.key <> '{}' AND a.operation <> 'delete'
		  AND NOT EXISTS (SELECT 1 FROM chrononaut_activity AS b WHERE b.table_name = ?1
		                     AND (b.key = a.key OR b.previous_key = a.key) AND b.version > a.version)
		ORDER BY 1`, table)
	now := db.rows(`SELECT json_object(` + columns + `) FROM "` + table + `" ORDER BY json_object(` + columns + `)`)
	db.wants("history and the table "+table, history, now...)
}

func TestSQLiteTriggersOfTheApplication(t *testing.T) {
	t.Parallel()
	const touch = `CREATE TRIGGER touch AFTER UPDATE ON t WHEN NEW.touched IS NOT unicode(NEW.a) BEGIN UPDATE t SET touched = unicode(a) WHERE id = NEW.id; END`
	const single = `CREATE TRIGGER single AFTER UPDATE ON t WHEN NEW.main = 1 BEGIN UPDATE t SET main = 0 WHERE id <> NEW.id AND main = 1; END`
	const slug = `CREATE TRIGGER slug AFTER INSERT ON t BEGIN UPDATE t SET a = lower(a) WHERE id = NEW.id; END`
	const copied = `CREATE TRIGGER copied AFTER INSERT ON t WHEN NEW.id < 100 BEGIN INSERT OR IGNORE INTO t (id, a) VALUES (NEW.id + 100, NEW.a); END`
	const gone = `CREATE TRIGGER gone AFTER DELETE ON t WHEN OLD.id < 100 BEGIN DELETE FROM t WHERE id = OLD.id + 100; END`
	const back = `CREATE TRIGGER back AFTER DELETE ON t WHEN OLD.main = 2 BEGIN INSERT INTO t (id, a) VALUES (OLD.id, 'back'); END`
	for name, triggers := range map[string][]string{
		"that touch the same row": {touch},
		"that change other rows":  {single},
		"that change a new row":   {slug},
		"that insert and delete":  {copied, gone},
		"that put a row back":     {back},
		"all together":            {touch, single, slug, copied, gone, back},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, later := range []bool{false, true} {
				when := "created before tracking"
				if later {
					when = "created after tracking"
				}
				t.Run(when, func(t *testing.T) {
					t.Parallel()
					eachMode(t, func(t *testing.T, db *sqliteDB) {
						db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, main INT DEFAULT 0, touched INT)`)
						if later {
							db.track("t", nil)
						}
						for _, sql := range triggers {
							db.exec(sql)
						}
						db.track2(later)
						for _, sql := range []string{
							`INSERT INTO t (id, a) VALUES (1, 'A'), (2, 'B')`,
							`INSERT INTO t (id, a, main) VALUES (3, 'C', 1), (4, 'D', 2)`,
							`UPDATE t SET main = 1 WHERE id = 1`,
							`UPDATE t SET main = 1, a = 'E' WHERE id IN (2, 3)`,
							`UPDATE t SET a = 'f'`,
							`DELETE FROM t WHERE id IN (2, 4)`,
							`INSERT OR REPLACE INTO t (id, a) VALUES (1, 'G')`,
							`UPDATE OR REPLACE t SET id = 3 WHERE id = 1`,
						} {
							db.exec(sql)
							db.live("t", `'id', id, 'a', a, 'main', main, 'touched', touched`)
							if t.Failed() {
								t.Fatalf("after %s; history is %q", sql, db.history("t"))
							}
						}
					})
				})
			}
		})
	}
}

func TestSQLiteTriggersThatCountChanges(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		// It counts our writing of the version too; only history can be right.
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, n INT DEFAULT 0)`)
		db.exec(`CREATE TRIGGER counter AFTER UPDATE ON t WHEN NEW.n = OLD.n BEGIN UPDATE t SET n = n + 1 WHERE id = NEW.id; END`)
		db.track("t", nil)
		for _, sql := range []string{`INSERT INTO t (id, a) VALUES (1, 'x'), (2, 'y')`, `UPDATE t SET a = 'z'`, `UPDATE OR REPLACE t SET id = 1 WHERE id = 2`} {
			db.exec(sql)
			db.sameAsHistory("t", `'id', id, 'a', a, 'n', n`)
		}
	})
}

func (db *sqliteDB) track2(tracked bool) {
	db.t.Helper()
	if !tracked {
		db.track("t", nil)
	}
}

func TestSQLiteForeignKeyActions(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE)`)
		db.exec(`CREATE TABLE c (id INTEGER PRIMARY KEY, p INT REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE, code TEXT REFERENCES p (code) ON DELETE SET NULL ON UPDATE CASCADE)`)
		db.exec(`CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INT REFERENCES tree ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)`)
		for _, name := range []string{"p", "c", "tree"} {
			db.track(name, nil)
		}
		db.exec(`INSERT INTO p (id, code) VALUES (1, 'a'), (2, 'b')`)
		db.exec(`INSERT INTO c (id, p, code) VALUES (1, 1, 'b'), (2, 2, 'a')`)
		db.exec(`UPDATE p SET id = 11 WHERE id = 1`)
		db.exec(`UPDATE p SET code = 'z' WHERE id = 2`)
		db.exec(`DELETE FROM p WHERE id = 2`)
		lines := db.history("c")
		slices.Sort(lines[4:]) // the order of the actions is SQLite's
		db.wants("children", lines,
			`insert|0|{"id":1}||{"id":1,"p":1,"code":"b","version":0}|`,
			`insert|0|{"id":2}||{"id":2,"p":2,"code":"a","version":0}|`,
			`update|1|{"id":1}||{"id":1,"p":11,"code":"b","version":1}|`,
			`update|2|{"id":1}||{"id":1,"p":11,"code":"z","version":2}|`,
			`delete|1|{"id":2}||{"id":2,"p":2,"code":"a","version":1}|`,
			`update|3|{"id":1}||{"id":1,"p":11,"code":null,"version":3}|`,
		)
		db.exec(`INSERT OR REPLACE INTO p (id, code) VALUES (11, 'new')`)
		db.wants("children of a replaced row", db.rows(`SELECT count(*) FROM c`), "0")
		db.live("c", `'id', id, 'p', p, 'code', code`)
		db.live("p", `'id', id, 'code', code`)

		db.exec(`INSERT INTO tree (id, parent) VALUES (1, NULL), (2, 1), (3, 2), (4, 3)`)
		db.exec(`DELETE FROM tree WHERE id = 1`)
		db.wants("a tree", db.rows(`SELECT count(*) FROM chrononaut_activity WHERE table_name = 'tree' AND operation = 'delete'`), "4")
		db.live("tree", `'id', id, 'parent', parent`)
	})
}

func TestSQLiteSavepointsAndFailures(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT UNIQUE CHECK (a < 100))`)
		db.track("t", nil)
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{
			`INSERT INTO t (id, a) VALUES (1, 1)`,
			`SAVEPOINT s`,
			`UPDATE t SET a = 2`,
			`ROLLBACK TO s`,
			`RELEASE s`,
			`UPDATE t SET a = 3`,
		} {
			if _, err := tx.Exec(sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		for _, sql := range []string{
			`INSERT INTO t (id, a) VALUES (2, 5), (3, 100)`,
			`INSERT OR FAIL INTO t (id, a) VALUES (4, 6), (5, 6)`,
		} {
			if _, err := tx.Exec(sql); err == nil {
				t.Fatalf("%s: no error", sql)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		db.wants("history", db.rows(`SELECT operation, version, key FROM chrononaut_activity WHERE key <> '{}'`),
			`insert|0|{"id":1}`, `update|1|{"id":1}`, `insert|0|{"id":4}`)
		db.live("t", `'id', id, 'a', a`)
	})
}

func TestSQLiteStatementsLookAsBefore(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)`)
		db.track("t", &chronomigrate.TrackOptions{RecordChanges: true})
		result, err := db.Exec(`INSERT INTO t (a) VALUES ('x'), ('y'), ('z')`)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := result.LastInsertId()
		n, _ := result.RowsAffected()
		if id != 3 || n != 3 {
			t.Errorf("INSERT: last id %d, %d rows; want 3, 3", id, n)
		}
		db.wants("changes() and last_insert_rowid()", db.rows(`SELECT last_insert_rowid()`), "3")
		db.wants("RETURNING", db.rows(`UPDATE t SET a = upper(a) WHERE id < 3 RETURNING id, a`), "1|X", "2|Y")
		db.wants("RETURNING", db.rows(`DELETE FROM t WHERE id = 2 RETURNING id, a, version`), "2|Y|1")
		db.wants("RETURNING", db.rows(`INSERT INTO t (a) VALUES ('w') RETURNING id, a`), "4|w")
		db.exec(`VACUUM`)
		db.exec(`UPDATE t SET a = 'v' WHERE id = 4`)
		db.wants("history", db.rows(`SELECT operation, version FROM chrononaut_activity WHERE key = '{"id":4}'`), "insert|0", "update|1")
	})
}
