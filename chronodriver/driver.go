// Package chronodriver is the seam between Chrononaut and a database.
//
// Adapters (chronopgx, chronosql, chronogorm) implement [Driver]; the packages
// chrononaut and chronomigrate use it. It is an internal seam that happens to
// be exported: its API is not stable, do not implement it outside this
// repository.
package chronodriver

import "context"

// Dialect names the engine behind a [Driver].
type Dialect string

// The engines that Chrononaut supports.
const (
	PostgreSQL Dialect = "postgresql"
	SQLite     Dialect = "sqlite"
)

// Rows iterates over a result. It must be closed; Close is idempotent.
type Rows interface {
	// Columns returns the names of the result's columns.
	Columns() ([]string, error)
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Queryer runs statements. Placeholders are $1, $2, … for PostgreSQL and
// ?1, ?2, … for SQLite.
type Queryer interface {
	// Exec runs one statement and returns the number of affected rows. With no
	// arguments it may hold several statements.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
}

// Tx is a transaction. Rollback after Commit is a no-op.
type Tx interface {
	Queryer
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// Driver is a database: a pool of connections to one engine.
type Driver interface {
	Queryer
	Dialect() Dialect
	// Begin starts a transaction that carries the attribution of ctx.
	Begin(ctx context.Context) (Tx, error)
}
