package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/chrononaut-go/chrononaut"
)

// unrecorded says what history knows of a record instead of the state that was
// asked for.
func (r *record) unrecorded(ctx context.Context, err error) error {
	no := &noError{reason: "not_recorded"}
	first, failed := r.end(ctx, false)
	if failed != nil {
		return failed
	}
	switch {
	case first == nil && r.entry.Tracked && r.exists:
		no.err = fmt.Errorf("%w: it did not change while the table was tracked, or the time lies before that", err)
		no.try = "chrononaut track " + shellArg(r.entry.Table.String()) + " --baseline records the present state of all rows."
	case first == nil:
		no.err = fmt.Errorf("%w: it did not change while the table was tracked", err)
		no.try = "chrononaut log " + shellArg(r.entry.Table.String()) + " shows which records have a history."
	case r.at.Before(first.Changed):
		no.err = fmt.Errorf("%w: it is known since %s", err, r.out.time(first.Changed))
		no.try = "chrononaut show " + r.args + " --version " + strconv.Itoa(first.Version) + " shows the first state that is known."
	default:
		return r.untracked(ctx, no, err)
	}
	return no
}

// untracked says that there is a time in which the table was not tracked.
func (r *record) untracked(ctx context.Context, no *noError, err error) error {
	last, failed := r.end(ctx, true)
	if failed != nil {
		return failed
	}
	ended := chrononaut.ActivityOpts{Table: r.entry.Table, Operation: chrononaut.OperationUntrack, Until: r.at, Limit: 1}
	untracked, failed := r.db.client.Activity(ctx, &ended)
	switch {
	case failed != nil:
		return failed
	case len(untracked) > 0:
		no.err = fmt.Errorf("%w: tracking ended %s", err, r.out.time(untracked[0].Changed))
	default:
		no.err = fmt.Errorf("%w: the table was not tracked then", err)
	}
	no.try = "chrononaut show " + r.args + " --version " + strconv.Itoa(last.Version) + " shows the last state that is known."
	return no
}

// end returns the first or the last change of the record; nil when there is none.
func (r *record) end(ctx context.Context, last bool) (*chrononaut.Change, error) {
	found, err := r.history.Versions(ctx, r.key, &chrononaut.VersionsOpts{NewestFirst: last, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0].Change, nil
}
