// Package travel is what the adapters for PostgreSQL do alike where queries read
// the past.
package travel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// Mark is behind each statement of the past, so that it shares no prepared
// statement, and no plan, with the same text in the present.
const Mark = " /* past */"

// PointIn returns the point at which a statement under ctx reads in a
// transaction that was begun at a point; "" is the present, and for statements of
// our own. A context that says nothing leaves it to the transaction.
//
// Errors: [chrononaut.ErrPast] when ctx says something else.
func PointIn(ctx context.Context, begun string) (string, error) {
	asked, ok := chrononaut.EncodeAsOf(ctx)
	switch {
	case chronodriver.IsOwn(ctx):
		return "", nil
	case !ok || asked == begun:
		return begun, nil
	case begun == "":
		return "", fmt.Errorf("%w: the transaction reads the present; begin it under the context that reads the past", chrononaut.ErrPast)
	}
	return "", fmt.Errorf("%w: the transaction reads at another point, or with other options; begin one under this context", chrononaut.ErrPast)
}

// Refuse returns the error for a statement that must not be sent.
func Refuse(reason string) error {
	return fmt.Errorf("%w: the statement was not sent: %s", chrononaut.ErrPast, reason)
}

// Statement is a text as it is sent to read the past.
type Statement struct {
	SQL string
	// RollsBack says that it rolls back to a savepoint, and so drops the locks by
	// which travel_end() finds what was read since.
	RollsBack bool
	rewritten sqltext.Rewritten
	relations *Relations
	// refuses says that what is not tracked is refused.
	refuses bool
}

// Statement prepares a text of SQL, of one statement or several, for a point of
// the past; apart says that it is sent outside of a transaction. Load is asked
// for the relations when they are not known.
//
// Errors: [chrononaut.ErrPast] when the text must not be sent, those of load.
func (r *Relations) Statement(ctx context.Context, point, sql string, apart bool, load Load) (*Statement, error) {
	savepoints, rollsBack := true, false
	for _, s := range sqltext.Split(chronodriver.PostgreSQL, sql) {
		control, _ := s.Control()
		savepoints = savepoints && control != sqltext.None
		rollsBack = rollsBack || control == sqltext.RollbackTo
		if reason := s.RefusedInPast(); reason != "" {
			return nil, Refuse(reason)
		}
		if apart && s.MayCommit() {
			return nil, Refuse("it may end transactions; run it in one that was begun under this context")
		}
	}
	if savepoints || sqltext.MayBeName(sql) {
		// Of a statement that is prepared travel_end() sees what it reads.
		return &Statement{SQL: sql, RollsBack: rollsBack, relations: r}, nil
	}
	known, err := r.get(ctx, load)
	if err != nil {
		return nil, r.Error(err)
	}
	refuses := !untrackedPresent(point)
	rewritten := sqltext.Rewrite(chronodriver.PostgreSQL, sql, func(schema, of string) (string, bool) {
		past, ok := known[name{schema, of}]
		return past.schema, ok && (refuses || !past.refused)
	})
	return &Statement{rewritten.Text + Mark, rollsBack, rewritten, r, refuses}, nil
}

func untrackedPresent(point string) bool {
	var options struct{ Untracked string }
	// A point that is no JSON is the server's to refuse.
	return json.Unmarshal([]byte(point), &options) == nil && options.Untracked == "present"
}

// Error is an error of the statement as its caller is to see it. It must be
// called once for an error.
func (s *Statement) Error(err error) error {
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && pgErr.Position > 0 {
		pgErr.Position = int32(s.rewritten.Position(int(pgErr.Position))) //nolint:gosec // not longer than the text
	}
	const noColumn = "42703"
	if s.refuses && chronodriver.State(err) == noColumn {
		// What is not tracked has a view without columns.
		if name := s.relations.refused(s.SQL); name != "" {
			return fmt.Errorf("%w: %s is not tracked, so that it has no past: %w", chrononaut.ErrPast, name, err)
		}
	}
	return s.relations.Error(err)
}

// Error is an error of a transaction in the past as its caller is to see it.
func (r *Relations) Error(err error) error {
	switch state := chronodriver.State(err); state {
	case "":
		return err
	case "25006":
		return fmt.Errorf("%w: %w", chrononaut.ErrPast, err)
	case "42883", "3F000":
		if strings.Contains(err.Error(), ".travel(") || state == "3F000" && strings.Contains(err.Error(), `"`+r.schema+`"`) {
			return fmt.Errorf("%w: %w", chrononaut.ErrNotInstalled, err)
		}
	case chronodriver.StatePast, "42P01":
		// Perhaps it has become known since what is tracked.
		r.forget()
	}
	return chrononaut.WrapError(err)
}

// Before returns the error of travel_end() ahead of a statement that rolls back.
// In a transaction that an error has aborted it is too late, and no error.
func (r *Relations) Before(err error) error {
	const aborted = "25P02"
	if chronodriver.State(err) == aborted {
		return nil
	}
	return r.Error(err)
}
