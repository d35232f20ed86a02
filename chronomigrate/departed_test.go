package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// A table from which no record has ever gone is not asked for earlier lives of a key that is
// inserted. However the first one goes, its versions go on when it comes back, and the row
// that RETURNING shows already has the right one.
func TestKeysThatComeBack(t *testing.T) {
	t.Parallel()
	const insert = `INSERT INTO todos (id, title) VALUES (1, 'again') RETURNING version::text`
	for _, tc := range []struct {
		name string
		goes []string
		back string
		want string
	}{
		{"a DELETE", []string{`DELETE FROM todos WHERE id = 1`}, insert, "3"},
		{"a DELETE of all rows", []string{`DELETE FROM todos`}, insert, "3"},
		{"a DELETE that is rolled back, and another", []string{`BEGIN; DELETE FROM todos; ROLLBACK`, `DELETE FROM todos`}, insert, "3"},
		{"a DELETE in the same transaction", []string{`BEGIN`, `DELETE FROM todos`}, insert, "3"},
		{"a DELETE that is recorded row by row", []string{`BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL chrononaut.rekeyed = 'x'; DELETE FROM todos; COMMIT`}, insert, "3"},
		{"a cascade", []string{`ALTER TABLE todos ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES parents ON DELETE CASCADE`, `DELETE FROM parents`, `INSERT INTO parents VALUES (1)`}, insert, "3"},
		{"a MERGE", []string{`MERGE INTO todos AS t USING (VALUES (1)) AS v (id) ON t.id = v.id WHEN MATCHED THEN DELETE`}, insert, "3"},
		{"TRUNCATE", []string{`TRUNCATE todos`}, insert, "3"},
		{"another key", []string{`UPDATE todos SET id = 7 WHERE id = 1`}, insert, "3"},
		{"the unsafe door", []string{`BEGIN; SELECT chrononaut.suppress('test'); DELETE FROM todos; COMMIT`}, insert, "3"},
		{"among other rows", []string{`DELETE FROM todos`}, `WITH x AS (INSERT INTO todos SELECT g, 'x' FROM generate_series(1, 3) AS g RETURNING id, version) SELECT version::text FROM x WHERE id = 1`, "3"},
		{"a version that is given", []string{`DELETE FROM todos`}, `INSERT INTO todos (id, title, version) VALUES (1, 'again', 0) RETURNING version::text`, "3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE parents (id integer PRIMARY KEY); INSERT INTO parents VALUES (1)`)
			f.todos()
			f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`)
			if tc.name == "a MERGE" && f.text(`SELECT current_setting('server_version_num')`) < "150000" {
				t.Skip("PostgreSQL 14 has no MERGE")
			}
			f.exec(tc.goes...)
			f.wantText(tc.want, tc.back)
			f.exec(`COMMIT`)
			f.wantText(tc.want, `SELECT version::text FROM todos WHERE id = 1`)
			f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}' AND version = $1::integer`, tc.want)
			f.exec(`UPDATE todos SET title = 'c' WHERE id = 1`)
			f.wantText(tc.want, `SELECT (version - 1)::text FROM todos WHERE id = 1`)
		})
	}

	t.Run("what went while the table was not tracked", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
		if _, err := f.migrator.Untrack(t.Context(), chronodriver.Table{Name: "todos"}, nil); err != nil {
			t.Fatal(err)
		}
		f.exec(`DELETE FROM todos`)
		f.track("todos", nil)
		f.wantText("2", insert)
	})

	t.Run("what went while the triggers were off is put right after the row is written", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `ALTER TABLE todos DISABLE TRIGGER USER; DELETE FROM todos; ALTER TABLE todos ENABLE TRIGGER USER`,
			`INSERT INTO todos (id, title) VALUES (1, 'b'), (2, 'b')`)
		f.wantText("2 0", `SELECT string_agg(version::text, ' ' ORDER BY id) FROM todos`)
		f.wantText("0 2 of 1, 0 of 2", `SELECT string_agg(versions || ' of ' || id, ', ' ORDER BY id) FROM (
			SELECT key ->> 'id' AS id, string_agg(version::text, ' ' ORDER BY version) AS versions FROM chrononaut.chrononaut_activity WHERE key <> '{}' GROUP BY 1) AS h`)
	})

	t.Run("a restored dump has switched triggers off and on", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`ALTER TABLE todos DISABLE TRIGGER ALL`, `ALTER TABLE todos ENABLE TRIGGER ALL`,
			`INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'b')`, `UPDATE todos SET title = 'c'`, `DELETE FROM todos`)
		f.wantText("0 0 1 1 2 2", `SELECT string_agg(version::text, ' ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
	})

	t.Run("a table that is made again under its name", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `DROP TABLE todos`)
		f.todos()
		f.wantText("2", insert)
	})

	t.Run("a trigger of the application inserts the key that the statement deletes", func(t *testing.T) {
		t.Parallel()
		for _, when := range []string{"BEFORE", "AFTER"} {
			f := newFixture(t)
			f.todos()
			f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`,
				`CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO todos (id, title) VALUES (OLD.id, 'back') ON CONFLICT DO NOTHING; RETURN OLD; END $$`,
				`CREATE TRIGGER a `+when+` DELETE ON todos FOR EACH ROW EXECUTE FUNCTION back()`)
			f.track("todos", nil)
			f.exec(`DELETE FROM todos`)
			f.wantText("0", `SELECT (count(*) - count(DISTINCT version))::text FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
			if when == "AFTER" {
				f.wantText("2", `SELECT version::text FROM todos`)
			}
		}
	})

	t.Run("an INSERT that waits for the first DELETE", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
		one, two := f.connect(), f.connect()
		f.execOn(one, `BEGIN`, `UPDATE todos SET title = 'b'`)
		f.execOn(two, `BEGIN`)
		// The row is deleted after the other session has looked whether any was.
		done := make(chan error, 1)
		go func() { done <- try(t.Context(), two, `INSERT INTO todos (id, title) VALUES (1, 'c')`) }()
		f.blocked(two)
		f.execOn(one, `DELETE FROM todos`, `COMMIT`)
		if err := <-done; err != nil {
			t.Fatal(describe(err))
		}
		f.execOn(two, `COMMIT`)
		f.wantText("0 insert, 1 update, 2 delete, 3 insert", `SELECT string_agg(version || ' ' || operation, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
		f.wantText("3", `SELECT version::text FROM todos`)
	})

	t.Run("no bit is set in a table from which nothing went", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, `INSERT INTO todos VALUES (1, 'a')`)
		f.track("todos", nil)
		f.baseline("todos", 0)
		f.exec(`INSERT INTO todos VALUES (2, 'b')`, `UPDATE todos SET title = 'c'`, `INSERT INTO todos VALUES (2, 'b') ON CONFLICT (id) DO UPDATE SET title = excluded.title`)
		f.track("todos", &chronomigrate.TrackOptions{Strict: true})
		f.wantText("0", `SELECT last_value::text FROM chrononaut.chrononaut_departed`)
	})
}
