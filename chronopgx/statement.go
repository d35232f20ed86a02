package chronopgx

import (
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// attributable reports whether a text can run in the implicit transaction that
// also sets the context; several says that it may hold more than one statement.
func (db *DB) attributable(sql string, several bool) bool {
	if !several && !db.simple {
		// The server refuses more than one.
		head, ok := sqltext.Head(chronodriver.PostgreSQL, sql)
		return ok && head.Attributable()
	}
	statements := sqltext.Split(chronodriver.PostgreSQL, sql)
	for _, s := range statements {
		if !s.Attributable() {
			return false
		}
	}
	return len(statements) > 0
}

// hasOptions reports whether arguments begin with options of pgx that a batch
// does not take.
func hasOptions(args []any) bool {
	if len(args) == 0 {
		return false
	}
	switch args[0].(type) {
	case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
		return true
	}
	return false
}
