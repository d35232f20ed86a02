package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
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

func (f *fixture) execIn(tx pgx.Tx, statements ...string) {
	f.Helper()
	for _, sql := range statements {
		if _, err := tx.Exec(f.Context(), sql); err != nil {
			f.Fatalf("%s\n%v", sql, err)
		}
	}
}

func (f *fixture) commit(tx pgx.Tx) {
	f.Helper()
	if err := tx.Commit(f.Context()); err != nil {
		f.Fatal(err)
	}
}

func pidOf(tx pgx.Tx) int { return int(tx.Conn().PgConn().PID()) }

// waits blocks until the session of a transaction waits for a lock.
func (f *fixture) waits(tx pgx.Tx) {
	f.Helper()
	for {
		var waiting bool
		if err := f.pool.QueryRow(f.Context(), `SELECT pg_blocking_pids($1) <> '{}'`, pidOf(tx)).Scan(&waiting); err != nil {
			f.Fatal(err)
		}
		if waiting {
			return
		}
	}
}

// locked is what a call that runs beside the test returns.
type locked[T any] struct {
	records []chrononaut.Locked[T]
	err     error
}

// lockBeside locks in a goroutine of its own, and returns when the call waits.
func lockBeside[T any](f *fixture, tx pgx.Tx, h *chrononaut.History[T], of []any, opts *chrononaut.LockOpts) <-chan locked[T] {
	f.Helper()
	done := make(chan locked[T], 1)
	go func() {
		records, err := chronopgx.LockAll(f.Context(), tx, h, of, opts)
		done <- locked[T]{records, err}
	}()
	f.waits(tx)
	return done
}

// free reports whether a record can be locked by somebody else.
func free[T any](f *fixture, h *chrononaut.History[T], of any) bool {
	f.Helper()
	tx := must(f.pool.Begin(f.Context()))(f)
	defer func() { _ = tx.Rollback(f.Context()) }()
	_, err := chronopgx.Lock(f.Context(), tx, h, of, &chrononaut.LockOpts{NoWait: true})
	if err != nil && !errors.Is(err, chrononaut.ErrLocked) {
		f.Fatal(err)
	}
	return err == nil
}

// usable fails the test unless a transaction can go on, under its own settings.
func (f *fixture) usable(tx pgx.Tx) {
	f.Helper()
	var lock, statement string
	if err := tx.QueryRow(f.Context(), `SELECT current_setting('lock_timeout'), current_setting('statement_timeout')`).Scan(&lock, &statement); err != nil {
		f.Errorf("the transaction cannot go on: %v", err)
	}
	if lock != "0" || statement != "0" {
		f.Errorf("lock_timeout is %s and statement_timeout %s", lock, statement)
	}
}

func lockedError(t *testing.T, err error) *chrononaut.LockedError {
	t.Helper()
	var found *chrononaut.LockedError
	if !errors.As(err, &found) || !errors.Is(err, chrononaut.ErrLocked) {
		t.Fatalf("got %v, want a LockedError", err)
	}
	return found
}

func missingError(t *testing.T, err error) *chrononaut.MissingError {
	t.Helper()
	var found *chrononaut.MissingError
	if !errors.As(err, &found) || !errors.Is(err, chrononaut.ErrNotFound) {
		t.Fatalf("got %v, want a MissingError", err)
	}
	return found
}

func pids(holders []chrononaut.LockHolder) string {
	var pids []int
	for _, h := range holders {
		pids = append(pids, h.PID)
	}
	return fmt.Sprint(pids)
}
