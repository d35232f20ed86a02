package chronomigrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Format is a migration tool that [Export] writes files for.
type Format string

// The formats.
const (
	// FormatSQL is plain SQL, one script up and one down for each step.
	FormatSQL Format = "sql"
	// FormatGoose is for github.com/pressly/goose: one file with both parts.
	FormatGoose Format = "goose"
	// FormatGolangMigrate is for github.com/golang-migrate/migrate.
	FormatGolangMigrate Format = "golang-migrate"
	// FormatAtlas is a versioned directory of Atlas (atlasgo.io), with its
	// checksums. It has no scripts down: see ExportOpts.Down.
	FormatAtlas Format = "atlas"
	// FormatBun is for the package migrate of github.com/uptrace/bun.
	FormatBun Format = "bun"
)

// Formats lists all formats.
func Formats() []Format {
	return []Format{FormatSQL, FormatGoose, FormatGolangMigrate, FormatAtlas, FormatBun}
}

// File is a file for a migration tool.
type File struct {
	// Name is the file's name, without a directory.
	Name string
	// Content is all of the file.
	Content string
	// Down says that the file reverts what another one does. A file of goose
	// holds both directions, and is not Down.
	Down bool
	// Present says that ExportOpts.Dir has the file already, with this content.
	Present bool
}

// ExportOpts are the options of [Export] and [Migrator.Export].
type ExportOpts struct {
	// Format defaults to FormatSQL.
	Format Format
	// From is the version that the history schema has before the files run;
	// they begin with the one after it. Defaults to 0, nothing installed.
	From int
	// To is the version that it has afterwards. Defaults to the newest.
	To int
	// Track names tables that the files also make tracked. It needs a database
	// that has the tables: see [Migrator.Export].
	Track []TrackedExport
	// Down writes files that revert instead, for FormatAtlas only, which has no
	// other way back than another migration. Other formats have both anyway.
	Down bool
	// Dir holds the files that the tool has already; only names in it that end
	// in .sql are looked at, and the checksums of Atlas. New files get numbers
	// after them, and a file that is there is not written again. Nil means an
	// empty directory.
	Dir fs.FS
	// Now numbers the files of tools that number by time. Defaults to the clock.
	Now time.Time
}

// TrackedExport is a table that files make tracked.
type TrackedExport struct {
	Table chronodriver.Table
	// Options defaults to those that the table is tracked with in the database,
	// or to the defaults of [TrackOptions].
	Options *TrackOptions
}

// Export writes the migrations of the history schema as files for a migration
// tool. It needs no database, and does not write to Dir.
//
// Each file checks that the schema has the version that it expects, and keeps
// the record that [Migrator.Status] reads, so that [Migrator.Up] can go on where
// the files end. A file that goes back refuses to run while a table is tracked,
// and the first one also while there is history, unless chrononaut_setting says
// drop_history.
//
// Errors: ErrOption for a format, version or directory that does not fit.
func Export(dialect chronodriver.Dialect, config *Config, opts *ExportOpts) ([]File, error) {
	if opts != nil && len(opts.Track) > 0 {
		return nil, hint(fmt.Errorf("write migrations: %w: the triggers of a table are made for its columns, and there is no database to read them from", ErrOption), "Name a database that has the table.")
	}
	engine, err := newEngine(nil, dialect, config)
	if err != nil {
		return nil, err
	}
	e := newExporter(engine, dialect, opts)
	if err := e.history(); err != nil {
		return nil, fmt.Errorf("write migrations: %w", err)
	}
	files, err := e.files()
	if err != nil {
		return nil, fmt.Errorf("write migrations: %w", err)
	}
	return files, nil
}

// Export is like the function [Export], and also writes files that track tables.
// It reads the tables from the database and changes nothing there: where the
// history schema is missing or old, it installs it in a transaction that it
// rolls back.
//
// A table that is not tracked, or is with the same options, gets a file that
// tracks it; going back untracks it. A table that is tracked with other options
// gets a file that changes them; going back gives it the present ones. The file
// refuses to run where the table has other columns, or is tracked otherwise,
// than in this database.
//
// Errors: those of Export and of [Migrator.Track].
func (m *Migrator) Export(ctx context.Context, opts *ExportOpts) ([]File, error) {
	e := newExporter(m.engine, m.driver.Dialect(), opts)
	if err := e.history(); err != nil {
		return nil, fmt.Errorf("write migrations: %w", err)
	}
	if err := m.exportTables(ctx, e); err != nil {
		return nil, fmt.Errorf("write migrations: %w", m.engine.wrap(err))
	}
	files, err := e.files()
	if err != nil {
		return nil, fmt.Errorf("write migrations: %w", err)
	}
	return files, nil
}

var errRollBack = errors.New("roll back")

// exportTables adds the steps that track tables.
func (m *Migrator) exportTables(ctx context.Context, e *exporter) error {
	if len(e.opts.Track) == 0 {
		return nil
	}
	err := m.engine.withLock(ctx, func(tx chronodriver.Tx) error {
		if err := m.provisional(ctx, tx); err != nil {
			return err
		}
		for _, t := range e.opts.Track {
			step, err := m.engine.exportTrack(ctx, tx, t.Table, t.Options)
			if err != nil {
				return fmt.Errorf("track %s: %w", t.Table, err)
			}
			if slices.ContainsFunc(e.steps, func(s exportStep) bool { return s.name == step.name }) {
				return fmt.Errorf("%w: %s is named twice", ErrOption, t.Table)
			}
			e.steps = append(e.steps, step)
		}
		return errRollBack
	})
	if errors.Is(err, errRollBack) {
		return nil
	}
	return err
}

// provisional installs what is missing of the history schema, for this
// transaction only.
func (m *Migrator) provisional(ctx context.Context, tx chronodriver.Tx) error {
	version, err := m.engine.version(ctx, tx)
	if err != nil {
		return err
	}
	migrations, err := m.engine.migrations()
	if err != nil {
		return err
	}
	if newest := migrations[len(migrations)-1].Version; version > newest {
		return newerHistory(version, newest)
	}
	for _, step := range pending(migrations, version, true) {
		if _, err := tx.Exec(ctx, step.Up); err != nil {
			return fmt.Errorf("migration %03d %s: %w", step.Version, step.Name, err)
		}
	}
	return nil
}

// exportStep is one migration of the tool: what goes into one file, or into a
// pair of them.
type exportStep struct {
	name     string
	up, down string
	// version is that of the history schema; 0 for a table.
	version int
	// renew is what takes the place of a step that tracks a table where the
	// directory has one that was made for other columns: it brings the triggers
	// up to date. Nil where that cannot be done.
	renew *exportStep
	// repeats says that the directory may have a step of the same name with
	// another content.
	repeats bool
}

// exporter collects steps and makes files of them.
type exporter struct {
	engine  engine
	dialect chronodriver.Dialect
	opts    ExportOpts
	steps   []exportStep
}

func newExporter(engine engine, dialect chronodriver.Dialect, opts *ExportOpts) *exporter {
	e := &exporter{engine: engine, dialect: dialect}
	if opts != nil {
		e.opts = *opts
	}
	if e.opts.Format == "" {
		e.opts.Format = FormatSQL
	}
	if e.opts.Now.IsZero() {
		e.opts.Now = time.Now()
	}
	return e
}

// history adds the steps of the history schema.
func (e *exporter) history() error {
	if !slices.Contains(Formats(), e.opts.Format) {
		names := make([]string, 0, len(Formats()))
		for _, f := range Formats() {
			names = append(names, string(f))
		}
		return hint(fmt.Errorf("%w: there is no format %q", ErrOption, e.opts.Format), "The formats are "+strings.Join(names, ", ")+".")
	}
	if e.opts.Down && e.opts.Format != FormatAtlas {
		return fmt.Errorf("%w: the files of %s go both ways", ErrOption, e.opts.Format)
	}
	migrations, err := e.engine.migrations()
	if err != nil {
		return err
	}
	newest := migrations[len(migrations)-1].Version
	from, to := e.opts.From, e.opts.To
	if to == 0 {
		to = newest
	}
	switch {
	case from < 0 || from > newest:
		return hint(fmt.Errorf("%w: there is no version %d to go on from", ErrOption, from), fmt.Sprintf("The newest is %d, and 0 means that nothing is installed.", newest))
	case to < 0 || to > newest:
		return hint(fmt.Errorf("%w: there is no version %d", ErrOption, to), fmt.Sprintf("The newest is %d.", newest))
	case to < from:
		return fmt.Errorf("%w: version %d comes before %d", ErrOption, to, from)
	}
	for _, m := range migrations {
		if m.Version <= from || m.Version > to {
			continue
		}
		step := exportStep{name: fmt.Sprintf("chrononaut_%03d_%s", m.Version, m.Name), version: m.Version}
		if step.up, err = e.engine.script(m, true); err != nil {
			return err
		}
		if step.down, err = e.engine.script(m, false); err != nil {
			return err
		}
		e.steps = append(e.steps, step)
	}
	return nil
}
