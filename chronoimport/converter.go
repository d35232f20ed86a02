package chronoimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// convertedSource marks converted rows, like the name of a [Source].
const convertedSource = "chrononaut-0.2"

// ErrUnfinished is returned when another conversion of the table, with other
// options, was begun and not finished.
var ErrUnfinished = errors.New("a conversion with other options is not finished")

// ErrConverted is returned when Python chrononaut has written history of the
// table already, be it by its own converter.
var ErrConverted = errors.New("history has rows of Python chrononaut about the table already")

// ErrLayout is returned when the history table does not look like one of
// Python chrononaut up to 0.2.
var ErrLayout = errors.New("not a history table of Python chrononaut up to 0.2")

// ConverterOptions are the options of a [Converter].
type ConverterOptions struct {
	// Schema holds history. Defaults to [chrononaut.DefaultSchema].
	Schema string
	// History is the table with the old history. Defaults to the table's name
	// and _history, in the table's schema.
	History chrononaut.Table
	// Join names the parents of the table, the nearest first, for joined
	// inheritance. The history of each is in PARENT_history, in the parent's
	// schema. Defaults to none.
	Join []chrononaut.Table
	// CreatedAt is the column with the time at which a record came to be.
	// Defaults to created_at, if the table has that. "-" means none.
	CreatedAt string
	// SeedCompatible gives each state to the user who replaced it, as Python's
	// converter does, and records no deletions. Defaults to false: each state has
	// the user, the reason and the time of the change that made it.
	SeedCompatible bool

	// ChunkSize is how many records one transaction converts. Defaults to 1000.
	ChunkSize int
	// Progress is called after every chunk. Defaults to nothing.
	Progress func(ConvertProgress)

	// NeverTracked, Hidden and Untracked are those of [Options].
	NeverTracked      bool
	Hidden, Untracked []string
}

// ConvertProgress is how far a conversion is.
type ConvertProgress struct {
	Records  int64 // records read
	Recorded int64 // changes written to history
	Total    int64 // records in the tables, or 0 when not known
}

// ConvertResult is what a conversion did.
type ConvertResult struct {
	Records  int64 // records read
	Changes  int64 // their changes
	Recorded int64 // changes written to history; the others were there already
	Own      int64 // records left out: history knows them from elsewhere
	// Done says that no record is left.
	Done bool
}

// Converter brings the history that Python chrononaut up to version 0.2 has
// written, a table of old states for each tracked table, into history. It only
// inserts: the old tables and the table itself stay as they are.
//
// Row n of a record there has the state before the change from version n to
// n+1, and says who made that change, when and why. A converted version n+1
// has these. Where a row is missing in between, the next state is a baseline.
// A record without a live row ends with its deletion.
//
// It works in SQL on the server, a chunk of records in each transaction, in
// constant memory. PostgreSQL only. Methods must not be called at the same
// time.
type Converter struct {
	driver chronodriver.Driver
	table  chrononaut.Table
	opts   ConverterOptions
	// Filled by the first call.
	args    postgres.ConvertArgs
	columns []ConvertColumn
}

// ConvertColumn is a column of the old history that is not as in the table.
type ConvertColumn struct {
	Name string
	// Type is its type in the old history, and Now the type in the table: empty
	// if the table has no such column, in which case it is left out.
	Type, Now string
}

// NewConverter makes a Converter for a table. It costs no round trip.
func NewConverter(driver chronodriver.Driver, table chrononaut.Table, opts *ConverterOptions) *Converter {
	c := &Converter{driver: driver, table: table}
	if opts != nil {
		c.opts = *opts
	}
	if c.opts.Schema == "" {
		c.opts.Schema = chrononaut.DefaultSchema
	}
	if c.opts.ChunkSize <= 0 {
		c.opts.ChunkSize = 1000
	}
	return c
}

// Convert converts the next ChunkSize records in one transaction. It goes on
// after the last record of the call before, of whichever process; the result
// says when none is left. After that it begins again, and finds everything there.
//
// Errors: those of this package. Costs four round trips, and two in the first
// call for each table that is involved.
func (c *Converter) Convert(ctx context.Context) (*ConvertResult, error) {
	result := &ConvertResult{}
	err := c.chunk(ctx, &convertRun{limit: c.opts.ChunkSize, saved: true}, result)
	return result, c.wrap(err)
}

// ConvertChunks calls [Converter.Convert] until no record is left. After an
// error the result says what was done; the next call goes on there.
func (c *Converter) ConvertChunks(ctx context.Context) (*ConvertResult, error) {
	return c.chunks(ctx, convertRun{limit: c.opts.ChunkSize, saved: true})
}

// ConvertAll converts all records in one statement. Run again, it adds what is
// not there yet.
func (c *Converter) ConvertAll(ctx context.Context) (*ConvertResult, error) {
	result := &ConvertResult{}
	err := c.chunk(ctx, &convertRun{}, result)
	return result, c.wrap(err)
}

// Update converts what has changed since the last conversion, while the Python
// application may be writing: records of which history lacks a change. It works
// in chunks like ConvertChunks and can be repeated at any time. It reads the old history once; a time
// other than zero restricts it to rows written since then.
func (c *Converter) Update(ctx context.Context, from time.Time) (*ConvertResult, error) {
	return c.chunks(ctx, convertRun{limit: c.opts.ChunkSize, update: true, from: from})
}

func (c *Converter) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("convert the history of %s: %w", c.table, err)
	}
	return nil
}

// convertRun says which records a statement converts.
type convertRun struct {
	limit  int  // 0 for all
	saved  bool // goes on where the last such run stopped
	update bool
	from   time.Time
	after  string
}

func (c *Converter) chunks(ctx context.Context, run convertRun) (*ConvertResult, error) {
	result := &ConvertResult{}
	if err := c.prepare(ctx); err != nil {
		return result, c.wrap(err)
	}
	var total int64
	if c.opts.Progress != nil && !run.update {
		sql, err := postgres.Convert(c.opts.Schema, "count", c.args)
		if err != nil {
			return result, err
		}
		if _, err := queryRow(ctx, c.driver, []any{&total}, sql); err != nil {
			return result, c.wrap(fmt.Errorf("count the records: %w", err))
		}
	}
	for !result.Done {
		if err := c.chunk(ctx, &run, result); err != nil {
			return result, c.wrap(err)
		}
		if c.opts.Progress != nil {
			c.opts.Progress(ConvertProgress{Records: result.Records, Recorded: result.Recorded, Total: total})
		}
	}
	return result, nil
}

// chunk converts the next records, and adds to the result.
func (c *Converter) chunk(ctx context.Context, run *convertRun, result *ConvertResult) error {
	if err := c.prepare(ctx); err != nil {
		return err
	}
	const attempts = 20
	for attempt := 1; ; attempt++ {
		err := c.tryChunk(ctx, run, result)
		if err == nil || !isBusy(err) {
			return err
		}
		if attempt == attempts {
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
	}
}

func (c *Converter) tryChunk(ctx context.Context, run *convertRun, result *ConvertResult) error {
	var done ConvertResult
	var last string
	err := inTx(ctx, c.driver, c.opts.Schema, true, func(tx chronodriver.Tx) error {
		after := run.after
		if run.saved {
			var err error
			if after, err = c.savedPlace(ctx, tx); err != nil {
				return err
			}
		}
		args := c.args
		args.After, args.Update, args.From = after, run.update, run.from
		before, err := newestChange(ctx, tx, c.opts.Schema)
		if err != nil {
			return err
		}
		sql, err := postgres.Convert(c.opts.Schema, "chunk", args)
		if err != nil {
			return err
		}
		var limit any
		if run.limit > 0 {
			limit = int64(run.limit)
		}
		var end *string
		done = ConvertResult{}
		if _, err := queryRow(ctx, tx, []any{&done.Records, &done.Changes, &done.Recorded, &done.Own, &end}, sql, limit); err != nil {
			return withoutValues(err)
		}
		if err := addKeys(ctx, tx, c.opts.Schema, c.args.Schema, c.args.Name, before); err != nil {
			return err
		}
		if last = after; end != nil {
			last = *end
		}
		done.Done = run.limit == 0 || done.Records < int64(run.limit)
		if !run.saved {
			return nil
		}
		return c.savePlace(ctx, tx, last, done.Done)
	})
	if err != nil {
		return err
	}
	run.after = last
	result.Records += done.Records
	result.Changes += done.Changes
	result.Recorded += done.Recorded
	result.Own += done.Own
	result.Done = done.Done
	return nil
}

// withoutValues leaves out the message of an error that may quote a value.
func withoutValues(err error) error {
	if isData(err) {
		return fmt.Errorf("the database refuses a value of the old history (SQLSTATE %s)", chronodriver.State(err))
	}
	return err
}

// place is how far ConvertChunks is, as it is kept in the database.
type place struct {
	After   string `json:"after"`
	Options string `json:"options"`
}

func (c *Converter) placeName() string { return "convert " + c.args.Schema + "." + c.args.Name }

// fingerprint tells conversions apart whose results differ.
func (c *Converter) fingerprint() string {
	args := c.args
	args.After, args.Update, args.From = "", false, time.Time{}
	return string(encode(args))
}

func (c *Converter) savedPlace(ctx context.Context, tx chronodriver.Tx) (string, error) {
	sql, err := postgres.Convert(c.opts.Schema, "place", c.args)
	if err != nil {
		return "", err
	}
	var text string
	found, err := queryRow(ctx, tx, []any{&text}, sql, c.placeName())
	if err != nil {
		return "", fmt.Errorf("read how far the conversion is: %w", err)
	}
	if !found {
		return "", nil
	}
	var saved place
	if err := json.Unmarshal([]byte(text), &saved); err != nil {
		return "", fmt.Errorf("read how far the conversion is: %w", err)
	}
	if saved.Options != c.fingerprint() {
		return "", ErrUnfinished
	}
	return saved.After, nil
}

func (c *Converter) savePlace(ctx context.Context, tx chronodriver.Tx, after string, done bool) error {
	name, args := "save_place", []any{c.placeName(), string(encode(place{after, c.fingerprint()}))}
	if done {
		name, args = "forget_place", args[:1]
	}
	sql, err := postgres.Convert(c.opts.Schema, name, c.args)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("keep how far the conversion is: %w", err)
	}
	return nil
}

// Restart forgets how far a conversion in chunks has come, so that the next one
// begins again, with other options if need be. What it has converted stays.
func (c *Converter) Restart(ctx context.Context) error {
	if err := c.prepare(ctx); err != nil {
		return c.wrap(err)
	}
	sql, err := postgres.Convert(c.opts.Schema, "forget_place", c.args)
	if err != nil {
		return err
	}
	_, err = c.driver.Exec(ctx, sql, c.placeName())
	return c.wrap(err)
}
