package chronomigrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// FixOpts are the options of [Migrator.Fix].
type FixOpts struct {
	// Tables limits it to tables, which have their schema, and to history itself.
	// Defaults to all that are tracked.
	Tables []chronodriver.Table
	// Apply says how long it tries to get locks, and whether it only plans.
	Apply *ApplyOpts
}

// Fixed is what [Migrator.Fix] did, or would do.
type Fixed struct {
	// Plans are those that were run, each in a transaction of its own: the one of
	// history itself first.
	Plans []*Plan
	// Left are the problems that remain: those that a human has to decide, and
	// those of tables that could not be locked. Of a dry run they are the former.
	Left []Problem
}

// Fix brings what [Migrator.Check] finds back to what it should be, with the
// options that the tables are registered with: history itself in one
// transaction, and each table in one. It never decides what would lose
// something, as what became of a hidden column that is gone; then nothing of
// that table is changed. One table that fails does not keep others from being
// repaired: the error joins what went wrong, and what was done is returned with
// it. Errors: those of [Migrator.Track].
func (m *Migrator) Fix(ctx context.Context, opts *FixOpts) (*Fixed, error) {
	if opts == nil {
		opts = &FixOpts{}
	}
	apply := opts.Apply.withDefaults()
	problems, err := m.problemsOf(ctx, opts.Tables)
	if err != nil {
		return nil, fmt.Errorf("fix: %w", err)
	}
	fixed := &Fixed{}
	var tables []chronodriver.Table
	for _, p := range problems {
		if len(p.Fix) > 0 && !slices.Contains(tables, p.Table) {
			tables = append(tables, p.Table)
		}
	}
	var failed error
	history := &Plan{}
	for _, table := range tables {
		plan, err := m.engine.apply(ctx, apply, func(tx chronodriver.Tx) (*Plan, error) { return m.planFix(ctx, tx, table) })
		switch {
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("fix %s: %w", table, m.engine.wrap(err)))
		case isHistory(table):
			history = plan
		case apply.DryRun:
			// The plan of a table repairs history too, where that was not done before.
			plan.Steps = slices.DeleteFunc(plan.Steps, func(s Step) bool {
				return slices.ContainsFunc(history.Steps, func(done Step) bool { return done.SQL == s.SQL })
			})
		}
		if err == nil && !plan.Empty() {
			fixed.Plans = append(fixed.Plans, plan)
		}
	}
	if !apply.DryRun && len(tables) > 0 {
		if problems, err = m.problemsOf(ctx, opts.Tables); err != nil {
			return fixed, errors.Join(failed, fmt.Errorf("fix: %w", err))
		}
		fixed.Left = problems
		return fixed, failed
	}
	for _, p := range problems {
		if len(p.Fix) == 0 {
			fixed.Left = append(fixed.Left, p)
		}
	}
	return fixed, failed
}

// isHistory reports whether a problem is one of history itself. Check finds these
// first, and no application table of that name can be tracked.
func isHistory(table chronodriver.Table) bool { return table.Name == "chrononaut_activity" }

// planFix plans anew, in the transaction that runs the plan.
func (m *Migrator) planFix(ctx context.Context, q chronodriver.Queryer, table chronodriver.Table) (*Plan, error) {
	if isHistory(table) {
		return m.engine.planGuards(ctx, q)
	}
	registered, err := m.find(ctx, q, table)
	if err != nil {
		return nil, err
	}
	if registered == nil {
		return nil, ErrNotTracked
	}
	return m.engine.planTrack(ctx, q, table, registered.Options)
}

// problemsOf checks, and keeps what concerns the tables or history itself.
func (m *Migrator) problemsOf(ctx context.Context, tables []chronodriver.Table) ([]Problem, error) {
	problems, err := m.Check(ctx, nil)
	if err != nil || tables == nil {
		return problems, err
	}
	registered, err := m.Tables(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		ofTable := slices.ContainsFunc(registered, func(t TrackedTable) bool { return t.Table == p.Table })
		return ofTable && !slices.Contains(tables, p.Table)
	}), nil
}
