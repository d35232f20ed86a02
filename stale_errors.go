package chrononaut

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// ErrStale is returned when a write is based on a version that is not the
// present one: [*StaleError] and [*BulkStaleError] are it.
var ErrStale = errors.New("stale write")

// StaleError is returned when a write is based on a version of the record that
// is not the present one, and was refused. It is [ErrStale].
//
// It has no values of the record: [History.DiffVersions] shows what the changes
// in between did, [Client.Merge] makes a change on top of them.
type StaleError struct {
	Table Table
	// Key is the record's where the caller gave it; nil in errors that the database
	// raised.
	Key Key
	// Expected is the version that the write is based on; nil when it gave NULL.
	// Writers that count themselves are taken by what they wrote, the next version.
	Expected *int
	// Actual is the present version; 0 when there is none.
	Actual int
	// Deleted says that no record has the key any more: it was deleted, or has
	// another key by now. The newest of Changes says which.
	Deleted bool
	// Changes are what has happened since, newest first, at most 50; More says
	// whether there were others.
	Changes []Intervening
	More    bool
	// Since names the columns that are not what they were at Expected, and the
	// hidden ones that were set. Untracked columns are never among them.
	Since []string
	// Based says that history has the state at Expected, and that the record has
	// lived on since. Else nothing can be merged.
	Based bool
	// Mine are the columns that the refused write would have set to something else
	// than they are and than they were at Expected; known when the database refused
	// it. Overlap are those of them that are in Since.
	Mine    []string
	Overlap []string

	cause error
}

// Intervening is a change since the version that a stale write is based on.
type Intervening struct {
	Version   int       `json:"version"`
	Changed   time.Time `json:"changed"`
	Operation Operation `json:"operation"`
	// Actor and Rationale are empty when the change carried none; of a rationale
	// there are at most 1000 characters.
	Actor     string `json:"actor"`
	Rationale string `json:"rationale"`
	// Columns are those that the change set, hidden ones too. Empty for a deletion.
	Columns []string `json:"columns"`
}

// Error names the table and the versions.
func (e *StaleError) Error() string {
	based := "no version"
	if e.Expected != nil {
		based = "version " + strconv.Itoa(*e.Expected)
	}
	if e.Deleted {
		return fmt.Sprintf("stale write to table %s: based on %s, the record is gone", e.Table, based)
	}
	return fmt.Sprintf("stale write to table %s: based on %s, the record is at version %d", e.Table, based, e.Actual)
}

// Is reports whether target is [ErrStale].
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// Unwrap returns the driver's error; nil when a check found the write to be stale.
func (e *StaleError) Unwrap() error { return e.cause }

// Mergeable reports whether the write could be made on top of the changes since:
// nobody else has changed a column of Mine. For other columns ask [StaleError.Overlapping].
func (e *StaleError) Mergeable() bool { return e.Based && !e.Deleted && len(e.Overlap) == 0 }

// Overlapping returns those of the columns that others have changed since.
func (e *StaleError) Overlapping(columns ...string) []string {
	var both []string
	for _, name := range columns {
		if slices.Contains(e.Since, name) {
			both = append(both, name)
		}
	}
	return both
}

// BulkStaleError is returned when some of many writes are stale. It is
// [ErrStale], and [errors.As] finds the first [*StaleError].
type BulkStaleError struct {
	Table Table
	// Stale is how many were, of how many.
	Stale, Of int
	// Records are the stale ones in the order of the call; empty where only their
	// number is known. The first 50 have their Changes.
	Records []*StaleError
}

// Error says how many were stale.
func (e *BulkStaleError) Error() string {
	return fmt.Sprintf("stale write to table %s: %d of %d records are not at the version that the write is based on", e.Table, e.Stale, e.Of)
}

// Is reports whether target is [ErrStale].
func (e *BulkStaleError) Is(target error) bool { return target == ErrStale }

// Unwrap returns Records.
func (e *BulkStaleError) Unwrap() []error {
	errs := make([]error, len(e.Records))
	for i, r := range e.Records {
		errs[i] = r
	}
	return errs
}

// staleReport is what the database says of the changes since a version, and, in
// the detail of an error, of the write.
type staleReport struct {
	Schema   string          `json:"table_schema"`
	Name     string          `json:"table_name"`
	Expected *int            `json:"expected"`
	Actual   int             `json:"actual"`
	Changes  []Intervening   `json:"changes"`
	More     bool            `json:"more"`
	Since    []string        `json:"since"`
	Base     json.RawMessage `json:"base"`
	Based    bool            `json:"based"`
	Mine     []string        `json:"mine"`
	Overlap  []string        `json:"overlap"`
}

// The message of the error that a trigger raises. On SQLite, which has no detail,
// that follows on the next line.
var stalePattern = regexp.MustCompile(`stale write to table (.+?): based on (no version|version (-?\d+)), the record is at version (\d+)(?:\n(\{.*\}))?`)

// staleOf reads the error that a trigger raised.
func staleOf(err error) error {
	e := &StaleError{cause: err}
	detail := chronodriver.Detail(err)
	if m := stalePattern.FindStringSubmatch(errorText(err)); m != nil {
		// Without the detail, which a driver may not hand on, this is what is known.
		e.Table, _ = ParseTable(m[1])
		if n, err := strconv.Atoi(m[3]); err == nil {
			e.Expected = &n
		}
		e.Actual, _ = strconv.Atoi(m[4])
		if detail == "" {
			detail = m[5]
		}
	}
	var r staleReport
	if !strings.HasPrefix(detail, "{") || json.Unmarshal([]byte(detail), &r) != nil || r.Name == "" {
		return e
	}
	e.Table, e.Expected, e.Actual = Table{Schema: r.Schema, Name: r.Name}, r.Expected, r.Actual
	e.Changes, e.More, e.Since, e.Based, e.Mine, e.Overlap = r.Changes, r.More, r.Since, r.Based, r.Mine, r.Overlap
	slices.Sort(e.Mine)
	slices.Sort(e.Overlap)
	return e
}
