package chronopgx

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// SendBatch sends a batch with the attribution of ctx, in the round trips that
// the batch takes anyway. It may begin and end transactions; all of them carry
// the attribution. A batch in which a statement cannot run in a transaction is
// sent as it is. See [pgxpool.Pool.SendBatch].
func (db *DB) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	value, ok, err := chrononaut.EncodeContext(ctx, db.config)
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	if !ok {
		return db.pool.SendBatch(ctx, b)
	}
	all, ours := db.attribute(b, value)
	if ours == nil {
		return db.pool.SendBatch(ctx, b)
	}
	return &batchResults{BatchResults: db.pool.SendBatch(ctx, all), ours: ours}
}

// attribute returns a batch that does what b does and sets the attribution of
// its transactions. Ours reports which of its statements do the latter; it is
// nil if b cannot be attributed, or only reads.
func (db *DB) attribute(b *pgx.Batch, value string) (all *pgx.Batch, ours []bool) {
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
			return nil, nil
		case set || control == sqltext.Begin || control == sqltext.None && reads(statements):
			// BEGIN goes on with the implicit transaction of the batch. A SET, which
			// counts as reading, may have to come before anything else.
		default:
			clone.QueuedQueries = append(clone.QueuedQueries, &pgx.QueuedQuery{SQL: postgres.SetContextParameter, Arguments: []any{value}})
			ours = append(ours, true)
			set, ever = true, true
		}
		clone.QueuedQueries = append(clone.QueuedQueries, q)
		ours = append(ours, false)
	}
	if !ever {
		return nil, nil
	}
	return &clone, ours
}

// batchResults are the results of a batch without those of our own statements.
type batchResults struct {
	pgx.BatchResults
	ours []bool
	next int
}

// skip reads results of our own. Their errors stay in the batch, whose next
// result reports them.
func (r *batchResults) skip() {
	for ; r.next < len(r.ours) && r.ours[r.next]; r.next++ {
		_, _ = r.BatchResults.Exec()
	}
	r.next++
}

func (r *batchResults) Exec() (pgconn.CommandTag, error) {
	r.skip()
	return r.BatchResults.Exec()
}

func (r *batchResults) Query() (pgx.Rows, error) {
	r.skip()
	return r.BatchResults.Query()
}

func (r *batchResults) QueryRow() pgx.Row {
	r.skip()
	return r.BatchResults.QueryRow()
}

// send sends a single statement with attribution.
func (db *DB) send(ctx context.Context, value, sql string, args []any) pgx.BatchResults {
	b := &pgx.Batch{}
	b.Queue(postgres.SetContextParameter, value)
	b.Queue(sql, args...)
	return &batchResults{BatchResults: db.pool.SendBatch(ctx, b), ours: []bool{true, false}}
}

// single is the error of a batch as that of its only statement.
func single(err error) error {
	var preparing pgx.ErrPreprocessingBatch
	if errors.As(err, &preparing) {
		return preparing.Unwrap()
	}
	return err
}
