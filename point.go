package chrononaut

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Point is a state of the past that a query can read: the database as of a
// time, just after a transaction, or as a snapshot token saw it. The zero Point
// is none.
type Point struct {
	at          time.Time
	transaction uint64
	snapshot    string
	// asked says that it was made, of a time, a transaction or a token that may be
	// the zero value: a mistake must not pass for no point, which is the present.
	asked bool
}

// At is the state as of t: every transaction whose changes had all been written
// by then, t included, and no part of any other. The database's own clock
// counts. The zero time is refused with [ErrPoint] where the point is used, and so
// are the zero transaction and the empty token.
func At(t time.Time) Point { return Point{at: t, asked: true} }

// AtTransaction is the state just after a transaction: as of its last change.
// The id is that of [Change].
func AtTransaction(id uint64) Point { return Point{transaction: id, asked: true} }

// AtSnapshot is the state that the transaction saw which took the token: see
// [TakeSnapshot].
func AtSnapshot(token string) Point { return Point{snapshot: token, asked: true} }

// IsZero reports whether p is no point: neither [At], [AtTransaction] nor
// [AtSnapshot] has made it.
func (p Point) IsZero() bool { return p == Point{} }

// check refuses what names no state.
func (p Point) check() error {
	if p.at.IsZero() && p.transaction == 0 && p.snapshot == "" {
		return fmt.Errorf("%w: it has no time, transaction or token", ErrPoint)
	}
	return nil
}

// Time returns the time of a point made by [At].
func (p Point) Time() (t time.Time, ok bool) { return p.at, !p.at.IsZero() }

const (
	transactionPrefix = "transaction:"
	snapshotPrefix    = "snapshot:"
)

// ErrPoint is returned when a text is no point, a point was made of a zero value,
// or a snapshot token is that of another database.
var ErrPoint = errors.New("not a point in time")

// ParsePoint reads what [Point.String] writes: a time (RFC 3339), transaction:N,
// or a snapshot token. Errors: [ErrPoint].
func ParsePoint(s string) (Point, error) {
	if id, ok := strings.CutPrefix(s, transactionPrefix); ok {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil || n == 0 {
			return Point{}, fmt.Errorf("%w: the transaction id is no number", ErrPoint)
		}
		return AtTransaction(n), nil
	}
	if strings.HasPrefix(s, snapshotPrefix) {
		return AtSnapshot(s), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	// The zero time would be no point, and so the present.
	if err != nil || t.IsZero() {
		return Point{}, ErrPoint
	}
	return At(t), nil
}

// String writes the point so that [ParsePoint] reads it.
func (p Point) String() string {
	switch {
	case p.transaction != 0:
		return transactionPrefix + strconv.FormatUint(p.transaction, 10)
	case p.snapshot != "":
		return p.snapshot
	case p.at.IsZero():
		return ""
	}
	return p.at.UTC().Format(time.RFC3339Nano)
}
