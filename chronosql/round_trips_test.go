package chronosql_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

const insert = "insert into todos (title) values ($1)"

func TestRoundTripsOverPgx(t *testing.T) {
	t.Parallel()
	jobs := []struct {
		name string
		run  func(ctx context.Context, db *sql.DB) error
	}{
		{"a statement without parameters", func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "insert into todos (title) values ('a')")
			return err
		}},
		{"several statements in one text", func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "insert into todos (title) values ('a'); update todos set done = not done")
			return err
		}},
		{"a statement with parameters", func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, insert, "a")
			return err
		}},
		{"a statement that returns a row", func(ctx context.Context, db *sql.DB) error {
			var id int64
			return db.QueryRowContext(ctx, insert+" returning id", "a").Scan(&id)
		}},
		{"a statement without parameters that returns a row", func(ctx context.Context, db *sql.DB) error {
			var id int64
			return db.QueryRowContext(ctx, "insert into todos (title) values ('a') returning id").Scan(&id)
		}},
		{"a transaction", func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, insert, "a"); err != nil {
				return err
			}
			return tx.Commit()
		}},
		{"a serializable transaction", func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, insert, "a"); err != nil {
				return err
			}
			return tx.Commit()
		}},
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f := newFixtureAt(t, proxy.URL(), mode, nil)
			for _, job := range jobs {
				measure := func(ctx context.Context, db *sql.DB) (int, []string) {
					t.Helper()
					// The first time statements are prepared.
					if err := job.run(ctx, db); err != nil {
						t.Fatalf("%s: %v", job.name, err)
					}
					proxy.Reset()
					if err := job.run(ctx, db); err != nil {
						t.Fatalf("%s: %v", job.name, err)
					}
					return proxy.RoundTrips(), proxy.Statements()
				}
				f.forget()
				want, statements := measure(t.Context(), f.plain)
				if _, silent := measure(t.Context(), f.db); !cmp.Equal(statements, silent) {
					t.Errorf("%s: a context that says nothing sent %q, want %q", job.name, silent, statements)
				}
				f.wantActor(job.name, "-")
				f.forget()
				got, sent := measure(f.as("ann"), f.db)
				if got != want {
					t.Errorf("%s took %d round trips, want %d: %q", job.name, got, want, sent)
				}
				f.wantActor(job.name, "ann")
			}
		})
	}
}

// wantActor checks that there are changes, and that all have the actor.
func (f *fixture) wantActor(job, actor string) {
	f.Helper()
	log := f.log()
	if len(log) == 0 {
		f.Errorf("%s: nothing was recorded", job)
	}
	for _, line := range log {
		if !strings.HasSuffix(line, " "+actor) {
			f.Errorf("%s: recorded %q, want the actor %s", job, line, actor)
		}
	}
}

func TestRoundTripsOfPreparedStatements(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f := newFixtureAt(t, proxy.URL(), mode, nil)
			ctx := f.as("ann")
			exec, err := f.db.PrepareContext(ctx, insert)
			if err != nil {
				t.Fatal(err)
			}
			defer exec.Close()
			query, err := f.db.PrepareContext(ctx, insert+" returning id")
			if err != nil {
				t.Fatal(err)
			}
			defer query.Close()
			for range 2 {
				proxy.Reset()
				if _, err := exec.ExecContext(ctx, "a"); err != nil {
					t.Fatal(err)
				}
				first := proxy.RoundTrips()
				var id int64
				if err := query.QueryRowContext(ctx, "b").Scan(&id); err != nil || id == 0 {
					t.Fatalf("id = %d, %v; want one", id, err)
				}
				second := proxy.RoundTrips() - first
				if second != 1 {
					t.Errorf("QueryRow took %d round trips, want 1: %q", second, proxy.Statements())
				}
				tx := f.begin(ctx)
				if _, err := tx.StmtContext(ctx, exec).ExecContext(ctx, "c"); err != nil {
					t.Fatal(err)
				}
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				if got := proxy.RoundTrips(); got != first+second+3 {
					t.Errorf("a transaction took %d round trips, want 3: %q", got-first-second, proxy.Statements())
				}
			}
			f.wantActor("prepared statements", "ann")
		})
	}
}

func TestSetContextTakesOneRoundTrip(t *testing.T) {
	t.Parallel()
	proxy := wiretest.Start(t, database(t).URL())
	f := newFixtureAt(t, proxy.URL(), pgx.QueryExecModeCacheStatement, nil)
	tx := f.begin(f.as("ann"))
	defer tx.Rollback()
	proxy.Reset()
	if err := chronosql.SetContext(f.as("bob"), tx, nil); err != nil {
		t.Fatal(err)
	}
	if got := proxy.RoundTrips(); got != 1 {
		t.Errorf("SetContext took %d round trips, want 1: %q", got, proxy.Statements())
	}
}
