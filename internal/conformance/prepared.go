package conformance

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// RunPostgreSQL is [Run] on PostgreSQL. Setup opens the database of a test. The
// first test installs history and tracks the table through the adapter; those of
// the suite get copies of a database in which that is done.
func RunPostgreSQL(t *testing.T, setup func(t *testing.T, url string) *Env) {
	t.Helper()
	t.Run("installs history and tracks a table", func(t *testing.T) {
		t.Parallel()
		recordsOperations(t, newBench(t, setup(t, pgtest.New(t).URL())))
	})
	Run(t, func(t *testing.T) *Env {
		t.Helper()
		env := setup(t, prepare(t, "todos", func(ctx context.Context, pool *pgxpool.Pool, m *chronomigrate.Migrator) error {
			if _, err := pool.Exec(ctx, createTodos); err != nil {
				return err
			}
			_, err := m.Track(ctx, todosTable, todosOptions, nil)
			return err
		}).URL())
		env.prepared = true
		return env
	})
}

// Installed is a PostgreSQL database in which history is installed.
func Installed(t *testing.T) *pgtest.Database {
	t.Helper()
	return prepare(t, "installed", func(context.Context, *pgxpool.Pool, *chronomigrate.Migrator) error { return nil })
}

func prepare(t *testing.T, key string, then func(ctx context.Context, pool *pgxpool.Pool, m *chronomigrate.Migrator) error) *pgtest.Database {
	t.Helper()
	return pgtest.NewFrom(t, "conformance "+key, func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		return then(ctx, pool, m)
	})
}
