package sqlite

import (
	"fmt"
	"slices"
	"strings"
)

// unique is one of the ways in which two rows can exclude each other: a row
// that OR REPLACE puts in the place of others deletes those without a trigger.
type unique struct {
	// condition is SQL for the rows r that exclude NEW.
	condition string
	// cause is SQL for the values of NEW that they exclude.
	cause string
	// columns lists the columns that it depends on; nil when that is not known.
	columns []string
}

// uniqueRows lists them: the rowid or the primary key, and the unique indexes.
func (i *Inspected) uniqueRows() []unique {
	var uniques []unique
	alias := i.RowidAlias()
	switch {
	case alias != "":
		column := QuoteIdent(alias)
		uniques = append(uniques, unique{"r." + column + " = NEW." + column, "'rowid ' || NEW." + column, []string{alias}})
	case i.WithoutRowid == 0:
		if rowid := i.rowid(); rowid != "" {
			uniques = append(uniques, unique{"r." + rowid + " = NEW." + rowid, "'rowid ' || NEW." + rowid, []string{rowid}})
		}
	}
	for n, index := range i.Indexes {
		if u, ok := i.uniqueIndex(n, index); ok {
			uniques = append(uniques, u)
		}
	}
	return uniques
}

// rowid returns a name of the rowid that no column has.
func (i *Inspected) rowid() string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if i.Column(name) == nil {
			return name
		}
	}
	return ""
}

func (i *Inspected) uniqueIndex(number int, index Index) (unique, bool) {
	u := unique{columns: []string{}, cause: fmt.Sprintf("'%d '", number)}
	var terms [][]token
	var conditions []string
	if index.SQL != nil {
		var after []token
		terms, after = list(*index.SQL)
		if index.Partial != 0 && len(after) > 1 {
			// Columns without a table are those of r on the one side, and those of a
			// row made of NEW on the other.
			predicate := "(" + text(*index.SQL, after[1:]) + ")"
			conditions = append(conditions, predicate, "(SELECT "+predicate+" FROM ("+i.newRow()+"))")
			u.columns = nil
		}
	}
	for n, column := range index.Columns {
		collation := " COLLATE " + QuoteIdent(column.Collation)
		if column.Name != "" {
			value := i.incoming(column.Name)
			conditions = append(conditions, "r."+QuoteIdent(column.Name)+collation+" = "+value)
			u.cause += " || ' ' || quote(" + value + ")"
			if u.columns != nil {
				u.columns = append(u.columns, column.Name)
			}
			continue
		}
		if n >= len(terms) {
			return u, false
		}
		// An expression: the same.
		expression := text(*index.SQL, withoutOrder(terms[n]))
		value := "(SELECT " + expression + " FROM (" + i.newRow() + "))"
		conditions = append(conditions, "("+expression+")"+collation+" = "+value)
		u.cause += " || ' ' || quote(" + value + ")"
		u.columns = nil
	}
	u.condition = strings.Join(conditions, " AND ")
	return u, true
}

// withoutOrder leaves out ASC or DESC, and COLLATE NAME, at the end.
func withoutOrder(term []token) []token {
	if n := len(term); n > 1 && (strings.EqualFold(term[n-1].text, "ASC") || strings.EqualFold(term[n-1].text, "DESC")) {
		term = term[:n-1]
	}
	if n := len(term); n > 2 && strings.EqualFold(term[n-2].text, "COLLATE") {
		term = term[:n-2]
	}
	return term
}

// incoming is SQL for the value that NEW will have in a column. OR REPLACE puts
// the default in the place of a NULL that is not allowed.
func (i *Inspected) incoming(column string) string {
	value := "NEW." + QuoteIdent(column)
	if c := i.Column(column); c != nil && c.NotNull != 0 && c.Default != nil {
		return "coalesce(" + value + ", (" + *c.Default + "))"
	}
	return value
}

func (i *Inspected) newRow() string {
	items := make([]string, len(i.Columns))
	for n, c := range i.Columns {
		items[n] = i.incoming(c.Name) + " AS " + QuoteIdent(c.Name)
	}
	return "SELECT " + strings.Join(items, ", ")
}

// Conflicts lists SQL conditions for the rows r that exclude NEW, and Causes,
// in the same order, SQL for the values that they exclude.
func (t *Table) Conflicts() []string {
	conditions := make([]string, len(t.uniques))
	for n, u := range t.uniques {
		conditions[n] = u.condition
	}
	return conditions
}

// Causes: see Conflicts. The names of NEW stand in subqueries of their own.
func (t *Table) Causes() []string {
	causes := make([]string, len(t.uniques))
	for n, u := range t.uniques {
		causes[n] = "(SELECT " + u.cause + ")"
	}
	return causes
}

// UniqueColumns lists the columns whose assignment can change a value that
// others exclude.
func (t *Table) UniqueColumns() string {
	var names []string
	for _, u := range t.uniques {
		if u.columns == nil || slices.ContainsFunc(u.columns, func(name string) bool { c := t.Column(name); return c != nil && c.Generated() }) {
			return t.OfColumns()
		}
		for _, name := range u.columns {
			if quoted := QuoteIdent(name); !slices.Contains(names, quoted) {
				names = append(names, quoted)
			}
		}
	}
	return strings.Join(append(names, t.rowids()...), ", ")
}

// UniqueChanged is SQL for whether an UPDATE changes a value that others
// exclude.
func (t *Table) UniqueChanged() string {
	seen := map[string]bool{}
	var terms []string
	for _, u := range t.uniques {
		if u.columns == nil {
			return "1"
		}
		for _, name := range u.columns {
			if !seen[name] {
				seen[name] = true
				column := QuoteIdent(name)
				terms = append(terms, "NEW."+column+" IS NOT OLD."+column+" COLLATE BINARY")
			}
		}
	}
	return "(SELECT (SELECT " + join(terms, "\n        OR ") + ")\n        FROM " + t.Fallback("new") + ", " + t.Fallback("old") + ")"
}
