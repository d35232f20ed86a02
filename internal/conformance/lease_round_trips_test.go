package conformance_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// TestLeaseRoundTrips shows that the holder of an enforced lease writes with as many
// round trips as anybody who says who he is, and through pgx as anybody at all.
func TestLeaseRoundTrips(t *testing.T) {
	t.Parallel()
	const update = "UPDATE todos SET done = NOT done WHERE id = 1"
	type mode struct {
		name string
		// free: attribution costs no round trip either.
		free bool
		run  func(ctx context.Context) error
	}
	proxy := wiretest.Start(t, trackedDatabase(t).URL())
	pool, err := pgxpool.New(t.Context(), proxy.URL()+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := chronopgx.New(pool, nil)
	modes := []mode{
		{"chronopgx, a statement", true, func(ctx context.Context) error {
			_, err := db.Exec(ctx, update)
			return err
		}},
		{"chronopgx, a transaction", true, func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, update)
				return err
			})
		}},
	}
	for driver, free := range map[string]bool{"pgx": true, "postgres": false} {
		sqlDB, err := chronosql.Open(driver, proxy.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sqlDB.Close() })
		sqlDB.SetMaxOpenConns(1)
		gormDB := openGORM(t, postgres.New(postgres.Config{Conn: sqlDB}), gorm.Config{})
		modes = append(modes,
			mode{"chronosql over " + driver + ", a transaction", free, func(ctx context.Context) error { return execInTx(ctx, sqlDB, update) }},
			mode{"chronosql over " + driver + ", a statement", free, func(ctx context.Context) error {
				_, err := sqlDB.ExecContext(ctx, update)
				return err
			}},
			mode{"chronogorm over " + driver, free, func(ctx context.Context) error {
				return gormDB.WithContext(ctx).Table("todos").Where("id = ?", 1).Update("done", gorm.Expr("NOT done")).Error
			}})
	}

	ann := chrononaut.WithActor(t.Context(), "ann")
	if _, err := db.Exec(ann, `INSERT INTO todos (id, title) VALUES (1, 'a')`); err != nil {
		t.Fatal(err)
	}
	client, err := db.Client()
	if err != nil {
		t.Fatal(err)
	}
	lease := func() *chrononaut.Lease {
		l, err := client.Lease(ann, chrononaut.Table{Name: "todos"}, chrononaut.Key{"id": 1}, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, m := range modes {
		count := func(ctx context.Context) int {
			t.Helper()
			proxy.Reset()
			if err := m.run(ctx); err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			return proxy.RoundTrips()
		}
		// The first time it may be prepared.
		count(t.Context())
		count(ann)
		plain, attributed := count(t.Context()), count(ann)
		l := lease()
		got := count(chrononaut.WithLease(ann, l))
		if got != attributed || m.free && got != plain {
			t.Errorf("%s took %d round trips under a lease, %d with an actor, %d without: %q", m.name, got, attributed, plain, proxy.Statements())
		}
		if err := client.ReleaseLease(ann, l); err != nil {
			t.Fatal(err)
		}
	}

	// Taking and releasing one is a transaction with one statement each.
	proxy.Reset()
	l := lease()
	if got := proxy.RoundTrips(); got != 3 {
		t.Errorf("Lease() took %d round trips, want 3: %q", got, proxy.Statements())
	}
	proxy.Reset()
	if err := client.ReleaseLease(ann, l); err != nil {
		t.Fatal(err)
	}
	if got := proxy.RoundTrips(); got != 3 {
		t.Errorf("ReleaseLease() took %d round trips, want 3: %q", got, proxy.Statements())
	}
}

func execInTx(ctx context.Context, db *sql.DB, statement string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, statement); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
