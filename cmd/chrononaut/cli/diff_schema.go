package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

type diffSchemaJSON struct {
	Same bool          `json:"same"`
	Plan []planJSON    `json:"plans"`
	Left []problemJSON `json:"left"`
}

func (a *app) diffSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff-schema [TABLE...]",
		Short: "Print the SQL that brings a drifted database back",
		Long: `Diff-schema prints, as a script, the statements that bring history itself and the
tracked tables back to what they should be, in a transaction for each table. It
changes nothing; check --fix runs the same statements. What a human has to
decide is printed as a comment.

It exits with 0 when there is no difference and with 1 when there is one.`,
		Example: `  chrononaut diff-schema
  chrononaut diff-schema todos > repair.sql`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := parseTables(args)
			if err != nil {
				return err
			}
			return a.withDatabase(cmd.Context(), false, func(db *database) error {
				return a.diffSchema(cmd.Context(), db, names)
			})
		},
	}
}

func (a *app) diffSchema(ctx context.Context, db *database, names []chrononaut.Table) error {
	tables, untracked, err := db.named(ctx, names)
	if err != nil {
		return err
	}
	fixed, err := db.migrator.Fix(ctx, &chronomigrate.FixOpts{Tables: tables, Apply: &chronomigrate.ApplyOpts{DryRun: true}})
	if err != nil {
		return err
	}
	for _, table := range untracked {
		fixed.Left = append(fixed.Left, notCovered(table))
	}
	same := len(fixed.Plans) == 0 && len(fixed.Left) == 0
	if a.json {
		shape := diffSchemaJSON{Same: same, Plan: []planJSON{}, Left: []problemJSON{}}
		for _, plan := range fixed.Plans {
			shape.Plan = append(shape.Plan, newPlanJSON(plan, true))
		}
		for _, p := range fixed.Left {
			shape.Left = append(shape.Left, a.newProblemJSON(p))
		}
		if err := a.out.json(shape); err != nil {
			return err
		}
	} else {
		a.printScript(db, fixed)
	}
	if !same {
		return errNo
	}
	return nil
}

// printScript prints what psql and sqlite3 can run as it is.
func (a *app) printScript(db *database, fixed *chronomigrate.Fixed) {
	begin := "BEGIN;"
	if db.driver.Dialect() == chronodriver.SQLite {
		begin = "BEGIN IMMEDIATE;"
	}
	for _, plan := range fixed.Plans {
		fmt.Fprintf(a.out.w, "-- %s\n%s\n\n%s\nCOMMIT;\n\n", commented(plan.Table.String()), begin, plan.SQL())
	}
	for _, p := range fixed.Left {
		fmt.Fprintf(a.out.w, "-- To be decided, %s: %s\n-- %s\n", commented(p.Table.String()), commented(p.Message), commented(a.inSchema(p.Hint)))
	}
	if len(fixed.Plans)+len(fixed.Left) == 0 {
		a.out.remark("nothing to do: everything is as it should be")
	}
}

// commented keeps text in the line of its comment.
func commented(text string) string { return strings.ReplaceAll(clean(text), "\n", " ") }
