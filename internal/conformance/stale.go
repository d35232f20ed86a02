package conformance

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
)

// refusesStaleWrites: the error of the database, the check and the merge tell the
// same, whatever the driver hands on.
func refusesStaleWrites(t *testing.T, b *bench) {
	ctx := t.Context()
	key := chrononaut.Key{"id": 1}
	ann := chrononaut.WithRationale(chrononaut.WithActor(ctx, "ann@example.com"), "it was wrong")
	b.exec(ctx, `INSERT INTO todos (id, title, secret) VALUES (1, 'one', 's'), (2, 'two', 's')`)
	b.exec(ann, `UPDATE todos SET title = 'new' WHERE id = 1`)
	b.exec(ann, `UPDATE todos SET secret = 't' WHERE id = 1`)

	zero := 0
	by := func(version int, columns ...string) chrononaut.Intervening {
		return chrononaut.Intervening{Version: version, Operation: chrononaut.OperationUpdate, Actor: "ann@example.com", Rationale: "it was wrong", Columns: columns}
	}
	want := chrononaut.StaleError{
		Table: b.table, Expected: &zero, Actual: 2, Changes: []chrononaut.Intervening{by(2, "secret"), by(1, "title")},
		Since: []string{"secret", "title"}, Based: true, Mine: []string{"done", "title"}, Overlap: []string{"title"},
	}
	same := func(what string, err error, want chrononaut.StaleError) {
		t.Helper()
		var stale *chrononaut.StaleError
		if !errors.As(chrononaut.WrapError(err), &stale) || !errors.Is(err, chrononaut.ErrStale) && stale.Unwrap() == nil {
			t.Errorf("%s: %v, want a StaleError", what, err)
			return
		}
		if diff := cmp.Diff(&want, stale, cmpopts.IgnoreUnexported(want), cmpopts.IgnoreFields(chrononaut.Intervening{}, "Changed"), cmpopts.IgnoreFields(chrononaut.Table{}, "Schema"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	const update = `UPDATE todos SET title = $1, done = $2, version = $3 WHERE id = $4`
	same("a statement", b.Exec(ctx, b.sql(update), "mine", true, 0, 1), want)
	same("a statement in a transaction", b.Tx(ctx, func(exec func(context.Context, string, ...any) error) error {
		return exec(ctx, b.sql(update), "mine", true, 0, 1)
	}), want)
	if err := b.Exec(ctx, b.sql(update), "mine", true, nil, 1); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrStale) {
		t.Errorf("NULL: %v", err)
	}
	b.exec(ctx, `UPDATE todos SET title = 'new', version = 2 WHERE id = 1`)

	checked := want
	checked.Mine, checked.Overlap, checked.Key = nil, nil, key
	same("the check", b.client.Stale(ctx, b.table, key, 0), checked)
	if err := b.client.Stale(ctx, b.table, key, 2); err != nil {
		t.Error(err)
	}
	var bulk *chrononaut.BulkStaleError
	err := b.client.StaleAll(ctx, b.table, []chrononaut.KeyVersion{{Key: key, Version: 2}, {Key: chrononaut.Key{"id": 2}, Version: 3}, {Key: chrononaut.Key{"id": 9}}})
	if !errors.As(err, &bulk) || bulk.Stale != 2 || bulk.Of != 3 || !bulk.Records[1].Deleted {
		t.Errorf("bulk: %v", err)
	}

	checked.Mine, checked.Overlap = want.Mine, want.Overlap
	_, err = b.client.Merge(ctx, b.table, key, 0, map[string]any{"title": "mine", "done": true})
	same("the merge", err, checked)
	if v, err := b.client.Merge(ann, b.table, key, 0, map[string]any{"id": int64(1), "title": "one", "done": true, "visits": int64(4)}); err != nil || v != 3 {
		t.Errorf("Merge() = %d, %v", v, err)
	}
	got, err := b.todos.Version(ctx, 1, 3)
	if err != nil || got.Record.Title != "new" || !got.Record.Done || got.Actor != "ann@example.com" {
		t.Errorf("merged: %+v, %v", got, err)
	}
}
