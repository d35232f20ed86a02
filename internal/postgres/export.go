package postgres

import (
	"slices"
	"strings"
)

// ExportArgs are what the statements in export.sql are made of.
type ExportArgs struct {
	// Version is that of the history schema.
	Version int
	// Lock is the key of the advisory lock that migrators take.
	Lock int64

	Table *Table
	// Columns are those that the table has before it is tracked; Attnum is 0
	// where the trigger functions do not depend on the place of the column.
	Columns []Column
	// Added are the columns that tracking adds.
	Added []string
	// Tolerated are the columns that may be there or not: those, and the ones
	// that other options of the table had added.
	Tolerated []string
	// Options are the ones that the registry will have, as JSON.
	Options string
	// Tracked are the options that the table may be tracked with before; none
	// means that it is not tracked.
	Tracked []string
	// Strict is the setting of the database.
	Strict bool
}

// VersionAdded reports whether tracking adds the version column.
func (a ExportArgs) VersionAdded() bool { return slices.Contains(a.Added, a.Table.VersionColumn) }

// Later lists the columns that tracking adds and whose place the functions
// depend on.
func (a ExportArgs) Later() []string {
	return slices.DeleteFunc(slices.Clone(a.Added), func(name string) bool { return name == a.Table.VersionColumn })
}

func (a ExportArgs) names() []string {
	if a.Table == nil {
		return nil
	}
	return append(a.Table.names(), a.Tolerated...)
}

// ExportSQL renders one of the statements in export.sql.
func ExportSQL(schema, name string, args ExportArgs) (string, error) {
	sql, err := render("export.sql#"+name, schema, args)
	return strings.TrimSpace(sql), err
}

// PlacedColumns describes the columns of a table that is not tracked yet for
// [ExportArgs]: all but those that are tolerated.
func (t *Table) PlacedColumns(tolerated []string) []Column {
	placed := append(t.Excluded(), t.NotCompared()...)
	var columns []Column
	for _, c := range t.Columns {
		if slices.Contains(tolerated, c.Name) {
			continue
		}
		if !slices.Contains(placed, c.Name) {
			c.Attnum, c.Ordinal = 0, 0
		}
		if c.Generated {
			c.Type += " generated"
		}
		columns = append(columns, c)
	}
	return columns
}
