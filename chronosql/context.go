package chronosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/chrononaut-go/chrononaut"
	pgsql "github.com/chrononaut-go/chrononaut/internal/postgres"
)

// contextValue is an attribution on its way to a connection. Ours recognize it;
// for others it is a parameter like any other.
type contextValue string

// Value is part of [driver.Valuer].
func (v contextValue) Value() (driver.Value, error) { return string(v), nil }

// SetContext makes the rest of a transaction carry the attribution of ctx, and
// nothing of what was set before: for a transaction in which several act, or
// that was begun elsewhere. On PostgreSQL the pool may be any, and rolling back
// to a savepoint restores what was set before it; on SQLite the pool has to
// come from this package, and the last call counts. In the past, where nothing is
// written, it does nothing there. Costs one round trip, over a pool that is not from this
// package as many as a statement with a parameter.
//
// Errors: [chrononaut.ErrContext] and those of the driver.
func SetContext(ctx context.Context, tx *sql.Tx, config *chrononaut.Config) error {
	value, ok, err := chrononaut.EncodeContext(ctx, config)
	if err != nil {
		return err
	}
	if !ok {
		value = "{}"
	}
	return setContext(ctx, tx, value)
}

func setContext(ctx context.Context, tx *sql.Tx, value string) error {
	if _, err := tx.ExecContext(ctx, pgsql.SetContextParameter, contextValue(value)); err != nil {
		return fmt.Errorf("set the context of the transaction: %w", err)
	}
	return nil
}
