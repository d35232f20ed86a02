package property_test

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// free draws a column that no foreign key, key or generated column needs.
func (r *run) free(rt *rapid.T, allowed func(*column) bool) (*table, *column) {
	t := r.table(rt)
	var columns []*column
	for _, c := range t.writable() {
		feeds := slices.ContainsFunc(t.columns, func(g *column) bool { return g.from == c })
		if !t.isForeign(c.name) && !feeds && allowed(c) {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		rt.Skip("no column")
	}
	return t, rapid.SampledFrom(columns).Draw(rt, "column")
}

// nextName is a column name that the table has never had.
func (r *run) nextName() string {
	r.names++
	return fmt.Sprint("added ", r.names)
}

func (r *run) addColumn(rt *rapid.T) {
	t := r.table(rt)
	if len(t.columns) > 14 {
		rt.Skip("enough columns")
	}
	c := &column{name: r.nextName(), kind: rapid.SampledFrom(kinds).Draw(rt, "type"), byDefault: null}
	sql := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", t.sql(), ident(c.name), c.kind.name)
	if oneIn(rt, 2, "default") {
		c.byDefault = c.draw(rt)
		sql += " DEFAULT " + c.byDefault.sql()
	}
	t.columns = append(t.columns, c)
	for _, row := range t.rows {
		row.values[c.name] = c.byDefault
	}
	r.exec(rt, sql)
}

func (r *run) dropColumn(rt *rapid.T) {
	t, c := r.free(rt, func(*column) bool { return true })
	t.columns = slices.DeleteFunc(t.columns, func(o *column) bool { return o == c })
	t.hiddenGone = t.hiddenGone || c.hidden
	for _, row := range t.rows {
		delete(row.values, c.name)
	}
	r.exec(rt, fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", t.sql(), ident(c.name)))
}

func (r *run) renameColumn(rt *rapid.T) {
	t, c := r.free(rt, func(c *column) bool { return !c.hidden && !c.untracked })
	r.rename(rt, t, c)
}

func (r *run) rename(rt *rapid.T, t *table, c *column) {
	old := c.name
	c.name = r.nextName()
	for _, row := range t.rows {
		row.values[c.name] = row.values[old]
		delete(row.values, old)
	}
	r.exec(rt, fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", t.sql(), ident(old), ident(c.name)))
}

func (r *run) retype(rt *rapid.T) {
	t, c := r.free(rt, func(c *column) bool { return len(c.kind.widened) > 0 && c.byDefault.null && !c.hidden && !c.untracked })
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(c.kind.widened))).Draw(rt, "to")
	r.changeType(rt, t, c, kinds, name)
}

// retypeKey widens a key column.
func (r *run) retypeKey(rt *rapid.T) {
	t := r.table(rt)
	var columns []*column
	for _, c := range t.keyColumns() {
		// A partition key keeps its type; references to the key would be narrower.
		if c.kind.widened != nil && t.partitions == 0 && !r.w.hasChildren(t) {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		rt.Skip("no column")
	}
	c := rapid.SampledFrom(columns).Draw(rt, "column")
	r.changeType(rt, t, c, keyKinds, slices.Sorted(maps.Keys(c.kind.widened))[0])
}

func (r *run) changeType(rt *rapid.T, t *table, c *column, list []*kind, name string) {
	convert := c.kind.widened[name]
	wide := kindNamed(list, name)
	if wide == nil {
		wide = &kind{name: name, values: rapid.Map(c.kind.values, convert), widened: map[string]func(value) value{}}
	}
	c.kind = wide
	for _, row := range t.rows {
		row.values[c.name] = convert(row.values[c.name])
	}
	r.exec(rt, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", t.sql(), ident(c.name), name))
}

// renameExcluded renames a hidden column: writes must fail until the table is
// tracked again. An untracked one is tracked again at once.
func (r *run) renameExcluded(rt *rapid.T) {
	if r.tx != nil {
		rt.Skip("tracking has its own connection")
	}
	t, c := r.free(rt, func(c *column) bool { return c.hidden || c.untracked })
	r.rename(rt, t, c)
	if c.hidden {
		if values, ok := t.drawRow(rt); ok && t.rows[t.id(values)] == nil {
			r.fail(rt, t.insertSQL([]map[string]value{values}, ""), chronodriver.StateHidden)
		}
		if len(t.rows) > 0 {
			r.fail(rt, "DELETE FROM "+t.sql(), chronodriver.StateHidden)
		}
		if slices.ContainsFunc(t.sorted(), func(row *row) bool { return !row.values[c.name].null }) {
			r.fail(rt, fmt.Sprintf("UPDATE %s SET %s = NULL", t.sql(), ident(c.name)), chronodriver.StateHidden)
		}
		r.fail(rt, "TRUNCATE "+t.sql()+" CASCADE", chronodriver.StateHidden)
	}
	r.track(rt, t)
}

func (r *run) retrack(rt *rapid.T) {
	if r.tx != nil {
		rt.Skip("tracking has its own connection")
	}
	r.track(rt, r.table(rt))
}
