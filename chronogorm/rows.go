package chronogorm

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
)

// query runs a statement that returns rows in a short transaction, which ends
// with the rows. GORM wants them as *sql.Rows, a type that cannot be extended:
// but one that is made here, over a connection that hands out another's rows,
// tells when it is closed.
func (p *pool) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	relay := sql.OpenDB(relayConnector{p})
	// Ends the pool's goroutine; a connection in use stays until its rows are
	// closed.
	defer relay.Close()
	return relay.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // the caller's rows
}

func (p *pool) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	relay := sql.OpenDB(relayConnector{p})
	defer relay.Close()
	return relay.QueryRowContext(ctx, query, args...)
}

type relayConnector struct{ pool *pool }

func (c relayConnector) Connect(context.Context) (driver.Conn, error) { return relayConn(c), nil }

func (c relayConnector) Driver() driver.Driver { return nil }

type relayConn struct{ pool *pool }

var (
	_ driver.QueryerContext    = relayConn{}
	_ driver.NamedValueChecker = relayConn{}
)

var errRelay = errors.New("only queries are relayed")

func (relayConn) Prepare(string) (driver.Stmt, error) { return nil, errRelay }

func (relayConn) Begin() (driver.Tx, error) { return nil, errRelay }

func (relayConn) Close() error { return nil }

// CheckNamedValue leaves the arguments to the driver that gets them.
func (relayConn) CheckNamedValue(*driver.NamedValue) error { return nil }

func (c relayConn) QueryContext(ctx context.Context, query string, named []driver.NamedValue) (driver.Rows, error) {
	args := make([]any, len(named))
	for i, n := range named {
		if args[i] = n.Value; n.Name != "" {
			args[i] = sql.Named(n.Name, n.Value)
		}
	}
	tx, err := c.pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, query, args...) //nolint:rowserrcheck // by relayRows
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, errors.Join(err, rows.Close(), tx.Rollback()) //nolint:sqlclosecheck // they go on living otherwise
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, errors.Join(err, rows.Close(), tx.Rollback())
	}
	r := &relayRows{tx: tx, rows: rows, columns: columns, types: types, dest: make([]any, len(columns)), scanned: make([]any, len(columns))}
	for i := range r.scanned {
		r.dest[i] = &r.scanned[i]
	}
	return r, nil
}

// relayRows are the rows of a statement in its own transaction.
type relayRows struct {
	tx      *sql.Tx
	rows    *sql.Rows
	columns []string
	types   []*sql.ColumnType
	// dest points into scanned: database/sql does not scan NULL into a
	// driver.Value.
	dest, scanned []any
	done          bool
}

var (
	_ driver.RowsColumnTypeScanType         = (*relayRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*relayRows)(nil)
	_ driver.RowsColumnTypeLength           = (*relayRows)(nil)
	_ driver.RowsColumnTypeNullable         = (*relayRows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*relayRows)(nil)
)

func (r *relayRows) Columns() []string { return r.columns }

// Next commits after the last row: database/sql would drop the error of Close.
func (r *relayRows) Next(values []driver.Value) error {
	if r.done {
		return io.EOF
	}
	if !r.rows.Next() {
		if err := r.Close(); err != nil {
			return err
		}
		return io.EOF
	}
	if err := r.rows.Scan(r.dest...); err != nil {
		return err
	}
	for i, v := range r.scanned {
		values[i] = v
	}
	return nil
}

// Close commits, unless the statement failed. A caller that reads only some of
// the rows wants the statement to count all the same.
func (r *relayRows) Close() error {
	if r.done {
		return nil
	}
	r.done = true
	if err := errors.Join(r.rows.Close(), r.rows.Err()); err != nil {
		return errors.Join(err, r.tx.Rollback())
	}
	return r.tx.Commit()
}

func (r *relayRows) ColumnTypeScanType(i int) reflect.Type { return r.types[i].ScanType() }

func (r *relayRows) ColumnTypeDatabaseTypeName(i int) string { return r.types[i].DatabaseTypeName() }

func (r *relayRows) ColumnTypeLength(i int) (int64, bool) { return r.types[i].Length() }

func (r *relayRows) ColumnTypeNullable(i int) (nullable, ok bool) { return r.types[i].Nullable() }

func (r *relayRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return r.types[i].DecimalSize()
}
