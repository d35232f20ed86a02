// Package chronomigrate installs Chrononaut's history schema and makes tables
// tracked: it plans, applies and checks the generated triggers.
//
// The schema itself has numbered migrations ([Migrator.Up], [Migrator.Down]).
// The triggers of a table are configuration, not migrations: [Migrator.Track]
// compares what the table has with what it should have and runs the
// difference, so that it can be repeated at every deployment.
package chronomigrate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// Migrator installs history and tracks tables. It is safe for concurrent use.
type Migrator struct {
	driver chronodriver.Driver
	engine engine
}

// New returns a Migrator for a database. A nil config means the defaults.
func New(driver chronodriver.Driver, config *Config) (*Migrator, error) {
	e, err := newEngine(driver, driver.Dialect(), config)
	if err != nil {
		return nil, err
	}
	return &Migrator{driver: driver, engine: e}, nil
}

// newEngine returns what knows a dialect. Without a driver it can only render.
func newEngine(driver chronodriver.Driver, dialect chronodriver.Dialect, config *Config) (engine, error) {
	cfg := Config{}
	if config != nil {
		cfg = *config
	}
	if cfg.Schema == "" {
		cfg.Schema = DefaultSchema
	}
	switch dialect {
	case chronodriver.PostgreSQL:
		if !usableName(cfg.Schema) || strings.HasPrefix(cfg.Schema, "pg_") || cfg.Schema == "information_schema" {
			return nil, hint(fmt.Errorf("%w: no schema for history can have the name %q", ErrOption, cfg.Schema), "Name another schema, of at most 63 bytes.")
		}
		return &postgresEngine{driver: driver, schema: cfg.Schema}, nil
	case chronodriver.SQLite:
		return &sqliteEngine{driver: driver}, nil
	}
	return nil, fmt.Errorf("unknown database engine %q", dialect)
}

// engine is what differs between PostgreSQL and SQLite.
type engine interface {
	// migrations lists the schema's migrations in order, rendered.
	migrations() ([]migration, error)
	// withLock runs f in one transaction that excludes other migrators.
	withLock(ctx context.Context, f func(tx chronodriver.Tx) error) error
	// version reads the newest applied migration; 0 when nothing is installed.
	version(ctx context.Context, q chronodriver.Queryer) (int, error)
	// setVersion records that a migration was applied or reverted.
	setVersion(ctx context.Context, tx chronodriver.Tx, m migration, up bool) error
	// settle marks where history begins that is written here, when the rest came
	// from elsewhere.
	settle(ctx context.Context, tx chronodriver.Tx) error
	// script renders a migration so that it can be run by any program.
	script(m migration, up bool) (string, error)
	// exportTrack renders what tracks a table, in the same way.
	exportTrack(ctx context.Context, tx chronodriver.Tx, table chronodriver.Table, opts *TrackOptions) (exportStep, error)

	// planTrack compares the table with what the options ask for.
	planTrack(ctx context.Context, q chronodriver.Queryer, table chronodriver.Table, opts TrackOptions) (*Plan, error)
	// planRename gives a table or its columns other names, or declares that it was done.
	planRename(ctx context.Context, tx chronodriver.Tx, table chronodriver.Table, r Renaming, apply *ApplyOpts) (*Plan, error)
	planUntrack(ctx context.Context, tx chronodriver.Tx, table chronodriver.Table) (*Plan, error)
	// apply runs a plan made by plan in one transaction; it repeats both when
	// the table is busy.
	apply(ctx context.Context, opts *ApplyOpts, plan func(tx chronodriver.Tx) (*Plan, error)) (*Plan, error)
	// strict reads the setting of the database, planStrict changes it.
	strict(ctx context.Context, q chronodriver.Queryer) (bool, error)
	planStrict(ctx context.Context, tx chronodriver.Tx, strict bool) (*Plan, error)
	// tables lists what the registry has.
	tables(ctx context.Context, q chronodriver.Queryer) ([]TrackedTable, error)
	// planGuards repairs the functions, indexes and triggers of history itself.
	planGuards(ctx context.Context, q chronodriver.Queryer) (*Plan, error)
	// check finds drift of one registered table.
	check(ctx context.Context, q chronodriver.Queryer, table TrackedTable) ([]Problem, error)
	// uncovered lists application tables that are not tracked.
	uncovered(ctx context.Context, q chronodriver.Queryer) ([]chronodriver.Table, error)
	// baseline records the next chunk of existing rows and returns progress.
	baseline(ctx context.Context, table chronodriver.Table, chunk int) (BaselineProgress, error)
	// periods goes through the next records, finishPeriods through those that are
	// left; then queries of the past read periods.
	periods(ctx context.Context, table chronodriver.Table, chunk int) (PeriodsProgress, error)
	finishPeriods(ctx context.Context, table chronodriver.Table, apply *ApplyOpts) error

	// wrap maps a database error to the errors of this package.
	wrap(err error) error
}

// TrackedTable is a row of the registry.
type TrackedTable struct {
	Table      chronodriver.Table
	Tracked    bool
	Since      time.Time // when tracking first began
	KeyColumns []string
	Options    TrackOptions

	// unregistered says that the registry lost the table: its triggers came
	// with a dump of the schema alone. The rest is what they say.
	unregistered bool
	// adopted says that the version column was there before tracking began.
	adopted bool
	// python declares rows of Python chrononaut that are about the table.
	python []postgres.PythonRows
	// aliases are older names of the table and its columns.
	aliases postgres.Aliases
}

// ApplyOpts says how long Track and Untrack try to get the table's lock. They
// need a lock that blocks writers for a few milliseconds; they wait for it
// only briefly at a time, so that writers never queue up behind them.
type ApplyOpts struct {
	// DryRun makes the plan and does not run it. Defaults to false.
	DryRun bool
	// LockTimeout is how long one attempt waits. Defaults to 2 seconds.
	LockTimeout time.Duration
	// MaxAttempts is how often it tries. Defaults to 10.
	MaxAttempts int
}

func (o *ApplyOpts) withDefaults() *ApplyOpts {
	opts := ApplyOpts{}
	if o != nil {
		opts = *o
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = 2 * time.Second
	}
	if opts.MaxAttempts == 0 {
		opts.MaxAttempts = 10
	}
	return &opts
}

// Track makes a table tracked, or brings its triggers up to date. It is
// idempotent: the returned plan is empty when there was nothing to do. All
// steps run in one transaction; nothing is half applied. Rows are not
// rewritten. A nil opts means the options that the table is tracked with now,
// or the defaults.
//
// Errors: ErrNoTable, ErrNoColumn, ErrNoKey, ErrNotTrackable,
// ErrVersionColumn, ErrOption, ErrNoHistory, ErrNewerHistory, ErrPrivilege,
// ErrBusy, ErrReadOnly.
func (m *Migrator) Track(ctx context.Context, table chronodriver.Table, opts *TrackOptions, apply *ApplyOpts) (*Plan, error) {
	plan, err := m.engine.apply(ctx, apply.withDefaults(), func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		options := TrackOptions{}
		if opts != nil {
			options = *opts
		} else {
			registered, err := m.find(ctx, tx, table)
			if err != nil {
				return nil, err
			}
			if registered != nil {
				options = registered.Options
			}
		}
		return m.engine.planTrack(ctx, tx, table, options)
	})
	if err != nil {
		return nil, fmt.Errorf("track %s: %w", table, m.engine.wrap(err))
	}
	return plan, nil
}

// Untrack removes the capture of a table and keeps its history and its version
// column. Errors: ErrNotTracked and those of Track.
func (m *Migrator) Untrack(ctx context.Context, table chronodriver.Table, apply *ApplyOpts) (*Plan, error) {
	plan, err := m.engine.apply(ctx, apply.withDefaults(), func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		return m.engine.planUntrack(ctx, tx, table)
	})
	if err != nil {
		return nil, fmt.Errorf("untrack %s: %w", table, m.engine.wrap(err))
	}
	return plan, nil
}

// Tables lists the tables that are or were tracked, by schema and name. Costs
// one round trip.
func (m *Migrator) Tables(ctx context.Context) ([]TrackedTable, error) {
	if err := m.requireInstalled(ctx, m.driver); err != nil {
		return nil, fmt.Errorf("list tracked tables: %w", m.engine.wrap(err))
	}
	tables, err := m.engine.tables(ctx, m.driver)
	if err != nil {
		return nil, fmt.Errorf("list tracked tables: %w", m.engine.wrap(err))
	}
	return tables, nil
}

// find returns the registry's row for a table, or nil. A table without a
// schema matches by name when only one schema has it.
func (m *Migrator) find(ctx context.Context, q chronodriver.Queryer, table chronodriver.Table) (*TrackedTable, error) {
	tables, err := m.engine.tables(ctx, q)
	if err != nil {
		return nil, err
	}
	var match *TrackedTable
	if m.driver.Dialect() == chronodriver.SQLite {
		i := slices.IndexFunc(tables, func(t TrackedTable) bool { return sqlite.SameName(t.Table.Name, table.Name) })
		if i < 0 {
			return nil, nil
		}
		return &tables[i], nil
	}
	for i, t := range tables {
		if t.Table == table {
			return &tables[i], nil
		}
		if table.Schema == "" && t.Table.Name == table.Name {
			if match != nil {
				return nil, hint(fmt.Errorf("%s is in more than one schema: %w", table, ErrNoTable), "Write the schema: "+t.Table.String()+".")
			}
			match = &tables[i]
		}
	}
	return match, nil
}

func (m *Migrator) requireInstalled(ctx context.Context, q chronodriver.Queryer) error {
	version, err := m.engine.version(ctx, q)
	if err != nil {
		return err
	}
	migrations, err := m.engine.migrations()
	if err != nil {
		return err
	}
	newest := migrations[len(migrations)-1].Version
	switch {
	case version == 0:
		return hint(ErrNoHistory, "Run chrononaut migrate up.")
	case version > newest:
		return newerHistory(version, newest)
	case version < newest:
		return hint(fmt.Errorf("history schema is at version %d, this program needs %d: %w", version, newest, ErrNoHistory), "Run chrononaut migrate up.")
	}
	return nil
}
