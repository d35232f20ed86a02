package chronopgx

import (
	"github.com/chrononaut-go/chrononaut"
)

// History returns the past of a table as records of type T. The name may carry
// a schema (billing.invoices) and is quoted as in SQL ("Order"). Columns map to
// fields by the tag db, else by the name in snake case.
//
// Errors: a name that is none.
func History[T any](db *DB, table string) (*chrononaut.History[T], error) {
	name, err := chrononaut.ParseTable(table)
	if err != nil {
		return nil, err
	}
	client, err := db.Client()
	if err != nil {
		return nil, err
	}
	return chrononaut.NewHistory[T](client, name, nil), nil
}
