package chronopgx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// DB is a pool whose changes are attributed. It is safe for concurrent use.
//
// Outside a transaction each call is one of its own, as always. A SELECT is
// sent as it is, without attribution, so a function that writes should be
// called in a transaction. So are statements that cannot run in a transaction
// (VACUUM, CREATE DATABASE, CREATE INDEX CONCURRENTLY), CALL and DO, which may
// end transactions, texts of several statements that begin or end them, and
// everything under a context that says nothing.
//
// Under a context of [chrononaut.AsOf] everything reads the past, and CopyFrom is
// refused.
//
// Errors of Chrononaut's triggers can be told apart by [chrononaut.WrapError];
// those of statements in the past are wrapped already.
type DB struct {
	pool   *pgxpool.Pool
	config *chrononaut.Config
	// relations are those that have a past.
	relations *travel.Relations
	// simple says that the pool's mode is pgx.QueryExecModeSimpleProtocol.
	simple bool
}

// New returns a DB over a pool, which stays the caller's to close. A nil
// config means the defaults.
func New(pool *pgxpool.Pool, config *chrononaut.Config) *DB {
	mode := pool.Config().ConnConfig.DefaultQueryExecMode
	return &DB{pool, config, travel.NewRelations(config.HistorySchema()), mode == pgx.QueryExecModeSimpleProtocol}
}

// Pool returns the pool underneath. What runs on it directly is captured and
// carries no attribution.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Client returns a client that reads history through the pool.
func (db *DB) Client() (*chrononaut.Client, error) {
	return chrononaut.NewClient(NewDriver(db.pool, db.config), chronodriver.PostgreSQL, db.config)
}

// Begin starts a transaction that carries the attribution of ctx and reads at its
// point, in one round trip. A savepoint made by the transaction's own Begin keeps
// both. A statement under a context with another point is refused.
//
// Errors: [chrononaut.ErrContext], [chrononaut.ErrHorizon] and those of pgx.
func (db *DB) Begin(ctx context.Context) (pgx.Tx, error) {
	return db.BeginTx(ctx, pgx.TxOptions{})
}

// BeginTx is Begin with options. A BeginQuery of the caller's own is kept.
func (db *DB) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	opts, err := TxOptions(ctx, opts, db.config)
	if err != nil {
		return nil, err
	}
	if point, ok := chrononaut.EncodeAsOf(ctx); ok {
		return db.beginPast(ctx, point, opts)
	}
	inner, err := db.pool.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &tx{Tx: inner, db: db}, nil
}

// Exec runs a statement with the attribution of ctx, in one round trip. With
// one of pgx's options before the arguments (a mode, result formats), or several
// statements and arguments, it takes two more.
func (db *DB) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	if point, ok := chrononaut.EncodeAsOf(ctx); ok {
		return past{db, point}.exec(ctx, sql, args)
	}
	// Without arguments pgx uses the simple protocol, which takes several
	// statements.
	bare := len(args) == 0 && !sqltext.MayBeName(sql)
	value, ok, err := db.attribution(ctx, sql, bare || db.several(args))
	switch {
	case err != nil:
		return pgconn.CommandTag{}, err
	case !ok:
		return db.pool.Exec(ctx, sql, args...)
	case bare:
		// They are one transaction, and the tag is the last one's.
		prefix := postgres.Prefix(value)
		tag, err = db.pool.Exec(ctx, prefix+sql)
		return tag, postgres.WithoutPrefix(err, prefix)
	case db.apart(sql, args):
		err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			tag, err = tx.Exec(ctx, sql, args...)
			return err
		})
		return tag, err
	}
	results := db.send(ctx, value, sql, args)
	tag, err = results.Exec()
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return tag, single(err)
}

// Query runs a statement that returns rows with the attribution of ctx, in one
// round trip; with one of pgx's options before the arguments it takes two more.
// A change that the statement makes is committed when the rows are closed;
// Rows.Err tells whether that succeeded.
func (db *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if point, ok := chrononaut.EncodeAsOf(ctx); ok {
		return past{db, point}.query(ctx, sql, args)
	}
	value, ok, err := db.attribution(ctx, sql, db.several(args))
	switch {
	case err != nil:
		return failedRows(err)
	case !ok:
		return db.pool.Query(ctx, sql, args...)
	case db.apart(sql, args):
		return db.queryInTx(ctx, sql, args)
	}
	results := db.send(ctx, value, sql, args)
	inner, err := results.Query()
	if err != nil {
		// The same error once more.
		_ = results.Close()
		return failedRows(single(err))
	}
	return &rows{Rows: inner, finish: results.Close}, nil
}

// queryInTx is for arguments that a batch does not take.
func (db *DB) queryInTx(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return failedRows(err)
	}
	inner, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return failedRows(errors.Join(err, tx.Rollback(ctx)))
	}
	// After an error of the statement COMMIT rolls back.
	return &rows{Rows: inner, finish: func() error { return tx.Commit(ctx) }}, nil
}

// QueryRow is Query for at most one row: see [pgxpool.Pool.QueryRow].
func (db *DB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	// The rows have the error.
	inner, _ := db.Query(ctx, sql, args...)
	return row{inner}
}

// CopyFrom copies rows into a table with the attribution of ctx. With something
// to say it runs in a transaction of its own, two round trips more than the
// copy itself.
func (db *DB) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (n int64, err error) {
	if _, ok := chrononaut.EncodeAsOf(ctx); ok {
		return 0, errCopyFrom
	}
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
	if statements := db.statements(sql, several); reads(statements) || !attributable(statements) {
		return "", false, nil
	}
	return chrononaut.EncodeContext(ctx, db.config)
}
