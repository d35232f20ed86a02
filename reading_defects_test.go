package chrononaut_test

import (
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
