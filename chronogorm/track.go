package chronogorm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Track makes the tables of models tracked, and the join tables of their
// many-to-many relations, as AutoMigrate does: for those who migrate by other
// means. The tables must exist. It is idempotent, and returns for each table
// what it did, nothing when the table was tracked in this way already. With
// db.Session(&gorm.Session{DryRun: true}) it only returns what it would do.
//
// The model says how its table is tracked. What it cannot say stays as it is in
// the database: hidden and untracked columns that it has no field for, whether
// the table is strict if the model is no [Optioner], and the name of the
// version column if it has no version field. A table that several of the models
// share is tracked as all of them say.
//
// The history schema is installed when it is missing or older, unless
// [Config].SkipInstall. Each table is tracked in a transaction of its own, or
// inside that of db. History is never removed.
//
// Errors: [ErrModel] for a model that does not ask to be tracked, [ErrTag], and
// those of [chronomigrate.Migrator.Track].
func Track(db *gorm.DB, models ...any) ([]*chronomigrate.Plan, error) {
	db = db.Session(&gorm.Session{})
	p := pluginOf(db)
	tables, err := targets(db, models, p.config.SkipJoinTables, true)
	if err != nil {
		return nil, err
	}
	return p.track(db, tables, func(t *target) gorm.ConnPool { return sourceOf(db, t.schema) })
}

// target is a table and the models that it has.
type target struct {
	table  chrononaut.Table
	models []*model
	// bare is set for a join table that GORM made up.
	bare bool
	// schema is one of the table.
	schema *schema.Schema
}

// targets finds the tables that values want tracked, in their order.
func targets(db *gorm.DB, values []any, skipJoinTables, strict bool) ([]*target, error) {
	var found []*target
	add := func(table chrononaut.Table, s *schema.Schema) *target {
		i := slices.IndexFunc(found, func(t *target) bool { return t.table == table })
		if i < 0 {
			i = len(found)
			found = append(found, &target{table: table, schema: s})
		}
		return found[i]
	}
	for _, value := range values {
		m, err := parse(db, value)
		if err != nil {
			return nil, err
		}
		if strict && !m.tracked {
			return nil, fmt.Errorf("%w: %s does not ask to be tracked; embed chronogorm.Versioned", ErrModel, m.schema)
		}
		if m.tracked {
			table, err := tableOf(db, m.schema)
			if err != nil {
				return nil, err
			}
			if t := add(table, m.schema); !slices.ContainsFunc(t.models, func(o *model) bool { return o.schema.ModelType == m.schema.ModelType }) {
				t.models = append(t.models, m)
			}
		}
		if skipJoinTables || db.IgnoreRelationshipsWhenMigrating {
			continue
		}
		for _, s := range joinTables(m) {
			table, err := tableName(s.Table)
			if err != nil {
				return nil, err
			}
			add(table, s).bare = true
		}
	}
	return found, nil
}

// joinTables are those that GORM made up for relations of which one side is
// tracked.
func joinTables(m *model) []*schema.Schema {
	var found []*schema.Schema
	for _, relation := range m.schema.Relationships.Many2Many {
		if relation.JoinTable == nil || relation.Field.IgnoreMigration || relation.JoinTable.ModelType.Name() != "" {
			continue
		}
		tracked := m.tracked
		if !tracked {
			other, err := describe(relation.FieldSchema)
			tracked = err == nil && other.tracked
		}
		if tracked {
			found = append(found, relation.JoinTable)
		}
	}
	return found
}

// track tracks tables, each on the pool that where tells.
func (p *Plugin) track(db *gorm.DB, tables []*target, where func(*target) gorm.ConnPool) ([]*chronomigrate.Plan, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	ctx := db.Statement.Context
	plans := make([]*chronomigrate.Plan, 0, len(tables))
	prepared := map[gorm.ConnPool]*tracker{}
	for _, t := range tables {
		pool := where(t)
		if prepared[pool] == nil {
			next, err := p.newTracker(ctx, db, pool, !p.config.SkipInstall && !db.DryRun)
			if err != nil {
				return nil, err
			}
			prepared[pool] = next
		}
		plan, err := prepared[pool].track(ctx, db, t)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// tracker tracks tables of one database.
type tracker struct {
	migrator *chronomigrate.Migrator
	tables   []chronomigrate.TrackedTable
}

// newTracker reads what is tracked. Without install, a database without history
// has nothing that is.
func (p *Plugin) newTracker(ctx context.Context, db *gorm.DB, pool gorm.ConnPool, install bool) (*tracker, error) {
	dialect, err := dialectOf(db)
	if err != nil {
		return nil, err
	}
	m, err := chronomigrate.New(database{queryer{pool}, dialect}, &chronomigrate.Config{Schema: p.chronoConfig().HistorySchema()})
	if err != nil {
		return nil, err
	}
	if install {
		status, err := m.Status(ctx)
		if err != nil {
			return nil, err
		}
		if status.Version < status.Latest {
			if _, err := m.Up(ctx, nil); err != nil {
				return nil, err
			}
		}
	}
	tables, err := m.Tables(ctx)
	if errors.Is(err, chronomigrate.ErrNoHistory) {
		// Tracking reports it, if there is anything to track.
		err = nil
	}
	return &tracker{m, tables}, err
}

func (t *tracker) track(ctx context.Context, db *gorm.DB, target *target) (*chronomigrate.Plan, error) {
	options, err := target.options()
	if err != nil {
		return nil, err
	}
	t.keep(db, target, &options)
	return t.migrator.Track(ctx, target.table, &options, &chronomigrate.ApplyOpts{DryRun: db.DryRun})
}

// options combines what the models of a table say.
func (t *target) options() (chronomigrate.TrackOptions, error) {
	combined := chronomigrate.TrackOptions{NoHistory: len(t.models) > 0}
	for _, m := range t.models {
		o, err := m.trackOptions()
		if err != nil {
			return o, err
		}
		for _, other := range t.models {
			if err := agree(m, other); err != nil {
				return o, err
			}
		}
		if combined.VersionColumn != "" && o.VersionColumn != "" && combined.VersionColumn != o.VersionColumn {
			return o, fmt.Errorf("%w: models of %s name different version columns, %s and %s",
				chronomigrate.ErrOption, t.table, combined.VersionColumn, o.VersionColumn)
		}
		combined.VersionColumn = max(combined.VersionColumn, o.VersionColumn)
		combined.Hidden = append(combined.Hidden, o.Hidden...)
		combined.Untracked = append(combined.Untracked, o.Untracked...)
		combined.Strict = combined.Strict || o.Strict
		combined.RecordChanges = combined.RecordChanges || o.RecordChanges
		combined.NoHistory = combined.NoHistory && o.NoHistory
	}
	return combined, nil
}

// agree refuses models of one table of which one tags a column that another
// has without the tag.
func agree(m, other *model) error {
	for _, pair := range []struct {
		tag         string
		one, theirs []string
	}{{tagHidden, m.hidden, other.hidden}, {tagUntracked, m.untracked, other.untracked}} {
		for _, column := range pair.one {
			if other.schema.FieldsByDBName[column] != nil && !slices.Contains(pair.theirs, column) {
				return fmt.Errorf("%w: column %s of %s is %s in %s and not in %s", ErrTag, column, m.schema.Table, pair.tag, m.schema, other.schema)
			}
		}
	}
	return nil
}

// keep adds to the options what the models cannot say, as it is now.
func (t *tracker) keep(db *gorm.DB, target *target, options *chronomigrate.TrackOptions) {
	now := t.find(target.table)
	if now == nil {
		return
	}
	options.Strict = options.Strict || now.Options.Strict && !slices.ContainsFunc(target.models, func(m *model) bool { return m.setsOptions })
	if options.VersionColumn == "" && !slices.ContainsFunc(target.models, func(m *model) bool { return m.version != nil }) {
		options.VersionColumn = now.Options.VersionColumn
	}
	if target.bare && len(target.models) == 0 {
		options.NoHistory, options.RecordChanges = now.Options.NoHistory, now.Options.RecordChanges
	}
	unknown := func(column string) bool {
		for _, m := range target.models {
			if m.schema.FieldsByDBName[column] != nil {
				return false
			}
		}
		return target.has(db, column)
	}
	for _, column := range now.Options.Hidden {
		if unknown(column) {
			options.Hidden = append(options.Hidden, column)
		}
	}
	for _, column := range now.Options.Untracked {
		if unknown(column) {
			options.Untracked = append(options.Untracked, column)
		}
	}
}

// has asks whether the table still has a column.
func (t *target) has(db *gorm.DB, column string) bool {
	name := t.table.Name
	if t.table.Schema != "" {
		name = t.table.Schema + "." + name
	}
	query := db.Session(&gorm.Session{NewDB: true})
	query.DryRun = false
	return query.Migrator().HasColumn(name, column)
}

// find returns what the registry has of a table that is tracked now.
func (t *tracker) find(table chrononaut.Table) *chronomigrate.TrackedTable {
	var found *chronomigrate.TrackedTable
	for i, r := range t.tables {
		if r.Tracked && r.Table.Name == table.Name && (table.Schema == "" || r.Table.Schema == table.Schema) {
			if found != nil {
				// In several schemas: the migrator knows which one is meant.
				return nil
			}
			found = &t.tables[i]
		}
	}
	return found
}
