package chronomigrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// inspected reads a table with the options that it is tracked with.
func (f *fixture) inspected(schema, name string) *postgres.Table {
	f.Helper()
	sql, args, err := postgres.InspectSQL("chrononaut", schema, name)
	if err != nil {
		f.Fatal(err)
	}
	var document, options string
	if err := f.pool.QueryRow(f.Context(), sql, args...).Scan(&document); err != nil {
		f.Fatalf("inspect %s: %v", name, describe(err))
	}
	found, err := postgres.ParseInspected(document)
	if err != nil {
		f.Fatal(err)
	}
	if err := f.pool.QueryRow(f.Context(), `SELECT options::text FROM chrononaut.chrononaut_table WHERE table_schema = $1 AND table_name = $2`,
		found.Schema, found.Name).Scan(&options); err != nil {
		f.Fatal(err)
	}
	opts, err := postgres.DecodeOptions(options)
	if err != nil {
		f.Fatal(err)
	}
	return found.Table("chrononaut", opts)
}

// Two sessions that agree on nothing.
const (
	oneSession = `
		SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3;
		SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content'; SET standard_conforming_strings = on`
	otherSession = `
		SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -15;
		SET bytea_output = 'escape'; SET lc_monetary = 'de_DE.UTF-8'; SET xmloption = 'document';
		SET search_path = other, pg_catalog; SET escape_string_warning = off; SET standard_conforming_strings = off`
)

// available leaves out the locale that the server does not have.
func (f *fixture) available(settings string) string {
	f.Helper()
	if err := try(f.Context(), f.conn, `SET LOCAL lc_monetary = 'de_DE.UTF-8'`); err != nil {
		return strings.Replace(settings, `SET lc_monetary = 'de_DE.UTF-8';`, ``, 1)
	}
	return settings
}

func TestTypes(t *testing.T) { //nolint:tparallel // The subtests share a database and sessions.
	t.Parallel()
	f := newFixture(t)
	f.exec(pgtest.TypesSchema)
	// One table for each type, so that one type's failure does not hide another's.
	for i, tc := range pgtest.Types {
		t.Run(fmt.Sprintf("a value of type %s is recorded and read exactly", tc.Name), func(t *testing.T) {
			if f.db.ServerMajor() < tc.Since {
				t.Skipf("needs PostgreSQL %d", tc.Since)
			}
			f := &fixture{T: t, db: f.db, pool: f.pool, migrator: f.migrator, conn: f.connect()}
			name := fmt.Sprintf("t%d", i)
			f.exec(`SET search_path = public`, `CREATE TABLE `+name+` (id integer PRIMARY KEY, c `+tc.Name+`)`)
			f.track("public."+name, nil)
			one, other := f.connect(), f.connect()
			f.execOn(one, oneSession)
			f.execOn(other, f.available(otherSession))
			// The value is computed once, in one session; the other copies it.
			f.execOn(one, `SET search_path = public`)
			for n, value := range append(tc.Values, "NULL") {
				f.execOn(one, fmt.Sprintf(`INSERT INTO %s VALUES (%d, %s)`, name, 2*n, value))
				f.execOn(other, fmt.Sprintf(`INSERT INTO public.%s (id, c) SELECT id + 1, c FROM public.%s WHERE id = %d`, name, name, 2*n))
			}
			f.wantText("0", fmt.Sprintf(`
				SELECT count(*)::text FROM chrononaut.chrononaut_activity AS a JOIN chrononaut.chrononaut_activity AS b
				    ON a.table_name = b.table_name AND (b.key ->> 'id')::int = (a.key ->> 'id')::int + 1 AND (a.key ->> 'id')::int %% 2 = 0
				 WHERE a.table_name = '%s' AND (a.data -> 'c')::text IS DISTINCT FROM (b.data -> 'c')::text`, name))

			table := f.inspected("public", name)
			for _, reader := range []string{oneSession, otherSession} {
				conn := f.connect()
				f.execOn(conn, f.available(reader))
				if err := sameAsLive(t.Context(), conn.QueryRow, table); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// sameAsLive compares the last state that history has of every row with the live table, by image.
func sameAsLive[R interface{ Scan(...any) error }](ctx context.Context, query func(context.Context, string, ...any) R, table *postgres.Table) error {
	names := make([]string, 0, len(table.Columns))
	for _, c := range table.RecordColumns() {
		names = append(names, "t."+postgres.QuoteIdent(c.Name))
	}
	items := table.RecordSelect("l.data")
	base := make([]string, 0, len(names))
	for i, c := range table.RecordColumns() {
		if c.BaseType == "pg_catalog.xml" {
			// An XML declaration that says nothing is stored and not shown.
			names[i] += "::pg_catalog.text"
			items[i] = "(" + strings.TrimSuffix(items[i], " AS "+postgres.QuoteIdent(c.Name)) + ")::pg_catalog.text AS " + postgres.QuoteIdent(c.Name)
			base = append(base, names[i]+" AS "+postgres.QuoteIdent(c.Name))
			continue
		}
		base = append(base, names[i]+"::"+c.BaseType+" AS "+postgres.QuoteIdent(c.Name))
	}
	sql := `WITH events AS (
			SELECT a.key, a.version, a.id, true AS arrival, a.data, a.operation FROM ` + postgres.QuoteIdent(table.HistorySchema) + `.chrononaut_activity AS a
			 WHERE a.table_schema = $1 AND a.table_name = $2 AND a.operation NOT IN ('track', 'untrack')
			 UNION ALL
			SELECT a.previous_key, a.version, a.id, false, NULL, 'delete' FROM ` + postgres.QuoteIdent(table.HistorySchema) + `.chrononaut_activity AS a
			 WHERE a.table_schema = $1 AND a.table_name = $2 AND a.previous_key IS NOT NULL
		), last AS (
			SELECT DISTINCT ON (e.key) e.data, e.operation FROM events AS e
			 ORDER BY e.key, e.version DESC, e.arrival DESC, e.id DESC
		), past AS (
			SELECT ` + strings.Join(items, ", ") + ` FROM last AS l WHERE l.operation NOT IN ('delete', 'truncate')
		), live AS (SELECT ` + strings.Join(base, ", ") + ` FROM ` + table.Qualified() + ` AS t)
		SELECT (SELECT count(*) FROM past), (SELECT count(*) FROM live),
		       coalesce((SELECT string_agg('past ' || t::pg_catalog.text, E'\n') FROM past AS t WHERE NOT EXISTS (SELECT FROM live AS l WHERE l OPERATOR(pg_catalog.*=) t)), ''),
		       coalesce((SELECT string_agg('live ' || t::pg_catalog.text, E'\n') FROM live AS t WHERE NOT EXISTS (SELECT FROM past AS l WHERE l OPERATOR(pg_catalog.*=) t)), '')`
	var past, live int
	var onlyPast, onlyLive string
	if err := query(ctx, sql, table.Schema, table.Name).Scan(&past, &live, &onlyPast, &onlyLive); err != nil {
		return fmt.Errorf("%s\n%w", strings.Join(items, ",\n"), describe(err))
	}
	if past != live || onlyPast != "" || onlyLive != "" {
		cut := func(s string) string { return s[:min(len(s), 2000)] }
		return errors.New("replayed history differs from the table:\n" + cmp.Diff(cut(onlyLive), cut(onlyPast)) + fmt.Sprintf("%d rows in history, %d live", past, live))
	}
	return nil
}
