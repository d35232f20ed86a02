package chronosql

import (
	"database/sql"
	"fmt"

	"github.com/chrononaut-go/chrononaut"
)

// Client returns a client that reads history through a pool. A nil config means
// the defaults. Errors: [ErrDialect].
func Client(db *sql.DB, config *chrononaut.Config) (*chrononaut.Client, error) {
	dialect, ok := DialectOf(db)
	if !ok {
		return nil, fmt.Errorf("%w: %T; use chrononaut.NewClient", ErrDialect, db.Driver())
	}
	return chrononaut.NewClient(NewDriver(db, dialect, config), dialect, config)
}

// History returns the past of a table as records of type T. The name may carry
// a schema (billing.invoices) and is quoted as in SQL ("Order"). Columns map to
// fields by the tag db, else by the name in snake case.
//
// Errors: a name that is none, [ErrDialect].
func History[T any](db *sql.DB, table string, config *chrononaut.Config) (*chrononaut.History[T], error) {
	name, err := chrononaut.ParseTable(table)
	if err != nil {
		return nil, err
	}
	client, err := Client(db, config)
	if err != nil {
		return nil, err
	}
	return chrononaut.NewHistory[T](client, name, nil), nil
}
