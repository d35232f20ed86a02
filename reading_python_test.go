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
	_, err := f.pool.Exec(f.Context(), `INSERT INTO chrononaut.chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info)
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
	inner := *f
	inner.T = t
	return &inner
}
