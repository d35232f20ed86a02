package chronoimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// target is the table, and what writes its history.
type target struct {
	Target
	hidden   []string
	excluded []string // hidden and untracked
	// registered says that the table is or was tracked.
	registered bool
	args       postgres.ImportArgs
}

func readTarget(ctx context.Context, q chronodriver.Queryer, table chrononaut.Table, opts *Options) (*target, error) {
	found, says, err := look(ctx, q, opts.Schema, table, append(slices.Clone(opts.Hidden), opts.Untracked...), ErrNoTable)
	if err != nil {
		return nil, err
	}
	t := &target{Target: Target{Table: found, Key: says.Key, Columns: says.Columns, schema: opts.Schema}, excluded: says.Excluded, registered: says.Registered}
	t.hidden = slices.Concat(says.Options.Hidden, opts.Hidden)
	switch {
	case len(says.Key) == 0:
		return nil, ErrNoKey
	case !says.Registered && !opts.NeverTracked:
		return nil, ErrNotTracked
	}
	for _, name := range slices.Concat(t.hidden, opts.Untracked, slices.Collect(maps.Values(opts.Rename)), slices.Collect(maps.Keys(opts.Values))) {
		if _, ok := t.column(name); !ok {
			if slices.Contains(t.hidden, name) {
				return nil, fmt.Errorf("%w: %s", ErrHidden, chrononaut.Table{Name: name})
			}
			return nil, fmt.Errorf("column does not exist: %s", chrononaut.Table{Name: name})
		}
	}
	t.args = postgres.ImportArgs{
		Schema: found.Schema, Name: found.Name, Key: says.Key, KeySQL: says.KeySQL, ImageSQL: says.ImageSQL,
		VersionColumn: says.Options.VersionColumn, Python: len(says.Options.Python) > 0,
	}
	if t.args.VersionColumn == "" {
		t.args.VersionColumn = "version"
	}
	for _, c := range t.Columns {
		t.args.Columns = append(t.args.Columns, c.Name)
	}
	t.args.VersionKey = !slices.Contains(t.args.Columns, "version")
	return t, nil
}

// description is what the database says of a table.
type description struct {
	Columns    []Column
	Key        []string
	Registered bool
	Options    struct {
		Hidden        []string
		VersionColumn string `json:"version_column"`
		Python        []json.RawMessage
	}
	KeySQL   string `json:"key_sql"`
	ImageSQL string `json:"image_sql"`
	Excluded []string
}

// look finds and describes a table; missing is the error when there is none.
func look(ctx context.Context, q chronodriver.Queryer, schema string, table chrononaut.Table, more []string, missing error) (chrononaut.Table, *description, error) {
	found, ok, err := resolve(ctx, q, schema, table)
	if err != nil {
		return table, nil, err
	}
	if !ok {
		return table, nil, missing
	}
	says, ok, err := describe(ctx, q, schema, found, more)
	if err != nil {
		return found, nil, err
	}
	if !ok {
		return found, nil, missing
	}
	return found, says, nil
}

// describe looks at a table. Its image leaves out more columns than it is
// tracked without.
func describe(ctx context.Context, q chronodriver.Queryer, schema string, table chrononaut.Table, more []string) (*description, bool, error) {
	sql, err := postgres.Import(schema, "target", postgres.ImportArgs{})
	if err != nil {
		return nil, false, err
	}
	if more == nil {
		more = []string{} // JSON null is no list
	}
	var text string
	ok, err := queryRow(ctx, q, []any{&text}, sql, table.Schema, table.Name, string(encode(more)))
	if err != nil {
		return nil, false, fmt.Errorf("look at the table: %w", err)
	}
	if !ok {
		return nil, false, nil
	}
	says := &description{}
	if err := json.Unmarshal([]byte(text), says); err != nil {
		return nil, false, fmt.Errorf("look at the table: %w", err)
	}
	return says, true, nil
}

// resolve finds a table, by the search path when it is named without a schema.
func resolve(ctx context.Context, q chronodriver.Queryer, schema string, table chrononaut.Table) (chrononaut.Table, bool, error) {
	sql, err := postgres.Import(schema, "resolve", postgres.ImportArgs{})
	if err != nil {
		return table, false, err
	}
	found := table
	ok, err := queryRow(ctx, q, []any{&found.Schema, &found.Name}, sql, quoted(table))
	if err != nil {
		return table, false, fmt.Errorf("look for %s: %w", table, err)
	}
	return found, ok, nil
}

func quoted(table chrononaut.Table) string {
	if table.Schema == "" {
		return postgres.QuoteIdent(table.Name)
	}
	return postgres.QuoteIdent(table.Schema) + "." + postgres.QuoteIdent(table.Name)
}

// settings prepares a transaction.
func settings(ctx context.Context, tx chronodriver.Queryer, schema string) error {
	sql, err := postgres.Import(schema, "settings", postgres.ImportArgs{})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("set up the session: %w", err)
	}
	return nil
}

// queryRow scans the first row, and says whether there is one.
func queryRow(ctx context.Context, q chronodriver.Queryer, dest []any, sql string, args ...any) (found bool, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return false, rows.Err()
	}
	return true, rows.Scan(dest...)
}
