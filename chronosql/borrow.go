package chronosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// NewConnectorOver returns a connector, for use with [sql.OpenDB], that makes no
// connections of its own: it borrows those of a pool that was opened elsewhere,
// which goes on working as it is. What runs on the borrowed ones is attributed,
// and can read the past. A connection goes back when the new pool closes it, so
// that pool should keep none ([sql.DB.SetMaxIdleConns] of 0).
//
// It is for PostgreSQL, and for pools that do not attribute themselves: see
// [ConfigThrough].
func NewConnectorOver(db *sql.DB, config *chrononaut.Config) driver.Connector {
	return &borrower{db, newPool(chronodriver.PostgreSQL, config)}
}

type borrower struct {
	from *sql.DB
	*pool
}

func (b *borrower) Connect(ctx context.Context) (driver.Conn, error) {
	held, err := b.from.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var base driver.Conn
	err = held.Raw(func(raw any) error {
		var ok bool
		if base, ok = raw.(driver.Conn); !ok {
			return fmt.Errorf("%w: %T", ErrDialect, raw)
		}
		if through(raw) != nil {
			return errors.New("the pool is one of package chronosql already")
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return &borrowed{b.wrap(base), held}, nil
}

func (b *borrower) Driver() driver.Driver { return &attributingDriver{b.from.Driver(), b.pool} }

// borrowed is a connection that another pool wants back.
type borrowed struct {
	*conn
	held *sql.Conn
}

// Close gives the connection back, if it can still be used.
func (b *borrowed) Close() error {
	if !b.IsValid() || b.inTransaction() {
		// This is how a pool is told.
		_ = b.held.Raw(func(any) error { return driver.ErrBadConn })
	}
	if err := b.held.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}
