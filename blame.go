package chrononaut

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ColumnBlame says where the value of a column comes from.
type ColumnBlame struct {
	Column string
	// Value is the value as JSON; nil for a hidden column.
	Value json.RawMessage
	// Since is the change that gave the column its value, with who made it, when
	// and why. A baseline of version 0 found it there: it is older. For a hidden
	// column it is the last change that set it, nil when history knows of none.
	Since *Change
	// Hidden columns are listed without their values.
	Hidden bool
}

// Blame says of each column of a record where its value comes from.
type Blame struct {
	// State is the last change of the record, which made the state that the
	// columns are of.
	State Change
	// Columns are in the order of their names. The version is none of them, and
	// neither are untracked columns.
	Columns []ColumnBlame
}

// Column returns what is known of one column.
func (b *Blame) Column(name string) (ColumnBlame, bool) {
	i := slices.IndexFunc(b.Columns, func(c ColumnBlame) bool { return c.Column == name })
	if i < 0 {
		return ColumnBlame{}, false
	}
	return b.Columns[i], true
}

// BlameOpts say of which state.
type BlameOpts struct {
	// At is the time of the state. Defaults to now.
	At time.Time
	// Version is the version of the state; At must be zero then. Defaults to the
	// one at that time.
	Version *int
}

// Blame says of each column of a record since when it has its value, by whose
// change and why. A value that was changed and changed back has it since it was
// changed back. A record that was deleted and inserted again has its values
// since the insertion. A nil opts means now.
//
// Errors: as those of [History.At], [*DeletedError] for one that was deleted,
// and of [History.Version].
//
// It reads the record's versions backwards until every column is explained, at
// most to the insertion, with a few changes in memory: as many as there are
// columns. Costs the round trips of At or Version, and one for the last 16
// versions, one for the 64 before those, and so on, four times as many each.
func (h *History[T]) Blame(ctx context.Context, of any, opts *BlameOpts) (*Blame, error) {
	o := BlameOpts{}
	if opts != nil {
		o = *opts
	}
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("blame", err)
	}
	// Values are of interest as history has them.
	changes := NewHistory[struct{}](h.client, h.table, nil)
	var s *Snapshot[struct{}]
	if o.Version != nil {
		s, err = changes.version(ctx, info, key, *o.Version)
		if err == nil && s.Operation.Gone() {
			err = &DeletedError{Last: s.Change}
		}
	} else {
		if o.At.IsZero() {
			o.At = endOfTime
		}
		s, err = changes.at(ctx, info, key, o.At)
	}
	if err != nil {
		return nil, h.wrap("blame", err)
	}
	walk := newBlameWalk(s)
	if err := walk.run(ctx, changes, key); err != nil {
		return nil, h.wrap("blame", err)
	}
	return walk.result(), nil
}

// blameWalk goes back through the versions of a record.
type blameWalk struct {
	state *Snapshot[struct{}]
	// open are the columns whose value has been there in all changes so far,
	// and the earliest of them.
	open map[string]bool
	last *Change
	// hidden are the hidden columns of which no change was found so far.
	hidden map[string]bool
	since  map[string]*Change
}

func newBlameWalk(s *Snapshot[struct{}]) *blameWalk {
	w := &blameWalk{state: s, open: map[string]bool{}, hidden: map[string]bool{}, since: map[string]*Change{}}
	versions := s.info.versionColumns()
	for name := range s.Data {
		if !slices.Contains(versions, name) {
			w.open[name] = true
		}
	}
	for _, name := range s.info.hidden {
		w.hidden[name] = true
	}
	return w
}

func (w *blameWalk) run(ctx context.Context, h *History[struct{}], key string) error {
	asked, err := w.state.Key.JSON()
	if err != nil {
		return err
	}
	f := timelineFilter{toVersion: &w.state.Version, newestFirst: true}
	if equalJSON([]byte(asked), []byte(key)) {
		// The record that had the key then, not the one that has it now. Where it
		// had another key then, it is the one that has the key now.
		f.lifeUpTo = &w.state.Version
	}
	const firstPage, growth = 16, 4
	for page, more := firstPage, true; more && len(w.open)+len(w.hidden) > 0; page *= growth {
		// What has no operation may share its version with others: the page begins
		// with the version that the last one ended with.
		f.limit = page
		seen := 0
		more = false
		h.stream(ctx, w.state.info, key, h.timeline(key, f), func(s Snapshot[struct{}], failed error) bool {
			if failed != nil {
				err = failed
				return false
			}
			seen++
			more = w.visit(&s.Change)
			return more
		})
		if err != nil {
			return err
		}
		if seen < page {
			break
		}
		f.toVersion = &w.last.Version
	}
	for name := range w.open {
		w.since[name] = w.last
	}
	return nil
}

// visit looks at the next earlier change. It reports whether to go on.
func (w *blameWalk) visit(c *Change) bool {
	if w.last != nil && (c.Version > w.last.Version || c.Version == w.last.Version && c.ID >= w.last.ID) {
		return true // Seen on the page before.
	}
	if c.Operation.Gone() {
		return false // What came after it is another life.
	}
	for name := range w.open {
		if value, ok := c.Data[name]; !ok || !equalJSON(value, w.state.Data[name]) {
			w.since[name] = w.last
			delete(w.open, name)
		}
	}
	for _, name := range c.HiddenChanged {
		if w.hidden[name] {
			w.since[name] = c
			delete(w.hidden, name)
		}
	}
	w.last = c
	return !c.Began() && len(w.open)+len(w.hidden) > 0
}

func (w *blameWalk) result() *Blame {
	b := &Blame{State: w.state.Change}
	for name := range w.state.Data {
		if since, ok := w.since[name]; ok {
			b.Columns = append(b.Columns, ColumnBlame{Column: name, Value: slices.Clone(w.state.Data[name]), Since: since})
		}
	}
	for _, name := range w.state.info.hidden {
		b.Columns = append(b.Columns, ColumnBlame{Column: name, Since: w.since[name], Hidden: true})
	}
	slices.SortFunc(b.Columns, func(x, y ColumnBlame) int { return strings.Compare(x.Column, y.Column) })
	return b
}
