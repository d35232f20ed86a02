package cli

import (
	"context"

	"github.com/chrononaut-go/chrononaut"
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
