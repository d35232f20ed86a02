package chronoimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Options are the options of [Import].
type Options struct {
	// Schema holds history. Defaults to [chrononaut.DefaultSchema].
	Schema string
	// ChunkSize is how many changes one transaction writes. Defaults to 1000.
	ChunkSize int
	// DryRun does everything and rolls each transaction back. Defaults to false.
	DryRun bool
	// SkipBad leaves out changes that cannot be imported, and goes on. Defaults
	// to false: the first one ends the import.
	SkipBad bool
	// Bad is called for each change that is left out. Defaults to nothing.
	Bad func(*BadChangeError)
	// Progress is called after every chunk. Defaults to nothing.
	Progress func(Progress)

	// NeverTracked allows a table that was never tracked, whose hidden and
	// untracked columns nothing but Hidden and Untracked says. Defaults to
	// false.
	NeverTracked bool
	// Hidden and Untracked are columns that stay out of history, besides those
	// that the table is tracked with.
	Hidden, Untracked []string
	// Keep names columns that the table does not have, or no longer, and that
	// are kept as the source has them. Others are left out and counted.
	Keep []string
	// Rename says what columns of the source are called in the table.
	Rename map[string]string
	// Values replaces values of a column of the table: by the text that the
	// source has, the JSON that the column can read. Rails writes the names of
	// enums, where the column has numbers.
	Values map[string]map[string]json.RawMessage
}

// Progress is how far an import is.
type Progress struct {
	Read     int64 // changes read from the source
	Imported int64 // changes written to history
	Total    int64 // rows of the source, or 0 when that is not known
}

// Result is what an import did. Read is the sum of Imported, Known, Own and Bad.
type Result struct {
	Table    chrononaut.Table
	Read     int64 // changes read from the source
	Records  int64 // records read
	Imported int64 // changes written to history
	Known    int64 // changes that an earlier import has written
	Own      int64 // changes of records with a history of their own, left out
	Bad      int64 // changes that cannot be imported, left out
	// Unknown counts the states that had a column which the table does not
	// have, by its name; such columns are left out unless Options.Keep has them.
	Unknown map[string]int64
}

// Errors of this package.
var (
	// ErrDialect is returned for a database that is not PostgreSQL.
	ErrDialect = errors.New("history is imported into PostgreSQL only")
	// ErrNoTable is returned when the table does not exist.
	ErrNoTable = errors.New("table does not exist")
	// ErrNoSource is returned when the source's table does not exist.
	ErrNoSource = errors.New("the source has no such table")
	// ErrNoKey is returned when the table has no primary key, or not one that
	// the source can say.
	ErrNoKey = errors.New("table has no primary key that fits")
	// ErrNotTracked is returned when the table was never tracked, so that its
	// hidden columns are not known.
	ErrNotTracked = errors.New("table was never tracked")
	// ErrHidden is returned when a hidden column is not in the table: it may
	// have another name, under which its values must not enter history.
	ErrHidden = errors.New("hidden column does not exist")
	// ErrBusy is returned when other transactions kept writing history of the
	// same records.
	ErrBusy = errors.New("history of the same records is being written")
)

// Import reads a source and writes what it says to history, in chunks of one
// transaction each, in constant memory. It needs two connections. Run again it
// imports what is not there yet: after it was interrupted, or when the source
// has got newer changes.
//
// Each change keeps its time, its actor and its reason, and is marked with the
// source's name and its id there. Versions are counted from 0 within a record.
// A record that has a history of Chrononaut's own is left out and counted,
// because versions are never renumbered; so import before the first write that
// is captured. The rows of the table are not touched; their next change
// continues the versions.
//
// The result is valid with an error too: it says what was done until then.
// Errors: those of this package, and *BadChangeError.
func Import(ctx context.Context, driver chronodriver.Driver, table chrononaut.Table, source Source, opts *Options) (*Result, error) {
	imp := &importer{driver: driver, source: source, result: &Result{Table: table, Unknown: map[string]int64{}}}
	if opts != nil {
		imp.opts = *opts
	}
	if imp.opts.Schema == "" {
		imp.opts.Schema = chrononaut.DefaultSchema
	}
	if imp.opts.ChunkSize <= 0 {
		imp.opts.ChunkSize = 1000
	}
	if err := imp.run(ctx, table); err != nil {
		return imp.result, fmt.Errorf("import history of %s: %w", imp.result.Table, err)
	}
	return imp.result, nil
}

// importer is one run.
type importer struct {
	driver chronodriver.Driver
	source Source
	opts   Options
	target *target
	result *Result
	total  int64

	chunk []*pending
	// The record that the last chunk ended with, and its next version.
	record string
	next   int32
	// The record of the last chunk's end, if it has another history.
	other string
	// The record that is being read, and its hidden columns as they were last.
	reading string
	hidden  map[string]string
}

func (i *importer) run(ctx context.Context, table chrononaut.Table) (err error) {
	if i.driver.Dialect() != chronodriver.PostgreSQL {
		return ErrDialect
	}
	if i.target, err = readTarget(ctx, i.driver, table, &i.opts); err != nil {
		return err
	}
	i.result.Table = i.target.Table
	if _, ok := i.target.column("version"); ok && !i.target.registered {
		return fmt.Errorf("%w, and has a column version of its own", ErrNotTracked)
	}
	tx, err := i.driver.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() {
		// It only read: how it ends does not matter, but that it does.
		err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx))))
	}()
	if _, err := tx.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"); err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	if err := settings(ctx, tx, i.opts.Schema); err != nil {
		return err
	}
	if counter, ok := i.source.(Counter); ok {
		if i.total, err = counter.Count(ctx, tx, &i.target.Target); err != nil {
			return err
		}
	}
	for change, err := range i.source.Changes(ctx, tx, &i.target.Target) {
		i.result.Read++
		if err == nil {
			err = i.add(ctx, change)
		}
		if err := i.skip(err); err != nil {
			return err
		}
	}
	return i.flush(ctx)
}

// skip takes note of a bad change, if bad changes are to be left out.
func (i *importer) skip(err error) error {
	var bad *BadChangeError
	if !errors.As(err, &bad) || !i.opts.SkipBad {
		return err
	}
	i.result.Bad++
	if i.opts.Bad != nil {
		i.opts.Bad(bad)
	}
	return nil
}

// ignoreClosed leaves out the error of ending a transaction whose connection is
// gone.
func ignoreClosed(err error) error {
	if err != nil && chronodriver.State(err) == "" {
		return nil
	}
	return err
}
