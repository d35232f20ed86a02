package chrononaut

import (
	"database/sql"
	"reflect"
)

// nullable returns a destination that takes NULL too, for one that is a pointer
// to a value: a pointer to a pointer, which drivers leave nil.
func nullable(dest any) any {
	t := reflect.TypeOf(dest)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() == reflect.Interface {
		return dest
	}
	return reflect.New(t).Interface()
}

// resolveNull moves what a destination made by nullable holds to the original
// one; a NULL becomes its zero value, or what its own Scan makes of it.
func resolveNull(original, filled any) (null bool, err error) {
	if original == filled {
		v := reflect.ValueOf(original)
		return v.Kind() == reflect.Pointer && v.Elem().IsZero(), nil
	}
	to, from := reflect.ValueOf(original).Elem(), reflect.ValueOf(filled).Elem()
	if !from.IsNil() {
		to.Set(from.Elem())
		return false, nil
	}
	to.SetZero()
	if scanner, ok := original.(sql.Scanner); ok {
		return true, scanner.Scan(nil)
	}
	return true, nil
}
