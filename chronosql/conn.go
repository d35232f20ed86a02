package chronosql

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// conn is a connection that attributes what runs on it. database/sql uses it
// from one goroutine at a time.
type conn struct {
	base   driver.Conn
	config *chrononaut.Config
	engine engine
	// inTx is true between the begin and the end of a transaction.
	inTx bool
}

// engine is what differs between drivers.
type engine interface {
	dialect() chronodriver.Dialect
	// begin starts a transaction whose attribution is value; ok is false when
	// there is none.
	begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error)
	// exec and query run a statement outside a transaction with attribution.
	exec(ctx context.Context, value, query string, args []driver.NamedValue) (driver.Result, error)
	query(ctx context.Context, value, query string, args []driver.NamedValue) (driver.Rows, error)
	// before is called ahead of each statement in a transaction.
	before(ctx context.Context, query string) error
	// after is called after each statement that succeeded.
	after(query string)
	// needs reports whether a statement outside a transaction has any use for
	// attribution.
	needs(query string, args int) bool
}

func wrap(base driver.Conn, dialect chronodriver.Dialect, config *chrononaut.Config) driver.Conn {
	c := &conn{base: base, config: config}
	over, isPgx := base.(interface{ Conn() *pgx.Conn })
	switch {
	case dialect == chronodriver.SQLite:
		c.engine = &sqlite{conn: c}
	case isPgx:
		c.engine = &overPgx{postgres{c}, over.Conn()}
	default:
		c.engine = &postgres{c}
	}
	return c
}

var (
	_ driver.Conn               = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
)

// Unwrap returns the driver's own connection, for use in [sql.Conn.Raw].
func (c *conn) Unwrap() driver.Conn { return c.base }

func (c *conn) Close() error { return c.base.Close() }

func (c *conn) Ping(ctx context.Context) error {
	if pinger, ok := c.base.(driver.Pinger); ok {
		return pinger.Ping(ctx)
	}
	return nil
}

func (c *conn) ResetSession(ctx context.Context) error {
	c.inTx = false
	if resetter, ok := c.base.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	if validator, ok := c.base.(driver.Validator); ok {
		return validator.IsValid()
	}
	return true
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if _, ok := v.Value.(contextValue); ok && c.engine.dialect() == chronodriver.SQLite {
		return nil
	}
	if checker, ok := c.base.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	value, ok, err := chrononaut.EncodeContext(ctx, c.config)
	if err != nil {
		return nil, err
	}
	inner, err := c.engine.begin(ctx, opts, value, ok)
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return &tx{inner, c}, nil
}

// beginBase starts a transaction as the driver does.
func (c *conn) beginBase(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if beginner, ok := c.base.(driver.ConnBeginTx); ok {
		return beginner.BeginTx(ctx, opts)
	}
	return c.base.Begin() //nolint:staticcheck // all that an old driver has
}

type tx struct {
	driver.Tx
	conn *conn
}

func (t *tx) Commit() error {
	defer func() { t.conn.inTx = false }()
	return t.Tx.Commit()
}

func (t *tx) Rollback() error {
	defer func() { t.conn.inTx = false }()
	return t.Tx.Rollback()
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if _, ok := c.base.(driver.ExecerContext); !ok {
		return nil, driver.ErrSkip
	}
	if s, ok := c.engine.(*sqlite); ok && len(args) == 1 {
		if value, ok := args[0].Value.(contextValue); ok {
			return driver.ResultNoRows, s.change(ctx, string(value))
		}
	}
	return c.exec(ctx, query, args, func() (driver.Result, error) { return c.execBase(ctx, query, args) })
}

// exec runs a statement by run, unless it has to be attributed by itself.
func (c *conn) exec(ctx context.Context, query string, args []driver.NamedValue, run func() (driver.Result, error)) (driver.Result, error) {
	value, ok, err := c.attribution(ctx, query, len(args))
	if err != nil {
		return nil, err
	}
	if ok {
		return c.engine.exec(ctx, value, query, args)
	}
	if err := c.before(ctx, query); err != nil {
		return nil, err
	}
	result, err := run()
	if err == nil {
		c.after(query)
	}
	return result, err
}

func (c *conn) execBase(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.base.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if _, ok := c.base.(driver.QueryerContext); !ok {
		return nil, driver.ErrSkip
	}
	return c.query(ctx, query, args, func() (driver.Rows, error) { return c.queryBase(ctx, query, args) })
}

func (c *conn) query(ctx context.Context, query string, args []driver.NamedValue, run func() (driver.Rows, error)) (driver.Rows, error) {
	value, ok, err := c.attribution(ctx, query, len(args))
	if err != nil {
		return nil, err
	}
	if ok {
		return c.engine.query(ctx, value, query, args)
	}
	if err := c.before(ctx, query); err != nil {
		return nil, err
	}
	rows, err := run()
	if err == nil {
		c.after(query)
	}
	return rows, err
}

func (c *conn) queryBase(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.base.(driver.QueryerContext).QueryContext(ctx, query, args)
}

// attribution encodes the context for a statement outside a transaction; ok is
// false when it is to be sent as it is.
func (c *conn) attribution(ctx context.Context, query string, args int) (value string, ok bool, err error) {
	if c.inTx || !c.engine.needs(query, args) {
		return "", false, nil
	}
	return chrononaut.EncodeContext(ctx, c.config)
}

func (c *conn) before(ctx context.Context, query string) error {
	if !c.inTx {
		return nil
	}
	return c.engine.before(ctx, query)
}

// after follows transactions that the application begins and ends by hand.
func (c *conn) after(query string) {
	head, ok := sqltext.Head(c.engine.dialect(), query)
	if !ok {
		return
	}
	switch control, _ := head.Control(); control {
	case sqltext.Begin:
		c.inTx = true
	case sqltext.Commit, sqltext.Rollback:
		c.inTx = head.Chains()
	}
	c.engine.after(query)
}
