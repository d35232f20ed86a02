package conformance_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkSQLiteGuards measures what an update of one row costs in a table of which
// nothing was ever held, with the triggers that look for holds and leases, and while
// another row is held. The time is that of the processor, which other programs disturb
// less.
func BenchmarkSQLiteGuards(b *testing.B) {
	for name, driver := range sqliteDrivers {
		for kind, prepared := range map[string]bool{"prepared": true, "not prepared": false} {
			for _, state := range []string{"never held", "released", "another held"} {
				b.Run(fmt.Sprintf("%s/%s/%s", name, kind, state), func(b *testing.B) {
					db := openSQLite(b, driver, filepath.Join(b.TempDir(), "test.db"))
					db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, done INT, owner TEXT, notes TEXT)`)
					db.track("t", nil)
					db.exec(`WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1001) INSERT INTO t (id, title, done, owner) SELECT i, 'title', 0, 'ann' FROM s`)
					if state != "never held" {
						if hold := db.hold("t", sqliteKeys(1001), nil); state == "released" {
							db.release(hold)
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
