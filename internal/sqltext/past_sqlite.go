package sqltext

import (
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// readingPragmas only read the catalog.
var readingPragmas = []string{
	"TABLE_INFO", "TABLE_XINFO", "TABLE_LIST", "INDEX_LIST", "INDEX_INFO", "INDEX_XINFO", "FOREIGN_KEY_LIST", "DATABASE_LIST",
	"COLLATION_LIST", "FUNCTION_LIST", "MODULE_LIST", "PRAGMA_LIST", "COMPILE_OPTIONS", "DATA_VERSION", "ENCODING",
}

// RefusedInPastOfSQLite is [Statement.RefusedInPast] for SQLite.
func (s *Statement) RefusedInPastOfSQLite() string {
	if len(s.words) == 0 {
		return ""
	}
	switch control, _ := s.Control(); control {
	case Begin, Commit, Rollback:
		return "it begins or ends a transaction; use the methods of the pool and the transaction"
	case None, Savepoint, Release, RollbackTo:
	}
	switch {
	case s.is("PRAGMA"):
		if len(s.words) > 1 && slices.Contains(readingPragmas, s.words[1]) && !strings.Contains(s.Text, "=") {
			return ""
		}
		return "it may change the connection"
	case s.Alone(chronodriver.SQLite):
		return "it cannot run in a transaction"
	case s.Write():
		return "it writes"
	}
	return ""
}
