package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

// writes are the ways in which an adapter writes, with one statement each.
func (b *bench) writes(sql string) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"a statement": func(ctx context.Context) error { return b.Exec(ctx, b.sql(sql)+` WHERE id = 1`) },
		"a statement with arguments": func(ctx context.Context) error {
			return b.Exec(ctx, b.sql(sql+` WHERE id = $1`), int64(1))
		},
		"a statement that returns a row": func(ctx context.Context) error {
			_, err := b.QueryInt(ctx, b.sql(sql+` WHERE id = $1 RETURNING id`), int64(1))
			return err
		},
		"a transaction": func(ctx context.Context) error {
			return b.Tx(ctx, func(exec func(ctx context.Context, sql string, args ...any) error) error {
				return exec(ctx, b.sql(sql)+` WHERE id = 1`)
			})
		},
	}
}

func leasesRecords(t *testing.T, b *bench) {
	ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "bob")
	key := chrononaut.Key{"id": 1}
	b.exec(ann, `INSERT INTO todos (id) VALUES (1)`)
	b.exec(ann, `INSERT INTO todos (id) VALUES (2)`)
	b.exec(ann, `UPDATE todos SET title = 'read' WHERE id = 1`)

	const why = "it's \"prices\"\n☃ (lease 7)"
	l, err := b.todos.Lease(chrononaut.WithRationale(ann, why), 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	if err != nil {
		t.Fatal(err)
	}
	if l.Holder != "ann" || l.Version != 1 || l.Rationale != why || !l.Enforced || l.Token == "" || l.Expires.Sub(l.Granted) != time.Hour {
		t.Errorf("Lease() = %+v", l)
	}
	wantLeased := func(what string, err error, l *chrononaut.Lease) {
		t.Helper()
		var leased *chrononaut.LeasedError
		if !errors.As(chrononaut.WrapError(err), &leased) || !errors.Is(leased, chrononaut.ErrLeased) {
			t.Errorf("%s: error %v, want a LeasedError", what, err)
			return
		}
		got := chrononaut.LeasedError{Lease: leased.Lease, Table: leased.Table, Holder: leased.Holder, Until: leased.Until, Rationale: leased.Rationale}
		want := chrononaut.LeasedError{Lease: l.ID, Table: l.Table, Holder: l.Holder, Until: got.Until, Rationale: l.Rationale}
		if got != want || !got.Until.Equal(l.Expires) {
			t.Errorf("%s: %+v, want %+v until %v", what, got, want, l.Expires)
		}
	}
	wantLost := func(what string, err error, l *chrononaut.Lease, end chrononaut.LeaseEnd) *chrononaut.LeaseLostError {
		t.Helper()
		var lost *chrononaut.LeaseLostError
		if !errors.As(chrononaut.WrapError(err), &lost) || !errors.Is(lost, chrononaut.ErrLeaseLost) {
			t.Errorf("%s: error %v, want a LeaseLostError", what, err)
			return &chrononaut.LeaseLostError{}
		}
		if lost.Lease != l.ID || lost.End != end {
			t.Errorf("%s: lease %d %s, want %d %s", what, lost.Lease, lost.End, l.ID, end)
		}
		return lost
	}

	// Others are refused, whatever they write with; the holder is not.
	_, err = b.client.Lease(bob, b.table, key, time.Hour, nil)
	wantLeased("another lease", err, l)
	for what, write := range b.writes(`UPDATE todos SET title = title || '!'`) {
		wantLeased(what, write(bob), l)
		if err := write(chrononaut.WithLease(ann, l)); err != nil {
			t.Errorf("%s by the holder: %v", what, err)
		}
		b.tick()
	}
	for _, sql := range []string{`DELETE FROM todos`, `UPDATE todos SET id = 9 WHERE id = 1`, `UPDATE todos SET visits = 9`} {
		wantLeased(sql, b.Exec(bob, sql), l)
	}
	b.exec(bob, `UPDATE todos SET title = 'x' WHERE id = 2`)

	// Taken over, it is of use for nothing any more.
	if _, err := b.client.Lease(bob, b.table, key, time.Hour, &chrononaut.LeaseOpts{TakeOver: true}); !errors.Is(err, chrononaut.ErrNoRationale) {
		t.Errorf("a takeover without a rationale: %v, want ErrNoRationale", err)
	}
	next, err := b.client.Lease(bob, b.table, key, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Rationale: "ann is ill"})
	if err != nil {
		t.Fatal(err)
	}
	if next.ID <= l.ID {
		t.Errorf("ids = %d, %d; want them to grow", l.ID, next.ID)
	}
	for what, write := range b.writes(`UPDATE todos SET title = 'late'`) {
		lost := wantLost(what, write(chrononaut.WithLease(ann, l)), l, chrononaut.LeaseTakenOver)
		if lost.By != "bob" || lost.Rationale != "ann is ill" {
			t.Errorf("%s: %+v, want it taken over by bob", what, lost)
		}
	}
	_ = wantLost("a renewal", b.client.RenewLease(ann, l, time.Hour), l, chrononaut.LeaseTakenOver)
	_ = wantLost("a release", b.client.ReleaseLease(ann, l), l, chrononaut.LeaseTakenOver)
	// The leases are those of the context, and of no other.
	b.exec(ann, `UPDATE todos SET title = 'by ann' WHERE id = 2`)

	renewed := *next
	if err := b.client.RenewLease(bob, &renewed, 2*time.Hour); err != nil || renewed.Expires.Sub(renewed.Renewed) != 2*time.Hour {
		t.Errorf("RenewLease() = %v, %+v", err, renewed)
	}
	fake := renewed
	fake.Token = strings.Repeat("0", len(fake.Token))
	_ = wantLost("another token", b.client.RenewLease(bob, &fake, time.Hour), &fake, chrononaut.LeaseUnknown)
	all, err := b.client.Leases(t.Context(), nil)
	if err != nil || len(all) != 1 || all[0].ID != next.ID || all[0].Token != "" || !all[0].Expires.Equal(renewed.Expires) {
		t.Errorf("Leases() = %+v, %v; want that of bob", all, err)
	}

	// It goes along with the record.
	b.exec(bob, `UPDATE todos SET id = 5 WHERE id = 1`)
	if found, err := b.client.LeaseOf(t.Context(), b.table, chrononaut.Key{"id": 5}); err != nil || found == nil || found.ID != next.ID {
		t.Errorf("LeaseOf() the new key = %+v, %v", found, err)
	}
	if err := b.client.ReleaseLease(bob, next); err != nil {
		t.Fatal(err)
	}
	_ = wantLost("a second release", b.client.ReleaseLease(bob, next), next, chrononaut.LeaseReleased)
	if found, err := b.client.LeaseOf(t.Context(), b.table, chrononaut.Key{"id": 5}); err != nil || found != nil {
		t.Errorf("LeaseOf() after the release = %+v, %v; want none", found, err)
	}
	if _, err := b.client.Lease(bob, b.table, chrononaut.Key{"id": 1}, time.Hour, nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("a lease of no record: %v, want ErrNotFound", err)
	}
	read := 0
	if _, err := b.client.Lease(bob, b.table, chrononaut.Key{"id": 5}, time.Hour, &chrononaut.LeaseOpts{Version: &read}); !errors.Is(err, chrononaut.ErrStale) {
		t.Errorf("a lease of an old version: %v, want ErrStale", err)
	}

	var log []string
	for c, err := range b.client.ActivityAll(t.Context(), &chrononaut.ActivityOpts{Table: b.table, OldestFirst: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(c.Operation), "lease") {
			log = append(log, fmt.Sprintf("%s %s %s", c.Operation, c.Actor, c.Rationale))
		}
	}
	if diff := cmp.Diff([]string{"lease ann " + why, "lease_takeover bob ann is ill", "lease_release bob "}, log); diff != "" {
		t.Errorf("log of leases (-want +got):\n%s", diff)
	}
}

// expiresLeases: a holder that was gone for too long is refused, also when nobody
// else came.
func expiresLeases(t *testing.T, b *bench) {
	ann := chrononaut.WithActor(t.Context(), "ann")
	b.exec(ann, `INSERT INTO todos (id) VALUES (1)`)
	for _, enforce := range []bool{false, true} {
		l, err := b.todos.Lease(ann, 1, 2*time.Millisecond, &chrononaut.LeaseOpts{Enforce: enforce})
		if err != nil {
			t.Fatal(err)
		}
		for {
			found, err := b.client.LeaseOf(t.Context(), b.table, chrononaut.Key{"id": 1})
			if err != nil {
				t.Fatal(err)
			}
			if found == nil {
				break
			}
		}
		for what, write := range b.writes(`UPDATE todos SET title = 'late'`) {
			var lost *chrononaut.LeaseLostError
			if err := write(chrononaut.WithLease(ann, l)); !errors.As(chrononaut.WrapError(err), &lost) || lost.End != chrononaut.LeaseExpired || !lost.At.Equal(l.Expires) {
				t.Errorf("%s: %v, want a lease that expired at %v", what, err, l.Expires)
			}
		}
		b.exec(ann, `UPDATE todos SET title = 'free' WHERE id = 1`)
	}
}
