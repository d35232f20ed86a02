package chrononaut_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// A restore of many records is a few statements. CHRONONAUT_TEST_RESTORE is how
// many; docs/restoring.md has figures.
func TestRestoreManyRecords(t *testing.T) {
	t.Parallel()
	n := 3000
	if given, err := strconv.Atoi(os.Getenv("CHRONONAUT_TEST_RESTORE")); err == nil {
		n = given
	}
	f := newFixture(t)
	f.exec(`CREATE TABLE parts (id uuid PRIMARY KEY, name text, price numeric(12,4), tags text[], seen timestamptz, secret text)`)
	f.track("parts", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	f.exec(fmt.Sprintf(`INSERT INTO parts SELECT md5(g::text)::uuid, 'part ' || g, g / 7.0, ARRAY['a', g::text], now(), 's' FROM generate_series(1, %d) AS g`, n))
	state := `SELECT count(*) || ' ' || sum(price) || ' ' || md5(string_agg(name || tags::text || seen::text, ',' ORDER BY id)) FROM parts`
	want := f.rows(state)
	at := f.now()
	f.exec(`UPDATE parts SET price = price + 1, name = 'x' WHERE id < '80000000-0000-0000-0000-000000000000'`, `DELETE FROM parts WHERE id > 'c0000000-0000-0000-0000-000000000000'`, `UPDATE parts SET tags = NULL`)
	begun := time.Now()
	plan := must(f.client.Restore(t.Context(), f.name("parts"), nil, chrononaut.ToPoint(chrononaut.At(at)), nil))(t)
	planned := time.Now()
	if len(plan.Items) != n || len(plan.Steps) != 2 {
		t.Fatalf("the plan has %d items, %d steps", len(plan.Items), len(plan.Steps))
	}
	calls, last := 0, 0
	result := f.apply(plan, &chrononaut.RestoreApplyOpts{Progress: func(done, total int) {
		if total != n || done <= last {
			t.Errorf("progress %d of %d", done, total)
		}
		calls, last = calls+1, done
	}})
	if calls == 0 || last != n {
		t.Errorf("progress ended at %d after %d calls", last, calls)
	}
	t.Logf("%d records: planned in %s, applied in %s: %+v", n, planned.Sub(begun).Round(time.Millisecond), time.Since(planned).Round(time.Millisecond), *result)
	f.wantRows(state, want...)
	begun = time.Now()
	back := must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))(t)
	planned = time.Now()
	f.apply(back, &chrononaut.RestoreApplyOpts{ChunkSize: 1000})
	t.Logf("revert: planned in %s, applied in chunks in %s", planned.Sub(begun).Round(time.Millisecond), time.Since(planned).Round(time.Millisecond))
}
