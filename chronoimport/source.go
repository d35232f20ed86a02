package chronoimport

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Source reads the history of one table that another tool has recorded.
type Source interface {
	// Name says which tool it is. It is stored with every change, and by it a
	// second import knows what is there already: it must not change.
	Name() string
	// Changes yields all changes of the table: those of one record one after
	// the other, the oldest first, and in the same order every time. It should
	// stream: hold no more in memory than a record's last state.
	//
	// A change that cannot be read is yielded as a [*BadChangeError], and the
	// changes after it still are. Any other error ends the import.
	//
	// The queryer is a transaction that sees one snapshot of the database, in
	// which times are in UTC. It takes one query at a time.
	Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error]
}

// Counter is what a Source implements that knows how many rows it will read.
type Counter interface {
	Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error)
}

// Change is one change of one record.
type Change struct {
	// ID names the change in the source. It must be unique within the record.
	ID string
	// Key holds the columns of the primary key, as a JSON object with values
	// that the columns' types can read: {"id": "42"} does for a number.
	Key json.RawMessage
	// Operation is insert, update, delete, truncate, or baseline for a state
	// that was not made by a change that is known.
	Operation chrononaut.Operation
	// Changed is when.
	Changed time.Time
	// State holds the columns after the change, before it for a deletion.
	// Columns that are absent are taken as not existing at the time.
	State map[string]json.RawMessage
	// Actor, RemoteAddr and Rationale say who and why. Empty means unknown.
	Actor, RemoteAddr, Rationale string
	// Extra is what else the source knows of the change. Defaults to nothing.
	Extra map[string]any
}

// Target is the table that history is imported for.
type Target struct {
	Table   chrononaut.Table
	Key     []string // the columns of the primary key
	Columns []Column // in the table's order

	schema string // of history
}

// Column is a column of the table.
type Column struct {
	Name string
	Type string // as format_type() says it, without modifiers
}

// column returns the column of a name.
func (t *Target) column(name string) (Column, bool) { return find(t.Columns, name) }

func find(columns []Column, name string) (Column, bool) {
	i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return columns[i], true
}

// key takes the primary key from a state.
func (t *Target) key(state map[string]json.RawMessage) (json.RawMessage, bool) {
	key := make(map[string]json.RawMessage, len(t.Key))
	for _, name := range t.Key {
		value, ok := state[name]
		if !ok || isNull(value) {
			return nil, false
		}
		key[name] = value
	}
	return encode(key), true
}

// BadChangeError says which change of the source cannot be imported, and why.
// It never holds values.
type BadChangeError struct {
	ID     string // of the change, as in Change.ID
	Reason string
}

func (e *BadChangeError) Error() string {
	return fmt.Sprintf("change %s of the source: %s", e.ID, e.Reason)
}

func badChange(id, format string, args ...any) error {
	return &BadChangeError{ID: id, Reason: fmt.Sprintf(format, args...)}
}

func isNull(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

// encode writes values that came out of JSON, or are text.
func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic("chronoimport: encode JSON: " + err.Error())
	}
	return text
}
