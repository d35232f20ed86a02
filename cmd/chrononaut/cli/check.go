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
}

type checkJSON struct {
	OK       bool          `json:"ok"`
	Tracked  []tableJSON   `json:"tracked"`
	Problems []problemJSON `json:"problems"`
}

func (a *app) checkCommand() *cobra.Command {
	var uncovered bool
	cmd := &cobra.Command{
		Use:   "check [TABLE...]",
		Short: "Find out whether capture is complete",
		Long: `Check compares every tracked table, and history itself, with what they should
be: triggers that are missing, disabled, changed or out of date, columns that
were renamed or dropped, a table without its primary key. It changes nothing.
With tables, it looks at these, which must be tracked, and at history itself.

It exits with 0 when everything is right and with 1 when it found something, so
it is good for a deployment's checks and for monitoring. track repairs a table.

--uncovered also finds the application's tables that are not tracked.`,
		Example: `  chrononaut check
  chrononaut check todos billing.invoices
  chrononaut check --uncovered --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var names []chrononaut.Table
			for _, arg := range args {
				name, err := parseTable(arg)
				if err != nil {
					return err
				}
				names = append(names, name)
			}
			return a.withDatabase(cmd.Context(), false, func(db *database) error {
				return a.check(cmd.Context(), db, names, uncovered)
			})
		},
	}
	cmd.Flags().BoolVar(&uncovered, "uncovered", false, "also find tables that are not tracked")
	return cmd
}

func (a *app) check(ctx context.Context, db *database, names []chrononaut.Table, uncovered bool) error {
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
			shape.Problems = append(shape.Problems, problemJSON{p.Kind, newTableJSON(p.Table), p.Object, p.Message, p.Hint})
		}
		err = a.out.json(shape)
	} else {
		a.printProblems(problems, tracked)
	}
	if err == nil && len(problems) > 0 {
		err = errNo
	}
	return err
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
			kept = append(kept, chronomigrate.Problem{
				Kind: chronomigrate.ProblemUncovered, Table: table,
				Message: "table is not tracked", Hint: "Run chrononaut track " + table.String() + ".",
			})
		}
		for _, p := range problems {
			if p.Table == table && p.Kind != chronomigrate.ProblemUncovered {
				kept = append(kept, p)
			}
		}
	}
	return kept, wanted, nil
}

func (a *app) printProblems(problems []chronomigrate.Problem, tracked []chrononaut.Table) {
	p := a.out
	for _, problem := range problems {
		p.line("%s  %s: %s", p.paint(bad, string(problem.Kind)), p.paint(strong, clean(problem.Table.String())), clean(problem.Message))
		if problem.Hint != "" {
			p.line("    %s", clean(problem.Hint))
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
