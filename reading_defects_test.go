package chrononaut_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Two changes that cancel each other are changes, though there is no difference: B-16.
func TestChangesThatCancelAreChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
	start := versions(f, h, 1, nil)[0].Changed
	f.exec(`UPDATE todos SET title = 'b'`, `UPDATE todos SET title = 'a'`)
	if changed, err := h.ChangedSince(t.Context(), 1, start); err != nil || !changed {
		t.Errorf("ChangedSince = %v, %v; want true", changed, err)
	}
	if diff, err := h.DiffBetween(t.Context(), 1, start, time.Time{}); err != nil || len(diff) != 0 {
		t.Errorf("DiffBetween = %v, %v; want nothing", diff, err)
	}
}

// The columns of RecordChanges say when a row was changed last, and have no say in reading: B-08.
func TestRecordChangesDoNotBoundReading(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE notes (id integer PRIMARY KEY, title text)`)
	f.track("notes", &chronomigrate.TrackOptions{RecordChanges: true})
	f.exec(`INSERT INTO notes VALUES (1, 'a')`, `UPDATE notes SET title = 'b'`, `UPDATE notes SET title = 'c'`)
	type note struct {
		ID         int
		Title      string
		Changed    time.Time
		ChangeInfo map[string]any
		Version    int
	}
	h := history[note](f, "notes")
	all := versions(f, h, 1, nil)
	last := all[2]
	for _, of := range []any{1, &last.Record} {
		if got := versions(f, h, of, &chrononaut.VersionsOpts{Before: all[1].Changed}); len(got) != 2 {
			t.Errorf("%d versions up to the second, want 2", len(got))
		}
		if s, err := h.At(t.Context(), of, all[0].Changed); err != nil || s.Record.Title != "a" {
			t.Errorf("At(first) = %+v, %v; want title a", s, err)
		}
	}
}

// When the clock steps back, a later version has an earlier time. The order is still that of the versions.
func TestClockThatStepsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
	start := versions(f, h, 1, nil)[0].Changed
	for i, after := range []time.Duration{3 * time.Hour, time.Hour, 2 * time.Hour} {
		if _, err := f.pool.Exec(t.Context(), `
			INSERT INTO chrononaut.chrononaut_activity (table_name, table_schema, changed, version, key, data, operation)
			VALUES ('todos', 'public', $1, $2, '{"id": 1}', jsonb_build_object('id', 1, 'title', 'after ' || $3::text, 'version', $2::integer), 'update')`,
			start.Add(after), i+1, after.String()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{`{"id":1} 0 insert`, `{"id":1} 1 update`, `{"id":1} 2 update`, `{"id":1} 3 update`}
	if diff := cmp.Diff(want, lines(versions(f, h, 1, nil))); diff != "" {
		t.Errorf("versions mismatch (-want +got):\n%s", diff)
	}
	for after, version := range map[time.Duration]int{0: 0, 90 * time.Minute: 2, 150 * time.Minute: 3, 4 * time.Hour: 3} {
		if s, err := h.At(t.Context(), 1, start.Add(after)); err != nil || s.Version != version {
			t.Errorf("At(start + %s) = %+v, %v; want version %d", after, s, err, version)
		}
	}
}

// Hidden columns that changed are those of the record that had the key, whoever has
// it later.
func TestHiddenChangesOfTheRecordThatHadTheKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title, secret) VALUES (1, 'a', 's'), (5, 'b', 't')`)
	start := f.now()
	f.exec(`UPDATE todos SET secret = 'x' WHERE id = 1`)
	end := f.now()
	want := chrononaut.Diff{{Column: "secret", Hidden: true}}
	check := func(when string, to time.Time, want chrononaut.Diff) {
		t.Helper()
		diff, err := h.DiffBetween(t.Context(), 1, start, to)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, diff); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
	}
	check("before the key changed", end, want)
	f.exec(`UPDATE todos SET id = 2 WHERE id = 1`)
	moved := f.now()
	f.exec(`UPDATE todos SET id = 1, secret = 'y' WHERE id = 5`, `UPDATE todos SET secret = 'z' WHERE id = 1`)
	check("after another record got the key", end, want)
	diff := must(h.DiffBetween(t.Context(), 1, start, moved))(t)
	if c, ok := diff.Column("secret"); !ok || !c.Hidden {
		t.Errorf("up to when the record had left: %v", diff)
	}
}

// What cannot be in history is not found there, and is no error of the database.
func TestReadingWhatCannotBeThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`)
	const far = 3_000_000_000
	if _, err := h.Version(t.Context(), 1, far); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("version %d: %v", far, err)
	}
	if _, err := h.DiffVersions(t.Context(), 1, 0, far); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("diff up to version %d: %v", far, err)
	}
	from, to := far, -far
	for name, o := range map[string]*chrononaut.VersionsOpts{"from": {FromVersion: &from}, "to": {ToVersion: &to}} {
		if got := versions(f, h, 1, o); len(got) != 0 {
			t.Errorf("versions %s far away: %v", name, lines(got))
		}
	}
	if got := versions(f, h, 1, &chrononaut.VersionsOpts{FromVersion: &to, ToVersion: &from}); len(got) != 2 {
		t.Errorf("versions between: %v", lines(got))
	}
	plan := must(f.client.Restore(t.Context(), f.name("todos"), keys(1), chrononaut.ToVersion(far), nil))(t)
	if got := problems(plan); !slices.Equal(got, []string{"not_recorded"}) {
		t.Errorf("restore to version %d: %v", far, got)
	}
	if changes, err := f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Actor: "a\x00"}); err != nil || len(changes) != 0 {
		t.Errorf("changes of an actor with NUL: %v, %v", changes, err)
	}
	if _, err := f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "a\x00"}, nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("revert of an actor with NUL: %v", err)
	}
	if _, err := (&chrononaut.Snapshot[todo]{}).Column("title"); !errors.Is(err, chrononaut.ErrNoColumn) {
		t.Errorf("a column of no snapshot: %v", err)
	}
	if _, err := h.Diff(nil, nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("a diff of nothing: %v", err)
	}
	if _, err := h.At(t.Context(), chrononaut.Key{"id": math.NaN()}, f.now()); !errors.Is(err, chrononaut.ErrKey) || strings.Contains(err.Error(), "NaN") {
		t.Errorf("a key that is no number: %v", err)
	}
}
