package sqltext

import "github.com/chrononaut-go/chrononaut/chronodriver"

// Mentions returns the first name in a text of SQL, as the catalog would have
// it, that is one of those asked for; "" when there is none.
func Mentions(dialect chronodriver.Dialect, sql string, isOne func(name string) bool) string {
	l := &lexer{dialect: dialect, src: sql}
	for t, ok := l.next(); ok; t, ok = l.next() {
		if t.kind == word {
			if name := l.fold(t); isOne(name) {
				return name
			}
		}
	}
	return ""
}
