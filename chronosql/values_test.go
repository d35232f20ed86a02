package chronosql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// valueExpressions has values of every kind of type, those in particular whose
// text pgx would write in another way than the server.
var valueExpressions = []string{
	"true", "null::boolean", "1::smallint", "-2::integer", "9007199254740993::bigint", "1.1::real", "'NaN'::float8", "'-Infinity'::float8", "1e-7::float8",
	"1.10::numeric", "'NaN'::numeric", "12.5::numeric(10,3)", "1e30::numeric", "'text'::text", "''::text", "'ab'::varchar(5)", "'ab'::char(4)", "'x'::\"char\"", "'name'::name",
	`'\x00ff'::bytea`, "'2024-02-29'::date", "'infinity'::date", "'0044-03-15 BC'::date", "'2024-02-29 12:00:00.123456'::timestamp", "'-infinity'::timestamp",
	"'2024-02-29 12:00:00+02'::timestamptz", "'infinity'::timestamptz", "'12:30:00.5'::time", "'12:30:00+02'::timetz", "'1 year 2 mons 3 days 04:05:06.7'::interval", "'2 hours'::interval",
	`'{"b": [1, null], "a": "x"}'::json`, `'{"b": [1, null], "a": "x"}'::jsonb`, "'null'::jsonb", "'<a>b</a>'::xml", "'10.0.0.1'::inet", "'10.0.0.0/8'::cidr", "'fe80::1/64'::inet",
	"'08:00:2b:01:02:03'::macaddr", "B'101'", "B'101'::varbit(5)", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid", "42::oid", "'42'::xid", "'42'::cid", "'42'::xid8", "'(0,1)'::tid", "12.34::money",
	"array[1, null, 3]", "array[['a b', 'c\"d'], ['', null]]", "array['10.0.0.1'::inet]", "array[1.10, 2]", "array['2024-02-29'::date]", "'[2:3]={1,2}'::int[]", "'{}'::text[]",
	"int4range(1, 5)", "numrange(1.10, null)", "'empty'::int8range", "tstzrange('2024-01-01+00', null)", "int4multirange(int4range(1, 2), int4range(5, 6))", "'(1,2)'::point", "'<(1,2),3>'::circle", "'((0,0),(1,1))'::box",
	"'[(0,0),(1,1)]'::lseg", "'((0,0),(1,1),(2,0))'::polygon", "'a b'::tsvector", "'a & b'::tsquery", "'$.a'::jsonpath", "'0/16B3748'::pg_lsn", "'todos'::regclass",
	"'happy'::mood", "array['happy'::mood]", "row(1, 'a b')::pair", "'x'::short", "row(1, 'a')", "current_schemas(false)",
}

// TestValuesDoNotDependOnAttribution compares what a statement returns with
// and without something to say.
func TestValuesDoNotDependOnAttribution(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixtureAt(t, pgtest.New(t).URL(), mode, nil)
			f.exec(t.Context(), `create table todos (id bigint);
				create type mood as enum ('happy'); create type pair as (i int, t text); create domain short as varchar(3)`)
			// The WITH may write, so it is attributed.
			query := "with w as (insert into todos values ($1::bigint) returning id) select w.id, " + strings.Join(valueExpressions, ", ") + " from w"
			want := readValues(t.Context(), t, f.db, query)
			for range 2 {
				if diff := cmp.Diff(want, readValues(f.as("ann"), t, f.db, query)); diff != "" {
					t.Errorf("values with attribution mismatch (-without +with):\n%s", diff)
				}
			}
			stmt, err := f.db.PrepareContext(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			defer stmt.Close()
			want = readStmt(t.Context(), t, stmt)
			if diff := cmp.Diff(want, readStmt(f.as("ann"), t, stmt)); diff != "" {
				t.Errorf("values of a prepared statement mismatch (-without +with):\n%s", diff)
			}
		})
	}
}

func readValues(ctx context.Context, t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	return read(t)(db.QueryContext(ctx, query, 1))
}

func readStmt(ctx context.Context, t *testing.T, stmt *sql.Stmt) []string {
	t.Helper()
	return read(t)(stmt.QueryContext(ctx, 1))
}

// read writes down the only row: for each column all that database/sql says.
func read(t *testing.T) func(rows *sql.Rows, err error) []string {
	t.Helper()
	return func(rows *sql.Rows, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		dest := make([]any, len(types))
		for i := range dest {
			dest[i] = new(any)
		}
		if !rows.Next() {
			t.Fatalf("no row: %v", rows.Err())
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		lines := make([]string, len(types))
		for i, c := range types {
			v := *dest[i].(*any)
			length, hasLength := c.Length()
			precision, scale, hasScale := c.DecimalSize()
			lines[i] = fmt.Sprintf("%s %s %T %v, length %d %v, decimal %d %d %v, scan %v",
				c.Name(), c.DatabaseTypeName(), v, v, length, hasLength, precision, scale, hasScale, c.ScanType())
		}
		if rows.Next() {
			t.Error("more than one row")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return lines
	}
}

func TestArgumentsDoNotDependOnAttribution(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixtureAt(t, pgtest.New(t).URL(), mode, nil)
			f.exec(t.Context(), `create table a (i bigint, t text, b bytea, n numeric, l text[], j jsonb)`)
			const query = `insert into a values ($1, $2, $3, $4, $5, $6) returning a::text`
			args := []any{int64(1), "it's", []byte{0, 255}, "1.10", []string{"a", "b"}, `{"a": 1}`}
			var want, got string
			if err := f.db.QueryRowContext(t.Context(), query, args...).Scan(&want); err != nil {
				t.Fatal(err)
			}
			ctx := chrononaut.WithActor(t.Context(), "ann")
			if err := f.db.QueryRowContext(ctx, query, args...).Scan(&got); err != nil || got != want {
				t.Errorf("row = %s, %v; want %s", got, err, want)
			}
			if _, err := f.db.ExecContext(ctx, strings.TrimSuffix(query, " returning a::text"), args...); err != nil {
				t.Error(err)
			}
			var rows, distinct int
			if err := f.db.QueryRowContext(ctx, "select count(*), count(distinct a::text) from a").Scan(&rows, &distinct); err != nil || rows != 3 || distinct != 1 {
				t.Errorf("%d rows, %d different, %v; want 3 that are the same", rows, distinct, err)
			}
		})
	}
}
