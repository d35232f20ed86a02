package cli

import (
	"context"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// column gives a column of a table the name that it has there: in SQLite, the
// case of names does not matter.
func (db *database) column(ctx context.Context, table chrononaut.Table, name string) (string, error) {
	if db.driver.Dialect() != chronodriver.SQLite {
		return name, nil
	}
	rows, err := db.driver.Query(ctx, `SELECT name FROM pragma_table_info(?1, 'main') WHERE name = ?2 COLLATE NOCASE`, table.Name, name)
	if err != nil {
		return "", err
	}
	_, err = scanLast(rows, &name)
	return name, err
}

// resolveSQLite finds a table by its name, whose case does not matter.
func (db *database) resolveSQLite(ctx context.Context, name chrononaut.Table) (chrononaut.Table, bool, error) {
	rows, err := db.driver.Query(ctx, `
		SELECT 'main', name FROM main.sqlite_schema
		 WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE AND ?2 IN ('', 'main')`, name.Name, name.Schema)
	if err != nil {
		return name, false, err
	}
	return scanTable(rows, name)
}
