package chronomigrate_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// upgradeFrom names the server of an older major version: see "make test-upgrade".
const upgradeFrom = "CHRONONAUT_TEST_UPGRADE_FROM_URL"

// keyed has keys of many types, so that a hash of one that another major
// version computes otherwise would show.
var keyed = []string{
	`CREATE TYPE pair AS (a integer, b text)`,
	`CREATE TABLE of_integer (k integer PRIMARY KEY, x text)`,
	`CREATE TABLE of_text (k text PRIMARY KEY, x text)`,
	`CREATE TABLE of_numeric (k numeric PRIMARY KEY, x text)`,
	`CREATE TABLE of_float (k double precision PRIMARY KEY, x text)`,
	`CREATE TABLE of_uuid (k uuid PRIMARY KEY, x text)`,
	`CREATE TABLE of_time (k timestamptz, d date, x text, PRIMARY KEY (k, d))`,
	`CREATE TABLE of_bytea (k bytea, b boolean, x text, PRIMARY KEY (k, b))`,
	`CREATE TABLE of_pair (k pair PRIMARY KEY, x text)`,
	`CREATE TABLE of_array (k integer[] PRIMARY KEY, x text)`,
}

var keyedTables = []string{"of_integer", "of_text", "of_numeric", "of_float", "of_uuid", "of_time", "of_bytea", "of_pair", "of_array"}

var keyedRows = []string{
	`INSERT INTO of_integer SELECT n - 50 FROM generate_series(1, 100) AS n`,
	`INSERT INTO of_text SELECT repeat(chr(n * 37 + 33), n) FROM generate_series(1, 300) AS n`,
	`INSERT INTO of_numeric SELECT n * ('1e' || n - 50)::numeric FROM generate_series(1, 99) AS n`,
	`INSERT INTO of_float SELECT (n - 50) / 7.0 FROM generate_series(1, 100) AS n`,
	`INSERT INTO of_uuid SELECT md5(n::text)::uuid FROM generate_series(1, 100) AS n`,
	`INSERT INTO of_time SELECT '2000-01-01 UTC'::timestamptz + n * interval '1 day 1.000001 seconds', '2000-01-01'::date - n FROM generate_series(1, 100) AS n`,
	`INSERT INTO of_bytea SELECT decode(md5(n::text), 'hex'), n % 2 = 0 FROM generate_series(1, 100) AS n`,
	`INSERT INTO of_pair SELECT ROW(n, 'ü' || n)::pair FROM generate_series(1, 100) AS n`,
	`INSERT INTO of_array SELECT ARRAY[n, -n, NULL] FROM generate_series(1, 100) AS n`,
}

// recordHashes are the expressions of the indexes by record, for all of history.
const recordHashes = `
	SELECT array_agg(concat_ws(' ', a.id,
	           jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)),
	           jsonb_hash_extended(a.key, 1) # hashtextextended(translate(a.key::text, '0123456789.', ''), 1)) ORDER BY a.id)
	  FROM chrononaut.chrononaut_activity AS a`

// TestUpgrade dumps a database of an older major version and restores it into
// the server of the other tests.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	if os.Getenv(upgradeFrom) == "" {
		t.Skipf("%s names no server of an older major version: make test-upgrade", upgradeFrom)
	}
	old := (&fixture{T: t, db: pgtest.NewOn(t, upgradeFrom)}).open()
	tools := dumpTools(t, old.db.ServerMajor())
	if _, err := old.migrator.Up(t.Context(), nil); err != nil {
		t.Fatal(describe(err))
	}
	old.fillDumped()
	old.exec(keyed...)
	for _, table := range keyedTables {
		old.track(table, nil)
	}
	old.exec(keyedRows...)
	for _, table := range keyedTables {
		old.exec(`UPDATE ` + table + ` SET x = 'updated'`)
	}
	old.exec(`DELETE FROM of_integer WHERE k > 40`, `UPDATE of_text SET k = k || '!' WHERE length(k) < 3`)

	other := old.another()
	if from, to := old.db.ServerMajor(), other.db.ServerMajor(); from >= to {
		t.Fatalf("the server %s names has major version %d, the other %d", upgradeFrom, from, to)
	}
	// Through psql: pg_restore may be older than the new server.
	file := filepath.Join(t.TempDir(), "dump.sql")
	for _, args := range [][]string{
		{"pg_dump", "--format=plain", "--no-owner", "--file=" + file, "--dbname=" + old.db.URL()},
		{"psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=" + file, "--dbname=" + other.db.URL()},
	} {
		if out, err := exec.Command(filepath.Join(tools, args[0]), args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // our own arguments
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}

	other.wantSameHistory(old)
	if diff := cmp.Diff(old.strings(recordHashes), other.strings(recordHashes)); diff != "" {
		t.Errorf("the hashes of the record index differ between major versions:\n%s", diff)
	}
	other.wantCheck(append([]string{"history_moved cluster"}, renumbered...)...)
	if _, err := other.migrator.Up(t.Context(), nil); err != nil {
		t.Fatal(describe(err))
	}
	other.track("shop.gone", nil)
	other.wantCheck()
	client, err := chronopgx.New(other.pool, nil).Client()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range append([]string{"parts", "shop.gone", "todos"}, keyedTables...) {
		if got, err := chronotest.Replay(t.Context(), chronopgx.NewDriver(other.pool, nil), other.table(table), nil); err != nil || len(got) != 0 {
			t.Errorf("Replay(%s) = %v, %v", table, got, err)
		}
		other.readsByKey(client, other.table(table))
	}
	other.goesOn()
	other.exec(`UPDATE of_text SET x = 'on ` + other.text(`SHOW server_version_num`) + `'`)
	other.wantText("0", `SELECT count(*)::text FROM of_text AS t WHERE NOT EXISTS (SELECT FROM chrononaut.chrononaut_activity AS a
		WHERE a.table_name = 'of_text' AND a.key = jsonb_build_object('k', t.k) AND a.version = t.version AND a.operation = 'update')`)
}

// strings returns the only value of a query, an array of texts.
func (f *fixture) strings(sql string) []string {
	f.Helper()
	var values []string
	if err := f.conn.QueryRow(f.Context(), sql).Scan(&values); err != nil {
		f.Fatalf("%s\n%v", sql, describe(err))
	}
	return values
}

func (f *fixture) wantStrings(want []string, sql string) {
	f.Helper()
	if diff := cmp.Diff(want, f.strings(sql)); diff != "" {
		f.Errorf("%s (-want +got):\n%s", sql, diff)
	}
}

// readsByKey reads the history of each record through the API, and wants as
// many versions as there are.
func (f *fixture) readsByKey(client *chrononaut.Client, table chrononaut.Table) {
	f.Helper()
	if table.Schema == "" {
		table.Schema = "public"
	}
	rows, err := f.conn.Query(f.Context(), `SELECT key::text, count(*)::integer FROM chrononaut.chrononaut_activity
		WHERE table_schema = $1 AND table_name = $2 AND key <> '{}' GROUP BY key`, table.Schema, table.Name)
	if err != nil {
		f.Fatal(err)
	}
	want := map[string]int{}
	var key string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&key, &n}, func() error { want[key] = n; return nil }); err != nil {
		f.Fatal(err)
	}
	if len(want) == 0 {
		f.Errorf("%s has no history", table)
	}
	history := chrononaut.NewHistory[map[string]any](client, table, nil)
	for text, n := range want {
		var key chrononaut.Key
		if err := json.Unmarshal([]byte(text), &key); err != nil {
			f.Fatal(err)
		}
		// A record that changed its key has versions under its other key too.
		if versions, err := history.Versions(f.Context(), key, nil); err != nil || len(versions) < n {
			f.Errorf("Versions(%s, %s) = %d versions, %v; want %d", table, text, len(versions), err, n)
		}
	}
}
