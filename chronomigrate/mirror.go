package chronomigrate

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// MirrorView lets queries of the past read a view of the application: it is made
// once more over the past of the tables that it reads. Track renews it when one of
// them changes, and so does Fix when the view itself has; a view that is gone is
// forgotten then. It is idempotent: the returned plan is empty when there was nothing
// to do. A nil apply means the defaults. Runs in one transaction.
//
// PostgreSQL only; on SQLite every view follows. Errors: [ErrNotTrackable] when it
// is not a view, or reads a table without a past, [ErrNoTable], [ErrOption].
func (m *Migrator) MirrorView(ctx context.Context, view chronodriver.Table, apply *ApplyOpts) (*Plan, error) {
	plan, err := m.engine.apply(ctx, apply.withDefaults(), func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		e, ok := m.engine.(*postgresEngine)
		if !ok {
			return nil, hint(fmt.Errorf("%w: views are mirrored on PostgreSQL only", ErrOption), "On SQLite every view follows its tables to the past.")
		}
		return e.planMirror(ctx, tx, view)
	})
	if err != nil {
		return nil, fmt.Errorf("mirror %s: %w", view, m.engine.wrap(err))
	}
	return plan, nil
}

func (e *postgresEngine) planMirror(ctx context.Context, q chronodriver.Queryer, view chronodriver.Table) (*Plan, error) {
	found, err := e.inspect(ctx, q, view)
	if err != nil {
		return nil, err
	}
	switch {
	case found == nil:
		return nil, hint(fmt.Errorf("%w of that name", ErrNoTable), noTableHint)
	case found.Kind != "v":
		return nil, hint(fmt.Errorf("%w: it is not a view", ErrNotTrackable), "chrononaut track tracks a table. A materialized view has no past: mirror the query that fills it.")
	}
	p := e.renamer(found, chronodriver.Table{Schema: found.Schema, Name: found.Name})
	sql, err := postgres.Query(e.schema, "plan.sql#mirrored", nil)
	if err != nil {
		return nil, err
	}
	var mirrored bool
	if err := queryRow(ctx, q, []any{&mirrored}, sql, found.Schema, found.Name); err != nil || mirrored {
		return p.plan, err
	}
	p.add("The view over the past of the tables that it reads.", "mirror_view", postgres.PlanArgs{}, "")
	// Not as track: a table may get the name one day.
	p.add("Record in history itself that the view is mirrored.", "record", postgres.PlanArgs{Name: "mirror", Options: "{}"}, "")
	return p.plan, p.err
}
