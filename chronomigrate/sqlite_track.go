package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// sqliteOptions is how the registry keeps the options.
func (o TrackOptions) sqliteOptions() sqlite.Options {
	return sqlite.Options{
		Hidden: o.Hidden, Untracked: o.Untracked, VersionColumn: o.VersionColumn,
		Strict: o.Strict, RecordChanges: o.RecordChanges, NoHistory: o.NoHistory,
	}
}

// inspect reads a table of the main database; nil when it does not exist.
func (e *sqliteEngine) inspect(ctx context.Context, q chronodriver.Queryer, name chronodriver.Table) (*sqlite.Inspected, error) {
	if name.Schema != "" && !sqlite.SameName(name.Schema, sqliteSchema) {
		return nil, hint(fmt.Errorf("%w: it is not in the main database", ErrNotTrackable), "Triggers do not reach into attached databases and temporary tables. Open the file itself.")
	}
	return sqlite.Inspect(ctx, q, name.Name)
}

// find returns the registry's row for a table of the catalog, or nil.
func (e *sqliteEngine) find(ctx context.Context, q chronodriver.Queryer, name string) (*sqliteTable, error) {
	tables, err := e.registry(ctx, q)
	if err != nil {
		return nil, err
	}
	for i := range tables {
		if sqlite.SameName(tables[i].Table.Name, name) {
			return &tables[i], nil
		}
	}
	return nil, nil
}

func (e *sqliteEngine) planTrack(ctx context.Context, tx chronodriver.Queryer, name chronodriver.Table, opts TrackOptions) (*Plan, error) {
	asked := opts.VersionColumn
	opts = opts.normalize()
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, e.missing(ctx, tx, name)
	}
	registered, err := e.find(ctx, tx, found.Name)
	if err != nil {
		return nil, err
	}
	if opts, err = validateSQLite(found, registered, opts, asked); err != nil {
		return nil, err
	}
	p := &sqlitePlanner{found: found, plan: &Plan{Table: chronodriver.Table{Schema: sqliteSchema, Name: found.Name}, Transactional: true}}
	if p.guarded, err = e.guarded(ctx, tx, found); err != nil {
		return nil, err
	}
	p.describe(opts)
	if err := e.requireKeys(ctx, tx, p.table); err != nil {
		return nil, err
	}
	p.columns(opts)
	life, err := e.planKeys(ctx, tx, p, registered)
	if err != nil {
		return nil, err
	}
	if err := e.planTriggers(ctx, tx, p); err != nil {
		return nil, err
	}
	options, err := p.options(opts)
	if err != nil {
		return nil, err
	}
	if registered == nil || !registered.Tracked || !slices.Equal(registered.KeyColumns, found.Key()) ||
		!slices.Equal(registered.known, p.known()) || !sameOptions(registered.Options, opts) {
		p.add("Note in the registry how the table is tracked.", "register", sqlite.PlanArgs{Options: options}, "unregister")
	}
	if !p.plan.Empty() {
		shown, err := json.Marshal(opts.sqliteOptions())
		if err != nil {
			return nil, err
		}
		p.add("Record in history itself that tracking began or changed.", "record", sqlite.PlanArgs{Name: "track", Options: string(shown)}, "")
	}
	p.planLives(life)
	return p.plan, p.err
}

// guarded reports whether something of a table is held or leased. It is not when
// that is under another name: whoever renamed it has to rename it back.
func (e *sqliteEngine) guarded(ctx context.Context, q chronodriver.Queryer, found *sqlite.Inspected) (guarded bool, err error) {
	names, err := queryStrings(ctx, q, `SELECT table_name FROM main.chrononaut_guarded UNION SELECT table_name FROM main.chrononaut_guard UNION SELECT table_name FROM main.chrononaut_hold WHERE released IS NULL`)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if sqlite.SameName(name, found.Name) {
			if err := e.requireHeldColumns(ctx, q, found, name); err != nil {
				return true, err
			}
			guarded = true
			continue
		}
		for _, t := range found.Ours() {
			if slices.Contains(sqlite.GuardKinds, t.Kind()) && strings.Contains(t.SQL, "table_name = "+sqlite.QuoteLiteral(name)) {
				return false, hint(fmt.Errorf("%w: records of it are held or leased under its former name %s", ErrNotTrackable, name),
					"Rename it back, or release them: chrononaut holds lists the holds.")
			}
		}
	}
	return guarded, nil
}

// requireHeldColumns refuses a table that lacks a column by which rows of it are held:
// new triggers would not find the rows any more.
func (e *sqliteEngine) requireHeldColumns(ctx context.Context, q chronodriver.Queryer, found *sqlite.Inspected, name string) error {
	columns, err := queryStrings(ctx, q, `SELECT DISTINCT c.key FROM main.chrononaut_guard AS g, json_each(g.columns) AS c WHERE g.kind = 'hold' AND g.table_name = ?1 ORDER BY c.key`, name)
	if err != nil {
		return err
	}
	for _, column := range columns {
		if !slices.Contains(sqliteColumns(found), column) {
			return hint(fmt.Errorf("%w: records of it are held by the column %s, which was renamed or dropped", ErrNotTrackable, column),
				"Rename it back, or release the holds: chrononaut holds lists them.")
		}
	}
	return nil
}

// missing says why there is no such table.
func (e *sqliteEngine) missing(ctx context.Context, q chronodriver.Queryer, name chronodriver.Table) error {
	var temporary bool
	if err := queryRow(ctx, q, []any{&temporary}, `SELECT EXISTS (SELECT 1 FROM temp.sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE)`, name.Name); err != nil {
		return err
	}
	if temporary {
		return fmt.Errorf("%w: it is a temporary table", ErrNotTrackable)
	}
	return hint(ErrNoTable, "Only tables of the main database are looked at.")
}

// requireKeys refuses a table with rows that have no usable key.
func (e *sqliteEngine) requireKeys(ctx context.Context, q chronodriver.Queryer, table *sqlite.Table) error {
	if table.NullKey("r") == "" {
		return nil
	}
	sql, err := sqlite.PlanSQL("null_keys", sqlite.PlanArgs{Table: table})
	if err != nil {
		return err
	}
	var found bool
	if err := queryRow(ctx, q, []any{&found}, sql); err != nil {
		return err
	}
	if found {
		return hint(fmt.Errorf("%w: it has rows with NULL in the primary key", ErrNotTrackable), "SQLite allows any number of them, so they are not keys. Give these rows a key, or delete them.")
	}
	return nil
}

func validateSQLite(found *sqlite.Inspected, registered *sqliteTable, opts TrackOptions, asked string) (TrackOptions, error) {
	switch {
	case strings.HasPrefix(strings.ToLower(found.Name), "chrononaut_"):
		return opts, hint(fmt.Errorf("%w: it is one of Chrononaut's own tables", ErrNotTrackable), "History is append-only by itself.")
	case strings.HasPrefix(strings.ToLower(found.Name), "sqlite_"):
		return opts, fmt.Errorf("%w: it is one of SQLite's own tables", ErrNotTrackable)
	case found.Kind != "table":
		return opts, hint(fmt.Errorf("%w: it is a %s", ErrNotTrackable, found.Kind), "Track the tables that it reads from.")
	case sqlite.SameName(found.Name, "new") || sqlite.SameName(found.Name, "old"):
		return opts, fmt.Errorf("%w: a trigger cannot tell a table of this name from the row that is written", ErrNotTrackable)
	case opts.SharedWithPython:
		return opts, hint(fmt.Errorf("%w: Python chrononaut needs PostgreSQL", ErrOption), "Leave --shared-with-python out.")
	case opts.Layout != "" && opts.Layout != LayoutJSON:
		return opts, hint(fmt.Errorf("%w: the layout %s needs PostgreSQL", ErrOption, opts.Layout), "Leave --layout out.")
	case opts.NoHistory && !opts.RecordChanges:
		return opts, fmt.Errorf("%w: neither history nor record changes are asked for", ErrOption)
	case len(found.Key()) == 0:
		return opts, hint(ErrNoKey, "History is kept by primary key; the rowid alone changes with VACUUM. SQLite adds a primary key only to a new table: create one and copy the rows.")
	}
	spell := func(names []string) ([]string, error) {
		spelled := make([]string, len(names))
		for i, name := range names {
			c := found.Column(name)
			switch {
			case c == nil:
				advice := "The table's columns are: " + strings.Join(sqliteColumns(found), ", ") + "."
				if now := found.HiddenNow()[name]; now != "" {
					advice = "It was renamed to " + now + "."
				}
				return nil, hint(fmt.Errorf("%s: %w", name, ErrNoColumn), advice)
			case c.Key > 0:
				return nil, hint(fmt.Errorf("%w: %s is part of the primary key and cannot be hidden or untracked", ErrOption, c.Name), "Leave it out of both lists: history finds a record by its key.")
			case sqlite.SameName(c.Name, opts.VersionColumn):
				return nil, hint(fmt.Errorf("%w: %s is the version column and cannot be hidden or untracked", ErrOption, c.Name), "Leave it out of both lists.")
			}
			spelled[i] = c.Name
		}
		return spelled, nil
	}
	var err error
	if opts.Hidden, err = spell(opts.Hidden); err != nil {
		return opts, err
	}
	if opts.Untracked, err = spell(opts.Untracked); err != nil {
		return opts, err
	}
	for _, name := range opts.Hidden {
		if slices.Contains(opts.Untracked, name) {
			return opts, hint(fmt.Errorf("%w: %s is both hidden and untracked", ErrOption, name), "Name it in one of the lists. Of a hidden column only that it changed is recorded.")
		}
	}
	opts = opts.normalize()
	// A column that was renamed while it was hidden holds what was to be hidden.
	for was, now := range found.HiddenNow() {
		if was != now && found.Column(now) != nil && !slices.Contains(opts.Hidden, now) && !slices.Contains(opts.Untracked, now) {
			return opts, hint(fmt.Errorf("%w: the hidden column %s was renamed to %s, which would enter history", ErrOption, was, now), "Name "+now+" among the hidden columns. To show it, track the table once more without it afterwards.")
		}
	}
	if opts.RecordChanges {
		for _, name := range []string{"change_info", "changed"} {
			if c := found.Column(name); c != nil && c.Generated() {
				return opts, fmt.Errorf("%w: column %s is generated, record changes need a plain one", ErrOption, c.Name)
			}
		}
	}
	if opts.NoHistory {
		return opts, nil
	}
	return validateSQLiteVersion(found, registered, opts, asked)
}

func validateSQLiteVersion(found *sqlite.Inspected, registered *sqliteTable, opts TrackOptions, asked string) (TrackOptions, error) {
	c := found.Column(opts.VersionColumn)
	if c == nil {
		return opts, nil
	}
	const advice = "Name another column: --version-column NAME."
	switch {
	case c.Key > 0:
		return opts, hint(fmt.Errorf("%w: %s is part of the primary key", ErrVersionColumn, c.Name), advice)
	case c.Generated() || c.NotNull != 0 || !strings.Contains(strings.ToUpper(c.Type), "INT"):
		return opts, hint(fmt.Errorf("%w: %s is declared as %q, versions need a plain integer that may be NULL", ErrVersionColumn, c.Name, c.Type), advice)
	}
	ours := registered != nil && !registered.Options.NoHistory && sqlite.SameName(registered.Options.normalize().VersionColumn, c.Name)
	if !ours && asked == "" {
		return opts, hint(fmt.Errorf("%w: the table already has a column %s", ErrVersionColumn, c.Name),
			"Name another column with --version-column NAME, or adopt this one with --version-column "+c.Name+".")
	}
	opts.VersionColumn = c.Name
	return opts, nil
}

func sqliteColumns(found *sqlite.Inspected) []string {
	names := make([]string, len(found.Columns))
	for i, c := range found.Columns {
		names[i] = c.Name
	}
	return names
}

// sqlitePlanner collects the steps of a plan.
type sqlitePlanner struct {
	found *sqlite.Inspected
	// guarded: something of the table is held or leased.
	guarded bool
	table   *sqlite.Table
	plan    *Plan
	err     error
}

func (p *sqlitePlanner) describe(opts TrackOptions) {
	options := opts.sqliteOptions()
	options.Guarded = p.guarded
	p.table = p.found.Describe(options)
}

// known lists the columns that the triggers are generated for.
func (p *sqlitePlanner) known() []string { return sqliteColumns(p.found) }

func (p *sqlitePlanner) options(opts TrackOptions) (string, error) {
	o := opts.sqliteOptions()
	o.Generation, o.Known = sqlite.Generation, p.known()
	encoded, err := json.Marshal(o)
	return string(encoded), err
}

// add renders a statement and its reverse.
func (p *sqlitePlanner) add(comment, statement string, args sqlite.PlanArgs, reverse string) {
	if p.err != nil {
		return
	}
	args.Table = p.table
	step := Step{Comment: comment}
	if step.SQL, p.err = sqlite.PlanSQL(statement, args); p.err != nil {
		return
	}
	if reverse != "" {
		if step.Reverse, p.err = sqlite.PlanSQL(reverse, args); p.err != nil {
			return
		}
	}
	p.plan.Steps = append(p.plan.Steps, step)
}

func (p *sqlitePlanner) columns(opts TrackOptions) {
	if p.table.History() && p.found.Column(p.table.VersionColumn) == nil {
		p.add("The version of each row. It has no default: rows that exist now have none\nuntil they change.", "add_version_column", sqlite.PlanArgs{}, "drop_version_column")
		p.found.Columns = append(p.found.Columns, sqlite.Column{Name: p.table.VersionColumn, Type: "INTEGER"})
	}
	if opts.RecordChanges {
		// Drivers make a time of text in a column that says that it is one.
		for _, c := range []sqlite.Column{{Name: "change_info", Type: "TEXT"}, {Name: "changed", Type: "DATETIME"}} {
			if p.found.Column(c.Name) == nil {
				p.add("Who changed the row last, and when.", "add_record_change_column", sqlite.PlanArgs{Name: c.Name, Type: c.Type}, "drop_record_change_column")
				p.found.Columns = append(p.found.Columns, c)
			}
		}
	}
	p.describe(opts)
}

var sqlitePurpose = map[string]string{
	sqlite.KindSuppressed: "A row that is inserted through the unsafe door has no version.",

	sqlite.KindUnrecordedInsert: "Notes that the state of a row that is inserted through the unsafe door is not\nrecorded.",
	sqlite.KindUnrecordedUpdate: "The same for a row that is changed.",
	sqlite.KindUnrecordedDelete: "The same for a row that is deleted.",

	sqlite.KindKeep:         "The version is not the application's to change.",
	sqlite.KindNumberInsert: "Writes the version into a row that was inserted.",
	sqlite.KindNumberUpdate: "Writes the version into a row that was changed.",
	sqlite.KindInsert:       "Writes a new row into history. Fires before the application's AFTER triggers,\nbecause it is created last.",
	sqlite.KindUpdate:       "Writes a row's new state into history, where the next trigger does not.",
	sqlite.KindShortUpdate:  "Writes it in most cases, which cost less.",
	sqlite.KindReplaced:     "Writes rows into history that UPDATE OR REPLACE has deleted.",
	sqlite.KindReplacing:    "The same for INSERT OR REPLACE.",
	sqlite.KindDelete:       "Writes a row's last state into history.",
	sqlite.KindNoteInsert:   "Notes rows that OR REPLACE would delete without a trigger.",
	sqlite.KindNoteUpdate:   "The same for UPDATE OR REPLACE.",

	sqlite.KindGuardNote:   "Notes held rows that OR REPLACE would delete without a trigger.",
	sqlite.KindGuardUnique: "Refuses to put a row in the place of a held one.",
	sqlite.KindGuardMoved:  "Takes a lease along with the key of its record.",
	sqlite.KindGuardInsert: "Refuses a row that is held or leased.",
	sqlite.KindGuardUpdate: "Refuses to change one. A BEFORE trigger, so that no other comes first.",
	sqlite.KindGuardDelete: "Refuses to delete one.",
}

// wanted is the list of triggers, in their order, that a table should have.
func (p *sqlitePlanner) wanted(number int) (triggers []sqlite.InspectedTrigger, err error) {
	for _, kind := range p.table.Kinds() {
		name := p.table.TriggerName(kind, number)
		statement, err := p.table.TriggerSQL(kind, name)
		if err != nil {
			return nil, err
		}
		triggers = append(triggers, sqlite.InspectedTrigger{Name: name, SQL: statement})
	}
	return triggers, nil
}

// planTriggers replaces all triggers of a table or none: their order counts.
func (e *sqliteEngine) planTriggers(ctx context.Context, q chronodriver.Queryer, p *sqlitePlanner) error {
	number, err := e.number(ctx, q, p.table)
	if err != nil {
		return err
	}
	wanted, err := p.wanted(number)
	if err != nil {
		return err
	}
	existing := p.found.Ours()
	same := slices.EqualFunc(existing, wanted, func(a, b sqlite.InspectedTrigger) bool { return a.SQL == sqlite.StoredSQL(b.SQL) })
	if same && len(p.found.Before()) == 0 {
		return nil
	}
	for _, t := range existing {
		p.add("To be replaced, or no longer asked for.", "drop_trigger", sqlite.PlanArgs{Name: t.Name}, "")
	}
	for i, kind := range p.table.Kinds() {
		reverse, err := sqlite.PlanSQL("drop_trigger", sqlite.PlanArgs{Name: wanted[i].Name})
		if err != nil {
			return err
		}
		p.plan.Steps = append(p.plan.Steps, Step{Comment: sqlitePurpose[kind], SQL: wanted[i].SQL, Reverse: reverse})
	}
	return nil
}

// number finds names for the triggers that no other table's triggers have: a
// table that was renamed keeps its own.
func (e *sqliteEngine) number(ctx context.Context, q chronodriver.Queryer, table *sqlite.Table) (number int, err error) {
	taken, err := e.triggers(ctx, q)
	if err != nil {
		return 0, err
	}
	for {
		if !slices.ContainsFunc(table.Kinds(), func(kind string) bool {
			on, ok := taken[table.TriggerName(kind, number)]
			return ok && !sqlite.SameName(on, table.Name)
		}) {
			return number, nil
		}
		number++
	}
}

// triggers returns the tables that our triggers are on, by the triggers' names.
func (e *sqliteEngine) triggers(ctx context.Context, q chronodriver.Queryer) (map[string]string, error) {
	sql, err := sqlite.Query("triggers")
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	triggers := map[string]string{}
	for rows.Next() {
		var name, on string
		if err := rows.Scan(&name, &on); err != nil {
			return nil, err
		}
		triggers[name] = on
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return triggers, rows.Close()
}

func (e *sqliteEngine) planUntrack(ctx context.Context, tx chronodriver.Tx, name chronodriver.Table) (*Plan, error) {
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	asked := name.Name
	if found != nil {
		asked = found.Name
	}
	registered, err := e.find(ctx, tx, asked)
	switch {
	case err != nil:
		return nil, err
	case registered == nil && found == nil:
		return nil, ErrNoTable
	case registered == nil:
		return nil, hint(ErrNotTracked, "chrononaut check --uncovered lists the tables that are not tracked.")
	}
	plan := &Plan{Table: registered.Table, Transactional: true}
	p := &sqlitePlanner{found: found, plan: plan}
	if found == nil {
		// The table is gone, or has another name and still our triggers.
		p.found = &sqlite.Inspected{Name: registered.Table.Name}
	}
	p.describe(registered.Options)
	taken, err := e.triggers(ctx, tx)
	if err != nil {
		return nil, err
	}
	if found != nil {
		for _, t := range found.Ours() {
			p.add("End capture.", "drop_trigger", sqlite.PlanArgs{Name: t.Name}, "")
		}
	} else {
		for _, kind := range p.table.Kinds() {
			trigger := p.table.TriggerName(kind, 0)
			if _, ok := taken[trigger]; ok {
				p.add("End capture of the table under the name that it has now.", "drop_trigger", sqlite.PlanArgs{Name: trigger}, "")
			}
		}
	}
	if err := e.planDropKeys(ctx, tx, p); err != nil {
		return nil, err
	}
	if registered.Tracked {
		p.add("What the triggers have noted means nothing any more.", "forget", sqlite.PlanArgs{}, "")
		p.add("History, and the version column, stay. The registry remembers the options.", "unregister", sqlite.PlanArgs{}, "")
		p.add("Record in history itself that tracking ended.", "record", sqlite.PlanArgs{Name: "untrack", Options: "{}"}, "")
	}
	return p.plan, p.err
}
