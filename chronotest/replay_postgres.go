package chronotest

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

//go:embed sql
var files embed.FS

// replayArgs are what the query is made of: Read says where the table's rows of
// history are, all else is SQL.
type replayArgs struct {
	Read                                       postgres.ReadArgs
	Schema, Table, Key, Image, Excluded        string
	VersionColumn, VersionLiteral, VersionKeys string
	Columns                                    []replayColumn
}

type replayColumn struct {
	Literal string // the column's name
	Value   string // its value in h.data, AS its name
	Image   string // that value from r in the form of data
}

// resolvePostgres finds the schema of a table by the search path. A table that
// does not exist keeps none.
func resolvePostgres(ctx context.Context, driver chronodriver.Driver, table chrononaut.Table) (chrononaut.Table, error) {
	const sql = `SELECT n.nspname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($1::text))`
	err := queryRows(ctx, driver, func(rows chronodriver.Rows) error { return rows.Scan(&table.Schema) }, sql, table.Name)
	return table, err
}

func replayPostgres(ctx context.Context, driver chronodriver.Driver, tracked *chronomigrate.TrackedTable, o ReplayOpts) (differences []Difference, err error) {
	config := chrononaut.Config{Schema: o.Schema}
	schema := config.HistorySchema()
	tx, err := driver.Begin(ctx)
	if err != nil {
		return nil, err
	}
	// Nothing was written.
	defer tx.Rollback(context.WithoutCancel(ctx))
	settings, err := files.ReadFile("sql/postgres_settings.sql")
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, string(settings)); err != nil {
		return nil, err
	}

	aliases, err := readAliases(ctx, tx, schema, tracked.Table)
	if err != nil {
		return nil, err
	}
	sql, args, err := postgres.InspectSQL(schema, tracked.Table.Schema, tracked.Table.Name)
	if err != nil {
		return nil, err
	}
	var document string
	if err := queryRows(ctx, tx, func(rows chronodriver.Rows) error { return rows.Scan(&document) }, sql, args...); err != nil {
		return nil, err
	}
	if document == "" {
		return nil, chronomigrate.ErrNoTable
	}
	found, err := postgres.ParseInspected(document)
	if err != nil {
		return nil, err
	}
	if len(found.Key) == 0 {
		return nil, chronomigrate.ErrNoKey
	}
	if sql, err = replaySQL(found.Table(schema, postgres.Options{
		Hidden: tracked.Options.Hidden, Untracked: tracked.Options.Untracked, VersionColumn: tracked.Options.VersionColumn, Aliases: aliases,
	}), o.Ignore); err != nil {
		return nil, err
	}
	limit := int64(o.Limit)
	if limit < 0 {
		limit = math.MaxInt64
	}
	err = queryRows(ctx, tx, func(rows chronodriver.Rows) error {
		var document string
		var history, live *string
		if err := rows.Scan(&document, &history, &live); err != nil {
			return err
		}
		d := Difference{Table: tracked.Table}
		if err := json.Unmarshal([]byte(document), &d); err != nil {
			return err
		}
		var data [2]chrononaut.Data
		for i, text := range []*string{history, live} {
			if text == nil {
				continue
			}
			if err := json.Unmarshal([]byte(*text), &data[i]); err != nil {
				return err
			}
		}
		d.restrict(data[0], data[1])
		differences = append(differences, d)
		return nil
	}, sql, tracked.Table.Schema, tracked.Table.Name, o.Values, limit)
	return differences, err
}

// readAliases reads what the registry declares of older names. The history of a
// table that was renamed is not that of its old name.
func readAliases(ctx context.Context, q chronodriver.Queryer, schema string, table chronodriver.Table) (postgres.Aliases, error) {
	sql := "SELECT r.options::text FROM " + postgres.QuoteIdent(schema) + ".chrononaut_table AS r WHERE r.table_schema = $1::text AND r.table_name = $2::text"
	document := "{}"
	if err := queryRows(ctx, q, func(rows chronodriver.Rows) error { return rows.Scan(&document) }, sql, table.Schema, table.Name); err != nil {
		return postgres.Aliases{}, err
	}
	options, err := postgres.DecodeOptions(document)
	if err != nil {
		return postgres.Aliases{}, fmt.Errorf("read options: %w", err)
	}
	if options.Moved {
		return postgres.Aliases{}, chrononaut.ErrNotTracked
	}
	return options.Aliases, nil
}

// replaySQL writes the query that compares a table with its history.
func replaySQL(table *postgres.Table, ignore []string) (string, error) {
	read := postgres.ReadArgs{Schema: table.Schema, Name: table.Name}
	var excluded []string
	for _, name := range table.Excluded() {
		excluded = append(excluded, postgres.QuoteLiteral(name))
	}
	args := replayArgs{
		Read:           read.WithAliases(table.HistorySchema, table.Aliases, table.KeyColumns),
		Excluded:       "ARRAY[" + strings.Join(excluded, ", ") + "]::text[]",
		Schema:         postgres.QuoteIdent(table.HistorySchema),
		Table:          table.Qualified(),
		Key:            table.KeyObject("t"),
		VersionColumn:  postgres.QuoteIdent(table.VersionColumn),
		VersionLiteral: postgres.QuoteLiteral(table.VersionColumn),
		VersionKeys:    "ARRAY[" + postgres.QuoteLiteral(table.VersionColumn) + "]::text[]",
	}
	if table.VersionKey() {
		args.VersionKeys = "ARRAY[" + postgres.QuoteLiteral(table.VersionColumn) + ", 'version']::text[]"
	}
	columns := table.RecordColumns()
	values := table.RecordSelect("h.data")
	var images []string
	for i, c := range columns {
		if c.Name == table.VersionColumn || slices.Contains(ignore, c.Name) {
			continue
		}
		image := func(row string) string {
			if slices.Contains(table.KeyColumns, c.Name) {
				return "pg_catalog.to_jsonb(" + row + "." + postgres.QuoteIdent(c.Name) + ")"
			}
			return table.ColumnImage(c, row)
		}
		literal := postgres.QuoteLiteral(c.Name)
		args.Columns = append(args.Columns, replayColumn{Literal: literal, Value: values[i], Image: image("r")})
		images = append(images, literal+", "+image("t"))
	}
	// A function takes at most 100 arguments.
	var objects []string
	for chunk := range slices.Chunk(images, 40) {
		objects = append(objects, "pg_catalog.jsonb_build_object("+strings.Join(chunk, ", ")+")")
	}
	args.Image = strings.Join(append(objects, "'{}'::jsonb"), " || ")

	const file = "postgres_replay.sql"
	tmpl, err := template.New(file).Funcs(template.FuncMap{"literal": postgres.QuoteLiteral}).ParseFS(files, "sql/"+file)
	if err != nil {
		return "", fmt.Errorf("parse template: %w", err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, args); err != nil {
		return "", fmt.Errorf("render template: %w", err)
	}
	return b.String(), nil
}

// queryRows calls scan for each row of a query.
func queryRows(ctx context.Context, q chronodriver.Queryer, scan func(rows chronodriver.Rows) error, sql string, args ...any) (err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
