package cli

import (
	"context"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func sqliteSchemaSQL() ([]schemaMigrations, error) {
	known, err := sqlite.Migrations()
	if err != nil {
		return nil, err
	}
	var migrations []schemaMigrations
	for _, m := range known {
		applied, err := sqlite.MigrationSQL("migrated", m)
		if err != nil {
			return nil, err
		}
		reverted, err := sqlite.MigrationSQL("reverted", m)
		if err != nil {
			return nil, err
		}
		migrations = append(migrations, schemaMigrations{m.Version, m.Name, withStatement(m.Up, applied), withStatement(m.Down, reverted)})
	}
	return migrations, nil
}

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
