package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

// pastFlags are the flags of commands that read the past.
type pastFlags struct {
	asOf      string
	untracked string
	unsettled bool
}

func pastFlagsOf(cmd *cobra.Command) *pastFlags {
	f := &pastFlags{}
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "a time, transaction:NUMBER or snapshot:TOKEN")
	cmd.Flags().StringVar(&f.untracked, "untracked", "refused", "tables that are not tracked: refused, or present as they are now")
	cmd.Flags().BoolVar(&f.unsettled, "allow-unsettled", false, "also a point at which transactions are still open")
	return f
}

// past is a point in the past as a person writes it.
type past struct {
	when  *when
	point chrononaut.Point
	opts  chrononaut.AsOfOpts
}

const pointFlagHint = "a point is '2026-11-24 09:30' (local time), 2026-11-24T09:30:00Z, -2h, -3d or now; transaction:NUMBER; or what chrononaut snapshot prints."

func (a *app) parsePast(f *pastFlags) (*past, error) {
	p := &past{opts: chrononaut.AsOfOpts{AllowUnsettled: f.unsettled}}
	switch f.untracked {
	case "refused":
	case "present":
		p.opts.Untracked = chrononaut.UntrackedPresent
	default:
		return nil, usagef("", "--untracked is refused or present")
	}
	var err error
	switch {
	case f.asOf == "":
		return nil, usagef(pointFlagHint, "--as-of is missing")
	case strings.HasPrefix(f.asOf, "transaction:"), strings.HasPrefix(f.asOf, "snapshot:"):
		p.point, err = chrononaut.ParsePoint(f.asOf)
	default:
		var w when
		w, err = a.parseWhen(f.asOf)
		p.when = &w
	}
	var zone *zoneError
	if errors.As(err, &zone) {
		return nil, usagef(zoneHint, "--as-of %s: %v", quoteArg(f.asOf), err)
	}
	if err != nil {
		return nil, usagef(pointFlagHint, "--as-of %s: not a point in time", quoteArg(f.asOf))
	}
	return p, nil
}

// in returns a context under which queries read the past of a database.
func (p *past) in(ctx context.Context, db *database) (context.Context, error) {
	if p.when != nil {
		t, err := db.time(ctx, p.when)
		if err != nil {
			return nil, err
		}
		if t.IsZero() {
			return nil, usagef(pointFlagHint, "--as-of: not a point in time")
		}
		p.point = chrononaut.At(t)
	}
	return chrononaut.AsOfPoint(ctx, p.point, &p.opts), nil
}

// explainPast makes an answer that is no of the error that means one, and says
// what helps.
func explainPast(err error) error {
	switch {
	case errors.Is(err, chrononaut.ErrNotRecorded):
		return &noError{err: err, reason: "not_recorded", try: "chrononaut log TABLE --oldest-first shows since when a table is tracked."}
	case errors.Is(err, chrononaut.ErrHorizon):
		return hinted(err, "an earlier point, or --allow-unsettled: transactions that are open may add to it.")
	}
	return err
}
