package chronopgx_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// handle is what a pool and a DB have in common.
type handle interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error)
}

var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

const insert = "insert into todos (title) values ($1)"

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	jobs := []struct {
		name string
		// extra is what attribution is allowed to cost.
		extra int
		run   func(ctx context.Context, db handle) error
	}{
		{"a statement without parameters", 0, func(ctx context.Context, db handle) error {
			_, err := db.Exec(ctx, "insert into todos (title) values ('a')")
			return err
		}},
		{"several statements in one text", 0, func(ctx context.Context, db handle) error {
			_, err := db.Exec(ctx, "insert into todos (title) values ('a'); update todos set done = not done")
			return err
		}},
		{"a statement with parameters", 0, func(ctx context.Context, db handle) error {
			_, err := db.Exec(ctx, insert, "a")
			return err
		}},
		{"rows", 0, func(ctx context.Context, db handle) error {
			rows, _ := db.Query(ctx, insert+" returning id", "a")
			_, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		}},
		{"one row", 0, func(ctx context.Context, db handle) error {
			var id int64
			return db.QueryRow(ctx, insert+" returning id", "a").Scan(&id)
		}},
		{"a batch", 0, func(ctx context.Context, db handle) error {
			batch := &pgx.Batch{}
			batch.Queue(insert, "a")
			batch.Queue(insert+" returning id", "b")
			batch.Queue("update todos set done = true")
			return db.SendBatch(ctx, batch).Close()
		}},
		{"a batch that begins a transaction", 0, func(ctx context.Context, db handle) error {
			batch := &pgx.Batch{}
			batch.BeginTx(pgx.TxOptions{IsoLevel: pgx.Serializable})
			batch.Queue(insert, "a")
			results := db.SendBatch(ctx, batch)
			if err := results.Close(); err != nil {
				return err
			}
			return results.Tx().Commit(ctx)
		}},
		{"a transaction", 0, func(ctx context.Context, db handle) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, insert, "a")
				return err
			})
		}},
		{"a transaction in a transaction", 0, func(ctx context.Context, db handle) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, insert, "a")
					return err
				})
			})
		}},
		{"a copy in a transaction", 0, func(ctx context.Context, db handle) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				_, err := tx.CopyFrom(ctx, pgx.Identifier{"todos"}, []string{"title"}, pgx.CopyFromRows([][]any{{"a"}, {"b"}}))
				return err
			})
		}},
		{"a copy by itself", 2, func(ctx context.Context, db handle) error {
			_, err := db.CopyFrom(ctx, pgx.Identifier{"todos"}, []string{"title"}, pgx.CopyFromRows([][]any{{"a"}, {"b"}}))
			return err
		}},
		{"a statement with an option", 2, func(ctx context.Context, db handle) error {
			_, err := db.Exec(ctx, insert, pgx.QueryExecModeExec, "a")
			return err
		}},
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f := newFixtureAt(t, proxy.URL(), mode, nil)
			for _, job := range jobs {
				measure := func(ctx context.Context, db handle) (int, []string) {
					t.Helper()
					// The first time pgx prepares statements.
					if err := job.run(ctx, db); err != nil {
						t.Fatalf("%s: %v", job.name, err)
					}
					proxy.Reset()
					if err := job.run(ctx, db); err != nil {
						t.Fatalf("%s: %v", job.name, err)
					}
					return proxy.RoundTrips(), proxy.Statements()
				}
				want, statements := measure(t.Context(), f.pool)
				if f.actors() != "-" {
					t.Fatalf("%s: changes through the pool itself were made by %q, want nobody", job.name, f.actors())
				}
				if _, silent := measure(t.Context(), f.db); !cmp.Equal(statements, silent) {
					t.Errorf("%s: a context that says nothing sent %q, want %q", job.name, silent, statements)
				}
				f.forget()
				got, sent := measure(f.as("ann"), f.db)
				if got != want+job.extra {
					t.Errorf("%s took %d round trips, want %d: %q", job.name, got, want+job.extra, sent)
				}
				if f.actors() != "ann" {
					t.Errorf("%s: changes were made by %q, want ann", job.name, f.actors())
				}
				f.forget()
			}
		})
	}
}

func TestReadsSendNothingExtra(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f := newFixtureAt(t, proxy.URL(), mode, nil)
			read := func(ctx context.Context, db handle) []string {
				t.Helper()
				proxy.Reset()
				rows, _ := db.Query(ctx, "select title from todos where id = $1", 1)
				must[[]string](t)(pgx.CollectRows(rows, pgx.RowTo[string]))
				must[pgconn.CommandTag](t)(db.Exec(ctx, "set statement_timeout = 0; select 1"))
				batch := &pgx.Batch{}
				batch.Queue("select 1")
				batch.Queue("table todos")
				if err := db.SendBatch(ctx, batch).Close(); err != nil {
					t.Fatal(err)
				}
				return proxy.Statements()
			}
			read(t.Context(), f.pool)
			want := read(t.Context(), f.pool)
			if diff := cmp.Diff(want, read(f.as("ann"), f.db)); diff != "" {
				t.Errorf("statements mismatch (-pool +DB):\n%s", diff)
			}
		})
	}
}

func TestLongContextTakesOneRoundTrip(t *testing.T) {
	t.Parallel()
	proxy := wiretest.Start(t, database(t).URL())
	f := newFixtureAt(t, proxy.URL(), pgx.QueryExecModeCacheStatement, nil)
	long := make([]byte, 100_000)
	for i := range long {
		long[i] = "ab'\\\""[i%5]
	}
	ctx := chrononaut.WithExtraInfo(f.as("ann"), map[string]any{"long": string(long)})
	for _, run := range []func() error{
		func() error { _, err := f.db.Exec(ctx, "insert into todos (title) values ('a')"); return err },
		func() error { _, err := f.db.Exec(ctx, insert, "b"); return err },
		func() error {
			return pgx.BeginFunc(ctx, f.db, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, insert, "c"); return err })
		},
	} {
		if err := run(); err != nil {
			t.Fatal(err)
		}
		var equal bool
		err := f.plain.QueryRow(t.Context(), `SELECT extra_info ->> 'long' = $1 FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`, string(long)).Scan(&equal)
		if err != nil || !equal {
			t.Errorf("100 kB of extra information arrived = %v, %v; want true", equal, err)
		}
	}
	proxy.Reset()
	tx := must[pgx.Tx](t)(f.db.Begin(ctx))
	defer tx.Rollback(ctx)
	if got := proxy.RoundTrips(); got != 1 {
		t.Errorf("BEGIN took %d round trips, want 1", got)
	}
}
