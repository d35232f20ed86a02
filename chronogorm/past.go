package chronogorm

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"runtime"
	"weak"

	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// pastPool returns a pool over the connections of this one that reads the
// past, to be closed after use: what is open on it then stays so.
func (p *pool) pastPool() (*sql.DB, error) {
	db, ok := p.beginner.(*sql.DB)
	if !ok {
		return nil, fmt.Errorf("%w: a connection of a pool that is not one of package chronosql cannot read it", chrononaut.ErrPast)
	}
	connector, ok := p.plugin.borrowers.Load(db)
	if !ok {
		connector, _ = p.plugin.borrowers.LoadOrStore(db, chronosql.NewConnectorOver(db, p.config))
	}
	return sql.OpenDB(connector.(driver.Connector)), nil
}

// beginPast begins a transaction of the past, and remembers it.
func (p *pool) beginPast(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error) {
	past, err := p.pastPool()
	if err != nil {
		return nil, err
	}
	defer past.Close()
	tx, err := past.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	key := weak.Make(tx)
	p.plugin.past.Store(key, true)
	runtime.AddCleanup(tx, func(key weak.Pointer[sql.Tx]) { p.plugin.past.Delete(key) }, key)
	return tx, nil
}

func (p *pool) queryPast(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	past, err := p.pastPool()
	if err != nil {
		return nil, err
	}
	// The rows stay open until they are closed.
	defer past.Close()
	return past.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // the caller's rows
}

// look sees to it that a statement in a transaction of a plain pool reads where
// its context says. Over pools of package chronosql the connection does.
func (p *Plugin) look(tx *gorm.DB) {
	stmt := tx.Statement
	sqlTx, ok := unprepared(stmt.ConnPool).(*sql.Tx)
	if !ok || tx.Error != nil || tx.DryRun {
		return
	}
	if _, plain := unprepared(tx.ConnPool).(*pool); !plain {
		return
	}
	if _, past := p.past.Load(weak.Make(sqlTx)); past {
		// Statements that are prepared belong to the other pool.
		stmt.ConnPool = sqlTx
	} else if _, asks := chrononaut.AsOfFrom(stmt.Context); asks {
		_ = tx.AddError(fmt.Errorf("%w: the transaction reads the present; begin it under the context that reads the past", chrononaut.ErrPast))
	}
}
