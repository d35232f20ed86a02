package chronomigrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// HardenOptions name the roles of a hardened database. Roles are those of the
// whole cluster. Owner, Writer and TableOwner are made where they are missing, as
// roles that nobody logs in as; the others must exist.
type HardenOptions struct {
	// Owner owns history: its schema, tables, functions and views. Defaults to the
	// name of the history schema and "_owner".
	Owner string `json:"owner"`
	// Writer owns the functions that run code of the owners of tables: the capture
	// triggers. It may add to history and not change it. Defaults to the name of the
	// history schema and "_writer".
	Writer string `json:"writer"`
	// Admins go on tracking and migrating: they are members of Owner and Writer, and
	// must own the tables that they track. Whoever runs Harden becomes one unless it
	// is a superuser. Defaults to none.
	Admins []string `json:"admins"`
	// Applications write the application's tables and read history. They keep the
	// privileges that they have on tables, save to make triggers on them and foreign
	// keys to them. At least one is needed.
	Applications []string `json:"applications"`
	// TableOwner is given the tracked tables that an application owns; the
	// application may then read and write them and not change what they are.
	// Defaults to none: such tables are an error.
	TableOwner string `json:"-"`
	// Readers read all of history. Defaults to none.
	Readers []string `json:"readers"`
	// PastReaders read only the past: the views that queries travel with, and neither
	// history nor the tables. Defaults to none.
	PastReaders []string `json:"past_readers"`
	// Holders may place and release holds. Defaults to none.
	Holders []string `json:"holders"`
	// Leasers may lease records. Defaults to none.
	Leasers []string `json:"leasers"`
	// Suppressors may open the unsafe door, see package chronounsafe. Defaults to
	// none.
	Suppressors []string `json:"suppressors"`
}

// hardener is an engine whose database has roles.
type hardener interface {
	planHarden(ctx context.Context, tx chronodriver.Tx, opts HardenOptions) (*Plan, error)
	// hardened returns nil where it is not.
	hardened(ctx context.Context, q chronodriver.Queryer) (*HardenOptions, error)
	// attack tries the attacks of some attackers, or of all.
	attack(ctx context.Context, tx chronodriver.Tx, attackers []Attacker) ([]AttackResult, error)
	// keep gives what is new to the roles of a hardened database.
	keep(ctx context.Context, tx chronodriver.Tx) error
}

// Harden sets up roles so that neither the application nor the owner of its tables
// can rewrite history or keep changes out of it: see docs/security.md. It compares
// what the database has with what the options ask for and runs the difference in one
// transaction; the plan is empty when there was nothing to do. Tracking and
// migrating by a role that may go on keep it so. A nil opts means the options that
// the database is hardened with. It needs a superuser, or a role that owns history
// or is a member of its owner, may create roles, and has CREATE on the database. It
// is PostgreSQL's only: elsewhere the error is [errors.ErrUnsupported].
//
// Other errors: ErrRole, ErrOption, ErrNoHistory, ErrNewerHistory, ErrPrivilege,
// ErrBusy, ErrReadOnly.
func (m *Migrator) Harden(ctx context.Context, opts *HardenOptions, apply *ApplyOpts) (*Plan, error) {
	e, ok := m.engine.(hardener)
	if !ok {
		return nil, fmt.Errorf("harden: %w", noRoles())
	}
	plan, err := m.engine.apply(ctx, apply.withDefaults(), func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		options := opts
		if options == nil {
			var err error
			if options, err = e.hardened(ctx, tx); err != nil {
				return nil, err
			}
		}
		if options == nil || len(options.Applications) == 0 {
			return nil, hint(fmt.Errorf("%w: no role of an application is named", ErrOption), "Name the role that the application logs in as.")
		}
		return e.planHarden(ctx, tx, *options)
	})
	if err != nil {
		return nil, fmt.Errorf("harden: %w", m.engine.wrap(err))
	}
	return plan, nil
}

// Hardened returns the options that the database is hardened with, and nil where
// it is not. Costs two round trips.
func (m *Migrator) Hardened(ctx context.Context) (*HardenOptions, error) {
	e, ok := m.engine.(hardener)
	if !ok {
		return nil, nil
	}
	if err := m.requireInstalled(ctx, m.driver); err != nil {
		return nil, fmt.Errorf("read roles: %w", m.engine.wrap(err))
	}
	opts, err := e.hardened(ctx, m.driver)
	if err != nil {
		return nil, fmt.Errorf("read roles: %w", m.engine.wrap(err))
	}
	return opts, nil
}

func noRoles() error {
	return hint(fmt.Errorf("the database has no roles: %w", errors.ErrUnsupported), "Who may write the file of a SQLite database may do everything with it.")
}
