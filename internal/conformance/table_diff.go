package conformance

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// diffAll collects what DiffAll yields.
func (b *bench) diffAll(from, to time.Time, opts *chrononaut.DiffAllOpts) []chrononaut.RecordDiff {
	b.t.Helper()
	var found []chrononaut.RecordDiff
	for r, err := range b.todos.DiffAll(b.t.Context(), from, to, opts) {
		if err != nil {
			b.t.Fatal(err)
		}
		found = append(found, r)
	}
	return found
}

// wantDiff compares what DiffAll yields: kind, previous key, key, columns.
func (b *bench) wantDiff(from, to time.Time, opts *chrononaut.DiffAllOpts, want ...string) {
	b.t.Helper()
	var got []string
	for _, r := range b.diffAll(from, to, opts) {
		line := string(r.Kind)
		if r.PreviousKey != nil {
			line += fmt.Sprintf(" %v to", r.PreviousKey["id"])
		}
		line += fmt.Sprintf(" %v:", r.Key["id"])
		for _, c := range r.Columns {
			if c.Column == "done" {
				continue // The engines write it differently.
			}
			line += " " + c.Column
			if !c.Hidden {
				line += fmt.Sprintf("=%s>%s", c.From, c.To)
			}
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.t.Errorf("differences mismatch (-want +got):\n%s", diff)
	}
}

// now is the time of the last change.
func (b *bench) now() time.Time {
	b.t.Helper()
	changes, err := b.client.Activity(b.t.Context(), &chrononaut.ActivityOpts{Table: b.table, Limit: 1})
	if err != nil || len(changes) != 1 {
		b.t.Fatalf("last change: %d, %v", len(changes), err)
	}
	return changes[0].Changed
}

func diffsTables(t *testing.T, b *bench) {
	ctx := t.Context()
	start := b.now()
	b.exec(ctx, `INSERT INTO todos (id, title, secret) VALUES (1, 'a', 's'), (2, 'a', NULL), (3, 'a', NULL), (4, 'a', NULL), (5, 'a', NULL)`)
	first := b.now()
	b.wantDiff(start, first, nil, `inserted 1: id=>1 secret title=>"a"`, `inserted 2: id=>2 title=>"a"`, `inserted 3: id=>3 title=>"a"`,
		`inserted 4: id=>4 title=>"a"`, `inserted 5: id=>5 title=>"a"`)
	b.exec(ctx, `UPDATE todos SET title = 'b' WHERE id = 1`)
	b.exec(ctx, `DELETE FROM todos WHERE id = 2`)
	b.exec(ctx, `UPDATE todos SET title = 'b' WHERE id = 3`)
	b.exec(ctx, `UPDATE todos SET title = 'a' WHERE id = 3`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (6, 'a')`)
	b.exec(ctx, `DELETE FROM todos WHERE id = 6`)
	b.exec(ctx, `UPDATE todos SET secret = 't' WHERE id = 4`)
	b.exec(ctx, `UPDATE todos SET visits = 9 WHERE id = 5`)
	second := b.now()
	want := []string{`changed 1: title="a">"b"`, `deleted 2: id=2> title="a">`, `changed 4: secret`}
	b.wantDiff(first, second, nil, want...)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (2, 'again')`)
	b.exec(ctx, `UPDATE todos SET id = 7, title = 'seven' WHERE id = 1`)
	b.exec(ctx, `UPDATE todos SET id = 8 WHERE id = 7`)
	b.exec(ctx, `UPDATE todos SET id = 9 WHERE id = 3`)
	b.exec(ctx, `DELETE FROM todos WHERE id = 9`)
	b.wantDiff(first, second, nil, want...)
	b.wantDiff(second, time.Time{}, nil, `inserted 2: id=>2 title=>"again"`, `changed 1 to 8: id=1>8 title="b">"seven"`, `deleted 3 to 9: id=3> title="a">`)
	b.wantDiff(first, time.Time{}, nil, `changed 4: secret`, `changed 2: title="a">"again"`, `changed 1 to 8: id=1>8 title="a">"seven"`, `deleted 3 to 9: id=3> title="a">`)
	// A set, in which records are named by the key that they have now, or had.
	b.wantDiff(first, time.Time{}, &chrononaut.DiffAllOpts{Keys: []any{8, chrononaut.Key{"id": 1}, 5, 2, 99}},
		`changed 1 to 8: id=1>8 title="a">"seven"`, `changed 1 to 8: id=1>8 title="a">"seven"`, `changed 2: title="a">"again"`)
	b.wantDiff(first, time.Time{}, &chrononaut.DiffAllOpts{Keys: []any{}})
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'new')`)
	b.wantDiff(second, time.Time{}, nil, `inserted 2: id=>2 title=>"again"`, `inserted 8: id=>8 title=>"seven"`, `deleted 3 to 9: id=3> title="a">`, `changed 1: title="b">"new"`)
	for _, err := range b.todos.DiffAll(ctx, second, first, nil) {
		if !errors.Is(err, chrononaut.ErrOrder) {
			t.Errorf("diff backwards: error = %v, want ErrOrder", err)
		}
	}
	n := 0
	for range b.todos.DiffAll(ctx, first, time.Time{}, nil) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d differences before the loop was left, want 1", n)
	}
}

func diffsUnrecorded(t *testing.T, b *bench) {
	ctx := t.Context()
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'a'), (3, 'a')`)
	recorded := b.now()
	if _, err := m.Untrack(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	b.tick()
	untracked := b.now()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (4, 'b')`)
	b.exec(ctx, `UPDATE todos SET title = 'b' WHERE id = 1`)
	failed := false
	for _, err := range b.todos.DiffAll(ctx, recorded, time.Time{}, nil) {
		if failed = errors.Is(err, chrononaut.ErrNotRecorded); !failed {
			t.Errorf("diff up to a time when the table was not tracked: error = %v, want ErrNotRecorded", err)
		}
	}
	if !failed {
		t.Error("a diff up to a time when the table was not tracked says nothing")
	}
	b.track(&chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}})
	tracked := b.now()
	if _, err := m.Baseline(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	b.tick()
	b.exec(ctx, `UPDATE todos SET title = 'c' WHERE id = 4`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (5, 'c')`)
	since := []string{`not_recorded 1: id=>1 title=>"b"`, `not_recorded 4: id=>4 title=>"c"`, `not_recorded 5: id=>5 title=>"c"`}
	b.wantDiff(recorded.Add(-24*time.Hour), time.Time{}, nil, append([]string{`not_recorded 2: id=>2 title=>"a"`, `not_recorded 3: id=>3 title=>"a"`}, since...)...)
	b.wantDiff(untracked, time.Time{}, nil, since...)
	// What the baseline found was there since tracking began.
	b.wantDiff(tracked, time.Time{}, nil, `changed 1: title="a">"b"`, `changed 4: title="b">"c"`, `inserted 5: id=>5 title=>"c"`)
}

// diffsAgreeWithTheTable changes a table at random and compares: what DiffAll says
// of two times, applied to the rows that the table had at the first, makes those
// that it had at the second.
func diffsAgreeWithTheTable(t *testing.T, b *bench) {
	ctx := t.Context()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	type moment struct {
		at   time.Time
		rows map[string]string
	}
	state := map[string]string{}
	moments := []moment{{b.now(), map[string]string{}}}
	const keys, steps = 6, 60
	for step := range steps {
		k, other := fmt.Sprint(random.IntN(keys)), fmt.Sprint(random.IntN(keys))
		_, here := state[k]
		_, taken := state[other]
		title := fmt.Sprint("t", random.IntN(3))
		switch n := random.IntN(4); {
		case !here:
			b.exec(ctx, `INSERT INTO todos (id, title) VALUES (`+k+`, '`+title+`')`)
			state[k] = title
		case n == 0:
			b.exec(ctx, `DELETE FROM todos WHERE id = `+k)
			delete(state, k)
		case n == 1 && !taken:
			b.exec(ctx, `UPDATE todos SET id = `+other+` WHERE id = `+k)
			state[other] = state[k]
			delete(state, k)
		default:
			b.exec(ctx, `UPDATE todos SET title = '`+title+`' WHERE id = `+k)
			state[k] = title
		}
		if step%4 == 3 {
			moments = append(moments, moment{b.now(), maps.Clone(state)})
		}
	}
	titles := func(c *chrononaut.Change) string { return strings.Trim(string(c.Data["title"]), `"`) }
	moved := 0
	for i, from := range moments {
		for _, to := range moments[i:] {
			rows := maps.Clone(from.rows)
			seen := map[string]bool{}
			all := b.diffAll(from.at, to.at, nil)
			for _, r := range all {
				key, old := fmt.Sprint(r.Key["id"]), fmt.Sprint(r.Key["id"])
				if r.PreviousKey != nil {
					old = fmt.Sprint(r.PreviousKey["id"])
					moved++
				}
				if seen[key] || seen[old] {
					t.Errorf("from %v to %v: %s or %s is there twice", from.rows, to.rows, old, key)
				}
				seen[key], seen[old] = true, true
				if before, ok := rows[old]; ok != (r.Kind != chrononaut.DiffInserted) || ok && before != titles(r.From) {
					t.Errorf("from %v to %v: %s %s to %s began with %+v", from.rows, to.rows, r.Kind, old, key, r.From)
				}
				delete(rows, old)
				if r.Kind != chrononaut.DiffDeleted {
					rows[key] = titles(r.To)
				}
			}
			if diff := cmp.Diff(to.rows, rows); diff != "" {
				t.Errorf("from %v: rows mismatch (-want +got):\n%s", from.rows, diff)
			}
			// A set of all keys says the same.
			var set []any
			for k := range keys {
				set = append(set, k)
			}
			asked := map[string]bool{}
			for _, r := range b.diffAll(from.at, to.at, &chrononaut.DiffAllOpts{Keys: set}) {
				asked[fmt.Sprint(r.Kind, r.Key["id"], r.PreviousKey["id"])] = true
			}
			whole := map[string]bool{}
			for _, r := range all {
				whole[fmt.Sprint(r.Kind, r.Key["id"], r.PreviousKey["id"])] = true
			}
			if diff := cmp.Diff(whole, asked); diff != "" {
				t.Errorf("from %v to %v: the set of all keys differs (-table +set):\n%s", from.rows, to.rows, diff)
			}
		}
	}
	if moved == 0 {
		t.Error("no change of a key was seen")
	}
}
