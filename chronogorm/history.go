package chronogorm

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Client returns a client of history: for the log across tables, for plans, holds
// and leases. It reads through the pool of db, and writes in transactions of its
// own, which are attributed; given a transaction it does both inside it, and sees
// the transaction's own changes.
//
// Errors: [ErrDialect].
func Client(db *gorm.DB) (*chrononaut.Client, error) {
	return pluginOf(db).client(db, connPool(db))
}

// client keeps one client for each pool, because clients remember what they
// read of the catalog. Those of transactions begin anew: an error that shows
// that the catalog has changed ends the transaction.
func (p *Plugin) client(db *gorm.DB, source gorm.ConnPool) (*chrononaut.Client, error) {
	dialect, err := dialectOf(db)
	if err != nil {
		return nil, err
	}
	if _, ok := source.(gorm.TxCommitter); ok {
		return chrononaut.NewClient(queryer{source}, dialect, p.chronoConfig())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.clients[source]; known != nil {
		return known, nil
	}
	from := source
	if attributing, ok := source.(*pool); ok {
		// Reading needs no attribution.
		from = attributing.beginner
	}
	c, err := chrononaut.NewClient(client{queryer{from}, database{queryer{source}, dialect}}, dialect, p.chronoConfig())
	if err == nil && source == unprepared(db.ConnPool) {
		p.clients[source] = c
	}
	return c, err
}

// client reads on a pool as it is, and begins transactions that are attributed.
type client struct {
	queryer
	attributed database
}

func (c client) Begin(ctx context.Context) (chronodriver.Tx, error) { return c.attributed.Begin(ctx) }

// History returns the past of a model as records of type T, read as GORM reads
// them: with its column names, embedded structs, serializers and custom types.
// Hooks are not called and associations not loaded. The table is that of the
// model, or that of db.Table. It reads through the pool of db; given a
// transaction, inside it, where it sees the transaction's own changes.
//
//	history, err := chronogorm.History[Todo](db)
//	versions, err := history.Versions(ctx, todo, nil)
//	before, err := history.At(ctx, 7, yesterday)
//
// Costs no round trip by itself. Errors: [ErrModel] when T is no struct that
// GORM can use as a model, [ErrTag], [ErrDialect].
func History[T any](db *gorm.DB) (*chrononaut.History[T], error) {
	db = db.Session(&gorm.Session{})
	if reflect.TypeFor[T]().Kind() != reflect.Struct {
		return nil, fmt.Errorf("%w: %s is no struct", ErrModel, reflect.TypeFor[T]())
	}
	m, err := parse(db, new(T))
	if err != nil {
		return nil, err
	}
	table, err := tableOf(db, m.schema)
	if err != nil {
		return nil, err
	}
	client, err := pluginOf(db).client(db, sourceOf(db, m.schema))
	if err != nil {
		return nil, err
	}
	r := records[T]{m.schema}
	return chrononaut.NewHistory(client, table, &chrononaut.HistoryOpts[T]{Bind: r.bind, KeyOf: r.key, VersionOf: r.version}), nil
}

// records reads and writes records by their schema.
type records[T any] struct{ schema *schema.Schema }

// bind takes the values of a row as GORM's own scan does.
func (r records[T]) bind(ctx context.Context, record *T, columns []string) ([]any, func() error, error) {
	return bind(ctx, r.schema, reflect.ValueOf(record).Elem(), columns)
}

func bind(ctx context.Context, s *schema.Schema, value reflect.Value, columns []string) ([]any, func() error, error) {
	dest := make([]any, len(columns))
	fields := make([]*schema.Field, len(columns))
	for i, column := range columns {
		f := s.FieldsByDBName[column]
		if f == nil || !f.Readable || f.Serializer != nil {
			// A serializer's destination has a state of its own, which comes later.
			dest[i] = new(any)
		} else {
			dest[i] = f.NewValuePool.Get()
		}
		if f != nil && f.Readable {
			fields[i] = f
		}
	}
	finish := func() error {
		for i, f := range fields {
			if f == nil {
				continue
			}
			if err := set(ctx, f, value, dest[i]); err != nil {
				// GORM's error can quote the value.
				return fmt.Errorf("%w: the value of column %s does not fit the field %s.%s", ErrModel, columns[i], s, f.Name)
			}
		}
		return nil
	}
	return dest, finish, nil
}

// set gives a field what was scanned for it.
func set(ctx context.Context, f *schema.Field, record reflect.Value, scanned any) error {
	from := scanned
	if raw, ok := scanned.(*any); ok && f.Serializer != nil {
		from = f.NewValuePool.Get()
		scanner, ok := from.(sql.Scanner)
		if !ok {
			return fmt.Errorf("%w: GORM's serializers do not scan", ErrModel)
		}
		if err := scanner.Scan(*raw); err != nil {
			return err
		}
	}
	err := f.Set(ctx, record, from)
	f.NewValuePool.Put(from)
	return err
}

func (r records[T]) key(record *T, columns []string) (chrononaut.Key, error) {
	key := chrononaut.Key{}
	for _, column := range columns {
		f := r.schema.FieldsByDBName[column]
		if f == nil {
			return nil, fmt.Errorf("%w: %s has no field for column %s", chrononaut.ErrKey, r.schema, column)
		}
		value, _ := f.ValueOf(context.Background(), reflect.ValueOf(record).Elem())
		key[column] = value
	}
	return key, nil
}

func (r records[T]) version(record *T, column string) (int, bool) {
	f := r.schema.FieldsByDBName[column]
	if f == nil {
		return 0, false
	}
	raw, _ := f.ValueOf(context.Background(), reflect.ValueOf(record).Elem())
	v := reflect.ValueOf(raw)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return 0, false
		}
		v = v.Elem()
	}
	switch {
	case v.CanInt():
		return int(v.Int()), true
	case v.CanUint():
		return int(v.Uint()), true
	}
	return 0, false
}
