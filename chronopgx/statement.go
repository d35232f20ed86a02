package chronopgx

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// statements are those of a text, or the beginning of its only one; several
// says that it may hold more.
func (db *DB) statements(sql string, several bool) []sqltext.Statement {
	if several || db.simple {
		return sqltext.Split(chronodriver.PostgreSQL, sql)
	}
	// The server refuses more than one.
	head, ok := sqltext.Head(chronodriver.PostgreSQL, sql)
	if !ok {
		return nil
	}
	return []sqltext.Statement{head}
}

// reads reports whether statements only read. To them attribution would be a
// burden without use; some proxies even keep the connection for the client.
func reads(statements []sqltext.Statement) bool {
	return !slices.ContainsFunc(statements, func(s sqltext.Statement) bool { return !s.Selects() })
}

// attributable reports whether statements can run in the implicit transaction
// that also sets the context.
func attributable(statements []sqltext.Statement) bool {
	return !slices.ContainsFunc(statements, func(s sqltext.Statement) bool { return !s.Attributable() })
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
