package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// periods brings the table of periods, and what feeds it, up to date. The view of
// the past, which may read it, follows in past.
func (p *planner) periods(layout Layout) {
	found := p.found.Period
	follow := p.table.FunctionName(postgres.PeriodFollow)
	if !p.found.Past.Allowed {
		// Who may not make the view has no use for them; check says that it is missing.
		p.table.Periods = found.Built
		return
	}
	if layout != LayoutPeriod || !p.table.History {
		if found.Registered {
			p.add("The view of the past reads history again.", "drop_past_view", postgres.PlanArgs{On: p.pastName()}, "")
			p.found.Past.Comment = ""
			p.add("No longer asked for.", "drop_periods", postgres.PlanArgs{}, "")
		}
		return
	}
	// What the trigger missed while it was off is found only in history.
	if !found.Registered || found.Comment != p.table.PeriodComment() || found.Trigger != "A" {
		if p.found.Past.Comment != "" {
			p.add("The view of the past reads history until the periods are made.", "drop_past_view", postgres.PlanArgs{On: p.pastName()}, "")
			p.found.Past.Comment = ""
		}
		p.add("No change may be missed between those that were recorded and those that follow.", "lock_history", postgres.PlanArgs{}, "")
		p.add("The states of records, from when until when they were. chrononaut track fills it.", "create_periods",
			postgres.PlanArgs{Comment: p.table.PeriodComment()}, "drop_periods")
		found.Built = false
		p.add("Follows what is recorded.", "create_follow", postgres.PlanArgs{}, "")
		p.add("Fires also under session_replication_role = replica.", "enable_trigger",
			postgres.PlanArgs{On: postgres.QuoteIdent(p.engine.schema) + ".chrononaut_activity", Name: follow}, "")
	}
	p.table.Periods = found.Built
}

// functionKinds lists the functions that a table needs: those of its triggers, and
// those that make periods.
func (p *planner) functionKinds() []string {
	list := slices.Clone(p.table.Functions())
	if p.table.Layout == string(LayoutPeriod) && p.table.History && !p.again {
		list = append(list, postgres.PeriodFill, postgres.PeriodFollow)
	}
	return list
}

// pastName is the view of the past, qualified and quoted.
func (p *planner) pastName() string {
	in := p.found.Past.Schema
	if in == "" {
		in = postgres.PastSchema(p.engine.schema, p.found.Schema)
	}
	return postgres.QuoteIdent(in) + "." + postgres.QuoteIdent(p.found.Name)
}

func validateLayout(registered *TrackedTable, opts TrackOptions) error {
	switch {
	case opts.Layout != "" && opts.Layout != LayoutPeriod:
		return hint(fmt.Errorf("%w: there is no layout %q", ErrOption, opts.Layout), "The layouts are json and period.")
	case opts.Layout == "":
	case opts.NoHistory:
		return hint(fmt.Errorf("%w: without history there are no periods", ErrOption), "Leave one of the two out.")
	case opts.SharedWithPython || registered != nil && len(registered.python) > 0:
		return hint(fmt.Errorf("%w: a table that rows of Python chrononaut are about has no periods", ErrOption), "Leave it at the layout json.")
	case registered != nil && len(registered.aliases.Renames) > 0:
		return hint(fmt.Errorf("%w: a table that has history under older names has no periods", ErrOption), "Give it the layout json: chrononaut track "+registered.Table.String()+" --layout json.")
	}
	return nil
}

// periods goes through the next records.
func (e *postgresEngine) periods(ctx context.Context, name chronodriver.Table, chunk int) (progress PeriodsProgress, err error) {
	err = inTx(ctx, e.driver, func(tx chronodriver.Tx) error {
		found, err := e.inspect(ctx, tx, name)
		if err != nil {
			return err
		}
		if found == nil {
			return hint(ErrNoTable, noTableHint)
		}
		sql, err := postgres.PlanSQL(e.schema, "period_chunk", postgres.PlanArgs{})
		if err != nil {
			return err
		}
		var result *string
		if err := queryRow(ctx, tx, []any{&result}, sql, found.Schema, found.Name, int64(chunk)); err != nil {
			return err
		}
		if result == nil {
			progress.Done = true
			return nil
		}
		if err := json.Unmarshal([]byte(*result), &progress); err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		return nil
	})
	return progress, err
}

// finishPeriods makes the last periods, and has the view of the past read them.
func (e *postgresEngine) finishPeriods(ctx context.Context, name chronodriver.Table, apply *ApplyOpts) error {
	_, err := e.apply(ctx, apply, func(tx chronodriver.Tx) (*Plan, error) {
		found, err := e.inspect(ctx, tx, name)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, hint(ErrNoTable, noTableHint)
		}
		registered, err := e.registered(ctx, tx, found)
		if err != nil {
			return nil, err
		}
		if registered == nil || !registered.Tracked {
			return nil, hint(ErrNotTracked, "Run chrononaut track first.")
		}
		if !found.Period.Registered {
			return &Plan{Table: registered.Table}, nil
		}
		if !found.Period.Built || found.Period.Open > 0 {
			sql, err := postgres.PlanSQL(e.schema, "period_finish", postgres.PlanArgs{})
			if err != nil {
				return nil, err
			}
			var records int64
			if err := setLockTimeout(ctx, tx, apply); err != nil {
				return nil, err
			}
			// The registry first, as in all that changes a table's triggers.
			if err := e.lockRegistered(ctx, tx, &Plan{Table: registered.Table, Steps: make([]Step, 1)}); err != nil {
				return nil, err
			}
			if err := queryRow(ctx, tx, []any{&records}, sql, found.Schema, found.Name); err != nil {
				return nil, err
			}
		}
		return e.planTrack(ctx, tx, registered.Table, registered.Options)
	})
	return err
}

// periods finds periods that queries of the past cannot read, or that history has
// gone on without.
func (c *checker) periods(p *planner, repair string) {
	found, name := p.found.Period, p.table.PeriodName()
	if p.table.Layout != string(LayoutPeriod) || !p.table.History {
		return
	}
	p.table.Periods = found.Built
	switch {
	case !found.Registered || found.Comment == "":
		c.report(ProblemPeriods, name, "the table of periods is missing", repair)
	case found.Trigger != "A":
		c.report(ProblemPeriods, name, "the trigger that makes periods of what is recorded is missing or disabled", repair)
	case found.Comment != p.table.PeriodComment():
		c.report(ProblemPeriods, name, "the periods were made for other columns; queries of the past are slower until they are made again", repair)
	case !found.Built:
		c.report(ProblemPeriods, name, "the periods are not complete yet; queries of the past read history", repair)
	case found.Open > 0:
		c.report(ProblemPeriods, name, fmt.Sprintf("the periods of %d records are to be made again", found.Open), repair)
	}
}

// endPeriods drops the periods of a table that is untracked; its past is read from
// history again. When the table is gone nobody knows the view's columns: then it
// goes on reading the periods, to which nothing is added any more.
func (p *planner) endPeriods() error {
	if !p.found.Period.Registered {
		return nil
	}
	p.periods(LayoutJSON)
	return p.past()
}
