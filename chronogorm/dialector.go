package chronogorm

import (
	"gorm.io/gorm"
	"gorm.io/gorm/migrator"
	"gorm.io/gorm/schema"
)

// dialector is the database's own, but its migrations track models. GORM has
// no hook for plugins there.
type dialector struct {
	gorm.Dialector
	plugin *Plugin
}

var (
	_ gorm.SavePointerDialectorInterface = dialector{}
	_ gorm.ErrorTranslator               = dialector{}
)

func (p *Plugin) wrapDialector(inner gorm.Dialector) gorm.Dialector {
	if _, ok := inner.(dialector); ok {
		return inner
	}
	return dialector{inner, p}
}

// SavePoint and the other optional methods of a dialector say what GORM says
// when there is no such method.
func (d dialector) SavePoint(tx *gorm.DB, name string) error {
	if s, ok := d.Dialector.(gorm.SavePointerDialectorInterface); ok {
		return s.SavePoint(tx, name)
	}
	return gorm.ErrUnsupportedDriver
}

func (d dialector) RollbackTo(tx *gorm.DB, name string) error {
	if s, ok := d.Dialector.(gorm.SavePointerDialectorInterface); ok {
		return s.RollbackTo(tx, name)
	}
	return gorm.ErrUnsupportedDriver
}

func (d dialector) Translate(err error) error {
	if t, ok := d.Dialector.(gorm.ErrorTranslator); ok {
		return t.Translate(err)
	}
	return err
}

// Migrator returns the database's own migrator, which also tracks models.
func (d dialector) Migrator(db *gorm.DB) gorm.Migrator {
	if _, nested := db.Get(migratingKey); nested {
		return d.Dialector.Migrator(db)
	}
	marked := db.Set(migratingKey, true).Session(&gorm.Session{})
	return trackingMigrator{d.Dialector.Migrator(marked), db, d.plugin}
}

// migratingKey marks the sessions of a migrator, which ask for migrators of
// their own for each step.
const migratingKey = "chrononaut:migrating"

// trackingMigrator tracks the tables that it creates or changes.
type trackingMigrator struct {
	gorm.Migrator
	db     *gorm.DB
	plugin *Plugin
}

var _ migrator.BuildIndexOptionsInterface = trackingMigrator{}

// AutoMigrate migrates, then tracks the models that ask for it, among them
// those that relations brought in, and their join tables.
func (m trackingMigrator) AutoMigrate(values ...any) error {
	// Wrong tags are reported before anything is changed. GORM logs models that
	// it cannot parse, and goes on to fail in other ways.
	if _, err := m.targets(values); err != nil {
		return err
	}
	tables, err := m.targets(m.related(values))
	if err != nil {
		return err
	}
	if err := m.Migrator.AutoMigrate(values...); err != nil {
		return err
	}
	return m.track(tables)
}

// CreateTable creates tables, then tracks those of models that ask for it.
// Join tables are not its work.
func (m trackingMigrator) CreateTable(values ...any) error {
	tables, err := targets(m.db, values, true, false)
	if err != nil {
		return err
	}
	if err := m.Migrator.CreateTable(values...); err != nil {
		return err
	}
	return m.track(tables)
}

func (m trackingMigrator) targets(values []any) ([]*target, error) {
	return targets(m.db, values, m.plugin.config.SkipJoinTables, false)
}

func (m trackingMigrator) track(tables []*target) error {
	if m.db.DryRun {
		return nil
	}
	pool := migratedBy(m.db)
	_, err := m.plugin.track(m.db, tables, func(*target) gorm.ConnPool { return pool })
	return err
}

// related adds the models that AutoMigrate migrates because of relations.
func (m trackingMigrator) related(values []any) []any {
	r, ok := m.Migrator.(interface {
		ReorderModels(values []any, autoAdd bool) []any
	})
	if !ok {
		return values
	}
	return append(append([]any{}, values...), r.ReorderModels(values, true)...)
}

// BuildIndexOptions is what GORM expects every migrator to have.
func (m trackingMigrator) BuildIndexOptions(options []schema.IndexOption, stmt *gorm.Statement) []any {
	if b, ok := m.Migrator.(migrator.BuildIndexOptionsInterface); ok {
		return b.BuildIndexOptions(options, stmt)
	}
	return nil
}
