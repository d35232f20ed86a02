package chronogorm

import (
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Merge writes what was changed in a record, on top of what others have written
// since it was read: for a Save that was [chrononaut.ErrStale]. Changed is what is
// not as it was at the record's version. The record is then as it is in the
// database, with its version; associations are neither saved nor loaded.
//
//	err := db.Save(&todo).Error
//	if errors.Is(err, chrononaut.ErrStale) {
//		err = chronogorm.Merge(db, &todo)
//	}
//
// If somebody else has changed one of the columns too, nothing is written, and the
// error is a [*chrononaut.StaleError] with them in Overlap: see
// [chrononaut.Client.Merge]. Select and Omit say which columns are meant. Fields
// that GORM sets to the time of an update are left out.
//
// It is one transaction, or part of that of db, and costs one round trip more than
// [chrononaut.Client.Merge] for reading the record. Errors: those of it and of
// [History]; [ErrVersionUnknown] for a record that was not read with its version.
func Merge[T any](db *gorm.DB, of *T) error {
	// A copy of the statement, which keeps Select, Omit and Table.
	db = db.Session(&gorm.Session{Context: db.Statement.Context})
	m, err := parse(db, of)
	if err != nil {
		return err
	}
	if m.version == nil {
		return fmt.Errorf("%w: %s has no version field", ErrModel, m.schema)
	}
	table, err := tableOf(db, m.schema)
	if err != nil {
		return err
	}
	p := pluginOf(db)
	w := &write{plugin: p, model: m}
	value := reflect.ValueOf(of).Elem()
	based := w.believed(db, value)
	if based.unknown {
		return fmt.Errorf("merge into %s: %w", table, ErrVersionUnknown)
	}
	key, _, _ := w.keyOf(db, value)
	mine := w.mine(db, value)
	merge := func(tx *gorm.DB) error {
		client, err := p.client(tx, connPool(tx))
		if err != nil {
			return err
		}
		if _, err := client.Merge(tx.Statement.Context, table, w.historyKey(record{key: key}), based.version, mine); err != nil {
			return err
		}
		read := tx.Session(&gorm.Session{NewDB: true}).Unscoped()
		read.Statement.Table, read.Statement.TableExpr = db.Statement.Table, db.Statement.TableExpr
		return read.Clauses(clause.Where{Exprs: []clause.Expression{w.among([]record{{key: key}})}}).Take(of).Error
	}
	if inTransaction(db) {
		return merge(db)
	}
	db.Statement.ConnPool = sourceOf(db, m.schema)
	return db.Transaction(merge)
}

// mine are the columns that GORM would save, with their values.
func (w *write) mine(db *gorm.DB, value reflect.Value) map[string]any {
	stmt := &gorm.Statement{DB: db, Schema: w.model.schema, Table: w.model.schema.Table, Selects: db.Statement.Selects, Omits: db.Statement.Omits}
	chosen, only := stmt.SelectAndOmitColumns(false, true)
	mine := map[string]any{}
	for name, f := range w.model.schema.FieldsByDBName {
		if wanted, named := chosen[name]; f.PrimaryKey || f.AutoUpdateTime > 0 || named && !wanted || !named && only {
			continue
		}
		mine[name], _ = f.ValueOf(db.Statement.Context, value)
	}
	return mine
}
