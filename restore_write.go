package chrononaut

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// restoreWriter runs steps in a transaction.
type restoreWriter struct {
	*applier

	engine  restorer
	tx      chronodriver.Tx
	planner *planner
}

func (w *restoreWriter) run(ctx context.Context, steps []RestoreStep) error {
	steps, err := w.lock(ctx, steps)
	if err != nil {
		return err
	}
	if err := w.recheck(ctx, steps); err != nil {
		return err
	}
	for n := range steps {
		if err := w.write(ctx, &steps[n]); err != nil {
			return err
		}
	}
	if sql := w.engine.settle(); sql != "" {
		if _, err := w.tx.Exec(ctx, sql); err != nil {
			return w.failed(nil, err)
		}
	}
	if err := w.verify(ctx, steps); err != nil || len(steps) == 0 || w.dry {
		return err
	}
	return w.transactionOf(ctx)
}

// lock locks the rows and compares them with the plan. It returns the steps as
// they are to be run.
func (w *restoreWriter) lock(ctx context.Context, steps []RestoreStep) ([]RestoreStep, error) {
	byTable := map[Table][]*RestoreItem{}
	for _, s := range steps {
		if !s.Link {
			byTable[s.Table] = append(byTable[s.Table], s.items...)
		}
	}
	skip := map[*RestoreItem]bool{}
	var again []*RestoreItem
	for _, t := range w.planner.order {
		items := slices.Clone(byTable[t.info.table])
		if len(items) == 0 {
			continue
		}
		// Everybody who brings rows back locks them in the same order.
		slices.SortFunc(items, func(a, b *RestoreItem) int { return strings.Compare(a.key, b.key) })
		changed, err := w.lockTable(ctx, t, items)
		if err != nil {
			return nil, err
		}
		if w.opts.OnConflict == RestoreOverwrite {
			if changed, err = w.follow(ctx, t, changed); err != nil {
				return nil, err
			}
		}
		for _, c := range changed {
			skip[c.planned] = true
			switch w.opts.OnConflict {
			case RestoreSkip:
				w.result.Skipped = append(w.result.Skipped, c.planned)
			case RestoreOverwrite:
				if item := c.overwritten(t); item != nil {
					again = append(again, item)
				}
			}
		}
		if len(changed) > 0 && w.opts.OnConflict == RestoreRefuse {
			return nil, w.conflicts(ctx, t, changed)
		}
	}
	if len(skip) == 0 {
		return steps, nil
	}
	if w.opts.OnConflict == RestoreSkip {
		w.skipDependent(itemsOf(steps), skip)
	}
	steps = without(steps, skip)
	if len(again) == 0 {
		return steps, nil
	}
	again = append(again, itemsOf(steps)...)
	// Together they may be in a circle that the plan had not.
	steps = w.planner.steps(again)
	if blocked := slices.DeleteFunc(again, func(i *RestoreItem) bool { return !i.blocked() }); len(blocked) > 0 {
		return nil, &RestoreBlockedError{Items: blocked}
	}
	return w.planner.render(steps)
}

// itemsOf are the records of steps.
func itemsOf(steps []RestoreStep) (items []*RestoreItem) {
	for _, s := range steps {
		if !s.Link {
			items = append(items, s.items...)
		}
	}
	return items
}

// changedItem is a record that is not as the plan found it.
type changedItem struct {
	// item is the record under the key that it has by now, planned the one of the plan.
	item, planned *RestoreItem
	exists        bool
	version       *int
}

// follow finds the rows of records whose keys have changed since the plan was made,
// and locks them: a record is not inserted beside itself. Where another one has the
// key by now there is no row that could be written over.
func (w *restoreWriter) follow(ctx context.Context, t *restoreTable, changed []changedItem) ([]changedItem, error) {
	var records []*restoreRecord
	var places []int
	for n, c := range changed {
		if c.item.exists {
			records = append(records, &restoreRecord{key: c.item.key, last: c.item.known, lastVersion: c.item.knownVersion})
			places = append(places, n)
		}
	}
	if moved, err := w.planner.departed(ctx, t, records); err != nil || !moved {
		return changed, err
	}
	var taken []changedItem
	var items []*RestoreItem
	planned := map[*RestoreItem]int{}
	for n, r := range records {
		c := &changed[places[n]]
		if r.key == c.item.key {
			continue
		}
		if c.exists {
			taken = append(taken, *c)
		}
		item := *c.item
		item.key, item.keyAt = r.key, ""
		items = append(items, &item)
		planned[&item] = places[n]
	}
	if len(taken) > 0 {
		return nil, w.conflicts(ctx, t, taken)
	}
	slices.SortFunc(items, func(a, b *RestoreItem) int { return strings.Compare(a.key, b.key) })
	// None is at the version of the plan, so that all of them are found to differ.
	found, versions, err := w.lockRows(ctx, t, items)
	if err != nil {
		return nil, err
	}
	for n, item := range items {
		c := &changed[planned[item]]
		if c.exists, c.version = found[n], versions[n]; c.exists {
			c.item = item
		}
	}
	return changed, nil
}

// overwritten is the record as it is to be written all the same; nil when there
// is nothing to do any more.
func (c changedItem) overwritten(t *restoreTable) *RestoreItem {
	i := *c.item
	i.exists, i.Version = c.exists, c.version
	switch {
	case i.to == nil && !i.exists:
		return nil
	case i.to == nil:
		i.Action = RestoreDelete
	case i.exists:
		i.Action = RestoreUpdate
		i.set = slices.DeleteFunc(slices.Clone(i.all), func(name string) bool { return t.column(name).Identity == "a" })
	default:
		i.Action = RestoreInsert
		i.set = slices.DeleteFunc(t.writable(), func(name string) bool { _, has := i.to.Data[name]; return !has })
	}
	return &i
}

func (w *restoreWriter) lockTable(ctx context.Context, t *restoreTable, items []*RestoreItem) (changed []changedItem, err error) {
	found, versions, err := w.lockRows(ctx, t, items)
	if err != nil {
		return nil, err
	}
	for n, i := range items {
		if found[n] != i.exists || found[n] && !sameVersion(versions[n], i.Version) {
			changed = append(changed, changedItem{i, i, found[n], versions[n]})
		}
	}
	return changed, nil
}

// lockRows locks the rows of records, and says which there are and their versions.
func (w *restoreWriter) lockRows(ctx context.Context, t *restoreTable, items []*RestoreItem) (found []bool, versions []*int, err error) {
	sql, err := w.engine.present(t, true)
	if err != nil {
		return nil, nil, err
	}
	args := make([]restoreArg, len(items))
	for n, i := range items {
		args[n] = restoreArg{N: n, Key: i.key}
	}
	found = make([]bool, len(items))
	versions = make([]*int, len(items))
	var n int
	var version *int
	err = eachRow(ctx, w.tx, []any{&n, &version}, func() error {
		found[n], versions[n] = true, version
		version = nil
		return nil
	}, sql, encodeArgs(args))
	return found, versions, err
}

func sameVersion(a, b *int) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// conflicts says what has changed since the plan was made.
func (w *restoreWriter) conflicts(ctx context.Context, t *restoreTable, changed []changedItem) error {
	records := make([]*restoreRecord, len(changed))
	for n, c := range changed {
		records[n] = &restoreRecord{key: c.item.key, first: c.item.known + 1}
	}
	w.planner.until = lifeUntil{before: true}
	if err := w.planner.readLives(ctx, t, records); err != nil {
		return err
	}
	e := &RestoreConflictError{}
	for n, c := range changed {
		walk := newRestoreWalk(t, records[n])
		walk.run()
		for k := range walk.later {
			walk.later[k].Undone = false
		}
		e.Conflicts = append(e.Conflicts, RestoreConflict{Table: c.item.Table, Key: c.item.Key, Changes: walk.later})
	}
	return e
}

// recheck looks once more for rows that would go with those that are deleted: no
// more can come while these are locked.
func (w *restoreWriter) recheck(ctx context.Context, steps []RestoreStep) error {
	byTable := map[Table][]*RestoreItem{}
	var all []*RestoreItem
	for _, s := range steps {
		for _, i := range s.items {
			item := *i
			item.Problems = nil
			byTable[s.Table] = append(byTable[s.Table], &item)
			all = append(all, &item)
		}
	}
	for _, t := range w.planner.order {
		for n := range t.referred {
			if err := w.planner.checkReferences(ctx, t, &t.referred[n], byTable[t.info.table], byTable); err != nil {
				return err
			}
		}
	}
	all = slices.DeleteFunc(all, func(i *RestoreItem) bool { return !i.blocked() })
	if len(all) > 0 {
		return &RestoreBlockedError{Items: all}
	}
	return nil
}

// write runs the statement of a step.
func (w *restoreWriter) write(ctx context.Context, s *RestoreStep) error {
	size := batch
	if s.whole {
		size = len(s.items)
	}
	if err := w.moveAside(ctx, s); err != nil {
		return err
	}
	for _, part := range s.rounds.parts(s.items, size) {
		args := make([]restoreArg, len(part))
		for n, i := range part {
			args[n] = restoreArg{N: n, Key: cmp.Or(i.keyAt, i.key), ID: i.ToChange, Set: i.set}
			if s.Link {
				args[n].Key, args[n].Set = i.newKey, s.Columns
			}
		}
		count, err := w.tx.Exec(ctx, s.SQL, encodeArgs(args))
		if err != nil {
			return w.failed(s, err)
		}
		switch s.Action {
		case RestoreInsert:
			w.result.Inserted += int(count)
		case RestoreUpdate:
			if !s.Link {
				w.result.Updated += int(count)
			}
		case RestoreDelete:
			w.result.Deleted += int(count)
		}
		w.done += len(part)
		if w.opts.Progress != nil {
			w.opts.Progress(w.done, w.total)
		}
	}
	return nil
}

// moveAside gives records a value for a moment that nobody else gets.
func (w *restoreWriter) moveAside(ctx context.Context, s *RestoreStep) error {
	if s.AsideSQL == "" {
		return nil
	}
	var args []restoreArg
	for _, i := range s.items {
		if columns := s.rounds.aside[i]; len(columns) > 0 {
			args = append(args, restoreArg{N: len(args), Key: cmp.Or(i.keyAt, i.key), Set: columns})
		}
	}
	if len(args) == 0 {
		return nil
	}
	if _, err := w.tx.Exec(ctx, s.AsideSQL, encodeArgs(args)); err != nil {
		return w.failed(s, err)
	}
	return nil
}

// failed says what the database refused, without values of records.
func (w *restoreWriter) failed(s *RestoreStep, err error) error {
	what := "check deferred constraints"
	if s != nil {
		what = fmt.Sprintf("%s rows of %s", s.Action, s.Table)
	}
	switch state := chronodriver.State(err); {
	case taken(err):
		problem := RestoreProblem{Kind: ProblemUnique, Blocking: true}
		if s != nil {
			problem.Table = &s.Table
		}
		if violation := (*pgconn.PgError)(nil); errors.As(err, &violation) {
			problem.Constraint = violation.ConstraintName
		}
		return fmt.Errorf("%s: %w", what, &RestoreBlockedError{Problems: []RestoreProblem{problem}, Err: err})
	case strings.HasPrefix(state, "22"):
		return fmt.Errorf("%s: %w", what, &quietError{errors.New("a value does not fit its column"), err})
	}
	return fmt.Errorf("%s: %w", what, err)
}

// verify compares what history has recorded by now with the plan.
func (w *restoreWriter) verify(ctx context.Context, steps []RestoreStep) error {
	byTable := map[Table][]*RestoreItem{}
	wanted := map[*RestoreItem][]string{}
	for _, s := range steps {
		for _, i := range s.items {
			if _, known := wanted[i]; !known {
				byTable[s.Table] = append(byTable[s.Table], i)
			}
			if s.Link {
				wanted[i] = append(wanted[i], s.Columns...)
			} else {
				// What a link sets may be for another transaction.
				wanted[i] = slices.DeleteFunc(slices.Clone(i.set), func(name string) bool { return slices.Contains(s.without, name) })
			}
		}
	}
	w.planner.until = lifeUntil{before: true}
	for _, t := range w.planner.order {
		items := byTable[t.info.table]
		if len(items) == 0 {
			continue
		}
		records := make([]*restoreRecord, len(items))
		for n, i := range items {
			records[n] = &restoreRecord{key: i.newKey, first: math.MaxInt64}
		}
		if err := w.planner.readLives(ctx, t, records); err != nil {
			return err
		}
		for n, i := range items {
			columns, same := i.differs(records[n].target, wanted[i])
			if !same {
				w.result.Differences = append(w.result.Differences, RestoreDifference{Table: i.Table, Key: i.Key, Columns: columns})
			}
		}
	}
	slices.SortStableFunc(w.result.Differences, func(a, b RestoreDifference) int { return cmp.Compare(a.Table.String(), b.Table.String()) })
	return nil
}

// differs compares a record's last change with what was wanted of some columns.
func (i *RestoreItem) differs(last *Change, wanted []string) (columns []string, same bool) {
	if last == nil || (i.to == nil) != last.Operation.Gone() {
		return nil, false
	}
	if i.to == nil {
		return nil, true
	}
	for _, name := range wanted {
		if !sameRecorded(last.Data[name], i.to.Data[name]) {
			columns = append(columns, name)
		}
	}
	return columns, len(columns) == 0
}

// sameRecorded compares values of which one may have been recorded when the column
// had another type.
func sameRecorded(a, b json.RawMessage) bool {
	if equalJSON(a, b) {
		return true
	}
	x, ok := jsonText(a)
	y, ok2 := jsonText(b)
	return ok && ok2 && x == y
}
