package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// begin begins a transaction that the end of the test rolls back.
func (f *fixture) begin(opts ...pgx.TxOptions) pgx.Tx {
	f.Helper()
	options := pgx.TxOptions{}
	if len(opts) > 0 {
		options = opts[0]
	}
	tx := must(f.pool.BeginTx(f.Context(), options))(f)
	f.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(f.Context())) })
	return tx
}

func pidOf(t *testing.T, tx pgx.Tx) int { t.Helper(); return int(tx.Conn().PgConn().PID()) }

func (f *fixture) execIn(tx pgx.Tx, statements ...string) {
	f.Helper()
	for _, sql := range statements {
		if _, err := tx.Exec(f.Context(), sql); err != nil {
			f.Fatalf("%s\n%v", sql, err)
		}
	}
}

// waits blocks until a session waits for a lock.
func (f *fixture) waits(tx pgx.Tx) {
	f.Helper()
	pid := pidOf(f.T, tx)
	for {
		var waiting bool
		if err := f.pool.QueryRow(f.Context(), `SELECT pg_blocking_pids($1) <> '{}'`, pid).Scan(&waiting); err != nil {
			f.Fatal(err)
		}
		if waiting {
			return
		}
	}
}

func TestLockReturnsThePresentRow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type row struct {
		ID, Visits    int
		Title, Secret string
		Done          bool
		Version       int
	}
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one', false, 's', 3), (2, NULL, true, NULL, NULL)`, `UPDATE todos SET title = 'two' WHERE id = 1`)
	h := history[row](f, "todos")
	tx := f.begin()
	locked := must(chronopgx.Lock(t.Context(), tx, h, 1, nil))(t)
	want := &chrononaut.Locked[row]{Record: row{1, 3, "two", "s", false, 1}, Key: chrononaut.Key{"id": 1}, Version: 1}
	if diff := cmp.Diff(want, locked); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	other := f.begin()
	if _, err := chronopgx.Lock(t.Context(), other, h, row{ID: 2}, nil); err != nil {
		t.Error(err)
	}
	_, err := chronopgx.Lock(t.Context(), other, h, 1, &chrononaut.LockOpts{NoWait: true})
	var lockedErr *chrononaut.LockedError
	if !errors.As(err, &lockedErr) || !errors.Is(err, chrononaut.ErrLocked) {
		t.Fatalf("a second lock: %v", err)
	}
	if len(lockedErr.Holders) != 1 || lockedErr.Holders[0].PID != pidOf(t, tx) || lockedErr.Holders[0].DatabaseUser == "" || lockedErr.Holders[0].Since.IsZero() {
		t.Errorf("locked by %+v", lockedErr.Holders)
	}
	// The transaction goes on, and what it has locked stays so.
	f.execIn(other, `UPDATE todos SET title = 'x' WHERE id = 2`)
	if _, err := chronopgx.Lock(t.Context(), tx, h, 2, &chrononaut.LockOpts{Timeout: 50 * time.Millisecond}); !errors.As(err, &lockedErr) || lockedErr.Holders[0].PID != pidOf(t, other) {
		t.Errorf("lock with a timeout: %v", err)
	}
	var timeout string
	if err := tx.QueryRow(t.Context(), `SHOW statement_timeout`).Scan(&timeout); err != nil || timeout != "0" {
		t.Errorf("statement_timeout is %s, %v", timeout, err)
	}
}

func TestLockRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one')`)
	lock := func(ctx context.Context, q chronodriver.Queryer, of any, opts *chrononaut.LockOpts) error {
		_, err := h.Lock(ctx, q, of, opts)
		return err
	}
	tx := chronopgx.NewTxDriver(f.begin())
	yesterday := chrononaut.AsOf(t.Context(), time.Now().AddDate(0, 0, -1))
	for name, tc := range map[string]struct{ got, want error }{
		"outside of a transaction": {lock(t.Context(), chronopgx.NewDriver(f.pool, nil), 1, nil), chrononaut.ErrNoTransaction},
		"in the past":              {lock(yesterday, tx, 1, nil), chrononaut.ErrPast},
		"a record that is not":     {lock(t.Context(), tx, 9, nil), chrononaut.ErrNotFound},
		"no key":                   {lock(t.Context(), tx, chrononaut.Key{"x": 1}, nil), chrononaut.ErrKey},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
}

// fixtureOn is for whoever needs a pool of another role.
var _ = fmt.Sprint
var _ *pgxpool.Pool
