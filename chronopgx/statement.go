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

// options are what pgx takes before the values among the arguments of a statement:
// modes, result formats, and rewriters such as pgx.NamedArgs.
func options(args []any) []any {
	for i, a := range args {
		switch a.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID, pgx.QueryRewriter:
		default:
			return args[:i]
		}
	}
	return args
}

// several reports whether pgx lets the text of a statement with arguments hold more
// than one: in the simple protocol, which it also uses when a rewriter leaves none.
func (db *DB) several(args []any) bool {
	given, simple := options(args), db.simple
	for _, a := range given {
		if mode, ok := a.(pgx.QueryExecMode); ok {
			simple = mode == pgx.QueryExecModeSimpleProtocol
		}
	}
	return len(args) > 0 && (simple || len(given) == len(args))
}

// apart reports whether a statement cannot be part of a batch, which takes
// rewriters and no other options, and expects one statement of a text.
func (db *DB) apart(sql string, args []any) bool {
	return slices.ContainsFunc(options(args), func(a any) bool { _, ok := a.(pgx.QueryRewriter); return !ok }) ||
		db.several(args) && len(sqltext.Split(chronodriver.PostgreSQL, sql)) > 1
}
