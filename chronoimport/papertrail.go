package chronoimport

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// PaperTrail reads the versions of PaperTrail, the library for Rails. Its
// columns object and object_changes may be json, jsonb, or text with JSON or
// YAML.
//
// A version holds the state before its event. The state after it is the one
// before the record's next event, and the live row after the last; what cannot
// be found there is computed from object_changes. A record that is older than
// its first version begins with a baseline, the state before that version, which
// has the version's time and the id ID/before. Who and when stay with the event
// that they belong to. Further columns of the table go to the extra information.
type PaperTrail struct {
	// Model is the name of the class, as in item_type.
	Model string
	// Table holds the versions. Defaults to versions.
	Table chrononaut.Table
}

// Name returns papertrail.
func (p *PaperTrail) Name() string { return "papertrail" }

func (p *PaperTrail) table() chrononaut.Table { return orTable(p.Table, "", "versions") }

// Count counts the versions.
func (p *PaperTrail) Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error) {
	return count(ctx, db, target, p.table(), []string{"item_type"}, p.Model)
}

// Changes reads the versions.
func (p *PaperTrail) Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if len(target.Key) != 1 {
			yield(Change{}, fmt.Errorf("%w: PaperTrail knows records by one column", ErrNoKey))
			return
		}
		source, err := sourceTable(ctx, db, target, p.table())
		if err != nil {
			yield(Change{}, err)
			return
		}
		r := &paperTrailReader{target: target, yield: yield}
		err = query(ctx, db, target, "papertrail", postgres.ImportArgs{Source: source}, r.row, p.Model)
		if err == nil && !r.stopped {
			r.settle(nil)
		}
		if err != nil && !r.stopped {
			yield(Change{}, err)
		}
	}
}

// event is a version of PaperTrail.
type event struct {
	id, item, name string
	at             time.Time
	row            row
	before         map[string]json.RawMessage // nil when there is none
	changes        map[string]json.RawMessage
	live           map[string]json.RawMessage // the live row, with the last version
	bad            error
}

// paperTrailReader holds one event back, until the next says what it has done.
type paperTrailReader struct {
	target  *Target
	yield   func(Change, error) bool
	stopped bool

	last    *event
	started bool                       // the record had an event before
	state   map[string]json.RawMessage // after that one; nil when it is not known
}

func (r *paperTrailReader) row(scan func(...any) error) (bool, error) {
	e, err := r.read(scan)
	if err != nil {
		return false, err
	}
	r.settle(e)
	return !r.stopped, nil
}

func (r *paperTrailReader) read(scan func(...any) error) (*event, error) {
	var text string
	var live *string
	var at *time.Time
	e := &event{}
	if err := scan(&e.item, &at, &text, &live); err != nil {
		return nil, fmt.Errorf("read the source: %w", err)
	}
	if at != nil {
		e.at = *at
	}
	var err error
	if e.row, err = readRow(text); err != nil {
		return nil, err
	}
	e.id, e.name = e.row.text("id"), e.row.text("event")
	if live != nil {
		if e.live, err = readRow(*live); err != nil {
			return nil, err
		}
	}
	for name, to := range map[string]*map[string]json.RawMessage{"object": &e.before, "object_changes": &e.changes} {
		fields, text, err := e.row.document(r.target, name)
		if err != nil {
			e.bad = badChange(e.id, "%s %s", name, err)
		}
		fromRails(r.target, fields, text, name == "object_changes")
		*to = fields
	}
	return e, nil
}

// settle yields the event that was held back, and holds the next one.
func (r *paperTrailReader) settle(next *event) {
	e := r.last
	r.last = next
	if e != nil {
		same := next != nil && next.item == e.item
		var following map[string]json.RawMessage
		if same {
			following = next.before
		}
		r.emit(e, following, !same)
		r.started = same
		if !same {
			r.state = nil
		}
	}
}

func (r *paperTrailReader) emit(e *event, following map[string]json.RawMessage, last bool) {
	if e.bad != nil {
		r.state = nil
		r.send(Change{}, e.bad)
		return
	}
	c := Change{
		ID: e.id, Key: encode(map[string]string{r.target.Key[0]: e.item}), Changed: e.at,
		Actor: e.row.text("whodunnit"),
		Extra: e.row.extra("id", "item_type", "item_subtype", "item_id", "event", "whodunnit", "created_at", "object", "object_changes"),
	}
	switch e.name {
	case "create":
		c.Operation = chrononaut.OperationInsert
	case "destroy":
		c.Operation = chrononaut.OperationDelete
	default:
		// update, and events of the application's own such as touch.
		c.Operation = chrononaut.OperationUpdate
		if e.name != "update" {
			c.Extra["event"] = e.name
		}
	}
	before := e.before
	if before == nil {
		before = r.state
	}
	if !r.started && e.before != nil {
		baseline := c
		baseline.ID, baseline.Operation, baseline.State = e.id+"/before", chrononaut.OperationBaseline, e.before
		baseline.Actor, baseline.Extra = "", nil
		if !r.send(baseline, nil) {
			return
		}
	}
	switch {
	case c.Operation == chrononaut.OperationDelete:
		c.State = before
	case following != nil:
		c.State = following
	case last && e.live != nil:
		c.State = e.live
	case e.changes != nil && (before != nil || c.Operation == chrononaut.OperationInsert):
		c.State = applied(before, e.changes)
	}
	r.state = c.State
	if c.Operation == chrononaut.OperationDelete {
		r.state = nil
	}
	if c.State == nil {
		r.send(Change{}, badChange(e.id, "the state that it made is not known: no later version, live row or object_changes has it"))
		return
	}
	r.send(c, nil)
}

// send yields a change or its error, and says whether to go on.
func (r *paperTrailReader) send(c Change, err error) bool {
	if !r.stopped && !r.yield(c, err) {
		r.stopped = true
	}
	return !r.stopped
}
