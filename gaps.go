package chrononaut

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// gap is a time in which a table was not tracked any more. It ends when
// tracking began again; to is zero when it has not.
type gap struct{ from, to time.Time }

// readGaps reads them from what history says of the table, oldest first:
// [["track", TIME], ["untrack", TIME], …].
func readGaps(events string, readTime func(json.RawMessage) (time.Time, error)) ([]gap, error) {
	var list [][]json.RawMessage
	if err := json.Unmarshal([]byte(events), &list); err != nil {
		return nil, errors.New("read registry: malformed events")
	}
	var gaps []gap
	for _, event := range list {
		const parts = 2
		var operation Operation
		if len(event) != parts || json.Unmarshal(event[0], &operation) != nil {
			return nil, errors.New("read registry: malformed events")
		}
		at, err := readTime(event[1])
		if err != nil {
			return nil, errors.New("read registry: malformed times")
		}
		open := len(gaps) > 0 && gaps[len(gaps)-1].to.IsZero()
		switch {
		case operation == OperationUntrack && !open:
			gaps = append(gaps, gap{from: at})
		case operation == OperationTrack && open:
			gaps[len(gaps)-1].to = at
		}
	}
	return gaps, nil
}

// inGap reports whether nothing was captured at a time, and what was recorded
// last lies before that.
func (i *tableInfo) inGap(recorded, t time.Time) bool {
	return slices.ContainsFunc(i.gaps, func(g gap) bool {
		return recorded.Before(g.from) && !t.Before(g.from) && (g.to.IsZero() || t.Before(g.to))
	})
}

// gapAfter reports whether there was such a time after t.
func (i *tableInfo) gapAfter(t time.Time) bool {
	return slices.ContainsFunc(i.gaps, func(g gap) bool { return g.to.IsZero() || t.Before(g.to) })
}
