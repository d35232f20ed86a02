package cli

import (
	"context"
	"errors"

	"github.com/chrononaut-go/chrononaut"
)

func sqliteSchemaSQL() ([]schemaMigrations, error) {
	return nil, errors.New("not yet")
}

// resolveSQLite finds a table by its name, whose case does not matter.
func (db *database) resolveSQLite(ctx context.Context, name chrononaut.Table) (chrononaut.Table, bool, error) {
	rows, err := db.driver.Query(ctx, `SELECT ?1, name FROM sqlite_schema WHERE type = 'table' AND name = ?2 COLLATE NOCASE`, name.Schema, name.Name)
	if err != nil {
		return name, false, err
	}
	return scanTable(rows, name)
}
