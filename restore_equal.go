package chrononaut

import (
	"context"
	"maps"
	"strings"
)

// comparison is what compares values of some columns: a foreign key, whose child
// and parent may have columns of different types, or a unique index, which has the
// parent's side only.
type comparison struct {
	name                        string
	parent, child               *restoreTable
	parentColumns, childColumns []string
	// collations are those of a unique index on SQLite.
	collations []string
}

// ofKey is the comparison of a foreign key; nil when the plan does not know both of
// its tables.
func (p *planner) ofKey(fk *foreignKey) *comparison {
	parent, child := p.tables[fk.Parent], p.tables[fk.Table]
	if parent == nil || child == nil {
		return nil
	}
	name := strings.Join([]string{fk.Table.String(), fk.Name, fk.Parent.String()}, "\x00")
	return &comparison{name: name, parent: parent, child: child, parentColumns: fk.ParentColumns, childColumns: fk.Columns}
}

func ofUnique(t *restoreTable, u *uniqueKey) *comparison {
	return &comparison{name: t.info.table.String() + "\x00" + u.Name, parent: t, parentColumns: u.Columns, collations: u.collations}
}

// exact reports whether values are equal only when their texts are.
func (c *comparison) exact() bool {
	for n, name := range c.parentColumns {
		kind := c.parent.exact(name)
		if kind == "" || c.child != nil && c.child.exact(c.childColumns[n]) != kind {
			return false
		}
	}
	return true
}

func (t *restoreTable) exact(name string) string {
	if c := t.column(name); c != nil {
		return c.Exact
	}
	return ""
}

// sameness says what stands for values, by their side and their text: the same for
// those that are equal by the types and the collations of their columns, so that
// 1.5 refers to 1.50. Where texts are compared it has nothing.
type sameness map[string]string

// comparedValue is a state whose values are compared.
type comparedValue struct {
	N     int    `json:"n"`
	Child bool   `json:"child"`
	Data  Data   `json:"data"`
	place string // in a sameness
}

func placeOf(child bool, text string) string {
	if child {
		return "child " + text
	}
	return "parent " + text
}

// parentValues and childValues are the values that c compares, in a form that is
// the same for equal ones; ok is false when one is NULL.
func (p *planner) parentValues(c *comparison, data Data) (text string, ok bool) {
	return p.values(c, false, data, c.parentColumns)
}

func (p *planner) childValues(c *comparison, data Data) (text string, ok bool) {
	return p.values(c, true, data, c.childColumns)
}

func (p *planner) values(c *comparison, child bool, data Data, columns []string) (text string, ok bool) {
	text, ok = valuesOf(data, columns)
	if same, known := p.same[c.name][placeOf(child, text)]; ok && known {
		return same, true
	}
	return text, ok
}

// valuesOf are the texts of values; ok is false when one is NULL.
func valuesOf(data Data, columns []string) (text string, ok bool) {
	var parts []string
	for _, name := range columns {
		value, ok := data.Text(name)
		if !ok {
			return "", false
		}
		parts = append(parts, value)
	}
	return strings.Join(parts, "\x00"), true
}

// compare finds out which values of states are the same to c.
func (p *planner) compare(ctx context.Context, c *comparison, parents, children []Data) error {
	if c == nil || c.exact() {
		return nil
	}
	same := sameness{}
	var values []comparedValue
	add := func(child bool, data Data, columns []string) {
		text, ok := valuesOf(data, columns)
		place := placeOf(child, text)
		if _, known := same[place]; !ok || known {
			return
		}
		// What its column does not take any more is equal to its text.
		same[place] = text
		only := Data{}
		for _, name := range columns {
			only[name] = data[name]
		}
		values = append(values, comparedValue{len(values), child, only, place})
	}
	for _, data := range parents {
		add(false, data, c.parentColumns)
	}
	for _, data := range children {
		add(true, data, c.childColumns)
	}
	p.same[c.name] = same
	if len(values) == 0 {
		return nil
	}
	return p.engine.same(ctx, p.tx, c, values, func(n, first int) {
		same[values[n].place] = "\x00" + values[first].place
	})
}

// compareItems finds out which values of records are the same to the foreign keys
// and unique indexes of their tables.
func (p *planner) compareItems(ctx context.Context, items []*RestoreItem) error {
	states := map[Table][]Data{}
	for _, i := range items {
		if i.Action == RestoreNone {
			continue
		}
		if i.exists {
			states[i.Table] = append(states[i.Table], i.present)
		}
		if i.to != nil {
			states[i.Table] = append(states[i.Table], i.to.Data, i.after())
		}
	}
	for _, t := range p.order {
		own := states[t.info.table]
		for n := range t.refers {
			fk := &t.refers[n]
			if parents := states[fk.Parent]; len(own) > 0 && len(parents) > 0 {
				if err := p.compare(ctx, p.ofKey(fk), parents, own); err != nil {
					return err
				}
			}
		}
		for n := range t.uniques {
			if err := p.compare(ctx, ofUnique(t, &t.uniques[n]), own, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// after is the state that an item leaves behind: what it does not write stays.
func (i *RestoreItem) after() Data {
	switch {
	case i.to == nil:
		return nil
	case !i.exists:
		return i.to.Data
	}
	after := maps.Clone(i.present)
	if after == nil {
		after = Data{}
	}
	for _, name := range i.set {
		after[name] = i.to.Data[name]
	}
	return after
}
