package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/musicshop"
)

func (a *app) demoCommand() *cobra.Command {
	var file string
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it at work on a small music shop in SQLite",
		Long: `Demo makes a SQLite file with the tables of a music shop, tracks them, changes
records as two people, looks at what history knows, and freezes a record. It shows
every command and every statement with its result, checks that each is as it should
be, and exits with 2 if one is not. It needs no set-up, ends within seconds and
leaves nothing behind, unless --keep or --file says so.`,
		Example: `  chrononaut demo
  chrononaut demo --file shop.db`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), file, keep) },
	}
	cmd.Flags().StringVar(&file, "file", "", "make this file, which must not exist, and keep it")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the file")
	return cmd
}

func (a *app) demo(ctx context.Context, file string, keep bool) (err error) {
	switch file {
	case "":
		dir, err := os.MkdirTemp("", "chrononaut-demo-")
		if err != nil {
			return fmt.Errorf("make a directory: %w", err)
		}
		if !keep {
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		}
		file = filepath.Join(dir, "shop.db")
	default:
		keep = true
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return hinted(fmt.Errorf("make %s: %w", quoteArg(file), fs.ErrExist), "give the name of a file that does not exist.")
		}
	}
	db, err := a.open(ctx, target{dialect: chronodriver.SQLite, file: file}, true)
	if err != nil {
		return err
	}
	defer db.close()
	d := &demo{a: a, db: db, url: "sqlite:" + file, out: a.answer}
	if a.json {
		d.out = io.Discard
	}
	start := time.Now()
	if err := d.play(ctx); err != nil {
		return err
	}
	if a.json {
		return a.out.json(demoJSON{OK: true, Steps: d.steps})
	}
	a.out.line("\nEverything is as it should be, after %.1f seconds.", time.Since(start).Seconds())
	if keep {
		a.out.line("To look around: export DATABASE_URL=%s", shellArg(d.url))
	}
	return nil
}

// demo is a run of the demo. After the first thing that is not as it should be
// (err), it does nothing more.
type demo struct {
	a     *app
	db    *database
	url   string
	out   io.Writer
	title string
	steps []demoStep
	err   error
}

type demoJSON struct {
	OK    bool       `json:"ok"`
	Steps []demoStep `json:"steps"`
}

// demoStep is a command, or a statement that somebody ran.
type demoStep struct {
	Title     string   `json:"title"`
	Command   []string `json:"command,omitempty"`
	SQL       string   `json:"sql,omitempty"`
	Actor     string   `json:"actor,omitempty"`
	Rationale string   `json:"rationale,omitempty"`
	Output    string   `json:"output"`
}

const (
	ann = "ann@tapedeck.example"
	bob = "bob@tapedeck.example"
)

// play is the story.
func (d *demo) play(ctx context.Context) error {
	d.build(ctx)
	d.track(ctx)
	d.change(ctx)
	d.look(ctx)
	d.hold(ctx)
	d.rewrite(ctx)
	return d.err
}

func (d *demo) build(ctx context.Context) {
	if _, err := d.exec(ctx, strings.Join(musicshop.Statements(), ";\n")); err != nil {
		d.err = fmt.Errorf("make the shop: %w", err)
		return
	}
	total := 0
	for _, rows := range musicshop.Rows() {
		total += rows
	}
	d.say("A music shop in SQLite: %d tables, %d rows.", len(musicshop.Tables()), total)
	d.say("Lines with $ are commands, as you would type them; lines with > are SQL of the shop's application.")
	d.say("\n$ export DATABASE_URL=%s", shellArg(d.url))
}

func (d *demo) track(ctx context.Context) {
	d.chapter("Give the tables a memory")
	rows := musicshop.Rows()
	d.command(ctx, exitDone, []string{"migrate", "up"}, "applied migration")
	track := func(table string, flags ...string) {
		args := append([]string{"track", table, "--baseline"}, flags...)
		d.command(ctx, exitDone, args, "tracked", fmt.Sprintf("recorded the present state of %d rows", rows[table]))
	}
	track("customer", "--hidden", "phone")
	d.say("The other tables likewise.")
	shown := d.out
	d.out = io.Discard
	for _, table := range musicshop.Tables() {
		if table != "customer" {
			track(table)
		}
	}
	d.out = shown
	d.command(ctx, exitDone, []string{"check"}, fmt.Sprintf("%d tables checked: capture is complete", len(rows)))
}

func (d *demo) change(ctx context.Context) {
	d.chapter("Two people change things")
	d.sql(ctx, ann, "the label has new prices", 6, "UPDATE track SET unit_price = 1.49 WHERE album_id = 4")
	d.sql(ctx, bob, "moved, ticket 4711", 1, "UPDATE customer SET address = '3 Ferry Road', city = 'Bergen', phone = '+47 555 000111' WHERE id = 7")
	d.sql(ctx, ann, "nobody listens to it", 1, "DELETE FROM playlist WHERE id = 2")
	d.sql(ctx, ann, "typo", 1, "UPDATE customer SET address = '13 Ferry Road' WHERE id = 7")
}

func (d *demo) look(ctx context.Context) {
	before, city := d.before(ctx)
	d.chapter("Who did what, and why")
	d.command(ctx, exitDone, []string{"log", "--actor", ann, "--limit", "4"}, "typo", "3 Ferry Road → 13 Ferry Road", "playlist_track")
	d.command(ctx, exitDone, []string{"log", "track", "--column", "unit_price", "--operation", "update", "--limit", "3"}, ann, "1.49")
	d.command(ctx, exitDone, []string{"log", "customer", "7"}, bob, "moved, ticket 4711", "phone (hidden)")
	d.chapter("What became of a record")
	d.command(ctx, exitDone, []string{"diff", "customer", "7", "--from", "0", "--to", "2"}, "13 Ferry Road", "Bergen", city, "(hidden)")
	d.chapter("As it was before all that, and a record that is gone")
	d.command(ctx, exitDone, []string{"show", "customer", "7", "--at", before}, "baseline", city)
	d.command(ctx, exitNo, []string{"show", "playlist", "2"}, "deleted at version 1")
	d.command(ctx, exitDone, []string{"show", "playlist", "2", "--version", "1"}, ann, "Long drives")
}

// before returns a time before the first change, and where customer 7 lived
// then.
func (d *demo) before(ctx context.Context) (at, city string) {
	if d.err != nil {
		return "", ""
	}
	history := chrononaut.NewHistory[struct{}](d.db.client, chrononaut.Table{Name: "customer"}, nil)
	s, err := history.Version(ctx, 7, 0)
	if err != nil {
		d.err = err
		return "", ""
	}
	city, _ = s.Data.Text("city")
	return d.a.out.time(s.Changed), city
}

func (d *demo) hold(ctx context.Context) {
	d.chapter("A lawsuit: customer 4 and the invoices stay as they are")
	d.command(ctx, exitDone, []string{"hold", "customer", "4", "--child", "invoice>invoice_line", "--reason", "lawsuit 2026/4", "--actor", ann}, "hold 1", "invoice_line")
	d.refused(ctx, bob, chrononaut.ErrHeld, "UPDATE customer SET city = 'Oslo' WHERE id = 4")
	d.refused(ctx, bob, chrononaut.ErrHeld, "DELETE FROM invoice WHERE customer_id = 4")
	d.command(ctx, exitDone, []string{"holds"}, ann, "lawsuit 2026/4")
	d.command(ctx, exitDone, []string{"release", "1", "--rationale", "settled", "--actor", ann}, "released hold 1")
	d.sql(ctx, bob, "moved", 1, "UPDATE customer SET city = 'Oslo' WHERE id = 4")
}

func (d *demo) rewrite(ctx context.Context) {
	d.chapter("Bob tries to rewrite history")
	before := d.count(ctx)
	d.refused(ctx, bob, chrononaut.ErrAppendOnly, `UPDATE chrononaut_activity SET user_info = '{"user_id": "someone else"}' WHERE table_name = 'customer'`)
	d.refused(ctx, bob, chrononaut.ErrAppendOnly, `DELETE FROM chrononaut_activity`)
	if after := d.count(ctx); d.err == nil && after != before {
		d.err = fmt.Errorf("history has %d changes, want %d", after, before)
	}
	d.command(ctx, exitDone, []string{"check"}, "capture is complete")
}

// count counts the changes in history.
func (d *demo) count(ctx context.Context) int {
	if d.err != nil {
		return 0
	}
	var all []chrononaut.Change
	all, d.err = d.db.client.Activity(ctx, &chrononaut.ActivityOpts{Limit: -1})
	return len(all)
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) chapter(title string) {
	if d.err != nil {
		return
	}
	d.title = title
	d.say("\n%s", d.a.out.paint(strong, title))
}

// command runs a command as Run does, shows it, and compares its exit status
// and its output with what they should be.
func (d *demo) command(ctx context.Context, status int, args []string, want ...string) {
	if d.err != nil {
		return
	}
	line := "chrononaut"
	for _, arg := range args {
		line += " " + shellArg(arg)
	}
	d.say("$ %s", line)

	terminal := d.a.StdoutTTY && !d.a.json
	got, text := d.run(ctx, terminal, d.out, args)
	if terminal && slices.Contains([]string{"log", "show", "diff", "holds"}, args[0]) {
		// What it looks for may have been cut.
		_, text = d.run(ctx, false, io.Discard, args)
	}
	d.steps = append(d.steps, demoStep{Title: d.title, Command: append([]string{"chrononaut"}, args...), Output: text})
	if d.err = ctx.Err(); d.err == nil && got != status {
		d.err = fmt.Errorf("%s exits with %d, want %d", line, got, status)
	}
	for _, part := range want {
		if d.err == nil && !strings.Contains(text, part) {
			d.err = fmt.Errorf("%s does not print %s", line, quoteArg(part))
		}
	}
}

// run runs a command on the demo's database.
func (d *demo) run(ctx context.Context, terminal bool, out io.Writer, args []string) (status int, text string) {
	var output bytes.Buffer
	config := d.a.Config
	config.Stdout = io.MultiWriter(out, &output)
	config.Stderr = config.Stdout
	config.StdinTTY, config.StdoutTTY, config.StderrTTY = false, terminal, false
	config.Env = func(name string) string {
		switch {
		case name == "DATABASE_URL":
			return d.url
		case name == "NO_COLOR" && d.a.noColor:
			return "1"
		}
		return d.a.Env(name)
	}
	status = Run(ctx, &config, args)
	return status, ansi.Strip(output.String())
}

// sql runs a statement as somebody, shows it, and compares the number of rows
// with what it should be.
func (d *demo) sql(ctx context.Context, actor, rationale string, rows int64, statement string) {
	if d.err != nil {
		return
	}
	got, err := d.exec(chrononaut.WithRationale(chrononaut.WithActor(ctx, actor), rationale), statement)
	if err != nil {
		d.err = fmt.Errorf("%s: %w", statement, err)
		return
	}
	output := plural(got, "row", "rows")
	d.say("> %s\n%s  %s", statement, output, d.a.out.paint(faint, "by "+actor+": "+rationale))
	d.steps = append(d.steps, demoStep{Title: d.title, SQL: statement, Actor: actor, Rationale: rationale, Output: output})
	if got != rows {
		d.err = fmt.Errorf("%s: %s, want %d", statement, output, rows)
	}
}

// refused runs a statement that must be refused with an error.
func (d *demo) refused(ctx context.Context, actor string, want error, statement string) {
	if d.err != nil {
		return
	}
	_, err := d.exec(chrononaut.WithActor(ctx, actor), statement)
	if err = chrononaut.WrapError(err); !errors.Is(err, want) {
		d.err = errors.Join(fmt.Errorf("%s: it was not refused", statement), err)
		return
	}
	output := "refused: " + want.Error()
	var held *chrononaut.HeldError
	if errors.As(err, &held) {
		output = "refused: " + held.Error()
	}
	d.say("> %s\n%s", statement, d.a.out.paint(bad, output))
	d.steps = append(d.steps, demoStep{Title: d.title, SQL: statement, Actor: actor, Output: output})
}

// exec runs a statement in a transaction of its own.
func (d *demo) exec(ctx context.Context, statement string) (rows int64, err error) {
	tx, err := d.db.driver.Begin(ctx)
	if err != nil {
		return 0, err
	}
	if rows, err = tx.Exec(ctx, statement); err != nil {
		return 0, errors.Join(err, tx.Rollback(ctx))
	}
	return rows, tx.Commit(ctx)
}
