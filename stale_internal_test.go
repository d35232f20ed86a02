package chrononaut

import (
	"errors"
	"strings"
	"testing"
)

// driverError is an error as drivers for PostgreSQL have it.
type driverError struct{ Message, Detail string }

func (e *driverError) Error() string    { return "ERROR: " + e.Message + " (SQLSTATE TM017)" }
func (e *driverError) SQLState() string { return "TM017" }

// FuzzStaleOf: whatever a message and its detail hold, the error is stale, nothing
// panics, and what cannot be read is left out.
func FuzzStaleOf(f *testing.F) {
	const message = "stale write to table public.todos: based on version 5, the record is at version 7"
	f.Add(message, `{"table_schema":"public","table_name":"todos","expected":5,"actual":7,"changes":[{"version":7,"changed":"2026-11-28T10:00:00.000000Z"}],"based":true}`)
	f.Add(message, "")
	f.Add(`stale write to table "a.b"."c: based on no version, the record": based on no version, the record is at version 1`, "{}")
	f.Add("stale write to table todos: based on version 5, the record is at version 99999999999999999999\n{\"table_name\":3}", "null")
	f.Fuzz(func(t *testing.T, message, detail string) {
		err := WrapError(&driverError{message, detail})
		var stale *StaleError
		if !errors.Is(err, ErrStale) || !errors.As(err, &stale) || stale.Unwrap() == nil {
			t.Fatalf("%v", err)
		}
		if stale.Mergeable() && !stale.Based || stale.Error() == "" {
			t.Errorf("%+v", stale)
		}
		again := WrapError(err)
		if again != err { //nolint:errorlint // the same one
			t.Errorf("wrapped twice: %v", again)
		}
	})
}

func TestStaleOfAMessageAlone(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]StaleError{
		"pq: stale write to table public.todos: based on version 5, the record is at version 7":                                                                                                  {Table: Table{Schema: "public", Name: "todos"}, Actual: 7},
		`stale write to table "Odd ""name".x: based on no version, the record is at version 0`:                                                                                                   {Table: Table{Schema: `Odd "name`, Name: "x"}},
		"SQL logic error: TM017: stale write to table todos: based on version -1, the record is at version 3\n{\"table_name\":\"todos\",\"actual\":3,\"overlap\":[\"a\"],\"based\":true} (1811)": {Table: Table{Name: "todos"}, Actual: 3, Overlap: []string{"a"}},
	} {
		err := WrapError(errors.New("TM017: " + message))
		var got *StaleError
		if !errors.As(err, &got) || got.Table != want.Table || got.Actual != want.Actual || strings.Join(got.Overlap, ",") != strings.Join(want.Overlap, ",") {
			t.Errorf("%s: %+v", message, got)
		}
	}
}
