package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// waiting ends when n sessions wait for locks in the fixture's database.
func (f *fixture) waiting(n int) {
	f.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var waiting int
		if err := f.pool.QueryRow(f.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			f.Fatal(err)
		}
		if waiting >= n {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("%d sessions wait, want %d", waiting, n)
		}
	}
}

// background runs a function and returns what waits for its error.
func background(run func() error) func() error {
	done := make(chan error, 1)
	go func() { done <- run() }()
	return func() error { return <-done }
}

// A transaction that has written what is to be held is waited for, and its change is
// from before the hold.
func TestHoldWaitsForWriters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		write string
		keys  []chrononaut.Key
		opts  chrononaut.HoldOpts
		table string
	}{
		"an update":                    {`UPDATE orders SET note = 'x' WHERE id = 1`, keys(1), chrononaut.HoldOpts{}, "orders"},
		"a deletion":                   {`DELETE FROM orders WHERE id = 3`, keys(3), chrononaut.HoldOpts{}, "orders"},
		"an insertion of what is gone": {`INSERT INTO orders VALUES (2)`, keys(2, 1), chrononaut.HoldOpts{}, "orders"},
		"an insertion into a table":    {`INSERT INTO orders VALUES (4)`, nil, chrononaut.HoldOpts{}, "orders"},
		"an insertion of a child":      {`INSERT INTO items VALUES (9, 1)`, keys(1), chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "items"}}}}, "items"},
		"a child that moves there":     {`UPDATE items SET order_id = 1 WHERE id = 2`, keys(1), chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "items"}}}}, "items"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE orders (id integer PRIMARY KEY, note text)`, `CREATE TABLE items (id integer PRIMARY KEY, order_id integer)`)
			f.track("orders", nil)
			f.track("items", nil)
			f.exec(`INSERT INTO orders VALUES (1), (2), (3)`, `INSERT INTO items VALUES (1, 1), (2, 2)`, `DELETE FROM orders WHERE id = 2`)
			if tc.opts.Children != nil {
				tc.opts.Children[0].Columns = map[string]string{"order_id": "id"}
			}
			for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
				tx := f.begin(pgx.TxOptions{IsoLevel: level})
				f.execIn(tx, `SELECT 1 FROM orders`, tc.write)
				_, err := f.client.Hold(t.Context(), f.name("orders"), tc.keys, "x", &chrononaut.HoldOpts{Children: tc.opts.Children, Timeout: 10 * time.Millisecond})
				if locked := (*chrononaut.LockedError)(nil); !errors.As(err, &locked) || len(locked.Holders) != 1 {
					t.Errorf("%s: a hold with a time limit: %v", level, err)
				}
				var hold *chrononaut.Hold
				placed := background(func() (err error) {
					hold, err = f.client.Hold(t.Context(), f.name("orders"), tc.keys, "x", &tc.opts)
					return err
				})
				f.waiting(1)
				if err := tx.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := placed(); err != nil {
					t.Fatalf("%s: %v", level, err)
				}
				f.wantRows(`SELECT a.id::text FROM chrononaut.chrononaut_activity AS a, chrononaut.chrononaut_hold AS h WHERE a.id > h.change AND h.released IS NULL`)
				if n := len(f.rows(`SELECT id::text FROM ` + tc.table)); n == 0 {
					t.Error("the change of before is gone")
				}
				f.release(hold)
				f.exec(`DELETE FROM orders WHERE id IN (2, 4)`, `DELETE FROM items WHERE id = 9`, `UPDATE items SET order_id = 2 WHERE id = 2`, `INSERT INTO orders VALUES (3) ON CONFLICT DO NOTHING`)
			}
		})
	}
}

// Who writes after the hold was placed, and before it was committed, waits and is
// refused; if the hold is rolled back, the write goes through.
func TestHoldStopsWriters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1), (2), (3)`, `DELETE FROM todos WHERE id = 3`)
	for name, tc := range map[string]struct{ keys, write string }{
		"a record":          {`'[{"id": 1}]'`, `UPDATE todos SET title = 'x' WHERE id = 1`},
		"one that is gone":  {`'[{"id": 3}]'`, `INSERT INTO todos (id) VALUES (3)`},
		"a table":           {`NULL`, `INSERT INTO todos (id) VALUES (4)`},
		"moving a key here": {`'[{"id": 3}]'`, `UPDATE todos SET id = 3 WHERE id = 2`},
	} {
		for _, commit := range []bool{true, false} {
			placing := f.begin()
			f.execIn(placing, `SELECT chrononaut.hold('public', 'todos', `+tc.keys+`, 'x')`)
			wrote := background(func() error {
				tx, err := f.pool.Begin(f.Context())
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback(context.WithoutCancel(f.Context())) }()
				_, err = tx.Exec(f.Context(), tc.write)
				return err
			})
			f.waiting(1)
			end := placing.Commit
			if !commit {
				end = placing.Rollback
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := chrononaut.WrapError(wrote()); errors.Is(err, chrononaut.ErrHeld) != commit || !commit && err != nil {
				t.Errorf("%s, committed %v: %v", name, commit, err)
			}
			for _, hold := range must(f.client.Holds(t.Context(), nil))(t) {
				f.release(&hold)
			}
		}
	}
}

// A transaction whose snapshot is older than the hold does not see it. It is told to
// begin anew, also when another hold was placed, or given up, after the one that counts.
func TestHoldAgainstOldSnapshots(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`CREATE TABLE others (id integer PRIMARY KEY)`, `CREATE TABLE free (id integer PRIMARY KEY)`)
	f.track("others", nil)
	f.track("free", nil)
	f.exec(`INSERT INTO todos (id) VALUES (1), (2)`, `INSERT INTO others VALUES (1), (2)`)
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		none := func() {}
		for name, after := range map[string]func() (end func()){
			"the hold is the last": func() func() { return none },
			"one was given up": func() func() {
				tx := f.begin()
				f.execIn(tx, `SELECT chrononaut.hold('public', 'others', '[{"id": 1}]', 'x')`)
				if err := tx.Rollback(t.Context()); err != nil {
					t.Fatal(err)
				}
				return none
			},
			"one is being placed": func() func() {
				tx := f.begin()
				f.execIn(tx, `SELECT chrononaut.hold('public', 'others', '[{"id": 2}]', 'x')`)
				return func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }
			},
		} {
			tx := f.begin(pgx.TxOptions{IsoLevel: level})
			f.execIn(tx, `SELECT * FROM todos`)
			hold := f.hold("todos", keys(1), nil)
			end := after()
			savepoint := must(tx.Begin(t.Context()))(t)
			if _, err := savepoint.Exec(t.Context(), `UPDATE todos SET title = 'x' WHERE id = 1`); chronodriver.State(err) != "40001" {
				t.Errorf("%s, %s: %v", level, name, err)
			}
			if err := savepoint.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			// A table that nobody ever held is written.
			f.execIn(tx, `INSERT INTO free VALUES (1)`)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.held(hold, `BEGIN ISOLATION LEVEL `+string(level)+`; UPDATE todos SET title = 'x' WHERE id = 1`)
			end()
			f.release(hold)
		}
	}
}

// Writers of every kind, while holds on records, sets and the table come and go: no
// change of a held record lies between its hold and its release in history, every
// change that was reported to be made is there, and nobody ends in a deadlock.
func TestHoldUnderLoad(t *testing.T) {
	t.Parallel()
	const records, writers, writes, holders, rounds = 12, 8, 60, 3, 12
	f := newFixture(t)
	f.exec(`CREATE TABLE counters (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0)`)
	f.track("counters", nil)
	f.exec(fmt.Sprintf(`INSERT INTO counters SELECT n FROM generate_series(1, %d) AS n`, records))
	// The last ones come and go.
	f.exec(fmt.Sprintf(`DELETE FROM counters WHERE id > %d`, records-3))
	pool := f.pool
	var done, refused atomic.Int64
	var group sync.WaitGroup
	report := func(what string, err error) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	write := func(random *rand.Rand) error {
		level := []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.ReadCommitted, pgx.RepeatableRead}[random.IntN(3)]
		tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		changed := int64(0)
		id := 1 + random.IntN(records-3)
		gone := records - random.IntN(3)
		statements := []string{
			fmt.Sprintf(`UPDATE counters SET n = n + 1 WHERE id = %d`, id),
			fmt.Sprintf(`WITH l AS (SELECT id FROM counters WHERE id IN (%d, %d) ORDER BY id FOR UPDATE) UPDATE counters SET n = n + 1 WHERE id IN (SELECT id FROM l)`, id, id%(records-3)+1),
			fmt.Sprintf(`INSERT INTO counters VALUES (%d, 1) ON CONFLICT (id) DO UPDATE SET n = counters.n + 1`, gone),
			fmt.Sprintf(`DELETE FROM counters WHERE id = %d`, gone),
		}
		tag, err := tx.Exec(t.Context(), statements[random.IntN(len(statements))])
		if err != nil {
			return err
		}
		changed += tag.RowsAffected()
		if err := tx.Commit(t.Context()); err != nil {
			return err
		}
		done.Add(changed)
		return nil
	}
	for w := range writers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range writes {
				err := chrononaut.WrapError(write(random))
				switch state := chronodriver.State(err); {
				case errors.Is(err, chrononaut.ErrHeld), state == "40001":
					refused.Add(1)
				default:
					report("write", err)
				}
			}
		})
	}
	for h := range holders {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(h), 2))
			for range rounds {
				var held []chrononaut.Key
				switch random.IntN(4) {
				case 0: // the table
				case 1:
					held = keys(records - random.IntN(3))
				default:
					for id := 1; id <= records-3; id++ {
						if random.IntN(3) == 0 {
							held = append(held, chrononaut.Key{"id": id})
						}
					}
					if held == nil {
						held = keys(1)
					}
				}
				hold, err := f.client.Hold(t.Context(), f.name("counters"), held, "x", &chrononaut.HoldOpts{AllowInsert: held == nil && random.IntN(2) == 0})
				if errors.Is(err, chrononaut.ErrNotFound) {
					// The key was moved, or is being inserted for the first time.
					continue
				}
				report("hold", err)
				if err == nil {
					_, err = f.client.Release(t.Context(), hold.ID, "x")
					report("release", err)
				}
			}
		})
	}
	group.Wait()
	f.wantRows(`SELECT h.id || ' ' || a.id || ' ' || a.operation || ' ' || a.key
		FROM chrononaut.chrononaut_hold AS h
		JOIN chrononaut.chrononaut_activity AS a ON a.id > h.change AND a.id < (h.released ->> 'change')::bigint
		 AND a.table_name = 'counters' AND a.operation IN ('insert', 'update', 'delete') AND NOT (h.allow_insert AND a.operation = 'insert')
		WHERE h.keys IS NULL OR h.keys @> jsonb_build_array(a.key)`)
	var recorded int64
	if err := pool.QueryRow(t.Context(), `SELECT count(*) - $1 FROM chrononaut.chrononaut_activity WHERE table_name = 'counters' AND operation IN ('insert', 'update', 'delete')`, records+3).Scan(&recorded); err != nil {
		t.Fatal(err)
	}
	if recorded != done.Load() {
		t.Errorf("%d changes are recorded, %d were made", recorded, done.Load())
	}
	if refused.Load() == 0 || done.Load() == 0 {
		t.Errorf("%d writes were refused, %d done: the test shows nothing", refused.Load(), done.Load())
	}
	f.wantRows(`SELECT id::text FROM chrononaut.chrononaut_hold WHERE released IS NULL`)
	f.wantRows(`SELECT hold_id::text FROM chrononaut.chrononaut_hold_scope`)
}

// Two sessions hold the same record at once: both do.
func TestHoldTwiceAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1)`)
	first := f.begin()
	f.execIn(first, `SELECT chrononaut.hold('public', 'todos', '[{"id": 1}]', 'x')`)
	var second *chrononaut.Hold
	placed := background(func() (err error) {
		second, err = f.client.Hold(t.Context(), f.name("todos"), keys(1), "y", nil)
		return err
	})
	f.waiting(1)
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := placed(); err != nil {
		t.Fatal(err)
	}
	holds := must(f.client.Holds(t.Context(), nil))(t)
	if len(holds) != 2 {
		t.Fatalf("holds: %+v", holds)
	}
	f.release(second)
	if _, err := f.pool.Exec(t.Context(), `UPDATE todos SET title = 'x'`); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
		t.Errorf("one of two holds was released: %v", err)
	}
	// A release that is rolled back releases nothing.
	tx := f.begin()
	f.execIn(tx, fmt.Sprintf(`SELECT chrononaut.release(%d, 'x')`, holds[1].ID))
	waits := background(func() error { _, err := f.client.Release(t.Context(), holds[1].ID, "x"); return err })
	f.waiting(1)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := waits(); err != nil {
		t.Errorf("the other release: %v", err)
	}
	f.exec(`UPDATE todos SET title = 'x'`)
}

// A write looks at no more with 10,000 held records than with one, also in a session that
// has planned its look-ups while there was one.
func TestHoldsAtSize(t *testing.T) {
	t.Parallel()
	const many = 10_000
	f := newFixture(t)
	f.exec(`CREATE TABLE things (id integer PRIMARY KEY, x integer)`)
	f.track("things", nil)
	f.exec(fmt.Sprintf(`INSERT INTO things SELECT n FROM generate_series(1, %d) AS n`, 2*many))
	f.hold("things", keys(1), nil)
	f.exec(`ANALYZE chrononaut.chrononaut_hold_scope`, `ANALYZE chrononaut.chrononaut_hold_shape`)
	conn := must(f.pool.Acquire(t.Context()))(t)
	defer conn.Release()
	look := func() (read int64) {
		t.Helper()
		tx := must(conn.Begin(t.Context()))(t)
		f.execIn(tx, fmt.Sprintf(`UPDATE things SET x = 1 WHERE id BETWEEN %d AND %d`, many+1, many+100))
		if err := tx.QueryRow(t.Context(), `SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_all_tables WHERE schemaname = 'chrononaut' AND relname LIKE 'chrononaut\_hold%'`).Scan(&read); err != nil {
			t.Fatal(err)
		}
		f.execIn(tx, `ROLLBACK`)
		return read
	}
	one := look()
	var all []chrononaut.Key
	for id := 2; id <= many; id++ {
		all = append(all, chrononaut.Key{"id": id})
	}
	began := time.Now()
	hold := f.hold("things", all, nil)
	t.Logf("%d records were held in %v", len(all), time.Since(began))
	// Not more than a few for each write, whatever the planner has come to know meanwhile.
	if lots := look(); lots > one+200 {
		t.Errorf("100 writes read %d rows with %d held records, and %d with one", lots, many, one)
	}
	f.held(hold, `UPDATE things SET x = 1 WHERE id = 5000`)
	began = time.Now()
	f.release(hold)
	t.Logf("they were released in %v", time.Since(began))
}
