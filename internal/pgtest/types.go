package pgtest

// Type is a type of PostgreSQL with values that are easily recorded or read wrongly.
type Type struct {
	Name   string   // as a column's definition has it
	Values []string // in SQL
	Since  int      // the first major version that has them
}

// Types are the types and values that have to come back from history exactly. They need
// [TypesSchema], in the schema public.
var Types = []Type{
	{Name: "smallint", Values: []string{"-32768", "32767"}},
	{Name: "integer", Values: []string{"-2147483648", "0"}},
	{Name: "bigint", Values: []string{"9007199254740993", "-9223372036854775808", "9223372036854775807"}},
	{Name: "numeric", Values: []string{"1.10", "-0.000", "'NaN'", "1e-400", "repeat('7', 1000)::numeric", "('0.' || repeat('3', 1000))::numeric", "123456789012345678901234567890.12345678901234567890"}},
	{Name: "numeric", Values: []string{"'Infinity'", "'-Infinity'"}, Since: 14},
	{Name: "numeric(10,3)", Values: []string{"1.100"}},
	{Name: "real", Values: []string{"'NaN'", "'Infinity'", "'-Infinity'", "0.1", "1e-45", "3.4028235e38", "'-0'", "16777217"}},
	{Name: "double precision", Values: []string{"'NaN'", "'Infinity'", "'-Infinity'", "0.1", "5e-324", "1.7976931348623157e308", "'-0'", "0", "0.1::float8 + 0.2::float8", "1e22"}},
	{Name: "boolean", Values: []string{"true", "false"}},
	{Name: "text", Values: []string{"''", "'null'", `E'a\'b"c\\d\n\t\u00e9\U0001F600'`, "'$$ $chrononaut$ % %s'", `'{"chrononaut:text": "x"}'`, "repeat('x', 3000000)", `E'\x01\x7f'`}},
	{Name: "varchar(5)", Values: []string{"'abc  '"}},
	{Name: "char(5)", Values: []string{"'ab'", "'     '"}},
	{Name: `"char"`, Values: []string{"'x'", "''"}},
	{Name: "name", Values: []string{"'some name'"}},
	{Name: "bytea", Values: []string{`'\x00ff5c27'`, "''"}},
	{Name: "date", Values: []string{"'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'10000-01-02'", "'5874897-12-31'", "'0001-01-01'"}},
	{Name: "time", Values: []string{"'23:59:59.999999'", "'24:00:00'"}},
	{Name: "timetz", Values: []string{"'23:59:59.999999-08:30:15'"}},
	{Name: "timestamp", Values: []string{"'2024-02-29 12:34:56.123456'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00.5 BC'", "'294276-12-31 23:59:59.999999'"}},
	{Name: "timestamptz", Values: []string{"'2024-02-29 12:34:56.123456+05:45'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00.5+00 BC'", "'12345-06-07 01:02:03+00'", "'1890-01-01 00:00:00 Europe/Amsterdam'"}},
	{Name: "interval", Values: []string{"'1 year -2 mons +3 days -04:05:06.789'", "'-1 year -2 days -00:00:00.000001'", "'0'", "'-1 mon +1 sec'", "'178000000 years'", "'-3 days'", "'-04:05'", "'1 mon -1 day'"}},
	{Name: "interval", Values: []string{"'infinity'", "'-infinity'"}, Since: 17},
	{Name: "money", Values: []string{"1234567.89::numeric::money", "(-0.01)::numeric::money"}},
	{Name: "uuid", Values: []string{"'00000000-0000-0000-0000-00000000000a'"}},
	{Name: "inet", Values: []string{"'192.168.1.5/24'", "'::1'", "'10.0.0.1/32'"}},
	{Name: "cidr", Values: []string{"'10.0.0.0/8'"}},
	{Name: "macaddr", Values: []string{"'08:00:2b:01:02:03'"}},
	{Name: "macaddr8", Values: []string{"'08:00:2b:01:02:03:04:05'"}},
	{Name: "bit(5)", Values: []string{"B'10101'"}},
	{Name: "bit varying", Values: []string{"B''", "B'001'"}},
	{Name: "point", Values: []string{"'(1.1,-2.2)'", "'(-0,1e-300)'", "'(NaN,Infinity)'"}},
	{Name: "line", Values: []string{"'{1,2,3}'"}},
	{Name: "lseg", Values: []string{"'[(1,2),(3,4)]'"}},
	{Name: "box", Values: []string{"'(3,4),(1,2)'"}},
	{Name: "path", Values: []string{"'[(1,2),(3,4)]'", "'((1,2),(3,4))'"}},
	{Name: "polygon", Values: []string{"'((1,2),(3,4),(5,6))'"}},
	{Name: "circle", Values: []string{"'<(1,2),3>'"}},
	{Name: "tsvector", Values: []string{`'fat:2A cat:3 ''it''''s'':5B'`}},
	{Name: "tsquery", Values: []string{"'fat & !(cat | dog:*A)'"}},
	{Name: "pg_lsn", Values: []string{"'16/B374D848'"}},
	{Name: "oid", Values: []string{"4294967295"}},
	{Name: "regclass", Values: []string{"'public.target'::regclass", "'pg_catalog.pg_class'::regclass", "0::regclass"}},
	{Name: "regtype", Values: []string{"'public.mood'::regtype", "'integer'::regtype"}},
	{Name: "regproc", Values: []string{"'pg_catalog.now'::regproc"}},
	{Name: "xid8", Values: []string{"'18446744073709551615'"}},
	{Name: "tid", Values: []string{"'(1,2)'"}},
	{Name: "jsonb", Values: []string{`'null'`, `'{"a": null, "b": [null, {"c": null}]}'`, `'"null"'`, `'1.10'`, `'{"chrononaut:text": 1}'`, `'["chrononaut:text"]'`, `'{}'`, `'[]'`, `'1e400'`, `'"chrononaut:text"'`}},
	{Name: "json", Values: []string{`'null'`, `' { "b" : 1, "a" : 2,  "a" : 3 } '`, `E'{"z": "\\\\u0000"}'::json`, `E'"\\\\ud83d"'::json`, `'1e400000'`, `'""'`, `'{"chrononaut:text": "x"}'`}},
	{Name: "xml", Values: []string{"xmlparse(content 'a <b>c</b> d')", `xmlparse(document '<?xml version="1.0"?><!DOCTYPE r><r a="1"/>')`, "xmlparse(content '')"}},
	{Name: "jsonpath", Values: []string{`'$.a[*] ? (@ > 1)'`}},
	{Name: "mood", Values: []string{"'happy'", `'it''s "odd"'`}},
	{Name: "positive", Values: []string{"5"}},
	{Name: "label", Values: []string{"'a'"}},
	{Name: "tags", Values: []string{"'{a,NULL,\"\"}'", "'[0:1]={a,b}'"}},
	{Name: "doc", Values: []string{`'{"a": 1,  "a": 2}'`, "'null'"}},
	{Name: "docb", Values: []string{`'{"a": 1}'`, "'null'"}},
	{Name: "cash", Values: []string{"1.50::numeric::money"}},
	{Name: "pair", Values: []string{"ROW(1, 'x', NULL)", "ROW(NULL, NULL, NULL)", `ROW(2, E'a"b\\c,(d)', 'happy')`}},
	{Name: "nested", Values: []string{"ROW(ROW(1, 'x', 'happy'), 2)", "ROW(NULL, NULL)"}},
	{Name: "special", Values: []string{`ROW('{"a": 1, "a": 2}', '{1,2}', 'null', '-0')`, "ROW(NULL, '{}', NULL, 'NaN')"}},
	{Name: "place", Values: []string{"ROW(-0.0::float8, 1.5, 'x-0,')", "ROW('-0'::float8, 'NaN', NULL)", "ROW(0.1, 1e300, '')"}},
	{Name: "priced", Values: []string{"ROW('x', 12.50::numeric::money)"}},
	{Name: "integer[]", Values: []string{"'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[2:3]={1,2}'", "'[0:1][-1:0]={{1,2},{3,4}}'"}},
	{Name: "text[]", Values: []string{`'{}'`, `ARRAY['null', NULL, '', '[1]', '{a}', 'a"b\c', 'a,b', '-0']`, `ARRAY[ARRAY['a','b'],ARRAY['c',NULL]]`}},
	{Name: "float8[]", Values: []string{"'{-0,0,NaN,Infinity,NULL,0.1}'", "'{}'", "'{0.1}'", "'[5:5]={1}'"}},
	{Name: "numeric[]", Values: []string{"'{1.10,NaN}'"}},
	{Name: "bytea[]", Values: []string{`ARRAY['\x00ff'::bytea, NULL]`}},
	{Name: "timestamptz[]", Values: []string{"ARRAY['2024-02-29 12:34:56.123456+05:45'::timestamptz, 'infinity']"}},
	{Name: "interval[]", Values: []string{"ARRAY['-1 year +3 days'::interval]"}},
	{Name: "money[]", Values: []string{"ARRAY[1.50::numeric::money, NULL]"}},
	{Name: "xml[]", Values: []string{"ARRAY[xmlparse(content 'a <b/>'), NULL]"}},
	{Name: "json[]", Values: []string{`ARRAY['{"a": 1,  "a": 2}'::json, 'null', NULL]`}},
	{Name: "jsonb[]", Values: []string{`ARRAY['null'::jsonb, NULL, '{"a": [1]}', '[1,2]']`, "'{}'"}},
	{Name: "mood[]", Values: []string{"ARRAY['happy'::public.mood, NULL]"}},
	{Name: "pair[]", Values: []string{"ARRAY[ROW(1, 'x', NULL)::public.pair, NULL, ROW(NULL, NULL, NULL)::public.pair]"}},
	{Name: "tags[]", Values: []string{"ARRAY['{a,b}'::public.tags]"}},
	{Name: "int2vector", Values: []string{"'1 2 3'"}},
	{Name: "oidvector", Values: []string{"'1 2'"}},
	{Name: "int4range", Values: []string{"'[1,5)'", "'empty'", "'(,)'"}},
	{Name: "numrange", Values: []string{"'[1.10,2.20]'"}},
	{Name: "daterange", Values: []string{"'[2024-01-01,infinity)'", "'[0044-03-15 BC,2024-01-01)'"}},
	{Name: "tstzrange", Values: []string{"'[2024-01-01 00:00:00.000001+00,2024-06-01 00:00+02]'", "'[,infinity]'"}},
	{Name: "floatrange", Values: []string{"'[-0,0.1)'"}},
	{Name: "textrange", Values: []string{`'["a,b","c\"d")'`}},
	{Name: "int4multirange", Values: []string{"'{[1,5), [7,9)}'", "'{}'"}, Since: 14},
	{Name: "tstzmultirange", Values: []string{"'{[2024-01-01 00:00+00,2024-06-01 00:00+02]}'"}, Since: 14},
	{Name: "int4range[]", Values: []string{"ARRAY['[1,5)'::int4range]"}},
	{Name: "public.hstore", Values: []string{`'a=>1, b=>NULL, "c d"=>"true"'`, "''"}},
	{Name: "public.hstore[]", Values: []string{`ARRAY['a=>1'::public.hstore]`}},
	{Name: "public.citext", Values: []string{"'AbC'"}},
	{Name: "public.ltree", Values: []string{"'Top.Science'"}},
}

// TypesSchema creates the types that are not built in.
const TypesSchema = `
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
