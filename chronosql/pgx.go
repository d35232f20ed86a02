package chronosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	pgsql "github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// overPgx attributes over pgx's driver, without a round trip of its own.
type overPgx struct {
	postgres
	config *pgx.ConnConfig
	// described holds what the server said of statements that return rows.
	described map[string]*pgconn.StatementDescription
}

// begin is the driver's BeginTx with a longer BEGIN.
func (p *overPgx) begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error) {
	if !ok {
		return p.conn.beginBase(ctx, opts)
	}
	tx, err := p.beginWith(ctx, opts, pgsql.SetContext(value))
	if err != nil {
		return nil, err
	}
	return tx, nil
}

// beginWith begins a transaction with a statement in the same message.
func (p *overPgx) beginWith(ctx context.Context, opts driver.TxOptions, statement string) (pgxTx, error) {
	if p.conn.pgx.IsClosed() {
		return pgxTx{}, driver.ErrBadConn
	}
	begin := "begin"
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadUncommitted, sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable:
		begin += " isolation level " + level.String()
	case sql.LevelSnapshot:
		begin += " isolation level repeatable read"
	default:
		return pgxTx{}, fmt.Errorf("unsupported isolation: %v", level)
	}
	if opts.ReadOnly {
		begin += " read only"
	}
	tx, err := p.conn.pgx.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin + "; " + statement})
	if err != nil {
		return pgxTx{}, retryable(err)
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

func (p *overPgx) exec(ctx context.Context, value string, c call) (driver.Result, error) {
	if p.apart(c) || len(c.args) == 0 && !sqltext.MayBeName(c.query) {
		return p.postgres.exec(ctx, value, c)
	}
	if p.conn.pgx.IsClosed() {
		return nil, driver.ErrBadConn
	}
	tag, err := p.execBatch(ctx, attributed(value), c)
	if err != nil {
		return nil, retryable(single(err))
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

// attributed sets the attribution of the implicit transaction that the
// statement runs in.
func attributed(value string) around { return around{before: pgsql.SetContextParameter, value: value} }

func (p *overPgx) execBatch(ctx context.Context, with around, c call) (pgconn.CommandTag, error) {
	results := p.conn.pgx.SendBatch(ctx, with.queue(c))
	_, err := results.Exec()
	var tag pgconn.CommandTag
	if err == nil {
		tag, err = results.Exec()
	}
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return tag, err
}

func values(named []driver.NamedValue) []any {
	args := make([]any, len(named))
	for i, n := range named {
		args[i] = n.Value
	}
	return args
}

// single is the error of a batch as that of its only statement.
func single(err error) error {
	var preparing pgx.ErrPreprocessingBatch
	if errors.As(err, &preparing) {
		return preparing.Unwrap()
	}
	return err
}
