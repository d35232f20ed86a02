// Package structmap maps the columns of a table to the fields of a struct.
//
// A field's column is its tag db, else the column of its tag gorm, else its
// name in snake case. Fields of embedded structs, and of pointers to them, count
// as the struct's own; a field with the tag db:"-" is left out.
package structmap

import (
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
)

var cache sync.Map // reflect.Type to map[string][]int

func fields(t reflect.Type) map[string][]int {
	if known, ok := cache.Load(t); ok {
		return known.(map[string][]int)
	}
	index := map[string][]int{}
	collect(t, nil, index)
	cache.Store(t, index)
	return index
}

func collect(t reflect.Type, at []int, index map[string][]int) {
	const depth = 8 // a struct can embed a pointer to itself
	if len(at) > depth {
		return
	}
	var embedded []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("db"), ",")
		if tag == "-" {
			continue
		}
		if f.Anonymous && tag == "" && structOf(f) != nil {
			embedded = append(embedded, f)
			continue
		}
		if !f.IsExported() {
			continue
		}
		name := tag
		if name == "" {
			name = gormColumn(f.Tag.Get("gorm"))
		}
		if name == "" {
			name = snake(f.Name)
		}
		if _, taken := index[name]; !taken {
			index[name] = append(append([]int{}, at...), f.Index...)
		}
	}
	// The struct's own fields win over those of embedded ones.
	for _, f := range embedded {
		collect(structOf(f), append(append([]int{}, at...), f.Index...), index)
	}
}

// structOf is the struct whose fields an embedded field brings in; nil when it
// is a value of its own, such as a time, or cannot be set.
func structOf(f reflect.StructField) reflect.Type {
	t := f.Type
	if t.Kind() == reflect.Pointer && f.IsExported() {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[sql.Scanner]()) || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	return t
}

// field returns a field, and sets the pointers to embedded structs on the way.
func field(v reflect.Value, at []int) reflect.Value {
	for _, i := range at {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

func gormColumn(tag string) string {
	for part := range strings.SplitSeq(tag, ";") {
		if name, value, ok := strings.Cut(part, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "column") {
			return value
		}
	}
	return ""
}

// snake writes UserID as user_id.
func snake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		if upper && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Bind returns a destination for each column: the field of *record that it
// maps to, or a place that is thrown away. For a *map[string]any every column
// is bound; its values are those that the driver returns.
func Bind(record any, columns []string) (dest []any, finish func() error, err error) {
	v := reflect.ValueOf(record).Elem()
	dest = make([]any, len(columns))
	switch {
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		values := make([]reflect.Value, len(columns))
		for i := range columns {
			values[i] = reflect.New(v.Type().Elem())
			dest[i] = values[i].Interface()
		}
		return dest, func() error {
			m := reflect.MakeMapWithSize(v.Type(), len(columns))
			for i, name := range columns {
				m.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), values[i].Elem())
			}
			v.Set(m)
			return nil
		}, nil
	case v.Kind() == reflect.Struct:
		index := fields(v.Type())
		for i, name := range columns {
			if at, ok := index[name]; ok {
				dest[i] = field(v, at).Addr().Interface()
			} else {
				dest[i] = new(any)
			}
		}
		return dest, nil, nil
	}
	return nil, nil, fmt.Errorf("cannot scan a row into %s", v.Type())
}

// Values reads columns from a record: a pointer to a struct or to a map.
func Values(record any, columns []string) (map[string]any, error) {
	v := reflect.ValueOf(record).Elem()
	values := map[string]any{}
	for _, name := range columns {
		switch v.Kind() {
		case reflect.Map:
			value := v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key()))
			if !value.IsValid() {
				return nil, fmt.Errorf("no column %s", name)
			}
			values[name] = value.Interface()
		case reflect.Struct:
			at, ok := fields(v.Type())[name]
			if !ok {
				return nil, fmt.Errorf("%s has no field for column %s", v.Type(), name)
			}
			f, err := v.FieldByIndexErr(at)
			if err != nil {
				return nil, fmt.Errorf("%s has no value for column %s", v.Type(), name)
			}
			values[name] = f.Interface()
		default:
			return nil, fmt.Errorf("%s has no columns", v.Type())
		}
	}
	return values, nil
}

// Version reads the version column from a record; ok is false when it has no
// such field or the field is nil.
func Version[T any](record *T, column string) (version int, ok bool) {
	if kind := reflect.TypeFor[T]().Kind(); kind != reflect.Struct {
		return 0, false
	}
	values, err := Values(record, []string{column})
	if err != nil {
		return 0, false
	}
	v := reflect.ValueOf(values[column])
	if v.Kind() == reflect.Pointer {
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
	}
	return 0, false
}
