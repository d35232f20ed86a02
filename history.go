package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/structmap"
)

// Binder tells how a record is scanned: it returns one destination for each of
// the columns, and a function that is called when they hold a row.
type Binder[T any] func(ctx context.Context, record *T, columns []string) (dest []any, finish func() error, err error)

// History reads the past of one table as records of type T. It is safe for
// concurrent use and cheap to make: keep it or make one for each request.
//
// Methods that take a record accept, as of: a [Key]; the value of a one-column
// primary key; or a T or *T, whose key fields are read. Records that are
// deleted now are found by their key.
//
// The first call reads the registry and the catalog, which costs two round
// trips, and is remembered. When the table has changed meanwhile, or is tracked
// otherwise, the call that notices reads them again. A key that is not in the
// database's own form (integers, booleans, text and uuids are) costs every call
// one round trip more.
type History[T any] struct {
	client *Client
	table  Table
	bind   Binder[T]
	// keyOf reads the primary key from a record.
	keyOf func(record *T, columns []string) (Key, error)
	// versionOf reads the version from a record; nil when it has no field for it.
	versionOf func(record *T, column string) (version int, ok bool)
	// onlyChanges leaves typed records out: T is struct{}.
	onlyChanges bool
}

// HistoryOpts are the parts of a History that an adapter may bring. Each
// defaults to mapping the columns of the table to the fields of a struct T by
// the tag db, or by name in snake case; a T of map[string]any is supported
// too, and of struct{} when only changes are of interest: their data is read as
// JSON, and need not fit the types that the columns have by now.
type HistoryOpts[T any] struct {
	Bind      Binder[T]
	KeyOf     func(record *T, columns []string) (Key, error)
	VersionOf func(record *T, column string) (version int, ok bool)
}

// NewHistory returns the history of a table. Adapters offer shorter ways.
func NewHistory[T any](client *Client, table Table, opts *HistoryOpts[T]) *History[T] {
	h := &History[T]{client: client, table: table}
	if opts != nil {
		h.bind, h.keyOf, h.versionOf = opts.Bind, opts.KeyOf, opts.VersionOf
	}
	h.onlyChanges = h.bind == nil && reflect.TypeFor[T]() == reflect.TypeFor[struct{}]()
	if h.bind == nil {
		h.bind = func(_ context.Context, record *T, columns []string) ([]any, func() error, error) {
			return structmap.Bind(record, columns)
		}
	}
	if h.keyOf == nil {
		h.keyOf = func(record *T, columns []string) (Key, error) {
			values, err := structmap.Values(record, columns)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrKey, err)
			}
			return Key(values), nil
		}
	}
	if h.versionOf == nil {
		h.versionOf = structmap.Version[T]
	}
	return h
}

// With returns the same history read through another client, one of a
// transaction for example.
func (h *History[T]) With(client *Client) *History[T] {
	other := *h
	other.client = client
	return &other
}

// VersionsOpts narrows [History.Versions] and [History.All].
type VersionsOpts struct {
	// After and Before bound the time of the change, both inclusive. Default to
	// no bound.
	After, Before time.Time
	// FromVersion and ToVersion bound the version, both inclusive; for pages,
	// continue after the last version seen. Default to no bound.
	FromVersion, ToVersion *int
	// NewestFirst reverses the order, which is by version. Defaults to false.
	NewestFirst bool
	// Limit is the greatest number of snapshots. Defaults to no limit, as do
	// negative numbers.
	Limit int
}

func (o *VersionsOpts) filter() timelineFilter {
	f := timelineFilter{}
	if o == nil {
		return f
	}
	if !o.After.IsZero() {
		f.after = &o.After
	}
	if !o.Before.IsZero() {
		f.before = &o.Before
	}
	f.fromVersion, f.toVersion, f.newestFirst, f.limit = o.FromVersion, o.ToVersion, o.NewestFirst, max(o.Limit, 0)
	return f
}

// Versions returns the snapshots of a record in the order of their versions,
// across changes of its primary key. A record without history has none. All of
// them are in memory at once; [History.All] streams. Costs one round trip.
func (h *History[T]) Versions(ctx context.Context, of any, opts *VersionsOpts) ([]Snapshot[T], error) {
	snapshots := []Snapshot[T]{}
	for s, err := range h.All(ctx, of, opts) {
		if err != nil {
			return nil, err
		}
		snapshots = append(snapshots, s)
	}
	return snapshots, nil
}

// All streams the snapshots of a record as Versions returns them, in constant
// memory. The connection is in use until the loop ends. After an error, which
// comes with a zero snapshot, the sequence ends.
func (h *History[T]) All(ctx context.Context, of any, opts *VersionsOpts) iter.Seq2[Snapshot[T], error] {
	return func(yield func(Snapshot[T], error) bool) {
		info, key, err := h.resolve(ctx, of)
		if err != nil {
			yield(Snapshot[T]{}, h.wrap("versions", err))
			return
		}
		h.stream(ctx, info, key, h.timeline(key, opts.filter()), func(s Snapshot[T], err error) bool {
			if err != nil {
				err = h.wrap("versions", err)
			}
			return yield(s, err)
		})
	}
}

// query writes a query for what is known of the table.
type query func(info *tableInfo) (sql string, args []any, err error)

func (h *History[T]) timeline(key string, f timelineFilter) query {
	return func(info *tableInfo) (string, []any, error) { return h.client.reader.timeline(info, key, f) }
}

// errStale says that the table is no longer what the client remembers of it.
var errStale = errors.New("the table has changed")

// stream yields the rows of a query. When the table has changed since the
// catalog was read, which shows before the first row, it reads it anew and
// tries again.
func (h *History[T]) stream(ctx context.Context, info *tableInfo, key string, q query, yield func(Snapshot[T], error) bool) {
	yielded := false
	err := h.rows(ctx, info, key, q, &yielded, yield)
	const attempts = 10
	for i := 1; i < attempts && !yielded && schemaChanged(err); i++ {
		h.client.forget(h.table, info)
		fresh, loadErr := h.client.table(ctx, h.table)
		if loadErr != nil {
			// In a transaction nothing can be read after an error.
			err = errors.Join(err, loadErr)
			break
		}
		if !slices.Equal(fresh.keyColumns, info.keyColumns) {
			// The key was encoded with the old columns and would find only a part.
			err = fmt.Errorf("%w: %s", ErrKeyChanged, info.table)
			break
		}
		info = fresh
		err = h.rows(ctx, info, key, q, &yielded, yield)
	}
	if err != nil {
		yield(Snapshot[T]{}, contextError(ctx, err))
	}
}

// rows yields the rows of a query. The error is for the caller to report.
func (h *History[T]) rows(ctx context.Context, info *tableInfo, key string, q query, yielded *bool, yield func(Snapshot[T], error) bool) (err error) {
	selected := *info
	if h.onlyChanges {
		selected.postgres = nil
	}
	sql, args, err := q(&selected)
	if err != nil {
		return err
	}
	rows, err := h.client.queryer.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	stopped := false
	defer func() {
		// After the loop's end there is nobody to tell.
		if closed := rows.Close(); err == nil && !stopped {
			err = closed
		}
	}()
	for rows.Next() {
		s, err := h.scan(ctx, rows, info, key)
		if err != nil {
			return err
		}
		*yielded = true
		if !yield(s, nil) {
			stopped = true
			return nil
		}
	}
	return rows.Err()
}

func (h *History[T]) scan(ctx context.Context, rows chronodriver.Rows, info *tableInfo, key string) (Snapshot[T], error) {
	s := Snapshot[T]{info: info, record: key}
	var record []any
	var finishBind func() error
	var err error
	if !h.onlyChanges {
		if record, finishBind, err = h.bind(ctx, &s.Record, info.columns); err != nil {
			return s, err
		}
	}
	var stamp *string
	dest, finishChange := h.client.reader.scanChange(&s.Change, false)
	values, finishRecord := h.client.reader.scanRecord(&s.Change, info, record)
	dest = append(append(dest, &stamp), values...)
	if err := rows.Scan(dest...); err != nil {
		return s, scanError(info, len(dest)-len(record), err)
	}
	if stamp == nil || *stamp != info.stamp {
		return s, errStale
	}
	if err := finishChange(); err != nil {
		return s, err
	}
	if s.Unreadable, err = finishRecord(); err != nil {
		return s, err
	}
	// A column may have been hidden after it was recorded.
	for _, name := range info.hidden {
		delete(s.Data, name)
	}
	if finishBind != nil {
		if err := finishBind(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// scanError keeps values out of the message: drivers quote them.
func scanError(info *tableInfo, first int, err error) error {
	what := "the values of a change"
	if found := columnIndex.FindStringSubmatch(err.Error()); found != nil {
		if i, _ := strconv.Atoi(found[1]); i >= first && i-first < len(info.columns) {
			what = "column " + info.columns[i-first]
		}
	}
	return &quietError{fmt.Errorf("%s of %s does not fit the Go value that it is scanned into", what, info.table), err}
}

// columnIndex finds the column in the errors of database/sql and of pgx.
var columnIndex = regexp.MustCompile(`(?:column index |dest\[)(\d+)`)

// first returns the first snapshot of a query, or nil.
func (h *History[T]) first(ctx context.Context, info *tableInfo, key string, q query) (*Snapshot[T], error) {
	var found *Snapshot[T]
	var failed error
	h.stream(ctx, info, key, q, func(s Snapshot[T], err error) bool {
		if err != nil {
			failed = err
			return false
		}
		found = &s
		return false
	})
	return found, failed
}

// resolve finds out which record is meant.
func (h *History[T]) resolve(ctx context.Context, of any) (*tableInfo, string, error) {
	info, err := h.client.table(ctx, h.table)
	if err != nil {
		return nil, "", err
	}
	key, err := h.key(info, of)
	if err != nil {
		return nil, "", err
	}
	normal, err := h.client.reader.normalizeKey(ctx, h.client.queryer, info, key)
	return info, normal, err
}

// key is the key of the record that is meant, as its caller wrote it.
func (h *History[T]) key(info *tableInfo, of any) (key Key, err error) {
	switch value := of.(type) {
	case Key:
		key = value
	case *T:
		if value == nil {
			return nil, fmt.Errorf("%w: it is nil", ErrKey)
		}
		key, err = h.keyOf(value, info.keyColumns)
	case T:
		// A T that is no struct (a map, say) cannot be mistaken for a value of
		// a key column.
		key, err = h.keyOf(&value, info.keyColumns)
	default:
		if len(info.keyColumns) != 1 {
			return nil, fmt.Errorf("%w: %s has %d key columns, give a Key", ErrKey, info.table, len(info.keyColumns))
		}
		if of == nil || reflect.ValueOf(of).Kind() == reflect.Struct && !isKeyStruct(of) {
			return nil, fmt.Errorf("%w: a %T is no value of a key column", ErrKey, of)
		}
		key = Key{info.keyColumns[0]: of}
	}
	return key, err
}

func (h *History[T]) wrap(action string, err error) error {
	return fmt.Errorf("%s of %s: %w", action, h.table, WrapError(err))
}
