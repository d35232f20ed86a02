package chrononaut

import (
	"context"
	"errors"
	"time"
)

// DiffVersions compares two versions of a record. After a version that is a
// deletion there is no state: every column is gone up to it, and new from it
// on. Hidden columns that changed after the first and up to the second are
// listed without their values.
//
// Errors: [ErrNotFound] when there is no such version, [ErrOrder] when from is
// the greater one. Costs two round trips.
func (h *History[T]) DiffVersions(ctx context.Context, of any, from, to int) (Diff, error) {
	if from > to {
		return nil, h.wrap("diff", ErrOrder)
	}
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	start, err := h.version(ctx, info, key, from)
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	return h.diffUpTo(ctx, info, key, start, to)
}

// DiffBetween compares the states of a record at two times. A zero to means
// now. A record that did not exist at the first has every column new; one that
// was deleted by the second has every column gone, and one that existed at
// neither has no differences. Hidden columns that changed in between are listed
// without their values.
//
// Errors: [ErrOrder] when from lies after to, [ErrNotRecorded]. Costs three
// round trips, one more when the key was changed by the second.
func (h *History[T]) DiffBetween(ctx context.Context, of any, from, to time.Time) (Diff, error) {
	if to.IsZero() {
		to = endOfTime
	}
	if from.After(to) {
		return nil, h.wrap("diff", ErrOrder)
	}
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	start, _, err := h.stateAt(ctx, info, key, from)
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	end, last, err := h.stateAt(ctx, info, key, to)
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	if start == nil && end == nil {
		return Diff{}, nil
	}
	if last == nil {
		// It has gone on under another key. The key may be another record's by now.
		departed, err := h.first(ctx, info, key, func(info *tableInfo) (string, []any, error) {
			return h.client.reader.last(info, key, timelineFilter{before: &to})
		})
		if err != nil {
			return nil, h.wrap("diff", err)
		}
		if departed != nil {
			last = &departed.Version
		}
	}
	after := from.Truncate(time.Microsecond).Add(time.Microsecond)
	hidden, err := h.hiddenChanges(ctx, key, timelineFilter{after: &after, before: &to, lifeUpTo: last})
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	return compareData(start, end, info.versionColumns()).addHidden(hidden), nil
}

// endOfTime is later than everything that was recorded.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// stateAt is the data at a time, and the version of the change that made it; nil
// when the record did not exist. Of a deleted record there is the version alone.
func (h *History[T]) stateAt(ctx context.Context, info *tableInfo, key string, t time.Time) (Data, *int, error) {
	s, err := h.at(ctx, info, key, t)
	var deleted *DeletedError
	switch {
	case errors.As(err, &deleted):
		return nil, &deleted.Last.Version, nil
	case errors.Is(err, ErrNotFound):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return s.Data, &s.Version, nil
}

func (h *History[T]) diffUpTo(ctx context.Context, info *tableInfo, key string, start *Snapshot[T], to int) (Diff, error) {
	end, err := h.version(ctx, info, key, to)
	if err != nil {
		return nil, h.wrap("diff", err)
	}
	diff := compareData(start.after(), end.after(), info.versionColumns())
	if start.Version < to {
		next := start.Version + 1
		hidden, err := h.hiddenChanges(ctx, key, timelineFilter{fromVersion: &next, toVersion: &to})
		if err != nil {
			return nil, h.wrap("diff", err)
		}
		diff = diff.addHidden(hidden)
	}
	return diff, nil
}

// hiddenChanges collects the hidden columns that changed in a part of a
// timeline.
func (h *History[T]) hiddenChanges(ctx context.Context, key string, f timelineFilter) (names []string, err error) {
	// What is known by now, after the states were read.
	info, err := h.client.table(ctx, h.table)
	if err != nil || len(info.hidden) == 0 {
		return nil, err
	}
	f.hidden = true
	h.stream(ctx, info, key, h.timeline(key, f), func(s Snapshot[T], failed error) bool {
		err = failed
		names = append(names, s.HiddenChanged...)
		return err == nil
	})
	return names, err
}
