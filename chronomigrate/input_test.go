package chronomigrate_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// every calls each method on a table and returns the errors by name.
func every(ctx context.Context, m *chronomigrate.Migrator, table chronodriver.Table) map[string]error {
	errs := map[string]error{}
	_, errs["Track"] = m.Track(ctx, table, nil, nil)
	_, errs["Track dry run"] = m.Track(ctx, table, nil, &chronomigrate.ApplyOpts{DryRun: true})
	_, errs["Untrack"] = m.Untrack(ctx, table, nil)
	_, errs["Baseline"] = m.Baseline(ctx, table, nil)
	return errs
}

// wantAll wants every method to fail with the same error, and nothing changed.
func (f *fixture) wantAll(m *chronomigrate.Migrator, table chronodriver.Table, want error) {
	f.Helper()
	before := f.wholeState()
	for call, err := range every(f.Context(), m, table) {
		wantTyped(f.T, call, err, want)
	}
	if after := f.wholeState(); after != before {
		f.Errorf("something changed:\nbefore %s\nafter  %s", before, after)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()

	t.Run("names that no table can have", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		// The server would cut a long name and find this one.
		f.exec(`CREATE TABLE ` + strings.Repeat("x", 63) + ` (id integer PRIMARY KEY)`)
		for _, table := range []chronodriver.Table{
			{Name: "a\x00b"},
			{Schema: "a\x00b", Name: "x"},
			{Name: "\xff"},
			{},
			{Name: strings.Repeat("x", 64)},
			{Schema: strings.Repeat("x", 64), Name: "x"},
			{Name: "nothing"},
			{Schema: "nowhere", Name: "x"},
			{Name: `"; DROP SCHEMA chrononaut CASCADE; --`},
		} {
			f.wantAll(f.migrator, table, chronomigrate.ErrNoTable)
		}
	})

	t.Run("names that no column can have", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable)
		before := f.wholeState()
		for _, name := range []string{"a\x00b", "\xff", strings.Repeat("x", 64), ""} {
			_, err := f.migrator.Track(t.Context(), f.table("todos"), &chronomigrate.TrackOptions{Hidden: []string{name}}, nil)
			wantTyped(t, "hidden", err, chronomigrate.ErrNoColumn)
			if name != "" {
				_, err = f.migrator.Track(t.Context(), f.table("todos"), &chronomigrate.TrackOptions{VersionColumn: name}, nil)
				wantTyped(t, "version column", err, chronomigrate.ErrVersionColumn)
			}
		}
		if after := f.wholeState(); after != before {
			t.Errorf("something changed:\nbefore %s\nafter  %s", before, after)
		}
		// The columns of the server itself.
		for _, name := range []string{"ctid", "xmin", "tableoid"} {
			_, err := f.migrator.Track(t.Context(), f.table("todos"), &chronomigrate.TrackOptions{VersionColumn: name}, nil)
			wantTyped(t, "version column "+name, err, chronomigrate.ErrVersionColumn)
		}
	})

	t.Run("schemas that cannot hold history", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, schema := range []string{"a\x00b", "\xff", strings.Repeat("x", 64), "pg_history", "pg_catalog", "information_schema"} {
			_, err := chronomigrate.New(chronopgx.NewDriver(f.pool, nil), &chronomigrate.Config{Schema: schema})
			wantTyped(t, "New with "+schema, err, chronomigrate.ErrOption)
		}
	})

	t.Run("temporary and foreign tables, sequences and indexes", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE FOREIGN DATA WRAPPER nothing`, `CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing`,
			`CREATE FOREIGN TABLE abroad (id integer) SERVER nowhere`, `CREATE SEQUENCE counter`, todosTable, `CREATE INDEX idx ON todos (title)`, `CREATE TYPE pair AS (a integer)`)
		config, err := pgxpool.ParseConfig(f.db.URL())
		if err != nil {
			t.Fatal(err)
		}
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, `CREATE TEMP TABLE passing (id integer PRIMARY KEY)`)
			return err
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"passing", "abroad", "counter", "idx", "pair"} {
			_, err := m.Track(t.Context(), f.table(name), nil, nil)
			wantTyped(t, name, err, chronomigrate.ErrNotTrackable)
		}
		_, err = m.Track(t.Context(), chronodriver.Table{Name: "passing"}, nil, &chronomigrate.ApplyOpts{DryRun: true})
		wantTyped(t, "a dry run", err, chronomigrate.ErrNotTrackable)
	})

	t.Run("history is not installed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).another()
		f.exec(todosTable)
		f.wantAll(f.migrator, f.table("todos"), chronomigrate.ErrNoHistory)
		_, err := f.migrator.Check(t.Context(), nil)
		wantTyped(t, "Check", err, chronomigrate.ErrNoHistory)
		_, err = f.migrator.Tables(t.Context())
		wantTyped(t, "Tables", err, chronomigrate.ErrNoHistory)
		if status, err := f.migrator.Status(t.Context()); err != nil || status.Version != 0 || status.Latest == 0 {
			t.Errorf("Status() = %+v, %v", status, err)
		}
		if result, err := f.migrator.Down(t.Context(), nil); err != nil || len(result.Versions) != 0 {
			t.Errorf("Down() of nothing = %+v, %v", result, err)
		}
		// A table of another program's in its place.
		f.exec(`CREATE SCHEMA chrononaut`, `CREATE TABLE chrononaut.chrononaut_activity (id integer)`)
		if _, err := f.migrator.Up(t.Context(), nil); chronodriver.State(err) != "42P07" {
			t.Errorf("Up() over a table that is not ours = %v", err)
		}
		f.wantText("1", `SELECT count(*)::text FROM pg_class WHERE relnamespace = 'chrononaut'::regnamespace`)
	})

	t.Run("history was installed by a newer program", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO chrononaut.chrononaut_migration VALUES (999, 'later')`)
		f.wantAll(f.migrator, f.table("todos"), chronomigrate.ErrNewerHistory)
		for call, run := range map[string]func() error{
			"Check": func() error { _, err := f.migrator.Check(t.Context(), nil); return err },
			"Up":    func() error { _, err := f.migrator.Up(t.Context(), nil); return err },
			"Down":  func() error { _, err := f.migrator.Down(t.Context(), nil); return err },
		} {
			wantTyped(t, call, run(), chronomigrate.ErrNewerHistory)
		}
	})

	t.Run("history cannot be removed while a table is tracked", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		_, err := f.migrator.Down(t.Context(), nil)
		wantTyped(t, "Down", err, chronomigrate.ErrStillTracked)
		if _, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := f.migrator.Down(t.Context(), nil); err != nil {
			t.Errorf("Down() = %v", describe(err))
		}
		f.exec(`INSERT INTO todos VALUES (1, 'a')`)
	})

	t.Run("a read-only connection can look, and gets a typed error where it would write", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`CREATE TABLE other (id integer PRIMARY KEY)`)
		before := f.wholeState()
		config, err := pgxpool.ParseConfig(f.db.URL())
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		f.track("todos", nil) // refuses to the past what came since
		ctx, todos, other := t.Context(), f.table("todos"), f.table("other")
		if plan, err := m.Track(ctx, other, nil, &chronomigrate.ApplyOpts{DryRun: true}); err != nil || plan.Empty() {
			t.Errorf("a dry run = %+v, %v", plan, err)
		}
		if problems, err := m.Check(ctx, &chronomigrate.CheckOpts{Uncovered: true}); err != nil || len(problems) != 1 {
			t.Errorf("Check() = %+v, %v", problems, err)
		}
		if plan, err := m.Track(ctx, todos, nil, nil); err != nil || !plan.Empty() {
			t.Errorf("Track() with nothing to do = %+v, %v", plan, err)
		}
		_, err = m.Track(ctx, other, nil, nil)
		wantTyped(t, "Track", err, chronomigrate.ErrReadOnly)
		_, err = m.Untrack(ctx, todos, nil)
		wantTyped(t, "Untrack", err, chronomigrate.ErrReadOnly)
		_, err = m.Baseline(ctx, todos, nil)
		wantTyped(t, "Baseline", err, chronomigrate.ErrReadOnly)
		_, err = m.SetStrict(ctx, true, nil)
		wantTyped(t, "SetStrict", err, chronomigrate.ErrReadOnly)
		another, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), &chronomigrate.Config{Schema: "elsewhere"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = another.Up(ctx, nil)
		wantTyped(t, "Up", err, chronomigrate.ErrReadOnly)
		if after := f.wholeState(); after != before {
			t.Errorf("something changed:\nbefore %s\nafter  %s", before, after)
		}
	})

	t.Run("a statement that fails in the middle of a plan leaves nothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable)
		f.exec(`CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF tg_tag = 'CREATE TRIGGER' THEN RAISE 'not today'; END IF; END $$`,
			`CREATE EVENT TRIGGER no ON ddl_command_start EXECUTE FUNCTION no()`)
		before := f.wholeState()
		if _, err := f.migrator.Track(t.Context(), f.table("todos"), nil, nil); err == nil || !strings.Contains(err.Error(), "not today") {
			t.Errorf("Track() = %v", err)
		}
		if after := f.wholeState(); after != before {
			t.Errorf("something changed:\nbefore %s\nafter  %s", before, after)
		}
	})
}

func TestConcurrentMigrators(t *testing.T) {
	t.Parallel()
	at := func(t *testing.T, n int, run func() error) {
		t.Helper()
		done := make(chan error, n)
		for range n {
			go func() { done <- run() }()
		}
		for range n {
			if err := <-done; err != nil {
				t.Error(describe(err))
			}
		}
	}
	t.Run("ten Up, then ten Track, ten Untrack and ten Down, each all at once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).another()
		f.exec(todosTable)
		ctx, todos := t.Context(), f.table("todos")
		at(t, 10, func() error { _, err := f.migrator.Up(ctx, nil); return err })
		status, err := f.migrator.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f.wantText(strconv.Itoa(status.Latest), `SELECT count(*)::text FROM chrononaut.chrononaut_migration`)
		at(t, 10, func() error { _, err := f.migrator.Track(ctx, todos, nil, nil); return err })
		f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'track'`)
		f.wantCheck()
		at(t, 10, func() error { _, err := f.migrator.SetStrict(ctx, true, nil); return err })
		at(t, 10, func() error { _, err := f.migrator.Untrack(ctx, todos, nil); return err })
		f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'untrack'`)
		at(t, 10, func() error { _, err := f.migrator.Down(ctx, nil); return err })
	})

	t.Run("Track with other options while writers write loses no change and rewrites no table", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable, `INSERT INTO todos SELECT i, 'a' FROM generate_series(1, 500) AS i`)
		f.track("todos", nil)
		const file = `SELECT relfilenode::text FROM pg_class WHERE oid = 'todos'::regclass`
		before := f.text(file)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 2)
		for w := range 2 {
			conn := f.connect()
			go func() {
				for i := w; ctx.Err() == nil; i += 2 {
					if _, err := conn.Exec(context.WithoutCancel(ctx), `UPDATE todos SET title = ($1::int)::text WHERE id = $2::int`, i, i%500+1); err != nil {
						done <- describe(err)
						return
					}
				}
				done <- nil
			}()
		}
		for _, opts := range []*chronomigrate.TrackOptions{{Untracked: []string{"done"}}, {RecordChanges: true}, {VersionColumn: "rev"}, {VersionColumn: "version"}} {
			f.track("todos", opts)
		}
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if after := f.text(file); after != before {
			t.Errorf("the table was rewritten: relfilenode %s, then %s", before, after)
		}
		f.wantText("0", `SELECT count(*)::text FROM todos AS t WHERE version IS NOT NULL AND title <> 'a' AND title <>
			(SELECT data ->> 'title' FROM chrononaut.chrononaut_activity AS a WHERE a.key = jsonb_build_object('id', t.id) AND table_name = 'todos' ORDER BY id DESC LIMIT 1)`)
		f.wantCheck()
	})
}
