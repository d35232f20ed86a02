package conformance_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/lib/pq"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// TestRoundTripsOverLibPQ holds what docs/attribution.md says of drivers that
// cannot send two things at once.
func TestRoundTripsOverLibPQ(t *testing.T) {
	t.Parallel()
	const insert = "INSERT INTO todos (title) VALUES ($1)"
	proxy := wiretest.Start(t, trackedDatabase(t).URL())
	connector, err := pq.NewConnector(proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	db, err := chronosql.OpenDB(connector, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	stmt, err := db.PrepareContext(t.Context(), insert)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for _, tc := range []struct {
		name         string
		plain, extra int
		run          func(ctx context.Context) error
	}{
		{"a transaction", 4, 1, func(ctx context.Context) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, insert, "a"); err != nil {
				return err
			}
			return tx.Commit()
		}},
		{"a statement without parameters", 1, 0, func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "INSERT INTO todos (title) VALUES ('a')")
			return err
		}},
		{"a statement with parameters", 2, 2, func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, insert, "a")
			return err
		}},
		{"a statement that returns a row", 2, 2, func(ctx context.Context) error {
			var id int64
			return db.QueryRowContext(ctx, insert+" RETURNING id", "a").Scan(&id)
		}},
		{"a prepared statement", 1, 2, func(ctx context.Context) error {
			_, err := stmt.ExecContext(ctx, "a")
			return err
		}},
		{"a SELECT", 1, 0, func(ctx context.Context) error {
			var n int64
			return db.QueryRowContext(ctx, "SELECT count(*) FROM todos").Scan(&n)
		}},
	} {
		for _, step := range []struct {
			ctx  context.Context
			want int
		}{
			{t.Context(), tc.plain},
			{chrononaut.WithActor(t.Context(), "ann"), tc.plain + tc.extra},
		} {
			proxy.Reset()
			if err := tc.run(step.ctx); err != nil {
				t.Fatalf("%s: %v", tc.name, err)
			}
			if got := proxy.RoundTrips(); got != step.want {
				t.Errorf("%s took %d round trips, want %d: %q", tc.name, got, step.want, proxy.Statements())
			}
		}
	}
	var byNobody, byAnn int
	err = db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE user_info ->> 'user_id' IS NULL), count(*) FILTER (WHERE user_info ->> 'user_id' = 'ann')
		FROM chrononaut.chrononaut_activity WHERE operation = 'insert'`).Scan(&byNobody, &byAnn)
	if err != nil || byNobody != 5 || byAnn != 5 {
		t.Errorf("changes by nobody = %d, by ann = %d, %v; want 5 and 5", byNobody, byAnn, err)
	}
}

// TestLostCommitIsNotRepeated shows that a statement whose COMMIT was not
// answered runs once, though database/sql repeats what it takes for not sent.
func TestLostCommitIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"pgx", "postgres"} {
		for name, run := range map[string]func(ctx context.Context, db *sql.DB) error{
			"Exec": func(ctx context.Context, db *sql.DB) error {
				_, err := db.ExecContext(ctx, "INSERT INTO todos (title) VALUES ($1)", "a")
				return err
			},
			"QueryRow": func(ctx context.Context, db *sql.DB) error {
				var id int64
				return db.QueryRowContext(ctx, "INSERT INTO todos (title) VALUES ($1) RETURNING id", "a").Scan(&id)
			},
		} {
			t.Run(driver+" "+name, func(t *testing.T) {
				t.Parallel()
				proxy := wiretest.Start(t, trackedDatabase(t).URL())
				db, err := chronosql.Open(driver, proxy.URL(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				db.SetMaxOpenConns(1)
				ctx := chrononaut.WithActor(t.Context(), "ann")
				if driver == "postgres" {
					proxy.CutAfter("commit")
				} else {
					proxy.CutAfter("INSERT")
				}
				if err := run(ctx, db); err == nil {
					t.Error("a commit without an answer succeeded")
				}
				var n int
				if err := db.QueryRowContext(ctx, "SELECT count(*) FROM todos").Scan(&n); err != nil || n > 1 {
					t.Errorf("rows = %d, %v; want one at most", n, err)
				}
			})
		}
	}
}
