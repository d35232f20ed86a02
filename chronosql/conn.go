package chronosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// conn is a connection that attributes what runs on it. database/sql uses it
// from one goroutine at a time.
type conn struct {
	base   driver.Conn
	config *chrononaut.Config
	engine engine
	// pgx is the connection underneath if the driver is pgx's.
	pgx *pgx.Conn
	// past remembers which relations have a past; the connections of a pool share
	// it.
	past *travel.Relations
	// point is where the open transaction reads, "" in the present.
	point string
	// standing tells whether a transaction is open. Over pgx it is not used: there
	// the server says so.
	standing standing
	// broken says that the connection is in a state that is not known.
	broken bool
}

// call is a statement to run: a text, or a prepared one with its text.
type call struct {
	query string
	args  []driver.NamedValue
	stmt  driver.Stmt
}

// engine is what differs between drivers.
type engine interface {
	dialect() chronodriver.Dialect
	// begin starts a transaction whose attribution is value; ok is false when
	// there is none.
	begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error)
	// change sets the attribution of the running transaction.
	change(ctx context.Context, value string) error
	// exec and query run a statement outside a transaction with attribution.
	exec(ctx context.Context, value string, c call) (driver.Result, error)
	query(ctx context.Context, value string, c call) (driver.Rows, error)
	// beginPast starts a transaction that reads at a point of the past, with an
	// attribution if ok.
	beginPast(ctx context.Context, opts driver.TxOptions, point, value string, ok bool) (driver.Tx, error)
	// execPast and queryPast run a statement at a point: in the transaction, which
	// was begun there, or by itself.
	execPast(ctx context.Context, point string, c call) (driver.Result, error)
	queryPast(ctx context.Context, point string, c call) (driver.Rows, error)
	// needs reports whether a text outside a transaction has any use for
	// attribution.
	needs(statements []sqltext.Statement) bool
	// before is called ahead of each text in a transaction.
	before(ctx context.Context, statements []sqltext.Statement) error
	// undone is called after a rollback to a savepoint, ended after the end of a
	// transaction.
	undone()
	ended()
	// failed is called after each text that failed, to see where that leaves the
	// transaction.
	failed(ctx context.Context, statements []sqltext.Statement)
}

func (p *pool) wrap(base driver.Conn) *conn {
	c := &conn{base: base, config: p.config, past: p.past}
	if over, ok := base.(interface{ Conn() *pgx.Conn }); ok {
		c.pgx = over.Conn()
	}
	switch {
	case p.dialect == chronodriver.SQLite:
		c.engine = &sqlite{conn: c, known: p.known}
	case c.pgx != nil:
		c.engine = &overPgx{postgres: postgres{c}, config: c.pgx.Config()}
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

// Conn returns the connection of pgx, as that of its package stdlib does, for
// use in [sql.Conn.Raw]; nil over other drivers.
func (c *conn) Conn() *pgx.Conn { return c.pgx }

func (c *conn) Close() error { return c.base.Close() }

func (c *conn) Ping(ctx context.Context) error {
	if pinger, ok := c.base.(driver.Pinger); ok {
		return pinger.Ping(ctx)
	}
	return nil
}

func (c *conn) ResetSession(ctx context.Context) error {
	if c.broken {
		return driver.ErrBadConn
	}
	if lite, ok := c.engine.(*sqlite); !ok || !lite.still(ctx) {
		c.ended()
	}
	if resetter, ok := c.base.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

// IsValid keeps a connection that is gone out of the pool. Over pgx, whose
// driver does not say, the pool would hand out a connection that a cancelled
// context has closed, and where all others are in use also return its error.
func (c *conn) IsValid() bool {
	if c.broken || c.pgx != nil && c.pgx.IsClosed() {
		return false
	}
	if validator, ok := c.base.(driver.Validator); ok {
		return validator.IsValid()
	}
	return true
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if _, ok := v.Value.(contextValue); ok {
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
	value, ok, err := c.encode(ctx)
	if err != nil {
		return nil, err
	}
	point, past := chrononaut.EncodeAsOf(ctx)
	var inner driver.Tx
	if past {
		inner, err = c.engine.beginPast(ctx, opts, point, value, ok)
	} else {
		inner, err = c.engine.begin(ctx, opts, value, ok)
	}
	if err != nil {
		return nil, err
	}
	c.standing, c.point = standing{open: true}, point
	return &tx{inner, c}, nil
}

// beginBase starts a transaction as the driver does.
func (c *conn) beginBase(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if beginner, ok := c.base.(driver.ConnBeginTx); ok {
		return beginner.BeginTx(ctx, opts)
	}
	// What package database/sql says to such a driver itself.
	switch {
	case opts.Isolation != driver.IsolationLevel(sql.LevelDefault):
		return nil, errors.New("the driver does not support a non-default isolation level")
	case opts.ReadOnly:
		return nil, errors.New("the driver does not support read-only transactions")
	}
	tx, err := c.base.Begin() //nolint:staticcheck // all that an old driver has
	if err == nil && ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), tx.Rollback())
	}
	return tx, err
}

type tx struct {
	driver.Tx
	conn *conn
}

func (t *tx) Commit() error {
	defer t.conn.ended()
	return t.Tx.Commit()
}

func (t *tx) Rollback() error {
	defer t.conn.ended()
	return t.Tx.Rollback()
}

func (c *conn) ended() {
	c.standing, c.point = standing{}, ""
	c.engine.ended()
}

// pointOf returns the point at which a statement reads, "" in the present. In a
// transaction it is the one that the transaction began with.
func (c *conn) pointOf(ctx context.Context) (string, error) {
	if lite, ok := c.engine.(*sqlite); ok && lite.reading() {
		return "", travel.Refuse("rows of a query of the past are still open on this connection")
	}
	if c.inTransaction() {
		return travel.PointIn(ctx, c.point)
	}
	point, _ := chrononaut.EncodeAsOf(ctx)
	return point, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if _, ok := c.base.(driver.ExecerContext); !ok {
		return nil, driver.ErrSkip
	}
	if len(args) == 1 {
		if value, ok := args[0].Value.(contextValue); ok {
			return driver.ResultNoRows, c.engine.change(ctx, string(value))
		}
	}
	return c.exec(ctx, call{query: query, args: args})
}

// exec runs a statement, by itself or attributed by the engine.
func (c *conn) exec(ctx context.Context, s call) (driver.Result, error) {
	if point, err := c.pointOf(ctx); err != nil || point != "" {
		if err != nil {
			return nil, err
		}
		if s, err = c.sent(ctx, s); err != nil {
			return nil, err
		}
		return c.engine.execPast(ctx, point, s)
	}
	sent, err := c.sent(ctx, s)
	if err != nil {
		return nil, err
	}
	statements := c.statements(sent)
	value, ok, err := c.attribution(ctx, statements)
	if err != nil {
		return nil, err
	}
	if ok {
		return c.engine.exec(ctx, value, sent)
	}
	if err := c.before(ctx, statements); err != nil {
		return nil, err
	}
	result, err := c.runExec(ctx, s)
	c.after(ctx, statements, err)
	return result, err
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if _, ok := c.base.(driver.QueryerContext); !ok {
		return nil, driver.ErrSkip
	}
	return c.query(ctx, call{query: query, args: args})
}

func (c *conn) query(ctx context.Context, s call) (driver.Rows, error) {
	if point, err := c.pointOf(ctx); err != nil || point != "" {
		if err != nil {
			return nil, err
		}
		if s, err = c.sent(ctx, s); err != nil {
			return nil, err
		}
		return c.engine.queryPast(ctx, point, s)
	}
	sent, err := c.sent(ctx, s)
	if err != nil {
		return nil, err
	}
	statements := c.statements(sent)
	value, ok, err := c.attribution(ctx, statements)
	if err != nil {
		return nil, err
	}
	if ok {
		return c.engine.query(ctx, value, sent)
	}
	if err := c.before(ctx, statements); err != nil {
		return nil, err
	}
	rows, err := c.runQuery(ctx, s)
	c.after(ctx, statements, err)
	return rows, err
}

// explainer is an engine that knows more of some errors than they say.
type explainer interface {
	explain(ctx context.Context, err error) error
}

// explain adds what the engine knows of an error.
func (c *conn) explain(ctx context.Context, err error) error {
	if e, ok := c.engine.(explainer); ok && err != nil {
		return e.explain(ctx, err)
	}
	return err
}

// runExec runs a statement.
func (c *conn) runExec(ctx context.Context, s call) (driver.Result, error) {
	result, err := c.execDriver(ctx, s)
	return result, c.explain(ctx, err)
}

// execDriver runs a statement as the driver does.
func (c *conn) execDriver(ctx context.Context, s call) (driver.Result, error) {
	if s.stmt == nil {
		return c.execBase(ctx, s.query, s.args)
	}
	if base, ok := s.stmt.(driver.StmtExecContext); ok {
		return base.ExecContext(ctx, s.args)
	}
	args, err := plain(s.args)
	if err != nil {
		return nil, err
	}
	return s.stmt.Exec(args) //nolint:staticcheck // all that an old driver has
}

// runQuery runs a statement.
func (c *conn) runQuery(ctx context.Context, s call) (driver.Rows, error) {
	rows, err := c.queryDriver(ctx, s)
	return rows, c.explain(ctx, err)
}

// queryDriver runs a statement as the driver does.
func (c *conn) queryDriver(ctx context.Context, s call) (driver.Rows, error) {
	if s.stmt == nil {
		return c.queryBase(ctx, s.query, s.args)
	}
	if base, ok := s.stmt.(driver.StmtQueryContext); ok {
		return base.QueryContext(ctx, s.args)
	}
	args, err := plain(s.args)
	if err != nil {
		return nil, err
	}
	return s.stmt.Query(args) //nolint:staticcheck // all that an old driver has
}

// execBase runs a statement that was not prepared; not every driver does so
// itself, or with arguments.
func (c *conn) execBase(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if base, ok := c.base.(driver.ExecerContext); ok {
		if result, err := base.ExecContext(ctx, query, args); !errors.Is(err, driver.ErrSkip) {
			return result, err
		}
	}
	base, err := c.prepareBase(ctx, query)
	if err != nil {
		return nil, err
	}
	var result driver.Result
	if args, err = accepted(base, args); err == nil {
		result, err = c.runExec(ctx, call{query: query, args: args, stmt: base})
	}
	if closeErr := base.Close(); err == nil {
		err = closeErr
	}
	return result, err
}

func (c *conn) queryBase(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if base, ok := c.base.(driver.QueryerContext); ok {
		if rows, err := base.QueryContext(ctx, query, args); !errors.Is(err, driver.ErrSkip) {
			return rows, err
		}
	}
	base, err := c.prepareBase(ctx, query)
	if err != nil {
		return nil, err
	}
	var rows driver.Rows
	if args, err = accepted(base, args); err == nil {
		rows, err = c.runQuery(ctx, call{query: query, args: args, stmt: base})
	}
	if err != nil {
		return nil, errors.Join(err, base.Close())
	}
	return ending(rows, func(err error) error { return errors.Join(err, base.Close()) }), nil
}

// accepted converts arguments as package database/sql does for a statement that it
// prepares: a connection that leaves them to its statements has let all pass.
func accepted(base driver.Stmt, args []driver.NamedValue) ([]driver.NamedValue, error) {
	checker, ok := base.(driver.NamedValueChecker)
	if !ok {
		return args, nil
	}
	converted := slices.Clone(args)
	for i := range converted {
		err := checker.CheckNamedValue(&converted[i])
		if errors.Is(err, driver.ErrSkip) {
			converted[i].Value, err = driver.DefaultParameterConverter.ConvertValue(converted[i].Value)
		}
		if err != nil {
			return nil, fmt.Errorf("convert argument %d: %w", converted[i].Ordinal, err)
		}
	}
	return converted, nil
}

func (c *conn) prepareBase(ctx context.Context, query string) (driver.Stmt, error) {
	if preparer, ok := c.base.(driver.ConnPrepareContext); ok {
		return preparer.PrepareContext(ctx, query)
	}
	return c.base.Prepare(query)
}

func (c *conn) inTransaction() bool {
	if c.pgx != nil {
		const idle = 'I'
		return c.pgx.PgConn().TxStatus() != idle
	}
	return c.standing.open
}

// sent is a call as the driver sends it. In a transaction of the present it is the
// driver that makes it so.
func (c *conn) sent(ctx context.Context, s call) (call, error) {
	if over, ok := c.engine.(*overPgx); ok && (c.point != "" || !c.inTransaction()) {
		return over.rewritten(ctx, s)
	}
	return s, nil
}

// statements splits the text of a call. Over pgx nobody asks what is in it inside
// a transaction.
func (c *conn) statements(s call) []sqltext.Statement {
	dialect := c.engine.dialect()
	several := len(s.args) == 0 || dialect == chronodriver.SQLite
	if over, ok := c.engine.(*overPgx); ok {
		if c.inTransaction() {
			return nil
		}
		several = several || over.several(s)
	}
	if several {
		return sqltext.Split(dialect, s.query)
	}
	// The server refuses more than one.
	head, ok := sqltext.Head(dialect, s.query)
	if !ok {
		return nil
	}
	return []sqltext.Statement{head}
}

// attribution encodes the context for a statement outside a transaction; ok is
// false when it is to be sent as it is.
func (c *conn) attribution(ctx context.Context, statements []sqltext.Statement) (value string, ok bool, err error) {
	if c.inTransaction() || !c.engine.needs(statements) {
		return "", false, nil
	}
	return c.encode(ctx)
}

// encode encodes the context. The application has a hand in it, and a panic would
// leave the connection to nobody: database/sql waits for the driver to return.
func (c *conn) encode(ctx context.Context) (value string, ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, ok, err = "", false, fmt.Errorf("%w: panic: %v", chrononaut.ErrContext, p)
		}
	}()
	return chrononaut.EncodeContext(ctx, c.config)
}

func (c *conn) before(ctx context.Context, statements []sqltext.Statement) error {
	if !c.inTransaction() {
		return nil
	}
	return c.engine.before(ctx, statements)
}

// after follows transactions that the application begins and ends by hand.
func (c *conn) after(ctx context.Context, statements []sqltext.Statement, err error) {
	if c.pgx != nil {
		return
	}
	if err != nil {
		c.engine.failed(ctx, statements)
		return
	}
	for _, statement := range statements {
		c.standing.follow(statement)
		switch control, _ := statement.Control(); {
		case control == sqltext.RollbackTo:
			c.engine.undone()
		case !c.standing.open || control == sqltext.Commit || control == sqltext.Rollback:
			c.engine.ended()
		}
	}
}
