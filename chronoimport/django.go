package chronoimport

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// SimpleHistory reads a history table of django-simple-history: a row for each
// state of a record. history_user_id is the actor, history_change_reason the
// rationale; other columns that begin with history_ go to the extra information.
type SimpleHistory struct {
	// Table is the history table. Required: app_historicalpoll for app_poll.
	Table chrononaut.Table
}

// Name returns django-simple-history.
func (s *SimpleHistory) Name() string { return "django-simple-history" }

// Count counts the rows.
func (s *SimpleHistory) Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error) {
	return count(ctx, db, target, s.Table, nil)
}

// Changes reads the history table.
func (s *SimpleHistory) Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		source, err := sourceTable(ctx, db, target, s.Table)
		if err != nil {
			yield(Change{}, err)
			return
		}
		each(ctx, db, target, "simple_history", postgres.ImportArgs{Source: source}, func(scan func(...any) error) ([]Change, error) {
			var at time.Time
			var text string
			if err := scan(&at, &text); err != nil {
				return nil, fmt.Errorf("read the source: %w", err)
			}
			return one(simpleHistoryChange(target, at, text))
		}, yield)
	}
}

// one returns a change as a list.
func one(c Change, err error) ([]Change, error) {
	if err != nil {
		return nil, err
	}
	return []Change{c}, nil
}

func simpleHistoryChange(target *Target, at time.Time, text string) (Change, error) {
	all, err := readRow(text)
	if err != nil {
		return Change{}, err
	}
	state, meta := all.split(target, "history_")
	c := Change{
		ID: meta.text("history_id"), Changed: at, State: state,
		Actor: meta.text("history_user_id"), Rationale: meta.text("history_change_reason"),
		Extra: meta.extra("history_id", "history_date", "history_type", "history_user_id", "history_change_reason"),
	}
	switch meta.text("history_type") {
	case "+":
		c.Operation = chrononaut.OperationInsert
	case "~":
		c.Operation = chrononaut.OperationUpdate
	case "-":
		c.Operation = chrononaut.OperationDelete
	default:
		return Change{}, badChange(c.ID, "its history_type is not known")
	}
	var ok bool
	if c.Key, ok = target.key(state); !ok {
		return Change{}, badChange(c.ID, "it lacks a column of the primary key")
	}
	return c, nil
}

// split divides a row into the record's columns and those of the tool, which
// begin with a prefix and are not the table's own.
func (r row) split(target *Target, prefix string) (state map[string]json.RawMessage, meta row) {
	state, meta = map[string]json.RawMessage{}, row{}
	for name, value := range r {
		if _, own := target.column(name); !own && strings.HasPrefix(name, prefix) {
			meta[name] = value
		} else {
			state[name] = value
		}
	}
	return state, meta
}

// PgHistory reads an event table of django-pghistory that holds the state after
// each event. The label says what happened: insert, update, delete; another one
// counts as an update and is kept as the extra information "label". The user in
// the context's metadata is the actor, the rest goes to the extra information
// "context".
type PgHistory struct {
	// Table is the event table. Required: app_pollevent for app_poll.
	Table chrononaut.Table
	// Context holds the contexts. Defaults to pghistory_context; without such a
	// table, or with contexts in the events themselves, it is not read.
	Context chrononaut.Table
}

// Name returns pghistory.
func (s *PgHistory) Name() string { return "pghistory" }

// Count counts the events.
func (s *PgHistory) Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error) {
	return count(ctx, db, target, s.Table, nil)
}

// Changes reads the event table.
func (s *PgHistory) Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		source, err := sourceTable(ctx, db, target, s.Table)
		if err != nil {
			yield(Change{}, err)
			return
		}
		args := postgres.ImportArgs{Source: source}
		if found, ok, err := resolve(ctx, db, target.schema, orTable(s.Context, "", "pghistory_context")); err != nil {
			yield(Change{}, err)
			return
		} else if ok {
			args.Context = quoted(found)
		}
		each(ctx, db, target, "pghistory", args, func(scan func(...any) error) ([]Change, error) {
			var at time.Time
			var text string
			var context *string
			if err := scan(&at, &text, &context); err != nil {
				return nil, fmt.Errorf("read the source: %w", err)
			}
			return one(pgHistoryChange(target, at, text, context))
		}, yield)
	}
}

func pgHistoryChange(target *Target, at time.Time, text string, context *string) (Change, error) {
	all, err := readRow(text)
	if err != nil {
		return Change{}, err
	}
	state, meta := all.split(target, "pgh_")
	c := Change{ID: meta.text("pgh_id"), Changed: at, State: state, Extra: map[string]any{}}
	metadata, _, err := meta.document(target, "pgh_context")
	if err == nil && context != nil {
		err = json.Unmarshal([]byte(*context), &metadata)
	}
	if err != nil {
		return Change{}, badChange(c.ID, "its context is not a JSON object")
	}
	c.Actor = row(metadata).text("user")
	delete(metadata, "user")
	if len(metadata) > 0 {
		c.Extra["context"] = metadata
	}
	switch label := meta.text("pgh_label"); label {
	case "insert", "update", "delete":
		c.Operation = chrononaut.Operation(label)
	default:
		c.Operation, c.Extra["label"] = chrononaut.OperationUpdate, label
	}
	var ok bool
	if c.Key, ok = target.key(state); !ok {
		return Change{}, badChange(c.ID, "it lacks a column of the primary key")
	}
	return c, nil
}
