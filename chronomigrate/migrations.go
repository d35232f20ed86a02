package chronomigrate

import (
	"context"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

type migration struct {
	Version  int
	Name     string
	Up, Down string
}

// MigrateResult lists what Up or Down did.
type MigrateResult struct {
	Versions []MigratedVersion
}

// MigratedVersion is one migration that was applied or reverted.
type MigratedVersion struct {
	Version  int
	Name     string
	SQL      string
	Duration time.Duration
}

// MigrateOpts are the options of Up and Down.
type MigrateOpts struct {
	// DryRun returns what would run and runs nothing. Defaults to false.
	DryRun bool
}

// Status is the state of the history schema.
type Status struct {
	// Version is the newest applied migration; 0 when nothing is installed.
	Version int
	// Latest is the newest migration that this program knows.
	Latest int
}

// Up installs the history schema or brings it to the newest version. It is
// idempotent and safe to run from many processes at once: they take a lock.
// History that came from another cluster with a dump is settled: from then on
// its transaction ids and new ones are told apart. Run it after a restore.
// All migrations run in one transaction.
//
// Errors: ErrNewerHistory, ErrPrivilege, ErrReadOnly.
func (m *Migrator) Up(ctx context.Context, opts *MigrateOpts) (*MigrateResult, error) {
	result, err := m.migrate(ctx, opts, true)
	if err != nil {
		return nil, fmt.Errorf("install history: %w", m.engine.wrap(err))
	}
	return result, nil
}

// Down removes the history schema and all history in it. It refuses with
// ErrStillTracked while tables are tracked.
func (m *Migrator) Down(ctx context.Context, opts *MigrateOpts) (*MigrateResult, error) {
	result, err := m.migrate(ctx, opts, false)
	if err != nil {
		return nil, fmt.Errorf("remove history: %w", m.engine.wrap(err))
	}
	return result, nil
}

// Status reads the version of the history schema. Costs one round trip.
func (m *Migrator) Status(ctx context.Context) (Status, error) {
	version, err := m.engine.version(ctx, m.driver)
	if err != nil {
		return Status{}, fmt.Errorf("read version of history schema: %w", m.engine.wrap(err))
	}
	migrations, err := m.engine.migrations()
	if err != nil {
		return Status{}, err
	}
	return Status{Version: version, Latest: migrations[len(migrations)-1].Version}, nil
}

func (m *Migrator) migrate(ctx context.Context, opts *MigrateOpts, up bool) (*MigrateResult, error) {
	if opts == nil {
		opts = &MigrateOpts{}
	}
	migrations, err := m.engine.migrations()
	if err != nil {
		return nil, err
	}
	result := &MigrateResult{}
	err = m.engine.withLock(ctx, func(tx chronodriver.Tx) error {
		version, err := m.engine.version(ctx, tx)
		if err != nil {
			return err
		}
		if newest := migrations[len(migrations)-1].Version; version > newest {
			return newerHistory(version, newest)
		}
		if !up && version > 0 {
			if err := m.requireNothingTracked(ctx, tx); err != nil {
				return err
			}
		}
		for _, step := range pending(migrations, version, up) {
			start := time.Now()
			sql := step.Up
			if !up {
				sql = step.Down
			}
			if !opts.DryRun {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return fmt.Errorf("migration %03d %s: %w", step.Version, step.Name, err)
				}
				if err := m.engine.setVersion(ctx, tx, step, up); err != nil {
					return fmt.Errorf("migration %03d %s: %w", step.Version, step.Name, err)
				}
			}
			result.Versions = append(result.Versions, MigratedVersion{step.Version, step.Name, sql, time.Since(start)})
		}
		if !up || opts.DryRun {
			return nil
		}
		if e, ok := m.engine.(hardener); ok && len(result.Versions) > 0 {
			if err := e.keep(ctx, tx); err != nil {
				return err
			}
		}
		return m.engine.settle(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func newerHistory(version, newest int) error {
	return hint(fmt.Errorf("version %d, this program knows %d: %w", version, newest, ErrNewerHistory), "Use a newer chrononaut.")
}

func pending(migrations []migration, version int, up bool) []migration {
	var steps []migration
	if up {
		for _, step := range migrations {
			if step.Version > version {
				steps = append(steps, step)
			}
		}
		return steps
	}
	for i := len(migrations) - 1; i >= 0; i-- {
		if migrations[i].Version <= version {
			steps = append(steps, migrations[i])
		}
	}
	return steps
}

func (m *Migrator) requireNothingTracked(ctx context.Context, tx chronodriver.Tx) error {
	tables, err := m.engine.tables(ctx, tx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if table.Tracked {
			return hint(fmt.Errorf("%s: %w", table.Table, ErrStillTracked), "Run chrononaut untrack on every table first. Removing history deletes it for good.")
		}
	}
	return nil
}
