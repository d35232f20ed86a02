package chronohttp

import (
	"errors"
	"net/http"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

// Problem gives an error of reading the past its HTTP status and a text for the
// client, which holds nothing of the request or of a record:
//
//   - [chrononaut.ErrNotRecorded]: 404, history does not know
//   - [chrononaut.ErrHorizon]: 409, the point is not settled yet; the text names
//     the latest that is
//   - [chrononaut.ErrPoint]: 400, there is no such point, or the snapshot token is
//     of another database
//   - [chrononaut.ErrPast]: 400, the request writes, or reads what has no past
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
	}
	return 0, "", false
}
