package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// sqliteReader writes queries for SQLite. The driver reads the change; the
// record's fields are filled from its data.
type sqliteReader struct{}

var _ reader = sqliteReader{}

// The schema of every table in history.
const sqliteSchema = "main"

// knownStamp is what the queries say when the reader knows the table as it is.
const knownStamp = "known"

func (r sqliteReader) load(ctx context.Context, q chronodriver.Queryer, name Table) (*tableInfo, error) {
	if name.Schema != "" && !strings.EqualFold(name.Schema, sqliteSchema) {
		return nil, fmt.Errorf("%w: history is of the schema main", ErrNotTracked)
	}
	sql, err := sqlite.Read("registry", sqlite.ReadArgs{})
	if err != nil {
		return nil, err
	}
	info := &tableInfo{stamp: knownStamp}
	info.table.Schema = sqliteSchema
	var since, keys, encoded, events string
	found, err := queryOne(ctx, q, []any{&info.table.Name, &info.tracked, &since, &keys, &encoded, &info.definition, &events}, sql, name.Name)
	if err != nil {
		return nil, notInstalled(err)
	}
	if !found {
		return nil, ErrNotTracked
	}
	options, err := sqlite.DecodeOptions(encoded)
	if err := errors.Join(err, json.Unmarshal([]byte(keys), &info.keyColumns)); err != nil {
		return nil, fmt.Errorf("read registry: %w", err)
	}
	if info.since, err = time.Parse(time.RFC3339Nano, since); err != nil {
		return nil, errors.New("read registry: malformed time")
	}
	info.gaps, err = readGaps(events, func(raw json.RawMessage) (at time.Time, err error) {
		return at, json.Unmarshal(raw, &at)
	})
	if err != nil {
		return nil, err
	}
	info.hidden, info.untracked, info.versionColumn = options.Hidden, options.Untracked, options.VersionColumn
	if info.versionColumn == "" {
		info.versionColumn = sqlite.DefaultVersionColumn
	}
	// The catalog comes after the definition: a change in between shows.
	if info.sqlite, err = sqlite.Inspect(ctx, q, info.table.Name); err != nil || info.sqlite == nil {
		return info, err
	}
	info.sqliteTable = info.sqlite.Describe(options)
	for _, c := range info.sqlite.RecordColumns(options) {
		info.columns = append(info.columns, c.Name)
	}
	if key := info.sqlite.Key(); len(key) > 0 {
		info.keyColumns = key
	}
	return info, nil
}

// milliseconds is a time as history has it, rounded down.
func milliseconds(t time.Time) string {
	switch t = t.UTC(); {
	case t.Year() > 9999:
		return "9999-12-31T23:59:59.999Z"
	case t.Year() < 0:
		return ""
	}
	return t.Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

// millisecondsUp rounds up.
func millisecondsUp(t time.Time) string {
	if cut := t.Truncate(time.Millisecond); cut.Before(t) {
		t = cut.Add(time.Millisecond)
	}
	return milliseconds(t)
}

// sqliteConditions collects conditions and their arguments.
type sqliteConditions struct {
	where []string
	args  []any
}

func (c *sqliteConditions) placeholder(arg any) string {
	c.args = append(c.args, arg)
	return "?" + strconv.Itoa(len(c.args))
}

func (c *sqliteConditions) add(expression string, arg any) {
	c.where = append(c.where, expression+" "+c.placeholder(arg))
}

// of are the conditions of a query about one record: its key, its table, and
// how the reader knows the table.
func (r sqliteReader) of(info *tableInfo, key string, f timelineFilter) *sqliteConditions {
	c := &sqliteConditions{args: []any{key, info.table.Name, info.definition}}
	if f.after != nil {
		c.add("a.changed >=", millisecondsUp(*f.after))
	}
	if f.before != nil {
		c.add("a.changed <=", milliseconds(*f.before))
	}
	if f.fromVersion != nil {
		c.add("a.version >=", int64(*f.fromVersion))
	}
	if f.toVersion != nil {
		c.add("a.version <=", int64(*f.toVersion))
	}
	return c
}

func (r sqliteReader) timeline(info *tableInfo, key string, f timelineFilter) (string, []any, error) {
	c := r.of(info, key, f)
	if f.hidden {
		c.where = append(c.where, "json_type(a.extra_info, '$.hidden_cols_changed') IS NOT NULL")
	}
	args := sqlite.ReadArgs{NewestFirst: f.newestFirst, Limit: f.limit}
	if f.lifeUpTo != nil {
		args.Upper = c.placeholder(int64(*f.lifeUpTo))
	}
	args.Where = c.where
	sql, err := sqlite.Read("timeline", args)
	return sql, c.args, err
}

func (r sqliteReader) last(info *tableInfo, key string, f timelineFilter) (string, []any, error) {
	c := r.of(info, key, f)
	sql, err := sqlite.Read("last", sqlite.ReadArgs{Where: c.where})
	return sql, c.args, err
}

func (r sqliteReader) exists(info *tableInfo, key string) (string, []any, error) {
	sql, err := sqlite.Read("exists", sqlite.ReadArgs{Name: info.table.Name, Key: info.keyColumns})
	return sql, []any{key}, err
}

func (r sqliteReader) activity(_ *tableInfo, o *ActivityOpts) (string, []any, error) {
	c := &sqliteConditions{}
	if o.Table.Name != "" {
		c.add("a.table_name =", o.Table.Name)
	}
	if o.Actor != "" {
		c.add("json_extract(a.user_info, '$.user_id') =", o.Actor)
	}
	if o.Transaction != 0 {
		c.add("a.transaction_id =", int64(o.Transaction)) //nolint:gosec // the counter stays small
	}
	if o.BeforeID != 0 {
		c.add("a.id <", o.BeforeID)
	}
	if o.AfterID != 0 {
		c.add("a.id >", o.AfterID)
	}
	if o.Operation != "" {
		c.add("a.operation =", string(o.Operation))
		if o.Operation != OperationInsert && o.Operation != OperationUpdate {
			// The condition of the index.
			c.where = append(c.where, "a.operation NOT IN ('insert', 'update')")
		}
	}
	args := sqlite.ReadArgs{OldestFirst: o.OldestFirst, Limit: o.Limit, Before: o.WithBefore}
	if !o.Since.IsZero() {
		args.From = c.placeholder(millisecondsUp(o.Since))
	}
	if !o.Until.IsZero() {
		args.To = c.placeholder(milliseconds(o.Until))
	}
	if o.Column != "" {
		args.Column = c.placeholder(o.Column)
	}
	args.Where = c.where
	sql, err := sqlite.Read("activity", args)
	return sql, c.args, err
}

func (r sqliteReader) scanChange(c *Change, withBefore bool) ([]any, func() error) {
	var changed, key, data, userInfo, extraInfo, operation, hidden string
	var transaction int64
	var previousKey, before *string
	dest := []any{
		&c.ID, &c.Table.Schema, &c.Table.Name, &changed, &c.Version, &key, &previousKey,
		&data, &userInfo, &extraInfo, &operation, &transaction, &c.DatabaseUser, &hidden,
	}
	if withBefore {
		dest = append(dest, &before)
	}
	return dest, func() error {
		c.Operation, c.TransactionID = Operation(operation), uint64(max(transaction, 0))
		var err error
		if c.Changed, err = time.Parse(time.RFC3339Nano, changed); err != nil {
			return fmt.Errorf("read change %d: malformed time", c.ID)
		}
		previous := ""
		if previousKey != nil {
			previous = *previousKey
		}
		if err := c.fill(key, previous, data, userInfo, extraInfo); err != nil {
			return err
		}
		if err := c.setBefore(before); err != nil {
			return err
		}
		// A column may have been hidden after it was recorded.
		var names []string
		if err := json.Unmarshal([]byte(hidden), &names); err != nil {
			return errors.New("read registry: malformed options")
		}
		for _, name := range names {
			delete(c.Data, name)
			delete(c.Before, name)
		}
		return nil
	}
}

func (r sqliteReader) scanRecord(c *Change, info *tableInfo, record []any) ([]any, func() ([]string, error)) {
	return nil, func() ([]string, error) {
		var unreadable []string
		for i, dest := range record {
			column := *info.sqlite.Column(info.columns[i])
			value := decodeSQLite(c.Data[column.Name])
			err := assign(dest, value, column.Type)
			if err == nil {
				continue
			}
			if sqliteFits(value, info.sqlite.Affinity(column)) {
				return nil, &quietError{fmt.Errorf("column %s of %s does not fit the Go value that it is scanned into", column.Name, info.table), err}
			}
			// The value is not of the column's declared type: SQLite lets it in, and
			// the type may have been another one.
			unreadable = append(unreadable, column.Name)
			if err := assign(dest, nil, ""); err != nil {
				return nil, &quietError{fmt.Errorf("column %s of %s does not take NULL", column.Name, info.table), err}
			}
		}
		return unreadable, nil
	}
}
