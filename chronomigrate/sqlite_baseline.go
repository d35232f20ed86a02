package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// sqliteProgress is what the registry keeps between chunks.
type sqliteProgress struct {
	BaselineProgress
	// After is the key of the last row that was read, as history has it.
	After *string
}

func (e *sqliteEngine) baseline(ctx context.Context, name chronodriver.Table, chunk int) (BaselineProgress, error) {
	var progress sqliteProgress
	err := e.withLock(ctx, func(tx chronodriver.Tx) error {
		found, err := e.inspect(ctx, tx, name)
		if err != nil {
			return err
		}
		if found == nil {
			return ErrNoTable
		}
		registered, err := e.find(ctx, tx, found.Name)
		if err != nil {
			return err
		}
		if registered == nil || !registered.Tracked || registered.Options.NoHistory {
			return hint(ErrNotTracked, "Run chrononaut track first.")
		}
		table := found.Describe(registered.Options.sqliteOptions())
		if progress, err = e.progress(ctx, tx, table); err != nil {
			return err
		}
		if err := e.chunk(ctx, tx, table, &progress, chunk); err != nil {
			return err
		}
		encoded, err := json.Marshal(progress)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE main.chrononaut_table SET baseline = ?1 WHERE table_schema = 'main' AND table_name = ?2`, string(encoded), found.Name)
		return err
	})
	return progress.BaselineProgress, err
}

// progress reads how far the baseline is; a finished one starts again.
func (e *sqliteEngine) progress(ctx context.Context, q chronodriver.Queryer, table *sqlite.Table) (progress sqliteProgress, err error) {
	var document *string
	if err := queryRow(ctx, q, []any{&document}, `SELECT baseline FROM main.chrononaut_table WHERE table_schema = 'main' AND table_name = ?1`, table.Name); err != nil {
		return progress, err
	}
	if document != nil {
		if err := json.Unmarshal([]byte(*document), &progress); err != nil {
			return progress, fmt.Errorf("read progress: %w", err)
		}
	}
	if document != nil && !progress.Done {
		return progress, nil
	}
	progress = sqliteProgress{}
	sql, err := sqlite.PlanSQL("count", sqlite.PlanArgs{Table: table})
	if err != nil {
		return progress, err
	}
	return progress, queryRow(ctx, q, []any{&progress.Total}, sql)
}

// chunk records the next rows.
func (e *sqliteEngine) chunk(ctx context.Context, tx chronodriver.Tx, table *sqlite.Table, progress *sqliteProgress, size int) error {
	statement := func(name string) (string, error) { return sqlite.BaselineSQL(name, table, progress.After != nil) }
	sql, err := statement("keys")
	if err != nil {
		return err
	}
	var after any
	if progress.After != nil {
		after = *progress.After
	}
	keys, err := queryStrings(ctx, tx, sql, after, int64(size))
	if err != nil {
		return err
	}
	var last int64
	if err := queryRow(ctx, tx, []any{&last}, `SELECT coalesce(max(id), 0) FROM main.chrononaut_activity`); err != nil {
		return err
	}
	if sql, err = statement("record"); err != nil {
		return err
	}
	recorded, err := tx.Exec(ctx, sql, after, int64(size))
	if err != nil {
		return err
	}
	if sql, err = statement("number"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql, last); err != nil {
		return err
	}
	progress.Rows += int64(len(keys))
	progress.Recorded += recorded
	progress.Done = len(keys) < size
	if len(keys) > 0 {
		progress.After = &keys[len(keys)-1]
	}
	return nil
}

// There are no periods on SQLite.
func (e *sqliteEngine) periods(context.Context, chronodriver.Table, int) (PeriodsProgress, error) {
	return PeriodsProgress{Done: true}, nil
}

func (e *sqliteEngine) finishPeriods(context.Context, chronodriver.Table, *ApplyOpts) error {
	return nil
}
