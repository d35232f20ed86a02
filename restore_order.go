package chrononaut

import (
	"context"
	"slices"
)

// plan makes the plan of what was added.
func (p *planner) plan(ctx context.Context, kind RestoreKind, target map[string]any) (*RestorePlan, error) {
	plan := &RestorePlan{Kind: kind, Target: target, Steps: []RestoreStep{}, Items: []*RestoreItem{}, client: p.client, tables: p.tables, order: p.order}
	for _, t := range p.order {
		if len(t.records) == 0 {
			continue
		}
		items, err := p.items(ctx, t)
		if err != nil {
			return nil, err
		}
		plan.Items = append(plan.Items, items...)
		changed := slices.ContainsFunc(items, func(i *RestoreItem) bool { return i.Action != RestoreNone })
		if changed && len(t.triggers) > 0 {
			name := t.info.table
			p.problems = append(p.problems, RestoreProblem{Kind: ProblemTriggers, Table: &name, Columns: t.triggers})
		}
	}
	if err := p.compareItems(ctx, plan.Items); err != nil {
		return nil, err
	}
	plan.same = p.same
	if err := p.check(ctx, plan); err != nil {
		return nil, err
	}
	var err error
	plan.Steps, err = p.render(p.steps(plan.Items))
	plan.Problems = p.problems
	return plan, err
}

// render writes the statements of steps.
func (p *planner) render(steps []RestoreStep) ([]RestoreStep, error) {
	for n := range steps {
		s := &steps[n]
		var err error
		if s.SQL, err = p.engine.write(p.tables[s.Table], s); err != nil {
			return nil, err
		}
		if columns := s.rounds.asideColumns(); len(columns) > 0 {
			if s.AsideSQL, err = p.engine.aside(p.tables[s.Table], columns); err != nil {
				return nil, err
			}
		}
	}
	if steps == nil {
		steps = []RestoreStep{}
	}
	return steps, nil
}

// items reads and evaluates the records of a table.
func (p *planner) items(ctx context.Context, t *restoreTable) ([]*RestoreItem, error) {
	if err := p.read(ctx, t); err != nil {
		return nil, err
	}
	for _, r := range t.records {
		r.recorded = p.settleTarget(t, r)
	}
	if err := p.readMisfits(ctx, t); err != nil {
		return nil, err
	}
	var items []*RestoreItem
	for _, r := range t.records {
		item, err := p.evaluate(t, r)
		if err != nil {
			return nil, err
		}
		if item != nil {
			items = append(items, item)
		}
	}
	return items, nil
}

// steps orders what is to be done.
func (p *planner) steps(items []*RestoreItem) []RestoreStep {
	g := p.graph(items)
	order := g.sort()
	at := map[restoreNode]int{}
	for n, node := range order {
		at[node] = n
	}
	p.addressMoved(items, at)
	var steps, links []RestoreStep
	for _, node := range order {
		t := p.tables[node.table]
		s := RestoreStep{Table: node.table, Action: node.action, Records: len(g.items[node]), items: g.items[node]}
		if node.action != RestoreDelete {
			s.Columns = columnsOf(t, s.items)
		}
		if node.action == RestoreInsert {
			if s.without = g.broken[node.table]; len(s.without) > 0 {
				links = append(links, RestoreStep{Table: node.table, Action: RestoreUpdate, Columns: s.without, Records: s.Records, Link: true, items: s.items, whole: true})
			}
		}
		s.whole = t.whole(&s)
		if node.action == RestoreUpdate {
			s.rounds = p.rounds(t, s.items)
		}
		steps = append(steps, s)
	}
	return append(steps, links...)
}

// whole reports whether a step is right only once all of its records are written:
// rows refer to each other, or exchange unique values.
func (t *restoreTable) whole(s *RestoreStep) bool {
	writes := func(columns []string) bool {
		return slices.ContainsFunc(columns, func(name string) bool { return slices.Contains(s.Columns, name) })
	}
	if s.Action == RestoreUpdate && slices.ContainsFunc(t.uniques, func(u uniqueKey) bool { return writes(u.Columns) }) {
		return true
	}
	return slices.ContainsFunc(t.refers, func(fk foreignKey) bool {
		return fk.Parent == t.info.table && (s.Action == RestoreDelete || writes(fk.Columns))
	})
}

// columnsOf are the columns that any of the items sets, in the table's order.
func columnsOf(t *restoreTable, items []*RestoreItem) []string {
	set := map[string]bool{}
	for _, i := range items {
		for _, name := range i.set {
			set[name] = true
		}
	}
	return slices.DeleteFunc(t.writable(), func(name string) bool { return !set[name] })
}

// nullable are the columns of a foreign key that can be left NULL for a while, so
// that it refers to nothing.
func (t *restoreTable) nullable(fk *foreignKey) []string {
	columns := slices.DeleteFunc(slices.Clone(fk.Columns), func(name string) bool {
		c := t.column(name)
		return c == nil || c.NotNull || c.Generated || slices.Contains(t.info.keyColumns, name)
	})
	if fk.MatchFull && len(columns) < len(fk.Columns) {
		return nil
	}
	return columns
}

// written are the columns that the step's statement names.
func (s *RestoreStep) written() []string {
	return slices.DeleteFunc(slices.Clone(s.Columns), func(name string) bool { return slices.Contains(s.without, name) })
}

// always reports whether all records of the step set a column.
func (s *RestoreStep) always(name string) bool {
	return !slices.ContainsFunc(s.items, func(i *RestoreItem) bool { return !slices.Contains(i.set, name) })
}
