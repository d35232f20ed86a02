package chronomigrate

import (
	"context"
	"errors"
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
	p := &planner{engine: e, found: found, table: table}
	if table.History && found.Column(table.VersionColumn) == nil {
		c.report(ProblemColumnMissing, table.VersionColumn, "the version column is gone; writes to the table fail", repair)
	} else {
		if err := c.functions(p, repair); err != nil {
			return nil, err
		}
		c.triggers(p, repair)
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
		return target != "" && step.object == target
	}
	return step.object != "" && (step.object == target || step.object == prefix+target)
}

// renameHint names the command for a column that seems to have been renamed since
// a capture function was generated: one is gone and one is new.
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
	sql, err := postgres.Query(e.schema, "plan.sql#callers", nil)
	if err != nil {
		return "", err
	}
	// Only the version trigger: the one of TRUNCATE is on partitions too.
	rows, err := q.Query(ctx, sql, table.FunctionName(postgres.Version), "", "")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found := 0
	for rows.Next() {
		var now chronodriver.Table
		var trigger string
		if err := rows.Scan(&now.Schema, &now.Name, &trigger); err != nil {
			return "", err
		}
		name = now.String()
		found++
	}
	if found != 1 {
		name = ""
	}
	return name, rows.Err()
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
			c.report(ProblemFunctionMissing, name, "the function of the "+kind+" trigger is gone", repair)
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
			c.report(ProblemOutdated, name, "the function of the "+kind+" trigger was generated for other columns or options, or by another version",
				repair+renameHint(p.found, p.table, existing.Source))
			continue
		}
		c.report(ProblemFunctionChanged, name, "the function of the "+kind+" trigger was changed by hand", repair)
	}
	return nil
}

func (c *checker) triggers(p *planner, repair string) {
	for _, kind := range kinds(p.table) {
		name := postgres.TriggerName(kind)
		for i, on := range p.found.Tables {
			where := ""
			if i > 0 {
				where = " on partition " + chronodriver.Table{Schema: on.Schema, Name: on.Name}.String()
			}
			existing := on.Trigger(name)
			// The clones of a row trigger come and go with the table's own.
			target := on.Qualified() + " " + name
			if kind != postgres.Truncate && existing == nil {
				target = p.found.Tables[0].Qualified() + " " + name
			}
			switch {
			case existing == nil:
				c.reportOn(target, ProblemTriggerMissing, name, "the "+kind+" trigger is missing"+where, repair)
			case !p.right(kind, existing):
				c.reportOn(target, ProblemTriggerChanged, name, "the "+kind+" trigger is not defined as it should be"+where, repair)
			case existing.Enabled == "D":
				c.reportOn(target, ProblemTriggerDisabled, name, "the "+kind+" trigger is disabled"+where+"; changes are not recorded", repair)
			case existing.Enabled != "A":
				c.reportOn(target, ProblemTriggerDisabled, name, "the "+kind+" trigger does not fire under session_replication_role = replica"+where, repair)
			}
			c.order(on, where)
		}
	}
}

// order finds application triggers that the database runs on the wrong side of
// ours: it sorts triggers of one kind by name.
func (c *checker) order(on postgres.InspectedTable, where string) {
	const row, before = 1, 2
	for _, t := range on.Triggers {
		isOurs := t.Name == postgres.TriggerName(postgres.Version) || t.Name == postgres.TriggerName(postgres.Capture) || t.Name == postgres.TriggerName(postgres.Truncate)
		if isOurs || t.Type&row == 0 {
			continue
		}
		message := ""
		switch {
		case t.Type&before != 0 && t.Name > postgres.TriggerName(postgres.Version):
			message = "the BEFORE trigger %s runs after Chrononaut's; a change that it alone makes gets no version of its own"
		case t.Type&before == 0 && t.Name < postgres.TriggerName(postgres.Capture):
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
