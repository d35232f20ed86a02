package conformance_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "github.com/lib/pq"              // the driver "postgres"

	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

func TestSQL(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			conformance.RunPostgreSQL(t, func(t *testing.T, url string) *conformance.Env {
				t.Helper()
				return sqlEnv(t, driver, url)
			})
		})
	}
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	for name, driver := range sqliteDrivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Env {
				t.Helper()
				path := filepath.Join(t.TempDir(), "test.db")
				return sqlEnv(t, driver, "file:"+path+"?_pragma=busy_timeout(60000)&_pragma=journal_mode(wal)&_pragma=synchronous(0)&_txlock=immediate")
			})
		})
	}
}

// sqlEnv is a pool of package chronosql.
func sqlEnv(t *testing.T, driver, dsn string) *conformance.Env {
	t.Helper()
	db, err := chronosql.Open(driver, dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.SetMaxOpenConns(4)
	dialect, _ := chronosql.DialectOf(db)
	return &conformance.Env{
		Driver: chronosql.NewDriver(db, dialect, nil),
		Exec: func(ctx context.Context, query string, args ...any) error {
			_, err := db.ExecContext(ctx, query, args...)
			return err
		},
		QueryInt: func(ctx context.Context, query string, args ...any) (n int64, err error) {
			err = db.QueryRowContext(ctx, query, args...).Scan(&n)
			return n, err
		},
		QueryText: func(ctx context.Context, query string, args ...any) (s string, err error) {
			err = db.QueryRowContext(ctx, query, args...).Scan(&s)
			return s, err
		},
		TxText: func(ctx context.Context, f func(query func(ctx context.Context, sql string, args ...any) (string, error)) error) error {
			return runTx(ctx, db, func(tx *sql.Tx) error {
				return f(func(ctx context.Context, query string, args ...any) (s string, err error) {
					err = tx.QueryRowContext(ctx, query, args...).Scan(&s)
					return s, err
				})
			})
		},
		Tx: func(ctx context.Context, f func(exec func(ctx context.Context, sql string, args ...any) error) error) error {
			return runTx(ctx, db, func(tx *sql.Tx) error {
				return f(func(ctx context.Context, query string, args ...any) error {
					_, err := tx.ExecContext(ctx, query, args...)
					return err
				})
			})
		},
	}
}

func runTx(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err = f(tx); err == nil {
		return tx.Commit()
	}
	if rollback := tx.Rollback(); !errors.Is(rollback, sql.ErrTxDone) {
		err = errors.Join(err, rollback)
	}
	return err
}
