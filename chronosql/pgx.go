package chronosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// overPgx attributes over pgx's driver, without a round trip of its own.
type overPgx struct {
	postgres
	pgx *pgx.Conn
}

// begin is the driver's BeginTx with a longer BEGIN.
func (p *overPgx) begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error) {
	if !ok {
		return p.conn.beginBase(ctx, opts)
	}
	if p.pgx.IsClosed() {
		return nil, driver.ErrBadConn
	}
	begin := "begin"
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadUncommitted, sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable:
		begin += " isolation level " + level.String()
	case sql.LevelSnapshot:
		begin += " isolation level repeatable read"
	default:
		return nil, fmt.Errorf("unsupported isolation: %v", level)
	}
	if opts.ReadOnly {
		begin += " read only"
	}
	tx, err := p.pgx.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin + "; " + setSQL(value)})
	if err != nil {
		return nil, retryable(err)
	}
	return pgxTx{ctx, tx}, nil
}

type pgxTx struct {
	ctx context.Context
	tx  pgx.Tx
}

func (t pgxTx) Commit() error { return t.tx.Commit(t.ctx) }

func (t pgxTx) Rollback() error { return t.tx.Rollback(t.ctx) }

// retryable tells database/sql to take another connection when nothing was
// sent on this one.
func retryable(err error) error {
	if pgconn.SafeToRetry(err) {
		return driver.ErrBadConn
	}
	return err
}

func (p *overPgx) exec(ctx context.Context, value, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return p.postgres.exec(ctx, value, query, args)
	}
	results, err := p.send(ctx, value, query, args)
	if err != nil {
		return nil, err
	}
	tag, err := results.Exec()
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

func (p *overPgx) query(ctx context.Context, value, query string, args []driver.NamedValue) (driver.Rows, error) {
	results, err := p.send(ctx, value, query, args)
	if err != nil {
		return nil, err
	}
	inner, err := results.Query()
	if err != nil {
		inner.Close()
		// The same error once more.
		_ = results.Close()
		return nil, err
	}
	// Errors of the statement come before its first row.
	more := inner.Next()
	if err := inner.Err(); err != nil {
		inner.Close()
		_ = results.Close()
		return nil, err
	}
	return ending(&pgxRows{rows: inner, conn: p.pgx, ahead: true, more: more}, func(err error) error {
		return errors.Join(err, results.Close())
	}), nil
}

// send sends the statement behind one that sets the attribution of the
// implicit transaction of both.
func (p *overPgx) send(ctx context.Context, value, query string, named []driver.NamedValue) (pgx.BatchResults, error) {
	if p.pgx.IsClosed() {
		return nil, driver.ErrBadConn
	}
	args := make([]any, len(named))
	for i, n := range named {
		if n.Name != "" {
			return nil, errors.New("named arguments are not supported")
		}
		args[i] = n.Value
	}
	batch := &pgx.Batch{}
	// set_config() rather than SET LOCAL, which warns outside a transaction block.
	batch.Queue("select pg_catalog.set_config('chrononaut.context', $1::text, true)", value)
	batch.Queue(query, args...)
	results := p.pgx.SendBatch(ctx, batch)
	if _, err := results.Exec(); err != nil {
		// The same error once more.
		_ = results.Close()
		return nil, retryable(err)
	}
	return results, nil
}
