package chrononaut

import (
	"cmp"
	"encoding/json"
	"slices"
)

// restoreNode is a statement of a plan: one for each table and action.
type restoreNode struct {
	table  Table
	action RestoreAction
}

// restoreGraph says which statement has to come before which.
type restoreGraph struct {
	planner *planner
	items   map[restoreNode][]*RestoreItem
	// before are the statements that one waits for, each with the foreign key that
	// is the reason; nil for a unique key.
	before map[restoreNode]map[restoreNode]*foreignKey
	// broken are the columns that insertions leave out until the end.
	broken map[Table][]string
}

// graph finds out what waits for what, by the values of the records: a row comes
// after the one that it refers to, and goes before it; a value is given up before
// it is taken.
func (p *planner) graph(items []*RestoreItem) *restoreGraph {
	g := &restoreGraph{planner: p, items: map[restoreNode][]*RestoreItem{}, before: map[restoreNode]map[restoreNode]*foreignKey{}, broken: map[Table][]string{}}
	for _, i := range items {
		if i.Action != RestoreNone {
			node := restoreNode{i.Table, i.Action}
			g.items[node] = append(g.items[node], i)
		}
	}
	for _, t := range p.order {
		for n := range t.refers {
			g.refer(t, &t.refers[n])
		}
		for n := range t.uniques {
			g.exclude(t, &t.uniques[n])
		}
	}
	return g
}

func (g *restoreGraph) wait(later, earlier restoreNode, why *foreignKey) {
	if later == earlier || len(g.items[later]) == 0 || len(g.items[earlier]) == 0 {
		return
	}
	if g.before[later] == nil {
		g.before[later] = map[restoreNode]*foreignKey{}
	}
	g.before[later][earlier] = why
}

// taken and left are the values that the records of a statement take, and those
// that they give up.
func (g *restoreGraph) taken(node restoreNode, side restoreSide) map[string]bool {
	values := map[string]bool{}
	for _, i := range g.items[node] {
		if i.to == nil || !sets(i, side.columns) {
			continue
		}
		if text, ok := side.values(i.after()); ok {
			values[text] = true
		}
	}
	return values
}

func (g *restoreGraph) left(node restoreNode, side restoreSide) map[string]bool {
	values := map[string]bool{}
	for _, i := range g.items[node] {
		if !i.exists || i.Action != RestoreDelete && !sets(i, side.columns) {
			continue
		}
		if text, ok := side.values(i.present); ok {
			values[text] = true
		}
	}
	return values
}

// restoreSide is one side of a comparison.
type restoreSide struct {
	columns []string
	values  func(Data) (string, bool)
}

func (p *planner) parentSide(c *comparison) restoreSide {
	return restoreSide{c.parentColumns, func(data Data) (string, bool) { return p.parentValues(c, data) }}
}

func (p *planner) childSide(c *comparison) restoreSide {
	return restoreSide{c.childColumns, func(data Data) (string, bool) { return p.childValues(c, data) }}
}

func sets(i *RestoreItem, columns []string) bool {
	return slices.ContainsFunc(columns, func(name string) bool { return slices.Contains(i.set, name) })
}

func overlap(a, b map[string]bool) bool {
	for value := range a {
		if b[value] {
			return true
		}
	}
	return false
}

func (g *restoreGraph) refer(t *restoreTable, fk *foreignKey) {
	key := g.planner.ofKey(fk)
	if key == nil {
		return
	}
	from, to := g.planner.childSide(key), g.planner.parentSide(key)
	parent := func(action RestoreAction) restoreNode { return restoreNode{fk.Parent, action} }
	for _, action := range []RestoreAction{RestoreInsert, RestoreUpdate} {
		child := restoreNode{t.info.table, action}
		values := g.taken(child, from)
		for _, source := range []RestoreAction{RestoreInsert, RestoreUpdate} {
			if !fk.Deferrable && overlap(values, g.taken(parent(source), to)) {
				g.wait(child, parent(source), fk)
			}
		}
	}
	gone := g.left(parent(RestoreDelete), to)
	for _, action := range []RestoreAction{RestoreUpdate, RestoreDelete} {
		child := restoreNode{t.info.table, action}
		if overlap(g.left(child, from), gone) {
			g.wait(parent(RestoreDelete), child, fk)
		}
	}
	child := restoreNode{t.info.table, RestoreDelete}
	if overlap(g.left(child, from), g.left(parent(RestoreUpdate), to)) {
		g.wait(parent(RestoreUpdate), child, fk)
	}
}

func (g *restoreGraph) exclude(t *restoreTable, u *uniqueKey) {
	side := g.planner.parentSide(ofUnique(t, u))
	node := func(action RestoreAction) restoreNode { return restoreNode{t.info.table, action} }
	inserted := g.taken(node(RestoreInsert), side)
	if overlap(inserted, g.left(node(RestoreDelete), side)) {
		g.wait(node(RestoreInsert), node(RestoreDelete), nil)
	}
	if overlap(inserted, g.left(node(RestoreUpdate), side)) {
		g.wait(node(RestoreInsert), node(RestoreUpdate), nil)
	}
	if overlap(g.taken(node(RestoreUpdate), side), g.left(node(RestoreDelete), side)) {
		g.wait(node(RestoreUpdate), node(RestoreDelete), nil)
	}
}

// sort orders the statements: where nothing waits for anything, deletions come
// first and updates last.
func (g *restoreGraph) sort() []restoreNode {
	var open, order []restoreNode
	for node := range g.items {
		open = append(open, node)
	}
	rank := map[RestoreAction]int{RestoreDelete: 0, RestoreInsert: 1, RestoreUpdate: 2}
	slices.SortFunc(open, func(a, b restoreNode) int {
		return cmp.Or(cmp.Compare(rank[a.action], rank[b.action]), cmp.Compare(a.table.String(), b.table.String()))
	})
	for len(open) > 0 {
		free := slices.IndexFunc(open, func(node restoreNode) bool { return !g.waits(node, open) })
		if free < 0 {
			free = g.breakCircle(open)
		}
		if free >= 0 {
			order = append(order, open[free])
			open = slices.Delete(open, free, free+1)
		}
	}
	return order
}

func (g *restoreGraph) waits(node restoreNode, open []restoreNode) bool {
	for earlier := range g.before[node] {
		if slices.Contains(open, earlier) {
			return true
		}
	}
	return false
}

// breakCircle leaves out a foreign key that may be NULL, or names the circle and
// returns the statement to go on with.
func (g *restoreGraph) breakCircle(open []restoreNode) int {
	for _, node := range open {
		t := g.planner.tables[node.table]
		for earlier, fk := range g.before[node] {
			if node.action == RestoreInsert && fk != nil && fk.Table == node.table && slices.Contains(open, earlier) && len(t.nullable(fk)) > 0 {
				g.broken[node.table] = union(g.broken[node.table], t.nullable(fk))
				for other, why := range g.before[node] {
					if why == fk {
						delete(g.before[node], other)
					}
				}
				return -1
			}
		}
	}
	for _, fk := range g.before[open[0]] {
		if fk != nil {
			name := fk.Table
			g.planner.problems = append(g.planner.problems, RestoreProblem{Kind: ProblemCycle, Blocking: true, Table: &name, Constraint: fk.Name, Columns: fk.Columns})
			break
		}
	}
	return 0
}

// addressMoved finds the keys that rows have when their statements run, where a
// parent's key changes before and takes theirs along (ON UPDATE CASCADE).
func (p *planner) addressMoved(items []*RestoreItem, at map[restoreNode]int) {
	byTable := map[Table][]*RestoreItem{}
	for _, i := range items {
		if i.exists && i.Action != RestoreNone {
			i.keyAt = i.key
			byTable[i.Table] = append(byTable[i.Table], i)
		}
	}
	// A row that moves along takes its own children along: as often as there are
	// generations.
	for range p.order {
		for _, t := range p.order {
			for _, fk := range t.refers {
				if key := p.ofKey(&fk); key != nil && fk.OnUpdate == "c" && fk.Parent != t.info.table {
					p.moveAlong(t, &fk, key, byTable, at)
				}
			}
		}
	}
}

func (p *planner) moveAlong(t *restoreTable, fk *foreignKey, of *comparison, byTable map[Table][]*RestoreItem, at map[restoreNode]int) {
	moved := map[string]*RestoreItem{}
	for _, i := range byTable[fk.Parent] {
		if i.Action == RestoreUpdate && sets(i, fk.ParentColumns) {
			if values, ok := p.parentValues(of, i.present); ok {
				moved[values] = i
			}
		}
	}
	parentAt := at[restoreNode{fk.Parent, RestoreUpdate}]
	for _, i := range byTable[t.info.table] {
		values, ok := p.childValues(of, i.present)
		parent := moved[values]
		if !ok || parent == nil || at[restoreNode{i.Table, i.Action}] < parentAt {
			continue
		}
		var key Key
		if json.Unmarshal([]byte(i.keyAt), &key) != nil {
			continue
		}
		changed := false
		for n, name := range fk.Columns {
			raw, has := parent.to.Data[fk.ParentColumns[n]]
			if _, isKey := key[name]; isKey && has {
				key[name], changed = jsonValue(raw), true
			}
		}
		if text, err := key.JSON(); changed && err == nil {
			i.keyAt = text
		}
	}
}

// jsonValue is a value as [Key] has it.
func jsonValue(raw json.RawMessage) any {
	var value struct{ V any }
	if decodeJSON(`{"V":`+string(raw)+`}`, &value) != nil {
		return nil
	}
	return value.V
}
