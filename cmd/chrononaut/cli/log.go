package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// logFlags are the flags of log, as text.
type logFlags struct {
	actor, column, operation string
	since, until             string
	transaction              uint64
	beforeID, afterID        int64
	limit                    int
	oldestFirst, withTx      bool
}

var operations = []chrononaut.Operation{
	chrononaut.OperationInsert, chrononaut.OperationUpdate, chrononaut.OperationDelete, chrononaut.OperationTruncate,
	chrononaut.OperationRestore, chrononaut.OperationBaseline, chrononaut.OperationTrack, chrononaut.OperationUntrack, chrononaut.OperationSuppress,
	chrononaut.OperationHold, chrononaut.OperationReleaseRequest, chrononaut.OperationRelease,
	chrononaut.OperationLease, chrononaut.OperationLeaseTakeover, chrononaut.OperationLeaseRelease,
	"import", "convert", "mirror", // of a table, or a view
	"strict", "harden", // of the database
}

// operationHint lists them.
func operationHint() string {
	names := make([]string, len(operations))
	for i, o := range operations {
		names[i] = string(o)
	}
	return "one of " + strings.Join(names, ", ") + "."
}

func (a *app) logCommand() *cobra.Command {
	f := &logFlags{}
	cmd := &cobra.Command{
		Use:   "log [TABLE [KEY]]",
		Short: "Show what was changed, by whom and why",
		Long: `Log shows changes, the newest first: of one record, of a table, or of all
tables. Conditions add up. The log of a record follows it through changes of its
primary key, and is there after the record was deleted; it has the holds on the
record too, and its leases if --operation asks for them.

It shows the last 50 changes unless --limit says otherwise. To go on, give the
id of the last one: --before-id, or with --oldest-first --after-id. JSON has the
ids. In JSON every change is an object on a line of its own, with the whole
state after it (data) and what it did to the columns (diff).`,
		Example: `  chrononaut log
  chrononaut log todos --since -7d --actor ann@example.com
  chrononaut log todos 42
  chrononaut log order_lines order_id=7,line=2 --column price
  chrononaut log --tx 81723 --oldest-first --limit 0 --json`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return a.log(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.actor, "actor", "", "only changes by this actor")
	flags.StringVar(&f.since, "since", "", "only changes at or after this time")
	flags.StringVar(&f.until, "until", "", "only changes at or before this time")
	flags.StringVar(&f.column, "column", "", "only changes that gave this column another value")
	flags.StringVar(&f.operation, "operation", "", "only this operation: insert, update, delete, hold, lease, ...")
	flags.Uint64Var(&f.transaction, "tx", 0, "only changes of this transaction")
	flags.Int64Var(&f.beforeID, "before-id", 0, "only changes with a smaller id")
	flags.Int64Var(&f.afterID, "after-id", 0, "only changes with a greater id")
	flags.IntVarP(&f.limit, "limit", "n", 50, "the greatest number of changes; 0 is no limit")
	flags.BoolVar(&f.withTx, "with-tx", false, "show the transaction of each change, which revert --tx undoes")
	flags.BoolVar(&f.oldestFirst, "oldest-first", false, "show the oldest change first")
	return cmd
}

func (a *app) log(ctx context.Context, args []string, f *logFlags) error {
	opts, since, until, err := a.activityOpts(f)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		if opts.Table, err = parseTable(args[0]); err != nil {
			return err
		}
	}
	return a.withDatabase(ctx, false, func(db *database) error {
		var err error
		if opts.Since, err = db.time(ctx, since); err != nil {
			return err
		}
		if opts.Until, err = db.time(ctx, until); err != nil {
			return err
		}
		if len(args) == 0 {
			return a.printLog(ctx, db, opts, db.client.ActivityAll(ctx, opts), f, logOfAll)
		}
		entry, exists, err := db.requireTracked(ctx, opts.Table)
		if err != nil {
			return err
		}
		opts.Table = entry.Table
		if opts.Column != "" {
			if opts.Column, err = db.column(ctx, entry.Table, opts.Column); err != nil {
				return err
			}
		}
		if len(args) == 1 {
			return a.printLog(ctx, db, opts, db.client.ActivityAll(ctx, opts), f, logOfTable)
		}
		key, err := db.key(ctx, entry, exists, args[1])
		if err != nil {
			return err
		}
		return a.printLog(ctx, db, opts, db.record(ctx, entry, key, opts), f, logOfRecord)
	})
}

func (a *app) activityOpts(f *logFlags) (opts *chrononaut.ActivityOpts, since, until *when, err error) {
	opts = &chrononaut.ActivityOpts{
		Actor: f.actor, Operation: chrononaut.Operation(f.operation), Transaction: f.transaction,
		BeforeID: f.beforeID, AfterID: f.afterID, OldestFirst: f.oldestFirst, WithBefore: true,
	}
	if f.operation != "" && !slices.Contains(operations, opts.Operation) {
		return nil, nil, nil, usagef(operationHint(), "--operation %s: there is no such operation", quoteArg(f.operation))
	}
	if f.limit < 0 {
		return nil, nil, nil, usagef("", "--limit must not be negative")
	}
	if f.limit > 0 {
		// One more, to know whether there are more.
		opts.Limit = f.limit + 1
	}
	if f.column != "" {
		if opts.Column, err = parseColumn(f.column); err != nil {
			return nil, nil, nil, usagef("", "--column: %v", err)
		}
	}
	if since, err = a.parseTimeFlag("since", f.since); err != nil {
		return nil, nil, nil, err
	}
	until, err = a.parseTimeFlag("until", f.until)
	return opts, since, until, err
}

// record is the log of one record. The conditions are looked at here, because
// what a change did shows only next to the one before it.
func (db *database) record(ctx context.Context, entry *chronomigrate.TrackedTable, key chrononaut.Key, o *chrononaut.ActivityOpts) iter.Seq2[chrononaut.Change, error] {
	history := chrononaut.NewHistory[struct{}](db.client, entry.Table, nil)
	return func(yield func(chrononaut.Change, error) bool) {
		fail := func(err error) {
			if errors.Is(err, chrononaut.ErrKey) {
				err = hinted(err, keyHint(entry.KeyColumns))
			}
			yield(chrononaut.Change{}, err)
		}
		locks, err := db.recordLocks(ctx, entry, key, o)
		if err != nil {
			fail(err)
			return
		}
		shown, seen := 0, len(locks) > 0
		showOne := func(c *chrononaut.Change) bool {
			match, err := db.matches(ctx, c, o)
			switch {
			case err != nil:
				yield(chrononaut.Change{}, err)
				return false
			case !match:
				return true
			}
			shown++
			return yield(*c, nil) && shown != o.Limit
		}
		showLocks := func(upTo func(id int64) bool) bool {
			for len(locks) > 0 && upTo(locks[0].ID) {
				next := locks[0]
				locks = locks[1:]
				if !showOne(&next) {
					return false
				}
			}
			return true
		}
		// show also shows the locks that come before a change.
		show := func(c *chrononaut.Change) bool {
			return showLocks(func(id int64) bool { return (id < c.ID) == o.OldestFirst }) && showOne(c)
		}
		// Newest first, a change waits for the one before it.
		var last *chrononaut.Change
		for s, err := range history.All(ctx, key, &chrononaut.VersionsOpts{NewestFirst: !o.OldestFirst}) {
			if err != nil {
				fail(err)
				return
			}
			seen = true
			c := s.Change
			if o.OldestFirst {
				follow(last, &c)
				if !show(&c) {
					return
				}
			} else if last != nil {
				follow(&c, last)
				if !show(last) {
					return
				}
			}
			last = &c
		}
		if !seen {
			yield(chrononaut.Change{}, noRecord(entry.Table))
			return
		}
		if !o.OldestFirst && last != nil && !show(last) {
			return
		}
		showLocks(func(int64) bool { return true })
	}
}

// follow gives a change the state that the one before it left.
func follow(before, c *chrononaut.Change) {
	if before != nil && !c.Began() {
		c.Before = before.Data
	}
}

func noRecord(table chrononaut.Table) error {
	return noHistory(fmt.Errorf("history of %s: %w", table, chrononaut.ErrNotFound), table)
}

func noHistory(err error, table chrononaut.Table) error {
	return &noError{err: err, reason: "not_found", try: "chrononaut log " + shellArg(table.String()) + " shows which records have a history."}
}

// matches applies the conditions of a log as the database would.
func (db *database) matches(ctx context.Context, c *chrononaut.Change, o *chrononaut.ActivityOpts) (bool, error) {
	out := o.Actor != "" && c.Actor != o.Actor ||
		o.Operation != "" && c.Operation != o.Operation ||
		o.Transaction != 0 && c.TransactionID != o.Transaction ||
		o.BeforeID != 0 && c.ID >= o.BeforeID ||
		o.AfterID != 0 && c.ID <= o.AfterID ||
		!o.Since.IsZero() && c.Changed.Before(o.Since.Truncate(time.Microsecond)) ||
		!o.Until.IsZero() && c.Changed.After(o.Until)
	if out || o.Column == "" {
		return !out, nil
	}
	if slices.Contains(c.HiddenChanged, o.Column) {
		return true, nil
	}
	first := c.Operation == chrononaut.OperationBaseline && c.Version == 0
	if c.Operation.Gone() || first {
		// A first state was recorded, not changed.
		return false, nil
	}
	diff, err := db.client.Diff(ctx, c)
	if err != nil {
		return false, err
	}
	d, changed := diff.Column(o.Column)
	return changed && d.To != nil, nil
}

// logOf says what a log is about: what all its changes have in common is not
// printed.
type logOf int

const (
	logOfAll logOf = iota
	logOfTable
	logOfRecord
)

// logJSON is a change in the log.
type logJSON struct {
	changeJSON
	Diff []columnJSON `json:"diff"`
}

func (a *app) printLog(ctx context.Context, db *database, opts *chrononaut.ActivityOpts, changes iter.Seq2[chrononaut.Change, error], f *logFlags, of logOf) error {
	var rows [][]cell
	shown, more, lastID := 0, false, int64(0)
	for c, err := range changes {
		if err != nil {
			return err
		}
		if more = f.limit > 0 && shown == f.limit; more {
			break
		}
		shown, lastID = shown+1, c.ID
		diff, err := db.client.Diff(ctx, &c)
		if err != nil {
			return err
		}
		if !a.json {
			row := a.out.logRow(&c, diff, of)
			if f.withTx {
				row = slices.Insert(row, 1, cell{transaction(&c), plain})
			}
			rows = append(rows, row)
		} else if err := a.out.json(logJSON{newChangeJSON(&c), newDiffJSON(diff)}); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		headers := logHeaders(of)
		if f.withTx {
			headers = slices.Insert(headers, 1, "TX")
		}
		if err := a.out.log(headers, rows); err != nil {
			return err
		}
	}
	switch {
	case more:
		page := "--before-id"
		if f.oldestFirst {
			page = "--after-id"
		}
		a.out.remark("there are more: %s %d shows the next, --limit 0 all", page, lastID)
	case shown == 0:
		return a.nothingShown(ctx, db, opts)
	}
	return nil
}

// nothingShown says so, and whether that is because there is no such column.
func (a *app) nothingShown(ctx context.Context, db *database, opts *chrononaut.ActivityOpts) error {
	text := "no change matches"
	if opts.Column != "" && opts.Table.Name != "" {
		there, err := db.hasColumn(ctx, opts.Table, opts.Column)
		if err != nil {
			return err
		}
		if !there {
			text += "; the table has no column of that name"
		}
	}
	a.out.remark("%s", text)
	return nil
}

// log prints the log as a table. On a terminal, what a change did has a line of
// its own, because it is long.
func (p *printer) log(headers []string, rows [][]cell) error {
	if !p.tty {
		return p.table(headers, rows)
	}
	changes := make([]string, len(rows))
	column := slices.Index(headers, changeHeader)
	for i, row := range rows {
		changes[i] = row[column].text
		rows[i] = slices.Delete(row, column, column+1)
	}
	for i, line := range p.lines(slices.Delete(headers, column, column+1), rows) {
		p.line("%s", line)
		if i > 0 && changes[i-1] != "" {
			p.line("    %s", ansi.Truncate(changes[i-1], p.width-4, "…"))
		}
	}
	return nil
}

// transaction is the number of a change's transaction, if history has it.
func transaction(c *chrononaut.Change) string {
	if c.TransactionID == 0 {
		return ""
	}
	return strconv.FormatUint(c.TransactionID, 10)
}

const changeHeader = "CHANGE"

func logHeaders(of logOf) []string {
	headers := []string{"TIME", "ACTOR", "OPERATION", "TABLE", "KEY", "VERSION", changeHeader, "RATIONALE"}
	switch of {
	case logOfTable:
		return slices.Delete(headers, 3, 4)
	case logOfRecord:
		return slices.Delete(headers, 3, 5)
	}
	return headers
}

func (p *printer) logRow(c *chrononaut.Change, diff chrononaut.Diff, of logOf) []cell {
	version := ""
	if len(c.Key) > 0 {
		version = strconv.Itoa(c.Version)
	}
	tone := operationTone(c.Operation)
	row := []cell{
		{p.second(c.Changed), moment},
		{clean(c.Actor), strong},
		{clean(string(c.Operation)), tone},
		{p.tableName(c.Table), plain},
		{clean(formatKey(c.Key)), plain},
		{version, plain},
		{"", plain},
		{clean(c.Rationale), plain},
	}
	if keys, text, ok := p.describeLock(c); ok {
		row[4].text, row[6].text = clean(keys), clean(text)
	} else if !c.Operation.Gone() {
		// What a deletion did to the columns goes without saying.
		row[6].text = p.summary(diff, c.Key)
	}
	switch of {
	case logOfTable:
		return slices.Delete(row, 3, 4)
	case logOfRecord:
		return slices.Delete(row, 3, 5)
	}
	return row
}
