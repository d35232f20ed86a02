package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// trackFlags are the flags of track.
type trackFlags struct {
	hidden, untracked string
	versionColumn     string
	strict            bool
	recordChanges     bool
	sharedWithPython  bool
	layout            string
	baseline          bool
	view              bool
	chunk             int
	apply             applyFlags
	write             *write
}

// applyFlags are the flags of commands that change a table's triggers.
type applyFlags struct {
	dryRun      bool
	lockTimeout time.Duration
	attempts    int
}

func (f *applyFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "print what would run, with a comment on each statement, and run nothing")
	cmd.Flags().DurationVar(&f.lockTimeout, "lock-timeout", 2*time.Second, "how long one attempt waits for the table's lock")
	cmd.Flags().IntVar(&f.attempts, "attempts", 10, "how often it tries to get the lock")
}

// applyOpts checks the flags and makes them count.
func (a *app) applyOpts(f *applyFlags) (*chronomigrate.ApplyOpts, error) {
	switch {
	case f.lockTimeout < time.Millisecond:
		return nil, usagef("", "--lock-timeout must be at least 1ms")
	case f.attempts < 1:
		return nil, usagef("", "--attempts must be at least 1")
	}
	a.lockTimeout = f.lockTimeout
	return &chronomigrate.ApplyOpts{DryRun: f.dryRun, LockTimeout: f.lockTimeout, MaxAttempts: f.attempts}, nil
}

func parseTable(arg string) (chrononaut.Table, error) {
	table, err := chrononaut.ParseTable(arg)
	if err != nil {
		return table, usagef(`write TABLE as in SQL: todos, billing.todos, '"Odd Name".x'.`, "%v", err)
	}
	return table, nil
}

func parseTables(args []string) ([]chrononaut.Table, error) {
	var names []chrononaut.Table
	for _, arg := range args {
		name, err := parseTable(arg)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

type stepJSON struct {
	Comment string `json:"comment"`
	SQL     string `json:"sql"`
	Reverse string `json:"reverse"`
}

type planJSON struct {
	Table    tableJSON     `json:"table"`
	DryRun   bool          `json:"dry_run"`
	Changed  bool          `json:"changed"`
	Steps    []stepJSON    `json:"steps"`
	Baseline *baselineJSON `json:"baseline,omitempty"`
	Periods  *periodsJSON  `json:"periods,omitempty"`
}

type baselineJSON struct {
	Rows     int64 `json:"rows"`
	Recorded int64 `json:"recorded"`
}

type periodsJSON struct {
	Records int64 `json:"records"`
}

func newPlanJSON(plan *chronomigrate.Plan, dryRun bool) planJSON {
	shape := planJSON{Table: newTableJSON(plan.Table), DryRun: dryRun, Changed: !plan.Empty() && !dryRun, Steps: []stepJSON{}}
	for _, s := range plan.Steps {
		shape.Steps = append(shape.Steps, stepJSON{s.Comment, s.SQL, s.Reverse})
	}
	return shape
}

func (a *app) trackCommand() *cobra.Command {
	f := &trackFlags{}
	cmd := &cobra.Command{
		Use:   "track TABLE",
		Short: "Make a table tracked, or repair and update its triggers",
		Long: `Track gives a table the triggers that record its changes, and a version column.
From then on every committed change is in the history. It compares what the
table has with what it should have and runs the difference, in one transaction:
run it again at every deployment, or when check finds something. Rows are not
rewritten. --dry-run prints the statements.

Without flags, a table that is tracked already keeps its options; a flag changes
that option and no other. --hidden= clears a list, --strict=false a switch.

Hidden columns: that they changed is recorded, their values never are. Untracked
columns never enter history, and a change of only them makes no version. Names
of columns are written as in SQL; those with capitals need double quotes.

A strict table refuses writes that carry no rationale or extra information.
--record-changes keeps who changed a row last, and when, on the row itself, in
the columns change_info and changed.

--shared-with-python, with --version-column version, lets a running Python
chrononaut go on writing the table and its rows of history: see docs/python.md.

--view takes a view instead of a table: queries of the past can read it then. It
is made once more, over the past of the tables that it reads.

--baseline records the present state of every row that history does not have.
It works in chunks, blocks no writer, shows its progress, and goes on where it
stopped when it was interrupted. Without it, a row's first change also records
the state before.

--layout period keeps a typed table of the states of the records beside history,
from which queries of the past are answered faster, and which writes have to fill;
--layout json, as a table is at first, leaves it out. It is made from history like
a baseline, in chunks; until then, queries of the past read history.

The statements need a lock that blocks writers for a few milliseconds. Track
waits for it only briefly at a time (--lock-timeout), up to --attempts times, so
that writers never queue up behind it.`,
		Example: `  chrononaut track todos
  chrononaut track todos --hidden password,api_token --untracked last_seen --baseline
  chrononaut track billing.invoices --version-column lock_version --strict
  chrononaut track events --layout period
  chrononaut track '"Odd Name"' --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.track(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.hidden, "hidden", "", "columns whose values are never recorded: a,b")
	flags.StringVar(&f.untracked, "untracked", "", "columns that never enter history: a,b")
	flags.StringVar(&f.versionColumn, "version-column", "", "the column for the version; an existing integer column is adopted")
	flags.BoolVar(&f.strict, "strict", false, "refuse writes that carry no rationale or extra information")
	flags.BoolVar(&f.recordChanges, "record-changes", false, "keep who changed a row last on the row itself")
	flags.BoolVar(&f.sharedWithPython, "shared-with-python", false, "a running Python chrononaut writes the table too")
	flags.BoolVar(&f.view, "view", false, "let queries of the past read a view")
	flags.StringVar(&f.layout, "layout", "", "what queries of the past read: json (history) or period")
	flags.BoolVar(&f.baseline, "baseline", false, "record the present state of every row")
	flags.IntVar(&f.chunk, "chunk", 1000, "rows in one transaction of the baseline, records in one of the periods")
	f.apply.add(cmd)
	f.write = a.writeFlags(cmd)
	return cmd
}

func (a *app) track(cmd *cobra.Command, arg string, f *trackFlags) error {
	name, err := parseTable(arg)
	if err != nil {
		return err
	}
	apply, err := a.applyOpts(&f.apply)
	if err != nil {
		return err
	}
	if f.chunk < 1 {
		return usagef("", "--chunk must be at least 1")
	}
	change, err := f.changes(cmd)
	if err != nil {
		return err
	}
	ctx := a.writeContext(cmd.Context(), f.write)
	if f.view {
		return a.mirror(ctx, cmd, name, apply)
	}
	return a.withDatabase(ctx, false, func(db *database) error {
		entry, table, _, err := db.tracked(ctx, name)
		if err != nil {
			return fmt.Errorf("track %s: %w", name, err)
		}
		opts := chronomigrate.TrackOptions{}
		if entry != nil {
			opts = entry.Options
		}
		change(&opts)
		plan, err := db.migrator.Track(ctx, table, &opts, apply)
		if err != nil {
			return err
		}
		shape := newPlanJSON(plan, apply.DryRun)
		if !a.json {
			a.printPlan(plan, apply.DryRun, "tracked", "is tracked already; nothing to do")
		}
		if f.baseline && !apply.DryRun {
			if shape.Baseline, err = a.baseline(ctx, db, plan.Table, f.chunk); err != nil {
				return err
			}
		}
		if opts.Layout == chronomigrate.LayoutPeriod && !apply.DryRun {
			if shape.Periods, err = a.periods(ctx, db, plan.Table, f.chunk, apply); err != nil {
				return err
			}
		}
		if a.json {
			return a.out.json(shape)
		}
		return nil
	})
}

// mirror lets queries of the past read a view.
func (a *app) mirror(ctx context.Context, cmd *cobra.Command, name chrononaut.Table, apply *chronomigrate.ApplyOpts) error {
	for _, flag := range []string{"hidden", "untracked", "version-column", "strict", "record-changes", "shared-with-python", "baseline", "chunk"} {
		if cmd.Flags().Changed(flag) {
			return usagef("A view has no options of its own.", "--view does not go with --%s", flag)
		}
	}
	return a.withDatabase(ctx, false, func(db *database) error {
		plan, err := db.migrator.MirrorView(ctx, name, apply)
		if err != nil {
			return err
		}
		if a.json {
			return a.out.json(newPlanJSON(plan, apply.DryRun))
		}
		a.printPlan(plan, apply.DryRun, "mirrored", "is mirrored already; nothing to do")
		return nil
	})
}

// changes returns what the flags that were given change in the options that a
// table has: a hidden column must not become visible because a later call does
// not name it.
func (f *trackFlags) changes(cmd *cobra.Command) (func(*chronomigrate.TrackOptions), error) {
	given := cmd.Flags().Changed
	hidden, err := parseColumns(f.hidden)
	if err != nil {
		return nil, usagef("--hidden a,b", "--hidden: %v", err)
	}
	untracked, err := parseColumns(f.untracked)
	if err != nil {
		return nil, usagef("--untracked a,b", "--untracked: %v", err)
	}
	versionColumn := ""
	if f.versionColumn != "" {
		if versionColumn, err = parseColumn(f.versionColumn); err != nil {
			return nil, usagef("--version-column name", "--version-column: %v", err)
		}
	}
	switch f.layout {
	case "", string(chronomigrate.LayoutJSON), string(chronomigrate.LayoutPeriod):
	default:
		return nil, usagef("--layout period", "--layout: there is no layout %q", f.layout)
	}
	return func(o *chronomigrate.TrackOptions) {
		if given("layout") {
			o.Layout = chronomigrate.Layout(f.layout)
		}
		if given("hidden") {
			o.Hidden = hidden
		}
		if given("untracked") {
			o.Untracked = untracked
		}
		if given("version-column") {
			o.VersionColumn = versionColumn
		}
		if given("strict") {
			o.Strict = f.strict
		}
		if given("record-changes") {
			o.RecordChanges = f.recordChanges
		}
		if given("shared-with-python") {
			o.SharedWithPython = f.sharedWithPython
		}
	}, nil
}

func (a *app) printPlan(plan *chronomigrate.Plan, dryRun bool, done, nothing string) {
	switch {
	case plan.Empty():
		a.out.line("%s %s", clean(plan.Table.String()), nothing)
	case dryRun:
		fmt.Fprint(a.out.w, plan.SQL())
	default:
		a.out.line("%s %s (%s)", done, clean(plan.Table.String()), plural(int64(len(plan.Steps)), "statement", "statements"))
	}
}

func (a *app) baseline(ctx context.Context, db *database, table chrononaut.Table, chunk int) (*baselineJSON, error) {
	bar := a.progress("baseline of " + clean(table.String()))
	done, err := db.migrator.Baseline(ctx, table, &chronomigrate.BaselineOpts{ChunkSize: chunk, Progress: bar.show})
	bar.end()
	if err != nil {
		return nil, err
	}
	if !a.json {
		a.out.line("recorded the present state of %s of %s", plural(done.Recorded, "row", "rows"), clean(table.String()))
	}
	return &baselineJSON{done.Rows, done.Recorded}, nil
}

// periods makes the periods of a table, or those that are missing.
func (a *app) periods(ctx context.Context, db *database, table chrononaut.Table, chunk int, apply *chronomigrate.ApplyOpts) (*periodsJSON, error) {
	bar := a.progress("periods of " + clean(table.String()))
	bar.ofRecords = true
	done, err := db.migrator.BuildPeriods(ctx, table, &chronomigrate.PeriodsOpts{
		ChunkSize: chunk, Apply: apply,
		Progress: func(p chronomigrate.PeriodsProgress) {
			bar.show(chronomigrate.BaselineProgress{Rows: p.Records, Total: p.Total, Done: p.Done})
		},
	})
	bar.end()
	if err != nil {
		return nil, err
	}
	if !a.json {
		a.out.line("the periods of %s of %s are complete", plural(done.Records, "record", "records"), clean(table.String()))
	}
	return &periodsJSON{done.Records}, nil
}

func (a *app) untrackCommand() *cobra.Command {
	apply := &applyFlags{}
	var w *write
	cmd := &cobra.Command{
		Use:   "untrack TABLE",
		Short: "Stop recording a table and keep its history",
		Long: `Untrack removes the triggers that track made. The table's history stays and can
be read; so does the version column. It is recorded in the history that, when
and by whom tracking was ended.`,
		Example: `  chrononaut untrack todos --dry-run
  chrononaut untrack todos --rationale "moved to the archive"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			opts, err := a.applyOpts(apply)
			if err != nil {
				return err
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				_, table, _, err := db.tracked(ctx, name)
				if err != nil {
					return fmt.Errorf("untrack %s: %w", name, err)
				}
				plan, err := db.migrator.Untrack(ctx, table, opts)
				if err != nil {
					return err
				}
				if a.json {
					return a.out.json(newPlanJSON(plan, opts.DryRun))
				}
				a.printPlan(plan, opts.DryRun, "untracked", "is not tracked; nothing to do")
				return nil
			})
		},
	}
	apply.add(cmd)
	w = a.writeFlags(cmd)
	return cmd
}
