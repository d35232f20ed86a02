package chrononaut

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Errors of reading and of refused writes. They are returned wrapped; test for
// them with [errors.Is].
var (
	// ErrNotFound is returned when the record did not exist at the time or
	// version asked for. A record that was deleted by then is a
	// [*DeletedError], which is ErrNotFound too.
	ErrNotFound = errors.New("record not found")
	// ErrNotRecorded is returned when history cannot say: the time lies before
	// tracking began, or before the record's first recorded state.
	ErrNotRecorded = errors.New("not recorded")
	// ErrNotTracked is returned when the table is not and never was tracked.
	ErrNotTracked = errors.New("table is not tracked")
	// ErrHidden is returned when a hidden column is read by name.
	ErrHidden = errors.New("column is hidden")
	// ErrUntracked is returned when an untracked column is read by name.
	ErrUntracked = errors.New("column is untracked")
	// ErrNoColumn is returned when a snapshot has no column of that name.
	ErrNoColumn = errors.New("no such column")
	// ErrOrder is returned when a diff is asked for backwards.
	ErrOrder = errors.New("the end lies before the start")
	// ErrDifferentRecords is returned when snapshots of two records are
	// compared.
	ErrDifferentRecords = errors.New("snapshots of different records")

	// ErrUnattributed is returned when a write to a strict table carries no
	// change information.
	ErrUnattributed = errors.New("write carries no change information")
	// ErrAppendOnly is returned when history would be rewritten.
	ErrAppendOnly = errors.New("history is append-only")
	// ErrHiddenColumn is returned when a write is refused because a hidden
	// column was renamed and its value would enter history.
	ErrHiddenColumn = errors.New("hidden column was renamed")
	// ErrNoKey is returned when a write is refused because the tracked table
	// has lost its primary key.
	ErrNoKey = errors.New("table has no primary key")
	// ErrKeyChanged is returned when the primary key has had other columns since
	// the client has read the table. The client has read it anew by then: repeat
	// the call, with the key as it is now.
	ErrKeyChanged = errors.New("the primary key has other columns by now")
	// ErrHorizon is returned when a point of the past is not settled: a
	// transaction that is still open may add to it. See [HorizonError].
	ErrHorizon = errors.New("the point is not settled yet")
	// ErrPast is returned when a query of the past would write, or would read the
	// present: a table that is not tracked, or one by its qualified name.
	ErrPast = errors.New("refused in the past")
	// ErrNotInstalled is returned when the history schema is missing.
	ErrNotInstalled = errors.New("history is not installed")
)

// HorizonError is returned when a point lies beyond the safe horizon: it is in
// the future, or a transaction that is older than it is still open. It is
// [ErrHorizon].
type HorizonError struct {
	// Horizon is the latest time that is settled; the zero time when that is not
	// known.
	Horizon time.Time

	cause error
}

// Error says what is settled.
func (e *HorizonError) Error() string {
	if e.Horizon.IsZero() {
		return ErrHorizon.Error()
	}
	return fmt.Sprintf("%v: settled is the past up to %s", ErrHorizon, e.Horizon.UTC().Format(time.RFC3339Nano))
}

// Is reports whether target is [ErrHorizon].
func (e *HorizonError) Is(target error) bool { return target == ErrHorizon }

// Unwrap returns the driver's error.
func (e *HorizonError) Unwrap() error { return e.cause }

// horizonOf reads the horizon out of the error that travel() raised. Its message
// ends with it.
func horizonOf(err error) error {
	h := &HorizonError{cause: err}
	if m := horizonPattern.FindString(err.Error()); m != "" {
		h.Horizon, _ = time.Parse(time.RFC3339Nano, m)
	}
	return h
}

var horizonPattern = regexp.MustCompile(`\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`)

// DeletedError is returned when a record existed and was deleted by the time
// asked for. It is [ErrNotFound].
type DeletedError struct {
	// Last is the record's last change: the deletion.
	Last Change
}

// Error names the version of the deletion, not the record.
func (e *DeletedError) Error() string {
	return fmt.Sprintf("record was deleted at version %d", e.Last.Version)
}

// Is reports whether target is [ErrNotFound].
func (e *DeletedError) Is(target error) bool { return target == ErrNotFound }

var states = map[string]error{
	chronodriver.StateUnattributed: ErrUnattributed,
	chronodriver.StateContext:      ErrContext,
	chronodriver.StateHidden:       ErrHiddenColumn,
	chronodriver.StateAppendOnly:   ErrAppendOnly,
	chronodriver.StateNoKey:        ErrNoKey,
	chronodriver.StateKey:          ErrKey,
	chronodriver.StateHorizon:      ErrHorizon,
	chronodriver.StateNotRecorded:  ErrNotRecorded,
	chronodriver.StatePast:         ErrPast,
	chronodriver.StateNoPoint:      ErrPast,
	chronodriver.StatePoint:        ErrPoint,
	chronodriver.StateLeased:       ErrLeased,
	chronodriver.StateLeaseLost:    ErrLeaseLost,
	chronodriver.StateStale:        ErrStale,
	chronodriver.StateHeld:         ErrHeld,
	chronodriver.StateLocking:      ErrLocking,
}

// WrapError gives an error that one of Chrononaut's triggers raised its type:
// [ErrUnattributed], [ErrContext], [ErrHiddenColumn], [ErrAppendOnly],
// [ErrNoKey], those of locking: [HeldError], [LeasedError], [LeaseLostError],
// [StaleError], [ErrLocking], and those of queries of the past: [HorizonError],
// [ErrNotRecorded], [ErrPast]. The original error stays in the chain; other errors, and nil,
// are returned as they are. Use it on the errors of an application's own
// statements; those of this package and of chronomigrate are wrapped already.
func WrapError(err error) error {
	if err == nil {
		return nil
	}
	state := chronodriver.State(err)
	if state == "" {
		// SQLite has no SQLSTATE; the triggers put it in front of the message.
		message := err.Error()
		for code := range states {
			if strings.Contains(message, code+": ") {
				state = code
				break
			}
		}
	}
	if typed, ok := states[state]; ok && !errors.Is(err, typed) {
		switch state {
		case chronodriver.StateHorizon:
			return horizonOf(err)
		case chronodriver.StateLeased:
			return leasedOf(err)
		case chronodriver.StateLeaseLost:
			return leaseLostOf(err)
		case chronodriver.StateStale:
			return staleOf(err)
		case chronodriver.StateHeld:
			return heldOf(err)
		}
		return fmt.Errorf("%w: %w", typed, err)
	}
	return err
}

// errorText is the message of an error that a trigger raised. On SQLite it stands
// between quotation marks, and its own are doubled.
func errorText(err error) string {
	text := err.Error()
	_, quoted, found := strings.Cut(text, "bad JSON path: '")
	end := strings.LastIndexByte(quoted, '\'')
	if !found || end < 0 {
		return text
	}
	return strings.ReplaceAll(quoted[:end], "''", "'")
}

// notInstalled tells a missing history schema from other errors.
func notInstalled(err error) error {
	if err == nil {
		return nil
	}
	switch chronodriver.State(err) {
	case "42P01", "3F000", "42883":
		return fmt.Errorf("%w: %w", ErrNotInstalled, err)
	case "":
		// SQLite has no codes for that.
		if strings.Contains(err.Error(), "no such table: main.chrononaut_") {
			return fmt.Errorf("%w: %w", ErrNotInstalled, err)
		}
	}
	return err
}
