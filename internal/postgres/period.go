package postgres

import (
	"slices"
	"strconv"
	"strings"
)

// The kinds of functions that make periods, as [Table.FunctionName] names them.
const (
	PeriodFollow = "period_follow" // the trigger on history
	PeriodFill   = "period_fill"   // from what history has
)

// PeriodField is a column of a table in its table of periods.
type PeriodField struct {
	Column
	place int
}

// Slot is its name there.
func (f PeriodField) Slot() string { return "c" + strconv.Itoa(f.place) }

// SlotType is its type there: the column's own, or what is behind its domain;
// jsonb for types of the application's, on which nothing of ours may depend.
func (f PeriodField) SlotType() string {
	switch {
	case !f.builtin():
		return "jsonb"
	case strings.Contains(f.FullType, "."):
		return f.BaseType
	}
	return f.FullType
}

func (f PeriodField) builtin() bool { return strings.HasPrefix(f.BaseType, "pg_catalog.") }

// SlotCollation is its collation there, if it is not the type's.
func (f PeriodField) SlotCollation() string {
	if !f.builtin() || strings.Contains(f.FullType, ".") {
		return ""
	}
	return f.Collation
}

// PeriodFields lists the columns of which periods hold values. Those of the key
// are columns of their own.
func (t *Table) PeriodFields() []PeriodField {
	var fields []PeriodField
	for i, c := range t.RecordColumns() {
		if !slices.Contains(t.KeyColumns, c.Name) {
			fields = append(fields, PeriodField{c, i + 1})
		}
	}
	return fields
}

// PeriodKey reports whether periods hold the key as history has it, because a
// column of it is not what the table has.
func (t *Table) PeriodKey() bool {
	return slices.ContainsFunc(t.Keys(), func(k KeyColumn) bool { return !k.Own() })
}

// PeriodName is the name of the table of periods.
func (t *Table) PeriodName() string { return t.FunctionName("period") }

// PeriodTable is its qualified, quoted name.
func (t *Table) PeriodTable() string {
	return QuoteIdent(t.HistorySchema) + "." + QuoteIdent(t.PeriodName())
}

// PeriodValue is SQL that reads a value from a state in the variable image. It
// raises where the value is not one of the slot's type.
func (t *Table) PeriodValue(f PeriodField) string {
	name := QuoteLiteral(f.Name)
	if !f.builtin() {
		return "pg_catalog.jsonb_build_object(" + name + ", image -> " + name + ")"
	}
	value := f.recordValue(t.HistorySchema, "image")
	if f.SlotType() == f.BaseType {
		return value
	}
	return "(" + f.cut(t.HistorySchema, value) + ")::" + f.FullType
}

// PeriodComment says what the table of periods is made for: other columns need
// another table.
func (t *Table) PeriodComment() string {
	var parts []string
	for _, f := range t.PeriodFields() {
		parts = append(parts, QuoteIdent(f.Name)+" "+f.SlotType()+" "+f.Form)
	}
	return "Periods of " + t.Qualified() + ", from " + t.KeysComment() + "; " + strings.Join(parts, ", ")
}

// periodValue is SQL for a column of the view that reads periods. A state that did
// not fit them was kept as history has it.
func (p Past) periodValue(c Column) string {
	schema := p.Table.HistorySchema
	i := slices.IndexFunc(p.Table.PeriodFields(), func(f PeriodField) bool { return f.Name == c.Name })
	if i < 0 {
		return "NULL::" + c.FullType
	}
	f := p.Table.PeriodFields()[i]
	if !f.builtin() {
		return "(" + c.cut(schema, c.recordValue(schema, "coalesce(k.raw, k."+f.Slot()+")")) + ")::" + c.FullType
	}
	slot := "k." + f.Slot()
	if f.SlotType() != c.FullType {
		slot += "::" + c.FullType
	}
	return "CASE WHEN k.raw IS NULL THEN " + slot + " ELSE (" + c.cut(schema, c.recordValue(schema, "k.raw")) + ")::" + c.FullType + " END"
}

// PeriodFunction is the qualified, quoted name of a function that makes periods.
func (t *Table) PeriodFunction(kind string) string { return t.Function("period_" + kind) }

// Arguments are those of one of the table's functions, by its kind.
func (t *Table) Arguments(kind string) string {
	switch kind {
	case PeriodFill:
		return "(jsonb[], boolean, bigint)"
	case Baseline:
		return "(oid, record, integer)"
	case Number, Record:
		return "(text, oid, record, record)"
	}
	return "()"
}

// PeriodLong reports whether the key may be longer than an entry of an index.
func (t *Table) PeriodLong() bool {
	return slices.ContainsFunc(t.Keys(), func(k KeyColumn) bool {
		base, _, _ := strings.Cut(k.KeyType, "(")
		return !slices.Contains([]string{"smallint", "integer", "bigint", "uuid", "date", "boolean", "timestamp without time zone", "timestamp with time zone"}, base)
	})
}

type periodArgs struct {
	Table *Table
	Row   string
}
