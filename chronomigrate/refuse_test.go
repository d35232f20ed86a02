package chronomigrate_test

import (
	"context"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// What cannot be tracked is refused with a typed error, and nothing is half applied.
func TestTrackRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE plain (id integer PRIMARY KEY, title text)`,
		`CREATE TABLE keyless (id integer UNIQUE, title text)`,
		`CREATE TABLE versioned (id integer PRIMARY KEY, version text)`,
		`CREATE TABLE counted (id integer PRIMARY KEY, version integer, amount numeric)`,
		`CREATE VIEW looks AS SELECT * FROM plain`,
		`CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain`,
		`CREATE TEMP TABLE passing (id integer PRIMARY KEY)`,
		`CREATE TABLE parent (id integer PRIMARY KEY)`, `CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)`,
		`CREATE TABLE whole (id integer PRIMARY KEY) PARTITION BY RANGE (id)`,
		`CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10)`,
		`CREATE TABLE late (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)`,
		`CREATE TABLE computed (a integer, id integer GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY)`)
	before := f.wholeState()
	hidden := func(columns ...string) *chronomigrate.TrackOptions {
		return &chronomigrate.TrackOptions{Hidden: columns}
	}
	untracked := func(columns ...string) *chronomigrate.TrackOptions {
		return &chronomigrate.TrackOptions{Untracked: columns}
	}
	for _, tc := range []struct {
		name  string
		table string
		opts  *chronomigrate.TrackOptions
		want  error
	}{
		{"a table that does not exist", "nothing", nil, chronomigrate.ErrNoTable},
		{"a table of a schema that does not exist", "nowhere.plain", nil, chronomigrate.ErrNoTable},
		{"a hidden column that does not exist", "plain", hidden("Title"), chronomigrate.ErrNoColumn},
		{"an untracked column that does not exist", "plain", untracked("title", "secret"), chronomigrate.ErrNoColumn},
		{"a column that is hidden and untracked", "plain", &chronomigrate.TrackOptions{Hidden: []string{"title"}, Untracked: []string{"title"}}, chronomigrate.ErrOption},
		{"a hidden key", "plain", hidden("id"), chronomigrate.ErrOption},
		{"a table without a primary key", "keyless", nil, chronomigrate.ErrNoKey},
		{"a text column called version", "versioned", nil, chronomigrate.ErrVersionColumn},
		{"an integer column called version that nobody adopts", "counted", nil, chronomigrate.ErrVersionColumn},
		{"a version column that cannot hold versions", "counted", &chronomigrate.TrackOptions{VersionColumn: "amount"}, chronomigrate.ErrVersionColumn},
		{"a view", "looks", nil, chronomigrate.ErrNotTrackable},
		{"a materialized view", "kept", nil, chronomigrate.ErrNotTrackable},
		{"a table of the catalog", "pg_catalog.pg_class", nil, chronomigrate.ErrNotTrackable},
		{"history itself", "chrononaut.chrononaut_activity", nil, chronomigrate.ErrNotTrackable},
		{"the registry", "chrononaut.chrononaut_table", nil, chronomigrate.ErrNotTrackable},
		{"a parent of inheritance", "parent", nil, chronomigrate.ErrNotTrackable},
		{"a child of inheritance", "child", nil, chronomigrate.ErrNotTrackable},
		{"a single partition", "part", nil, chronomigrate.ErrNotTrackable},
		{"a primary key that is checked at the end", "late", nil, chronomigrate.ErrNotTrackable},
		{"a primary key that is computed", "computed", nil, chronomigrate.ErrNotTrackable},
	} {
		_, err := f.migrator.Track(t.Context(), f.table(tc.table), tc.opts, nil)
		wantTyped(t, tc.name, err, tc.want)
	}
	if after := f.wholeState(); after != before {
		t.Errorf("something changed:\nbefore %s\nafter  %s", before, after)
	}
	// The same version column, when somebody says so.
	f.track("counted", &chronomigrate.TrackOptions{VersionColumn: "version"})
	f.exec(`INSERT INTO counted VALUES (1, 2024, 1)`)
	f.wantText("0", `SELECT version::text FROM counted`)
}

func TestTrackOfABusyTable(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) *fixture {
		t.Helper()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, `INSERT INTO todos VALUES (1, 'a')`)
		return f
	}

	t.Run("gives up with an error that says so, and changes nothing", func(t *testing.T) {
		t.Parallel()
		f := setUp(t)
		before := f.wholeState()
		writer := f.connect()
		f.execOn(writer, `BEGIN`, `UPDATE todos SET title = 'b'`)
		_, err := f.migrator.Track(t.Context(), f.table("todos"), nil, &chronomigrate.ApplyOpts{LockTimeout: 50 * time.Millisecond, MaxAttempts: 2})
		wantTyped(t, "Track", err, chronomigrate.ErrBusy)
		f.execOn(writer, `COMMIT`)
		if after := f.wholeState(); after != before {
			t.Errorf("something changed:\nbefore %s\nafter  %s", before, after)
		}
	})

	t.Run("lets other writers pass while it waits, and succeeds after them", func(t *testing.T) {
		t.Parallel()
		f := setUp(t)
		writer, other := f.connect(), f.connect()
		f.execOn(writer, `BEGIN`, `UPDATE todos SET title = 'b'`)
		done := make(chan error, 1)
		go func() {
			_, err := f.migrator.Track(context.WithoutCancel(t.Context()), f.table("todos"), nil, &chronomigrate.ApplyOpts{LockTimeout: 100 * time.Millisecond, MaxAttempts: 1000})
			done <- err
		}()
		f.eventually(`SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'todos'::regclass`)
		// Queued behind the waiting lock it would wait for the open transaction, and this test with it.
		f.execOn(other, `INSERT INTO todos VALUES (2, 'c')`)
		f.execOn(writer, `COMMIT`)
		if err := <-done; err != nil {
			t.Fatal(describe(err))
		}
		f.wantCheck()
	})
}
