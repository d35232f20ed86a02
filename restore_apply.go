package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// RestorePolicy says what is done with a record that has changed since.
type RestorePolicy int

// What is done with conflicts.
const (
	// RestoreRefuse writes nothing, and returns [*RestoreConflictError].
	RestoreRefuse RestorePolicy = iota
	// RestoreSkip leaves such records as they are.
	RestoreSkip
	// RestoreOverwrite brings them back all the same. What the later changes made of
	// them stays in history.
	RestoreOverwrite
)

// RestoreApplyOpts are the options of [RestorePlan.Apply]. A rationale is
// required, in them or in the context.
type RestoreApplyOpts struct {
	// Rationale says why: see [WithRationale]. Defaults to the context's.
	Rationale string
	// Actor says who. Defaults to the context's.
	Actor string
	// OnConflict says what is done with conflicts, those of the plan and those that
	// have arisen since. Defaults to [RestoreRefuse].
	OnConflict RestorePolicy
	// SkipBlocked leaves out records with blocking problems. Defaults to false.
	SkipBlocked bool
	// ChunkSize makes each statement one for at most so many records, in a
	// transaction of its own; an error then is a [*PartialError]. Defaults to 0: one
	// transaction for all.
	ChunkSize int
	// Progress is called after each statement with the number of records that
	// were written, and how many there are. Defaults to nobody.
	Progress func(done, total int)
}

// RestoreResult says what was done.
type RestoreResult struct {
	Inserted int `json:"inserted"`
	Updated  int `json:"updated"`
	Deleted  int `json:"deleted"`
	// Skipped are the records that were left out.
	Skipped []*RestoreItem `json:"skipped,omitempty"`
	// Differences are the records that are not as the plan wanted them: triggers of
	// the application have changed them, or kept them from being written.
	Differences []RestoreDifference `json:"differences,omitempty"`
	// Transactions are the transactions that wrote: to be given to [Client.Revert].
	Transactions []uint64 `json:"transactions,omitempty"`
}

// RestoreDifference is a record that is not as the plan wanted it.
type RestoreDifference struct {
	Table Table `json:"table"`
	Key   Key   `json:"key"`
	// Columns are those that differ; none when the record is there and should not
	// be, or the other way round.
	Columns []string `json:"columns,omitempty"`
}

// batch is how many records a statement is for, so that there is progress.
const batch = 10_000

// Apply does what the plan says, in one transaction, with the operation
// [OperationRestore] for what is inserted and updated. The rows are locked first:
// a record that has changed since the plan was made is a conflict, and never
// overwritten silently. Only tables of the application are written; history
// records it through the triggers, and [Client.Revert] can undo it again.
//
// Errors: [*RestoreConflictError], [*RestoreBlockedError], [ErrNoRationale],
// [*PartialError] with [RestoreApplyOpts.ChunkSize]; those of the database, after
// which nothing was written. Costs a few round trips for each table, and one for
// each statement of up to 10,000 records.
func (p *RestorePlan) Apply(ctx context.Context, opts *RestoreApplyOpts) (*RestoreResult, error) {
	return p.run(ctx, opts, false)
}

// DryRun does what Apply does and rolls back: constraints and triggers have their
// say. It needs no rationale, and ignores ChunkSize. The rows are locked meanwhile.
func (p *RestorePlan) DryRun(ctx context.Context, opts *RestoreApplyOpts) (*RestoreResult, error) {
	return p.run(ctx, opts, true)
}

func (p *RestorePlan) run(ctx context.Context, opts *RestoreApplyOpts, dry bool) (*RestoreResult, error) {
	a := &applier{plan: p, dry: dry, result: &RestoreResult{}}
	if opts != nil {
		a.opts = *opts
	}
	if dry {
		a.opts.ChunkSize = 0
	}
	if err := a.run(ctx); err != nil {
		var partial *PartialError
		if errors.As(err, &partial) {
			return a.result, err
		}
		return nil, fmt.Errorf("%s: %w", p.Kind, WrapError(contextError(ctx, err)))
	}
	return a.result, nil
}

// applier applies a plan.
type applier struct {
	plan        *RestorePlan
	opts        RestoreApplyOpts
	dry         bool
	result      *RestoreResult
	done, total int
}

// attributed is the context of the transactions.
func (a *applier) attributed(ctx context.Context) (context.Context, error) {
	if a.opts.Actor != "" {
		ctx = WithActor(ctx, a.opts.Actor)
	}
	rationale, _ := attributionOf(ctx).extraInfo["rationale"].(string)
	if a.opts.Rationale != "" {
		rationale = a.opts.Rationale
	}
	if strings.TrimSpace(rationale) == "" {
		if !a.dry {
			return nil, ErrNoRationale
		}
		rationale = "dry run"
	}
	ctx = WithRationale(ctx, rationale)
	about := map[string]any{"kind": a.plan.Kind}
	for name, value := range a.plan.Target {
		about[name] = value
	}
	ctx = WithExtraInfo(ctx, map[string]any{"restore": about})
	attribution := attributionOf(ctx)
	attribution.restoring = true
	return attribution.in(ctx), nil
}

func (a *applier) run(ctx context.Context) error {
	ctx, err := a.attributed(ctx)
	if err != nil {
		return err
	}
	steps, err := a.admitted()
	if err != nil {
		return err
	}
	for _, s := range steps {
		a.total += len(s.items)
	}
	if a.opts.ChunkSize > 0 {
		return a.runChunks(ctx, steps)
	}
	if len(steps) == 0 {
		return nil
	}
	before := *a.result
	err = a.transact(ctx, steps)
	if taken(err) {
		// Somebody inserted a row with one of the keys meanwhile. It is there to be
		// found now.
		*a.result, a.done = before, 0
		err = a.transact(ctx, steps)
	}
	return err
}

// taken reports a unique violation.
func taken(err error) bool { return chronodriver.State(err) == "23505" }

// admitted are the steps with the records that may be written.
func (a *applier) admitted() ([]RestoreStep, error) {
	for _, problem := range a.plan.Problems {
		if problem.Blocking {
			return nil, &RestoreBlockedError{Problems: a.plan.Problems}
		}
	}
	var conflicts []RestoreConflict
	var blocked []*RestoreItem
	skip := map[*RestoreItem]bool{}
	for _, i := range a.plan.Items {
		switch {
		case i.blocked() && a.opts.SkipBlocked, i.Conflict && a.opts.OnConflict == RestoreSkip:
			skip[i] = true
			a.result.Skipped = append(a.result.Skipped, i)
		case i.blocked():
			blocked = append(blocked, i)
		case i.Conflict && a.opts.OnConflict == RestoreRefuse:
			later := slices.DeleteFunc(slices.Clone(i.Later), func(l RestoreLater) bool { return l.Undone })
			conflicts = append(conflicts, RestoreConflict{Table: i.Table, Key: i.Key, Changes: later})
		}
	}
	a.skipDependent(a.plan.Items, skip)
	blocked = slices.DeleteFunc(blocked, func(i *RestoreItem) bool { return skip[i] })
	if len(blocked) > 0 {
		return nil, &RestoreBlockedError{Items: blocked}
	}
	if len(conflicts) > 0 {
		return nil, &RestoreConflictError{Conflicts: conflicts}
	}
	return without(a.plan.Steps, skip), nil
}

// skipDependent leaves out what cannot be written without what is left out.
func (a *applier) skipDependent(items []*RestoreItem, skip map[*RestoreItem]bool) {
	if len(skip) == 0 {
		return
	}
	for more := true; more; {
		more = false
		for _, i := range items {
			if i.Action != RestoreNone && !skip[i] && slices.ContainsFunc(i.needs, func(n *RestoreItem) bool { return skip[n] }) {
				skip[i], more = true, true
				a.result.Skipped = append(a.result.Skipped, i)
			}
		}
	}
}

// without are steps without some records.
func without(steps []RestoreStep, skip map[*RestoreItem]bool) []RestoreStep {
	var left []RestoreStep
	for _, s := range steps {
		s.items = slices.DeleteFunc(slices.Clone(s.items), func(i *RestoreItem) bool { return skip[i] })
		if s.Records = len(s.items); s.Records > 0 {
			left = append(left, s)
		}
	}
	return left
}

// transact runs steps in a transaction.
func (a *applier) transact(ctx context.Context, steps []RestoreStep) (err error) {
	ctx, tx, engine, err := a.plan.client.begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := tx.Rollback(context.WithoutCancel(ctx)); err == nil {
			err = closed
		}
	}()
	if _, err := tx.Exec(ctx, engine.applySettings()); err != nil {
		return err
	}
	w := &restoreWriter{
		applier: a, engine: engine, tx: tx,
		planner: &planner{client: a.plan.client, tx: tx, engine: engine, tables: a.plan.tables, order: a.plan.order, kind: a.plan.Kind, same: a.plan.same},
	}
	if err := w.run(ctx, steps); err != nil || a.dry {
		return err
	}
	return tx.Commit(ctx)
}

// runChunks runs each part of the plan in a transaction of its own.
func (a *applier) runChunks(ctx context.Context, steps []RestoreStep) error {
	for n, s := range steps {
		for len(s.items) > 0 {
			size := a.opts.ChunkSize
			if s.whole {
				size = len(s.items)
			}
			part := s
			part.items = s.items[:min(size, len(s.items))]
			before, done := *a.result, a.done
			err := a.transact(ctx, []RestoreStep{part})
			if taken(err) {
				*a.result, a.done = before, done
				err = a.transact(ctx, []RestoreStep{part})
			}
			if err != nil {
				*a.result, a.done = before, done
				return a.partial(ctx, err, s, steps[n+1:])
			}
			s.items = s.items[len(part.items):]
			s.Records = len(s.items)
		}
	}
	return nil
}

func (a *applier) partial(ctx context.Context, err error, current RestoreStep, rest []RestoreStep) error {
	left := *a.plan
	left.Steps = append([]RestoreStep{current}, rest...)
	left.Items = nil
	for _, s := range left.Steps {
		for _, i := range s.items {
			if !s.Link || current.Link {
				left.Items = append(left.Items, i)
			}
		}
	}
	return &PartialError{Done: a.done, Total: a.total, Left: &left, Result: a.result, Err: fmt.Errorf("%s: %w", a.plan.Kind, WrapError(contextError(ctx, err)))}
}

// transactionOf reads the id of the running transaction.
func (w *restoreWriter) transactionOf(ctx context.Context) error {
	var text string
	if _, err := queryOne(ctx, w.tx, []any{&text}, w.engine.transactionID()); err != nil {
		return err
	}
	if id, err := strconv.ParseUint(text, 10, 64); err == nil {
		w.result.Transactions = append(w.result.Transactions, id)
	}
	return nil
}
