package property_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// column is a column of a table in the model.
type column struct {
	name      string
	kind      *kind
	key       bool
	hidden    bool
	untracked bool
	byDefault value   // what an INSERT that leaves it out writes
	from      *column // the integer column that a generated one is computed from
}

// foreignKey refers from a table's columns to the key of its parent.
type foreignKey struct {
	columns            []string
	parent             *table
	onDelete, onUpdate string
}

// row is a row of a table. Its version is absent while nothing was recorded.
type row struct {
	values  map[string]value
	version int
}

const absent = -1

// table is a table in the model, with what history must know of its keys.
type table struct {
	schema, name  string
	columns       []*column
	foreignKeys   []foreignKey
	partitions    int
	deferrable    bool
	recordChanges bool
	versionColumn string
	// hiddenGone is set when a hidden column was dropped: until the table is
	// tracked again it is not known which of the others changed.
	hiddenGone bool

	rows map[string]*row
	// latest is the highest version that history has for a key, also as the key
	// that a record had before. known are the keys that changes are under.
	latest map[string]int
	known  map[string]bool
}

// change is a row of history, in a form to compare.
type change struct {
	Table, Operation string
	Version          int
	Key, Previous    string
	Data             string
	User, Extra      string
}

// who is the attribution of a transaction.
type who struct{ actor, rationale string }

// world is the model of a database.
type world struct {
	tables []*table
	by     who
	// rekeyed is the highest version that a change of a key has had in the
	// transaction.
	rekeyed int
	// changes are those that the present statement must have left, in no
	// particular order.
	changes []change
}

func (t *table) sql() string { return ident(t.schema) + "." + ident(t.name) }

func (t *table) column(name string) *column {
	i := slices.IndexFunc(t.columns, func(c *column) bool { return c.name == name })
	return t.columns[i]
}

func (t *table) keyColumns() []*column {
	var columns []*column
	for _, c := range t.columns {
		if c.key {
			columns = append(columns, c)
		}
	}
	return columns
}

// writable are the columns that statements may set, without the key.
func (t *table) writable() []*column {
	var columns []*column
	for _, c := range t.columns {
		if !c.key && c.from == nil {
			columns = append(columns, c)
		}
	}
	return columns
}

func (t *table) isForeign(name string) bool {
	return slices.ContainsFunc(t.foreignKeys, func(f foreignKey) bool { return slices.Contains(f.columns, name) })
}

// id identifies the row of these values.
func (t *table) id(values map[string]value) string {
	var parts []string
	for _, c := range t.keyColumns() {
		parts = append(parts, c.kind.keyID(values[c.name]))
	}
	return strings.Join(parts, "\x00")
}

// keyText is the same for values that are written in the same way.
func (t *table) keyText(values map[string]value) string {
	var parts []string
	for _, c := range t.keyColumns() {
		parts = append(parts, values[c.name].text)
	}
	return strings.Join(parts, "\x00")
}

// sorted are the rows, in an order that does not change from run to run.
func (t *table) sorted() []*row {
	var rows []*row
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		rows = append(rows, t.rows[id])
	}
	return rows
}

// clone copies a world, so that it can be rolled back to.
func (w *world) clone() *world {
	c := &world{by: w.by, rekeyed: w.rekeyed}
	copies := map[*table]*table{}
	for _, t := range w.tables {
		d := *t
		d.columns = slices.Clone(t.columns)
		for i, column := range t.columns {
			copied := *column
			d.columns[i] = &copied
		}
		for _, column := range d.columns {
			if column.from != nil {
				column.from = d.column(column.from.name)
			}
		}
		d.foreignKeys = slices.Clone(t.foreignKeys)
		for i, f := range d.foreignKeys {
			d.foreignKeys[i].parent = copies[f.parent]
		}
		d.rows = map[string]*row{}
		for id, r := range t.rows {
			d.rows[id] = &row{maps.Clone(r.values), r.version}
		}
		d.latest, d.known = maps.Clone(t.latest), maps.Clone(t.known)
		copies[t] = &d
		c.tables = append(c.tables, &d)
	}
	return c
}

// complete adds what the database computes: defaults and generated columns.
func (t *table) complete(values map[string]value) map[string]value {
	full := maps.Clone(values)
	for _, c := range t.columns {
		if _, ok := full[c.name]; !ok {
			full[c.name] = c.byDefault
		}
	}
	for _, c := range t.columns {
		if c.from != nil {
			full[c.name] = generated(full[c.from.name])
		}
	}
	return full
}

// generated is the value of a generated column: source::text || '!'.
func generated(source value) value {
	if source.null {
		return null
	}
	return textValue(source.text + "!")
}

// last is the highest version of a key in history, or absent.
func (t *table) last(id string) int {
	if v, ok := t.latest[id]; ok {
		return v
	}
	return absent
}

// insert is what an INSERT of a row does.
func (w *world) insert(t *table, values map[string]value) {
	values = t.complete(values)
	id := t.id(values)
	r := &row{values: values, version: t.last(id) + 1}
	t.rows[id] = r
	w.stamp(t, r)
	var hidden []string
	for _, c := range t.columns {
		if c.hidden && !values[c.name].null {
			hidden = append(hidden, c.name)
		}
	}
	w.record(t, "insert", r, nil, hidden)
}

// update is what an UPDATE of a row does. The caller has seen to it that the
// new key is free.
func (w *world) update(t *table, r *row, set map[string]value) {
	w.updateAll(t, []*row{r}, []map[string]value{set})
}

// updateAll is what one UPDATE of several rows does: all versions are counted
// before the first change is recorded.
func (w *world) updateAll(t *table, rows []*row, sets []map[string]value) {
	type move struct {
		row           *row
		before, after map[string]value
		oldID, newID  string
		version       int
		hidden        []string
	}
	var moves []move
	for i, r := range rows {
		after := maps.Clone(r.values)
		maps.Copy(after, sets[i])
		after = t.complete(after)
		changed, hidden := t.compare(r.values, after)
		if !changed {
			r.values = after
			continue
		}
		m := move{row: r, before: r.values, after: after, oldID: t.id(r.values), newID: t.id(after), hidden: hidden}
		m.version = t.next(r, m.oldID, m.newID)
		if m.oldID != m.newID {
			w.rekeyed = max(w.rekeyed, m.version)
		}
		moves = append(moves, m)
	}
	for _, m := range moves {
		w.recordBaseline(t, m.row)
	}
	for _, m := range moves {
		delete(t.rows, m.oldID)
	}
	for _, m := range moves {
		// A key that history knows is taken at the highest version that a change
		// of a key has had.
		if m.oldID != m.newID && t.last(m.newID) != absent {
			m.version = max(m.version, w.rekeyed)
		}
		m.row.values, m.row.version = m.after, m.version
		t.rows[m.newID] = m.row
		w.stamp(t, m.row)
		if m.oldID == m.newID {
			w.record(t, "update", m.row, nil, m.hidden)
		} else {
			w.record(t, "update", m.row, &row{values: m.before}, m.hidden)
			t.latest[m.oldID] = max(t.last(m.oldID), m.version)
		}
	}
	for _, m := range moves {
		if t.keyText(m.before) != t.keyText(m.after) {
			w.keyChanged(t, m.before, m.after)
		}
	}
}

// compare tells whether an update changes what is tracked, and which hidden
// columns.
func (t *table) compare(before, after map[string]value) (changed bool, hidden []string) {
	for _, c := range t.columns {
		if before[c.name].text == after[c.name].text && before[c.name].null == after[c.name].null {
			continue
		}
		changed = changed || !c.untracked
		if c.hidden {
			hidden = append(hidden, c.name)
		}
	}
	return changed, hidden
}

// next is the version that an update gives a row.
func (t *table) next(r *row, oldID, newID string) int {
	version := r.version + 1
	if r.version == absent {
		version = max(t.last(oldID), 0) + 1
	}
	if oldID != newID {
		version = max(version, t.last(newID)+1)
	}
	return version
}

// remove is what a DELETE or TRUNCATE of a row does, without cascades.
func (w *world) remove(t *table, r *row, operation string) {
	w.recordBaseline(t, r)
	id := t.id(r.values)
	if r.version == absent {
		r.version = max(t.last(id), 0)
	}
	r.version++
	w.record(t, operation, r, nil, nil)
	delete(t.rows, id)
}

// delete is what a DELETE of a row does.
func (w *world) delete(t *table, r *row) {
	w.remove(t, r, "delete")
	for _, child := range w.tables {
		for _, f := range child.foreignKeys {
			for _, c := range w.referring(child, f, t, r.values) {
				if f.onDelete == "CASCADE" {
					w.delete(child, c)
				} else {
					w.update(child, c, nulls(f.columns))
				}
			}
		}
	}
}

// truncate is what TRUNCATE … CASCADE does.
func (w *world) truncate(tables ...*table) {
	for i := 0; i < len(tables); i++ {
		for _, child := range w.tables {
			if !slices.Contains(tables, child) && slices.ContainsFunc(child.foreignKeys, func(f foreignKey) bool { return f.parent == tables[i] }) {
				tables = append(tables, child)
			}
		}
	}
	for _, t := range tables {
		for _, r := range t.sorted() {
			w.remove(t, r, "truncate")
		}
	}
}

// keyChanged is what the foreign keys to a changed key do.
func (w *world) keyChanged(t *table, before, after map[string]value) {
	for _, child := range w.tables {
		for _, f := range child.foreignKeys {
			if f.parent != t {
				continue
			}
			set := nulls(f.columns)
			if f.onUpdate == "CASCADE" {
				for i, k := range t.keyColumns() {
					set[f.columns[i]] = after[k.name]
				}
			}
			rows := w.referring(child, f, t, before)
			w.updateAll(child, rows, slices.Repeat([]map[string]value{set}, len(rows)))
		}
	}
}

// referring are the rows whose foreign key is the key of parent's row.
func (w *world) referring(child *table, f foreignKey, parent *table, values map[string]value) []*row {
	var rows []*row
	if f.parent != parent {
		return nil
	}
	for _, r := range child.sorted() {
		refers := true
		for i, k := range parent.keyColumns() {
			v := r.values[f.columns[i]]
			refers = refers && !v.null && k.kind.keyID(v) == k.kind.keyID(values[k.name])
		}
		if refers {
			rows = append(rows, r)
		}
	}
	return rows
}

func nulls(columns []string) map[string]value {
	set := map[string]value{}
	for _, name := range columns {
		set[name] = null
	}
	return set
}

// stamp sets the columns of RecordChanges.
func (w *world) stamp(t *table, r *row) {
	if !t.recordChanges {
		return
	}
	info := w.user()
	if w.by.rationale != "" {
		info["extra"] = map[string]any{"rationale": w.by.rationale}
	}
	r.values["change_info"] = value{text: encode(info), json: encode(info)}
}

func (w *world) user() map[string]any {
	user := map[string]any{"user_id": nil, "remote_addr": nil}
	if w.by.actor != "" {
		user["user_id"] = w.by.actor
	}
	return user
}

// recordBaseline records the state of a row that history knows nothing of.
func (w *world) recordBaseline(t *table, r *row) {
	id := t.id(r.values)
	if r.version != absent || t.known[id] {
		return
	}
	baseline := world{tables: w.tables}
	baseline.record(t, "baseline", &row{values: r.values}, nil, nil)
	w.changes = append(w.changes, baseline.changes...)
}

// record adds a change. The version is the row's, the attribution the world's.
func (w *world) record(t *table, operation string, r, old *row, hidden []string) {
	c := change{Table: t.name, Operation: operation, Version: r.version, Key: t.key(r.values), User: encode(w.user())}
	if old != nil {
		c.Previous = t.key(old.values)
	}
	data := map[string]json.RawMessage{t.versionColumn: json.RawMessage(fmt.Sprint(r.version)), "version": json.RawMessage(fmt.Sprint(r.version))}
	for _, column := range t.columns {
		if !column.hidden && !column.untracked {
			data[column.name] = json.RawMessage(r.values[column.name].json)
		}
	}
	if t.recordChanges {
		data["change_info"] = json.RawMessage(`null`)
		if info, ok := r.values["change_info"]; ok {
			data["change_info"] = json.RawMessage(info.json)
		}
	}
	c.Data = normalize(encode(data))
	extra := map[string]any{}
	if w.by.rationale != "" {
		extra["rationale"] = w.by.rationale
	}
	if len(hidden) > 0 && !t.hiddenGone {
		slices.Sort(hidden)
		extra["hidden_cols_changed"] = hidden
	}
	c.Extra = encode(extra)
	w.changes = append(w.changes, c)
	id := t.id(r.values)
	t.known[id] = true
	t.latest[id] = max(t.last(id), r.version)
}

// key is the key of a row as history has it.
func (t *table) key(values map[string]value) string {
	key := map[string]json.RawMessage{}
	for _, c := range t.keyColumns() {
		key[c.name] = json.RawMessage(values[c.name].json)
	}
	return normalize(encode(key))
}

func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

func jsonString(s string) string { return encode(s) }

// normalize writes JSON in one form, numbers as they were written.
func normalize(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return encode(v)
}

func (w *world) hasChildren(t *table) bool {
	return slices.ContainsFunc(w.tables, func(child *table) bool {
		return slices.ContainsFunc(child.foreignKeys, func(f foreignKey) bool { return f.parent == t })
	})
}

// GoString and its like keep the log of a failed case short.
func (t *table) GoString() string { return t.name }

func (c *column) GoString() string { return c.name }

func (k *kind) GoString() string { return k.name }

func (v value) GoString() string { return fmt.Sprintf("%.40s", v.sql()) }
