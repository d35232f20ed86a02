package chronomigrate_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// dumpTools returns the directory of pg_dump and pg_restore for a server, which
// must not be older than it.
func dumpTools(t *testing.T, serverMajor int) string {
	t.Helper()
	for major := serverMajor; major <= serverMajor+10; major++ {
		dir := filepath.Join("/usr/lib/postgresql", strconv.Itoa(major), "bin")
		if _, err := exec.LookPath(filepath.Join(dir, "pg_dump")); err == nil {
			return dir
		}
	}
	t.Skipf("no pg_dump of PostgreSQL %d or newer under /usr/lib/postgresql", serverMajor)
	return ""
}

// in is the fixture in a subtest.
func (f *fixture) in(t *testing.T) *fixture {
	t.Helper()
	return (&fixture{T: t, db: f.db}).open()
}

// dump writes a dump, in the custom format unless flags say otherwise, and
// returns its file.
func (f *fixture) dump(flags ...string) string {
	f.Helper()
	file := filepath.Join(f.TempDir(), "dump")
	args := append([]string{"--format=custom", "--file=" + file, "--dbname=" + f.db.URL()}, flags...)
	if out, err := exec.Command(filepath.Join(dumpTools(f.T, f.db.ServerMajor()), "pg_dump"), args...).CombinedOutput(); err != nil {
		f.Fatalf("pg_dump %v: %v\n%s", flags, err, out)
	}
	return file
}

// restore runs pg_restore, or psql when it has no flags and the dump is plain,
// and returns its error with its output.
func (f *fixture) restore(file string, flags ...string) error {
	f.Helper()
	tool := "pg_restore"
	args := append([]string{"--dbname=" + f.db.URL()}, append(flags, file)...)
	if isPlain(file) {
		tool, args = "psql", []string{"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=" + file, "--dbname=" + f.db.URL()}
	}
	out, err := exec.Command(filepath.Join(dumpTools(f.T, f.db.ServerMajor()), tool), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w\n%s", tool, flags, err, out)
	}
	return nil
}

// isPlain reports whether a dump is plain SQL, which begins with a comment.
func isPlain(file string) bool {
	data, err := os.ReadFile(file)
	return err == nil && bytes.HasPrefix(data, []byte("--"))
}

func (f *fixture) mustRestore(file string, flags ...string) {
	f.Helper()
	if err := f.restore(file, flags...); err != nil {
		f.Fatal(err)
	}
}

// open connects a fixture to its database.
func (f *fixture) open() *fixture {
	f.Helper()
	f.pool = f.db.Pool(f.T)
	f.migrator = f.newMigrator(nil)
	f.conn = f.connect()
	return f
}

// another is a fixture with an empty database of its own.
func (f *fixture) another() *fixture {
	return (&fixture{T: f.T, db: pgtest.New(f.T)}).open()
}

// dumped fills a database with tracked tables of several kinds.
func dumped(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	dumpTools(t, f.db.ServerMajor())
	f.fillDumped()
	return f
}

func (f *fixture) fillDumped() {
	f.Helper()
	f.exec(`CREATE SCHEMA shop`, `CREATE TABLE shop.gone (a integer, secret text, id integer PRIMARY KEY, price numeric)`, `ALTER TABLE shop.gone DROP a`,
		`CREATE TABLE parts (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id)`, `CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)`)
	f.todos()
	f.track("parts", nil)
	f.track("shop.gone", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, VersionColumn: "rev"})
	f.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `UPDATE todos SET title = 'c' WHERE id = 2`, `DELETE FROM todos WHERE id = 1`,
		`INSERT INTO parts VALUES (1, 'p')`, `INSERT INTO shop.gone VALUES ('TOP SECRET', 1, 1.50)`)
	f.wantCheck()
}

// renumbered is what check finds after a restore: the functions of a table that
// had dropped a column look for a hidden one by the number that it had.
var renumbered = []string{"outdated gone_ffd21392_record", "outdated gone_ffd21392_truncate"}

// wholeHistory lists everything that history has.
func (f *fixture) wholeHistory() []string {
	f.Helper()
	var lines []string
	if err := f.conn.QueryRow(f.Context(), `SELECT array_agg(a::text ORDER BY id) FROM chrononaut.chrononaut_activity AS a`).Scan(&lines); err != nil {
		f.Fatal(err)
	}
	return lines
}

func (f *fixture) wantSameHistory(as *fixture) {
	f.Helper()
	if diff := cmp.Diff(as.wholeHistory(), f.wholeHistory()); diff != "" {
		f.Errorf("history after the restore (-dumped +restored):\n%s", diff)
	}
}

// goesOn writes to the tables after a restore and looks at what was recorded.
func (f *fixture) goesOn() {
	f.Helper()
	f.exec(`SET search_path = ''`, `INSERT INTO public.todos VALUES (1, 'again')`, `UPDATE public.todos SET title = 'd' WHERE id = 2`,
		`UPDATE public.parts SET x = 'q'`, `UPDATE shop.gone SET price = 1.5, secret = 'TOP SECRET 2'`, `RESET search_path`)
	f.wantText(`todos insert 2 {"id": 1, "done": false, "title": "again", "version": 2}
todos update 2 {"id": 2, "done": false, "title": "d", "version": 2}
parts update 1 {"x": "q", "id": 1, "version": 1}
gone update 1 {"id": 1, "rev": 1, "price": 1.5, "version": 1}`, `
		SELECT string_agg(concat_ws(' ', table_name, operation, version, data), E'\n' ORDER BY id)
		  FROM (SELECT * FROM chrononaut.chrononaut_activity WHERE operation <> 'track' ORDER BY id DESC LIMIT 4) AS a`)
	f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity AS a WHERE a::text LIKE '%TOP SECRET%'`)
}

func TestDump(t *testing.T) {
	t.Parallel()
	t.Run("a full dump and restore keeps everything, and capture goes on", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		other.mustRestore(f.dump())
		other.wantSameHistory(f)
		// The hidden column has another number: it is found by its position.
		other.wantCheck(renumbered...)
		other.wantText("A, O, R, python D, python O", `SELECT string_agg(DISTINCT CASE WHEN tgname LIKE '%python%' THEN 'python ' ELSE '' END || tgenabled::text, ', ') FROM pg_trigger WHERE tgname LIKE '%chrononaut%'`)
		if status, err := other.migrator.Status(t.Context()); err != nil || status.Version != status.Latest {
			t.Errorf("Status() = %+v, %v", status, err)
		}
		other.goesOn()
		other.track("shop.gone", nil)
		other.wantCheck()
	})

	t.Run("every format and way of restoring is complete, and ids go on", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		for _, tc := range []struct {
			name          string
			dump, restore []string
		}{
			{"plain", []string{"--format=plain"}, nil},
			{"plain with inserts", []string{"--format=plain", "--inserts"}, nil},
			{"directory, four jobs each", []string{"--format=directory", "--jobs=4"}, []string{"--jobs=4"}},
			{"custom, four jobs", []string{"--format=custom"}, []string{"--jobs=4"}},
			{"custom, one transaction", []string{"--format=custom"}, []string{"--single-transaction", "--exit-on-error"}},
			{"tar, over what is there", []string{"--format=tar"}, []string{"--clean", "--if-exists"}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				f, other := f.in(t), f.in(t).another()
				other.mustRestore(f.dump(tc.dump...), tc.restore...)
				other.wantSameHistory(f)
				other.wantCheck(renumbered...)
				last := other.text(`SELECT max(id)::text FROM chrononaut.chrononaut_activity`)
				other.goesOn()
				other.wantText(last, `SELECT (max(id) - 4)::text FROM chrononaut.chrononaut_activity`)
			})
		}
	})

	t.Run("declared renames are restored, and old versions are read under the new name", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		if _, err := f.migrator.Rename(t.Context(), f.table("todos"), chronomigrate.Renaming{Columns: map[string]string{"title": "headline"}}, nil); err != nil {
			t.Fatal(describe(err))
		}
		f.exec(`UPDATE todos SET headline = 'd' WHERE id = 2`)
		other := f.another()
		other.mustRestore(f.dump())
		other.wantSameHistory(f)
		client, err := chronopgx.New(other.pool, nil).Client()
		if err != nil {
			t.Fatal(err)
		}
		versions, err := chrononaut.NewHistory[map[string]any](client, other.table("todos"), nil).Versions(t.Context(), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		headlines := []any{}
		for _, v := range versions {
			headlines = append(headlines, v.Record["headline"])
		}
		if diff := cmp.Diff([]any{"b", "c", "d"}, headlines); diff != "" {
			t.Errorf("headlines of the versions (-want +got):\n%s", diff)
		}
	})

	t.Run("the restored tables belong to another role, which goes on with everything", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		role := other.role("heir")
		other.exec(`ALTER DATABASE ` + other.db.Name + ` OWNER TO ` + role)
		other.mustRestore(f.dump(), "--no-owner", "--no-privileges", "--role="+role)
		other.wantSameHistory(f)
		// What the privileges keep shut is open, and says so until track has run.
		closed, err := postgres.ClosedFunctions("chrononaut")
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, name := range closed {
			want = append(want, "history_open "+name)
		}
		other.wantCheck(append(want, renumbered...)...)
		other.execOn(other.as(role), `INSERT INTO todos VALUES (1, 'again')`, `ALTER TABLE todos ADD due date`, `UPDATE todos SET due = '2030-01-01'`)
		m := other.migratorAs(role)
		for _, table := range []string{"parts", "todos", "shop.gone"} {
			if _, err := m.Track(t.Context(), other.table(table), nil, nil); err != nil {
				t.Fatalf("Track(%s) = %v", table, describe(err))
			}
		}
		other.wantCheck()
		other.wantText("3", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE table_name = 'todos' AND data @> '{"due": "2030-01-01"}' OR data ->> 'title' = 'again'`)
		other.wantText("false", `SELECT has_function_privilege('public', 'chrononaut.suppress(text, boolean)', 'EXECUTE')::text`)
	})

	t.Run("the schema alone keeps capture and its options; track fills the registry", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		other.mustRestore(f.dump("--schema-only"))
		other.exec(`INSERT INTO shop.gone VALUES ('TOP SECRET', 1, 1)`)
		other.wantHistory(`tx1 gone insert v0 {"id": 1} {"id": 1, "rev": 0, "price": 1, "version": 0} extra {"hidden_cols_changed": ["secret"]}`)
		if _, err := other.migrator.Up(t.Context(), nil); err != nil {
			t.Fatalf("Up() = %v", describe(err))
		}
		other.wantCheck("unregistered public.parts", "past chrononaut_past.parts", "unregistered public.todos", "past chrononaut_past.todos",
			"unregistered shop.gone", renumbered[0], renumbered[1], "past chrononaut_past_shop.gone")
		for _, table := range []string{"parts", "todos", "shop.gone"} {
			other.track(table, nil)
		}
		other.wantCheck()
		other.wantText("{secret} rev", `SELECT replace((options -> 'hidden')::text, '["secret"]', '{secret}') || ' ' || (options ->> 'version_column')
			FROM chrononaut.chrononaut_table WHERE table_name = 'gone'`)
		other.exec(`UPDATE shop.gone SET secret = 'TOP SECRET 2', price = 2`)
		other.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity AS a WHERE a::text LIKE '%TOP SECRET%'`)
		for _, table := range []string{"parts", "todos", "shop.gone"} {
			if _, err := other.migrator.Untrack(t.Context(), other.table(table), nil); err != nil {
				t.Errorf("Untrack(%s) = %v", table, describe(err))
			}
		}
	})

	t.Run("a schema-only restore can be untracked without being tracked first", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		other.mustRestore(f.dump("--schema-only"))
		if _, err := other.migrator.Untrack(t.Context(), other.table("todos"), nil); err != nil {
			t.Fatalf("Untrack() = %v", describe(err))
		}
		other.exec(`INSERT INTO todos VALUES (1, 'a')`)
		other.wantHistory()
		other.wantCheck("unregistered public.parts", "past chrononaut_past.parts", "unregistered shop.gone", renumbered[0], renumbered[1], "past chrononaut_past_shop.gone")
	})

	t.Run("the data alone, with triggers disabled, keeps everything; check reports the triggers and track repairs them", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		other.mustRestore(f.dump("--schema-only"))
		other.mustRestore(f.dump("--data-only"), "--disable-triggers")
		other.wantSameHistory(f)
		problems, err := other.migrator.Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if p.Kind != chronomigrate.ProblemTriggerDisabled && p.Kind != chronomigrate.ProblemHistoryTrigger && p.Kind != chronomigrate.ProblemHold && p.Kind != chronomigrate.ProblemOutdated {
				t.Errorf("Check() found %+v", p)
			}
		}
		if len(problems) < 4 {
			t.Errorf("Check() found only %+v", problems)
		}
		for _, table := range []string{"parts", "todos", "shop.gone"} {
			other.track(table, nil)
		}
		other.wantCheck()
		other.goesOn()
	})

	t.Run("the data alone, with triggers firing, is refused rather than recorded twice", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		other.mustRestore(f.dump("--schema-only"))
		if err := other.restore(f.dump("--data-only"), "--single-transaction", "--exit-on-error"); err == nil {
			t.Error("pg_restore went through")
		}
		other.wantHistory()
	})

	t.Run("the data of a table alone is captured like any COPY", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		file := f.dump("--data-only", "--table=todos")
		f.exec(`DELETE FROM todos`)
		f.mustRestore(file)
		f.wantText("delete 2, insert 3", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY id)
			FROM (SELECT * FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 2) AS a`)
	})

	t.Run("the application's schema without history comes without capture, and is tracked again", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		// The triggers find no functions.
		if err := other.restore(f.dump("--schema=public"), "--schema=public"); err == nil {
			t.Error("pg_restore reported no error")
		}
		other.wantText("0", `SELECT count(*)::text FROM pg_trigger WHERE tgname LIKE '%chrononaut%'`)
		other.wantText("1", `SELECT count(*)::text FROM todos`)
		if _, err := other.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		other.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
		other.exec(`UPDATE todos SET title = 'd'`)
		other.wantText("1 2", `SELECT count(*) || ' ' || max(version) FROM chrononaut.chrononaut_activity WHERE operation = 'update'`)
	})

	t.Run("the history schema alone is complete and readable", func(t *testing.T) {
		t.Parallel()
		f := dumped(t)
		other := f.another()
		other.mustRestore(f.dump("--schema=chrononaut"))
		other.wantSameHistory(f)
		other.wantCheck("table_dropped public.parts", "table_dropped public.todos", "table_dropped shop.gone")
		other.wantText("todos", `SELECT table_name FROM chrononaut.chrononaut_table WHERE table_name = 'todos' AND tracked`)
		other.refused("TM004", `DELETE FROM chrononaut.chrononaut_activity`)
	})
}
