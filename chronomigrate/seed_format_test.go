package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// TestSeedFormat shows that history is in the form of Python chrononaut, so that
// each can read what the other writes.
func TestSeedFormat(t *testing.T) {
	t.Parallel()
	t.Run("the columns of Python chrononaut have its names and types", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.wantText("id bigint not null, table_name text not null, changed timestamp with time zone not null, version integer not null, "+
			"key jsonb not null, data jsonb not null, user_info jsonb not null, extra_info jsonb not null",
			`SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END, ', ' ORDER BY attnum)
			   FROM pg_attribute WHERE attrelid = 'chrononaut.chrononaut_activity'::regclass AND attnum BETWEEN 1 AND 8`)
	})

	t.Run("an insert as Python writes it is accepted, also twice", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`SET search_path = chrononaut, public`)
		for range 2 {
			f.exec(`INSERT INTO chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info)
				VALUES ('todos', now(), 0, '{"id": 1}', '{"id": 1, "title": "a", "version": 0}', '{"user_id": "ann", "remote_addr": null}', '{}')`)
		}
		f.wantText("2", `SELECT count(*)::text FROM chrononaut_activity WHERE operation IS NULL AND key = '{"id": 1.0}'`)
	})

	t.Run("what Go writes has Python's form", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, secret text, revision integer)`)
		f.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, VersionColumn: "revision"})
		f.exec(`INSERT INTO todos VALUES (1, 'a', 's')`, `UPDATE todos SET title = 'b'`, `DELETE FROM todos`)
		f.wantText("3 of 3", `SELECT count(*) FILTER (WHERE (data ->> 'version')::integer = version AND data ? 'revision'
				AND user_info ?& '{user_id,remote_addr}' AND jsonb_typeof(extra_info) = 'object') || ' of ' || count(*)
			FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.wantText(`["secret"]`, `SELECT extra_info ->> 'hidden_cols_changed' FROM chrononaut.chrononaut_activity WHERE operation = 'insert'`)
	})

	t.Run("later information wins, the trigger's own last", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, secret text)`)
		f.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
		f.exec(`SET chrononaut.context = '{"extra_info": {"a": 1, "b": 1, "hidden_cols_changed": 1},
			"records": [{"table_schema": "public", "table_name": "todos", "key": {"id": 1}, "extra_info": {"b": 2, "c": 2, "hidden_cols_changed": 2}}]}'`,
			`INSERT INTO todos VALUES (1, 's')`, `INSERT INTO todos VALUES (2, NULL)`)
		f.wantText(`{"a": 1, "b": 2, "c": 2, "hidden_cols_changed": ["secret"]}`, `SELECT extra_info::text FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}'`)
		f.wantText(`{"a": 1, "b": 1, "hidden_cols_changed": 1}`, `SELECT extra_info::text FROM chrononaut.chrononaut_activity WHERE key = '{"id": 2}'`)
	})
}
