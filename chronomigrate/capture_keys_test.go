package chronomigrate_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestCaptureKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN code AS text`)
	for i, tc := range []struct{ typ, one, two, key string }{
		{"integer", "-1", "2", `{"id": -1}`},
		{"bigint", "9223372036854775807", "1", `{"id": 9223372036854775807}`},
		{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'00000000-0000-0000-0000-000000000000'", `{"id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}`},
		{"text", `E'it''s "\\\n\U0001F600'`, "''", `{"id": "it's \"\\\n😀"}`},
		{"varchar(5)", "'a'", "'b'", `{"id": "a"}`},
		{"char(3)", "'a'", "'b'", `{"id": "a  "}`},
		{"code", "'a'", "'b'", `{"id": "a"}`},
		{"date", "'0044-03-15 BC'", "'infinity'", `{"id": "0044-03-15 BC"}`},
		{"numeric", "1.10", "'NaN'", `{"id": 1.10}`},
		{"bytea", `'\x00ff'`, `''`, `{"id": "\\x00ff"}`},
		{"timestamptz", "'2024-01-01 00:00:00.000001+05:45'", "'infinity'", `{"id": "2023-12-31T18:15:00.000001+00:00"}`},
		{"timestamp", "'2024-01-01 00:00:00.5'", "'-infinity'", `{"id": "2024-01-01T00:00:00.5"}`},
		{"mood", "'happy'", "'sad'", `{"id": "happy"}`},
		{"boolean", "true", "false", `{"id": true}`},
		{"interval", "'1 day -01:00'", "'0'", `{"id": "1 day -01:00:00"}`},
		{"inet", "'10.0.0.1/8'", "'::1'", `{"id": "10.0.0.1/8"}`},
		{"double precision", "0.1", "'NaN'", `{"id": 0.1}`},
		{"int4range", "'[1,5)'", "'empty'", `{"id": "[1,5)"}`},
		{"integer[]", "'{1,2}'", "'{}'", `{"id": [1, 2]}`},
		{"jsonb", `'{"a": 1}'`, `'[]'`, `{"id": {"a": 1}}`},
		{"text", "repeat('k', 2000)", "'x'", `{"id": "` + strings.Repeat("k", 2000) + `"}`},
		{"bytea", `decode(repeat('ff', 2560), 'hex')`, "''", `{"id": "\\x` + strings.Repeat("ff", 2560) + `"}`},
	} {
		t.Run(fmt.Sprintf("a key of type %s (%d)", tc.typ, i), func(t *testing.T) {
			f := &fixture{T: t, db: f.db, pool: f.pool, migrator: f.migrator, conn: f.connect()}
			name := fmt.Sprintf("k%d", i)
			f.exec(f.available(strings.Replace(otherSession, "SET search_path = other, pg_catalog;", "", 1)), `SET standard_conforming_strings = on`,
				`CREATE TABLE `+name+` (id `+tc.typ+` PRIMARY KEY, x text)`)
			f.track(name, nil)
			f.exec(fmt.Sprintf(`INSERT INTO %s VALUES (%s, 'a')`, name, tc.one), fmt.Sprintf(`UPDATE %s SET x = 'b' WHERE id = %s`, name, tc.one),
				fmt.Sprintf(`UPDATE %s SET id = %s`, name, tc.two), fmt.Sprintf(`DELETE FROM %s`, name),
				fmt.Sprintf(`INSERT INTO %s VALUES (%s, 'c')`, name, tc.one), fmt.Sprintf(`TRUNCATE %s`, name))
			f.wantText("insert 0, update 1, update 2, delete 3, insert 3, truncate 4", `
				SELECT string_agg(operation || ' ' || version, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND operation <> 'track'`, name)
			f.wantText(tc.key, `SELECT key::text FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND operation = 'insert' ORDER BY id LIMIT 1`, name)
			f.wantText(tc.key, `SELECT previous_key::text FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND previous_key IS NOT NULL`, name)
		})
	}

	t.Run("composite, identity and INCLUDE keys", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE c (b text, a integer, x text, PRIMARY KEY (a, b))`,
			`CREATE TABLE i (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)`,
			`CREATE TABLE n (id integer, x text, PRIMARY KEY (id) INCLUDE (x))`)
		f.track("c", nil)
		f.track("i", nil)
		f.track("n", nil)
		f.exec(`INSERT INTO c VALUES ('k', 1, 'x')`, `INSERT INTO i (x) VALUES ('x')`, `INSERT INTO n VALUES (1, 'x')`)
		f.wantHistory(`tx1 c insert v0 {"a": 1, "b": "k"} {"a": 1, "b": "k", "x": "x", "version": 0}`,
			`tx2 i insert v0 {"id": 1} {"x": "x", "id": 1, "version": 0}`,
			`tx3 n insert v0 {"id": 1} {"x": "x", "id": 1, "version": 0}`)
	})
}

// The hash functions of jsonb leave out the sign of a number.
func TestCaptureTellsKeysApartByTheirSign(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1), (-1)`, `UPDATE todos SET title = 'x' WHERE id = -1`)
	f.wantText("1,-1,-1", `SELECT string_agg(key ->> 'id', ',' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
}

// Two numbers that are written differently are one key, of which a version may
// occur once only.
func TestEqualKeysAreOneKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO chrononaut.chrononaut_activity (table_schema, table_name, key, version, operation)
		VALUES ('public', 't', '{"id": 1.50}', 3, 'update'), ('public', 't', '{"id": -1.50}', 3, 'update'), ('public', 't', '{"id": "1.50"}', 3, 'update')`)
	f.wantText("0", `WITH again AS (INSERT INTO chrononaut.chrononaut_activity (table_schema, table_name, key, version, operation)
		VALUES ('public', 't', '{"id": 1.5}', 3, 'update'), ('public', 't', '{"id": -1.5000}', 3, 'update') ON CONFLICT DO NOTHING RETURNING 1)
		SELECT count(*)::text FROM again`)
}
