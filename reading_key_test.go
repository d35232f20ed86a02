package chrononaut_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/chrononaut-go/chrononaut"
)

type amount struct{ text string }

func (a amount) MarshalText() ([]byte, error) { return []byte(a.text), nil }

// Each case is a table with one row, and the Go values that must and must not find its history.
func TestKeyForms(t *testing.T) {
	t.Parallel()
	type named string
	id := int64(7)
	uuid := "01234567-89ab-cdef-0123-456789abcdef"
	bytes := [16]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	for name, tc := range map[string]struct {
		column, value string
		finds         []any
		misses        []any // well-formed keys of other records
		refuses       []any
	}{
		"integer": {
			"id integer PRIMARY KEY", "7",
			[]any{7, int64(7), uint8(7), id, &id, "7", 7.0, chrononaut.Key{"id": 7}, pgtype.Int8{Int64: 7, Valid: true}},
			[]any{8, -7},
			[]any{"seven-secret", int64(1) << 40, 7.5, nil, "", true, []int{7}, pgtype.Int8{}, (*int64)(nil), chrononaut.Key{}, chrononaut.Key{"id": 7, "x": 1}, chrononaut.Key{"ID": 7}, struct{ A int }{1}, "7\x00"},
		},
		"bigint": {
			"id bigint PRIMARY KEY", "9223372036854775807",
			[]any{int64(9223372036854775807), uint64(9223372036854775807), "9223372036854775807"},
			[]any{int64(9223372036854775806)},
			[]any{uint64(9223372036854775808), 1.5e300},
		},
		"text that looks like a number": {
			"id text PRIMARY KEY", "'007'",
			[]any{"007", named("007"), chrononaut.Key{"id": "007"}, amount{"007"}},
			[]any{7, "7", "", "007 ", "null"},
			[]any{nil, "secret\xff", "secret\x00"},
		},
		"varchar that would be cut": {
			"id varchar(3) PRIMARY KEY", "'abc'",
			[]any{"abc"},
			[]any{"ab"},
			[]any{"abcd", nil},
		},
		"character, padded": {
			"id character(3) PRIMARY KEY", "'ab'",
			[]any{"ab", "ab "},
			[]any{"abc"},
			[]any{"abcd"},
		},
		"uuid": {
			"id uuid PRIMARY KEY", "'" + uuid + "'",
			[]any{uuid, strings.ToUpper(uuid), "{" + uuid + "}", bytes, pgtype.UUID{Bytes: bytes, Valid: true}},
			[]any{"11111111-89ab-cdef-0123-456789abcdef"},
			[]any{"secret", 7, pgtype.UUID{}},
		},
		"bytea": {
			"id bytea PRIMARY KEY", `'\x0123456789abcdef0123456789abcdef'`,
			[]any{bytes, bytes[:], `\x0123456789abcdef0123456789abcdef`},
			[]any{[]byte{}, []byte{1}},
			[]any{`\xsecret`},
		},
		"date": {
			"id date PRIMARY KEY", "'2024-02-29'",
			[]any{"2024-02-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "29 Feb 2024"},
			[]any{"2024-03-01"},
			[]any{"2024-02-30", "secret"},
		},
		"timestamptz": {
			"id timestamptz PRIMARY KEY", "'2024-02-29 12:00:00.000001+00'",
			[]any{time.Date(2024, 2, 29, 13, 0, 0, 1000, time.FixedZone("", 3600)), "2024-02-29 12:00:00.000001+00"},
			[]any{"2024-02-29 12:00:00+00"},
			[]any{"secret"},
		},
		"numeric": {
			"id numeric(10,2) PRIMARY KEY", "12.50",
			[]any{"12.50", 12.5, "12.5", amount{"12.5"}},
			[]any{12},
			[]any{"12.505", "secret", "NaN-secret"},
		},
		"boolean": {
			"id boolean PRIMARY KEY", "true",
			[]any{true, "true", "t"},
			[]any{false},
			[]any{"secret"},
		},
		"enum": {
			"id mood PRIMARY KEY", "'sad'",
			[]any{"sad", named("sad")},
			[]any{"happy"},
			[]any{"secret"},
		},
		"domain": {
			"id positive PRIMARY KEY", "7",
			[]any{7, "7"},
			[]any{8, -7},
			[]any{"-7"},
		},
		// As the log gives them, and as PostgreSQL writes them.
		"array": {
			"id integer[] PRIMARY KEY", "'{1,-2,NULL}'",
			[]any{chrononaut.Key{"id": []any{1, -2, nil}}, "{1,-2,NULL}"},
			[]any{chrononaut.Key{"id": []any{1, -2}}},
			[]any{chrononaut.Key{"id": []any{"secret"}}, "secret"},
		},
		"composite": {
			"id pair PRIMARY KEY", "ROW(1, 'a')",
			[]any{chrononaut.Key{"id": map[string]any{"a": 1, "b": "a"}}, "(1,a)"},
			[]any{chrononaut.Key{"id": map[string]any{"a": 2, "b": "a"}}},
			[]any{chrononaut.Key{"id": map[string]any{"a": "secret"}}},
		},
		"several columns": {
			"id integer, day date, PRIMARY KEY (day, id)", "7, '2024-02-29'",
			[]any{chrononaut.Key{"id": 7, "day": "2024-02-29"}, chrononaut.Key{"day": time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "id": "7"}},
			[]any{chrononaut.Key{"id": 8, "day": "2024-02-29"}},
			[]any{7, chrononaut.Key{"id": 7}, chrononaut.Key{"id": 7, "day": "secret"}, chrononaut.Key{"id": 7, "day": nil}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TYPE mood AS ENUM ('sad', 'happy')`, `CREATE TYPE pair AS (a integer, b text)`, `CREATE DOMAIN positive AS integer CHECK (VALUE > 0)`,
				`CREATE TABLE t (`+tc.column+`, note text)`)
			f.track("t", nil)
			f.exec(`INSERT INTO t VALUES (` + tc.value + `, 'x')`)
			h := history[map[string]any](f, "t")
			for _, key := range tc.finds {
				if got := versions(f, h, key, nil); len(got) != 1 {
					t.Errorf("%T %v: %d versions, want 1", key, key, len(got))
				}
			}
			record := versions(f, h, tc.finds[0], nil)[0].Record
			if got := versions(f, h, record, nil); len(got) != 1 {
				t.Errorf("the record itself: %d versions, want 1", len(got))
			}
			for _, key := range tc.misses {
				got, err := h.Versions(t.Context(), key, nil)
				if err != nil || len(got) != 0 {
					t.Errorf("%T %v: %d versions, error %v; want none", key, key, len(got), err)
				}
			}
			for _, key := range tc.refuses {
				_, err := h.Versions(t.Context(), key, nil)
				if !errors.Is(err, chrononaut.ErrKey) {
					t.Errorf("%T %v: error = %v, want ErrKey", key, key, err)
				} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "12.505") {
					t.Errorf("%T: the message shows the value: %v", key, err)
				}
			}
		})
	}
}

func TestRecordsAreNamedByModelInstances(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`, `DELETE FROM todos`)
	for _, of := range []any{todo{ID: 1}, &todo{ID: 1}, 1, chrononaut.Key{"id": 1}} {
		if diff := cmp.Diff([]string{`{"id":1} 0 insert`, `{"id":1} 1 update`, `{"id":1} 2 delete`}, lines(versions(f, h, of, nil))); diff != "" {
			t.Errorf("versions of %T mismatch (-want +got):\n%s", of, diff)
		}
	}
	if _, err := h.Versions(t.Context(), (*todo)(nil), nil); !errors.Is(err, chrononaut.ErrKey) {
		t.Errorf("a nil record: error = %v, want ErrKey", err)
	}
	type keyless struct{ Title string }
	if _, err := history[keyless](f, "todos").Versions(t.Context(), keyless{}, nil); !errors.Is(err, chrononaut.ErrKey) {
		t.Errorf("a record without a key: error = %v, want ErrKey", err)
	}
}

func TestTwoSchemasWithOneTableName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE SCHEMA "Odd.Name"`, `CREATE TABLE todos (id integer PRIMARY KEY, title text)`, `CREATE TABLE "Odd.Name".todos (id integer PRIMARY KEY, title text)`)
	f.track("todos", nil)
	f.track(`"Odd.Name".todos`, nil)
	f.exec(`INSERT INTO todos VALUES (1, 'public')`, `INSERT INTO "Odd.Name".todos VALUES (1, 'odd')`)
	for table, want := range map[string]string{"todos": "public", "public.todos": "public", `"Odd.Name".todos`: "odd"} {
		got := versions(f, history[todo](f, table), 1, nil)
		if len(got) != 1 || got[0].Record.Title != want {
			t.Errorf("%s: versions = %+v, want one of %s", table, got, want)
		}
		changes := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name(table), Operation: chrononaut.OperationInsert}))(t)
		if len(changes) != 1 || string(changes[0].Data["title"]) != `"`+want+`"` {
			t.Errorf("%s: log = %+v, want one change of %s", table, changes, want)
		}
	}
	a, b := versions(f, history[todo](f, "todos"), 1, nil)[0], versions(f, history[todo](f, `"Odd.Name".todos`), 1, nil)[0]
	if _, err := history[todo](f, "todos").Diff(&a, &b); !errors.Is(err, chrononaut.ErrDifferentRecords) {
		t.Errorf("diff across tables: error = %v, want ErrDifferentRecords", err)
	}
	// Without a table in the search path the name alone does not say which.
	f.exec(`CREATE SCHEMA other`, `ALTER TABLE todos SET SCHEMA other`)
	fresh := chrononaut.NewHistory[todo](must(f.db.Client())(t), f.name("todos"), nil)
	if _, err := fresh.Versions(t.Context(), 1, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("an ambiguous name: error = %v, want ErrNotTracked", err)
	}
}
