package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Merge writes columns of a record that the caller has read at a version: mine
// holds their names and values, as arguments of an UPDATE. It returns the version
// that the record has then.
//
// When the record is at that version, mine is written. When others have changed it
// since, it is merged: a column of mine that has the value it had at that version
// is not written, so that mine may be a whole form; the others are written unless
// somebody else has changed them too, if to the same value: of two that add 1, one
// would be lost. If that is so for any column, nothing is written, and the error is
// a [*StaleError] with them in Overlap. The same goes for a record that is gone, and
// for one whose state at the version is not in history.
//
// The values of hidden columns are not in history, only who has set them: one that
// somebody has set since overlaps, and one of mine is written whatever it was.
// Untracked columns are not versioned, and written too.
//
// It is one transaction, or the client's own where it has one ([Client.With]), and
// exact whatever others do: the row is locked before it is compared. It costs one
// round trip beside those of the transaction, four when the record has changed.
// Other errors: [ErrKey], [ErrNoColumn], [ErrNotTracked] and those of the write.
func (c *Client) Merge(ctx context.Context, table Table, key Key, version int, mine map[string]any) (int, error) {
	merged, err := c.merge(ctx, table, key, version, mine)
	if stale := (*StaleError)(nil); err != nil && !errors.As(err, &stale) {
		return 0, fmt.Errorf("merge into %s: %w", table, WrapError(notInstalled(contextError(ctx, err))))
	}
	return merged, err
}

func (c *Client) merge(ctx context.Context, table Table, key Key, version int, mine map[string]any) (merged int, err error) {
	engine, ok := c.reader.(staler)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	for again := true; ; again = false {
		info, err := c.table(ctx, table)
		if err != nil {
			return 0, err
		}
		m := merging{engine: engine, info: info, key: key, version: version, mine: mine, columns: slices.Sorted(maps.Keys(mine))}
		if m.text, err = m.check(ctx, c.queryer); err == nil {
			err = c.transact(ctx, func(ctx context.Context, q chronodriver.Queryer) (err error) {
				merged, err = m.run(ctx, q)
				return err
			})
		}
		// The table may have changed since the client has read the catalog.
		if again && err != nil && (schemaChanged(err) || errors.Is(err, ErrNoColumn)) {
			c.forget(table, info)
			if c.ownsTransactions() {
				continue
			}
		}
		return merged, err
	}
}

// merging is one merge.
type merging struct {
	engine  staler
	info    *tableInfo
	key     Key
	text    string
	version int
	mine    map[string]any
	columns []string
}

func (m *merging) check(ctx context.Context, q chronodriver.Queryer) (text string, err error) {
	if !m.info.tracked || len(m.info.columns) == 0 {
		return "", ErrNotTracked
	}
	known := m.engine.allColumns(m.info)
	for _, name := range m.columns {
		switch {
		case name == m.info.versionColumn:
			return "", fmt.Errorf("%w to write: %s holds the version", ErrNoColumn, name)
		case !slices.Contains(known, name):
			return "", fmt.Errorf("%w: %s", ErrNoColumn, name)
		}
	}
	return m.engine.keyText(ctx, q, m.info, m.key)
}

func (m *merging) run(ctx context.Context, q chronodriver.Queryer) (int, error) {
	if version, ok, err := m.write(ctx, q, m.version, m.columns); ok || err != nil {
		return version, err
	}
	var present int
	sql, err := m.engine.mergeLock(m.info)
	if err != nil {
		return 0, err
	}
	found, err := queryOne(ctx, q, []any{&present}, sql, m.text)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, m.gone(ctx, q)
	}
	if present == m.version && len(m.columns) == 0 {
		return present, nil
	}
	left, err := m.compare(ctx, q, present)
	if err != nil || len(left) == 0 {
		return present, err
	}
	version, ok, err := m.write(ctx, q, present, left)
	if err == nil && !ok {
		// It is locked, so nobody else did it.
		err = errors.New("a trigger kept the row from being written")
	}
	return version, err
}

// write writes columns, if the record is at a version.
func (m *merging) write(ctx context.Context, q chronodriver.Queryer, at int, columns []string) (version int, ok bool, err error) {
	if len(columns) == 0 {
		return 0, false, nil
	}
	sql, err := m.engine.mergeUpdate(m.info, columns)
	if err != nil {
		return 0, false, err
	}
	ok, err = queryOne(ctx, q, []any{&version}, sql, m.args(at, columns)...)
	if err != nil || !ok {
		return version, ok, err
	}
	if sql, err = m.engine.mergedVersion(m.info); err == nil && sql != "" {
		_, err = queryOne(ctx, q, []any{&version}, sql, m.text)
	}
	return version, ok, err
}

func (m *merging) args(version int, columns []string) []any {
	args := []any{m.text, int64(version)}
	for _, name := range columns {
		args = append(args, m.mine[name])
	}
	return args
}

// compare returns the columns that are left to be written.
func (m *merging) compare(ctx context.Context, q chronodriver.Queryer, present int) ([]string, error) {
	sql, err := m.engine.mergeCompare(m.info, m.columns)
	if err != nil {
		return nil, err
	}
	e := &StaleError{Table: m.info.table, Key: m.key, Expected: &m.version, Actual: present}
	var report, wasThen, stayed string
	found, err := queryOne(ctx, q, []any{&report, &wasThen, &stayed}, sql, m.args(m.version, m.columns)...)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("the row is gone although it is locked")
	}
	if err := e.read(&report); err != nil {
		return nil, err
	}
	same, err := places(wasThen)
	if err != nil {
		return nil, err
	}
	unchanged, err := places(stayed)
	if err != nil {
		return nil, err
	}
	for i, name := range m.columns {
		if same[i] {
			continue
		}
		e.Mine = append(e.Mine, name)
		if slices.Contains(e.Since, name) && !unchanged[i] {
			e.Overlap = append(e.Overlap, name)
		}
	}
	if len(e.Mine) > 0 && present != m.version && !e.Mergeable() {
		return nil, e
	}
	return e.Mine, nil
}

// places reads an array of the places of columns; null is none.
func places(text string) (map[int]bool, error) {
	var array []*int
	if err := decodeJSON(text, &array); err != nil {
		return nil, err
	}
	set := map[int]bool{}
	for _, i := range array {
		if i != nil {
			set[*i] = true
		}
	}
	return set, nil
}

// gone says what has happened to a record that is not there.
func (m *merging) gone(ctx context.Context, q chronodriver.Queryer) error {
	stale, err := staleRecords(ctx, q, m.engine, m.info, []KeyVersion{{m.key, m.version}})
	if err != nil {
		return err
	}
	if len(stale) != 1 {
		return errors.New("the record came back meanwhile")
	}
	stale[0].Mine = m.columns
	return stale[0]
}
