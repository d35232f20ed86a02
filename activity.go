package chrononaut

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// ActivityOpts narrows the log. Conditions add up; the zero value is the whole
// log, newest first.
type ActivityOpts struct {
	// Actor is the actor of the change: see [WithActor].
	Actor string
	// AfterID and BeforeID bound [Change.ID], both exclusive. For pages,
	// continue with the last ID seen. Default to no bound.
	AfterID, BeforeID int64
	// Column is a column that the change set, gave another value, or, when it
	// is hidden, changed. It narrows what the other conditions find: give a
	// table too, else the whole log is looked through.
	Column string
	// Limit is the greatest number of changes. Defaults to 100 in
	// [Client.Activity], to no limit in [Client.ActivityAll]; -1 is no limit.
	Limit int
	// OldestFirst reverses the order. Defaults to false.
	OldestFirst bool
	// Operation is what happened.
	Operation Operation
	// Since and Until bound the time of the change, both inclusive.
	Since, Until time.Time
	// Table is the table of the record. Without a schema it is the one that the
	// search path finds, or the only tracked one of that name.
	Table Table
	// Transaction is the transaction of the change: see [Change.TransactionID].
	// If two clusters gave out the same number, before and after a dump and
	// restore, it is the later one, or the later one that has changes before
	// Until.
	Transaction uint64
	// WithBefore also reads the state before each change: see [Change.Before].
	// It makes reading a large log somewhat slower. Defaults to false.
	WithBefore bool
}

// Activity returns changes across records and tables, newest first unless the
// options say otherwise. A nil opts means the last 100 changes. Columns that are
// hidden now are left out of the data, also where they were recorded before.
//
// Errors: [ErrNotTracked] for a table that never was tracked,
// [ErrNotInstalled]. Costs one round trip, with a table two more the first time.
func (c *Client) Activity(ctx context.Context, opts *ActivityOpts) ([]Change, error) {
	o := ActivityOpts{}
	if opts != nil {
		o = *opts
	}
	if o.Limit == 0 {
		o.Limit = 100
	}
	changes := []Change{}
	for change, err := range c.ActivityAll(ctx, &o) {
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// ActivityAll streams changes as Activity returns them, in constant memory.
// The connection is in use until the loop ends. After an error, which comes
// with a zero change, the sequence ends.
func (c *Client) ActivityAll(ctx context.Context, opts *ActivityOpts) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		o := ActivityOpts{}
		if opts != nil {
			o = *opts
		}
		o.Limit = max(o.Limit, 0)
		if err := c.activity(ctx, &o, yield); err != nil {
			yield(Change{}, fmt.Errorf("read the log: %w", WrapError(notInstalled(contextError(ctx, err)))))
		}
	}
}

func (c *Client) activity(ctx context.Context, o *ActivityOpts, yield func(Change, error) bool) (err error) {
	var info *tableInfo
	if o.Table.Name != "" {
		info, err = c.table(ctx, o.Table)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Table, err)
		}
		o.Table = info.table
	}
	sql, args, err := c.reader.activity(info, o)
	if err != nil {
		return err
	}
	rows, err := c.queryer.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	stopped := false
	defer func() {
		// After the loop's end there is nobody to tell.
		if closed := rows.Close(); err == nil && !stopped {
			err = closed
		}
	}()
	for rows.Next() {
		var change Change
		dest, finish := c.reader.scanChange(&change, o.WithBefore)
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := finish(); err != nil {
			return err
		}
		if !yield(change, nil) {
			stopped = true
			return nil
		}
	}
	return rows.Err()
}
