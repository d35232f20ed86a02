package chrononaut

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeSQLite reads a value of data: nil, int64, float64, string or []byte.
func decodeSQLite(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case 'n':
		return nil
	case '"':
		return unquoteJSON(raw)
	case '{':
		return unwrapSQLite(raw)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
		return f
	}
	return string(raw)
}

// unwrapSQLite reads a value that JSON cannot hold: see docs/sqlite.md.
func unwrapSQLite(raw json.RawMessage) any {
	var wrapper map[string]string
	if json.Unmarshal(raw, &wrapper) == nil && len(wrapper) == 1 {
		if text, ok := wrapper["chrononaut:blob"]; ok {
			if b, err := hex.DecodeString(strings.TrimPrefix(text, `\x`)); err == nil {
				return b
			}
		}
		switch wrapper["chrononaut:real"] {
		case "Infinity":
			return math.Inf(1)
		case "-Infinity":
			return math.Inf(-1)
		}
	}
	return string(raw)
}

// unquoteJSON reads a JSON string. Unlike encoding/json it keeps bytes that are
// not UTF-8, which text in SQLite may hold.
func unquoteJSON(raw []byte) string {
	raw = bytes.TrimSuffix(bytes.TrimPrefix(raw, []byte(`"`)), []byte(`"`))
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b = append(b, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r := hexRune(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if pair := utf16.DecodeRune(r, hexRune(raw[i+3:])); pair != utf8.RuneError {
					r, i = pair, i+6
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, raw[i])
		}
	}
	return string(b)
}

func hexRune(digits []byte) rune {
	const length = 4
	if len(digits) < length {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(digits[:length]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// declared gives a value the Go type that drivers give it because of the
// column's declared type.
func declared(value any, columnType string) any {
	name, _, _ := strings.Cut(strings.ToUpper(columnType), "(")
	switch strings.TrimSpace(name) {
	case "BOOLEAN", "BOOL":
		if n, ok := value.(int64); ok {
			return n != 0
		}
	case "DATE", "DATETIME", "TIMESTAMP":
		if _, isText := value.(string); !isText {
			return value
		}
		if t, ok := timeOf(value); ok {
			return t
		}
	}
	return value
}

// The forms in which Go's drivers and SQLite itself write times.
var timeLayouts = []string{
	"2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05.999999999-07:00", time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999 -0700 -0700",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly,
}

func timeOf(value any) (time.Time, bool) {
	switch v := value.(type) {
	case string:
		// A time that carries Go's monotonic clock.
		text, _, _ := strings.Cut(strings.TrimSpace(v), " m=")
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, text); err == nil {
				return t, true
			}
		}
	case int64:
		// Seconds, or milliseconds from a size on that no seconds have.
		const milliseconds = 1_000_000_000_000
		if v > milliseconds || v < -milliseconds {
			return time.UnixMilli(v).UTC(), true
		}
		return time.Unix(v, 0).UTC(), true
	}
	return time.Time{}, false
}

// assign stores a value in a destination of database/sql, as the driver would
// have done it for a column of a declared type. Text and bytes get the value as
// it was recorded.
func assign(dest, value any, columnType string) error {
	if scanner, ok := dest.(sql.Scanner); ok {
		err := scanner.Scan(declared(value, columnType))
		if t, isTime := timeOf(value); err != nil && isTime {
			return scanner.Scan(t)
		}
		return err
	}
	v := reflect.ValueOf(dest)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("destination %T is no pointer", dest)
	}
	return assignTo(v.Elem(), value, columnType)
}

func assignTo(to reflect.Value, value any, columnType string) error {
	if value == nil {
		to.SetZero()
		return nil
	}
	switch to.Kind() {
	case reflect.Pointer:
		p := reflect.New(to.Type().Elem())
		if err := assign(p.Interface(), value, columnType); err != nil {
			return err
		}
		to.Set(p)
		return nil
	case reflect.Interface:
		v := reflect.ValueOf(declared(value, columnType))
		if !v.Type().AssignableTo(to.Type()) {
			break
		}
		to.Set(v)
		return nil
	case reflect.Bool:
		b, err := boolOf(value)
		to.SetBool(b)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(plainText(value), 10, to.Type().Bits())
		if err == nil {
			to.SetInt(n)
		}
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(plainText(value), 10, to.Type().Bits())
		if err == nil {
			to.SetUint(n)
		}
		return err
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(plainText(value), to.Type().Bits())
		if err == nil {
			to.SetFloat(f)
		}
		return err
	case reflect.String:
		to.SetString(plainText(value))
		return nil
	case reflect.Slice:
		if to.Type().Elem().Kind() == reflect.Uint8 {
			to.SetBytes([]byte(plainText(value)))
			return nil
		}
	case reflect.Struct:
		if t, ok := timeOf(value); ok && to.Type() == reflect.TypeFor[time.Time]() {
			to.Set(reflect.ValueOf(t))
			return nil
		}
	}
	return fmt.Errorf("%T does not fit a %s", value, to.Type())
}

func boolOf(value any) (bool, error) {
	if n, ok := value.(int64); ok && (n == 0 || n == 1) {
		return n == 1, nil
	}
	return strconv.ParseBool(plainText(value))
}

// plainText is a value as database/sql writes it when it converts values.
func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(value)
}
