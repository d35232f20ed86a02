package chronogorm

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"time"
)

// Versioned makes the model that embeds it tracked: its table has a history,
// and the field says which version of the record this is.
//
//	type Todo struct {
//		ID    uint
//		Title string
//		chronogorm.Versioned
//	}
//
// For another column name embed it with a prefix, or leave it out and tag a
// field of your own, which can be nil; the column is then called as the field says:
//
//	Revision *int `gorm:"->;default:(-);-:migration" chrononaut:"version"`
//
// Models can be tracked without the field as well: see [Options].
type Versioned struct {
	// Version is the record's version: 0 after the insert, one more after every
	// change. Nil means not known: the record is not saved, was not read, or
	// has not changed since before its table was tracked.
	//
	// The database sets it; GORM never writes it. It is up to date after Create,
	// and after Save, Update, Updates and the soft Delete of records that were given
	// by their primary keys, also in slices. On PostgreSQL that costs nothing
	// (RETURNING); on SQLite the plugin reads it after the write. After other
	// updates it is as it was when the record was read.
	//
	// A write of a record that was read holds only for the version it was read at:
	// see "Stale writes" in the documentation of the package.
	Version *int `gorm:"->;column:version;default:(-);-:migration" json:"version,omitempty" chrononaut:"version"`
}

// RecordChanges keeps the last change on the row itself: who made it, why, and
// when. With [Versioned] it comes on top of history, without it there is none.
// The fields are set by the database, as described at [Versioned].
type RecordChanges struct {
	// ChangeInfo is who made the last change and why.
	ChangeInfo ChangeInfo `gorm:"->;column:change_info;type:jsonb;default:(-);-:migration" json:"change_info,omitempty" chrononaut:"change_info"`
	// Changed is when the record last changed; nil if that is not known.
	Changed *time.Time `gorm:"->;column:changed;default:(-);-:migration" json:"changed,omitempty" chrononaut:"changed"`
}

// ChangeInfo is the column change_info of [RecordChanges] as the database
// writes it: user_id, remote_addr and, if there is any, extra.
type ChangeInfo map[string]any

var (
	_ sql.Scanner   = (*ChangeInfo)(nil)
	_ driver.Valuer = ChangeInfo(nil)
)

// Actor returns who made the change, or the empty string.
func (i ChangeInfo) Actor() string {
	s, _ := i["user_id"].(string)
	return s
}

// RemoteAddr returns where the change was requested from, or the empty string.
func (i ChangeInfo) RemoteAddr() string {
	s, _ := i["remote_addr"].(string)
	return s
}

// Extra returns the extra information of the change, nil if it had none.
func (i ChangeInfo) Extra() map[string]any {
	m, _ := i["extra"].(map[string]any)
	return m
}

// Rationale returns why the change was made, or the empty string.
func (i ChangeInfo) Rationale() string {
	s, _ := i.Extra()["rationale"].(string)
	return s
}

// Scan reads a JSON object; numbers stay exact.
func (i *ChangeInfo) Scan(value any) error {
	var text []byte
	switch v := value.(type) {
	case nil:
		*i = nil
		return nil
	case []byte:
		text = v
	case string:
		text = []byte(v)
	default:
		return errors.New("scan change info: not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		// The error can quote the value.
		return errors.New("scan change info: malformed JSON")
	}
	*i = m
	return nil
}

// Value returns the JSON object.
func (i ChangeInfo) Value() (driver.Value, error) {
	if i == nil {
		return nil, nil
	}
	text, err := json.Marshal(map[string]any(i))
	return string(text), err
}
