package sqlite

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// keyTextColumn holds a key as history has it, where it does not follow from
// the typed columns.
const keyTextColumn = "chrononaut_key"

// KeyTable is the name of the table of all keys that the table has had: their
// columns are declared as they are in the table, so that a query of the past
// finds a key by an index and compares it as the table does.
func (t *Table) KeyTable() string { return "chrononaut_keys_" + t.HistoryName }

// KeyTableSQL is the statement that creates it, as the catalog keeps it.
func (t *Table) KeyTableSQL() string {
	if alias := t.RowidAlias(); alias != "" {
		return "CREATE TABLE " + QuoteIdent(t.KeyTable()) + " (" + QuoteIdent(alias) + " INTEGER PRIMARY KEY)"
	}
	columns := []string{keyTextColumn + " TEXT PRIMARY KEY NOT NULL"}
	for _, name := range t.Key() {
		columns = append(columns, t.declaration(*t.Column(name)))
	}
	return "CREATE TABLE " + QuoteIdent(t.KeyTable()) + " (" + strings.Join(columns, ", ") + ") WITHOUT ROWID"
}

var plainType = regexp.MustCompile(`^\w[\w ]*(\( *[+-]?\d+ *(, *[+-]?\d+ *)?\))?$`)

// declaration declares a column of the same type and collation.
func (t *Table) declaration(c Column) string {
	sql := QuoteIdent(c.Name)
	switch declared := c.Type; {
	case declared == "", t.StrictTypes != 0 && strings.EqualFold(declared, "ANY"):
	case plainType.MatchString(declared):
		sql += " " + declared
	default:
		// Only the affinity matters then.
		sql += " " + map[Affinity]string{Integer: "INT", Text: "TEXT", Blob: "BLOB", Real: "REAL", Numeric: "NUMERIC"}[t.Affinity(c)]
	}
	if collation := t.Collation(c.Name); collation != "" {
		sql += " COLLATE " + QuoteIdent(collation)
	}
	return sql
}

// Collation is the collation that a column is declared with, empty for none.
func (t *Table) Collation(column string) string {
	definitions, _ := list(t.SQL)
	for _, definition := range definitions {
		if len(definition) == 0 || !SameName(definition[0].text, column) {
			continue
		}
		depth := 0
		for n, tok := range definition[1:] {
			switch {
			case !tok.name && tok.text == "(":
				depth++
			case !tok.name && tok.text == ")":
				depth--
			case depth == 0 && tok.name && strings.EqualFold(tok.text, "COLLATE") && n+2 < len(definition):
				if name := definition[n+2].text; !strings.EqualFold(name, "BINARY") {
					return name
				}
				return ""
			}
		}
		return ""
	}
	return ""
}

// KeyIndex is the name of the index on the typed columns of the table of keys;
// empty when it needs none.
func (t *Table) KeyIndex() string {
	if t.RowidAlias() != "" {
		return ""
	}
	return t.KeyTable() + "_columns"
}

// KeyTableColumns lists the columns of the table of keys.
func (t *Table) KeyTableColumns() string {
	var columns []string
	if t.RowidAlias() == "" {
		columns = append(columns, keyTextColumn)
	}
	for _, name := range t.Key() {
		columns = append(columns, QuoteIdent(name))
	}
	return strings.Join(columns, ", ")
}

// KeyTableValues is SQL for what they are for a row of the table.
func (t *Table) KeyTableValues(row string) string {
	var values []string
	if t.RowidAlias() == "" {
		values = append(values, t.KeyObject(row))
	}
	for _, name := range t.Key() {
		values = append(values, row+"."+QuoteIdent(name))
	}
	return strings.Join(values, ", ")
}

// KeyTableRead is SQL for the same from a key as history has it.
func (t *Table) KeyTableRead(key string) string {
	if t.RowidAlias() != "" {
		return t.ReadKey(key)
	}
	return key + ", " + t.ReadKey(key)
}

// KeyTableMatch is SQL for whether a row of the table of keys is that of a row
// of the table.
func (t *Table) KeyTableMatch(keys, row string) string {
	if alias := t.RowidAlias(); alias != "" {
		return keys + "." + QuoteIdent(alias) + " = " + row + "." + QuoteIdent(alias)
	}
	return keys + "." + keyTextColumn + " = " + t.KeyObject(row)
}

// KeyTableFound is SQL for whether a row of the table of keys is that of a key as
// history has it, by its index.
func (t *Table) KeyTableFound(keys, key string) string {
	if alias := t.RowidAlias(); alias != "" {
		return keys + "." + QuoteIdent(alias) + " = (" + t.ReadKey(key) + ")"
	}
	return keys + "." + keyTextColumn + " = " + key
}

// KeyText is SQL for the key of a row of the table of keys as history has it.
func (t *Table) KeyText(keys string) string {
	if t.RowidAlias() != "" {
		return t.KeyObject(keys)
	}
	return keys + "." + keyTextColumn
}

// ReadableKey is SQL for whether a key has the columns that the table's have
// now.
func (t *Table) ReadableKey(key string) string {
	names := slices.Clone(t.Key())
	for i, name := range names {
		names[i] = QuoteLiteral(name)
	}
	kind := ""
	if t.RowidAlias() != "" {
		kind = " AND j.type = 'integer'"
	}
	n := strconv.Itoa(len(names))
	return "(SELECT count(*) FROM json_each(" + key + ")) = " + n + " AND (SELECT count(*) FROM json_each(" + key + ") AS j WHERE j.key IN (" +
		strings.Join(names, ", ") + ")" + kind + ") = " + n
}
