package conformance_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

func TestSQLiteUnsafeDoor(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		ctx := chrononaut.WithActor(t.Context(), "ann")
		table := chrononaut.Table{Name: "t"}
		opts := &chronounsafe.Opts{Dialect: chronodriver.SQLite}
		erase := &chronounsafe.Opts{Dialect: chronodriver.SQLite, AllowErase: true}
		if _, err := chronounsafe.Suppress(ctx, db.driver, "r", opts); !errors.Is(err, chrononaut.ErrNotInstalled) && !errors.Is(err, chronounsafe.ErrNoTransaction) {
			t.Errorf("without history: got error %v, want ErrNotInstalled or ErrNoTransaction", err)
		}
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 1), (2, 2), (3, 3)`)
		db.exec(`UPDATE t SET id = 4 WHERE id = 3`)

		inTx := func(ctx context.Context, f func(tx chronodriver.Tx)) {
			t.Helper()
			tx, err := db.driver.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(ctx)
			f(tx)
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		}
		exec := func(q chronodriver.Queryer, sql string) {
			t.Helper()
			if _, err := q.Exec(ctx, sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		open := func(tx chronodriver.Queryer, opts *chronounsafe.Opts) *chronounsafe.Door {
			t.Helper()
			door, err := chronounsafe.Suppress(ctx, tx, "ticket 4711", opts)
			if err != nil {
				t.Fatal(err)
			}
			return door
		}
		if _, err := chronounsafe.Suppress(ctx, db.driver, "r", opts); !errors.Is(err, chronounsafe.ErrNoTransaction) {
			t.Errorf("outside a transaction: got error %v, want ErrNoTransaction", err)
		}
		if _, err := chronounsafe.Suppress(t.Context(), db.driver, "r", opts); !errors.Is(err, chronounsafe.ErrNoTransaction) {
			t.Errorf("outside a transaction, without an actor: got error %v, want ErrNoTransaction", err)
		}
		// The end of the transaction closes the door; doors nest.
		inTx(ctx, func(tx chronodriver.Tx) {
			outer := open(tx, opts)
			exec(tx, `UPDATE t SET a = 10 WHERE id = 1`)
			inner := open(tx, erase)
			if err := inner.Resume(ctx); err != nil {
				t.Fatal(err)
			}
			exec(tx, `UPDATE t SET a = 11 WHERE id = 1`)
			if err := outer.Resume(ctx); err != nil {
				t.Fatal(err)
			}
			exec(tx, `UPDATE t SET a = 12 WHERE id = 1`)
			open(tx, opts)
		})
		db.exec(`UPDATE t SET a = 13 WHERE id = 1`)
		db.wants("the record", db.rows(`SELECT operation, data FROM chrononaut_activity WHERE key = '{"id":1}'`),
			`insert|{"id":1,"a":1,"version":0}`, `update|{"id":1,"a":12,"version":1}`, `update|{"id":1,"a":13,"version":2}`)
		db.wants("the traces", db.rows(`SELECT data, user_info ->> 'user_id', transaction_id IS NOT NULL FROM chrononaut_activity WHERE operation = 'suppress'`),
			`{"reason":"ticket 4711","allow_erase":false}|ann|1`, `{"reason":"ticket 4711","allow_erase":true}|ann|1`, `{"reason":"ticket 4711","allow_erase":false}|ann|1`)

		// Erasing follows the record to its former key.
		inTx(ctx, func(tx chronodriver.Tx) {
			closed := open(tx, opts)
			if _, err := closed.EraseHistory(ctx, table, chrononaut.Key{"id": 4}); !errors.Is(err, chrononaut.ErrAppendOnly) {
				t.Errorf("erase through a door that is not for it: got error %v, want ErrAppendOnly", err)
			}
			door := open(tx, erase)
			exec(tx, `DELETE FROM t WHERE id = 4`)
			n, err := door.EraseHistory(ctx, table, chrononaut.Key{"id": 4})
			if err != nil || n != 2 {
				t.Errorf("erase: %d changes, error %v; want 2", n, err)
			}
			if _, err := door.EraseHistory(ctx, table, chrononaut.Key{"nope": 4}); !errors.Is(err, chrononaut.ErrKey) {
				t.Errorf("erase by a wrong key: got error %v, want ErrKey", err)
			}
			if _, err := tx.Exec(ctx, `DELETE FROM chrononaut_activity WHERE operation = 'suppress'`); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrAppendOnly) {
				t.Errorf("erasing a trace: got error %v, want ErrAppendOnly", err)
			}
		})
		db.wants("keys in history", db.rows(`SELECT DISTINCT key FROM chrononaut_activity WHERE key <> '{}' ORDER BY key`), `{"id":1}`, `{"id":2}`)
		db.fails("TM004", `DELETE FROM chrononaut_activity`)
		chronotest.RequireReplay(t, db.driver, table, nil)

		// A pool that would not close the door is refused.
		plain, err := sql.Open(db.name, "file:"+db.path)
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		tx, err := chronosql.NewDriver(plain, chronodriver.SQLite, nil).Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chronounsafe.Suppress(ctx, tx, "r", opts); !errors.Is(err, chronounsafe.ErrNoTransaction) {
			t.Errorf("in a transaction of another pool: got error %v, want ErrNoTransaction", err)
		}
		if err := tx.Rollback(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestSQLiteReplayFindsDifferences(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a, hidden)`)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 'before')`)
		db.track("t", &chronomigrate.TrackOptions{Hidden: []string{"hidden"}})
		db.exec(`INSERT INTO t (id, a) VALUES (2, 1), (3, 1), (4, 1), (5, 1)`)
		db.exec(`UPDATE t SET id = 6 WHERE id = 5`)
		db.exec(`BEGIN; UPDATE chrononaut_context SET suppressed = 1, reason = 'test'; UPDATE t SET a = 1.0 WHERE id = 2; DELETE FROM t WHERE id = 3;
			UPDATE t SET hidden = 'x'; UPDATE chrononaut_context SET suppressed = 0, reason = NULL; COMMIT`)
		differences, err := chronotest.Replay(t.Context(), db.driver, chrononaut.Table{Name: "T"}, &chronotest.ReplayOpts{Values: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range differences {
			got = append(got, d.String())
		}
		db.wants("differences", got,
			`main.t {"id":1}: the table has the row, history does not`,
			`main.t {"id":2}: differs in a; a is 1.0, in history 1`,
			`main.t {"id":3}: history has the row, the table does not`)
		if _, err := chronotest.Replay(t.Context(), db.driver, chrononaut.Table{Name: "none"}, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
			t.Errorf("replay of a table that is not tracked: got error %v, want ErrNotTracked", err)
		}
	})
}

func TestSQLiteBaseline(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (a TEXT, b INT, v, PRIMARY KEY (a, b)) WITHOUT ROWID`)
		db.exec(`WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 99) INSERT INTO t SELECT char(97 + i % 7), i, i FROM s`)
		table := chrononaut.Table{Name: "t"}
		m := db.migrator()
		if _, err := m.Baseline(t.Context(), table, nil); !errors.Is(err, chronomigrate.ErrNotTracked) {
			t.Errorf("baseline of a table that is not tracked: got error %v, want ErrNotTracked", err)
		}
		db.track("t", nil)
		db.exec(`UPDATE t SET v = -1 WHERE b = 5`)
		// Interrupted after the second chunk.
		ctx, cancel := context.WithCancel(t.Context())
		chunks := 0
		progress, err := m.Baseline(ctx, table, &chronomigrate.BaselineOpts{ChunkSize: 30, Progress: func(p chronomigrate.BaselineProgress) {
			if chunks++; chunks == 2 {
				cancel()
			}
		}})
		if err == nil {
			t.Fatalf("got progress %+v and no error, want that of the context", progress)
		}
		db.exec(`INSERT INTO t (a, b, v) VALUES ('z', 1000, 1)`)
		db.exec(`DELETE FROM t WHERE b = 7`)
		progress, err = m.Baseline(t.Context(), table, &chronomigrate.BaselineOpts{ChunkSize: 30})
		if err != nil || !progress.Done || progress.Recorded != 98 && progress.Recorded != 99 || progress.Total != 100 {
			t.Errorf("progress %+v, error %v; want all rows but two recorded, and a total of 100", progress, err)
		}
		chronotest.RequireReplay(t, db.driver, table, nil)
		db.wants("baselines", db.rows(`SELECT count(*), min(version), max(version) FROM chrononaut_activity WHERE operation = 'baseline'`), "100|0|0")

		// What changes while nothing captures it.
		if _, err := m.Untrack(t.Context(), table, nil); err != nil {
			t.Fatal(err)
		}
		db.exec(`UPDATE t SET v = 'drifted' WHERE b < 3`)
		db.exec(`INSERT INTO t (a, b, v) VALUES ('y', 2000, 1)`)
		db.track("t", &chronomigrate.TrackOptions{VersionColumn: "version"})
		progress, err = m.Baseline(t.Context(), table, nil)
		if err != nil || progress.Recorded != 4 || progress.Rows != 101 {
			t.Errorf("progress %+v, error %v; want 4 of 101 rows recorded", progress, err)
		}
		chronotest.RequireReplay(t, db.driver, table, nil)
		db.exec(`UPDATE t SET v = 0 WHERE b < 3`)
		chronotest.RequireReplay(t, db.driver, table, nil)
		db.wants("versions", db.rows(`SELECT version FROM t WHERE b < 3`), "2", "2", "2")
	})
}
