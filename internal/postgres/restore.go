package postgres

import (
	"slices"
	"strconv"
	"strings"
)

// RestoreArgs are what the statements of plans are made of: the files in
// sql/restore.
type RestoreArgs struct {
	ReadArgs

	Table *Table
	// Until is a condition on the alias a, and l for the life of an item: what had
	// happened by the point that is brought back.
	Until string
	// Lock locks the rows that are read.
	Lock bool
	// Columns are those that are written.
	Columns []RestoreColumn
	// From are the columns of the foreign key or the unique index, To those that
	// it refers to, and Other the table at the other end, quoted.
	From, To []string
	Other    string
	// Child is the table that refers to Table, when both are known: see same.sql.
	Child *Table
}

// RestoreColumn is a column that a statement writes.
type RestoreColumn struct {
	Name string
	// Always says that every item writes it; else the item's set says so.
	Always bool
	// Default is SQL for the value that a row gets otherwise.
	Default string
	// Null says that it is NULL until another statement sets it; its default may refer
	// to something that is not there.
	Null bool
	// Aside is SQL for a value that it has for a moment.
	Aside string
}

// RestoreSQL renders a statement of a plan: a file in sql/restore.
func RestoreSQL(schema, name string, args RestoreArgs) (string, error) {
	sql, err := render("restore/"+name+".sql", schema, args)
	return strings.TrimSpace(sql), err
}

// Below bounds the versions of a record's changes: SQL for the first that is no
// more of interest.
func (a isArgs) Below(version string) isArgs {
	a.Upper = version
	return a
}

// ValueIn is SQL for the typed value of a column in data, which is SQL for
// jsonb: see [Table.RecordSelect].
func (t *Table) ValueIn(column, data string) string {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
	if i < 0 {
		return "NULL"
	}
	return t.Columns[i].recordValue(t.HistorySchema, data)
}

// Tighter is SQL that adds to [Table.Misfits] the columns that do not take a value
// because of what they demand beyond their type: a length, a precision, the
// constraints of a domain.
func (t *Table) Tighter(data, alias string) string {
	var b strings.Builder
	for i, c := range t.RecordColumns() {
		condition := ""
		_, modifier, modified := strings.Cut(strings.TrimSuffix(c.FullType, ")"), "(")
		_, notLength := strconv.Atoi(modifier)
		switch {
		case c.TypeName == c.BaseType && (!modified || timeTypes[c.BaseType]):
			continue
		case c.TypeName == c.BaseType && textTypes[c.BaseType] && notLength == nil:
			// These are in every table. Spaces at the end are cut off.
			condition = "pg_catalog.char_length(pg_catalog.rtrim(" + alias + "." + QuoteIdent(c.Name) + "::pg_catalog.text, ' ')) > " + modifier
		default:
			value := "(" + data + " -> " + QuoteLiteral(c.Name) + ")"
			condition = "pg_catalog.num_nulls(" + alias + "." + QuoteIdent(c.Name) + ") = 0 AND NOT " + QuoteIdent(t.HistorySchema) + ".value_fits(" + value + ", " + QuoteLiteral(c.FullType) + ")"
		}
		b.WriteString(" || CASE WHEN " + condition + " THEN '" + strconv.Itoa(i) + ",' ELSE '' END")
	}
	return b.String()
}

var (
	textTypes = map[string]bool{`pg_catalog."varchar"`: true, "pg_catalog.bpchar": true}
	// Of these a modifier takes every value.
	timeTypes = map[string]bool{
		`pg_catalog."timestamp"`: true, "pg_catalog.timestamptz": true, `pg_catalog."time"`: true, "pg_catalog.timetz": true, `pg_catalog."interval"`: true,
	}
)

// FittingIn is like [Table.ValueIn], with the collation of the column; a value that
// the column's present type cannot hold is NULL instead of an error.
func (t *Table) FittingIn(column, data string) string {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
	if i < 0 {
		return "NULL"
	}
	value := t.Columns[i].fittingValue(t.HistorySchema, data)
	if collation := t.Columns[i].Collation; collation != "" {
		value = "(" + value + ") COLLATE " + collation
	}
	return value
}

// ParentValues and ChildValues are SQL for the values that a foreign key compares, of
// g.data.
func (a RestoreArgs) ParentValues() []string { return fittingIn(a.Table, a.To) }

// ChildValues see ParentValues.
func (a RestoreArgs) ChildValues() []string { return fittingIn(a.Child, a.From) }

func fittingIn(t *Table, columns []string) []string {
	values := make([]string, len(columns))
	for i, name := range columns {
		values[i] = t.FittingIn(name, "g.data")
	}
	return values
}

// SameTypes reports whether the columns of both sides are of the same types, so that
// their values can be compared as those of one column.
func (a RestoreArgs) SameTypes() bool {
	for i, name := range a.To {
		if a.Table.typeOf(name) != a.Child.typeOf(a.From[i]) {
			return false
		}
	}
	return true
}

func (t *Table) typeOf(column string) string {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
	if i < 0 {
		return ""
	}
	return t.Columns[i].BaseType
}

// PresentImage is SQL for the state of a row of the table, given by its alias,
// in the form of data, under the settings of the triggers.
func (t *Table) PresentImage(alias string) string {
	const most = 40 // a function takes 100 arguments
	var parts []string
	for chunk := range slices.Chunk(t.RecordColumns(), most) {
		var members []string
		for _, c := range chunk {
			value := "pg_catalog.to_jsonb(" + alias + "." + QuoteIdent(c.Name) + ")"
			if !slices.Contains(t.KeyColumns, c.Name) {
				value = t.ColumnImage(c, alias)
			}
			members = append(members, QuoteLiteral(c.Name)+", "+value)
		}
		parts = append(parts, "pg_catalog.jsonb_build_object("+strings.Join(members, ", ")+")")
	}
	if len(parts) == 0 {
		return "'{}'::jsonb"
	}
	return strings.Join(parts, " || ")
}
