package chronoimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// row is a row of a source's table, as to_json() writes it.
type row map[string]json.RawMessage

func readRow(text string) (row, error) {
	var r row
	if err := json.Unmarshal([]byte(text), &r); err != nil || r == nil {
		return nil, errors.New("read the source: a row is not a JSON object")
	}
	return r, nil
}

// text returns a column as text: empty for NULL, and for a column that the
// source's table does not have.
func (r row) text(name string) string {
	value := r[name]
	if isNull(value) {
		return ""
	}
	return plainText(value)
}

// document reads a column that holds a JSON object, as json or as text with
// JSON or YAML, and says whether it is text. It returns nil for NULL.
func (r row) document(target *Target, name string) (fields map[string]json.RawMessage, isText bool, err error) {
	value := r[name]
	if isNull(value) {
		return nil, false, nil
	}
	var text string
	isText = json.Unmarshal(value, &text) == nil
	if isText {
		value = json.RawMessage(strings.TrimSpace(text))
	}
	switch {
	case len(value) == 0:
		return nil, false, nil
	case isText && value[0] != '{':
		fields, err = readYAML(target, string(value))
	case json.Unmarshal(value, &fields) != nil:
		err = errors.New("is not a JSON object")
	}
	return fields, isText, err
}

// extra returns the columns of a row that are not among those known, for the
// extra information of a change.
func (r row) extra(known ...string) map[string]any {
	rest := map[string]any{}
	for name, value := range r {
		if !slices.Contains(known, name) && !isNull(value) {
			rest[name] = value
		}
	}
	return rest
}

// query runs the query of a source over its table and calls f for each row
// until it returns false or an error.
func query(ctx context.Context, db chronodriver.Queryer, t *Target, name string, args postgres.ImportArgs, f func(scan func(...any) error) (bool, error), values ...any) (err error) {
	args.Schema, args.Name, args.Key = t.Table.Schema, t.Table.Name, t.Key
	sql, err := postgres.Import(t.schema, name, args)
	if err != nil {
		return err
	}
	rows, err := db.Query(ctx, sql, values...)
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if more, err := f(rows.Scan); err != nil || !more {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	return nil
}

// sourceTable finds a source's table and returns its quoted name.
func sourceTable(ctx context.Context, db chronodriver.Queryer, t *Target, table chrononaut.Table) (string, error) {
	found, ok, err := resolve(ctx, db, t.schema, table)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fmt.Errorf("%w: %s", ErrNoSource, table)
	}
	return quoted(found), nil
}

// count counts the rows of a source's table.
func count(ctx context.Context, db chronodriver.Queryer, t *Target, table chrononaut.Table, conditions []string, values ...any) (n int64, err error) {
	source, err := sourceTable(ctx, db, t, table)
	if err != nil {
		return 0, err
	}
	err = query(ctx, db, t, "count", postgres.ImportArgs{Source: source, Conditions: conditions}, func(scan func(...any) error) (bool, error) {
		return false, scan(&n)
	}, values...)
	return n, err
}
