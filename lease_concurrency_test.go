package chrononaut_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// grant is the time in which one lease ran, by the database's clock.
type grant struct {
	id         int64
	began, end time.Time
}

func TestLeaseRace(t *testing.T) {
	t.Parallel()
	const clients, rounds = 50, 4
	f := newLeaseFixture(t)
	config := f.pool.Config()
	config.MaxConns = clients
	pool := must(pgxpool.NewWithConfig(t.Context(), config))(t)
	defer pool.Close()
	db := chronopgx.New(pool, nil)
	client := must(db.Client())(t)

	var mu sync.Mutex
	grants := map[int64]*grant{}
	fenced := map[chrononaut.LeaseEnd]int{}
	var refused int
	one := func(ctx context.Context, ttl time.Duration, random int) error {
		opts := &chrononaut.LeaseOpts{Enforce: random%5 == 0}
		if random%17 == 0 {
			opts.TakeOver, opts.Rationale = true, "my turn"
		}
		l, err := client.Lease(ctx, leasedTable, chrononaut.Key{"id": 1}, ttl, opts)
		if errors.Is(err, chrononaut.ErrLeased) {
			mu.Lock()
			refused++
			mu.Unlock()
			return nil
		}
		if err != nil {
			return err
		}
		if random%3 == 0 {
			if err := client.RenewLease(ctx, l, ttl); err != nil && !errors.Is(err, chrononaut.ErrLeaseLost) {
				return err
			}
		}
		mu.Lock()
		grants[l.ID] = &grant{l.ID, l.Granted, l.Expires}
		mu.Unlock()
		// The title is the lease that wrote it.
		_, err = db.Exec(chrononaut.WithLease(ctx, l), `UPDATE todos SET title = $1 WHERE id = 1`, strconv.FormatInt(l.ID, 10))
		if err != nil {
			var lost *chrononaut.LeaseLostError
			if !errors.As(chrononaut.WrapError(err), &lost) {
				return err
			}
			mu.Lock()
			fenced[lost.End]++
			mu.Unlock()
		}
		if random%4 != 0 {
			if err := client.ReleaseLease(ctx, l); err != nil && !errors.Is(err, chrononaut.ErrLeaseLost) {
				return err
			}
		}
		return nil
	}
	var all sync.WaitGroup
	errs := make([]error, clients)
	for i := range clients {
		all.Go(func() {
			for range rounds {
				// Some end before they are used.
				ttl := []time.Duration{2 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}[rand.IntN(3)]
				errs[i] = errors.Join(errs[i], one(t.Context(), ttl, rand.IntN(210)))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}

	// When leases were released or taken over is in the log.
	for change, err := range f.client.ActivityAll(t.Context(), &chrononaut.ActivityOpts{Table: leasedTable, OldestFirst: true}) {
		if err != nil {
			t.Fatal(err)
		}
		switch change.Operation {
		case chrononaut.OperationLeaseRelease:
			g := grants[number(t, change.Data, "lease")]
			g.end = earlier(g.end, change.Changed)
		case chrononaut.OperationLeaseTakeover:
			if g := grants[number(t, change.Data, "former")]; g != nil {
				g.end = earlier(g.end, grants[number(t, change.Data, "lease")].began)
			}
		}
	}
	var ordered []*grant
	for _, g := range grants {
		ordered = append(ordered, g)
	}
	slices.SortFunc(ordered, func(a, b *grant) int { return cmp.Compare(a.id, b.id) })
	for i, g := range ordered {
		if i > 0 && g.began.Before(ordered[i-1].end) {
			t.Errorf("lease %d ran from %v, lease %d until %v", g.id, g.began, ordered[i-1].id, ordered[i-1].end)
		}
	}
	// No lease wrote after a later one.
	last := int64(0)
	for _, s := range versions(f, history[map[string]any](f, "todos"), 1, nil)[1:] {
		id := must(strconv.ParseInt(fmt.Sprint(s.Record["title"]), 10, 64))(t)
		if id < last {
			t.Errorf("lease %d wrote after lease %d", id, last)
		}
		last = id
	}
	if len(ordered) < 2 {
		t.Errorf("%d leases, %d refused: nobody raced", len(ordered), refused)
	}
	t.Logf("%d leases, %d refused, writes fenced: %v", len(ordered), refused, fenced)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// number reads a number of a change.
func number(t *testing.T, data chrononaut.Data, name string) int64 {
	t.Helper()
	return must(strconv.ParseInt(string(data[name]), 10, 64))(t)
}

// result is what a call in the background returned.
type result struct {
	lease *chrononaut.Lease
	err   error
}

// leaseLater asks for a lease in a transaction of its own, which has begun when it
// returns.
func (f *fixture) leaseLater(id int, opts *chrononaut.LeaseOpts) (pgx.Tx, <-chan result) {
	f.Helper()
	tx := f.begin()
	client := f.client.With(chronopgx.NewTxDriver(tx))
	done := make(chan result, 1)
	go func() {
		l, err := client.Lease(f.Context(), leasedTable, chrononaut.Key{"id": id}, time.Hour, opts)
		if err == nil {
			err = tx.Commit(f.Context())
		}
		done <- result{l, err}
	}()
	return tx, done
}

func TestLeaseWaitsForWritersInFlight(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	enforced := &chrononaut.LeaseOpts{Enforce: true}
	writer := f.begin()
	f.execIn(writer, `UPDATE todos SET title = 'in flight' WHERE id = 1`)
	tx, done := f.leaseLater(1, enforced)
	f.waits(tx)
	// Nobody else has to wait for that.
	f.lease("bob", 2, time.Hour, enforced)
	// Nor for a lease that binds only those who ask for one.
	advisory := f.lease("bob", 1, time.Millisecond, nil)
	f.until(advisory.Expires)
	if err := writer.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.err != nil || got.lease.Version != 1 {
		t.Fatalf("Lease() = %+v, %v; want version 1", got.lease, got.err)
	}

	// A record that is deleted meanwhile cannot be leased.
	f.exec(`INSERT INTO todos VALUES (3)`)
	writer = f.begin()
	f.execIn(writer, `DELETE FROM todos WHERE id = 3`)
	tx, done = f.leaseLater(3, enforced)
	f.waits(tx)
	if err := writer.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-done; !errors.Is(got.err, chrononaut.ErrNotFound) {
		t.Errorf("a lease of a record that was deleted meanwhile: %v, want ErrNotFound", got.err)
	}
}

func TestLeaseStopsWritersThatWait(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	tx := f.begin()
	l := must(f.client.With(chronopgx.NewTxDriver(tx)).Lease(t.Context(), leasedTable, chrononaut.Key{"id": 1}, time.Hour, &chrononaut.LeaseOpts{Enforce: true}))(t)
	errs := map[string]chan error{}
	for _, sql := range []string{`UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos`, `TRUNCATE todos`} {
		writer, done := f.begin(), make(chan error, 1)
		errs[sql] = done
		go func() {
			_, err := writer.Exec(t.Context(), sql)
			// The others wait for its locks.
			done <- errors.Join(err, writer.Rollback(t.Context()))
		}()
		f.waits(writer)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for sql, done := range errs {
		f.wantLeased(sql, <-done, l)
	}
}

func TestLeaseStopsOlderSnapshots(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		f.exec(`DELETE FROM chrononaut.chrononaut_lease`)
		old := func() pgx.Tx {
			tx := f.begin(pgx.TxOptions{IsoLevel: level})
			f.execIn(tx, `SELECT count(*) FROM chrononaut.chrononaut_table`)
			return tx
		}
		want := func(what string, tx pgx.Tx, sql, state string) {
			t.Helper()
			_, err := tx.Exec(t.Context(), sql)
			if got := chronodriver.State(err); got != state {
				t.Errorf("%s, %s: %v, want SQLSTATE %q", level, what, err, state)
			}
			_ = tx.Rollback(t.Context())
		}
		const write = `UPDATE todos SET title = 'x' WHERE id = 1`

		before := []pgx.Tx{old(), old(), old()}
		l := f.lease("ann", 1, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
		want("before the lease", before[0], write, "40001")
		want("before the lease", before[1], `TRUNCATE todos`, "40001")
		want("before the lease, leasing", before[2], `SELECT chrononaut.lease('public', 'todos', '{"id": 1}', '1 min')`, "40001")
		want("after the lease", old(), write, chronodriver.StateLeased)

		// A renewal leaves the holder's own snapshots alone.
		claim := fmt.Sprintf(`SET LOCAL chrononaut.context = '{"leases": [{"id": %d, "token": "%s"}]}'; `, l.ID, l.Token)
		holder := old()
		if err := f.client.RenewLease(t.Context(), l, time.Hour); err != nil {
			t.Fatal(err)
		}
		want("the holder, renewed since", holder, claim+write, "")
		holder, other := old(), old()
		f.exec(`UPDATE chrononaut.chrononaut_lease SET expires = clock_timestamp() + interval '1 second'`)
		// For others the lease seems to have expired.
		f.exec(`UPDATE chrononaut.chrononaut_lease SET expires = clock_timestamp() + interval '1 hour'`)
		want("the holder, renewed twice since", holder, claim+write, "")
		want("others, renewed since", other, write, "40001")

		// What ends the lease does not.
		for what, end := range map[string]func(){
			"released": func() {
				if err := f.client.ReleaseLease(t.Context(), l); err != nil {
					t.Fatal(err)
				}
			},
			"taken over": func() {
				f.lease("bob", 1, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Rationale: "why"})
			},
		} {
			f.exec(`DELETE FROM chrononaut.chrononaut_lease`)
			l = f.lease("ann", 1, time.Hour, nil)
			claim = fmt.Sprintf(`SET LOCAL chrononaut.context = '{"leases": [{"id": %d, "token": "%s"}]}'; `, l.ID, l.Token)
			holder := old()
			end()
			want("the holder, "+what+" since", holder, claim+write, "40001")
			want("the holder, "+what+" before", old(), claim+write, chronodriver.StateLeaseLost)
		}
	}
}

// Whoever gets a lease gets it after the writes of its former holder: they are
// there to be read, or refused.
func TestLeaseWaitsForItsFormerHolder(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	l := f.lease("ann", 1, time.Hour, nil)
	write := func() pgx.Tx {
		tx := must(f.db.Begin(chrononaut.WithLease(t.Context(), l)))(t)
		t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
		// Another record than that of the lease.
		f.execIn(tx, `UPDATE todos SET title = 'by the holder' WHERE id = 2`)
		return tx
	}
	holder := write()
	// It can renew its lease while it writes.
	if err := f.client.RenewLease(t.Context(), l, time.Hour); err != nil {
		t.Fatal(err)
	}
	tx, done := f.leaseLater(1, &chrononaut.LeaseOpts{TakeOver: true, Rationale: "why"})
	f.waits(tx)
	if err := holder.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := <-done
	if next.err != nil {
		t.Fatal(next.err)
	}
	_ = f.wantLost("after the takeover", f.under(`UPDATE todos SET title = 'x' WHERE id = 2`, l), l, chrononaut.LeaseTakenOver)

	// A write that comes while the lease is being taken over waits, and is refused.
	l = next.lease
	taker := f.begin()
	must(f.client.With(chronopgx.NewTxDriver(taker)).Lease(t.Context(), leasedTable, chrononaut.Key{"id": 1}, time.Hour,
		&chrononaut.LeaseOpts{TakeOver: true, Rationale: "why"}))(t)
	late := f.begin()
	failed := make(chan error, 1)
	go func() {
		_, err := late.Exec(t.Context(), fmt.Sprintf(`SET LOCAL chrononaut.context = '{"leases": [{"id": %d, "token": "%s"}]}'; UPDATE todos SET title = 'late' WHERE id = 2`, l.ID, l.Token))
		failed <- err
	}()
	f.waits(late)
	if err := taker.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = f.wantLost("during the takeover", <-failed, l, chrononaut.LeaseTakenOver)
}

// A lease that looks expired may be about to be renewed: the renewal was in time.
func TestLeaseThatIsBeingRenewedHasNotExpired(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	var l *chrononaut.Lease
	renewal := f.begin()
	// The machine may be slow.
	for ttl := 100 * time.Millisecond; ; ttl *= 2 {
		l = f.lease("ann", 1, ttl, &chrononaut.LeaseOpts{Enforce: true})
		expires := l.Expires
		err := f.client.With(chronopgx.NewTxDriver(renewal)).RenewLease(t.Context(), l, time.Hour)
		if err == nil {
			f.until(expires)
			break
		}
		if !errors.Is(err, chrononaut.ErrLeaseLost) {
			t.Fatal(err)
		}
		f.until(l.Expires)
		_ = renewal.Rollback(t.Context())
		renewal = f.begin()
	}
	writer, contender := f.begin(), f.begin()
	refused := map[string]chan error{"a write": make(chan error, 1), "a lease": make(chan error, 1)}
	go func() {
		_, err := writer.Exec(t.Context(), `UPDATE todos SET title = 'x' WHERE id = 1`)
		refused["a write"] <- err
	}()
	go func() {
		_, err := contender.Exec(t.Context(), `SELECT chrononaut.lease('public', 'todos', '{"id": 1}', '1 min')`)
		refused["a lease"] <- err
	}()
	f.waits(writer)
	f.waits(contender)
	if err := renewal.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, done := range refused {
		f.wantLeased(what, <-done, l)
	}
}

// TestLeaseChild is the process that TestLeaseOfAKilledClient kills.
func TestLeaseChild(t *testing.T) {
	url := os.Getenv("CHRONONAUT_LEASE_CHILD")
	if url == "" {
		t.Skip("started by TestLeaseOfAKilledClient")
	}
	pool := must(pgxpool.New(t.Context(), url))(t)
	db := chronopgx.New(pool, nil)
	client := must(db.Client())(t)
	l := must(client.Lease(t.Context(), leasedTable, chrononaut.Key{"id": 1}, 2*time.Second, &chrononaut.LeaseOpts{Enforce: true}))(t)
	tx := must(db.Begin(chrononaut.WithLease(t.Context(), l)))(t)
	must(tx.Exec(t.Context(), `UPDATE todos SET title = 'by the child' WHERE id = 1`))(t)
	fmt.Fprintln(os.Stdout, "lease", l.ID)
	// Until it is killed.
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
}

func TestLeaseOfAKilledClient(t *testing.T) {
	t.Parallel()
	f := newLeaseFixture(t)
	child := exec.Command(os.Args[0], "-test.run=^TestLeaseChild$")
	child.Env = append(os.Environ(), "CHRONONAUT_LEASE_CHILD="+f.pool.Config().ConnString())
	stdin := must(child.StdinPipe())(t)
	defer stdin.Close()
	out := must(child.StdoutPipe())(t)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill() }()
	var id int64
	lines := bufio.NewScanner(out)
	for id == 0 && lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "lease %d", &id)
	}
	if id == 0 {
		t.Fatal("the child took no lease")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()

	l := must(f.client.LeaseOf(t.Context(), leasedTable, chrononaut.Key{"id": 1}))(t)
	if l != nil {
		if l.ID != id {
			t.Errorf("lease = %+v, want %d", l, id)
		}
		// It blocks until its time is over, and no longer: what the child was writing
		// was rolled back.
		f.until(l.Expires)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := f.pool.Exec(ctx, `UPDATE todos SET title = title || '!' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	f.lease("bob", 1, time.Hour, nil)
	var title string
	if err := f.pool.QueryRow(t.Context(), `SELECT title FROM todos WHERE id = 1`).Scan(&title); err != nil || title != "one!" {
		t.Errorf("title = %q, %v; want what the child did not commit to be gone", title, err)
	}
}
