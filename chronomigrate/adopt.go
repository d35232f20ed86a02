package chronomigrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// ErrShape is returned by [Migrator.Adopt] when the table chrononaut_activity
// is not as Python chrononaut makes it.
var ErrShape = errors.New("not a history table of Python chrononaut")

// AdoptOpts are the options of [Migrator.Adopt].
type AdoptOpts struct {
	// ApplyOpts bound the waiting for locks, as in [Migrator.Track].
	ApplyOpts
	// Rows says of tables which rows of Python are about them, and how they are
	// read; it is added to what is declared already, and to what the rows
	// themselves tell.
	Rows map[chronodriver.Table][]PythonRows
	// Timezone is the zone of the Python processes, for all rows. Defaults to
	// what is declared.
	Timezone string
	// Progress is called before each step. Defaults to nothing.
	Progress func(AdoptStep)
}

// AdoptStep is one step of [Migrator.Adopt], in a transaction of its own or
// outside of any.
type AdoptStep struct {
	// Comment says for a database administrator what the step does.
	Comment string
	// Lock is the lock that it takes on the history table, and for how long.
	Lock string
	SQL  string
	// Alone says that it runs outside of a transaction.
	Alone bool
}

// AdoptedRows says which table the rows of a name are about.
type AdoptedRows struct {
	Name string
	// Tables is empty when there is no such table, or more than one.
	Tables []chronodriver.Table
	// Notes are what reading them cannot know by itself: attributes that are no
	// column, members of enums that are not declared, timestamps without zone.
	Notes []string
}

// AdoptResult is what Adopt did, or would do.
type AdoptResult struct {
	Steps []AdoptStep
	// Rows are the names in Python's rows. A dry run on a table that was not
	// adopted before does not look for them.
	Rows []AdoptedRows
}

// Adopt makes the table chrononaut_activity of Python chrononaut, in the schema
// of the [Config], the history table, as it is: its rows and indexes stay, and
// Python may go on reading and writing. It adds columns without rewriting the
// table, builds indexes while the table is in use, and installs the rest of
// history in the same schema. Then it declares, for each table that Python's
// rows name, which rows are about it: see [Migrator.DeclarePython]. Of a history
// that Chrononaut made itself, and that has no rows of Python, there is nothing to
// adopt.
//
// Each step can be repeated: after an interruption the next run goes on, and
// builds anew an index that was left invalid. On an adopted table it only
// declares rows of names that are new.
//
// Errors: [ErrShape], and those of [Migrator.Track]. Transactions that are
// older than a step that builds an index make it wait; it holds up nobody
// meanwhile.
func (m *Migrator) Adopt(ctx context.Context, opts *AdoptOpts) (*AdoptResult, error) {
	o := AdoptOpts{}
	if opts != nil {
		o = *opts
	}
	o.ApplyOpts = *o.withDefaults()
	e, ok := m.engine.(*postgresEngine)
	if !ok {
		return nil, fmt.Errorf("adopt: %w", hint(fmt.Errorf("%w: Python chrononaut needs PostgreSQL", ErrOption), "On SQLite there is no such table."))
	}
	result := &AdoptResult{}
	if err := m.adopt(ctx, e, &o, result); err != nil {
		return result, fmt.Errorf("adopt: %w", m.engine.wrap(err))
	}
	return result, nil
}

func (m *Migrator) adopt(ctx context.Context, e *postgresEngine, o *AdoptOpts, result *AdoptResult) error {
	shape, err := e.historyShape(ctx, m.driver)
	if err != nil {
		return err
	}
	version, err := e.version(ctx, m.driver)
	if err != nil {
		return err
	}
	if err := e.validateShape(ctx, shape, version > 0); err != nil {
		return err
	}
	if err := knownTimezone(ctx, m.driver, o.Timezone); err != nil {
		return err
	}
	steps, err := e.adoptSteps(shape, version > 0)
	if err != nil {
		return err
	}
	if version > 0 && len(steps) > 0 {
		// History that Chrononaut made itself has no use for the index of Python's rows.
		var python bool
		if python, err = e.hasPythonRows(ctx); err != nil || !python {
			return err
		}
	}
	for _, step := range steps {
		result.Steps = append(result.Steps, step.AdoptStep)
		if o.DryRun {
			continue
		}
		if o.Progress != nil {
			o.Progress(step.AdoptStep)
		}
		if err := e.runAdoptStep(ctx, o, step); err != nil {
			return err
		}
	}
	if o.DryRun && len(steps) > 0 {
		return nil
	}
	if !o.DryRun {
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
	}
	return m.declareFound(ctx, e, o, result)
}
