package postgres

import (
	"slices"
	"strconv"
	"strings"
)

// What the triggers that set no search_path are made of: version.sql, statement.sql.
// Everything in it is qualified, operators too.

// RowAlias is the alias of rows of the transition tables. A column of its name would
// stand for the row, so it is one that no column has.
func (t *Table) RowAlias() string { return t.alias("chrononaut:row") }

// PlaceAlias is the alias of a row's place among those of a transition table.
func (t *Table) PlaceAlias() string { return t.alias("chrononaut:place") }

func (t *Table) alias(name string) string {
	for slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == name }) {
		name += ":"
	}
	return QuoteIdent(name)
}

// Quick reports whether the version trigger can tell by itself whether an UPDATE
// changes anything: every column counts, and none is set by the trigger but the version.
func (t *Table) Quick() bool {
	return t.History && !t.RecordChanges && len(t.NotCompared()) == 0
}

// QuickInsert reports whether the version trigger can tell by itself that history
// does not know a key.
func (t *Table) QuickInsert() bool {
	return t.History && !t.RecordChanges && !t.Partitioned && !t.KeyNeedsSettings() && len(t.Python) == 0 && len(t.Renames) == 0
}

// bytewise are types whose equality in pg_catalog is that of the image.
var bytewise = []string{"smallint", "integer", "bigint", "uuid"}

// SameKey is SQL for whether two row variables have the same key, by image.
func (t *Table) SameKey(a, b string) string {
	var terms []string
	for _, k := range t.Keys() {
		x, y := a+"."+QuoteIdent(k.Name), b+"."+QuoteIdent(k.Name)
		if slices.Contains(bytewise, k.Type) {
			terms = append(terms, x+" OPERATOR(pg_catalog.=) "+y)
		} else {
			terms = append(terms, "pg_catalog.record_image_eq(ROW("+x+"), ROW("+y+"))")
		}
	}
	return strings.Join(terms, " AND ")
}

// Awkward reports whether the table has captured columns whose values the statement
// trigger cannot write by itself: to_jsonb() may refuse them, or seldom has them exactly.
func (t *Table) Awkward() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool {
		return !c.Virtual && !slices.Contains([]string{"plain", "record", "float", "array", "jsonb"}, c.Form)
	})
}

// Plainly is SQL for whether to_jsonb() has all values of a row exactly; empty when
// it always does.
func (t *Table) Plainly(row string) string {
	var terms []string
	for _, c := range t.captured(func(c Column) bool { return c.Form != "plain" && c.Form != "record" }) {
		value := row + "." + QuoteIdent(c.Name)
		switch c.Form {
		case "array":
			terms = append(terms, "coalesce(pg_catalog.array_ndims("+value+") OPERATOR(pg_catalog.=) 1 AND pg_catalog.array_lower("+value+", 1) OPERATOR(pg_catalog.=) 1, true)")
		case "jsonb":
			terms = append(terms, "coalesce(pg_catalog.jsonb_typeof("+value+") OPERATOR(pg_catalog.<>) 'null' AND NOT ("+value+"::pg_catalog.jsonb OPERATOR(pg_catalog.?) 'chrononaut:text'), true)")
		case "float":
			terms = append(terms, "coalesce("+value+" OPERATOR(pg_catalog.<>) 0::pg_catalog.float8 OR "+value+"::pg_catalog.text OPERATOR(pg_catalog.<>) '-0', true)")
		}
	}
	slices.Sort(terms)
	return strings.Join(terms, "\n                        AND ")
}

// Settling reports whether the statement trigger may trust a row's version as long as
// no key of the table has changed: not where it may be older than tracking.
func (t *Table) Settling() bool { return !t.Adopted && len(t.Python) == 0 }

// namedArgs are those of the templates that look into a sequence, or a transition
// table, of this name.
type namedArgs struct {
	Table *Table
	Name  string
}

// settledTable are the arguments of the templates in statement.sql that write rows.
type settledTable struct {
	*Table
	Settled bool // no key of the table has changed
}

// versionArgs are those of the templates that look whether history can have a version.
type versionArgs struct {
	Table   *Table
	Version string
}

// Of is the version of a row.
func (t settledTable) Of(row string) versionArgs {
	return versionArgs{t.Table, row + "." + QuoteIdent(t.VersionColumn)}
}

// After is the version after that of a row.
func (t settledTable) After(row string) versionArgs {
	return versionArgs{t.Table, "(" + row + "." + QuoteIdent(t.VersionColumn) + " OPERATOR(pg_catalog.+) 1)"}
}

// Shape is a checksum of the table's columns, their types and the places of hidden
// ones: see fits() in the migrations.
func (t *Table) Shape() string { return t.shapeOf(t.Columns) }

// KeyShape is the same of the columns that the version trigger names.
func (t *Table) KeyShape() string {
	names := t.VersionedColumns()
	return t.shapeOf(slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return !slices.Contains(names, c.Name) }))
}

// VersionedColumns are those of the key, and that of the version.
func (t *Table) VersionedColumns() []string {
	return append(slices.Clone(t.KeyColumns), t.VersionColumn)
}

func (t *Table) shapeOf(columns []Column) string {
	lines := make([]string, 0, len(columns))
	for _, c := range columns {
		line := c.Name + " " + c.TypeName
		if c.BaseType != c.TypeName {
			line += " " + c.BaseType
		}
		if slices.Contains(t.Hidden, c.Name) {
			line += " " + strconv.Itoa(int(c.Ordinal))
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return Checksum(strings.Join(lines, "\n"))
}

// RowImage is SQL for the state of a row as data has it; next says that it is of
// a row that is deleted, whose version is the next one.
func (t *Table) RowImage(row string, next bool) string {
	image := "pg_catalog.to_jsonb(" + row + ")"
	if len(t.Excluded()) > 0 {
		image = "(SELECT pg_catalog.to_jsonb(" + row + ") FROM (SELECT " + strings.Join(t.included(row), ", ") + ") AS " + row + ")"
	}
	version := row + "." + QuoteIdent(t.VersionColumn)
	var members []string
	if next {
		version += " OPERATOR(pg_catalog.+) 1"
		members = append(members, QuoteLiteral(t.VersionColumn)+", "+version)
	}
	if t.VersionKey() {
		members = append(members, "'version', "+version)
	}
	if len(members) > 0 {
		image += " OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object(" + strings.Join(members, ", ") + ")"
	}
	return image
}

// included lists the columns of a row that enter history.
func (t *Table) included(row string) []string {
	excluded := t.Excluded()
	var columns []string
	for _, c := range t.Columns {
		if !slices.Contains(excluded, c.Name) {
			columns = append(columns, row+"."+QuoteIdent(c.Name))
		}
	}
	// A plan that adds columns does not know their places.
	slices.Sort(columns)
	return columns
}

// KeysValue is SQL for the value of a key column in the table of keys; k.key is the
// key.
func (t *Table) KeysValue(k KeyColumn, row string) string {
	if k.Own() {
		return row + "." + QuoteIdent(k.Name)
	}
	return "(k.key ->> " + QuoteLiteral(k.Name) + ")::" + k.KeyType
}

// zoned are the types that look the same in JSON under all settings but TimeZone.
const zoned = "timestamp with time zone"

// StatementSettings reports whether the statement trigger sets everything that
// values can depend on, as the function for one row does.
func (t *Table) StatementSettings() bool {
	for _, k := range t.Keys() {
		if !k.Own() {
			return true
		}
	}
	return slices.ContainsFunc(t.Columns, func(c Column) bool {
		base := settledBase(c)
		return base != zoned && base != "jsonb" && !slices.Contains(settledTypes, base)
	})
}

// Zoned reports whether TimeZone is all that it sets.
func (t *Table) Zoned() bool {
	return !t.StatementSettings() && slices.ContainsFunc(t.Columns, func(c Column) bool { return settledBase(c) == zoned })
}

// settledBase is a column's type without modifiers; of an array, its elements'.
func settledBase(c Column) string {
	base := strings.TrimSuffix(c.Type, "[]")
	if before, after, found := strings.Cut(base, "("); found {
		_, after, _ = strings.Cut(after, ")")
		base = before + after
	}
	return base
}

// RowsOf is a subquery of the rows of a transition table: r is the row as one of a
// type, given as SQL, since transition tables have no name for theirs, and place
// its place. The key and the version are there where the table has these columns.
func (t *Table) RowsOf(table, rowType string, keyed bool) string {
	row := t.RowAlias()
	keys := ""
	if keyed {
		keys = ", " + t.KeyObject(row) + " AS key, " + row + "." + QuoteIdent(t.VersionColumn) + " AS version"
	}
	return "(SELECT ROW(" + row + ".*)::" + rowType + " AS r, pg_catalog.row_number() OVER () AS place" + keys + " FROM " + table + " AS " + row + ")"
}
