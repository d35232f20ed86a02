package chronosql_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// newPastFixture has two todos, old and kept, of which the first is new by now,
// and a context that reads what was.
func newPastFixture(t *testing.T, url string, mode pgx.QueryExecMode) (*fixture, context.Context) {
	t.Helper()
	f := newFixtureAt(t, url, mode, nil)
	f.exec(t.Context(), "insert into todos (title) values ('old'), ('kept')")
	var at time.Time
	if err := f.db.QueryRowContext(t.Context(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	f.exec(t.Context(), "update todos set title = 'new' where title = 'old'")
	return f, chrononaut.AsOf(t.Context(), at)
}

const titles = "select string_agg(title, ' ' order by id) from todos where id > $1"

type rowQueryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (f *fixture) wantTitles(ctx context.Context, db rowQueryer, want string) {
	f.Helper()
	var got string
	if err := db.QueryRowContext(ctx, titles, 0).Scan(&got); err != nil || got != want {
		f.Errorf("titles are %q, %v; want %q", got, err, want)
	}
}

func TestRoundTripsOfThePast(t *testing.T) {
	t.Parallel()
	jobs := []struct {
		name string
		run  func(ctx context.Context, db *sql.DB) error
	}{
		{"a row", func(ctx context.Context, db *sql.DB) error {
			var n int64
			return db.QueryRowContext(ctx, "select count(*) from public.todos where id > $1", 0).Scan(&n)
		}},
		{"a statement", func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "select from todos where id > $1", 0)
			return err
		}},
		{"a transaction", func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				return err
			}
			for range 2 {
				if _, err := tx.ExecContext(ctx, "select from public.todos where id > $1", 0); err != nil {
					return err
				}
			}
			return tx.Commit()
		}},
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f, past := newPastFixture(t, proxy.URL(), mode)
			for _, job := range jobs {
				measure := func(ctx context.Context, db *sql.DB) int {
					t.Helper()
					// The first time statements are prepared, and relations read.
					if err := job.run(ctx, db); err != nil {
						t.Fatalf("%s: %v", job.name, err)
					}
					proxy.Reset()
					if err := job.run(ctx, db); err != nil {
						t.Fatalf("%s: %v", job.name, err)
					}
					return proxy.RoundTrips()
				}
				want := measure(t.Context(), f.plain)
				if got := measure(past, f.db); got != want {
					t.Errorf("%s took %d round trips in the past, want %d: %q", job.name, got, want, proxy.Statements())
				}
			}
			f.wantTitles(past, f.db, "old kept")
			f.wantTitles(t.Context(), f.db, "new kept")
		})
	}
}

func TestValuesDoNotDependOnThePast(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f, past := newPastFixture(t, database(t).URL(), mode)
			f.exec(t.Context(), `create type mood as enum ('happy'); create type pair as (i int, t text); create domain short as varchar(3)`)
			// The path is another one.
			query := "select $1::bigint, " + strings.ReplaceAll(strings.Join(valueExpressions, ", "), "current_schemas(false)", "1")
			want := readValues(t.Context(), t, f.db, query)
			for range 2 {
				if diff := cmp.Diff(want, readValues(past, t, f.db, query)); diff != "" {
					t.Errorf("values mismatch (-present +past):\n%s", diff)
				}
			}
		})
	}
}

func TestPreparedStatementsInThePast(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f, past := newPastFixture(t, database(t).URL(), mode)
			const query = "select string_agg(title, ' ' order by id) from public.todos where id > $1"
			for _, prepared := range []context.Context{t.Context(), past} {
				stmt, err := f.db.PrepareContext(prepared, query)
				if err != nil {
					t.Fatal(err)
				}
				want := func(ctx context.Context, stmt *sql.Stmt, want string) {
					t.Helper()
					var got string
					if err := stmt.QueryRowContext(ctx, 0).Scan(&got); err != nil || got != want {
						t.Errorf("titles are %q, %v; want %q", got, err, want)
					}
				}
				for range 7 {
					want(past, stmt, "old kept")
					want(t.Context(), stmt, "new kept")
				}
				tx, err := f.db.BeginTx(past, nil)
				if err != nil {
					t.Fatal(err)
				}
				want(t.Context(), tx.StmtContext(t.Context(), stmt), "old kept")
				inside, err := tx.PrepareContext(past, query)
				if err != nil {
					t.Fatal(err)
				}
				want(past, inside, "old kept")
				if err := errors.Join(inside.Close(), tx.Commit(), stmt.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestConnectionsInThePast(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	conn, err := f.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.wantTitles(past, conn, "old kept")
	if _, err := conn.ExecContext(past, "begin"); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("BEGIN in the past: error = %v, want %v", err, chrononaut.ErrPast)
	}
	if _, err := conn.ExecContext(past, "call nothing()"); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("CALL in the past: error = %v, want %v", err, chrononaut.ErrPast)
	}
	// A transaction that was begun by a text is one of the present.
	for _, s := range []string{"begin", "select 1"} {
		if _, err := conn.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.ExecContext(past, titles, 0); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("a query in a transaction of the present: error = %v, want %v", err, chrononaut.ErrPast)
	}
	f.wantTitles(t.Context(), conn, "new kept")
	if _, err := conn.ExecContext(t.Context(), "commit"); err != nil {
		t.Fatal(err)
	}
	f.wantTitles(past, conn, "old kept")
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	f.wantTitles(t.Context(), f.db, "new kept")
}

func TestErrorsInThePast(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	const query = "select 'ö', nothing from public.todos, public.todos as b where $1"
	for name, run := range map[string]func() error{
		"Exec": func() error { _, err := f.db.ExecContext(past, query, true); return err },
		"Query": func() error {
			rows, err := f.db.QueryContext(past, query, true)
			if err == nil {
				err = errors.Join(rows.Err(), rows.Close())
			}
			return err
		},
		"Tx": func() error {
			tx := f.begin(past)
			_, err := tx.ExecContext(past, query, true)
			return errors.Join(err, tx.Rollback())
		},
	} {
		var pgErr *pgconn.PgError
		if err := run(); !errors.As(err, &pgErr) || pgErr.Position != 13 {
			t.Errorf("%s: error = %v, want one of the server with position 13, not %d", name, err, pgErr.Position)
		}
	}
	// An error that comes after rows.
	rows, err := f.db.QueryContext(past, "select 1 / (n - 3) from generate_series(1, 5) as n, todos")
	if err == nil {
		for rows.Next() {
			continue
		}
		err = errors.Join(rows.Err(), rows.Close())
	}
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "22012" {
		t.Errorf("error = %v, want division by zero", err)
	}
	// The end is refused after the rows.
	rows, err = f.db.QueryContext(past, `select title from U&"publ\0069c".todos`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		continue
	}
	if err := rows.Err(); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("rows of the present: error = %v, want %v", err, chrononaut.ErrPast)
	}
	_ = rows.Close()
	f.wantTitles(t.Context(), f.db, "new kept")
}

func TestConnectorOver(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	db := sql.OpenDB(chronosql.NewConnectorOver(f.plain, nil))
	db.SetMaxIdleConns(0)
	if !chronosql.Attributes(db) {
		t.Error("Attributes = false")
	}
	pid := func(db *sql.DB) (pid int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := pid(f.plain)
	f.wantTitles(past, db, "old kept")
	f.wantTitles(t.Context(), db, "new kept")
	if pid(db) != before || pid(f.plain) != before {
		t.Error("the connection was not borrowed, or not given back")
	}
	tx, err := db.BeginTx(f.as("ann"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), insert, "by ann"); err != nil {
		t.Fatal(err)
	}
	// What is open stays so.
	if err := errors.Join(db.Close(), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	if log := f.log(); log[len(log)-1] != "by ann insert ann" {
		t.Errorf("the last change is %q, want one by ann", log[len(log)-1])
	}

	// A connection that cannot be used any more does not go back.
	db = sql.OpenDB(chronosql.NewConnectorOver(f.plain, nil))
	db.SetMaxIdleConns(0)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if after := pid(f.plain); after == before {
		t.Error("a connection was given back in a transaction")
	}
}
