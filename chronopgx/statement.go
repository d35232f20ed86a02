package chronopgx

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// setSQL sets the attribution of the running transaction. A literal SET LOCAL
// rather than set_config(): a coordinator of Citus passes it on to its workers.
func setSQL(value string) string {
	// As an escape string it is right whatever standard_conforming_strings is.
	return "set local chrononaut.context = E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value) + "'"
}

// beginSQL is how pgx begins a transaction with these options.
func beginSQL(opts pgx.TxOptions) string {
	if opts.BeginQuery != "" {
		return opts.BeginQuery
	}
	parts := []string{"begin"}
	if opts.IsoLevel != "" {
		parts = append(parts, "isolation level "+string(opts.IsoLevel))
	}
	if opts.AccessMode != "" {
		parts = append(parts, string(opts.AccessMode))
	}
	if opts.DeferrableMode != "" {
		parts = append(parts, string(opts.DeferrableMode))
	}
	return strings.Join(parts, " ")
}

// attributable reports whether a statement can run in the implicit transaction
// that also sets the context; several allows more than one statement.
func attributable(sql string, several bool) bool {
	if !several {
		head, ok := sqltext.Head(chronodriver.PostgreSQL, sql)
		return ok && single(head)
	}
	statements := sqltext.Split(chronodriver.PostgreSQL, sql)
	for _, s := range statements {
		if !single(s) {
			return false
		}
	}
	return len(statements) > 0
}

func single(s sqltext.Statement) bool {
	control, _ := s.Control()
	return control == sqltext.None && !s.Alone(chronodriver.PostgreSQL) && !s.MayCommit()
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
