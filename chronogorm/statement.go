package chronogorm

import (
	"regexp"
	"strings"
)

// modifying finds the words that make a WITH statement one that writes; that
// it also finds them in names and literals costs a transaction, nothing else.
var modifying = regexp.MustCompile(`(?i)\b(insert|update|delete|merge|replace)\b`)

// writes reports whether a statement changes rows, by its first word. What it
// takes for reading runs without attribution: SELECT of a function that
// writes, CALL and DO, which may end the transaction they are in.
func writes(query string) bool {
	rest := query
	for {
		rest = strings.TrimLeft(rest, " \t\r\n\f(;")
		switch {
		case strings.HasPrefix(rest, "--"):
			_, rest, _ = strings.Cut(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			rest = afterComment(rest)
		default:
			end := strings.IndexFunc(rest, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
			if end < 0 {
				end = len(rest)
			}
			switch strings.ToLower(rest[:end]) {
			case "insert", "update", "delete", "merge", "replace", "truncate", "copy", "execute":
				return true
			case "with":
				return modifying.MatchString(rest)
			}
			return false
		}
	}
}

// afterComment skips a comment; they nest in PostgreSQL, and a nested one in
// SQLite is no valid statement.
func afterComment(s string) string {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return s[i+1:]
			}
		}
	}
	return ""
}
