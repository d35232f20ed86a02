package sqlite

import (
	"slices"
	"strings"
)

// LockArgs are what the statements in lock.sql are made of.
type LockArgs struct {
	Table *Table
	// Where are conditions on the alias l or h.
	Where []string
	Limit int
	// Parents is a query of rows that others refer to; Pairs say by which columns,
	// and Columns by which others refer to these in turn.
	Parents string
	Pairs   []ColumnPair
	Columns []string
}

// ColumnPair is a column of a child that refers to one of its parent.
type ColumnPair struct {
	Child, Parent string
	// Compare says how the parent's column compares: its affinity and collation.
	Compare string
}

// Compare says how a column compares, in the form of chrononaut_guard.
func (t *Table) Compare(column string) string {
	affinity := "none"
	switch t.Affinity(*t.Column(column)) {
	case Text:
		affinity = "text"
	case Integer, Real, Numeric:
		affinity = "numeric"
	case Blob:
	}
	if collation := strings.ToUpper(t.Collation(column)); collation == "NOCASE" || collation == "RTRIM" {
		return affinity + " " + collation
	}
	return affinity + " BINARY"
}

// Compared is SQL for the value of the child's column as it compares with the
// parent's, which has to be without affinity.
func (p ColumnPair) Compared(row string) string {
	value := row + "." + QuoteIdent(p.Child)
	affinity, collation, _ := strings.Cut(p.Compare, " ")
	switch affinity {
	case "text":
		value = "CASE WHEN typeof(" + value + ") = 'blob' THEN " + value + " ELSE CAST(" + value + " AS TEXT) END"
	case "numeric":
		value = "CASE WHEN typeof(" + value + ") = 'text' AND CAST(" + value + " AS NUMERIC) = " + value + " THEN CAST(" + value + " AS NUMERIC) ELSE " + value + " END"
	default:
		value = "+" + value
	}
	return value + " COLLATE " + collation
}

// sorted are the pairs in the order of the child's columns.
func (a LockArgs) sorted() []ColumnPair {
	return slices.SortedFunc(slices.Values(a.Pairs), func(x, y ColumnPair) int { return strings.Compare(x.Child, y.Child) })
}

// Spec is chrononaut_guard.columns of the relation.
func (a LockArgs) Spec() string {
	var members []string
	for _, p := range a.sorted() {
		members = append(members, quoteJSON(p.Child)+":"+quoteJSON(p.Compare))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// KeySpec is the same of the key of the table.
func (a LockArgs) KeySpec() string {
	var members []string
	for _, name := range slices.Sorted(slices.Values(a.Table.Key())) {
		members = append(members, quoteJSON(name)+":null")
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Match is SQL for the values that the relation's columns have for the parent p.
func (a LockArgs) Match() string {
	var b strings.Builder
	separator := "{"
	for _, p := range a.sorted() {
		b.WriteString(QuoteLiteral(separator+quoteJSON(p.Child)+":") + " || " + WriteValue("p."+QuoteIdent(p.Parent)) + " || ")
		separator = ","
	}
	return b.String() + "'}'"
}

// LockSQL renders one of the statements in lock.sql.
func LockSQL(name string, args LockArgs) (string, error) { return render("lock.sql#"+name, args) }
