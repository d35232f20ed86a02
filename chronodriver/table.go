package chronodriver

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table names a table. Both parts are the exact, unquoted names as the
// catalog has them. An empty Schema means the first schema of the search path
// that has the table (PostgreSQL) or main (SQLite).
type Table struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// String returns the name as SQL would write it, quoted where it must be.
func (t Table) String() string {
	if t.Schema == "" {
		return quoteIfNeeded(t.Name)
	}
	return quoteIfNeeded(t.Schema) + "." + quoteIfNeeded(t.Name)
}

// ParseTable reads a table name as SQL writes it: todos, billing.todos,
// "Odd Name"."x". Unquoted parts are folded to lower case, as PostgreSQL does.
func ParseTable(s string) (Table, error) {
	var parts []string
	rest := s
	for {
		part, tail, err := parseIdent(rest)
		if err != nil {
			return Table{}, fmt.Errorf("parse table name %q: %w", s, err)
		}
		parts = append(parts, part)
		if tail == "" {
			break
		}
		if tail[0] != '.' {
			return Table{}, fmt.Errorf("parse table name %q: expected a dot after %q", s, part)
		}
		rest = tail[1:]
	}
	switch len(parts) {
	case 1:
		return Table{Name: parts[0]}, nil
	case 2:
		return Table{Schema: parts[0], Name: parts[1]}, nil
	}
	return Table{}, fmt.Errorf("parse table name %q: want TABLE or SCHEMA.TABLE", s)
}

func parseIdent(s string) (ident, tail string, err error) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return "", "", errors.New("not valid UTF-8 text without NUL")
	}
	if s == "" {
		return "", "", errors.New("empty name")
	}
	if s[0] == '"' {
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
			if b.Len() == 0 {
				return "", "", errors.New("empty name")
			}
			return b.String(), s[i+1:], nil
		}
		return "", "", errors.New("missing closing quote")
	}
	end := strings.IndexByte(s, '.')
	if end < 0 {
		end = len(s)
	}
	ident = s[:end]
	if ident == "" {
		return "", "", errors.New("empty name")
	}
	if strings.ContainsAny(ident, "\" \t\r\n") {
		return "", "", fmt.Errorf("%q must be quoted", ident)
	}
	return strings.ToLower(ident), s[end:], nil
}

func quoteIfNeeded(ident string) string {
	for i, r := range ident {
		plain := r == '_' || r >= 'a' && r <= 'z' || i > 0 && r >= '0' && r <= '9'
		if !plain {
			return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"`
		}
	}
	return ident
}
