package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

type strictJSON struct {
	Strict bool       `json:"strict"`
	DryRun bool       `json:"dry_run"`
	Steps  []stepJSON `json:"steps"`
}

func (a *app) strictCommand() *cobra.Command {
	apply := &applyFlags{}
	var w *write
	cmd := &cobra.Command{
		Use:   "strict [on|off]",
		Short: "Refuse changes without a reason in the whole database",
		Long: `Strict on makes every tracked table strict, and those that are tracked later:
a write that carries no rationale or extra information is refused, whoever
makes it. Strict off ends that; tables that were tracked with --strict stay
strict. No lock is taken on the tables.

Without an argument it says whether the database is strict, and exits with 1
when it is not.`,
		Example: `  chrononaut strict on --dry-run
  chrononaut strict`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"on", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := a.applyOpts(apply)
			if err != nil {
				return err
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				if len(args) == 0 {
					return a.sayStrict(ctx, db)
				}
				strict := args[0] == "on"
				plan, err := db.migrator.SetStrict(ctx, strict, opts)
				if err != nil {
					return err
				}
				return a.printStrict(plan, strict, opts.DryRun)
			})
		},
	}
	apply.add(cmd)
	w = a.writeFlags(cmd)
	return cmd
}

func (a *app) sayStrict(ctx context.Context, db *database) error {
	strict, err := db.migrator.Strict(ctx)
	if err != nil {
		return err
	}
	switch {
	case a.json:
		err = a.out.json(strictJSON{Strict: strict, Steps: []stepJSON{}})
	case strict:
		a.out.line("the database is strict")
	default:
		a.out.line("the database is not strict; single tables may be")
	}
	if err == nil && !strict {
		err = errNo
	}
	return err
}

func (a *app) printStrict(plan *chronomigrate.Plan, strict, dryRun bool) error {
	if a.json {
		return a.out.json(strictJSON{strict, dryRun, newPlanJSON(plan, dryRun).Steps})
	}
	now := "strict"
	if !strict {
		now = "not strict"
	}
	switch {
	case plan.Empty():
		a.out.line("the database is %s already; nothing to do", now)
	case dryRun:
		fmt.Fprint(a.out.w, plan.SQL())
	default:
		a.out.line("the database is %s (%s)", now, plural(int64(len(plan.Steps)), "statement", "statements"))
	}
	return nil
}
