package chronopgx

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// TxOptions returns opts with a BEGIN that carries the attribution of ctx, for
// connections that are not of a [DB]: the BeginTx of a *pgx.Conn or a
// *pgxpool.Conn takes them. The transaction costs no more round trips than
// without. A BeginQuery of the caller's own is kept.
//
// Under a context of [chrononaut.AsOf] the transaction reads the past. Its
// statements are sent as they are: names that are qualified read the present, for
// which COMMIT returns an error and pgx closes the connection.
//
// Errors: [chrononaut.ErrContext].
func TxOptions(ctx context.Context, opts pgx.TxOptions, config *chrononaut.Config) (pgx.TxOptions, error) {
	value, ok, err := chrononaut.EncodeContext(ctx, config)
	if err != nil {
		return opts, err
	}
	if ok {
		opts.BeginQuery = beginSQL(opts) + "; " + postgres.SetContext(value)
	}
	if point, ok := chrononaut.EncodeAsOf(ctx); ok {
		schema := config.HistorySchema()
		opts.BeginQuery = beginSQL(opts) + "; " + postgres.Travel(schema, point)
		opts.CommitQuery = postgres.TravelEnd(schema) + "; " + cmp.Or(opts.CommitQuery, "commit")
	}
	return opts, nil
}

// beginSQL is how pgx begins a transaction with these options.
func beginSQL(opts pgx.TxOptions) string {
	if opts.BeginQuery != "" {
		return opts.BeginQuery
	}
	parts := []string{"begin"}
	if opts.IsoLevel != "" {
		parts = append(parts, "isolation level "+string(opts.IsoLevel))
	}
	if opts.AccessMode != "" {
		parts = append(parts, string(opts.AccessMode))
	}
	if opts.DeferrableMode != "" {
		parts = append(parts, string(opts.DeferrableMode))
	}
	return strings.Join(parts, " ")
}

// SetContext makes the rest of a transaction carry the attribution of ctx, and
// nothing of what was set before: for a transaction in which several act, or
// that was begun elsewhere. Rolling back to a savepoint restores what was set
// before it. Costs one round trip. Errors: [chrononaut.ErrContext] and those of
// pgx.
func SetContext(ctx context.Context, tx pgx.Tx, config *chrononaut.Config) error {
	// A context that says nothing has the value "", which means just that.
	value, _, err := chrononaut.EncodeContext(ctx, config)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(chronodriver.WithOwn(ctx), postgres.SetContext(value)); err != nil {
		return fmt.Errorf("set the context of the transaction: %w", err)
	}
	return nil
}
