package conformance_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

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
