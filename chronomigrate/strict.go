package chronomigrate

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// SetStrict makes the whole database strict, or ends that: writes to any tracked
// table, also one that is tracked later, are refused unless they carry change
// information (a rationale or extra information). The triggers enforce it, so
// that it also holds for other clients. A table that was tracked with
// TrackOptions.Strict stays strict when the database is not.
//
// It replaces the trigger functions of the tracked tables in one transaction and
// takes no lock on the tables. A row of history with the operation strict says who
// changed the setting and why. It is idempotent: the returned plan is empty when
// there was nothing to do. Errors: ErrNoHistory, ErrNewerHistory, ErrPrivilege,
// ErrReadOnly, ErrBusy.
func (m *Migrator) SetStrict(ctx context.Context, strict bool, apply *ApplyOpts) (*Plan, error) {
	plan, err := m.engine.apply(ctx, apply.withDefaults(), func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		return m.engine.planStrict(ctx, tx, strict)
	})
	if err != nil {
		return nil, fmt.Errorf("set strict mode: %w", m.engine.wrap(err))
	}
	return plan, nil
}

// Strict reports whether the database is strict: see [Migrator.SetStrict]. Costs
// two round trips.
func (m *Migrator) Strict(ctx context.Context) (bool, error) {
	if err := m.requireInstalled(ctx, m.driver); err != nil {
		return false, fmt.Errorf("read strict mode: %w", m.engine.wrap(err))
	}
	strict, err := m.engine.strict(ctx, m.driver)
	if err != nil {
		return false, fmt.Errorf("read strict mode: %w", m.engine.wrap(err))
	}
	return strict, nil
}

const (
	strictComment       = "The setting of the whole database."
	strictRecordComment = "Record in history itself that the setting changed."
)

// strictChange is the data of the row that says so.
func strictChange(from, to bool) string {
	return fmt.Sprintf(`{"from": %t, "to": %t}`, from, to)
}
