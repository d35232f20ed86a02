package cli

import (
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// schemaSQL returns the migrations with the statements that record them.
func schemaSQL(dialect chronodriver.Dialect, schema string) ([]schemaMigrations, error) {
	if dialect == chronodriver.SQLite {
		return sqliteSchemaSQL()
	}
	rendered, err := postgres.Migrations(schema)
	if err != nil {
		return nil, err
	}
	var migrations []schemaMigrations
	for _, m := range rendered {
		applied, err := postgres.Query(schema, "plan.sql#migrated", m)
		if err != nil {
			return nil, err
		}
		reverted, err := postgres.Query(schema, "plan.sql#reverted", m)
		if err != nil {
			return nil, err
		}
		migrations = append(migrations, schemaMigrations{m.Version, m.Name, withStatement(m.Up, applied), withStatement(m.Down, reverted)})
	}
	return migrations, nil
}

func withStatement(script, statement string) string {
	return strings.TrimSpace(script) + "\n" + strings.TrimRight(strings.TrimSpace(statement), ";") + ";\n"
}
