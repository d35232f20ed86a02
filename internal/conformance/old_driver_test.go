package conformance_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/lib/pq"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// oldConnector makes connections whose transactions have no options and whose
// prepared statements no names, as with drivers from before Go 1.8.
type oldConnector struct{ driver.Connector }

func (c oldConnector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := c.Connector.Connect(ctx)
	return oldConn{base}, err
}

type oldConn struct{ driver.Conn }

func (c oldConn) Prepare(query string) (driver.Stmt, error) {
	base, err := c.Conn.Prepare(query)
	return oldStmt{base}, err
}

func (c oldConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

type oldStmt struct{ driver.Stmt }

// TestSQLOldDriver asks for what the driver cannot do, which package database/sql
// refuses.
func TestSQLOldDriver(t *testing.T) {
	t.Parallel()
	f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
	connector, err := pq.NewConnector(f.url)
	if err != nil {
		t.Fatal(err)
	}
	f.db = f.open(sql.OpenDB(chronosql.NewConnector(oldConnector{connector}, chronodriver.PostgreSQL, nil)), nil)
	f.plain = f.open(sql.Open("pgx", f.url))
	for _, opts := range []*sql.TxOptions{{Isolation: sql.LevelSerializable}, {ReadOnly: true}} {
		if tx, err := f.db.BeginTx(f.as("ann"), opts); err == nil {
			t.Errorf("a transaction with %+v was begun", *opts)
			_ = tx.Rollback()
		}
	}
	stmt, err := f.db.PrepareContext(t.Context(), insertTodo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stmt.ExecContext(f.as("ann"), sql.Named("title", "a")); err == nil {
		t.Error("a named parameter was taken")
	}
	if _, err := stmt.ExecContext(f.as("ann"), "b"); err != nil {
		t.Error(err)
	}
	if err := stmt.Close(); err != nil {
		t.Error(err)
	}
	err = inTx(f.as("bob"), f.db, func(tx *sql.Tx) error { _, err := tx.ExecContext(t.Context(), insertTodo, "c"); return err })
	if err != nil {
		t.Fatal(err)
	}
	f.wantLog("b insert ann", "c insert bob")
}
