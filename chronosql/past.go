package chronosql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	pgsql "github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// travelSQL is SQL that makes a transaction read the past.
func (p *postgres) travelSQL(point, value string, ok bool) string {
	travel := p.conn.past.Travel(point)
	if ok {
		return pgsql.SetContext(value) + "; " + travel
	}
	return travel
}

func (p *postgres) beginPast(ctx context.Context, opts driver.TxOptions, point, value string, ok bool) (driver.Tx, error) {
	tx, err := p.conn.beginBase(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := p.run(ctx, p.travelSQL(point, value, ok)); err != nil {
		if tx.Rollback() != nil {
			p.conn.broken = true
		}
		return nil, p.conn.past.Error(err)
	}
	return pastTx{ctx, tx, p}, nil
}

// pastTx is a transaction of the past over a driver that has its own way to
// commit.
type pastTx struct {
	ctx context.Context
	driver.Tx
	engine *postgres
}

func (t pastTx) Commit() error {
	err := t.engine.run(t.ctx, t.engine.conn.past.TravelEnd())
	const aborted = "25P02"
	if err == nil || chronodriver.State(err) == aborted {
		return t.Tx.Commit()
	}
	if t.Rollback() != nil {
		t.engine.conn.broken = true
	}
	return t.engine.conn.past.Error(err)
}

// prepare makes of a call what is sent in the past. A statement that the
// application has prepared was prepared in the present, and is not used.
func (p *postgres) prepare(ctx context.Context, point string, c call) (*travel.Statement, call, error) {
	statement, err := p.conn.past.Statement(ctx, point, c.query, !p.conn.inTransaction(), p.load)
	if err != nil {
		return nil, c, err
	}
	return statement, call{query: statement.SQL, args: c.args}, nil
}

func (p *postgres) execPast(ctx context.Context, point string, c call) (driver.Result, error) {
	statement, c, err := p.prepare(ctx, point, c)
	if err != nil {
		return nil, err
	}
	if p.conn.inTransaction() {
		if statement.RollsBack {
			if err := p.conn.past.Before(p.run(ctx, p.conn.past.TravelEnd())); err != nil {
				return nil, err
			}
		}
		result, err := p.conn.runExec(ctx, c)
		return result, statement.Error(err)
	}
	if err := p.run(ctx, "begin; "+p.conn.past.Travel(point)); err != nil {
		return nil, p.conn.past.Error(p.endPast(ctx, err))
	}
	result, err := p.conn.runExec(ctx, c)
	if err := p.endPast(ctx, err); err != nil {
		return nil, statement.Error(err)
	}
	return result, nil
}

func (p *postgres) queryPast(ctx context.Context, point string, c call) (driver.Rows, error) {
	statement, c, err := p.prepare(ctx, point, c)
	if err != nil {
		return nil, err
	}
	end := func(err error) error { return statement.Error(err) }
	if !p.conn.inTransaction() {
		if err := p.run(ctx, "begin; "+p.conn.past.Travel(point)); err != nil {
			return nil, p.conn.past.Error(p.endPast(ctx, err))
		}
		end = func(err error) error { return statement.Error(p.endPast(ctx, err)) }
	}
	inner, err := p.conn.runQuery(ctx, c)
	if err != nil {
		return nil, end(err)
	}
	return ending(inner, end), nil
}

func (p *postgres) endPast(ctx context.Context, err error) error {
	return p.end(ctx, p.conn.past.TravelEnd()+"; commit", err)
}

// load reads one text.
func (p *postgres) load(ctx context.Context, query string) (string, error) {
	rows, err := p.conn.queryBase(ctx, query, nil)
	if err != nil {
		return "", err
	}
	values := make([]driver.Value, 1)
	err = rows.Next(values)
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	if err == io.EOF { //nolint:errorlint // what drivers return
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	if text, ok := values[0].([]byte); ok {
		return string(text), nil
	}
	return fmt.Sprint(values[0]), nil
}
