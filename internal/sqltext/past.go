package sqltext

import (
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// RefusedInPast returns why a statement of PostgreSQL must not be sent in a
// transaction that reads the past, or "": it would end that, or it would write
// to a view or lock its rows, of which the server says other things. Everything
// else the server judges. The statement must be one of [Split], not of [Head].
func (s *Statement) RefusedInPast() string {
	if len(s.words) == 0 {
		return ""
	}
	switch control, _ := s.Control(); control {
	case Begin, Commit, Rollback:
		return "it begins or ends a transaction; use the methods of the pool and the transaction"
	case None, Savepoint, Release, RollbackTo:
	}
	verb := s.verb
	if verb == "EXPLAIN" {
		verb = s.explained()
	}
	switch verb {
	case "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE":
		return "it writes"
	case "COPY":
		if s.copies() {
			return "it writes"
		}
	case "SET", "RESET":
		if s.sets() {
			return "it changes what a transaction in the past depends on"
		}
	}
	switch {
	case s.modifies:
		return "it writes"
	case s.locks:
		return "it locks rows"
	case s.Alone(chronodriver.PostgreSQL):
		return "it cannot run in a transaction"
	}
	return ""
}

// explained is the verb of the statement behind EXPLAIN.
func (s *Statement) explained() string {
	for _, w := range s.words[1:] {
		if slices.Contains([]string{"SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "EXECUTE", "DECLARE", "CREATE", "REFRESH"}, w) {
			return w
		}
	}
	return ""
}

// copies reports whether a COPY is into a table. COPY (SELECT …) is not.
func (s *Statement) copies() bool {
	for _, w := range s.words[1:] {
		switch w {
		case "FROM":
			return true
		case "TO", "SELECT", "VALUES", "TABLE", "WITH":
			return false
		}
	}
	return false
}

// sets reports whether a SET or RESET touches a setting that travel() made, that
// decides who may read what, or that decides how a text is understood.
func (s *Statement) sets() bool {
	i := 1
	for i < len(s.words) && slices.Contains([]string{"LOCAL", "SESSION"}, s.words[i]) {
		i++
	}
	if i >= len(s.words) {
		return true
	}
	name := strings.ToLower(s.names[i])
	switch name {
	case "search_path", "schema", "role", "authorization", "session_authorization", "characteristics", "all",
		"names", "client_encoding", "standard_conforming_strings", "backslash_quote":
		return true
	case "chrononaut":
		// The attribution does no harm.
		return i+1 >= len(s.words) || !strings.EqualFold(s.names[i+1], "context")
	}
	// A name with escapes may be any.
	for _, prefix := range []string{"transaction", "default_transaction", "chrononaut", "u&"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
