package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// importFlags are the flags of import.
type importFlags struct {
	*write

	from, model, source, context, of, period string
	hidden, untracked, keep                  string
	rename, value                            []string
	chunk                                    int
	dryRun, skipBad                          bool
}

type importJSON struct {
	Table    tableJSON        `json:"table"`
	From     string           `json:"from"`
	DryRun   bool             `json:"dry_run"`
	Read     int64            `json:"read"`
	Records  int64            `json:"records"`
	Imported int64            `json:"imported"`
	Known    int64            `json:"known"`
	Own      int64            `json:"own"`
	Bad      int64            `json:"bad"`
	BadFirst []importBadJSON  `json:"bad_first"`
	Unknown  map[string]int64 `json:"unknown_columns"`
}

type importBadJSON struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// maxBadJSON is how many bad changes --json lists.
const maxBadJSON = 100

var importSources = []string{"papertrail", "audited", "django-simple-history", "pghistory", "supa_audit", "temporal_tables"}

func (a *app) importCommand() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "import --from SOURCE TABLE",
		Short: "Take over the history that another tool has recorded",
		Long: `Import reads the history of a table from the tables of another tool in the same
database, and writes it to history: each change with its time, who made it and
why, and with the mark where it comes from. It works in chunks of one
transaction each, in constant memory; run again, it imports what is not there
yet.

SOURCE is one of
  papertrail, audited          --model is the name of the class
  django-simple-history        --source is the history table
  pghistory                    --source is the event table
  supa_audit                   audit.record_version
  temporal_tables              TABLE_history and the live rows

A record that has a history of Chrononaut's own is left out: import before the
first captured change. The table's rows are not touched. See docs/importing.md.`,
		Example: `  chrononaut import --from papertrail --model Widget widgets --dry-run
  chrononaut import --from papertrail --model Order orders --value status:draft=0 --value status:paid=1
  chrononaut import --from temporal_tables employees
  chrononaut import --from pghistory --source polls_pollevent polls_poll`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runImport(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "the tool: "+strings.Join(importSources, ", "))
	flags.StringVar(&f.model, "model", "", "the class, as in item_type or auditable_type (papertrail, audited)")
	flags.StringVar(&f.source, "source", "", "the tool's table")
	flags.StringVar(&f.context, "context", "", "the table of contexts (pghistory); default pghistory_context")
	flags.StringVar(&f.of, "of", "", "the table's name in the tool's table, if it was renamed since (supa_audit)")
	flags.StringVar(&f.period, "period", "", "the column of the period (temporal_tables); default sys_period")
	flags.StringVar(&f.hidden, "hidden", "", "more columns whose values stay out: a,b; needed, if only as --hidden=, for a table that was never tracked")
	flags.StringVar(&f.untracked, "untracked", "", "more columns that stay out: a,b")
	flags.StringVar(&f.keep, "keep", "", "columns that the table no longer has and that are kept: a,b")
	flags.StringArrayVar(&f.rename, "rename", nil, "old=new: a column has another name by now; may be repeated")
	flags.StringArrayVar(&f.value, "value", nil, "column:text=JSON: replace a value; may be repeated")
	flags.IntVar(&f.chunk, "chunk", 1000, "changes in one transaction")
	flags.BoolVar(&f.dryRun, "dry-run", false, "do all of it and roll it back")
	flags.BoolVar(&f.skipBad, "skip-bad", false, "leave out changes that cannot be imported, instead of stopping")
	f.write = a.writeFlags(cmd)
	return cmd
}

// importRunJSON is what history says of a run.
type importRunJSON struct {
	From     string `json:"from"`
	Imported int64  `json:"imported"`
}

func (a *app) runImport(cmd *cobra.Command, arg string, f *importFlags) error {
	name, err := parseTable(arg)
	if err != nil {
		return err
	}
	source, err := f.reader()
	if err != nil {
		return err
	}
	opts, err := f.options(cmd)
	if err != nil {
		return err
	}
	opts.Schema = a.schema
	ctx := cmd.Context()
	return a.withDatabase(ctx, false, func(db *database) error {
		_, table, _, err := db.tracked(ctx, name)
		if err != nil {
			return fmt.Errorf("import history of %s: %w", name, err)
		}
		shape := importJSON{From: source.Name(), DryRun: f.dryRun, BadFirst: []importBadJSON{}}
		opts.Bad = func(b *chronoimport.BadChangeError) {
			if len(shape.BadFirst) < maxBadJSON {
				shape.BadFirst = append(shape.BadFirst, importBadJSON{b.ID, b.Reason})
			}
			if !a.json && !a.quiet {
				fmt.Fprintf(a.Stderr, "left out: %s\n", clean(b.Error()))
			}
		}
		result, err := a.importHistory(ctx, db, table, source, opts)
		if result != nil && result.Imported > 0 && !f.dryRun {
			err = errors.Join(err, db.recordRun(a.writeContext(ctx, f.write), result.Table, "import", importRunJSON{f.from, result.Imported}))
		}
		if err != nil {
			return importHint(err, f.from)
		}
		if a.json {
			shape.Table = newTableJSON(result.Table)
			shape.Read, shape.Records, shape.Imported, shape.Known = result.Read, result.Records, result.Imported, result.Known
			shape.Own, shape.Bad, shape.Unknown = result.Own, result.Bad, result.Unknown
			return a.out.json(shape)
		}
		a.printImport(result, f)
		return nil
	})
}

func (a *app) importHistory(ctx context.Context, db *database, table chrononaut.Table, source chronoimport.Source, opts *chronoimport.Options) (*chronoimport.Result, error) {
	bar := a.progress("import of " + clean(table.String()))
	defer bar.end()
	opts.Progress = func(p chronoimport.Progress) {
		bar.show(chronomigrate.BaselineProgress{Rows: p.Read, Recorded: p.Imported, Total: p.Total})
	}
	return chronoimport.Import(ctx, db.driver, table, source, opts)
}

func (a *app) printImport(r *chronoimport.Result, f *importFlags) {
	done := "imported"
	if f.dryRun {
		done = "would import"
	}
	a.out.line("%s %d of the %s of %s into the history of %s", done, r.Imported, plural(r.Read, "change", "changes"), plural(r.Records, "record", "records"), clean(r.Table.String()))
	if r.Read == 0 {
		a.out.remark("the history of %s has no change of it; %s", clean(f.from), emptySource[f.from])
	}
	if r.Known > 0 {
		a.out.line("%s there already", are(r.Known))
	}
	if r.Own > 0 {
		a.out.line("%s of records with a history of their own, left out", are(r.Own))
	}
	if r.Bad > 0 {
		a.out.line("%s bad, left out", are(r.Bad))
	}
	kept, _ := parseColumns(f.keep) // it was read before
	for _, name := range slices.Sorted(maps.Keys(r.Unknown)) {
		what := "left out"
		if slices.Contains(kept, name) {
			what = "kept"
		}
		a.out.line("column %s is not in the table: %s in %s", clean(chrononaut.Table{Name: name}.String()), what, plural(r.Unknown[name], "change", "changes"))
	}
}

// emptySource says, by tool, where to look when it has nothing of a table.
var emptySource = map[string]string{
	"papertrail":            "--model is the class as item_type has it",
	"audited":               "--model is the class as auditable_type has it",
	"django-simple-history": "--source is the table of its history",
	"pghistory":             "--source is the table of its events",
	"supa_audit":            "--of is the name that the table had there",
	"temporal_tables":       "--source is the table of its history",
}

func are(n int64) string {
	if n == 1 {
		return "1 change is"
	}
	return plural(n, "change", "changes") + " are"
}

// reader returns the source that the flags name.
func (f *importFlags) reader() (chronoimport.Source, error) {
	table := func(flag, value string) (chrononaut.Table, error) {
		if value == "" {
			return chrononaut.Table{}, nil
		}
		t, err := chrononaut.ParseTable(value)
		if err != nil {
			return t, usagef("", "--%s: %v", flag, err)
		}
		return t, nil
	}
	source, err := table("source", f.source)
	if err != nil {
		return nil, err
	}
	contexts, err := table("context", f.context)
	if err != nil {
		return nil, err
	}
	of, err := table("of", f.of)
	if err != nil {
		return nil, err
	}
	period := f.period
	if period != "" {
		if period, err = parseColumn(period); err != nil {
			return nil, usagef("", "--period: %v", err)
		}
	}
	// Which of the flags about the source belong to which source.
	takes := map[string]string{"papertrail": "model", "audited": "model", "pghistory": "context", "supa_audit": "of", "temporal_tables": "period"}
	for flag, value := range map[string]string{"model": f.model, "context": f.context, "of": f.of, "period": f.period} {
		if value != "" && takes[f.from] != flag && slices.Contains(importSources, f.from) {
			return nil, usagef("", "--%s is not for --from %s", flag, f.from)
		}
	}
	switch f.from {
	case "papertrail", "audited":
		if f.model == "" {
			return nil, usagef("--model Widget", "--from %s needs the name of the class", f.from)
		}
		if f.from == "papertrail" {
			return &chronoimport.PaperTrail{Model: f.model, Table: source}, nil
		}
		return &chronoimport.Audited{Model: f.model, Table: source}, nil
	case "django-simple-history", "pghistory":
		if f.source == "" {
			return nil, usagef("--source TABLE", "--from %s needs the table that holds the history", f.from)
		}
		if f.from == "pghistory" {
			return &chronoimport.PgHistory{Table: source, Context: contexts}, nil
		}
		return &chronoimport.SimpleHistory{Table: source}, nil
	case "supa_audit":
		return &chronoimport.SupaAudit{Table: source, Of: of}, nil
	case "temporal_tables":
		return &chronoimport.TemporalTables{Table: source, Period: period}, nil
	case "":
		return nil, usagef("--from "+strings.Join(importSources, " or "), "--from is missing")
	}
	return nil, usagef("--from "+strings.Join(importSources, " or "), "--from %s is not known", quoteArg(f.from))
}

// options reads the other flags.
func (f *importFlags) options(cmd *cobra.Command) (*chronoimport.Options, error) {
	if f.chunk < 1 {
		return nil, usagef("", "--chunk must be at least 1")
	}
	o := &chronoimport.Options{
		ChunkSize: f.chunk, DryRun: f.dryRun, SkipBad: f.skipBad,
		NeverTracked: cmd.Flags().Changed("hidden"),
		Rename:       map[string]string{}, Values: map[string]map[string]json.RawMessage{},
	}
	for flag, columns := range map[string]*[]string{"hidden": &o.Hidden, "untracked": &o.Untracked, "keep": &o.Keep} {
		list, err := parseColumns(cmd.Flags().Lookup(flag).Value.String())
		if err != nil {
			return nil, usagef("--"+flag+" a,b", "--%s: %v", flag, err)
		}
		*columns = list
	}
	for _, pair := range f.rename {
		before, after, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usagef("--rename old=new", "--rename: no = in it")
		}
		to, err := parseColumn(after)
		if err != nil {
			return nil, usagef("--rename old=new", "--rename: %v", err)
		}
		from, err := parseColumn(before)
		if err != nil {
			return nil, usagef("--rename old=new", "--rename: %v", err)
		}
		o.Rename[from] = to
	}
	for _, v := range f.value {
		const form = "--value column:text=JSON"
		column, rest, ok := strings.Cut(v, ":")
		text, value, isPair := strings.Cut(rest, "=")
		if !ok || !isPair || !json.Valid([]byte(value)) {
			return nil, usagef(form, "--value: not of the form column:text=JSON")
		}
		name, err := parseColumn(column)
		if err != nil {
			return nil, usagef(form, "--value: %v", err)
		}
		if o.Values[name] == nil {
			o.Values[name] = map[string]json.RawMessage{}
		}
		o.Values[name][text] = json.RawMessage(value)
	}
	return o, nil
}

// importHint says what to do about an error.
func importHint(err error, from string) error {
	var bad *chronoimport.BadChangeError
	switch {
	case errors.As(err, &bad):
		return hinted(err, "--skip-bad leaves such changes out; --value and --rename may make them fit.")
	case errors.Is(err, chronoimport.ErrNotTracked):
		return hinted(err, "chrononaut track TABLE first, or say what is hidden in it: --hidden a,b or --hidden=.")
	case errors.Is(err, chronoimport.ErrHidden):
		return hinted(err, "chrononaut track with the present names of the hidden columns.")
	case errors.Is(err, chronoimport.ErrNoSource):
		return hinted(err, "--source TABLE says where "+from+" has it.")
	case errors.Is(err, chronoimport.ErrBusy):
		return hinted(err, "the same command again, with a smaller --chunk.")
	}
	return err
}
