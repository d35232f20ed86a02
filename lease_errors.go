package chrononaut

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Errors of leases.
var (
	// ErrLeased is returned when a record is leased, as [*LeasedError]: to somebody
	// who asks for a lease too, and, where the lease is enforced, to everybody who
	// writes the record and is not its holder.
	ErrLeased = errors.New("record is leased")
	// ErrLeaseLost is returned when a lease has ended, as [*LeaseLostError]: to its
	// holder who writes, renews or releases.
	ErrLeaseLost = errors.New("lease has ended")
	// ErrLeaseTTL is returned when a lease is asked for a time that it cannot have.
	ErrLeaseTTL = errors.New("a lease lasts between one millisecond and 24 hours")
)

// LeasedError says who has the lease of a record. It is [ErrLeased].
type LeasedError struct {
	// Lease is the ID of the lease.
	Lease int64
	Table Table
	// Holder has it, see [Lease.Holder], until then by the database's clock.
	Holder    string
	Until     time.Time
	Rationale string

	cause error
}

// Error says who has the lease and until when, not of which record.
func (e *LeasedError) Error() string {
	message := fmt.Sprintf("a record of table %s is leased to %s until %s", e.Table, e.Holder, e.Until.UTC().Format(time.RFC3339Nano))
	if e.Rationale != "" {
		message += ": " + e.Rationale
	}
	return message
}

// Is reports whether target is [ErrLeased].
func (e *LeasedError) Is(target error) bool { return target == ErrLeased }

// Unwrap returns the driver's error.
func (e *LeasedError) Unwrap() error { return e.cause }

// LeaseEnd is how a lease has ended.
type LeaseEnd string

// The ends of leases.
const (
	LeaseExpired   LeaseEnd = "expired"
	LeaseReleased  LeaseEnd = "released"
	LeaseTakenOver LeaseEnd = "taken over"
	// LeaseFollowed says that it has ended, and that the record was leased again
	// since.
	LeaseFollowed LeaseEnd = "followed"
	// LeaseUnknown says that there is no lease of that number with that token, or
	// not any more.
	LeaseUnknown LeaseEnd = "unknown"
)

// LeaseLostError says how a lease has ended. It is [ErrLeaseLost].
type LeaseLostError struct {
	// Lease is the ID of the lease.
	Lease int64
	End   LeaseEnd
	// At is when it expired or was released, and when By got the record; the zero
	// time when that is not known.
	At time.Time
	// By has taken the lease over or has got the next one, Rationale says why it was
	// taken over.
	By        string
	Rationale string

	cause error
}

// Error says how the lease has ended.
func (e *LeaseLostError) Error() string {
	message := fmt.Sprintf("lease %d has ended: ", e.Lease)
	at := e.At.UTC().Format(time.RFC3339Nano)
	switch e.End {
	case LeaseExpired:
		return message + "it expired at " + at
	case LeaseReleased:
		return message + "it was released at " + at
	case LeaseTakenOver:
		message += "it was taken over by " + e.By + " at " + at
	case LeaseFollowed:
		return message + "the record was leased to " + e.By + " at " + at
	default:
		return message + "no lease has this number and token"
	}
	if e.Rationale != "" {
		message += ": " + e.Rationale
	}
	return message
}

// Is reports whether target is [ErrLeaseLost].
func (e *LeaseLostError) Is(target error) bool { return target == ErrLeaseLost }

// Unwrap returns the driver's error.
func (e *LeaseLostError) Unwrap() error { return e.cause }

// The messages of the database. Names and reasons in them are JSON strings, so that
// nothing in these can look like the rest.
const (
	quotedText  = `("(?:[^"\\]|\\.)*")`
	messageTime = `(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)`
)

var (
	leasedPattern = regexp.MustCompile(`of table (.+?) is leased to ` + quotedText + ` until ` + messageTime + `(?:: ` + quotedText + `)? \(lease (\d+)\)`)
	lostPattern   = regexp.MustCompile(`lease (\d+) has ended: (?:it (expired|was released) at ` + messageTime +
		`|(?:it was (taken over) by|the record was (leased) to) ` + quotedText + ` at ` + messageTime + `(?:: ` + quotedText + `)?)?`)
)

// leasedOf reads the error that leased_error() raised.
func leasedOf(err error) error {
	e := &LeasedError{cause: err}
	if m := leasedPattern.FindStringSubmatch(errorText(err)); m != nil {
		e.Table = messageTable(m[1])
		e.Holder, e.Rationale = messageText(m[2]), messageText(m[4])
		e.Until = parseMessageTime(m[3])
		e.Lease, _ = strconv.ParseInt(m[5], 10, 64)
	}
	return e
}

// leaseLostOf reads the error that lease_lost_error() raised.
func leaseLostOf(err error) error {
	e := &LeaseLostError{End: LeaseUnknown, cause: err}
	m := lostPattern.FindStringSubmatch(errorText(err))
	if m == nil {
		return e
	}
	e.Lease, _ = strconv.ParseInt(m[1], 10, 64)
	switch {
	case m[2] == "expired":
		e.End, e.At = LeaseExpired, parseMessageTime(m[3])
	case m[2] != "":
		e.End, e.At = LeaseReleased, parseMessageTime(m[3])
	case m[4] != "":
		e.End, e.By, e.At, e.Rationale = LeaseTakenOver, messageText(m[6]), parseMessageTime(m[7]), messageText(m[8])
	case m[5] != "":
		e.End, e.By, e.At = LeaseFollowed, messageText(m[6]), parseMessageTime(m[7])
	}
	return e
}

// messageText reads a JSON string; nothing is the empty text.
func messageText(encoded string) string {
	var s string
	if json.Unmarshal([]byte(encoded), &s) != nil {
		return ""
	}
	return s
}

// parseMessageTime reads a time that a pattern has found.
func parseMessageTime(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}

// messageTable reads a table as format('%I.%I') writes it.
func messageTable(name string) Table {
	t, err := ParseTable(name)
	if err != nil {
		return Table{Name: name}
	}
	return t
}
