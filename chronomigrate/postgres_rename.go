package chronomigrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// renaming is a renaming that is being planned.
type renaming struct {
	*planner
	ctx        context.Context
	q          chronodriver.Tx
	apply      *ApplyOpts
	registered *TrackedTable
}

func (e *postgresEngine) planRename(ctx context.Context, tx chronodriver.Tx, name chronodriver.Table, r Renaming, apply *ApplyOpts) (*Plan, error) {
	tables, err := e.tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	x := &renaming{ctx: ctx, q: tx, apply: apply}
	for i, t := range tables {
		if t.Tracked && (found != nil && t.Table.Schema == found.Schema && t.Table.Name == found.Name ||
			found == nil && t.Table.Name == name.Name && (name.Schema == "" || name.Schema == t.Table.Schema)) {
			if x.registered != nil {
				return nil, hint(fmt.Errorf("%w: more than one schema has a table of that name", ErrOption), "Write the schema: "+t.Table.String()+".")
			}
			x.registered = &tables[i]
		}
	}
	if x.registered == nil {
		if found == nil {
			return nil, hint(ErrNoTable, noTableHint)
		}
		return nil, hint(ErrNotTracked, "Nothing is recorded under its old names. chrononaut track tracks a table.")
	}
	old := x.registered.Table
	if r.Table.Name == "" {
		if found == nil {
			return nil, hint(ErrNoTable, noTableHint)
		}
		x.planner = e.renamer(found, old)
		if r.Undo {
			return x.withdraw(r)
		}
		return x.columns(r)
	}
	to := r.Table
	if to.Schema == "" {
		to.Schema = old.Schema
	}
	target, err := e.inspect(ctx, tx, to)
	if err != nil {
		return nil, err
	}
	switch {
	case to == old:
		return nil, hint(fmt.Errorf("%w: it has that name", ErrOption), "Give a new name, or another schema.")
	case found == nil && target == nil:
		return nil, hint(fmt.Errorf("%w under its old name or %s", ErrNoTable, to), noTableHint)
	case found != nil && target != nil:
		return nil, hint(fmt.Errorf("%w: there is another table %s", ErrOption, to), "Rename that one first.")
	case !usableName(to.Name) || !usableName(to.Schema):
		return nil, hint(fmt.Errorf("%w: no table can have the name %q", ErrOption, to.Name), "Name it with at most 63 bytes.")
	}
	for _, t := range tables {
		if t.Table == to && t.Tracked {
			return nil, hint(fmt.Errorf("%w: the registry has another tracked table %s, which is gone", ErrOption, to), "Run chrononaut untrack "+to.String()+" first.")
		}
	}
	exists := found != nil
	if !exists {
		found = target
	}
	x.planner = e.renamer(found, old)
	return x.to(to, exists)
}

// renamer plans for a table under the name that it has in the registry.
func (e *postgresEngine) renamer(found *postgres.Inspected, table chronodriver.Table) *planner {
	return &planner{
		engine: e, found: found, table: &postgres.Table{HistorySchema: e.schema, Schema: table.Schema, Name: table.Name},
		plan: &Plan{Table: table, Transactional: true},
	}
}

// boundary keeps writers out and returns an id between those of the table's rows
// up to now and those that follow. A dry run does neither.
func (x *renaming) boundary(on string) (id int64, err error) {
	sequence := postgres.QuoteIdent(x.engine.schema) + ".chrononaut_activity_id_seq"
	if x.apply.DryRun {
		return id, queryRow(x.ctx, x.q, []any{&id}, "SELECT last_value FROM "+sequence)
	}
	timeout := fmt.Sprintf("%dms", max(x.apply.LockTimeout.Milliseconds(), 1))
	if _, err := x.q.Exec(x.ctx, `SELECT pg_catalog.set_config('lock_timeout', $1::text, true)`, timeout); err != nil {
		return 0, err
	}
	// The registry first, as baselines do.
	if err := x.engine.lockRegistered(x.ctx, x.q, &Plan{Table: x.plan.Table, Steps: make([]Step, 1)}); err != nil {
		return 0, err
	}
	if _, err := x.q.Exec(x.ctx, "LOCK TABLE "+on+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return 0, err
	}
	return id, queryRow(x.ctx, x.q, []any{&id}, "SELECT pg_catalog.nextval("+postgres.QuoteLiteral(sequence)+")")
}

// lastBefore is the id of the table's last row before a time.
func (x *renaming) lastBefore(at time.Time) (id int64, err error) {
	sql, err := postgres.Query(x.engine.schema, "plan.sql#last_before", nil)
	if err != nil {
		return 0, err
	}
	err = queryRow(x.ctx, x.q, []any{&id}, sql, x.plan.Table.Schema, x.plan.Table.Name, at.UTC().Format("2006-01-02 15:04:05.999999-07"))
	return id, err
}

// columns renames columns that have their old names and declares others.
func (x *renaming) columns(r Renaming) (*Plan, error) {
	todo, err := x.pending(r)
	if err != nil {
		return nil, err
	}
	on := x.found.Tables[0].Qualified()
	upTo, err := x.boundary(on)
	if err != nil {
		return nil, err
	}
	if !r.At.IsZero() {
		if upTo, err = x.lastBefore(r.At); err != nil {
			return nil, err
		}
		if upTo < x.registered.aliases.After {
			return nil, hint(fmt.Errorf("%w: an older rename is declared to be later", ErrOption), "Declare renames in their order.")
		}
	}
	if todo {
		x.alterColumns(on, r.Columns)
		x.renameFound(r.Columns)
	}
	loose := !todo && r.At.IsZero()
	next := *x.registered
	next.aliases = next.aliases.Extend(x.found.Schema, x.found.Name, r.Columns, next.Options.Hidden, upTo, loose)
	next.python = renamePython(next.python, r.Columns)
	next.Options.Hidden = renameAll(next.Options.Hidden, r.Columns)
	next.Options.Untracked = renameAll(next.Options.Untracked, r.Columns)
	next.Options = next.Options.normalize()
	next.Options.VersionColumn = renameAll([]string{next.Options.VersionColumn}, r.Columns)[0]
	return x.finish(&next)
}

// withdraw takes the last declaration back.
func (x *renaming) withdraw(r Renaming) (*Plan, error) {
	aliases, ok := x.registered.aliases.Withdraw(x.found.Schema, x.found.Name, r.Columns)
	if !ok {
		return nil, hint(fmt.Errorf("%w: it is not the last declaration about the table", ErrOption), "Name the columns as they were declared. An older declaration is withdrawn after those that followed it.")
	}
	before := map[string]string{}
	for was, is := range r.Columns {
		before[is] = was
	}
	next := *x.registered
	next.aliases = aliases
	next.python = renamePython(next.python, before)
	if _, err := x.boundary(x.found.Tables[0].Qualified()); err != nil {
		return nil, err
	}
	return x.finish(&next)
}

// pending reports whether the columns still have their old names.
func (x *renaming) pending(r Renaming) (bool, error) {
	var pending, done []string
	for _, was := range slices.Sorted(maps.Keys(r.Columns)) {
		is := r.Columns[was]
		_, exchanged := r.Columns[is]
		taken := slices.ContainsFunc(slices.Collect(maps.Keys(r.Columns)), func(other string) bool { return other != was && r.Columns[other] == is })
		hasOld, hasNew := x.found.Column(was) != nil, x.found.Column(is) != nil
		switch {
		case !usableName(is) || was == is || taken:
			return false, hint(fmt.Errorf("%w: %s cannot get the name %q", ErrOption, was, is), "Give each column another name, of at most 63 bytes.")
		case hasOld && (!hasNew || exchanged) && r.At.IsZero():
			pending = append(pending, was)
		case hasNew && (!hasOld || !r.At.IsZero()):
			done = append(done, was)
		case !hasOld && !hasNew:
			return false, hint(fmt.Errorf("%s and %s: %w", was, is, ErrNoColumn), "The table's columns are: "+columnNames(x.found)+".")
		case !r.At.IsZero():
			return false, hint(fmt.Errorf("%w: %s has not been renamed to %s", ErrOption, was, is), "Leave out the time: the column is renamed then.")
		default:
			return false, hint(fmt.Errorf("%w: the table has both columns, %s and %s", ErrOption, was, is), "If "+is+" had the name "+was+" before, say when it was renamed.")
		}
	}
	if len(pending) > 0 && len(done) > 0 {
		return false, hint(fmt.Errorf("%w: some of the columns have their new names already", ErrOption), "Name them in a call of their own.")
	}
	return len(pending) > 0, nil
}

func (x *renaming) alterColumns(on string, columns map[string]string) {
	const comment = "The column gets its new name; what is recorded keeps the old one."
	var second []string
	for i, was := range slices.Sorted(maps.Keys(columns)) {
		to := columns[was]
		if x.found.Column(to) != nil {
			// The name is free only when the others have theirs.
			second = append(second, was)
			to = fmt.Sprintf("chrononaut_rename_%d", i)
		}
		x.add(comment, "rename_column", postgres.PlanArgs{On: on, Name: was, To: to}, "")
	}
	for i, was := range slices.Sorted(maps.Keys(columns)) {
		if slices.Contains(second, was) {
			x.add(comment, "rename_column", postgres.PlanArgs{On: on, Name: fmt.Sprintf("chrononaut_rename_%d", i), To: columns[was]}, "")
		}
	}
}

// renameFound makes of the catalog what it will be.
func (x *renaming) renameFound(columns map[string]string) {
	x.found.Key = renameAll(x.found.Key, columns)
	for i := range x.found.Columns {
		c := &x.found.Columns[i]
		c.Name = renameAll([]string{c.Name}, columns)[0]
		c.Feeds = renameAll(c.Feeds, columns)
	}
}

func renameAll(names []string, columns map[string]string) []string {
	renamed := slices.Clone(names)
	for i, name := range renamed {
		if is, ok := columns[name]; ok {
			renamed[i] = is
		}
	}
	return renamed
}

// renamePython lets the declared rows of Python follow: their attributes keep
// their names.
func renamePython(python []postgres.PythonRows, columns map[string]string) []postgres.PythonRows {
	var renamed []postgres.PythonRows
	for _, rows := range python {
		attributes, enums := map[string]*string{}, map[string]map[string]*string{}
		named := map[string]bool{}
		for attribute, column := range rows.Attributes {
			if column != nil {
				named[*column] = true
				column = &renameAll([]string{*column}, columns)[0]
			}
			attributes[attribute] = column
		}
		for was, is := range columns {
			if _, ok := attributes[was]; !ok && !named[was] {
				attributes[was] = &is
			}
		}
		for column, members := range rows.Enums {
			enums[renameAll([]string{column}, columns)[0]] = members
		}
		rows.Attributes, rows.Enums = attributes, enums
		renamed = append(renamed, rows)
	}
	return renamed
}

// to gives the table another name or schema; exists says that it has the old
// one.
func (x *renaming) to(to chronodriver.Table, exists bool) (*Plan, error) {
	upTo, err := x.boundary(x.found.Tables[0].Qualified())
	if err != nil {
		return nil, err
	}
	old := x.table
	if err := x.strayTriggers(x.ctx, x.q); err != nil {
		return nil, err
	}
	if exists {
		const comment = "The table gets its new name; what is recorded keeps the old one."
		on := old.Qualified()
		if to.Schema != old.Schema {
			x.add(comment, "set_schema", postgres.PlanArgs{On: on, To: to.Schema}, "")
			on = postgres.QuoteIdent(to.Schema) + "." + postgres.QuoteIdent(old.Name)
		}
		if to.Name != old.Name {
			x.add(comment, "rename_table", postgres.PlanArgs{On: on, To: to.Name}, "")
		}
		// The functions of the new name are still to be made.
		x.found.Functions = nil
		x.found.Past.Schema, x.found.Past.Comment = "", ""
		x.found.Schema, x.found.Name = to.Schema, to.Name
		x.found.Tables[0].Schema, x.found.Tables[0].Name = to.Schema, to.Name
	}
	left, err := encodeOptions(TrackOptions{}, false, nil, postgres.Aliases{
		After: upTo, Moved: true, Concealed: append(slices.Clone(x.registered.aliases.Concealed), concealed(x.registered.Options.Hidden, upTo)...),
	}, postgres.Generation)
	if err != nil {
		return nil, err
	}
	x.table = &postgres.Table{HistorySchema: x.engine.schema, Schema: to.Schema, Name: to.Name}
	x.add("The registry knows the table by its new name.", "move_registered", postgres.PlanArgs{From: old}, "")
	x.add("What history knows of it is known under the new name.", "move_past", postgres.PlanArgs{From: old}, "")
	x.add("Another table may get the old name.", "leave_registered", postgres.PlanArgs{From: old, Options: left}, "")
	next := *x.registered
	next.Table = to
	next.aliases = next.aliases.Extend(old.Schema, old.Name, nil, nil, upTo, false)
	plan, err := x.finish(&next)
	if err != nil {
		return nil, err
	}
	plan.Table = to
	x.table = old
	x.add("The old name has no past any more.", "forget_past", postgres.PlanArgs{From: old}, "")
	for _, kind := range x.engine.describe(x.found, next.Options, false).Functions() {
		x.add("A function of the triggers under the old name.", "drop_function", postgres.PlanArgs{Name: kind}, "")
	}
	return x.plan, x.err
}

func concealed(hidden []string, upTo int64) []postgres.Concealed {
	var names []postgres.Concealed
	for _, name := range hidden {
		names = append(names, postgres.Concealed{Name: name, UpTo: upTo})
	}
	return names
}

// finish tracks the table under its new names.
func (x *renaming) finish(next *TrackedTable) (*Plan, error) {
	// The registry is written in any case.
	next.unregistered = true
	plan, err := x.engine.planFound(x.ctx, x.q, x.found, next, next.Options, next.python)
	if err != nil {
		return nil, err
	}
	x.plan.Steps = append(x.plan.Steps, plan.Steps...)
	return x.plan, x.err
}
