package chronodriver

import (
	"errors"
	"reflect"
	"regexp"
)

// SQLSTATEs that Chrononaut's triggers and functions raise. The class TM is
// private: the SQL standard leaves classes that start with I to Z to the
// implementation, and PostgreSQL uses none that starts with T.
//
// SQLite has no SQLSTATE; there the code stands in front of the message:
// "TM001: message".
const (
	StateUnattributed  = "TM001" // strict table, no change information
	StateContext       = "TM002" // the setting chrononaut.context is malformed
	StateHidden        = "TM003" // a hidden column was renamed: refuse rather than leak
	StateAppendOnly    = "TM004" // history is append-only
	StateUnsafe        = "TM005" // a call of the unsafe door is malformed
	StateNoKey         = "TM006" // the row has no usable key
	StateNotTrackable  = "TM007" // the table cannot be tracked
	StateNewerDatabase = "TM008" // the history schema is newer than the library
	StateKey           = "TM009" // a key does not fit the table
	StateHorizon       = "TM010" // a point of the past is not settled
	StateNotRecorded   = "TM011" // history cannot say
	StatePast          = "TM012" // a query of the past would write, or read the present
	StateNoPoint       = "TM013" // the past is read without a point
	StatePoint         = "TM015" // a point is malformed, or of another database
	StateHeld          = "TM016" // the record is held
	StateStale         = "TM017" // the write is based on a version that is not the latest
	StateLeased        = "TM018" // the record is leased to somebody else
	StateLeaseLost     = "TM019" // the write's own lease has ended
	StateLocking       = "TM020" // a call that holds, releases or leases is malformed or refused
)

// StateError is an error that carries a SQLSTATE.
type StateError interface {
	error
	SQLState() string
}

// State returns the SQLSTATE of err or the empty string.
func State(err error) string {
	var s StateError
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

// Busy reports whether a statement failed because it did not get a lock in its time:
// the server's lock_timeout or NOWAIT, or SQLite's busy_timeout. Drivers for SQLite
// have no error type in common.
func Busy(err error) bool {
	switch State(err) {
	case "55P03":
		return true
	case "":
		return err != nil && sqliteBusy.MatchString(err.Error())
	}
	return false
}

var sqliteBusy = regexp.MustCompile(`database (?:table |schema )?is locked`)

// Detail returns the DETAIL of the error that [State] speaks of, or the empty
// string. Drivers for PostgreSQL have it in a field of that name (pgx, lib/pq),
// which saves importing them all.
func Detail(err error) string {
	var s StateError
	if !errors.As(err, &s) {
		return ""
	}
	v := reflect.ValueOf(s)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return ""
	}
	if detail := v.FieldByName("Detail"); detail.IsValid() && detail.Kind() == reflect.String {
		return detail.String()
	}
	return ""
}
