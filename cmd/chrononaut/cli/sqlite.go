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

// hasColumn tells whether a table has a column now; true when there is no table.
func (db *database) hasColumn(ctx context.Context, table chrononaut.Table, name string) (has bool, err error) {
	query, args := `SELECT count(*) = 0 OR count(*) FILTER (WHERE name = ?2 COLLATE NOCASE) > 0 FROM pragma_table_info(?1, 'main')`, []any{table.Name, name}
	if db.driver.Dialect() == chronodriver.PostgreSQL {
		query, args = `
			SELECT count(*) = 0 OR count(*) FILTER (WHERE a.attname = $3::text) > 0 FROM pg_catalog.pg_attribute AS a
			  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
			 WHERE n.nspname = $1::text AND c.relname = $2::text AND a.attnum > 0 AND NOT a.attisdropped`, []any{table.Schema, table.Name, name}
	}
	rows, err := db.driver.Query(ctx, query, args...)
	if err != nil {
		return false, err
	}
	_, err = scanLast(rows, &has)
	return has, err
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
