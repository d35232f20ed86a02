package sqlite

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// ErrNotCaptured is returned for a table without triggers: nothing of it can be
// held or leased.
var ErrNotCaptured = errors.New("the table has no triggers")

// Guard gives a table the triggers that look for holds and leases, where it does
// not have them yet. They are not there before, because SQLite compiles all
// triggers that a statement fires together with it. Costs one round trip when they
// are there.
func Guard(ctx context.Context, q chronodriver.Queryer, options Options, name string) (*Table, error) {
	found, err := Inspect(ctx, q, name)
	if err != nil {
		return nil, err
	}
	if found == nil || len(found.Key()) == 0 {
		return nil, ErrNotCaptured
	}
	options.Guarded = true
	table := found.Describe(options)
	var existing []string
	number := -1
	for _, t := range found.Ours() {
		existing = append(existing, t.Kind())
		if t.Kind() == KindInsert {
			number = t.number()
		}
	}
	if !table.History() || number < 0 {
		return nil, ErrNotCaptured
	}
	for _, kind := range GuardKinds {
		if slices.Contains(existing, kind) {
			continue
		}
		sql, err := table.TriggerSQL(kind, table.TriggerName(kind, number))
		if err != nil {
			return nil, err
		}
		if _, err := q.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// number is that of [Table.TriggerName].
func (t InspectedTrigger) number() int {
	_, suffix, _ := strings.Cut(t.Name[strings.LastIndex(t.Name, t.Kind()):], t.Kind()+"_")
	n, _ := strconv.Atoi(suffix)
	return n
}

// GuardMatch is SQL for the values that a row has in the columns which a hold or
// lease looks at, as JSON text; "missing" if the table does not have them all.
// columns is SQL for those as chrononaut_guard has them, row an alias. It has to
// stand in a subquery around which there is a [Table.Fallback].
func (t *Table) GuardMatch(columns, row string) string {
	var b strings.Builder
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = QuoteLiteral(c.Name)
	}
	b.WriteString("(SELECT iif(total(m.name NOT IN (" + strings.Join(names, ", ") + ")), 'missing', coalesce('{' || group_concat(json_quote(m.name) || ':' || " + WriteValue("m.value") + ", ',') || '}', '{}'))" +
		" FROM (SELECT c.key AS name, CASE c.key")
	for i, c := range t.Columns {
		b.WriteString(" WHEN " + names[i] + " THEN " + row + "." + QuoteIdent(c.Name))
	}
	b.WriteString(" END AS value FROM json_each(" + columns + ") AS c) AS m)")
	return b.String()
}

// Unwritten is SQL for whether an UPDATE changes nothing but what the triggers
// write, and the version to what history has.
func (t *Table) Unwritten() string {
	terms := []string{"NEW." + QuoteIdent(t.VersionColumn) + " IS " + t.Recorded(t.KeyObject("NEW"))}
	for _, c := range t.Columns {
		n, o := "NEW."+QuoteIdent(c.Name), "OLD."+QuoteIdent(c.Name)
		switch {
		case SameName(c.Name, t.VersionColumn):
		case t.own(c):
			// The triggers write it together with the version.
			v := QuoteIdent(t.VersionColumn)
			terms = append(terms, "("+n+" IS "+o+" COLLATE BINARY OR NEW."+v+" IS NOT OLD."+v+")")
		default:
			terms = append(terms, n+" IS "+o+" COLLATE BINARY AND typeof("+n+") = typeof("+o+")")
		}
	}
	return "(SELECT " + join(terms, "\n        AND ") + ")"
}

// KeyAssignments lists the columns whose assignment can change the key.
func (t *Table) KeyAssignments() string {
	var names []string
	for _, name := range t.Key() {
		names = append(names, QuoteIdent(name))
	}
	return strings.Join(append(names, t.rowids()...), ", ")
}
