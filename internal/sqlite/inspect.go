package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Inspected is what the catalog says of a table.
type Inspected struct {
	Name         string `json:"name"` // in the catalog's spelling
	Kind         string `json:"kind"` // table, view, virtual or shadow
	SQL          string `json:"sql"`
	StrictTypes  int    `json:"strict"`
	WithoutRowid int    `json:"without_rowid"`
	// Acts reports whether a foreign key can write this table when a row of it is
	// deleted, directly or by way of other tables and their triggers.
	Acts     bool               `json:"acts"`
	Columns  []Column           `json:"columns"`
	Indexes  []Index            `json:"indexes"` // the unique ones
	Triggers []InspectedTrigger `json:"triggers"`
}

// Column is a column of a table as the catalog has it.
type Column struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"` // as declared, may be empty
	NotNull int     `json:"not_null"`
	Default *string `json:"default"` // SQL
	Key     int     `json:"key"`     // position in the primary key, from 1; 0 for none
	// Hidden is 0 for plain columns, 1 for hidden columns of virtual tables, 2
	// and 3 for virtual and stored generated columns.
	Hidden int `json:"hidden"`
}

// Generated reports whether the column is computed from others.
func (c Column) Generated() bool { return c.Hidden == 2 || c.Hidden == 3 }

// Index is a unique index, of a constraint or on its own.
type Index struct {
	Name    string        `json:"name"`
	Origin  string        `json:"origin"` // c CREATE INDEX, u UNIQUE, pk PRIMARY KEY
	Partial int           `json:"partial"`
	SQL     *string       `json:"sql"` // nil for constraints
	Columns []IndexColumn `json:"columns"`
}

// IndexColumn is a column of an index; its name is empty for an expression.
type IndexColumn struct {
	Name      string `json:"name"`
	Collation string `json:"collation"`
}

// InspectedTrigger is a trigger on a table. Of those of one kind SQLite fires
// the one with the highest position first.
type InspectedTrigger struct {
	Name     string `json:"name"`
	Position int64  `json:"position"`
	SQL      string `json:"sql"`
}

// Inspect reads a table of the main database from the catalog; nil when it
// does not exist. Names compare without regard to case. Costs one round trip.
func Inspect(ctx context.Context, q chronodriver.Queryer, name string) (found *Inspected, err error) {
	sql, err := files.ReadFile("sql/inspect.sql")
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, string(sql), name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var document string
	if err := rows.Scan(&document); err != nil {
		return nil, err
	}
	found = &Inspected{}
	if err := json.Unmarshal([]byte(document), found); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return found, rows.Err()
}

// SameName compares names as SQLite does: ASCII letters without regard to
// case.
func SameName(a, b string) bool { return Fold(a) == Fold(b) }

// Fold returns the form of a name by which SQLite compares it.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Column returns the column of a name, or nil.
func (i *Inspected) Column(name string) *Column {
	n := slices.IndexFunc(i.Columns, func(c Column) bool { return SameName(c.Name, name) })
	if n < 0 {
		return nil
	}
	return &i.Columns[n]
}

// Key lists the columns of the primary key in its order.
func (i *Inspected) Key() []string {
	var key []Column
	for _, c := range i.Columns {
		if c.Key > 0 {
			key = append(key, c)
		}
	}
	slices.SortFunc(key, func(a, b Column) int { return a.Key - b.Key })
	names := make([]string, len(key))
	for n, c := range key {
		names[n] = c.Name
	}
	return names
}

// RowidAlias returns the column that stands for the rowid, an INTEGER PRIMARY
// KEY, or the empty string. Such a column holds integers only.
func (i *Inspected) RowidAlias() string {
	key := i.Key()
	if i.WithoutRowid != 0 || len(key) != 1 || !strings.EqualFold(i.Column(key[0]).Type, "INTEGER") {
		return ""
	}
	// INTEGER PRIMARY KEY DESC is no alias, and has an index instead.
	if slices.ContainsFunc(i.Indexes, func(x Index) bool { return x.Origin == "pk" }) {
		return ""
	}
	return key[0]
}
