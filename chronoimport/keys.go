package chronoimport

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// newestChange returns the newest id of history: what is recorded from now on
// has a greater one.
func newestChange(ctx context.Context, q chronodriver.Queryer, schema string) (id int64, err error) {
	sql, err := postgres.Query(schema, "plan.sql#newest_change", nil)
	if err != nil {
		return 0, err
	}
	if _, err := queryRow(ctx, q, []any{&id}, sql); err != nil {
		return 0, fmt.Errorf("read history: %w", err)
	}
	return id, nil
}

// addKeys lets queries of the past find records by keys that were recorded after
// an id.
func addKeys(ctx context.Context, q chronodriver.Queryer, schema, tableSchema, table string, afterID int64) error {
	sql, err := postgres.Query(schema, "plan.sql#add_keys", nil)
	if err != nil {
		return err
	}
	var added int64
	if _, err := queryRow(ctx, q, []any{&added}, sql, tableSchema, table, afterID); err != nil {
		return fmt.Errorf("add the keys of what was recorded: %w", err)
	}
	return nil
}
