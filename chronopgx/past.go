package chronopgx

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/internal/sqltext"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// past runs statements outside a transaction at a point of the past.
type past struct {
	*DB
	point string
}

func (p past) exec(ctx context.Context, sql string, args []any) (tag pgconn.CommandTag, err error) {
	if p.apart(sql, args) || len(args) == 0 && len(p.statements(sql, !sqltext.MayBeName(sql))) > 1 {
		err = pgx.BeginFunc(ctx, p.DB, func(tx pgx.Tx) error {
			tag, err = tx.Exec(ctx, sql, args...)
			return err
		})
		return tag, err
	}
	statement, err := p.prepare(ctx, sql)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	results := p.send(ctx, statement, args)
	tag, err = results.Exec()
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return tag, statement.Error(single(err))
}

func (p past) query(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	if p.apart(sql, args) {
		return p.queryInTx(ctx, sql, args)
	}
	statement, err := p.prepare(ctx, sql)
	if err != nil {
		return failedRows(err)
	}
	results := p.send(ctx, statement, args)
	inner, err := results.Query()
	if err != nil {
		// The same error once more.
		_ = results.Close()
		return failedRows(statement.Error(single(err)))
	}
	return &rows{Rows: inner, finish: results.Close, wrap: statement.Error}, nil
}

func (p past) prepare(ctx context.Context, sql string) (*travel.Statement, error) {
	return p.relations.Statement(ctx, p.point, sql, true, load(p.pool))
}

// send sends a statement between those that begin and end the travel of the
// implicit transaction of all three.
func (p past) send(ctx context.Context, statement *travel.Statement, args []any) pgx.BatchResults {
	b, results := &pgx.Batch{}, &batchResults{}
	results.queueOwn(b, p.relations.TravelParameter(), p.point)
	results.queue(b, &pgx.QueuedQuery{SQL: statement.SQL, Arguments: args}, nil)
	results.queueOwn(b, p.relations.TravelEnd())
	results.BatchResults = p.pool.SendBatch(ctx, b)
	return results
}

// batch sends a batch at the point. One that begins a transaction makes that
// transaction one of the past.
func (p past) batch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	results := &batchResults{wrap: p.relations.Error, db: p.DB, point: p.point}
	clone, queued := &pgx.Batch{}, b.QueuedQueries
	begins := beginsTx(b)
	if begins {
		clone.BeginTx(pgx.TxOptions{BeginQuery: queued[0].SQL})
		queued = queued[1:]
		results.own = append(results.own, false)
	}
	results.queueOwn(clone, p.relations.TravelParameter(), p.point)
	for _, q := range queued {
		statement, err := p.prepare(ctx, q.SQL)
		if err != nil {
			return pgx.FailedBatchResults(b, err)
		}
		results.queue(clone, q, statement)
	}
	if !begins {
		results.queueOwn(clone, p.relations.TravelEnd())
	}
	results.BatchResults = p.pool.SendBatch(ctx, clone)
	return results
}

// beginsTx reports whether a batch begins a transaction by [pgx.Batch.BeginTx],
// which only such results tell.
func beginsTx(b *pgx.Batch) bool { return pgx.FailedBatchResults(b, nil).Tx() != nil }

// load is how the relations that have a past are read.
func load(from interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) travel.Load {
	return func(ctx context.Context, sql string) (document string, err error) {
		err = from.QueryRow(ctx, sql).Scan(&document)
		return document, err
	}
}
