package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// KeyColumn is a column of a table's key in its table of keys.
type KeyColumn struct {
	Column
	Place int
}

// Variable is the name of a variable that holds its value.
func (k KeyColumn) Variable() string { return "key_" + strconv.Itoa(k.Place) }

// KeysColumn is its name in the table of keys.
func (k KeyColumn) KeysColumn() string { return "k" + strconv.Itoa(k.Place) }

// Own reports whether the table of keys has the values themselves, not a text
// that stands for them.
func (k KeyColumn) Own() bool { return k.KeyType == k.Type }

// Keys lists the columns of the key, in its order.
func (t *Table) Keys() []KeyColumn {
	var keys []KeyColumn
	for i, name := range t.KeyColumns {
		for _, c := range t.Columns {
			if c.Name == name {
				keys = append(keys, KeyColumn{c, i + 1})
			}
		}
	}
	return keys
}

// keysKind names the table of keys as [Table.FunctionName] does functions.
const keysKind = "keys"

// KeysName is the name of the table of keys.
func (t *Table) KeysName() string { return t.FunctionName(keysKind) }

// KeysTable is its qualified, quoted name.
func (t *Table) KeysTable() string {
	return QuoteIdent(t.HistorySchema) + "." + QuoteIdent(t.KeysName())
}

// KeysComment says what the table of keys is made for: another key needs another
// table.
func (t *Table) KeysComment() string {
	parts := make([]string, 0, len(t.KeyColumns))
	for _, k := range t.Keys() {
		parts = append(parts, QuoteIdent(k.Name)+" "+k.KeyType+" "+k.Collation)
	}
	comment := "Keys that the history of " + t.Qualified() + " has: " + strings.Join(parts, ", ")
	for _, rows := range t.Python {
		comment += ", and of Python's " + rows.Name
	}
	return comment
}

// Past is what the view of a table's past is made of.
type Past struct {
	ReadArgs
	*Table
	// In is the schema of the view.
	In string
	// Policy is the table's row security, as a condition; empty for none.
	Policy string
	// Point is the point itself; nil for that of the transaction that reads.
	Point *PointLiterals
}

// PointLiterals are what a point means: the result of resolve_point(), see the
// migrations.
type PointLiterals struct {
	At       string `json:"at"`
	Clock    string `json:"clock"`
	Except   string `json:"except"`
	Snapshot string `json:"snapshot"`
	From     int64  `json:"from"`
	To       *int64 `json:"to"`
}

// Past describes the view of the table's past in a schema. python are the rows of
// Python chrononaut that it also reads.
func (t *Table) Past(in, policy string, python []PythonSource) Past {
	args := ReadArgs{Schema: t.Schema, Name: t.Name, Record: t, Python: python}.WithAliases(t.HistorySchema, t.Aliases, t.KeyColumns)
	return Past{args, t, in, policy, nil}
}

// branches are the arguments of the template that finds a row of any name.
type branches struct {
	Past      Past
	Visible   bool
	Direction string
}

// Branches gives the template "any" which rows are asked for, and in which order.
func (p Past) Branches(visible bool, direction string) branches {
	return branches{p, visible, direction}
}

// View is the qualified, quoted name of the view.
func (p Past) View() string { return QuoteIdent(p.In) + "." + QuoteIdent(p.Table.Name) }

// SQL is the query that the view is.
func (p Past) SQL() (string, error) {
	sql, err := render("table/past.sql", p.Table.HistorySchema, p)
	return strings.TrimSpace(sql), err
}

// Comment is the comment of the view, by which the check command finds one that
// is out of date.
func (p Past) Comment(query string) string {
	return "The past of " + p.Table.Qualified() + ", read by queries that travel. chrononaut generation " +
		strconv.Itoa(Generation) + ", source " + Checksum(query)
}

// Virtual reports whether a column of the table is computed when it is read.
func (p Past) Virtual() bool {
	return slices.ContainsFunc(p.Table.Columns, func(c Column) bool { return c.Virtual })
}

// HasForeignTypes reports whether a column of the table is of a type that is not
// PostgreSQL's own.
func (p Past) HasForeignTypes() bool {
	return slices.ContainsFunc(p.Table.Columns, func(c Column) bool { return strings.Contains(c.FullType, ".") || c.Collation != "" })
}

// IsVirtual reports whether the view computes the column.
func (p Past) IsVirtual(c Column) bool { return c.Virtual && !p.concealed(c) }

func (p Past) concealed(c Column) bool {
	return slices.Contains(p.Table.Hidden, c.Name) || slices.Contains(p.Table.Untracked, c.Name)
}

// Value is SQL for a column of the view, of exactly the column's type. What is
// hidden or untracked is NULL. A value that the column cannot hold any more
// raises an error.
func (p Past) Value(c Column) string {
	value := p.value(c)
	if c.Collation != "" {
		value = "(" + value + " COLLATE " + c.Collation + ")"
	}
	return value
}

func (p Past) value(c Column) string {
	if p.concealed(c) {
		return "NULL::" + c.FullType
	}
	data := "s.data"
	for _, k := range p.Table.Keys() {
		switch {
		case k.Name != c.Name:
		case k.Own():
			return "k." + k.KeysColumn()
		default:
			data = "k.key"
		}
	}
	if p.Table.Periods && data == "s.data" {
		return p.periodValue(c)
	}
	value := c.recordValue(p.Table.HistorySchema, data)
	if c.Name == p.VersionColumn && !p.Adopted {
		// A row that was there before tracking has none until it changes.
		value = "CASE WHEN s.unversioned IS NOT TRUE THEN " + value + " END"
	}
	value = c.cut(p.Table.HistorySchema, value)
	if len(p.ReadArgs.Python) > 0 {
		value = "CASE WHEN " + data + " -> " + QuoteLiteral(c.Name) + " ? 'chrononaut:lossy' THEN " + c.misfit(p.Table.HistorySchema) + " ELSE " + value + " END"
	}
	return "(" + value + ")::" + c.FullType
}

// cut is SQL for a value of the type behind the column's, which raises an error if
// the column cannot hold it. A cast would cut or round what is longer than the column is now.
func (c Column) cut(schema, value string) string {
	if !cutting[c.BaseType] || !strings.ContainsAny(c.FullType, "(.") {
		return value
	}
	return "CASE WHEN ((" + value + ")::" + c.FullType + ")::" + c.BaseType + " OPERATOR(pg_catalog.=) (" + value + ") IS FALSE" +
		" THEN " + c.misfit(schema) + " ELSE " + value + " END"
}

func (c Column) misfit(schema string) string {
	return QuoteIdent(schema) + ".past_misfit(" + QuoteLiteral(c.Name) + ", NULL::" + c.FullType + ")"
}

// cutting are the types whose modifier cuts or rounds, where they have one or are
// behind a domain.
var cutting = map[string]bool{
	`pg_catalog."varchar"`: true, "pg_catalog.bpchar": true, `pg_catalog."numeric"`: true, `pg_catalog."bit"`: true, "pg_catalog.varbit": true,
	`pg_catalog."timestamp"`: true, "pg_catalog.timestamptz": true, `pg_catalog."time"`: true, "pg_catalog.timetz": true, `pg_catalog."interval"`: true,
}

// PastSchema names the schema of views of a schema's past.
func PastSchema(history, schema string) string { return besideSchema(history, "_past", schema) }

// UntrackedSchema names the schema of views that refuse what is not tracked.
func UntrackedSchema(history, schema string) string {
	return besideSchema(history, "_untracked", schema)
}

// besideSchema names what history has of its own beside a schema of the
// application's, within the length that names may have.
func besideSchema(history, kind, schema string) string {
	const longest = 63
	name := history + kind
	if schema != "public" {
		name += "_" + schema
	}
	if len(name) <= longest {
		return name
	}
	sum := sha256.Sum256([]byte(history + "\x00" + schema))
	suffix := kind + "_" + hex.EncodeToString(sum[:4])
	return cutName(history, longest-len(suffix)) + suffix
}
