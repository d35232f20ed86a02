package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// parseKey reads the argument KEY for a table with these key columns.
//
// The rule: when the key has one column, the argument is its value, as it is,
// unless it begins with the column's name and an equals sign. Otherwise it is
// a list of column=value with commas between. In a list, a value that begins
// with a double quote ends at the next one, "" standing for one; any other
// value ends at the next comma, and may hold equals signs. Column names are
// written as in SQL, and compared by same.
func parseKey(s string, columns []string, same sameColumn) (chrononaut.Key, error) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return nil, keyError(columns, "it is not valid text")
	}
	if len(columns) == 1 {
		if name, _, ok := cutColumn(s); !ok || !same(name, columns[0]) {
			return chrononaut.Key{columns[0]: s}, nil
		}
	}
	key := chrononaut.Key{}
	for rest, more := s, true; more; {
		name, value, ok := cutColumn(rest)
		if !ok {
			return nil, keyError(columns, "a column=value is missing")
		}
		i := slices.IndexFunc(columns, func(c string) bool { return same(name, c) })
		if i < 0 {
			return nil, keyError(columns, "it has no column "+name.String())
		}
		if _, twice := key[columns[i]]; twice {
			return nil, keyError(columns, "column "+quoteColumn(columns[i])+" is there twice")
		}
		var err error
		if key[columns[i]], rest, more, err = cutValue(value); err != nil {
			return nil, keyError(columns, err.Error())
		}
	}
	for _, c := range columns {
		if _, ok := key[c]; !ok {
			return nil, keyError(columns, "column "+quoteColumn(c)+" is missing")
		}
	}
	return key, nil
}

// keyError says what is wrong with a key, without its values.
func keyError(columns []string, message string) error {
	return usagef(keyHint(columns), "%v: %s", chrononaut.ErrKey, message)
}

// keyHint says how the key of a table is written.
func keyHint(columns []string) string {
	if len(columns) == 1 {
		return "KEY is a value of column " + columns[0] + ", or " + quoteColumn(columns[0]) + "=VALUE."
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = quoteColumn(c) + "=VALUE"
	}
	return "KEY is " + strings.Join(parts, ",") + ", with a value that has a comma or a quote in double quotes."
}

// columnName is a column's name as a person wrote it.
type columnName struct {
	name   string
	quoted bool
}

func (c columnName) String() string {
	if c.quoted {
		return quoteColumn(c.name)
	}
	return c.name
}

// sameColumn compares a name that was written with one from the catalog.
type sameColumn func(written columnName, name string) bool

// sameAsSQL is sameColumn in PostgreSQL.
func sameAsSQL(written columnName, name string) bool {
	return written.name == name || !written.quoted && strings.ToLower(written.name) == name
}

// sameIgnoringCase is sameColumn in SQLite.
func sameIgnoringCase(written columnName, name string) bool {
	return sqlite.SameName(written.name, name)
}

// cutColumn cuts a column's name and the equals sign after it off.
func cutColumn(s string) (name columnName, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		var unquoted string
		if unquoted, rest, ok = cutQuoted(s); !ok || unquoted == "" || !strings.HasPrefix(rest, "=") {
			return columnName{}, "", false
		}
		return columnName{unquoted, true}, rest[1:], true
	}
	before, after, ok := strings.Cut(s, "=")
	if !ok || before == "" {
		return columnName{}, "", false
	}
	return columnName{before, false}, after, true
}

// cutValue cuts a value and the comma after it off.
func cutValue(s string) (value, rest string, more bool, err error) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, more = strings.Cut(s, ",")
		return value, rest, more, nil
	}
	value, rest, ok := cutQuoted(s)
	switch {
	case !ok:
		return "", "", false, errors.New("a closing quote is missing")
	case rest == "":
		return value, "", false, nil
	case rest[0] == ',':
		return value, rest[1:], true, nil
	}
	return "", "", false, errors.New("after a closing quote comes a comma or nothing")
}

// cutQuoted cuts text in double quotes off, in which "" stands for one quote.
func cutQuoted(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}

// likeKey gives the values of a key, which are text, the types that those of
// another key have.
func likeKey(key, like chrononaut.Key) chrononaut.Key {
	typed := chrononaut.Key{}
	for column, value := range key {
		typed[column] = value
		text, ok := value.(string)
		if !ok {
			continue
		}
		switch like[column].(type) {
		case json.Number:
			if json.Valid([]byte(text)) {
				typed[column] = json.Number(text)
			}
		case bool:
			if b, err := strconv.ParseBool(text); err == nil {
				typed[column] = b
			}
		}
	}
	return typed
}

// formatKey writes a key so that parseKey reads it back.
func formatKey(key chrononaut.Key) string {
	columns := slices.Sorted(maps.Keys(key))
	if len(columns) == 1 {
		value := keyText(key[columns[0]])
		if name, _, ok := cutColumn(value); value != "" && (!ok || !sameAsSQL(name, columns[0]) && !sameIgnoringCase(name, columns[0])) {
			return value
		}
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		value := keyText(key[c])
		if strings.ContainsRune(value, ',') || strings.HasPrefix(value, `"`) {
			value = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
		}
		parts[i] = quoteColumn(c) + "=" + value
	}
	return strings.Join(parts, ",")
}

func keyText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case nil:
		return "NULL"
	case json.Number:
		return v.String()
	case map[string]any:
		// A value that JSON cannot hold exactly.
		for _, inner := range v {
			if s, ok := inner.(string); ok && len(v) == 1 {
				return s
			}
		}
	}
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(b)
}

// parseColumns reads the value of a flag that names columns, written as in SQL
// with commas between.
func parseColumns(s string) ([]string, error) {
	columns := []string{}
	if strings.TrimSpace(s) == "" {
		return columns, nil
	}
	for rest, more := s, true; more; {
		name, tail, next, err := cutName(strings.TrimSpace(rest))
		if err != nil {
			return nil, err
		}
		columns, rest, more = append(columns, name), tail, next
	}
	return columns, nil
}

// parseColumn reads one column's name.
func parseColumn(s string) (string, error) {
	columns, err := parseColumns(s)
	if err == nil && len(columns) != 1 {
		err = errors.New("give the name of one column")
	}
	if err != nil {
		return "", err
	}
	return columns[0], nil
}

func cutName(s string) (name, rest string, more bool, err error) {
	if strings.HasPrefix(s, `"`) {
		text, rest, ok := cutQuoted(s)
		rest = strings.TrimSpace(rest)
		switch {
		case !ok:
			return "", "", false, errors.New("a closing quote is missing")
		case text == "":
			return "", "", false, errors.New("a name is empty")
		case rest == "":
			return text, "", false, nil
		case rest[0] == ',':
			return text, rest[1:], true, nil
		}
		return "", "", false, errors.New("after a closing quote comes a comma or nothing")
	}
	name, rest, more = strings.Cut(s, ",")
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", "", false, errors.New("a name is empty")
	case strings.ContainsAny(name, "\"\t\r\n "):
		return "", "", false, errors.New("a name with spaces or quotes goes in double quotes")
	}
	return strings.ToLower(name), rest, more, nil
}

// quoteColumn writes a column's name as SQL would, quoted where it must be.
func quoteColumn(name string) string { return chrononaut.Table{Name: name}.String() }
