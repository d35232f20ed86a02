package chronosql

import (
	"slices"

	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// standing is whether a transaction is open on a connection, as far as statements
// tell.
type standing struct {
	open bool
	// savepoints are those that are open in a transaction of SQLite that a SAVEPOINT
	// began: it ends with the RELEASE of the first.
	savepoints []string
}

// follow takes in a statement that has succeeded.
func (s *standing) follow(statement sqltext.Statement) {
	control, name := statement.Control()
	// The innermost of that name is meant.
	last := len(s.savepoints) - 1
	for last >= 0 && s.savepoints[last] != name {
		last--
	}
	switch control {
	case sqltext.Begin:
		*s = standing{open: true}
	case sqltext.Commit, sqltext.Rollback:
		*s = standing{open: statement.Chains()}
	case sqltext.Savepoint:
		if !s.open || len(s.savepoints) > 0 {
			s.open, s.savepoints = true, append(slices.Clip(s.savepoints), name)
		}
	case sqltext.Release:
		if last >= 0 {
			s.savepoints = s.savepoints[:last]
			s.open = last > 0
		}
	case sqltext.RollbackTo:
		if last >= 0 {
			s.savepoints = s.savepoints[:last+1]
		}
	case sqltext.None:
	}
}

// begun is where a text leaves a connection that failed with a transaction open,
// after there was none. Which statement failed is not known: it did not come before
// the one that began the transaction.
func begun(statements []sqltext.Statement) standing {
	var s standing
	for _, statement := range statements {
		if s.follow(statement); s.open {
			break
		}
	}
	s.open = true
	return s
}

// end is what a text does to the transaction that is open.
type end struct {
	// control is the statement that ends it first, None if it stays open.
	control sqltext.Control
	// back says that a rollback to a savepoint that leaves a part of it comes before.
	back bool
}

func (s standing) end(statements []sqltext.Statement) (e end) {
	for _, statement := range statements {
		s.follow(statement)
		control, _ := statement.Control()
		if !s.open {
			e.control = control
			return e
		}
		e.back = e.back || control == sqltext.RollbackTo && len(s.savepoints) != 1
	}
	return e
}

// controls reports whether a text begins or ends a transaction, or a part of one.
func controls(statements []sqltext.Statement) bool {
	return slices.ContainsFunc(statements, func(s sqltext.Statement) bool {
		control, _ := s.Control()
		return control != sqltext.None
	})
}
