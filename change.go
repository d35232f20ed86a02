package chrononaut

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Operation is what happened to a record.
type Operation string

// The operations that history records. Rows that Python chrononaut wrote have
// none.
const (
	OperationInsert   Operation = "insert"
	OperationUpdate   Operation = "update"
	OperationDelete   Operation = "delete"
	OperationTruncate Operation = "truncate"
	// OperationRestore is an insertion or an update that brought a past state back:
	// see [Client.Restore]. A deletion that undoes an insertion is a deletion.
	OperationRestore Operation = "restore"
	// OperationBaseline records the state that a record had when, or before,
	// tracking began.
	OperationBaseline Operation = "baseline"
	// OperationTrack, OperationUntrack and OperationSuppress are about tables,
	// not records: tracking began or changed, ended, or was suppressed.
	OperationTrack    Operation = "track"
	OperationUntrack  Operation = "untrack"
	OperationSuppress Operation = "suppress"
	// OperationLease, OperationLeaseTakeover and OperationLeaseRelease say that
	// somebody began or ended editing a record: see [Client.Lease]. Their key is
	// empty; the lease and the record's key are in the data.
	OperationLease         Operation = "lease"
	OperationLeaseTakeover Operation = "lease_takeover"
	OperationLeaseRelease  Operation = "lease_release"
	// OperationHold, OperationReleaseRequest and OperationRelease are about holds:
	// records of the table were held, and released, by the first of two people or
	// at last. The data says what: the number of the hold, the keys, the reason.
	OperationHold           Operation = "hold"
	OperationReleaseRequest Operation = "release_request"
	OperationRelease        Operation = "release"
)

// Gone reports whether the operation ended the record's life.
func (o Operation) Gone() bool { return o == OperationDelete || o == OperationTruncate }

// Change is one recorded change: what history knows besides the state.
type Change struct {
	// ID orders the log: it grows, but ids of concurrent transactions become
	// visible in any order.
	ID    int64
	Table Table
	Key   Key
	// PreviousKey is set when the change was one of the primary key.
	PreviousKey Key
	// Version orders the changes of one record.
	Version   int
	Operation Operation
	// Changed is the database's clock when the row was written.
	Changed time.Time
	// Actor and RemoteAddr are empty when the change carried none.
	Actor      string
	RemoteAddr string
	// Rationale is ExtraInfo["rationale"] when that is text.
	Rationale string
	UserInfo  map[string]any
	ExtraInfo map[string]any
	// HiddenChanged names the hidden columns that the change set.
	HiddenChanged []string
	// TransactionID is the transaction of the change in the database cluster
	// that made it; 0 when it is not known.
	TransactionID uint64
	// DatabaseUser is the role that was logged in (session_user); empty on
	// SQLite.
	DatabaseUser string
	// Data is the state after the change, before it for a deletion.
	Data Data
	// Before is the state before the change, as far as history has it, when
	// [ActivityOpts.WithBefore] asked for it; nil for an insertion.
	Before Data
}

// Data is a record's state as history holds it: column names to JSON in the
// form that the database writes. Hidden and untracked columns are not in it,
// the version is. Values that JSON cannot hold exactly are objects with the
// single key "chrononaut:text": see [Data.Text].
type Data map[string]json.RawMessage

// Text returns a column's value as the database prints it: JSON strings
// without their quotes, values that JSON cannot hold exactly unwrapped, other
// values as JSON text. ok is false when the value is NULL or there is no such
// column.
func (d Data) Text(column string) (value string, ok bool) {
	raw, present := d[column]
	if !present {
		return "", false
	}
	return jsonText(raw)
}

func jsonText(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return "", false
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s, true
		}
	case '{':
		var wrapper map[string]json.RawMessage
		if json.Unmarshal(raw, &wrapper) == nil && len(wrapper) == 1 {
			for _, name := range []string{"chrononaut:text", "chrononaut:blob", "chrononaut:real"} {
				var s string
				if inner, ok := wrapper[name]; ok && json.Unmarshal(inner, &s) == nil {
					return s, true
				}
			}
		}
	}
	return string(raw), true
}

// Began reports whether the change began a life of the record: an insertion, or
// a restore of a record that was gone.
func (c *Change) Began() bool {
	if c.Operation == OperationRestore {
		about, _ := c.ExtraInfo["restore"].(map[string]any)
		return about["operation"] == string(OperationInsert)
	}
	return c.Operation == OperationInsert
}

// fill sets the fields that come as JSON text.
func (c *Change) fill(key, previousKey, data, userInfo, extraInfo string) error {
	for _, part := range []struct {
		text string
		dest any
	}{{key, &c.Key}, {data, &c.Data}, {userInfo, &c.UserInfo}, {extraInfo, &c.ExtraInfo}} {
		if err := decodeJSON(part.text, part.dest); err != nil {
			return fmt.Errorf("read change %d: %w", c.ID, err)
		}
	}
	if previousKey != "" {
		if err := decodeJSON(previousKey, &c.PreviousKey); err != nil {
			return fmt.Errorf("read change %d: %w", c.ID, err)
		}
	}
	c.Actor, _ = c.UserInfo["user_id"].(string)
	c.RemoteAddr, _ = c.UserInfo["remote_addr"].(string)
	c.Rationale, _ = c.ExtraInfo["rationale"].(string)
	if names, ok := c.ExtraInfo["hidden_cols_changed"].([]any); ok {
		for _, name := range names {
			if s, ok := name.(string); ok {
				c.HiddenChanged = append(c.HiddenChanged, s)
			}
		}
	}
	return nil
}

// setBefore sets the state before the change.
func (c *Change) setBefore(data *string) error {
	if data == nil {
		return nil
	}
	if err := decodeJSON(*data, &c.Before); err != nil {
		return fmt.Errorf("read change %d: %w", c.ID, err)
	}
	return nil
}
