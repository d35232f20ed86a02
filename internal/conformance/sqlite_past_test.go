package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

// here returns the point that the database is at.
func (db *sqliteDB) here() chrononaut.Point {
	db.t.Helper()
	client, err := chronosql.Client(db.DB, nil)
	if err != nil {
		db.t.Fatal(err)
	}
	token, err := client.TakeSnapshot(db.t.Context())
	if err != nil {
		db.t.Fatal(err)
	}
	return chrononaut.AtSnapshot(token)
}

// asOf returns the rows of a query at a point, or what its error is.
func (db *sqliteDB) asOf(p chrononaut.Point, query string, args ...any) []string {
	db.t.Helper()
	return db.under(chrononaut.AsOfPoint(db.t.Context(), p, nil), query, args...)
}

func (db *sqliteDB) under(ctx context.Context, query string, args ...any) (lines []string) {
	db.t.Helper()
	rows, err := db.QueryContext(ctx, query, args...)
	if err == nil {
		defer rows.Close()
		var columns []string
		columns, err = rows.Columns()
		for err == nil && rows.Next() {
			values, dest := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				dest[i] = &values[i]
			}
			err = rows.Scan(dest...)
			lines = append(lines, fmt.Sprint(values...))
		}
		err = errors.Join(err, rows.Err())
	}
	for name, known := range map[string]error{"not recorded": chrononaut.ErrNotRecorded, "refused": chrononaut.ErrPast, "horizon": chrononaut.ErrHorizon} {
		if errors.Is(err, known) {
			return []string{name}
		}
	}
	if err != nil {
		return []string{err.Error()}
	}
	return lines
}

func TestSQLitePastRefuses(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT COLLATE NOCASE, due DATETIME)`)
		db.exec(`CREATE TABLE "Odd ""name""" (k TEXT PRIMARY KEY NOT NULL, v) WITHOUT ROWID`)
		db.exec(`CREATE TABLE notes (id INTEGER PRIMARY KEY)`)
		db.exec(`CREATE VIEW titles (t) AS SELECT title FROM main.todos; CREATE VIEW noted AS SELECT * FROM notes`)
		db.track("todos", nil)
		db.track(`Odd "name"`, nil)
		db.exec(`INSERT INTO todos (id, title, due) VALUES (7, 'a', '2026-01-02 03:04:05')`)
		db.exec(`INSERT INTO "Odd ""name""" (k, v) VALUES ('x', 1.5)`)
		past := db.here()
		db.exec(`DELETE FROM todos; DELETE FROM "Odd ""name"""`)
		for query, want := range map[string]string{
			`SELECT title FROM todos`: "a",
			`SELECT due FROM "MAIN" . /* a */ [todos] WHERE main.todos.title = 'A'`:       "2026-01-02 03:04:05 +0000 UTC",
			`SELECT v FROM main."odd ""NAME"""`:                                           "1.5",
			`SELECT t FROM titles`:                                                        "a",
			`WITH todos AS (SELECT id + 1 AS id FROM main.todos) SELECT id FROM todos`:    "8",
			`SELECT count(*) FROM todos WHERE id = '7' AND EXISTS (SELECT 1 FROM titles)`: "1",
			`SELECT rowid FROM todos WHERE "_rowid_" = 7`:                                 "7",
			`SELECT rowid FROM "Odd ""name"""`:                                            "refused",
			`SELECT "rowid" FROM todos, json_each('[1]')`:                                 "refused",
			`SELECT * FROM notes`:                                                         "refused",
			`SELECT * FROM main.notes`:                                                    "refused",
			`SELECT * FROM noted`:                                                         "refused",
			`DELETE FROM todos`:                                                           "refused",
			`WITH a AS (SELECT 1) INSERT INTO notes SELECT * FROM a`:                      "refused",
			`CREATE TABLE other (a)`:                                                      "refused",
			`PRAGMA query_only = OFF`:                                                     "refused",
			`COMMIT`:                                                                      "refused",
			`SAVEPOINT a`:                                                                 "refused",
		} {
			if got := strings.Join(db.asOf(past, query), "; "); got != want {
				t.Errorf("%s: got %s, want %s", query, got, want)
			}
		}
		present := chrononaut.AsOfPoint(t.Context(), past, &chrononaut.AsOfOpts{Untracked: chrononaut.UntrackedPresent})
		db.exec(`INSERT INTO notes VALUES (3)`)
		db.wants("untracked tables", db.under(present, `SELECT t.id, n.id FROM todos t, main.notes n`), "7 3")
		db.wants("the present", db.rows(`SELECT count(*) FROM todos`), "0")
		db.wants("what is left on the connection", db.rows(`SELECT name FROM temp.sqlite_schema UNION ALL SELECT query_only FROM pragma_query_only`), "0")
		db.exec(`INSERT INTO todos (title) VALUES ('writes again')`)
	})
}

func TestSQLitePastNeverLeaks(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT)`)
		db.exec(`CREATE TABLE lists (id INTEGER PRIMARY KEY, title TEXT)`)
		db.track("todos", nil)
		db.track("lists", nil)
		db.exec(`INSERT INTO todos (title) VALUES ('old'), ('older'); INSERT INTO lists (title) VALUES ('list')`)
		past := chrononaut.AsOfPoint(t.Context(), db.here(), nil)
		db.exec(`UPDATE todos SET title = 'new'; UPDATE lists SET title = 'new'`)
		clean := func(after string) {
			t.Helper()
			db.wants("the present after "+after, db.rows(`SELECT title FROM todos UNION SELECT title FROM lists UNION SELECT name FROM temp.sqlite_schema UNION SELECT 'read only' FROM pragma_query_only WHERE query_only`), "new")
		}
		db.under(past, `SELECT no_such_column FROM todos`)
		clean("an error")
		rows, err := db.QueryContext(past, `SELECT title FROM todos`)
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		rows.Close()
		clean("rows that were not read to the end")
		cancelled, cancel := context.WithCancel(past)
		if rows, err = db.QueryContext(cancelled, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n, todos`); err == nil {
			rows.Next()
			cancel()
			for rows.Next() {
			}
			rows.Close()
		}
		cancel()
		clean("a cancelled context")

		tx, err := db.BeginTx(past, nil)
		if err != nil {
			t.Fatal(err)
		}
		one := func(query string) (title string) {
			t.Helper()
			if err := tx.QueryRow(query).Scan(&title); err != nil {
				t.Error(err)
			}
			return title
		}
		open, err := tx.Query(`SELECT title FROM todos ORDER BY id`)
		if err != nil || !open.Next() {
			t.Fatal(err)
		}
		if got := one(`SELECT title FROM lists`); got != "list" || !open.Next() {
			t.Errorf("while rows are open: got %s, %v", got, open.Err())
		}
		open.Close()
		for _, query := range []string{`SAVEPOINT s`, `SELECT 1`, `ROLLBACK TO s`} {
			if _, err := tx.Exec(query); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
		if got := one(`SELECT title FROM lists`) + one(`SELECT title FROM main.todos ORDER BY id`); got != "listold" {
			t.Errorf("after a savepoint: got %s", got)
		}
		if _, err := tx.Exec(`nonsense`); err == nil {
			t.Error("nonsense was run")
		}
		if got := one(`SELECT title FROM lists`); got != "list" {
			t.Errorf("after an error: got %s", got)
		}
		if _, err := tx.QueryContext(chrononaut.AsOf(t.Context(), time.Now()), `SELECT 1`); !errors.Is(err, chrononaut.ErrPast) {
			t.Errorf("another point: got %v, want ErrPast", err)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		clean("a transaction")
		tx, err = db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.QueryContext(past, `SELECT 1`); !errors.Is(err, chrononaut.ErrPast) {
			t.Errorf("in a transaction of the present: got %v, want ErrPast", err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		clean("a transaction of the present")
	})
}

func TestSQLitePastThatIsNotRecorded(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE s (id INTEGER PRIMARY KEY, a)`)
		db.exec(`INSERT INTO t VALUES (1, 'before'), (2, 'before')`)
		db.track("s", nil)
		never := db.here()
		db.track("t", nil)
		began := db.here()
		db.exec(`UPDATE t SET a = 'changed' WHERE id = 1`)
		db.exec(`INSERT INTO t (id, a) VALUES (3, 'new')`)
		changed := db.here()
		check := func(name string, p chrononaut.Point, query string, want ...string) {
			t.Helper()
			db.wants(name, db.asOf(p, query), want...)
		}
		check("before tracking", never, `SELECT a FROM t WHERE id = 1`, "not recorded")
		check("a row that changed later", began, `SELECT a FROM t WHERE id = 1`, "before")
		check("a row that did not exist yet", began, `SELECT a FROM t WHERE id = 3`)
		check("a row that has not changed since", changed, `SELECT a FROM t WHERE id = 2`, "not recorded")
		check("all rows, one of which is not recorded", changed, `SELECT count(*) FROM t`, "not recorded")
		db.exec(`DELETE FROM t WHERE id = 2`)
		check("all rows once it was", changed, `SELECT a FROM t ORDER BY id`, "changed", "before", "new")

		// The unsafe door.
		ctx := chrononaut.WithActor(t.Context(), "ann")
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		door, err := chronounsafe.Suppress(ctx, chronosql.NewTxDriver(tx), "test", &chronounsafe.Opts{AllowErase: true, Dialect: "sqlite"})
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{`UPDATE t SET a = 'unseen' WHERE id = 1`, `INSERT INTO t (id, a) VALUES (4, 'unseen')`} {
			if _, err := tx.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := door.EraseHistory(ctx, chrononaut.Table{Name: "t"}, chrononaut.Key{"id": 3}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		unseen := db.here()
		check("before the door", changed, `SELECT a FROM t WHERE id = 1`, "changed")
		check("a row that was changed unseen", unseen, `SELECT a FROM t WHERE id = 1`, "not recorded")
		check("a row that was inserted unseen", unseen, `SELECT a FROM t WHERE id = 4`, "not recorded")
		check("a row whose history was erased", changed, `SELECT a FROM t WHERE id = 3`, "not recorded")
		check("before that row existed", began, `SELECT count(*) FROM t WHERE id = 3`, "0")
		db.exec(`UPDATE t SET a = 'seen' WHERE id = 1`)
		check("once it is recorded again", db.here(), `SELECT a FROM t WHERE id = 1`, "seen")

		// A time in which the table was not tracked.
		if _, err := db.migrator().Untrack(t.Context(), chrononaut.Table{Name: "t"}, nil); err != nil {
			t.Fatal(err)
		}
		gap := db.here()
		check("a table that is not tracked any more", gap, `SELECT a FROM t`, "refused")
		db.exec(`UPDATE t SET a = 'in the gap' WHERE id = 1`)
		db.exec(`DELETE FROM t WHERE id = 4`)
		db.track("t", nil)
		again := db.here()
		check("in the gap", gap, `SELECT a FROM t`, "not recorded")
		check("a row that changed in the gap", again, `SELECT a FROM t WHERE id = 1`, "not recorded")
		check("a row that went in the gap", again, `SELECT count(*) FROM t WHERE id = 4`, "0")
	})
}

// TestSQLitePastWhileOthersWrite moves money between accounts in transactions,
// and reads the sum at any time meanwhile.
func TestSQLitePastWhileOthersWrite(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`PRAGMA journal_mode = WAL`)
		db.exec(`CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)`)
		db.track("accounts", nil)
		db.exec(`INSERT INTO accounts (id, balance) VALUES (1, 100), (2, 100), (3, 100)`)
		start := time.Now()
		done := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			defer close(done)
			ctx := chrononaut.WithActor(context.WithoutCancel(t.Context()), "ann")
			for i := range 60 {
				tx, err := db.BeginTx(ctx, nil)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = tx.Exec(`UPDATE accounts SET balance = balance - 1 WHERE id = ?1`, 1+i%3)
				if err == nil {
					_, err = tx.Exec(`UPDATE accounts SET balance = balance + 1 WHERE id = ?1`, 1+(i+1)%3)
				}
				if err = errors.Join(err, tx.Commit()); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for n := range 3 {
			reader := openSQLite(t, db.name, db.path)
			wait.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					at := start.Add(time.Duration((i*7919+n)%1000) * time.Since(start) / 1000)
					var sum, count int
					err := reader.QueryRowContext(chrononaut.AsOf(t.Context(), at), `SELECT sum(a.balance), count(*) FROM accounts a JOIN main.accounts b USING (id)`).Scan(&sum, &count)
					if errors.Is(err, chrononaut.ErrHorizon) {
						continue
					}
					if err != nil || sum != 300 || count != 3 {
						t.Errorf("at %s: sum %d of %d accounts, error %v", at, sum, count, err)
					}
				}
			})
		}
		wait.Wait()
	})
}

func TestSQLiteHorizon(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`PRAGMA journal_mode = WAL`)
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", nil)
		db.wants("now", db.asOf(chrononaut.At(time.Now()), `SELECT count(*) FROM t`), "0")
		db.wants("the future", db.asOf(chrononaut.At(time.Now().Add(time.Hour)), `SELECT count(*) FROM t`), "horizon")
		db.wants("a transaction that is none yet", db.asOf(chrononaut.AtTransaction(99999), `SELECT count(*) FROM t`), "horizon")
		reader := openSQLite(t, db.name, db.path)
		reader.exec(`PRAGMA busy_timeout = 1`)
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(`INSERT INTO t (a) VALUES (1)`); err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		var horizon *chrononaut.HorizonError
		_, err = reader.QueryContext(chrononaut.AsOf(t.Context(), at), `SELECT count(*) FROM t`)
		if !errors.As(err, &horizon) || horizon.Horizon.IsZero() || !horizon.Horizon.Before(at) {
			t.Errorf("while another writes: got %v, want a horizon", err)
		} else {
			reader.wants("at the horizon", reader.asOf(chrononaut.At(horizon.Horizon), `SELECT 1`), "1")
		}
		unsettled := chrononaut.AsOfPoint(t.Context(), chrononaut.At(at), &chrononaut.AsOfOpts{AllowUnsettled: true})
		reader.wants("unsettled", reader.under(unsettled, `SELECT count(*) FROM t`), "0")
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		reader.wants("afterwards", reader.asOf(chrononaut.At(time.Now()), `SELECT count(*) FROM t`), "1")
	})
}

func TestSQLitePastTable(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT)`)
		db.track("todos", nil)
		db.exec(`INSERT INTO todos (title) VALUES ('old'), ('same')`)
		point := db.here()
		db.exec(`UPDATE todos SET title = 'new' WHERE id = 1`)
		client, err := chronosql.Client(db.DB, nil)
		if err != nil {
			t.Fatal(err)
		}
		before, err := client.At(point, nil).Table(t.Context(), chrononaut.Table{Name: "todos"})
		if err != nil {
			t.Fatal(err)
		}
		db.wants("two times at once", db.rows(`SELECT b.title, n.title FROM todos n JOIN `+before+` b ON b.id = n.id WHERE b.title <> n.title`), "old|new")
		plan := strings.Join(db.rows(`EXPLAIN QUERY PLAN SELECT * FROM `+before+` AS b WHERE b.id = '1'`), "\n")
		if strings.Contains(plan, "SCAN k") || !strings.Contains(plan, "SEARCH k USING INTEGER PRIMARY KEY") || !strings.Contains(plan, "chrononaut_activity_record (table_name=? AND key=?)") {
			t.Errorf("a row is not found by its key:\n%s", plan)
		}
	})
}
