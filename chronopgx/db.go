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

// DB is a pool whose changes are attributed. It is safe for concurrent use.
//
// Outside a transaction each call is one of its own, as always. Statements
// that cannot run in a transaction (VACUUM, CREATE DATABASE, CREATE INDEX
// CONCURRENTLY), CALL and DO, which may end transactions, and texts of several
// statements that begin or end them are sent as they are, without attribution.
// So is everything under a context that says nothing.
//
// Errors of Chrononaut's triggers can be told apart by [chrononaut.WrapError].
type DB struct {
	pool   *pgxpool.Pool
	config *chrononaut.Config
}

// New returns a DB over a pool, which stays the caller's to close. A nil
// config means the defaults.
func New(pool *pgxpool.Pool, config *chrononaut.Config) *DB {
	return &DB{pool: pool, config: config}
}

// Pool returns the pool underneath. What runs on it directly is captured and
// carries no attribution.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Client returns a client that reads history through the pool.
func (db *DB) Client() (*chrononaut.Client, error) {
	return chrononaut.NewClient(NewDriver(db.pool, db.config), chronodriver.PostgreSQL, db.config)
}

// Begin starts a transaction that carries the attribution of ctx, in one round
// trip. A savepoint made by the transaction's own Begin keeps it.
//
// Errors: [chrononaut.ErrContext] and those of pgx.
func (db *DB) Begin(ctx context.Context) (pgx.Tx, error) {
	return db.BeginTx(ctx, pgx.TxOptions{})
}

// BeginTx is Begin with options. A BeginQuery of the caller's own is kept.
func (db *DB) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	value, ok, err := chrononaut.EncodeContext(ctx, db.config)
	if err != nil {
		return nil, err
	}
	if ok {
		opts.BeginQuery = beginSQL(opts) + "; " + setSQL(value)
	}
	return db.pool.BeginTx(ctx, opts)
}

// Exec runs a statement with the attribution of ctx, in one round trip.
func (db *DB) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	value, ok, err := db.attribution(ctx, sql, len(args) == 0)
	switch {
	case err != nil:
		return pgconn.CommandTag{}, err
	case !ok:
		return db.pool.Exec(ctx, sql, args...)
	case len(args) == 0:
		// Several statements, perhaps: the simple protocol takes them. The tag is
		// the last one's.
		return db.pool.Exec(ctx, setSQL(value)+"; "+sql)
	case hasOptions(args):
		return db.execInTx(ctx, sql, args)
	}
	results, err := attributedBatch(ctx, db.pool, value, queued(sql, args))
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	return tag, errors.Join(err, closeAfter(results, err))
}

// execInTx is for arguments that a batch does not take.
func (db *DB) execInTx(ctx context.Context, sql string, args []any) (tag pgconn.CommandTag, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		tag, err = tx.Exec(ctx, sql, args...)
		return err
	})
	return tag, err
}

// Query runs a statement that returns rows with the attribution of ctx, in one
// round trip. A change that the statement makes is committed when the rows are
// closed; Rows.Err tells whether that succeeded.
func (db *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	value, ok, err := db.attribution(ctx, sql, false)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return db.pool.Query(ctx, sql, args...)
	case hasOptions(args):
		return db.queryInTx(ctx, sql, args)
	}
	results, err := attributedBatch(ctx, db.pool, value, queued(sql, args))
	if err != nil {
		return nil, err
	}
	inner, err := results.Query()
	if err != nil {
		inner.Close()
		return nil, errors.Join(err, closeAfter(results, err))
	}
	return &rows{Rows: inner, finish: func(error) error { return results.Close() }}, nil
}

func (db *DB) queryInTx(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return nil, err
	}
	inner, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback(ctx))
	}
	return &rows{Rows: inner, finish: func(err error) error {
		if err != nil {
			return tx.Rollback(ctx)
		}
		return tx.Commit(ctx)
	}}, nil
}

// QueryRow is Query for at most one row: see [pgxpool.Pool.QueryRow].
func (db *DB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	inner, err := db.Query(ctx, sql, args...)
	return row{inner, err}
}

// SendBatch sends a batch with the attribution of ctx, in the round trips that
// the batch takes anyway. See [pgxpool.Pool.SendBatch].
func (db *DB) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		if !attributable(q.SQL, false) {
			return db.pool.SendBatch(ctx, b)
		}
	}
	value, ok, err := chrononaut.EncodeContext(ctx, db.config)
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	if !ok || len(b.QueuedQueries) == 0 {
		return db.pool.SendBatch(ctx, b)
	}
	results, err := attributedBatch(ctx, db.pool, value, b)
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	return results
}

// CopyFrom copies rows into a table with the attribution of ctx. With something
// to say it runs in a transaction of its own, two round trips more than the
// copy itself.
func (db *DB) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (n int64, err error) {
	_, ok, err := chrononaut.EncodeContext(ctx, db.config)
	if err != nil {
		return 0, err
	}
	if !ok {
		return db.pool.CopyFrom(ctx, table, columns, source)
	}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		n, err = tx.CopyFrom(ctx, table, columns, source)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Ping checks the connection to the server.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// attribution encodes the context for a statement outside a transaction; ok is
// false when it is to be sent as it is.
func (db *DB) attribution(ctx context.Context, sql string, several bool) (value string, ok bool, err error) {
	value, ok, err = chrononaut.EncodeContext(ctx, db.config)
	if err != nil || !ok {
		return "", false, err
	}
	return value, attributable(sql, several), nil
}
