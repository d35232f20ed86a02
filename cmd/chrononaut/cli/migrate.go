package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (a *app) migrateCommand() *cobra.Command {
	cmd := group("migrate", "Install, update or remove the history schema",
		`The history schema is the tables that hold history and the functions that
guard it. On PostgreSQL it is a schema of its own (--schema), on SQLite a few
tables. It has numbered migrations; which ones have run is kept with it.`)
	cmd.AddCommand(a.upCommand(), a.downCommand(), a.statusCommand(), a.getCommand())
	return cmd
}

type migratedJSON struct {
	Version    int    `json:"version"`
	Name       string `json:"name"`
	SQL        string `json:"sql"`
	DurationMS int64  `json:"duration_ms"`
}

type migrateJSON struct {
	DryRun     bool           `json:"dry_run"`
	Migrations []migratedJSON `json:"migrations"`
}

func (a *app) printMigrated(result *chronomigrate.MigrateResult, dryRun bool, done, nothing string) error {
	if a.json {
		shape := migrateJSON{DryRun: dryRun, Migrations: []migratedJSON{}}
		for _, m := range result.Versions {
			shape.Migrations = append(shape.Migrations, migratedJSON{m.Version, m.Name, m.SQL, m.Duration.Milliseconds()})
		}
		return a.out.json(shape)
	}
	for _, m := range result.Versions {
		if dryRun {
			a.out.line("-- migration %03d %s\n%s", m.Version, m.Name, strings.TrimSpace(m.SQL))
			continue
		}
		a.out.line("%s migration %03d %s (%s)", done, m.Version, m.Name, m.Duration.Round(time.Millisecond))
	}
	if len(result.Versions) == 0 {
		a.out.remark("%s", nothing)
	}
	return nil
}

func (a *app) upCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Install history, or bring it to the newest version",
		Long: `Up installs the history schema or brings it to the version that this program
knows. All migrations run in one transaction. It is safe to run again and from
several programs at once, for example at every deployment. A SQLite file that
does not exist is made.

The role needs the right to create a schema in the database.`,
		Example: `  chrononaut migrate up
  chrononaut migrate up --dry-run
  chrononaut migrate up --schema audit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.withDatabase(ctx, !dryRun, func(db *database) error {
				result, err := db.migrator.Up(ctx, &chronomigrate.MigrateOpts{DryRun: dryRun})
				if err != nil {
					return err
				}
				return a.printMigrated(result, dryRun, "applied", "history is at the newest version")
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the SQL and run nothing")
	return cmd
}

func (a *app) downCommand() *cobra.Command {
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Remove the history schema and all history in it",
		Long: `Down removes the history schema, and with it all history, for good. It refuses
while a table is tracked: untrack it first.

If there is history, it asks on a terminal; elsewhere it needs --yes.`,
		Example: `  chrononaut migrate down --dry-run
  chrononaut migrate down --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.withDatabase(ctx, false, func(db *database) error {
				// The library refuses what is wrong before anything is asked.
				result, err := db.migrator.Down(ctx, &chronomigrate.MigrateOpts{DryRun: true})
				if err != nil {
					return err
				}
				if !dryRun {
					if err := a.confirmDown(ctx, db, yes || len(result.Versions) == 0); err != nil {
						return err
					}
					if result, err = db.migrator.Down(ctx, nil); err != nil {
						return err
					}
				}
				return a.printMigrated(result, dryRun, "removed", "history is not installed")
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the SQL and run nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) confirmDown(ctx context.Context, db *database, yes bool) error {
	if yes {
		return nil
	}
	changes, err := db.client.Activity(ctx, &chrononaut.ActivityOpts{Limit: 1})
	if err != nil || len(changes) == 0 {
		return err
	}
	if !a.StdinTTY || !a.StderrTTY {
		return usagef("chrononaut migrate down --yes, or --dry-run to see what it does.", "there is history, and this deletes it for good")
	}
	fmt.Fprint(a.Stderr, "This deletes all history for good. Type yes to go on: ")
	answer, err := bufio.NewReader(a.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(&noError{err: errors.New("nothing was removed"), reason: "declined"}, ctx.Err())
	}
	return ctx.Err()
}

type statusJSON struct {
	Version int    `json:"version"`
	Latest  int    `json:"latest"`
	State   string `json:"state"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show which version of history is installed",
		Long: `Status compares the version of the history schema with the one that this
program knows. It exits with 1 when they differ: history is not installed
(missing), needs chrononaut migrate up (behind), or was installed by a newer
program (newer).`,
		Example: `  chrononaut migrate status
  chrononaut migrate status --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd.Context(), false, func(db *database) error {
				status, err := db.migrator.Status(cmd.Context())
				if err != nil {
					return err
				}
				up := "chrononaut migrate up"
				switch python, err := db.python(cmd.Context()); {
				case err != nil:
					return err
				case python:
					up = "chrononaut adopt, because the schema has the history table of Python chrononaut"
				}
				shape := statusJSON{status.Version, status.Latest, "current"}
				text := fmt.Sprintf("history is at version %d, the newest", status.Version)
				switch {
				case status.Version == 0:
					shape.State, text = "missing", "history is not installed; run "+up
				case status.Version < status.Latest:
					shape.State = "behind"
					text = fmt.Sprintf("history is at version %d of %d; run chrononaut migrate up", status.Version, status.Latest)
				case status.Version > status.Latest:
					shape.State = "newer"
					text = fmt.Sprintf("history is at version %d, this program knows %d; use a newer chrononaut", status.Version, status.Latest)
				}
				if a.json {
					err = a.out.json(shape)
				} else {
					a.out.line("%s", a.inSchema(text))
				}
				if err == nil && shape.State != "current" {
					err = errNo
				}
				return err
			})
		},
	}
}
