package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// staler writes the statements about stale writes for one engine.
type staler interface {
	// stale selects n, whether there is a row, its version, and what has happened
	// since, for the items that are at another version than theirs. The arguments are
	// an array of staleArg and to how many of them the last is told.
	stale(info *tableInfo) (sql string, err error)
	// keyText writes a key so that these statements read it.
	keyText(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key Key) (string, error)
	// allColumns are those of the table, hidden and untracked ones too.
	allColumns(info *tableInfo) []string
	// mergeUpdate writes columns of a record if it is at a version, and returns its
	// new one: the arguments are the key, the version and the values.
	mergeUpdate(info *tableInfo, columns []string) (sql string, err error)
	// mergedVersion selects the version that a record, by its key, has after
	// mergeUpdate; the empty text where that returns it.
	mergedVersion(info *tableInfo) (sql string, err error)
	// mergeLock locks a record, by its key, and selects its version.
	mergeLock(info *tableInfo) (sql string, err error)
	// mergeCompare selects what has happened to a record since a version, and, as
	// arrays of places, the columns that had the values then, and those that are what
	// they were. The arguments are those of mergeUpdate.
	mergeCompare(info *tableInfo, columns []string) (sql string, err error)
}

// staleArg is an item of a statement about stale writes.
type staleArg struct {
	N       int    `json:"n"`
	Key     string `json:"key"`
	Version int    `json:"version"`
}

// staleDetails is for how many records of a bulk it is told what has happened.
const staleDetails = 50

// KeyVersion is a record and the version that a write of it is based on.
type KeyVersion struct {
	Key     Key
	Version int
}

// Stale asks whether a write to a record that is based on a version would be
// stale. It returns nil when the record is at that version, and a [*StaleError]
// when it is at another, or gone; a record without a version, which is older than
// tracking, is at 0. It costs one round trip.
//
// The answer may be out of date when it arrives: to write only if the record is
// at a version, say so in the statement (SET version = …, or WHERE version = …),
// or ask in a transaction in which the row is locked: see [Client.With].
func (c *Client) Stale(ctx context.Context, table Table, key Key, version int) error {
	err := c.StaleAll(ctx, table, []KeyVersion{{key, version}})
	if bulk := (*BulkStaleError)(nil); errors.As(err, &bulk) && len(bulk.Records) == 1 {
		return bulk.Records[0]
	}
	return err
}

// StaleAll is [Client.Stale] for many records of a table, in one round trip. It
// returns a [*BulkStaleError] that has those that are stale.
func (c *Client) StaleAll(ctx context.Context, table Table, records []KeyVersion) error {
	if len(records) == 0 {
		return nil
	}
	err := c.staleAll(ctx, table, records)
	if stale := (*BulkStaleError)(nil); err == nil || errors.As(err, &stale) {
		return err
	}
	return fmt.Errorf("look for stale records of %s: %w", table, WrapError(notInstalled(contextError(ctx, err))))
}

func (c *Client) staleAll(ctx context.Context, table Table, records []KeyVersion) error {
	engine, ok := c.reader.(staler)
	if !ok {
		return errors.ErrUnsupported
	}
	// The table may have changed since the client has read the catalog.
	for again := true; ; again = false {
		info, err := c.table(ctx, table)
		if err != nil {
			return err
		}
		if !info.tracked || len(info.columns) == 0 {
			return ErrNotTracked
		}
		stale, err := staleRecords(ctx, c.queryer, engine, info, records)
		if err != nil {
			if again && schemaChanged(err) {
				c.forget(table, info)
				continue
			}
			return err
		}
		if len(stale) == 0 {
			return nil
		}
		return &BulkStaleError{Table: info.table, Stale: len(stale), Of: len(records), Records: stale}
	}
}

func staleRecords(ctx context.Context, q chronodriver.Queryer, engine staler, info *tableInfo, records []KeyVersion) (stale []*StaleError, err error) {
	items := make([]staleArg, len(records))
	for i, r := range records {
		key, err := engine.keyText(ctx, q, info, r.Key)
		if err != nil {
			return nil, err
		}
		items[i] = staleArg{N: i, Key: key, Version: r.Version}
	}
	encoded, err := json.Marshal(items)
	if err != nil {
		return nil, err
	}
	sql, err := engine.stale(info)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, string(encoded), int64(staleDetails))
	if err != nil {
		return nil, keyError(err)
	}
	defer func() {
		// A statement that failed says so again when it is closed.
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	for rows.Next() {
		var n int
		var found bool
		e := &StaleError{Table: info.table}
		var report *string
		if err := rows.Scan(&n, &found, &e.Actual, &report); err != nil {
			return nil, err
		}
		e.Key, e.Expected, e.Deleted = records[n].Key, &records[n].Version, !found
		if err := e.read(report); err != nil {
			return nil, err
		}
		stale = append(stale, e)
	}
	if err := rows.Err(); err != nil {
		return nil, keyError(err)
	}
	return stale, nil
}

// read sets what the database says of the changes since.
func (e *StaleError) read(report *string) error {
	if report == nil {
		return nil
	}
	var r staleReport
	if err := decodeJSON(*report, &r); err != nil {
		return err
	}
	e.Changes, e.More, e.Since = r.Changes, r.More, r.Since
	e.Based = len(r.Base) > 0 && string(r.Base) != "null"
	if e.Deleted && len(e.Changes) > 0 {
		e.Actual = e.Changes[0].Version
	}
	return nil
}

// checkKey says whether a key has the columns of the primary key.
func (i *tableInfo) checkKey(key Key) error {
	for _, name := range i.keyColumns {
		value, ok := key[name]
		if !ok || !reflect.ValueOf(value).IsValid() {
			return fmt.Errorf("%w: column %s is missing", ErrKey, name)
		}
	}
	if len(key) != len(i.keyColumns) {
		return fmt.Errorf("%w: the primary key of %s has %d columns", ErrKey, i.table, len(i.keyColumns))
	}
	return nil
}

// NotWritten says why a statement with the condition WHERE version = … wrote no
// row: a [*StaleError], or, when the record is at that version all the same, an
// error that is none. For statements in a transaction ask the client of that
// transaction. It costs one round trip; adapters have helpers that run the
// statement and ask ([github.com/chrononaut-go/chrononaut/chronopgx.ExecAtVersion]).
func (c *Client) NotWritten(ctx context.Context, table Table, key Key, version int) error {
	if err := c.Stale(ctx, table, key, version); err != nil {
		return err
	}
	return fmt.Errorf("write to %s: no row was written, and the record is at version %d: another condition does not hold, or a trigger kept it from being written", table, version)
}
