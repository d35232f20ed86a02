package chrononaut

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// locking is one call that locks rows.
type locking[T any] struct {
	h      *History[T]
	tx     chronodriver.Queryer
	engine locker
	info   *tableInfo
	opts   LockOpts

	// keys are those of the items, each once, as history has them.
	keys   []Key
	normal []string
	locked map[int]Locked[T]
	// saved says that there is a savepoint.
	saved bool
}

func (l *locking[T]) run(ctx context.Context, of []any) ([]Locked[T], error) {
	if !l.info.tracked || len(l.info.columns) == 0 {
		return nil, ErrNotTracked
	}
	if err := l.name(ctx, of); err != nil || len(l.keys) == 0 {
		return nil, err
	}
	deadline := time.Now().Add(l.opts.Timeout)
	err := l.acquire(ctx, deadline)
	if err == nil {
		err = l.end(ctx)
	}
	if err != nil {
		// What ends a statement at its time also ends one that is canceled.
		timedOut := l.engine.lockTimedOut(err, l.saved && l.opts.Timeout > 0 && time.Until(deadline) <= 0)
		usable := l.saved || !timedOut
		err = l.undo(ctx, err, timedOut)
		if locked := (*LockedError)(nil); usable && errors.As(err, &locked) && len(locked.Keys) == 1 {
			err = l.leased(ctx, locked, err)
		}
		return nil, err
	}
	var result []Locked[T]
	for n := range l.keys {
		if record, ok := l.locked[n]; ok {
			result = append(result, record)
		}
	}
	return result, nil
}

// name finds out which records are meant.
func (l *locking[T]) name(ctx context.Context, of []any) error {
	keys := make([]Key, len(of))
	for i, o := range of {
		key, err := l.h.key(l.info, o)
		if err != nil {
			return err
		}
		keys[i] = key
	}
	if len(keys) == 0 {
		return nil
	}
	normal, err := l.engine.normalizeKeys(ctx, present{l.tx}, l.info, keys)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, text := range normal {
		if seen[text] {
			continue
		}
		seen[text] = true
		l.normal = append(l.normal, text)
		l.keys = append(l.keys, keys[i])
	}
	return nil
}

// acquire locks the rows. What it has locked when it returns an error is for undo.
func (l *locking[T]) acquire(ctx context.Context, deadline time.Time) error {
	l.locked = map[int]Locked[T]{}
	o, all := l.opts, l.missing()
	many := len(all) > 1
	switch {
	case o.SkipLocked:
		if o.Timeout > 0 {
			if err := l.begin(ctx, deadline); err != nil {
				return err
			}
		}
		return l.lock(ctx, all, true)
	case o.NoWait:
		if many || o.Timeout > 0 {
			if err := l.begin(ctx, deadline); err != nil {
				return err
			}
		}
		return l.now(ctx, all)
	}
	const attempts = 10
	for i := 1; ; i++ {
		if o.Timeout > 0 {
			if err := l.begin(ctx, deadline); err != nil {
				return err
			}
		}
		if err := l.lock(ctx, l.missing(), false); err != nil {
			return err
		}
		missing := l.missing()
		if len(missing) == 0 {
			return nil
		}
		// The statement has not seen what was inserted under the key while it waited.
		states, err := l.present(ctx, missing)
		if err != nil {
			return err
		}
		switch {
		case i == attempts || secured(states):
			return &MissingError{l.info.table, l.keysOf(missing), secured(states)}
		case l.saved:
			if err := l.discard(ctx); err != nil {
				return err
			}
		case many:
			// With others locked, to wait would be out of order.
			return l.now(ctx, missing)
		}
	}
}

// now locks rows without waiting.
func (l *locking[T]) now(ctx context.Context, items []int) error {
	const attempts = 3
	for i := 1; ; i++ {
		if err := l.lock(ctx, items, true); err != nil {
			return err
		}
		missing := l.missing()
		if len(missing) == 0 {
			return nil
		}
		states, err := l.present(ctx, missing)
		if err != nil {
			return err
		}
		holders := holdersOf(states)
		switch {
		case len(holders) > 0 || i == attempts && !secured(states):
			return &LockedError{Table: l.info.table, Keys: l.keysOf(missing), Holders: holders}
		case i == attempts:
			return &MissingError{l.info.table, l.keysOf(missing), true}
		}
		// Whoever had it locked has gone.
		items = missing
	}
}

// present returns the states of the rows of items, all of which have one.
func (l *locking[T]) present(ctx context.Context, items []int) (map[int]lockState, error) {
	states, err := l.states(ctx, items)
	if err != nil {
		return nil, err
	}
	var absent []int
	for _, n := range items {
		if _, ok := states[n]; !ok {
			absent = append(absent, n)
		}
	}
	if len(absent) > 0 {
		return nil, &MissingError{l.info.table, l.keysOf(absent), false}
	}
	return states, nil
}

// lock locks the rows of items that can be had.
func (l *locking[T]) lock(ctx context.Context, items []int, skip bool) (err error) {
	o := l.opts
	o.SkipLocked = skip
	sql, err := l.engine.lockRows(l.info, o)
	if err != nil {
		return err
	}
	rows, err := l.tx.Query(ctx, sql, l.items(items))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns := l.engine.lockColumns(l.info)
	for rows.Next() {
		n, record, err := l.scan(ctx, rows, columns)
		if err != nil {
			return err
		}
		l.locked[n] = record
	}
	return rows.Err()
}

func (l *locking[T]) scan(ctx context.Context, rows chronodriver.Rows, columns []string) (int, Locked[T], error) {
	var record Locked[T]
	var fields []any
	var finish func() error
	var err error
	if l.h.onlyChanges {
		for range columns {
			fields = append(fields, new(any))
		}
	} else if fields, finish, err = l.h.bind(ctx, &record.Record, columns); err != nil {
		return 0, record, err
	}
	var n int64
	var stamp *string
	var version *int64
	dest := []any{&n, &stamp, &version}
	first := len(dest)
	for _, d := range fields {
		dest = append(dest, nullable(d))
	}
	if err := rows.Scan(dest...); err != nil {
		known := *l.info
		known.columns = columns
		return 0, record, scanError(&known, first, err)
	}
	if stamp == nil || *stamp != l.info.stamp {
		return 0, record, errStale
	}
	for i, d := range fields {
		resolveNull(d, dest[first+i])
	}
	if finish != nil {
		if err := finish(); err != nil {
			return 0, record, err
		}
	}
	if version != nil {
		record.Version = int(*version)
	}
	record.Key = l.keys[n]
	return int(n), record, nil
}

func (l *locking[T]) items(of []int) string {
	args := make([]restoreArg, len(of))
	for i, n := range of {
		args[i] = restoreArg{N: n, Key: l.normal[n]}
	}
	return encodeArgs(args)
}

// missing are the items that are not locked.
func (l *locking[T]) missing() []int {
	var missing []int
	for n := range l.keys {
		if _, ok := l.locked[n]; !ok {
			missing = append(missing, n)
		}
	}
	return missing
}

func (l *locking[T]) keysOf(items []int) []Key {
	keys := make([]Key, len(items))
	for i, n := range items {
		keys[i] = l.keys[n]
	}
	return keys
}

func (l *locking[T]) states(ctx context.Context, items []int) (map[int]lockState, error) {
	return l.engine.lockStates(ctx, present{l.tx}, l.info, l.items(items), l.opts)
}

func secured(states map[int]lockState) bool {
	for _, s := range states {
		if s.secured {
			return true
		}
	}
	return false
}

// holdersOf lists who has the rows, each once.
func holdersOf(states map[int]lockState) []LockHolder {
	var holders []LockHolder
	for _, s := range states {
		for _, h := range s.holders {
			if !slices.Contains(holders, h) {
				holders = append(holders, h)
			}
		}
	}
	slices.SortFunc(holders, func(a, b LockHolder) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.PID, b.PID)) })
	return holders
}

// begin makes the savepoint, whose statements have until the deadline.
func (l *locking[T]) begin(ctx context.Context, deadline time.Time) error {
	left := time.Duration(0)
	if l.opts.Timeout > 0 {
		left = max(time.Until(deadline), time.Millisecond)
	}
	sql, err := l.engine.lockBegin(left)
	if err == nil {
		_, err = l.tx.Exec(ctx, sql)
	}
	l.saved = err == nil
	return err
}

// end keeps what was locked.
func (l *locking[T]) end(ctx context.Context) error {
	if !l.saved {
		return nil
	}
	sql, err := l.engine.lockEnd()
	if err == nil {
		_, err = l.tx.Exec(ctx, sql)
	}
	return err
}

// discard lets go of what was locked since the savepoint.
func (l *locking[T]) discard(ctx context.Context) error {
	sql, err := l.engine.lockUndo(false)
	if err == nil {
		_, err = l.tx.Exec(ctx, sql)
	}
	l.saved, l.locked = false, map[int]Locked[T]{}
	return err
}

// undo goes back to the savepoint after an error, and returns what it means.
func (l *locking[T]) undo(ctx context.Context, failed error, timedOut bool) error {
	if !l.saved {
		if timedOut {
			return &LockedError{Table: l.info.table, cause: failed}
		}
		return failed
	}
	if !timedOut {
		return errors.Join(failed, l.discard(ctx))
	}
	sql, err := l.engine.lockUndo(true)
	if err == nil {
		_, err = l.tx.Exec(ctx, sql)
	}
	if err != nil {
		return errors.Join(failed, err)
	}
	l.locked = map[int]Locked[T]{}
	locked := &LockedError{Table: l.info.table, cause: failed}
	all := l.missing()
	states, err := l.states(ctx, all)
	for _, n := range all {
		if len(states[n].holders) > 0 {
			locked.Keys = append(locked.Keys, l.keys[n])
		}
	}
	locked.Holders = holdersOf(states)
	if discarded := l.discard(ctx); discarded != nil {
		return errors.Join(locked, fmt.Errorf("go back to the savepoint: %w", discarded))
	}
	if l.engine.lockTimedOut(err, false) || err == nil && len(locked.Holders) == 0 {
		// It may be the table itself that is locked.
		locked.Holders, err = l.engine.lockTable(ctx, present{l.tx}, l.info, false)
	}
	if err != nil {
		return errors.Join(locked, err)
	}
	return locked
}

// leased adds the lease of the record that is locked. Who may lock rows need not be
// allowed to read leases.
func (l *locking[T]) leased(ctx context.Context, locked *LockedError, err error) error {
	engine, ok := l.engine.(leaser)
	if !ok {
		return err
	}
	n := slices.IndexFunc(l.keys, func(k Key) bool { return reflect.DeepEqual(k, locked.Keys[0]) })
	if begun := l.begin(ctx, time.Now().Add(l.opts.Timeout)); begun != nil {
		return errors.Join(err, begun)
	}
	if found, unknown := engine.leases(ctx, present{l.tx}, leaseFilter{LeasesOpts: LeasesOpts{Table: l.info.table}, key: l.normal[n]}); unknown == nil && len(found) == 1 {
		locked.Lease = &found[0]
	}
	return errors.Join(err, l.discard(ctx))
}
