package chrononaut_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

func (f *fixture) rename(table string, r chronomigrate.Renaming) {
	f.Helper()
	dry := must(f.migrator.Rename(f.Context(), f.name(table), r, &chronomigrate.ApplyOpts{DryRun: true}))(f)
	plan := must(f.migrator.Rename(f.Context(), f.name(table), r, nil))(f)
	if len(dry.Steps) != len(plan.Steps) {
		f.Errorf("a dry run has %d steps, the run %d", len(dry.Steps), len(plan.Steps))
	}
	f.wantClean()
	// Tracking again has nothing to do, and forgets nothing.
	again := must(f.migrator.Track(f.Context(), plan.Table, nil, nil))(f)
	if !again.Empty() {
		f.Errorf("tracking after the rename runs\n%s", again.SQL())
	}
}

func (f *fixture) wantClean() {
	f.Helper()
	if problems := must(f.migrator.Check(f.Context(), nil))(f); len(problems) > 0 {
		f.Errorf("check finds %+v", problems)
	}
}

func columns(pairs ...string) chronomigrate.Renaming {
	r := chronomigrate.Renaming{Columns: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Columns[pairs[i]] = pairs[i+1]
	}
	return r
}

// states describes versions: version, operation and the data besides the version.
func states[T any](snapshots []chrononaut.Snapshot[T]) []string {
	got := []string{}
	for _, s := range snapshots {
		got = append(got, state(s.Change))
	}
	return got
}

func state(c chrononaut.Change) string {
	data := map[string]json.RawMessage{}
	for name, value := range c.Data {
		if name != "version" {
			data[name] = value
		}
	}
	encoded, err := json.Marshal(data)
	if err != nil {
		return err.Error()
	}
	return strings.Join([]string{string(rune('0' + c.Version)), string(c.Operation), string(encoded)}, " ")
}

func TestRenamedColumns(t *testing.T) {
	t.Parallel()
	type row = map[string]any

	t.Run("a chain, a name that is used again, and back", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'one')`)
		f.rename("r", columns("a", "b"))
		f.exec(`UPDATE r SET b = 'two'`)
		f.rename("r", columns("b", "c"))
		f.exec(`UPDATE r SET c = 'three'`, `ALTER TABLE r ADD a text`)
		f.track("r", nil)
		f.exec(`UPDATE r SET a = 'new'`)
		h := history[row](f, "r")
		want := []string{
			`0 insert {"c":"one","id":1}`, `1 update {"c":"two","id":1}`, `2 update {"c":"three","id":1}`, `3 update {"a":"new","c":"three","id":1}`,
		}
		if got := states(versions(f, h, 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if v := must(h.Version(t.Context(), 1, 0))(t); v.Record["c"] != "one" || v.Record["a"] != nil {
			t.Errorf("typed record %v", v.Record)
		}
		diff := must(h.DiffVersions(t.Context(), 1, 0, 3))(t)
		names := []string{}
		for _, change := range diff {
			names = append(names, change.Column)
		}
		if !cmp.Equal(names, []string{"a", "c"}) {
			t.Errorf("the diff names %q", names)
		}
		f.exec(`ALTER TABLE r DROP a`)
		f.track("r", nil)
		f.rename("r", columns("c", "a"))
		f.exec(`UPDATE r SET a = 'four'`)
		want = []string{
			`0 insert {"a":"one","id":1}`, `1 update {"a":"two","id":1}`, `2 update {"a":"three","id":1}`, `3 update {"a":"three","id":1}`, `4 update {"a":"four","id":1}`,
		}
		if got := states(versions(f, history[row](f, "r"), 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("renamed back: got %q, want %q", got, want)
		}
		for column, want := range map[string]string{"a": "4 2 1 0", "c": "", "b": ""} {
			var got []string
			for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("r"), Column: column}))(t) {
				got = append(got, state(c)[:1])
			}
			if strings.Join(got, " ") != want {
				t.Errorf("the log of %s has versions %q, want %q", column, got, want)
			}
		}
		for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("r"), WithBefore: true, Operation: "update"}))(t) {
			if _, ok := c.Before.Text("a"); !ok {
				t.Errorf("version %d has no state before under the present name: %v", c.Version, c.Before)
			}
		}
	})

	t.Run("names are exchanged", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text, b text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'was a', 'was b')`)
		f.rename("r", columns("a", "b", "b", "a"))
		f.exec(`UPDATE r SET a = 'now a'`)
		want := []string{`0 insert {"a":"was b","b":"was a","id":1}`, `1 update {"a":"now a","b":"was a","id":1}`}
		if got := states(versions(f, history[row](f, "r"), 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("a migration has renamed the column before", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'one')`, `ALTER TABLE r RENAME a TO b`, `UPDATE r SET b = 'two'`)
		problems := must(f.migrator.Check(t.Context(), nil))(t)
		if !slices.ContainsFunc(problems, func(p chronomigrate.Problem) bool { return strings.Contains(p.Hint, "chrononaut rename public.r a b ") }) {
			t.Errorf("check does not name the command: %+v", problems)
		}
		f.rename("r", columns("a", "b"))
		f.exec(`UPDATE r SET b = 'three'`)
		want := []string{`0 insert {"b":"one","id":1}`, `1 update {"b":"two","id":1}`, `2 update {"b":"three","id":1}`}
		if got := states(versions(f, history[row](f, "r"), 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("a migration has exchanged names before, and the time says which rows are older", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text, b text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'was a', 'was b')`)
		at := f.now()
		f.exec(`ALTER TABLE r RENAME a TO x`, `ALTER TABLE r RENAME b TO a`, `ALTER TABLE r RENAME x TO b`, `UPDATE r SET a = 'now a'`)
		r := columns("a", "b", "b", "a")
		r.At = at
		f.rename("r", r)
		want := []string{`0 insert {"a":"was b","b":"was a","id":1}`, `1 update {"a":"now a","b":"was a","id":1}`}
		if got := states(versions(f, history[row](f, "r"), 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("a declaration that was wrong is withdrawn", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text, x text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'one', 'x')`)
		f.rename("r", columns("a", "b"))
		f.exec(`ALTER TABLE r DROP x, ADD y text`, `UPDATE r SET y = 'y'`)
		want := states(versions(f, history[row](f, "r"), 1, nil))
		f.rename("r", columns("x", "y"))
		if got := states(versions(f, history[row](f, "r"), 1, nil)); got[0] != `0 insert {"b":"one","id":1,"y":"x"}` {
			t.Errorf("declared: %q", got)
		}
		wrong := columns("a", "b")
		wrong.Undo = true
		if _, err := f.migrator.Rename(t.Context(), f.name("r"), wrong, nil); err == nil {
			t.Error("a declaration is withdrawn before the one that followed it")
		}
		undo := columns("x", "y")
		undo.Undo = true
		f.rename("r", undo)
		if got := states(versions(f, history[row](f, "r"), 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("withdrawn: got %q, want %q", got, want)
		}
	})

	t.Run("columns of the key", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (a integer, b integer, x text, PRIMARY KEY (a, b))`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 2, 'one')`, `INSERT INTO r VALUES (3, 4, 'other')`, `UPDATE r SET a = 9 WHERE a = 3`, `DELETE FROM r WHERE a = 9`)
		f.rename("r", columns("a", "c"))
		f.exec(`UPDATE r SET x = 'two' WHERE c = 1`, `UPDATE r SET c = 5 WHERE c = 1`, `INSERT INTO r VALUES (9, 4, 'again')`)
		h := history[row](f, "r")
		want := []string{`{"b":2,"c":1} 0 insert`, `{"b":2,"c":1} 1 update`, `{"b":2,"c":5} 2 update`}
		if got := lines(versions(f, h, chrononaut.Key{"b": 2, "c": 5}, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		want = []string{`{"b":4,"c":3} 0 insert`, `{"b":4,"c":9} 1 update`, `{"b":4,"c":9} 2 delete`, `{"b":4,"c":9} 3 insert`}
		if got := lines(versions(f, h, chrononaut.Key{"b": 4, "c": 9}, nil)); !cmp.Equal(got, want) {
			t.Errorf("a key that was changed, deleted and inserted again: got %q, want %q", got, want)
		}
		f.rename("r", columns("b", "c", "c", "b"))
		f.exec(`UPDATE r SET x = 'swapped' WHERE b = 5`)
		// A client that remembers the old columns says so, once.
		if got, err := h.Versions(t.Context(), chrononaut.Key{"b": 2, "c": 5}, nil); !errors.Is(err, chrononaut.ErrKeyChanged) {
			t.Errorf("a client of before: got %d versions and %v, want ErrKeyChanged", len(got), err)
		}
		if got := versions(f, h, chrononaut.Key{"b": 5, "c": 2}, nil); len(got) != 4 {
			t.Errorf("a client of before, again: got %d versions, want 4", len(got))
		}
		want = []string{`{"b":1,"c":2} 0 insert`, `{"b":1,"c":2} 1 update`, `{"b":5,"c":2} 2 update`, `{"b":5,"c":2} 3 update`}
		if got := lines(versions(f, history[row](f, "r"), chrononaut.Key{"b": 5, "c": 2}, nil)); !cmp.Equal(got, want) {
			t.Errorf("exchanged: got %q, want %q", got, want)
		}
	})

	t.Run("a migration has renamed columns of the key before, and the log lists each change once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (a integer PRIMARY KEY, x text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'one')`, `ALTER TABLE r RENAME a TO b`, `UPDATE r SET x = 'two'`)
		f.rename("r", columns("a", "b"))
		f.exec(`UPDATE r SET x = 'three'`)
		check := func(table string, want ...string) {
			t.Helper()
			client := must(chrononaut.NewClient(chronopgx.NewDriver(f.pool, nil), chronodriver.PostgreSQL, nil))(t)
			h := history[row](f, table).With(client)
			if got := lines(versions(f, h, 1, nil)); !cmp.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			for _, o := range []chrononaut.ActivityOpts{{}, {WithBefore: true}, {Column: "x"}, {Limit: 50}} {
				o.Table, o.OldestFirst = f.name(table), true
				var got []string
				for _, c := range must(client.Activity(t.Context(), &o))(t) {
					if c.Operation != chrononaut.OperationTrack {
						got = append(got, line(c))
					}
				}
				if !cmp.Equal(got, want) {
					t.Errorf("the log of %+v: got %q, want %q", o, got, want)
				}
			}
		}
		check("r", `{"b":1} 0 insert`, `{"b":1} 1 update`, `{"b":1} 2 update`)
		f.exec(`ALTER TABLE r RENAME b TO c`, `UPDATE r SET x = 'four'`)
		f.rename("r", columns("b", "c"))
		check("r", `{"c":1} 0 insert`, `{"c":1} 1 update`, `{"c":1} 2 update`, `{"c":1} 3 update`)
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		f.exec(`UPDATE s SET x = 'five'`)
		check("s", `{"c":1} 0 insert`, `{"c":1} 1 update`, `{"c":1} 2 update`, `{"c":1} 3 update`, `{"c":1} 4 update`)
	})

	t.Run("a hidden column stays hidden, also where it was recorded before", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, secret text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'leaked')`)
		f.track("r", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
		f.exec(`UPDATE r SET secret = 'kept'`)
		f.rename("r", columns("secret", "classified"))
		f.exec(`UPDATE r SET classified = 'kept too'`)
		for _, o := range []chrononaut.ActivityOpts{{}, {Table: f.name("r")}, {Table: f.name("r"), Column: "classified"}} {
			for _, c := range must(f.client.Activity(t.Context(), &o))(t) {
				if encoded := string(must(json.Marshal(c))(t)); strings.Contains(encoded, "leaked") || strings.Contains(encoded, "kept") {
					t.Errorf("the log of %+v shows a hidden value: %s", o, encoded)
				}
			}
		}
		got := versions(f, history[row](f, "r"), 1, nil)
		for _, s := range got {
			if encoded := string(must(json.Marshal(s.Data))(t)); strings.Contains(encoded, "leaked") {
				t.Errorf("version %d shows a hidden value", s.Version)
			}
		}
		if len(got) != 3 || !slices.Equal(got[1].HiddenChanged, []string{"classified"}) || !slices.Equal(got[2].HiddenChanged, []string{"classified"}) {
			t.Errorf("hidden changes: %+v", got)
		}
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		for _, c := range must(f.client.Activity(t.Context(), nil))(t) {
			if encoded := string(must(json.Marshal(c))(t)); strings.Contains(encoded, "leaked") {
				t.Errorf("after the table was renamed, the log shows a hidden value: %s", encoded)
			}
		}
	})

	t.Run("while others write, no change is lost and none is read under the wrong name", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text, n integer)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r SELECT g, 'kept', 0 FROM generate_series(1, 4) AS g`)
		const writes = 60
		var writers sync.WaitGroup
		for id := 1; id <= 4; id++ {
			writers.Go(func() {
				for range writes {
					if _, err := f.pool.Exec(t.Context(), `UPDATE r SET n = n + 1 WHERE id = $1`, id); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		// Names come, go and come back.
		names := []string{"b", "c", "a", "n2", "a"}
		was := "a"
		for _, is := range names {
			if _, err := f.migrator.Rename(t.Context(), f.name("r"), columns(was, is), nil); err != nil {
				t.Error(err)
			}
			was = is
		}
		writers.Wait()
		f.wantClean()
		for id := 1; id <= 4; id++ {
			got := versions(f, history[row](f, "r"), id, nil)
			if len(got) != writes+1 {
				t.Errorf("record %d has %d versions, want %d", id, len(got), writes+1)
			}
			for i, s := range got {
				if s.Version != i || s.Record["a"] != "kept" || fmt.Sprint(s.Record["n"]) != fmt.Sprint(i) {
					t.Fatalf("record %d, version %d: %v", id, s.Version, s.Record)
				}
			}
		}
	})

	t.Run("names that do not fit are refused, and nothing changes", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text, b text)`, `CREATE TABLE other (id integer PRIMARY KEY)`)
		f.track("r", nil)
		for _, r := range []chronomigrate.Renaming{
			{},
			columns("a", "b"), columns("x", "y"), columns("a", "a"), columns("a", ""), columns("a", "c", "b", "c"), columns("a", strings.Repeat("x", 64)),
			{Table: f.name("r")},
			{Table: f.name("other")},
			{Table: f.name("nowhere.r")},
			{Table: f.name("s"), Columns: map[string]string{"a": "c"}},
			{Columns: map[string]string{"a": "c"}, At: time.Now()},
		} {
			if _, err := f.migrator.Rename(t.Context(), f.name("r"), r, nil); err == nil {
				t.Errorf("%+v is accepted", r)
			}
		}
		if _, err := f.migrator.Rename(t.Context(), f.name("other"), columns("id", "k"), nil); err == nil {
			t.Error("a table that is not tracked is renamed")
		}
		f.wantClean()
	})
}

// now is the database's clock.
func (f *fixture) now() (at time.Time) {
	f.Helper()
	if err := f.pool.QueryRow(f.Context(), "SELECT clock_timestamp()").Scan(&at); err != nil {
		f.Fatal(err)
	}
	return at
}

func TestRenamedTables(t *testing.T) {
	t.Parallel()

	t.Run("history goes with the table, and its old name is free", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'one'), (2, 'gone')`, `DELETE FROM todos WHERE id = 2`)
		f.rename("todos", chronomigrate.Renaming{Table: f.name("tasks")})
		f.exec(`UPDATE tasks SET title = 'two' WHERE id = 1`, `INSERT INTO tasks (id, title) VALUES (2, 'again')`)
		tasks := history[todo](f, "tasks")
		if got, want := lines(versions(f, tasks, 1, nil)), []string{`{"id":1} 0 insert`, `{"id":1} 1 update`}; !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := lines(versions(f, tasks, 2, nil)), []string{`{"id":2} 0 insert`, `{"id":2} 1 delete`, `{"id":2} 2 insert`}; !cmp.Equal(got, want) {
			t.Errorf("versions do not continue: got %q, want %q", got, want)
		}
		if _, err := history[todo](f, "todos").Versions(t.Context(), 1, nil); err == nil {
			t.Error("the old name is still read")
		}
		// Another table of the old name has a history of its own.
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, done boolean)`)
		f.track("todos", nil)
		f.exec(`INSERT INTO todos VALUES (1, 'other', true)`, `UPDATE todos SET title = 'changed'`)
		got := versions(f, history[todo](f, "todos"), 1, nil)
		if len(got) != 2 || got[0].Record.Title != "other" {
			t.Errorf("the new table's history: %q", lines(got))
		}
		if got := versions(f, tasks, 1, nil); len(got) != 2 {
			t.Errorf("the renamed table's history: %q", lines(got))
		}
		if log := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("tasks"), Column: "title"}))(t); len(log) != 4 {
			t.Errorf("the log has %d changes of the title, want 4", len(log))
		}
	})

	t.Run("to another schema, back, by a migration, and with a partition", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE SCHEMA attic`, `CREATE TABLE r (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id)`,
			`CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (10)`, `CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (10) TO (20)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'a')`)
		f.rename("r", chronomigrate.Renaming{Table: f.name("attic.q")})
		f.exec(`UPDATE attic.q SET x = 'b'`)
		f.rename("attic.q", chronomigrate.Renaming{Table: f.name("public.r")})
		f.exec(`UPDATE r SET x = 'c'`, `ALTER TABLE r RENAME TO s`, `UPDATE s SET x = 'd'`)
		problems := must(f.migrator.Check(t.Context(), nil))(t)
		if len(problems) != 1 || !strings.Contains(problems[0].Hint, "chrononaut rename public.r --to public.s") {
			t.Errorf("check finds %+v", problems)
		}
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		f.exec(`UPDATE s SET id = 11`, `DELETE FROM s`)
		h := history[map[string]any](f, "s")
		want := []string{`{"id":1} 0 insert`, `{"id":1} 1 update`, `{"id":1} 2 update`, `{"id":1} 3 update`, `{"id":11} 4 update`, `{"id":11} 5 delete`}
		if got := lines(versions(f, h, 11, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("partitions that were detached keep no trigger", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id)`,
			`CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (10)`, `CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (10) TO (20)`,
			`CREATE TABLE r3 PARTITION OF r FOR VALUES FROM (20) TO (30)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'a'), (11, 'b'), (21, 'c')`, `ALTER TABLE r DETACH PARTITION r1`)
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		// By a migration, and another partition.
		f.exec(`ALTER TABLE s RENAME TO q`, `ALTER TABLE q DETACH PARTITION r2`)
		f.rename("s", chronomigrate.Renaming{Table: f.name("q")})
		f.exec(`TRUNCATE r1, r2`, `UPDATE q SET x = 'd'`)
		want := []string{`{"id":21} 0 insert`, `{"id":21} 1 update`}
		if got := lines(versions(f, history[map[string]any](f, "q"), 21, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		f.exec(`ALTER TABLE q DETACH PARTITION r3`)
		must(f.migrator.Untrack(t.Context(), f.name("q"), nil))(t)
		var left int
		if err := f.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
			 WHERE c.relname IN ('r1', 'r2', 'r3', 'q') AND g.tgname LIKE '%chrononaut%')
			+ (SELECT count(*) FROM pg_proc WHERE pronamespace = 'chrononaut'::regnamespace AND proname ~ '_(number|version|record|capture|statement|truncate)$' AND proname ~ '^[rsq]_')`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d triggers and functions are left, %v", left, err)
		}
	})

	t.Run("a baseline and an adopted version column know the rows of before", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, x text, version integer)`, `INSERT INTO r VALUES (3, 'untouched', 7)`)
		f.track("r", &chronomigrate.TrackOptions{VersionColumn: "version"})
		f.exec(`INSERT INTO r VALUES (1, 'a'), (2, 'b')`, `UPDATE r SET x = 'c' WHERE id = 1`)
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		f.rename("s", columns("id", "k"))
		f.exec(`UPDATE s SET x = 'd' WHERE k = 1`, `UPDATE s SET x = 'e' WHERE k = 2`)
		done, err := f.migrator.Baseline(t.Context(), f.name("s"), nil)
		if err != nil || done.Recorded != 1 {
			t.Errorf("the baseline recorded %d rows, want only the one without history: %v", done.Recorded, err)
		}
		h := history[map[string]any](f, "s")
		for id, want := range map[int][]string{
			1: {`{"k":1} 0 insert`, `{"k":1} 1 update`, `{"k":1} 2 update`},
			2: {`{"k":2} 0 insert`, `{"k":2} 1 update`},
			3: {`{"k":3} 7 baseline`},
		} {
			if got := lines(versions(f, h, id, nil)); !cmp.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})

	t.Run("a baseline records what was not captured, also of rows that did not change since", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, x text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')`, `UPDATE r SET x = 'bb' WHERE id = 2`, `UPDATE r SET id = 9 WHERE id = 4`)
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		f.rename("s", columns("id", "k", "x", "y"))
		f.exec(`UPDATE s SET y = 'cc' WHERE k = 3`)
		baseline := func(want int64) {
			t.Helper()
			done, err := f.migrator.Baseline(t.Context(), f.name("s"), nil)
			if err != nil || done.Recorded != want {
				t.Errorf("the baseline recorded %d rows, want %d: %v", done.Recorded, want, err)
			}
		}
		baseline(0)
		// Another table of the old name says nothing about this one.
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, x text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'other'), (2, 'unseen')`, `DELETE FROM r`,
			`ALTER TABLE s DISABLE TRIGGER USER`, `UPDATE s SET y = 'unseen' WHERE k IN (2, 3)`,
			`ALTER TABLE s ENABLE TRIGGER USER, ENABLE REPLICA TRIGGER "000_chrononaut_capture", ENABLE ALWAYS TRIGGER zzzz_chrononaut_version, ENABLE ALWAYS TRIGGER "000_chrononaut_truncate"`)
		baseline(2)
		baseline(0)
		f.exec(`ALTER TABLE s ADD z integer DEFAULT 7`)
		f.track("s", nil)
		baseline(4)
		baseline(0)
		h := history[map[string]any](f, "s")
		for id, want := range map[int][]string{
			1: {`{"k":1} 0 insert`, `{"k":1} 1 baseline`},
			2: {`{"k":2} 0 insert`, `{"k":2} 1 update`, `{"k":2} 2 baseline`, `{"k":2} 3 baseline`},
			3: {`{"k":3} 0 insert`, `{"k":3} 1 update`, `{"k":3} 2 baseline`, `{"k":3} 3 baseline`},
			9: {`{"k":4} 0 insert`, `{"k":9} 1 update`, `{"k":9} 2 baseline`},
		} {
			if got := lines(versions(f, h, id, nil)); !cmp.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})

	t.Run("rows of Python follow too", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, version integer)`, `INSERT INTO todos VALUES (1, 'a', 0)`)
		f.python("todos", 0, `{"id": 1}`, `{"id": 1, "title": "a", "version": 0}`)
		f.declare("todos", chronomigrate.PythonRows{})
		f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
		f.exec(`UPDATE todos SET title = 'b'`)
		f.rename("todos", columns("title", "headline", "id", "k"))
		f.exec(`UPDATE todos SET headline = 'c'`)
		got := versions(f, history[map[string]any](f, "todos"), 1, nil)
		if want := []string{`{"k":1} 0 `, `{"k":1} 1 update`, `{"k":1} 2 update`}; !cmp.Equal(lines(got), want) {
			t.Fatalf("got %q, want %q", lines(got), want)
		}
		for i, want := range []string{"a", "b", "c"} {
			if got[i].Record["headline"] != want {
				t.Errorf("version %d: %v", i, got[i].Record)
			}
		}
	})

	t.Run("rows of before are found in the index", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, x integer)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r SELECT g, 0 FROM generate_series(1, 2000) AS g`)
		f.rename("r", columns("id", "k"))
		f.rename("r", chronomigrate.Renaming{Table: f.name("s")})
		f.exec(`UPDATE s SET x = 1 WHERE k <= 20`, `ANALYZE chrononaut.chrononaut_activity`)
		driver := &recorder{Queryer: chronopgx.NewDriver(f.pool, nil)}
		h := history[map[string]any](f, "s").With(must(chrononaut.NewClient(driver, chronodriver.PostgreSQL, nil))(t))
		if got := versions(f, h, 7, nil); len(got) != 2 || got[0].Record["k"] == nil {
			t.Errorf("history: %q", lines(got))
		}
		if _, err := h.At(t.Context(), 7, time.Now()); err != nil {
			t.Error(err)
		}
		// The first one reads the registry.
		for _, q := range driver.queries[1:] {
			f.explain(q, "force_custom_plan").walk(func(n node) {
				if n.Relation == "chrononaut_activity" && n.Type == "Seq Scan" {
					t.Errorf("history is read from end to end:\n%s", q.sql)
				}
			})
		}
	})
}
