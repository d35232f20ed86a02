package postgres

// SetContext is SQL that sets the attribution of the running transaction. It is
// a literal SET LOCAL rather than set_config(): a coordinator of Citus passes it
// on to its workers.
func SetContext(value string) string {
	return "SET LOCAL chrononaut.context = " + QuoteLiteral(value)
}

// SetContextParameter is the same with a parameter, for where no transaction
// block is open: there SET LOCAL would warn.
const SetContextParameter = "SELECT pg_catalog.set_config('chrononaut.context', $1::text, true)"
