package conformance_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// guard gives a table the triggers that the first hold or lease gives it.
func (db *sqliteDB) guard(name string) {
	db.t.Helper()
	if _, err := sqlite.Guard(db.t.Context(), db.driver, sqlite.Options{}, name); err != nil {
		db.t.Fatal(err)
	}
}

func TestSQLiteHoldInPlainSQL(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, a, notes)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, code, a) VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)`)
		db.guard("t")
		db.exec(`INSERT INTO chrononaut_hold (table_name, record_keys, reason) VALUES ('t', '[{"id":2},{"id":9}]', 'it''s "held"')`)
		db.exec(`UPDATE t SET a = a + 1 WHERE id <> 2`)
		db.fails("TM016", `UPDATE t SET a = 0`)
		db.fails("TM016", `UPDATE t SET a = a`)
		db.fails("TM016", `DELETE FROM t`)
		db.fails("TM016", `INSERT INTO t (id) VALUES (9)`)
		db.fails("TM016", `UPDATE t SET id = 9 WHERE id = 1`)
		db.fails("TM016", `INSERT OR REPLACE INTO t (id, code) VALUES (2, 'n')`)
		db.fails("TM016", `INSERT OR REPLACE INTO t (id, code) VALUES (7, 'y')`)
		db.fails("TM016", `UPDATE OR REPLACE t SET code = 'y' WHERE id = 1`)
		db.exec(`INSERT OR IGNORE INTO t (id, code) VALUES (2, 'n')`)
		db.exec(`INSERT INTO t (id, code) VALUES (4, 'y') ON CONFLICT DO NOTHING`)
		db.exec(`INSERT OR REPLACE INTO t (id, code) VALUES (3, 'z2')`)
		db.fails("TM016", `INSERT INTO t (id, code) VALUES (4, 'y') ON CONFLICT (code) DO UPDATE SET a = 0`)
		db.wants("rows", db.rows(`SELECT id, code, a FROM t ORDER BY id`), `1|x|2`, `2|y|2`, `3|z2|`)
		db.exec(`UPDATE chrononaut_hold SET rationale = 'over' WHERE id = 1`)
		db.exec(`UPDATE t SET a = 0`)
		db.wants("records", db.rows(`SELECT operation, data FROM chrononaut_activity WHERE key = '{}' AND operation <> 'track'`),
			`hold|{"hold":1,"keys":[{"id":2},{"id":9}],"reason":"it's \"held\"","children":[],"allow_insert":false,"two_people":false}`,
			`release|{"hold":1,"keys":[{"id":2},{"id":9}],"children":[],"reason":"it's \"held\""}`)
		db.wants("guards", db.rows(`SELECT * FROM chrononaut_guard UNION ALL SELECT *, '', '', '', '', '' FROM chrononaut_guarded`))
	})
}
