package chronomigrate_test

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()

	t.Run("tables whose names share 62 bytes, in two schemas, have functions and histories of their own", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE SCHEMA second`)
		long := strings.Repeat("x", 62)
		var tables []string
		for _, schema := range []string{"public", "second"} {
			for _, last := range []string{"a", "b"} {
				table := schema + "." + long + last
				tables = append(tables, table)
				f.exec(`CREATE TABLE ` + table + ` (id integer PRIMARY KEY)`)
				f.track(table, nil)
			}
		}
		for _, table := range tables {
			f.exec(`INSERT INTO `+table+` VALUES (1)`, `DELETE FROM `+table)
		}
		f.wantText("4 8 0 1", `SELECT count(DISTINCT (table_schema, table_name)) || ' ' || count(*) || ' ' || min(version) || ' ' || max(version)
			FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.wantText("16", `SELECT count(DISTINCT tgfoid)::text FROM pg_trigger WHERE tgname LIKE '%chrononaut%' AND NOT tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'chrononaut'::regnamespace)`)
		f.wantCheck()
	})

	t.Run("history and the registry hold names and no object identifiers", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.wantText("NULL", `SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
			WHERE c.relnamespace = 'chrononaut'::regnamespace AND a.attnum > 0 AND c.relkind = 'r' AND (a.atttypid = 'oid'::regtype OR a.atttypid::regtype::text LIKE 'reg%')`)
	})

	t.Run("a setting that was local to an earlier transaction is no context", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`BEGIN; SET LOCAL chrononaut.context = '{"user_info": {"user_id": "ann"}}'; INSERT INTO todos VALUES (1, 'a'); COMMIT`)
		f.wantText("", `SELECT current_setting('chrononaut.context')`)
		f.exec(`INSERT INTO todos VALUES (2, 'b')`, `TRUNCATE todos`)
		f.wantHistory(
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0} by "ann"`,
			`tx2 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
			`tx3 todos truncate v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
			`tx3 todos truncate v1 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 1}`)
		// Outside a transaction SET LOCAL and set_config(…, true) end at once.
		f.exec(`SELECT set_config('chrononaut.context', '{"user_info": {"user_id": "bob"}}', true)`, `INSERT INTO todos VALUES (3, 'c')`)
		f.wantText("null", `SELECT (user_info -> 'user_id')::text FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`)
	})

	t.Run("a rollback to a savepoint restores who and why", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`BEGIN; SET LOCAL chrononaut.context = '{"user_info": {"user_id": "ann"}}'; SAVEPOINT s;
			SET LOCAL chrononaut.context = '{"user_info": {"user_id": "bob"}}'; INSERT INTO todos VALUES (1, 'a'); ROLLBACK TO s;
			INSERT INTO todos VALUES (2, 'b'); COMMIT`)
		f.wantHistory(`tx1 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0} by "ann"`)
	})
}
