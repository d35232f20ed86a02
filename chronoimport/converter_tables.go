package chronoimport

import (
	"context"
	"fmt"
	"slices"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// prepare looks at the tables, once.
func (c *Converter) prepare(ctx context.Context) error {
	if c.args.Chain != nil {
		return nil
	}
	if c.driver.Dialect() != chronodriver.PostgreSQL {
		return ErrDialect
	}
	target, err := readTarget(ctx, c.driver, c.table, &Options{
		Schema: c.opts.Schema, NeverTracked: c.opts.NeverTracked, Hidden: c.opts.Hidden, Untracked: c.opts.Untracked,
	})
	if err != nil {
		return err
	}
	c.table = target.Table
	args := postgres.ConvertArgs{
		Schema: target.Table.Schema, Name: target.Table.Name, Source: convertedSource,
		VersionColumn: target.args.VersionColumn, SeedCompatible: c.opts.SeedCompatible,
	}
	r := &chainReader{Converter: c}
	main, err := r.read(ctx, target.Table, c.opts.History, target.excluded)
	if err != nil {
		return err
	}
	for _, name := range target.Key {
		column, _ := target.column(name)
		old, ok := find(main.old.Columns, name)
		if !ok {
			return fmt.Errorf("%w: %s has no column %s", ErrLayout, main.History, chrononaut.Table{Name: name})
		}
		args.Key = append(args.Key, postgres.ConvertKey{Name: name, Type: column.Type, Cast: column.Type != old.Type})
	}
	args.Chain = []postgres.ConvertTable{main.ConvertTable}
	for _, parent := range c.opts.Join {
		table, err := r.read(ctx, parent, chrononaut.Table{}, c.opts.Hidden)
		if err != nil {
			return err
		}
		if len(table.Key) != len(args.Key) {
			return fmt.Errorf("%w: the primary key of %s is not that of a parent", ErrLayout, table.Live)
		}
		args.Chain = append(args.Chain, table.ConvertTable)
	}
	// From here on they are known.
	c.columns = r.columns
	python, err := c.hasPythonRows(ctx, args)
	if err != nil {
		return err
	}
	if python {
		return ErrConverted
	}
	c.args = args
	return nil
}

func (c *Converter) hasPythonRows(ctx context.Context, args postgres.ConvertArgs) (exists bool, err error) {
	sql, err := postgres.Convert(c.opts.Schema, "python", args)
	if err != nil {
		return false, err
	}
	if _, err := queryRow(ctx, c.driver, []any{&exists}, sql); err != nil {
		return false, fmt.Errorf("look for rows of Python chrononaut: %w", err)
	}
	return exists, nil
}

// chainReader looks at the tables of a chain.
type chainReader struct {
	*Converter
	columns []ConvertColumn
}

type chainTable struct {
	postgres.ConvertTable
	old *description
}

// read looks at a table and its history table. Excluded columns stay out, in
// addition to those that the table is tracked without.
func (r *chainReader) read(ctx context.Context, name, history chrononaut.Table, excluded []string) (*chainTable, error) {
	found, live, err := look(ctx, r.driver, r.opts.Schema, name, excluded, fmt.Errorf("%w: %s", ErrNoTable, name))
	if err != nil {
		return nil, err
	}
	if len(live.Key) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, found)
	}
	history = orTable(history, found.Schema, found.Name+"_history")
	history, all, err := look(ctx, r.driver, r.opts.Schema, history, nil, fmt.Errorf("%w: %s", ErrNoSource, history))
	if err != nil {
		return nil, err
	}
	if _, ok := find(all.Columns, "version"); !ok {
		return nil, fmt.Errorf("%w: %s has no column version", ErrLayout, history)
	}
	// What is about the change, and what the table does not have or must not show.
	excluded = slices.Concat(live.Excluded, []string{"version", "changed", "change_info"})
	t := &chainTable{ConvertTable: postgres.ConvertTable{Live: quoted(found), History: quoted(history), Key: live.Key}}
	var columns []ConvertColumn
	for _, column := range all.Columns {
		now, ok := find(live.Columns, column.Name)
		switch {
		case slices.Contains(excluded, column.Name):
			continue
		case !ok:
			excluded = append(excluded, column.Name)
			columns = append(columns, ConvertColumn{Name: column.Name, Type: column.Type})
			continue
		case now.Type != column.Type:
			columns = append(columns, ConvertColumn{Name: column.Name, Type: column.Type, Now: now.Type})
		}
		t.Columns = append(t.Columns, column.Name)
	}
	if t.old, _, err = describe(ctx, r.driver, r.opts.Schema, history, excluded); err != nil {
		return nil, err
	}
	_, t.HistoryChanged = find(all.Columns, "changed")
	_, t.HistoryInfo = find(all.Columns, "change_info")
	if !t.HistoryInfo && !t.HistoryChanged && len(r.opts.Join) == 0 {
		return nil, fmt.Errorf("%w: %s has neither changed nor change_info", ErrLayout, history)
	}
	_, t.LiveVersion = find(live.Columns, "version")
	if t.Created = r.opts.CreatedAt; t.Created == "" {
		t.Created = "created_at"
	}
	_, t.LiveCreated = find(live.Columns, t.Created)
	_, t.HistoryCreated = find(all.Columns, t.Created)
	t.LiveImage, t.HistoryImage = live.ImageSQL, t.old.ImageSQL
	r.columns = append(r.columns, columns...)
	return t, nil
}
