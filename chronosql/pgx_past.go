package chronosql

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// beginPast is begin with a BEGIN that is longer still.
func (p *overPgx) beginPast(ctx context.Context, opts driver.TxOptions, point, value string, ok bool) (driver.Tx, error) {
	inner, err := p.beginWith(ctx, opts, p.travelSQL(point, value, ok))
	if err != nil {
		if p.conn.inTransaction() {
			// The point was refused.
			err = p.end(ctx, "", err)
		}
		return nil, p.conn.past.Error(err)
	}
	return pgxPastTx{inner, p}, nil
}

// pgxPastTx ends the travel with its COMMIT.
type pgxPastTx struct {
	pgxTx
	engine *overPgx
}

func (t pgxPastTx) Commit() error {
	past := t.engine.conn.past
	const aborted = 'E'
	if t.engine.conn.pgx.PgConn().TxStatus() == aborted {
		return t.pgxTx.Commit()
	}
	// Not pgx's commit, which closes the connection when it is refused.
	return past.Error(t.engine.endPast(t.ctx, nil))
}

func (p *overPgx) execPast(ctx context.Context, point string, c call) (driver.Result, error) {
	several := len(c.args) == 0 && len(sqltext.Split(chronodriver.PostgreSQL, c.query)) > 1
	if p.conn.inTransaction() || several || p.apart(c) {
		return p.postgres.execPast(ctx, point, c)
	}
	statement, c, err := p.prepare(ctx, point, c)
	if err != nil {
		return nil, err
	}
	if p.conn.pgx.IsClosed() {
		return nil, driver.ErrBadConn
	}
	tag, err := p.execBatch(ctx, p.around(point), c)
	if err != nil {
		return nil, retryable(statement.Error(single(err)))
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

func (p *overPgx) queryPast(ctx context.Context, point string, c call) (driver.Rows, error) {
	if p.conn.inTransaction() || p.apart(c) {
		return p.postgres.queryPast(ctx, point, c)
	}
	statement, c, err := p.prepare(ctx, point, c)
	if err != nil {
		return nil, err
	}
	rows, err := p.queryAround(ctx, p.around(point), c)
	if err != nil {
		return nil, statement.Error(err)
	}
	return ending(rows, statement.Error), nil
}

// around is what makes one statement travel.
func (p *overPgx) around(point string) around {
	return around{p.conn.past.TravelParameter(), point, p.conn.past.TravelEnd()}
}

// around is what is sent with a statement outside a transaction: a statement
// with a parameter before, and one behind, or none.
type around struct{ before, value, behind string }

// queue puts a statement into a batch with what is around it.
func (a around) queue(c call) *pgx.Batch {
	batch := &pgx.Batch{}
	batch.Queue(a.before, a.value)
	batch.Queue(c.query, values(c.args)...)
	if a.behind != "" {
		batch.Queue(a.behind)
	}
	return batch
}
