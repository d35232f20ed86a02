package chronounsafe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// sqliteEngine opens the door by the row of chrononaut_context. A trigger on it
// leaves the trace, and package chronosql closes it at the end of the
// transaction.
type sqliteEngine struct{}

const (
	// A write that changes nothing: package chronosql gives the transaction its
	// number ahead of the first one.
	sqliteProbe    = `UPDATE chrononaut_context SET last_transaction = last_transaction WHERE id = 1`
	sqliteState    = `SELECT transaction_id IS NOT NULL, suppressed FROM main.chrononaut_context`
	sqliteSuppress = `UPDATE chrononaut_context SET suppressed = 1, allow_erase = max(allow_erase, ?1), reason = ?2 WHERE id = 1`
	sqliteResume   = `UPDATE chrononaut_context SET suppressed = 0, allow_erase = 0, reason = NULL WHERE id = 1`
	sqliteErase    = `DELETE FROM chrononaut_activity WHERE id IN (SELECT value FROM json_each(?1))`
)

func (sqliteEngine) suppress(ctx context.Context, tx chronodriver.Queryer, reason string, allowErase bool) (nested bool, err error) {
	if _, err := tx.Exec(ctx, sqliteProbe); err != nil {
		return false, sqliteError(err)
	}
	var numbered bool
	if err := sqliteRow(ctx, tx, []any{&numbered, &nested}, sqliteState); err != nil {
		return false, err
	}
	if !numbered {
		// Nothing would close the door.
		return false, fmt.Errorf("%w of package chronosql", ErrNoTransaction)
	}
	erase := int64(0)
	if allowErase {
		erase = 1
	}
	_, err = tx.Exec(ctx, sqliteSuppress, erase, reason)
	return nested, sqliteError(err)
}

func (sqliteEngine) resume(ctx context.Context, tx chronodriver.Queryer) error {
	_, err := tx.Exec(ctx, sqliteResume)
	return sqliteError(err)
}

// erase deletes what reading finds of the record: both follow it across changes
// of its primary key.
func (sqliteEngine) erase(ctx context.Context, tx chronodriver.Queryer, table chrononaut.Table, key chrononaut.Key) (int64, error) {
	client, err := chrononaut.NewClient(tx, chronodriver.SQLite, nil)
	if err != nil {
		return 0, err
	}
	versions, err := chrononaut.NewHistory[struct{}](client, table, nil).Versions(ctx, key, nil)
	if err != nil {
		return 0, err
	}
	ids := make([]int64, len(versions))
	for i, v := range versions {
		ids[i] = v.Change.ID
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return 0, err
	}
	n, err := tx.Exec(ctx, sqliteErase, string(list))
	return n, sqliteError(err)
}

// sqliteError tells a missing history schema from other errors.
func sqliteError(err error) error {
	if err != nil && strings.Contains(err.Error(), "no such table: ") && strings.Contains(err.Error(), "chrononaut_") {
		return fmt.Errorf("%w: %w", chrononaut.ErrNotInstalled, err)
	}
	if err != nil && strings.Contains(err.Error(), chronodriver.StateUnsafe+": ") {
		return fmt.Errorf("%w: %w", ErrReason, err)
	}
	return err
}

func sqliteRow(ctx context.Context, q chronodriver.Queryer, dest []any, sql string) (err error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return sqliteError(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return errors.Join(rows.Err(), errors.New("the row of chrononaut_context is missing"))
	}
	return rows.Scan(dest...)
}
