package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

// holdFlags are the flags of hold.
type holdFlags struct {
	actor, reason                string
	children                     []string
	all, twoPeople, allowInserts bool
	timeout                      time.Duration
}

func (a *app) holdCommand() *cobra.Command {
	f := &holdFlags{}
	cmd := &cobra.Command{
		Use:   "hold TABLE [KEY...] --reason TEXT",
		Short: "Freeze records, or a table, until the hold is released",
		Long: `Hold freezes records, or with --all a whole table: until it is released, the
database refuses every write to them, whoever makes it, in psql too, and the
deletion of their history. Somebody who tries is told who holds them, since when
and why.

--child also freezes the rows of another table that belong to them, those that
there are and those that would be inserted, by a foreign key or by the columns
that are named. It can be repeated, and goes on to rows below with >. Tables that
are held must be tracked.

--two-people asks for two actors, which are what --actor says: one person can name
two. The log has the database role of both.

It waits for transactions that write the records, and says so when --timeout is
over. A hold is in the log, and chrononaut holds lists those that there are.`,
		Example: `  chrononaut hold todos 42 --reason 'lawsuit 2026/4'
  chrononaut hold customers 42 43 --reason 'audit' --child 'orders>order_lines' --two-people
  chrononaut hold todos 42 --reason 'audit' --child 'notes:todo_id=id'
  chrononaut hold prices --all --allow-insert --reason 'the books of 2026 are closed'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.hold(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.reason, "reason", "", "why; required, and shown to whom it refuses")
	flags.StringArrayVar(&f.children, "child", nil, "also rows of this table that belong to them; may be repeated")
	flags.BoolVar(&f.all, "all", false, "the whole table")
	flags.BoolVar(&f.allowInserts, "allow-insert", false, "with --all: rows may still be inserted")
	flags.BoolVar(&f.twoPeople, "two-people", false, "only two actors together can release it")
	flags.DurationVar(&f.timeout, "timeout", 0, "how long to wait for those who write the records (default: as long as the server lets it)")
	flags.StringVar(&f.actor, "actor", "", "who does it (default: the operating system's user)")
	return cmd
}

func (a *app) hold(ctx context.Context, args []string, f *holdFlags) error {
	name, err := parseTable(args[0])
	if err != nil {
		return err
	}
	switch {
	case f.all == (len(args) > 1):
		return usagef("give the keys of records, or --all for the whole table.", "give keys, or --all")
	case f.allowInserts && !f.all:
		return usagef("", "--allow-insert is for a whole table: --all")
	case f.timeout < 0:
		return usagef("", "--timeout must not be negative")
	case strings.TrimSpace(f.reason) == "":
		return usagef("--reason TEXT, which is shown to those whom the hold refuses.", "say why: --reason")
	}
	var children []chrononaut.Relation
	for _, child := range f.children {
		r, err := parseRelation(child)
		if err != nil {
			return usagef(childHint, "--child %s: %v", quoteArg(child), err)
		}
		children = append(children, r)
	}
	a.lockTimeout = f.timeout
	ctx = a.writeContext(ctx, &write{actor: f.actor})
	return a.withDatabase(ctx, false, func(db *database) error {
		table, keys, err := db.keys(ctx, name, args[1:])
		if err != nil {
			return err
		}
		if f.all {
			keys = nil
		}
		opts := &chrononaut.HoldOpts{TwoPeople: f.twoPeople, AllowInsert: f.allowInserts, Timeout: f.timeout}
		if opts.Children, err = db.relations(ctx, table, children); err != nil {
			return err
		}
		h, err := db.client.Hold(ctx, table, keys, f.reason, opts)
		switch {
		case errors.Is(err, chrononaut.ErrNotFound):
			return &noError{err: err, reason: "not_found", try: "chrononaut log " + shellArg(table.String()) + " shows which records there were."}
		case errors.Is(err, chrononaut.ErrLocking) && len(children) > 0 && serverHint(err) == "":
			return hinted(err, childHint)
		case err != nil:
			return err
		}
		if a.json {
			return a.out.json(newHoldJSON(h))
		}
		a.out.line("hold %d: %s", h.ID, clean(holdText(h)))
		return nil
	})
}

func (a *app) releaseCommand() *cobra.Command {
	var w *write
	cmd := &cobra.Command{
		Use:   "release ID --rationale TEXT",
		Short: "Release a hold",
		Long: `Release ends a hold, by its number: chrononaut holds lists them. A hold that was
placed with --two-people needs two: the first asks for its release, which changes
nothing yet (exit 1), and another person releases it with the same command. People
are told apart by --actor alone: it is what they say.`,
		Example: `  chrononaut release 12 --rationale 'the lawsuit is settled'
  chrononaut release 12 --actor bob@example.com --rationale 'seen and agreed'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseNumber(args[0])
			switch {
			case err != nil:
				return usagef("chrononaut holds lists the numbers of holds.", "%s is not the number of a hold", quoteArg(args[0]))
			case strings.TrimSpace(w.rationale) == "":
				return usagef("--rationale TEXT", "say why: --rationale")
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error { return a.release(ctx, db, id, w.rationale) })
		},
	}
	w = a.writeFlags(cmd)
	return cmd
}

func (a *app) release(ctx context.Context, db *database, id int64, rationale string) error {
	h, err := db.client.Release(ctx, id, rationale)
	switch {
	case errors.Is(err, chrononaut.ErrNotFound):
		return &noError{err: err, reason: "not_found", try: "chrononaut holds --all lists all holds."}
	case errors.Is(err, chrononaut.ErrLocking):
		// It was released already, or somebody else has to do it.
		return &noError{err: err, reason: "refused", try: "chrononaut holds --all says who released it, or asked for that."}
	case err != nil:
		return err
	}
	if a.json {
		err = a.out.json(newHoldJSON(h))
	} else if h.Released != nil {
		a.out.line("released hold %d: %s", h.ID, clean(holdText(h)))
	}
	if err == nil && h.Released == nil {
		err = secondPerson(h)
	}
	return err
}

// secondPerson says that a hold was asked to be released, and by whom; it needs
// another to do it.
func secondPerson(h *chrononaut.Hold) error {
	return &noError{
		err: fmt.Errorf("hold %d needs a second person: %s has asked for its release, and it stays in force until another one releases it",
			h.ID, person(h.Requested.Actor, h.Requested.DatabaseUser)),
		reason: "second_person",
		try:    fmt.Sprintf("somebody else runs chrononaut release %d --rationale TEXT.", h.ID),
	}
}
