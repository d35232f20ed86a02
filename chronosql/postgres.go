package chronosql

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// postgres attributes over any driver for PostgreSQL, by statements.
type postgres struct{ conn *conn }

func (p *postgres) dialect() chronodriver.Dialect { return chronodriver.PostgreSQL }

// setSQL sets the attribution of the running transaction. A literal SET LOCAL
// rather than set_config(): a coordinator of Citus passes it on to its workers.
func setSQL(value string) string {
	// As an escape string it is right whatever standard_conforming_strings is.
	return "set local chrononaut.context = E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value) + "'"
}

func (p *postgres) needs(query string, args int) bool {
	if args > 0 {
		head, ok := sqltext.Head(chronodriver.PostgreSQL, query)
		return ok && attributable(head) && !head.Selects()
	}
	needed := false
	for _, s := range sqltext.Split(chronodriver.PostgreSQL, query) {
		if !attributable(s) {
			return false
		}
		needed = needed || !s.Selects()
	}
	return needed
}

func attributable(s sqltext.Statement) bool {
	control, _ := s.Control()
	return control == sqltext.None && !s.Alone(chronodriver.PostgreSQL) && !s.MayCommit()
}

func (p *postgres) before(context.Context, string) error { return nil }

func (p *postgres) after(string) {}

func (p *postgres) begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error) {
	tx, err := p.conn.beginBase(ctx, opts)
	if err != nil || !ok {
		return tx, err
	}
	if err := p.run(ctx, setSQL(value)); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

func (p *postgres) exec(ctx context.Context, value, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		// The simple protocol takes them together, as one transaction.
		return p.conn.execBase(ctx, setSQL(value)+"; "+query, nil)
	}
	if err := p.run(ctx, "begin; "+setSQL(value)); err != nil {
		return nil, err
	}
	result, err := p.conn.execBase(ctx, query, args)
	return result, p.end(ctx, err)
}

func (p *postgres) query(ctx context.Context, value, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := p.run(ctx, "begin; "+setSQL(value)); err != nil {
		return nil, err
	}
	inner, err := p.conn.queryBase(ctx, query, args)
	if err != nil {
		return nil, p.end(ctx, err)
	}
	return ending(inner, func(err error) error { return p.end(ctx, err) }), nil
}

// end commits, or rolls back after an error.
func (p *postgres) end(ctx context.Context, err error) error {
	if err != nil {
		return errors.Join(err, p.run(context.WithoutCancel(ctx), "rollback"))
	}
	return p.run(ctx, "commit")
}

func (p *postgres) run(ctx context.Context, sql string) error {
	if execer, ok := p.conn.base.(driver.ExecerContext); ok {
		_, err := execer.ExecContext(ctx, sql, nil)
		return err
	}
	stmt, err := p.conn.base.Prepare(sql)
	if err != nil {
		return err
	}
	_, err = stmt.Exec(nil) //nolint:staticcheck // all that an old driver has
	return errors.Join(err, stmt.Close())
}
