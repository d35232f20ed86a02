package cli

import (
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
)

// lockRefusal makes an answer that is no of an error that says that a lock is in
// the way, whatever the command was; nil for any other.
func lockRefusal(err error) *noError {
	err = chrononaut.WrapError(err)
	var held *chrononaut.HeldError
	var leased *chrononaut.LeasedError
	var lost *chrononaut.LeaseLostError
	no := &noError{err: err}
	switch {
	case errors.As(err, &held):
		no.reason, no.try = "held", "chrononaut holds lists holds; chrononaut release "+strconv.FormatInt(held.Hold, 10)+" --rationale TEXT ends this one."
	case errors.As(err, &leased):
		no.reason, no.try = "leased", "wait for it to end, or chrononaut lease TABLE KEY --take-over --rationale TEXT."
	case errors.As(err, &lost):
		no.reason, no.try = "lease_lost", "chrononaut lease takes a new one; look at what has changed since."
		if lost.End == chrononaut.LeaseUnknown {
			// It need not have ended.
			no.err, no.try = &unknownLeaseError{lost}, leaseHint
		}
	case errors.Is(err, chrononaut.ErrStale):
		no.reason, no.try = "stale", "look at what has changed since: chrononaut log TABLE KEY."
	case errors.Is(err, chrononaut.ErrLocked):
		no.reason, no.try = "locked", "the same command again, when they are done."
	default:
		return nil
	}
	return no
}

// unknownLeaseError says that a lease cannot be told from its number and token.
type unknownLeaseError struct{ lost *chrononaut.LeaseLostError }

func (e *unknownLeaseError) Error() string {
	return "no lease has the number " + strconv.FormatInt(e.lost.Lease, 10) + " and this token"
}
func (e *unknownLeaseError) Unwrap() error { return e.lost }

// serverHint is the hint that PostgreSQL has for an error of ours.
func serverHint(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Hint
	}
	return ""
}
