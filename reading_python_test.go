package chrononaut_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// python inserts rows as Python chrononaut writes them: named columns, key and
// data with the names of attributes.
func (f *fixture) python(table string, version int, key, data string) {
	f.Helper()
	f.pythonIn("chrononaut", table, version, key, data)
}

func (f *fixture) pythonIn(schema, table string, version int, key, data string) {
	f.Helper()
	_, err := f.pool.Exec(f.Context(), `INSERT INTO `+schema+`.chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info)
		VALUES ($1, clock_timestamp(), $2, $3, $4, '{"user_id": "ann@example.com", "remote_addr": null}', '{}')`, table, version, key, data)
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) declare(table string, rows ...chronomigrate.PythonRows) {
	f.Helper()
	if _, err := f.migrator.DeclarePython(f.Context(), f.name(table), rows, nil); err != nil {
		f.Fatal(err)
	}
}

type pythonTodo struct {
	ID    int
	Title string
	Price *string
}

func TestPythonRowsByKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	start := time.Now().Add(-time.Minute)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, price numeric(10,4), version integer)`,
		`INSERT INTO todos VALUES (1, 'b', 1.5, 1)`)
	f.python("todos", 0, `{"id": 1}`, `{"id": 1, "title": "a", "price": "1.5000", "version": 0}`)
	f.python("todos", 1, `{"id": 1}`, `{"id": 1, "title": "b", "price": "1.5000", "version": 1}`)
	f.python("todos", 0, `{"id": 2}`, `{"id": 2, "title": "other", "price": null, "version": 0}`)
	f.declare("todos", chronomigrate.PythonRows{})
	h := history[pythonTodo](f, "todos")

	if got := lines(versions(f, h, 1, nil)); !cmp.Equal(got, []string{`{"id":1} 0 `, `{"id":1} 1 `}) {
		t.Errorf("before tracking: %q", got)
	}
	f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
	f.exec(`UPDATE todos SET title = 'c' WHERE id = 1`, `INSERT INTO todos VALUES (2, 'again', 2)`, `DELETE FROM todos WHERE id = 1`)

	t.Run("versions continue after Python's", func(t *testing.T) {
		t.Parallel()
		f := f.in(t)
		want := []string{`{"id":1} 0 `, `{"id":1} 1 `, `{"id":1} 2 update`, `{"id":1} 3 delete`}
		if got := lines(versions(f, h, 1, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		want = []string{`{"id":2} 0 `, `{"id":2} 1 insert`}
		if got := lines(versions(f, h, 2, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		want = []string{`{"id":1} 2 update`, `{"id":1} 1 `}
		two := 2
		if got := lines(versions(f, h, 1, &chrononaut.VersionsOpts{ToVersion: &two, NewestFirst: true, Limit: 2})); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("values are those of the table's own rows", func(t *testing.T) {
		t.Parallel()
		f := f.in(t)
		price := "1.5000"
		for version, title := range []string{"a", "b", "c"} {
			s := must(h.Version(f.Context(), 1, version))(f)
			if diff := cmp.Diff(pythonTodo{1, title, &price}, s.Record); diff != "" {
				t.Errorf("version %d: %s", version, diff)
			}
			if len(s.Unreadable) > 0 {
				t.Errorf("version %d: %v is unreadable", version, s.Unreadable)
			}
		}
		diff := must(h.DiffVersions(f.Context(), 1, 1, 2))(f)
		if len(diff) != 1 || diff[0].Column != "title" {
			t.Errorf("the unchanged price differs: %v", diff)
		}
	})

	t.Run("every way of reading sees them", func(t *testing.T) {
		t.Parallel()
		f := f.in(t)
		first := must(h.Version(f.Context(), 1, 0))(f)
		if s := must(h.At(f.Context(), 1, first.Changed))(f); s.Version != 0 || s.Record.Title != "a" {
			t.Errorf("At: %+v", s)
		}
		if changed := must(h.ChangedSince(f.Context(), 1, start))(f); !changed {
			t.Error("not changed")
		}
		if s := must(h.Previous(f.Context(), 2))(f); s.Version != 0 || s.Record.Title != "other" {
			t.Errorf("Previous: %+v", s)
		}
		if s := must(h.At(f.Context(), 2, first.Changed.Add(time.Hour)))(f); s.Record.Title != "again" {
			t.Errorf("At: %+v", s)
		}
	})
}

// in is the fixture in a subtest.
func (f *fixture) in(t *testing.T) *fixture {
	t.Helper()
	inner := *f
	inner.T = t
	return &inner
}

// TestPythonInheritance reads a model that inherits from another across tables.
func TestPythonInheritance(t *testing.T) {
	t.Parallel()
	f := newPythonFixture(t)
	f.exec(`CREATE TABLE todo (id integer PRIMARY KEY, title text, kind text, version integer)`,
		`CREATE TABLE special_todo (todo_id integer PRIMARY KEY REFERENCES todo (id), stars integer)`,
		`INSERT INTO todo VALUES (1, 'a', 'todo', 0), (2, 'b', 'special', 0)`, `INSERT INTO special_todo VALUES (2, 5)`)
	f.pythonIn("public", "todo", 0, `{"id": 1}`, `{"id": 1, "title": "a", "kind": "todo", "version": 0}`)
	f.pythonIn("public", "special_todo", 0, `{"id": 2}`, `{"id": 2, "title": "b", "kind": "special", "stars": 5, "version": 0}`)
	result, err := f.migrator.Adopt(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range result.Rows {
		if len(rows.Notes) > 0 {
			t.Errorf("%s: %q", rows.Name, rows.Notes)
		}
	}
	f.track("todo", &chronomigrate.TrackOptions{VersionColumn: "version"})
	f.track("special_todo", nil)
	f.exec(`UPDATE todo SET title = title || '!'`, `UPDATE special_todo SET stars = 4`)

	parent := history[map[string]any](f, "public.todo")
	want := []string{`{"id":2} 0 `, `{"id":2} 1 update`}
	snapshots := versions(f, parent, 2, nil)
	if got := lines(snapshots); !cmp.Equal(got, want) {
		t.Errorf("the parent's table: got %q, want %q", got, want)
	}
	if diff := must(parent.DiffVersions(t.Context(), 2, 0, 1))(t); len(diff) != 1 || diff[0].Column != "title" {
		t.Errorf("the parent's table: %v", diff)
	}
	child := history[map[string]any](f, "public.special_todo")
	want = []string{`{"todo_id":2} 0 `, `{"todo_id":2} 1 update`}
	snapshots = versions(f, child, 2, nil)
	if got := lines(snapshots); !cmp.Equal(got, want) {
		t.Errorf("the child's table: got %q, want %q", got, want)
	}
	if diff := must(child.DiffVersions(t.Context(), 2, 0, 1))(t); len(diff) != 1 || diff[0].Column != "stars" {
		t.Errorf("the child's table: %v", diff)
	}
	if got := lines(versions(f, parent, 1, nil)); len(got) != 2 {
		t.Errorf("another record: %q", got)
	}
}

// TestPythonDialects reads rows of the data converter, which row_to_json wrote,
// and what neither wrote exactly.
func TestPythonDialects(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TYPE mood AS ENUM ('good', 'bad')`,
		`CREATE TABLE things (id integer PRIMARY KEY, price numeric(10,2), at timestamptz, local_at timestamp, mood mood, doc jsonb, numbers integer[], blob bytea, note text, version integer)`)
	f.declare("things", chronomigrate.PythonRows{Timezone: "Europe/Vienna", Enums: map[string]map[string]string{"note": {"Note.A": "a"}}})
	f.python("things", 0, `{"id": 1}`, `{"id": 1, "price": 10.50, "at": "2020-06-01T09:00:00.1+02:00", "local_at": "2020-06-01T12:00:00", "mood": "bad",
		"doc": {"a": [1, null]}, "numbers": [1, 2], "blob": "\\x00ff", "note": "README.md", "version": 0}`)
	f.python("things", 1, `{"id": 1}`, `{"id": 1, "price": "10.50", "at": "2020-06-01T07:00:00.100000+00:00", "local_at": "2020-06-01T10:00:00+00:00", "mood": "bad",
		"doc": "{'a': [1, None]}", "numbers": "[1, 2]", "blob": "b'\\x00\\xff'", "note": "README.md", "version": 1}`)
	f.python("things", 2, `{"id": 1}`, `{"id": 1, "price": "x", "mood": "Mood.BAD", "numbers": "[1, <object>]", "blob": "<memory at 0x7f00>", "note": "Note.B", "gone": "kept", "version": 2}`)
	h := history[map[string]any](f, "things")
	snapshots := versions(f, h, 1, nil)

	t.Run("a value is the same in both", func(t *testing.T) {
		t.Parallel()
		if diff := must(h.Diff(&snapshots[0], &snapshots[1]))(t); len(diff) > 0 {
			t.Error(diff)
		}
		if diff := cmp.Diff(snapshots[0].Record["local_at"], snapshots[1].Record["local_at"]); diff != "" || len(snapshots[0].Unreadable) > 0 {
			t.Error(diff, snapshots[0].Unreadable)
		}
	})

	t.Run("what Python lost is flagged", func(t *testing.T) {
		t.Parallel()
		s := snapshots[2]
		if diff := cmp.Diff([]string{"price", "mood", "numbers", "blob", "note"}, s.Unreadable); diff != "" {
			t.Error(diff)
		}
		if got := string(must(s.Column("mood"))(t)); got != `{"chrononaut:lossy": "Mood.BAD"}` {
			t.Error(got)
		}
		if s.Record["note"] != nil || string(s.Data["gone"]) != `"kept"` {
			t.Errorf("got %v", s.Record)
		}
	})
}

// TestPythonBaseline records only what Python's rows do not say already.
func TestPythonBaseline(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, price numeric(10,4), version integer)`,
		`INSERT INTO todos VALUES (1, 'known', 1.5, 3), (2, 'changed', 1, 2), (3, 'unknown', NULL, NULL)`)
	f.python("todos", 3, `{"id": 1}`, `{"id": 1, "title": "known", "price": "1.5000", "version": 3}`)
	f.python("todos", 2, `{"id": 2}`, `{"id": 2, "title": "before", "price": "1.0000", "version": 2}`)
	f.declare("todos", chronomigrate.PythonRows{})
	f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
	progress, err := f.migrator.Baseline(t.Context(), f.name("todos"), nil)
	if err != nil || progress.Recorded != 2 {
		t.Fatalf("recorded %d rows, error %v", progress.Recorded, err)
	}
	h := history[pythonTodo](f, "todos")
	for id, want := range map[int][]string{1: {`{"id":1} 3 `}, 2: {`{"id":2} 2 `, `{"id":2} 3 baseline`}, 3: {`{"id":3} 0 baseline`}} {
		if got := lines(versions(f, h, id, nil)); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if progress, err = f.migrator.Baseline(t.Context(), f.name("todos"), nil); err != nil || progress.Recorded != 0 {
		t.Errorf("again: recorded %d rows, error %v", progress.Recorded, err)
	}
}

// TestPythonLog reads the log of a table that Python has written to.
func TestPythonLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, price numeric(10,4), version integer)`,
		`INSERT INTO todos VALUES (1, 'b', 1.5, 1)`)
	f.python("todos", 0, `{"id": 1}`, `{"id": 1, "title": "a", "price": "1.5000", "version": 0}`)
	f.python("todos", 1, `{"id": 1}`, `{"id": 1, "title": "b", "price": "1.5000", "version": 1}`)
	f.python("notes", 0, `{"id": 1}`, `{"id": 1, "version": 0}`)
	f.declare("todos", chronomigrate.PythonRows{})
	f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
	f.exec(`UPDATE todos SET title = 'c'`, `UPDATE todos SET price = 2`)
	ctx, client, todos := f.Context(), f.client, f.name("todos")

	t.Run("in its order, with the state before", func(t *testing.T) {
		t.Parallel()
		var got []string
		for change, err := range client.ActivityAll(ctx, &chrononaut.ActivityOpts{Table: todos, WithBefore: true, OldestFirst: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if change.Operation == chrononaut.OperationTrack {
				continue
			}
			if change.Table.Schema != "public" {
				t.Errorf("the table is %s", change.Table)
			}
			got = append(got, line(change)+" "+string(change.Before["title"])+" "+string(change.Data["title"])+" "+string(change.Data["price"]))
		}
		want := []string{`{"id":1} 0   "a" 1.5000`, `{"id":1} 1  "a" "b" 1.5000`, `{"id":1} 2 update "b" "c" 1.5000`, `{"id":1} 3 update "c" "c" 2.0000`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("narrowed by column, actor and page", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			opts chrononaut.ActivityOpts
			want []string
		}{
			"column": {chrononaut.ActivityOpts{Column: "price"}, []string{`{"id":1} 3 update`, `{"id":1} 0 `}},
			"actor":  {chrononaut.ActivityOpts{Actor: "ann@example.com"}, []string{`{"id":1} 1 `, `{"id":1} 0 `}},
			"limit":  {chrononaut.ActivityOpts{Limit: 2, WithBefore: true}, []string{`{"id":1} 3 update`, `{"id":1} 2 update`}},
		} {
			c.opts.Table = todos
			var got []string
			for _, change := range must(client.Activity(ctx, &c.opts))(t) {
				got = append(got, line(change))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}
