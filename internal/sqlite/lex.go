package sqlite

import "strings"

// token is a piece of SQL from the catalog. Comments and white space are none.
type token struct {
	start, end int
	text       string // a name without its quotes, or one character
	name       bool   // a word, a quoted name or, as SQLite allows, a string
}

// lex splits SQL that SQLite has parsed before.
func lex(sql string) []token {
	var tokens []token
	for pos := 0; pos < len(sql); {
		rest := sql[pos:]
		start := pos
		switch c := rest[0]; {
		case strings.IndexByte(" \t\r\n\f", c) >= 0:
			pos++
			continue
		case strings.HasPrefix(rest, "--"):
			pos += lineLength(rest)
			continue
		case strings.HasPrefix(rest, "/*"):
			if end := strings.Index(rest, "*/"); end >= 0 {
				pos += end + 2
			} else {
				pos = len(sql)
			}
			continue
		case c == '"' || c == '\'' || c == '`' || c == '[':
			text, length := quoted(rest)
			pos += length
			tokens = append(tokens, token{start, pos, text, true})
		case wordByte(c):
			for pos < len(sql) && wordByte(sql[pos]) {
				pos++
			}
			tokens = append(tokens, token{start, pos, sql[start:pos], true})
		default:
			pos++
			tokens = append(tokens, token{start, pos, sql[start:pos], false})
		}
	}
	return tokens
}

func lineLength(s string) int {
	if end := strings.IndexByte(s, '\n'); end >= 0 {
		return end
	}
	return len(s)
}

// quoted reads a quoted name or a string at the beginning of s.
func quoted(s string) (text string, length int) {
	quote := s[0]
	if quote == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return s[1:], len(s)
		}
		return s[1:end], end + 1
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			b.WriteByte(s[i])
			continue
		}
		if i+1 == len(s) || s[i+1] != quote {
			return b.String(), i + 1
		}
		b.WriteByte(quote)
		i++
	}
	return b.String(), len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// list splits the first parenthesized list of a statement at its commas, and
// returns what follows the list.
func list(sql string) (items [][]token, after []token) {
	tokens := lex(sql)
	depth := 0
	var item []token
	for i, t := range tokens {
		switch {
		case !t.name && t.text == "(":
			depth++
			if depth == 1 {
				continue
			}
		case !t.name && t.text == ")":
			depth--
			if depth == 0 {
				return append(items, item), tokens[i+1:]
			}
		case !t.name && t.text == "," && depth == 1:
			items, item = append(items, item), nil
			continue
		}
		if depth > 0 {
			item = append(item, t)
		}
	}
	return items, nil
}

// text is the SQL that tokens were read from.
func text(sql string, tokens []token) string {
	if len(tokens) == 0 {
		return ""
	}
	return sql[tokens[0].start:tokens[len(tokens)-1].end]
}
