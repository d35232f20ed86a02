package chrononaut

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Errors of locking. They are returned wrapped; test for them with [errors.Is].
var (
	// ErrHeld is returned when a write, a restore or a deletion of history is
	// refused because the record is held, as [*HeldError].
	ErrHeld = errors.New("the record is held")
	// ErrLocking is returned when a call that holds or releases is refused: it
	// makes no sense, the hold was released already, or somebody else has to do it.
	ErrLocking = errors.New("refused")
)

// HeldError is returned when a record is held. It is [ErrHeld].
type HeldError struct {
	// Hold is the number of the hold: see [Client.Release]. Of several it is the
	// oldest.
	Hold int64 `json:"hold"`
	// Table is the table of the record that was to be written.
	Table Table `json:"table"`
	// Actor placed the hold, Since then; the database role where there was no actor.
	Actor string    `json:"actor"`
	Since time.Time `json:"since"`
	// Reason is why it was placed.
	Reason string `json:"reason"`
	// Whole says that the hold is on the whole table.
	Whole bool `json:"whole"`

	cause error
}

// Error says who holds it, since when and why.
func (e *HeldError) Error() string {
	what := "a record of table"
	if e.Whole {
		what = "table"
	}
	return fmt.Sprintf("%s %s is held by %s since %s: %s (hold %d)", what, e.Table, jsonString(e.Actor), e.Since.UTC().Format("2006-01-02T15:04:05.000000Z"), jsonString(e.Reason), e.Hold)
}

// Is reports whether target is [ErrHeld].
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// Unwrap returns the driver's error; nil when the client found out itself.
func (e *HeldError) Unwrap() error { return e.cause }

// tablePattern matches a table as SQL writes it.
const tablePattern = `((?:"(?:[^"]|"")*"|[^\s".]+)(?:\.(?:"(?:[^"]|"")*"|[^\s".]+))?)`

// heldError is what a write to a table is refused with because of the hold.
func (h *Hold) heldError(table Table) *HeldError {
	e := &HeldError{Hold: h.ID, Table: table, Actor: h.Actor, Since: h.Placed, Reason: h.Reason, Whole: h.Keys == nil && h.Table == table}
	if e.Actor == "" {
		e.Actor = h.DatabaseUser
	}
	return e
}

var heldPattern = regexp.MustCompile(`(a record of )?table ` + tablePattern + ` is held by ` + quotedText + ` since ` + messageTime + `: ` + quotedText + ` \(hold (\d+)\)`)

// heldOf reads the error that a trigger raised. What the message does not say
// stays empty.
func heldOf(err error) error {
	held := &HeldError{cause: err}
	if m := heldPattern.FindStringSubmatch(errorText(err)); m != nil {
		held.Whole = m[1] == ""
		held.Table, held.Since = messageTable(m[2]), parseMessageTime(m[4])
		held.Actor, held.Reason = messageText(m[3]), messageText(m[5])
		held.Hold, _ = strconv.ParseInt(m[6], 10, 64)
	}
	return held
}

// jsonString writes a text as the database does.
func jsonString(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string
	return strings.TrimSuffix(b.String(), "\n")
}
