package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// convertFlags are the flags of convert.
type convertFlags struct {
	*write

	fromTable, createdAt, hidden, untracked, from    string
	join                                             []string
	chunk                                            int
	all, update, dryRun, verify, restart, compatible bool
}

type convertJSON struct {
	Table    tableJSON `json:"table"`
	Records  int64     `json:"records"`
	Changes  int64     `json:"changes"`
	Recorded int64     `json:"recorded"`
	Own      int64     `json:"own"`
}

type convertReportJSON struct {
	Table        tableJSON           `json:"table"`
	Records      int64               `json:"records"`
	HistoryRows  int64               `json:"history_rows"`
	Deleted      int64               `json:"deleted"`
	Unchanged    int64               `json:"unchanged"`
	Gaps         int64               `json:"gaps"`
	Duplicates   int64               `json:"duplicates"`
	NullVersions int64               `json:"null_versions"`
	NullTimes    int64               `json:"null_times"`
	Behind       int64               `json:"behind"`
	Columns      []convertColumnJSON `json:"columns"`
}

type convertColumnJSON struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Now  string `json:"now"`
}

type convertVerifyJSON struct {
	Table         tableJSON `json:"table"`
	OK            bool      `json:"ok"`
	States        int64     `json:"states"`
	Missing       int64     `json:"missing"`
	Different     int64     `json:"different"`
	Misattributed int64     `json:"misattributed"`
	Unrecorded    int64     `json:"unrecorded"`
	Undeleted     int64     `json:"undeleted"`
	OldSum        string    `json:"old_sum"`
	NewSum        string    `json:"new_sum"`
}

func (a *app) convertCommand() *cobra.Command {
	f := &convertFlags{}
	cmd := &cobra.Command{
		Use:   "convert TABLE",
		Short: "Convert the history of Python chrononaut up to 0.2",
		Long: `Convert reads TABLE_history, where Python chrononaut up to 0.2 keeps the old
states of the rows of TABLE, and writes them to history, with the present state
as the last. Each change keeps its time, who made it and why. The tables
themselves stay as they are.

It works in SQL on the server, in chunks of one transaction each. After an
interruption the same command goes on. Run again, it adds what is not there yet;
--update looks only for that, while the Python application may go on. Convert
before you track the table with --version-column version. See docs/converting.md.`,
		Example: `  chrononaut convert todos --hidden password --dry-run
  chrononaut convert todos --hidden password
  chrononaut convert todos --hidden password --verify
  chrononaut convert special_todo --join todo --hidden=`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runConvert(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.fromTable, "from-table", "", "the table with the old history; default TABLE_history")
	flags.StringArrayVar(&f.join, "join", nil, "a parent, for joined inheritance, the nearest first; may be repeated")
	flags.StringVar(&f.createdAt, "created-at", "", "the column with the time of creation; default created_at, - for none")
	flags.StringVar(&f.hidden, "hidden", "", "more columns whose values stay out: a,b; needed, if only as --hidden=, for a table that was never tracked")
	flags.StringVar(&f.untracked, "untracked", "", "more columns that stay out: a,b")
	flags.IntVar(&f.chunk, "chunk", 1000, "records in one transaction")
	flags.BoolVar(&f.all, "all", false, "convert all records in one statement")
	flags.BoolVar(&f.update, "update", false, "only what has changed since the last conversion")
	flags.StringVar(&f.from, "from", "", "with --update: only records with changes since this time")
	flags.BoolVar(&f.compatible, "seed-compatible", false, "give each state to the user who replaced it, as Python's converter does")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only say what would be converted, and what looks wrong")
	flags.BoolVar(&f.verify, "verify", false, "only compare the old history with the new")
	flags.BoolVar(&f.restart, "restart", false, "begin again, instead of going on after an interruption")
	f.write = a.writeFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("all", "update", "dry-run", "verify", "restart")
	return cmd
}

// convertRunJSON is what history says of a run.
type convertRunJSON struct {
	Records  int64 `json:"records"`
	Recorded int64 `json:"recorded"`
}

func (a *app) runConvert(cmd *cobra.Command, arg string, f *convertFlags) error {
	name, err := parseTable(arg)
	if err != nil {
		return err
	}
	opts, err := f.options(cmd)
	if err != nil {
		return err
	}
	if f.from != "" && !f.update {
		return usagef("--update --from "+f.from, "--from is for --update")
	}
	from, err := a.parseTimeFlag("from", f.from)
	if err != nil {
		return err
	}
	opts.Schema = a.schema
	ctx := cmd.Context()
	return a.withDatabase(ctx, false, func(db *database) error {
		_, table, _, err := db.tracked(ctx, name)
		if err != nil {
			return fmt.Errorf("convert the history of %s: %w", name, err)
		}
		switch {
		case f.dryRun:
			err = a.inspectConversion(ctx, table, chronoimport.NewConverter(db.driver, table, opts))
		case f.verify:
			err = a.verifyConversion(ctx, table, chronoimport.NewConverter(db.driver, table, opts))
		default:
			err = a.convertHistory(ctx, db, table, opts, f, from)
		}
		return convertHint(err)
	})
}

// options reads the flags.
func (f *convertFlags) options(cmd *cobra.Command) (*chronoimport.ConverterOptions, error) {
	if f.chunk < 1 {
		return nil, usagef("", "--chunk must be at least 1")
	}
	o := &chronoimport.ConverterOptions{
		ChunkSize: f.chunk, SeedCompatible: f.compatible,
		NeverTracked: cmd.Flags().Changed("hidden"),
	}
	var err error
	if o.Hidden, err = parseColumns(f.hidden); err != nil {
		return nil, usagef("--hidden a,b", "--hidden: %v", err)
	}
	if o.Untracked, err = parseColumns(f.untracked); err != nil {
		return nil, usagef("--untracked a,b", "--untracked: %v", err)
	}
	if o.CreatedAt = f.createdAt; f.createdAt != "" && f.createdAt != "-" {
		if o.CreatedAt, err = parseColumn(f.createdAt); err != nil {
			return nil, usagef("", "--created-at: %v", err)
		}
	}
	if f.fromTable != "" {
		if o.History, err = chrononaut.ParseTable(f.fromTable); err != nil {
			return nil, usagef("", "--from-table: %v", err)
		}
	}
	for _, parent := range f.join {
		table, err := chrononaut.ParseTable(parent)
		if err != nil {
			return nil, usagef("", "--join: %v", err)
		}
		o.Join = append(o.Join, table)
	}
	return o, nil
}

func (a *app) convertHistory(ctx context.Context, db *database, table chrononaut.Table, opts *chronoimport.ConverterOptions, f *convertFlags, from *when) error {
	bar := a.progress("conversion of " + clean(table.String()))
	defer bar.end()
	opts.Progress = func(p chronoimport.ConvertProgress) {
		bar.show(chronomigrate.BaselineProgress{Rows: p.Records, Recorded: p.Recorded, Total: p.Total})
	}
	c := chronoimport.NewConverter(db.driver, table, opts)
	var result *chronoimport.ConvertResult
	var err error
	switch {
	case f.all:
		result, err = c.ConvertAll(ctx)
	case f.update:
		var since time.Time
		if from != nil {
			if since, err = db.time(ctx, from); err != nil {
				return err
			}
		}
		result, err = c.Update(ctx, since)
	default:
		if f.restart {
			if err := c.Restart(ctx); err != nil {
				return err
			}
		}
		result, err = c.ConvertChunks(ctx)
	}
	if result != nil && result.Recorded > 0 {
		err = errors.Join(err, db.recordRun(a.writeContext(ctx, f.write), table, "convert", convertRunJSON{result.Records, result.Recorded}))
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.out.json(convertJSON{newTableJSON(table), result.Records, result.Changes, result.Recorded, result.Own})
	}
	a.out.line("converted %s of %s to %s of history", plural(result.Records, "record", "records"), clean(table.String()), plural(result.Recorded, "change", "changes"))
	if known := result.Changes - result.Recorded; known > 0 {
		a.out.line("%s there already", are(known))
	}
	if result.Own > 0 {
		a.out.line("%s with a history of another source left out", plural(result.Own, "record", "records"))
	}
	return nil
}

func (a *app) inspectConversion(ctx context.Context, table chrononaut.Table, c *chronoimport.Converter) error {
	r, err := c.Inspect(ctx)
	if err != nil {
		return err
	}
	if a.json {
		shape := convertReportJSON{
			Table: newTableJSON(table), Records: r.Records, HistoryRows: r.HistoryRows, Deleted: r.Deleted, Unchanged: r.Unchanged,
			Gaps: r.Gaps, Duplicates: r.Duplicates, NullVersions: r.NullVersions, NullTimes: r.NullTimes, Behind: r.Behind,
			Columns: []convertColumnJSON{},
		}
		for _, column := range r.Columns {
			shape.Columns = append(shape.Columns, convertColumnJSON(column))
		}
		return a.out.json(shape)
	}
	a.out.line("would convert %s of %s: %s of old history", plural(r.Records, "record", "records"), clean(table.String()), plural(r.HistoryRows, "row", "rows"))
	for _, note := range []struct {
		n    int64
		what string
	}{
		{r.Deleted, "deleted: the last row is taken for the deletion"},
		{r.Unchanged, "without old history: the present state is a baseline"},
		{r.Gaps, "versions are missing before a state: nobody knows who made it, it is a baseline"},
		{r.Duplicates, "rows have a version that the record has already: one of them is converted"},
		{r.NullVersions, "rows have no version: taken as 0"},
		{r.NullTimes, "rows have no time: taken from their neighbors"},
		{r.Behind, "live rows have a version that is not above their history's: taken as the next one"},
	} {
		if note.n > 0 {
			a.out.line("%8d %s", note.n, note.what)
		}
	}
	for _, column := range r.Columns {
		name := clean(chrononaut.Table{Name: column.Name}.String())
		if column.Now == "" {
			a.out.line("column %s is not in the table: left out", name)
		} else {
			a.out.line("column %s has another type: %s, now %s", name, clean(column.Type), clean(column.Now))
		}
	}
	return nil
}

func (a *app) verifyConversion(ctx context.Context, table chrononaut.Table, c *chronoimport.Converter) error {
	v, err := c.Verify(ctx)
	if err != nil {
		return err
	}
	if a.json {
		err = a.out.json(convertVerifyJSON{
			newTableJSON(table), v.OK(), v.States, v.Missing, v.Different, v.Misattributed, v.Unrecorded, v.Undeleted, v.OldSum, v.NewSum,
		})
		if err == nil && !v.OK() {
			err = errNo
		}
		return err
	}
	a.out.line("%s of old history: %d missing, %d different, %d of another user, reason or time", plural(v.States, "state", "states"), v.Missing, v.Different, v.Misattributed)
	a.out.line("%d live rows not in history, %d deletions not in history", v.Unrecorded, v.Undeleted)
	a.out.line("checksums: %s and %s", v.OldSum, v.NewSum)
	if !v.OK() {
		return errNo
	}
	a.out.line("history has all of it")
	return nil
}

// convertHint says what to do about an error.
func convertHint(err error) error {
	switch {
	case errors.Is(err, chronoimport.ErrNotTracked):
		return hinted(err, "say what is hidden in it: --hidden a,b or --hidden=.")
	case errors.Is(err, chronoimport.ErrNoSource):
		return hinted(err, "--from-table TABLE says where the old history is.")
	case errors.Is(err, chronoimport.ErrLayout):
		return hinted(err, "--from-table TABLE names another table, --join TABLE the parent of a joined model.")
	case errors.Is(err, chronoimport.ErrUnfinished):
		return hinted(err, "the flags of that run, or --restart to begin again.")
	case errors.Is(err, chronoimport.ErrConverted):
		return hinted(err, "chrononaut adopt takes over what Python has converted.")
	case errors.Is(err, chronoimport.ErrBusy):
		return hinted(err, "the same command again, with a smaller --chunk.")
	}
	return err
}
