package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Point is a point of the past as a context carries it, and what becomes of
// tables that are not tracked.
type Point struct {
	At          string `json:"at"`          // RFC 3339
	Transaction string `json:"transaction"` // its number
	Snapshot    string `json:"snapshot"`    // a token
	Untracked   string `json:"untracked"`   // "present", or empty
	Unsettled   bool   `json:"unsettled"`
}

// DecodePoint reads the JSON form of a point.
func DecodePoint(encoded string) (Point, error) {
	var p Point
	if err := json.Unmarshal([]byte(encoded), &p); err != nil {
		return p, state(chronodriver.StatePoint, "malformed point")
	}
	return p, nil
}

// snapshotToken begins the tokens of SQLite.
const snapshotToken = "snapshot:sqlite:"

// TakeSnapshot returns a token for the state that a transaction reads.
func TakeSnapshot(ctx context.Context, q chronodriver.Queryer) (string, error) {
	var last int64
	if err := pastRow(ctx, q, "snapshot", []any{&last}); err != nil {
		return "", err
	}
	return snapshotToken + strconv.FormatInt(last, 10), nil
}

// Place is where a point lies in the log.
type Place struct {
	// Cut is the id of the last entry that counts.
	Cut int64
	// Settled: no transaction can add to what counts any more. Where it is not,
	// nothing was recorded after the point yet.
	Settled bool
}

// timeLayout is how history writes times.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Milliseconds writes a time as history does, rounded down.
func Milliseconds(t time.Time) string {
	switch t = t.UTC(); {
	case t.Year() > 9999:
		return "9999-12-31T23:59:59.999Z"
	case t.Year() < 0:
		return ""
	}
	return t.Truncate(time.Millisecond).Format(timeLayout)
}

// Place finds a point in the log, as the transaction of q sees it. Its errors
// begin with a code, TM010 or TM011, or are those of q.
func (p Point) Place(ctx context.Context, q chronodriver.Queryer) (place Place, err error) {
	switch {
	case p.Transaction != "":
		number, err := strconv.ParseInt(p.Transaction, 10, 64)
		if err != nil {
			return place, state(chronodriver.StateNotRecorded, "there is no such transaction")
		}
		var past bool
		if err := pastRow(ctx, q, "cut_transaction", []any{&place.Cut, &past}, number); err != nil {
			return place, err
		}
		if !past {
			return place, state(chronodriver.StateHorizon, "there is no such transaction yet")
		}
		place.Settled = true
		return place, nil
	case p.Snapshot != "":
		id, ok := strings.CutPrefix(p.Snapshot, snapshotToken)
		if place.Cut, err = strconv.ParseInt(id, 10, 64); err != nil || !ok || place.Cut < 0 {
			return place, state(chronodriver.StateNotRecorded, "the snapshot token is not of a SQLite database")
		}
		var last int64
		if err := pastRow(ctx, q, "last_entry", []any{&last}); err != nil {
			return place, err
		}
		if last < place.Cut {
			return place, state(chronodriver.StateHorizon, "the snapshot is newer than what is read")
		}
		place.Settled = true
		return place, nil
	}
	t, err := time.Parse(time.RFC3339Nano, p.At)
	if err != nil {
		return place, state(chronodriver.StatePoint, "malformed point")
	}
	var after int64
	if err := pastRow(ctx, q, "entry_after", []any{&after}, Milliseconds(t)); err != nil {
		return place, err
	}
	if after == 0 {
		return place, pastRow(ctx, q, "last_entry", []any{&place.Cut})
	}
	place.Settled = true
	return place, pastRow(ctx, q, "cut_before", []any{&place.Cut}, after)
}

// settling takes the lock of the writer for a moment and changes nothing.
const settling = `UPDATE main.chrononaut_context SET suppressed = suppressed WHERE 0`

// Settle makes sure that nobody is writing who has begun before a point in time
// after which nothing was recorded yet: there is one writer at a time, so that
// whoever gets its lock later than the point writes later, too. It waits for a
// writer as a write would, and must not be called in a transaction that only
// reads. Errors: TM010, those of q.
func (p Point) Settle(ctx context.Context, q chronodriver.Queryer) error {
	t, err := time.Parse(time.RFC3339Nano, p.At)
	if err != nil {
		return state(chronodriver.StatePoint, "malformed point")
	}
	// Times in history have milliseconds: this one has to be over.
	const patience = 20 * time.Millisecond
	t = t.Truncate(time.Millisecond)
	if wait := time.Until(t.Add(time.Millisecond)); wait > 0 && wait <= patience {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
	var text string
	if err := pastRow(ctx, q, "now", []any{&text}); err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return err
	}
	if !t.Before(now) {
		return Horizon(now.Add(-time.Millisecond))
	}
	if _, err := q.Exec(ctx, settling); err != nil {
		if message := err.Error(); !strings.Contains(message, "locked") && !strings.Contains(message, "readonly") {
			return err
		}
		return unsettled(ctx, q, err)
	}
	return nil
}

// unsettled returns the error for a point that others may still add to. What
// they write is not older than the newest entry of the log.
func unsettled(ctx context.Context, q chronodriver.Queryer, cause error) error {
	var text string
	if err := pastRow(ctx, q, "last_change", []any{&text}); err != nil {
		return errors.Join(cause, err)
	}
	last, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return fmt.Errorf("%w: %w", Horizon(time.Time{}), cause)
	}
	return fmt.Errorf("%w: %w", Horizon(last.Add(-time.Millisecond)), cause)
}

// Horizon returns the error for a point that is not settled. The horizon is the
// latest time that is.
func Horizon(horizon time.Time) error {
	if horizon.IsZero() {
		return state(chronodriver.StateHorizon, "the point is not settled yet")
	}
	return state(chronodriver.StateHorizon, "settled is the past up to "+horizon.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func state(code, message string) error { return fmt.Errorf("%s: %s", code, message) }

// Relation is a table or view of the main database.
type Relation struct {
	Name, Kind, Definition string
	// Tracked: its changes are recorded now.
	Tracked bool
	// Recorded: they were at the cut.
	Recorded bool
	// Past is what its past is made of; nil unless it is tracked and recorded.
	Past *Past
	// stamp is what the description of the table depends on, besides the schema.
	options, keys string
	until         int64
	moves         bool
	unrecorded    bool
}

// ReadRelations lists the relations of the main database, but for Chrononaut's
// and SQLite's own, or the one of a name, as of a cut. Known remembers tables
// from one call to the next while their schema is the same. It may be nil.
func ReadRelations(ctx context.Context, q chronodriver.Queryer, cut int64, name string, known *KnownTables) (relations []Relation, err error) {
	sql, err := render("past.sql#relations", struct{ Name string }{name})
	if err != nil {
		return nil, err
	}
	args := []any{cut}
	if name != "" {
		args = append(args, name)
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Relation
		if err := rows.Scan(&r.Name, &r.Kind, &r.Definition, &r.options, &r.Tracked, &r.Recorded, &r.until, &r.moves, &r.unrecorded, &r.keys); err != nil {
			return nil, err
		}
		relations = append(relations, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range relations {
		if r := &relations[i]; r.Tracked && r.Recorded && r.Kind == "table" {
			if err := r.describe(ctx, q, cut, known); err != nil {
				return nil, err
			}
		}
	}
	return relations, nil
}

func (r *Relation) describe(ctx context.Context, q chronodriver.Queryer, cut int64, known *KnownTables) error {
	table, err := known.table(ctx, q, r)
	if err != nil {
		return err
	}
	if table == nil || table.KeyTableSQL() != r.keys {
		// Its primary key has changed, or an older version tracks it.
		r.Recorded = false
		return nil
	}
	r.Past = &Past{Table: table, Cut: cut, Until: r.until, Moves: r.moves, Unrecorded: r.unrecorded}
	return nil
}

// Shadowed reports whether a query finds something else under the name.
func (r *Relation) Shadowed(untrackedPresent bool) bool {
	return r.Tracked || r.Kind == "view" || !untrackedPresent
}

// ShadowSQL is the statement by which a query on a connection reads the relation
// as of the cut. rewrite is for the definitions of views.
func (r *Relation) ShadowSQL(rewrite func(string) string) (string, error) {
	switch {
	case r.Past != nil:
		return r.Past.CreateSQL()
	case r.Tracked:
		return RefuseSQL(r.Name, chronodriver.StateNotRecorded, "table "+r.Name+" was not recorded then"), nil
	case r.Kind == "view":
		return MirrorSQL(r.Definition, rewrite), nil
	}
	return RefuseSQL(r.Name, chronodriver.StatePast, "table "+r.Name+" is not tracked and has no past"), nil
}

// pastRow runs one of the queries in past.sql that return a row.
func pastRow(ctx context.Context, q chronodriver.Queryer, name string, dest []any, args ...any) (err error) {
	sql, err := render("past.sql#"+name, nil)
	if err != nil {
		return err
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return errors.Join(rows.Err(), errors.New("no row"))
	}
	return rows.Scan(dest...)
}
