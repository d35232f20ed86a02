package conformance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// begin begins a transaction that the end of the test rolls back.
func (b *bench) begin(ctx context.Context) chronodriver.Tx {
	b.t.Helper()
	tx, err := b.Driver.Begin(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(ctx)) })
	return tx
}

// wantLocked checks an error of a lock that somebody else has, and that the
// transaction goes on.
func (b *bench) wantLocked(tx chronodriver.Tx, err error) *chrononaut.LockedError {
	b.t.Helper()
	var locked *chrononaut.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, chrononaut.ErrLocked) {
		b.t.Fatalf("got %v, want a LockedError", err)
	}
	if _, err := tx.Exec(b.t.Context(), b.sql(`UPDATE todos SET visits = visits + 1 WHERE id = 3`)); err != nil {
		b.t.Fatalf("the transaction cannot go on: %v", err)
	}
	return locked
}

func locksRows(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title, secret, visits) VALUES (1, 'one', 's', 3), (2, 'two', '', 0), (3, 'three', '', 0)`)
	b.exec(ctx, `UPDATE todos SET title = 'new' WHERE id = 1`)
	if _, err := b.todos.Lock(ctx, b.Driver, 1, nil); !errors.Is(err, chrononaut.ErrNoTransaction) && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("outside of a transaction: %v", err)
	}
	tx := b.begin(ctx)
	if b.Driver.Dialect() == chronodriver.SQLite {
		if _, err := b.todos.Lock(ctx, tx, 1, nil); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("SQLite locks rows: %v", err)
		}
		return
	}
	got, err := b.todos.Lock(ctx, tx, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &chrononaut.Locked[todo]{Record: todo{1, "new", false, "s", 3, 1}, Key: chrononaut.Key{"id": 1}, Version: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	other := b.begin(ctx)
	for name, opts := range map[string]*chrononaut.LockOpts{"at once": {NoWait: true}, "with a limit": {Timeout: 100 * time.Millisecond}} {
		_, one := b.todos.Lock(ctx, other, todo{ID: 1}, opts)
		_, many := b.todos.LockAll(ctx, other, []any{2, 1}, opts)
		for _, err := range []error{one, many} {
			if locked := b.wantLocked(other, err); len(locked.Holders) != 1 || locked.Holders[0].PID == 0 || locked.Holders[0].Since.IsZero() {
				t.Errorf("%s: locked by %v", name, locked.Holders)
			}
		}
		if _, err := b.todos.LockAll(ctx, other, []any{9, 2}, opts); !errors.Is(err, chrononaut.ErrNotFound) {
			t.Errorf("%s: a record that is not: %v", name, err)
		}
	}
	free, err := b.todos.LockAll(ctx, other, []any{2, 1, 3, 2}, &chrononaut.LockOpts{SkipLocked: true})
	if err != nil || len(free) != 2 || free[0].Record.Title != "two" || free[1].Record.Title != "three" {
		t.Errorf("what is free: %+v, %v", free, err)
	}
	// What the other one wrote is seen once it has ended.
	if _, err := tx.Exec(ctx, `UPDATE todos SET title = 'newer' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	got, err = b.todos.Lock(ctx, other, 1, &chrononaut.LockOpts{Timeout: time.Minute, Delete: true})
	if err != nil || got.Record.Title != "newer" || got.Version != 2 {
		t.Errorf("locked %+v, %v", got, err)
	}
	_, err = b.todos.Lock(chrononaut.AsOf(ctx, time.Now()), other, 1, nil)
	if !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("in the past: %v", err)
	}
}
