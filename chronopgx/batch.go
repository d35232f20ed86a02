package chronopgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func queued(sql string, args []any) *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	return b
}

// attributedBatch sends a batch whose first statement, before those of b, sets
// the attribution of the implicit transaction that all of them run in. The
// result of the first is read already.
func attributedBatch(ctx context.Context, pool *pgxpool.Pool, value string, b *pgx.Batch) (pgx.BatchResults, error) {
	// set_config() rather than SET LOCAL, which warns outside a transaction block.
	first := &pgx.QueuedQuery{SQL: "select pg_catalog.set_config('chrononaut.context', $1::text, true)", Arguments: []any{value}}
	// A copy of b has the transaction that it may begin.
	all := *b
	all.QueuedQueries = append([]*pgx.QueuedQuery{first}, b.QueuedQueries...)
	results := pool.SendBatch(ctx, &all)
	if _, err := results.Exec(); err != nil {
		// The same error once more.
		_ = results.Close()
		return nil, err
	}
	return results, nil
}

// closeAfter ends a batch; the error that the batch had before is not reported
// again.
func closeAfter(results pgx.BatchResults, before error) error {
	err := results.Close()
	if before != nil {
		return nil
	}
	return err
}
