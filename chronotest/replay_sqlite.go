package chronotest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func replaySQLite(ctx context.Context, driver chronodriver.Driver, tracked *chronomigrate.TrackedTable, o ReplayOpts) (differences []Difference, err error) {
	found, err := sqlite.Inspect(ctx, driver, tracked.Table.Name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, chronomigrate.ErrNoTable
	}
	if len(found.Key()) == 0 {
		return nil, chronomigrate.ErrNoKey
	}
	table := found.Describe(sqlite.Options{
		Hidden: tracked.Options.Hidden, Untracked: tracked.Options.Untracked, VersionColumn: tracked.Options.VersionColumn,
	})
	sql, err := sqliteReplaySQL(table)
	if err != nil {
		return nil, err
	}
	columns := []string{table.VersionColumn}
	for _, c := range table.Tracked() {
		if !slices.ContainsFunc(o.Ignore, func(name string) bool { return sqlite.SameName(name, c.Name) }) {
			columns = append(columns, c.Name)
		}
	}
	err = queryRows(ctx, driver, func(rows chronodriver.Rows) error {
		var key string
		var history, live *string
		if err := rows.Scan(&key, &history, &live); err != nil {
			return err
		}
		d, differs, err := sqliteDifference(tracked.Table, columns, key, history, live)
		if err != nil || !differs || o.Limit >= 0 && len(differences) >= o.Limit {
			return err
		}
		if !o.Values {
			d.History, d.Live = nil, nil
		}
		differences = append(differences, d)
		return nil
	}, sql, tracked.Table.Name)
	return differences, err
}

// sqliteDifference compares two states; a nil one means that there is none.
func sqliteDifference(table chrononaut.Table, columns []string, key string, history, live *string) (d Difference, differs bool, err error) {
	d.Table = table
	if err := json.Unmarshal([]byte(key), &d.Key); err != nil {
		return d, false, fmt.Errorf("read a key of %s: it is not JSON", table)
	}
	var data [2]chrononaut.Data
	for i, text := range []*string{history, live} {
		if text == nil {
			continue
		}
		if err := json.Unmarshal([]byte(*text), &data[i]); err != nil {
			return d, false, fmt.Errorf("read a state of %s: it is not JSON", table)
		}
	}
	switch {
	case history == nil:
		d.Kind = Unrecorded
	case live == nil:
		d.Kind = Missing
	default:
		d.Kind = Changed
		for _, name := range columns {
			x, y := data[0][name], data[1][name]
			// A column that history does not have yet was NULL.
			if x == nil {
				x = json.RawMessage("null")
			}
			if !bytes.Equal(x, y) {
				d.Columns = append(d.Columns, name)
			}
		}
	}
	d.restrict(data[0], data[1])
	return d, d.Kind != Changed || len(d.Columns) > 0, nil
}

// sqliteReplaySQL writes the query that compares a table with its history.
func sqliteReplaySQL(table *sqlite.Table) (string, error) {
	tmpl, err := template.ParseFS(files, "sql/sqlite_replay.sql")
	if err != nil {
		return "", fmt.Errorf("parse template: %w", err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, struct {
		Table               *sqlite.Table
		Name, VersionColumn string
	}{table, sqlite.QuoteIdent(table.Name), sqlite.QuoteIdent(table.VersionColumn)}); err != nil {
		return "", fmt.Errorf("render template: %w", err)
	}
	return b.String(), nil
}
