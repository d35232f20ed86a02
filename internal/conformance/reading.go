package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func followsKey(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	b.exec(ctx, `UPDATE todos SET id = 2`)
	b.exec(ctx, `UPDATE todos SET title = 'b'`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'other')`)
	versions, err := b.todos.Versions(ctx, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range versions {
		got = append(got, fmt.Sprintf("%v %d %s", s.Key["id"], s.Version, s.Record.Title))
	}
	if diff := cmp.Diff([]string{"1 0 a", "2 1 a", "2 2 b"}, got); diff != "" {
		t.Errorf("versions mismatch (-want +got):\n%s", diff)
	}
	b.wantLog("1 0 insert ", "2 1 update ", "2 2 update ", "1 2 insert ")
}

func reads(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title, secret) VALUES (1, 'a', 's')`)
	b.exec(ctx, `UPDATE todos SET title = 'b'`)
	b.exec(ctx, `UPDATE todos SET done = true, title = 'it''s "c"'`)
	b.exec(ctx, `DELETE FROM todos`)
	versions, err := b.todos.Versions(ctx, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []todo
	var times []time.Time
	for _, s := range versions {
		got, times = append(got, s.Record), append(times, s.Changed)
	}
	want := []todo{
		{ID: 1, Title: "a"},
		{ID: 1, Title: "b", Version: 1},
		{ID: 1, Title: `it's "c"`, Done: true, Version: 2},
		{ID: 1, Title: `it's "c"`, Done: true, Version: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("versions mismatch (-want +got):\n%s", diff)
	}
	two := 2
	page, err := b.todos.Versions(ctx, chrononaut.Key{"id": 1}, &chrononaut.VersionsOpts{ToVersion: &two, NewestFirst: true, Limit: 2})
	if err != nil || len(page) != 2 || page[0].Version != 2 || page[1].Version != 1 {
		t.Errorf("page of versions = %d snapshots, %v; want versions 2 and 1", len(page), err)
	}
	inclusive, err := b.todos.Versions(ctx, 1, &chrononaut.VersionsOpts{After: times[1], Before: times[2]})
	if err != nil || len(inclusive) != 2 {
		t.Errorf("versions between the times of 1 and 2 = %d, %v; want both", len(inclusive), err)
	}
	for i, at := range times[:3] {
		s, err := b.todos.At(ctx, 1, at)
		if err != nil || s.Version != i {
			t.Errorf("At(time of version %d) = %+v, %v", i, s, err)
		}
	}
	var deleted *chrononaut.DeletedError
	if _, err := b.todos.At(ctx, 1, times[3]); !errors.As(err, &deleted) || !errors.Is(err, chrononaut.ErrNotFound) || deleted.Last.Version != 3 {
		t.Errorf("At(time of the deletion): error = %v, want DeletedError at version 3", err)
	}
	if s, err := b.todos.Previous(ctx, &todo{ID: 1, Version: 2}); err != nil || s.Version != 1 {
		t.Errorf("Previous(version 2) = %+v, %v; want version 1", s, err)
	}
	if _, err := b.todos.Previous(ctx, &todo{ID: 1}); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("Previous(version 0): error = %v, want ErrNotFound", err)
	}
	diff, err := b.todos.DiffVersions(ctx, 1, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{}
	for _, c := range diff {
		columns = append(columns, c.Column)
	}
	if d := cmp.Diff([]string{"done", "title"}, columns); d != "" {
		t.Errorf("columns of the diff mismatch (-want +got):\n%s", d)
	}
	if same, err := b.todos.DiffVersions(ctx, 1, 1, 1); err != nil || len(same) != 0 {
		t.Errorf("diff of a version with itself = %v, %v; want nothing", same, err)
	}
	if _, err := b.todos.DiffVersions(ctx, 1, 2, 1); !errors.Is(err, chrononaut.ErrOrder) {
		t.Errorf("diff backwards: error = %v, want ErrOrder", err)
	}
	if _, err := b.todos.DiffVersions(ctx, 1, 0, 99); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("diff up to a version that is not there: error = %v, want ErrNotFound", err)
	}
	between, err := b.todos.DiffBetween(ctx, 1, times[1], times[2])
	if err != nil || len(between) != 2 {
		t.Errorf("diff between times = %v, %v; want done and title", between, err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, times[3]); err != nil || changed {
		t.Errorf("ChangedSince(last change) = %v, %v; want false", changed, err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, times[2]); err != nil || !changed {
		t.Errorf("ChangedSince(before the deletion) = %v, %v; want true", changed, err)
	}
	if _, err := b.todos.Versions(ctx, "no number", nil); b.Driver.Dialect() == chronodriver.PostgreSQL && !errors.Is(err, chrononaut.ErrKey) {
		t.Errorf("a key that does not fit: error = %v, want ErrKey", err)
	}
	if _, err := b.todos.Versions(ctx, chrononaut.Key{"nothing": 1}, nil); !errors.Is(err, chrononaut.ErrKey) {
		t.Errorf("a key with another column: error = %v, want ErrKey", err)
	}
}

func readsLog(t *testing.T, b *bench) {
	ctx := t.Context()
	ann, bob := chrononaut.WithActor(ctx, "ann"), chrononaut.WithActor(ctx, "bob")
	b.tx(ann, `INSERT INTO todos (id, title) VALUES (1, 'a')`, `INSERT INTO todos (id, title) VALUES (2, 'a')`)
	b.exec(bob, `UPDATE todos SET title = 'b' WHERE id = 1`)
	b.exec(bob, `UPDATE todos SET done = true WHERE id = 1`)
	all := b.changes()
	for name, tc := range map[string]struct {
		opts chrononaut.ActivityOpts
		want []int
	}{
		"actor":       {chrononaut.ActivityOpts{Actor: "bob"}, []int{3, 2}},
		"transaction": {chrononaut.ActivityOpts{Transaction: all[0].TransactionID}, []int{1, 0}},
		"column":      {chrononaut.ActivityOpts{Column: "title", Table: b.table}, []int{2, 1, 0}},
		"operation":   {chrononaut.ActivityOpts{Operation: chrononaut.OperationUpdate}, []int{3, 2}},
		"since":       {chrononaut.ActivityOpts{Since: all[2].Changed, Table: b.table}, []int{3, 2}},
		"until":       {chrononaut.ActivityOpts{Until: all[1].Changed, Actor: "ann"}, []int{1, 0}},
		"page":        {chrononaut.ActivityOpts{Limit: 1, BeforeID: all[3].ID}, []int{2}},
		"oldest":      {chrononaut.ActivityOpts{Limit: 1, OldestFirst: true, AfterID: all[1].ID}, []int{2}},
		"nothing":     {chrononaut.ActivityOpts{Actor: "ann' OR '1'='1"}, nil},
	} {
		got, err := b.client.Activity(ctx, &tc.opts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var ids, want []int64
		for _, c := range got {
			ids = append(ids, c.ID)
		}
		for _, i := range tc.want {
			want = append(want, all[i].ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("by %s: ids mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func tellsNotRecorded(t *testing.T, b *bench) {
	ctx := t.Context()
	before := time.Now().Add(-time.Hour)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	if _, err := b.todos.At(ctx, 1, before); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("before tracking: error = %v, want ErrNotRecorded", err)
	}
	inserted := b.changes()[0].Changed
	if _, err := b.todos.At(ctx, 1, inserted.Add(-time.Microsecond)); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("before the insert: error = %v, want ErrNotFound", err)
	}
	if _, err := b.todos.At(ctx, 99, time.Now().Add(time.Hour)); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("a record that never was: error = %v, want ErrNotFound", err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, before); err != nil || !changed {
		t.Errorf("ChangedSince(before tracking) = %v, %v; want true", changed, err)
	}
	nothing := chrononaut.NewHistory[todo](b.client, chrononaut.Table{Name: "no_such_table"}, nil)
	if _, err := nothing.Versions(ctx, 1, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("a table that is not tracked: error = %v, want ErrNotTracked", err)
	}
}

// streams is about reading a long history piece by piece.
func streams(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, '0')`)
	const last = 25
	for i := range last {
		b.exec(ctx, b.sql(`UPDATE todos SET title = $1`), fmt.Sprint(i+1))
	}
	n := 0
	for s, err := range b.todos.All(ctx, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Version != n || s.Record.Title != fmt.Sprint(n) {
			t.Fatalf("snapshot %d has version %d, title %s", n, s.Version, s.Record.Title)
		}
		n++
	}
	if n != last+1 {
		t.Errorf("%d snapshots, want %d", n, last+1)
	}
	// A loop that is broken off, more often than the pool has connections.
	for range 10 {
		for _, err := range b.todos.All(ctx, 1, nil) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		for _, err := range b.client.ActivityAll(ctx, nil) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	canceled, cancel := context.WithCancel(ctx)
	var failed error
	for _, err := range b.todos.All(canceled, 1, nil) {
		cancel()
		failed = err
	}
	cancel()
	if failed != nil && !errors.Is(failed, context.Canceled) {
		t.Errorf("a canceled stream: error = %v, want context.Canceled", failed)
	}
	if _, err := b.todos.Versions(canceled, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: error = %v, want context.Canceled", err)
	}
	b.exec(ctx, `DELETE FROM todos`)
}

// pages is about keyset pages of versions and of the log, forwards and backwards.
func pages(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, '0')`)
	const last = 10
	for i := range last {
		b.exec(ctx, b.sql(`UPDATE todos SET title = $1`), fmt.Sprint(i+1))
	}
	var up, down, want []int
	for next, n := 0, 1; n > 0; {
		page := b.versions(1, &chrononaut.VersionsOpts{FromVersion: &next, Limit: 3})
		for _, s := range page {
			up, next = append(up, s.Version), s.Version+1
		}
		n = len(page)
	}
	for next, n := last, 1; n > 0; {
		page := b.versions(1, &chrononaut.VersionsOpts{ToVersion: &next, Limit: 3, NewestFirst: true})
		for _, s := range page {
			down, next = append(down, s.Version), s.Version-1
		}
		n = len(page)
	}
	for i := range last + 1 {
		want = append(want, i)
	}
	slices.Reverse(down)
	if diff := cmp.Diff([][]int{want, want}, [][]int{up, down}); diff != "" {
		t.Errorf("pages of versions mismatch (-want +got):\n%s", diff)
	}

	all := b.changes()
	opts := chrononaut.ActivityOpts{Table: b.table, Operation: chrononaut.OperationUpdate, Limit: 4}
	var ids, wantIDs []int64
	for n := 1; n > 0; {
		page, err := b.client.Activity(ctx, &opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			ids, opts.BeforeID = append(ids, c.ID), c.ID
		}
		n = len(page)
	}
	for _, c := range all[1:] {
		wantIDs = append(wantIDs, c.ID)
	}
	slices.Reverse(ids)
	if diff := cmp.Diff(wantIDs, ids); diff != "" {
		t.Errorf("pages of the log mismatch (-want +got):\n%s", diff)
	}
}

// readsBefore is about what each change of the log did.
func readsBefore(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	b.exec(ctx, `UPDATE todos SET title = 'b', secret = 's'`)
	b.exec(ctx, `UPDATE todos SET id = 2`)
	b.exec(ctx, `DELETE FROM todos`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (2, 'c')`)
	changes, err := b.client.Activity(ctx, &chrononaut.ActivityOpts{Table: b.table, OldestFirst: true, WithBefore: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		if c.Operation == chrononaut.OperationTrack {
			continue
		}
		diff, err := b.client.Diff(ctx, &c)
		if err != nil {
			t.Fatal(err)
		}
		line := string(c.Operation)
		for _, d := range diff {
			line += fmt.Sprintf(" %s:%s>%s", d.Column, d.From, d.To)
		}
		got = append(got, line)
	}
	no := string(changes[len(changes)-1].Data["done"])
	want := []string{
		`insert done:>` + no + ` id:>1 title:>"a"`,
		`update secret:> title:"a">"b"`,
		`update id:1>2`,
		`delete done:` + no + `> id:2> title:"b">`,
		`insert done:>` + no + ` id:>2 title:>"c"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes mismatch (-want +got):\n%s", diff)
	}
}

// tellsGaps is about the time between untracking a table and tracking it again.
func tellsGaps(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'a')`)
	recorded := b.versions(1, nil)[0].Changed
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Untrack(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	b.tick()
	b.exec(ctx, `UPDATE todos SET title = 'unseen' WHERE id = 1`)
	later := time.Now().Add(time.Hour)
	if s, err := b.todos.At(ctx, 1, recorded); err != nil || s.Record.Title != "a" {
		t.Errorf("At(before tracking ended) = %+v, %v; want a", s, err)
	}
	for what, err := range map[string]error{
		"At": second(b.todos.At(ctx, 1, later)), "At of a record without history": second(b.todos.At(ctx, 9, later)),
		"ChangedSince": second(b.todos.ChangedSince(ctx, 1, recorded)), "DiffBetween": second(b.todos.DiffBetween(ctx, 1, recorded, time.Time{})),
	} {
		if !errors.Is(err, chrononaut.ErrNotRecorded) {
			t.Errorf("%s, when the table is not tracked: error = %v, want ErrNotRecorded", what, err)
		}
	}
	b.track(&chronomigrate.TrackOptions{})
	if _, err := m.Baseline(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	if s, err := b.todos.At(ctx, 1, later); err != nil || s.Record.Title != "unseen" || s.Operation != chrononaut.OperationBaseline {
		t.Errorf("At(after a baseline) = %+v, %v; want what was unseen", s, err)
	}
	if s, err := b.todos.At(ctx, 2, later); err != nil || s.Record.Title != "a" {
		t.Errorf("At of a record that was the same = %+v, %v; want a", s, err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, recorded); err != nil || !changed {
		t.Errorf("ChangedSince = %v, %v; want true", changed, err)
	}
}

func second[T any](_ T, err error) error { return err }

// readsInTransaction is about what a transaction reads of its own changes, and others do not.
func readsInTransaction(t *testing.T, b *bench) {
	ctx := chrononaut.WithActor(t.Context(), "ann")
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	tx, err := b.Driver.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(ctx); err != nil {
			t.Error(err)
		}
	}()
	if _, err := tx.Exec(ctx, `UPDATE todos SET title = 'b'`); err != nil {
		t.Fatal(err)
	}
	client := b.client.With(tx)
	inside, err := b.todos.With(client).Versions(ctx, 1, nil)
	if err != nil || len(inside) != 2 || inside[1].Record.Title != "b" || inside[1].Actor != "ann" {
		t.Errorf("versions inside the transaction = %+v, %v; want its own change too", inside, err)
	}
	changes, err := client.Activity(ctx, &chrononaut.ActivityOpts{Table: b.table, Limit: 1})
	if err != nil || len(changes) != 1 || changes[0].Version != 1 {
		t.Errorf("log inside the transaction = %+v, %v; want its own change first", changes, err)
	}
	if outside := b.versions(1, nil); len(outside) != 1 {
		t.Errorf("%d versions outside the transaction, want 1", len(outside))
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if after := b.versions(1, nil); len(after) != 2 {
		t.Errorf("%d versions after the transaction, want 2", len(after))
	}
}
