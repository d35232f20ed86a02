package chrononaut_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

var todos = chrononaut.Table{Schema: "public", Name: "todos"}

// newLeaseFixture has a tracked table with two records.
func newLeaseFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, note text)`)
	f.track("todos", nil)
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
	return f
}

func (f *fixture) lease(actor string, id int, ttl time.Duration, opts *chrononaut.LeaseOpts) *chrononaut.Lease {
	f.Helper()
	l, err := f.client.Lease(chrononaut.WithActor(f.Context(), actor), todos, chrononaut.Key{"id": id}, ttl, opts)
	if err != nil {
		f.Fatal(err)
	}
	return l
}

func TestLease(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	ctx := f.Context()
	f.exec(`UPDATE todos SET title = 'uno' WHERE id = 1`)
	ann, bob := chrononaut.WithActor(ctx, "ann@example.com"), chrononaut.WithActor(ctx, "bob")
	key := chrononaut.Key{"id": 1}

	l, err := f.client.Lease(chrononaut.WithRationale(ann, `a "quoted" reason (lease 99)`), todos, key, time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Holder != "ann@example.com" || l.Version != 1 || l.Token == "" || l.Table != todos || l.Expires.Sub(l.Granted) != time.Hour || l.Enforced {
		t.Errorf("Lease() = %+v", l)
	}

	_, err = f.client.Lease(bob, todos, key, time.Hour, nil)
	var leased *chrononaut.LeasedError
	if !errors.As(err, &leased) || !errors.Is(err, chrononaut.ErrLeased) {
		t.Fatalf("second Lease() error = %v, want a LeasedError", err)
	}
	if leased.Lease != l.ID || leased.Table != todos || leased.Holder != "ann@example.com" || !leased.Until.Equal(l.Expires) || leased.Rationale != `a "quoted" reason (lease 99)` {
		t.Errorf("LeasedError = %+v, want that of %+v", leased, l)
	}

	// The holder writes, and so do others: it is not enforced.
	f.execAs(chrononaut.WithLease(ann, l), `UPDATE todos SET title = 'eins' WHERE id = 1`)
	f.execAs(bob, `UPDATE todos SET title = 'un' WHERE id = 1`)

	if err := f.client.ReleaseLease(ann, l); err != nil {
		t.Fatal(err)
	}
	_, err = f.db.Exec(chrononaut.WithLease(ann, l), `UPDATE todos SET title = 'ett' WHERE id = 1`)
	var lost *chrononaut.LeaseLostError
	if !errors.As(chrononaut.WrapError(err), &lost) || lost.Lease != l.ID || lost.End != chrononaut.LeaseReleased {
		t.Errorf("write after the release = %v, want a LeaseLostError", err)
	}
}

func TestLeaseEnforced(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	for _, sql := range []string{
		`UPDATE todos SET title = 'x' WHERE id = 1`,
		`UPDATE todos SET id = 3 WHERE id = 1`,
		`DELETE FROM todos WHERE id = 1`,
		`TRUNCATE todos`,
	} {
		if _, err := f.pool.Exec(f.Context(), sql); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrLeased) {
			t.Errorf("%s = %v, want ErrLeased", sql, err)
		}
	}
	f.exec(`UPDATE todos SET title = 'x' WHERE id = 2`)
	held := chrononaut.WithLease(f.Context(), l)
	f.execAs(held, `UPDATE todos SET title = 'x' WHERE id = 1`)
	if err := pgx.BeginFunc(held, f.db, func(tx pgx.Tx) error {
		_, err := f.client.With(chronopgx.NewTxDriver(tx)).LeaseOf(held, todos, chrononaut.Key{"id": 1})
		return err
	}); err != nil {
		t.Error(err)
	}
}
