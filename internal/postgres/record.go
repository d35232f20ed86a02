package postgres

import (
	"slices"
	"strconv"
	"strings"
)

// wrapper is the key of a value that data holds as text: see the migrations.
const wrapper = `'chrononaut:text'`

// RecordColumns lists the columns of a table that history has values of, in
// the table's order.
func (t *Table) RecordColumns() []Column {
	excluded := t.Excluded()
	var columns []Column
	for _, c := range t.Columns {
		if !slices.Contains(excluded, c.Name) {
			columns = append(columns, c)
		}
	}
	return columns
}

// RecordSelect returns the items of a select list, one for each of
// [Table.RecordColumns], that turn the jsonb expression data back into typed
// values: exactly those that were captured, whatever the session's settings
// are. Data occurs several times in each item; it should be a column.
//
// A column that data does not have is NULL. Values have the type behind the
// column's domain, if it has one, and no type modifier, so that a constraint
// or a length that the column got later does not change or refuse them. A
// value that the column's present type cannot hold (a renamed enum label, a
// column whose type changed) raises an error of SQLSTATE class 22, which may
// quote the value.
func (t *Table) RecordSelect(data string) []string {
	columns := t.RecordColumns()
	items := make([]string, len(columns))
	for i, c := range columns {
		items[i] = c.recordValue(t.HistorySchema, data) + " AS " + QuoteIdent(c.Name)
	}
	return items
}

// recordValue is SQL for the column's value in data.
func (c Column) recordValue(schema, data string) string {
	value := "(" + data + " -> " + QuoteLiteral(c.Name) + ")"
	// NULL unless the value is an object that wraps a text.
	wrapped := "(" + value + " ->> " + wrapper + ")"
	scalar := "(" + data + " ->> " + QuoteLiteral(c.Name) + ")"
	text := "coalesce(" + wrapped + ", " + scalar + ")"
	prototype := "NULL::" + c.BaseType
	switch {
	case c.Form == "xml":
		return "XMLPARSE(CONTENT " + text + ")"
	case c.Form == "jsonb":
		return "coalesce(" + wrapped + "::pg_catalog.jsonb, nullif(" + value + ", 'null'::pg_catalog.jsonb))"
	case c.Form == "record" || c.Form == "array" || c.Form == "floats":
		if c.Pinned {
			s := QuoteIdent(schema)
			return "CASE WHEN " + wrapped + " IS NULL THEN " + s + ".read_json(" + value + ", " + prototype + ")" +
				" ELSE " + s + ".read_text(" + wrapped + ", " + prototype + ") END"
		}
		return "CASE WHEN " + wrapped + " IS NULL THEN (SELECT r.v FROM pg_catalog.jsonb_to_record(" +
			"pg_catalog.jsonb_build_object('v', " + value + ")) AS r (v " + c.BaseType + "))" +
			" ELSE " + wrapped + "::" + c.BaseType + " END"
	case c.Pinned:
		return QuoteIdent(schema) + ".read_text(" + text + ", " + prototype + ")"
	}
	return text + "::" + c.BaseType
}

// RecordRead is like [Table.RecordSelect], but a value that the column's present
// type cannot hold is NULL instead of an error. That costs a few microseconds
// more for each value.
func (t *Table) RecordRead(data string) []string {
	columns := t.RecordColumns()
	items := make([]string, len(columns))
	for i, c := range columns {
		items[i] = c.fittingValue(t.HistorySchema, data) + " AS " + QuoteIdent(c.Name)
	}
	return items
}

// Misfits is SQL for a text that lists the columns whose value in data the
// present type cannot hold, by their index among [Table.RecordColumns]: "2,7,".
// The alias has the values that [Table.RecordRead] selects.
func (t *Table) Misfits(data, alias string) string {
	items := []string{"''"}
	for i, c := range t.RecordColumns() {
		if !c.plain() {
			items = append(items, "CASE WHEN pg_catalog.num_nulls("+alias+"."+QuoteIdent(c.Name)+") = 1 AND pg_catalog.jsonb_typeof("+
				data+" -> "+QuoteLiteral(c.Name)+") <> 'null' THEN '"+strconv.Itoa(i)+",' ELSE '' END")
		}
	}
	return strings.Join(items, " || ")
}

// plain reports whether any value can be read as the column's type, because it
// is text, or because data holds the value itself.
func (c Column) plain() bool {
	switch c.BaseType {
	case "pg_catalog.text", `pg_catalog."varchar"`, "pg_catalog.bpchar":
		return true
	}
	return c.Form == "jsonb"
}

func (c Column) fittingValue(schema, data string) string {
	if c.plain() {
		return c.recordValue(schema, data)
	}
	value := "(" + data + " -> " + QuoteLiteral(c.Name) + ")"
	prototype := "NULL::" + c.BaseType
	if c.Pinned || c.Form == "record" || c.Form == "array" || c.Form == "floats" || c.Form == "xml" {
		pinned := "false"
		if c.Pinned {
			pinned = "true"
		}
		return QuoteIdent(schema) + ".fitting_value(" + value + ", " + QuoteLiteral(c.Form) + ", " + pinned + ", " + prototype + ")"
	}
	text := "coalesce(" + value + " ->> " + wrapper + ", " + data + " ->> " + QuoteLiteral(c.Name) + ")"
	return QuoteIdent(schema) + ".fitting_text(" + text + ", " + prototype + ")"
}
