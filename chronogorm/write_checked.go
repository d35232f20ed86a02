package chronogorm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// checked looks at what a statement has done: whether all records were written,
// and at which version they are now.
func (p *Plugin) checked(tx *gorm.DB) {
	tx.Error = chrononaut.WrapError(tx.Error)
	kept, ok := tx.InstanceGet(writeKey)
	if !ok {
		return
	}
	w := kept.(*write)
	stmt := tx.Statement
	diverted := w.rows.IsValid()
	if diverted {
		stmt.ReflectValue, stmt.Dest = w.value, w.dest
	}
	if tx.Error != nil || tx.DryRun || stmt.SQL.Len() == 0 {
		return
	}
	missed := w.missed(tx)
	rows := w.rows
	if !w.gone && tx.RowsAffected > 0 && w.dialect == chronodriver.SQLite {
		// RETURNING is too early for what triggers set.
		rows = w.read(tx, w.written(tx, missed), w.columns())
	}
	back := w.back(tx, rows)
	if err := w.stale(tx, append(missed, back...), back); err != nil {
		tx.RowsAffected -= int64(len(back))
		_ = tx.AddError(err)
		return
	}
	if rows.IsValid() && !w.gone {
		w.learn(tx, rows)
	}
	w.forget(tx)
}

// written are the records that are not among the missed ones. Of an upsert that
// leaves some as they are it is not known which: those that were not read.
func (w *write) written(tx *gorm.DB, missed []record) []record {
	left := map[string]bool{}
	for _, r := range missed {
		left[keyName(r.key)] = true
	}
	if w.blind {
		for _, u := range w.undo {
			if key, _, _ := w.keyOf(tx, u.record); !u.unknown {
				left[keyName(key)] = true
			}
		}
	}
	return slices.DeleteFunc(w.named(tx), func(r record) bool { return left[keyName(r.key)] })
}

// back returns the records that an upsert has inserted again, because they had
// been deleted since they were read: their versions have gone on.
func (w *write) back(tx *gorm.DB, rows reflect.Value) []record {
	if !w.insert {
		return nil
	}
	now := map[string]int{}
	note := func(_ int, row reflect.Value) {
		key, _, _ := w.keyOf(tx, row)
		now[keyName(key)] = w.believed(tx, row).version
	}
	if rows.IsValid() {
		w.each(rows, note)
	} else if tx.RowsAffected > 0 {
		w.each(tx.Statement.ReflectValue, note)
	}
	var back []record
	for _, r := range w.checked() {
		if !r.based.unknown && now[keyName(r.key)] > r.based.version+1 {
			back = append(back, r)
		}
	}
	return back
}

// end ends what begin began.
func (p *Plugin) end(tx *gorm.DB) {
	stmt := tx.Statement
	_, ended := tx.InstanceGet("gorm:started_transaction")
	if outside, ok := stmt.Settings.LoadAndDelete(instance(stmt, transactionKey)); ok {
		var err error
		if inside, ok := stmt.ConnPool.(gorm.TxCommitter); ok && tx.Error == nil {
			err = inside.Commit()
		} else if ok {
			err = inside.Rollback()
		}
		_ = tx.AddError(err)
		stmt.ConnPool, ended = outside.(gorm.ConnPool), true
	}
	kept, ok := stmt.Settings.LoadAndDelete(instance(stmt, writeKey))
	if !ok || !ended || tx.Error == nil {
		return
	}
	// What was rolled back has not happened.
	w := kept.(*write)
	for _, u := range w.undo {
		_ = w.model.version.Set(stmt.Context, u.record, u.version)
	}
}

// missed returns the records that were checked, or are asked for, and were not
// written.
func (w *write) missed(tx *gorm.DB) []record {
	checked := w.checked()
	if !w.many {
		if tx.RowsAffected > 0 {
			return nil
		}
		return checked
	}
	all := w.distinct()
	if w.insert {
		all += w.fresh
	}
	if int(tx.RowsAffected) >= all || len(checked) == 0 {
		return nil
	}
	written := map[string]bool{}
	if w.rows.IsValid() {
		w.each(w.rows, func(_ int, value reflect.Value) {
			key, _, _ := w.keyOf(tx, value)
			written[keyName(key)] = true
		})
	}
	var missed []record
	for _, r := range checked {
		if !written[keyName(r.key)] {
			missed = append(missed, r)
		}
	}
	return missed
}

// distinct counts the records that a statement names.
func (w *write) distinct() int {
	names := map[string]bool{}
	for _, r := range w.records {
		names[keyName(r.key)] = true
	}
	return len(names)
}

// learn gives the records in memory what the database has set. Rows are found by
// their keys; records that had none get the others in their order.
func (w *write) learn(tx *gorm.DB, rows reflect.Value) {
	names := map[string]bool{}
	for _, r := range w.named(tx) {
		names[keyName(r.key)] = true
	}
	named := map[string]reflect.Value{}
	var others []reflect.Value
	w.each(rows, func(_ int, row reflect.Value) {
		key, _, _ := w.keyOf(tx, row)
		if name := keyName(key); names[name] {
			named[name] = row
		} else {
			others = append(others, row)
		}
	})
	for _, u := range w.undo {
		key, set, _ := w.keyOf(tx, u.record)
		row, ok := named[keyName(key)]
		if !ok && set == 0 && len(others) > 0 {
			row, others, ok = others[0], others[1:], true
		}
		if !ok {
			continue
		}
		for _, f := range w.set() {
			value, _ := f.ValueOf(tx.Statement.Context, row)
			_ = tx.AddError(f.Set(tx.Statement.Context, u.record, value))
		}
	}
}

// set are the columns that the database sets, as far as a record may learn them.
func (w *write) set() []*schema.Field {
	if !w.insert {
		return w.model.set
	}
	fields := slices.Clone(w.model.set)
	for _, f := range w.model.schema.FieldsWithDefaultDBValue {
		if f.Readable && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields
}

func (w *write) columns() []string {
	var names []string
	for _, f := range w.set() {
		names = append(names, f.DBName)
	}
	return names
}

// named are the records in memory by the keys that they have now.
func (w *write) named(tx *gorm.DB) []record {
	var found []record
	for _, u := range w.undo {
		if key, set, _ := w.keyOf(tx, u.record); set > 0 {
			found = append(found, record{value: u.record, key: key})
		}
	}
	return found
}

// forget takes back the versions that an upsert gave to records that were not
// read, when only a part of them was written: they are not the state of that
// version, and must not overwrite it later. An insert is known by its version, 0.
func (w *write) forget(tx *gorm.DB) {
	if !w.part {
		return
	}
	for _, u := range w.undo {
		if u.unknown && w.believed(tx, u.record).version > 0 {
			_ = tx.AddError(w.model.version.Set(tx.Statement.Context, u.record, u.version))
		}
	}
}

// read reads columns of records anew.
func (w *write) read(tx *gorm.DB, records []record, columns []string) reflect.Value {
	stmt := tx.Statement
	rows := reflect.New(reflect.SliceOf(w.model.schema.ModelType))
	if len(records) == 0 {
		return rows.Elem()
	}
	query := tx.Session(&gorm.Session{NewDB: true, SkipHooks: true}).Model(rows.Interface()).Unscoped()
	query.Statement.Table, query.Statement.TableExpr = stmt.Table, stmt.TableExpr
	err := query.Select(append(slices.Clone(w.model.schema.PrimaryFieldDBNames), columns...)).
		Clauses(clause.Where{Exprs: []clause.Expression{w.among(records)}}).Find(rows.Interface()).Error
	if err != nil {
		_ = tx.AddError(fmt.Errorf("read the records that were written: %w", err))
	}
	return rows.Elem()
}

// stale asks the database why records were not written. They are as they were
// expected where another condition of the statement left them out.
func (w *write) stale(tx *gorm.DB, missed, back []record) error {
	if w.asked != nil && tx.RowsAffected == 0 {
		missed = w.matching(tx)
	}
	if missed = w.moved(tx, missed); len(missed) == 0 {
		return nil
	}
	ask := make([]chrononaut.KeyVersion, len(missed))
	for i, r := range missed {
		ask[i] = chrononaut.KeyVersion{Key: w.historyKey(r), Version: r.based.version}
		if r.based.unknown {
			// Whatever version there is, it is another.
			ask[i].Version = -1
		}
	}
	table, err := tableOf(tx, w.model.schema)
	if err != nil {
		return fmt.Errorf("%w: %w", chrononaut.ErrStale, err)
	}
	client, err := w.plugin.client(tx, unprepared(tx.Statement.ConnPool))
	if err != nil {
		return err
	}
	err = client.StaleAll(tx.Statement.Context, table, ask)
	found := (*chrononaut.BulkStaleError)(nil)
	if !errors.As(err, &found) {
		return err
	}
	again := map[string]bool{}
	for _, r := range back {
		again[keyName(r.key)] = true
	}
	for _, e := range found.Records {
		if again[keyName(w.keyIn(e.Key))] && len(e.Changes) > 0 {
			// The newest change is this insert.
			e.Deleted, e.Changes = true, e.Changes[1:]
			if len(e.Changes) > 0 {
				e.Actual = e.Changes[0].Version
			}
		}
	}
	return w.tellMine(tx, client, table, w.staleError(found))
}

// keyIn is the opposite of historyKey.
func (w *write) keyIn(key chrononaut.Key) (values []any) {
	for _, f := range w.model.schema.PrimaryFields {
		values = append(values, key[f.DBName])
	}
	return values
}

// staleError leaves out what is not stale for a write of GORM.
func (w *write) staleError(found *chrononaut.BulkStaleError) error {
	var stale []*chrononaut.StaleError
	unknown := false
	for _, e := range found.Records {
		switch {
		case *e.Expected < 0:
			if e.Deleted {
				// As if it had never been.
				continue
			}
			e.Expected, unknown = nil, true
		case e.Deleted && len(e.Changes) == 0 && w.insert:
			// History has never heard of it: it comes from somewhere else.
			continue
		}
		stale = append(stale, e)
	}
	var err error
	switch {
	case len(stale) == 0:
		return nil
	case w.many:
		all := w.distinct()
		if w.insert {
			all += w.fresh
		}
		err = &chrononaut.BulkStaleError{Table: found.Table, Stale: len(stale), Of: all, Records: stale}
	default:
		err = stale[0]
	}
	if unknown {
		return fmt.Errorf("%w: %w", ErrVersionUnknown, err)
	}
	return err
}

// matching finds the records that a statement is about by its conditions.
func (w *write) matching(tx *gorm.DB) []record {
	conditions, _ := w.where.Expression.(clause.Where)
	rows := reflect.New(reflect.SliceOf(w.model.schema.ModelType))
	query := tx.Session(&gorm.Session{NewDB: true, SkipHooks: true}).Model(rows.Interface())
	query.Statement.Table, query.Statement.TableExpr = tx.Statement.Table, tx.Statement.TableExpr
	query.Statement.Unscoped = tx.Statement.Unscoped
	if err := query.Select(w.model.schema.PrimaryFieldDBNames).Clauses(conditions).Find(rows.Interface()).Error; err != nil {
		_ = tx.AddError(err)
	}
	var found []record
	w.each(rows.Elem(), func(_ int, row reflect.Value) {
		key, _, _ := w.keyOf(tx, row)
		found = append(found, record{value: row, key: key, based: w.asked})
	})
	return found
}

// moved leaves out records of which an upsert would only have set what they have
// already: the links of associations, which are not what is stale.
func (w *write) moved(tx *gorm.DB, missed []record) []record {
	if len(w.links) == 0 || len(missed) == 0 {
		return missed
	}
	rows := map[string]reflect.Value{}
	w.each(w.read(tx, missed, w.links), func(_ int, row reflect.Value) {
		key, _, _ := w.keyOf(tx, row)
		rows[keyName(key)] = row
	})
	return slices.DeleteFunc(slices.Clone(missed), func(r record) bool {
		row, ok := rows[keyName(r.key)]
		return ok && keyName(w.values(tx, row)) == keyName(w.values(tx, r.value))
	})
}

func (w *write) values(tx *gorm.DB, record reflect.Value) (values []any) {
	for _, name := range w.links {
		value, _ := w.model.schema.FieldsByDBName[name].ValueOf(tx.Statement.Context, record)
		values = append(values, value)
	}
	return values
}
