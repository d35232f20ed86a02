package chronomigrate_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// exportTodos makes the script that tracks todos as options say, from the table
// in the fixture's database.
func (f *fixture) exportTodos(opts *chronomigrate.TrackOptions) (up, down string) {
	f.Helper()
	latest := f.status().Latest
	files, err := f.migrator.Export(f.Context(), &chronomigrate.ExportOpts{
		From:  latest,
		Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: "todos"}, Options: opts}},
	})
	if err != nil {
		f.Fatalf("Export() = %v", err)
	}
	if len(files) != 2 || files[0].Down || !files[1].Down {
		f.Fatalf("Export() makes %d files, want one for each direction", len(files))
	}
	return files[0].Content, files[1].Content
}

func (f *fixture) status() chronomigrate.Status {
	f.Helper()
	status, err := f.migrator.Status(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return status
}

func TestExportedTrackingRefusesAnotherTable(t *testing.T) {
	t.Parallel()
	const table = `CREATE TABLE todos (id integer PRIMARY KEY, title text, password text, seen timestamp)`
	development := newFixture(t)
	development.exec(table)
	up, down := development.exportTodos(&chronomigrate.TrackOptions{Hidden: []string{"password"}, Untracked: []string{"seen"}})
	for name, test := range map[string]struct {
		there []string
		want  string
	}{
		"no table":           {nil, `table "public"."todos" does not exist`},
		"a type differs":     {[]string{`CREATE TABLE todos (id integer PRIMARY KEY, title varchar(10), password text, seen timestamp)`}, "title"},
		"a column is gone":   {[]string{table, `ALTER TABLE todos DROP COLUMN title`}, "title"},
		"a column is new":    {[]string{table, `ALTER TABLE todos ADD COLUMN extra integer`}, "extra"},
		"the order differs":  {[]string{`CREATE TABLE todos (title text, id integer PRIMARY KEY, password text, seen timestamp)`}, "id"},
		"the key differs":    {[]string{`CREATE TABLE todos (id integer, title text, password text, seen timestamp, PRIMARY KEY (id, title))`}, "the primary key"},
		"it is partitioned":  {[]string{table + ` PARTITION BY RANGE (id)`}, "whether it is partitioned"},
		"a column generated": {[]string{`CREATE TABLE todos (id integer PRIMARY KEY, title text GENERATED ALWAYS AS ('x') STORED, password text, seen timestamp)`}, "title"},
		"a hidden column has another number": {[]string{
			`CREATE TABLE todos (id integer PRIMARY KEY, title text, was text, password text, seen timestamp)`, `ALTER TABLE todos DROP COLUMN was`,
		}, "password"},
		// The version trigger would free memory that is not its own: see changed.sql.
		"rows lack an untracked column": {[]string{
			`CREATE TABLE todos (id integer PRIMARY KEY, title text, password text)`, `INSERT INTO todos VALUES (1)`,
			`ALTER TABLE todos ADD COLUMN seen timestamp DEFAULT '2026-11-25'`,
		}, "seen"},
		"the application has a version":    {[]string{table, `ALTER TABLE todos ADD COLUMN version integer`}, `already has a column "version"`},
		"it is tracked with other options": {[]string{table, `track`}, "is not tracked as it was"},
		"the database is strict":           {[]string{table, `strict`}, "strict"},
		"history is older":                 {[]string{table, `DELETE FROM chrononaut.chrononaut_migration`, `COMMENT ON TABLE chrononaut.chrononaut_migration IS NULL`}, "the history schema is at version 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for _, statement := range test.there {
				switch statement {
				case "track":
					f.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"password"}})
				case "strict":
					if _, err := f.migrator.SetStrict(t.Context(), true, nil); err != nil {
						t.Fatal(err)
					}
				default:
					f.exec(statement)
				}
			}
			before := f.wholeHistory()
			err := try(t.Context(), f.conn, up)
			if err == nil || !strings.Contains(describe(err).Error(), test.want) {
				t.Fatalf("got %v, want an error that says %q", describe(err), test.want)
			}
			if diff := cmp.Diff(before, f.wholeHistory()); diff != "" {
				t.Errorf("history changes (-before +after):\n%s", diff)
			}
		})
	}

	t.Run("a column that going back would drop is the application's", func(t *testing.T) {
		t.Parallel()
		f, g := newFixture(t), newFixture(t)
		f.exec(table)
		up, _ := f.exportTodos(&chronomigrate.TrackOptions{RecordChanges: true})
		g.exec(table, `ALTER TABLE todos ADD COLUMN changed timestamptz`)
		g.refused("55000", up)
		h := newFixture(t)
		h.exec(table, `ALTER TABLE todos ADD COLUMN version integer`)
		h.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version", RecordChanges: true})
		if _, err := h.migrator.Untrack(t.Context(), h.table("todos"), nil); err != nil {
			t.Fatal(err)
		}
		h.refused("55000", up)
	})

	t.Run("the same table is tracked and untracked, more than once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(table, up, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
		f.wantCheck()
		f.exec(up)
		f.wantCheck()
		f.exec(down, `UPDATE todos SET title = 'unseen'`, up, `UPDATE todos SET title = 'b'`)
		f.wantCheck()
		f.wantText("0 insert, 1 update", `SELECT string_agg(version || ' ' || operation, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
		f.exec(down)
		f.wantText("id,title,password,seen", `SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'todos'`)
		if tables, err := f.migrator.Tables(t.Context()); err != nil || len(tables) != 1 || tables[0].Tracked {
			t.Errorf("Tables() = %+v, %v, want todos, no longer tracked", tables, err)
		}
	})

	t.Run("making the files changes nothing, and works where the table is tracked", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(table)
		opts := &chronomigrate.TrackOptions{Hidden: []string{"password"}, Untracked: []string{"seen"}}
		f.track("todos", opts)
		before := f.wholeState()
		again, _ := f.exportTodos(opts)
		if diff := cmp.Diff(up, again); diff != "" {
			t.Errorf("from the tracked table it is (-untracked +tracked):\n%s", diff)
		}
		if diff := cmp.Diff(before, f.wholeState()); diff != "" {
			t.Errorf("the database changes (-before +after):\n%s", diff)
		}
	})
}

func TestExportedOptionsChange(t *testing.T) {
	t.Parallel()
	const table = `CREATE TABLE todos (id integer PRIMARY KEY, title text, password text)`
	development, f := newFixture(t), newFixture(t)
	development.exec(table)
	development.track("todos", nil)
	up, down := development.exportTodos(&chronomigrate.TrackOptions{Hidden: []string{"password"}, RecordChanges: true})
	f.exec(table)
	f.refused("55000", up) // not tracked
	f.track("todos", nil)
	hidden := func() []string {
		tables, err := f.migrator.Tables(t.Context())
		if err != nil || len(tables) != 1 {
			t.Fatalf("Tables() = %+v, %v", tables, err)
		}
		return tables[0].Options.Hidden
	}
	f.exec(up, `INSERT INTO todos (id, password) VALUES (1, 'secret')`)
	f.wantCheck()
	if got := hidden(); !slices.Equal(got, []string{"password"}) {
		t.Errorf("after going up, the hidden columns are %v", got)
	}
	f.wantText("false", `SELECT (data ? 'password')::text FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
	f.wantText("true", `SELECT (changed IS NOT NULL)::text FROM todos`)
	f.exec(down)
	if got := hidden(); len(got) > 0 {
		t.Errorf("after going back, the hidden columns are %v", got)
	}
	f.exec(`UPDATE todos SET title = 'a'`)
	f.wantText("2", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
	f.exec(up)
	f.wantCheck()
}

func TestExportOfTablesThatCannotBeTracked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE nokey (id integer)`, `CREATE TABLE taken (id integer PRIMARY KEY, version text)`, `CREATE VIEW seen AS SELECT 1 AS id`)
	for name, test := range map[string]struct {
		table string
		opts  *chronomigrate.TrackOptions
		want  error
	}{
		"no such table":      {"nothing", nil, chronomigrate.ErrNoTable},
		"no key":             {"nokey", nil, chronomigrate.ErrNoKey},
		"a view":             {"seen", nil, chronomigrate.ErrNotTrackable},
		"the version exists": {"taken", nil, chronomigrate.ErrVersionColumn},
		"no such column":     {"taken", &chronomigrate.TrackOptions{Hidden: []string{"x"}, VersionColumn: "v"}, chronomigrate.ErrNoColumn},
	} {
		_, err := f.migrator.Export(t.Context(), &chronomigrate.ExportOpts{Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: test.table}, Options: test.opts}}})
		if !errors.Is(err, test.want) {
			t.Errorf("%s: Export() = %v, want %v", name, err, test.want)
		}
	}
	track := chronomigrate.TrackedExport{Table: chronodriver.Table{Name: "taken"}, Options: &chronomigrate.TrackOptions{VersionColumn: "v"}}
	if _, err := f.migrator.Export(t.Context(), &chronomigrate.ExportOpts{Track: []chronomigrate.TrackedExport{track, track}}); !errors.Is(err, chronomigrate.ErrOption) {
		t.Errorf("a table that is named twice: %v", err)
	}
}

func TestExportedTrackingOfOtherKinds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		table string
		opts  *chronomigrate.TrackOptions
		// after are the columns once it went back.
		after string
	}{
		"an adopted version stays when it goes back": {
			`CREATE TABLE todos (id integer PRIMARY KEY, rev integer, title text)`, &chronomigrate.TrackOptions{VersionColumn: "rev"}, "id,rev,title",
		},
		"another version column": {
			`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, &chronomigrate.TrackOptions{VersionColumn: "rev"}, "id,title",
		},
		"record changes without history": {
			`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, &chronomigrate.TrackOptions{NoHistory: true, RecordChanges: true}, "id,title",
		},
		"a column of record changes is there": {
			`CREATE TABLE todos (id integer PRIMARY KEY, changed timestamptz, title text)`, &chronomigrate.TrackOptions{RecordChanges: true}, "id,changed,title",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(test.table)
			up, down := f.exportTodos(test.opts)
			f.exec(up)
			f.wantCheck()
			f.exec(`INSERT INTO todos (id) VALUES (1)`, down, `INSERT INTO todos (id) VALUES (2)`)
			f.wantText(test.after, `SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'todos'`)
			f.exec(up)
			f.wantCheck()
		})
	}
}

func TestGoldenExport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, password text, seen timestamp)`)
	up, down := f.exportTodos(&chronomigrate.TrackOptions{Hidden: []string{"password"}, Untracked: []string{"seen"}, RecordChanges: true})
	for name, script := range map[string]string{"up": up, "down": down} {
		got := bodies.ReplaceAllString(script, "$1…\n$2")
		got = regexp.MustCompile(`source [0-9a-f]{32}`).ReplaceAllString(got, "source …")
		// The newest version changes with each migration.
		got = regexp.MustCompile(`(installed < |installed, )\d+`).ReplaceAllString(got, "${1}…")
		goldenFile(t, "export/track."+name+".sql", got)
	}
}
