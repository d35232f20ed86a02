package conformance_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

func TestSQLiteTwoConnections(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`PRAGMA journal_mode = WAL`)
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)`)
		other := openSQLite(t, db.name, db.path)
		prepared, err := other.Prepare(`INSERT INTO t (a) VALUES (?1)`)
		if err != nil {
			t.Fatal(err)
		}
		defer prepared.Close()
		if _, err := prepared.Exec(1); err != nil {
			t.Fatal(err)
		}
		// The other connection has the table open, and a statement for it.
		db.track("t", nil)
		if _, err := prepared.Exec(2); err != nil {
			t.Fatal(err)
		}
		other.exec(`UPDATE t SET a = 3 WHERE id = 1`)
		db.wants("history", db.history("t"),
			`insert|0|{"id":2}||{"id":2,"a":2,"version":0}|`,
			`baseline|0|{"id":1}||{"id":1,"a":1,"version":0}|`,
			`update|1|{"id":1}||{"id":1,"a":3,"version":1}|`)

		// Both write, each as somebody else.
		var wait sync.WaitGroup
		for name, pool := range map[string]*sqliteDB{"ann": db, "bob": other} {
			ctx := chrononaut.WithActor(t.Context(), name)
			wait.Go(func() {
				for i := range 40 {
					tx, err := pool.driver.Begin(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					// Write first: a transaction that has read fails when another writes.
					_, err = tx.Exec(ctx, `UPDATE t SET a = a + 1 WHERE id = ?1`, int64(1+i%2))
					if err == nil {
						_, err = tx.Exec(ctx, `INSERT INTO t (a) VALUES (0)`)
					}
					if err = errors.Join(err, tx.Commit(ctx)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		db.wants("changes by actor", db.rows(`SELECT user_info ->> 'user_id', count(*), count(DISTINCT transaction_id) FROM chrononaut_activity
			WHERE transaction_id IS NOT NULL AND user_info ->> 'user_id' IS NOT NULL GROUP BY 1`), "ann|80|40", "bob|80|40")
		db.wants("transactions of two actors", db.rows(`SELECT transaction_id FROM chrononaut_activity WHERE user_info ->> 'user_id' IS NOT NULL GROUP BY 1 HAVING count(DISTINCT user_info) > 1`))
		chronotest.RequireReplay(t, db.driver, chrononaut.Table{Name: "t"}, nil)
	})
}

func TestSQLiteBusyAndReadOnly(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)`)
		db.migrator()
		table := chronodriver.Table{Name: "t"}
		migrator := func(options string) *chronomigrate.Migrator {
			t.Helper()
			pool, err := chronosql.Open(db.name, "file:"+db.path+options, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := pool.Close(); err != nil {
					t.Error(err)
				}
			})
			m, err := chronomigrate.New(chronosql.NewDriver(pool, chronodriver.SQLite, nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		if _, err := migrator("?mode=ro").Track(t.Context(), table, nil, nil); !errors.Is(err, chronomigrate.ErrReadOnly) {
			t.Errorf("track on a read-only connection: got error %v, want ErrReadOnly", err)
		}
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(`INSERT INTO t (a) VALUES (1)`); err != nil {
			t.Fatal(err)
		}
		m := migrator("?_pragma=busy_timeout(1)")
		impatient := &chronomigrate.ApplyOpts{LockTimeout: time.Millisecond, MaxAttempts: 2}
		if _, err := m.Track(t.Context(), table, nil, impatient); !errors.Is(err, chronomigrate.ErrBusy) {
			t.Errorf("track while another writes: got error %v, want ErrBusy", err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		plan, err := m.Track(t.Context(), table, nil, &chronomigrate.ApplyOpts{DryRun: true})
		if err != nil || plan.Empty() {
			t.Errorf("dry run: plan %v, error %v; want a plan", plan, err)
		}
		for _, step := range plan.Steps {
			if step.Comment == "" || step.SQL == "" {
				t.Errorf("step %+v, want a statement with a comment", step)
			}
		}
		db.wants("columns", db.rows(`SELECT count(*) FROM pragma_table_info('t')`), "2")
		if _, err := m.Track(t.Context(), table, nil, impatient); err != nil {
			t.Error(err)
		}
		db.exec(`UPDATE t SET a = 2`)
		chronotest.RequireReplay(t, db.driver, table, nil)
		// A history schema from the future.
		db.exec(`INSERT INTO chrononaut_migration (version, name) VALUES (` + fmt.Sprint(1000) + `, 'future')`)
		if _, err := m.Track(t.Context(), table, nil, nil); !errors.Is(err, chronomigrate.ErrNewerHistory) {
			t.Errorf("track with a newer schema: got error %v, want ErrNewerHistory", err)
		}
	})
}
