package chronomigrate

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// BaselineOpts are the options of [Migrator.Baseline].
type BaselineOpts struct {
	// ChunkSize is how many rows one transaction reads. Defaults to 1000.
	ChunkSize int
	// Progress is called after every chunk. Defaults to nothing.
	Progress func(BaselineProgress)
}

// BaselineProgress is how far a baseline is.
type BaselineProgress struct {
	Rows     int64 // rows read so far, over all runs
	Recorded int64 // rows whose state was recorded so far, over all runs
	Total    int64 // the planner's estimate of the table's rows; may be 0 or too small
	Done     bool
}

// Baseline records the present state of every row of a tracked table that
// history does not have, as operation "baseline". It works in chunks along the
// primary key, each its own short transaction, and takes no lock on the table:
// writers are not blocked. A run that was interrupted continues where it
// stopped; a finished one starts again from the first row and records only
// what differs from history. Errors: ErrNotTracked, ErrNoHistory.
func (m *Migrator) Baseline(ctx context.Context, table chronodriver.Table, opts *BaselineOpts) (BaselineProgress, error) {
	chunk := 1000
	if opts != nil && opts.ChunkSize > 0 {
		chunk = opts.ChunkSize
	}
	if err := m.requireInstalled(ctx, m.driver); err != nil {
		return BaselineProgress{}, fmt.Errorf("baseline of %s: %w", table, m.engine.wrap(err))
	}
	for {
		progress, err := m.engine.baseline(ctx, table, chunk)
		if err != nil {
			return progress, fmt.Errorf("baseline of %s: %w", table, m.engine.wrap(err))
		}
		if opts != nil && opts.Progress != nil {
			opts.Progress(progress)
		}
		if progress.Done {
			return progress, nil
		}
	}
}
