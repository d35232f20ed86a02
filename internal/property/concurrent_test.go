package property_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

// effect is one change as the connection that made it saw it, or as history
// has it. The version is -1 where RETURNING cannot tell it: an INSERT or a
// change of the key may have to wait for another transaction, which takes the
// version that was meant for it.
type effect struct {
	Transaction, Actor, Operation string
	Key, Previous                 int
	Version                       int
}

// crowd is many connections that write to one table.
type crowd struct {
	*testing.T
	db        *chronopgx.DB
	pool      *pgxpool.Pool
	keys      int
	isolation pgx.TxIsoLevel
	// exchange has the rows, on a table whose key is deferrable, exchange their
	// keys. Otherwise they come and go.
	exchange bool

	mu      sync.Mutex
	effects []effect
	retries map[string]int
}

const (
	connections   = 16
	perConnection = 40
)

// TestConcurrent has 16 connections insert, update, delete, move and exchange
// the same few rows, and compares history with what each of them saw.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, tc := range []struct {
		name      string
		columns   string
		isolation pgx.TxIsoLevel
		keys      int
		exchange  bool
	}{
		{"on few rows, read committed", "id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0", pgx.ReadCommitted, 4, false},
		{"on few rows, repeatable read", "id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0", pgx.RepeatableRead, 6, false},
		{"on few rows, serializable", "id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0", pgx.Serializable, 12, false},
		{"exchanging keys, read committed", "id integer PRIMARY KEY DEFERRABLE, n integer NOT NULL DEFAULT 0", pgx.ReadCommitted, 12, true},
		{"exchanging keys, serializable", "id integer PRIMARY KEY DEFERRABLE, n integer NOT NULL DEFAULT 0", pgx.Serializable, 12, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, b, fmt.Sprint("crowd", i), tc.columns)
			c.keys, c.isolation, c.exchange = tc.keys, tc.isolation, tc.exchange
			c.run(uint64(i), fmt.Sprint("crowd", i))
		})
	}
}

func TestSoakConcurrent(t *testing.T) {
	n := 0
	soak(t, func(t *testing.T, seed uint64) {
		t.Helper()
		n++
		columns, keys, exchange := "id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0", 2+n%7, n%2 == 0
		if exchange {
			columns, keys = strings.Replace(columns, "KEY", "KEY DEFERRABLE", 1), 12
		}
		c := newCrowd(t, newBench(t), "crowd", columns)
		c.keys, c.exchange = keys, exchange
		c.isolation = []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}[n%3]
		c.run(seed, "crowd")
	})
	t.Logf("%d rounds of %d transactions", n, connections*perConnection)
}

func newCrowd(t *testing.T, b *bench, name, columns string) *crowd {
	t.Helper()
	config := b.admin.Config()
	config.MaxConns = connections
	// There are many deadlocks, which need not take a second each.
	config.ConnConfig.RuntimeParams["deadlock_timeout"] = "20ms"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE "+name+" ("+columns+")"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.migrator.Track(t.Context(), chrononaut.Table{Name: name}, nil, &chronomigrate.ApplyOpts{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(columns, "DEFERRABLE") {
		if _, err := pool.Exec(t.Context(), "INSERT INTO "+name+" SELECT generate_series(0, 11)"); err != nil {
			t.Fatal(err)
		}
	}
	return &crowd{T: t, db: chronopgx.New(pool, nil), pool: pool, retries: map[string]int{}}
}

func (c *crowd) run(seed uint64, table string) {
	c.Helper()
	var group sync.WaitGroup
	for i := range connections {
		group.Go(func() { c.connection(rand.New(rand.NewPCG(seed, uint64(i))), table, i) })
	}
	group.Wait()
	if c.Failed() {
		return
	}
	c.compare(table)
	c.lives(table)
	chronotest.RequireReplay(c, chronopgx.NewDriver(c.pool, nil), chrononaut.Table{Name: table}, nil)
	c.Logf("%d changes; refused: %v", len(c.effects), c.retries)
}

// connection runs transactions of one to three statements. Deadlocks, lost
// races and duplicate keys roll back a transaction, which then has no effects.
func (c *crowd) connection(rng *rand.Rand, table string, number int) {
	for i := range perConnection {
		actor := fmt.Sprintf("connection %d, transaction %d", number, i)
		ctx := chrononaut.WithActor(c.Context(), actor)
		var effects []effect
		err := pgx.BeginTxFunc(ctx, c.db, pgx.TxOptions{IsoLevel: c.isolation}, func(tx pgx.Tx) error {
			var id string
			if err := tx.QueryRow(ctx, "SELECT pg_current_xact_id()::text").Scan(&id); err != nil {
				return err
			}
			for range 1 + rng.IntN(3) {
				done, err := c.write(ctx, tx, rng, table)
				if err != nil {
					return err
				}
				for _, e := range done {
					e.Transaction, e.Actor = id, actor
					effects = append(effects, e)
				}
			}
			if rng.IntN(8) == 0 {
				return errRollback
			}
			return nil
		})
		c.mu.Lock()
		switch state := chronodriver.State(err); {
		case err == nil:
			c.effects = append(c.effects, effects...)
		case errors.Is(err, errRollback):
			c.retries["on purpose"]++
		case state == "40001" || state == "40P01" || state == "23505":
			c.retries[state]++
		default:
			c.Errorf("%s: %v", actor, err)
		}
		c.mu.Unlock()
		if c.Failed() {
			return
		}
	}
}

var errRollback = errors.New("rolled back on purpose")

// write runs one random statement and returns what it did.
func (c *crowd) write(ctx context.Context, tx pgx.Tx, rng *rand.Rand, table string) ([]effect, error) {
	a, b := rng.IntN(c.keys), rng.IntN(c.keys)
	operation, sql, args := "update", "UPDATE %s SET n = n + 1 WHERE id = $1 RETURNING id, NULL::int, version", []any{a}
	switch what := rng.IntN(7); {
	case what < 2:
	case c.exchange && what < 5:
		sql, args = "UPDATE %s SET n = n - 1 WHERE id BETWEEN $1 AND $2 RETURNING id, NULL::int, version", []any{a, b}
	case c.exchange:
		// Of three rows that are there: see newCrowd.
		args = []any{a, (a + 1 + b%(c.keys-2)) % c.keys, (a + c.keys - 1) % c.keys}
		sql = `UPDATE %s SET id = CASE id WHEN $1 THEN $2 WHEN $2 THEN $3 ELSE $1 END WHERE id IN ($1, $2, $3)
			RETURNING id, CASE id WHEN $2 THEN $1 WHEN $3 THEN $2 ELSE $3 END::int, -1`
	case what == 2:
		operation, sql = "delete", "DELETE FROM %s WHERE id = $1 RETURNING id, NULL::int, version + 1"
	case what == 3:
		operation, sql = "insert", "INSERT INTO %s (id) VALUES ($1) RETURNING id, NULL::int, -1"
	case what == 4:
		operation = "upsert"
		sql = `INSERT INTO %s AS t (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1
			RETURNING id, NULL::int, CASE WHEN n = 0 THEN -1 ELSE version END`
	case c.isolation != pgx.ReadCommitted:
		// No changes of keys: see docs/decisions/0006.
	case what == 5:
		args = []any{a, c.keys + b}
		if rng.IntN(2) == 0 {
			args = []any{c.keys + b, a}
		}
		sql = "UPDATE %s SET id = $2 WHERE id = $1 RETURNING id, nullif($1::int, $2::int), -1"
	default:
		sql, args = "UPDATE %s SET id = id + $2 WHERE id = $1 RETURNING id, $1::int, -1", []any{a, c.keys * 2}
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(sql, table), args...)
	if err != nil {
		return nil, err
	}
	var effects []effect
	var previous *int
	e := effect{}
	_, err = pgx.ForEachRow(rows, []any{&e.Key, &previous, &e.Version}, func() error {
		e.Operation, e.Previous = operation, -1
		if previous != nil {
			e.Previous = *previous
		}
		if operation == "upsert" {
			e.Operation = "update"
			if e.Version == -1 {
				e.Operation = "insert"
			}
		}
		effects = append(effects, e)
		return nil
	})
	return effects, err
}

// recorded is what history has of a table, in the order of its ids.
func (c *crowd) recorded(table string) []effect {
	c.Helper()
	rows, err := c.pool.Query(c.Context(), `
		SELECT transaction_id::text, user_info ->> 'user_id', operation, (key ->> 'id')::int, coalesce((previous_key ->> 'id')::int, -1), version
		  FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND operation <> 'track' AND version > CASE WHEN $2 THEN 0 ELSE -1 END ORDER BY id`, table, c.exchange)
	if err != nil {
		c.Fatal(err)
	}
	effects, err := pgx.CollectRows(rows, pgx.RowToStructByPos[effect])
	if err != nil {
		c.Fatal(err)
	}
	return effects
}

// compare finds changes that were lost, doubled, or given to somebody else.
func (c *crowd) compare(table string) {
	c.Helper()
	got := c.recorded(table)
	for i, e := range got {
		if e.Operation == "insert" || e.Previous != -1 {
			got[i].Version = -1
		}
	}
	want := slices.Clone(c.effects)
	for _, list := range [][]effect{got, want} {
		slices.SortFunc(list, func(a, b effect) int {
			return cmp.Or(strings.Compare(a.Transaction, b.Transaction), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Previous, b.Previous),
				cmp.Compare(a.Version, b.Version), strings.Compare(a.Operation, b.Operation))
		})
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		c.Errorf("history mismatch (-seen +recorded):\n%s", diff)
	}
}

// lives follows every key through its history: a record appears only where
// there is none, and changes only where there is one.
//
// The order is that of the ids, in which versions grow. Where records exchange
// their keys in one statement, a key is given away at the version at which it
// is taken.
func (c *crowd) lives(table string) {
	c.Helper()
	type event struct {
		version int
		what    string
	}
	events := map[int][]event{}
	for _, e := range c.recorded(table) {
		what := e.Operation
		if e.Previous != -1 {
			what = "arrive"
			events[e.Previous] = append(events[e.Previous], event{e.Version, "depart"})
		}
		events[e.Key] = append(events[e.Key], event{e.Version, what})
	}
	for key, list := range events {
		if c.exchange {
			slices.SortStableFunc(list, func(a, b event) int {
				leaves := func(e event) int {
					if e.what == "depart" {
						return 0
					}
					return 1
				}
				return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(leaves(a), leaves(b)))
			})
		}
		alive, version, before := c.exchange, -1, "nothing"
		for _, e := range list {
			if appears := e.what == "insert" || e.what == "arrive"; alive == appears {
				c.Errorf("key %d: %s at version %d, after %s", key, e.what, e.version, before)
			}
			if e.what != "depart" {
				if e.version <= version {
					c.Errorf("key %d: %s at version %d, after version %d", key, e.what, e.version, version)
				}
				version = e.version
			}
			alive = e.what != "delete" && e.what != "depart"
			before = fmt.Sprintf("%s at version %d", e.what, e.version)
		}
	}
}
