package chrononaut

import (
	"context"
	"fmt"
	"time"
)

// At returns the state of a record at a time, which counts as inclusive: of
// the record that had the key then, else of the one that has it later. Where
// the first thing that was recorded of it is a baseline, that is its state from
// the time on when tracking began.
//
// Errors: [ErrNotRecorded] when the time lies before the record's first
// recorded state and before tracking began, or in a time in which the table was
// not tracked any more and nothing was recorded yet, or when the record exists
// and has no recorded state; [ErrNotFound] when it did not exist then, as
// [*DeletedError] when it was deleted. Costs one round trip, one to three more
// when nothing was recorded by then.
func (h *History[T]) At(ctx context.Context, of any, t time.Time) (*Snapshot[T], error) {
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("read past state", err)
	}
	s, err := h.at(ctx, info, key, t)
	if err != nil {
		return nil, h.wrap("read past state", err)
	}
	return s, nil
}

func (h *History[T]) at(ctx context.Context, info *tableInfo, key string, t time.Time) (*Snapshot[T], error) {
	s, err := h.first(ctx, info, key, func(info *tableInfo) (string, []any, error) {
		return h.client.reader.last(info, key, timelineFilter{before: &t})
	})
	if err != nil {
		return nil, err
	}
	if s == nil {
		// The record may have had another key then.
		s, err = h.first(ctx, info, key, h.timeline(key, timelineFilter{before: &t, newestFirst: true, limit: 1}))
		if err != nil {
			return nil, err
		}
	}
	switch {
	case s == nil && info.inGap(time.Time{}, t), s != nil && s.info.inGap(s.Changed, t):
		return nil, ErrNotRecorded
	case s != nil:
		return s, h.alive(key, s)
	}
	// Nothing is recorded up to t. The record's first change says why.
	s, err = h.first(ctx, info, key, h.timeline(key, timelineFilter{limit: 1}))
	switch {
	case err != nil:
		return nil, err
	case t.Before(info.since):
		return nil, ErrNotRecorded
	case s != nil && s.Operation == OperationBaseline:
		return s, nil
	case s != nil:
		return nil, ErrNotFound
	}
	// It has no history at all: it may exist all the same, unchanged since
	// before tracking began.
	if len(info.columns) == 0 {
		return nil, ErrNotFound
	}
	sql, args, err := h.client.reader.exists(info, key)
	if err != nil {
		return nil, err
	}
	var exists bool
	if _, err := queryOne(ctx, h.client.queryer, []any{&exists}, sql, args...); err != nil {
		return nil, err
	}
	if exists {
		return nil, ErrNotRecorded
	}
	return nil, ErrNotFound
}

// alive tells a state from the end of one.
func (h *History[T]) alive(key string, s *Snapshot[T]) error {
	if s.Operation.Gone() {
		return &DeletedError{Last: s.Change}
	}
	if s.PreviousKey != nil {
		previous, err := s.PreviousKey.JSON()
		if err != nil {
			return err
		}
		now, err := s.Key.JSON()
		if err != nil {
			return err
		}
		if equalJSON([]byte(previous), []byte(key)) && !equalJSON([]byte(now), []byte(key)) {
			// The record has gone on under another primary key.
			return ErrNotFound
		}
	}
	return nil
}

// Version returns the snapshot with a version. Errors: [ErrNotFound] when the
// record has no such version. Costs one round trip.
func (h *History[T]) Version(ctx context.Context, of any, version int) (*Snapshot[T], error) {
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("read version", err)
	}
	s, err := h.version(ctx, info, key, version)
	if err != nil {
		return nil, h.wrap("read version", err)
	}
	return s, nil
}

func (h *History[T]) version(ctx context.Context, info *tableInfo, key string, version int) (*Snapshot[T], error) {
	s, err := h.first(ctx, info, key, h.timeline(key, timelineFilter{fromVersion: &version, toVersion: &version, newestFirst: true, limit: 1}))
	if err == nil && s == nil {
		err = fmt.Errorf("version %d: %w", version, ErrNotFound)
	}
	return s, err
}

// Previous returns the snapshot before a record's version: the record's own
// when a T is given that has its version, else the newest one in history.
// Errors: [ErrNotFound] when there is none. Costs one or two round trips.
func (h *History[T]) Previous(ctx context.Context, of any) (*Snapshot[T], error) {
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("read previous version", err)
	}
	version, known := h.versionIn(of, info)
	if !known {
		newest, err := h.first(ctx, info, key, h.timeline(key, timelineFilter{newestFirst: true, limit: 1}))
		if err != nil {
			return nil, h.wrap("read previous version", err)
		}
		if newest == nil {
			return nil, h.wrap("read previous version", ErrNotFound)
		}
		version = newest.Version
	}
	before := version - 1
	s, err := h.first(ctx, info, key, h.timeline(key, timelineFilter{toVersion: &before, newestFirst: true, limit: 1}))
	if err == nil && s == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, h.wrap("read previous version", err)
	}
	return s, nil
}

func (h *History[T]) versionIn(of any, info *tableInfo) (int, bool) {
	switch record := of.(type) {
	case *T:
		return h.versionOf(record, info.versionColumn)
	case T:
		return h.versionOf(&record, info.versionColumn)
	}
	return 0, false
}

// ChangedSince reports whether anything was recorded of a record after a time,
// also when the changes cancel each other, or it was deleted, or goes on under
// another key. A record without history has not changed since. Errors:
// [ErrNotRecorded] when nothing was recorded after it and the table was not
// tracked all the time since. Costs one round trip.
func (h *History[T]) ChangedSince(ctx context.Context, of any, t time.Time) (bool, error) {
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return false, h.wrap("compare with the past", err)
	}
	after := t.Truncate(time.Microsecond).Add(time.Microsecond)
	s, err := h.first(ctx, info, key, func(info *tableInfo) (string, []any, error) {
		return h.client.reader.last(info, key, timelineFilter{after: &after})
	})
	if err != nil {
		return false, h.wrap("compare with the past", err)
	}
	// A baseline records a state that was there before, unless it found that the
	// record had changed while nothing captured it.
	if s != nil && (s.Operation != OperationBaseline || s.Version > 0) {
		return true, nil
	}
	if t.Before(info.since) || info.gapAfter(t) {
		return false, h.wrap("compare with the past", ErrNotRecorded)
	}
	return false, nil
}
