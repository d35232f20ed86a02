package conformance

import (
	"context"
	"errors"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// holdsRecords: a hold is refused to writers with the same error, whatever the driver
// hands on, and ends by people.
func holdsRecords(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title, secret) VALUES (1, 'one', 's'), (2, 'two', 's')`)
	b.exec(ctx, `UPDATE todos SET title = 'new' WHERE id = 1`)
	const reason = "lawsuit 2026/4: \"é\" <x>\n(hold 7)"
	ann, bob := chrononaut.WithActor(ctx, `ann "x" is held by`), chrononaut.WithActor(ctx, "bob@example.com")
	hold, err := b.todos.Hold(ann, 1, reason, &chrononaut.HoldOpts{TwoPeople: true})
	if err != nil {
		t.Fatal(err)
	}
	if hold.Reason != reason || hold.Actor != `ann "x" is held by` || len(hold.Keys) != 1 || !hold.TwoPeople || hold.Placed.IsZero() {
		t.Errorf("the hold is %+v", hold)
	}
	held := func(what string, err error) {
		t.Helper()
		var h *chrononaut.HeldError
		err = chrononaut.WrapError(err)
		if !errors.As(err, &h) || !errors.Is(err, chrononaut.ErrHeld) {
			t.Errorf("%s: %v, want a HeldError", what, err)
			return
		}
		if h.Hold != hold.ID || h.Reason != reason || h.Actor != hold.Actor || !h.Since.Equal(hold.Placed) || h.Table.Name != b.table.Name || h.Whole {
			t.Errorf("%s: %+v, want what is in %+v", what, h, hold)
		}
	}
	for _, sql := range []string{`UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos WHERE id = 1`, `UPDATE todos SET visits = 9`} {
		held(sql, b.Exec(ctx, b.sql(sql)))
		held("in a transaction: "+sql, b.Tx(ctx, func(exec func(context.Context, string, ...any) error) error { return exec(ctx, b.sql(sql)) }))
	}
	b.exec(ctx, `UPDATE todos SET title = 'free' WHERE id = 2`)
	plan, err := b.client.Restore(ctx, b.table, []chrononaut.Key{{"id": 1}}, chrononaut.ToVersion(0), nil)
	switch {
	case errors.Is(err, errors.ErrUnsupported): // a client that cannot begin transactions
	case err != nil:
		t.Error(err)
	case len(plan.Blocked()) != 1 || plan.Blocked()[0].Problems[0].Kind != chrononaut.ProblemHeld && len(plan.Blocked()[0].Problems) == 1:
		t.Errorf("the plan of a restore does not name the hold:\n%s", plan)
	}
	if holds, err := b.client.Holds(ctx, &chrononaut.HoldsOpts{Table: b.table, Key: chrononaut.Key{"id": 1}}); err != nil || len(holds) != 1 || holds[0].ID != hold.ID {
		t.Errorf("Holds: %+v, %v", holds, err)
	}
	first, err := b.client.Release(ann, hold.ID, "over")
	if err != nil || first.Released != nil || first.Requested == nil || first.Requested.Rationale != "over" {
		t.Errorf("the first of two people: %+v, %v", first, err)
	}
	if _, err := b.client.Release(ann, hold.ID, "over"); !errors.Is(err, chrononaut.ErrLocking) {
		t.Errorf("the same person again: %v", err)
	}
	second, err := b.client.Release(bob, hold.ID, "agreed")
	if err != nil || second.Released == nil || second.Released.Actor != "bob@example.com" {
		t.Errorf("the second of two people: %+v, %v", second, err)
	}
	b.exec(ctx, `UPDATE todos SET title = 'x' WHERE id = 1`)
	if holds, err := b.client.Holds(ctx, nil); err != nil || len(holds) != 0 {
		t.Errorf("after the release: %+v, %v", holds, err)
	}
}
