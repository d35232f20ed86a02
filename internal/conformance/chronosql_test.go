package conformance_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// sqlFixture is a database with the tracked table todos, and a pool of one
// connection, so that whatever leaks is found.
type sqlFixture struct {
	*testing.T
	url string
	db  *sql.DB
	// plain is a pool by which tests look at the database.
	plain *sql.DB
}

const insertTodo = "INSERT INTO todos (title) VALUES ($1)"

// eachDriver runs a test over each driver for PostgreSQL.
func eachDriver(t *testing.T, test func(t *testing.T, f *sqlFixture)) {
	t.Helper()
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
			f.db = f.open(chronosql.Open(driver, f.url, nil))
			f.plain = f.open(sql.Open("pgx", f.url))
			test(t, f)
		})
	}
}

func (f *sqlFixture) open(db *sql.DB, err error) *sql.DB {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	f.Cleanup(func() { _ = db.Close() })
	return db
}

func (f *sqlFixture) as(actor string) context.Context {
	return chrononaut.WithActor(f.Context(), actor)
}

// execer is what pools, connections and transactions have in common.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (f *sqlFixture) exec(ctx context.Context, db execer, query string, args ...any) {
	f.Helper()
	if _, err := db.ExecContext(ctx, query, args...); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
}

func (f *sqlFixture) wantLog(want ...string) {
	f.Helper()
	rows, err := f.plain.QueryContext(f.Context(), `
		SELECT concat_ws(' ', data ->> 'title', operation, coalesce(user_info ->> 'user_id', '-'))
		  FROM chrononaut.chrononaut_activity WHERE operation <> 'track' ORDER BY id`)
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			f.Fatal(err)
		}
		got = append(got, line)
	}
	if err := rows.Err(); err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.Errorf("log mismatch (-want +got):\n%s", diff)
	}
}

func TestSQLTransactionsByHand(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		conn, err := f.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx := f.as("ann")
		f.exec(ctx, conn, "BEGIN; INSERT INTO todos (title) VALUES ('a')")
		// It could not be attributed without another transaction.
		f.exec(ctx, conn, insertTodo, "b")
		f.exec(ctx, conn, "COMMIT")
		f.exec(ctx, conn, insertTodo, "c")
		f.exec(ctx, conn, "BEGIN; INSERT INTO todos (title) VALUES ('d'); COMMIT")
		f.exec(ctx, conn, insertTodo, "e")
		f.exec(ctx, conn, "BEGIN")
		f.exec(ctx, conn, "COMMIT AND CHAIN")
		f.exec(ctx, conn, insertTodo, "f")
		f.exec(ctx, conn, "ROLLBACK")
		f.exec(ctx, conn, insertTodo, "g")
		f.exec(ctx, conn, "BEGIN")
		if _, err := conn.ExecContext(ctx, "SELECT 1 / 0"); err == nil {
			t.Error("a division by zero succeeded")
		}
		f.exec(ctx, conn, "ROLLBACK")
		f.exec(ctx, conn, "BEGIN; CREATE TABLE deferred (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO deferred VALUES (1), (1)")
		if _, err := conn.ExecContext(ctx, "COMMIT"); err == nil {
			t.Error("a duplicate key was committed")
		}
		f.exec(ctx, conn, insertTodo, "h")
		f.wantLog("a insert -", "b insert -", "c insert ann", "d insert -", "e insert ann", "g insert ann", "h insert ann")
	})
}

func TestSQLStatementsThatCarryNoAttribution(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		ctx := f.as("ann")
		f.exec(ctx, f.db, `CREATE FUNCTION add() RETURNS void LANGUAGE sql AS $$ INSERT INTO todos (title) VALUES ('a') $$`)
		for _, query := range []string{
			"VACUUM todos", "CREATE INDEX CONCURRENTLY ON todos (title)", "SELECT add()",
			"DO $$ BEGIN INSERT INTO todos (title) VALUES ('b'); COMMIT; INSERT INTO todos (title) VALUES ('c'); END $$", "-- nothing",
		} {
			f.exec(ctx, f.db, query)
		}
		err := inTx(ctx, f.db, func(tx *sql.Tx) error { _, err := tx.ExecContext(ctx, "SELECT add()"); return err })
		if err != nil {
			t.Fatal(err)
		}
		f.wantLog("a insert -", "b insert -", "c insert -", "a insert ann")
	})
}

func TestSQLErrors(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		ctx := f.as("ann")
		for _, query := range []string{"INSERT INTO missing VALUES ($1)", "INSERT INTO todos (id, title) SELECT 1, $1 FROM generate_series(1, 2)"} {
			if _, err := f.db.ExecContext(ctx, query, "a"); chronodriver.State(err) == "" {
				t.Errorf("%s: error = %v, want the server's", query, err)
			}
			if err := f.db.QueryRowContext(ctx, query+" RETURNING 1", "a").Scan(new(int)); chronodriver.State(err) == "" {
				t.Errorf("%s: error = %v, want the server's", query, err)
			}
		}
		if _, err := f.db.ExecContext(ctx, insertTodo); err == nil {
			t.Error("a missing argument was accepted")
		}
		if _, err := f.db.ExecContext(f.as("\x00"), insertTodo, "a"); !errors.Is(err, chrononaut.ErrContext) {
			t.Errorf("a context that cannot be sent: error = %v, want ErrContext", err)
		}
		err := f.db.QueryRowContext(ctx, "INSERT INTO todos (title) SELECT $1 WHERE false RETURNING id", "a").Scan(new(int))
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no row: error = %v, want ErrNoRows", err)
		}
		// An error after the first row.
		rows, err := f.db.QueryContext(ctx, "INSERT INTO todos (id, title) SELECT 1 / (1500 - i), $1 || repeat('x', 1000) FROM generate_series(1, 3000) i RETURNING title", "a")
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if chronodriver.State(err) == "" {
			t.Errorf("an error among the rows = %v, want the server's", err)
		}
		f.exec(t.Context(), f.db, insertTodo, "after")
		f.wantLog("after insert -")
	})
}

func TestSQLRowsThatAreNotReadToTheEnd(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		rows, err := f.db.QueryContext(f.as("ann"), "INSERT INTO todos (title) SELECT $1 FROM generate_series(1, 3) RETURNING id", "a")
		if err != nil {
			t.Fatal(err)
		}
		if !rows.Next() {
			t.Fatal("no row")
		}
		if err := errors.Join(rows.Close(), rows.Err()); err != nil {
			t.Error(err)
		}
		f.exec(t.Context(), f.db, insertTodo, "b")
		f.wantLog("a insert ann", "a insert ann", "a insert ann", "b insert -")
	})
}

func TestSQLCancelledContexts(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		ctx, cancel := context.WithCancel(f.as("ann"))
		rows, err := f.db.QueryContext(ctx, "INSERT INTO todos (title) SELECT $1 FROM generate_series(1, 10000) RETURNING id, repeat('x', 1000)", "a")
		if err != nil || !rows.Next() {
			t.Fatalf("Query() = %v", err)
		}
		cancel()
		for rows.Next() {
		}
		_ = rows.Close()
		if _, err := f.db.ExecContext(ctx, insertTodo, "b"); !errors.Is(err, context.Canceled) {
			t.Errorf("Exec() = %v, want Canceled", err)
		}
		ctx, cancel = context.WithCancel(f.as("ann"))
		tx, err := f.db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.exec(t.Context(), tx, insertTodo, "c")
		cancel()
		if err := tx.Commit(); err == nil {
			t.Error("a canceled transaction was committed")
		}
		f.exec(t.Context(), f.db, "DELETE FROM todos")
		f.exec(t.Context(), f.db, insertTodo, "after")
		var title, actor string
		err = f.plain.QueryRowContext(t.Context(), `SELECT data ->> 'title', coalesce(user_info ->> 'user_id', '-') FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`).Scan(&title, &actor)
		if err != nil || title != "after" || actor != "-" {
			t.Errorf("the last change = %s by %s, %v; want that after the cancellation by nobody", title, actor, err)
		}
	})
}

func TestSQLSetContext(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		for name, db := range map[string]*sql.DB{"ours": f.db, "plain": f.plain} {
			err := inTx(f.as("ann"), db, func(tx *sql.Tx) error {
				f.exec(t.Context(), tx, "SAVEPOINT a")
				if err := chronosql.SetContext(f.as("bob"), tx, nil); err != nil {
					return err
				}
				f.exec(t.Context(), tx, insertTodo, name)
				f.exec(t.Context(), tx, "ROLLBACK TO a")
				if name == "ours" {
					f.exec(t.Context(), tx, insertTodo, name)
				}
				if err := chronosql.SetContext(f.as(`car'ol\`), tx, nil); err != nil {
					return err
				}
				f.exec(t.Context(), tx, insertTodo, name)
				if err := chronosql.SetContext(t.Context(), tx, nil); err != nil {
					return err
				}
				f.exec(t.Context(), tx, insertTodo, name)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		rows, err := f.plain.QueryContext(t.Context(), `SELECT data ->> 'title', string_agg(coalesce(user_info ->> 'user_id', '-'), ' ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE operation = 'insert' GROUP BY 1 ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		got := map[string]string{}
		for rows.Next() {
			var name, actors string
			if err := rows.Scan(&name, &actors); err != nil {
				t.Fatal(err)
			}
			got[name] = actors
		}
		if diff := cmp.Diff(map[string]string{"ours": `ann car'ol\ -`, "plain": `car'ol\ -`}, got); diff != "" {
			t.Errorf("actors mismatch (-want +got):\n%s", diff)
		}
	})
}

func TestSQLPlainPoolAsDriver(t *testing.T) {
	t.Parallel()
	f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
	f.plain = f.open(sql.Open("pgx", f.url))
	tx, err := chronosql.NewDriver(f.plain, chronodriver.PostgreSQL, nil).Begin(f.as("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), insertTodo, "a"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantLog("a insert ann")
}

func TestSQLRawReachesPgx(t *testing.T) {
	t.Parallel()
	f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
	f.db = f.open(chronosql.Open("pgx", f.url, nil))
	f.plain = f.open(sql.Open("pgx", f.url))
	ctx := f.as("ann")
	conn, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(driverConn any) error {
		if _, ok := driverConn.(interface{ Unwrap() driver.Conn }).Unwrap().(*stdlib.Conn); !ok {
			t.Error("Unwrap() is not the driver's connection")
		}
		n, err := driverConn.(interface{ Conn() *pgx.Conn }).Conn().CopyFrom(ctx, pgx.Identifier{"todos"}, []string{"title"}, pgx.CopyFromRows([][]any{{"a"}, {"b"}}))
		if n != 2 {
			t.Errorf("copied %d rows, want 2", n)
		}
		return err
	})
	if err := errors.Join(err, tx.Commit()); err != nil {
		t.Fatal(err)
	}
	f.wantLog("a insert ann", "b insert ann")
}

func TestSQLOverAPoolOfPgx(t *testing.T) {
	t.Parallel()
	database := trackedDatabase(t)
	f := &sqlFixture{T: t}
	f.plain = f.open(sql.Open("pgx", database.URL()))
	f.db = f.open(chronosql.OpenDB(stdlib.GetPoolConnector(database.Pool(t)), nil))
	f.exec(f.as("ann"), f.db, insertTodo, "a")
	if err := inTx(f.as("bob"), f.db, func(tx *sql.Tx) error { _, err := tx.ExecContext(t.Context(), insertTodo, "b"); return err }); err != nil {
		t.Fatal(err)
	}
	f.exec(t.Context(), f.db, insertTodo, "c")
	f.wantLog("a insert ann", "b insert bob", "c insert -")
}

func TestSQLTracersOfPgxSeeStatements(t *testing.T) {
	t.Parallel()
	f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
	config, err := pgx.ParseConfig(f.url)
	if err != nil {
		t.Fatal(err)
	}
	tracer := &recordingTracer{}
	config.Tracer = tracer
	f.db = f.open(chronosql.OpenDB(stdlib.GetConnector(*config), nil))
	if err := f.db.QueryRowContext(f.as("ann"), insertTodo+" RETURNING id", "a").Scan(new(int64)); err != nil {
		t.Fatal(err)
	}
	if err := f.db.QueryRowContext(f.as("ann"), insertTodo+" RETURNING id / 0", "a").Scan(new(int64)); err == nil {
		t.Fatal("a division by zero succeeded")
	}
	got := strings.Join(tracer.lines, "\n")
	want := insertTodo + " RETURNING id\nINSERT 0 1 false\n" + insertTodo + " RETURNING id / 0\n true"
	if got != want {
		t.Errorf("the tracer saw:\n%s\nwant:\n%s", got, want)
	}
}

// recordingTracer writes down what starts, and how it ends.
type recordingTracer struct{ lines []string }

func (r *recordingTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.lines = append(r.lines, data.SQL)
	return ctx
}

func (r *recordingTracer) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	failed := " false"
	if data.Err != nil {
		failed = " true"
	}
	r.lines = append(r.lines, data.CommandTag.String()+failed)
}
