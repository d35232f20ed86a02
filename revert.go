package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RevertTarget says which changes are undone: those of a transaction, or those of
// an actor.
type RevertTarget struct {
	// Transaction is that of the changes: see [Change.TransactionID]. If two
	// clusters gave out the same number, it is the later one.
	Transaction uint64
	// Actor is that of the changes: see [WithActor]. Since and Until bound their time,
	// both inclusive; they default to no bound.
	Actor        string
	Since, Until time.Time
	// Tables are those whose changes are undone. Defaults to all.
	Tables []Table
}

// Revert plans to undo a transaction, or everything that an actor did in a time:
// records that were inserted are deleted, deleted ones come back, and of updated
// ones the columns that those changes set, the primary key included, get the
// values that they had before. Changes that others made to other columns stay.
//
// A record is a conflict when a later change, one that is not undone, set one of
// the columns too, or deleted it or inserted it again; when the record was
// inserted or deleted by what is undone, any later change is one. Nothing is
// written: see [RestorePlan.Apply]. A revert is a transaction of its own, and can
// itself be reverted.
//
// Errors: [ErrNotFound] when there are no such changes, [ErrNotTracked],
// [errors.ErrUnsupported] as [Client.Restore]. It costs what that costs, and one
// round trip for each table that reads the changes.
func (c *Client) Revert(ctx context.Context, target RevertTarget, opts *RestoreOpts) (*RestorePlan, error) {
	var plan *RestorePlan
	err := c.planned(ctx, opts, func(ctx context.Context, p *planner) error {
		if (target.Transaction == 0) == (target.Actor == "") {
			return errors.New("give a transaction or an actor")
		}
		if len(p.opts.Columns) > 0 {
			return errors.New("columns are chosen for a restore only")
		}
		p.kind, p.until = RestoreKindRevert, lifeUntil{before: true}
		if err := p.addChanges(ctx, target); err != nil {
			return err
		}
		var err error
		plan, err = p.plan(ctx, RestoreKindRevert, target.describe())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("plan to revert: %w", err)
	}
	return plan, nil
}

func (t RevertTarget) describe() map[string]any {
	about := map[string]any{}
	if t.Transaction != 0 {
		about["transaction"] = fmt.Sprint(t.Transaction)
	}
	if t.Actor != "" {
		about["actor"] = t.Actor
	}
	if !t.Since.IsZero() {
		about["since"] = t.Since.UTC().Format(time.RFC3339Nano)
	}
	if !t.Until.IsZero() {
		about["until"] = t.Until.UTC().Format(time.RFC3339Nano)
	}
	return about
}

// addChanges adds the records of the changes.
func (p *planner) addChanges(ctx context.Context, target RevertTarget) error {
	o := ActivityOpts{Transaction: target.Transaction, Actor: target.Actor, Since: target.Since, Until: target.Until, OldestFirst: true, Limit: -1}
	names := target.Tables
	if names == nil {
		var err error
		if names, err = p.changedTables(ctx, &o); err != nil {
			return err
		}
	}
	found := false
	for _, name := range names {
		t, err := p.table(ctx, name)
		if err != nil {
			return err
		}
		o.Table = t.info.table
		for change, err := range p.client.With(p.tx).ActivityAll(ctx, &o) {
			if err != nil {
				return err
			}
			if err := p.addChange(ctx, t, &change); err != nil {
				return err
			}
		}
		found = found || len(t.records) > 0
	}
	if !found {
		return fmt.Errorf("no such changes: %w", ErrNotFound)
	}
	return nil
}

func (p *planner) changedTables(ctx context.Context, o *ActivityOpts) ([]Table, error) {
	sql, args, err := p.engine.changedTables(o)
	if err != nil {
		return nil, err
	}
	var tables []Table
	var t Table
	err = p.each(ctx, []any{&t.Schema, &t.Name}, func() error {
		tables = append(tables, t)
		return nil
	}, sql, args...)
	return tables, err
}

// addChange adds one change that is to be undone. Changes come in the order of
// the log.
func (p *planner) addChange(ctx context.Context, t *restoreTable, c *Change) error {
	switch c.Operation {
	case OperationInsert, OperationUpdate, OperationDelete, OperationTruncate, OperationRestore, "":
	default:
		return nil // A baseline changed nothing; the others are about tables.
	}
	if len(c.Key) == 0 {
		return nil
	}
	key, err := p.text(ctx, t, c.Key)
	if err != nil {
		return err
	}
	if c.PreviousKey != nil {
		previous, err := p.text(ctx, t, c.PreviousKey)
		if err != nil {
			return err
		}
		t.rekey(previous, key, c.Version)
	}
	r := t.record(key)
	if r.reverted == nil {
		r.reverted, r.first = map[int64]bool{}, c.ID
	}
	r.reverted[c.ID] = true
	r.last, r.lastVersion = c.ID, c.Version
	return nil
}

// rekey gives a record another key by a change with a version. Records that
// exchange their keys have one version in common: the one that had the key
// before is not among the records then, or it is under its new one.
func (t *restoreTable) rekey(from, to string, version int) {
	r := t.byKey[from]
	if r == nil || r.lastVersion >= version {
		return
	}
	delete(t.byKey, from)
	r.key = to
	t.byKey[to] = r
}
