package chrononaut

import (
	"bytes"
	"database/sql/driver"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Table names a table: see [ParseTable].
type Table = chronodriver.Table

// ParseTable reads a table name as SQL writes it: todos, billing.todos,
// "Odd Name"."x".
func ParseTable(s string) (Table, error) { return chronodriver.ParseTable(s) }

// Key is the primary key of a record: its columns and their values. Values are
// compared as JSON, in the form that the database writes: numbers, text,
// booleans; a uuid, date, timestamp or bytea ('\x…') as the text that
// PostgreSQL prints for it. Adapters convert typed values into that form.
type Key map[string]any

// ErrKey is returned when a key does not fit the table: a column is missing,
// unknown, or its value cannot be one of the column's type.
var ErrKey = errors.New("key does not fit the table")

// JSON returns the key as a JSON object with its columns in order.
func (k Key) JSON() (string, error) {
	if len(k) == 0 {
		return "", fmt.Errorf("%w: it is empty", ErrKey)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any(k)); err != nil {
		// Its message can quote the value.
		return "", &quietError{fmt.Errorf("%w: a value has no form in JSON", ErrKey), err}
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// canonical is JSON that is the same for keys that are equal as jsonb: numbers are
// written in one way.
func (k Key) canonical() (string, error) {
	same := make(Key, len(k))
	for name, value := range k {
		if n, ok := value.(json.Number); ok {
			value = json.Number(canonicalNumber(string(n)))
		}
		same[name] = value
	}
	return same.JSON()
}

// encode is JSON, for values as Go programs have them: bytes in PostgreSQL's
// hex form, 16 of them in an array as a uuid where the column is no bytea, and
// values that know their own SQL form as that.
func (k Key) encode(isBytea func(column string) bool) (string, error) {
	plain := make(Key, len(k))
	for name, value := range k {
		value, ok := sqlValue(value)
		if !ok {
			return "", fmt.Errorf("%w: column %s", ErrKey, name)
		}
		v := reflect.ValueOf(value)
		isBytes := v.IsValid() && (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && v.Type().Elem().Kind() == reflect.Uint8 && !isKeyStruct(value)
		switch {
		case isBytes:
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			if v.Kind() == reflect.Array && len(b) == 16 && !isBytea(name) {
				value = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
			} else {
				value = `\x` + hex.EncodeToString(b)
			}
		case v.IsValid() && v.Kind() == reflect.String && (!utf8.ValidString(v.String()) || strings.Contains(v.String(), "\x00")):
			// JSON would replace the bytes, and jsonb refuses a NUL.
			return "", fmt.Errorf("%w: column %s: the text is not UTF-8 without NUL", ErrKey, name)
		case !v.IsValid():
			return "", fmt.Errorf("%w: column %s is NULL", ErrKey, name)
		}
		plain[name] = value
	}
	return plain.JSON()
}

// sqlValue is a value without its pointers, as a driver gets it.
func sqlValue(value any) (any, bool) {
	for {
		v := reflect.ValueOf(value)
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return nil, true
		}
		if valuer, ok := value.(driver.Valuer); ok {
			plain, err := valuer.Value()
			return plain, err == nil
		}
		if v.Kind() != reflect.Pointer || isKeyStruct(value) {
			return value, true
		}
		value = v.Elem().Interface()
	}
}

// isKeyStruct reports whether a value is a struct that stands for the value of
// one column: a time, a decimal, a driver's own type.
func isKeyStruct(value any) bool {
	switch value.(type) {
	case time.Time, driver.Valuer, json.Marshaler, encoding.TextMarshaler:
		return true
	}
	return false
}

// UnmarshalJSON reads a JSON object; numbers stay exact.
func (k *Key) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	m := map[string]any{}
	if err := dec.Decode(&m); err != nil {
		return err
	}
	*k = m
	return nil
}
