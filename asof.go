package chrononaut

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// Untracked says what a query of the past makes of tables that are not tracked.
type Untracked int

const (
	// UntrackedRefused makes reading them an error, [ErrPast].
	UntrackedRefused Untracked = iota
	// UntrackedPresent reads them as they are now.
	UntrackedPresent
)

// AsOfOpts are the options of [AsOfPoint]. Nil means the defaults.
type AsOfOpts struct {
	// Untracked says what becomes of tables that are not tracked. Defaults to
	// [UntrackedRefused].
	Untracked Untracked
	// AllowUnsettled reads a point that is not settled yet, where otherwise
	// [HorizonError] is returned: a transaction that is still open may add to it,
	// so that the same query can have another answer later.
	AllowUnsettled bool
}

type asOfKey struct{}

type asOf struct {
	point Point
	opts  AsOfOpts
}

// AsOf returns a context under which every query reads the tracked tables as
// they were at t, unmodified: through an adapter's pool, and in transactions
// that begin with this context. Writes are refused by the database. Hidden and
// untracked columns are NULL, other tables are refused. It costs no extra round
// trip where attribution costs none.
//
// Errors of such queries: [HorizonError], [ErrNotRecorded], [ErrPast], and
// [ErrPoint] for the zero time; see [WrapError].
func AsOf(ctx context.Context, t time.Time) context.Context { return AsOfPoint(ctx, At(t), nil) }

// AsOfPoint is [AsOf] for any point, with options. The zero [Point] is the present;
// one that was made of a zero time, transaction or token is refused with [ErrPoint].
func AsOfPoint(ctx context.Context, p Point, opts *AsOfOpts) context.Context {
	a := asOf{point: p}
	if opts != nil {
		a.opts = *opts
	}
	return context.WithValue(ctx, asOfKey{}, a)
}

// Present returns a context that reads the present again.
func Present(ctx context.Context) context.Context {
	if _, ok := AsOfFrom(ctx); !ok {
		return ctx
	}
	return context.WithValue(ctx, asOfKey{}, asOf{})
}

// AsOfFrom returns the point at which queries under ctx read.
func AsOfFrom(ctx context.Context) (p Point, ok bool) {
	a, _ := ctx.Value(asOfKey{}).(asOf)
	return a.point, !a.point.IsZero()
}

// EncodeAsOf returns the point of ctx as the database reads it: the argument of
// the function travel(), a JSON object. ok is false in the present. Adapters
// call it; applications have no need to.
func EncodeAsOf(ctx context.Context) (value string, ok bool) {
	a, _ := ctx.Value(asOfKey{}).(asOf)
	if a.point.IsZero() {
		return "", false
	}
	return a.point.encode(a.opts), true
}

func (p Point) encode(opts AsOfOpts) string {
	message := map[string]any{}
	switch {
	case p.transaction != 0:
		message["transaction"] = strconv.FormatUint(p.transaction, 10)
	case p.snapshot != "":
		message["snapshot"] = p.snapshot
	case p.at.IsZero():
		// Malformed, for the database to refuse: it must not read, or write, the
		// present.
		message["at"] = ""
	default:
		message["at"] = p.at.UTC().Format(time.RFC3339Nano)
	}
	if opts.Untracked == UntrackedPresent {
		message["untracked"] = "present"
	}
	if opts.AllowUnsettled {
		message["unsettled"] = true
	}
	// Strings and truth values always have a JSON form.
	encoded, _ := json.Marshal(message)
	return string(encoded)
}
