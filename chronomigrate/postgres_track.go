package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// registered is how the registry keeps the options.
func (o TrackOptions) registered() postgres.Options {
	return postgres.Options{
		Hidden: o.Hidden, Untracked: o.Untracked, VersionColumn: o.VersionColumn,
		Strict: o.Strict, RecordChanges: o.RecordChanges, NoHistory: o.NoHistory, SharedWithPython: o.SharedWithPython, Layout: string(o.Layout),
	}
}

func encodeOptions(o TrackOptions, adopted bool, python []postgres.PythonRows, aliases postgres.Aliases, generation int) (string, error) {
	r := o.registered()
	r.Adopted = adopted
	r.Generation = generation
	r.Python = python
	r.Aliases = aliases
	encoded, err := json.Marshal(r)
	return string(encoded), err
}

func decodeOptions(s string) (opts TrackOptions, adopted bool, python []postgres.PythonRows, aliases postgres.Aliases, err error) {
	r, err := postgres.DecodeOptions(s)
	return TrackOptions{
		Hidden: r.Hidden, Untracked: r.Untracked, VersionColumn: r.VersionColumn,
		Strict: r.Strict, RecordChanges: r.RecordChanges, NoHistory: r.NoHistory, SharedWithPython: r.SharedWithPython, Layout: Layout(r.Layout),
	}, r.Adopted, r.Python, r.Aliases, err
}

// normalize sorts what is a set, so that options compare equal.
func (o TrackOptions) normalize() TrackOptions {
	o.Hidden = slices.Compact(slices.Sorted(slices.Values(o.Hidden)))
	o.Untracked = slices.Compact(slices.Sorted(slices.Values(o.Untracked)))
	if o.VersionColumn == "" {
		o.VersionColumn = DefaultVersionColumn
	}
	if o.Layout == LayoutJSON {
		o.Layout = ""
	}
	return o
}

// recordChangeColumns are the columns of the RecordChanges option and their types.
var recordChangeColumns = map[string]string{"change_info": "jsonb", "changed": "timestamp with time zone"}

const noTableHint = "Names are case-sensitive when quoted; write SCHEMA.TABLE when the table is not in the search path."

func (e *postgresEngine) planTrack(ctx context.Context, tx chronodriver.Queryer, name chronodriver.Table, opts TrackOptions) (*Plan, error) {
	return e.planTrackWith(ctx, tx, name, opts, nil)
}

// planTrackWith also declares rows of Python chrononaut; nil keeps what is
// declared.
func (e *postgresEngine) planTrackWith(ctx context.Context, tx chronodriver.Queryer, name chronodriver.Table, opts TrackOptions, python []postgres.PythonRows) (*Plan, error) {
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, hint(ErrNoTable, noTableHint)
	}
	registered, err := e.registered(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	return e.planFound(ctx, tx, found, registered, opts, python)
}

// planFound plans for a table as the catalog has it, or as it will.
func (e *postgresEngine) planFound(ctx context.Context, tx chronodriver.Queryer, found *postgres.Inspected, registered *TrackedTable, opts TrackOptions, python []postgres.PythonRows) (*Plan, error) {
	asked := opts.VersionColumn
	opts = opts.normalize()
	if err := e.validate(found, registered, opts, asked); err != nil {
		return nil, err
	}
	strict, err := e.strict(ctx, tx)
	if err != nil {
		return nil, err
	}
	p := &planner{
		engine: e, found: found, table: e.describe(found, opts, strict),
		plan: &Plan{Table: chronodriver.Table{Schema: found.Schema, Name: found.Name}, Transactional: true},
	}
	adopted := found.Column(opts.VersionColumn) != nil && (!registered.has(opts.VersionColumn) || registered.adopted)
	p.table.Adopted = adopted
	if python == nil && registered != nil {
		python = registered.python
	}
	p.table.Python = python
	aliases := postgres.Aliases{}
	if registered != nil {
		aliases = registered.aliases
		// Of a table that had this name before, rows stay its own.
		aliases.Moved = false
	}
	p.table.Aliases = aliases
	options, err := encodeOptions(opts, adopted, python, aliases, postgres.Generation)
	if err != nil {
		return nil, err
	}
	effective, err := encodeOptions(p.effective(opts), adopted, python, aliases, postgres.Generation)
	if err != nil {
		return nil, err
	}
	p.columns(opts)
	p.functions(effective)
	p.noteTracked()
	p.triggers()
	if err := p.strayTriggers(ctx, tx); err != nil {
		return nil, err
	}
	findings, err := e.historyFindings(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := p.guards(findings); err != nil {
		return nil, err
	}
	if registered == nil || registered.unregistered || !registered.Tracked || !slices.Equal(registered.KeyColumns, found.Key) || !sameOptions(registered.Options, opts) || !samePython(registered.python, python) {
		p.add("Note in the registry how the table is tracked.", "register", postgres.PlanArgs{Options: options}, "unregister")
	}
	if !p.plan.Empty() {
		p.add("Record in history itself that tracking began or changed.", "record", postgres.PlanArgs{Name: "track", Options: effective}, "")
	}
	p.periods(opts.Layout)
	if err := p.past(); err != nil {
		return nil, err
	}
	return p.plan, p.err
}

// has reports whether the table was tracked before with a version column; t may
// be nil.
func (t *TrackedTable) has(versionColumn string) bool {
	return t != nil && t.Options.normalize().VersionColumn == versionColumn
}

func sameOptions(a, b TrackOptions) bool {
	x, errX := encodeOptions(a.normalize(), false, nil, postgres.Aliases{}, 0)
	y, errY := encodeOptions(b.normalize(), false, nil, postgres.Aliases{}, 0)
	return errX == nil && errY == nil && x == y
}

func (e *postgresEngine) registered(ctx context.Context, tx chronodriver.Queryer, found *postgres.Inspected) (*TrackedTable, error) {
	tables, err := e.tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i, t := range tables {
		if t.Table.Schema == found.Schema && t.Table.Name == found.Name {
			return &tables[i], nil
		}
	}
	return nil, nil
}

func (e *postgresEngine) validate(found *postgres.Inspected, registered *TrackedTable, opts TrackOptions, asked string) error {
	switch {
	case found.Schema == e.schema && strings.HasPrefix(found.Name, "chrononaut_"):
		return hint(fmt.Errorf("%w: it is one of Chrononaut's own tables", ErrNotTrackable), "History is append-only by itself.")
	case found.Schema == "pg_catalog" || found.Schema == "information_schema":
		return hint(fmt.Errorf("%w: it belongs to the catalog", ErrNotTrackable), "Track the application's own tables.")
	case found.Kind != "r" && found.Kind != "p":
		return hint(fmt.Errorf("%w: it is not a table", ErrNotTrackable), "Track the tables that a view reads from.")
	case found.Persistence == "t":
		return hint(fmt.Errorf("%w: it is a temporary table", ErrNotTrackable), "Track a permanent table: a temporary one ends with its session.")
	case found.IsPartition:
		return hint(fmt.Errorf("%w: it is a partition", ErrNotTrackable), "Track the partitioned table; its partitions are covered.")
	case found.HasChildren || found.IsChild:
		return hint(fmt.Errorf("%w: it takes part in table inheritance", ErrNotTrackable), "Row triggers of a parent do not see rows of its children. Use partitioning, or separate tables.")
	case opts.NoHistory && !opts.RecordChanges:
		return hint(fmt.Errorf("%w: neither history nor record changes are asked for", ErrOption), "Ask for one of them, or untrack the table.")
	case opts.SharedWithPython && opts.VersionColumn != DefaultVersionColumn:
		return hint(fmt.Errorf("%w: a table shared with Python has its version in the column %q", ErrOption, DefaultVersionColumn), "Adopt that column: --version-column version.")
	case opts.SharedWithPython && opts.Strict:
		return hint(fmt.Errorf("%w: a table shared with Python cannot be strict", ErrOption), "Python chrononaut tells who and why only after the change.")
	case opts.SharedWithPython && opts.NoHistory:
		return hint(fmt.Errorf("%w: a table shared with Python has history", ErrOption), "Leave one of the two out.")
	case found.KeyDeferred:
		return hint(fmt.Errorf("%w: its primary key is checked at the end of the transaction only", ErrNotTrackable),
			"Two rows may have one key until then, and history would take them for one record. Make the constraint INITIALLY IMMEDIATE.")
	case slices.ContainsFunc(found.Key, func(name string) bool { return found.Column(name).Generated }):
		return hint(fmt.Errorf("%w: its primary key has a generated column", ErrNotTrackable), "It has no value yet when a row gets its version. Make it a plain column.")
	case len(found.Key) == 0:
		return hint(ErrNoKey, "History is kept by primary key. Add one: ALTER TABLE … ADD PRIMARY KEY (…).")
	}
	if err := validateLayout(registered, opts); err != nil {
		return err
	}
	for _, name := range append(slices.Clone(opts.Hidden), opts.Untracked...) {
		switch {
		case found.Column(name) == nil:
			return hint(fmt.Errorf("%s: %w", name, ErrNoColumn), "The table's columns are: "+columnNames(found)+".")
		case slices.Contains(found.Key, name):
			return hint(fmt.Errorf("%w: %s is part of the primary key and cannot be hidden or untracked", ErrOption, name), "Leave it out of both lists: history finds a record by its key.")
		case name == opts.VersionColumn:
			return hint(fmt.Errorf("%w: %s is the version column and cannot be hidden or untracked", ErrOption, name), "Leave it out of both lists.")
		}
	}
	for _, name := range opts.Hidden {
		if slices.Contains(opts.Untracked, name) {
			return hint(fmt.Errorf("%w: %s is both hidden and untracked", ErrOption, name), "Name it in one of the lists. Of a hidden column only that it changed is recorded.")
		}
	}
	if opts.RecordChanges {
		for name, want := range recordChangeColumns {
			if c := found.Column(name); c != nil && c.Type != want {
				return hint(fmt.Errorf("%w: column %s has type %s, record changes need %s", ErrOption, name, c.Type, want), "Rename the column, or change its type.")
			}
		}
	}
	if opts.NoHistory {
		return nil
	}
	return validateVersionColumn(found, registered, opts, asked)
}

func validateVersionColumn(found *postgres.Inspected, registered *TrackedTable, opts TrackOptions, asked string) error {
	if !usableName(opts.VersionColumn) || slices.Contains(systemColumns, opts.VersionColumn) {
		return hint(fmt.Errorf("%w: no column can have the name %q", ErrVersionColumn, opts.VersionColumn), "Name another column of at most 63 bytes: --version-column NAME.")
	}
	column := found.Column(opts.VersionColumn)
	if column == nil {
		return nil
	}
	if slices.Contains(found.Key, column.Name) {
		return hint(fmt.Errorf("%w: %s is part of the primary key", ErrVersionColumn, column.Name), "Name another column: --version-column NAME.")
	}
	if column.Type != "integer" || column.Generated {
		return hint(fmt.Errorf("%w: %s has type %s, versions need a plain integer", ErrVersionColumn, column.Name, column.Type), "Name another column: --version-column NAME.")
	}
	// Ours already, or adopted by name.
	if !registered.has(column.Name) && asked == "" {
		return hint(fmt.Errorf("%w: the table already has a column %s", ErrVersionColumn, column.Name),
			"Name another column with --version-column NAME, or adopt this one with --version-column "+column.Name+".")
	}
	return nil
}

func columnNames(found *postgres.Inspected) string {
	names := make([]string, len(found.Columns))
	for i, c := range found.Columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// planner collects the steps of a plan.
type planner struct {
	engine *postgresEngine
	found  *postgres.Inspected
	table  *postgres.Table
	plan   *Plan
	err    error
	// again says that the plan has to be right also where columns are there
	// already.
	again bool
}

// add renders a statement and its reverse.
func (p *planner) add(comment, statement string, args postgres.PlanArgs, reverse string) {
	if p.err != nil {
		return
	}
	args.Table, args.Again = p.table, p.again
	step := Step{Comment: comment, object: p.object(statement, args)}
	if step.SQL, p.err = postgres.PlanSQL(p.engine.schema, statement, args); p.err != nil {
		return
	}
	if reverse != "" {
		if step.Reverse, p.err = postgres.PlanSQL(p.engine.schema, reverse, args); p.err != nil {
			return
		}
	}
	p.plan.Steps = append(p.plan.Steps, step)
}

// noteTracked comes before the triggers when capture begins, or is to go on.
func (p *planner) noteTracked() {
	if !p.table.History {
		return
	}
	if !p.found.Tables[0].Captures() {
		p.add("Until now changes may have been missed; whether history knows all rows from now on.", "note_tracked", postgres.PlanArgs{}, "")
	}
}

func (p *planner) columns(opts TrackOptions) {
	if p.table.History && p.found.Column(p.table.VersionColumn) == nil {
		p.add("The version of each row. It has no default, so that no row is rewritten;\nrows that exist now have none until they change.",
			"add_version_column", postgres.PlanArgs{}, "drop_version_column")
		p.table.Columns = append(p.table.Columns, postgres.Column{
			Name: p.table.VersionColumn, Form: "plain", Type: "integer", TypeName: "pg_catalog.int4", BaseType: "pg_catalog.int4", FullType: "integer",
		})
	}
	if !opts.RecordChanges {
		return
	}
	for _, name := range []string{"change_info", "changed"} {
		if p.found.Column(name) == nil {
			p.add("Who changed the row last, and when.", "add_record_change_column", postgres.PlanArgs{Name: name}, "drop_record_change_column")
			c := postgres.Column{Name: name, Form: "plain", Type: recordChangeColumns[name], TypeName: "pg_catalog.timestamptz", BaseType: "pg_catalog.timestamptz", FullType: recordChangeColumns[name]}
			if name == "change_info" {
				c.Form, c.TypeName, c.BaseType = "jsonb", "pg_catalog.jsonb", "pg_catalog.jsonb"
			}
			p.table.Columns = append(p.table.Columns, c)
		}
	}
}

var functionPurpose = map[string]string{
	postgres.Baseline:  "Writes a row's state before its first recorded change into history.",
	postgres.Number:    "Gives a row that is inserted or changed its version.",
	postgres.Version:   "Does so for a trigger.",
	postgres.Record:    "Writes a row's new state, or its last one, into history.",
	postgres.Capture:   "Does so for a trigger.",
	postgres.Statement: "Does so for all rows of a statement.",
	postgres.Truncate:  "Writes every row into history before TRUNCATE removes it.",

	postgres.PeriodFill:   "Makes the periods of records from their history.",
	postgres.PeriodFollow: "Makes the period of a change that is recorded.",
}

func (p *planner) functions(options string) {
	for _, kind := range p.functionKinds() {
		if p.err != nil {
			return
		}
		statement, err := p.table.FunctionSQL(kind)
		if err != nil {
			p.err = err
			return
		}
		source := postgres.FunctionSource(statement)
		comment := postgres.FunctionComment(source, options)
		existing := p.found.Function(p.table.FunctionName(kind))
		if existing != nil && existing.Is(statement) && existing.Comment != nil && *existing.Comment == comment {
			continue
		}
		p.plan.Steps = append(p.plan.Steps, Step{Comment: functionPurpose[kind], SQL: statement, object: p.table.FunctionName(kind)})
		if existing == nil {
			p.plan.Steps[len(p.plan.Steps)-1].Reverse, p.err = postgres.PlanSQL(p.engine.schema, "drop_function", postgres.PlanArgs{Table: p.table, Name: kind})
		}
		p.add("Triggers need no privilege to call it; nobody else needs it.", "revoke_function", postgres.PlanArgs{Name: kind}, "")
		p.add("The checksum by which the check command finds later changes of the function,\nand the options, which a dump of the schema alone would lose.", "comment_function",
			postgres.PlanArgs{Name: kind, Comment: comment}, "")
	}
}

var triggerPurpose = map[string]string{
	postgres.VersionTrigger:   "Runs after the application's BEFORE triggers, by its name.",
	postgres.BeforeTrigger:    "Notes what the transaction sees before foreign keys are checked.",
	postgres.InsertTrigger:    "Records all rows of a statement at once.",
	postgres.UpdateTrigger:    "Records all rows of a statement at once.",
	postgres.DeleteTrigger:    "Records all rows of a statement at once.",
	postgres.PartitionTrigger: "Should the table become a partition, a statement on its parent fires those of rows only.",
	postgres.CaptureTrigger:   "Runs before the application's AFTER triggers, by its name.",
	postgres.TruncateTrigger:  "TRUNCATE fires no other trigger.",
}

// enabling are the statements that have a trigger fire as it should, and why.
var enabling = map[string]struct{ statement, comment string }{
	postgres.EnabledAlways:  {"enable_trigger", "Fires also under session_replication_role = replica."},
	postgres.EnabledReplica: {"enable_replica", "Fires for what logical replication applies row by row: that fires no other trigger."},
	postgres.EnabledOrigin:  {"enable_origin", "Fires where the trigger of single rows does not."},
}

func (p *planner) triggers() {
	wanted := p.table.Triggers()
	for _, g := range wanted {
		for i, on := range p.found.Tables {
			clone := i > 0 && g.Row()
			existing := on.Trigger(g.Name)
			args := postgres.PlanArgs{On: on.Qualified(), Name: g.Name, Trigger: g}
			enabled := ""
			if existing != nil {
				enabled = existing.Enabled
			}
			if !clone && (existing == nil || !p.right(g, existing)) {
				p.add(triggerPurpose[g.Name], "create_trigger", args, "drop_trigger")
				enabled = postgres.EnabledOrigin
			}
			if enabled != g.Enabled {
				p.add(enabling[g.Enabled].comment, enabling[g.Enabled].statement, args, "")
			}
		}
	}
	for i, on := range p.found.Tables {
		for _, existing := range on.Triggers {
			clone := i > 0 && existing.Row() && existing.Name != postgres.PartitionTrigger
			isWanted := slices.ContainsFunc(wanted, func(g postgres.Trigger) bool { return g.Name == existing.Name })
			if postgres.IsTrigger(existing.Name) && !isWanted && !clone {
				p.add("No longer asked for.", "drop_trigger", postgres.PlanArgs{On: on.Qualified(), Name: existing.Name}, "")
			}
		}
	}
}

// object names what a statement is about.
func (p *planner) object(statement string, args postgres.PlanArgs) string {
	switch {
	case statement == "add_version_column":
		return p.table.VersionColumn
	case strings.HasSuffix(statement, "_function"):
		return p.table.FunctionName(args.Name)
	case statement == "register", statement == "record", statement == "note_tracked":
		return statement
	case statement == "grant_history", statement == "settle":
		return args.Name
	case pastStatements[statement]:
		return pastObject
	case statement == "arm_holds":
		return holdObject
	case strings.HasPrefix(statement, "create_") && args.Name == "":
		return args.On
	}
	return args.On + " " + args.Name
}

// guards repairs history's own functions, indexes and triggers.
func (p *planner) guards(findings []finding) error {
	for _, finding := range findings {
		if finding.kind == ProblemFunctionMissing || finding.kind == ProblemFunctionChanged {
			functions, err := postgres.HistoryFunctions(p.engine.schema)
			if err != nil {
				return err
			}
			p.plan.Steps = append(p.plan.Steps, Step{Comment: "A function of history that the triggers call.", SQL: functions[finding.object], object: finding.object})
		}
		if finding.kind == ProblemHistoryIndex {
			indexes, err := postgres.HistoryIndexes(p.engine.schema)
			if err != nil {
				return err
			}
			if finding.detail != "missing" {
				p.plan.Steps = append(p.plan.Steps, Step{Comment: "It is not valid, so that no query uses it.", SQL: "DROP INDEX " + postgres.QuoteIdent(p.engine.schema) + "." + postgres.QuoteIdent(finding.object), object: finding.object})
			}
			p.plan.Steps = append(p.plan.Steps, Step{Comment: "An index of history. Writers wait while it is built.", SQL: indexes[finding.object], object: finding.object})
		}
		if finding.kind == ProblemHistoryAccess && finding.detail == "privilege" {
			p.add("The owner of trigger functions writes history.", "grant_history", postgres.PlanArgs{Name: finding.object}, "")
		}
		if finding.kind == ProblemHistoryMoved && finding.detail == "true" {
			p.add("History came from elsewhere: what follows has transaction ids of its own.", "settle", postgres.PlanArgs{Name: finding.object}, "")
		}
		if finding.kind == ProblemHistoryOpen && finding.detail == "true" {
			p.add("Not everybody may call this function of history.", "close", postgres.PlanArgs{Name: finding.object}, "")
		}
		if finding.kind == ProblemHistoryRoles {
			sql, err := p.engine.keepHardenedSQL()
			if err != nil {
				return err
			}
			p.plan.Steps = append(p.plan.Steps, Step{Comment: "Owners and privileges, as chrononaut harden has set them.", SQL: sql, object: finding.object})
		}
		isArmed := slices.ContainsFunc(p.plan.Steps, func(s Step) bool { return s.object == holdObject })
		if finding.kind == ProblemHold && !isArmed && armsHold(finding.detail) {
			p.add("What is held is refused again.", "arm_holds", postgres.PlanArgs{}, "")
		}
		if finding.kind == ProblemPast {
			p.add("Views that are mirrored over the past.", "renew_mirrors", postgres.PlanArgs{}, "")
		}
		if finding.kind != ProblemHistoryTrigger {
			continue
		}
		args := postgres.PlanArgs{On: postgres.QuoteIdent(p.engine.schema) + ".chrononaut_activity", Name: finding.object}
		again := finding.detail == "missing" || finding.detail == "changed"
		if joinsPython(finding.object) {
			// It leaves alone what a subscription or a restore brings as replica.
			if again {
				p.add("Joins rows of a running Python chrononaut with what was captured.", "create_python", args, "")
			} else {
				p.add("Fires for rows that a running Python chrononaut writes here.", "enable_origin", args, "")
			}
			continue
		}
		if again {
			p.add("History's own guard: it refuses rewriting.", "create_guard", args, "")
		}
		p.add("History's own guard fires also under session_replication_role = replica.", "enable_trigger", args, "")
	}
	return nil
}

// holdObject is what the statement that guards holds again is about.
const holdObject = "holds"

// armsHold reports whether it puts a problem with holds right, as check_history.sql
// describes it: not what is for track or a person to do.
func armsHold(detail string) bool {
	return detail == "its triggers do not know of it" || strings.HasPrefix(detail, "the trigger ")
}

// joinsPython reports whether a trigger of history is one of those that join
// rows of a running Python chrononaut with what was captured; the others refuse
// rewriting.
func joinsPython(trigger string) bool { return strings.HasPrefix(trigger, "chrononaut_python_") }

// right reports whether a trigger is defined as it should be; whether it is
// enabled is another matter.
func (p *planner) right(g postgres.Trigger, t *postgres.InspectedTrigger) bool {
	return t.Type == g.Type && t.Conditional == g.OfPartition && t.OfPartition == g.OfPartition && t.OldRows == g.OldRows && t.NewRows == g.NewRows &&
		t.FunctionSchema == p.engine.schema && t.Function == p.table.FunctionName(g.Kind)
}
