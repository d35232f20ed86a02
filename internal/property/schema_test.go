package property_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// oneIn is true once in n times, and shrinks to false.
func oneIn(t *rapid.T, n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(t, label) == n-1
}

// drawWorld draws tables in a schema.
func drawWorld(t *rapid.T, schema string) *world {
	w := &world{}
	for i := range rapid.IntRange(1, 3).Draw(t, "tables") {
		w.tables = append(w.tables, drawTable(t, w, schema, i))
	}
	return w
}

func drawTable(t *rapid.T, w *world, schema string, i int) *table {
	name := rapid.SampledFrom([]string{"todos", "order", `Odd "Name"`, "percent%s", "$f$"}).Draw(t, "name")
	tbl := &table{
		schema: schema, name: fmt.Sprint(name, i), versionColumn: "version",
		rows: map[string]*row{}, latest: map[string]int{}, known: map[string]bool{},
	}
	if len(w.tables) > 0 && oneIn(t, 2, "refers") {
		drawForeignKey(t, w, tbl)
	}
	for k := range rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "key columns") {
		names := []string{"id", `K"2`}
		tbl.columns = append(tbl.columns, &column{name: names[k], kind: rapid.SampledFrom(keyKinds).Draw(t, "key type"), key: true, byDefault: null})
	}
	names := []string{"title", "image", `Mixed "Case"`, "old", "key", "context", "select"}
	for k := range rapid.IntRange(1, len(names)).Draw(t, "columns") {
		tbl.columns = append(tbl.columns, drawColumn(t, names[k]))
	}
	for _, c := range slices.Clone(tbl.columns) {
		if c.kind.name == "integer" && !c.key && oneIn(t, 2, "generates") {
			tbl.columns = append(tbl.columns, &column{name: "of " + c.name, kind: kindNamed(kinds, "text"), from: c, byDefault: null})
		}
	}
	tbl.deferrable = oneIn(t, 4, "deferrable")
	if oneIn(t, 4, "partitioned") {
		tbl.partitions = rapid.IntRange(1, 3).Draw(t, "partitions")
	}
	tbl.recordChanges = oneIn(t, 5, "record changes")
	if oneIn(t, 6, "version column") {
		tbl.versionColumn = "lock version"
	}
	return tbl
}

func drawColumn(t *rapid.T, name string) *column {
	c := &column{name: name, kind: rapid.SampledFrom(kinds).Draw(t, "type"), byDefault: null}
	if c.kind.secret != nil {
		switch rapid.IntRange(0, 2).Draw(t, "hidden or untracked") {
		case 1:
			c.hidden = true
		case 2:
			c.untracked = true
		}
	}
	return c
}

// drawForeignKey adds a reference to one of the tables that are there, perhaps
// as a part of the key.
func drawForeignKey(t *rapid.T, w *world, tbl *table) {
	parent := rapid.SampledFrom(w.tables).Draw(t, "parent")
	if parent.deferrable {
		return // PostgreSQL does not let anything refer to it
	}
	f := foreignKey{parent: parent}
	inKey := oneIn(t, 4, "reference in the key")
	untracked := !inKey && oneIn(t, 5, "untracked reference")
	actions := []string{"CASCADE", "SET NULL"}
	if inKey {
		actions = actions[:1]
	}
	f.onDelete = rapid.SampledFrom(actions).Draw(t, "on delete")
	f.onUpdate = rapid.SampledFrom(actions).Draw(t, "on update")
	for i, k := range parent.keyColumns() {
		name := fmt.Sprint("parent", i)
		f.columns = append(f.columns, name)
		tbl.columns = append(tbl.columns, &column{name: name, kind: k.kind, key: inKey, untracked: untracked, byDefault: null})
	}
	tbl.foreignKeys = append(tbl.foreignKeys, f)
}

// create is the DDL of a table.
func (t *table) create() string {
	var parts, keys []string
	for _, c := range t.columns {
		part := ident(c.name) + " " + c.kind.name
		if c.from != nil {
			part += fmt.Sprintf(" GENERATED ALWAYS AS (%s::text || '!') STORED", ident(c.from.name))
		}
		parts = append(parts, part)
		if c.key {
			keys = append(keys, ident(c.name))
		}
	}
	primary := "PRIMARY KEY (" + strings.Join(keys, ", ") + ")"
	if t.deferrable {
		primary += " DEFERRABLE"
	}
	parts = append(parts, primary)
	for _, f := range t.foreignKeys {
		parts = append(parts, fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s ON DELETE %s ON UPDATE %s",
			identList(f.columns), f.parent.sql(), f.onDelete, f.onUpdate))
	}
	sql := fmt.Sprintf("CREATE TABLE %s (%s)", t.sql(), strings.Join(parts, ", "))
	if t.partitions == 0 {
		return sql
	}
	sql += " PARTITION BY HASH (" + keys[0] + ")"
	for i := range t.partitions {
		sql += fmt.Sprintf("; CREATE TABLE %s.%s PARTITION OF %s FOR VALUES WITH (MODULUS %d, REMAINDER %d)",
			ident(t.schema), ident(fmt.Sprint(t.name, "_part", i)), t.sql(), t.partitions, i)
	}
	return sql
}

func identList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}

// drawRow draws the values of a new row. Its key may be taken; ok is false
// when there is no parent to refer to.
func (t *table) drawRow(rt *rapid.T) (values map[string]value, ok bool) {
	values = map[string]value{}
	for _, f := range t.foreignKeys {
		parents := f.parent.sorted()
		required := t.column(f.columns[0]).key
		if required && len(parents) == 0 {
			return nil, false
		}
		pick := rapid.IntRange(0, len(parents)).Draw(rt, "parent row")
		if required {
			pick = max(pick, 1)
		}
		f.refer(values, parents, pick)
	}
	for _, c := range t.columns {
		if c.from == nil && !t.isForeign(c.name) && (c.key || !oneIn(rt, 4, "left out")) {
			values[c.name] = c.draw(rt)
		}
	}
	return values, true
}

// refer sets the columns of the reference to the row number pick, from 1, or
// to NULL.
func (f foreignKey) refer(values map[string]value, parents []*row, pick int) {
	for i, k := range f.parent.keyColumns() {
		values[f.columns[i]] = null
		if pick > 0 {
			values[f.columns[i]] = parents[pick-1].values[k.name]
		}
	}
}

func (c *column) draw(rt *rapid.T) value {
	if !c.key && oneIn(rt, 6, "null") {
		return null
	}
	if c.hidden || c.untracked {
		return c.kind.secret.Draw(rt, c.name)
	}
	return c.kind.values.Draw(rt, c.name)
}

// drawSet draws the values that an UPDATE sets, not of the key.
func (t *table) drawSet(rt *rapid.T) map[string]value {
	set := map[string]value{}
	for _, f := range t.foreignKeys {
		if !t.column(f.columns[0]).key && oneIn(rt, 3, "sets the parent") {
			parents := f.parent.sorted()
			f.refer(set, parents, rapid.IntRange(0, len(parents)).Draw(rt, "parent row"))
		}
	}
	var columns []*column
	for _, c := range t.writable() {
		if !t.isForeign(c.name) {
			columns = append(columns, c)
		}
	}
	for range rapid.IntRange(1, 2).Draw(rt, "columns set") {
		if len(columns) > 0 {
			c := rapid.SampledFrom(columns).Draw(rt, "column")
			set[c.name] = c.draw(rt)
		}
	}
	return set
}

// drawRows draws some of the table's rows.
func (t *table) drawRows(rt *rapid.T, most int) []*row {
	var rows []*row
	all := t.sorted()
	for range rapid.IntRange(1, most).Draw(rt, "rows") {
		if len(all) == 0 {
			break
		}
		i := rapid.IntRange(0, len(all)-1).Draw(rt, "row")
		rows = append(rows, all[i])
		all = slices.Delete(slices.Clone(all), i, i+1)
	}
	return rows
}
