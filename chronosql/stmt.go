package chronosql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	_, past := chrononaut.AsOfFrom(ctx)
	if c.inTransaction() && c.point != "" || past && c.engine.dialect() == chronodriver.SQLite {
		// What is prepared there is another text, which is not known yet.
		return &stmt{Stmt: unprepared{}, conn: c, sql: query}, nil
	}
	base, err := c.prepareBase(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{Stmt: base, conn: c, sql: query}, nil
}

// unprepared stands for a statement that is prepared each time it runs.
type unprepared struct{}

func (unprepared) Close() error { return nil }

func (unprepared) NumInput() int { return -1 }

func (unprepared) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }

func (unprepared) Query([]driver.Value) (driver.Rows, error) { return nil, driver.ErrSkip }

// stmt is a prepared statement.
type stmt struct {
	driver.Stmt
	conn *conn
	sql  string
}

var (
	_ driver.NamedValueChecker = (*stmt)(nil)
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
)

func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.exec(ctx, s.call(args))
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.query(ctx, s.call(args))
}

func (s *stmt) call(args []driver.NamedValue) call {
	if _, ok := s.Stmt.(unprepared); ok {
		return call{query: s.sql, args: args}
	}
	return call{s.sql, args, s.Stmt}
}

// plain are arguments for a driver that knows nothing of names.
func plain(args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, a := range args {
		if a.Name != "" {
			return nil, fmt.Errorf("the driver does not support named parameters: %s", a.Name)
		}
		values[i] = a.Value
	}
	return values, nil
}
