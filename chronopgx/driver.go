package chronopgx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// NewDriver returns the database as packages chronomigrate and chronotest take
// it. A nil config means the defaults.
func NewDriver(pool *pgxpool.Pool, config *chrononaut.Config) chronodriver.Driver {
	db := New(pool, config)
	return driver{queryer{db}, db}
}

// NewTxDriver returns a transaction for [chrononaut.Client.With], so that
// history is read inside it.
func NewTxDriver(tx pgx.Tx) chronodriver.Queryer { return queryer{tx} }

// runner is what a [DB] and a [pgx.Tx] have in common.
type runner interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

type queryer struct{ runner runner }

func (q queryer) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := q.runner.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (q queryer) Query(ctx context.Context, sql string, args ...any) (chronodriver.Rows, error) {
	rows, err := q.runner.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return &driverRows{Rows: rows}, nil
}

type driver struct {
	queryer
	db *DB
}

func (d driver) Dialect() chronodriver.Dialect { return chronodriver.PostgreSQL }

func (d driver) Begin(ctx context.Context) (chronodriver.Tx, error) {
	tx, err := d.db.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return transaction{queryer{tx}, tx}, nil
}

type transaction struct {
	queryer
	tx pgx.Tx
}

func (t transaction) Commit(ctx context.Context) error { return t.tx.Commit(ctx) }

func (t transaction) Rollback(ctx context.Context) error {
	if err := t.tx.Rollback(ctx); !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}

// driverRows says an error once: callers join that of Err with that of Close.
type driverRows struct {
	pgx.Rows
	said bool
}

func (r *driverRows) Err() error {
	err := r.Rows.Err()
	r.said = r.said || err != nil
	return err
}

func (r *driverRows) Columns() ([]string, error) {
	fields := r.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names, nil
}

func (r *driverRows) Close() error {
	r.Rows.Close()
	if r.said {
		return nil
	}
	return r.Err()
}
