package chrononaut_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestBoundsAreInclusive(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1)`)
	for i := range 10 {
		f.exec(fmt.Sprintf(`UPDATE todos SET title = '%d'`, i))
	}
	all := versions(f, h, 1, nil)
	two, seven := 2, 7
	microsecond := time.Microsecond
	for name, tc := range map[string]struct {
		opts chrononaut.VersionsOpts
		want []int
	}{
		"versions":                         {chrononaut.VersionsOpts{FromVersion: &two, ToVersion: &seven}, []int{2, 3, 4, 5, 6, 7}},
		"times":                            {chrononaut.VersionsOpts{After: all[2].Changed, Before: all[4].Changed}, []int{2, 3, 4}},
		"just inside":                      {chrononaut.VersionsOpts{After: all[2].Changed.Add(microsecond), Before: all[4].Changed.Add(-microsecond)}, []int{3}},
		"nanoseconds count":                {chrononaut.VersionsOpts{After: all[2].Changed.Add(1), Before: all[4].Changed.Add(1)}, []int{3, 4}},
		"one instant":                      {chrononaut.VersionsOpts{After: all[3].Changed, Before: all[3].Changed}, []int{3}},
		"crossed":                          {chrononaut.VersionsOpts{After: all[4].Changed, Before: all[2].Changed}, nil},
		"a zone is only a way to write it": {chrononaut.VersionsOpts{Before: all[1].Changed.In(time.FixedZone("", -5*3600))}, []int{0, 1}},
		"far away":                         {chrononaut.VersionsOpts{After: time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), Before: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), Limit: 1}, []int{0}},
		"limit":                            {chrononaut.VersionsOpts{FromVersion: &two, Limit: 2}, []int{2, 3}},
		"newest first":                     {chrononaut.VersionsOpts{ToVersion: &seven, NewestFirst: true, Limit: 2}, []int{7, 6}},
		"a negative limit is none":         {chrononaut.VersionsOpts{FromVersion: &seven, Limit: -1}, []int{7, 8, 9, 10}},
	} {
		var got []int
		for _, s := range versions(f, h, 1, &tc.opts) {
			got = append(got, s.Version)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: versions mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func TestEverySnapshotHasItsOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE old (id integer PRIMARY KEY, n integer)`, `INSERT INTO old VALUES (1, 1), (2, 2)`)
	f.track("old", nil)
	f.exec(`UPDATE old SET n = 10 WHERE id = 1`, `UPDATE old SET id = 11 WHERE id = 1`, `DELETE FROM old WHERE id = 11`, `INSERT INTO old VALUES (11, 0)`, `TRUNCATE old`)
	h := history[map[string]any](f, "old")
	want := []string{`{"id":1} 0 baseline`, `{"id":1} 1 update`, `{"id":11} 2 update`, `{"id":11} 3 delete`, `{"id":11} 4 insert`, `{"id":11} 5 truncate`}
	if diff := cmp.Diff(want, lines(versions(f, h, 11, nil))); diff != "" {
		t.Errorf("versions mismatch (-want +got):\n%s", diff)
	}
	var deleted *chrononaut.DeletedError
	if _, err := h.At(t.Context(), 2, time.Now().Add(time.Hour)); !errors.As(err, &deleted) || deleted.Last.Operation != chrononaut.OperationTruncate {
		t.Errorf("At(after TRUNCATE): error = %v, want DeletedError by truncate", err)
	}
}

// The state at every instant around a life with a deletion, a second life and a change of the key.
func TestAtFollowsTheLifeOfAKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `DELETE FROM todos`, `INSERT INTO todos (id, title) VALUES (1, 'b')`,
		`UPDATE todos SET id = 2`, `INSERT INTO todos (id, title) VALUES (1, 'c')`)
	times := map[string]time.Time{}
	for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("todos")}))(t) {
		times[line(c)] = c.Changed
	}
	first, gone, second, moved, other := times[`{"id":1} 0 insert`], times[`{"id":1} 1 delete`], times[`{"id":1} 2 insert`], times[`{"id":2} 3 update`], times[`{"id":1} 4 insert`]
	for _, tc := range []struct {
		name  string
		key   int
		at    time.Time
		title string
		err   error
	}{
		{"before the insert", 1, first.Add(-time.Microsecond), "", chrononaut.ErrNotFound},
		{"at the insert", 1, first, "a", nil},
		{"just before the deletion", 1, gone.Add(-time.Microsecond), "a", nil},
		{"at the deletion", 1, gone, "", chrononaut.ErrNotFound},
		{"in the second life", 1, second, "b", nil},
		{"when the record had gone on under another key", 1, moved, "", chrononaut.ErrNotFound},
		{"when another record had come", 1, other, "c", nil},
		{"by the new key, after the change", 2, moved, "b", nil},
		{"by the new key, before the change", 2, second, "b", nil},
		{"by the new key, before there was a record", 2, first.Add(-time.Microsecond), "", chrononaut.ErrNotFound},
	} {
		s, err := h.At(t.Context(), tc.key, tc.at)
		if !errors.Is(err, tc.err) || err == nil && s.Record.Title != tc.title {
			t.Errorf("%s: %+v, error %v; want %q, error %v", tc.name, s, err, tc.title, tc.err)
		}
	}
	for _, tc := range []struct {
		key  int
		at   time.Time
		want bool
	}{{1, gone, true}, {1, second, true}, {1, moved, true}, {1, other, false}, {2, second, true}, {2, moved, false}} {
		if got, err := h.ChangedSince(t.Context(), tc.key, tc.at); err != nil || got != tc.want {
			t.Errorf("ChangedSince(%d, %s) = %v, %v; want %v", tc.key, tc.at, got, err, tc.want)
		}
	}
}

func TestNotRecordedIsToldFromNotThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE old (id integer PRIMARY KEY, n integer)`, `INSERT INTO old VALUES (1, 1), (2, 2)`)
	before := time.Now().Add(-time.Hour)
	f.track("old", nil)
	type row struct{ ID, N int }
	h := history[row](f, "old")
	now := time.Now().Add(time.Hour)

	if _, err := h.At(t.Context(), 1, now); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("a row that has not changed since: error = %v, want ErrNotRecorded", err)
	}
	if _, err := h.At(t.Context(), 3, now); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("a row that never was: error = %v, want ErrNotFound", err)
	}
	if _, err := h.At(t.Context(), 3, before); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("before tracking began: error = %v, want ErrNotRecorded", err)
	}
	if changed, err := h.ChangedSince(t.Context(), 1, now); err != nil || changed {
		t.Errorf("ChangedSince of a row that never changed = %v, %v; want false", changed, err)
	}
	if _, err := h.ChangedSince(t.Context(), 1, before); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("ChangedSince before tracking began: error = %v, want ErrNotRecorded", err)
	}
	if _, err := h.Previous(t.Context(), 1); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("Previous of a row without history: error = %v, want ErrNotFound", err)
	}
	if got := versions(f, h, 1, nil); len(got) != 0 {
		t.Errorf("%d versions of a row without history, want none", len(got))
	}

	// The first change records the state before it, which was there since tracking began.
	f.exec(`UPDATE old SET n = 10 WHERE id = 1`)
	if _, err := h.At(t.Context(), 1, before); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("before tracking began: error = %v, want ErrNotRecorded", err)
	}
	if first := versions(f, h, 1, nil)[0]; first.Operation != chrononaut.OperationBaseline || first.Record.N != 1 {
		t.Fatalf("first version = %+v, want the baseline", first)
	}
	at := must(pgx.CollectExactlyOneRow(must(f.pool.Query(t.Context(), `SELECT tracked_since FROM chrononaut.chrononaut_table`))(t), pgx.RowTo[time.Time]))(t)
	if s, err := h.At(t.Context(), 1, at); err != nil || s.Record.N != 1 {
		t.Errorf("when tracking began: %+v, error %v; want the state before the first change", s, err)
	}
	if _, err := f.migrator.Baseline(t.Context(), f.name("old"), nil); err != nil {
		t.Fatal(err)
	}
	if changed, err := h.ChangedSince(t.Context(), 2, at); err != nil || changed {
		t.Errorf("ChangedSince of a row with a baseline only = %v, %v; want false", changed, err)
	}
	if _, err := history[row](f, "nothing").At(t.Context(), 1, now); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("a table that was never tracked: error = %v, want ErrNotTracked", err)
	}
}

func TestDiffs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE t (id integer PRIMARY KEY, a text, n numeric, j jsonb, secret text, other text)`)
	f.track("t", &chronomigrate.TrackOptions{Hidden: []string{"secret", "other"}})
	h := history[map[string]any](f, "t")
	f.exec(
		`INSERT INTO t VALUES (1, 'x', 1.1, '{"v": 1.0}', 's0', 'o0')`,
		`UPDATE t SET a = 'y', secret = 's1'`,
		`UPDATE t SET a = 'x', other = 'o1'`,
		`UPDATE t SET a = NULL, n = 1.10, j = '{"v": 1}'`,
		`DELETE FROM t`,
		`INSERT INTO t VALUES (2, 'x', 1.1, '{"v": 1.0}', 's0', 'o0')`,
	)
	all := versions(f, h, 1, nil)
	show := func(d chrononaut.Diff, err error) []string {
		if err != nil {
			return []string{err.Error()}
		}
		shown := []string{}
		for _, c := range d {
			if c.Hidden {
				if c.From != nil || c.To != nil {
					t.Errorf("hidden column %s has values", c.Column)
				}
				shown = append(shown, c.Column+" hidden")
				continue
			}
			shown = append(shown, fmt.Sprintf("%s %s %s", c.Column, nonnil(c.From), nonnil(c.To)))
		}
		return shown
	}
	everything := []string{`a - "x"`, `id - 1`, `j - {"v": 1.0}`, `n - 1.1`}
	ctx := t.Context()
	start, end := all[0].Changed, all[4].Changed
	for name, tc := range map[string]struct {
		got, want []string
	}{
		"versions":                           {show(h.DiffVersions(ctx, 1, 0, 1)), []string{`a "x" "y"`, "secret hidden"}},
		"changes that cancel":                {show(h.DiffVersions(ctx, 1, 0, 2)), []string{"other hidden", "secret hidden"}},
		"numbers by value":                   {show(h.DiffVersions(ctx, 1, 2, 3)), []string{`a "x" null`}},
		"a version with itself":              {show(h.DiffVersions(ctx, 1, 1, 1)), []string{}},
		"snapshots":                          {show(h.Diff(&all[0], &all[1])), []string{`a "x" "y"`}},
		"a snapshot with nothing":            {show(h.Diff(nil, &all[0])), everything},
		"times":                              {show(h.DiffBetween(ctx, 1, start, all[1].Changed)), []string{`a "x" "y"`, "secret hidden"}},
		"one instant":                        {show(h.DiffBetween(ctx, 1, start, start)), []string{}},
		"from before it was there":           {show(h.DiffBetween(ctx, 1, start.Add(-1), start)), append(everything, "other hidden", "secret hidden")},
		"both before it was there":           {show(h.DiffBetween(ctx, 1, start.Add(-2*time.Microsecond), start.Add(-time.Microsecond))), []string{}},
		"before and after its life":          {show(h.DiffBetween(ctx, 1, start.Add(-time.Microsecond), end)), []string{}},
		"up to its deletion":                 {show(h.DiffBetween(ctx, 1, all[3].Changed, end)), []string{`a null -`, `id 1 -`, `j {"v": 1} -`, `n 1.10 -`}},
		"up to the version of its deletion":  {show(h.DiffVersions(ctx, 1, 3, 4)), []string{`a null -`, `id 1 -`, `j {"v": 1} -`, `n 1.10 -`}},
		"up to the snapshot of its deletion": {show(h.Diff(&all[3], &all[4])), []string{`a null -`, `id 1 -`, `j {"v": 1} -`, `n 1.10 -`}},
		"a deletion with itself":             {show(h.DiffVersions(ctx, 1, 4, 4)), []string{}},
		"up to now":                          {show(h.DiffBetween(ctx, 2, start, time.Time{})), append(everything[:1:1], `id - 2`, everything[2], everything[3], "other hidden", "secret hidden")},
		"a time when nothing changed":        {show(h.DiffBetween(ctx, 1, all[1].Changed, all[2].Changed.Add(-time.Microsecond))), []string{}},
		"of a record that never was there":   {show(h.DiffBetween(ctx, 3, start, end)), []string{}},
	} {
		slices.Sort(tc.got)
		slices.Sort(tc.want)
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s: diff mismatch (-want +got):\n%s", name, diff)
		}
	}
	other := versions(f, h, 2, nil)[0]
	for name, tc := range map[string]struct {
		got  func() (chrononaut.Diff, error)
		want error
	}{
		"versions backwards":  {func() (chrononaut.Diff, error) { return h.DiffVersions(ctx, 1, 2, 1) }, chrononaut.ErrOrder},
		"snapshots backwards": {func() (chrononaut.Diff, error) { return h.Diff(&all[1], &all[0]) }, chrononaut.ErrOrder},
		"times backwards":     {func() (chrononaut.Diff, error) { return h.DiffBetween(ctx, 1, end, start) }, chrononaut.ErrOrder},
		"a missing version":   {func() (chrononaut.Diff, error) { return h.DiffVersions(ctx, 1, 0, 99) }, chrononaut.ErrNotFound},
		"a missing start":     {func() (chrononaut.Diff, error) { return h.DiffVersions(ctx, 1, 99, 100) }, chrononaut.ErrNotFound},
		"different records":   {func() (chrononaut.Diff, error) { return h.Diff(&all[0], &other) }, chrononaut.ErrDifferentRecords},
		"before tracking":     {func() (chrononaut.Diff, error) { return h.DiffBetween(ctx, 1, start.Add(-time.Hour), end) }, chrononaut.ErrNotRecorded},
	} {
		if d, err := tc.got(); !errors.Is(err, tc.want) {
			t.Errorf("%s: diff %v, error %v; want %v", name, d, err, tc.want)
		}
	}
}

func nonnil(raw json.RawMessage) string {
	if raw == nil {
		return "-"
	}
	return string(raw)
}

func TestSnapshotColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title, secret, visits) VALUES (1, 'a', 'hunter2', 3)`)
	s := versions(f, h, 1, nil)[0]
	if value, err := s.Column("title"); err != nil || string(value) != `"a"` {
		t.Errorf("Column(title) = %s, %v", value, err)
	} else {
		// A snapshot is a copy, and so is what it returns.
		value[1] = 'z'
		if again, _ := s.Column("title"); string(again) != `"a"` {
			t.Errorf("Column(title) = %s after a change of what it had returned", again)
		}
	}
	for column, want := range map[string]error{"secret": chrononaut.ErrHidden, "visits": chrononaut.ErrUntracked, "nothing": chrononaut.ErrNoColumn} {
		if value, err := s.Column(column); !errors.Is(err, want) || value != nil {
			t.Errorf("Column(%s) = %s, %v; want %v", column, value, err, want)
		}
	}
}

// A field that cannot take a column's value must not show the value in the error: B-04.
func TestScanErrorsNameTheColumnOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'hunter2')`)
	type wrong struct {
		ID    int
		Title int
	}
	_, err := history[wrong](f, "todos").Versions(t.Context(), 1, nil)
	const want = "versions of todos: column title of public.todos does not fit the Go value that it is scanned into"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
