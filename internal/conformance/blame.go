package conformance

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// blame describes what Blame says: column, value, version, operation, actor,
// rationale.
func (b *bench) blame(of any, opts *chrononaut.BlameOpts) []string {
	b.t.Helper()
	blame, err := b.todos.Blame(b.t.Context(), of, opts)
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, c := range blame.Columns {
		if c.Column == "done" {
			continue // The engines write it differently.
		}
		line := c.Column + " " + string(c.Value)
		if c.Hidden {
			line += "hidden"
		}
		if c.Since != nil {
			line += fmt.Sprintf(" %d %s %s %s", c.Since.Version, c.Since.Operation, c.Since.Actor, c.Since.Rationale)
		}
		lines = append(lines, line)
	}
	return lines
}

func (b *bench) wantBlame(of any, opts *chrononaut.BlameOpts, want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.blame(of, opts)); diff != "" {
		b.t.Errorf("blame mismatch (-want +got):\n%s", diff)
	}
}

func blames(t *testing.T, b *bench) {
	ann := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), "why")
	bob := chrononaut.WithActor(t.Context(), "bob")
	b.exec(bob, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	b.exec(bob, `UPDATE todos SET title = 'b'`)
	b.exec(ann, `UPDATE todos SET title = 'a', secret = 's'`)
	b.exec(bob, `UPDATE todos SET done = true`)
	b.exec(bob, `UPDATE todos SET visits = 7`)
	b.wantBlame(1, nil, "id 1 0 insert bob ", "secret hidden 2 update ann why", `title "a" 2 update ann why`)
	one := 1
	b.wantBlame(1, &chrononaut.BlameOpts{Version: &one}, "id 1 0 insert bob ", "secret hidden", `title "b" 1 update bob `)
	times := b.versions(1, nil)
	b.wantBlame(1, &chrononaut.BlameOpts{At: times[0].Changed}, "id 1 0 insert bob ", "secret hidden", `title "a" 0 insert bob `)
	b.exec(bob, `DELETE FROM todos`)
	var deleted *chrononaut.DeletedError
	if _, err := b.todos.Blame(t.Context(), 1, nil); !errors.As(err, &deleted) {
		t.Errorf("blame of a deleted record: error = %v, want DeletedError", err)
	}
	gone := deleted.Last.Version
	if _, err := b.todos.Blame(t.Context(), 1, &chrononaut.BlameOpts{Version: &gone}); !errors.As(err, &deleted) {
		t.Errorf("blame of a version that is a deletion: error = %v, want DeletedError", err)
	}
	if _, err := b.todos.Blame(t.Context(), 9, nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("blame of no record: error = %v, want ErrNotFound", err)
	}
	b.exec(ann, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	b.wantBlame(1, nil, "id 1 5 insert ann why", "secret hidden", `title "a" 5 insert ann why`)
}

// blamesAcrossKeys is about records that have had several keys, and keys that
// have had several records.
func blamesAcrossKeys(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title, secret) VALUES (1, 'first', 's')`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (7, 'seventh')`)
	b.exec(ctx, `UPDATE todos SET title = 'still first' WHERE id = 1`)
	first := b.versions(1, nil)[1].Changed
	b.exec(ctx, `UPDATE todos SET id = 2 WHERE id = 1`)
	b.wantBlame(2, nil, "id 2 2 update  ", "secret hidden 0 insert  ", `title "still first" 1 update  `)
	b.exec(ctx, `UPDATE todos SET id = 1 WHERE id = 7`)
	b.wantBlame(1, &chrononaut.BlameOpts{At: first}, "id 1 0 insert  ", "secret hidden 0 insert  ", `title "still first" 1 update  `)
	now := b.versions(1, nil)
	last := strconv.Itoa(now[len(now)-1].Version)
	b.wantBlame(1, nil, "id 1 "+last+" update  ", "secret hidden", `title "seventh" 0 insert  `)
}

// blamesLongHistories is about values that are older than a page.
func blamesLongHistories(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	b.exec(ctx, `UPDATE todos SET secret = 's'`)
	for i := range 100 {
		b.exec(ctx, `UPDATE todos SET title = 't`+strconv.Itoa(i%3)+`'`)
		if i == 50 {
			b.exec(ctx, `UPDATE todos SET id = 2`)
		}
	}
	b.wantBlame(2, nil, "id 2 53 update  ", "secret hidden 1 update  ", `title "t0" 102 update  `)
	page := 16
	b.wantBlame(2, &chrononaut.BlameOpts{Version: &page}, "id 1 0 insert  ", "secret hidden 1 update  ", `title "t2" 16 update  `)
}

func blamesBaselines(t *testing.T, b *bench) {
	ctx := t.Context()
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Untrack(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	b.tick()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	if _, err := b.todos.Blame(ctx, 1, nil); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("blame when the table is not tracked: error = %v, want ErrNotRecorded", err)
	}
	b.track(&chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	if _, err := m.Baseline(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	b.tick()
	b.exec(ctx, `UPDATE todos SET title = 'b'`)
	b.wantBlame(1, nil, "id 1 0 baseline  ", "secret hidden", `title "b" 1 update  `, "visits 0 0 baseline  ")
	if _, err := b.todos.Blame(ctx, 1, &chrononaut.BlameOpts{At: time.Now().Add(-24 * time.Hour)}); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("blame before tracking began: error = %v, want ErrNotRecorded", err)
	}
}
