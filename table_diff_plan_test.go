package chrononaut_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// Comparing a table at two times looks everything up in indexes, sorts no more
// than a page, and what it reads of other tables and of older changes does not
// grow with them. CHRONONAUT_TEST_SOAK makes the table one of 100,000 records and
// prints how long it takes.
func TestTableDiffsUseIndexes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	records := pgtest.Size(3_000, 6_000)
	if os.Getenv("CHRONONAUT_TEST_SOAK") != "" {
		records = 100_000
	}
	f.exec(fmt.Sprintf(`
		INSERT INTO chrononaut.chrononaut_activity (table_schema, table_name, key, version, data, user_info, operation, changed)
		SELECT 'public', CASE WHEN i %% 2 = 0 THEN 'todos' ELSE 'elsewhere' END, jsonb_build_object('id', i / 2), version,
		       jsonb_build_object('id', i / 2, 'title', 'x' || version || repeat('y', 100), 'done', false, 'version', version), '{"user_id": "bob"}',
		       CASE version WHEN 0 THEN 'insert' ELSE 'update' END, '2020-01-01Z'::timestamptz + version * interval '1 day' + i * interval '1 millisecond'
		  FROM generate_series(0, 2) AS version, generate_series(0, %d) AS i`, 2*records-1))
	f.exec(`VACUUM ANALYZE chrononaut.chrononaut_activity`)
	day := func(n int) time.Time { return time.Date(2020, 1, 1+n, 0, 0, 0, 0, time.UTC).Add(-time.Millisecond) }
	driver := &recorder{Queryer: chronopgx.NewDriver(f.pool, nil)}
	h = h.With(must(chrononaut.NewClient(driver, chronodriver.PostgreSQL, nil))(t))
	count := func(from, to time.Time) map[chrononaut.DiffKind]int {
		kinds := map[chrononaut.DiffKind]int{}
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		start, peak := time.Now(), uint64(0)
		n := 0
		for r, err := range h.DiffAll(t.Context(), from, to, nil) {
			if err != nil {
				t.Fatal(err)
			}
			kinds[r.Kind]++
			if n++; n%20_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc)
			}
		}
		t.Logf("%d records in %s, live memory at most %d KiB", n, time.Since(start).Round(time.Millisecond), peak/1024)
		return kinds
	}
	// The history is older than tracking: what was recorded counts all the same.
	if got := count(day(0), day(3)); got[chrononaut.DiffNotRecorded] != records || len(got) != 1 {
		t.Errorf("differences from before the first change = %v, want %d that are not recorded", got, records)
	}
	if got := count(day(1), day(3)); got[chrononaut.DiffChanged] != records || len(got) != 1 {
		t.Errorf("differences = %v, want %d changed", got, records)
	}
	driver.queries = nil
	const few = 100
	short := day(2).Add(time.Duration(2*few) * time.Millisecond)
	if got := count(day(2), short); got[chrononaut.DiffChanged] != few {
		t.Errorf("differences of a short time = %v, want %d changed", got, few)
	}
	for _, q := range driver.queries {
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			if !strings.Contains(q.sql, "page AS MATERIALIZED") {
				continue
			}
			plan := f.explain(q, mode)
			plan.walk(func(n node) {
				if n.Type == "Seq Scan" && n.Relation == "chrononaut_activity" {
					t.Errorf("%s: a sequential scan of history in\n%s", mode, q.sql)
				}
			})
			// A few look-ups of three or four pages for each of the changes.
			if touched := plan.Hit + plan.Read; touched > few*60+200 {
				t.Errorf("%s: %d pages for %d changes", mode, touched, few)
			}
		}
	}
}
