package chronomigrate

import (
	"context"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Renaming is what [Migrator.Rename] gives other names: columns of a table, or
// the table.
type Renaming struct {
	// Columns are the columns with their new names. Names may be exchanged.
	Columns map[string]string
	// Table is the table's new name; without a schema it stays in its own.
	Table chronodriver.Table
	// At is when columns were renamed that have their new names already. Rows of
	// before are read under the new names. Defaults to now, where rows that have
	// the new names already are read as they are. It is needed where a name is now
	// that of another column.
	At time.Time
	// Undo withdraws the last declaration about the table, which must be that of
	// the same columns: it was wrong. The columns keep the names that they have,
	// and older rows are read under theirs. Defaults to false.
	Undo bool
}

// Rename gives columns, or a table, other names, and lets history follow: what was
// recorded under the old names is read under the new ones from then on, and
// version numbers continue. History is not rewritten. The renaming, the triggers
// and the options follow in one transaction, which takes the table's strongest
// lock. What has its new name already, because a migration gave it, is only
// declared. Empty is the plan of what is declared already.
//
// Errors: those of Track, and ErrOption for names that do not fit the table.
// SQLite has no renames yet: ErrOption.
func (m *Migrator) Rename(ctx context.Context, table chronodriver.Table, r Renaming, apply *ApplyOpts) (*Plan, error) {
	opts := apply.withDefaults()
	plan, err := m.engine.apply(ctx, opts, func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		if (len(r.Columns) > 0) == (r.Table.Name != "") {
			return nil, hint(fmt.Errorf("%w: rename columns or the table", ErrOption), "Rename the table first, then its columns.")
		}
		if r.Undo && (r.Table.Name != "" || !r.At.IsZero()) {
			return nil, hint(fmt.Errorf("%w: only a renaming of columns is withdrawn, without a time", ErrOption), "Rename a table back to its old name.")
		}
		return m.engine.planRename(ctx, tx, table, r, opts)
	})
	if err != nil {
		return nil, fmt.Errorf("rename %s: %w", table, m.engine.wrap(err))
	}
	return plan, nil
}

func (e *sqliteEngine) planRename(context.Context, chronodriver.Tx, chronodriver.Table, Renaming, *ApplyOpts) (*Plan, error) {
	return nil, hint(fmt.Errorf("%w: renames are declared on PostgreSQL only", ErrOption), "On SQLite, history keeps the names that a column or table had when it was recorded.")
}
