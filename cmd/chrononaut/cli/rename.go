package cli

import (
	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (a *app) renameCommand() *cobra.Command {
	apply := &applyFlags{}
	var to, at string
	var undo bool
	var w *write
	cmd := &cobra.Command{
		Use:   "rename TABLE [OLD NEW]...",
		Short: "Rename columns or a table, and let history follow",
		Long: `Rename gives columns their new names, or with --to the table its own, and declares
it, so that what was recorded under the old names is read under the new ones:
versions, past states, diffs and the log of the table. History is not rewritten.
The ALTER TABLE, the options and the triggers follow in one transaction, which
takes the table's strongest lock; it waits for it only briefly at a time.

What has its new name already, because a migration gave it, is only declared.
Say then with --at when that was, if the old name is another column's by now, or
if two columns exchanged their names.

--undo withdraws the last declaration about a table's columns, because it was
wrong: the columns keep the names that they have.

OLD and NEW are written as in SQL. Several pairs are renamed at once, so that
names can be exchanged: rename todos a b b a.`,
		Example: `  chrononaut rename todos title headline
  chrononaut rename todos --to tasks --dry-run
  chrononaut rename public.todos --to archive.todos
  chrononaut rename todos a b b a --at 2026-03-01T12:00:00Z`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			r, err := parseRenaming(args[1:], to, at != "")
			if err != nil {
				return err
			}
			r.Undo = undo
			renamed, err := a.parseTimeFlag("at", at)
			if err != nil {
				return err
			}
			opts, err := a.applyOpts(apply)
			if err != nil {
				return err
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				if r.At, err = db.time(ctx, renamed); err != nil {
					return err
				}
				plan, err := db.migrator.Rename(ctx, name, r, opts)
				if err != nil {
					return err
				}
				if a.json {
					return a.out.json(newPlanJSON(plan, opts.DryRun))
				}
				done := "renamed columns of"
				switch {
				case undo:
					done = "withdrew a declaration of"
				case to != "":
					done = "renamed, now"
				}
				a.printPlan(plan, opts.DryRun, done, "is renamed already; nothing to do")
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the table's new name, with its schema where that changes")
	cmd.Flags().StringVar(&at, "at", "", "when columns were renamed that have their new names already")
	cmd.Flags().BoolVar(&undo, "undo", false, "withdraw the last declaration, that of these columns")
	apply.add(cmd)
	w = a.writeFlags(cmd)
	return cmd
}

// parseRenaming reads OLD NEW pairs, or the table's new name.
func parseRenaming(pairs []string, to string, at bool) (r chronomigrate.Renaming, err error) {
	const usage = "chrononaut rename TABLE OLD NEW, or chrononaut rename TABLE --to NEWTABLE."
	switch {
	case (to == "") == (len(pairs) == 0):
		return r, usagef(usage, "rename columns or the table")
	case len(pairs)%2 != 0:
		return r, usagef(usage, "a column has no new name")
	case to != "" && at:
		return r, usagef(usage, "--at is about columns: a table's changes keep its old name until it is declared")
	case to != "":
		r.Table, err = parseTable(to)
		return r, err
	}
	r.Columns = map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		was, err := parseColumn(pairs[i])
		if err != nil {
			return r, usagef(usage, "%s: %v", pairs[i], err)
		}
		is, err := parseColumn(pairs[i+1])
		if err != nil {
			return r, usagef(usage, "%s: %v", pairs[i+1], err)
		}
		if _, twice := r.Columns[was]; twice {
			return r, usagef(usage, "%s is named twice", was)
		}
		r.Columns[was] = is
	}
	return r, nil
}
