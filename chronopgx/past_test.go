package chronopgx_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// newPastFixture has two todos, old and kept, of which the first is new by now,
// and a context that reads what was.
func newPastFixture(t *testing.T, url string, mode pgx.QueryExecMode) (*fixture, context.Context) {
	t.Helper()
	f := newFixtureAt(t, url, mode, nil)
	must[pgconn.CommandTag](t)(f.plain.Exec(t.Context(), "insert into todos (title) values ('old'), ('kept')"))
	var at time.Time
	if err := f.plain.QueryRow(t.Context(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	must[pgconn.CommandTag](t)(f.plain.Exec(t.Context(), "update todos set title = 'new' where title = 'old'"))
	return f, chrononaut.AsOf(t.Context(), at)
}

const titles = "select title from todos order by id"

func collect(t *testing.T, rows pgx.Rows, _ error) string {
	t.Helper()
	return strings.Join(must[[]string](t)(pgx.CollectRows(rows, pgx.RowTo[string])), " ")
}

func TestRoundTripsOfThePast(t *testing.T) {
	t.Parallel()
	jobs := []struct {
		name string
		// extra is what the past is allowed to cost.
		extra int
		run   func(ctx context.Context, db handle) error
	}{
		{"rows", 0, func(ctx context.Context, db handle) error {
			rows, _ := db.Query(ctx, "select id from todos where title <> $1", "a")
			_, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		}},
		{"one row of a qualified name", 0, func(ctx context.Context, db handle) error {
			var n int64
			return db.QueryRow(ctx, "select count(*) from public.todos").Scan(&n)
		}},
		{"a statement", 0, func(ctx context.Context, db handle) error {
			_, err := db.Exec(ctx, "select from todos where id = $1", 1)
			return err
		}},
		{"a batch", 0, func(ctx context.Context, db handle) error {
			batch := &pgx.Batch{}
			batch.Queue("select from todos where id = $1", 1)
			batch.Queue("select from public.todos")
			return db.SendBatch(ctx, batch).Close()
		}},
		{"a transaction", 0, func(ctx context.Context, db handle) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, "select from todos where id = $1", 1); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "select from public.todos where id = $1", 1)
				return err
			})
		}},
		{"a batch that begins a transaction", 1, func(ctx context.Context, db handle) error {
			batch := &pgx.Batch{}
			batch.BeginTx(pgx.TxOptions{AccessMode: pgx.ReadOnly})
			batch.Queue("select from todos where id = $1", 1)
			results := db.SendBatch(ctx, batch)
			if err := results.Close(); err != nil {
				return err
			}
			return results.Tx().Commit(ctx)
		}},
		{"a statement with an option", 2, func(ctx context.Context, db handle) error {
			_, err := db.Exec(ctx, "select from todos where id = $1", pgx.QueryExecModeExec, 1)
			return err
		}},
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f, past := newPastFixture(t, proxy.URL(), mode)
			for _, job := range jobs {
				measure := func(ctx context.Context, db handle) int {
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
				want := measure(t.Context(), f.pool)
				if got := measure(past, f.db); got != want+job.extra {
					t.Errorf("%s took %d round trips in the past, want %d: %q", job.name, got, want+job.extra, proxy.Statements())
				}
				if got := measure(t.Context(), f.db); got != want {
					t.Errorf("%s took %d round trips in the present, want %d: %q", job.name, got, want, proxy.Statements())
				}
			}
		})
	}
}

func TestBatchesOfThePast(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f, past := newPastFixture(t, database(t).URL(), mode)
			batch := &pgx.Batch{}
			batch.Queue(titles)
			var fromFunction []string
			batch.Queue("select title from public.todos where id > $1 order by id", 0).Query(func(rows pgx.Rows) (err error) {
				fromFunction, err = pgx.CollectRows(rows, pgx.RowTo[string])
				return err
			})
			results := f.db.SendBatch(past, batch)
			if got := collect(t, must[pgx.Rows](t)(results.Query()), nil); got != "old kept" {
				t.Errorf("the first result is %q, want the past", got)
			}
			if err := results.Close(); err != nil || strings.Join(fromFunction, " ") != "old kept" {
				t.Errorf("the second result is %q, %v; want the past", fromFunction, err)
			}
			if got := collect(t, must[pgx.Rows](t)(f.db.Query(t.Context(), titles)), nil); got != "new kept" {
				t.Errorf("the present is %q", got)
			}

			// Batch.BeginTx.
			batch = &pgx.Batch{}
			batch.BeginTx(pgx.TxOptions{})
			batch.Queue(titles)
			results = f.db.SendBatch(past, batch)
			must[pgconn.CommandTag](t)(results.Exec())
			if got := collect(t, must[pgx.Rows](t)(results.Query()), nil); got != "old kept" {
				t.Errorf("in the batch titles are %q, want the past", got)
			}
			if err := results.Close(); err != nil {
				t.Fatal(err)
			}
			tx := results.Tx()
			if got := collect(t, must[pgx.Rows](t)(tx.Query(t.Context(), "select title from public.todos order by id")), nil); got != "old kept" {
				t.Errorf("in its transaction titles are %q, want the past", got)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Error(err)
			}
			// One of the present.
			batch = &pgx.Batch{}
			batch.BeginTx(pgx.TxOptions{})
			results = f.db.SendBatch(t.Context(), batch)
			if err := results.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := results.Tx().Exec(past, titles); !errors.Is(err, chrononaut.ErrPast) {
				t.Errorf("a query of the past in a transaction of the present: error = %v", err)
			}
			if err := results.Tx().Rollback(t.Context()); err != nil {
				t.Error(err)
			}

			// In a transaction.
			tx = must[pgx.Tx](t)(f.db.Begin(past))
			batch = &pgx.Batch{}
			batch.Queue("select title from public.todos order by id")
			results = tx.SendBatch(past, batch)
			if got := collect(t, must[pgx.Rows](t)(results.Query()), nil); got != "old kept" {
				t.Errorf("in a batch in a transaction titles are %q, want the past", got)
			}
			if err := errors.Join(results.Close(), tx.Commit(past)); err != nil {
				t.Error(err)
			}

			for name, queue := range map[string]func(b *pgx.Batch){
				"a write":         func(b *pgx.Batch) { b.Queue("delete from todos") },
				"a COMMIT":        func(b *pgx.Batch) { b.Queue("commit"); b.Queue(titles) },
				"a BEGIN":         func(b *pgx.Batch) { b.Queue("begin") },
				"a hidden read":   func(b *pgx.Batch) { b.Queue(`select from U&"publ\0069c".todos`) },
				"a search path":   func(b *pgx.Batch) { b.Queue("set search_path = public"); b.Queue(titles) },
				"a hidden write":  func(b *pgx.Batch) { b.Queue("select nextval('public.todos_id_seq')") },
				"a data-changing": func(b *pgx.Batch) { b.Queue("with a as (delete from todos returning 1) select 1") },
			} {
				batch := &pgx.Batch{}
				queue(batch)
				if err := f.db.SendBatch(past, batch).Close(); !errors.Is(err, chrononaut.ErrPast) {
					t.Errorf("%s: error = %v, want %v", name, err, chrononaut.ErrPast)
				}
				if got := collect(t, must[pgx.Rows](t)(f.db.Query(t.Context(), titles)), nil); got != "new kept" {
					t.Errorf("after %s the present is %q", name, got)
				}
			}
		})
	}
}

func TestCopyIsRefusedInThePast(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	source := func() pgx.CopyFromSource { return pgx.CopyFromRows([][]any{{"a"}}) }
	_, err := f.db.CopyFrom(past, pgx.Identifier{"todos"}, []string{"title"}, source())
	if !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("error = %v, want %v", err, chrononaut.ErrPast)
	}
	tx := must[pgx.Tx](t)(f.db.Begin(past))
	if _, err := tx.CopyFrom(t.Context(), pgx.Identifier{"todos"}, []string{"title"}, source()); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("in a transaction: error = %v, want %v", err, chrononaut.ErrPast)
	}
	// What runs on the connection itself the server refuses.
	if _, err := tx.Conn().CopyFrom(t.Context(), pgx.Identifier{"public", "todos"}, []string{"title"}, source()); err == nil {
		t.Error("a copy on the connection itself succeeded")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPreparedStatementsInThePast(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	const qualified = "select title from public.todos order by id"
	tx := must[pgx.Tx](t)(f.db.Begin(past))
	if _, err := tx.Prepare(t.Context(), "past", qualified); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, must[pgx.Rows](t)(tx.Query(t.Context(), "past")), nil); got != "old kept" {
		t.Errorf("titles are %q, want the past", got)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Each is of where it was prepared, and says so elsewhere.
	if _, err := f.db.Exec(t.Context(), "past"); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrPast) {
		t.Errorf("in the present: error = %v, want %v", err, chrononaut.ErrPast)
	}
	tx = must[pgx.Tx](t)(f.db.Begin(t.Context()))
	if _, err := tx.Prepare(t.Context(), "present", qualified); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Prepare(t.Context(), "anywhere", titles); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.db.Exec(past, "present"); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("in the past: error = %v, want %v", err, chrononaut.ErrPast)
	}
	for range 7 {
		if got := collect(t, must[pgx.Rows](t)(f.db.Query(past, "anywhere")), nil); got != "old kept" {
			t.Errorf("titles are %q, want the past", got)
		}
		if got := collect(t, must[pgx.Rows](t)(f.db.Query(t.Context(), "anywhere")), nil); got != "new kept" {
			t.Errorf("titles are %q, want the present", got)
		}
	}
}

func TestTxOptionsOfThePast(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	conn := must[*pgx.Conn](t)(pgx.Connect(t.Context(), f.url))
	defer conn.Close(t.Context())
	opts := must[pgx.TxOptions](t)(chronopgx.TxOptions(past, pgx.TxOptions{AccessMode: pgx.ReadOnly}, nil))
	tx := must[pgx.Tx](t)(conn.BeginTx(t.Context(), opts))
	if got := collect(t, must[pgx.Rows](t)(tx.Query(t.Context(), titles)), nil); got != "old kept" {
		t.Errorf("titles are %q, want the past", got)
	}
	// Nobody rewrites this one.
	must[pgconn.CommandTag](t)(tx.Exec(t.Context(), "select from public.todos"))
	if err := tx.Commit(t.Context()); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrPast) {
		t.Errorf("commit after a read of the present: error = %v, want %v", err, chrononaut.ErrPast)
	}
}

// TestRefusalsKeepTheConnection shows that neither a refused point nor a refused
// end costs a connection.
func TestRefusalsKeepTheConnection(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	pid := func() (pid int) {
		t.Helper()
		if err := f.db.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := pid()
	if _, err := f.db.Begin(chrononaut.AsOf(past, time.Now().AddDate(1, 0, 0))); !errors.Is(err, chrononaut.ErrHorizon) {
		t.Errorf("begin in the future: error = %v, want %v", err, chrononaut.ErrHorizon)
	}
	var horizon *chrononaut.HorizonError
	if _, err := f.db.Exec(chrononaut.AsOf(past, time.Now().AddDate(1, 0, 0)), titles); !errors.As(err, &horizon) || time.Since(horizon.Horizon).Abs() > time.Hour {
		t.Errorf("a statement in the future: error = %v, want one with the horizon", err)
	}
	tx := must[pgx.Tx](t)(f.db.Begin(past))
	must[pgconn.CommandTag](t)(tx.Exec(past, `select from U&"publ\0069c".todos`))
	if err := tx.Commit(past); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("commit after a read of the present: error = %v, want %v", err, chrononaut.ErrPast)
	}
	if err := tx.Commit(past); !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("commit once more: error = %v, want %v", err, pgx.ErrTxClosed)
	}
	tx = must[pgx.Tx](t)(f.db.Begin(past))
	nested := must[pgx.Tx](t)(tx.Begin(past))
	if _, err := nested.Exec(past, "select 1 / 0"); err == nil {
		t.Error("1 / 0 is a number")
	}
	if err := nested.Rollback(past); err != nil {
		t.Error(err)
	}
	if got := collect(t, must[pgx.Rows](t)(tx.Query(past, titles)), nil); got != "old kept" {
		t.Errorf("after a savepoint titles are %q, want the past", got)
	}
	nested = must[pgx.Tx](t)(tx.Begin(past))
	must[pgconn.CommandTag](t)(nested.Exec(past, `select from U&"publ\0069c".todos`))
	if err := nested.Rollback(past); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("rollback of a savepoint that has read the present: error = %v, want %v", err, chrononaut.ErrPast)
	}
	_, _ = tx.Exec(past, "select 1 / 0")
	if err := tx.Commit(past); !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("commit of an aborted transaction: error = %v, want %v", err, pgx.ErrTxCommitRollback)
	}
	if after := pid(); after != before {
		t.Error("the connection was closed")
	}
	if _, err := nested.Exec(past, titles); !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("a savepoint of a transaction that is closed: error = %v, want %v", err, pgx.ErrTxClosed)
	}
}

func TestErrorPositionsInThePast(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	const sql = "select 'ö', nothing from public.todos, public.todos as b"
	position := func(err error) int32 {
		t.Helper()
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			t.Fatalf("error = %v, want one of the server", err)
		}
		return pgErr.Position
	}
	const want = 13
	_, err := f.db.Exec(past, sql)
	if got := position(err); got != want {
		t.Errorf("position = %d, want %d", got, want)
	}
	rows, _ := f.db.Query(past, sql)
	rows.Close()
	if got := position(rows.Err()); got != want || position(rows.Err()) != want {
		t.Errorf("position of rows = %d, want %d", got, want)
	}
	tx := must[pgx.Tx](t)(f.db.Begin(past))
	_, err = tx.Exec(past, "select 1 from public.todos where nothing")
	if got := position(err); got != 34 {
		t.Errorf("position in a transaction = %d, want 34", got)
	}
	if err := tx.Rollback(past); err != nil {
		t.Error(err)
	}
	batch := &pgx.Batch{}
	batch.Queue(titles)
	batch.Queue("select 1 from public.todos where nothing")
	results := f.db.SendBatch(past, batch)
	_, _ = results.Exec()
	_, err = results.Exec()
	if got := position(err); got != 34 {
		t.Errorf("position in a batch = %d, want 34", got)
	}
	if err := results.Close(); position(err) != 34 {
		t.Errorf("position at the end of the batch = %d, want 34", position(err))
	}
}

func TestPastOfAnotherHistorySchema(t *testing.T) {
	t.Parallel()
	f, past := newPastFixture(t, database(t).URL(), pgx.QueryExecModeCacheStatement)
	db := chronopgx.New(f.pool, &chrononaut.Config{Schema: "elsewhere"})
	if _, err := db.Exec(past, titles); !errors.Is(err, chrononaut.ErrNotInstalled) {
		t.Errorf("error = %v, want %v", err, chrononaut.ErrNotInstalled)
	}
	if _, err := db.Begin(past); !errors.Is(err, chrononaut.ErrNotInstalled) {
		t.Errorf("begin: error = %v, want %v", err, chrononaut.ErrNotInstalled)
	}
}

func TestMarkOfThePast(t *testing.T) {
	t.Parallel()
	proxy := wiretest.Start(t, database(t).URL())
	f, past := newPastFixture(t, proxy.URL(), pgx.QueryExecModeExec)
	must[pgconn.CommandTag](t)(f.db.Exec(past, titles))
	proxy.Reset()
	must[pgconn.CommandTag](t)(f.db.Exec(past, titles+" -- all"))
	want := []string{"SELECT \"chrononaut\".travel($1::text::jsonb)", titles + " -- all /* past */", "SELECT \"chrononaut\".travel_end()"}
	if diff := cmp.Diff(want, proxy.Statements()); diff != "" {
		t.Errorf("statements mismatch (-want +got):\n%s", diff)
	}
}
