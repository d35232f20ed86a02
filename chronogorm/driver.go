package chronogorm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// queryer runs Chrononaut's own statements where GORM would run them: on the
// same pool or in the same transaction. GORM's callbacks, hooks and prepared
// statements take no part.
type queryer struct {
	pool gorm.ConnPool
}

func (q queryer) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.pool.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q queryer) Query(ctx context.Context, query string, args ...any) (chronodriver.Rows, error) {
	rows, err := q.pool.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller's rows
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// NewDriver returns the database as packages chronomigrate and chronotest take
// it: to record a baseline of existing rows, to check for drift, to untrack.
// Given a transaction it works inside it, in savepoints.
//
//	driver, err := chronogorm.NewDriver(db)
//	migrator, err := chronomigrate.New(driver, nil)
//
// Errors: [ErrDialect].
func NewDriver(db *gorm.DB) (chronodriver.Driver, error) {
	dialect, err := dialectOf(db)
	if err != nil {
		return nil, err
	}
	return database{queryer{connPool(db)}, dialect}, nil
}

// database is a database as the migrator needs it. Over a transaction, Begin
// makes a savepoint.
type database struct {
	queryer
	dialect chronodriver.Dialect
}

var _ chronodriver.Driver = database{}

func (d database) Dialect() chronodriver.Dialect { return d.dialect }

func (d database) Begin(ctx context.Context) (chronodriver.Tx, error) {
	switch pool := d.pool.(type) {
	case gorm.TxBeginner:
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		return transaction{queryer{tx}, tx}, nil
	case gorm.ConnPoolBeginner:
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		committer, ok := tx.(gorm.TxCommitter)
		if !ok {
			return nil, gorm.ErrInvalidTransaction
		}
		return transaction{queryer{tx}, committer}, nil
	case gorm.TxCommitter:
		return d.savepoint(ctx)
	}
	return nil, fmt.Errorf("%w: %T", ErrPool, d.pool)
}

type transaction struct {
	queryer
	committer gorm.TxCommitter
}

func (t transaction) Commit(context.Context) error { return t.committer.Commit() }

func (t transaction) Rollback(context.Context) error {
	if err := t.committer.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// savepointName may repeat: names of savepoints nest.
const savepointName = "chrononaut"

// savepoint is a transaction inside the user's.
type savepoint struct {
	queryer
	// lockTimeout is restored, because a setting that is local to the
	// transaction outlives the savepoint.
	lockTimeout string
	done        bool
}

func (d database) savepoint(ctx context.Context) (*savepoint, error) {
	s := &savepoint{queryer: d.queryer}
	if d.dialect == chronodriver.PostgreSQL {
		row := d.pool.QueryRowContext(ctx, `SELECT pg_catalog.current_setting('lock_timeout')`)
		if err := row.Scan(&s.lockTimeout); err != nil {
			return nil, err
		}
	}
	_, err := s.Exec(ctx, "SAVEPOINT "+savepointName)
	return s, err
}

func (s *savepoint) Commit(ctx context.Context) error {
	if s.lockTimeout != "" {
		if _, err := s.Exec(ctx, `SELECT pg_catalog.set_config('lock_timeout', $1::text, true)`, s.lockTimeout); err != nil {
			return err
		}
	}
	if _, err := s.Exec(ctx, "RELEASE SAVEPOINT "+savepointName); err != nil {
		return err
	}
	s.done = true
	return nil
}

func (s *savepoint) Rollback(ctx context.Context) error {
	if s.done {
		return nil
	}
	s.done = true
	if _, err := s.Exec(ctx, "ROLLBACK TO SAVEPOINT "+savepointName); err != nil {
		return err
	}
	_, err := s.Exec(ctx, "RELEASE SAVEPOINT "+savepointName)
	return err
}

// connPool returns what GORM runs statements of db on, without the layer that
// prepares them.
func connPool(db *gorm.DB) gorm.ConnPool {
	if db.Statement != nil && db.Statement.ConnPool != nil {
		return unprepared(db.Statement.ConnPool)
	}
	return unprepared(db.ConnPool)
}

// unprepared takes off the layers that prepare, of which sessions can add some.
func unprepared(pool gorm.ConnPool) gorm.ConnPool {
	for {
		switch p := pool.(type) {
		case *gorm.PreparedStmtDB:
			pool = p.ConnPool
		case *gorm.PreparedStmtTX:
			pool = p.Tx
		default:
			return pool
		}
	}
}
