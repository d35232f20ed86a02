package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// postgresReader writes queries for PostgreSQL.
type postgresReader struct {
	schema string
}

var _ reader = (*postgresReader)(nil)

func (r *postgresReader) load(ctx context.Context, q chronodriver.Queryer, name Table) (*tableInfo, error) {
	info, options, err := r.registered(ctx, q, name)
	if err != nil {
		return nil, err
	}
	// The catalog comes after the stamp: a change in between shows.
	found, err := r.inspect(ctx, q, info.table)
	if err != nil || found == nil {
		return info, err
	}
	info.postgres = found.Table(r.schema, options)
	info.pastPolicy = &found.Past.Policy
	for _, c := range info.postgres.RecordColumns() {
		info.columns = append(info.columns, c.Name)
	}
	info.keyColumns = found.Key
	for _, name := range found.Key {
		info.keyTypes = append(info.keyTypes, *found.Column(name))
	}
	return info, nil
}

func (r *postgresReader) registered(ctx context.Context, q chronodriver.Queryer, name Table) (*tableInfo, postgres.Options, error) {
	var options postgres.Options
	sql, err := postgres.Read(r.schema, "registry", postgres.ReadArgs{})
	if err != nil {
		return nil, options, err
	}
	rows, err := q.Query(ctx, sql, name.Schema, name.Name)
	if err != nil {
		return nil, options, notInstalled(err)
	}
	// Closed below, where its error counts.
	defer func() { _ = rows.Close() }()
	var infos []*tableInfo
	for rows.Next() {
		info := &tableInfo{}
		var keys, encoded, events, python string
		if err := rows.Scan(&info.table.Schema, &info.table.Name, &info.tracked, &info.since, &keys, &encoded, &info.stamp, &events, &python); err != nil {
			return nil, options, err
		}
		o, err := postgres.DecodeOptions(encoded)
		if err := errors.Join(err, json.Unmarshal([]byte(keys), &info.keyColumns)); err != nil {
			return nil, options, fmt.Errorf("read registry: %w", err)
		}
		if info.python, err = postgres.ParsePythonSources(python); err != nil {
			return nil, options, fmt.Errorf("read registry: %w", err)
		}
		info.gaps, err = readGaps(events, func(raw json.RawMessage) (time.Time, error) {
			var microseconds int64
			err := json.Unmarshal(raw, &microseconds)
			return time.UnixMicro(microseconds), err
		})
		if err != nil {
			return nil, options, err
		}
		if o.VersionColumn == "" {
			o.VersionColumn = postgres.DefaultVersionColumn
		}
		info.aliases = o.Aliases
		info.hidden, info.untracked, info.versionColumn = o.Hidden, o.Untracked, o.VersionColumn
		if infos = append(infos, info); len(infos) == 1 {
			options = o
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, options, notInstalled(err)
	}
	switch {
	case len(infos) == 0:
		return nil, options, ErrNotTracked
	case len(infos) > 1 && infos[1].tracked == infos[0].tracked:
		return nil, options, fmt.Errorf("%w: more than one schema has a table of that name, write the schema", ErrNotTracked)
	}
	return infos[0], options, nil
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

func (r *postgresReader) args(info *tableInfo) postgres.ReadArgs {
	args := postgres.ReadArgs{Schema: info.table.Schema, Name: info.table.Name, Python: info.python}
	return args.WithAliases(r.schema, info.aliases, info.keyColumns)
}

func (r *postgresReader) normalizeKey(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key Key) (string, error) {
	encoded, plain, err := r.encodeKey(info, key)
	if err != nil || plain {
		return encoded, err
	}
	sql, err := postgres.Read(r.schema, "normalize", r.args(info))
	if err != nil {
		return "", err
	}
	var normal string
	if _, err := queryOne(ctx, q, []any{&normal}, sql, encoded); err != nil {
		return "", keyError(err)
	}
	return normal, nil
}

// encodeKey is a key as JSON; plain says that it is in the form that history has.
func (r *postgresReader) encodeKey(info *tableInfo, key Key) (encoded string, plain bool, err error) {
	isBytea := func(column string) bool {
		i := slices.IndexFunc(info.keyTypes, func(c postgres.Column) bool { return c.Name == column })
		return i >= 0 && info.keyTypes[i].BaseType == "pg_catalog.bytea"
	}
	if encoded, err = key.encode(isBytea); err != nil {
		return "", false, err
	}
	plain = len(key) == len(info.keyTypes) && !slices.ContainsFunc(info.keyTypes, func(c postgres.Column) bool { return !isPlainKey(key[c.Name], c.BaseType) })
	return encoded, plain, nil
}

// keyError is an error of bringing a key into the form that history has.
// PostgreSQL quotes the value in its message.
func keyError(err error) error {
	if state := chronodriver.State(err); strings.HasPrefix(state, "22") || strings.HasPrefix(state, "23") {
		return &quietError{fmt.Errorf("%w: a value is none of its column's type", ErrKey), err}
	}
	return err
}

// isPlainKey reports whether a Go value, written as JSON, is in the form that
// history has for a key column of a type.
func isPlainKey(value any, baseType string) bool {
	v := reflect.ValueOf(value)
	if !v.IsValid() || isKeyStruct(value) {
		return false
	}
	switch baseType {
	case "pg_catalog.int8":
		return v.CanInt() || v.CanUint() && v.Uint() <= math.MaxInt64
	case "pg_catalog.int4":
		return v.CanInt() && int64(int32(v.Int())) == v.Int()
	case "pg_catalog.text":
		return v.Kind() == reflect.String
	case "pg_catalog.bool":
		return v.Kind() == reflect.Bool
	}
	return false
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

// latest is the upper bound of a time, inclusive, as every driver can send it;
// history has microseconds.
func latest(t time.Time) string {
	switch t = t.UTC(); {
	case t.Year() > 9999:
		return "infinity"
	case t.Year() < 1:
		return "-infinity"
	}
	return t.Format("2006-01-02 15:04:05.999999-07")
}

// earliest is the lower bound.
func earliest(t time.Time) string {
	if cut := t.Truncate(time.Microsecond); cut.Before(t) {
		t = cut.Add(time.Microsecond)
	}
	return latest(t)
}

// times adds the bounds of a filter.
func (c *conditions) times(f timelineFilter) {
	if f.after != nil {
		c.add(recordTime, ">=", earliest(*f.after), "timestamptz")
	}
	if f.before != nil {
		c.add(recordTime, "<=", latest(*f.before), "timestamptz")
	}
}

// actor adds the condition on who made a change. Nobody's name has what no text in
// the database has.
func (c *conditions) actor(name string) {
	switch {
	case name == "":
	case !utf8.ValidString(name) || strings.Contains(name, "\x00"):
		c.where = append(c.where, "false")
	default:
		c.add("a.user_info ->> 'user_id'", "=", name, "text")
	}
}

// versions adds the bounds of a filter. No version is beyond those that the column
// has.
func (c *conditions) versions(f timelineFilter) {
	if f.fromVersion != nil {
		if *f.fromVersion > math.MaxInt32 {
			c.where = append(c.where, "false")
		}
		c.add("a.version", ">=", versionOf(*f.fromVersion), "integer")
	}
	if f.toVersion != nil {
		if *f.toVersion < math.MinInt32 {
			c.where = append(c.where, "false")
		}
		c.add("a.version", "<=", versionOf(*f.toVersion), "integer")
	}
}

// versionOf is a version as the database can have it.
func versionOf(version int) int64 {
	return int64(max(min(version, math.MaxInt32), math.MinInt32))
}

func (r *postgresReader) timeline(info *tableInfo, key string, f timelineFilter) (string, []any, error) {
	c := &conditions{args: []any{key}}
	c.times(f)
	c.versions(f)
	if f.hidden {
		c.where = append(c.where, "a.extra_info ? 'hidden_cols_changed'")
	}
	args := r.args(info)
	if f.lifeUpTo != nil {
		args.Upper = c.placeholder(int64(*f.lifeUpTo)) + "::integer"
	}
	args.Where, args.NewestFirst, args.Limit, args.Record = c.where, f.newestFirst, f.limit, info.postgres
	sql, err := postgres.Read(r.schema, "timeline", args)
	return sql, c.args, err
}

func (r *postgresReader) last(info *tableInfo, key string, f timelineFilter) (string, []any, error) {
	c := &conditions{args: []any{key}}
	c.times(f)
	args := r.args(info)
	args.Where, args.Record = c.where, info.postgres
	sql, err := postgres.Read(r.schema, "last", args)
	return sql, c.args, err
}

func (r *postgresReader) exists(info *tableInfo, key string) (string, []any, error) {
	args := r.args(info)
	args.Key = info.keyTypes
	sql, err := postgres.Read(r.schema, "exists", args)
	return sql, []any{key}, err
}

func (r *postgresReader) activity(info *tableInfo, o *ActivityOpts) (string, []any, error) {
	c := &conditions{}
	args := postgres.ReadArgs{}
	if info != nil && r.args(info).Mapped() {
		args = r.args(info)
	} else if o.Table.Name != "" {
		c.add("a.table_schema", "=", o.Table.Schema, "text")
		c.add("a.table_name", "=", o.Table.Name, "text")
	}
	c.actor(o.Actor)
	args.OldestFirst, args.Limit, args.Before, args.WithoutHidden = o.OldestFirst, o.Limit, o.WithBefore, true
	if o.Transaction != 0 {
		args.Transaction = c.placeholder(strconv.FormatUint(o.Transaction, 10)) + "::xid8"
		if !o.Until.IsZero() {
			args.Until = c.placeholder(latest(o.Until)) + "::timestamptz"
		}
	}
	if !o.Since.IsZero() {
		c.add("a.changed", ">=", earliest(o.Since), "timestamptz")
	}
	if !o.Until.IsZero() {
		c.add("a.changed", "<=", latest(o.Until), "timestamptz")
	}
	if o.BeforeID != 0 {
		c.add("a.id", "<", o.BeforeID, "bigint")
	}
	if o.AfterID != 0 {
		c.add("a.id", ">", o.AfterID, "bigint")
	}
	if o.Operation != "" {
		c.add("a.operation", "=", string(o.Operation), "text")
		if o.Operation != OperationInsert && o.Operation != OperationUpdate {
			// The condition of the index.
			c.where = append(c.where, "a.operation NOT IN ('insert', 'update')")
		}
	}
	if o.Column != "" {
		args.Column = c.placeholder(o.Column) + "::text"
	}
	args.Where = c.where
	sql, err := postgres.Read(r.schema, "activity", args)
	return sql, c.args, err
}

func (r *postgresReader) scanChange(c *Change, withBefore bool) ([]any, func() error) {
	var key, data, userInfo, extraInfo, operation, transaction string
	var previousKey, before *string
	dest := []any{
		&c.ID, &c.Table.Schema, &c.Table.Name, &c.Changed, &c.Version, &key, &previousKey,
		&data, &userInfo, &extraInfo, &operation, &transaction, &c.DatabaseUser,
	}
	if withBefore {
		dest = append(dest, &before)
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
		if err := c.fill(key, previous, data, userInfo, extraInfo); err != nil {
			return err
		}
		return c.setBefore(before)
	}
}

// scanRecord lets the driver fill the record's fields with the typed values
// that the server sends.
func (r *postgresReader) scanRecord(_ *Change, info *tableInfo, record []any) ([]any, func() ([]string, error)) {
	if len(record) == 0 {
		return nil, func() ([]string, error) { return nil, nil }
	}
	var misfits string
	dest := []any{&misfits}
	for _, d := range record {
		dest = append(dest, nullable(d))
	}
	return dest, func() ([]string, error) {
		for i, d := range record {
			resolveNull(d, dest[i+1])
		}
		var unreadable []string
		for index := range strings.SplitSeq(misfits, ",") {
			if i, err := strconv.Atoi(index); err == nil && i < len(info.columns) {
				unreadable = append(unreadable, info.columns[i])
			}
		}
		return unreadable, nil
	}
}

// recordTime is the time of a change of one record, which is found by its key: no
// index on times offers itself for it.
const recordTime = "greatest(a.changed)"
