package conformance_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	limitColumns = `id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, balance REAL NOT NULL, visits INTEGER NOT NULL,
		active INTEGER NOT NULL, born TEXT NOT NULL, created TEXT NOT NULL, tags TEXT NOT NULL, settings TEXT NOT NULL, body TEXT NOT NULL`
	limitRows = `SELECT i, 'Name ' || i, 'name.' || i || '@example.com', (i %% 100000) / 100.0, i %% 1000, i %% 7 <> 0,
		date('1990-01-01', (i %% 10000) || ' days'), strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', '2026-01-01', i || ' seconds'),
		json_array('tag ' || i %% 10, 'tag ' || i %% 11), json_object('theme', 'dark', 'size', i %% 20, 'nested', json_object('a', NULL, 'b', i)),
		replace(hex(zeroblob(10)), '00', 'lorem ipsum lorem ipsum ')
		FROM (WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %d) SELECT i FROM s)`
	limitNames = `id, name, email, balance, visits, active, born, created, tags, settings, body`
)

// limitTrigger is the trigger for UPDATE that somebody would write by hand who
// wants what is in chrononaut_activity, and nothing else.
func limitTrigger(table, history string) string {
	var members []string
	for name := range strings.SplitSeq(limitNames, ", ") {
		members = append(members, fmt.Sprintf("'%s', NEW.%s", name, name))
	}
	return fmt.Sprintf(`CREATE TRIGGER limit_update AFTER UPDATE OF %[3]s ON %[1]s
BEGIN
    INSERT INTO %[2]s (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT '%[1]s', OLD.version + 1, json_object('id', NEW.id), json_object(%[4]s, 'version', OLD.version + 1),
           c.user_info, c.extra_info, 'update', c.transaction_id
      FROM chrononaut_context AS c;
    UPDATE %[1]s SET version = OLD.version + 1 WHERE id = NEW.id;
END`, table, history, limitNames, strings.Join(members, ", "))
}

var limitWays = []string{"none", "limit", "ours"}

// openLimit makes the same table three times: without history, with the trigger
// that was written by hand, and tracked.
func openLimit(t testing.TB, driver string, rows int) *sqliteDB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openSQLite(t, driver, path)
	db.exec(`PRAGMA journal_mode = wal`)
	for _, way := range limitWays {
		db.exec(`CREATE TABLE account_` + way + ` (` + limitColumns + `)`)
	}
	db.exec(`ALTER TABLE account_limit ADD COLUMN version INTEGER`)
	db.track("account_ours", nil)
	for _, sql := range db.rows(`SELECT sql FROM sqlite_schema WHERE tbl_name = 'chrononaut_activity' AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC`) {
		db.exec(strings.ReplaceAll(sql, "chrononaut_activity", "history_limit"))
	}
	db.exec(limitTrigger("account_limit", "history_limit"))
	for _, way := range limitWays {
		db.exec(`INSERT INTO account_` + way + ` (` + limitNames + `) ` + fmt.Sprintf(limitRows, rows))
	}
	db.exec(`UPDATE account_limit SET version = 0`)
	db.exec(`INSERT INTO history_limit SELECT * FROM chrononaut_activity WHERE table_name = 'account_ours' AND key <> '{}'`)
	db.exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return db
}

func TestSQLiteLimitRecordsTheSame(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, base *sqliteDB) {
		db := openLimit(t, base.name, 100)
		for _, way := range limitWays {
			db.exec(`UPDATE account_` + way + ` SET visits = visits + 1 WHERE id % 2`)
		}
		query := `SELECT version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user, previous_key FROM %s WHERE key <> '{}' AND operation = 'update' ORDER BY id`
		db.wants("history", db.rows(fmt.Sprintf(query, "history_limit")), db.rows(fmt.Sprintf(query, "chrononaut_activity"))...)
		db.wants("the table", db.rows(`SELECT * FROM account_limit`), db.rows(`SELECT * FROM account_ours`)...)
	})
}

// BenchmarkSQLiteLimit measures what capture adds to an update, and what a trigger
// adds that was written by hand. The three take turns; the medians count.
func BenchmarkSQLiteLimit(b *testing.B) {
	for name, driver := range sqliteDrivers {
		b.Run(name, func(b *testing.B) {
			const rows = 20_000
			db := openLimit(b, driver, rows)
			// Who changes the rows, said once.
			raw, err := sql.Open(driver, "file:"+db.path+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(0)")
			if err != nil {
				b.Fatal(err)
			}
			defer raw.Close()
			if _, err := raw.Exec(`UPDATE chrononaut_context SET transaction_id = 1, context = '{"user_info":{"user_id":"ann"},"extra_info":{"rationale":"benchmark"}}'`); err != nil {
				b.Fatal(err)
			}
			conn, err := raw.Conn(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			run := func(what, where string, rounds, each int, prepared bool) {
				times := map[string][]float64{}
				statements := map[string]*sql.Stmt{}
				queries := map[string]string{}
				for _, way := range limitWays {
					queries[way] = `UPDATE account_` + way + ` SET visits = visits + 1` + where
					stmt, err := conn.PrepareContext(context.Background(), queries[way])
					if err != nil {
						b.Fatal(err)
					}
					defer stmt.Close()
					statements[way] = stmt
				}
				for round := range rounds {
					for i := range limitWays {
						way := limitWays[(i+round)%len(limitWays)]
						start, first := time.Now(), cpu(b)
						for n := range each {
							var args []any
							if where != "" {
								args = []any{(round*each+n)*7919%rows + 1}
							}
							if prepared {
								_, err = statements[way].Exec(args...)
							} else {
								_, err = conn.ExecContext(context.Background(), queries[way], args...)
							}
							if err != nil {
								b.Fatal(err)
							}
						}
						_ = start
						times[way] = append(times[way], float64(cpu(b)-first)/1000/float64(each))
					}
				}
				if where == "" {
					for _, list := range times {
						for i := range list {
							list[i] /= rows
						}
					}
				}
				median := func(way string) float64 {
					slices.Sort(times[way])
					return times[way][len(times[way])/2]
				}
				none, limit, ours := median("none"), median("limit"), median("ours")
				b.Logf("%s %-12s none %7.2f  limit +%7.2f  ours +%7.2f µs a row, ratio %.2f", name, what, none, limit-none, ours-none, (ours-none)/(limit-none))
			}
			for b.Loop() {
				run("one", " WHERE id = ?1", 60, 50, true)
				run("unprepared", " WHERE id = ?1", 15, 20, false)
				run("bulk", "", 5, 1, true)
			}
		})
	}
}
