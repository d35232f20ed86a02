package chrononaut

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// DiffKind is what became of a record between two times.
type DiffKind string

// The kinds of differences.
const (
	// DiffInserted records did not exist at the earlier time.
	DiffInserted DiffKind = "inserted"
	// DiffDeleted records do not exist at the later time.
	DiffDeleted DiffKind = "deleted"
	// DiffChanged records existed at both times, with other values or another key.
	DiffChanged DiffKind = "changed"
	// DiffNotRecorded records have changes in between, and history cannot say
	// what they were at the earlier time, or whether they existed: see
	// [ErrNotRecorded].
	DiffNotRecorded DiffKind = "not_recorded"
)

// RecordDiff is what became of one record of a table.
type RecordDiff struct {
	Kind DiffKind
	// Key is the key at the later time; of a deleted record its last one.
	Key Key
	// PreviousKey is the key at the earlier time, where it is another one.
	PreviousKey Key
	// From is the change that made the earlier state, To the one that made the
	// later one. From is nil where there was no state or it is not recorded; To
	// of a deleted record is the deletion.
	From, To *Change
	// Columns are the differences, as [History.DiffBetween] lists them. Where the
	// earlier state is not recorded, every column is new.
	Columns Diff
}

// DiffAllOpts narrow [History.DiffAll].
type DiffAllOpts struct {
	// Keys are the records, given as to the other methods: only these, in this
	// order. Defaults to all records of the table. A key that was given up for
	// another one stands for the record that went on under that.
	Keys []any
}

// DiffAll compares the states of a table at two times: it yields the records that
// were inserted, deleted or changed, in the order of their last changes up to
// the later time. A zero to means now. Changes that cancel each other are no
// difference, and neither is a record that was inserted and deleted again.
//
// Records are told apart by their keys: at either end a key occurs once. A record
// whose key changed is one difference, with its PreviousKey, unless its old key
// has another record at the later time, or its new key had one at the earlier:
// then the two keys are compared each by itself.
//
// It reads in pages of 500 changes and holds one of them in memory; nothing is
// open between pages or while the loop runs. All pages see one state of the
// database when the client is that of a transaction of the isolation level
// REPEATABLE READ. Changes that become visible meanwhile can be missed, not those
// that lie outside the times.
//
// Errors: [ErrOrder] when from lies after to; [ErrNotRecorded] when the table was
// not tracked at the later time; [errors.ErrUnsupported], without Keys, when rows of
// Python chrononaut that have another form are declared as the table's. After an error, which comes with a zero
// difference, the sequence ends. Costs one round trip, one for each page, and
// a few for each record whose key changed; with Keys up to six for each key.
func (h *History[T]) DiffAll(ctx context.Context, from, to time.Time, opts *DiffAllOpts) iter.Seq2[RecordDiff, error] {
	return func(yield func(RecordDiff, error) bool) {
		fail := func(err error) { yield(RecordDiff{}, h.wrap("diff", contextError(ctx, err))) }
		if to.IsZero() {
			to = endOfTime
		}
		if from.After(to) {
			fail(ErrOrder)
			return
		}
		info, err := h.client.table(ctx, h.table)
		if err != nil {
			fail(err)
			return
		}
		d := &tableDiffer{history: NewHistory[struct{}](h.client, h.table, nil), info: info, from: from, to: to}
		if err := d.begin(ctx); err != nil {
			fail(err)
			return
		}
		if opts == nil || opts.Keys == nil {
			if err := d.all(ctx, func(r *RecordDiff) bool { return yield(*r, nil) }); err != nil {
				fail(err)
			}
			return
		}
		for _, of := range opts.Keys {
			_, key, err := h.resolve(ctx, of)
			var found *RecordDiff
			if err == nil {
				found, err = d.asked(ctx, key)
			}
			if err != nil {
				fail(err)
				return
			}
			if found != nil && !yield(*found, nil) {
				return
			}
		}
	}
}

// tableDiffer compares a table at two times.
type tableDiffer struct {
	history  *History[struct{}]
	info     *tableInfo
	from, to time.Time
	// firstID and lastID are the ids of the table's changes between the times.
	firstID, lastID int64
}

// ends are what is known of one key: its last change up to the later time, and
// up to the earlier one.
type ends struct {
	key    string // as history has it
	last   *Change
	before *Change // nil: nothing, or a baseline that is later
	// arrived and departed tell whether records ever took the key, or gave it up,
	// by a change of their own keys.
	arrived, departed bool
	// hidden are the hidden columns that changed.
	hidden []string
}

// asked compares one key, or the record that it belonged to.
func (d *tableDiffer) asked(ctx context.Context, key string) (*RecordDiff, error) {
	e, err := d.read(ctx, key)
	if err != nil || e == nil {
		return nil, err
	}
	moved, err := d.destination(ctx, e)
	if err != nil {
		return nil, err
	}
	if moved != nil {
		e = moved
	}
	return d.compare(ctx, e)
}

// compare tells what became of a key; nil when nothing did, or when its record
// goes on under another key and is told there.
func (d *tableDiffer) compare(ctx context.Context, e *ends) (*RecordDiff, error) {
	after := d.present(e, e.last)
	before := d.present(e, e.before)
	known := d.knows(e.before)
	r := &RecordDiff{Key: e.last.Key, To: e.last}
	hidden := e.hidden
	if before == nil && e.arrived {
		origin, err := d.origin(ctx, e)
		if err != nil {
			return nil, err
		}
		if origin != nil {
			before, known, r.PreviousKey = origin, d.knows(origin), origin.Key
			if hidden, err = d.hiddenOf(ctx, e); err != nil {
				return nil, err
			}
		}
	}
	if before != nil && after == nil && e.departed {
		moved, err := d.destination(ctx, e)
		if err != nil || moved != nil {
			return nil, err
		}
	}
	switch {
	case !known && !keyIs(e.last.Key, e.key):
		return nil, nil // Told under the key that the record has now.
	case !known:
		r.Kind, before = DiffNotRecorded, nil
	case before == nil && after == nil:
		return nil, nil
	case before == nil:
		r.Kind = DiffInserted
	case after == nil:
		r.Kind = DiffDeleted
	default:
		r.Kind = DiffChanged
	}
	r.From = before
	if r.Kind == DiffDeleted && r.PreviousKey == nil {
		// The change that took the key away may be of another one.
		r.Key = before.Key
	}
	r.Columns = compareData(dataOf(before), dataOf(after), d.info.versionColumns()).addHidden(hidden)
	if r.Kind == DiffChanged && len(r.Columns) == 0 && r.PreviousKey == nil {
		return nil, nil
	}
	return r, nil
}

func dataOf(c *Change) Data {
	if c == nil {
		return nil
	}
	return c.Data
}

// present is the change when the key's record existed after it.
func (d *tableDiffer) present(e *ends, c *Change) *Change {
	if c == nil || c.Operation.Gone() || !keyIs(c.Key, e.key) {
		return nil
	}
	return c
}

// knows reports whether history knows the state at the earlier time, when a
// change is the last one of its record by then, or a baseline later.
func (d *tableDiffer) knows(before *Change) bool {
	switch {
	case before == nil, before.Changed.After(d.from):
		return !d.from.Before(d.info.since) && !d.info.inGap(time.Time{}, d.from)
	}
	return !d.info.inGap(before.Changed, d.from)
}

// origin is the last change, up to the earlier time, of a record that has taken
// the key since and had another one then; nil when there is none, or when its
// key has another record at the later time.
func (d *tableDiffer) origin(ctx context.Context, e *ends) (*Change, error) {
	if !keyIs(e.last.Key, e.key) {
		return nil, nil
	}
	s, err := d.first(ctx, e.key, timelineFilter{before: &d.from, newestFirst: true, limit: 1, lifeUpTo: &e.last.Version})
	if err != nil {
		return nil, err
	}
	if s == nil {
		// What a baseline found was there before it.
		s, err = d.first(ctx, e.key, timelineFilter{limit: 1, lifeUpTo: &e.last.Version})
		if err != nil || s == nil || s.Operation != OperationBaseline {
			return nil, err
		}
	}
	if s.Operation.Gone() || keyIs(s.Key, e.key) {
		return nil, nil
	}
	key, err := d.text(ctx, s.Key)
	if err != nil {
		return nil, err
	}
	now, err := d.last(ctx, key, d.to)
	if err != nil {
		return nil, err
	}
	if now != nil && !now.Operation.Gone() && keyIs(now.Key, key) {
		return nil, nil
	}
	return s, nil
}

// destination is the key under which the record that had a key at the earlier
// time went on; nil when it did not, or is not taken for one difference.
func (d *tableDiffer) destination(ctx context.Context, e *ends) (*ends, error) {
	if d.present(e, e.before) == nil || d.present(e, e.last) != nil {
		return nil, nil
	}
	key, id := e.key, e.before.ID
	const longest = 1000 // changes of one record's key, so that a defect cannot make it endless
	for range longest {
		left, err := d.one(ctx, func(info *tableInfo) (string, []any, error) {
			return d.history.client.reader.departure(info, key, id, d.to)
		}, key)
		if err != nil {
			return nil, err
		}
		if left == nil {
			break
		}
		if key, err = d.text(ctx, left.Key); err != nil {
			return nil, err
		}
		id = left.ID
	}
	if key == e.key {
		return nil, nil
	}
	moved, err := d.read(ctx, key)
	if err != nil || moved == nil || d.present(moved, moved.before) != nil {
		return nil, err
	}
	origin, err := d.origin(ctx, moved)
	if err != nil || origin == nil || !keyIs(origin.Key, e.key) {
		return nil, err
	}
	return moved, nil
}

// read reads the ends of a key one by one; nil when it has no history up to the
// later time.
func (d *tableDiffer) read(ctx context.Context, key string) (*ends, error) {
	e := &ends{key: key, arrived: true, departed: true}
	var err error
	if e.last, err = d.last(ctx, key, d.to); err != nil || e.last == nil {
		return nil, err
	}
	if e.before, err = d.last(ctx, key, d.from); err != nil {
		return nil, err
	}
	if e.before == nil {
		first, err := d.first(ctx, key, timelineFilter{limit: 1, lifeUpTo: &e.last.Version})
		if err != nil {
			return nil, err
		}
		if first != nil && first.Operation == OperationBaseline && keyIs(first.Key, key) {
			e.before = first
		}
	}
	e.hidden, err = d.hiddenOf(ctx, e)
	return e, err
}

// hiddenOf are the hidden columns that changed in the life of a key's record.
func (d *tableDiffer) hiddenOf(ctx context.Context, e *ends) ([]string, error) {
	after := d.from.Truncate(time.Microsecond).Add(time.Microsecond)
	return d.history.hiddenChanges(ctx, e.key, timelineFilter{after: &after, before: &d.to, lifeUpTo: &e.last.Version})
}

func (d *tableDiffer) last(ctx context.Context, key string, until time.Time) (*Change, error) {
	return d.one(ctx, func(info *tableInfo) (string, []any, error) {
		return d.history.client.reader.last(info, key, timelineFilter{before: &until})
	}, key)
}

func (d *tableDiffer) first(ctx context.Context, key string, f timelineFilter) (*Change, error) {
	return d.one(ctx, d.history.timeline(key, f), key)
}

func (d *tableDiffer) one(ctx context.Context, q query, key string) (*Change, error) {
	s, err := d.history.first(ctx, d.info, key, q)
	if err != nil || s == nil {
		return nil, err
	}
	return &s.Change, nil
}

// text is a key as history has it.
func (d *tableDiffer) text(ctx context.Context, key Key) (string, error) {
	if d.info.sqlite == nil {
		return key.JSON() // PostgreSQL compares values, not texts.
	}
	text, err := d.history.client.reader.normalizeKey(ctx, d.history.client.queryer, d.info, key)
	if err != nil {
		return "", fmt.Errorf("read a key: %w", err)
	}
	return text, nil
}

// keyIs compares a key with one as history has it.
func keyIs(key Key, text string) bool {
	encoded, err := key.JSON()
	return err == nil && equalJSON([]byte(encoded), []byte(text))
}
