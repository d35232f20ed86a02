package chronomigrate

import (
	"context"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

func (e *postgresEngine) script(m migration, up bool) (string, error) {
	args := postgres.ExportArgs{Version: m.Version, Lock: migrationLock}
	guards, migrated, body := []string{"require_version"}, "migrated", m.Up
	if up {
		args.Version--
	} else {
		guards, migrated, body = append(guards, "require_untracked"), "reverted", m.Down
	}
	var parts []string
	for _, name := range guards {
		sql, err := postgres.ExportSQL(e.schema, name, args)
		if err != nil {
			return "", err
		}
		parts = append(parts, sql)
	}
	sql, err := postgres.Query(e.schema, "plan.sql#"+migrated, postgres.Migration{Version: m.Version, Name: m.Name})
	if err != nil {
		return "", err
	}
	return joinStatements(append(parts, body, sql)), nil
}

// joinStatements puts statements and scripts together.
func joinStatements(parts []string) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(strings.TrimSpace(part), ";") + ";\n")
	}
	return b.String()
}

func (e *postgresEngine) exportTrack(ctx context.Context, tx chronodriver.Tx, name chronodriver.Table, opts *TrackOptions) (exportStep, error) {
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return exportStep{}, err
	}
	if found == nil {
		return exportStep{}, hint(ErrNoTable, noTableHint)
	}
	registered, err := e.registered(ctx, tx, found)
	if err != nil {
		return exportStep{}, err
	}
	x := &postgresExport{engine: e, found: found, registered: registered}
	if x.strict, err = e.strict(ctx, tx); err != nil {
		return exportStep{}, err
	}
	wanted := TrackOptions{}
	tracked := registered != nil && registered.Tracked
	switch {
	case opts != nil:
		wanted = *opts
	case tracked:
		wanted = registered.Options
	}
	if err := e.validate(found, registered, wanted.normalize(), wanted.VersionColumn); err != nil {
		return exportStep{}, err
	}
	step := exportStep{name: "chrononaut_track_" + safeName(found.Name)}
	if found.Schema != "public" {
		step.name = "chrononaut_track_" + safeName(found.Schema) + "_" + safeName(found.Name)
	}
	if tracked && !sameOptions(registered.Options, wanted) {
		step.name, step.repeats = strings.Replace(step.name, "_track_", "_options_", 1), true
		if step.up, err = x.track(wanted, registered.Options); err != nil {
			return exportStep{}, err
		}
		step.down, err = x.track(registered.Options, wanted)
		return step, err
	}
	if step.up, err = x.track(wanted); err != nil {
		return exportStep{}, err
	}
	if step.down, err = x.untrack(wanted); err != nil {
		return exportStep{}, err
	}
	renew := exportStep{
		name:    strings.Replace(step.name, "_track_", "_retrack_", 1),
		down:    "-- Nothing goes back: capture works also with the columns of before.\nSELECT 1;\n",
		repeats: true,
	}
	renew.up, err = x.track(wanted, wanted)
	step.renew = &renew
	return step, err
}

// postgresExport renders what tracks a table without a look at what it has.
type postgresExport struct {
	engine     *postgresEngine
	found      *postgres.Inspected
	registered *TrackedTable
	strict     bool
}

// bare is the table as it was before it was tracked, and the names of the columns
// that tracking adds.
func (x *postgresExport) bare(opts TrackOptions) (found *postgres.Inspected, added []string) {
	copied := *x.found
	copied.Functions = nil
	copied.Tables = slices.Clone(copied.Tables)
	for i := range copied.Tables {
		copied.Tables[i].Triggers = nil
	}
	ours := x.registered.has(opts.VersionColumn) && !x.registered.adopted
	if !opts.NoHistory && (ours || x.found.Column(opts.VersionColumn) == nil) {
		added = append(added, opts.VersionColumn)
		copied.Columns = slices.DeleteFunc(slices.Clone(copied.Columns), func(c postgres.Column) bool { return c.Name == opts.VersionColumn })
	}
	// Nothing says whose these are when they are there already; then the file
	// takes it that they are the application's.
	for _, name := range []string{"change_info", "changed"} {
		if opts.RecordChanges && x.found.Column(name) == nil {
			added = append(added, name)
		}
	}
	return &copied, added
}

// track renders what gives the table the options. before lists options that it
// may also have when the script runs; with none, it must not be tracked.
func (x *postgresExport) track(opts TrackOptions, before ...TrackOptions) (string, error) {
	opts = opts.normalize()
	found, added := x.bare(opts)
	adopted := found.Column(opts.VersionColumn) != nil
	tolerated := slices.Clone(added)
	for _, other := range before {
		_, others := x.bare(other.normalize())
		tolerated = append(tolerated, others...)
	}
	p := &planner{engine: x.engine, found: found, table: x.engine.describe(found, opts, x.strict), plan: &Plan{}, again: true}
	p.table.Adopted, p.table.Python, p.table.Aliases = adopted, x.python(), x.aliases()
	migrations, err := x.engine.migrations()
	if err != nil {
		return "", err
	}
	args := postgres.ExportArgs{
		Version: migrations[len(migrations)-1].Version, Lock: migrationLock,
		Table: p.table, Added: added, Tolerated: tolerated, Columns: x.engine.describe(x.found, opts, x.strict).PlacedColumns(tolerated), Strict: x.strict,
	}
	if args.Options, err = x.encode(opts, adopted); err != nil {
		return "", err
	}
	effective, err := x.encode(p.effective(opts), adopted)
	if err != nil {
		return "", err
	}
	for _, other := range before {
		// A second run of the script finds the options that it gave.
		other = other.normalize()
		otherFound, _ := x.bare(other)
		encoded, err := x.encode(other, otherFound.Column(other.VersionColumn) != nil)
		if err != nil {
			return "", err
		}
		args.Tracked = append(args.Tracked, args.Options, encoded)
	}
	args.Tracked = slices.Compact(args.Tracked)
	guard, err := postgres.ExportSQL(x.engine.schema, "require_table", args)
	if err != nil {
		return "", err
	}
	p.columns(opts)
	p.functions(effective)
	p.unwantedTriggers()
	p.noteTracked()
	p.triggers()
	p.add("Note in the registry how the table is tracked.", "register", postgres.PlanArgs{Options: args.Options}, "")
	p.add("Record in history itself that tracking began or changed.", "record", postgres.PlanArgs{Name: "track", Options: effective}, "")
	if len(before) > 0 {
		// Where the script runs, the table has the columns of tracking at their places.
		p.table.Columns = inOrderOf(x.found.Columns, p.table.Columns)
	}
	if err := p.past(); err != nil {
		return "", err
	}
	return guard + ";\n\n" + p.plan.SQL(), p.err
}

// inOrderOf sorts columns as a table has them; those that it does not have come last.
func inOrderOf(found, columns []postgres.Column) []postgres.Column {
	place := func(c postgres.Column) int {
		i := slices.IndexFunc(found, func(f postgres.Column) bool { return f.Name == c.Name })
		if i < 0 {
			return len(found)
		}
		return i
	}
	sorted := slices.Clone(columns)
	slices.SortStableFunc(sorted, func(a, b postgres.Column) int { return place(a) - place(b) })
	return sorted
}

// untrack renders what ends capture.
func (x *postgresExport) untrack(opts TrackOptions) (string, error) {
	opts = opts.normalize()
	found, added := x.bare(opts)
	p := &planner{engine: x.engine, found: found, table: x.engine.describe(found, opts, x.strict), plan: &Plan{}, again: true}
	p.endCapture()
	for _, name := range added {
		statement := "drop_record_change_column"
		if name == p.table.VersionColumn {
			statement = "drop_version_column"
		}
		p.add("The column that the migration added. What it says is in history, which goes on\nfrom there when the table is tracked again.", statement, postgres.PlanArgs{Name: name}, "")
	}
	return p.plan.SQL(), p.err
}

// encode is how the registry keeps the options, with what else it has of the
// table.
func (x *postgresExport) encode(opts TrackOptions, adopted bool) (string, error) {
	return encodeOptions(opts, adopted, x.python(), x.aliases(), postgres.Generation)
}

func (x *postgresExport) python() []postgres.PythonRows {
	if x.registered == nil {
		return nil
	}
	return x.registered.python
}

func (x *postgresExport) aliases() postgres.Aliases {
	if x.registered == nil {
		return postgres.Aliases{}
	}
	return x.registered.aliases
}

// unwantedTriggers drops those that other options had.
func (p *planner) unwantedTriggers() {
	wanted := p.table.Triggers()
	for _, g := range p.table.AllTriggers() {
		if slices.ContainsFunc(wanted, func(w postgres.Trigger) bool { return w.Name == g.Name }) {
			continue
		}
		for _, on := range p.found.Tables {
			p.add("Not asked for.", "drop_trigger", postgres.PlanArgs{On: on.Qualified(), Name: g.Name}, "")
		}
	}
}

// endCapture drops all triggers and functions, whether they are there or not.
func (p *planner) endCapture() {
	for i, on := range p.found.Tables {
		for _, g := range p.table.AllTriggers() {
			// Dropping a partitioned table's row trigger drops its clones.
			if i == 0 || !g.Cloned() {
				p.add("End capture.", "drop_trigger", postgres.PlanArgs{On: on.Qualified(), Name: g.Name}, "")
			}
		}
	}
	for _, kind := range postgres.AllFunctions {
		p.add("A function of the triggers.", "drop_function", postgres.PlanArgs{Name: kind}, "")
	}
	if p.table.History {
		p.add("From now on history does not know the table's rows.", "note_untracked", postgres.PlanArgs{}, "")
	}
	p.add("History stays. The registry remembers the options.", "unregister", postgres.PlanArgs{}, "")
	p.add("Record in history itself that tracking ended.", "record", postgres.PlanArgs{Name: "untrack", Options: "{}"}, "")
}
