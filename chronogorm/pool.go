package chronogorm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// beginner is what both *sql.DB and *sql.Conn are.
type beginner interface {
	gorm.ConnPool
	gorm.TxBeginner
}

// pool attributes what runs on a pool that does not do so itself. Transactions
// stay real *sql.Tx, and everything else that a *sql.DB can do is a promoted
// method.
type pool struct {
	beginner
	dialect chronodriver.Dialect
	config  *chrononaut.Config
	plugin  *Plugin
}

var (
	_ gorm.ConnPool       = (*pool)(nil)
	_ gorm.TxBeginner     = (*pool)(nil)
	_ gorm.GetDBConnector = (*pool)(nil)
)

// GetDBConn returns the pool underneath.
func (p *pool) GetDBConn() (*sql.DB, error) {
	if db, ok := p.beginner.(*sql.DB); ok {
		return db, nil
	}
	return nil, gorm.ErrInvalidDB
}

// Ping checks the connection: gorm.Open does so.
func (p *pool) Ping() error {
	if db, ok := p.beginner.(*sql.DB); ok {
		return db.Ping() //nolint:noctx // GORM's interface has none
	}
	return nil
}

// BeginTx begins a transaction that carries the attribution of ctx. That costs
// a round trip, unless there is nothing to say.
func (p *pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error) {
	if _, ok := chrononaut.AsOfFrom(ctx); ok {
		return p.beginPast(ctx, opts)
	}
	value, ok, err := chrononaut.EncodeContext(ctx, p.config)
	if err != nil {
		return nil, err
	}
	tx, err := p.beginner.BeginTx(ctx, opts)
	if err != nil || !ok {
		return tx, err
	}
	if err := setContext(ctx, tx, p.dialect, value); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// short reports whether a statement outside a transaction needs one: it reads
// the past, or it writes, can run in a transaction, and there is something to say.
func (p *pool) short(ctx context.Context, query string) bool {
	if _, ok := chrononaut.AsOfFrom(ctx); ok {
		return true
	}
	writes := false
	for _, s := range sqltext.Split(p.dialect, query) {
		if control, _ := s.Control(); control != sqltext.None || s.Alone(p.dialect) || s.MayCommit() {
			return false
		}
		writes = writes || !s.Selects()
	}
	if !writes {
		return false
	}
	_, ok, err := chrononaut.EncodeContext(ctx, p.config)
	// BeginTx will report the error.
	return ok || err != nil
}

func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if _, ok := chrononaut.AsOfFrom(ctx); ok {
		past, err := p.pastPool()
		if err != nil {
			return nil, err
		}
		defer past.Close()
		return past.ExecContext(ctx, query, args...)
	}
	if !p.short(ctx, query) {
		return p.beginner.ExecContext(ctx, query, args...)
	}
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return result, tx.Commit()
}

func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if _, ok := chrononaut.AsOfFrom(ctx); ok {
		return p.queryPast(ctx, query, args...)
	}
	if !p.short(ctx, query) {
		return p.beginner.QueryContext(ctx, query, args...)
	}
	return p.query(ctx, query, args...)
}

func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if _, ok := chrononaut.AsOfFrom(ctx); ok {
		if past, err := p.pastPool(); err == nil {
			defer past.Close()
			return past.QueryRowContext(ctx, query, args...)
		}
		// A row of our own reports the error.
	}
	if !p.short(ctx, query) {
		return p.beginner.QueryRowContext(ctx, query, args...)
	}
	return p.queryRow(ctx, query, args...)
}

// execer runs a statement in a transaction.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// setContext makes an open transaction carry attribution.
func setContext(ctx context.Context, tx execer, dialect chronodriver.Dialect, value string) error {
	var err error
	switch dialect {
	case chronodriver.PostgreSQL:
		// A literal and not a parameter of set_config(): it is one round trip with
		// every driver, and Citus passes it on to its workers.
		_, err = tx.ExecContext(ctx, "SET LOCAL chrononaut.context = "+literal(value))
	default:
		err = fmt.Errorf("%w: %s", ErrDialect, dialect)
	}
	if err != nil {
		return fmt.Errorf("set the context of the transaction: %w", err)
	}
	return nil
}

// literal quotes text so that standard_conforming_strings does not matter.
func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
