package chronosql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	pgsql "github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// rollbackTimeout bounds the wait for a server that may be gone.
const rollbackTimeout = 5 * time.Second

// postgres attributes over any driver for PostgreSQL, by statements.
type postgres struct{ conn *conn }

func (p *postgres) dialect() chronodriver.Dialect { return chronodriver.PostgreSQL }

func (p *postgres) needs(statements []sqltext.Statement) bool {
	needed := false
	for _, s := range statements {
		if !s.Attributable() {
			return false
		}
		needed = needed || !s.Selects()
	}
	return needed
}

func (p *postgres) before(context.Context, []sqltext.Statement) error { return nil }

func (p *postgres) undone() {}

func (p *postgres) ended() {}

// failed: a COMMIT that is refused has rolled back.
func (p *postgres) failed(_ context.Context, statements []sqltext.Statement) {
	if len(statements) == 0 {
		return
	}
	if control, _ := statements[0].Control(); control == sqltext.Commit {
		p.conn.standing = standing{}
	}
}

func (p *postgres) begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error) {
	tx, err := p.conn.beginBase(ctx, opts)
	if err != nil || !ok {
		return tx, err
	}
	if err := p.change(ctx, value); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

func (p *postgres) change(ctx context.Context, value string) error {
	return p.run(ctx, pgsql.SetContext(value))
}

func (p *postgres) exec(ctx context.Context, value string, c call) (driver.Result, error) {
	if len(c.args) == 0 {
		// The simple protocol takes them together, as one transaction.
		prefix := pgsql.Prefix(value)
		result, err := p.conn.execBase(ctx, prefix+c.query, nil)
		return result, pgsql.WithoutPrefix(err, prefix)
	}
	if err := p.run(ctx, "begin; "+pgsql.SetContext(value)); err != nil {
		return nil, p.end(ctx, "commit", err)
	}
	result, err := p.conn.runExec(ctx, c)
	if err := p.end(ctx, "commit", err); err != nil {
		return nil, err
	}
	return result, nil
}

func (p *postgres) query(ctx context.Context, value string, c call) (driver.Rows, error) {
	if err := p.run(ctx, "begin; "+pgsql.SetContext(value)); err != nil {
		return nil, p.end(ctx, "commit", err)
	}
	inner, err := p.conn.runQuery(ctx, c)
	if err != nil {
		return nil, p.end(ctx, "commit", err)
	}
	return ending(inner, func(err error) error { return p.end(ctx, "commit", err) }), nil
}

// end commits, or rolls back after an error. A connection on which neither is
// possible is not used again.
func (p *postgres) end(ctx context.Context, commit string, err error) error {
	if err == nil {
		err = p.commit(ctx, commit)
	}
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	if p.run(ctx, "rollback") != nil {
		p.conn.broken = true
	}
	return err
}

func (p *postgres) commit(ctx context.Context, commit string) error {
	err := p.run(ctx, commit)
	if errors.Is(err, driver.ErrBadConn) {
		// To database/sql this error means that nothing was done, and it would run
		// the statement again. It may be committed, though.
		return fmt.Errorf("commit: %v", err) //nolint:errorlint // see above
	}
	return err
}

func (p *postgres) run(ctx context.Context, sql string) error {
	_, err := p.conn.execBase(ctx, sql, nil)
	return err
}
