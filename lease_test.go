package chrononaut_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

var leasedTable = chrononaut.Table{Schema: "public", Name: "todos"}

// newLeaseFixture has a tracked table with two records.
func newLeaseFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY DEFERRABLE, title text, visits integer)`)
	f.track("todos", &chronomigrate.TrackOptions{Untracked: []string{"visits"}})
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
	return f
}

// tryLease leases a record of the table as somebody.
func (f *fixture) tryLease(actor string, id int, ttl time.Duration, opts *chrononaut.LeaseOpts) (*chrononaut.Lease, error) {
	return f.client.Lease(chrononaut.WithActor(f.Context(), actor), leasedTable, chrononaut.Key{"id": id}, ttl, opts)
}

func (f *fixture) lease(actor string, id int, ttl time.Duration, opts *chrononaut.LeaseOpts) *chrononaut.Lease {
	f.Helper()
	return must(f.tryLease(actor, id, ttl, opts))(f)
}

// under runs a statement as the holder of leases.
func (f *fixture) under(sql string, leases ...*chrononaut.Lease) error {
	ctx := f.Context()
	for _, l := range leases {
		ctx = chrononaut.WithLease(ctx, l)
	}
	_, err := f.db.Exec(ctx, sql)
	return chrononaut.WrapError(err)
}

// until waits for a time of the database's clock.
func (f *fixture) until(moment time.Time) {
	f.Helper()
	f.exec(fmt.Sprintf(`SELECT pg_sleep_until('%s')`, moment.UTC().Format(time.RFC3339Nano)))
}

// wantLeased checks that an error says who has a lease.
func (f *fixture) wantLeased(what string, err error, l *chrononaut.Lease) {
	f.Helper()
	var leased *chrononaut.LeasedError
	if !errors.As(chrononaut.WrapError(err), &leased) || !errors.Is(leased, chrononaut.ErrLeased) {
		f.Errorf("%s: error = %v, want a LeasedError", what, err)
		return
	}
	if leased.Lease != l.ID || leased.Table != l.Table || leased.Holder != l.Holder || !leased.Until.Equal(l.Expires) || leased.Rationale != l.Rationale {
		f.Errorf("%s: %+v, want that of %+v", what, leased, l)
	}
}

// wantLost checks that an error says how a lease has ended.
func (f *fixture) wantLost(what string, err error, l *chrononaut.Lease, end chrononaut.LeaseEnd) *chrononaut.LeaseLostError {
	f.Helper()
	var lost *chrononaut.LeaseLostError
	if !errors.As(chrononaut.WrapError(err), &lost) || !errors.Is(lost, chrononaut.ErrLeaseLost) {
		f.Errorf("%s: error = %v, want a LeaseLostError", what, err)
		return &chrononaut.LeaseLostError{}
	}
	if lost.Lease != l.ID || lost.End != end {
		f.Errorf("%s: lease %d %s, want lease %d %s", what, lost.Lease, lost.End, l.ID, end)
	}
	return lost
}

func TestLeaseIsOfOneHolder(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.exec(`UPDATE todos SET title = 'uno' WHERE id = 1`)
	rationale := "a \"quoted\" reason\n(lease 99)"
	ctx := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), rationale)
	l := must(history[struct{}](f, "todos").Lease(ctx, 1, time.Hour, nil))(t)
	want := &chrononaut.Lease{
		ID: l.ID, Token: l.Token, Table: leasedTable, Key: l.Key, Holder: "ann", Version: 1,
		Granted: l.Granted, Renewed: l.Granted, Expires: l.Granted.Add(time.Hour), Rationale: rationale,
	}
	if diff := cmp.Diff(want, l); diff != "" || l.Token == "" || fmt.Sprint(l.Key["id"]) != "1" {
		t.Errorf("Lease() (-want +got):\n%s", diff)
	}

	_, err := f.tryLease("bob", 1, time.Hour, nil)
	f.wantLeased("another", err, l)
	// Two windows of one user are two holders.
	_, err = f.tryLease("ann", 1, time.Hour, nil)
	f.wantLeased("a second window", err, l)
	other := f.lease("bob", 2, time.Hour, nil)
	if other.ID <= l.ID {
		t.Errorf("ids = %d, %d; want them to grow", l.ID, other.ID)
	}

	// It is not enforced: others write, and so does the holder.
	f.exec(`UPDATE todos SET title = 'eins' WHERE id = 1`)
	if err := f.under(`UPDATE todos SET title = 'un' WHERE id = 1`, l, other); err != nil {
		t.Error(err)
	}

	found := must(f.client.LeaseOf(t.Context(), leasedTable, chrononaut.Key{"id": 1}))(t)
	want.Token = ""
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("LeaseOf() (-want +got):\n%s", diff)
	}
	all := must(f.client.Leases(t.Context(), nil))(t)
	if len(all) != 2 || all[0].ID != other.ID || all[1].ID != l.ID || all[0].Token != "" {
		t.Errorf("Leases() = %+v, want both, the last first", all)
	}
	for _, opts := range []chrononaut.LeasesOpts{{Holder: "bob"}, {Limit: 1}, {Table: chrononaut.Table{Name: "todos"}, Holder: "bob", Limit: 5}} {
		if some := must(f.client.Leases(t.Context(), &opts))(t); len(some) != 1 || some[0].ID != other.ID {
			t.Errorf("Leases(%+v) = %+v, want that of bob", opts, some)
		}
	}

	if err := f.client.ReleaseLease(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	lost := f.wantLost("a write after the release", f.under(`UPDATE todos SET title = 'ett' WHERE id = 1`, l), l, chrononaut.LeaseReleased)
	if lost.At.Before(l.Granted) {
		t.Errorf("released at %v, want it after %v", lost.At, l.Granted)
	}
	_ = f.wantLost("a second release", f.client.ReleaseLease(t.Context(), l), l, chrononaut.LeaseReleased)
	if found, err := f.client.LeaseOf(t.Context(), leasedTable, chrononaut.Key{"id": 1}); found != nil || err != nil {
		t.Errorf("LeaseOf() after the release = %+v, %v; want none", found, err)
	}
	f.lease("bob", 1, time.Hour, nil)
	_ = f.wantLost("a write after another lease", f.under(`UPDATE todos SET title = 'ett' WHERE id = 2`, l), l, chrononaut.LeaseReleased)
}

func TestLeaseFencesEveryWriteOfItsHolder(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.exec(`CREATE TABLE plain (id integer PRIMARY KEY)`)
	f.track("plain", nil)
	writes := []string{
		`UPDATE todos SET title = 'x' WHERE id = 1`,
		`UPDATE todos SET title = title WHERE id = 1`,
		`UPDATE todos SET visits = 3 WHERE id = 1`,
		`INSERT INTO todos VALUES (7)`,
		`DELETE FROM todos WHERE id = 2`,
		`INSERT INTO plain VALUES (7)`,
		`TRUNCATE todos`,
		`SET LOCAL session_replication_role = replica; UPDATE todos SET title = 'x' WHERE id = 1`,
		`SELECT chrononaut.suppress('why'); UPDATE todos SET title = 'x' WHERE id = 1`,
		`SELECT chrononaut.suppress('why'); TRUNCATE todos`,
	}
	for _, enforce := range []bool{false, true} {
		l := f.lease("ann", 1, 50*time.Millisecond, &chrononaut.LeaseOpts{Enforce: enforce})
		f.until(l.Expires)
		for _, sql := range writes {
			lost := f.wantLost(sql, f.under(sql, l), l, chrononaut.LeaseExpired)
			if !lost.At.Equal(l.Expires) {
				t.Errorf("expired at %v, want %v", lost.At, l.Expires)
			}
		}
		_ = f.wantLost("a renewal", f.client.RenewLease(t.Context(), l, time.Hour), l, chrononaut.LeaseExpired)
		if err := f.under(`SELECT * FROM todos`, l); err != nil {
			t.Errorf("a query under an expired lease: %v", err)
		}
		next := f.lease("bob", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: enforce})
		for _, sql := range writes {
			lost := f.wantLost(sql, f.under(sql, l), l, chrononaut.LeaseFollowed)
			if lost.By != "bob" || !lost.At.Equal(next.Granted) {
				t.Errorf("LeaseLostError = %+v, want by bob at %v", lost, next.Granted)
			}
		}
		if err := f.client.ReleaseLease(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	// One of several is enough.
	a, b := f.lease("ann", 1, time.Hour, nil), f.lease("ann", 2, time.Hour, nil)
	if err := f.under(writes[0], a, b); err != nil {
		t.Error(err)
	}
	if err := f.client.ReleaseLease(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_ = f.wantLost("one of two", f.under(writes[0], a, b), b, chrononaut.LeaseReleased)
	if err := f.under(writes[0], a); err != nil {
		t.Error(err)
	}
}

func TestLeaseWithoutItsToken(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	const write = `UPDATE todos SET title = 'x' WHERE id = 2`
	seen := must(f.client.Leases(t.Context(), nil))(t)[0]
	wrong, unknown, odd := *l, *l, *l
	wrong.Token = l.Token[1:] + l.Token[:1] + "b"
	unknown.ID += 1000
	odd.Token = "quo\"te' \\ ☃\x01"
	for name, fake := range map[string]*chrononaut.Lease{"as others see it": &seen, "wrong token": &wrong, "unknown": &unknown, "odd token": &odd} {
		_ = f.wantLost(name, f.under(write, fake), fake, chrononaut.LeaseUnknown)
		_ = f.wantLost(name, f.client.RenewLease(t.Context(), fake, time.Hour), fake, chrononaut.LeaseUnknown)
		_ = f.wantLost(name, f.client.ReleaseLease(t.Context(), fake), fake, chrononaut.LeaseUnknown)
	}
	_ = f.wantLost("nil", f.under(write, nil), &chrononaut.Lease{}, chrononaut.LeaseUnknown)
	for _, fake := range []*chrononaut.Lease{{ID: -1, Token: "x"}, {ID: 5, Token: "a\x00b"}, {ID: 5, Token: "\xff"}} {
		if err := f.under(write, fake); !errors.Is(err, chrononaut.ErrContext) && !errors.Is(err, chrononaut.ErrLeaseLost) {
			t.Errorf("a write under %+v: %v, want it refused", fake, err)
		}
		if err := f.client.RenewLease(t.Context(), fake, time.Hour); err == nil {
			t.Errorf("renewed %+v", fake)
		}
	}
	for _, malformed := range []string{
		`{"leases": 1}`, `{"leases": [1]}`, `{"leases": [{"id": 1}]}`, `{"leases": [{"id": 1.5, "token": "x"}]}`,
		`{"leases": [{"id": 99999999999999999999, "token": "x"}]}`, `["leases"]`, `"leases"`, `{"leases": {}}`,
	} {
		for _, table := range []string{write, `TRUNCATE todos`} {
			_, err := f.pool.Exec(t.Context(), `SET LOCAL chrononaut.context = '`+malformed+`'; `+table)
			if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrContext) {
				t.Errorf("%s under %s: %v, want ErrContext", table, malformed, err)
			}
		}
	}
	// A reason that only looks like a lease.
	f.execAs(chrononaut.WithRationale(t.Context(), `"leases" {"leases": 1}`), write)
	f.execAs(chrononaut.WithExtraInfo(t.Context(), map[string]any{"leases": 1}), write)
	// The token is nowhere to be found.
	var n int
	if err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM chrononaut.chrononaut_lease AS l, chrononaut.chrononaut_activity AS a
		WHERE strpos(l::text || a::text, $1) > 0`, l.Token).Scan(&n); err != nil || n != 0 {
		t.Errorf("rows with the token = %d, %v", n, err)
	}
}

func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, nil)
	granted := l.Granted
	if err := f.client.RenewLease(t.Context(), l, 30*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if l.Expires.Sub(l.Renewed) != 30*time.Millisecond || !l.Granted.Equal(granted) || l.Renewed.Before(granted) {
		t.Errorf("renewed lease = %+v", l)
	}
	found := must(f.client.LeaseOf(t.Context(), leasedTable, chrononaut.Key{"id": 1}))(t)
	if found != nil && !found.Expires.Equal(l.Expires) {
		t.Errorf("LeaseOf() = %+v, want it to expire at %v", found, l.Expires)
	}
	f.until(l.Expires)
	if found := must(f.client.LeaseOf(t.Context(), leasedTable, chrononaut.Key{"id": 1}))(t); found != nil {
		t.Errorf("LeaseOf() after its time = %+v, want none", found)
	}
	_ = f.wantLost("a write", f.under(`UPDATE todos SET title = 'x'`, l), l, chrononaut.LeaseExpired)
	f.lease("bob", 1, time.Hour, nil)
}

func TestLeaseIsTakenOver(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	for _, rationale := range []string{"", " \t"} {
		if _, err := f.tryLease("bob", 1, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Rationale: rationale}); !errors.Is(err, chrononaut.ErrNoRationale) {
			t.Errorf("a takeover because %q: %v, want ErrNoRationale", rationale, err)
		}
	}
	if _, err := f.pool.Exec(t.Context(), `SELECT chrononaut.lease('public', 'todos', '{"id": 1}', '1 minute', take_over => true, rationale => ' ')`); err == nil {
		t.Error("SQL took a lease over without a rationale")
	}
	next := f.lease("bob", 1, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Rationale: "Ann is\nill"})
	if next.ID <= l.ID || next.Rationale != "Ann is\nill" || next.Enforced {
		t.Errorf("Lease() = %+v after %d", next, l.ID)
	}
	for what, err := range map[string]error{
		"a write":   f.under(`UPDATE todos SET title = 'x' WHERE id = 1`, l),
		"a renewal": f.client.RenewLease(t.Context(), l, time.Hour),
		"a release": f.client.ReleaseLease(t.Context(), l),
	} {
		lost := f.wantLost(what, err, l, chrononaut.LeaseTakenOver)
		if lost.By != "bob" || lost.Rationale != "Ann is\nill" || !lost.At.Equal(next.Granted) {
			t.Errorf("%s: %+v, want it taken over by %+v", what, lost, next)
		}
	}
	if err := f.under(`UPDATE todos SET title = 'x' WHERE id = 1`, next); err != nil {
		t.Error(err)
	}
	f.lease("carl", 1, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Rationale: "me too"})
	_ = f.wantLost("after the next but one", f.under(`UPDATE todos SET title = 'x' WHERE id = 1`, l), l, chrononaut.LeaseTakenOver)
	// Where there is nothing to take over, it is a lease like any other.
	f.lease("bob", 2, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Rationale: "to be sure"})
	wantLines(t, f, "lease ann 0", "lease_takeover bob 0 Ann is\nill", "lease_takeover carl 1 me too", "lease bob 0 to be sure")
}

// wantLines checks what the log has about leases: operation, actor, version,
// rationale.
func wantLines(t *testing.T, f *fixture, want ...string) {
	t.Helper()
	var got []string
	for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: leasedTable, OldestFirst: true}))(t) {
		if !strings.HasPrefix(string(c.Operation), "lease") {
			continue
		}
		version, _ := c.Data.Text("version")
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", c.Operation, c.Actor, version, c.Rationale)))
		if c.Table != leasedTable || len(c.Key) != 0 || c.Data["lease"] == nil || c.Data["key"] == nil {
			t.Errorf("change = %+v", c)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log of leases (-want +got):\n%s", diff)
	}
}

func TestLeaseIsInTheLogAndNotInTheRecord(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, nil)
	f.execAs(chrononaut.WithLease(chrononaut.WithActor(t.Context(), "ann"), l), `UPDATE todos SET title = 'x' WHERE id = 1`)
	if err := f.client.RenewLease(t.Context(), l, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := f.client.ReleaseLease(chrononaut.WithActor(t.Context(), "ann"), l); err != nil {
		t.Fatal(err)
	}
	wantLines(t, f, "lease ann 0", "lease_release ann 0")
	h := history[map[string]any](f, "todos")
	if diff := cmp.Diff([]string{`{"id":1} 0 insert`, `{"id":1} 1 update`}, lines(versions(f, h, 1, nil))); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	releases := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationLeaseRelease}))(t)
	if len(releases) != 1 {
		t.Fatalf("releases = %+v", releases)
	}
	// A transaction that only leased has nothing to revert.
	plan, err := f.client.Revert(t.Context(), chrononaut.RevertTarget{Transaction: releases[0].TransactionID}, nil)
	if err == nil && len(plan.Items) > 0 {
		t.Errorf("Revert() of a release = %+v", plan.Items)
	}
	if err != nil && !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("Revert() of a release: %v", err)
	}
	if problems := must(f.migrator.Check(t.Context(), nil))(t); len(problems) > 0 {
		t.Errorf("Check() = %+v", problems)
	}
}

func TestLeaseEnforcedBindsEverybody(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.exec(`CREATE TABLE parents (id integer PRIMARY KEY)`,
		`CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE)`,
		`INSERT INTO parents VALUES (1), (2)`, `INSERT INTO children VALUES (10, 1), (20, 2)`)
	f.track("children", nil)
	child := must(f.client.Lease(t.Context(), chrononaut.Table{Name: "children"}, chrononaut.Key{"id": 10}, time.Hour, &chrononaut.LeaseOpts{Enforce: true}))(t)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true, Rationale: "prices"})
	refused := map[string]*chrononaut.Lease{
		`UPDATE todos SET title = 'x' WHERE id = 1`:                                    l,
		`UPDATE todos SET title = title`:                                               l,
		`UPDATE todos SET visits = 3 WHERE id = 1`:                                     l,
		`UPDATE todos SET id = 3 WHERE id = 1`:                                         l,
		`DELETE FROM todos WHERE id = 1`:                                               l,
		`INSERT INTO todos VALUES (8, 'x'); DELETE FROM todos`:                         l,
		`WITH gone AS (DELETE FROM todos WHERE id = 1 RETURNING 1) SELECT * FROM gone`: l,
		`TRUNCATE todos`: l,
		`SET LOCAL session_replication_role = replica; DELETE FROM todos WHERE id = 1`:                       l,
		`SELECT chrononaut.suppress('why', true); DELETE FROM todos WHERE id = 1`:                            l,
		`SELECT chrononaut.suppress('why', true); TRUNCATE todos`:                                            l,
		`SET LOCAL chrononaut.context = '{"user_info": {"user_id": "ann"}}'; DELETE FROM todos WHERE id = 1`: l,
		`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; UPDATE todos SET title = 'x'`:                      l,
		`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; UPDATE todos SET title = 'x'`:                         l,
		`DELETE FROM parents`:                                                child,
		`UPDATE parents SET id = 3 WHERE id = 1`:                             child,
		`TRUNCATE parents CASCADE`:                                           child,
		`UPDATE children SET id = 10 WHERE id = 10`:                          child,
		`DELETE FROM children WHERE id = 10; INSERT INTO parents VALUES (9)`: child,
	}
	for sql, lease := range refused {
		_, err := f.pool.Exec(t.Context(), sql)
		f.wantLeased(sql, err, lease)
	}
	f.exec(`UPDATE todos SET title = 'y', id = 4 WHERE id = 2`, `INSERT INTO todos VALUES (5, 'x')`, `DELETE FROM parents WHERE id = 2`)

	// The other lease is none of this record.
	f.wantLeased("another lease", f.under(`UPDATE todos SET title = 'x' WHERE id = 1`, child), l)
	for _, sql := range []string{
		`UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos WHERE id = 1`, `INSERT INTO todos VALUES (1, 'x')`,
		`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; UPDATE todos SET title = 'z'`, `TRUNCATE todos`, `INSERT INTO todos VALUES (1, 'x')`,
	} {
		if err := f.under(sql, l); err != nil {
			t.Errorf("%s by the holder: %v", sql, err)
		}
	}
	if err := f.client.ReleaseLease(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	f.exec(`DELETE FROM todos WHERE id = 1`)
}

func TestLeaseOfARecordThatIsDeletedOrGetsAnotherKey(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	key := func(id int) *chrononaut.Lease {
		return must(f.client.LeaseOf(t.Context(), leasedTable, chrononaut.Key{"id": id}))(t)
	}
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	if err := f.under(`DELETE FROM todos WHERE id = 1`, l); err != nil {
		t.Fatal(err)
	}
	// The key is the holder's until the lease ends.
	_, err := f.pool.Exec(t.Context(), `INSERT INTO todos VALUES (1)`)
	f.wantLeased("the same key", err, l)
	_, err = f.pool.Exec(t.Context(), `UPDATE todos SET id = 1 WHERE id = 2`)
	f.wantLeased("a move to the key", err, l)
	if err := f.under(`INSERT INTO todos VALUES (1)`, l); err != nil {
		t.Error(err)
	}

	// With its key the lease changes too.
	if err := f.under(`UPDATE todos SET id = 10 WHERE id = 1`, l); err != nil {
		t.Fatal(err)
	}
	if key(1) != nil || key(10) == nil || key(10).ID != l.ID || fmt.Sprint(key(10).Key["id"]) != "10" {
		t.Errorf("leases = %+v and %+v, want it at the new key", key(1), key(10))
	}
	_, err = f.pool.Exec(t.Context(), `UPDATE todos SET title = 'x' WHERE id = 10`)
	f.wantLeased("the new key", err, l)
	f.exec(`INSERT INTO todos VALUES (1)`)
	if err := f.under(`UPDATE todos SET title = 'x' WHERE id = 10`, l); err != nil {
		t.Error(err)
	}

	// Somebody else's change of the key does the same where that is allowed.
	other := f.lease("bob", 2, time.Hour, nil)
	f.exec(`UPDATE todos SET id = 20 WHERE id = 2`)
	if key(2) != nil || key(20) == nil || key(20).ID != other.ID {
		t.Errorf("leases = %+v and %+v, want it at the new key", key(2), key(20))
	}
	// Two records that are leased exchange their keys: nobody loses a lease.
	first := f.lease("ann", 1, time.Hour, nil)
	f.exec(`BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE todos SET id = 21 - id WHERE id IN (1, 20); COMMIT`)
	if err := f.under(`UPDATE todos SET title = 'x' WHERE id IN (1, 20)`, first, other); err != nil {
		t.Error(err)
	}
	// A lease of a record that is gone ends as any other.
	f.exec(`DELETE FROM todos WHERE id = 20`)
	for _, x := range []*chrononaut.Lease{l, other, first} {
		if err := f.client.ReleaseLease(t.Context(), x); err != nil {
			t.Error(err)
		}
	}
}

func TestLeaseRefusals(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.exec(`CREATE TABLE plain (id integer PRIMARY KEY)`, `INSERT INTO plain VALUES (1)`,
		`CREATE TABLE silent (id integer PRIMARY KEY)`, `INSERT INTO silent VALUES (1)`)
	f.track("silent", &chronomigrate.TrackOptions{NoHistory: true, RecordChanges: true})
	ctx := t.Context()
	try := func(table string, key chrononaut.Key, ttl time.Duration, opts *chrononaut.LeaseOpts) error {
		_, err := f.client.Lease(ctx, chrononaut.Table{Name: table}, key, ttl, opts)
		return err
	}
	for _, enforce := range []bool{false, true} {
		opts := &chrononaut.LeaseOpts{Enforce: enforce}
		if err := try("todos", chrononaut.Key{"id": 9}, time.Hour, opts); !errors.Is(err, chrononaut.ErrNotFound) {
			t.Errorf("a record that does not exist: %v, want ErrNotFound", err)
		}
		if err := try("plain", chrononaut.Key{"id": 1}, time.Hour, opts); !errors.Is(err, chrononaut.ErrNotTracked) {
			t.Errorf("a table that is not tracked: %v, want ErrNotTracked", err)
		}
		if err := try("silent", chrononaut.Key{"id": 1}, time.Hour, opts); err == nil || errors.Is(err, chrononaut.ErrNotInstalled) {
			t.Errorf("a table without history: %v, want it refused", err)
		}
		for _, key := range []chrononaut.Key{nil, {}, {"id": "x"}, {"id": 1, "more": 1}, {"no": 1}, {"id": nil}, {"id": 1 << 40}} {
			if err := try("todos", key, time.Hour, opts); !errors.Is(err, chrononaut.ErrKey) && !errors.Is(err, chrononaut.ErrNotFound) {
				t.Errorf("Lease(%v) = %v, want ErrKey", key, err)
			}
		}
		for _, ttl := range []time.Duration{0, -1, -time.Hour, time.Microsecond, 999 * time.Microsecond, 24*time.Hour + time.Microsecond, 1 << 62} {
			if err := try("todos", chrononaut.Key{"id": 1}, ttl, opts); !errors.Is(err, chrononaut.ErrLeaseTTL) {
				t.Errorf("Lease(%s) = %v, want ErrLeaseTTL", ttl, err)
			}
		}
		stale := 7
		opts.Version = &stale
		var moved *chrononaut.StaleError
		if err := try("todos", chrononaut.Key{"id": 1}, time.Hour, opts); !errors.As(err, &moved) || *moved.Expected != 7 || moved.Actual != 0 || moved.Table != leasedTable {
			t.Errorf("Lease() of version 7 = %v, want a StaleError", err)
		}
		zero := 0
		opts.Version = &zero
		l := must(f.client.Lease(ctx, leasedTable, chrononaut.Key{"id": "1"}, time.Hour, opts))(t)
		if err := f.client.RenewLease(ctx, l, 0); !errors.Is(err, chrononaut.ErrLeaseTTL) {
			t.Errorf("RenewLease(0) = %v, want ErrLeaseTTL", err)
		}
		if err := f.client.ReleaseLease(ctx, l); err != nil {
			t.Error(err)
		}
	}
	for _, ttl := range []string{`NULL`, `'-1 s'`, `'1 mon'`, `'25 hours'`, `'2 days'`} {
		if _, err := f.pool.Exec(ctx, `SELECT chrononaut.lease('public', 'todos', '{"id": 1}', `+ttl+`)`); chronodriver.State(err) != chronodriver.StateLocking {
			t.Errorf("lease for %s: %v, want it refused", ttl, err)
		}
	}
	for _, table := range []string{`'public', 'plain'`, `'public', 'nothing'`, `NULL, NULL`} {
		if _, err := f.pool.Exec(ctx, `SELECT chrononaut.lease(`+table+`, '{"id": 1}', '1 min')`); err == nil {
			t.Errorf("SQL leased a record of %s", table)
		}
	}
	if _, err := f.pool.Exec(ctx, `SELECT chrononaut.lease('public', 'todos', NULL, '1 min')`); err == nil {
		t.Error("SQL leased the key NULL")
	}
	f.exec(`SELECT chrononaut.lease('public', 'todos', '{"id": 1}', '1 min', NULL, NULL, NULL, NULL)`)
}

func TestLeaseOfAVersionThatIsOld(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.execAs(chrononaut.WithActor(t.Context(), "bob"), `UPDATE todos SET title = 'x' WHERE id = 1`)
	read := 0
	_, err := f.tryLease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Version: &read, Enforce: true})
	var stale *chrononaut.StaleError
	if !errors.As(err, &stale) || stale.Actual != 1 || len(stale.Changes) != 1 || stale.Changes[0].Actor != "bob" || !slices.Equal(stale.Since, []string{"title"}) {
		t.Errorf("Lease() = %v, %+v; want a StaleError with the change of bob", err, stale)
	}
}

func TestLeaseAndHold(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	ctx := chrononaut.WithActor(t.Context(), "judge")
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	// A hold outranks a lease.
	hold := must(f.client.Hold(ctx, leasedTable, []chrononaut.Key{{"id": 1}}, "lawsuit", nil))(t)
	if err := f.under(`UPDATE todos SET title = 'x' WHERE id = 1`, l); !errors.Is(err, chrononaut.ErrHeld) {
		t.Errorf("a write of a held record by the holder of its lease: %v, want ErrHeld", err)
	}
	for _, opts := range []chrononaut.LeaseOpts{{}, {Enforce: true}, {TakeOver: true, Rationale: "why"}} {
		if _, err := f.tryLease("bob", 1, time.Hour, &opts); !errors.Is(err, chrononaut.ErrHeld) {
			t.Errorf("a lease of a held record with %+v: %v, want ErrHeld", opts, err)
		}
	}
	if _, err := f.client.Release(ctx, hold.ID, "settled"); err != nil {
		t.Fatal(err)
	}
	if err := f.under(`UPDATE todos SET title = 'x' WHERE id = 1`, l); err != nil {
		t.Error(err)
	}
}

func TestLeaseAndRestore(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.exec(`UPDATE todos SET title = 'x' WHERE id = 1`)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	ctx := chrononaut.WithRationale(t.Context(), "mistake")
	plan := must(f.client.Restore(ctx, leasedTable, []chrononaut.Key{{"id": 1}}, chrononaut.ToVersion(0), nil))(t)
	_, err := plan.Apply(ctx, nil)
	f.wantLeased("a restore", err, l)
	if _, err := plan.Apply(chrononaut.WithLease(ctx, l), nil); err != nil {
		t.Errorf("a restore by the holder: %v", err)
	}
}

func TestLeaseOfOddTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE SCHEMA "Odd ""Schema"`, `CREATE TABLE "Odd ""Schema"."the 'table' until (lease 1)" ("the ""Key" text, at timestamptz, n numeric, b bytea, f double precision, v integer,
			PRIMARY KEY ("the ""Key", at, n, b, f))`,
		`CREATE TABLE parted (region text, id integer, PRIMARY KEY (region, id)) PARTITION BY LIST (region)`,
		`CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a')`, `CREATE TABLE parted_b PARTITION OF parted FOR VALUES IN ('b')`)
	odd := `"Odd ""Schema"."the 'table' until (lease 1)"`
	f.track(odd, nil)
	f.track("parted", nil)
	f.exec(`INSERT INTO `+odd+` VALUES ('it''s "x" ☃', '2026-01-02 03:04:05.678901+02', 1.10, '\x00ff', -0.1), ('other', 'infinity', 1e3, '', 'NaN')`,
		`INSERT INTO parted VALUES ('a', 1), ('a', 2)`)
	name := f.name(odd)
	for _, key := range []chrononaut.Key{
		{`the "Key`: `it's "x" ☃`, "at": "2026-01-02T01:04:05.678901Z", "n": 1.1, "b": []byte{0, 255}, "f": -0.1},
		{`the "Key`: "other", "at": "infinity", "n": 1000, "b": []byte{}, "f": "NaN"},
	} {
		l := must(f.client.Lease(t.Context(), name, key, time.Hour, &chrononaut.LeaseOpts{Enforce: true}))(t)
		if l.Table != name {
			t.Errorf("table = %+v, want %+v", l.Table, name)
		}
		update := `UPDATE ` + odd + ` SET v = coalesce(v, 0) + 1 WHERE n = ` + fmt.Sprint(key["n"])
		for _, sql := range []string{update, `SET LOCAL TimeZone = 'Asia/Tokyo'; SET LOCAL extra_float_digits = -5; ` + update} {
			_, err := f.pool.Exec(t.Context(), sql)
			f.wantLeased(sql, err, l)
			if err := f.under(sql, l); err != nil {
				t.Error(err)
			}
		}
		found := must(f.client.LeaseOf(t.Context(), name, key))(t)
		if found == nil || found.ID != l.ID {
			t.Errorf("LeaseOf() = %+v", found)
		}
	}
	parted := f.name("parted")
	l := must(f.client.Lease(t.Context(), parted, chrononaut.Key{"region": "a", "id": 1}, time.Hour, &chrononaut.LeaseOpts{Enforce: true}))(t)
	l.Table.Schema = "public"
	for _, sql := range []string{`UPDATE parted SET region = 'b' WHERE id = 1`, `DELETE FROM parted_a WHERE id = 1`, `UPDATE parted_a SET region = 'a' WHERE id = 1`, `TRUNCATE parted_a`} {
		_, err := f.pool.Exec(t.Context(), sql)
		f.wantLeased(sql, err, l)
	}
	if err := f.under(`UPDATE parted SET region = 'b' WHERE id = 1`, l); err != nil {
		t.Fatal(err)
	}
	found := must(f.client.LeaseOf(t.Context(), parted, chrononaut.Key{"region": "b", "id": 1}))(t)
	if found == nil || found.ID != l.ID {
		t.Errorf("LeaseOf() in the other partition = %+v", found)
	}
	_, err := f.pool.Exec(t.Context(), `DELETE FROM parted_b`)
	f.wantLeased("in the other partition", err, l)
}

func TestLeaseInATransaction(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	ctx := chrononaut.WithActor(t.Context(), "ann")
	tx := must(f.db.Begin(ctx))(t)
	client := f.client.With(chronopgx.NewTxDriver(tx))
	l := must(client.Lease(ctx, leasedTable, chrononaut.Key{"id": 1}, time.Hour, &chrononaut.LeaseOpts{Enforce: true}))(t)
	// The transaction that was granted it is the holder.
	if _, err := tx.Exec(ctx, `UPDATE todos SET title = 'x' WHERE id = 1`); err != nil {
		t.Error(err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	_ = f.wantLost("rolled back", f.under(`UPDATE todos SET title = 'x'`, l), l, chrononaut.LeaseUnknown)
	f.lease("bob", 1, time.Hour, nil)
}

func TestLeaseWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	shift := func(by string) {
		f.exec(`UPDATE chrononaut.chrononaut_lease SET granted = granted + interval '` + by + `', renewed = renewed + interval '` + by + `', expires = expires + interval '` + by + `'`)
	}
	const write = `UPDATE todos SET title = 'x' WHERE id = 1`
	// The lease is from the future: the clock was set back by less than its time.
	shift("50 minutes")
	if err := f.under(write, l); err != nil {
		t.Error(err)
	}
	if _, err := f.pool.Exec(t.Context(), write); err == nil {
		t.Error("a write of a leased record was not refused")
	}
	// And by more: it ends, rather than to run for hours.
	shift("20 minutes")
	if err := f.under(write, l); !errors.Is(err, chrononaut.ErrLeaseLost) {
		t.Errorf("a write under a lease from the future: %v, want ErrLeaseLost", err)
	}
	f.exec(write)
	f.lease("bob", 1, time.Hour, nil)
}

func TestLeasesThatEndedLongAgoAreForgotten(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	f.exec(`INSERT INTO todos SELECT i FROM generate_series(3, 40) AS i`)
	for i := 1; i <= 30; i++ {
		f.lease("ann", i, time.Hour, nil)
	}
	f.exec(`UPDATE chrononaut.chrononaut_lease SET expires = expires - interval '2 days' WHERE key <> '{"id": 1}'`,
		`UPDATE chrononaut.chrononaut_lease SET released = clock_timestamp() WHERE key = '{"id": 1}'`)
	left := func() (n int) {
		if err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM chrononaut.chrononaut_lease`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var counts []int
	for i := 31; i <= 34; i++ {
		f.lease("ann", i, time.Hour, nil)
		counts = append(counts, left())
	}
	// A few at a time, so that nobody has to wait for many.
	if want := []int{21, 12, 4, 5}; !slices.Equal(counts, want) {
		t.Errorf("rows after leases = %v, want %v", counts, want)
	}
}

func TestLeasesEndWithTracking(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	const write = `UPDATE todos SET title = 'x' WHERE id = 1`
	f.exec(`CREATE TABLE others (id integer PRIMARY KEY)`, `INSERT INTO others VALUES (1)`)
	f.track("others", nil)
	other := must(f.client.Lease(t.Context(), f.name("others"), chrononaut.Key{"id": 1}, time.Hour, nil))(t)
	l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	f.exec(`ALTER TABLE todos ADD due date`)
	f.track("todos", nil)
	_, err := f.pool.Exec(t.Context(), write)
	f.wantLeased("tracked again", err, l)
	if _, err := f.migrator.Untrack(t.Context(), leasedTable, nil); err != nil {
		t.Fatal(err)
	}
	f.track("todos", nil)
	_ = f.wantLost("tracked anew", f.under(write, l), l, chrononaut.LeaseReleased)
	f.exec(write)
	if err := f.under(write, other); err != nil {
		t.Error(err)
	}
}

func TestLeasePrivileges(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	role := newRole(f)
	f.exec(`GRANT USAGE ON SCHEMA chrononaut TO `+role, `GRANT SELECT ON ALL TABLES IN SCHEMA chrononaut TO `+role, `GRANT SELECT ON todos TO `+role)
	as := func(sql string) error {
		_, err := f.pool.Exec(t.Context(), `SET LOCAL ROLE `+role+`; `+sql)
		return err
	}
	const lease, enforced = `SELECT chrononaut.lease('public', 'todos', '{"id": 1}', '1 min')`, `SELECT chrononaut.lease('public', 'todos', '{"id": 2}', '1 min', true)`
	const denied = "42501"
	want := func(sql, state string) {
		t.Helper()
		if got := chronodriver.State(as(sql)); got != state {
			t.Errorf("%s: SQLSTATE %q, want %q", sql, got, state)
		}
	}
	want(lease, denied)
	f.exec(`GRANT EXECUTE ON FUNCTION chrononaut.lease, chrononaut.lease_grant, chrononaut.lease_guard, chrononaut.renew_lease, chrononaut.release_lease TO ` + role)
	want(lease, "")
	want(enforced, denied)
	f.exec(`GRANT UPDATE ON todos TO ` + role)
	want(enforced, "")
	want(`UPDATE todos SET title = 'x' WHERE id = 2`, "TM018")
	want(`UPDATE chrononaut.chrononaut_lease SET released = now()`, denied)
	want(`DELETE FROM chrononaut.chrononaut_lease`, denied)
	// Row security counts: what one does not see one cannot lease.
	f.exec(`DELETE FROM chrononaut.chrononaut_lease`, `ALTER TABLE todos ENABLE ROW LEVEL SECURITY`, `CREATE POLICY mine ON todos USING (id <> 1)`)
	want(lease, "P0002")
	want(enforced, "")
}

// newRole creates a role that ends with the test.
func newRole(f *fixture) string {
	f.Helper()
	role := "lease_" + strings.ToLower(rand.Text())
	f.exec(`CREATE ROLE ` + role)
	f.Cleanup(func() {
		if _, err := f.pool.Exec(context.WithoutCancel(f.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role); err != nil {
			f.Error(err)
		}
	})
	return role
}
