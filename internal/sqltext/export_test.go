package sqltext

import "github.com/chrononaut-go/chrononaut/chronodriver"

// Tokens returns the tokens of a text as they are written.
func Tokens(dialect chronodriver.Dialect, sql string) []string {
	l := &lexer{dialect: dialect, src: sql}
	var tokens []string
	for {
		t, ok := l.next()
		if !ok {
			return tokens
		}
		tokens = append(tokens, sql[t.start:l.pos])
	}
}
