package chronosql

import (
	"context"
	"database/sql"
	"errors"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// NewDriver returns a database as packages chronomigrate and chronotest take
// it. The pool need not come from this package; if it does, its configuration
// counts and config only says the schema.
func NewDriver(db *sql.DB, dialect chronodriver.Dialect, config *chrononaut.Config) chronodriver.Driver {
	return driverDB{queryer{db}, db, dialect, config}
}

// NewTxDriver returns a transaction for [chrononaut.Client.With], so that
// history is read inside it.
func NewTxDriver(tx *sql.Tx) chronodriver.Queryer { return queryer{tx} }

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

type queryer struct{ runner runner }

func (q queryer) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.runner.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q queryer) Query(ctx context.Context, query string, args ...any) (chronodriver.Rows, error) {
	rows, err := q.runner.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller's rows
	if err != nil {
		return nil, err
	}
	return rows, nil
}

type driverDB struct {
	queryer
	db      *sql.DB
	dialect chronodriver.Dialect
	config  *chrononaut.Config
}

func (d driverDB) Dialect() chronodriver.Dialect { return d.dialect }

func (d driverDB) Begin(ctx context.Context) (chronodriver.Tx, error) {
	value, ok, err := d.attribution(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	if ok {
		if err := setContext(ctx, tx, value); err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
	}
	return transaction{queryer{tx}, tx}, nil
}

// attribution is what a pool of this package sets by itself.
func (d driverDB) attribution(ctx context.Context) (value string, ok bool, err error) {
	if d.dialect != chronodriver.PostgreSQL {
		return "", false, nil
	}
	if _, ours, err := ConfigThrough(ctx, d.db); err != nil || ours {
		return "", false, err
	}
	return chrononaut.EncodeContext(ctx, d.config)
}

type transaction struct {
	queryer
	tx *sql.Tx
}

func (t transaction) Commit(context.Context) error { return t.tx.Commit() }

func (t transaction) Rollback(context.Context) error {
	if err := t.tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}
