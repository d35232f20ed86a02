package chrononaut

import (
	"database/sql"
	"reflect"
)

// nullable returns a destination that takes NULL too, for one that may not: a
// pointer to a pointer, which drivers leave nil. Columns that were added later
// have no value in earlier states, whatever they require now.
func nullable(dest any) any {
	t := reflect.TypeOf(dest)
	if _, ok := dest.(sql.Scanner); ok || t == nil || t.Kind() != reflect.Pointer {
		return dest
	}
	switch t.Elem().Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Map:
		return dest
	}
	return reflect.New(t).Interface()
}

// resolveNull moves what a destination made by nullable holds to the original
// one; a NULL is its zero value.
func resolveNull(original, filled any) {
	if original == filled {
		return
	}
	to, from := reflect.ValueOf(original).Elem(), reflect.ValueOf(filled).Elem()
	if from.IsNil() {
		to.SetZero()
		return
	}
	to.Set(from.Elem())
}
