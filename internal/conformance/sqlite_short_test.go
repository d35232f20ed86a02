package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// Most updates are recorded by a trigger that makes the state of a row in another
// way than the triggers for insertions and for everything else.
func TestSQLiteShortWayRecordsTheSame(t *testing.T) {
	t.Parallel()
	values := []string{
		`NULL`, `''`, `'abc'`, `'12'`, `'1.5'`, `' 5 '`, `'quote " and '' and \ and é 漢 🎈'`, `char(0, 65, 10, 127, 8232)`, `CAST(x'ff41' AS TEXT)`,
		`0`, `1`, `-1`, `9223372036854775807`, `-9223372036854775808`, `999999999999999`, `1000000000000001`, `4503599627370497`,
		`0.0`, `-0.0`, `1.0`, `0.1`, `0.1 + 0.2`, `12.34`, `-0.29`, `1.005`, `0.00005`, `1e-7`, `5e-324`, `1.0 / 3`, `123456789.1234`, `99999999999.9999`, `-99999999999.99991`,
		`1e11`, `1e15`, `1e15 + 0.5`, `9007199254740993.0`, `1e18`, `9223372036854775807.0`, `-9223372036854775808.0`, `1e19`, `1e300`, `1.7976931348623157e308`, `9e999`, `-9e999`,
		`x''`, `x'00ff'`, `zeroblob(3)`, `CAST('text' AS BLOB)`,
		// What a function for JSON returns is text once it is in a column.
		`json('{"a":[1,2]}')`, `json_set('{}', '$.a', 1)`, `json_array(1)`, `json_quote('x')`,
	}
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, a TEXT, b INTEGER, c NUMERIC, d DATETIME, e REAL, f BLOB, g, h VARCHAR(3) COLLATE NOCASE)`)
		db.exec(`CREATE TABLE s (id INTEGER PRIMARY KEY, n INT, a ANY, b ANY) STRICT`)
		for table, columns := range map[string]string{"t": "abcdefgh", "s": "ab"} {
			db.track(table, nil)
			columns := strings.Split(columns, "")
			for _, value := range values {
				db.exec(`BEGIN`)
				db.exec(fmt.Sprintf(`INSERT INTO %s (id, %s) VALUES (1, %s)`, table, strings.Join(columns, ", "), strings.Repeat(value+", ", len(columns)-1)+value))
				db.exec(`INSERT INTO ` + table + ` (id, n) VALUES (2, 0)`)
				db.exec(fmt.Sprintf(`UPDATE %s SET n = NULL, %s = %s WHERE id = 2`, table, strings.Join(columns, " = "+value+", "), value))
				db.exec(`UPDATE ` + table + ` SET n = 1`)
				db.exec(`UPDATE ` + table + ` SET n = NULL`)
				got := db.rows(`SELECT DISTINCT json_remove(data, '$.id', '$.version') FROM chrononaut_activity
					WHERE table_name = ?1 AND json_extract(data, '$.n') IS NULL AND id > (SELECT max(id) - 7 FROM chrononaut_activity)`, table)
				if len(got) != 1 {
					t.Errorf("%s: got states %q, want one", value, got)
				}
				db.exec(`DELETE FROM ` + table)
				db.exec(`COMMIT`)
			}
		}
	})
}

// Where another change of the row has come first, the short way does not see what
// it is based on.
func TestSQLiteShortWayGivesWay(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"a trigger before": `CREATE TRIGGER app BEFORE UPDATE OF a ON t BEGIN UPDATE t SET b = coalesce(b, 0) + 1 WHERE id = NEW.id; END`,
		"a trigger after":  `CREATE TRIGGER app AFTER UPDATE OF a ON t BEGIN UPDATE t SET b = coalesce(b, 0) + 1 WHERE id = NEW.id; END`,
		"a touch":          `CREATE TRIGGER app AFTER UPDATE ON t WHEN NEW.b IS NOT NEW.a BEGIN UPDATE t SET b = a WHERE id = NEW.id; END`,
		"other rows":       `CREATE TRIGGER app AFTER UPDATE OF a ON t BEGIN UPDATE t SET b = NEW.a WHERE id <> NEW.id; END`,
		"a deletion":       `CREATE TRIGGER app AFTER UPDATE OF a ON t WHEN NEW.a = 'gone' BEGIN DELETE FROM t WHERE id = NEW.id; END`,
		"a key":            `CREATE TRIGGER app AFTER UPDATE OF a ON t WHEN NEW.a = 'moved' BEGIN UPDATE t SET id = 10 * id WHERE id = NEW.id; END`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, later := range []bool{false, true} {
				t.Run(fmt.Sprintf("later %v", later), func(t *testing.T) {
					t.Parallel()
					eachMode(t, func(t *testing.T, db *sqliteDB) {
						db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)`)
						if later {
							db.track("t", nil)
						}
						db.exec(sql)
						db.track2(later)
						for _, sql := range []string{
							`INSERT INTO t (id, a) VALUES (1, 'A'), (2, 'B'), (3, 'C')`,
							`UPDATE t SET a = lower(a)`,
							`UPDATE t SET a = a || 'x', version = version + 1 WHERE id < 3`,
							`UPDATE t SET a = 'gone' WHERE id = 3`,
							`INSERT OR IGNORE INTO t (id, a) VALUES (3, 'again')`,
							`UPDATE t SET a = a || 'y'`,
							`UPDATE t SET a = 'moved' WHERE id = 2`,
							`INSERT OR IGNORE INTO t (id, a) VALUES (2, 'again')`,
							`UPDATE t SET a = a || 'z'`,
							`UPDATE t SET a = a`,
							`UPDATE t SET version = version + 1`,
						} {
							db.exec(sql)
							db.live("t", `'id', id, 'a', a, 'b', b`)
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

// A table of many columns, and one whose names JSON writes in another way, have their
// state put together from its parts on the short way too.
func TestSQLiteShortWayOfWideTablesAndOddNames(t *testing.T) {
	t.Parallel()
	var wide []string
	for n := range 58 {
		wide = append(wide, fmt.Sprintf("c%d", n))
	}
	for name, columns := range map[string][]string{
		"the most columns for one call": wide[:57],
		"one more":                      wide,
		"many":                          append(wide, strings.Split(strings.Join(wide, "x,")+"x", ",")...),
		"an umlaut":                     {"größe"},
		"a quote":                       {`a "b"`},
		"a backslash":                   {`a\b`},
		"an apostrophe":                 {`it's`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				members, quoted := []string{"'id', id"}, []string{"id INTEGER PRIMARY KEY"}
				for _, c := range columns {
					members = append(members, sqlite.QuoteLiteral(c)+", "+sqlite.QuoteIdent(c))
					quoted = append(quoted, sqlite.QuoteIdent(c)+" TEXT DEFAULT 'a'")
				}
				db.exec(`CREATE TABLE t (` + strings.Join(quoted, ", ") + `)`)
				db.track("t", nil)
				db.exec(`INSERT INTO t (id) VALUES (1), (2)`)
				first := sqlite.QuoteIdent(columns[0])
				db.exec(`UPDATE t SET ` + first + ` = 'b'`)
				db.exec(`UPDATE t SET ` + first + ` = 'c' WHERE id = 1`)
				db.wants("states that are no JSON objects", db.rows(`SELECT key, operation, data FROM chrononaut_activity
					WHERE NOT json_valid(data) OR json_type(data) <> 'object'`))
				// json_object takes no more than 63 columns.
				for n := 0; n < len(members); n += 50 {
					some := strings.Join(members[n:min(n+50, len(members))], ", ")
					db.wants("history and the table", db.rows(`SELECT (SELECT json_group_object(j.key, j.atom)
							FROM json_each(a.data) AS j WHERE j.key IN (SELECT key FROM json_each(m.members)))
						  FROM chrononaut_activity AS a, (SELECT id, json_object(`+some+`) AS members FROM t) AS m
						 WHERE a.table_name = 't' AND a.key = json_object('id', m.id) AND a.version = 3 - m.id ORDER BY m.id`),
						db.rows(`SELECT json_object(`+some+`) FROM t ORDER BY id`)...)
				}
				db.wants("versions", db.rows(`SELECT version, data ->> 'version' FROM chrononaut_activity WHERE table_name = 't' AND key = '{"id":1}' ORDER BY id`),
					"0|0", "1|1", "2|2")
				db.wants("problems", db.problems())
			})
		})
	}
}

// What is no JSON object could not be read as a state.
func TestSQLiteHistoryTakesObjects(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.migrator()
		for _, data := range []string{`'1'`, `1`, `'[]'`, `'null'`, `'"x"'`, `''`, `x'7b7d'`} {
			db.fails("TM004", `INSERT INTO chrononaut_activity (table_name, version, key, operation, data) VALUES ('t', 0, '{"id":1}', 'insert', `+data+`)`)
		}
		db.wants("problems", db.problems())
		// As an older version could write it.
		db.exec(`DROP TRIGGER chrononaut_activity_insert`)
		db.exec(`INSERT INTO chrononaut_activity (table_name, version, key, operation, data) VALUES ('t', 0, '{"id":1}', 'insert', '{}'), ('t', 1, '{"id":1}', 'update', 1), ('t', 2, '{"id":1}', 'update', '{"a":')`)
		db.wants("problems", db.problems(), "history_trigger chrononaut_activity_insert", "history_row 2")
	})
}

// What the database cannot refuse to those who write the file is found.
func TestSQLiteCheckFindsWhatWasForged(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		for name, key := range map[string]string{"t": "id INTEGER PRIMARY KEY", "u": "id TEXT PRIMARY KEY NOT NULL"} {
			db.exec(`CREATE TABLE ` + name + ` (` + key + `, a)`)
			db.track(name, nil)
			db.exec(`INSERT INTO ` + name + ` (id, a) VALUES ('1', 1), ('2', 2)`)
			db.exec(`UPDATE ` + name + ` SET a = 3`)
			db.exec(`DELETE FROM ` + name + ` WHERE id = '2'`)
			db.exec(`DELETE FROM chrononaut_keys_` + name)
		}
		db.exec(`INSERT INTO chrononaut_activity (table_name, version, key, data, operation) VALUES ('t', 0, '{"id":1}', '{"id":1,"a":"forged","version":0}', 'update')`)
		db.wants("problems", db.problems(), "history_row "+db.rows(`SELECT max(id) FROM chrononaut_activity`)[0], "past chrononaut_keys_t", "past chrononaut_keys_u")
		for _, name := range []string{"t", "u"} {
			db.exec(`DROP TABLE chrononaut_keys_` + name)
			db.track(name, nil)
		}
		db.wants("problems that are left", db.problems(), "history_row "+db.rows(`SELECT max(id) FROM chrononaut_activity WHERE key <> '{}'`)[0])
		db.wants("keys", db.rows(`SELECT id FROM chrononaut_keys_t UNION ALL SELECT id FROM chrononaut_keys_u ORDER BY id`), "1", "2", "1", "2")
	})
}
