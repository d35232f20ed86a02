package conformance_test

import (
	"fmt"
	"strings"
	"testing"
)

// Most updates are recorded by a trigger that makes the state of a row in another
// way than the triggers for insertions and for everything else.
func TestSQLiteShortWayRecordsTheSame(t *testing.T) {
	t.Parallel()
	values := []string{
		`NULL`, `''`, `'abc'`, `'12'`, `'1.5'`, `' 5 '`, `'quote " and '' and \ and é 漢 🎈'`, `char(0, 65, 10, 127, 8232)`, `CAST(x'ff41' AS TEXT)`,
		`0`, `1`, `-1`, `9223372036854775807`, `-9223372036854775808`, `999999999999999`, `1000000000000001`, `4503599627370497`,
		`0.0`, `-0.0`, `1.0`, `0.1`, `0.1 + 0.2`, `12.34`, `-0.29`, `1.005`, `0.00005`, `1e-7`, `5e-324`, `1.0 / 3`, `123456789.1234`, `99999999999.9999`, `-99999999999.99991`,
		`1e11`, `1e15`, `1e15 + 0.5`, `9007199254740993.0`, `1e18`, `9223372036854775807.0`, `1e19`, `1e300`, `1.7976931348623157e308`, `9e999`, `-9e999`,
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
