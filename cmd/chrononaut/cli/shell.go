package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/internal/pgpast"
)

func (a *app) shellCommand() *cobra.Command {
	var f *pastFlags
	cmd := &cobra.Command{
		Use:   "shell --as-of POINT [-- PSQL-ARGUMENTS]",
		Short: "Start psql in the past",
		Long: `Shell starts psql, in which every statement reads the past, also after an error,
a COMMIT or a new connection. The prompt shows the point. Nothing can be written.

Psql does not connect to the server but to this program, which logs in, and
passes each statement on in a transaction that reads the past. Names that are
qualified with a schema mean the past too. A statement that reads the present
all the same, through a function, fails without a result. Passwords stay in this
program.

What follows -- are arguments for psql, such as -c or -f; those that name another
server lead past this program. It exits with the status of psql. PostgreSQL only.`,
		Example: `  chrononaut shell --as-of '2026-11-24 09:30'
  chrononaut shell --as-of -2h --untracked present
  chrononaut shell --as-of transaction:81723 -- -f report.sql`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.parsePast(f)
			switch {
			case err != nil:
				return err
			case a.json:
				return usagef("chrononaut query prints JSON.", "shell has no JSON")
			}
			t, err := a.target()
			switch {
			case err != nil:
				return err
			case t.dialect != chronodriver.PostgreSQL:
				return usagef("chrononaut query --as-of POINT SQL.", "shell is for PostgreSQL: sqlite3 would read the present of qualified names")
			}
			psql, err := exec.LookPath("psql")
			if err != nil {
				return hinted(errors.New("psql was not found"), "install the client of PostgreSQL, or use chrononaut query.")
			}
			return a.withDatabase(cmd.Context(), false, func(db *database) error {
				ctx, err := p.in(cmd.Context(), db)
				if err != nil {
					return err
				}
				return a.shell(ctx, db, p.point, psql, args)
			})
		},
	}
	f = pastFlagsOf(cmd)
	return cmd
}

// shell runs psql until it ends.
func (a *app) shell(ctx context.Context, db *database, at chrononaut.Point, psql string, args []string) (err error) {
	point, err := pgpast.NewPoint(ctx, a.schema)
	if err != nil {
		return err
	}
	clock, err := a.tryPast(ctx, db, point)
	if err != nil {
		return explainQuery(err)
	}
	// Nobody else may look into it.
	dir, err := os.MkdirTemp("", "chrononaut-shell-")
	if err != nil {
		return fmt.Errorf("make a directory for psql: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	const port = "5432"
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", filepath.Join(dir, ".s.PGSQL."+port))
	if err != nil {
		return fmt.Errorf("open a socket for psql: %w", err)
	}

	// Ctrl-C is for psql, which ends a statement with it, so it ends neither ctx
	// nor, the second time, this program.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	served := make(chan error, 1)
	server := db.postgres.Config().ConnConfig.Config.Copy()
	delete(server.RuntimeParams, "application_name") // psql has its own
	go func() { served <- pgpast.NewProxy(server, point).Serve(ctx, listener) }()
	defer func() { stop(); err = errors.Join(err, <-served) }()

	startUp := filepath.Join(dir, "psqlrc")
	if err := os.WriteFile(startUp, []byte(a.psqlrc(at, clock)), 0o600); err != nil {
		return fmt.Errorf("write a start-up file for psql: %w", err)
	}
	run := exec.CommandContext(ctx, psql, args...) //nolint:gosec // the arguments are the user's own
	run.Stdin, run.Stdout, run.Stderr = a.Stdin, a.Stdout, a.Stderr
	run.Env = append(psqlEnvironment(os.Environ()), "PGHOST="+dir, "PGPORT="+port, "PGUSER="+server.User, "PGDATABASE="+server.Database, "PSQLRC="+startUp)
	var exit *exec.ExitError
	if err := run.Run(); errors.As(err, &exit) {
		return fmt.Errorf("psql: %s", exit.ProcessState)
	} else if err != nil {
		return fmt.Errorf("run psql: %w", err)
	}
	return nil
}

// tryPast finds out whether the point can be read, and what time it is there.
func (a *app) tryPast(ctx context.Context, db *database, point *pgpast.Point) (clock time.Time, err error) {
	conn, err := db.postgres.Acquire(ctx)
	if err != nil {
		return clock, err
	}
	defer conn.Release()
	return point.Clock(ctx, conn.Conn().PgConn())
}

// psqlrc is a start-up file of psql: the user's own, and a prompt that shows the
// point.
func (a *app) psqlrc(at chrononaut.Point, clock time.Time) string {
	own := a.Env("PSQLRC")
	if own == "" {
		own = filepath.Join(a.Env("HOME"), ".psqlrc")
	}
	var b strings.Builder
	if _, err := os.Stat(own); err == nil {
		b.WriteString("\\i " + psqlQuote(own) + "\n")
	}
	shown := clock.In(a.Location).Format("2006-01-02 15:04:05.999999Z07:00")
	if _, ok := at.Time(); !ok {
		kind, _, _ := strings.Cut(at.String(), ":")
		shown = kind + " of " + shown
	}
	b.WriteString("\\set PROMPT1 " + psqlQuote("%/ ["+shown+"]%R%x%# ") + "\n")
	b.WriteString("\\set PROMPT2 " + psqlQuote("%/ ["+shown+"]%R%x%# ") + "\n")
	return b.String()
}

// psqlQuote quotes an argument of a command of psql.
func psqlQuote(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`, "\n", `\n`).Replace(s) + "'"
}

// psqlEnvironment is the environment without what says how to connect, and
// without passwords.
func psqlEnvironment(environment []string) []string {
	keep := []string{"PGAPPNAME", "PGOPTIONS", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGCLIENTENCODING", "PGLOCALEDIR"}
	return slices.DeleteFunc(slices.Clone(environment), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "DATABASE_URL" || name == "PSQLRC" || strings.HasPrefix(name, "PG") && !slices.Contains(keep, name)
	})
}
