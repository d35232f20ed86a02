package property_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// where is the condition that finds a row by its key.
func (t *table) where(alias string, values map[string]value) string {
	var parts []string
	for _, c := range t.keyColumns() {
		parts = append(parts, alias+ident(c.name)+" = "+values[c.name].sql())
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

func (t *table) whereAny(rows []*row) string {
	var parts []string
	for _, r := range rows {
		parts = append(parts, t.where("", r.values))
	}
	return strings.Join(parts, " OR ")
}

func assignments(set map[string]value) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		parts = append(parts, ident(name)+" = "+set[name].sql())
	}
	return strings.Join(parts, ", ")
}

// typed lists values of columns for a VALUES list outside INSERT.
func (t *table) typed(columns []string, values map[string]value) string {
	var parts []string
	for _, name := range columns {
		parts = append(parts, values[name].sql()+"::"+t.column(name).kind.name)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func (t *table) keyNames() []string {
	var names []string
	for _, c := range t.keyColumns() {
		names = append(names, c.name)
	}
	return names
}

// insertSQL writes an INSERT of rows that may name different columns.
func (t *table) insertSQL(rows []map[string]value, version string) string {
	names := map[string]bool{}
	for _, r := range rows {
		for name := range r {
			names[name] = true
		}
	}
	columns := slices.Sorted(maps.Keys(names))
	var tuples []string
	for _, r := range rows {
		var parts []string
		for _, name := range columns {
			if v, ok := r[name]; ok {
				parts = append(parts, v.sql())
			} else {
				parts = append(parts, "DEFAULT")
			}
		}
		if version != "" {
			parts = append(parts, version)
		}
		tuples = append(tuples, "("+strings.Join(parts, ", ")+")")
	}
	if version != "" {
		columns = append(columns, t.versionColumn)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", t.sql(), identList(columns), strings.Join(tuples, ", "))
}

// drawNew draws new rows whose keys are free and differ.
func (t *table) drawNew(rt *rapid.T, most int) []map[string]value {
	var rows []map[string]value
	seen := map[string]bool{}
	for range rapid.IntRange(1, most).Draw(rt, "new rows") {
		values, ok := t.drawRow(rt)
		if !ok || t.rows[t.id(values)] != nil || seen[t.id(values)] {
			continue
		}
		seen[t.id(values)] = true
		rows = append(rows, values)
	}
	if len(rows) == 0 {
		rt.Skip("no key is free")
	}
	return rows
}

func (r *run) table(rt *rapid.T) *table {
	return rapid.SampledFrom(r.w.tables).Draw(rt, "table")
}

// rows draws rows of a table, and gives up if there are none.
func (r *run) rows(rt *rapid.T, most int) (*table, []*row) {
	t := r.table(rt)
	rows := t.drawRows(rt, most)
	if len(rows) == 0 {
		rt.Skip("the table is empty")
	}
	return t, rows
}

func (r *run) insert(rt *rapid.T) {
	t := r.table(rt)
	rows := t.drawNew(rt, 4)
	version := ""
	if oneIn(rt, 8, "writes the version") {
		version = "99"
	}
	for _, values := range rows {
		r.w.insert(t, values)
	}
	r.exec(rt, t.insertSQL(rows, version))
}

func (r *run) update(rt *rapid.T) {
	t, rows := r.rows(rt, 3)
	set := t.drawSet(rt)
	if len(set) == 0 {
		rt.Skip("no column to set")
	}
	sql := fmt.Sprintf("UPDATE %s SET %s", t.sql(), assignments(set))
	where := " WHERE " + t.whereAny(rows)
	if oneIn(rt, 8, "writes the version") {
		// Accepted are the version that the row has, and the next.
		ahead := rapid.IntRange(-1, 2).Draw(rt, "ahead")
		version := ident(t.versionColumn)
		sql += fmt.Sprintf(", %s = coalesce(%[1]s, 0) + %d", version, ahead)
		if ahead < 0 || ahead > 1 {
			r.fail(rt, sql+where, chronodriver.StateStale)
			return
		}
	}
	for _, row := range rows {
		r.w.update(t, row, set)
	}
	r.exec(rt, sql+where)
}

// touch updates rows to what they are.
func (r *run) touch(rt *rapid.T) {
	t := r.table(rt)
	var parts []string
	for _, c := range t.columns {
		if c.from == nil {
			parts = append(parts, ident(c.name)+" = "+ident(c.name))
		}
	}
	r.exec(rt, fmt.Sprintf("UPDATE %s SET %s", t.sql(), strings.Join(parts, ", ")))
}

func (r *run) updateFrom(rt *rapid.T) {
	t, rows := r.rows(rt, 3)
	columns := t.keyNames()
	set := t.drawSet(rt)
	names := slices.Sorted(maps.Keys(set))
	if len(names) == 0 {
		rt.Skip("no column to set")
	}
	var tuples, sets, joins, aliases []string
	for i := range len(columns) + len(names) {
		aliases = append(aliases, fmt.Sprint("v", i))
	}
	for i, name := range columns {
		joins = append(joins, fmt.Sprintf("t.%s = s.v%d", ident(name), i))
	}
	for i, name := range names {
		sets = append(sets, fmt.Sprintf("%s = s.v%d", ident(name), len(columns)+i))
	}
	for _, row := range rows {
		tuple := maps.Clone(row.values)
		maps.Copy(tuple, set)
		tuples = append(tuples, t.typed(append(slices.Clone(columns), names...), tuple))
		r.w.update(t, row, set)
	}
	r.exec(rt, fmt.Sprintf("UPDATE %s AS t SET %s FROM (VALUES %s) AS s (%s) WHERE %s",
		t.sql(), strings.Join(sets, ", "), strings.Join(tuples, ", "), strings.Join(aliases, ", "), strings.Join(joins, " AND ")))
}

func (r *run) delete(rt *rapid.T) {
	t, rows := r.rows(rt, 3)
	for _, row := range rows {
		r.w.delete(t, row)
	}
	r.exec(rt, fmt.Sprintf("DELETE FROM %s WHERE %s", t.sql(), t.whereAny(rows)))
}

func (r *run) upsert(rt *rapid.T) {
	t := r.table(rt)
	if t.deferrable {
		rt.Skip("no upsert on a deferrable key")
	}
	values, ok := t.drawRow(rt)
	set := t.drawSet(rt)
	if !ok || len(set) == 0 {
		rt.Skip("nothing to write")
	}
	sql := t.insertSQL([]map[string]value{values}, "") + " ON CONFLICT (" + identList(t.keyNames()) + ") DO "
	existing := t.rows[t.id(values)]
	switch {
	case oneIn(rt, 3, "does nothing"):
		sql += "NOTHING"
		if existing == nil {
			r.w.insert(t, values)
		}
	default:
		sql += "UPDATE SET " + assignments(set)
		if existing == nil {
			r.w.insert(t, values)
		} else {
			r.w.update(t, existing, set)
		}
	}
	r.exec(rt, sql)
}

func (r *run) merge(rt *rapid.T) {
	t := r.table(rt)
	if r.major < 15 {
		rt.Skip("no MERGE")
	}
	set := t.drawSet(rt)
	existing := t.drawRows(rt, 3)
	fresh, ok := t.drawRow(rt)
	if !ok || len(set) == 0 || t.rows[t.id(fresh)] != nil {
		rt.Skip("nothing to insert")
	}
	keys := t.keyNames()
	names := slices.Sorted(maps.Keys(fresh))
	var joins, inserted, tuples []string
	for i, name := range keys {
		joins = append(joins, fmt.Sprintf("t.%s = s.v%d", ident(name), i))
	}
	// The source: an action, the key, and the values of the one new row.
	aliases := []string{"what"}
	for i := range keys {
		aliases = append(aliases, fmt.Sprint("v", i))
	}
	for _, name := range names {
		inserted = append(inserted, fresh[name].sql())
	}
	for _, row := range existing {
		action := rapid.SampledFrom([]string{"update", "delete", "nothing"}).Draw(rt, "action")
		tuples = append(tuples, "('"+action+"', "+t.typed(keys, row.values)[1:])
		switch action {
		case "update":
			r.w.update(t, row, set)
		case "delete":
			r.w.delete(t, row)
		}
	}
	tuples = append(tuples, "('insert', "+t.typed(keys, fresh)[1:])
	r.w.insert(t, fresh)
	r.exec(rt, fmt.Sprintf(`MERGE INTO %s AS t USING (VALUES %s) AS s (%s) ON %s
		WHEN MATCHED AND s.what = 'update' THEN UPDATE SET %s
		WHEN MATCHED AND s.what = 'delete' THEN DELETE
		WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)`,
		t.sql(), strings.Join(tuples, ", "), strings.Join(aliases, ", "), strings.Join(joins, " AND "),
		assignments(set), identList(names), strings.Join(inserted, ", ")))
}

// cte deletes a row and inserts others, perhaps with the same key, and updates
// one in one statement.
func (r *run) cte(rt *rapid.T) {
	t, rows := r.rows(rt, 2)
	set := t.drawSet(rt)
	for _, f := range t.foreignKeys {
		for _, name := range f.columns {
			delete(set, name)
		}
	}
	if len(set) == 0 {
		rt.Skip("no column to set")
	}
	gone := rows[0]
	r.w.delete(t, gone)
	sql := fmt.Sprintf("WITH gone AS (DELETE FROM %s WHERE %s RETURNING 1)", t.sql(), t.where("", gone.values))
	again := maps.Clone(gone.values)
	for _, c := range t.columns {
		if c.from != nil {
			delete(again, c.name)
		}
	}
	delete(again, "change_info")
	if oneIn(rt, 2, "the same key again") {
		r.w.insert(t, again)
		names := slices.Sorted(maps.Keys(again))
		tuple := t.typed(names, again)
		sql += fmt.Sprintf(", again AS (INSERT INTO %s (%s) SELECT %s FROM gone RETURNING 1)", t.sql(), identList(names), tuple[1:len(tuple)-1])
	}
	if len(rows) == 1 {
		r.exec(rt, sql+" SELECT count(*) FROM gone")
		return
	}
	r.w.update(t, rows[1], set)
	r.exec(rt, fmt.Sprintf("%s UPDATE %s SET %s WHERE %s", sql, t.sql(), assignments(set), t.where("", rows[1].values)))
}

func (r *run) copy(rt *rapid.T) {
	t := r.table(rt)
	rows := t.drawNew(rt, 4)
	columns := slices.Sorted(maps.Keys(rows[0]))
	var lines strings.Builder
	for _, values := range rows {
		for _, name := range columns {
			if _, ok := values[name]; !ok {
				values[name] = null
			}
		}
		for name := range values {
			if !slices.Contains(columns, name) {
				delete(values, name)
			}
		}
		r.w.insert(t, values)
		for i, name := range columns {
			if i > 0 {
				lines.WriteByte('\t')
			}
			lines.WriteString(values[name].copyText())
		}
		lines.WriteByte('\n')
	}
	r.copyIn(rt, fmt.Sprintf("COPY %s (%s) FROM STDIN", t.sql(), identList(columns)), lines.String())
}

func (r *run) truncate(rt *rapid.T) {
	t := r.table(rt)
	r.w.truncate(t)
	r.exec(rt, "TRUNCATE "+t.sql()+" CASCADE")
}

// changeKey gives one row a key that is free.
func (r *run) changeKey(rt *rapid.T) {
	t, rows := r.rows(rt, 1)
	values, ok := t.drawRow(rt)
	if !ok {
		rt.Skip("no parent")
	}
	if other := t.rows[t.id(values)]; other != nil && other != rows[0] {
		rt.Skip("the key is taken")
	}
	if t.partitions > 0 && r.major < 15 && r.w.hasChildren(t) {
		rt.Skip("before PostgreSQL 15 foreign keys take a move between partitions for a deletion")
	}
	set := map[string]value{}
	for _, name := range t.keyNames() {
		set[name] = values[name]
	}
	if oneIn(rt, 2, "sets more") {
		for name, v := range t.drawSet(rt) {
			set[name] = v
		}
	}
	where := t.where("", rows[0].values)
	r.w.update(t, rows[0], set)
	r.exec(rt, fmt.Sprintf("UPDATE %s SET %s WHERE %s", t.sql(), assignments(set), where))
}

// rotateKeys gives rows each other's keys in one statement.
func (r *run) rotateKeys(rt *rapid.T) {
	t, rows := r.rows(rt, 3)
	if !t.deferrable || len(rows) < 2 {
		rt.Skip("keys cannot be rotated")
	}
	keys := t.keyNames()
	var tuples, sets, joins, aliases []string
	var after []map[string]value
	for i, row := range rows {
		next := map[string]value{}
		for _, name := range keys {
			next[name] = rows[(i+1)%len(rows)].values[name]
		}
		after = append(after, next)
		old, replacement := t.typed(keys, row.values), t.typed(keys, next)
		tuples = append(tuples, old[:len(old)-1]+", "+replacement[1:])
	}
	for i, name := range keys {
		joins = append(joins, fmt.Sprintf("t.%s = s.o%d", ident(name), i))
		sets = append(sets, fmt.Sprintf("%s = s.n%d", ident(name), i))
		aliases = append(aliases, fmt.Sprint("o", i))
	}
	for i := range keys {
		aliases = append(aliases, fmt.Sprint("n", i))
	}
	r.w.updateAll(t, rows, after)
	r.exec(rt, fmt.Sprintf("UPDATE %s AS t SET %s FROM (VALUES %s) AS s (%s) WHERE %s",
		t.sql(), strings.Join(sets, ", "), strings.Join(tuples, ", "), strings.Join(aliases, ", "), strings.Join(joins, " AND ")))
}

// duplicate inserts a key that is taken, which must fail and leave nothing.
func (r *run) duplicate(rt *rapid.T) {
	t, rows := r.rows(rt, 1)
	values := map[string]value{}
	for _, name := range t.keyNames() {
		values[name] = rows[0].values[name]
	}
	r.fail(rt, t.insertSQL([]map[string]value{values}, ""), "23505")
}
