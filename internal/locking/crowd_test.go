package locking_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

// TestLocksTogether mixes all locks and writes on a few records: nobody may be
// chosen to end a deadlock, no write may be lost, and nothing may be written over a
// lock.
func TestLocksTogether(t *testing.T) {
	t.Parallel()
	operations := 24
	if testing.Short() {
		operations = 8
	}
	c := newCrowd(t)
	c.run(20260102, 12, operations, c.all())
}

// TestLocksBesideForeignKeys adds rows that refer to several records in any order,
// as applications do: their foreign keys lock the records too.
func TestLocksBesideForeignKeys(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	c.run(20260102, 12, 16, []operation{{"transfer", c.transfer}, {"count", c.countAll}, {"optimistic", c.optimistic}, {"entries", c.entries}, {"entries", c.entries}})
}

// TestSoakLocks does so again and again, with other seeds.
func TestSoakLocks(t *testing.T) {
	until := time.Now().Add(soakTime(t))
	rounds := 0
	for seed := uint64(time.Now().UnixNano()); (rounds == 0 || time.Now().Before(until)) && !t.Failed(); seed++ { //nolint:gosec // not a secret
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			c := newCrowd(t)
			c.run(seed, 24, 200, c.all())
			rounds++
		})
	}
	t.Logf("%d rounds", rounds)
}

const records = 10

// crowd is many workers on the accounts of a bank.
type crowd struct {
	*bank
	mu sync.Mutex
	// written is how often n was counted up, by the operations that succeeded.
	written int
	// results counts the operations by what became of them.
	results map[string]int
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	return &crowd{bank: newBank(t, records, 24), results: map[string]int{}}
}

type operation struct {
	name string
	// run returns how often it has counted up n.
	run func(ctx context.Context, rng *rand.Rand) (int, error)
}

func (c *crowd) all() []operation {
	return []operation{
		{"transfer", c.transfer},
		{"transfer", c.transfer},
		{"count", c.countAll},
		{"optimistic", c.optimistic},
		{"optimistic", c.optimistic},
		{"entry", c.entry},
		{"replace", c.replace},
		{"share", c.share},
		{"lease", c.lease},
		{"hold", c.hold},
	}
}

func (c *crowd) run(seed uint64, workers, operations int, kinds []operation) {
	c.Helper()
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // not a secret
			ctx := chrononaut.WithActor(c.Context(), fmt.Sprint("worker ", i))
			for range operations {
				kind := kinds[rng.IntN(len(kinds))]
				n, err := kind.run(ctx, rng)
				c.count(kind.name, n, err)
			}
		})
	}
	group.Wait()
	if c.Failed() {
		return
	}
	if got := c.number(`SELECT sum(balance) FROM accounts`); got != records*1000 {
		c.Errorf("the balances add up to %d", got)
	}
	if got := c.number(`SELECT sum(n) FROM accounts`); got != c.written {
		c.Errorf("n was counted up %d times, and is %d", c.written, got)
	}
	if got := c.number(`SELECT count(*) FROM chrononaut.chrononaut_hold WHERE released IS NULL`); got != 0 {
		c.Errorf("%d holds are left", got)
	}
	chronotest.RequireReplay(c, chronopgx.NewDriver(c.pool, nil), c.table, nil)
	c.Logf("%v", c.results)
}

// count notes the result of an operation. Some may be refused, and none for a
// deadlock.
func (c *crowd) count(name string, n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.results[name]++
		c.written += n
	case errors.Is(err, chrononaut.ErrLocked):
		c.results[name+", locked"]++
	case errors.Is(err, chrononaut.ErrHeld):
		c.results[name+", held"]++
	case errors.Is(err, chrononaut.ErrLeased):
		c.results[name+", leased"]++
	case errors.Is(err, chrononaut.ErrStale):
		c.results[name+", stale"]++
	case name == "entry" && chronodriver.State(err) == "23503":
		// The account was replaced while the foreign key waited for it.
		c.results[name+", no account"]++
	default:
		detail := &pgconn.PgError{}
		errors.As(err, &detail)
		c.Errorf("%s: %v %s %s\n%s", name, err, detail.Code, detail.Detail, detail.Where)
	}
}

// some picks accounts in any order, in several forms, some of them twice.
func some(rng *rand.Rand, n int) []any {
	var of []any
	for range n {
		id := 1 + rng.IntN(records)
		switch rng.IntN(4) {
		case 0:
			of = append(of, id)
		case 1:
			of = append(of, account{ID: id})
		case 2:
			of = append(of, chrononaut.Key{"id": strconv.Itoa(id)})
		default:
			of = append(of, int64(id))
		}
	}
	return of
}

// waiting picks how long a lock is waited for.
func waiting(rng *rand.Rand) chrononaut.LockOpts {
	switch rng.IntN(5) {
	case 0:
		return chrononaut.LockOpts{NoWait: true}
	case 1:
		return chrononaut.LockOpts{Timeout: time.Duration(1+rng.IntN(200)) * time.Millisecond}
	}
	return chrononaut.LockOpts{}
}

func (c *crowd) tx(ctx context.Context, f func(tx pgx.Tx) error) error {
	return chrononaut.WrapError(pgx.BeginFunc(ctx, c.db, f))
}

// save writes an account as it was computed from what was locked: a write of
// somebody else in between would be lost.
func save(ctx context.Context, tx pgx.Tx, a account) error {
	_, err := tx.Exec(ctx, `UPDATE accounts SET balance = $2, n = $3 WHERE id = $1`, a.ID, a.Balance, a.N+1)
	return err
}

// transfer moves money between locked accounts, and enters it.
func (c *crowd) transfer(ctx context.Context, rng *rand.Rand) (n int, err error) {
	opts := waiting(rng)
	opts.SkipLocked = rng.IntN(5) == 0
	err = c.tx(ctx, func(tx pgx.Tx) error {
		n = 0
		locked, err := chronopgx.LockAll(ctx, tx, c.accounts, some(rng, 2+rng.IntN(4)), &opts)
		if err != nil {
			return err
		}
		rng.Shuffle(len(locked), func(i, j int) { locked[i], locked[j] = locked[j], locked[i] })
		for i := range locked {
			amount := rng.IntN(9)
			locked[i].Record.Balance -= amount
			locked[(i+1)%len(locked)].Record.Balance += amount
		}
		for _, l := range locked {
			if err := save(ctx, tx, l.Record); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO entries (account, amount) VALUES ($1, 1)`, l.Record.ID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// countAll locks all records in any order, and writes them with one statement in
// another one.
func (c *crowd) countAll(ctx context.Context, rng *rand.Rand) (n int, err error) {
	opts := waiting(rng)
	err = c.tx(ctx, func(tx pgx.Tx) error {
		var of []any
		for _, i := range rng.Perm(records) {
			of = append(of, i+1)
		}
		locked, err := chronopgx.LockAll(ctx, tx, c.accounts, of, &opts)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE accounts SET n = n + 1 WHERE id IN (SELECT id FROM accounts ORDER BY id DESC)`)
		if n = int(tag.RowsAffected()); err == nil && n != len(locked) {
			return fmt.Errorf("%d of %d locked records were written", n, len(locked))
		}
		return err
	})
	return n, err
}

// optimistic reads without a lock, and writes with the version.
func (c *crowd) optimistic(ctx context.Context, rng *rand.Rand) (int, error) {
	id := 1 + rng.IntN(records)
	for {
		var n, version int
		if err := c.pool.QueryRow(ctx, `SELECT n, version FROM accounts WHERE id = $1`, id).Scan(&n, &version); err != nil {
			return 0, err
		}
		tag, err := c.db.Exec(ctx, `UPDATE accounts SET n = $3 WHERE id = $1 AND version = $2`, id, version, n+1)
		switch {
		case err != nil:
			return 0, chrononaut.WrapError(err)
		case tag.RowsAffected() == 1:
			return 1, nil
		case rng.IntN(3) == 0:
			// The version column itself is the check, in statements that say it.
			tag, err := c.db.Exec(ctx, `UPDATE accounts SET n = $3, version = $2 WHERE id = $1`, id, version, n+1)
			// None when the account was replaced while the statement waited for it.
			return int(tag.RowsAffected()), chrononaut.WrapError(err)
		}
	}
}

// entry adds a row that refers to an account, whose foreign key locks it.
func (c *crowd) entry(ctx context.Context, rng *rand.Rand) (int, error) {
	_, err := c.db.Exec(ctx, `INSERT INTO entries (account, amount) VALUES ($1, 2)`, 1+rng.IntN(records))
	return 0, chrononaut.WrapError(err)
}

// entries adds rows that refer to several accounts, in any order.
func (c *crowd) entries(ctx context.Context, rng *rand.Rand) (int, error) {
	return 0, c.tx(ctx, func(tx pgx.Tx) error {
		for _, i := range rng.Perm(records)[:4] {
			if _, err := tx.Exec(ctx, `INSERT INTO entries (account, amount) VALUES ($1, 3)`, i+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// replace deletes locked accounts, which takes their entries with them, and
// inserts them again.
func (c *crowd) replace(ctx context.Context, rng *rand.Rand) (int, error) {
	opts := waiting(rng)
	opts.Delete = true
	return 0, c.tx(ctx, func(tx pgx.Tx) error {
		locked, err := chronopgx.LockAll(ctx, tx, c.accounts, some(rng, 1+rng.IntN(2)), &opts)
		if err != nil {
			return err
		}
		for _, l := range locked {
			if _, err := tx.Exec(ctx, `DELETE FROM accounts WHERE id = $1`, l.Record.ID); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO accounts VALUES ($1, $2, $3)`, l.Record.ID, l.Record.Balance, l.Record.N); err != nil {
				return err
			}
		}
		return nil
	})
}

// share reads accounts that nobody may write meanwhile.
func (c *crowd) share(ctx context.Context, rng *rand.Rand) (int, error) {
	opts := waiting(rng)
	opts.Share = true
	return 0, c.tx(ctx, func(tx pgx.Tx) error {
		locked, err := chronopgx.LockAll(ctx, tx, c.accounts, some(rng, 3), &opts)
		if err != nil {
			return err
		}
		for _, l := range locked {
			var version int
			if err := tx.QueryRow(ctx, `SELECT version FROM accounts WHERE id = $1`, l.Record.ID).Scan(&version); err != nil {
				return err
			}
			if version != l.Version {
				return errors.New("a record that is locked was written")
			}
		}
		return nil
	})
}

// lease edits an account across transactions; others cannot write it.
func (c *crowd) lease(ctx context.Context, rng *rand.Rand) (int, error) {
	id := 1 + rng.IntN(records)
	lease, err := c.accounts.Lease(ctx, id, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
	if err != nil {
		return 0, err
	}
	var n, version int
	if err := c.pool.QueryRow(ctx, `SELECT n, version FROM accounts WHERE id = $1`, id).Scan(&n, &version); err != nil {
		return 0, err
	}
	if version != lease.Version {
		return 0, errors.New("a record that is leased was written")
	}
	tag, err := c.db.Exec(chrononaut.WithLease(ctx, lease), `UPDATE accounts SET n = $2 WHERE id = $1`, id, n+1)
	return int(tag.RowsAffected()), errors.Join(chrononaut.WrapError(err), c.client.ReleaseLease(ctx, lease))
}

// hold freezes accounts; nobody can write them.
func (c *crowd) hold(ctx context.Context, rng *rand.Rand) (int, error) {
	keys := []chrononaut.Key{}
	for range 1 + rng.IntN(3) {
		if key := (chrononaut.Key{"id": 1 + rng.IntN(records)}); !slices.ContainsFunc(keys, func(k chrononaut.Key) bool { return k["id"] == key["id"] }) {
			keys = append(keys, key)
		}
	}
	hold, err := c.client.Hold(ctx, c.table, keys, "an audit", nil)
	if err != nil {
		return 0, err
	}
	versions := map[any]int{}
	for range 2 {
		for _, key := range keys {
			var version int
			if err := c.pool.QueryRow(ctx, `SELECT version FROM accounts WHERE id = $1`, key["id"]).Scan(&version); err != nil {
				return 0, err
			}
			if known, ok := versions[key["id"]]; ok && known != version {
				return 0, errors.New("a record that is held was written")
			}
			versions[key["id"]] = version
		}
	}
	_, err = c.client.Release(ctx, hold.ID, "the audit is over")
	return 0, err
}
