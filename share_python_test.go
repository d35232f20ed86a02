package chrononaut_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

type sharedTodo struct {
	ID       int
	Title    *string
	Price    *string
	Priority *string
	Due      *time.Time
	Version  int
}

func (p *pythonApp) wantRecorded(table string, id int, want ...string) {
	p.Helper()
	if diff := cmp.Diff(append([]string{}, want...), p.recorded(table, id)); diff != "" {
		p.Error(diff)
	}
}

func (p *pythonApp) in(t *testing.T) *pythonApp {
	t.Helper()
	return &pythonApp{fixture: p.fixture.in(t), url: p.url}
}

func TestSharedWithPython(t *testing.T) { //nolint:tparallel // The subtests share an application and its records.
	t.Parallel()
	p := newPythonApp(t, true)
	h := history[sharedTodo](p.fixture, "todos")
	bob := chrononaut.WithRationale(chrononaut.WithActor(p.Context(), "bob@example.com"), "from Go")

	t.Run("each change is recorded once, by whoever makes it", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(doing{"rationale": "new"}), add(doing{"id": 1, "title": "a", "price": "1.5", "priority": "HIGH", "due": "2020-06-01T09:00:00.1+02:00", "secret": "s"}), do("commit"),
			set(1, doing{"title": "b"}), do("commit"))
		p.execAs(bob, `UPDATE todos SET title = 'c' WHERE id = 1`)
		p.run(asAnn(nil), set(1, doing{"title": "d"}), do("commit"), on("delete", 1), do("commit"))
		p.wantRecorded("todos", 1, "0 insert ann@example.com python0", "1 update ann@example.com python1", "2 update bob@example.com go",
			"3 update ann@example.com python3", "4 delete ann@example.com python4")
	})

	t.Run("a key that comes back continues its versions", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 1, "title": "again"}), do("commit"), set(1, doing{"title": "and again"}), do("commit"))
		got := p.recorded("todos", 1)[5:]
		want := []string{"5 insert ann@example.com python0", "6 update ann@example.com python6"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("the state is what the database holds, and hidden values never enter it", func(t *testing.T) {
		p := p.in(t)
		s := must(h.Version(p.Context(), 1, 0))(p)
		a, price, priority, due := "a", "1.5000", "high", time.Date(2020, 6, 1, 7, 0, 0, 100_000_000, time.UTC)
		want := sharedTodo{1, &a, &price, &priority, &due, 0}
		if diff := cmp.Diff(want, s.Record); diff != "" {
			t.Error(diff)
		}
		var leaked int
		if err := p.pool.QueryRow(p.Context(), `SELECT count(*) FROM chrononaut.chrononaut_activity
			WHERE table_name = 'todos' AND (data ? 'secret' OR data ? 'visits')`).Scan(&leaked); err != nil || leaked > 0 {
			t.Errorf("%d rows hold hidden values, %v", leaked, err)
		}
		diff := must(h.DiffVersions(p.Context(), 1, 1, 2))(p)
		if len(diff) != 1 || diff[0].Column != "title" {
			t.Errorf("diff between Python's row and ours: %+v", diff)
		}
		if s.Rationale != "new" || s.Actor != "ann@example.com" {
			t.Errorf("rationale %q, actor %q", s.Rationale, s.Actor)
		}
	})

	t.Run("several flushes of one transaction are several versions", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 2, "title": "a"}), add(doing{"id": 3, "title": "x"}), do("flush"), set(2, doing{"title": "b"}), set(3, doing{"title": "y"}),
			do("flush"), set(2, doing{"title": "c"}), do("commit"))
		p.wantRecorded("todos", 2, "0 insert ann@example.com python0", "1 update ann@example.com python1", "2 update ann@example.com python2")
		p.wantRecorded("todos", 3, "0 insert ann@example.com python0", "1 update ann@example.com python1")
	})

	t.Run("what Python does not record is recorded", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 4, "title": "a"}), do("commit"),
			set(4, doing{"title": "b"}), do("flush"), doing{"do": "sql", "sql": "UPDATE todos SET title = 'raw' WHERE id = 4"}, do("commit"),
			doing{"do": "suppress", "args": doing{"on": true}}, set(4, doing{"title": "quiet"}), do("commit"))
		p.wantRecorded("todos", 4, "0 insert ann@example.com python0", "1 update ann@example.com python1", "2 update - go", "3 update - go")
	})

	t.Run("rolled-back transactions and savepoints leave nothing", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 5, "title": "a"}), do("commit"),
			set(5, doing{"title": "gone"}), do("flush"), do("rollback"),
			do("nested"), set(5, doing{"title": "gone too"}), do("flush"), do("rollback nested"), set(5, doing{"title": "b"}), do("commit"))
		p.wantRecorded("todos", 5, "0 insert ann@example.com python0", "1 update ann@example.com python1")
	})

	t.Run("a stale version of Python's is put right", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 6, "title": "a"}), do("commit"))
		// The session's own SQL leaves the version that it holds in memory behind.
		p.run(on("load", 6), doing{"do": "sql", "sql": "UPDATE todos SET price = 2 WHERE id = 6"}, doing{"do": "sql", "sql": "UPDATE todos SET price = 3 WHERE id = 6"},
			asAnn(nil), set(6, doing{"title": "b"}), do("flush"), set(6, doing{"title": "c"}), do("commit"))
		got := p.recorded("todos", 6)
		if len(got) != 5 || !strings.HasPrefix(got[4], "4 update") {
			t.Errorf("got %q", got)
		}
		if v := p.run(on("version", 6)); v != 4.0 {
			t.Errorf("the row has version %v", v)
		}
		if got := must(h.Version(p.Context(), 6, 3))(p).Record; *got.Title != "b" || *got.Price != "3.0000" {
			t.Errorf("state of version 3: %+v", got)
		}
	})

	t.Run("hidden changes are recorded, untracked ones are not", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 7, "title": "a"}), do("commit"), set(7, doing{"secret": "x"}), do("commit"), set(7, doing{"visits": 3}), do("commit"))
		p.wantRecorded("todos", 7, "0 insert ann@example.com python0", "1 update ann@example.com python1")
		changed := must(h.Version(p.Context(), 7, 1))(p).HiddenChanged
		if diff := cmp.Diff([]string{"secret"}, changed); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("a change that only Python sees is a version without a difference", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 8, "title": "a"}), do("commit"), on("touch", 8), do("commit"), set(8, doing{"title": "b"}), do("commit"))
		p.wantRecorded("todos", 8, "0 insert ann@example.com python0", "1 update ann@example.com python1", "2 update ann@example.com python2")
		if diff := must(h.DiffVersions(p.Context(), 8, 0, 1))(p); len(diff) != 0 {
			t.Errorf("diff: %+v", diff)
		}
	})

	t.Run("a record that somebody else has deleted stays deleted", func(t *testing.T) {
		p := p.in(t)
		p.run(asAnn(nil), add(doing{"id": 10, "title": "a"}), do("commit"))
		p.run(asAnn(nil), on("load", 10), doing{"do": "sql", "sql": "DELETE FROM todos WHERE id = 10; COMMIT"}, on("delete", 10), do("commit"))
		p.wantRecorded("todos", 10, "0 insert ann@example.com python0", "1 delete - go", "2 delete ann@example.com python1")
	})

	t.Run("a row without a version has its state before recorded", func(t *testing.T) {
		p := p.in(t)
		p.exec(`ALTER TABLE todos DISABLE TRIGGER USER`, `INSERT INTO todos (id, title) VALUES (9, 'old')`, `ALTER TABLE todos ENABLE TRIGGER USER`,
			`ALTER TABLE todos ENABLE REPLICA TRIGGER "000_chrononaut_capture"`)
		p.run(asAnn(nil), set(9, doing{"title": "new"}), do("commit"))
		p.wantRecorded("todos", 9, "0 baseline - go", "1 update ann@example.com python1")
	})
}

func TestPythonReadsSharedHistory(t *testing.T) {
	t.Parallel()
	p := newPythonApp(t, true)
	bob := chrononaut.WithActor(p.Context(), "bob@example.com")
	p.execAs(bob, `INSERT INTO todos (id, title, price, priority, due) VALUES (1, 'a', 1.5, 'low', '2020-06-01 12:00Z')`)
	p.run(asAnn(nil), set(1, doing{"title": "b"}), do("commit"))
	p.execAs(bob, `UPDATE todos SET title = 'c' WHERE id = 1`)
	all := p.run(on("versions", 1)).([]any)
	if len(all) != 3 {
		t.Fatalf("versions(): %v", all)
	}
	at := func(i int) string { return all[i].(map[string]any)["changed"].(string) }
	version := func(v any) any {
		if v == nil {
			return nil
		}
		return v.(map[string]any)["version"]
	}
	for what, test := range map[string]struct{ got, want any }{
		"version_at":                   {version(p.run(doing{"do": "version_at", "id": 1, "at": at(1)})), 1.0},
		"version_at before the first":  {version(p.run(doing{"do": "version_at", "id": 1, "at": "2001-01-01T00:00:00+00:00"})), nil},
		"previous_version":             {version(p.run(on("previous_version", 1))), 1.0},
		"diff_versions Go to Python":   {p.run(doing{"do": "diff_versions", "id": 1, "versions": []int{0, 1}}), map[string]any{"title": []any{"a", "b"}}},
		"diff_versions Python to Go":   {p.run(doing{"do": "diff_versions", "id": 1, "versions": []int{1, 2}}), map[string]any{"title": []any{"b", "c"}}},
		"diff_timestamps":              {p.run(doing{"do": "diff_timestamps", "id": 1, "at": at(0)}), map[string]any{"title": []any{"a", "c"}}},
		"has_changed_since":            {p.run(doing{"do": "has_changed_since", "id": 1, "at": at(1)}), true},
		"has_changed_since the latest": {p.run(doing{"do": "has_changed_since", "id": 1, "at": at(2)}), false},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func TestSharedWithPythonRefusals(t *testing.T) { //nolint:tparallel // The subtests share an application and its records.
	t.Parallel()
	p := newPythonApp(t, true)
	p.run(asAnn(nil), add(doing{"id": 1, "title": "a"}), do("commit"))

	t.Run("history is not deleted, unless the unsafe door is open", func(t *testing.T) {
		p := p.in(t)
		if _, message := p.try(on("erase", 1), do("commit")); !strings.Contains(message, "history is append-only") {
			t.Errorf("message %q", message)
		}
		p.wantRecorded("todos", 1, "0 insert ann@example.com python0")
		p.run(doing{"do": "sql", "sql": "SELECT chrononaut.suppress('asked to be forgotten', true)"}, on("erase", 1), do("commit"))
		p.wantRecorded("todos", 1)
	})

	t.Run("an attribute that is not named as its column is refused", func(t *testing.T) {
		p := p.in(t)
		add := add(doing{"id": 1, "label": "a"})
		add["model"] = "renamed"
		if _, message := p.try(add, do("commit")); !strings.Contains(message, "which is no column of public.renamed") {
			t.Errorf("message %q", message)
		}
	})

	t.Run("a column that only Python hides is refused", func(t *testing.T) {
		p := p.in(t)
		p.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version", SharedWithPython: true})
		if _, message := p.try(add(doing{"id": 2, "secret": "s3cret"}), do("commit")); !strings.Contains(message, "column secret of public.todos is hidden in Python") {
			t.Errorf("message %q", message)
		}
		p.wantRecorded("todos", 2)
	})

	t.Run("rows of history are rewritten by nobody else", func(t *testing.T) {
		p := p.in(t)
		for _, sql := range []string{
			`WITH a AS (INSERT INTO todos (id) VALUES (10)) DELETE FROM chrononaut.chrononaut_activity`,
			`DO $$ BEGIN INSERT INTO todos (id) VALUES (11); DELETE FROM chrononaut.chrononaut_activity WHERE key = '{"id": 11}'; END $$`,
			`DO $$ BEGIN INSERT INTO todos (id) VALUES (12); UPDATE chrononaut.chrononaut_activity SET operation = 'delete' WHERE key = '{"id": 12}'; END $$`,
			`DO $$ BEGIN INSERT INTO todos (id) VALUES (13); INSERT INTO chrononaut.chrononaut_activity (table_name, table_schema, version, key, data)
				VALUES ('todos', 'public', 0, '{"id": 13}', '{"id": 13, "title": "forged"}'); DELETE FROM chrononaut.chrononaut_activity WHERE operation IS NOT NULL; END $$`,
		} {
			if _, err := p.pool.Exec(p.Context(), sql); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
}

// Writers of both kinds on the same rows: every change once, versions without
// gaps, and the newest of them on the row.
func TestSharedWithPythonConcurrently(t *testing.T) {
	t.Parallel()
	p := newPythonApp(t, true)
	const rows, each = 3, 12
	for id := range rows {
		p.run(asAnn(nil), add(doing{"id": id, "title": "new"}), do("commit"))
	}
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := range each {
				if _, message := p.try(asAnn(nil), set(i%rows, doing{"title": fmt.Sprintf("python %d %d", w, i)}), do("commit")); message != "" {
					t.Error(message)
				}
			}
		})
		writers.Go(func() {
			for i := range each {
				if _, err := p.db.Exec(p.Context(), `UPDATE todos SET title = $1 WHERE id = $2`, fmt.Sprintf("go %d %d", w, i), i%rows); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	for id := range rows {
		got := p.recorded("todos", id)
		python := 0
		for i, line := range got {
			if !strings.HasPrefix(line, fmt.Sprintf("%d ", i)) || strings.Contains(line, "not later") || strings.Contains(line, "incomplete") {
				t.Errorf("row %d: %q", id, line)
			}
			if strings.Contains(line, "ann@example.com python") {
				python++
			}
		}
		if len(got) != 1+4*each/rows || python != 1+2*each/rows {
			t.Errorf("row %d: %d versions, %d of them Python's: %q", id, len(got), python, got)
		}
		if v := p.run(on("version", id)); v != float64(len(got)-1) {
			t.Errorf("row %d has version %v of %d", id, v, len(got))
		}
	}
}

// A table that is not shared is as it was before: the triggers record, and
// Python's row stays as it wrote it.
func TestNotSharedWithPython(t *testing.T) {
	t.Parallel()
	p := newPythonApp(t, false)
	p.run(asAnn(nil), add(doing{"id": 1, "title": "a"}), do("commit"))
	p.wantRecorded("todos", 1, "0 insert - go", "0 - ann@example.com go incomplete")
}

// Python's own history is taken over, and Python goes on.
func TestSharedAfterAdoption(t *testing.T) {
	t.Parallel()
	python := findPython(t)
	f := newFixture(t)
	f.exec(append(sharedTables, `CREATE TABLE public.chrononaut_activity (id bigserial PRIMARY KEY, table_name text NOT NULL,
			changed timestamptz NOT NULL, version integer NOT NULL, key jsonb DEFAULT '{}' NOT NULL, data jsonb DEFAULT '{}' NOT NULL,
			user_info jsonb DEFAULT '{}' NOT NULL, extra_info jsonb DEFAULT '{}' NOT NULL)`,
		`CREATE INDEX ix_chrononaut_activity_key_table_name ON public.chrononaut_activity (key, table_name)`)...)
	p := &pythonApp{fixture: f, url: startPython(t, python, f.pool.Config().ConnString())}
	p.run(asAnn(nil), add(doing{"id": 1, "title": "a", "price": "1.5"}), do("commit"), set(1, doing{"title": "b"}), do("commit"))

	public := &chronomigrate.Config{Schema: "public"}
	f.migrator = must(chronomigrate.New(chronopgx.NewDriver(f.pool, nil), public))(t)
	if _, err := f.migrator.Adopt(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f.trackShared(true)
	p.run(asAnn(nil), set(1, doing{"title": "c"}), do("commit"))
	f.exec(`UPDATE public.todos SET title = 'd' WHERE id = 1`)
	p.run(asAnn(nil), on("delete", 1), do("commit"))

	db := chronopgx.New(f.pool, &chrononaut.Config{Schema: "public"})
	h := chrononaut.NewHistory[sharedTodo](must(db.Client())(t), f.name("todos"), nil)
	want := []string{`{"id":1} 0 `, `{"id":1} 1 `, `{"id":1} 2 update`, `{"id":1} 3 update`, `{"id":1} 4 delete`}
	if diff := cmp.Diff(want, lines(must(h.Versions(t.Context(), 1, nil))(t))); diff != "" {
		t.Error(diff)
	}
	diff := must(h.DiffVersions(t.Context(), 1, 0, 2))(t)
	if len(diff) != 1 || diff[0].Column != "title" {
		t.Errorf("diff across the adoption: %+v", diff)
	}
	if all := p.run(on("versions", 1)).([]any); len(all) != 5 {
		t.Errorf("Python sees %d versions", len(all))
	}
}
