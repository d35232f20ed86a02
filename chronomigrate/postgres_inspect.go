package chronomigrate

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// inspect reads a table from the catalog; nil when it does not exist. Its
// schema is resolved by the search path when it is empty.
func (e *postgresEngine) inspect(ctx context.Context, q chronodriver.Queryer, table chronodriver.Table) (*postgres.Inspected, error) {
	if !usableName(table.Name) || table.Schema != "" && !usableName(table.Schema) {
		return nil, nil
	}
	sql, args, err := postgres.InspectSQL(e.schema, table.Schema, table.Name)
	if err != nil {
		return nil, err
	}
	var document string
	err = queryRow(ctx, q, []any{&document}, sql, args...)
	if errors.Is(err, errNoRow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return postgres.ParseInspected(document)
}

// usableName reports whether an object can have the name. The server cuts off
// what is longer, and would find another object.
func usableName(name string) bool {
	const longest = 63
	return name != "" && len(name) <= longest && utf8.ValidString(name) && !strings.Contains(name, "\x00")
}

// systemColumns are those that every table has besides its own.
var systemColumns = []string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// describe makes the template's table of an inspected one. strict is the
// database's setting.
func (e *postgresEngine) describe(found *postgres.Inspected, opts TrackOptions, strict bool) *postgres.Table {
	table := found.Table(e.schema, opts.registered())
	table.Strict = table.Strict || strict
	return table
}
