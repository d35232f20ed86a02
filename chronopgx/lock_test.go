package chronopgx_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// What the documentation of Lock says that it costs.
func TestLockRoundTrips(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f := newFixtureAt(t, proxy.URL(), mode, nil)
			type row struct {
				ID    int64
				Title string
			}
			must[any](t)(f.pool.Exec(t.Context(), "insert into todos (title) select 'x' from generate_series(1, 9)"))
			h := must[*chrononaut.History[row]](t)(chronopgx.History[row](f.db, "todos"))
			other := must[pgx.Tx](t)(f.plain.Begin(t.Context()))
			defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
			must[any](t)(chronopgx.Lock(t.Context(), other, h, 9, nil))
			for _, tc := range []struct {
				name string
				of   []any
				opts chrononaut.LockOpts
				want int
				err  error
			}{
				{"one", []any{1}, chrononaut.LockOpts{}, 1, nil},
				{"many", []any{3, 1, 2}, chrononaut.LockOpts{}, 1, nil},
				{"one, at once", []any{1}, chrononaut.LockOpts{NoWait: true}, 1, nil},
				{"many, at once", []any{1, 2}, chrononaut.LockOpts{NoWait: true}, 3, nil},
				{"what is free", []any{1, 9, 2}, chrononaut.LockOpts{SkipLocked: true}, 1, nil},
				{"one, with a limit", []any{1}, chrononaut.LockOpts{Timeout: time.Minute}, 3, nil},
				{"many, with a limit", []any{1, 2}, chrononaut.LockOpts{Timeout: time.Minute}, 3, nil},
				{"a key in another form", []any{chrononaut.Key{"id": "1"}}, chrononaut.LockOpts{}, 2, nil},
				{"many keys in another form", []any{chrononaut.Key{"id": "1"}, "2", "3"}, chrononaut.LockOpts{}, 2, nil},
				{"one that is not there", []any{99}, chrononaut.LockOpts{}, 2, chrononaut.ErrNotFound},
				{"one that another has, at once", []any{9}, chrononaut.LockOpts{NoWait: true}, 5, chrononaut.ErrLocked},
				{"one that another has, with a limit", []any{9}, chrononaut.LockOpts{Timeout: 20 * time.Millisecond}, 8, chrononaut.ErrLocked},
			} {
				run := func() int {
					t.Helper()
					tx := must[pgx.Tx](t)(f.db.Begin(t.Context()))
					defer func() { _ = tx.Rollback(t.Context()) }()
					proxy.Reset()
					if _, err := chronopgx.LockAll(t.Context(), tx, h, tc.of, &tc.opts); !errors.Is(err, tc.err) {
						t.Fatalf("%s: %v, want %v", tc.name, err, tc.err)
					}
					return proxy.RoundTrips()
				}
				run() // The first time pgx prepares statements.
				if got := run(); got != tc.want && (tc.err == nil || mode == pgx.QueryExecModeSimpleProtocol) {
					// After an error it prepares them again.
					t.Errorf("%s took %d round trips, want %d: %q", tc.name, got, tc.want, proxy.Statements())
				}
			}
		})
	}
}
