package chronosql

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	sqlitesql "github.com/chrononaut-go/chrononaut/internal/sqlite"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// sqlite attributes over any driver for SQLite. The attribution of the writing
// transaction is the row of chrononaut_context: it is set before the
// transaction's first write, so that transactions that only read take no lock,
// and cleared before its end. SQLite has one writer at a time, so the row is
// never another's.
type sqlite struct {
	conn *conn
	// value is the attribution of the transaction, nil for none.
	value *string
	// set says that the row holds the attribution; else it is set before the next
	// write.
	set bool
	// touched says that the row may have been written in this transaction, and is
	// cleared before its end. A rollback to a savepoint does not tell whether what it
	// undid was all.
	touched bool
	// alone says that the transaction is that of a single statement.
	alone bool
	// journey is the transaction that is open if it reads the past.
	journey *journey
	// known remembers tables for the connections of a pool.
	known *sqlitesql.KnownTables
}

const (
	setRow = `UPDATE chrononaut_context SET context = ?1,
		last_transaction = coalesce(transaction_id, last_transaction + 1),
		transaction_id = coalesce(transaction_id, last_transaction + 1) WHERE id = 1`
	// requireLeases refuses a transaction under leases of which one has ended.
	requireLeases = `INSERT INTO chrononaut_lease_fence (id, token)
		SELECT x.value ->> '$.id', x.value ->> '$.token' FROM chrononaut_context AS c, json_each(c.context, '$.leases') AS x`
	clearRow = `UPDATE chrononaut_context SET context = NULL, transaction_id = NULL, suppressed = 0, allow_erase = 0, reason = NULL WHERE id = 1`
)

func (s *sqlite) dialect() chronodriver.Dialect { return chronodriver.SQLite }

func (s *sqlite) needs(statements []sqltext.Statement) bool {
	write := false
	for _, statement := range statements {
		control, _ := statement.Control()
		if control != sqltext.None || statement.Alone(chronodriver.SQLite) {
			return false
		}
		write = write || statement.Write()
	}
	return write
}

func (s *sqlite) begin(ctx context.Context, opts driver.TxOptions, value string, ok bool) (driver.Tx, error) {
	tx, err := s.conn.beginBase(ctx, opts)
	if err != nil {
		return nil, err
	}
	if ok {
		s.value = &value
	}
	return &sqliteTx{ctx, tx, s}, nil
}

type sqliteTx struct {
	ctx context.Context
	driver.Tx
	engine *sqlite
}

func (t *sqliteTx) Commit() error {
	if err := t.engine.clear(t.ctx); err != nil {
		return errors.Join(err, t.Rollback())
	}
	return t.Tx.Commit()
}

// before sets the row ahead of the first write of a transaction, and clears it
// ahead of the end that the application writes itself. What is written in the text
// of the end carries nothing.
func (s *sqlite) before(ctx context.Context, statements []sqltext.Statement) error {
	writes := slices.ContainsFunc(statements, func(statement sqltext.Statement) bool { return statement.Write() })
	if s.alone && (writes || controls(statements)) {
		// It would become part of the other statement's transaction.
		return errors.New("rows of a statement that writes are still open on this connection")
	}
	switch end := s.conn.standing.end(statements); {
	case end.control == sqltext.Rollback:
		return nil
	case end.control != sqltext.None && end.back && s.touched:
		// It would take back that the row is cleared.
		return errors.New("a text rolls back to a savepoint and ends the transaction: send it in two")
	case end.control != sqltext.None:
		return s.clear(ctx)
	case writes && !s.set:
		return s.change(ctx, "")
	}
	return nil
}

// change sets the row to the transaction's attribution, or to a new one.
func (s *sqlite) change(ctx context.Context, value string) error {
	if s.journey != nil {
		// Nothing is written there.
		return nil
	}
	if value != "" {
		s.value = &value
	}
	var context driver.Value
	if s.value != nil {
		context = *s.value
	}
	// Nothing is read before: a transaction that has read cannot write any more
	// once another has written.
	_, err := s.run(ctx, setRow, context)
	s.set = err == nil
	s.touched = s.touched || s.set
	if err == nil && s.value != nil && strings.Contains(*s.value, `"leases"`) {
		if _, err := s.run(ctx, requireLeases); err != nil {
			// The transaction may go on, and is asked again.
			return errors.Join(err, s.clear(ctx))
		}
	}
	return s.gone(err)
}

func (s *sqlite) clear(ctx context.Context) error {
	if !s.touched {
		return nil
	}
	s.set = false
	_, err := s.run(context.WithoutCancel(ctx), clearRow)
	err = s.gone(err)
	s.touched = err != nil
	return err
}

// gone forgives that history is not installed, or not any more. The statement
// was not even prepared then.
func (s *sqlite) gone(err error) error {
	if err != nil && strings.Contains(err.Error(), "no such table: chrononaut_context") {
		return nil
	}
	return err
}

// undone: what set the row may be undone. Setting it twice does no harm.
func (s *sqlite) undone() { s.set = false }

func (s *sqlite) ended() { s.value, s.set, s.touched, s.alone = nil, false, false, false }

// failed: some errors roll back, and of a text of several statements some may have
// succeeded.
func (s *sqlite) failed(ctx context.Context, statements []sqltext.Statement) {
	if !s.conn.standing.open && !controls(statements) {
		return
	}
	switch open, known := s.inTransaction(ctx); {
	case !known:
	case open && !s.conn.standing.open:
		s.conn.standing = begun(statements)
	case !open:
		s.conn.ended()
	}
}

// still reports whether a transaction is open that the application has begun by
// hand, and has left to the pool.
func (s *sqlite) still(ctx context.Context) bool {
	if !s.conn.standing.open {
		return false
	}
	open, known := s.inTransaction(ctx)
	return open || !known
}

// inTransaction asks SQLite whether a transaction is open. A statement that is
// writing could not go on behind a BEGIN, and is found by the SAVEPOINT.
func (s *sqlite) inTransaction(ctx context.Context) (open, known bool) {
	_, err := s.run(context.WithoutCancel(ctx), "SAVEPOINT chrononaut; RELEASE chrononaut; BEGIN; COMMIT")
	open = err != nil && strings.Contains(err.Error(), "within a transaction")
	return open, open || err == nil
}

func (s *sqlite) exec(ctx context.Context, value string, c call) (driver.Result, error) {
	if err := s.open(ctx, value); err != nil {
		return nil, err
	}
	result, err := s.conn.runExec(ctx, c)
	return result, s.end(ctx, err)
}

func (s *sqlite) query(ctx context.Context, value string, c call) (driver.Rows, error) {
	if err := s.open(ctx, value); err != nil {
		return nil, err
	}
	inner, err := s.conn.runQuery(ctx, c)
	if err != nil {
		return nil, s.end(ctx, err)
	}
	return ending(inner, func(err error) error { return s.end(ctx, err) }), nil
}

// open begins the transaction of a single statement.
func (s *sqlite) open(ctx context.Context, value string) error {
	if _, err := s.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	s.alone, s.conn.standing = true, standing{open: true}
	if err := s.change(ctx, value); err != nil {
		return s.end(ctx, err)
	}
	return nil
}

func (s *sqlite) end(ctx context.Context, err error) error {
	defer s.conn.ended()
	if err == nil {
		err = s.clear(ctx)
	}
	if err == nil {
		if _, err = s.run(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	// Some errors have ended the transaction already.
	_, _ = s.run(context.WithoutCancel(ctx), "ROLLBACK")
	return err
}

func (s *sqlite) run(ctx context.Context, query string, args ...driver.Value) (driver.Result, error) {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return s.conn.execBase(ctx, query, named)
}
