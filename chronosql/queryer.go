package chronosql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// connQueryer runs our own queries on a connection.
type connQueryer struct{ conn *conn }

func (q connQueryer) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.conn.execBase(ctx, query, namedValues(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q connQueryer) Query(ctx context.Context, query string, args ...any) (chronodriver.Rows, error) {
	rows, err := q.conn.queryBase(ctx, query, namedValues(args))
	if err != nil {
		return nil, err
	}
	return &connRows{rows: rows, values: make([]driver.Value, len(rows.Columns()))}, nil
}

func namedValues(args []any) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return named
}

// connRows are the rows of a query of our own.
type connRows struct {
	rows   driver.Rows
	values []driver.Value
	err    error
}

func (r *connRows) Columns() ([]string, error) { return r.rows.Columns(), nil }

func (r *connRows) Next() bool {
	if r.err == nil {
		r.err = r.rows.Next(r.values)
	}
	return r.err == nil
}

func (r *connRows) Err() error {
	if isEOF(r.err) {
		return nil
	}
	return r.err
}

func (r *connRows) Close() error { return r.rows.Close() }

// Scan takes the values that our own queries return.
func (r *connRows) Scan(dest ...any) error {
	for i, d := range dest {
		text, isText := r.values[i].(string)
		if b, ok := r.values[i].([]byte); ok {
			text, isText = string(b), true
		}
		if t, ok := r.values[i].(time.Time); ok {
			// A driver may take text for a time because of how it looks.
			text, isText = t.UTC().Format(time.RFC3339Nano), true
		}
		number, isNumber := r.values[i].(int64)
		if b, ok := r.values[i].(bool); ok {
			isNumber = true
			if b {
				number = 1
			}
		}
		switch d := d.(type) {
		case *string:
			if !isText {
				return fmt.Errorf("column %d is %T, not text", i, r.values[i])
			}
			*d = text
		case *int64:
			if !isNumber {
				return fmt.Errorf("column %d is %T, not a number", i, r.values[i])
			}
			*d = number
		case *bool:
			if !isNumber {
				return fmt.Errorf("column %d is %T, not a truth value", i, r.values[i])
			}
			*d = number != 0
		default:
			return fmt.Errorf("cannot scan into %T", d)
		}
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// texts returns the only column of a query.
func texts(ctx context.Context, q chronodriver.Queryer, query string) (all []string, err error) {
	rows, err := q.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
