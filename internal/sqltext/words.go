package sqltext

import (
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Word is a word or a quoted name of a text. In SQLite a string may be one.
type Word struct {
	// Name is the word without its quotes, as SQLite compares names: its ASCII
	// letters in lower case.
	Name       string
	Start, End int
	// Behind is the keyword that stands before it, in upper case, if any.
	Behind string
	// Parameter says that it is the name of a parameter.
	Parameter bool
}

// Words lists the words of a text of SQLite. Whatever relations it reads, their
// names are among them.
func Words(sql string) []Word {
	l := &lexer{dialect: chronodriver.SQLite, src: sql}
	var words []Word
	var last token
	for {
		t, ok := l.next()
		if !ok {
			return words
		}
		if t.kind == word {
			adjacent := last.kind == other && last.start == t.start-1 && t.start > 0
			words = append(words, Word{
				Name: foldASCII(t.text), Start: t.start, End: l.pos, Behind: last.upper,
				Parameter: adjacent && strings.IndexByte(":@$#", sql[t.start-1]) >= 0,
			})
		}
		last = t
	}
}

func foldASCII(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
