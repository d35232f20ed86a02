package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

func (a *app) restoreCommand() *cobra.Command {
	var at, columns string
	var version int
	var all, deleteNew bool
	var with []string
	f := &bringBack{}
	cmd := &cobra.Command{
		Use:   "restore TABLE [KEY...]",
		Short: "Bring records back to a past state",
		Long: `Restore brings records back to what they were at a time (--at) or with a version
(--to-version): all of their columns, or some (--columns). Records that are gone
are inserted again. With --all it is every record of the table that has changed
since; records that did not exist then stay, unless --delete-new is given. --with
names tables that are brought back together with it, which matters when they
refer to each other.

Look at the plan first: --dry-run shows what would be done, tries it, and takes
it back. What has changed since the plan was made is never overwritten silently.
The exit status is 1 when there are conflicts, or problems that keep records from
being written; nothing is written then. A restore can be undone: revert.`,
		Example: `  chrononaut restore todos 42 --at '2026-11-24 09:30' --dry-run
  chrononaut restore todos 42 --to-version 3 --columns title --rationale 'overwritten by mistake'
  chrononaut restore todos --all --at -2h --delete-new --rationale 'bad import'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			byVersion := cmd.Flags().Changed("to-version")
			switch {
			case (at != "") == byVersion:
				return usagef("", "give --at or --to-version")
			case all == (len(args) > 1):
				return usagef("", "give keys, or --all")
			case byVersion && (all || len(with) > 0):
				return usagef("", "records have no version in common, give --at")
			}
			opts := &chrononaut.RestoreOpts{DeleteNew: deleteNew}
			if columns != "" {
				if opts.Columns, err = parseColumns(columns); err != nil {
					return usagef("", "--columns: %v", err)
				}
			}
			if opts.With, err = parseTables(with); err != nil {
				return err
			}
			time, err := a.parseTimeFlag("at", at)
			if err != nil {
				return err
			}
			return a.bringBack(cmd.Context(), f, func(ctx context.Context, db *database) (*chrononaut.RestorePlan, error) {
				target := chrononaut.ToVersion(version)
				if time != nil {
					t, err := db.time(ctx, time)
					if err != nil {
						return nil, err
					}
					target = chrononaut.ToPoint(chrononaut.At(t))
				}
				if err := db.requireTable(ctx, name); err != nil {
					return nil, err
				}
				table, keys, err := db.keys(ctx, name, args[1:])
				if err != nil {
					return nil, err
				}
				if all {
					keys = nil
				} else if byVersion && !f.skipBlocked {
					if err := db.requireVersion(ctx, table, keys, version); err != nil {
						return nil, err
					}
				}
				return db.client.Restore(ctx, table, keys, target, opts)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&at, "at", "", "the state at this time")
	flags.IntVar(&version, "to-version", 0, "the state with this version")
	flags.StringVar(&columns, "columns", "", "only these columns, separated by commas")
	flags.BoolVar(&all, "all", false, "every record that has changed since")
	flags.BoolVar(&deleteNew, "delete-new", false, "delete records that did not exist then")
	flags.StringArrayVar(&with, "with", nil, "also bring this table back; may be repeated")
	a.bringBackFlags(cmd, f)
	return cmd
}

// requireVersion refuses a version that a record never had.
func (db *database) requireVersion(ctx context.Context, table chrononaut.Table, keys []chrononaut.Key, version int) error {
	history := chrononaut.NewHistory[struct{}](db.client, table, nil)
	for _, key := range keys {
		if _, err := history.Version(ctx, key, version); errors.Is(err, chrononaut.ErrNotFound) {
			return &noError{err: err, reason: "not_found", try: "chrononaut log " + shellArg(table.String()) + " " + shellArg(formatKey(key)) + " lists the versions that there are."}
		}
	}
	return nil
}

func (a *app) undeleteCommand() *cobra.Command {
	f := &bringBack{}
	cmd := &cobra.Command{
		Use:   "undelete TABLE KEY...",
		Short: "Bring deleted records back, with what went with them",
		Long: `Undelete brings deleted records back, each with everything that its deletion took
along in the same transaction: rows that referred to it by a foreign key and were
deleted too, rows that referred to those, and so on. Foreign keys that the
deletion set to NULL are set again.

--dry-run shows what would be done, tries it, and takes it back. An undeletion can
be undone: revert.`,
		Example: `  chrononaut undelete customers 42 --dry-run
  chrononaut undelete customers 42 43 --rationale 'deleted by mistake, ticket 4711'`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			return a.bringBack(cmd.Context(), f, func(ctx context.Context, db *database) (*chrononaut.RestorePlan, error) {
				if err := db.requireTable(ctx, name); err != nil {
					return nil, err
				}
				table, keys, err := db.keys(ctx, name, args[1:])
				if err != nil {
					return nil, err
				}
				plan, err := db.client.Undelete(ctx, table, keys, nil)
				if errors.Is(err, chrononaut.ErrNotFound) {
					err = &noError{err: err, reason: "not_found", try: "chrononaut log " + shellArg(table.String()) + " --operation delete lists deletions."}
				}
				return plan, err
			})
		},
	}
	a.bringBackFlags(cmd, f)
	return cmd
}

func (a *app) revertCommand() *cobra.Command {
	var transaction uint64
	var by, since, until string
	var tables []string
	f := &bringBack{}
	cmd := &cobra.Command{
		Use:   "revert",
		Short: "Undo a transaction, or what somebody did in a time",
		Long: `Revert undoes a transaction (--tx), or everything that an actor did (--by) in a
time (--since, --until): inserted records are deleted, deleted ones come back, and
of updated ones the columns that were set get the values that they had before.

What others have changed since in other columns stays. Where they changed the same
ones, there is a conflict, with who it was, when and why; --on-conflict says what
is done then. A revert is a transaction of its own, which can be reverted.`,
		Example: `  chrononaut revert --tx 81723 --dry-run
  chrononaut revert --tx 81723 --rationale 'wrong price list'
  chrononaut revert --by import-job --since -1h --on-conflict skip --rationale 'bad file'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (transaction == 0) == (by == "") {
				return usagef("", "give --tx or --by")
			}
			target := chrononaut.RevertTarget{Transaction: transaction, Actor: by}
			var err error
			if target.Tables, err = parseTables(tables); err != nil {
				return err
			}
			from, err := a.parseTimeFlag("since", since)
			if err != nil {
				return err
			}
			to, err := a.parseTimeFlag("until", until)
			if err != nil {
				return err
			}
			return a.bringBack(cmd.Context(), f, func(ctx context.Context, db *database) (*chrononaut.RestorePlan, error) {
				if from != nil {
					if target.Since, err = db.time(ctx, from); err != nil {
						return nil, err
					}
				}
				if to != nil {
					if target.Until, err = db.time(ctx, to); err != nil {
						return nil, err
					}
				}
				plan, err := db.client.Revert(ctx, target, nil)
				if errors.Is(err, chrononaut.ErrNotFound) {
					err = &noError{err: err, reason: "not_found", try: "chrononaut log --with-tx shows the transaction of each change."}
				}
				return plan, err
			})
		},
	}
	flags := cmd.Flags()
	flags.Uint64Var(&transaction, "tx", 0, "undo this transaction")
	flags.StringVar(&by, "by", "", "undo what this actor did")
	flags.StringVar(&since, "since", "", "at or after this time")
	flags.StringVar(&until, "until", "", "at or before this time")
	flags.StringArrayVar(&tables, "table", nil, "only changes of this table; may be repeated")
	a.bringBackFlags(cmd, f)
	return cmd
}

// keys reads the keys of a tracked table.
func (db *database) keys(ctx context.Context, name chrononaut.Table, args []string) (chrononaut.Table, []chrononaut.Key, error) {
	entry, exists, err := db.requireTracked(ctx, name)
	if err != nil {
		return name, nil, err
	}
	keys := []chrononaut.Key{}
	for _, arg := range args {
		key, err := db.key(ctx, entry, exists, arg)
		if err != nil {
			return name, nil, err
		}
		keys = append(keys, key)
	}
	return entry.Table, keys, nil
}

// bringBack are the flags of the commands that bring something back.
type bringBack struct {
	*write

	dryRun, skipBlocked, sql bool
	onConflict, lease        string
	chunk                    int
}

var policies = map[string]chrononaut.RestorePolicy{
	"refuse": chrononaut.RestoreRefuse, "skip": chrononaut.RestoreSkip, "overwrite": chrononaut.RestoreOverwrite,
}

func (a *app) bringBackFlags(cmd *cobra.Command, f *bringBack) {
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "show the plan, try it and take it back")
	flags.BoolVar(&f.sql, "sql", false, "show the statements too")
	flags.StringVar(&f.onConflict, "on-conflict", "refuse", "records that have changed since: refuse, skip or overwrite")
	flags.BoolVar(&f.skipBlocked, "skip-blocked", false, "leave out records that cannot be written")
	flags.IntVar(&f.chunk, "chunk", 0, "a transaction for each N records (default: one for all)")
	flags.StringVar(&f.lease, "lease", "", "ID:TOKEN of the lease that it is done under (default: the environment variable "+leaseVariable+")")
	f.write = a.writeFlags(cmd)
}

// bringBack makes a plan, shows it, and applies it.
func (a *app) bringBack(ctx context.Context, f *bringBack, plan func(context.Context, *database) (*chrononaut.RestorePlan, error)) error {
	policy, ok := policies[f.onConflict]
	switch {
	case !ok:
		return usagef("--on-conflict skip", "--on-conflict is refuse, skip or overwrite")
	case f.chunk < 0:
		return usagef("", "--chunk must not be negative")
	case !f.dryRun && strings.TrimSpace(f.rationale) == "":
		return usagef("--dry-run to look, --rationale TEXT to do it.", "say why: --rationale")
	}
	ctx, err := a.leaseContext(a.writeContext(ctx, f.write), f.lease)
	if err != nil {
		return err
	}
	return a.withDatabase(ctx, false, func(db *database) error {
		p, err := plan(ctx, db)
		if err != nil {
			return err
		}
		if !a.json {
			a.printRestorePlan(p, f)
		}
		opts := &chrononaut.RestoreApplyOpts{OnConflict: policy, SkipBlocked: f.skipBlocked, ChunkSize: f.chunk}
		bar := a.progress(string(p.Kind))
		defer bar.end()
		opts.Progress = bar.records
		var result *chrononaut.RestoreResult
		if f.dryRun {
			result, err = p.DryRun(ctx, opts)
		} else {
			result, err = p.Apply(ctx, opts)
		}
		bar.end()
		return a.printRestored(p, f, result, err)
	})
}
