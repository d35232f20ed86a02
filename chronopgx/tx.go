package chronopgx

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// tx is a transaction of a [DB], which sees to it that statements read at the
// point at which the transaction does.
type tx struct {
	pgx.Tx
	db *DB
	// point is where it reads, "" in the present.
	point string
	// conn is the pool's to get back, nil when Tx gives it back; commit is how
	// the transaction ends on it.
	conn   *pgxpool.Conn
	commit string
	// root is the transaction around a savepoint.
	root   *tx
	closed bool
}

// beginPast begins a transaction that reads the past. It keeps the connection
// where pgx would close it: after a refused point, or a refused end.
func (db *DB) beginPast(ctx context.Context, point string, opts pgx.TxOptions) (pgx.Tx, error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	inner, err := conn.BeginTx(ctx, opts)
	if err != nil {
		rollback(ctx, conn)
		return nil, db.relations.Error(err)
	}
	return &tx{Tx: inner, db: db, point: point, conn: conn, commit: opts.CommitQuery}, nil
}

// rollback gives a connection back that the server may have left in an aborted
// transaction.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		// Without success the pool closes it.
		_, _ = conn.Exec(ctx, "rollback")
	}
	conn.Release()
}

func (t *tx) isClosed() bool { return t.closed || t.root != nil && t.root.isClosed() }

// Begin makes a savepoint.
func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	if t.isClosed() {
		return nil, pgx.ErrTxClosed
	}
	inner, err := t.Tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &tx{Tx: inner, db: t.db, point: t.point, root: t}, nil
}

// Commit ends the travel in the same message.
func (t *tx) Commit(ctx context.Context) error {
	switch {
	case t.isClosed():
		return pgx.ErrTxClosed
	case t.point == "" || t.root != nil:
		t.closed = true
		return t.Tx.Commit(ctx)
	}
	const aborted = 'E'
	if t.Conn().PgConn().TxStatus() == aborted {
		if err := t.Rollback(ctx); err != nil {
			return err
		}
		return pgx.ErrTxCommitRollback
	}
	if t.conn == nil {
		// Of a batch, which has no place for it.
		if _, err := t.Tx.Exec(ctx, t.db.relations.TravelEnd()); err != nil {
			_ = t.Rollback(ctx)
			return t.db.relations.Error(err)
		}
		t.closed = true
		return t.Tx.Commit(ctx)
	}
	t.closed = true
	_, err := t.conn.Exec(ctx, t.commit)
	rollback(ctx, t.conn)
	return t.db.relations.Error(err)
}

// check reports what was read of the present, before a savepoint that is rolled
// back takes that with it.
func (t *tx) check(ctx context.Context) error {
	_, err := t.Tx.Exec(ctx, t.db.relations.TravelEnd())
	return t.db.relations.Before(err)
}

// Rollback rolls back.
func (t *tx) Rollback(ctx context.Context) error {
	if t.isClosed() {
		return pgx.ErrTxClosed
	}
	t.closed = true
	var checked error
	if t.point != "" && t.root != nil {
		checked = t.check(ctx)
	}
	err := errors.Join(checked, t.Tx.Rollback(ctx))
	if t.conn != nil {
		t.conn.Release()
	}
	return err
}

// statement prepares a text for the point of the transaction; nil is for the
// present, in which texts are sent as they are.
func (t *tx) statement(ctx context.Context, sql string) (*travel.Statement, error) {
	if t.isClosed() {
		return nil, pgx.ErrTxClosed
	}
	point, err := travel.PointIn(ctx, t.point)
	if err != nil || point == "" {
		return nil, err
	}
	return t.db.relations.Statement(ctx, point, sql, false, load(t.Tx))
}

// Exec runs a statement.
func (t *tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	statement, err := t.statement(ctx, sql)
	switch {
	case err != nil:
		return pgconn.CommandTag{}, err
	case statement == nil:
		return t.Tx.Exec(ctx, sql, args...)
	}
	if statement.RollsBack {
		if err := t.check(ctx); err != nil {
			return pgconn.CommandTag{}, err
		}
	}
	tag, err := t.Tx.Exec(ctx, statement.SQL, args...)
	return tag, statement.Error(err)
}

// Query runs a statement that returns rows.
func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	statement, err := t.statement(ctx, sql)
	switch {
	case err != nil:
		return failedRows(err)
	case statement == nil:
		return t.Tx.Query(ctx, sql, args...)
	}
	inner, err := t.Tx.Query(ctx, statement.SQL, args...)
	if err != nil {
		return failedRows(statement.Error(err))
	}
	return &rows{Rows: inner, wrap: statement.Error}, nil
}

// QueryRow is Query for at most one row.
func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if point, err := travel.PointIn(ctx, t.point); err == nil && point == "" {
		return t.Tx.QueryRow(ctx, sql, args...)
	}
	// The rows have the error.
	inner, _ := t.Query(ctx, sql, args...)
	return row{inner}
}

// Prepare prepares a statement of the present, or of the past if that is what
// the transaction reads.
func (t *tx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	statement, err := t.statement(ctx, sql)
	switch {
	case err != nil:
		return nil, err
	case statement == nil:
		return t.Tx.Prepare(ctx, name, sql)
	}
	description, err := t.Tx.Prepare(ctx, name, statement.SQL)
	return description, statement.Error(err)
}

// CopyFrom copies rows into a table, which the past refuses.
func (t *tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	point, err := travel.PointIn(ctx, t.point)
	if err == nil && point != "" {
		err = errCopyFrom
	}
	if err != nil {
		return 0, err
	}
	return t.Tx.CopyFrom(ctx, table, columns, source)
}

var errCopyFrom = fmt.Errorf("%w: rows cannot be copied into it", chrononaut.ErrPast)

// SendBatch sends a batch.
func (t *tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	point, err := travel.PointIn(ctx, t.point)
	switch {
	case t.isClosed():
		return pgx.FailedBatchResults(b, pgx.ErrTxClosed)
	case err != nil:
		return pgx.FailedBatchResults(b, err)
	case point == "":
		return t.Tx.SendBatch(ctx, b)
	}
	// A copy of b has the transaction that b may ask for, which pgx refuses.
	clone := *b
	clone.QueuedQueries = nil
	results := &batchResults{wrap: t.db.relations.Error}
	for _, q := range b.QueuedQueries {
		statement, err := t.statement(ctx, q.SQL)
		if err != nil {
			return pgx.FailedBatchResults(b, err)
		}
		results.queue(&clone, q, statement)
	}
	results.BatchResults = t.Tx.SendBatch(ctx, &clone)
	return results
}
