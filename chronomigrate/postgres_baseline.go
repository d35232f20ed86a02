package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// baseline records a chunk; where statement_timeout does not leave it the time,
// a smaller one.
func (e *postgresEngine) baseline(ctx context.Context, name chronodriver.Table, chunk int) (BaselineProgress, error) {
	for {
		progress, err := e.baselineChunk(ctx, name, chunk)
		const queryCanceled = "57014"
		if chronodriver.State(err) != queryCanceled || chunk == 1 || ctx.Err() != nil {
			return progress, err
		}
		chunk /= 2
	}
}

func (e *postgresEngine) baselineChunk(ctx context.Context, name chronodriver.Table, chunk int) (BaselineProgress, error) {
	var progress BaselineProgress
	err := inTx(ctx, e.driver, func(tx chronodriver.Tx) error {
		found, err := e.inspect(ctx, tx, name)
		if err != nil {
			return err
		}
		if found == nil {
			return hint(ErrNoTable, noTableHint)
		}
		sql, err := postgres.PlanSQL(e.schema, "baseline", postgres.PlanArgs{})
		if err != nil {
			return err
		}
		var result *string
		if err := queryRow(ctx, tx, []any{&result}, sql, found.Schema, found.Name, int64(chunk)); err != nil {
			return err
		}
		if result == nil {
			return hint(ErrNotTracked, "Run chrononaut track first.")
		}
		if err := json.Unmarshal([]byte(*result), &progress); err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		return nil
	})
	return progress, err
}
