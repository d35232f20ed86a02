package chrononaut

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ColumnDiff is what became of one column. From is nil when the earlier state
// has no such column, To when the later one has none; a NULL is the JSON null.
type ColumnDiff struct {
	Column string
	From   json.RawMessage
	To     json.RawMessage
	// Hidden columns are listed when they changed; From and To stay nil.
	Hidden bool
}

// Diff lists the columns that differ between two states, by name.
type Diff []ColumnDiff

// Column returns the difference of one column.
func (d Diff) Column(name string) (ColumnDiff, bool) {
	i := slices.IndexFunc(d, func(c ColumnDiff) bool { return c.Column == name })
	if i < 0 {
		return ColumnDiff{}, false
	}
	return d[i], true
}

// compareData compares two states. The version is no column of the record.
func compareData(from, to Data, without []string) Diff {
	names := map[string]bool{}
	for name := range from {
		names[name] = true
	}
	for name := range to {
		names[name] = true
	}
	diff := Diff{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if slices.Contains(without, name) || equalJSON(from[name], to[name]) {
			continue
		}
		diff = append(diff, ColumnDiff{Column: name, From: from[name], To: to[name]})
	}
	return diff
}

// addHidden adds hidden columns that changed, keeping the order.
func (d Diff) addHidden(names []string) Diff {
	for _, name := range names {
		if _, ok := d.Column(name); !ok {
			d = append(d, ColumnDiff{Column: name, Hidden: true})
		}
	}
	slices.SortFunc(d, func(a, b ColumnDiff) int { return bytes.Compare([]byte(a.Column), []byte(b.Column)) })
	return d
}

// Diff tells what a change of the log did to the columns: how the state after it
// differs from the one before it, which [ActivityOpts.WithBefore] reads. An
// insertion made every column new, a deletion took every one away. Hidden
// columns that it set are listed without their values. Costs one round trip for
// the first change of a table.
func (c *Client) Diff(ctx context.Context, change *Change) (Diff, error) {
	without := []string{"version"}
	info, err := c.table(ctx, change.Table)
	switch {
	case err == nil:
		without = info.versionColumns()
	case !errors.Is(err, ErrNotTracked):
		return nil, fmt.Errorf("diff: %w", WrapError(err))
	}
	before := change.Before
	if before == nil && change.Operation.Gone() {
		before = change.Data
	}
	return compareData(before, change.after(), without).addHidden(change.HiddenChanged), nil
}

// after is the state after the change; nil when the change ended the record,
// whose last state Data is then.
func (c *Change) after() Data {
	if c.Operation.Gone() {
		return nil
	}
	return c.Data
}

// Diff compares two snapshots of one record, the earlier first. A nil from
// means that there was nothing before: every column is new. After a deletion
// there is nothing either: every column is gone. What happened to
// hidden columns in between is not known from two snapshots; [History.DiffVersions]
// and [History.DiffBetween] report it. Costs no round trip.
//
// Errors: [ErrOrder] when from is the later one, [ErrDifferentRecords],
// [ErrNotFound] when to is nil or was not read.
func (h *History[T]) Diff(from, to *Snapshot[T]) (Diff, error) {
	if to == nil || to.info == nil {
		return nil, fmt.Errorf("diff: there is no later state: %w", ErrNotFound)
	}
	without := to.info.versionColumns()
	if from == nil {
		return compareData(nil, to.after(), without), nil
	}
	if from.Table != to.Table {
		return nil, fmt.Errorf("diff: %w", ErrDifferentRecords)
	}
	if from.Version > to.Version {
		return nil, fmt.Errorf("diff: %w", ErrOrder)
	}
	fromKey, err := from.Key.JSON()
	if err != nil {
		return nil, err
	}
	toKey, err := to.Key.JSON()
	if err != nil {
		return nil, err
	}
	// After a change of the primary key the keys differ rightly.
	if !equalJSON([]byte(fromKey), []byte(toKey)) && !equalJSON([]byte(from.record), []byte(to.record)) {
		return nil, fmt.Errorf("diff: %w", ErrDifferentRecords)
	}
	return compareData(from.after(), to.after(), without), nil
}
