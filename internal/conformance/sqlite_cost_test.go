package conformance_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkSQLiteGuards measures what the triggers that look for holds and leases
// cost where there are none: with them, and without. The time is that of the
// processor, which other programs disturb less.
func BenchmarkSQLiteGuards(b *testing.B) {
	for name, driver := range sqliteDrivers {
		for _, guards := range []bool{false, true} {
			for kind, prepared := range map[string]bool{"prepared": true, "not prepared": false} {
				b.Run(fmt.Sprintf("%s/%s/guards %v", name, kind, guards), func(b *testing.B) {
					db := openSQLite(b, driver, filepath.Join(b.TempDir(), "test.db"))
					db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, done INT, owner TEXT, notes TEXT)`)
					db.track("t", nil)
					db.exec(`WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1000) INSERT INTO t (id, title, done, owner) SELECT i, 'title', 0, 'ann' FROM s`)
					if !guards {
						for _, trigger := range db.rows(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 't'`) {
							if strings.Contains(trigger, "_guard_") || strings.HasSuffix(trigger, "_stale") {
								db.exec(`DROP TRIGGER "` + trigger + `"`)
							}
						}
					}
					tx, err := db.Begin()
					if err != nil {
						b.Fatal(err)
					}
					defer tx.Rollback()
					const query = `UPDATE t SET done = done + 1 WHERE id = ?1`
					stmt, err := tx.Prepare(query)
					if err != nil {
						b.Fatal(err)
					}
					defer stmt.Close()
					before := cpu(b)
					for n := 0; b.Loop(); n++ {
						if prepared {
							_, err = stmt.Exec(n%1000 + 1)
						} else {
							_, err = tx.Exec(query, n%1000+1)
						}
						if err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1000, "cpu-µs/op")
				})
			}
		}
	}
}

func cpu(b *testing.B) int64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
