package chrononaut

import (
	"fmt"
	"strings"
)

// RestoreConflict is a record that has changed since the state that a plan knows.
type RestoreConflict struct {
	Table Table `json:"table"`
	Key   Key   `json:"key"`
	// Changes are those that would be overwritten: who, when, why, which columns.
	Changes []RestoreLater `json:"changes"`
}

// RestoreConflictError is returned when records have changed since. It is
// [ErrRestoreConflict].
type RestoreConflictError struct {
	Conflicts []RestoreConflict
}

// Error says how many records, and of which tables.
func (e *RestoreConflictError) Error() string {
	return fmt.Sprintf("%s: %d of %s", ErrRestoreConflict, len(e.Conflicts), tablesOf(e.Conflicts, func(c RestoreConflict) Table { return c.Table }))
}

// Is reports whether target is [ErrRestoreConflict].
func (e *RestoreConflictError) Is(target error) bool { return target == ErrRestoreConflict }

// RestoreBlockedError is returned when problems keep a plan from being applied. It
// is [ErrRestoreBlocked].
type RestoreBlockedError struct {
	Items []*RestoreItem
	// Problems are those of the plan as a whole; or the one that only the database
	// has found, with its error in Err: a unique index on an expression, on a generated
	// column or on a part of the rows.
	Problems []RestoreProblem
	Err      error
}

// Unwrap returns the error of the database, if it is one.
func (e *RestoreBlockedError) Unwrap() error { return e.Err }

// Error names the first problem.
func (e *RestoreBlockedError) Error() string {
	for _, p := range e.Problems {
		if p.Blocking {
			return fmt.Sprintf("%s: %s", ErrRestoreBlocked, p)
		}
	}
	for _, i := range e.Items {
		for _, p := range i.Problems {
			if p.Blocking {
				return fmt.Sprintf("%s: problems with records: %d; the first, of %s: %s", ErrRestoreBlocked, len(e.Items), i.Table, p)
			}
		}
	}
	return ErrRestoreBlocked.Error()
}

// Is reports whether target is [ErrRestoreBlocked].
func (e *RestoreBlockedError) Is(target error) bool { return target == ErrRestoreBlocked }

// PartialError is returned when a part of a plan was applied and is committed: see
// [RestoreApplyOpts.ChunkSize].
type PartialError struct {
	// Done is how many records were written, of Total.
	Done, Total int
	// Left is the plan of what is left. Apply it to go on.
	Left *RestorePlan
	// Result is what was done.
	Result *RestoreResult
	Err    error
}

// Error says how far it came and why it stopped.
func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d records are done: %v", e.Done, e.Total, e.Err)
}

// Unwrap returns the cause.
func (e *PartialError) Unwrap() error { return e.Err }

func tablesOf[T any](items []T, table func(T) Table) string {
	var names []string
	for _, i := range items {
		names = union(names, []string{table(i).String()})
	}
	return strings.Join(names, ", ")
}
