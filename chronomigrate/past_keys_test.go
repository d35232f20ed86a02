package chronomigrate_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestPastByKey takes tables with keys of many types through inserts, updates,
// deletions, changes of the key and TRUNCATE, and compares every state with a copy
// of the table that was made then, as a whole and by each key.
func TestPastByKey(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		columns string // of the key, c1, c2 …
		keys    [4]string
		scans   bool // the key's type is the application's own
	}{
		{columns: `c1 integer`, keys: [4]string{`1`, `-1`, `2147483647`, `0`}},
		{columns: `c1 smallint`, keys: [4]string{`1`, `-1`, `32767`, `0`}},
		{columns: `c1 bigint`, keys: [4]string{`1`, `-1`, `9223372036854775807`, `0`}},
		{columns: `c1 numeric(8,2)`, keys: [4]string{`1`, `-1.5`, `123456.78`, `0`}},
		{columns: `c1 numeric`, keys: [4]string{`1.0`, `1e20`, `0.1`, `-0.1`}},
		{columns: `c1 double precision`, keys: [4]string{`0.1`, `1e300`, `'Infinity'`, `'NaN'`}},
		{columns: `c1 text`, keys: [4]string{`'a'`, `'A'`, `'it''s {"x"} \'`, `''`}},
		{columns: `c1 varchar(5)`, keys: [4]string{`'a'`, `'A'`, `'ééééé'`, `''`}},
		{columns: `c1 char(3)`, keys: [4]string{`'a'`, `'A'`, `'abc'`, `''`}},
		{columns: `c1 text COLLATE "C"`, keys: [4]string{`'a'`, `'A'`, `'ä'`, `''`}},
		{columns: `c1 boolean, c2 date`, keys: [4]string{`true, '2024-02-29'`, `false, '2024-02-29'`, `true, '0044-03-15 BC'`, `true, 'infinity'`}},
		{columns: `c1 uuid`, keys: [4]string{`'00000000-0000-0000-0000-000000000001'`, `'ffffffff-0000-0000-0000-000000000001'`, `'00000000-0000-4000-8000-000000000001'`, `'00000000-0000-0000-0000-000000000000'`}},
		{columns: `c1 timestamptz`, keys: [4]string{`'2024-03-31 02:30+01'`, `'2024-03-31 02:30+02'`, `'-infinity'`, `'2024-01-01 00:00:00.000001Z'`}},
		{columns: `c1 timestamp(3), c2 time`, keys: [4]string{`'2024-03-31 02:30', '24:00'`, `'2024-03-31 02:30:00.001', '0:00'`, `'infinity', '0:00'`, `'2024-03-31', '1:02:03.000004'`}},
		{columns: `c1 interval`, keys: [4]string{`'1 day'`, `'1 month'`, `'-3 days +04:05:06.789'`, `'0'`}},
		{columns: `c1 bytea`, keys: [4]string{`'\x00'`, `'\xff00'`, `'abc'`, `''`}},
		{columns: `c1 inet`, keys: [4]string{`'10.0.0.1'`, `'10.0.0.0/8'`, `'::1'`, `'2001:db8::/32'`}},
		{columns: `c1 integer, c2 text, c3 bigint`, keys: [4]string{`1, 'a', 1`, `1, 'a', 2`, `1, 'b', 1`, `2, 'a', 1`}},
		{columns: `c1 color`, keys: [4]string{`'red'`, `'blue'`, `'it''s'`, `'none'`}, scans: true},
		{columns: `c1 positive`, keys: [4]string{`1`, `2`, `3`, `4`}, scans: true},
		{columns: `c1 integer[]`, keys: [4]string{`'{1,2}'`, `'{}'`, `'{NULL,1}'`, `'{{1},{2}}'`}, scans: true},
		{columns: `c1 pair`, keys: [4]string{`'(1,a)'::pair`, `'(1,b)'::pair`, `'(2,a)'::pair`, `'(,"x y")'::pair`}, scans: true},
		{columns: `c1 text COLLATE blind`, keys: [4]string{`'a'`, `'b'`, `'É'`, `''`}, scans: true},
	} {
		t.Run(tc.columns, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if strings.Contains(tc.columns, "blind") && f.text(`SELECT count(*)::text FROM pg_collation WHERE collprovider = 'i'`) == "0" {
				t.Skip("this PostgreSQL has no ICU")
			}
			f.exec(`CREATE TYPE color AS ENUM ('red', 'blue', 'it''s', 'none')`, `CREATE DOMAIN positive AS integer CHECK (VALUE > 0)`, `CREATE TYPE pair AS (n integer, t text)`)
			if strings.Contains(tc.columns, "blind") {
				f.exec(`CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
			}
			names := "c1"
			for i := range strings.Count(tc.columns, ",") - strings.Count(tc.columns, "8,2") {
				names += fmt.Sprintf(", c%d", i+2)
			}
			f.exec(fmt.Sprintf(`CREATE TABLE "odd ""table" (%s, x text, PRIMARY KEY (%s))`, tc.columns, names))
			f.track(`"odd ""table"`, nil)
			type state struct{ point, copy string }
			var states []state
			step := func(sql string, args ...any) {
				t.Helper()
				f.exec(fmt.Sprintf(sql, args...))
				copied := fmt.Sprintf("copy%d", len(states))
				f.exec(fmt.Sprintf(`CREATE TABLE %s AS SELECT * FROM "odd ""table"`, copied))
				states = append(states, state{f.now(), copied})
			}
			is := func(key string) string { return "(" + names + ") = (" + key + ")" }
			step(`INSERT INTO "odd ""table" (%s, x) VALUES (%s, 'first'), (%s, 'second'), (%s, 'third')`, names, tc.keys[0], tc.keys[1], tc.keys[2])
			step(`UPDATE "odd ""table" SET x = x || '!'`)
			step(`DELETE FROM "odd ""table" WHERE %s`, is(tc.keys[0]))
			step(`INSERT INTO "odd ""table" (%s, x) VALUES (%s, 'again')`, names, tc.keys[0])
			step(`UPDATE "odd ""table" SET (%s) = ROW(%s) WHERE %s`, names, tc.keys[3], is(tc.keys[1]))
			step(`UPDATE "odd ""table" SET (%s) = ROW(%s) WHERE %s`, names, tc.keys[1], is(tc.keys[2]))
			step(`UPDATE "odd ""table" SET (%s) = ROW(%s) WHERE %s`, names, tc.keys[2], is(tc.keys[3]))
			step(`TRUNCATE "odd ""table"`)
			step(`INSERT INTO "odd ""table" (%s, x) VALUES (%s, 'after')`, names, tc.keys[3])
			f.wantCheck()

			const rows = `SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text), '-') FROM %s AS t`
			for i, s := range states {
				want := f.text(fmt.Sprintf(rows, s.copy))
				f.wantPast(want, s.point, fmt.Sprintf(rows, `"odd ""table"`))
				for _, key := range tc.keys {
					condition := fmt.Sprintf(rows+" WHERE %s", s.copy, is(key))
					want := f.text(condition)
					f.wantPast(want, s.point, strings.Replace(condition, s.copy, `"odd ""table"`, 1))
				}
				if f.Failed() {
					t.Fatalf("after step %d", i+1)
				}
			}
			if !tc.scans {
				f.wantKeyIndex(states[0].point, `SELECT * FROM "odd ""table" WHERE `+is(tc.keys[0]))
			}
		})
	}
}

var keyCondition = regexp.MustCompile(`Index Cond: \(+k1\)?(::text)? = `)

// wantKeyIndex checks that a query of the past can find its keys in an index.
func (f *fixture) wantKeyIndex(point, query string) {
	f.Helper()
	err := pgx.BeginFunc(f.Context(), f.conn, func(tx pgx.Tx) error {
		for _, sql := range []string{`SET LOCAL enable_seqscan = off`, `SET LOCAL enable_bitmapscan = off`} {
			if _, err := tx.Exec(f.Context(), sql); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(f.Context(), `SELECT chrononaut.travel($1)`, point); err != nil {
			return err
		}
		rows, err := tx.Query(f.Context(), `EXPLAIN `+query)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan := strings.Join(lines, "\n")
		if !strings.Contains(plan, "_keys_k1") || !keyCondition.MatchString(plan) {
			f.Errorf("the key is not looked up in an index:\n%s", plan)
		}
		return err
	})
	if err != nil {
		f.Fatal(describe(err))
	}
}
