package chronopgx

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
)

// SetContext makes the rest of a transaction carry the attribution of ctx, and
// nothing of what was set before: for a transaction in which several act, or
// that was begun elsewhere. Rolling back to a savepoint restores what was set
// before it. Costs one round trip. Errors: [chrononaut.ErrContext] and those of
// pgx.
func SetContext(ctx context.Context, tx pgx.Tx, config *chrononaut.Config) error {
	value, _, err := chrononaut.EncodeContext(ctx, config)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, setSQL(value)); err != nil {
		return fmt.Errorf("set the context of the transaction: %w", err)
	}
	return nil
}
