package chronomigrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

func (e *postgresEngine) check(ctx context.Context, q chronodriver.Queryer, registered TrackedTable) ([]Problem, error) {
	if registered.Table.Name == "" {
		return e.checkHistory(ctx, q)
	}
	repair := "Run chrononaut track " + registered.Table.String() + "."
	c := &checker{table: registered.Table}
	found, err := e.inspect(ctx, q, registered.Table)
	if err != nil {
		return nil, err
	}
	if found == nil {
		present, err := e.renamedTo(ctx, q, registered)
		if err != nil {
			return nil, err
		}
		if present != "" {
			c.report(ProblemTableDropped, registered.Table.String(), "the table was renamed to "+present+"; its changes are recorded under the old name",
				"Run chrononaut rename "+registered.Table.String()+" --to "+present+".")
			return c.problems, nil
		}
		c.report(ProblemTableDropped, registered.Table.String(), "the table does not exist; it was dropped or renamed",
			"Run chrononaut untrack "+registered.Table.String()+"; its history stays. Track a renamed table under its new name.")
		return c.problems, nil
	}
	if len(found.Key) == 0 {
		c.report(ProblemNoKey, "", "the table has no primary key any more; writes to it fail", "Add a primary key, then run chrononaut track "+registered.Table.String()+".")
		return c.problems, nil
	}
	if found.HasChildren || found.IsChild {
		c.report(ProblemNotTrackable, registered.Table.String(), "the table takes part in table inheritance; changes of its children's rows are not recorded",
			"Use partitioning, or separate tables; or run chrononaut untrack "+registered.Table.String()+".")
	}
	if found.IsPartition {
		c.report(ProblemNotTrackable, registered.Table.String(), "the table has become a partition; its rows are still recorded under its own name, one by one, and those of other partitions are not",
			"Run chrononaut untrack "+registered.Table.String()+", then chrononaut track of the partitioned table with --baseline.")
	}
	if found.KeyDeferred {
		c.report(ProblemNotTrackable, registered.Table.String(), "the primary key is checked at the end of the transaction only; rows that have the same key until then are taken for one record",
			"Make the constraint INITIALLY IMMEDIATE.")
	}
	if !slices.Equal(found.Key, registered.KeyColumns) {
		c.report(ProblemKeyChanged, strings.Join(found.Key, ", "), "the primary key is not the one that is tracked: "+strings.Join(registered.KeyColumns, ", "), repair)
	}
	if registered.unregistered {
		c.report(ProblemUnregistered, registered.Table.String(), "the registry does not know the table, which has triggers; a dump of the schema alone was restored", repair)
	}
	opts := registered.Options.normalize()
	for _, name := range slices.Concat(opts.Hidden, opts.Untracked) {
		if found.Column(name) == nil {
			c.report(ProblemColumnMissing, name, "the table has no column "+name+", which is hidden or untracked; it was renamed or dropped",
				repair[:len(repair)-1]+" with the present names in --hidden and --untracked.")
		}
	}
	strict, err := e.strict(ctx, q)
	if err != nil {
		return nil, err
	}
	table := e.describe(found, opts, strict)
	table.Adopted = registered.adopted
	table.Python = registered.python
	table.Aliases = registered.aliases
	c.rowByRow(found, table, repair)
	p := &planner{engine: e, found: found, table: table}
	if table.History && found.Column(table.VersionColumn) == nil {
		c.report(ProblemColumnMissing, table.VersionColumn, "the version column is gone; writes to the table fail", repair)
	} else {
		if err := c.functions(p, repair); err != nil {
			return nil, err
		}
		c.triggers(p, repair)
		if err := c.strays(ctx, q, p, repair); err != nil {
			return nil, err
		}
		c.periods(p, repair)
		if err := c.past(p, repair); err != nil {
			return nil, err
		}
	}
	return c.problems, c.planFixes(ctx, q, e, registered)
}

// planFixes plans what track would do, and gives each problem its part of it.
// Without a plan, because a human has to decide something first, there are none.
func (c *checker) planFixes(ctx context.Context, q chronodriver.Queryer, e engine, registered TrackedTable) error {
	if len(c.problems) == 0 {
		return nil
	}
	plan, err := e.planTrack(ctx, q, registered.Table, registered.Options)
	switch {
	case err == nil:
		c.fixes(plan, "")
	case !isKnown(err):
		return err
	}
	return nil
}

// fixes gives each problem the steps that are about its object.
func (c *checker) fixes(plan *Plan, prefix string) {
	for i := range c.problems {
		p := &c.problems[i]
		for _, step := range plan.Steps {
			if p.fixedBy(step, c.targets[i], prefix) {
				p.Fix = append(p.Fix, step)
			}
		}
	}
}

func (p *Problem) fixedBy(step Step, target, prefix string) bool {
	switch p.Kind {
	case ProblemKeyChanged, ProblemUnregistered:
		return step.object == "register"
	case ProblemTriggerOrder:
		prefix, all := strings.CutSuffix(target, "*")
		return target != "" && (step.object == target || all && strings.HasPrefix(step.object, prefix))
	}
	return step.object != "" && (step.object == target || step.object == prefix+target)
}

// renameHint names the command for a column that seems to have been renamed since
// a record function was generated: one is gone and one is new.
func renameHint(found *postgres.Inspected, table *postgres.Table, source string) string {
	known := postgres.KnownColumns(source)
	if known == nil {
		return ""
	}
	var gone, added []string
	for _, name := range known {
		if found.Column(name) == nil && name != "version" && name != table.VersionColumn {
			gone = append(gone, name)
		}
	}
	for _, c := range found.Columns {
		if !slices.Contains(known, c.Name) {
			added = append(added, c.Name)
		}
	}
	if len(gone) != 1 || len(added) != 1 {
		return ""
	}
	return fmt.Sprintf(" If column %s was renamed to %s, run chrononaut rename %s %s %s instead, so that its history follows.", gone[0], added[0],
		chronodriver.Table{Schema: table.Schema, Name: table.Name}, chronodriver.Table{Name: gone[0]}, chronodriver.Table{Name: added[0]})
}

// renamedTo finds the table that took the triggers of one that is gone to
// another name; empty when there is none, or more than one.
func (e *postgresEngine) renamedTo(ctx context.Context, q chronodriver.Queryer, registered TrackedTable) (name string, err error) {
	table := postgres.Table{HistorySchema: e.schema, Schema: registered.Table.Schema, Name: registered.Table.Name}
	strays, err := e.strays(ctx, q, &table, nil)
	if err != nil {
		return "", err
	}
	for _, s := range strays {
		// The one of TRUNCATE is on partitions too.
		if s.trigger == postgres.VersionTrigger {
			if name != "" {
				return "", nil
			}
			name = chronodriver.Table{Schema: s.on.Schema, Name: s.on.Name}.String()
		}
	}
	return name, nil
}

// checker collects problems of one table.
type checker struct {
	table    chronodriver.Table
	problems []Problem
	// targets are the objects of a plan's steps that repair the problems.
	targets []string
}

func (c *checker) report(kind ProblemKind, object, message, hint string) {
	c.reportOn(object, kind, object, message, hint)
}

func (c *checker) reportOn(target string, kind ProblemKind, object, message, hint string) {
	c.targets = append(c.targets, target)
	c.problems = append(c.problems, Problem{Kind: kind, Table: c.table, Object: object, Message: message, Hint: hint})
}

func (c *checker) functions(p *planner, repair string) error {
	for _, kind := range p.functionKinds() {
		name := p.table.FunctionName(kind)
		existing := p.found.Function(name)
		if existing == nil {
			c.report(ProblemFunctionMissing, name, functionTitle(kind)+" is gone", repair)
			continue
		}
		statement, err := p.table.FunctionSQL(kind)
		if err != nil {
			return err
		}
		if existing.Is(statement) {
			continue
		}
		// Its settings are compared only where its source is what it should be.
		if existing.Definer && existing.Unchanged() && existing.Source != postgres.FunctionSource(statement) {
			c.report(ProblemOutdated, name, functionTitle(kind)+" was generated for other columns or options, or by another version",
				repair+renameHint(p.found, p.table, existing.Source))
			continue
		}
		c.report(ProblemFunctionChanged, name, functionTitle(kind)+" was changed by hand", repair)
	}
	return nil
}

// rowByRow has the table checked in the way in which it captures. Rows one by one
// are always right; statements are not when the application has AFTER ROW triggers.
func (c *checker) rowByRow(found *postgres.Inspected, table *postgres.Table, repair string) {
	if !table.History || table.Partitioned {
		return
	}
	capture, byStatement := found.Tables[0].Trigger(postgres.CaptureTrigger), found.Tables[0].Trigger(postgres.InsertTrigger) != nil
	switch {
	case table.RowByRow && byStatement:
		c.reportOn(found.Tables[0].Qualified()+" 000_chrononaut_*", ProblemTriggerOrder, postgres.CaptureTrigger,
			"the application has AFTER ROW triggers since the table was tracked; changes that they make to the same row are recorded in the wrong order", repair)
		table.RowByRow = false
	case capture != nil && capture.Enabled == postgres.EnabledAlways && !byStatement:
		table.RowByRow = true
	}
}

// functionTitle is what a function is called in messages.
func functionTitle(kind string) string {
	switch kind {
	case postgres.Baseline:
		return "the function that records rows before their first change"
	case postgres.Number:
		return "the function that numbers rows"
	case postgres.Record:
		return "the function that records rows"
	case postgres.Statement:
		return "the function of the capture triggers of statements"
	}
	return "the function of the " + kind + " trigger"
}

func (c *checker) triggers(p *planner, repair string) {
	for _, g := range p.table.Triggers() {
		for i, on := range p.found.Tables {
			where := ""
			if i > 0 {
				where = " on partition " + chronodriver.Table{Schema: on.Schema, Name: on.Name}.String()
			}
			existing := on.Trigger(g.Name)
			// The clones of a row trigger come and go with the table's own.
			target := on.Qualified() + " " + g.Name
			if g.Row() && existing == nil {
				target = p.found.Tables[0].Qualified() + " " + g.Name
			}
			switch {
			case existing == nil:
				c.reportOn(target, ProblemTriggerMissing, g.Name, "the "+g.Title+" is missing"+where, repair)
			case !p.right(g, existing):
				c.reportOn(target, ProblemTriggerChanged, g.Name, "the "+g.Title+" is not defined as it should be"+where, repair)
			case existing.Enabled != g.Enabled:
				c.reportOn(target, ProblemTriggerDisabled, g.Name, "the "+g.Title+" "+misfire(g.Enabled, existing.Enabled, where), repair)
			}
			c.order(on, where)
		}
	}
}

// strays finds the table's triggers on other tables, by table: those that had its
// name, or were partitions.
func (c *checker) strays(ctx context.Context, q chronodriver.Queryer, p *planner, repair string) error {
	strays, err := p.engine.strays(ctx, q, p.table, p.found.Tables)
	for _, s := range strays {
		on := chronodriver.Table{Schema: s.on.Schema, Name: s.on.Name}.String()
		c.reportOn(s.on.Qualified()+" "+s.trigger, ProblemTriggerElsewhere, on+" "+s.trigger, "the table "+on+" has a trigger of this one's, which records what is written there under this name", repair)
	}
	return err
}

// misfire says what comes of a trigger that is enabled otherwise than it should be.
func misfire(wanted, found, where string) string {
	const replica = "session_replication_role = replica"
	switch {
	case found == postgres.Disabled && wanted == postgres.EnabledReplica:
		return "is disabled" + where + "; changes that are replicated are not recorded"
	case found == postgres.Disabled:
		return "is disabled" + where + "; changes are not recorded"
	case found == postgres.EnabledReplica:
		return "fires only under " + replica + where + "; changes are not recorded"
	case wanted == postgres.EnabledAlways:
		return "does not fire under " + replica + where
	case wanted == postgres.EnabledReplica:
		return "does not fire only under " + replica + where + "; changes are recorded twice, or not at all"
	}
	return "fires also under " + replica + where + "; changes are recorded twice"
}

// order finds application triggers that the database runs on the wrong side of
// ours: it sorts triggers of one kind by name.
func (c *checker) order(on postgres.InspectedTable, where string) {
	const before, insert, remove, update = 2, 4, 8, 16
	isByStatement := on.Trigger(postgres.InsertTrigger) != nil
	for _, t := range on.Triggers {
		// Row triggers all fire before the first statement trigger.
		captured := t.Type&before == 0 && t.Type&(insert|remove|update) != 0 && t.Row() != isByStatement
		if postgres.IsTrigger(t.Name) || !captured && (t.Type&before == 0 || !t.Row()) {
			continue
		}
		message := ""
		switch {
		case t.Type&before != 0 && t.Name > postgres.VersionTrigger:
			message = "the BEFORE trigger %s runs after Chrononaut's; a change that it alone makes gets no version of its own"
		case t.Type&before == 0 && t.Name < postgres.CaptureTrigger:
			message = "the AFTER trigger %s runs before Chrononaut's; changes that it makes to the same row are recorded in the wrong order"
		default:
			continue
		}
		text := fmt.Sprintf(message, t.Name) + where
		if slices.ContainsFunc(c.problems, func(p Problem) bool { return p.Message == text }) {
			continue
		}
		// A name that sorts to the right side; the application may know it by its
		// present one.
		renamed := "a_" + t.Name
		if t.Type&before == 0 {
			renamed = "z_" + t.Name
		}
		c.reportOn("", ProblemTriggerOrder, t.Name, text,
			"Rename the trigger: ALTER TRIGGER "+postgres.QuoteIdent(t.Name)+" ON "+on.Qualified()+" RENAME TO "+postgres.QuoteIdent(renamed)+";")
	}
}
