package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

type problemJSON struct {
	Kind    chronomigrate.ProblemKind `json:"kind"`
	Table   tableJSON                 `json:"table"`
	Object  string                    `json:"object"`
	Message string                    `json:"message"`
	Hint    string                    `json:"hint"`
	Fix     []stepJSON                `json:"fix"`
}

func (a *app) newProblemJSON(p chronomigrate.Problem) problemJSON {
	shape := problemJSON{p.Kind, newTableJSON(p.Table), p.Object, p.Message, a.inSchema(p.Hint), []stepJSON{}}
	for _, s := range p.Fix {
		shape.Fix = append(shape.Fix, stepJSON{s.Comment, s.SQL, s.Reverse})
	}
	return shape
}

type checkJSON struct {
	OK       bool          `json:"ok"`
	Tracked  []tableJSON   `json:"tracked"`
	Problems []problemJSON `json:"problems"`
	// What --fix ran.
	Fixed []planJSON `json:"fixed,omitempty"`
}

func (a *app) checkCommand() *cobra.Command {
	var uncovered, fix, hardened bool
	var attackers []string
	apply := &applyFlags{}
	var w *write
	cmd := &cobra.Command{
		Use:   "check [TABLE...]",
		Short: "Find out whether capture is complete",
		Long: `Check compares every tracked table, and history itself, with what they should
be: triggers that are missing, disabled, changed or out of date, columns that
were renamed or dropped, a table without its primary key. It changes nothing.
With tables, it looks at these, which must be tracked, and at history itself.

It exits with 0 when everything is right and with 1 when it found something, so
it is good for a deployment's checks and for monitoring.

--fix runs the statements that diff-schema prints: history itself is repaired in
one transaction, and each table in one. What a human has to decide, as what
became of a hidden column that is gone, stays, and the exit status is 1 then.

--uncovered also finds the application's tables that are not tracked.

--hardened tries the attacks that docs/security.md lists instead, as the roles of
a database that harden has set up, in a transaction that is rolled back. It exits
with 1 when one has another outcome than is published there. --attacker limits it
to the application, the table owner or a superuser.`,
		Example: `  chrononaut check
  chrononaut check todos billing.invoices
  chrononaut check --uncovered --json
  chrononaut check --fix --rationale "after the restore"
  chrononaut check --hardened --attacker application`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := parseTables(args)
			if err != nil {
				return err
			}
			opts, err := a.applyOpts(apply)
			switch {
			case err != nil:
				return err
			case apply.dryRun && !fix:
				return usagef("chrononaut diff-schema prints the statements.", "--dry-run goes with --fix")
			case hardened && (fix || uncovered || len(args) > 0):
				return usagef("", "--hardened goes with --attacker only")
			case len(attackers) > 0 && !hardened:
				return usagef("", "--attacker goes with --hardened")
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				var plans []*chronomigrate.Plan
				if hardened {
					return a.checkHardened(ctx, db, attackers)
				}
				if fix {
					tables, _, err := db.named(ctx, names)
					if err != nil {
						return err
					}
					fixed, err := db.migrator.Fix(ctx, &chronomigrate.FixOpts{Tables: tables, Apply: opts})
					if fixed != nil {
						plans = fixed.Plans
					}
					if err != nil {
						a.printFixed(plans, opts.DryRun)
						return err
					}
				}
				return a.check(ctx, db, names, uncovered, plans, opts.DryRun)
			})
		},
	}
	cmd.Flags().BoolVar(&uncovered, "uncovered", false, "also find tables that are not tracked")
	cmd.Flags().BoolVar(&hardened, "hardened", false, "try to get around the roles that harden has set up")
	cmd.Flags().StringSliceVar(&attackers, "attacker", nil, "who tries it: application, 'table owner' or superuser (default: all)")
	cmd.Flags().BoolVar(&fix, "fix", false, "repair what is found, except what a human has to decide")
	apply.add(cmd)
	w = a.writeFlags(cmd)
	return cmd
}

// named resolves names of tables; nil when there are none. Some may not be tracked.
func (db *database) named(ctx context.Context, names []chrononaut.Table) (tables, untracked []chrononaut.Table, err error) {
	for _, name := range names {
		entry, table, exists, err := db.tracked(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		if entry == nil && !exists {
			return nil, nil, noTable(table)
		}
		tables = append(tables, table)
		if entry == nil || !entry.Tracked {
			untracked = append(untracked, table)
		}
	}
	return tables, untracked, nil
}

func (a *app) check(ctx context.Context, db *database, names []chrononaut.Table, uncovered bool, fixed []*chronomigrate.Plan, dryRun bool) error {
	problems, err := db.migrator.Check(ctx, &chronomigrate.CheckOpts{Uncovered: uncovered})
	if err != nil {
		return err
	}
	tables, err := db.tables(ctx)
	if err != nil {
		return err
	}
	var tracked []chrononaut.Table
	for _, t := range tables {
		if t.Tracked {
			tracked = append(tracked, t.Table)
		}
	}
	if len(names) > 0 {
		if problems, tracked, err = db.only(ctx, names, problems, tables); err != nil {
			return err
		}
	}

	if a.json {
		shape := checkJSON{OK: len(problems) == 0, Tracked: []tableJSON{}, Problems: []problemJSON{}}
		for _, t := range tracked {
			shape.Tracked = append(shape.Tracked, newTableJSON(t))
		}
		for _, p := range problems {
			shape.Problems = append(shape.Problems, a.newProblemJSON(p))
		}
		for _, plan := range fixed {
			shape.Fixed = append(shape.Fixed, newPlanJSON(plan, dryRun))
		}
		err = a.out.json(shape)
	} else {
		a.printFixed(fixed, dryRun)
		a.printProblems(problems, tracked)
	}
	if err == nil && len(problems) > 0 {
		err = errNo
	}
	return err
}

// notCovered is the problem that a table has that was named and is not tracked.
func notCovered(table chrononaut.Table) chronomigrate.Problem {
	return chronomigrate.Problem{
		Kind: chronomigrate.ProblemUncovered, Table: table,
		Message: "table is not tracked", Hint: "Run chrononaut track " + table.String() + ".",
	}
}

// only keeps the problems of some tables, and of history itself.
func (db *database) only(ctx context.Context, names []chrononaut.Table, problems []chronomigrate.Problem, registry []chronomigrate.TrackedTable) ([]chronomigrate.Problem, []chrononaut.Table, error) {
	var kept []chronomigrate.Problem
	for _, p := range problems {
		ofTable := slices.ContainsFunc(registry, func(t chronomigrate.TrackedTable) bool { return t.Table == p.Table })
		if !ofTable && p.Kind != chronomigrate.ProblemUncovered {
			kept = append(kept, p)
		}
	}
	var wanted []chrononaut.Table
	for _, name := range names {
		entry, table, exists, err := db.tracked(ctx, name)
		switch {
		case err != nil:
			return nil, nil, err
		case entry == nil && !exists:
			return nil, nil, noTable(table)
		case slices.Contains(wanted, table):
			continue
		}
		wanted = append(wanted, table)
		if entry == nil || !entry.Tracked {
			kept = append(kept, notCovered(table))
		}
		for _, p := range problems {
			if p.Table == table && p.Kind != chronomigrate.ProblemUncovered {
				kept = append(kept, p)
			}
		}
	}
	return kept, wanted, nil
}

func (a *app) printFixed(plans []*chronomigrate.Plan, dryRun bool) {
	if a.json {
		return
	}
	for _, plan := range plans {
		a.printPlan(plan, dryRun, "repaired", "")
	}
}

func (a *app) printProblems(problems []chronomigrate.Problem, tracked []chrononaut.Table) {
	p := a.out
	for _, problem := range problems {
		p.line("%s  %s: %s", p.paint(bad, string(problem.Kind)), p.paint(strong, clean(problem.Table.String())), clean(problem.Message))
		if problem.Hint != "" {
			p.line("    %s", clean(a.inSchema(problem.Hint)))
		}
	}
	checked := plural(int64(len(tracked)), "table", "tables") + " checked"
	if len(problems) > 0 {
		p.line("%s: %s", checked, p.paint(bad, plural(int64(len(problems)), "problem", "problems")))
		return
	}
	p.line("%s: %s", checked, p.paint(good, "capture is complete"))
	if len(tracked) == 0 {
		p.remark("no table is tracked yet: chrononaut track TABLE")
	}
}
