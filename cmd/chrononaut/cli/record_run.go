package cli

import (
	"context"
	"encoding/json"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// recordRun writes to history that somebody has written the history of others to
// it: those changes have their own actors. It comes last, in a transaction of its
// own, and after an interruption too.
func (db *database) recordRun(ctx context.Context, table chrononaut.Table, operation string, data any) (err error) {
	ctx = context.WithoutCancel(ctx)
	encoded, err := json.Marshal(data)
	if err != nil {
		return err
	}
	sql, err := postgres.PlanSQL(db.schema, "record", postgres.PlanArgs{
		Table: &postgres.Table{Schema: table.Schema, Name: table.Name}, Name: operation, Options: string(encoded),
	})
	if err != nil {
		return err
	}
	tx, err := db.driver.Begin(ctx)
	if err != nil {
		return err
	}
	defer func(tx chronodriver.Tx) { _ = tx.Rollback(ctx) }(tx) // after a commit it does nothing
	if _, err := tx.Exec(ctx, sql); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
