package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func attributesTransactions(t *testing.T, b *bench) {
	ctx := chrononaut.WithRationale(chrononaut.WithRemoteAddr(chrononaut.WithActor(t.Context(), "ann"), "10.0.0.1"), "why")
	b.tx(ctx, `INSERT INTO todos (id) VALUES (1)`, `INSERT INTO todos (id) VALUES (2)`)
	changes := b.changes()
	if len(changes) != 2 {
		t.Fatalf("%d changes, want 2", len(changes))
	}
	for _, c := range changes {
		if c.Actor != "ann" || c.RemoteAddr != "10.0.0.1" || c.Rationale != "why" {
			t.Errorf("change of %v by %q from %q because %q, want ann, 10.0.0.1, why", c.Key, c.Actor, c.RemoteAddr, c.Rationale)
		}
		if c.TransactionID == 0 || c.TransactionID != changes[0].TransactionID {
			t.Errorf("transaction = %d, want that of the first change, %d", c.TransactionID, changes[0].TransactionID)
		}
	}
}

func attributesStatements(t *testing.T, b *bench) {
	for i := range 3 {
		ctx := chrononaut.WithActor(t.Context(), fmt.Sprintf("actor%d", i))
		b.exec(ctx, `INSERT INTO todos (id, title) VALUES ($1, $2)`, int64(i), "x")
	}
	b.wantLog("0 0 insert actor0", "1 0 insert actor1", "2 0 insert actor2")
}

func attributesReturning(t *testing.T, b *bench) {
	ctx := chrononaut.WithActor(t.Context(), "ann")
	id, err := b.QueryInt(ctx, b.sql(`INSERT INTO todos (id, title) VALUES ($1, 'x') RETURNING id`), int64(7))
	if err != nil || id != 7 {
		t.Fatalf("INSERT … RETURNING = %d, %v; want 7", id, err)
	}
	b.wantLog("7 0 insert ann")
}

func leaksNothing(t *testing.T, b *bench) {
	ann := chrononaut.WithActor(t.Context(), "ann")
	b.tx(ann, `INSERT INTO todos (id) VALUES (1)`)
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (2)`)
	b.exec(ann, `INSERT INTO todos (id) VALUES (3)`)
	b.tx(t.Context(), `INSERT INTO todos (id) VALUES (4)`)
	if err := b.Exec(ann, `INSERT INTO todos (id) VALUES (1)`); err == nil {
		t.Error("a duplicate key was accepted")
	}
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (5)`)
	b.wantLog("1 0 insert ann", "2 0 insert ", "3 0 insert ann", "4 0 insert ", "5 0 insert ")
}

func keepsAcrossSavepoints(t *testing.T, b *bench) {
	b.tx(chrononaut.WithActor(t.Context(), "ann"),
		`SAVEPOINT a`,
		`INSERT INTO todos (id) VALUES (1)`,
		`ROLLBACK TO SAVEPOINT a`,
		`INSERT INTO todos (id) VALUES (2)`,
		`SAVEPOINT b`,
		`INSERT INTO todos (id) VALUES (3)`,
		`RELEASE SAVEPOINT b`,
		`INSERT INTO todos (id) VALUES (4)`,
	)
	b.wantLog("2 0 insert ann", "3 0 insert ann", "4 0 insert ann")
}

func goesOnAfterAbort(t *testing.T, b *bench) {
	ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "bob")
	err := b.Tx(ann, func(exec func(context.Context, string, ...any) error) error {
		return exec(ann, `INSERT INTO no_such_table (id) VALUES (1)`)
	})
	if err == nil {
		t.Fatal("a statement on a missing table succeeded")
	}
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (1)`)
	b.tx(bob, `INSERT INTO todos (id) VALUES (2)`)
	b.wantLog("1 0 insert ", "2 0 insert bob")
}

func attachesToOneRecord(t *testing.T, b *bench) {
	ctx := chrononaut.WithExtraInfo(t.Context(), map[string]any{"a": 1, "b": 1})
	ctx = chrononaut.AppendChangeInfo(ctx, b.table, chrononaut.Key{"id": 2}, map[string]any{"b": 2})
	b.tx(ctx, `INSERT INTO todos (id) VALUES (1)`, `INSERT INTO todos (id) VALUES (2)`)
	changes := b.changes()
	for i, want := range []string{"1", "2"} {
		if got := fmt.Sprint(changes[i].ExtraInfo["b"]); got != want {
			t.Errorf("information of record %v: b = %s, want %s", changes[i].Key, got, want)
		}
	}
}

func refusesUnattributed(t *testing.T, b *bench) {
	b.track(&chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}, Strict: true})
	for name, ctx := range map[string]context.Context{
		"nothing":          t.Context(),
		"an actor only":    chrononaut.WithActor(t.Context(), "ann"),
		"a note on record": chrononaut.AppendChangeInfo(t.Context(), b.table, chrononaut.Key{"id": 1}, map[string]any{"x": 1}),
	} {
		err := b.Exec(ctx, `INSERT INTO todos (id) VALUES (1)`)
		if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
			t.Errorf("with %s: error = %v, want ErrUnattributed", name, err)
		}
	}
	b.exec(chrononaut.WithRationale(t.Context(), "why"), `INSERT INTO todos (id) VALUES (1)`)
	b.exec(chrononaut.WithExtraInfo(t.Context(), nil), `UPDATE todos SET title = 'x'`)
	if err := b.Exec(t.Context(), `DELETE FROM todos`); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
		t.Errorf("DELETE: error = %v, want ErrUnattributed", err)
	}
	b.wantLog("1 0 insert ", "1 1 update ")
}

func carriesText(t *testing.T, b *bench) {
	for i, text := range []string{`o'neil`, `back\slash`, `\'; DROP TABLE todos; --`, `"double" $$dollar$$ $1 ?`, "tab\tnew\nline\u2028", "日本 🕰 é", `{"json": [1]}`, ``} {
		ctx := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), text), text)
		b.tx(ctx, fmt.Sprintf(`INSERT INTO todos (id) VALUES (%d)`, 2*i))
		b.exec(ctx, fmt.Sprintf(`INSERT INTO todos (id) VALUES (%d)`, 2*i+1))
		changes := b.changes()
		for _, c := range changes[len(changes)-2:] {
			if c.Actor != text || c.Rationale != text {
				t.Errorf("actor %q, rationale %q; want %q", c.Actor, c.Rationale, text)
			}
		}
	}
	err := b.Tx(chrononaut.WithActor(t.Context(), "nul\x00"), func(exec func(context.Context, string, ...any) error) error {
		return exec(t.Context(), `INSERT INTO todos (id) VALUES (1000)`)
	})
	if !errors.Is(err, chrononaut.ErrContext) {
		t.Errorf("an actor with a NUL byte: error = %v, want ErrContext", err)
	}
}

// attributesEveryRow is about statements that change several records.
func attributesEveryRow(t *testing.T, b *bench) {
	ann := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), "all of them")
	b.exec(ann, `INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
	b.exec(ann, `UPDATE todos SET done = true WHERE id IN (1, 3)`)
	b.exec(chrononaut.WithActor(t.Context(), "bob"), `DELETE FROM todos`)
	b.wantSet("1 0 insert ann", "2 0 insert ann", "3 0 insert ann", "1 1 update ann", "3 1 update ann", "1 2 delete bob", "2 1 delete bob", "3 2 delete bob")
	transactions := map[uint64]int{}
	for _, c := range b.changes() {
		transactions[c.TransactionID]++
	}
	if diff := cmp.Diff([]int{2, 3, 3}, slices.Sorted(maps.Values(transactions))); diff != "" {
		t.Errorf("changes per transaction mismatch (-want +got):\n%s", diff)
	}
}

// mergesNestedContexts is about contexts inside contexts: the inner one adds and wins, and ends.
func mergesNestedContexts(t *testing.T, b *bench) {
	outer := chrononaut.WithExtraInfo(chrononaut.WithActor(t.Context(), "ann"), map[string]any{"a": "outer", "b": "outer"})
	inner := chrononaut.WithRationale(chrononaut.WithExtraInfo(chrononaut.WithActor(outer, "bob"), map[string]any{"b": "inner"}), "inner")
	b.tx(outer, `INSERT INTO todos (id) VALUES (1)`)
	b.tx(inner, `INSERT INTO todos (id) VALUES (2)`)
	b.exec(outer, `INSERT INTO todos (id) VALUES (3)`)
	var got []string
	for _, c := range b.changes() {
		got = append(got, fmt.Sprintf("%v %s %v %v %s", c.Key["id"], c.Actor, c.ExtraInfo["a"], c.ExtraInfo["b"], c.Rationale))
	}
	want := []string{"1 ann outer outer ", "2 bob outer inner inner", "3 ann outer outer "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attribution mismatch (-want +got):\n%s", diff)
	}
}

// keepsGoroutinesApart is about actors that write at the same time through one pool.
func keepsGoroutinesApart(t *testing.T, b *bench) {
	const actors, writes = 4, 5
	var writers sync.WaitGroup
	for a := range actors {
		writers.Go(func() {
			ctx := chrononaut.WithActor(t.Context(), fmt.Sprintf("actor%d", a))
			for i := range writes {
				id := int64(a*writes + i)
				if i%2 == 0 {
					if err := b.Exec(ctx, b.sql(`INSERT INTO todos (id) VALUES ($1)`), id); err != nil {
						t.Error(err)
					}
					continue
				}
				err := b.Tx(ctx, func(exec func(context.Context, string, ...any) error) error {
					return exec(ctx, b.sql(`INSERT INTO todos (id) VALUES ($1)`), id)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	changes := b.changes()
	if len(changes) != actors*writes {
		t.Errorf("%d changes, want %d", len(changes), actors*writes)
	}
	for _, c := range changes {
		id, err := c.Key["id"].(interface{ Int64() (int64, error) }).Int64()
		if want := fmt.Sprintf("actor%d", id/writes); err != nil || c.Actor != want {
			t.Errorf("change of %d by %s, want %s", id, c.Actor, want)
		}
	}
}
