package chrononaut_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// item has a field for each kind of type, as users of pgx write them.
type item struct {
	ID       int64 `db:"id"`
	Small    int16
	Big      int64
	Amount   pgtype.Numeric
	Price    string
	Text     string
	Bytes    []byte
	Stamp    time.Time
	Forever  pgtype.Timestamptz
	Local    pgtype.Timestamp
	Day      pgtype.Date
	Span     pgtype.Interval
	Double   float64
	Single   float32
	Flag     bool
	UUID     [16]byte `db:"uuid"`
	Network  netip.Prefix
	Numbers  []*int64
	Matrix   pgtype.Array[int32]
	Words    []*string
	Period   pgtype.Range[pgtype.Timestamptz]
	Mood     string
	Document json.RawMessage
	Raw      json.RawMessage
	Nothing  *string
	Point    any
	Points   any
	Bits     pgtype.Bits
	Geometry pgtype.Point
	Version  int
}

// What history says is compared with what a query on the table itself says, in Go values.
func TestValuesComeBackAsGoReadsTheTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(
		`CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"')`,
		`CREATE TYPE point3 AS (x integer, label text, weight numeric)`,
		`CREATE TABLE items (id bigint PRIMARY KEY, small smallint, big bigint, amount numeric, price text, text text, bytes bytea,
			stamp timestamptz, forever timestamptz, local timestamp, day date, span interval, double float8, single float4,
			flag boolean, uuid uuid, network cidr, numbers bigint[], matrix integer[], words text[], period tstzrange, mood mood,
			document jsonb, raw json, nothing text, point point3, points point3[], bits bit(3), geometry point)`,
	)
	f.track("items", nil)
	f.exec(
		`INSERT INTO items VALUES (1, -32768, 9223372036854775807, 123456789012345678901234567890.1234567890, '10.50', E'a"b''c\\d\n日本 \U0001F570',
			'\x00ff5c', '2024-02-29 12:34:56.789012+02', 'infinity', '0044-03-15 00:00:00.000001 BC', '0044-03-15 BC', '1 mon -2 days 03:04:05.000006',
			0.1, 0.1, true, '0123456789abcdef0123456789abcdef', '10.0.0.0/8', '{1,NULL,9007199254740993}', '{{1,2},{3,4}}', '{"a,b",NULL,""}',
			'[2024-01-01 00:00:00.000001+00,)', 'it''s "ok"', '{"a": [1.10, null]}', '{"b":1, "b":2}', NULL,
			'(1,"a ""b"",c",2.50)', '{"(1,a,)",NULL}', '101', '(1.5,-0)')`,
		`INSERT INTO items (id, amount, forever, day, double, bytes, numbers, matrix, document, raw) VALUES
			(2, 'NaN', '-infinity', 'infinity', 'NaN', '', '{}', '[0:1]={7,8}', 'null', 'null'),
			(3, -0.00, NULL, NULL, '-Infinity', NULL, NULL, NULL, NULL, NULL)`,
	)
	opts := cmp.Options{
		cmpopts.EquateNaNs(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b pgtype.Numeric) bool { return must(a.Value())(t) == must(b.Value())(t) }),
	}

	live := must(pgx.CollectRows(must(f.pool.Query(t.Context(), `SELECT * FROM items WHERE id = 1`))(t), pgx.RowToStructByNameLax[item]))(t)
	past := versions(f, history[item](f, "items"), 1, nil)
	if diff := cmp.Diff(live[0], past[0].Record, opts); diff != "" {
		t.Errorf("struct mismatch (-live +history):\n%s", diff)
	}

	maps := must(pgx.CollectRows(must(f.pool.Query(t.Context(), `SELECT * FROM items ORDER BY id`))(t), pgx.RowToMap))(t)
	for i, want := range maps {
		s := versions(f, history[map[string]any](f, "items"), i+1, nil)[0]
		if len(s.Unreadable) != 0 {
			t.Errorf("record %d: unreadable columns %v, want none", i+1, s.Unreadable)
		}
		if diff := cmp.Diff(want, s.Record, opts); diff != "" {
			t.Errorf("record %d: map mismatch (-live +history):\n%s", i+1, diff)
		}
	}
}

// A NULL has no Go value in a string or a number, and must not make the record unreadable.
func TestNullIsTheZeroValueOfAField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type row struct {
		ID    int
		Text  string
		Size  int
		Ratio float64
		At    time.Time
		Ok    bool
		Bytes []byte
		Maybe *string
		Typed pgtype.Text
		Tags  []string
	}
	f.exec(`CREATE TABLE rows (id integer PRIMARY KEY, text text, size integer, ratio float8, at timestamptz, ok boolean, bytes bytea, maybe text, typed text, tags text[])`)
	f.track("rows", nil)
	f.exec(`INSERT INTO rows (id) VALUES (1)`)
	h := history[row](f, "rows")
	got := versions(f, h, 1, nil)[0]
	if diff := cmp.Diff(row{ID: 1}, got.Record); diff != "" {
		t.Errorf("record mismatch (-want +got):\n%s", diff)
	}
	if value, err := got.Column("text"); err != nil || string(value) != "null" {
		t.Errorf("Column(text) = %s, %v; want null", value, err)
	}
}
