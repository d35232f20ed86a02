package conformance_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

// attributedDB is a database with the tracked table t. Tests write through conn
// and look through another connection.
type attributedDB struct {
	*sqliteDB
	conn *sql.Conn
	ann  context.Context
}

// eachAttributed runs a test on both drivers. What it leaves in the row of the
// context would be taken for who and why of everything that comes after it.
func eachAttributed(t *testing.T, f func(t *testing.T, db *attributedDB)) {
	t.Helper()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		t.Helper()
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)`)
		db.track("t", nil)
		db.SetMaxOpenConns(2)
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		f(t, &attributedDB{db, conn, chrononaut.WithActor(t.Context(), "ann")})
		db.wants("the row of the context", db.rows(`SELECT context, transaction_id, suppressed, allow_erase FROM chrononaut_context`), "||0|0")
	})
}

// run runs statements on the connection.
func (db *attributedDB) run(ctx context.Context, on execer, queries ...string) {
	db.t.Helper()
	for _, query := range queries {
		if _, err := on.ExecContext(ctx, query); err != nil {
			db.t.Fatalf("%s: %v", query, err)
		}
	}
}

// wantChanges compares what was recorded: the value, by whom, and in which
// transaction, numbered from 1.
func (db *attributedDB) wantChanges(want ...string) {
	db.t.Helper()
	numbers := map[string]string{"": "-"}
	var got []string
	for _, line := range db.rows(`SELECT data ->> 'a', coalesce(user_info ->> 'user_id', '-'), transaction_id
		FROM chrononaut_activity WHERE key <> '{}' ORDER BY id`) {
		i := strings.LastIndexByte(line, '|') + 1
		if _, ok := numbers[line[i:]]; !ok {
			numbers[line[i:]] = string(rune('0' + len(numbers)))
		}
		got = append(got, strings.ReplaceAll(line[:i]+numbers[line[i:]], "|", " "))
	}
	db.wants("changes", got, want...)
}

func TestSQLiteRollbackToASavepointAtTheEnd(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		err := inTx(db.ann, db.conn, func(tx *sql.Tx) error {
			db.run(ctx, tx, "INSERT INTO t (a) VALUES ('1')", "SAVEPOINT s", "INSERT INTO t (a) VALUES ('undone')", "ROLLBACK TO s")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('2')")
		err = inTx(ctx, db.conn, func(tx *sql.Tx) error {
			// The row is set in what is rolled back.
			db.run(ctx, tx, "SAVEPOINT s", "INSERT INTO t (a) VALUES ('undone')", "ROLLBACK TO s", "INSERT INTO t (a) VALUES ('3')")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		db.wantChanges("1 ann 1", "2 - -", "3 - 2")
	})
}

func TestSQLiteRollbackToASavepointClosesTheDoor(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		err := inTx(db.ann, db.conn, func(tx *sql.Tx) error {
			_, err := chronounsafe.Suppress(ctx, chronosql.NewTxDriver(tx), "a test", &chronounsafe.Opts{Dialect: chronodriver.SQLite, AllowErase: true})
			if err != nil {
				return err
			}
			db.run(ctx, tx, "INSERT INTO t (a) VALUES ('unseen')", "SAVEPOINT s", "ROLLBACK TO s")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('seen')")
		db.wantChanges("seen - -")
		if _, err := db.conn.ExecContext(ctx, "DELETE FROM chrononaut_activity"); err == nil {
			t.Error("history was erased after the door was closed")
		}
	})
}

func TestSQLiteTextsThatEndATransaction(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		db.run(db.ann, db.conn, "BEGIN", "INSERT INTO t (a) VALUES ('1'); COMMIT", "INSERT INTO t (a) VALUES ('2')")
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('3')", "BEGIN; INSERT INTO t (a) VALUES ('4'); COMMIT; BEGIN; INSERT INTO t (a) VALUES ('5')",
			"INSERT INTO t (a) VALUES ('6')", "INSERT INTO t (a) VALUES ('undone'); ROLLBACK", "INSERT INTO t (a) VALUES ('7')",
			"BEGIN", "INSERT INTO t (a) VALUES ('8')", "COMMIT; BEGIN", "INSERT INTO t (a) VALUES ('9')", "COMMIT")
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('10')")
		db.wantChanges("1 - -", "2 ann 1", "3 - -", "4 - -", "7 - -", "8 - 2", "9 - 3", "10 - -")
	})
}

func TestSQLiteTextsThatGoBackAndEnd(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		db.run(ctx, db.conn, "BEGIN", "INSERT INTO t (a) VALUES ('1')", "SAVEPOINT a", "INSERT INTO t (a) VALUES ('undone')")
		if _, err := db.conn.ExecContext(ctx, "ROLLBACK TO a; COMMIT"); err == nil || !strings.Contains(err.Error(), "send it in two") {
			t.Errorf("error = %v, want one that says what to do", err)
		}
		db.run(ctx, db.conn, "ROLLBACK TO a", "COMMIT", "INSERT INTO t (a) VALUES ('2')")
		db.wantChanges("1 - 1", "2 - -")
	})
}

func TestSQLiteTransactionsLeftToThePool(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		if err := db.conn.Close(); err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		for _, end := range []string{"COMMIT", "ROLLBACK", "END"} {
			conn, err := db.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			db.run(ctx, conn, "BEGIN", "INSERT INTO t (a) VALUES ('"+end+"')")
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			db.run(db.ann, db, "INSERT INTO t (a) VALUES ('more "+end+"')", end)
			db.run(db.ann, db, "INSERT INTO t (a) VALUES ('after "+end+"')")
		}
		db.wantChanges("COMMIT - 1", "more COMMIT - 1", "after COMMIT ann 2", "after ROLLBACK ann 3", "END - 4", "more END - 4", "after END ann 5")
	})
}

func TestSQLiteTextsThatFailHalfWay(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		fails := func(query string) {
			t.Helper()
			if _, err := db.conn.ExecContext(db.ann, query); err == nil {
				t.Errorf("%s succeeded", query)
			}
		}
		// The transaction is over, or is not.
		db.run(ctx, db.conn, "BEGIN", "INSERT INTO t (a) VALUES ('1')")
		fails("COMMIT; INSERT INTO missing VALUES (1)")
		db.run(db.ann, db.conn, "INSERT INTO t (a) VALUES ('2')")
		fails("BEGIN; INSERT INTO missing VALUES (1)")
		db.run(db.ann, db.conn, "INSERT INTO t (a) VALUES ('3')")
		fails("INSERT INTO t (a) VALUES ('3'); COMMIT")
		db.run(db.ann, db.conn, "INSERT INTO t (a) VALUES ('4')", "COMMIT")
		fails("SAVEPOINT s; INSERT INTO missing VALUES (1)")
		db.run(db.ann, db.conn, "INSERT INTO t (a) VALUES ('5')", "RELEASE s")
		// An error that rolls back.
		db.run(ctx, db.conn, "BEGIN", "INSERT INTO t (a) VALUES ('undone')")
		fails("INSERT OR ROLLBACK INTO t (a) VALUES ('1')")
		db.run(db.ann, db.conn, "INSERT INTO t (a) VALUES ('6')")
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('7')")
		db.wantChanges("1 - 1", "2 ann 2", "3 - 3", "4 - 4", "5 - 5", "6 ann 6", "7 - -")
	})
}

func TestSQLiteTransactionsBegunByHand(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		err := inTx(db.ann, db.conn, func(tx *sql.Tx) error {
			db.run(ctx, tx, "INSERT INTO t (a) VALUES ('1')")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// They carry nothing, whatever is said before them in the text.
		db.run(ctx, db.conn, "PRAGMA cache_size = -2000; BEGIN IMMEDIATE", "INSERT INTO t (a) VALUES ('2')", "COMMIT")
		db.run(db.ann, db.conn, "BEGIN", "INSERT INTO t (a) VALUES ('3')", "COMMIT")
		db.wantChanges("1 ann 1", "2 - 2", "3 - 3")
	})
}

func TestSQLiteSavepointsAsTransactions(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		// Both in and between them.
		db.run(db.ann, db.conn, "SAVEPOINT a", "INSERT INTO t (a) VALUES ('1')", `SAVEPOINT "A"`, "INSERT INTO t (a) VALUES ('2')", "RELEASE a",
			"INSERT INTO t (a) VALUES ('3')", "ROLLBACK TO a", "INSERT INTO t (a) VALUES ('4')", "RELEASE SAVEPOINT a", "INSERT INTO t (a) VALUES ('5')")
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('6')", "SAVEPOINT a", "SAVEPOINT b", "INSERT INTO t (a) VALUES ('7')", "RELEASE a", "INSERT INTO t (a) VALUES ('8')",
			"SAVEPOINT a", "INSERT INTO t (a) VALUES ('9')", "COMMIT", "INSERT INTO t (a) VALUES ('10')",
			"SAVEPOINT a; INSERT INTO t (a) VALUES ('11'); RELEASE a", "INSERT INTO t (a) VALUES ('12')")
		// Back to the beginning, and the end, in one text.
		db.run(ctx, db.conn, "SAVEPOINT a", "INSERT INTO t (a) VALUES ('undone')", "ROLLBACK TO a; RELEASE a")
		// In a transaction that BEGIN has begun, no RELEASE is its end.
		db.run(ctx, db.conn, "BEGIN", "SAVEPOINT a", "INSERT INTO t (a) VALUES ('13')", "RELEASE a", "INSERT INTO t (a) VALUES ('14')", "COMMIT")
		db.wantChanges("4 - 1", "5 ann 2", "6 - -", "7 - 3", "8 - -", "9 - 4", "10 - -", "11 - -", "12 - -", "13 - 5", "14 - 5")
	})
}

func TestSQLiteRowsOfAWriteAreOpen(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		ctx := t.Context()
		rows, err := db.conn.QueryContext(db.ann, "INSERT INTO t (a) VALUES ('1'), ('2') RETURNING id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
		// What would be recorded as ann's, in her transaction.
		for _, query := range []string{"INSERT INTO t (a) VALUES ('3')", "SAVEPOINT a", "SELECT 1; DELETE FROM t"} {
			for _, ctx := range []context.Context{ctx, db.ann} {
				if _, err := db.conn.ExecContext(ctx, query); err == nil || !strings.Contains(err.Error(), "rows of a statement that writes are still open") {
					t.Errorf("%s: error = %v, want one that says that rows are open", query, err)
				}
			}
		}
		var n int
		if err := db.conn.QueryRowContext(ctx, "SELECT count(*) FROM t").Scan(&n); err != nil || n != 2 {
			t.Errorf("%d rows, %v; want 2", n, err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		db.run(ctx, db.conn, "INSERT INTO t (a) VALUES ('3')")
		db.wantChanges("1 ann 1", "2 ann 1", "3 - -")
	})
}

func TestSQLiteSetContextInThePast(t *testing.T) {
	t.Parallel()
	eachAttributed(t, func(t *testing.T, db *attributedDB) {
		db.run(t.Context(), db.conn, "INSERT INTO t (a) VALUES ('1')")
		past := chrononaut.AsOf(t.Context(), time.Now())
		err := inTx(past, db.conn, func(tx *sql.Tx) error {
			if err := chronosql.SetContext(db.ann, tx, nil); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRowContext(past, "SELECT count(*) FROM t").Scan(&n); err != nil || n != 1 {
				t.Errorf("%d rows, %v; want 1", n, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		db.run(t.Context(), db.conn, "INSERT INTO t (a) VALUES ('2')")
		db.wantChanges("1 - -", "2 - -")
	})
}
