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
	"time"

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
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// encode is JSON, for values as Go programs have them: bytes in PostgreSQL's
// hex form, and values that know their own SQL form as that.
func (k Key) encode() (string, error) {
	plain := make(Key, len(k))
	for name, value := range k {
		if valuer, ok := value.(driver.Valuer); ok {
			v, err := valuer.Value()
			if err != nil {
				return "", fmt.Errorf("%w: column %s", ErrKey, name)
			}
			value = v
		}
		if b, ok := value.([]byte); ok {
			value = `\x` + hex.EncodeToString(b)
		}
		plain[name] = value
	}
	return plain.JSON()
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

// sameJSON compares two JSON texts by value.
func sameJSON(a, b string) bool {
	var x, y any
	return decodeJSON(a, &x) == nil && decodeJSON(b, &y) == nil && reflect.DeepEqual(x, y)
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
