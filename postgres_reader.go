package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// postgresReader writes queries for PostgreSQL.
type postgresReader struct {
	schema string
}

var _ reader = (*postgresReader)(nil)

func (r *postgresReader) load(ctx context.Context, q chronodriver.Queryer, name Table) (*tableInfo, error) {
	found, err := r.inspect(ctx, q, name)
	if err != nil {
		return nil, err
	}
	if found != nil {
		name = Table{Schema: found.Schema, Name: found.Name}
	}
	sql, err := postgres.Read(r.schema, "registry", postgres.ReadArgs{})
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, name.Schema, name.Name)
	if err != nil {
		return nil, notInstalled(err)
	}
	defer rows.Close()
	var infos []*tableInfo
	var options []postgres.Options
	for rows.Next() {
		info := &tableInfo{}
		var keys, encoded string
		if err := rows.Scan(&info.table.Schema, &info.table.Name, &info.tracked, &info.since, &keys, &encoded); err != nil {
			return nil, err
		}
		o, err := postgres.DecodeOptions(encoded)
		if err := errors.Join(err, json.Unmarshal([]byte(keys), &info.keyColumns)); err != nil {
			return nil, fmt.Errorf("read registry: %w", err)
		}
		info.hidden, info.untracked, info.versionColumn = o.Hidden, o.Untracked, o.VersionColumn
		infos, options = append(infos, info), append(options, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, notInstalled(err)
	}
	switch {
	case len(infos) == 0:
		return nil, ErrNotTracked
	case len(infos) > 1 && infos[1].tracked == infos[0].tracked:
		return nil, fmt.Errorf("%w: more than one schema has a table of that name, write the schema", ErrNotTracked)
	}
	info := infos[0]
	if found != nil {
		described := found.Table(r.schema, options[0])
		for _, c := range described.RecordColumns() {
			info.columns = append(info.columns, c.Name)
		}
		info.expressions = described.RecordSelect("a.data")
		for _, name := range found.Key {
			info.keyTypes = append(info.keyTypes, *found.Column(name))
		}
	}
	return info, nil
}

// inspect reads the catalog; nil when the table does not exist.
func (r *postgresReader) inspect(ctx context.Context, q chronodriver.Queryer, name Table) (*postgres.Inspected, error) {
	sql, args, err := postgres.InspectSQL(r.schema, name.Schema, name.Name)
	if err != nil {
		return nil, err
	}
	var document string
	found, err := queryOne(ctx, q, []any{&document}, sql, args...)
	if err != nil || !found {
		return nil, notInstalled(err)
	}
	return postgres.ParseInspected(document)
}

// notInstalled tells a missing history schema from other errors.
func notInstalled(err error) error {
	switch chronodriver.State(err) {
	case "42P01", "3F000", "42883":
		return fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	return err
}

func (r *postgresReader) args(info *tableInfo) postgres.ReadArgs {
	return postgres.ReadArgs{Schema: info.table.Schema, Name: info.table.Name}
}

func (r *postgresReader) normalizeKey(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key string) (string, error) {
	sql, err := postgres.Read(r.schema, "normalize", r.args(info))
	if err != nil {
		return "", err
	}
	var normal string
	if _, err := queryOne(ctx, q, []any{&normal}, sql, key); err != nil {
		return "", err
	}
	return normal, nil
}

// conditions collects conditions and their arguments; the first placeholder
// that is free is next.
type conditions struct {
	where []string
	args  []any
}

// placeholder adds an argument.
func (c *conditions) placeholder(arg any) string {
	c.args = append(c.args, arg)
	return "$" + strconv.Itoa(len(c.args))
}

// add adds a condition with one argument: column, operator, type of the argument.
func (c *conditions) add(column, operator string, arg any, as string) {
	c.where = append(c.where, column+" "+operator+" "+c.placeholder(arg)+"::"+as)
}

// timestamp is a time as every driver can send it; PostgreSQL keeps
// microseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999-07") }

func (r *postgresReader) timeline(info *tableInfo, key string, f timelineFilter) (string, []any, error) {
	c := &conditions{args: []any{key}}
	if f.after != nil {
		c.add("a.changed", ">=", timestamp(*f.after), "timestamptz")
	}
	if f.before != nil {
		c.add("a.changed", "<=", timestamp(*f.before), "timestamptz")
	}
	if f.fromVersion != nil {
		c.add("a.version", ">=", int64(*f.fromVersion), "integer")
	}
	if f.toVersion != nil {
		c.add("a.version", "<=", int64(*f.toVersion), "integer")
	}
	args := r.args(info)
	args.Where, args.NewestFirst, args.Limit = c.where, f.newestFirst, f.limit
	if f.record {
		args.Expressions = info.expressions
	}
	sql, err := postgres.Read(r.schema, "timeline", args)
	return sql, c.args, err
}

func (r *postgresReader) last(info *tableInfo, key string, at *time.Time) (string, []any, error) {
	c := &conditions{args: []any{key}}
	if at != nil {
		c.add("a.changed", "<=", timestamp(*at), "timestamptz")
	}
	args := r.args(info)
	args.Where, args.Expressions = c.where, info.expressions
	sql, err := postgres.Read(r.schema, "last", args)
	return sql, c.args, err
}

func (r *postgresReader) exists(info *tableInfo, key string) (string, []any, error) {
	args := r.args(info)
	args.Key = info.keyTypes
	sql, err := postgres.Read(r.schema, "exists", args)
	return sql, []any{key}, err
}

func (r *postgresReader) activity(o *ActivityOpts) (string, []any, error) {
	c := &conditions{}
	if o.Table.Name != "" {
		c.add("a.table_name", "=", o.Table.Name, "text")
		if o.Table.Schema != "" {
			c.add("a.table_schema", "=", o.Table.Schema, "text")
		}
	}
	if o.Actor != "" {
		c.add("a.user_info ->> 'user_id'", "=", o.Actor, "text")
	}
	if o.Transaction != 0 {
		c.add("a.transaction_id", "=", strconv.FormatUint(o.Transaction, 10), "xid8")
	}
	if !o.Since.IsZero() {
		c.add("a.changed", ">=", timestamp(o.Since), "timestamptz")
	}
	if !o.Until.IsZero() {
		c.add("a.changed", "<=", timestamp(o.Until), "timestamptz")
	}
	if o.BeforeID != 0 {
		c.add("a.id", "<", o.BeforeID, "bigint")
	}
	if o.AfterID != 0 {
		c.add("a.id", ">", o.AfterID, "bigint")
	}
	if o.Operation != "" {
		c.add("a.operation", "=", string(o.Operation), "text")
	}
	args := postgres.ReadArgs{OldestFirst: o.OldestFirst, Limit: o.Limit, Before: o.WithBefore}
	if o.Column != "" {
		args.Column = c.placeholder(o.Column) + "::text"
	}
	args.Where = c.where
	sql, err := postgres.Read(r.schema, "activity", args)
	return sql, c.args, err
}

func (r *postgresReader) scanChange(c *Change) ([]any, func() error) {
	var key, data, userInfo, extraInfo, operation, transaction string
	var previousKey *string
	dest := []any{
		&c.ID, &c.Table.Schema, &c.Table.Name, &c.Changed, &c.Version, &key, &previousKey,
		&data, &userInfo, &extraInfo, &operation, &transaction, &c.DatabaseUser,
	}
	return dest, func() error {
		c.Operation = Operation(operation)
		var err error
		if c.TransactionID, err = strconv.ParseUint(transaction, 10, 64); err != nil {
			return fmt.Errorf("read change %d: malformed transaction id", c.ID)
		}
		previous := ""
		if previousKey != nil {
			previous = *previousKey
		}
		return c.fill(key, previous, data, userInfo, extraInfo)
	}
}

// adaptDest changes nothing: the server sends typed values.
func (r *postgresReader) adaptDest(dest any) any { return dest }
