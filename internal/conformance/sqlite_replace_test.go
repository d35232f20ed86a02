package conformance_test

import (
	"slices"
	"strings"
	"testing"
)

func TestSQLiteReplaceRecordsWhatItDeletes(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT NOT NULL DEFAULT 'x', UNIQUE (name))`)
		db.exec(`INSERT INTO users VALUES (9, 'old@x', 'before')`)
		db.track("users", nil)
		db.exec(`INSERT INTO users VALUES (1, 'a@x', 'a', 0), (2, 'b@x', 'b', 0), (3, 'c@x', 'c', 0)`)
		clear := func() []string {
			lines := db.rows(`SELECT operation, version, key, data FROM chrononaut_activity WHERE key <> '{}' AND id > coalesce((SELECT value FROM seen), 0) ORDER BY id`)
			db.exec(`UPDATE seen SET value = (SELECT max(id) FROM chrononaut_activity)`)
			return lines
		}
		db.exec(`CREATE TABLE seen (value INT)`)
		db.exec(`INSERT INTO seen SELECT max(id) FROM chrononaut_activity`)

		db.exec(`REPLACE INTO users (id, email, name) VALUES (1, 'a2@x', 'a')`)
		db.wants("the same key replaced", clear(),
			`delete|1|{"id":1}|{"id":1,"email":"a@x","name":"a","version":1}`,
			`insert|2|{"id":1}|{"id":1,"email":"a2@x","name":"a","version":2}`)

		db.exec(`INSERT OR REPLACE INTO users (email, name) VALUES ('b@x', 'c')`)
		lines := clear()
		slices.Sort(lines[:2]) // the order is SQLite's
		db.wants("two rows replaced by a third", lines,
			`delete|1|{"id":2}|{"id":2,"email":"b@x","name":"b","version":1}`,
			`delete|1|{"id":3}|{"id":3,"email":"c@x","name":"c","version":1}`,
			`insert|0|{"id":10}|{"id":10,"email":"b@x","name":"c","version":0}`)

		db.exec(`INSERT OR REPLACE INTO users (id, email, name) VALUES (11, 'old@x', NULL)`)
		db.wants("a row without history replaced", clear(),
			`baseline|0|{"id":9}|{"id":9,"email":"old@x","name":"before","version":0}`,
			`delete|1|{"id":9}|{"id":9,"email":"old@x","name":"before","version":1}`,
			`insert|0|{"id":11}|{"id":11,"email":"old@x","name":"x","version":0}`)

		db.exec(`INSERT OR REPLACE INTO users (id, email) VALUES (12, 'd@x')`)
		db.wants("a row replaced through a default", clear(),
			`delete|1|{"id":11}|{"id":11,"email":"old@x","name":"x","version":1}`,
			`insert|0|{"id":12}|{"id":12,"email":"d@x","name":"x","version":0}`)

		db.exec(`UPDATE OR REPLACE users SET email = 'b@x' WHERE id = 1`)
		db.wants("a row replaced by an update", clear(),
			`delete|1|{"id":10}|{"id":10,"email":"b@x","name":"c","version":1}`,
			`update|3|{"id":1}|{"id":1,"email":"b@x","name":"a","version":3}`)

		db.exec(`UPDATE OR REPLACE users SET id = 1 WHERE id = 12`)
		db.wants("a row replaced by a change of the key", clear(),
			`delete|4|{"id":1}|{"id":1,"email":"b@x","name":"a","version":4}`,
			`update|5|{"id":1}|{"id":1,"email":"d@x","name":"x","version":5}`)

		db.exec(`INSERT OR IGNORE INTO users (id, email, name) VALUES (1, 'z@x', 'z'), (2, 'd@x', 'z')`)
		db.exec(`INSERT INTO users (id, email, name) VALUES (1, 'z@x', 'z') ON CONFLICT DO NOTHING`)
		db.exec(`UPDATE OR IGNORE users SET name = NULL`)
		db.wants("ignored", clear())

		db.exec(`INSERT INTO users (id, email, name) VALUES (1, 'z@x', 'z') ON CONFLICT (id) DO UPDATE SET email = excluded.email`)
		db.wants("upsert", clear(), `update|6|{"id":1}|{"id":1,"email":"z@x","name":"x","version":6}`)
		db.exec(`INSERT INTO users (id, email, name) VALUES (5, 'z@x', 'n') ON CONFLICT (email) DO UPDATE SET id = excluded.id, name = 'm'`)
		db.wants("upsert that changes the key", clear(), `update|7|{"id":5}|{"id":5,"email":"z@x","name":"m","version":7}`)
		db.exec(`INSERT INTO users (id, email, name) VALUES (6, 'f@x', 'f')`)
		db.exec(`DELETE FROM users WHERE id = 5`)
		db.wants("afterwards", clear(),
			`insert|0|{"id":6}|{"id":6,"email":"f@x","name":"f","version":0}`,
			`delete|8|{"id":5}|{"id":5,"email":"z@x","name":"m","version":8}`)
		db.wants("the table", db.rows(`SELECT * FROM users`), `6|f@x|f|0`)
	})
}

func TestSQLiteReplaceThroughOddIndexes(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, a TEXT, b INT, gone INT DEFAULT 0, s AS (a || '/' || b) UNIQUE)`)
		db.exec(`CREATE UNIQUE INDEX live ON t (a COLLATE NOCASE) WHERE gone = 0`)
		db.exec(`CREATE UNIQUE INDEX expression ON t (abs(b) DESC, lower(a))`)
		db.track("t", nil)
		history := func() []string {
			return db.rows(`SELECT operation, version, key FROM chrononaut_activity WHERE key <> '{}' AND id > (SELECT value FROM seen) ORDER BY id`)
		}
		db.exec(`CREATE TABLE seen (value INT)`)
		for _, tc := range []struct {
			what string
			rows string // before
			sql  string
			want []string
		}{
			{"by a collation", `('A', 'x', 1, 0)`, `('a', 'y', 2, 0)`, []string{`delete|1|{"k":"A"}`, `insert|0|{"k":"a"}`}},
			{"by a partial index", `('p', 'x', 1, 0), ('q', 'x', 2, 1)`, `('r', 'X', 3, 0)`, []string{`delete|1|{"k":"p"}`, `insert|0|{"k":"r"}`}},
			{"by an expression", `('u', 'x', 5, 1)`, `('v', 'X', -5, 1)`, []string{`delete|1|{"k":"u"}`, `insert|0|{"k":"v"}`}},
			{"by a generated column", `('g', 'x', 7, 1)`, `('h', 'x', 7, 1)`, []string{`delete|1|{"k":"g"}`, `insert|0|{"k":"h"}`}},
		} {
			db.exec(`DELETE FROM t`)
			db.exec(`INSERT INTO t (k, a, b, gone) VALUES ` + tc.rows)
			db.exec(`DELETE FROM seen`)
			db.exec(`INSERT INTO seen SELECT max(id) FROM chrononaut_activity`)
			db.exec(`INSERT OR REPLACE INTO t (k, a, b, gone) VALUES ` + tc.sql)
			db.wants("replaced "+tc.what, history(), tc.want...)
		}
	})
}

func TestSQLiteReplaceByRowid(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (rowid, k) VALUES (1, 'a')`)
		db.exec(`REPLACE INTO t (rowid, k) VALUES (1, 'b')`)
		db.exec(`REPLACE INTO t (k) VALUES ('c')`)
		db.wants("history", db.rows(`SELECT operation, version, key FROM chrononaut_activity WHERE key <> '{}' ORDER BY id`),
			`insert|0|{"k":"a"}`, `delete|1|{"k":"a"}`, `insert|0|{"k":"b"}`, `insert|0|{"k":"c"}`)
	})
}

// What a foreign key or a trigger does because a row is replaced can write the same
// table, before the row that takes the place is there.
func TestSQLiteReplaceWhoseDeletionWritesTheTable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		schema []string
		tables []string
		rows   string
		sql    string
	}{
		"a reference to the table itself": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, prev INT UNIQUE REFERENCES t ON DELETE SET NULL)`},
			rows:   `INSERT INTO t (id, u, prev) VALUES (1, 'x', NULL), (2, 'y', 1)`,
			sql:    `INSERT OR REPLACE INTO t (id, u) VALUES (9, 'x')`,
		},
		"the same of an update": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, prev INT UNIQUE REFERENCES t ON DELETE SET NULL)`},
			rows:   `INSERT INTO t (id, u, prev) VALUES (1, 'x', NULL), (2, 'y', 1), (9, 'z', NULL)`,
			sql:    `UPDATE OR REPLACE t SET u = 'x' WHERE id = 9`,
		},
		"several replaced, each with a reference": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v TEXT UNIQUE, prev INT REFERENCES t ON DELETE SET NULL, n INT, UNIQUE (prev, n))`},
			rows:   `INSERT INTO t (id, u, v, prev, n) VALUES (1, 'x', 'a', NULL, 1), (2, 'y', 'b', 1, 1), (3, 'z', 'c', 1, 2), (4, 'p', 'd', 2, 1), (5, 'q', 'e', 2, 2), (6, 'r', 'f', 4, 1)`,
			sql:    `INSERT OR REPLACE INTO t (id, u, v) VALUES (4, 'x', 'b')`,
		},
		"a cascade within the table": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, prev INT UNIQUE REFERENCES t ON DELETE CASCADE)`},
			rows:   `INSERT INTO t (id, u, prev) VALUES (1, 'x', NULL), (2, 'y', 1), (3, 'z', 2)`,
			sql:    `INSERT OR REPLACE INTO t (id, u) VALUES (9, 'x')`,
		},
		"a trigger of a table that refers to it": {
			schema: []string{
				`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, n INT)`,
				`CREATE TABLE c (id INTEGER PRIMARY KEY, t_id INT REFERENCES t ON DELETE CASCADE)`,
				`CREATE TRIGGER logged AFTER DELETE ON c BEGIN
					INSERT INTO t (id, u, n) VALUES (100 + OLD.id, 'log ' || OLD.id, 0);
					INSERT OR IGNORE INTO t (id, u, n) VALUES (100 + OLD.id, 'log ' || OLD.id, 0);
					INSERT INTO t (id, u, n) VALUES (200, 'count', 1) ON CONFLICT (u) DO UPDATE SET n = n + 1;
					INSERT OR REPLACE INTO t (id, u, n) VALUES (300 + OLD.id, 'last', 0);
					INSERT OR IGNORE INTO t (id, u, n) VALUES (400, 'again', 0);
					UPDATE t SET n = n + 1 WHERE id = 400;
					INSERT OR REPLACE INTO t (id, u, n) VALUES (400, 'again', (SELECT n + 1 FROM t WHERE id = 400));
				END`,
			},
			tables: []string{"c"},
			rows:   `INSERT INTO t (id, u, n) VALUES (1, 'x', 1), (2, 'y', 1); INSERT INTO c (id, t_id) VALUES (1, 1), (2, 1), (3, 2)`,
			sql:    `INSERT OR REPLACE INTO t (id, u) VALUES (2, 'x')`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachMode(t, func(t *testing.T, db *sqliteDB) {
				for _, sql := range tc.schema {
					db.exec(sql)
				}
				for _, table := range append(tc.tables, "t") {
					db.track(table, nil)
				}
				db.exec(tc.rows)
				columns := strings.Join(db.rows(`SELECT quote(name) || ', ' || name FROM pragma_table_info('t') WHERE name <> 'version'`), ", ")
				if strings.HasPrefix(tc.sql, "UPDATE") && db.rows(`PRAGMA recursive_triggers`)[0] == "1" {
					// SQLite refuses it, as with any trigger for DELETE.
					db.fails("constraint failed", tc.sql)
					return
				}
				db.exec(tc.sql)
				db.live("t", columns)
				db.wants("the deletion of 1", db.rows(`SELECT operation, json_extract(data, '$.u') FROM chrononaut_activity WHERE table_name = 't' AND key = '{"id":1}' AND operation = 'delete'`), "delete|x")
				db.wants("deletions of another state than the one before", db.rows(`SELECT a.key, a.version FROM chrononaut_activity AS a
					JOIN chrononaut_activity AS b ON b.table_name = a.table_name AND b.key = a.key AND b.version = a.version - 1
					WHERE a.operation = 'delete' AND json_remove(a.data, '$.version') <> json_remove(b.data, '$.version')`))
				db.exec(`UPDATE t SET u = u || '.'`)
				db.live("t", columns)
				db.wants("scratch is small", db.rows(`SELECT count(*) < 10 FROM chrononaut_replaced`), "1")
			})
		})
	}
}

// Rows that were ignored or updated leave notes, of which a statement must not
// gather as many as it has rows.
func TestSQLiteReplaceLeavesFewNotes(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, n INT)`)
		db.track("t", nil)
		const rows = ` (id, u, n) WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 300) SELECT i, 'u' || i, 0 FROM s WHERE true`
		for _, sql := range []string{
			`INSERT INTO t` + rows,
			`INSERT OR IGNORE INTO t` + rows,
			`INSERT INTO t` + rows + ` ON CONFLICT (u) DO UPDATE SET n = n + 1`,
			`INSERT INTO t` + rows + ` ON CONFLICT (u) DO NOTHING`,
			`INSERT OR REPLACE INTO t` + rows,
			`UPDATE OR IGNORE t SET u = 'u5'`,
			`INSERT INTO t` + rows + ` ON CONFLICT (u) DO UPDATE SET id = id + 1000`,
		} {
			db.exec(sql)
			db.wants("scratch after "+sql, db.rows(`SELECT count(*) < 10 FROM chrononaut_replaced`), "1")
		}
		db.live("t", `'id', id, 'u', u, 'n', n`)
	})
}
