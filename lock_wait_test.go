package chrononaut_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// What another transaction does to record 1 while a call waits for it.
func TestLockSeesWhatHappenedWhileItWaited(t *testing.T) { //nolint:tparallel // The subtests share the rows.
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	for name, tc := range map[string]struct {
		during []string
		title  string
		err    error
	}{
		"an update":                            {[]string{`UPDATE todos SET title = 'new' WHERE id = 1`}, "new", nil},
		"a deletion":                           {[]string{`DELETE FROM todos WHERE id = 1`}, "", chrononaut.ErrNotFound},
		"another key":                          {[]string{`UPDATE todos SET id = 10 WHERE id = 1`}, "", chrononaut.ErrNotFound},
		"another row under the key":            {[]string{`DELETE FROM todos WHERE id = 1`, `INSERT INTO todos VALUES (1, 'other')`}, "other", nil},
		"another row under the key, by a swap": {[]string{`UPDATE todos SET id = 10 WHERE id = 1`, `UPDATE todos SET id = 1, title = 'two' WHERE id = 2`, `UPDATE todos SET id = 2 WHERE id = 10`}, "two", nil},
	} {
		for mode, of := range map[string][]any{"one": {1}, "many": {1, 3, 2}} {
			for limit, opts := range map[string]*chrononaut.LockOpts{"without a limit": nil, "with a limit": {Timeout: time.Hour}} {
				t.Run(name+", "+mode+", "+limit, func(t *testing.T) {
					f := &fixture{t, f.pool, f.db, f.client, f.migrator}
					f.exec(`DELETE FROM todos`, `INSERT INTO todos VALUES (1, 'one'), (2, 'two'), (3, 'three')`)
					a, b := f.begin(), f.begin()
					f.execIn(a, tc.during...)
					done := lockBeside(f, b, h, of, opts)
					f.commit(a)
					got := <-done
					if !errors.Is(got.err, tc.err) {
						t.Fatalf("got %v, want %v", got.err, tc.err)
					}
					f.usable(b)
					if tc.err != nil {
						if keys := missingError(t, got.err).Keys; len(keys) != 1 || keys[0]["id"] != 1 {
							t.Errorf("missing: %v", keys)
						}
						return
					}
					if len(got.records) != len(of) || got.records[0].Record.Title != tc.title {
						t.Errorf("locked %+v", got.records)
					}
					if free(f, h, 1) {
						t.Error("the record is not locked")
					}
				})
			}
		}
	}
}

func TestLockUnderASnapshot(t *testing.T) { //nolint:tparallel // The subtests share the rows.
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		for name, opts := range map[string]*chrononaut.LockOpts{"waiting": nil, "at once": {NoWait: true}, "with a limit": {Timeout: time.Hour}} {
			t.Run(string(level)+", "+name, func(t *testing.T) {
				f := &fixture{t, f.pool, f.db, f.client, f.migrator}
				f.exec(`DELETE FROM todos`, `INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
				tx := f.begin(pgx.TxOptions{IsoLevel: level})
				f.execIn(tx, `SELECT FROM todos`)
				f.exec(`UPDATE todos SET title = 'new' WHERE id = 1`)
				if _, err := chronopgx.Lock(t.Context(), tx, h, 1, opts); chronodriver.State(err) != "40001" {
					t.Errorf("a row that was changed since: %v", err)
				}
				tx = f.begin(pgx.TxOptions{IsoLevel: level})
				if got := must(chronopgx.Lock(t.Context(), tx, h, 1, opts))(t); got.Record.Title != "new" {
					t.Errorf("locked %+v", got)
				}
			})
		}
	}
}

// A row that moves to another partition has another key.
func TestLockAcrossPartitions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE parts (id integer, region text, title text, PRIMARY KEY (id, region)) PARTITION BY LIST (region)`,
		`CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a')`, `CREATE TABLE parts_b PARTITION OF parts FOR VALUES IN ('b')`)
	f.track("parts", nil)
	f.exec(`INSERT INTO parts VALUES (1, 'a', 'x')`)
	h := history[map[string]any](f, "parts")
	of := chrononaut.Key{"id": 1, "region": "a"}
	a, b, c := f.begin(), f.begin(), f.begin()
	f.execIn(a, `UPDATE parts SET region = 'b'`)
	if found := lockedError(t, errorOf(chronopgx.Lock(t.Context(), c, h, of, &chrononaut.LockOpts{NoWait: true}))); pids(found.Holders) != pids([]chrononaut.LockHolder{{PID: pidOf(a)}}) {
		t.Errorf("locked by %+v", found.Holders)
	}
	done := lockBeside(f, b, h, []any{of}, nil)
	f.commit(a)
	// The server's own words: "tuple to be locked was already moved to another partition".
	if got := <-done; chronodriver.State(got.err) != "40001" {
		t.Errorf("got %v", got.err)
	}
	must(chronopgx.Lock(t.Context(), c, h, chrononaut.Key{"id": 1, "region": "b"}, nil))(t)
}

func errorOf[V any](_ V, err error) error { return err }

func TestLockTimeout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 9) AS n`)
	a, b := f.begin(), f.begin()
	must(chronopgx.LockAll(t.Context(), a, h, []any{3, 5}, nil))(t)
	opts := &chrononaut.LockOpts{Timeout: 30 * time.Millisecond}
	found := lockedError(t, errorOf(chronopgx.Lock(t.Context(), b, h, 3, opts)))
	if pids(found.Holders) != pids([]chrononaut.LockHolder{{PID: pidOf(a)}}) || len(found.Keys) != 1 {
		t.Errorf("locked: %+v", found)
	}
	f.usable(b)
	found = lockedError(t, errorOf(chronopgx.LockAll(t.Context(), b, h, []any{5, 4, 3, 1}, opts)))
	if pids(found.Holders) != pids([]chrononaut.LockHolder{{PID: pidOf(a)}}) || len(found.Keys) != 2 {
		t.Errorf("locked: %+v", found)
	}
	f.usable(b)
	if !free(f, h, 1) {
		t.Error("a call that failed has left locks")
	}
	// Got in time, after waiting, for one and for many: the transaction's own settings
	// are back.
	f.execIn(b, `SET LOCAL statement_timeout = '1h'`)
	for _, of := range [][]any{{3}, {5, 3, 1}} {
		done := lockBeside(f, b, h, of, &chrononaut.LockOpts{Timeout: time.Minute})
		f.commit(a)
		if got := <-done; got.err != nil || len(got.records) != len(of) {
			t.Fatalf("got %+v", got)
		}
		var setting string
		if err := b.QueryRow(t.Context(), `SHOW statement_timeout`).Scan(&setting); err != nil || setting != "1h" {
			t.Errorf("statement_timeout is %s, %v", setting, err)
		}
		a = f.begin()
		f.execIn(a, `SELECT FROM todos WHERE id = 5 FOR UPDATE SKIP LOCKED`)
	}
}

// Limits of the session's own, and contexts that end.
func TestLockUnderOtherLimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
	a := f.begin()
	must(chronopgx.Lock(t.Context(), a, h, 1, nil))(t)
	b := f.begin()
	f.execIn(b, `SET LOCAL lock_timeout = '20ms'`)
	if found := lockedError(t, errorOf(chronopgx.Lock(t.Context(), b, h, 1, nil))); len(found.Holders) != 0 || chronodriver.State(found) != "55P03" {
		t.Errorf("locked: %+v", found)
	}
	b = f.begin()
	f.execIn(b, `SET LOCAL statement_timeout = '20ms'`)
	if err := errorOf(chronopgx.Lock(t.Context(), b, h, 1, &chrononaut.LockOpts{Timeout: time.Hour})); errors.Is(err, chrononaut.ErrLocked) || chronodriver.State(err) != "57014" {
		t.Errorf("a shorter time of the session's own: %v", err)
	}
	b = f.begin()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- errorOf(chronopgx.Lock(ctx, b, h, 1, &chrononaut.LockOpts{Timeout: time.Hour})) }()
	f.waits(b)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, chrononaut.ErrLocked) {
		t.Errorf("a context that ended: %v", err)
	}
}
