package chronopgx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// SendBatch sends a batch with the attribution of ctx, in the round trips that
// the batch takes anyway. It may begin and end transactions; all of them carry
// the attribution. A batch in which a statement cannot run in a transaction is
// sent as it is. See [pgxpool.Pool.SendBatch].
func (db *DB) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if point, ok := chrononaut.EncodeAsOf(ctx); ok {
		return past{db, point}.batch(ctx, b)
	}
	value, ok, err := chrononaut.EncodeContext(ctx, db.config)
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	results := &batchResults{db: db}
	if ok {
		if all := db.attribute(results, b, value); all != nil {
			b = all
		}
	}
	results.BatchResults = db.pool.SendBatch(ctx, b)
	return results
}

// attribute returns a batch that does what b does and sets the attribution of
// its transactions; nil if b cannot be attributed, or only reads.
func (db *DB) attribute(results *batchResults, b *pgx.Batch, value string) *pgx.Batch {
	// A copy of b has the transaction that b may begin.
	clone := *b
	clone.QueuedQueries = nil
	set, ever := false, false
	for _, q := range b.QueuedQueries {
		statements := db.statements(q.SQL, false)
		control := sqltext.None
		if len(statements) == 1 {
			control, _ = statements[0].Control()
		}
		switch {
		case control == sqltext.Commit || control == sqltext.Rollback:
			set = false
		case control == sqltext.None && !attributable(statements):
			results.own = nil
			return nil
		case set || control == sqltext.Begin || control == sqltext.None && reads(statements):
			// BEGIN goes on with the implicit transaction of the batch. A SET, which
			// counts as reading, may have to come before anything else.
		default:
			results.queueOwn(&clone, postgres.SetContextParameter, value)
			set, ever = true, true
		}
		results.queue(&clone, q, nil)
	}
	if !ever {
		return nil
	}
	return &clone
}

// send sends a single statement with attribution.
func (db *DB) send(ctx context.Context, value, sql string, args []any) pgx.BatchResults {
	b, results := &pgx.Batch{}, &batchResults{}
	results.queueOwn(b, postgres.SetContextParameter, value)
	results.queue(b, &pgx.QueuedQuery{SQL: sql, Arguments: args}, nil)
	results.BatchResults = db.pool.SendBatch(ctx, b)
	return results
}

// single is the error of a batch as that of its only statement.
func single(err error) error {
	var preparing pgx.ErrPreprocessingBatch
	if errors.As(err, &preparing) {
		return preparing.Unwrap()
	}
	return err
}
