package sqlite

import (
	"slices"
	"strings"
)

// RecordColumns lists the columns of a table that history has values of, in
// the table's order: all but the hidden and the untracked ones.
func (i *Inspected) RecordColumns(opts Options) []Column {
	excluded := slices.Concat(opts.Hidden, opts.Untracked)
	var columns []Column
	for _, c := range i.Columns {
		if !slices.ContainsFunc(excluded, func(name string) bool { return SameName(name, c.Name) }) {
			columns = append(columns, c)
		}
	}
	return columns
}

// ReadValue returns SQL for the value that the column of a name has in data,
// which is SQL for JSON text: the value of the type that was captured. It is
// NULL when data does not have the column.
func ReadValue(data, column string) string {
	if strings.ContainsAny(column, "\"\\") || strings.ContainsFunc(column, func(r rune) bool { return r < ' ' }) {
		// A path cannot say every name.
		return "(SELECT CASE j.type WHEN 'object' THEN " + unwrap("j.value", "$") +
			" ELSE j.atom END FROM json_each(" + data + ") AS j WHERE j.key = " + QuoteLiteral(column) + ")"
	}
	path := `$."` + column + `"`
	return "CASE json_type(" + data + ", " + QuoteLiteral(path) + ") WHEN 'object' THEN " + unwrap(data, path) +
		" ELSE json_extract(" + data + ", " + QuoteLiteral(path) + ") END"
}

// unwrap returns SQL for a value that JSON cannot hold: see docs/sqlite.md.
func unwrap(data, path string) string {
	inner := func(wrapper string) string {
		return "json_extract(" + data + ", " + QuoteLiteral(path+`."`+wrapper+`"`) + ")"
	}
	return "CASE WHEN " + inner(wrapBlob) + " IS NOT NULL THEN unhex(substr(" + inner(wrapBlob) + ", 3))" +
		" ELSE CASE " + inner(wrapReal) + " WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END"
}

// The keys of values that are wrapped.
const (
	wrapBlob = "chrononaut:blob"
	wrapReal = "chrononaut:real"
)

// WriteValue returns SQL for a value, given as SQL, in the form that data and
// keys have: JSON text, also for NULL.
func WriteValue(value string) string {
	return "CASE typeof(" + value + ") WHEN 'real'" +
		" THEN CASE WHEN abs(" + value + ") = 9e999 THEN '{\"" + wrapReal + "\":\"' || iif(" + value + " < 0, '-', '') || 'Infinity\"}'" +
		" WHEN CAST(json_quote(" + value + ") AS REAL) = " + value + " THEN json_quote(" + value + ")" +
		" ELSE printf('%!.17g', " + value + ") END" +
		" WHEN 'blob' THEN " + writeBlob(value) +
		" ELSE json_quote(" + value + ") END"
}

func writeBlob(value string) string {
	return "'{\"" + wrapBlob + "\":\"\\\\x' || lower(hex(" + value + ")) || '\"}'"
}

// KeyObject returns SQL for the key of a row, given by its alias, as history
// has it: a JSON object with its columns in the order of their names.
func (i *Inspected) KeyObject(row string) string {
	names := slices.Sorted(slices.Values(i.Key()))
	alias := i.RowidAlias()
	var b strings.Builder
	for n, name := range names {
		separator := ","
		if n == 0 {
			separator = "{"
		}
		value := row + "." + QuoteIdent(name)
		if name != alias {
			value = i.writeValue(*i.Column(name), value)
		}
		b.WriteString(QuoteLiteral(separator+quoteJSON(name)+":") + " || " + value + " || ")
	}
	return b.String() + "'}'"
}
