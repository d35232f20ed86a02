package chronopgx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// eachMode runs a test in every mode of pgx, each on a database of its own.
func eachMode(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			test(t, newFixtureAt(t, database(t).URL(), mode, nil))
		})
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		ctx := f.as("ann")
		tag, err := f.db.Exec(ctx, "insert into todos (title) values ('a'), ('b')")
		if err != nil || tag.String() != "INSERT 0 2" {
			t.Errorf("Exec() = %s, %v; want INSERT 0 2", tag, err)
		}
		tag, err = f.db.Exec(ctx, "insert into todos (title) values ('c'); -- why\nupdate todos set title = title || '!' where title = 'c';")
		if err != nil || tag.String() != "UPDATE 1" {
			t.Errorf("Exec() of two = %s, %v; want UPDATE 1, as the last one", tag, err)
		}
		tag, err = f.db.Exec(ctx, "update todos set title = @title where title = @old", pgx.NamedArgs{"title": "d", "old": "a"})
		if err != nil || tag.RowsAffected() != 1 {
			t.Errorf("Exec() with named arguments = %s, %v; want one row", tag, err)
		}
		rows, _ := f.db.Query(ctx, "delete from todos where title = any($1) returning title", []string{"b", "d"})
		titles, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if diff := cmp.Diff([]string{"b", "d"}, titles); err != nil || diff != "" {
			t.Errorf("Query() = %v, %v", titles, err)
		}
		if rows.CommandTag().String() != "DELETE 2" {
			t.Errorf("tag = %s, want DELETE 2", rows.CommandTag())
		}
		var title string
		if err := f.db.QueryRow(ctx, "delete from todos where title = 'no' returning title").Scan(&title); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("QueryRow() of no row = %v, want ErrNoRows", err)
		}
		rows, _ = f.db.Query(ctx, insert+" returning id", pgx.QueryExecModeDescribeExec, "e")
		if _, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64]); err != nil {
			t.Errorf("Query() with an option = %v", err)
		}
		f.wantLog("a insert ann", "b insert ann", "c insert ann", "c! update ann", "d update ann", "b delete ann", "d delete ann", "e insert ann")
	})
}

func TestSeveralStatementsWithArguments(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		ctx := f.as("ann")
		for _, args := range [][]any{
			{pgx.QueryExecModeSimpleProtocol},
			{pgx.NamedArgs{}},
			{pgx.NamedArgs{}, pgx.QueryExecModeSimpleProtocol},
		} {
			tag, err := f.db.Exec(ctx, "select 1; insert into todos (title) values ('a'), ('b')", args...)
			if err != nil || tag.String() != "INSERT 0 2" {
				t.Errorf("Exec() with %v = %s, %v; want INSERT 0 2, as the last one", args, tag, err)
			}
		}
		tag, err := f.db.Exec(ctx, "select 1; insert into todos (title) values (@t)", pgx.NamedArgs{"t": "c"}, pgx.QueryExecModeSimpleProtocol)
		if err != nil || tag.String() != "INSERT 0 1" {
			t.Errorf("Exec() with a name and an option = %s, %v; want INSERT 0 1", tag, err)
		}
		f.wantLog("a insert ann", "b insert ann", "a insert ann", "b insert ann", "a insert ann", "b insert ann", "c insert ann")
		past := chrononaut.AsOf(ctx, time.Now())
		tag, err = f.db.Exec(past, "select 1; select * from todos where title = 'a'", pgx.NamedArgs{}, pgx.QueryExecModeSimpleProtocol)
		if err != nil || tag.String() != "SELECT 3" {
			t.Errorf("Exec() in the past = %s, %v; want SELECT 3", tag, err)
		}
	})
}

func TestRowsThatAreNotReadToTheEnd(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		rows, err := f.db.Query(f.as("ann"), "insert into todos (title) select 'a' from generate_series(1, 3) returning id")
		if err != nil {
			t.Fatal(err)
		}
		if !rows.Next() {
			t.Fatalf("no row: %v", rows.Err())
		}
		rows.Close()
		rows.Close()
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
		var id int64
		// The other rows of the result are there, too.
		if err := f.db.QueryRow(f.as("bob"), "insert into todos (title) values ('b'), ('c') returning id").Scan(&id); err != nil {
			t.Error(err)
		}
		f.wantLog("a insert ann", "a insert ann", "a insert ann", "b insert bob", "c insert bob")
	})
}

func TestErrorsOfStatements(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		const missing, duplicate, later = "insert into missing values ($1)", "insert into orders (id) values ($1::bigint), ($1::bigint)", "insert into orders (id) select $1::bigint / (3 - i) from generate_series(1, 3) i returning id"
		ctx := chrononaut.WithRationale(f.as("ann"), "why")
		for _, run := range []func(ctx context.Context, db handle, sql string) error{
			func(ctx context.Context, db handle, sql string) error { _, err := db.Exec(ctx, sql, 1); return err },
			func(ctx context.Context, db handle, sql string) error {
				// The error may be left to the rows.
				rows, _ := db.Query(ctx, sql, 1)
				defer rows.Close()
				for rows.Next() {
				}
				return rows.Err()
			},
			func(ctx context.Context, db handle, sql string) error {
				var id int64
				return db.QueryRow(ctx, sql, 1).Scan(&id)
			},
			func(ctx context.Context, db handle, sql string) error {
				batch := &pgx.Batch{}
				batch.Queue(insert, "x")
				batch.Queue(sql, 1)
				results := db.SendBatch(ctx, batch)
				_, first := results.Exec()
				_, second := results.Exec()
				closing := results.Close()
				if second == nil || closing == nil {
					return fmt.Errorf("want the last two of these to be errors: %w", errors.Join(first, second, closing))
				}
				return second
			},
		} {
			for _, sql := range []string{missing, duplicate, later} {
				want, got := run(ctx, f.pool, sql), run(ctx, f.db, sql)
				var wantPg, gotPg *pgconn.PgError
				if !errors.As(want, &wantPg) {
					// The rows before the error were all that was asked for.
					if got != nil {
						t.Errorf("%s: error = %v, want %v", sql, got, want)
					}
					continue
				}
				if wantPg.Code == chronodriver.StateUnattributed {
					continue
				}
				if !errors.As(got, &gotPg) || gotPg.Code != wantPg.Code || got.Error() != want.Error() {
					t.Errorf("%s: error = %v, want %v", sql, got, want)
				}
			}
		}
		// Positions count from the beginning of the caller's text.
		const misspelled = "select 'é'; insert into todos (titel) values ('a')"
		_, want := f.pool.Exec(ctx, misspelled)
		_, got := f.db.Exec(chrononaut.WithRationale(ctx, "wärum"), misspelled)
		var wantPg, gotPg *pgconn.PgError
		if !errors.As(want, &wantPg) || !errors.As(got, &gotPg) || wantPg.Position == 0 || gotPg.Position != wantPg.Position {
			t.Errorf("errors at positions %+v and %+v, want the same", wantPg, gotPg)
		}
		// A wrong argument does not reach the server, or is refused by it.
		if _, err := f.db.Exec(ctx, insert, struct{}{}); err == nil {
			t.Error("an argument of no type was accepted")
		}
		if _, err := f.db.Exec(ctx, insert); err == nil {
			t.Error("a missing argument was accepted")
		}
		// The only connection is as good as before.
		must[pgconn.CommandTag](t)(f.db.Exec(f.as("bob"), insert, "after"))
		f.wantLog("after insert bob")
	})
}

func TestPreparedStatementsByName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	conn := must[*pgxpool.Conn](t)(f.pool.Acquire(t.Context()))
	for name, sql := range map[string]string{"add": insert + " returning id", "add_one": "insert into todos (title) values ('one')"} {
		must[*pgconn.StatementDescription](t)(conn.Conn().Prepare(t.Context(), name, sql))
	}
	conn.Release()
	ctx := f.as("ann")
	var id int64
	if err := f.db.QueryRow(ctx, "add", "a").Scan(&id); err != nil {
		t.Error(err)
	}
	for _, args := range [][]any{{"add", "b"}, {"add_one"}} {
		if _, err := f.db.Exec(ctx, args[0].(string), args[1:]...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	f.wantLog("a insert ann", "b insert ann", "one insert ann")
}

func TestStatementsThatCarryNoAttribution(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		ctx := f.as("ann")
		must[pgconn.CommandTag](t)(f.db.Exec(ctx, `create procedure add_in_pieces() language plpgsql as $$
			begin
				insert into todos (title) values ('a'); commit; insert into todos (title) values ('b');
			end $$`))
		for _, sql := range []string{
			"vacuum todos",
			"create index concurrently on todos (title)",
			"/* it commits */ call add_in_pieces()",
			"do $$ begin insert into todos (title) values ('c'); commit; insert into todos (title) values ('d'); end $$",
			"begin; insert into todos (title) values ('e'); commit; insert into todos (title) values ('f')",
			"  ",
			"-- nothing",
		} {
			if _, err := f.db.Exec(ctx, sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
		batch := &pgx.Batch{}
		batch.Queue("vacuum todos")
		if err := f.db.SendBatch(ctx, batch).Close(); err != nil {
			t.Errorf("a batch with VACUUM: %v", err)
		}
		must[pgconn.CommandTag](t)(f.db.Exec(ctx, "insert into todos (title) values ('g')"))
		f.wantLog("a insert -", "b insert -", "c insert -", "d insert -", "e insert -", "f insert -", "g insert ann")
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		ctx := f.as("ann")

		// Results are those of the caller's statements, in whatever way they are read.
		batch := &pgx.Batch{}
		batch.Queue(insert, "a")
		batch.Queue(insert+" returning title", "b")
		batch.Queue(insert+" returning title", "c")
		results := f.db.SendBatch(ctx, batch)
		if tag, err := results.Exec(); err != nil || tag.String() != "INSERT 0 1" {
			t.Errorf("first result = %s, %v", tag, err)
		}
		var title string
		if err := results.QueryRow().Scan(&title); err != nil || title != "b" {
			t.Errorf("second result = %q, %v", title, err)
		}
		rows, _ := results.Query()
		if titles, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || !cmp.Equal(titles, []string{"c"}) {
			t.Errorf("third result = %v, %v", titles, err)
		}
		if err := results.Close(); err != nil {
			t.Error(err)
		}

		// Callbacks are called with them.
		batch = &pgx.Batch{}
		batch.Queue(insert+" returning title", "d").QueryRow(func(row pgx.Row) error { return row.Scan(&title) })
		if err := f.db.SendBatch(ctx, batch).Close(); err != nil || title != "d" {
			t.Errorf("callback got %q, %v", title, err)
		}
		f.wantLog("a insert ann", "b insert ann", "c insert ann", "d insert ann")
		f.forget()

		// Transactions in the batch, all of them.
		batch = &pgx.Batch{}
		for _, sql := range []string{
			"begin", "set transaction isolation level serializable", "savepoint a", "insert into todos (title) values ('e')", "rollback to a", "insert into todos (title) values ('f')", "commit",
			"begin isolation level serializable", "insert into todos (title) values ('g')", "rollback",
			"begin", "insert into todos (title) values ('h')", "commit and chain", "insert into todos (title) values ('i')", "commit",
			"insert into todos (title) values ('j')",
		} {
			batch.Queue(sql)
		}
		if err := f.db.SendBatch(ctx, batch).Close(); err != nil {
			t.Fatal(err)
		}
		f.wantLog("f insert ann", "h insert ann", "i insert ann", "j insert ann")
		f.forget()

		// One that goes on after the batch.
		batch = &pgx.Batch{}
		batch.BeginTx(pgx.TxOptions{IsoLevel: pgx.Serializable})
		batch.Queue(insert+" returning title", "k")
		results = f.db.SendBatch(ctx, batch)
		must[pgconn.CommandTag](t)(results.Exec())
		if err := results.QueryRow().Scan(&title); err != nil || title != "k" {
			t.Errorf("result after BEGIN = %q, %v", title, err)
		}
		if err := results.Close(); err != nil {
			t.Fatal(err)
		}
		tx := results.Tx()
		must[pgconn.CommandTag](t)(tx.Exec(t.Context(), insert, "l"))
		var level string
		if err := tx.QueryRow(t.Context(), "show transaction_isolation").Scan(&level); err != nil || level != "serializable" {
			t.Errorf("isolation level = %s, %v", level, err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.wantLog("k insert ann", "l insert ann")

		// None.
		if err := f.db.SendBatch(ctx, &pgx.Batch{}).Close(); err != nil {
			t.Errorf("an empty batch: %v", err)
		}
		results = f.db.SendBatch(chrononaut.WithActor(ctx, "\x00"), batch)
		if _, err := results.Exec(); !errors.Is(err, chrononaut.ErrContext) {
			t.Errorf("a context that cannot be sent: error = %v, want ErrContext", err)
		}
	})
}

func TestTransactions(t *testing.T) {
	t.Parallel()

	t.Run("options are kept", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, tc := range []struct {
			opts pgx.TxOptions
			want string
		}{
			{pgx.TxOptions{}, "read committed off off"},
			{pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly, DeferrableMode: pgx.Deferrable}, "serializable on on"},
			{pgx.TxOptions{BeginQuery: "begin isolation level repeatable read"}, "repeatable read off off"},
		} {
			tx := must[pgx.Tx](t)(f.db.BeginTx(f.as("ann"), tc.opts))
			var got, context string
			err := tx.QueryRow(t.Context(), `select concat_ws(' ', current_setting('transaction_isolation'), current_setting('transaction_read_only'),
				current_setting('transaction_deferrable')), current_setting('chrononaut.context')`).Scan(&got, &context)
			if err != nil || got != tc.want || !strings.Contains(context, "ann") {
				t.Errorf("options %+v: %s with %s, %v; want %s with ann", tc.opts, got, context, err, tc.want)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("of a connection of pgx itself carry attribution by TxOptions", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		conn := must[*pgxpool.Conn](t)(f.pool.Acquire(t.Context()))
		defer conn.Release()
		opts := must[pgx.TxOptions](t)(chronopgx.TxOptions(f.as("ann"), pgx.TxOptions{IsoLevel: pgx.Serializable}, nil))
		err := pgx.BeginTxFunc(t.Context(), conn, opts, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), insert, "a")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		f.wantLog("a insert ann")
		if opts, err := chronopgx.TxOptions(t.Context(), pgx.TxOptions{}, nil); err != nil || opts != (pgx.TxOptions{}) {
			t.Errorf("TxOptions() with nothing to say = %+v, %v; want them unchanged", opts, err)
		}
	})

	t.Run("copy rows with attribution", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		copyRows := func(db handle) error {
			n, err := db.CopyFrom(f.as("ann"), pgx.Identifier{"todos"}, []string{"title"}, pgx.CopyFromRows([][]any{{"a"}, {"b"}}))
			if err == nil && n != 2 {
				err = fmt.Errorf("copied %d rows, want 2", n)
			}
			return err
		}
		if err := copyRows(f.db); err != nil {
			t.Fatal(err)
		}
		if err := pgx.BeginFunc(f.as("ann"), f.db, func(tx pgx.Tx) error { return copyRows(tx) }); err != nil {
			t.Fatal(err)
		}
		f.wantLog("a insert ann", "b insert ann", "a insert ann", "b insert ann")
		f.forget()
		failed := errors.New("failed on purpose")
		n, err := f.db.CopyFrom(f.as("ann"), pgx.Identifier{"todos"}, []string{"title"}, pgx.CopyFromFunc(func() ([]any, error) { return nil, failed }))
		if n != 0 || err == nil {
			t.Errorf("CopyFrom() of a source that fails = %d, %v; want an error", n, err)
		}
		f.wantLog()
	})

	t.Run("show who and why in pg_stat_activity until the next statement", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		tx := must[pgx.Tx](t)(f.db.Begin(f.as("ann")))
		defer tx.Rollback(t.Context())
		pid := tx.Conn().PgConn().PID()
		shown := func() (query string) {
			t.Helper()
			if err := f.plain.QueryRow(t.Context(), "select query from pg_stat_activity where pid = $1", pid).Scan(&query); err != nil {
				t.Fatal(err)
			}
			return query
		}
		if query := shown(); !strings.HasPrefix(query, "begin; SET LOCAL") || !strings.Contains(query, "ann") {
			t.Errorf("after BEGIN pg_stat_activity shows %q", query)
		}
		must[pgconn.CommandTag](t)(tx.Exec(t.Context(), insert, "a"))
		if query := shown(); query != insert {
			t.Errorf("after a statement pg_stat_activity shows %q", query)
		}
	})

	t.Run("prepared for a two-phase commit are recorded once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		var most int
		if err := f.plain.QueryRow(t.Context(), "select current_setting('max_prepared_transactions')::int").Scan(&most); err != nil {
			t.Fatal(err)
		}
		if most == 0 {
			t.Skip("the server allows no prepared transactions")
		}
		ctx := f.as("ann")
		tx := must[pgx.Tx](t)(f.db.Begin(ctx))
		must[pgconn.CommandTag](t)(tx.Exec(ctx, insert, "a"))
		// Such a name is the whole server's.
		name := strings.ReplaceAll(f.url[strings.LastIndexByte(f.url, '/')+1:], "?", "_")
		must[pgconn.CommandTag](t)(tx.Exec(ctx, "prepare transaction '"+name+"'"))
		_ = tx.Rollback(ctx) // The transaction is the server's.
		must[pgconn.CommandTag](t)(f.db.Exec(f.as("bob"), "commit prepared '"+name+"'"))
		must[pgconn.CommandTag](t)(f.db.Exec(t.Context(), insert, "b"))
		f.wantLog("a insert ann", "b insert -")
	})
}

func TestCancelledContexts(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		ctx, cancel := context.WithCancel(f.as("ann"))
		cancel()
		if _, err := f.db.Exec(ctx, insert, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("Exec() = %v, want Canceled", err)
		}
		if _, err := f.db.Begin(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Begin() = %v, want Canceled", err)
		}
		rows, err := f.db.Query(ctx, insert, "a")
		if !errors.Is(err, context.Canceled) || !errors.Is(rows.Err(), context.Canceled) {
			t.Errorf("Query() = %v, rows %v; want Canceled", err, rows.Err())
		}
		// In the middle of a statement.
		ctx, cancel = context.WithCancel(f.as("ann"))
		rows, err = f.db.Query(ctx, "insert into todos (title) select 'a' from generate_series(1, 10000) returning id, repeat('x', 1000)")
		if err != nil || !rows.Next() {
			t.Fatalf("Query() = %v", err)
		}
		cancel()
		for rows.Next() {
		}
		if err := rows.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("rows after the cancellation = %v, want Canceled", err)
		}
		must[pgconn.CommandTag](t)(f.db.Exec(t.Context(), insert, "after"))
		if log := f.log(); len(log) == 0 || log[len(log)-1] != "after insert -" {
			t.Errorf("the last change = %v, want that after the cancellation", log)
		}
	})
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, database(t).URL())
			f := newFixtureAt(t, proxy.URL(), mode, nil)
			// While a statement runs: it has happened, nobody knows.
			proxy.CutAfter("insert into todos")
			if _, err := f.db.Exec(f.as("ann"), "insert into todos (title) values ('a')"); err == nil {
				t.Error("a statement without an answer succeeded")
			}
			// At the end of a transaction.
			tx := must[pgx.Tx](t)(f.db.Begin(f.as("ann")))
			must[pgconn.CommandTag](t)(tx.Exec(t.Context(), insert, "b"))
			proxy.CutAfter("commit")
			if err := tx.Commit(t.Context()); err == nil {
				t.Error("a commit without an answer succeeded")
			}
			// In the middle of one.
			tx = must[pgx.Tx](t)(f.db.Begin(f.as("ann")))
			must[pgconn.CommandTag](t)(tx.Exec(t.Context(), insert, "c"))
			proxy.CutAll()
			if err := tx.Commit(t.Context()); err == nil {
				t.Error("a commit on a lost connection succeeded")
			}
			f.plain.Reset()
			must[pgconn.CommandTag](t)(f.db.Exec(t.Context(), insert, "d"))
			f.wantLog("a insert ann", "b insert ann", "d insert -")
		})
	}
}
