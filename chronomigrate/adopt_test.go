package chronomigrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// pythonHistory is the history table as Python chrononaut makes it.
const pythonHistory = `
	CREATE TABLE chrononaut_activity (
	  id BIGSERIAL NOT NULL PRIMARY KEY, table_name TEXT NOT NULL, changed TIMESTAMP WITH TIME ZONE NOT NULL, version INTEGER NOT NULL,
	  key JSONB DEFAULT '{}' NOT NULL, data JSONB DEFAULT '{}' NOT NULL, user_info JSONB DEFAULT '{}' NOT NULL, extra_info JSONB DEFAULT '{}' NOT NULL);
	CREATE INDEX ix_chrononaut_activity_key_table_name ON chrononaut_activity (key, table_name)`

// newPython gives the test a database that Python chrononaut uses.
func newPython(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t).another()
	f.exec(pythonHistory, `CREATE TABLE todos (id integer PRIMARY KEY, title text, version integer)`)
	f.migrator = f.newMigrator(&chronomigrate.Config{Schema: "public"})
	return f
}

// pythonWrites inserts a row as Python does.
const pythonWrites = `INSERT INTO chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info)
	VALUES ('todos', now(), 0, '{"id": 1}', '{"id": 1, "title": "a", "version": 0}', '{"user_id": null, "remote_addr": null}', '{}')`

func (f *fixture) adopt(opts *chronomigrate.AdoptOpts) *chronomigrate.AdoptResult {
	f.Helper()
	result, err := f.migrator.Adopt(f.Context(), opts)
	if err != nil {
		f.Fatalf("Adopt() = %v", describe(err))
	}
	return result
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	t.Run("the table becomes the history table that a new installation has, and is not rewritten", func(t *testing.T) {
		t.Parallel()
		const shape = `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
			SELECT 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS line
			  FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			 WHERE a.attrelid = 'chrononaut_activity'::regclass AND a.attnum > 0 AND NOT a.attisdropped
			UNION ALL SELECT pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid::text FROM pg_index AS i WHERE i.indrelid = 'chrononaut_activity'::regclass
			UNION ALL SELECT pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text FROM pg_trigger AS g WHERE g.tgrelid = 'chrononaut_activity'::regclass
			UNION ALL SELECT c.relname || ' ' || c.relkind::text FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S')
			UNION ALL SELECT f.proname FROM pg_proc AS f WHERE f.pronamespace = 'public'::regnamespace
			UNION ALL SELECT 'migration ' || version::text || ' ' || name FROM chrononaut_migration
			UNION ALL SELECT obj_description('chrononaut_activity'::regclass, 'pg_class')) AS lines`
		fresh := newFixture(t).another()
		fresh.migrator = fresh.newMigrator(&chronomigrate.Config{Schema: "public"})
		fresh.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, version integer)`)
		if _, err := fresh.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		f := newPython(t)
		f.exec(pythonWrites)
		const file = `SELECT pg_relation_filenode('chrononaut_activity')::text`
		before := f.text(file)
		f.adopt(nil)
		f.wantText(before, file)
		got := strings.Split(f.text(shape), "\n")
		var others []string
		for _, line := range got {
			// What is Python's, and what only an adopted table has.
			if !strings.Contains(line, "ix_chrononaut_activity_key_table_name") && !strings.Contains(line, "chrononaut_activity_python") {
				others = append(others, line)
			}
		}
		if len(others) != len(got)-2 {
			t.Error("an index is missing")
		}
		if diff := cmp.Diff(strings.Split(fresh.text(shape), "\n"), others); diff != "" {
			t.Errorf("an adopted table differs (-new +adopted):\n%s", diff)
		}
		f.wantText("1, no operation, no transaction", `SELECT count(*) || ', ' || coalesce(max(operation), 'no operation') || ', ' || coalesce(max(transaction_id::text), 'no transaction') FROM chrononaut_activity WHERE key <> '{}'`)
		f.wantCheck()
	})

	t.Run("Python goes on writing, and tracking goes on where it was", func(t *testing.T) {
		t.Parallel()
		f := newPython(t)
		f.exec(pythonWrites, `INSERT INTO todos VALUES (1, 'a', 0)`)
		result := f.adopt(nil)
		want := []chronomigrate.AdoptedRows{{Name: "todos", Tables: []chronodriver.Table{{Schema: "public", Name: "todos"}}}}
		if diff := cmp.Diff(want, result.Rows); diff != "" {
			t.Error(diff)
		}
		f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
		f.exec(pythonWrites, `UPDATE todos SET title = 'b'`)
		f.wantText("0, 0, 1", `SELECT string_agg(version::text, ', ' ORDER BY id) FROM chrononaut_activity WHERE key <> '{}'`)
		f.wantCheck()
		if steps := f.adopt(nil).Steps; len(steps) != 0 {
			t.Errorf("the second run has %d steps", len(steps))
		}
		// Tracking again keeps what is declared.
		f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
		f.wantText(`[{"name": "todos"}]`, `SELECT options ->> 'python' FROM chrononaut_table`)
	})

	t.Run("a run goes on wherever the last one stopped", func(t *testing.T) {
		t.Parallel()
		f := newPython(t)
		f.exec(pythonWrites)
		left := func() int {
			return len(f.adopt(&chronomigrate.AdoptOpts{ApplyOpts: chronomigrate.ApplyOpts{DryRun: true}}).Steps)
		}
		for want := left() - 1; want > 0; want-- {
			// The run ends when it is about to take its second step.
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			_, err := f.migrator.Adopt(ctx, &chronomigrate.AdoptOpts{Progress: func(chronomigrate.AdoptStep) {
				if n++; n == 2 {
					cancel()
				}
			}})
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got error %v", err)
			}
			if got := left(); got != want {
				t.Fatalf("%d steps are left, want %d", got, want)
			}
		}
		f.adopt(nil)
		f.wantCheck()
	})

	t.Run("an index that an interruption left invalid is built anew", func(t *testing.T) {
		t.Parallel()
		f := newPython(t)
		f.exec(pythonWrites)
		f.adopt(nil)
		f.exec(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'chrononaut_activity_record'::regclass`)
		if got := len(f.adopt(nil).Steps); got != 2 {
			t.Errorf("%d steps, want one that drops it and one that builds it", got)
		}
		f.wantText("0", `SELECT count(*)::text FROM pg_index WHERE NOT indisvalid`)
		f.wantCheck()
	})

	t.Run("it waits for locks only briefly", func(t *testing.T) {
		t.Parallel()
		f := newPython(t)
		f.exec(pythonWrites)
		reader := f.connect()
		f.execOn(reader, `BEGIN`, `SELECT count(*) FROM chrononaut_activity`)
		busy := chronomigrate.ApplyOpts{LockTimeout: 20 * time.Millisecond, MaxAttempts: 2}
		if _, err := f.migrator.Adopt(t.Context(), &chronomigrate.AdoptOpts{ApplyOpts: busy}); !errors.Is(err, chronomigrate.ErrBusy) {
			t.Fatalf("got error %v", err)
		}
		f.execOn(reader, `ROLLBACK`)
		f.adopt(nil)
	})

	t.Run("readers and writers go on while an index is built", func(t *testing.T) {
		t.Parallel()
		f := newPython(t)
		f.exec(pythonWrites)
		// The builds wait for this transaction, which has nothing to do with the table.
		old := f.connect()
		f.execOn(old, `CREATE TABLE other (id integer)`, `BEGIN ISOLATION LEVEL REPEATABLE READ`, `INSERT INTO other VALUES (1)`)
		building := make(chan struct{}, 100)
		done := make(chan error, 1)
		go func() {
			_, err := f.migrator.Adopt(t.Context(), &chronomigrate.AdoptOpts{Progress: func(s chronomigrate.AdoptStep) {
				if s.Alone {
					building <- struct{}{}
				}
			}})
			done <- err
		}()
		<-building
		for f.text(`SELECT (SELECT count(*) FROM pg_stat_progress_create_index)::text`) == "0" {
			if len(done) > 0 {
				t.Fatal("no index was waiting")
			}
		}
		// Neither waits.
		f.exec(`SET lock_timeout = '1s'`, pythonWrites, `SELECT count(*) FROM chrononaut_activity WHERE key = '{"id": 1}'`)
		if _, err := f.migrator.Adopt(t.Context(), nil); !errors.Is(err, chronomigrate.ErrBusy) {
			t.Errorf("a second run while an index is built: %v", err)
		}
		f.execOn(old, `COMMIT`)
		if err := <-done; err != nil {
			t.Fatal(describe(err))
		}
		f.wantCheck()
	})

	t.Run("another table is refused, and stays as it is", func(t *testing.T) {
		t.Parallel()
		for name, script := range map[string]string{
			"it has no column user_info":                           `ALTER TABLE chrononaut_activity DROP COLUMN user_info`,
			"column key has type json, not jsonb":                  `DROP INDEX ix_chrononaut_activity_key_table_name; ALTER TABLE chrononaut_activity ALTER COLUMN key DROP DEFAULT, ALTER COLUMN key TYPE json`,
			"column id has type integer, not bigint":               `ALTER TABLE chrononaut_activity ALTER COLUMN id TYPE integer`,
			"column tenant has no default and must not be null":    `ALTER TABLE chrononaut_activity ADD COLUMN tenant integer NOT NULL`,
			"its primary key is not (id)":                          `ALTER TABLE chrononaut_activity DROP CONSTRAINT chrononaut_activity_pkey`,
			"column operation has type integer, not text":          `ALTER TABLE chrononaut_activity ADD COLUMN operation integer`,
			"it is not a plain table":                              `CREATE TABLE child () INHERITS (chrononaut_activity)`,
			"column changed has type timestamp without time zone,": `ALTER TABLE chrononaut_activity ALTER COLUMN changed TYPE timestamp`,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newPython(t)
				f.exec(script)
				_, err := f.migrator.Adopt(t.Context(), nil)
				if !errors.Is(err, chronomigrate.ErrShape) || !strings.Contains(err.Error(), name) {
					t.Errorf("got error %v", err)
				}
				f.wantText("0", `SELECT count(*)::text FROM pg_attribute WHERE attrelid = 'chrononaut_activity'::regclass AND attname = 'previous_key'`)
			})
		}
	})

	t.Run("without such a table the error says where there is one", func(t *testing.T) {
		t.Parallel()
		f := newPython(t)
		_, err := f.newMigrator(nil).Adopt(t.Context(), nil)
		var hinted *chronomigrate.HintError
		if !errors.Is(err, chronomigrate.ErrNoTable) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint, "--schema public") {
			t.Errorf("got error %v", err)
		}
	})
}
