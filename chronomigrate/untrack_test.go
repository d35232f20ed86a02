package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestUntrack(t *testing.T) {
	t.Parallel()

	t.Run("ends capture, keeps history and the version column, and track goes on from there", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE parts (id integer PRIMARY KEY, x text, secret text) PARTITION BY RANGE (id)`, `CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)`)
		opts := &chronomigrate.TrackOptions{Hidden: []string{"secret"}}
		f.track("parts", opts)
		f.exec(`INSERT INTO parts VALUES (1, 'a')`, `UPDATE parts SET x = 'b'`)
		before := f.text(`SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'untrack')`)
		plan, err := f.migrator.Untrack(t.Context(), f.table("parts"), nil)
		if err != nil || plan.Empty() {
			t.Fatalf("Untrack() = %+v, %v", plan, describe(err))
		}
		f.exec(`UPDATE parts SET x = 'not seen'`, `INSERT INTO parts VALUES (2, 'not seen')`, `INSERT INTO parts VALUES (3, 'not seen')`, `TRUNCATE low`, `INSERT INTO parts (id, x, version) VALUES (1, 'c', 1), (4, 'd', NULL)`)
		f.wantText(before, `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'untrack')`)
		f.wantText("0 0", `SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text IN ('parts', 'low')) || ' ' ||
			(SELECT count(*) FROM pg_proc WHERE proname LIKE 'parts%')`)
		f.wantText("public.parts untracked", `SELECT string_agg(table_schema || '.' || table_name || CASE WHEN tracked THEN ' tracked' ELSE ' untracked' END, ' ') FROM chrononaut.chrononaut_table`)
		f.wantCheck()
		if plan, err := f.migrator.Untrack(t.Context(), f.table("parts"), nil); err != nil || !plan.Empty() {
			t.Errorf("a second Untrack() = %+v, %v", plan, err)
		}

		// The registry remembers the options.
		f.track("parts", nil)
		f.wantText(`["secret"]`, `SELECT (options -> 'hidden')::text FROM chrononaut.chrononaut_table WHERE tracked`)
		if p := f.baseline("parts", 0); p.Recorded != 2 {
			t.Errorf("the baseline recorded %d rows, want both that are there", p.Recorded)
		}
		f.exec(`UPDATE parts SET x = 'e'`)
		f.wantText("1 baseline 2, 1 update 3, 4 baseline 0, 4 update 1", `SELECT string_agg(concat_ws(' ', key ->> 'id', operation, version), ', ' ORDER BY key, operation)
			FROM (SELECT * FROM chrononaut.chrononaut_activity WHERE operation <> 'suppress' ORDER BY id DESC LIMIT 4) AS a`)
		f.wantCheck()
	})

	t.Run("a table that was renamed or moved ends capture under its old name, and is tracked under the new one", func(t *testing.T) {
		t.Parallel()
		for _, rename := range []string{`ALTER TABLE parts RENAME TO pieces`, `CREATE SCHEMA attic; ALTER TABLE parts SET SCHEMA attic; ALTER TABLE low SET SCHEMA attic; SET search_path = attic, public; CREATE VIEW pieces AS SELECT * FROM parts`} {
			f := newFixture(t)
			f.exec(`CREATE TABLE parts (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id)`, `CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)`)
			f.track("parts", nil)
			f.exec(rename, `INSERT INTO pieces (id) VALUES (1)`)
			if _, err := f.migrator.Untrack(t.Context(), f.table("public.parts"), nil); err != nil {
				t.Fatalf("Untrack() = %v", describe(err))
			}
			f.exec(`INSERT INTO pieces (id) VALUES (2)`, `TRUNCATE low`)
			f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'untrack')`)
			f.wantText("0", `SELECT count(*)::text FROM pg_proc WHERE proname LIKE 'parts%'`)
			f.wantCheck()
		}
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos VALUES (1, 'a')`, `ALTER TABLE todos RENAME TO tasks`)
		f.track("tasks", &chronomigrate.TrackOptions{VersionColumn: "version"})
		if _, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil); err != nil {
			t.Fatalf("Untrack() = %v", describe(err))
		}
		f.exec(`UPDATE tasks SET title = 'b'`)
		f.wantText("todos insert 0, tasks baseline 0, tasks update 1", `SELECT string_agg(concat_ws(' ', table_name, operation, version), ', ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'untrack')`)
		f.wantCheck()
	})

	t.Run("a table that was dropped leaves nothing behind", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos VALUES (1, 'a')`, `DROP TABLE todos`)
		f.wantCheck("table_dropped public.todos")
		if _, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil); err != nil {
			t.Fatal(describe(err))
		}
		f.wantCheck()
		f.wantText("0", `SELECT count(*)::text FROM pg_proc WHERE proname LIKE 'todos%'`)
		f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'insert'`)
	})

	t.Run("what is not tracked is a typed error", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable)
		_, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil)
		wantTyped(t, "Untrack", err, chronomigrate.ErrNotTracked)
		_, err = f.migrator.Untrack(t.Context(), f.table("nothing"), nil)
		wantTyped(t, "Untrack", err, chronomigrate.ErrNoTable)
	})
}
