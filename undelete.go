package chrononaut

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Undelete plans to bring back deleted records of a table, each with everything
// that its deletion took along in the same transaction: the rows that referred to
// it by foreign keys and were deleted too, whoever deleted them, the rows that
// referred to those, and so on, as one cohort; and rows whose foreign key the
// deletion set to NULL or its default get it back.
//
// Rows of tables that are not tracked do not come back, and the plan names those
// tables. So it does with records that are not deleted, and with parents that are
// gone. Nothing is written: see [RestorePlan.Apply].
//
// Errors: those of [Client.Restore]; [ErrNotFound] when history has no such record.
// It costs what that costs, and one round trip for each generation of rows
// of each table.
func (c *Client) Undelete(ctx context.Context, table Table, keys []Key, opts *RestoreOpts) (*RestorePlan, error) {
	var plan *RestorePlan
	err := c.planned(ctx, opts, func(ctx context.Context, p *planner) error {
		if len(p.opts.Columns) > 0 {
			return fmt.Errorf("a deleted record comes back as a whole: %w", ErrNoColumn)
		}
		p.kind, p.until = RestoreKindUndelete, lifeUntil{before: true}
		t, err := p.table(ctx, table)
		if err != nil {
			return err
		}
		var standing []*RestoreItem
		u := &undeletion{planner: p, logs: map[undeletionLog][]*Change{}, seen: map[int64]bool{}}
		for _, key := range keys {
			item, err := u.add(ctx, t, key)
			if err != nil {
				return err
			}
			if item != nil {
				standing = append(standing, item)
			}
		}
		plan, err = p.plan(ctx, RestoreKindUndelete, map[string]any{"table": t.info.table.String(), "records": len(keys)})
		if plan != nil {
			plan.Items = append(plan.Items, standing...)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("plan to undelete from %s: %w", table, err)
	}
	return plan, nil
}

// undeletion collects the changes that a deletion consists of.
type undeletion struct {
	*planner

	logs map[undeletionLog][]*Change
	seen map[int64]bool
}

// undeletionLog is the log of a table in a transaction. SQLite does not number one
// that says nothing of who and why; there all that a statement does has one time.
type undeletionLog struct {
	table       Table
	transaction uint64
	changed     time.Time
}

// add adds a record and what its deletion took along; it returns an item for a
// record that is not deleted.
func (u *undeletion) add(ctx context.Context, t *restoreTable, key Key) (*RestoreItem, error) {
	text, err := u.client.reader.normalizeKey(ctx, u.tx, t.info, key)
	if err != nil {
		return nil, err
	}
	if text, err = u.canonical(t, text); err != nil {
		return nil, err
	}
	const everything = 1<<63 - 1
	r := &restoreRecord{key: text, first: everything}
	u.until = lifeUntil{before: true}
	if err := u.readLives(ctx, t, []*restoreRecord{r}); err != nil {
		return nil, err
	}
	if r.target != nil && !r.target.Operation.Gone() {
		// The record may have gone on under another key.
		r.last, r.lastVersion = r.target.ID, r.target.Version
		moved, err := u.departed(ctx, t, []*restoreRecord{r})
		if err != nil {
			return nil, err
		}
		if moved {
			text, r.target, r.later = r.key, nil, nil
			if err := u.readLives(ctx, t, []*restoreRecord{r}); err != nil {
				return nil, err
			}
		}
	}
	last := r.target
	switch {
	case last == nil:
		return nil, fmt.Errorf("undelete: %w", ErrNotFound)
	case !last.Operation.Gone():
		version := last.Version
		return &RestoreItem{
			Table: t.info.table, Key: last.Key, Action: RestoreNone, Version: &version, key: text, newKey: text, known: last.ID,
			Problems: []RestoreProblem{{Kind: ProblemExists}},
		}, nil
	}
	return nil, u.cohort(ctx, t, []*Change{last})
}

// cohort adds deletions of one table, and what they took along.
func (u *undeletion) cohort(ctx context.Context, t *restoreTable, deletions []*Change) error {
	for _, c := range deletions {
		u.seen[c.ID] = true
		if err := u.addChange(ctx, t, c); err != nil {
			return err
		}
	}
	for n := range t.referred {
		if err := u.children(ctx, &t.referred[n], deletions); err != nil {
			return err
		}
	}
	return nil
}

// children adds the rows that referred to what was deleted.
func (u *undeletion) children(ctx context.Context, fk *foreignKey, deletions []*Change) error {
	parents := map[undeletionLog][]*Change{}
	for _, c := range deletions {
		if _, ok := valuesOf(c.Data, fk.ParentColumns); ok {
			id := undeletionLog{fk.Table, c.TransactionID, time.Time{}}
			if c.TransactionID == 0 {
				id.changed = c.Changed
			}
			parents[id] = append(parents[id], c)
		}
	}
	if len(parents) == 0 {
		return nil
	}
	child, err := u.table(ctx, fk.Table)
	if err != nil {
		return u.untracked(*fk, err)
	}
	key := u.ofKey(fk)
	var gone []*Change
	for id, deleted := range parents {
		log, err := u.log(ctx, child, id)
		if err != nil {
			return err
		}
		var from, to []Data
		for _, c := range log {
			from = append(from, c.Before, c.Data)
		}
		for _, c := range deleted {
			to = append(to, c.Data)
		}
		if err := u.compare(ctx, key, to, from); err != nil {
			return err
		}
		keys := map[string]bool{}
		for _, c := range deleted {
			values, _ := u.parentValues(key, c.Data)
			keys[values] = true
		}
		for _, c := range log {
			values, ok := u.childValues(key, c.Before)
			if u.seen[c.ID] || !ok || !keys[values] {
				continue
			}
			now, _ := u.childValues(key, c.Data)
			switch {
			case c.Operation.Gone():
				u.seen[c.ID] = true
				gone = append(gone, c)
			case now != values && (fk.OnDelete == "n" || fk.OnDelete == "d"):
				u.seen[c.ID] = true
				if err := u.addChange(ctx, child, c); err != nil {
					return err
				}
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	slices.SortFunc(gone, func(a, b *Change) int { return cmp.Compare(a.ID, b.ID) })
	return u.cohort(ctx, child, gone)
}

// untracked names a table whose rows history does not have.
func (u *undeletion) untracked(fk foreignKey, err error) error {
	if !errors.Is(err, ErrNotTracked) {
		return err
	}
	if fk.OnDelete != "a" && fk.OnDelete != "r" {
		name := fk.Table
		known := slices.ContainsFunc(u.problems, func(p RestoreProblem) bool { return p.Constraint == fk.Name && p.Table != nil && *p.Table == name })
		if !known {
			u.problems = append(u.problems, RestoreProblem{Kind: ProblemUntrackedTable, Table: &name, Constraint: fk.Name})
		}
	}
	return nil
}

// log is what a transaction did to a table, with the states before.
func (u *undeletion) log(ctx context.Context, t *restoreTable, id undeletionLog) ([]*Change, error) {
	if log, ok := u.logs[id]; ok {
		return log, nil
	}
	log := []*Change{}
	o := &ActivityOpts{Table: t.info.table, Transaction: id.transaction, Since: id.changed, Until: id.changed, OldestFirst: true, Limit: -1, WithBefore: true}
	for change, err := range u.client.With(u.tx).ActivityAll(ctx, o) {
		if err != nil {
			return nil, err
		}
		if change.TransactionID != id.transaction {
			continue
		}
		if change.Operation.Gone() && change.Before == nil {
			change.Before = change.Data
		}
		log = append(log, &change)
	}
	u.logs[id] = log
	return log, nil
}
