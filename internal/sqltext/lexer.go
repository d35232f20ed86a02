package sqltext

import (
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

type kind int

const (
	other kind = iota
	word       // a keyword or a name, quoted or not
	open
	closing
	semicolon
	dot
)

type token struct {
	kind  kind
	start int
	text  string // a word without its quotes
	upper string // an unquoted word in upper case; empty for a quoted one
}

type lexer struct {
	dialect chronodriver.Dialect
	src     string
	pos     int
}

// next returns the next token; white space and comments are none.
func (l *lexer) next() (token, bool) {
	l.skipSpace()
	if l.pos >= len(l.src) {
		return token{}, false
	}
	t := token{start: l.pos}
	c := l.src[l.pos]
	switch {
	case c == ';':
		l.pos++
		t.kind = semicolon
	case c == '(':
		l.pos++
		t.kind = open
	case c == ')':
		l.pos++
		t.kind = closing
	case c == '.' && !isDigit(l.after(1)):
		l.pos++
		t.kind = dot
	case c == '\'':
		// In SQLite a string may stand for a name: SAVEPOINT 'a'.
		t.text = l.quoted('\'', false)
		if l.dialect == chronodriver.SQLite {
			t.kind = word
		}
	case c == '"':
		t.kind, t.text = word, l.quoted('"', false)
	case c == '`' && l.dialect == chronodriver.SQLite:
		t.kind, t.text = word, l.quoted('`', false)
	case c == '[' && l.dialect == chronodriver.SQLite:
		name, _, _ := strings.Cut(l.src[l.pos+1:], "]")
		t.kind, t.text = word, name
		l.pos = min(l.pos+len(name)+2, len(l.src))
	case c == '$' && l.dialect == chronodriver.PostgreSQL:
		l.dollar()
	case isWordStart(c):
		t.kind, t.text = word, l.word()
		if len(t.text) == 1 && (c == 'e' || c == 'E') && l.peek() == '\'' && l.dialect == chronodriver.PostgreSQL {
			l.quoted('\'', true)
			return token{start: t.start}, true
		}
		if len(t.text) == 1 && (c == 'u' || c == 'U') && l.peek() == '&' && l.after(1) == '"' && l.dialect == chronodriver.PostgreSQL {
			// With escapes. It is left as it is, so that it equals no other name.
			l.pos++
			t.text = "U&" + l.quoted('"', false)
			return t, true
		}
		t.upper = strings.ToUpper(t.text)
	case isDigit(c) || c == '.':
		// A number, or ?1: whatever it is, 1e5 has no word in it.
		l.pos++
		for l.pos < len(l.src) && (isWordPart(l.src[l.pos]) || l.src[l.pos] == '.') {
			l.pos++
		}
	default:
		l.pos++
	}
	return t, true
}

func (l *lexer) peek() byte { return l.after(0) }

// after returns the byte n places on.
func (l *lexer) after(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

func (l *lexer) skipSpace() {
	for l.pos < len(l.src) {
		switch rest := l.src[l.pos:]; {
		case strings.ContainsRune(" \t\r\n\f\v", rune(rest[0])) || strings.HasPrefix(rest, "\ufeff"):
			l.pos++
			if rest[0] >= 0x80 {
				l.pos += len("\ufeff") - 1
			}
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexAny(rest, "\r\n")
			if l.dialect == chronodriver.SQLite {
				end = strings.IndexByte(rest, '\n')
			}
			if end < 0 {
				end = len(rest)
			}
			l.pos += end
		case strings.HasPrefix(rest, "/*"):
			l.comment()
		default:
			return
		}
	}
}

// comment skips a comment; PostgreSQL's nest.
func (l *lexer) comment() {
	depth := 1
	for l.pos += 2; l.pos < len(l.src) && depth > 0; {
		switch rest := l.src[l.pos:]; {
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.pos += 2
		case strings.HasPrefix(rest, "/*") && l.dialect == chronodriver.PostgreSQL:
			depth++
			l.pos += 2
		default:
			l.pos++
		}
	}
}

// quoted reads up to the closing quote; a doubled quote is none.
func (l *lexer) quoted(quote byte, backslashes bool) string {
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		switch {
		case c == '\\' && backslashes:
			l.pos++
		case c == quote && l.pos+1 < len(l.src) && l.src[l.pos+1] == quote:
			b.WriteByte(quote)
			l.pos++
		case c == quote:
			l.pos++
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	l.pos = len(l.src)
	return b.String()
}

// dollar reads a dollar-quoted string, or the dollar of a placeholder.
func (l *lexer) dollar() {
	end := l.pos + 1
	for end < len(l.src) && isWordPart(l.src[end]) && l.src[end] != '$' {
		end++
	}
	isTag := end < len(l.src) && l.src[end] == '$' && (end == l.pos+1 || isWordStart(l.src[l.pos+1]))
	if !isTag {
		l.pos++
		return
	}
	tag := l.src[l.pos : end+1]
	body := strings.Index(l.src[end+1:], tag)
	if body < 0 {
		l.pos = len(l.src)
		return
	}
	l.pos = end + 1 + body + len(tag)
}

func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.src) && isWordPart(l.src[l.pos]) {
		l.pos++
	}
	return l.src[start:l.pos]
}

func isWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
