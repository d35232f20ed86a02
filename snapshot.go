package chrononaut

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Snapshot is the state of a record after one change, with the change that
// made it. It is a copy: changing it changes nothing in the database.
type Snapshot[T any] struct {
	Change
	// Record is the typed state. Hidden and untracked columns have their zero
	// values; read columns by name with [Snapshot.Column] to tell.
	Record T
	// Unreadable names the columns whose value the column's present type cannot
	// hold: it was given another type, or a label of its enum another name. They
	// have their zero value in Record; [Snapshot.Column] has what was recorded.
	Unreadable []string

	info *tableInfo
	// record is the key that was asked for, as JSON: snapshots of one record
	// have it in common also when its primary key changed in between.
	record string
}

// Column returns a column's value as JSON. Errors: [ErrHidden],
// [ErrUntracked], [ErrNoColumn]; their messages carry the name of the column
// and no value.
func (s *Snapshot[T]) Column(name string) (json.RawMessage, error) {
	switch {
	case s.info == nil: // It was not read.
		return nil, fmt.Errorf("%s of %s: %w", name, s.Table, ErrNoColumn)
	case slices.Contains(s.info.untracked, name):
		return nil, fmt.Errorf("%s of %s: %w", name, s.Table, ErrUntracked)
	case slices.Contains(s.info.hidden, name):
		return nil, fmt.Errorf("%s of %s: %w", name, s.Table, ErrHidden)
	}
	value, ok := s.Data[name]
	if !ok {
		return nil, fmt.Errorf("%s of %s: %w", name, s.Table, ErrNoColumn)
	}
	return slices.Clone(value), nil
}
