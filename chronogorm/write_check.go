package chronogorm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// The checks of versions come in three steps around GORM's own callbacks: begin,
// before anything else; check, right before the statement; and checked, right
// after it.

const (
	addressKey     = pluginName + ":address"
	transactionKey = pluginName + ":transaction"
)

// instance is the key of what is kept with one statement, as gorm.DB.InstanceSet
// has it.
func instance(stmt *gorm.Statement, key string) string { return fmt.Sprintf("%p", stmt) + key }

// beginUpdate and beginDelete look at the statement before hooks and associations
// do, because these change it.
func (p *Plugin) beginUpdate(tx *gorm.DB) { p.begin(tx, (*write).updated) }

func (p *Plugin) beginDelete(tx *gorm.DB) { p.begin(tx, (*write).deleted) }

func (p *Plugin) beginCreate(tx *gorm.DB) {
	p.begin(tx, func(*write, *gorm.DB) reflect.Value { return reflect.Value{} })
}

func (p *Plugin) begin(tx *gorm.DB, named func(*write, *gorm.DB) reflect.Value) {
	if at, ok := tx.Statement.Settings.LoadAndDelete(atVersionKey); ok {
		// Not for associations, which inherit settings.
		tx.InstanceSet(atVersionKey, at)
	}
	p.attribute(tx)
	w := p.newWrite(tx)
	if w == nil {
		return
	}
	w.begin(tx)
	var addresses []bool
	w.each(named(w, tx), func(i int, value reflect.Value) {
		for len(addresses) <= i {
			addresses = append(addresses, false)
		}
		addresses[i] = w.believed(tx, value).unknown && w.address(tx, value)
	})
	tx.InstanceSet(addressKey, addresses)
}

// begin begins a transaction where GORM begins none and one is needed. On SQLite
// the version has to be read after the write, and nobody may write in between;
// it costs no round trip there. An upsert of records that were read inserts those
// that were deleted since, which has to be taken back.
func (w *write) begin(tx *gorm.DB) {
	stmt := tx.Statement
	if !tx.SkipDefaultTransaction || tx.DryRun || tx.Error != nil || w.dialect != chronodriver.SQLite && !w.upserts(tx) {
		return
	}
	begun := tx.Begin()
	switch {
	case errors.Is(begun.Error, gorm.ErrInvalidTransaction):
		// It is in one.
	case begun.Error != nil:
		_ = tx.AddError(begun.Error)
	default:
		tx.InstanceSet(transactionKey, stmt.ConnPool)
		stmt.ConnPool = begun.Statement.ConnPool
	}
}

// upserts reports whether the statement is an upsert of records that were read.
func (w *write) upserts(tx *gorm.DB) bool {
	conflict, ok := tx.Statement.Clauses["ON CONFLICT"].Expression.(clause.OnConflict)
	if !ok || conflict.DoNothing || anyVersionOf(tx) {
		return false
	}
	read := false
	w.each(tx.Statement.ReflectValue, func(_ int, value reflect.Value) {
		read = read || !w.believed(tx, value).unknown
	})
	return read
}

// updated is what an update is of.
func (w *write) updated(tx *gorm.DB) reflect.Value { return structs(tx.Statement.Model) }

// deleted is what a deletion is of.
func (w *write) deleted(tx *gorm.DB) reflect.Value {
	stmt := tx.Statement
	named := false
	w.each(stmt.ReflectValue, func(_ int, value reflect.Value) {
		_, set, _ := w.keyOf(tx, value)
		named = named || set > 0
	})
	if named {
		return stmt.ReflectValue
	}
	return structs(stmt.Model)
}

// structs follows pointers.
func structs(value any) reflect.Value {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

// checkUpdate makes an UPDATE hold for the versions that it is based on.
func (p *Plugin) checkUpdate(tx *gorm.DB) {
	w, given := p.check(tx)
	if w == nil {
		p.returning(tx)
		return
	}
	stmt := tx.Statement
	// Save writes the whole record, so it is never only an address.
	save := slices.Equal(stmt.Selects, []string{"*"})
	w.update, w.insert = true, save
	w.find(tx, stmt.ReflectValue, given, save)
	if len(w.records) == 0 {
		// With gorm.G the record comes as the values.
		w.findInValues(tx, given)
	}
	w.require(tx, given)
	if w.many {
		w.divert(tx, buildUpdate)
	} else {
		p.returning(tx)
	}
}

// checkDelete makes a DELETE, or the UPDATE of a soft deletion, hold for the
// versions that it is based on.
func (p *Plugin) checkDelete(tx *gorm.DB) {
	w, given := p.check(tx)
	if w == nil {
		return
	}
	stmt := tx.Statement
	w.find(tx, w.deleted(tx), given, false)
	w.require(tx, given)
	soft := len(stmt.Schema.DeleteClauses) > 0 && !stmt.Unscoped
	w.gone = !soft
	switch {
	case w.many && (soft || len(w.checked()) > 0):
		w.divert(tx, buildDelete)
	case soft && !w.many && len(w.records) == 1:
		p.returning(tx)
	}
}

// checkCreate makes the update that an upsert makes hold for the versions that
// it is based on.
func (p *Plugin) checkCreate(tx *gorm.DB) {
	w, given := p.check(tx)
	if w == nil {
		return
	}
	stmt := tx.Statement
	conflict, upsert := stmt.Clauses["ON CONFLICT"].Expression.(clause.OnConflict)
	w.insert = true
	w.part = upsert && !conflict.UpdateAll
	if !upsert || conflict.DoNothing || !w.byKey(conflict) {
		w.blind = upsert
		w.find(tx, stmt.ReflectValue, nil, false)
		for i := range w.records {
			w.records[i].based = nil
		}
		return
	}
	_, whole := stmt.Get("gorm:update_track_time") // Save of a slice, or FullSaveAssociations
	again := stmt.SkipHooks && conflict.UpdateAll && slices.Equal(stmt.Selects, []string{"*"})
	w.find(tx, stmt.ReflectValue, given, whole || again)
	if !whole && !again {
		// Somebody says what to do about a conflict: only what is known counts.
		for i, r := range w.records {
			if r.based != nil && r.based.unknown {
				w.records[i].based = nil
			}
		}
	}
	if !conflict.UpdateAll {
		w.links = linked(conflict)
	}
	switch {
	case len(w.checked()) == 0:
	case w.many:
		w.divert(tx, w.buildCreate)
	default:
		w.returning(tx)
		w.buildCreate(tx)
	}
}

// linked returns the columns that an upsert copies. GORM links associations by
// upserts that copy foreign keys only.
func linked(conflict clause.OnConflict) []string {
	var columns []string
	for _, set := range conflict.DoUpdates {
		if value, ok := set.Value.(clause.Column); !ok || value.Name != set.Column.Name {
			return nil
		}
		columns = append(columns, set.Column.Name)
	}
	return columns
}

// byKey reports whether an upsert meets the rows that have the same primary key.
func (w *write) byKey(conflict clause.OnConflict) bool {
	if conflict.OnConstraint != "" {
		return false
	}
	if len(conflict.Columns) == 0 {
		return conflict.UpdateAll
	}
	names := make([]string, len(conflict.Columns))
	for i, c := range conflict.Columns {
		names[i] = c.Name
	}
	slices.Sort(names)
	return slices.Equal(names, slices.Sorted(slices.Values(w.model.schema.PrimaryFieldDBNames)))
}

// check begins a check, and leaves it with the statement for the step after it.
func (p *Plugin) check(tx *gorm.DB) (*write, *belief) {
	w := p.newWrite(tx)
	if w == nil {
		return nil, nil
	}
	given, err := w.given(tx)
	if err != nil {
		_ = tx.AddError(err)
		return nil, nil
	}
	tx.InstanceSet(writeKey, w)
	return w, given
}

// returning asks an UPDATE of one record for the columns that the database sets,
// so that the record in memory has them. On SQLite they are set too late.
func (p *Plugin) returning(tx *gorm.DB) {
	stmt := tx.Statement
	if tx.Error != nil || stmt.Schema == nil || stmt.SQL.Len() > 0 || !stmt.ReflectValue.CanAddr() || stmt.ReflectValue.Type() != stmt.Schema.ModelType {
		return
	}
	if _, ok := stmt.Clauses["RETURNING"]; ok || len(stmt.Schema.PrimaryFields) == 0 || p.dialect(tx) != chronodriver.PostgreSQL {
		return
	}
	m := p.model(stmt.Schema)
	if m == nil {
		return
	}
	for _, f := range stmt.Schema.PrimaryFields {
		// GORM makes conditions of the key's fields that are not zero. Without
		// all of them, more than one row may be meant.
		if _, zero := f.ValueOf(stmt.Context, stmt.ReflectValue); zero {
			return
		}
	}
	returning := clause.Returning{}
	for _, f := range m.set {
		returning.Columns = append(returning.Columns, clause.Column{Name: f.DBName})
	}
	if len(returning.Columns) > 0 {
		stmt.AddClause(returning)
	}
}

// find looks for records that a statement names by their primary keys.
func (w *write) find(tx *gorm.DB, value reflect.Value, given *belief, save bool) {
	known, _ := tx.InstanceGet(addressKey)
	addresses, _ := known.([]bool)
	w.many = w.each(value, func(i int, value reflect.Value) {
		based := w.believed(tx, value)
		if value.CanAddr() {
			version, _ := w.model.version.ValueOf(tx.Statement.Context, value)
			w.undo = append(w.undo, undo{value, version, based.unknown})
		}
		key, set, complete := w.keyOf(tx, value)
		if set == 0 {
			w.fresh++
			return
		}
		r := record{value: value, key: key}
		switch {
		case anyVersionOf(tx):
		case given != nil:
			r.based = given
		case !based.unknown:
			r.based = &based
		case complete && (save || i >= len(addresses) || !addresses[i]):
			r.based = &based
		}
		w.records = append(w.records, r)
	})
}

// findInValues looks for the record in the values of an update, of which it
// takes what is known only: the conditions name the record.
func (w *write) findInValues(tx *gorm.DB, given *belief) {
	value := reflect.Indirect(reflect.ValueOf(tx.Statement.Dest))
	if given == nil || anyVersionOf(tx) || value.Kind() != reflect.Struct || value.Type() != w.model.schema.ModelType {
		return
	}
	if key, _, complete := w.keyOf(tx, value); complete {
		w.records = []record{{value: value, key: key, based: given}}
	}
}

// require adds the check to the conditions.
func (w *write) require(tx *gorm.DB, given *belief) {
	stmt := tx.Statement
	w.where = stmt.Clauses["WHERE"]
	condition := w.condition(w.records)
	conditions, _ := w.where.Expression.(clause.Where)
	if len(w.records) == 0 && given != nil && !anyVersionOf(tx) && len(conditions.Exprs) > 0 {
		// Without conditions GORM refuses, which the check must not hide.
		w.asked = given
		condition = w.at(given)
	}
	if condition == nil {
		return
	}
	checked := w.where
	checked.Name, checked.Expression = conditions.Name(), besides(conditions, condition)
	stmt.Clauses[conditions.Name()] = checked
}

// besides adds a condition that has to hold whatever the others say. GORM puts the
// parts of Or side by side with it, where AND binds more closely.
func besides(where clause.Where, condition clause.Expression) clause.Where {
	if len(where.Exprs) == 0 {
		return clause.Where{Exprs: []clause.Expression{condition}}
	}
	return clause.Where{Exprs: []clause.Expression{together(where), condition}}
}

// together are conditions in parentheses.
type together clause.Where

func (t together) Build(builder clause.Builder) {
	_ = builder.WriteByte('(') // as GORM does
	// Build changes their order.
	clause.Where{Exprs: slices.Clone(t.Exprs)}.Build(builder)
	_ = builder.WriteByte(')')
}

// divert builds the statement, and sends the rows that it returns to a slice of
// their own: GORM would take them for the records in their order, but they come
// as they please, and not all of them.
func (w *write) divert(tx *gorm.DB, build func(tx *gorm.DB)) {
	stmt := tx.Statement
	if !slices.Contains(stmt.BuildClauses, "RETURNING") || len(w.records) == 0 {
		return
	}
	w.returning(tx)
	build(tx)
	if tx.Error != nil || stmt.SQL.Len() == 0 {
		return
	}
	w.value, w.dest = stmt.ReflectValue, stmt.Dest
	w.rows = reflect.New(reflect.SliceOf(w.model.schema.ModelType)).Elem()
	stmt.ReflectValue, stmt.Dest = w.rows, w.rows.Addr().Interface()
}

// returning asks for the keys, and for the columns that the database sets.
func (w *write) returning(tx *gorm.DB) {
	stmt := tx.Statement
	if !slices.Contains(stmt.BuildClauses, "RETURNING") {
		return
	}
	returning, asked := stmt.Clauses["RETURNING"].Expression.(clause.Returning)
	if asked && len(returning.Columns) == 0 || slices.ContainsFunc(returning.Columns, func(c clause.Column) bool { return c.Name == "*" }) {
		return
	}
	add := func(name string) {
		if !slices.ContainsFunc(returning.Columns, func(c clause.Column) bool { return c.Name == name }) {
			returning.Columns = append(slices.Clone(returning.Columns), clause.Column{Name: name})
		}
	}
	for _, name := range stmt.Schema.PrimaryFieldDBNames {
		add(name)
	}
	if w.insert {
		for _, f := range stmt.Schema.FieldsWithDefaultDBValue {
			if f.Readable {
				add(f.DBName)
			}
		}
	}
	for _, f := range w.model.set {
		add(f.DBName)
	}
	if len(returning.Columns) == 1 {
		// One column GORM would take for the elements of the slice.
		add(w.model.version.DBName)
	}
	stmt.Clauses["RETURNING"] = clause.Clause{Name: "RETURNING", Expression: returning}
}

// buildUpdate is what GORM does to build an UPDATE.
func buildUpdate(tx *gorm.DB) {
	stmt := tx.Statement
	for _, c := range stmt.Schema.UpdateClauses {
		stmt.AddClause(c)
	}
	if stmt.SQL.Len() > 0 {
		return
	}
	stmt.AddClauseIfNotExists(clause.Update{})
	if _, ok := stmt.Clauses["SET"]; !ok {
		set := callbacks.ConvertToAssignments(stmt)
		if len(set) == 0 {
			return
		}
		defer delete(stmt.Clauses, "SET")
		stmt.AddClause(set)
	}
	stmt.Build(stmt.BuildClauses...)
}

// buildDelete is what GORM does to build a DELETE.
func buildDelete(tx *gorm.DB) {
	stmt := tx.Statement
	for _, c := range stmt.Schema.DeleteClauses {
		stmt.AddClause(c)
	}
	if stmt.SQL.Len() > 0 {
		// A soft deletion has built its UPDATE.
		return
	}
	stmt.AddClauseIfNotExists(clause.Delete{})
	keyed(stmt, stmt.ReflectValue)
	if stmt.ReflectValue.CanAddr() && stmt.Model != nil && !same(stmt.Dest, stmt.Model) {
		keyed(stmt, reflect.ValueOf(stmt.Model))
	}
	stmt.AddClauseIfNotExists(clause.From{})
	stmt.Build(stmt.BuildClauses...)
}

// keyed adds the condition that rows have the keys of records.
func keyed(stmt *gorm.Statement, value reflect.Value) {
	_, keys := schema.GetIdentityFieldValuesMap(stmt.Context, value, stmt.Schema.PrimaryFields)
	if column, values := schema.ToQueryValues(stmt.Table, stmt.Schema.PrimaryFieldDBNames, keys); len(values) > 0 {
		stmt.AddClause(clause.Where{Exprs: []clause.Expression{clause.IN{Column: column, Values: values}}})
	}
}

// buildCreate is what GORM does to build an INSERT, with the check where it
// becomes an update.
func (w *write) buildCreate(tx *gorm.DB) {
	stmt := tx.Statement
	if !stmt.Unscoped {
		for _, c := range stmt.Schema.CreateClauses {
			stmt.AddClause(c)
		}
	}
	stmt.AddClauseIfNotExists(clause.Insert{})
	stmt.AddClause(callbacks.ConvertToCreateValues(stmt))
	conflict, _ := stmt.Clauses["ON CONFLICT"].Expression.(clause.OnConflict)
	if !conflict.DoNothing {
		conflict.Where = besides(conflict.Where, w.condition(w.records))
		stmt.AddClause(conflict)
	}
	stmt.Build(stmt.BuildClauses...)
}
