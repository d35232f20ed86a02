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
	// is hidden, changed.
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
	// Table is the table of the record; without a schema, in any schema.
	Table Table
	// Transaction is the transaction of the change: see [Change.TransactionID].
	Transaction uint64
	// WithBefore also reads the state before each change: see [Change.Before].
	// It makes reading a large log somewhat slower. Defaults to false.
	WithBefore bool
}

// Activity returns changes across records and tables, newest first unless the
// options say otherwise. Costs one round trip. A nil opts means the last 100
// changes.
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
			yield(Change{}, fmt.Errorf("read the log: %w", wrapRead(notInstalled(err))))
		}
	}
}

func (c *Client) activity(ctx context.Context, o *ActivityOpts, yield func(Change, error) bool) (err error) {
	sql, args, err := c.reader.activity(o)
	if err != nil {
		return err
	}
	rows, err := c.queryer.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	for rows.Next() {
		var change Change
		dest, finish := c.reader.scanChange(&change)
		var before *string
		if o.WithBefore {
			dest = append(dest, &before)
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := finish(); err != nil {
			return err
		}
		if err := change.setBefore(before); err != nil {
			return err
		}
		if !yield(change, nil) {
			return nil
		}
	}
	return rows.Err()
}
