package chronomigrate

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Layout is how queries of the past find the state of a table.
type Layout string

const (
	// LayoutJSON reads history itself.
	LayoutJSON Layout = "json"
	// LayoutPeriod also keeps a table with a typed row for each state of each
	// record, and from when until when it was. Queries of the past are faster,
	// writes cost more: see docs/performance.md. [Migrator.BuildPeriods] fills it.
	LayoutPeriod Layout = "period"
)

// PeriodsOpts are the options of [Migrator.BuildPeriods].
type PeriodsOpts struct {
	// ChunkSize is how many records one transaction goes through. Defaults to 1000.
	ChunkSize int
	// Progress is called after every chunk. Defaults to nothing.
	Progress func(PeriodsProgress)
	// Apply says how long the last step tries to get the lock that it needs. It
	// keeps writers of the table out while it makes the periods of records that
	// changed meanwhile. Nil means the defaults; DryRun is not looked at.
	Apply *ApplyOpts
}

// PeriodsProgress is how far the periods of a table are.
type PeriodsProgress struct {
	Records int64 // records gone through so far, over all runs
	Total   int64 // the planner's estimate of all; may be 0 or too small
	Done    bool
}

// BuildPeriods makes the periods of a table with [LayoutPeriod] from its history,
// and lets queries of the past read them. Until it is done they read history. It
// works in chunks, each its own transaction, and does not block writers but for
// its last step. A run that was interrupted continues where it stopped. Once they
// are made it makes those of records that could not be followed, and is quick.
// For a table of another layout it does nothing. Errors: ErrNoTable,
// ErrNotTracked, ErrNoHistory, ErrBusy.
func (m *Migrator) BuildPeriods(ctx context.Context, table chronodriver.Table, opts *PeriodsOpts) (PeriodsProgress, error) {
	o := PeriodsOpts{}
	if opts != nil {
		o = *opts
	}
	if o.ChunkSize <= 0 {
		o.ChunkSize = 1000
	}
	apply := *o.Apply.withDefaults()
	apply.DryRun = false
	fail := func(p PeriodsProgress, err error) (PeriodsProgress, error) {
		return p, fmt.Errorf("periods of %s: %w", table, m.engine.wrap(err))
	}
	if err := m.requireInstalled(ctx, m.driver); err != nil {
		return fail(PeriodsProgress{}, err)
	}
	for {
		progress, err := m.engine.periods(ctx, table, o.ChunkSize)
		if err != nil {
			return fail(progress, err)
		}
		finish := progress.Done
		if finish {
			if err := m.engine.finishPeriods(ctx, table, &apply); err != nil {
				return fail(progress, err)
			}
		}
		if o.Progress != nil {
			o.Progress(progress)
		}
		if finish {
			return progress, nil
		}
	}
}
