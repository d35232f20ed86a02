package chronomigrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

type typeCase struct {
	typ    string
	values []string // SQL
	minVer int
}

var typeCases = []typeCase{
	{typ: "smallint", values: []string{"-32768", "32767"}},
	{typ: "integer", values: []string{"-2147483648", "0"}},
	{typ: "bigint", values: []string{"9007199254740993", "-9223372036854775808", "9223372036854775807"}},
	{typ: "numeric", values: []string{"1.10", "-0.000", "'NaN'", "1e-400", "repeat('7', 1000)::numeric", "('0.' || repeat('3', 1000))::numeric", "123456789012345678901234567890.12345678901234567890"}},
	{typ: "numeric", values: []string{"'Infinity'", "'-Infinity'"}, minVer: 14},
	{typ: "numeric(10,3)", values: []string{"1.100"}},
	{typ: "real", values: []string{"'NaN'", "'Infinity'", "'-Infinity'", "0.1", "1e-45", "3.4028235e38", "'-0'", "16777217"}},
	{typ: "double precision", values: []string{"'NaN'", "'Infinity'", "'-Infinity'", "0.1", "5e-324", "1.7976931348623157e308", "'-0'", "0", "0.1::float8 + 0.2::float8", "1e22"}},
	{typ: "boolean", values: []string{"true", "false"}},
	{typ: "text", values: []string{"''", "'null'", `E'a\'b"c\\d\n\t\u00e9\U0001F600'`, "'$$ $chrononaut$ % %s'", `'{"chrononaut:text": "x"}'`, "repeat('x', 3000000)", `E'\x01\x7f'`}},
	{typ: "varchar(5)", values: []string{"'abc  '"}},
	{typ: "char(5)", values: []string{"'ab'", "'     '"}},
	{typ: `"char"`, values: []string{"'x'", "''"}},
	{typ: "name", values: []string{"'some name'"}},
	{typ: "bytea", values: []string{`'\x00ff5c27'`, "''"}},
	{typ: "date", values: []string{"'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'10000-01-02'", "'5874897-12-31'", "'0001-01-01'"}},
	{typ: "time", values: []string{"'23:59:59.999999'", "'24:00:00'"}},
	{typ: "timetz", values: []string{"'23:59:59.999999-08:30:15'"}},
	{typ: "timestamp", values: []string{"'2024-02-29 12:34:56.123456'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00.5 BC'", "'294276-12-31 23:59:59.999999'"}},
	{typ: "timestamptz", values: []string{"'2024-02-29 12:34:56.123456+05:45'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00.5+00 BC'", "'12345-06-07 01:02:03+00'", "'1890-01-01 00:00:00 Europe/Amsterdam'"}},
	{typ: "interval", values: []string{"'1 year -2 mons +3 days -04:05:06.789'", "'-1 year -2 days -00:00:00.000001'", "'0'", "'-1 mon +1 sec'", "'178000000 years'", "'-3 days'", "'-04:05'", "'1 mon -1 day'"}},
	{typ: "interval", values: []string{"'infinity'", "'-infinity'"}, minVer: 17},
	{typ: "money", values: []string{"1234567.89::numeric::money", "(-0.01)::numeric::money"}},
	{typ: "uuid", values: []string{"'00000000-0000-0000-0000-00000000000a'"}},
	{typ: "inet", values: []string{"'192.168.1.5/24'", "'::1'", "'10.0.0.1/32'"}},
	{typ: "cidr", values: []string{"'10.0.0.0/8'"}},
	{typ: "macaddr", values: []string{"'08:00:2b:01:02:03'"}},
	{typ: "macaddr8", values: []string{"'08:00:2b:01:02:03:04:05'"}},
	{typ: "bit(5)", values: []string{"B'10101'"}},
	{typ: "bit varying", values: []string{"B''", "B'001'"}},
	{typ: "point", values: []string{"'(1.1,-2.2)'", "'(-0,1e-300)'", "'(NaN,Infinity)'"}},
	{typ: "line", values: []string{"'{1,2,3}'"}},
	{typ: "lseg", values: []string{"'[(1,2),(3,4)]'"}},
	{typ: "box", values: []string{"'(3,4),(1,2)'"}},
	{typ: "path", values: []string{"'[(1,2),(3,4)]'", "'((1,2),(3,4))'"}},
	{typ: "polygon", values: []string{"'((1,2),(3,4),(5,6))'"}},
	{typ: "circle", values: []string{"'<(1,2),3>'"}},
	{typ: "tsvector", values: []string{`'fat:2A cat:3 ''it''''s'':5B'`}},
	{typ: "tsquery", values: []string{"'fat & !(cat | dog:*A)'"}},
	{typ: "pg_lsn", values: []string{"'16/B374D848'"}},
	{typ: "oid", values: []string{"4294967295"}},
	{typ: "regclass", values: []string{"'public.target'::regclass", "'pg_catalog.pg_class'::regclass", "0::regclass"}},
	{typ: "regtype", values: []string{"'public.mood'::regtype", "'integer'::regtype"}},
	{typ: "regproc", values: []string{"'pg_catalog.now'::regproc"}},
	{typ: "xid8", values: []string{"'18446744073709551615'"}},
	{typ: "tid", values: []string{"'(1,2)'"}},
	{typ: "jsonb", values: []string{`'null'`, `'{"a": null, "b": [null, {"c": null}]}'`, `'"null"'`, `'1.10'`, `'{"chrononaut:text": 1}'`, `'["chrononaut:text"]'`, `'{}'`, `'[]'`, `'1e400'`, `'"chrononaut:text"'`}},
	{typ: "json", values: []string{`'null'`, `' { "b" : 1, "a" : 2,  "a" : 3 } '`, `E'{"z": "\\\\u0000"}'::json`, `E'"\\\\ud83d"'::json`, `'1e400000'`, `'""'`, `'{"chrononaut:text": "x"}'`}},
	{typ: "xml", values: []string{"xmlparse(content 'a <b>c</b> d')", `xmlparse(document '<?xml version="1.0"?><!DOCTYPE r><r a="1"/>')`, "xmlparse(content '')"}},
	{typ: "jsonpath", values: []string{`'$.a[*] ? (@ > 1)'`}},
	{typ: "mood", values: []string{"'happy'", `'it''s "odd"'`}},
	{typ: "positive", values: []string{"5"}},
	{typ: "label", values: []string{"'a'"}},
	{typ: "tags", values: []string{"'{a,NULL,\"\"}'", "'[0:1]={a,b}'"}},
	{typ: "doc", values: []string{`'{"a": 1,  "a": 2}'`, "'null'"}},
	{typ: "docb", values: []string{`'{"a": 1}'`, "'null'"}},
	{typ: "cash", values: []string{"1.50::numeric::money"}},
	{typ: "pair", values: []string{"ROW(1, 'x', NULL)", "ROW(NULL, NULL, NULL)", `ROW(2, E'a"b\\c,(d)', 'happy')`}},
	{typ: "nested", values: []string{"ROW(ROW(1, 'x', 'happy'), 2)", "ROW(NULL, NULL)"}},
	{typ: "special", values: []string{`ROW('{"a": 1, "a": 2}', '{1,2}', 'null', '-0')`, "ROW(NULL, '{}', NULL, 'NaN')"}},
	{typ: "place", values: []string{"ROW(-0.0::float8, 1.5, 'x-0,')", "ROW('-0'::float8, 'NaN', NULL)", "ROW(0.1, 1e300, '')"}},
	{typ: "priced", values: []string{"ROW('x', 12.50::numeric::money)"}},
	{typ: "integer[]", values: []string{"'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[2:3]={1,2}'", "'[0:1][-1:0]={{1,2},{3,4}}'"}},
	{typ: "text[]", values: []string{`'{}'`, `ARRAY['null', NULL, '', '[1]', '{a}', 'a"b\c', 'a,b', '-0']`, `ARRAY[ARRAY['a','b'],ARRAY['c',NULL]]`}},
	{typ: "float8[]", values: []string{"'{-0,0,NaN,Infinity,NULL,0.1}'", "'{}'", "'{0.1}'", "'[5:5]={1}'"}},
	{typ: "numeric[]", values: []string{"'{1.10,NaN}'"}},
	{typ: "bytea[]", values: []string{`ARRAY['\x00ff'::bytea, NULL]`}},
	{typ: "timestamptz[]", values: []string{"ARRAY['2024-02-29 12:34:56.123456+05:45'::timestamptz, 'infinity']"}},
	{typ: "interval[]", values: []string{"ARRAY['-1 year +3 days'::interval]"}},
	{typ: "money[]", values: []string{"ARRAY[1.50::numeric::money, NULL]"}},
	{typ: "xml[]", values: []string{"ARRAY[xmlparse(content 'a <b/>'), NULL]"}},
	{typ: "json[]", values: []string{`ARRAY['{"a": 1,  "a": 2}'::json, 'null', NULL]`}},
	{typ: "jsonb[]", values: []string{`ARRAY['null'::jsonb, NULL, '{"a": [1]}', '[1,2]']`, "'{}'"}},
	{typ: "mood[]", values: []string{"ARRAY['happy'::public.mood, NULL]"}},
	{typ: "pair[]", values: []string{"ARRAY[ROW(1, 'x', NULL)::public.pair, NULL, ROW(NULL, NULL, NULL)::public.pair]"}},
	{typ: "tags[]", values: []string{"ARRAY['{a,b}'::public.tags]"}},
	{typ: "int2vector", values: []string{"'1 2 3'"}},
	{typ: "oidvector", values: []string{"'1 2'"}},
	{typ: "int4range", values: []string{"'[1,5)'", "'empty'", "'(,)'"}},
	{typ: "numrange", values: []string{"'[1.10,2.20]'"}},
	{typ: "daterange", values: []string{"'[2024-01-01,infinity)'", "'[0044-03-15 BC,2024-01-01)'"}},
	{typ: "tstzrange", values: []string{"'[2024-01-01 00:00:00.000001+00,2024-06-01 00:00+02]'", "'[,infinity]'"}},
	{typ: "floatrange", values: []string{"'[-0,0.1)'"}},
	{typ: "textrange", values: []string{`'["a,b","c\"d")'`}},
	{typ: "int4multirange", values: []string{"'{[1,5), [7,9)}'", "'{}'"}, minVer: 14},
	{typ: "tstzmultirange", values: []string{"'{[2024-01-01 00:00+00,2024-06-01 00:00+02]}'"}, minVer: 14},
	{typ: "int4range[]", values: []string{"ARRAY['[1,5)'::int4range]"}},
	{typ: "public.hstore", values: []string{`'a=>1, b=>NULL, "c d"=>"true"'`, "''"}},
	{typ: "public.hstore[]", values: []string{`ARRAY['a=>1'::public.hstore]`}},
	{typ: "public.citext", values: []string{"'AbC'"}},
	{typ: "public.ltree", values: []string{"'Top.Science'"}},
}

const typesSchema = `
	CREATE SCHEMA other;
	CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;
	CREATE TYPE mood AS ENUM ('happy', 'it''s "odd"');
	-- Names that another search path would resolve otherwise.
	CREATE TYPE other.mood AS ENUM ('x');
	CREATE TABLE target (); CREATE TABLE other.target ();
	CREATE TABLE other.pg_class ();
	CREATE DOMAIN other.text AS integer;
	CREATE DOMAIN other.jsonb AS integer;
	CREATE DOMAIN positive AS integer NOT NULL CHECK (VALUE > 0);
	CREATE DOMAIN label AS varchar(3) CHECK (VALUE <> '');
	CREATE DOMAIN tags AS text[];
	CREATE DOMAIN doc AS json; CREATE DOMAIN docb AS jsonb; CREATE DOMAIN cash AS money;
	CREATE TYPE pair AS (a integer, b text, c mood);
	CREATE TYPE nested AS (p pair, n positive);
	ALTER DOMAIN positive DROP NOT NULL;
	CREATE TYPE special AS (j json, a integer[], b jsonb, f float8);
	CREATE TYPE place AS (x float8, y float8, note text);
	CREATE TYPE priced AS (name text, price money);
	CREATE TYPE floatrange AS RANGE (subtype = float8);
	CREATE TYPE textrange AS RANGE (subtype = text);`

func TestTypes(t *testing.T) { //nolint:tparallel // The subtests share a database and sessions.
	t.Parallel()
	f := newFixture(t)
	f.exec(typesSchema)
	// One table for each type, so that one type's failure does not hide another's.
	for i, tc := range typeCases {
		t.Run(fmt.Sprintf("a value of type %s is recorded and read exactly", tc.typ), func(t *testing.T) {
			if f.db.ServerMajor() < tc.minVer {
				t.Skipf("needs PostgreSQL %d", tc.minVer)
			}
			f := &fixture{T: t, db: f.db, pool: f.pool, migrator: f.migrator, conn: f.connect()}
			name := fmt.Sprintf("t%d", i)
			f.exec(`SET search_path = public`, `CREATE TABLE `+name+` (id integer PRIMARY KEY, c `+tc.typ+`)`)
			f.track("public."+name, nil)
			one, other := f.connect(), f.connect()
			f.execOn(one, oneSession)
			f.execOn(other, f.available(otherSession))
			// The value is computed once, in one session; the other copies it.
			f.execOn(one, `SET search_path = public`)
			for n, value := range append(tc.values, "NULL") {
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
