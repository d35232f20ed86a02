package postgres

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MergeArgs are what the statements of a merge are made of: those in merge.sql.
type MergeArgs struct {
	Table   *Table
	Columns []MergeColumn
}

// MergeColumn is a column that a merge writes.
type MergeColumn struct {
	Name string
	// Value is the argument as SQL, of the base type, and Rounded the same as the
	// column would hold it.
	Value   string
	Rounded string
	// BaseType is the type in which values are compared.
	BaseType string
	// Was is the value that the state r.report -> 'base' has; NULL where the type
	// cannot hold it any more.
	Was string
}

// NewMergeArgs returns the arguments for the named columns, whose values follow
// the first two arguments of the statement.
func NewMergeArgs(t *Table, columns []string) (MergeArgs, error) {
	args := MergeArgs{Table: t}
	for n, name := range columns {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
		if i < 0 {
			return args, fmt.Errorf("no column %s", QuoteIdent(name))
		}
		c := t.Columns[i]
		column := MergeColumn{Name: name, Value: "$" + strconv.Itoa(n+3) + "::" + c.BaseType, BaseType: c.BaseType, Was: c.fittingValue(t.HistorySchema, "(r.report -> 'base')")}
		switch c.BaseType {
		case `pg_catalog."varchar"`, "pg_catalog.bpchar", `pg_catalog."bit"`, "pg_catalog.varbit":
			// A cast to the full type would cut what is too long.
			column.Rounded = column.Value
		default:
			column.Rounded = column.Value + "::" + c.FullType + "::" + c.BaseType
		}
		args.Columns = append(args.Columns, column)
	}
	return args, nil
}

// MergeSQL renders a statement of a merge.
func MergeSQL(schema, name string, args MergeArgs) (string, error) {
	sql, err := render("merge.sql#merge_"+name, schema, args)
	return strings.TrimSpace(sql), err
}
