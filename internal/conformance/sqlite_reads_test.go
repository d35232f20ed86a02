package conformance_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

// BenchmarkSQLiteReads measures reads of histories of 100,000 and 1,000,000
// versions: ten of each record, in 20 tables, by 1,000 actors, an entry a minute.
func BenchmarkSQLiteReads(b *testing.B) {
	times := map[string][]float64{}
	for _, size := range []int{100_000, 1_000_000} {
		db := openSQLite(b, "sqlite", filepath.Join(b.TempDir(), "test.db"))
		db.exec(`PRAGMA journal_mode = wal`)
		for n := range 20 {
			db.exec(fmt.Sprintf(`CREATE TABLE t%d (id INTEGER PRIMARY KEY, title TEXT, n INT)`, n))
			db.track(fmt.Sprintf("t%d", n), nil)
		}
		start := time.Now().Add(time.Hour).UTC().Truncate(time.Minute) // the clock is never set back
		db.exec(`INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation, transaction_id, changed)
			SELECT 't' || (i % 20), 10 * i / ?1, '{"id":' || (i % (?1 / 10)) || '}',
			       '{"id":' || (i % (?1 / 10)) || ',"title":"' || iif(i % 1000 < 20, i, 'title') || '","n":' || i || ',"version":' || (10 * i / ?1) || '}',
			       '{"user_id":"' || (i / 7 % 1000) || '","remote_addr":null}', iif(i < ?1 / 10, 'insert', 'update'), i / 5,
			       strftime('%Y-%m-%dT%H:%M:%fZ', ?2 + 60 * i, 'unixepoch')
			  FROM (WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < ?1 - 1) SELECT i FROM s)`, size, start.Unix())
		client := db.client()
		table := chrononaut.Table{Name: "t0"}
		h := chrononaut.NewHistory[map[string]any](client, table, nil)
		middle := start.Add(time.Duration(size/2) * time.Minute)
		ctx := b.Context()
		log := func(o chrononaut.ActivityOpts) error {
			changes, err := client.Activity(ctx, &o)
			if err == nil && len(changes) == 0 {
				err = fmt.Errorf("no changes for %+v", o)
			}
			return err
		}
		reads := map[string]func(i int) error{
			"versions":           func(i int) error { _, err := h.Versions(ctx, i, nil); return err },
			"at":                 func(i int) error { _, err := h.At(ctx, i, middle); return err },
			"previous":           func(i int) error { _, err := h.Previous(ctx, i); return err },
			"diff":               func(i int) error { _, err := h.DiffVersions(ctx, i, 2, 7); return err },
			"an actor's last 50": func(i int) error { return log(chrononaut.ActivityOpts{Actor: fmt.Sprint(i % 1000), Limit: 50}) },
			"a table's last 50":  func(int) error { return log(chrononaut.ActivityOpts{Table: table, Limit: 50}) },
			"one transaction":    func(i int) error { return log(chrononaut.ActivityOpts{Transaction: uint64(i + 1)}) },
			"one column in a day": func(int) error {
				return log(chrononaut.ActivityOpts{Table: table, Column: "title", Since: middle, Until: middle.Add(24 * time.Hour)})
			},
			"one hour, oldest 100": func(int) error {
				return log(chrononaut.ActivityOpts{Since: middle, Until: middle.Add(time.Hour), OldestFirst: true})
			},
		}
		for name, read := range reads {
			var list []float64
			for i := range 200 {
				first := time.Now()
				if err := read(20 * (i * 37 % (size / 200))); err != nil {
					b.Fatalf("%s: %v", name, err)
				}
				list = append(list, float64(time.Since(first).Microseconds())/1000)
			}
			slices.Sort(list)
			times[name] = append(times[name], list[len(list)/2])
		}
	}
	for b.Loop() { // everything is measured before
	}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range times {
			if !yield(name) {
				return
			}
		}
	}) {
		b.Logf("%-22s 100,000: %6.2f ms  1,000,000: %6.2f ms  ratio %.2f", name, times[name][0], times[name][1], times[name][1]/times[name][0])
	}
}
