package chronosql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// running is a query whose rows are being read.
type running struct {
	pgx.Rows
	// finish ends the transaction that it runs in, after the rows are closed.
	finish func() error
}

func (p *overPgx) query(ctx context.Context, value string, c call) (driver.Rows, error) {
	if p.apart(c) {
		return p.postgres.query(ctx, value, c)
	}
	return p.queryAround(ctx, attributed(value), c)
}

func (p *overPgx) queryAround(ctx context.Context, with around, c call) (driver.Rows, error) {
	if p.conn.pgx.IsClosed() {
		return nil, driver.ErrBadConn
	}
	query, err := p.start(ctx, with, c)
	if err != nil {
		delete(p.described, c.query)
		return nil, retryable(single(err))
	}
	// Errors of the statement come before its first row.
	more := query.Next()
	if err := query.Err(); err != nil {
		query.Close()
		// The same error once more.
		_ = query.finish()
		delete(p.described, c.query)
		return nil, err
	}
	rows := &pgxRows{rows: query.Rows, types: p.conn.pgx.TypeMap(), ahead: true, more: more}
	return ending(rows, func(err error) error {
		if finishErr := query.finish(); err == nil {
			err = finishErr
		}
		return err
	}), nil
}

func (p *overPgx) start(ctx context.Context, with around, c call) (*running, error) {
	if p.config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol || sqltext.MayBeName(c.query) {
		return p.batch(ctx, with, c)
	}
	tracer := p.config.Tracer
	if tracer == nil {
		return p.pipeline(ctx, with, c)
	}
	ctx = tracer.TraceQueryStart(ctx, p.conn.pgx, pgx.TraceQueryStartData{SQL: c.query, Args: values(c.args)})
	query, err := p.pipeline(ctx, with, c)
	if err != nil {
		tracer.TraceQueryEnd(ctx, p.conn.pgx, pgx.TraceQueryEndData{Err: err})
		return nil, err
	}
	finish := query.finish
	query.finish = func() error {
		err := finish()
		tracer.TraceQueryEnd(ctx, p.conn.pgx, pgx.TraceQueryEndData{CommandTag: query.CommandTag(), Err: err})
		return err
	}
	return query, nil
}

func (p *overPgx) batch(ctx context.Context, with around, c call) (*running, error) {
	results := p.conn.pgx.SendBatch(ctx, with.queue(c))
	// An error stays in the batch.
	_, _ = results.Exec()
	rows, err := results.Query()
	if err != nil {
		// The same error once more.
		_ = results.Close()
		return nil, err
	}
	return &running{rows, results.Close}, nil
}

// pipeline sends what a batch would, but asks for results in the formats that
// pgx's driver for database/sql asks for. A batch has no choice of them, and
// the text that pgx makes of a value is not always the server's.
func (p *overPgx) pipeline(ctx context.Context, with around, c call) (*running, error) {
	described, err := p.describe(ctx, c)
	if err != nil {
		return nil, err
	}
	var params pgx.ExtendedQueryBuilder
	if err := params.Build(p.conn.pgx.TypeMap(), described, values(c.args)); err != nil {
		return nil, err
	}
	batch := &pgconn.Batch{}
	batch.ExecParams(with.before, [][]byte{[]byte(with.value)}, nil, nil, nil)
	switch {
	case described == nil:
		batch.ExecParams(c.query, params.ParamValues, nil, params.ParamFormats, params.ResultFormats)
	case described.Name == "":
		batch.ExecParams(c.query, params.ParamValues, described.ParamOIDs, params.ParamFormats, resultFormats(described))
	default:
		batch.ExecPrepared(described.Name, params.ParamValues, params.ParamFormats, resultFormats(described))
	}
	if with.behind != "" {
		batch.ExecParams(with.behind, nil, nil, nil, nil)
	}
	results := p.conn.pgx.PgConn().ExecBatch(ctx, batch)
	if results.NextResult() {
		// An error stays in the results.
		_, _ = results.ResultReader().Close()
	}
	if !results.NextResult() {
		if err := results.Close(); err != nil {
			return nil, err
		}
		return nil, errors.New("the statement has no result")
	}
	return &running{pgx.RowsFromResultReader(p.conn.pgx.TypeMap(), results.ResultReader()), results.Close}, nil
}

// describe asks the server for the types of a statement's parameters and
// columns as often as pgx would in the connection's mode; nil is for a mode in
// which it does not ask.
func (p *overPgx) describe(ctx context.Context, c call) (*pgconn.StatementDescription, error) {
	switch mode := p.config.DefaultQueryExecMode; {
	case c.stmt != nil:
		// Is prepared, and no round trip.
		return p.conn.pgx.Prepare(ctx, c.query, c.query)
	case mode == pgx.QueryExecModeExec:
		return nil, nil
	case mode == pgx.QueryExecModeDescribeExec:
		return p.conn.pgx.PgConn().Prepare(ctx, "", c.query, nil)
	}
	if described, ok := p.described[c.query]; ok {
		return described, nil
	}
	described, err := p.conn.pgx.PgConn().Prepare(ctx, "", c.query, nil)
	if err != nil {
		return nil, err
	}
	const maxDescribed = 512 // as many as pgx keeps
	if p.described == nil || len(p.described) >= maxDescribed {
		p.described = map[string]*pgconn.StatementDescription{}
	}
	p.described[c.query] = described
	return described, nil
}
