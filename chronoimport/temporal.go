package chronoimport

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// TemporalTables reads the history table of the extension temporal_tables, or
// of its version in PL/pgSQL: the states that a record had, each with the period
// in which it had it. The live row is the last one.
//
// A period that begins where the one before it ends is an update; else the
// record was deleted at the end of the one and inserted at the beginning of the
// other. The id of a change is its time. Who and why are not known.
type TemporalTables struct {
	// Table holds history. Defaults to the table's name and _history, in the
	// table's schema.
	Table chrononaut.Table
	// Period is the column of the period. Defaults to sys_period.
	Period string
}

// Name returns temporal_tables.
func (s *TemporalTables) Name() string { return "temporal_tables" }

func (s *TemporalTables) table(t *Target) chrononaut.Table {
	return orTable(s.Table, t.Table.Schema, t.Table.Name+"_history")
}

// Count counts the rows of both tables.
func (s *TemporalTables) Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error) {
	old, err := count(ctx, db, target, s.table(target), nil)
	if err != nil {
		return 0, err
	}
	live, err := count(ctx, db, target, target.Table, nil)
	return old + live, err
}

// Changes reads both tables.
func (s *TemporalTables) Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		period := s.Period
		if period == "" {
			period = "sys_period"
		}
		if _, ok := target.column(period); !ok {
			yield(Change{}, fmt.Errorf("%s has no column %s for the period", target.Table, chrononaut.Table{Name: period}))
			return
		}
		source, err := sourceTable(ctx, db, target, s.table(target))
		if err != nil {
			yield(Change{}, err)
			return
		}
		r := &temporalReader{target: target, period: period}
		stopped := false
		each(ctx, db, target, "temporal_tables", postgres.ImportArgs{Source: source, Period: period}, r.read, func(c Change, err error) bool {
			stopped = !yield(c, err) || err != nil && !isBad(err)
			return !stopped
		})
		if !stopped {
			if c, ok := r.end(); ok {
				yield(c, nil)
			}
		}
	}
}

// temporalReader keeps the last period.
type temporalReader struct {
	target *Target
	period string

	last  Change     // its ID is empty when there was none
	until *time.Time // nil: it goes on
	upper string
}

func (r *temporalReader) read(scan func(...any) error) ([]Change, error) {
	var lower, upper *time.Time
	var lowerText, upperText *string
	var text, period string
	if err := scan(&lower, &upper, &lowerText, &upperText, &text, &period); err != nil {
		return nil, fmt.Errorf("read the source: %w", err)
	}
	state, err := readRow(text)
	if err != nil {
		return nil, err
	}
	key, ok := r.target.key(state)
	if !ok {
		return nil, badChange("(unknown)", "its key is NULL")
	}
	var changes []Change
	same := r.last.ID != "" && string(r.last.Key) == string(key)
	if same && lower != nil && (r.until == nil || lower.Before(*r.until)) {
		return nil, badChange(*lowerText, "its period begins before the one before it has ended")
	}
	adjacent := same && lower != nil && r.until != nil && lower.Equal(*r.until)
	if !adjacent {
		if c, ok := r.end(); ok {
			changes = append(changes, c)
		}
	}
	if lower == nil {
		r.last = Change{}
		return changes, badChange("before "+orUnbounded(upperText), "its period has no beginning")
	}
	// Until the next change the period had no end.
	state[r.period] = []byte(period)
	c := Change{ID: *lowerText, Key: key, Operation: chrononaut.OperationInsert, Changed: *lower, State: state}
	if adjacent {
		c.Operation = chrononaut.OperationUpdate
	}
	r.last, r.until, r.upper = c, upper, orUnbounded(upperText)
	return append(changes, c), nil
}

// end returns the deletion after the last period, if it has ended.
func (r *temporalReader) end() (Change, bool) {
	c := r.last
	r.last = Change{}
	if c.ID == "" || r.until == nil {
		return Change{}, false
	}
	c.ID, c.Operation, c.Changed = r.upper+"/delete", chrononaut.OperationDelete, *r.until
	return c, true
}

func orUnbounded(text *string) string {
	if text == nil {
		return "unbounded"
	}
	return *text
}
