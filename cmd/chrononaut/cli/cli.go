// Package cli is the command chrononaut: its commands as a tree of cobra
// commands that reads and writes only what its [Config] names, so that it can
// be tested, or built into another program. Its API is not stable.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/chrononaut-go/chrononaut"
)

// Config is the world that the command runs in. Fields that are not set have
// the defaults of an empty world: no input, no environment, no terminal.
type Config struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Env returns an environment variable, or the empty string.
	Env func(name string) string
	// StdinTTY, StdoutTTY and StderrTTY say which of the streams are terminals.
	StdinTTY, StdoutTTY, StderrTTY bool
	// Width is the width of the terminal. Defaults to 80.
	Width int
	// Location is the time zone in which times are read, and printed on a
	// terminal. Defaults to UTC.
	Location *time.Location
	// User is the operating system's user, the default of --actor.
	User string
	// Version is what --version prints.
	Version string
}

// System returns the world of this process.
func System() *Config {
	c := &Config{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Env:       os.Getenv,
		StdinTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		StdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Location:  time.Local,
		User:      systemUser(),
		Version:   "unknown",
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		c.Width = width
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		c.Version = info.Main.Version
	}
	return c
}

func systemUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// Exit statuses.
const (
	exitDone  = 0
	exitNo    = 1
	exitError = 2
)

// app is one run of the command.
type app struct {
	Config
	globals
	// started is set when a command begins to run: errors before that are
	// errors of use.
	started bool
	out     *printer
	// answer is Stdout, for all but programs that the command starts.
	answer *output
	// lockTimeout is how long a command waits for another writer (SQLite);
	// zero means the default.
	lockTimeout time.Duration
}

// globals are the flags of all commands.
type globals struct {
	databaseURL string
	schema      string
	json        bool
	noColor     bool
	quiet       bool
}

func newApp(config *Config) *app {
	a := &app{}
	if config != nil {
		a.Config = *config
	}
	if a.Stdin == nil {
		a.Stdin = eof{}
	}
	if a.Stdout == nil {
		a.Stdout = io.Discard
	}
	if a.Stderr == nil {
		a.Stderr = io.Discard
	}
	if a.Env == nil {
		a.Env = func(string) string { return "" }
	}
	if a.Width <= 0 {
		a.Width = 80
	}
	if a.Location == nil {
		a.Location = time.UTC
	}
	a.answer = &output{w: a.Stdout}
	return a
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// New returns the command. A nil config means an empty world. Run it with
// ExecuteContext; [Run] also prints errors and gives the exit status.
func New(config *Config) *cobra.Command { return newApp(config).command() }

// Run runs the command with arguments, prints its error if there is one, and
// returns the exit status: 0 when it is done, 1 when the answer is no, 2 when
// it was used wrongly or failed.
func Run(ctx context.Context, config *Config, args []string) int {
	a := newApp(config)
	root := a.command() //nolint:contextcheck // commands get the context when they run
	root.SetArgs(args)
	// Not cobra's default, which is os.Args when there are no arguments.
	if args == nil {
		root.SetArgs([]string{})
	}
	cmd, err := root.ExecuteContextC(ctx)
	var no *noError
	if a.answer.err != nil && (err == nil || errors.As(err, &no) && no.quiet) {
		err = a.answer.err
	}
	if err == nil {
		return exitDone
	}
	return a.fail(ctx, cmd, err)
}

const (
	groupSetUp = "set-up"
	groupLook  = "look"
	groupBack  = "back"
	groupLock  = "lock"
	groupOther = "other"
)

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "chrononaut",
		Short: "Give the tables of an application a memory",
		Long: `Chrononaut gives the tables of an application a memory: who changed which
record, when, why, from what to what. Triggers in the database do the recording,
so every committed change is in the history, whoever made it.

Name the database once, in the environment:

  export DATABASE_URL=postgres://app@localhost/app       # PostgreSQL 14 or newer
  export DATABASE_URL=sqlite:shop.db                     # a SQLite file

Then install history, track a table, and look at what happens to it:

  chrononaut migrate up
  chrononaut track todos --baseline
  chrononaut log todos

TABLE is written as in SQL: todos, billing.todos, "Odd Name"."x". Names without
quotes are in lower case. (Mind the shell: '"Odd Name".x'.)

KEY is the value of the primary key, as it is: 42. When the key has several
columns, write them as in 'order_id=7,line=2'; a value with a comma or a quote
goes in double quotes, as in CSV: 'name="Smith, Ann",born=1970-01-01'. That form
is good for one column too, and a value that begins with - needs -- before the
arguments.

Times are RFC 3339 (2026-11-24T09:30:00+01:00), local time ('2026-11-24',
'2026-11-24 09:30', '2026-11-24 09:30:15.123456'), a time ago (-2h, -90m, -3d),
or now. What happened at exactly that time counts.

Every command prints JSON with --json. The exit status is 0 when the command is
done, 1 when the answer is no (check found something, there is no such record
or version), and 2 when it was used wrongly or failed. See docs/command.md.`,
		Example: `  chrononaut demo
  chrononaut check
  chrononaut log todos 42 --since -7d
  chrononaut show todos 42 --at '2026-11-24 09:30'
  chrononaut diff todos 42`,
		Version:       a.Version,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.answer)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return err })
	if a.Version == "" {
		root.Version = "unknown"
	}

	flags := root.PersistentFlags()
	flags.StringVar(&a.databaseURL, "database-url", "", "the database: postgres://... or sqlite:FILE (default: the environment variable DATABASE_URL)")
	flags.StringVar(&a.schema, "schema", chrononaut.DefaultSchema, "the schema that holds history (PostgreSQL)")
	flags.BoolVar(&a.json, "json", false, "print JSON")
	flags.BoolVar(&a.noColor, "no-color", false, "no colors (also: the environment variable NO_COLOR)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print no progress and no remarks")

	root.AddGroup(
		&cobra.Group{ID: groupSetUp, Title: "Set up:"},
		&cobra.Group{ID: groupLook, Title: "Look at the past:"},
		&cobra.Group{ID: groupBack, Title: "Bring it back:"},
		&cobra.Group{ID: groupLock, Title: "Keep it from being changed:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupSetUp, a.migrateCommand(), a.trackCommand(), a.untrackCommand(), a.renameCommand(), a.strictCommand(), a.hardenCommand(), a.checkCommand(), a.diffSchemaCommand(), a.importCommand(), a.adoptCommand(), a.convertCommand())
	add(groupOther, a.demoCommand())
	add(groupLook, a.logCommand(), a.showCommand(), a.diffCommand(), a.blameCommand(), a.queryCommand(), a.shellCommand(), a.snapshotCommand())
	add(groupBack, a.restoreCommand(), a.undeleteCommand(), a.revertCommand())
	add(groupLock, a.holdCommand(), a.releaseCommand(), a.holdsCommand(), a.leaseCommand())
	root.SetHelpCommand(helpCommand(root))
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.start(cmd) }
	return root
}

// start is called when flags and arguments are known to be well formed.
func (a *app) start(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		// A shell variable that is not set must not change what is asked for.
		if f.Value.String() == "" && f.Name != "hidden" && f.Name != "untracked" {
			err = fmt.Errorf("--%s must not be empty", f.Name)
		}
	})
	if err != nil {
		return err
	}
	a.started = true
	a.out = newPrinter(a)
	return nil
}

// group returns a command that only holds others.
func group(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		// Without a RunE, cobra would answer an unknown command with the help
		// text and success.
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("unknown command " + quoteArg(args[0]) + " for " + quoteArg(cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}

// write are the flags of commands that write.
type write struct {
	actor     string
	rationale string
}

func (a *app) writeFlags(cmd *cobra.Command) *write {
	w := &write{}
	cmd.Flags().StringVar(&w.actor, "actor", "", "who does it (default: the operating system's user)")
	cmd.Flags().StringVar(&w.rationale, "rationale", "", "why")
	return w
}

// writeContext returns a context under which changes are recorded as made by the
// user of the command.
func (a *app) writeContext(ctx context.Context, w *write) context.Context {
	actor := w.actor
	if actor == "" {
		actor = a.User
	}
	if actor != "" {
		ctx = chrononaut.WithActor(ctx, actor)
	}
	if w.rationale != "" {
		ctx = chrononaut.WithRationale(ctx, w.rationale)
	}
	return ctx
}
