package chronomigrate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// fixture is a database with history installed, and one session in it.
type fixture struct {
	*testing.T
	db       *pgtest.Database
	pool     *pgxpool.Pool
	migrator *chronomigrate.Migrator
	conn     *pgx.Conn
}

// newFixture gives the test a database in which history is installed.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureFrom(t, "history", nil)
}

// newFixtureFrom is newFixture with what prepare adds, once for all tests that
// name the same key.
func newFixtureFrom(t *testing.T, key string, prepare func(ctx context.Context, pool *pgxpool.Pool, m *chronomigrate.Migrator) error) *fixture {
	t.Helper()
	db := pgtest.NewFrom(t, key, func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil || prepare == nil {
			return err
		}
		return prepare(ctx, pool, m)
	})
	f := &fixture{T: t, db: db, pool: db.Pool(t)}
	f.migrator = f.newMigrator(nil)
	f.conn = f.connect()
	return f
}

func (f *fixture) newMigrator(config *chronomigrate.Config) *chronomigrate.Migrator {
	f.Helper()
	m, err := chronomigrate.New(chronopgx.NewDriver(f.pool, nil), config)
	if err != nil {
		f.Fatalf("New() = %v", err)
	}
	return m
}

// connect opens another session, closed with the test.
func (f *fixture) connect() *pgx.Conn {
	f.Helper()
	return f.connectTo(f.db.URL())
}

func (f *fixture) connectTo(url string) *pgx.Conn {
	f.Helper()
	conn, err := pgx.Connect(f.Context(), url)
	if err != nil {
		f.Fatalf("connect: %v", err)
	}
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(f.Context()), time.Minute)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

// exec runs statements in the fixture's own session, each by itself.
func (f *fixture) exec(statements ...string) {
	f.Helper()
	f.execOn(f.conn, statements...)
}

// try runs a script of one or several statements and returns the error.
func try(ctx context.Context, conn *pgx.Conn, script string) error {
	_, err := conn.PgConn().Exec(ctx, script).ReadAll()
	return err
}

func (f *fixture) execOn(conn *pgx.Conn, statements ...string) {
	f.Helper()
	for _, sql := range statements {
		if err := try(f.Context(), conn, sql); err != nil {
			f.Fatalf("%s\n%v", sql, describe(err))
		}
	}
}

// refused runs a script that must fail with a SQLSTATE.
func (f *fixture) refused(state, script string) {
	f.Helper()
	_ = f.refusal(state, script)
}

// refusal is the same and returns the error.
func (f *fixture) refusal(state, script string) *pgconn.PgError {
	f.Helper()
	err := try(f.Context(), f.conn, script)
	if got := chronodriver.State(err); got != state {
		f.Fatalf("%s\ngot error %v, want SQLSTATE %s", script, describe(err), state)
	}
	pgErr, _ := err.(*pgconn.PgError) //nolint:errorlint // the server's own error, not wrapped
	return pgErr
}

func describe(err error) error {
	if pgErr, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // the server's own error, not wrapped
		return fmt.Errorf("%w\ndetail: %s\nhint: %s\nwhere: %s\nposition: %d", err, pgErr.Detail, pgErr.Hint, pgErr.Where, pgErr.Position)
	}
	return err
}

// track tracks a table, written as in SQL.
func (f *fixture) track(table string, opts *chronomigrate.TrackOptions) *chronomigrate.Plan {
	f.Helper()
	plan, err := f.migrator.Track(f.Context(), f.table(table), opts, nil)
	if err != nil {
		f.Fatalf("Track(%s) = %v", table, describe(err))
	}
	return plan
}

func (f *fixture) table(name string) chronodriver.Table {
	f.Helper()
	table, err := chronodriver.ParseTable(name)
	if err != nil {
		f.Fatal(err)
	}
	return table
}

// todos creates and tracks the table that most tests use.
func (f *fixture) todos() {
	f.Helper()
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, done boolean NOT NULL DEFAULT false)`)
	f.track("todos", nil)
}

// history returns the recorded changes in the order in which they were written, one per line:
//
//	tx1 todos update v1 {"id": 1} {"id": 1, "title": "b", "version": 1} was {"id": 2} by "ann" extra {"rationale": "r"}
//
// Transactions are numbered from 1. What tracking itself records is left out.
func (f *fixture) history() []string {
	f.Helper()
	rows, err := f.conn.Query(f.Context(), `
		SELECT transaction_id::text, coalesce(table_name, ''), operation, version, key::text, data::text,
		       coalesce(previous_key::text, ''), coalesce((user_info -> 'user_id')::text, ''), extra_info::text
		  FROM chrononaut.chrononaut_activity
		 WHERE operation NOT IN ('track', 'untrack') ORDER BY id`)
	if err != nil {
		f.Fatal(err)
	}
	transactions := map[string]int{}
	lines := []string{}
	var xid, table, operation, key, data, previous, actor, extra string
	var version int
	_, err = pgx.ForEachRow(rows, []any{&xid, &table, &operation, &version, &key, &data, &previous, &actor, &extra}, func() error {
		if transactions[xid] == 0 {
			transactions[xid] = len(transactions) + 1
		}
		line := fmt.Sprintf("tx%d %s %s v%d %s %s", transactions[xid], table, operation, version, key, data)
		if previous != "" {
			line += " was " + previous
		}
		if actor != "null" && actor != "" {
			line += " by " + actor
		}
		if extra != "{}" {
			line += " extra " + extra
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return lines
}

// wantHistory compares history with lines; leading and trailing white space does not count.
func (f *fixture) wantHistory(want ...string) {
	f.Helper()
	lines := []string{}
	for _, w := range want {
		lines = append(lines, strings.TrimSpace(w))
	}
	if diff := cmp.Diff(lines, f.history()); diff != "" {
		f.Errorf("history mismatch (-want +got):\n%s", diff)
	}
}

// text returns the only value of a query, as text; NULL as "NULL".
func (f *fixture) text(sql string, args ...any) string {
	f.Helper()
	var value *string
	if err := f.conn.QueryRow(f.Context(), sql, args...).Scan(&value); err != nil {
		f.Fatalf("%s\n%v", sql, describe(err))
	}
	if value == nil {
		return "NULL"
	}
	return *value
}

func (f *fixture) wantText(want, sql string, args ...any) {
	f.Helper()
	if got := f.text(sql, args...); got != want {
		f.Errorf("%s\ngot  %s\nwant %s", sql, got, want)
	}
}

// check returns what Check finds, as "kind object".
func (f *fixture) check() []string {
	f.Helper()
	problems, err := f.migrator.Check(f.Context(), nil)
	if err != nil {
		f.Fatalf("Check() = %v", err)
	}
	lines := []string{}
	for _, p := range problems {
		lines = append(lines, string(p.Kind)+" "+p.Object)
	}
	return lines
}

func (f *fixture) wantCheck(want ...string) {
	f.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, f.check()); diff != "" {
		f.Errorf("Check() mismatch (-want +got):\n%s", diff)
	}
}

// eventually polls until a query says true: a lock is waited for, a session is idle.
func (f *fixture) eventually(sql string, args ...any) {
	f.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var ok bool
		if err := f.pool.QueryRow(f.Context(), sql, args...).Scan(&ok); err != nil {
			f.Fatalf("%s\n%v", sql, err)
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("still not true after a minute: %s", sql)
		}
	}
}

// blocked waits until a session waits for a lock.
func (f *fixture) blocked(conn *pgx.Conn) {
	f.Helper()
	f.eventually(`SELECT cardinality(pg_blocking_pids($1::int)) > 0`, int32(conn.PgConn().PID()))
}

// baseline records the present rows of a table; a chunk of 0 means the default.
func (f *fixture) baseline(table string, chunk int) chronomigrate.BaselineProgress {
	f.Helper()
	progress, err := f.migrator.Baseline(f.Context(), f.table(table), &chronomigrate.BaselineOpts{ChunkSize: chunk})
	if err != nil {
		f.Fatalf("Baseline(%s) = %v", table, describe(err))
	}
	return progress
}
