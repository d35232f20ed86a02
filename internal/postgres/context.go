package postgres

import (
	"errors"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// SetContext is SQL that sets the attribution of the running transaction. It is
// a literal SET LOCAL rather than set_config(): a coordinator of Citus passes it
// on to its workers.
func SetContext(value string) string {
	return "SET LOCAL chrononaut.context = " + QuoteLiteral(value)
}

// SetContextParameter is the same with a parameter, for where no transaction
// block is open: there SET LOCAL would warn.
const SetContextParameter = "SELECT pg_catalog.set_config('chrononaut.context', $1::text, true)"

// Prefix is SQL to be put in front of a text of statements, which then is one
// transaction with the attribution.
func Prefix(value string) string { return SetContext(value) + "; " }

// WithoutPrefix makes the position in an error of pgx count from the beginning
// of what followed the prefix.
func WithoutPrefix(err error, prefix string) error {
	var pgErr *pgconn.PgError
	if n := int32(utf8.RuneCountInString(prefix)); errors.As(err, &pgErr) && pgErr.Position > n {
		pgErr.Position -= n
	}
	return err
}
