package chronomigrate

import (
	"context"
	"errors"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

func (e *postgresEngine) planUntrack(ctx context.Context, tx chronodriver.Tx, name chronodriver.Table) (*Plan, error) {
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	tables, err := e.tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	var registered *TrackedTable
	for i, t := range tables {
		if found != nil && t.Table.Schema == found.Schema && t.Table.Name == found.Name ||
			found == nil && t.Table.Name == name.Name && (name.Schema == "" || name.Schema == t.Table.Schema) {
			registered = &tables[i]
		}
	}
	if registered == nil {
		if found == nil {
			return nil, hint(ErrNoTable, noTableHint)
		}
		return nil, hint(ErrNotTracked, "chrononaut check --uncovered lists the tables that are not tracked.")
	}
	plan := &Plan{Table: registered.Table, Transactional: true}
	if found == nil {
		// The table is gone, or has another name or schema; what is left is its
		// functions, triggers that call them, and the registry.
		found = &postgres.Inspected{Schema: registered.Table.Schema, Name: registered.Table.Name, Key: registered.KeyColumns}
	} else if !registered.Tracked {
		return plan, nil
	}
	p := &planner{engine: e, found: found, table: e.describe(found, registered.Options, false), plan: plan}
	for _, on := range found.Tables {
		for _, g := range p.table.AllTriggers() {
			// Dropping a partitioned table's row trigger drops its clones.
			if g.Cloned() && on.Qualified() != p.table.Qualified() {
				continue
			}
			if on.Trigger(g.Name) != nil {
				p.add("End capture.", "drop_trigger", postgres.PlanArgs{On: on.Qualified(), Name: g.Name, Trigger: g}, "restore_trigger")
			}
		}
	}
	if err := p.strayTriggers(ctx, tx); err != nil {
		return nil, err
	}
	for _, kind := range postgres.AllFunctions {
		p.add("A function of the triggers.", "drop_function", postgres.PlanArgs{Name: kind}, "")
	}
	if err := p.endPeriods(); err != nil {
		return nil, err
	}
	if registered.Tracked {
		if p.table.History {
			p.add("From now on history does not know the table's rows.", "note_untracked", postgres.PlanArgs{}, "")
		}
		p.add("History, and the version column, stay. The registry remembers the options.", "unregister", postgres.PlanArgs{}, "")
		p.add("Record in history itself that tracking ended.", "record", postgres.PlanArgs{Name: "untrack", Options: "{}"}, "")
	}
	return p.plan, p.err
}

// strayTriggers drops the triggers of other tables that call the table's
// functions: they went with the table to another name, or with a partition that
// was detached.
func (p *planner) strayTriggers(ctx context.Context, q chronodriver.Queryer) error {
	strays, err := p.engine.strays(ctx, q, p.table, p.found.Tables)
	if err != nil {
		return err
	}
	for _, s := range strays {
		comment := "End capture; the table had another name when it was tracked."
		switch {
		case p.table.Partitioned:
			comment = "The table was a partition and kept the trigger."
		case len(p.found.Tables) > 0:
			comment = "The table had this one's name, and kept the trigger."
		}
		p.add(comment, "drop_trigger", postgres.PlanArgs{On: s.on.Qualified(), Name: s.trigger}, "")
	}
	return nil
}

// stray is a trigger of a table's on another one.
type stray struct {
	on      postgres.InspectedTable
	trigger string
}

// strays finds triggers that call the table's functions and are on none of its own.
func (e *postgresEngine) strays(ctx context.Context, q chronodriver.Queryer, table *postgres.Table, own []postgres.InspectedTable) (strays []stray, err error) {
	sql, err := postgres.Query(e.schema, "plan.sql#callers", nil)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, table.FunctionName(postgres.Version), table.FunctionName(postgres.Capture),
		table.FunctionName(postgres.Statement), table.FunctionName(postgres.Truncate))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s stray
		if err := rows.Scan(&s.on.Schema, &s.on.Name, &s.trigger); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(own, func(t postgres.InspectedTable) bool { return t.Qualified() == s.on.Qualified() }) {
			strays = append(strays, s)
		}
	}
	return strays, rows.Err()
}
