package chronounsafe

import (
	"context"
	"database/sql/driver"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/template"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// Errors of this package, returned wrapped. Besides them, those of the root
// package: [chrononaut.ErrAppendOnly], [chrononaut.ErrNotInstalled],
// [chrononaut.ErrNotTracked], [chrononaut.ErrKey].
var (
	// ErrReason is returned by Suppress when the reason is empty, or is no
	// text that the database can hold.
	ErrReason = errors.New("a reason is needed")
	// ErrNoTransaction is returned by Suppress outside a transaction, where
	// the door would be closed again at once. Nothing is recorded.
	ErrNoTransaction = errors.New("not in a transaction")
	// ErrPrivilege is returned when the database role may not do this.
	ErrPrivilege = errors.New("permission denied")
)

// Opts are the options of [Suppress].
type Opts struct {
	// AllowErase also allows history to be deleted: see [Door.EraseHistory].
	// Defaults to false.
	AllowErase bool
	// Dialect is the engine behind the transaction. Defaults to what the
	// transaction says, if it has a method Dialect, and to PostgreSQL.
	Dialect chronodriver.Dialect
	// Schema holds history. Defaults to [chrononaut.DefaultSchema].
	Schema string
}

// Door is the unsafe door of one transaction, as [Suppress] opened it. The
// zero Door is closed. It is safe for concurrent use if the transaction is.
type Door struct {
	tx     chronodriver.Queryer
	engine engine
	erase  bool
	// nested is set when an outer door was open already.
	nested bool

	mu     sync.Mutex
	closed bool
}

// engine is what differs between PostgreSQL and SQLite.
type engine interface {
	// suppress records the trace and turns capture off. It reports whether
	// capture was off already.
	suppress(ctx context.Context, tx chronodriver.Queryer, reason string, allowErase bool) (nested bool, err error)
	resume(ctx context.Context, tx chronodriver.Queryer) error
	erase(ctx context.Context, tx chronodriver.Queryer, table chrononaut.Table, key chrononaut.Key) (int64, error)
}

// Suppress turns capture off for the transaction tx, all tables of it, until
// [Door.Resume] or the end of the transaction. It records who did so and why:
// the actor is that of the context with which the transaction began. An opts
// of nil means the defaults. Costs two round trips.
//
// tx is a transaction that an adapter wrapped: chronopgx.NewTxDriver,
// chronosql.NewTxDriver.
//
// Errors: [ErrReason], [ErrNoTransaction], [ErrPrivilege],
// [chrononaut.ErrNotInstalled], [chrononaut.ErrContext].
func Suppress(ctx context.Context, tx chronodriver.Queryer, reason string, opts *Opts) (*Door, error) {
	o := Opts{}
	if opts != nil {
		o = *opts
	}
	if strings.TrimSpace(reason) == "" || strings.ContainsRune(reason, 0) {
		return nil, fmt.Errorf("suppress capture: %w", ErrReason)
	}
	e, err := engineFor(tx, o)
	if err != nil {
		return nil, fmt.Errorf("suppress capture: %w", err)
	}
	nested, err := e.suppress(ctx, tx, reason, o.AllowErase)
	if err != nil {
		return nil, fmt.Errorf("suppress capture: %w", wrap(err))
	}
	return &Door{tx: tx, engine: e, erase: o.AllowErase, nested: nested}, nil
}

func engineFor(tx chronodriver.Queryer, o Opts) (engine, error) {
	dialect := o.Dialect
	if d, ok := tx.(interface{ Dialect() chronodriver.Dialect }); ok && dialect == "" {
		dialect = d.Dialect()
	}
	switch dialect {
	case "", chronodriver.PostgreSQL:
		config := chrononaut.Config{Schema: o.Schema}
		return &postgresEngine{schema: config.HistorySchema()}, nil
	case chronodriver.SQLite:
		return sqliteEngine{}, nil
	}
	return nil, fmt.Errorf("unknown database engine %q", dialect)
}

// Resume closes the door: what the transaction changes from here on is
// recorded. With doors that nest, capture resumes when the outermost one is
// closed. Closing a closed door does nothing. Costs one round trip.
//
// The end of the transaction closes the door too; a program that changes
// nothing after the suppressed part has no need to call Resume.
func (d *Door) Resume(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine == nil || d.closed {
		return nil
	}
	if !d.nested {
		if err := d.engine.resume(ctx, d.tx); err != nil {
			return fmt.Errorf("resume capture: %w", wrap(err))
		}
	}
	d.closed = true
	return nil
}

// EraseHistory deletes all history of one record, under every key that it had
// if its primary key changed, and returns the number of deleted changes. The
// record is the one that has the key now, or had it last. If other records had
// the same key before it (a primary key changed, and another record took it
// over), their history is theirs: the next call erases the next of them, and a
// call that returns 0 says that nothing is left.
//
// The record itself stays; see the package's documentation for complete
// erasure. Costs two round trips.
//
// Errors: [chrononaut.ErrAppendOnly] when the door was opened without
// AllowErase or is closed, [ErrPrivilege], [chrononaut.ErrNotTracked],
// [chrononaut.ErrKey].
func (d *Door) EraseHistory(ctx context.Context, table chrononaut.Table, key chrononaut.Key) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine == nil || d.closed || !d.erase {
		return 0, fmt.Errorf("erase history of %s: %w: the door was not opened for it, or is closed", table, chrononaut.ErrAppendOnly)
	}
	n, err := d.engine.erase(ctx, d.tx, table, key)
	if err != nil {
		return 0, fmt.Errorf("erase history of %s: %w", table, wrap(err))
	}
	return n, nil
}

// keyJSON takes the values that Go programs have: bytes are written in
// PostgreSQL's hex form, and values that know their own SQL form as that.
func keyJSON(key chrononaut.Key) (string, error) {
	plain := make(chrononaut.Key, len(key))
	for name, value := range key {
		if valuer, ok := value.(driver.Valuer); ok {
			v, err := valuer.Value()
			if err != nil {
				return "", fmt.Errorf("%w: column %s", chrononaut.ErrKey, name)
			}
			value = v
		}
		if b, ok := value.([]byte); ok {
			value = `\x` + hex.EncodeToString(b)
		}
		plain[name] = value
	}
	return plain.JSON()
}

// wrap gives errors of the database their types.
func wrap(err error) error {
	switch chronodriver.State(err) {
	case chronodriver.StateUnsafe, "22021", "22P05": // no reason, or not text
		return fmt.Errorf("%w: %w", ErrReason, err)
	case "25P01":
		return fmt.Errorf("%w: %w", ErrNoTransaction, err)
	case "42501":
		return fmt.Errorf("%w: %w", ErrPrivilege, err)
	case "42P01", "3F000", "42883":
		return fmt.Errorf("%w: %w", chrononaut.ErrNotInstalled, err)
	}
	return chrononaut.WrapError(err)
}

//go:embed sql
var files embed.FS

type postgresEngine struct{ schema string }

func (e *postgresEngine) sql(name string) (string, error) {
	funcs := template.FuncMap{
		"schema": func() string { return postgres.QuoteIdent(e.schema) },
		"is":     func(column, key string) any { return struct{ Column, Key string }{column, key} },
	}
	tmpl, err := template.New(name).Funcs(funcs).ParseFS(files, "sql/"+name)
	if err != nil {
		return "", fmt.Errorf("parse template %s: %w", name, err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, nil); err != nil {
		return "", fmt.Errorf("render template %s: %w", name, err)
	}
	return b.String(), nil
}

func (e *postgresEngine) suppress(ctx context.Context, tx chronodriver.Queryer, reason string, allowErase bool) (nested bool, err error) {
	probe, err := e.sql("in_transaction.sql")
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, probe); err != nil {
		return false, err
	}
	_, err = e.queryRow(ctx, tx, "suppress.sql", []any{&nested}, reason, allowErase)
	if chronodriver.State(err) == "22P02" {
		// The only text that the function reads.
		err = fmt.Errorf("%w: %w", chrononaut.ErrContext, err)
	}
	return nested, err
}

func (e *postgresEngine) resume(ctx context.Context, tx chronodriver.Queryer) error {
	sql, err := e.sql("resume.sql")
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

func (e *postgresEngine) erase(ctx context.Context, tx chronodriver.Queryer, table chrononaut.Table, of chrononaut.Key) (int64, error) {
	key, err := keyJSON(of)
	if err != nil {
		return 0, err
	}
	var schema, normal string
	found, err := e.queryRow(ctx, tx, "resolve.sql", []any{&schema, &normal}, table.Schema, table.Name, key)
	if err != nil {
		switch chronodriver.State(err) {
		case "22P02", "22007", "22008", "22003":
			return 0, fmt.Errorf("%w: %w", chrononaut.ErrKey, err)
		}
		return 0, err
	}
	if !found {
		return 0, chrononaut.ErrNotTracked
	}
	sql, err := e.sql("erase.sql")
	if err != nil {
		return 0, err
	}
	return tx.Exec(ctx, sql, schema, table.Name, normal)
}

// queryRow scans the only row of a query; found is false when there is none.
func (e *postgresEngine) queryRow(ctx context.Context, tx chronodriver.Queryer, name string, dest []any, args ...any) (found bool, err error) {
	sql, err := e.sql(name)
	if err != nil {
		return false, err
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	// Read on to the end: an error can come after the row.
	if rows.Next() {
		return false, errors.New("more than one row")
	}
	return true, rows.Err()
}
