package chronogorm

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// On SQLite most changes of a table are made by building it anew, which drops
// its triggers without a word, and triggers name their columns. So the table is
// tracked again after each of the migrator's methods that may do so.

func (m trackingMigrator) AddColumn(value any, field string) error {
	return m.rebuild(value, m.Migrator.AddColumn(value, field))
}

func (m trackingMigrator) DropColumn(value any, field string) error {
	return m.rebuild(value, m.Migrator.DropColumn(value, field))
}

func (m trackingMigrator) AlterColumn(value any, field string) error {
	return m.rebuild(value, m.Migrator.AlterColumn(value, field))
}

func (m trackingMigrator) MigrateColumn(value any, field *schema.Field, column gorm.ColumnType) error {
	return m.rebuild(value, m.Migrator.MigrateColumn(value, field, column))
}

func (m trackingMigrator) RenameColumn(value any, from, to string) error {
	return m.rebuild(value, m.Migrator.RenameColumn(value, from, to))
}

func (m trackingMigrator) CreateConstraint(value any, name string) error {
	return m.rebuild(value, m.Migrator.CreateConstraint(value, name))
}

func (m trackingMigrator) DropConstraint(value any, name string) error {
	return m.rebuild(value, m.Migrator.DropConstraint(value, name))
}

// rebuild tracks the table of a value as it was tracked before.
func (m trackingMigrator) rebuild(value any, err error) error {
	dialect, unknown := dialectOf(m.db)
	if err != nil || m.db.DryRun || unknown != nil || dialect != chronodriver.SQLite {
		return err
	}
	target := &target{bare: true}
	if name, ok := value.(string); ok {
		target.table, err = tableName(name)
	} else {
		var described *model
		if described, err = parse(m.db, value); err == nil {
			target.table, err = tableOf(m.db, described.schema)
		}
	}
	if err != nil {
		return err
	}
	ctx := m.db.Statement.Context
	t, err := m.plugin.newTracker(ctx, m.db, migratedBy(m.db), false)
	if err != nil || t.find(target.table) == nil {
		return err
	}
	if _, err := t.track(ctx, m.db, target); err != nil {
		return fmt.Errorf("track %s again: %w", target.table, err)
	}
	return nil
}
