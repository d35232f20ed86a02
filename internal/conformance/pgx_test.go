package conformance_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

func TestPgx(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			conformance.RunPostgreSQL(t, func(t *testing.T, url string) *conformance.Env { return pgxEnv(t, mode, url) })
		})
	}
}

func pgxEnv(t *testing.T, mode pgx.QueryExecMode, url string) *conformance.Env {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.DefaultQueryExecMode = mode
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := chronopgx.New(pool, nil)
	return &conformance.Env{
		Driver: chronopgx.NewDriver(pool, nil),
		Exec: func(ctx context.Context, sql string, args ...any) error {
			_, err := db.Exec(ctx, sql, args...)
			return err
		},
		QueryInt: func(ctx context.Context, sql string, args ...any) (n int64, err error) {
			err = db.QueryRow(ctx, sql, args...).Scan(&n)
			return n, err
		},
		QueryText: func(ctx context.Context, sql string, args ...any) (s string, err error) {
			err = db.QueryRow(ctx, sql, args...).Scan(&s)
			return s, err
		},
		TxText: func(ctx context.Context, f func(query func(ctx context.Context, sql string, args ...any) (string, error)) error) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				return f(func(ctx context.Context, sql string, args ...any) (s string, err error) {
					err = tx.QueryRow(ctx, sql, args...).Scan(&s)
					return s, err
				})
			})
		},
		Tx: func(ctx context.Context, f func(exec func(ctx context.Context, sql string, args ...any) error) error) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				return f(func(ctx context.Context, sql string, args ...any) error {
					_, err := tx.Exec(ctx, sql, args...)
					return err
				})
			})
		},
	}
}
