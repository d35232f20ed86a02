package cli

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

type tableJSON struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

func newTableJSON(t chrononaut.Table) tableJSON { return tableJSON{t.Schema, t.Name} }

// changeJSON is the shape of a change in log and show.
type changeJSON struct {
	ID            int64           `json:"id"`
	Table         tableJSON       `json:"table"`
	Key           chrononaut.Key  `json:"key"`
	PreviousKey   chrononaut.Key  `json:"previous_key"`
	Version       int             `json:"version"`
	Operation     *string         `json:"operation"`
	Changed       time.Time       `json:"changed"`
	Actor         *string         `json:"actor"`
	RemoteAddr    *string         `json:"remote_addr"`
	Rationale     *string         `json:"rationale"`
	UserInfo      map[string]any  `json:"user_info"`
	ExtraInfo     map[string]any  `json:"extra_info"`
	HiddenChanged []string        `json:"hidden_changed"`
	TransactionID *uint64         `json:"transaction_id"`
	DatabaseUser  *string         `json:"database_user"`
	Data          chrononaut.Data `json:"data"`
}

func newChangeJSON(c *chrononaut.Change) changeJSON {
	shape := changeJSON{
		ID: c.ID, Table: newTableJSON(c.Table), Key: c.Key, PreviousKey: c.PreviousKey, Version: c.Version,
		Operation: orNull(string(c.Operation)), Changed: c.Changed.UTC(),
		Actor: orNull(c.Actor), RemoteAddr: orNull(c.RemoteAddr), Rationale: orNull(c.Rationale),
		UserInfo: c.UserInfo, ExtraInfo: c.ExtraInfo, HiddenChanged: c.HiddenChanged,
		TransactionID: orNull(c.TransactionID), DatabaseUser: orNull(c.DatabaseUser), Data: c.Data,
	}
	if shape.HiddenChanged == nil {
		shape.HiddenChanged = []string{}
	}
	return shape
}

func orNull[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// columnJSON is what became of a column; from or to is missing when the state
// before or after has no such column.
type columnJSON struct {
	Column string          `json:"column"`
	From   json.RawMessage `json:"from,omitempty"`
	To     json.RawMessage `json:"to,omitempty"`
	Hidden bool            `json:"hidden"`
}

func newDiffJSON(diff chrononaut.Diff) []columnJSON {
	shape := make([]columnJSON, len(diff))
	for i, d := range diff {
		shape[i] = columnJSON(d)
	}
	return shape
}

// raw prints a value of a diff.
func raw(message json.RawMessage) string {
	if message == nil {
		return ""
	}
	return value(chrononaut.Data{"": message}, "")
}

// keyFirst orders columns by name, those of the key before the others.
func keyFirst(key chrononaut.Key) func(a, b string) int {
	rank := func(column string) int {
		if _, ok := key[column]; ok {
			return 0
		}
		return 1
	}
	return func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) }
}

// summary says in one line what a change did to the columns.
func (p *printer) summary(diff chrononaut.Diff, key chrononaut.Key) string {
	order := keyFirst(key)
	diff = slices.SortedFunc(slices.Values(diff), func(a, b chrononaut.ColumnDiff) int { return order(a.Column, b.Column) })
	parts := make([]string, len(diff))
	for i, d := range diff {
		name := clean(quoteColumn(d.Column))
		switch {
		case d.Hidden:
			parts[i] = name + " (hidden)"
		case d.From == nil:
			parts[i] = name + "=" + p.shorten(raw(d.To))
		case d.To == nil:
			parts[i] = name + " is gone"
		default:
			parts[i] = name + ": " + p.shorten(raw(d.From)) + " → " + p.shorten(raw(d.To))
		}
	}
	return strings.Join(parts, ", ")
}

// shorten keeps a long value from filling a line of a terminal.
func (p *printer) shorten(s string) string {
	limit := max(12, min(40, p.width/3))
	if !p.tty {
		return s
	}
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}
