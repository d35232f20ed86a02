// Package sqltext finds out what a text of SQL does to the transaction around
// it: whether it begins or ends one, whether it can run inside one, whether it
// may write. It is a lexer with a few rules, not a parser; where it cannot be
// sure, its answer is the one that does no harm, and says so.
package sqltext

import (
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Control says what a statement does to the transaction around it.
type Control int

// The statements of transaction control.
const (
	None Control = iota
	Begin
	Commit
	Rollback
	Savepoint
	Release
	RollbackTo
)

// Statement is one statement of a text.
type Statement struct {
	// Text is the statement without the semicolon that ends it.
	Text string
	// Start is where Text begins in the text.
	Start int
	// words are the first words, in upper case; names holds the same words as
	// they were written, without their quotes.
	words, names []string
	// verb is the word that says what the statement does: the first one, or for
	// a WITH the one after its common table expressions.
	verb string
	// modifies says that a common table expression changes rows.
	modifies bool
	// locks says that it locks rows: FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR
	// KEY SHARE.
	locks bool
}

const (
	maxWords = 24
	// headTokens bounds the work that [Head] does on a long statement.
	headTokens = 64
)

// Split returns the statements of a text; those that are empty or only
// comments are left out.
func Split(dialect chronodriver.Dialect, sql string) []Statement {
	l := &lexer{dialect: dialect, src: sql}
	var statements []Statement
	for {
		s, ok, more := l.statement(0)
		if ok {
			statements = append(statements, s)
		}
		if !more {
			return statements
		}
	}
}

// Head returns the beginning of the first statement of a text: enough for
// every method but Write, and no more work for a long text than for a short one.
// ok is false when there is no statement.
func Head(dialect chronodriver.Dialect, sql string) (s Statement, ok bool) {
	l := &lexer{dialect: dialect, src: sql}
	for {
		s, ok, more := l.statement(headTokens)
		if ok || !more {
			return s, ok
		}
	}
}

// statement reads up to the semicolon that ends a statement. A limit other
// than 0 ends it after so many tokens.
func (l *lexer) statement(limit int) (s Statement, ok, more bool) {
	start := -1
	var (
		parens  int
		nesting int      // of BEGIN ATOMIC and CASE … END in the body of an SQL function
		last    [2]token // the two tokens before this one
	)
	for n := 0; limit == 0 || n < limit; n++ {
		t, found := l.next()
		if !found {
			break
		}
		if start < 0 && t.kind != semicolon {
			start = t.start
		}
		switch t.kind {
		case open:
			parens++
		case closing:
			parens--
		case semicolon:
			if l.endsStatement(&s, parens, nesting, last) {
				if start >= 0 {
					s.Start, s.Text = start, l.src[start:t.start]
				}
				return s, start >= 0, true
			}
		case word:
			s.add(t, parens)
			s.modifies = s.modifies || changesRows(t, last)
			s.locks = s.locks || (t.upper == "UPDATE" || t.upper == "SHARE") &&
				(last[1].upper == "FOR" || last[1].upper == "KEY" && (last[0].upper == "FOR" || last[0].upper == "NO"))
			nesting = nest(&s, nesting, t.upper, last[1])
		}
		last[0], last[1] = last[1], t
	}
	if start < 0 {
		return s, false, false
	}
	s.Start, s.Text = start, strings.TrimRight(l.src[start:l.pos], " \t\r\n")
	return s, true, false
}

// endsStatement reports whether a semicolon ends the statement, rather than
// being part of a trigger, an SQL function or a rule.
func (l *lexer) endsStatement(s *Statement, parens, nesting int, last [2]token) bool {
	if l.dialect == chronodriver.SQLite {
		// The body of a trigger ends as sqlite3_complete() says: "; END ;".
		if s.is("CREATE") && slices.Contains(s.words[:min(3, len(s.words))], "TRIGGER") {
			return last[0].kind == semicolon && last[1].upper == "END"
		}
		return true
	}
	return parens <= 0 && nesting == 0
}

// nest counts the BEGIN ATOMIC and CASE that wait for their END.
func nest(s *Statement, nesting int, upper string, before token) int {
	if !s.is("CREATE") {
		return 0
	}
	switch {
	case upper == "ATOMIC" && before.upper == "BEGIN":
		return nesting + 1
	case upper == "CASE" && nesting > 0:
		return nesting + 1
	case upper == "END" && nesting > 0:
		return nesting - 1
	}
	return nesting
}

func (s *Statement) add(t token, parens int) {
	if len(s.words) < maxWords {
		s.words = append(s.words, t.upper)
		s.names = append(s.names, t.text)
	}
	switch {
	case len(s.words) == 1:
		s.verb = t.upper
	case s.verb == "WITH" && parens <= 0 &&
		slices.Contains([]string{"SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"}, t.upper):
		s.verb = t.upper
	}
}

// changesRows reports whether a common table expression that changes rows
// begins here, behind its AS.
func changesRows(t token, last [2]token) bool {
	return last[1].kind == open && (last[0].upper == "AS" || last[0].upper == "MATERIALIZED") &&
		slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "MERGE"}, t.upper)
}

// is reports whether the statement starts with these words.
func (s *Statement) is(words ...string) bool {
	return len(s.words) >= len(words) && slices.Equal(s.words[:len(words)], words)
}

// Control returns what the statement does to the transaction around it, and
// the name of the savepoint in lower case, which is how SQLite compares them.
func (s *Statement) Control() (control Control, savepoint string) {
	if len(s.words) == 0 {
		return None, ""
	}
	rest := s.words[1:]
	skip := func(words ...string) {
		if len(rest) > 0 && slices.Contains(words, rest[0]) {
			rest = rest[1:]
		}
	}
	name := func() string {
		if len(rest) == 0 {
			return ""
		}
		return strings.ToLower(s.names[len(s.words)-len(rest)])
	}
	switch s.words[0] {
	case "BEGIN":
		return Begin, ""
	case "START":
		if s.is("START", "TRANSACTION") {
			return Begin, ""
		}
	case "COMMIT", "END":
		if !s.is("COMMIT", "PREPARED") {
			return Commit, ""
		}
	case "PREPARE":
		// The transaction is the server's from here on.
		if s.is("PREPARE", "TRANSACTION") {
			return Commit, ""
		}
	case "ROLLBACK", "ABORT":
		if s.is("ROLLBACK", "PREPARED") {
			return None, ""
		}
		skip("WORK", "TRANSACTION")
		if len(rest) > 0 && rest[0] == "TO" {
			rest = rest[1:]
			skip("SAVEPOINT")
			return RollbackTo, name()
		}
		return Rollback, ""
	case "SAVEPOINT":
		return Savepoint, name()
	case "RELEASE":
		skip("SAVEPOINT")
		return Release, name()
	}
	return None, ""
}

// Chains reports whether a COMMIT or ROLLBACK begins the next transaction.
func (s *Statement) Chains() bool {
	for i := 1; i < len(s.words); i++ {
		if s.words[i-1] == "AND" {
			return s.words[i] == "CHAIN"
		}
	}
	return false
}

// Alone reports whether the statement cannot run inside a transaction, or
// means something else there. When in doubt it reports true; what it is in
// doubt about changes no rows.
func (s *Statement) Alone(dialect chronodriver.Dialect) bool {
	if len(s.words) == 0 {
		return true
	}
	if dialect == chronodriver.SQLite {
		return slices.Contains([]string{"VACUUM", "ATTACH", "DETACH", "PRAGMA"}, s.words[0])
	}
	second := ""
	if len(s.words) > 1 {
		second = s.words[1]
	}
	switch s.words[0] {
	case "VACUUM", "CLUSTER", "REINDEX", "REPACK", "DISCARD", "CHECKPOINT":
		return true
	case "COMMIT", "ROLLBACK":
		return second == "PREPARED"
	case "CREATE", "ALTER", "DROP":
		// CONCURRENTLY may stand anywhere: ALTER TABLE a DETACH PARTITION b CONCURRENTLY.
		return slices.Contains([]string{"DATABASE", "TABLESPACE", "SUBSCRIPTION", "SYSTEM"}, second) ||
			slices.Contains(s.words, "CONCURRENTLY")
	}
	return false
}

// MayCommit reports whether the statement runs code that may end transactions
// by itself, which PostgreSQL allows only outside of one.
func (s *Statement) MayCommit() bool { return s.is("CALL") || s.is("DO") }

// Attributable reports whether a statement of PostgreSQL can run in the
// transaction of another statement, and leaves it open.
func (s *Statement) Attributable() bool {
	control, _ := s.Control()
	return control == None && !s.Alone(chronodriver.PostgreSQL) && !s.MayCommit()
}

// MayBeName reports whether a text can be the name of a prepared statement,
// which pgx takes in place of SQL, and no statement that changes rows: those
// have more than one word.
func MayBeName(sql string) bool {
	return !strings.ContainsAny(strings.TrimSpace(sql), " \t\r\n\f\v\"'(;/-")
}

// Write reports whether a statement of SQLite may write to a table. When in
// doubt it reports true.
func (s *Statement) Write() bool {
	switch s.verb {
	case "SELECT", "VALUES", "EXPLAIN", "PRAGMA", "ATTACH", "DETACH", "VACUUM":
		return false
	}
	control, _ := s.Control()
	return control == None
}

// Selects reports whether the statement only reads, functions that it calls
// aside. A WITH never counts: it may hold an INSERT.
func (s *Statement) Selects() bool {
	if len(s.words) == 0 {
		return true
	}
	if s.is("EXPLAIN") {
		// EXPLAIN ANALYZE runs what it explains.
		return !slices.Contains(s.words, "ANALYZE") && !slices.Contains(s.words, "ANALYSE")
	}
	return slices.Contains([]string{"SELECT", "VALUES", "TABLE", "SHOW", "FETCH", "DECLARE", "CLOSE", "SET", "RESET", "LISTEN", "NOTIFY", "UNLISTEN"}, s.words[0])
}
