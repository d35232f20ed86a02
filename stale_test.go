package chrononaut_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
)

// staleOf returns the error of a statement as a StaleError.
func (f *fixture) staleOf(sql string, args ...any) *chrononaut.StaleError {
	f.Helper()
	_, err := f.db.Exec(f.Context(), sql, args...)
	var stale *chrononaut.StaleError
	if !errors.As(chrononaut.WrapError(err), &stale) {
		f.Fatalf("%s: %v, want a StaleError", sql, err)
	}
	return stale
}

// isAt ends the test unless the record is at a version.
func (f *fixture) isAt(id, want int) {
	f.Helper()
	var got int
	if err := f.pool.QueryRow(f.Context(), `SELECT version FROM todos WHERE id = $1`, id).Scan(&got); err != nil || got != want {
		f.Errorf("record %d is at version %d, %v, want %d", id, got, err, want)
	}
}

func TestStaleWriteIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	ann := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann@example.com"), "the title was wrong")
	f.exec(`INSERT INTO todos (id, title, secret, visits) VALUES (1, 'a', 's', 0)`)
	f.execAs(ann, `UPDATE todos SET title = 'b' WHERE id = 1`, `UPDATE todos SET secret = 't' WHERE id = 1`, `UPDATE todos SET done = true WHERE id = 1`)

	for _, sql := range []string{
		`UPDATE todos SET title = 'c', version = 2 WHERE id = 1`,
		`UPDATE todos SET title = 'c', version = 0 WHERE id = 1`,
		`UPDATE todos SET title = 'c', version = 5 WHERE id = 1`,
		`UPDATE todos SET title = 'c', version = -1 WHERE id = 1`,
		`UPDATE todos SET title = 'c', version = -2147483648 WHERE id = 1`,
		`UPDATE todos SET title = 'c', version = NULL WHERE id = 1`,
		`UPDATE todos SET title = 'c', version = DEFAULT WHERE id = 1`,
		`UPDATE todos SET title = title, version = 2 WHERE id = 1`,
		`UPDATE todos SET visits = 1, version = 2 WHERE id = 1`,
		`UPDATE todos SET version = 2 WHERE id = 1`,
		`UPDATE todos SET id = 2, version = 2 WHERE id = 1`,
	} {
		_ = f.staleOf(sql)
	}
	var major int
	if err := f.pool.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::integer / 10000`).Scan(&major); err != nil {
		t.Fatal(err)
	}
	if major >= 15 {
		_ = f.staleOf(`MERGE INTO todos AS t USING (VALUES (1, 2)) AS s (id, version) ON t.id = s.id WHEN MATCHED THEN UPDATE SET title = 'c', version = s.version`)
	}
	f.isAt(1, 3)

	got := f.staleOf(`UPDATE todos SET title = 'mine', done = true, visits = 9, version = 0 WHERE id = 1`)
	zero := 0
	by := func(version int, columns ...string) chrononaut.Intervening {
		return chrononaut.Intervening{Version: version, Operation: "update", Actor: "ann@example.com", Rationale: "the title was wrong", Columns: columns}
	}
	want := &chrononaut.StaleError{
		Table: chrononaut.Table{Schema: "public", Name: "todos"}, Expected: &zero, Actual: 3, Based: true,
		Changes: []chrononaut.Intervening{by(3, "done"), by(2, "secret"), by(1, "title")},
		Since:   []string{"done", "secret", "title"}, Mine: []string{"title", "visits"}, Overlap: []string{"title"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(chrononaut.StaleError{}), cmpopts.IgnoreFields(chrononaut.Intervening{}, "Changed")); diff != "" {
		t.Error(diff)
	}
	if age := time.Since(got.Changes[0].Changed); age < -time.Minute || age > time.Minute || got.Changes[0].Changed.Location() != time.UTC {
		t.Errorf("changed %v", got.Changes[0].Changed)
	}
	if got.Error() != "stale write to table public.todos: based on version 0, the record is at version 3" || !errors.Is(got, chrononaut.ErrStale) || got.Mergeable() {
		t.Errorf("%v, mergeable %v", got, got.Mergeable())
	}
	if s := got.Unwrap().Error(); !strings.Contains(s, got.Error()) || strings.Contains(s, "mine") {
		t.Errorf("message %q", s)
	}
}

func TestVersionThatIsAccepted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title, version) VALUES (1, 'a', 99)`)
	f.isAt(1, 0)
	f.exec(`UPDATE todos SET title = 'b', version = 0 WHERE id = 1`)
	f.isAt(1, 1)
	f.exec(`UPDATE todos SET title = 'c', version = version + 1 WHERE id = 1`)
	f.isAt(1, 2)
	f.exec(`UPDATE todos SET title = 'd', version = version WHERE id = 1`)
	f.isAt(1, 3)
	f.exec(`UPDATE todos SET title = title, version = 4 WHERE id = 1`)
	f.isAt(1, 3)
	f.exec(`UPDATE todos SET title = 'e', version = 3 WHERE id = 1; UPDATE todos SET title = 'f', version = 4 WHERE id = 1; UPDATE todos SET title = 'g', version = 5 WHERE id = 1`)
	f.isAt(1, 6)
}

func TestClientStale(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	table := f.name("todos")
	ann := chrononaut.WithActor(t.Context(), "ann@example.com")
	f.execAs(ann, `INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'a'), (3, 'a'), (4, 'a')`,
		`UPDATE todos SET title = 'b' WHERE id IN (1, 3)`, `DELETE FROM todos WHERE id = 3`, `UPDATE todos SET id = 5 WHERE id = 4`)

	stale := func(key any, version int) *chrononaut.StaleError {
		t.Helper()
		err := f.client.Stale(t.Context(), table, chrononaut.Key{"id": key}, version)
		var stale *chrononaut.StaleError
		if err != nil && !errors.As(err, &stale) {
			t.Fatal(err)
		}
		return stale
	}
	columns := func(e *chrononaut.StaleError) (columns []string) {
		for _, c := range e.Changes {
			columns = append(columns, string(c.Operation)+" "+strings.Join(c.Columns, " "))
		}
		return columns
	}
	for id, version := range map[int]int{1: 1, 2: 0, 5: 1} {
		if e := stale(id, version); e != nil {
			t.Errorf("record %d: %v", id, e)
		}
	}
	if e := stale("1", 0); e == nil || e.Actual != 1 || e.Deleted || !e.Based || cmp.Diff([]string{"update title"}, columns(e)) != "" || !e.Mergeable() || len(e.Overlapping("title", "done")) != 1 {
		t.Errorf("%+v", e)
	}
	if e := stale(3, 1); e == nil || !e.Deleted || e.Actual != 2 || cmp.Diff([]string{"delete "}, columns(e)) != "" || e.Mergeable() || !strings.Contains(e.Error(), "is gone") {
		t.Errorf("%+v", e)
	}
	if e := stale(4, 0); e == nil || !e.Deleted || cmp.Diff([]string{"update id"}, columns(e)) != "" {
		t.Errorf("%v: %q", e, columns(e))
	}
	if e := stale(5, 0); e == nil || e.Deleted || !e.Based || cmp.Diff([]string{"update id"}, columns(e)) != "" {
		t.Errorf("%v: %q", e, columns(e))
	}
	if e := stale(6, 0); e == nil || !e.Deleted || len(e.Changes) != 0 {
		t.Errorf("%+v", e)
	}
	for _, key := range []chrononaut.Key{{}, {"no": 1}, {"id": nil}, {"id": 1, "title": "a"}, {"id": "x"}, {"id": "99999999999"}} {
		if err := f.client.Stale(t.Context(), table, key, 0); !errors.Is(err, chrononaut.ErrKey) || errors.Is(err, chrononaut.ErrStale) || strings.Contains(err.Error(), "99999") {
			t.Errorf("%v: %v", key, err)
		}
	}

	err := f.client.StaleAll(t.Context(), table, []chrononaut.KeyVersion{
		{Key: chrononaut.Key{"id": 1}, Version: 1}, {Key: chrononaut.Key{"id": 2}, Version: 9}, {Key: chrononaut.Key{"id": 3}, Version: 0},
	})
	var bulk *chrononaut.BulkStaleError
	if !errors.As(err, &bulk) || bulk.Stale != 2 || bulk.Of != 3 || bulk.Records[1].Key["id"] != 3 || len(bulk.Records[1].Changes) != 2 || !errors.Is(err, chrononaut.ErrStale) {
		t.Errorf("%v", err)
	}
	if err := f.client.StaleAll(t.Context(), table, nil); err != nil {
		t.Error(err)
	}
	if err := f.client.Stale(t.Context(), chrononaut.Table{Name: "nothing"}, chrononaut.Key{"id": 1}, 0); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Error(err)
	}
}
