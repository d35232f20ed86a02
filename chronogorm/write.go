package chronogorm

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// ErrVersionUnknown is returned with a [*chrononaut.StaleError] when a record
// that exists would be overwritten by one whose version is not known, because it
// was not read, or without its version: read it first, or use [AtVersion] or
// [AnyVersion].
var ErrVersionUnknown = errors.New("the version that the write is based on is not known: read the record with its version, or say chronogorm.AtVersion or chronogorm.AnyVersion")

// write is a statement that writes records of a model with a version.
type write struct {
	plugin  *Plugin
	dialect chronodriver.Dialect
	model   *model
	// records are those that the statement names by their primary keys.
	records []record
	// many is set when they are in a slice, of which fresh have no key yet.
	many  bool
	fresh int
	// value and dest are the statement's while its rows go elsewhere; see divert.
	value reflect.Value
	dest  any
	rows  reflect.Value
	// asked is the check of a statement that names no record, and where its
	// conditions without the check.
	asked *belief
	where clause.Clause
	// insert is set when records that are not there yet are inserted, now or by
	// the next statement of Save; gone when the rows are deleted.
	insert, gone bool
	// update is set for an UPDATE that is no deletion.
	update bool
	// links are the columns that an upsert of associations sets.
	links []string
	// part is set for an upsert that may write only a part of a record, or nothing;
	// blind when it is not known which records it has left as they are.
	part, blind bool
	undo        []undo
}

// record is a record in memory that a statement writes.
type record struct {
	value reflect.Value
	key   []any
	// based is what the write is based on; nil when it is not checked.
	based *belief
}

// belief is a version that a write is based on. A row that has none is at 0.
type belief struct {
	version int
	// unknown is that of a record that was not read with its version. It holds
	// only for rows that have none.
	unknown bool
}

// undo is a version in memory before the write.
type undo struct {
	record  reflect.Value
	version any
	unknown bool
}

const writeKey = pluginName + ":write"

// newWrite describes a statement, or returns nil if it writes no model that has
// a version.
func (p *Plugin) newWrite(tx *gorm.DB) *write {
	stmt := tx.Statement
	if tx.Error != nil || stmt.Schema == nil || stmt.SQL.Len() > 0 {
		return nil
	}
	m := p.model(stmt.Schema)
	if m == nil || m.version == nil || m.options.NoHistory {
		return nil
	}
	return &write{plugin: p, dialect: p.dialect(tx), model: m}
}

// each calls f for the records in a value: a struct, or a slice of them.
func (w *write) each(value reflect.Value, f func(i int, record reflect.Value)) (many bool) {
	switch value.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			elem := value.Index(i)
			if elem.Kind() == reflect.Interface {
				elem = elem.Elem()
			}
			if elem = reflect.Indirect(elem); elem.IsValid() && elem.Type() == w.model.schema.ModelType {
				f(i, elem)
			}
		}
		return true
	case reflect.Struct:
		if value.Type() == w.model.schema.ModelType {
			f(0, value)
		}
	}
	return false
}

// keyOf returns the primary key of a record, how many of its fields are set, and
// whether all are.
func (w *write) keyOf(tx *gorm.DB, value reflect.Value) (key []any, set int, complete bool) {
	for _, f := range w.model.schema.PrimaryFields {
		v, zero := f.ValueOf(tx.Statement.Context, value)
		key = append(key, v)
		if !zero {
			set++
		}
	}
	return key, set, set > 0 && set == len(key)
}

// address reports whether a record says nothing but which one is meant.
func (w *write) address(tx *gorm.DB, value reflect.Value) bool {
	for _, f := range w.model.schema.FieldsByDBName {
		if f.PrimaryKey {
			continue
		}
		if _, zero := f.ValueOf(tx.Statement.Context, value); !zero {
			return false
		}
	}
	return true
}

// believed returns the version that a record in memory was read at.
func (w *write) believed(tx *gorm.DB, value reflect.Value) belief {
	raw, _ := w.model.version.ValueOf(tx.Statement.Context, value)
	version, known := versionOf(raw)
	return belief{version: version, unknown: !known}
}

// given returns the version that came along with the values of an Update: with a
// struct, or in a map. It counts more than that of the record, which may have
// been read later than what it is now given.
func (w *write) given(tx *gorm.DB) (*belief, error) {
	stmt := tx.Statement
	if at, ok := tx.InstanceGet(atVersionKey); ok {
		return &belief{version: at.(int)}, nil
	}
	if same(stmt.Dest, stmt.Model) {
		return nil, nil
	}
	if values, ok := valuesOf(stmt); ok {
		for name, value := range values {
			if w.model.schema.LookUpField(name) != w.model.version || value == nil {
				continue
			}
			if _, ok := value.(clause.Expression); ok {
				// A way to count by hand, which GORM leaves out.
				continue
			}
			version, ok := versionOf(value)
			if !ok {
				return nil, fmt.Errorf("%w: the version of %s is no whole number", gorm.ErrInvalidData, w.model.schema)
			}
			return &belief{version: version}, nil
		}
		return nil, nil
	}
	from := reflect.Indirect(reflect.ValueOf(stmt.Dest))
	if from.Kind() != reflect.Struct {
		return nil, nil
	}
	other := &gorm.Statement{DB: stmt.DB}
	if err := other.Parse(stmt.Dest); err != nil {
		// GORM reports it.
		return nil, nil //nolint:nilerr // see above
	}
	f := other.Schema.LookUpField(w.model.version.DBName)
	if f == nil {
		return nil, nil
	}
	raw, _ := f.ValueOf(stmt.Context, from)
	version, known := versionOf(raw)
	if !known {
		return nil, nil
	}
	return &belief{version: version}, nil
}

// valuesOf returns the map of an update that has one.
func valuesOf(stmt *gorm.Statement) (values map[string]any, ok bool) {
	if dest := structs(stmt.Dest); dest.Kind() == reflect.Map {
		values, ok = dest.Interface().(map[string]any)
	}
	return values, ok
}

// same reports whether two values are one, without comparing what they hold.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() || x.Type() != y.Type() {
		return false
	}
	switch x.Kind() {
	case reflect.Pointer, reflect.Map:
		return x.Pointer() == y.Pointer()
	case reflect.Slice:
		return x.Pointer() == y.Pointer() && x.Len() == y.Len()
	}
	return false
}

// versionOf reads a whole number. Nil is not known.
func versionOf(raw any) (version int, known bool) {
	switch v := raw.(type) {
	case nil:
		return 0, false
	case json.Number:
		n, err := v.Int64()
		return int(n), err == nil
	case driver.Valuer:
		if rv := reflect.ValueOf(raw); rv.Kind() == reflect.Pointer && rv.IsNil() {
			return 0, false
		}
		value, err := v.Value()
		if _, again := value.(driver.Valuer); err != nil || again {
			return 0, false
		}
		return versionOf(value)
	}
	v := reflect.ValueOf(raw)
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return 0, false
		}
		v = v.Elem()
	}
	switch {
	case v.CanInt():
		return int(v.Int()), true
	case v.CanUint():
		return int(v.Uint()), true
	case v.CanFloat() && v.Float() == math.Trunc(v.Float()):
		return int(v.Float()), true
	}
	return 0, false
}

// checked returns the records whose version is checked.
func (w *write) checked() []record {
	var found []record
	for _, r := range w.records {
		if r.based != nil {
			found = append(found, r)
		}
	}
	return found
}

// keyName makes a key comparable, also one that a driver returned in another
// type.
func keyName(key []any) string {
	name := ""
	for _, v := range key {
		if valuer, ok := v.(driver.Valuer); ok {
			if rv := reflect.ValueOf(v); rv.Kind() != reflect.Pointer || !rv.IsNil() {
				v, _ = valuer.Value()
			}
		}
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		part := fmt.Sprint(reflect.Indirect(reflect.ValueOf(v)))
		name += fmt.Sprintf("%d:%s", len(part), part)
	}
	return name
}

// historyKey is the key of a record as package chrononaut takes it.
func (w *write) historyKey(r record) chrononaut.Key {
	key := chrononaut.Key{}
	for i, f := range w.model.schema.PrimaryFields {
		key[f.DBName] = r.key[i]
	}
	return key
}

// anyVersionOf reports whether the session writes at any version.
func anyVersionOf(tx *gorm.DB) bool {
	_, ok := tx.Plugins[anyVersionName]
	return ok
}

// condition is what has to hold for the rows of the records.
func (w *write) condition(records []record) clause.Expression {
	checked, first := 0, (*belief)(nil)
	same := true
	for _, r := range records {
		if r.based == nil {
			continue
		}
		if checked++; first == nil {
			first = r.based
		}
		same = same && *r.based == *first
	}
	switch {
	case checked == 0:
		return nil
	case same && checked == len(records):
		return w.at(first)
	}
	// By version, because a slice has many records and few versions.
	groups := map[belief][]record{}
	var order []belief
	var rest []record
	for _, r := range records {
		if r.based == nil {
			rest = append(rest, r)
			continue
		}
		if groups[*r.based] == nil {
			order = append(order, *r.based)
		}
		groups[*r.based] = append(groups[*r.based], r)
	}
	var either []clause.Expression
	for _, b := range order {
		either = append(either, clause.And(w.at(&b), w.among(groups[b])))
	}
	if len(rest) > 0 {
		either = append(either, w.among(rest))
	}
	return clause.And(clause.Or(either...))
}

// at is the condition that a row is at a version.
func (w *write) at(b *belief) clause.Expression {
	column := clause.Column{Table: clause.CurrentTable, Name: w.model.version.DBName}
	switch {
	case b.unknown:
		return clause.Eq{Column: column, Value: nil}
	case b.version == 0:
		return clause.Expr{SQL: "COALESCE(?, 0) = 0", Vars: []any{column}}
	}
	return clause.Eq{Column: column, Value: b.version}
}

// among is the condition that a row has the key of one of the records.
func (w *write) among(records []record) clause.Expression {
	keys := make([][]any, len(records))
	for i, r := range records {
		keys[i] = r.key
	}
	column, values := schema.ToQueryValues(clause.CurrentTable, w.model.schema.PrimaryFieldDBNames, keys)
	return clause.IN{Column: column, Values: values}
}
