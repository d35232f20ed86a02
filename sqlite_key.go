package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// normalizeKey gives the values of a key the types that the columns would give
// them, and writes it as the triggers do. Whole numbers and plain text need no
// round trip.
func (r sqliteReader) normalizeKey(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key Key) (string, error) {
	names := slices.Sorted(slices.Values(info.keyColumns))
	values := make([]any, len(names))
	if len(key) != len(names) {
		return "", fmt.Errorf("%w: it has the columns %s", ErrKey, strings.Join(names, ", "))
	}
	for given, value := range key {
		i := slices.IndexFunc(names, func(name string) bool { return sqlite.SameName(name, given) })
		if i < 0 {
			return "", fmt.Errorf("%w: it has the columns %s", ErrKey, strings.Join(names, ", "))
		}
		var err error
		if values[i], err = r.keyValue(ctx, q, info, names[i], value); err != nil {
			return "", err
		}
	}
	if text, ok := plainKeyText(names, values); ok {
		return text, nil
	}
	var normal string
	_, err := queryOne(ctx, q, []any{&normal}, sqlite.WriteKey(names), values...)
	return normal, err
}

// plainKeyText writes a key of whole numbers and plain text.
func plainKeyText(names []string, values []any) (string, bool) {
	var b strings.Builder
	plain := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
	}
	for i, name := range names {
		b.WriteString(`,"` + name + `":`)
		switch value := values[i].(type) {
		case int64:
			b.WriteString(strconv.FormatInt(value, 10))
		case string:
			b.WriteString(`"` + value + `"`)
			if !plain(value) {
				return "", false
			}
		default:
			return "", false
		}
		if !plain(name) {
			return "", false
		}
	}
	return "{" + b.String()[1:] + "}", true
}

// keyValue is a value as a column stores it: int64, float64, string or []byte.
func (r sqliteReader) keyValue(ctx context.Context, q chronodriver.Queryer, info *tableInfo, name string, given any) (any, error) {
	value, ok := storageValue(given)
	if t, isTime := value.(time.Time); isTime {
		// Drivers write times each in their own way.
		var text string
		if _, err := queryOne(ctx, q, []any{&text}, "SELECT CAST(?1 AS TEXT)", t); err != nil {
			return nil, err
		}
		value = text
	}
	if s, isText := value.(string); isText && !utf8.ValidString(s) {
		ok = false
	}
	if !ok || value == nil {
		return nil, fmt.Errorf("%w: column %s", ErrKey, name)
	}
	if info.sqlite == nil {
		return value, nil
	}
	c := info.sqlite.Column(name)
	affinity := info.sqlite.Affinity(*c)
	value = convert(value, affinity)
	// These columns refuse what other columns take as it is.
	if only := info.sqlite.RowidAlias() == name || info.sqlite.StrictTypes != 0; only && !sqliteFits(value, affinity) {
		return nil, fmt.Errorf("%w: the value of column %s is not of type %s", ErrKey, name, c.Type)
	}
	return value, nil
}

// storageValue is a Go value as drivers bind it.
func storageValue(given any) (any, bool) {
	value, ok := sqlValue(given)
	if !ok {
		return nil, false
	}
	switch v := value.(type) {
	case nil, time.Time, []byte:
		return value, true
	case json.Number:
		return decodeSQLite(json.RawMessage(v)), true
	case map[string]any:
		// A value that JSON cannot hold, as it is in the key of a Change.
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, false
		}
		decoded := decodeSQLite(raw)
		_, isText := decoded.(string)
		return decoded, !isText
	}
	v := reflect.ValueOf(value)
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(v.Uint()), v.Uint() <= math.MaxInt64 //nolint:gosec // checked
	case v.CanFloat():
		return v.Float(), !math.IsNaN(v.Float())
	case v.Kind() == reflect.Bool:
		if v.Bool() {
			return int64(1), true
		}
		return int64(0), true
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return v.Bytes(), true
	}
	if m, ok := value.(interface{ MarshalText() ([]byte, error) }); ok {
		text, err := m.MarshalText()
		return string(text), err == nil
	}
	if v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Uint8 {
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return b, true
	}
	return v.String(), v.Kind() == reflect.String
}

// convert applies an affinity to a value, as storing it in a column does.
func convert(value any, affinity sqlite.Affinity) any {
	switch affinity {
	case sqlite.Text:
		switch v := value.(type) {
		case int64:
			return strconv.FormatInt(v, 10)
		case float64:
			return sqliteText(v)
		}
	case sqlite.Integer, sqlite.Numeric, sqlite.Real:
		if s, isText := value.(string); isText {
			if n, ok := number(s); ok {
				value = n
			}
		}
		switch v := value.(type) {
		case int64:
			if affinity == sqlite.Real {
				return float64(v)
			}
		case float64:
			// From here on not every integer is a float.
			const exact = 1 << 51
			if affinity != sqlite.Real && v == math.Trunc(v) && math.Abs(v) < exact {
				return int64(v)
			}
		}
		return value
	}
	return value
}

// number reads text that is a number as a whole.
func number(s string) (any, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) {
		return nil, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, false
	}
	return f, true
}

// sqliteText is a number as text, with up to 15 digits.
func sqliteText(f float64) string {
	s := strconv.FormatFloat(f, 'g', 15, 64)
	if e := strings.IndexByte(s, 'e'); e >= 0 {
		mantissa := s[:e]
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return mantissa + s[e:]
	}
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// sqliteFits reports whether a value is of the type that a column's affinity
// wants. NULL always is.
func sqliteFits(value any, affinity sqlite.Affinity) bool {
	switch value.(type) {
	case nil:
		return true
	case int64:
		return affinity == sqlite.Integer || affinity == sqlite.Numeric || affinity == sqlite.Blob
	case float64:
		return affinity == sqlite.Real || affinity == sqlite.Numeric || affinity == sqlite.Blob
	case string:
		return affinity == sqlite.Text || affinity == sqlite.Blob
	}
	return affinity == sqlite.Blob
}
