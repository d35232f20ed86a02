package chronohttp

import (
	"errors"
	"net/http"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

// Problem gives an error of reading the past, or of a write that was refused, its
// HTTP status and a text for the client, which holds nothing of the request or of
// a record:
//
//   - [chrononaut.ErrNotRecorded]: 404, history does not know
//   - [chrononaut.ErrHorizon]: 409, the point is not settled yet; the text names
//     the latest that is
//   - [chrononaut.ErrPoint]: 400, there is no such point, or the snapshot token is
//     of another database
//   - [chrononaut.ErrPast]: 400, the request writes, or reads what has no past
//   - [chrononaut.ErrStale], [ErrNoMatch]: 412, the record is at another version
//   - [ErrIfMatch]: 400; [ErrIfMatchRequired]: 428
//   - [chrononaut.ErrHeld], [chrononaut.ErrLeased], [chrononaut.ErrLocked]: 423
//   - [chrononaut.ErrLeaseLost]: 409
//
// For any other error, and for nil, ok is false. Errors that an adapter or a
// driver returns need not be wrapped before; see [chrononaut.WrapError].
func Problem(err error) (status int, text string, ok bool) {
	err = chrononaut.WrapError(err)
	var horizon *chrononaut.HorizonError
	switch {
	case errors.As(err, &horizon) && !horizon.Horizon.IsZero():
		return http.StatusConflict, "that point is not settled yet; the latest that is: " + horizon.Horizon.UTC().Format(time.RFC3339Nano), true
	case errors.Is(err, chrononaut.ErrHorizon):
		return http.StatusConflict, "that point is not settled yet", true
	case errors.Is(err, chrononaut.ErrNotRecorded):
		return http.StatusNotFound, "that was not recorded", true
	case errors.Is(err, chrononaut.ErrPoint):
		return http.StatusBadRequest, "there is no such point in the past", true
	case errors.Is(err, chrononaut.ErrPast):
		return http.StatusBadRequest, "that cannot be done in the past", true
	case errors.Is(err, chrononaut.ErrStale), errors.Is(err, ErrNoMatch):
		return http.StatusPreconditionFailed, "the record is not at the version that the request is based on", true
	case errors.Is(err, ErrIfMatch):
		return http.StatusBadRequest, ErrIfMatch.Error(), true
	case errors.Is(err, ErrIfMatchRequired):
		return http.StatusPreconditionRequired, ErrIfMatchRequired.Error(), true
	case errors.Is(err, chrononaut.ErrHeld):
		return http.StatusLocked, "the record is held", true
	case errors.Is(err, chrononaut.ErrLeased):
		return http.StatusLocked, "somebody else is editing the record", true
	case errors.Is(err, chrononaut.ErrLocked):
		return http.StatusLocked, "the record is being changed, try again", true
	case errors.Is(err, chrononaut.ErrLeaseLost):
		return http.StatusConflict, "the lease of the record has ended", true
	}
	return 0, "", false
}
