package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// RestoreTarget says which state of a record is brought back: one of [ToPoint]
// and [ToVersion].
type RestoreTarget struct {
	point   Point
	version *int
}

// ToPoint is the state as of a point of the past: every transaction whose
// changes had all been written by then, and no part of any other.
func ToPoint(p Point) RestoreTarget { return RestoreTarget{point: p} }

// ToVersion is the state that a record had with a version.
func ToVersion(version int) RestoreTarget { return RestoreTarget{version: &version} }

// String describes the target: "version 3", or the point.
func (t RestoreTarget) String() string {
	if t.version != nil {
		return fmt.Sprintf("version %d", *t.version)
	}
	return t.point.String()
}

// RestoreOpts are the options of [Client.Restore], [Client.Undelete] and
// [Client.Revert]. Nil means the defaults.
type RestoreOpts struct {
	// Columns are those that are brought back; the others stay as they are. A
	// record that is gone comes back with all of its columns. Defaults to all.
	Columns []string
	// With are tables that Restore brings back too, each with every record that has
	// changed since: needs a point. Rows that refer to each other are then written
	// in an order that fits. Defaults to none.
	With []Table
	// DeleteNew also deletes records that did not exist at the target, where
	// Restore is meant. Defaults to false: they stay, and the plan names them.
	DeleteNew bool
}

// Errors of plans.
var (
	// ErrRestoreConflict is returned when records have changed since, as
	// [*RestoreConflictError].
	ErrRestoreConflict = errors.New("records have changed since")
	// ErrRestoreBlocked is returned when a plan has problems that keep it from being
	// applied, as [*RestoreBlockedError].
	ErrRestoreBlocked = errors.New("the plan cannot be applied")
	// ErrNoRationale is returned when a plan is to be applied without a reason.
	ErrNoRationale = errors.New("a rationale is required")
)

// Restore plans to bring records of a table back to a past state. Nil keys mean
// every record of the table that has changed since, which needs a point. A key
// means the record that has it now, or the record that had it last, and goes by
// its present key where that was changed. Nothing is written: see
// [RestorePlan.Apply].
//
// Records that the target has and that are gone now are inserted again, records
// that differ are updated; those that did not exist then are deleted only with
// [RestoreOpts.DeleteNew]. The changes since are in the plan, as
// [RestoreItem.Later]: to undo them is what is asked for, so they are no conflict.
//
// Errors: [ErrNotTracked], [ErrKey], [ErrNoColumn], [ErrHidden], [ErrUntracked] for
// a column in the options that cannot be brought back;
// [errors.ErrUnsupported] when the client is that of a transaction. What cannot be
// done for a single record is a problem of the plan.
//
// The plan is made from one snapshot of the database, in a transaction that only
// reads, with a dozen statements for each table, however many records there are.
// It holds the state of every record that is brought back in memory.
func (c *Client) Restore(ctx context.Context, table Table, keys []Key, target RestoreTarget, opts *RestoreOpts) (*RestorePlan, error) {
	var plan *RestorePlan
	err := c.planned(ctx, opts, func(ctx context.Context, p *planner) error {
		t, err := p.table(ctx, table)
		if err != nil {
			return err
		}
		if err := p.checkColumns(t); err != nil {
			return err
		}
		if err := p.addTargets(ctx, t, keys, target); err != nil {
			return err
		}
		for _, name := range p.opts.With {
			other, err := p.table(ctx, name)
			if err != nil {
				return err
			}
			if err := p.addTargets(ctx, other, nil, target); err != nil {
				return err
			}
		}
		plan, err = p.plan(ctx, RestoreKindRestore, map[string]any{"to": target.String()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("plan to restore %s: %w", table, err)
	}
	return plan, nil
}

// begin begins a transaction of the client's own; ctx is then that of its
// statements.
func (c *Client) begin(ctx context.Context) (context.Context, chronodriver.Tx, restorer, error) {
	pool, ok := c.pool()
	if !ok {
		return ctx, nil, nil, fmt.Errorf("plans need a client of the database, not of a transaction: %w", errors.ErrUnsupported)
	}
	engine, ok := c.reader.(restorer)
	if !ok {
		return ctx, nil, nil, errors.ErrUnsupported
	}
	ctx = present{}.context(ctx)
	tx, err := pool.Begin(ctx)
	return ctx, tx, engine, err
}

// planned runs a planner in a transaction of its own.
func (c *Client) planned(ctx context.Context, opts *RestoreOpts, run func(context.Context, *planner) error) (err error) {
	ctx, tx, engine, err := c.begin(ctx)
	if err != nil {
		return WrapError(notInstalled(err))
	}
	defer func() {
		if closed := tx.Rollback(context.WithoutCancel(ctx)); err == nil {
			err = closed
		}
		err = WrapError(notInstalled(contextError(ctx, err)))
	}()
	if sql := engine.planSettings(); sql != "" {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	p := &planner{client: c, tx: tx, engine: engine, tables: map[Table]*restoreTable{}, same: map[string]sameness{}}
	if opts != nil {
		p.opts = *opts
	}
	return run(ctx, p)
}

// checkColumns refuses columns that history has no values of.
func (p *planner) checkColumns(t *restoreTable) error {
	for _, name := range p.opts.Columns {
		switch {
		case slices.Contains(t.info.hidden, name):
			return fmt.Errorf("%s of %s: %w", name, t.info.table, ErrHidden)
		case slices.Contains(t.info.untracked, name):
			return fmt.Errorf("%s of %s: %w", name, t.info.table, ErrUntracked)
		case !slices.Contains(t.info.columns, name):
			return fmt.Errorf("%s of %s: %w", name, t.info.table, ErrNoColumn)
		}
	}
	return nil
}
