package chronosql

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	sqlitesql "github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// staleError is the error of a stale write with what has happened since, which
// triggers of SQLite do not tell.
type staleError struct {
	error

	// Detail is what PostgreSQL has in the field of that name.
	Detail string
}

var _ chronodriver.StateError = (*staleError)(nil)

func (e *staleError) SQLState() string { return chronodriver.StateStale }

func (e *staleError) Unwrap() error { return e.error }

// explain adds to the error of a stale write what has happened since the version
// that it is based on. Other errors are as they are, and so is this one when that
// cannot be read.
func (s *sqlite) explain(ctx context.Context, err error) error {
	_, message, found := strings.Cut(err.Error(), chronodriver.StateStale+": ")
	if !found {
		return err
	}
	_, text, _ := strings.Cut(message, "\n")
	end := strings.LastIndexByte(text, '}')
	if end < 0 {
		return err
	}
	report := map[string]any{}
	var is struct {
		Change   *int64          `json:"change"`
		Expected *int64          `json:"expected"`
		Versions json.RawMessage `json:"versions"`
		Mine     []string        `json:"mine"`
	}
	// Quotation marks of SQL are doubled in it.
	encoded := []byte(strings.ReplaceAll(text[:end+1], "''", "'"))
	if json.Unmarshal(encoded, &report) != nil || json.Unmarshal(encoded, &is) != nil || is.Change == nil {
		return err
	}
	expected := int64(-1)
	if is.Expected != nil {
		expected = *is.Expected
	}
	since, ok := s.since(ctx, *is.Change, expected, string(is.Versions))
	if !ok {
		return err
	}
	for _, name := range []string{"changes", "more", "since"} {
		report[name] = since[name]
	}
	report["based"] = len(since["base"]) > 0 && string(since["base"]) != "null"
	var others []string
	_ = json.Unmarshal(since["since"], &others) // the database has written it
	report["overlap"] = slices.DeleteFunc(is.Mine, func(name string) bool { return !slices.Contains(others, name) })
	detail, failed := json.Marshal(report)
	if failed != nil {
		return err
	}
	return &staleError{err, string(detail)}
}

func (s *sqlite) since(ctx context.Context, change, expected int64, versions string) (since map[string]json.RawMessage, ok bool) {
	query, err := sqlitesql.RestoreSQL("since_change", sqlitesql.RestoreArgs{})
	if err != nil {
		return nil, false
	}
	rows, err := s.conn.queryBase(ctx, query, []driver.NamedValue{{Ordinal: 1, Value: change}, {Ordinal: 2, Value: expected}, {Ordinal: 3, Value: versions}})
	if err != nil {
		return nil, false
	}
	dest := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(dest)
	if closed := rows.Close(); err != nil || closed != nil {
		return nil, false
	}
	var text string
	switch v := dest[0].(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	}
	err = json.Unmarshal([]byte(text), &since)
	return since, err == nil
}
