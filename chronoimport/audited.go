package chronoimport

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// Audited reads the audits of Audited, the library for Rails. audited_changes
// may be json, jsonb, or text with JSON or YAML.
//
// An update says only what it changed: states are computed from the record's
// create on. Of a record without one (it is older than its audits, or they were
// merged) the updates cannot be imported until it is created again. Columns that
// Audited was told to leave out are absent from the states. The actor is
// username, or user_id; comment is the rationale; request_uuid and the user's
// type go to the extra information.
type Audited struct {
	// Model is the name of the class, as in auditable_type.
	Model string
	// Table holds the audits. Defaults to audits.
	Table chrononaut.Table
}

// Name returns audited.
func (a *Audited) Name() string { return "audited" }

func (a *Audited) table() chrononaut.Table { return orTable(a.Table, "", "audits") }

// Count counts the audits.
func (a *Audited) Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error) {
	return count(ctx, db, target, a.table(), []string{"auditable_type"}, a.Model)
}

// Changes reads the audits.
func (a *Audited) Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if len(target.Key) != 1 {
			yield(Change{}, fmt.Errorf("%w: Audited knows records by one column", ErrNoKey))
			return
		}
		source, err := sourceTable(ctx, db, target, a.table())
		if err != nil {
			yield(Change{}, err)
			return
		}
		r := &auditedReader{target: target}
		each(ctx, db, target, "audited", postgres.ImportArgs{Source: source}, r.read, yield, a.Model)
	}
}

// auditedReader keeps the state of the record that it is at.
type auditedReader struct {
	target *Target
	item   string
	state  map[string]json.RawMessage // nil when it is not known
}

func (r *auditedReader) read(scan func(...any) error) ([]Change, error) {
	var item, text string
	var at *time.Time
	if err := scan(&item, &at, &text); err != nil {
		return nil, fmt.Errorf("read the source: %w", err)
	}
	audit, err := readRow(text)
	if err != nil {
		return nil, err
	}
	if item != r.item {
		r.item, r.state = item, nil
	}
	id := audit.text("id")
	changes, isText, err := audit.document(r.target, "audited_changes")
	if err != nil {
		r.state = nil
		return nil, badChange(id, "audited_changes %s", err)
	}
	fromRails(r.target, changes, isText, audit.text("action") == "update")
	c := Change{
		ID: id, Key: encode(map[string]string{r.target.Key[0]: item}),
		Actor: audit.text("username"), RemoteAddr: audit.text("remote_address"), Rationale: audit.text("comment"),
		Extra: audit.extra("id", "auditable_id", "auditable_type", "action", "audited_changes", "username", "remote_address", "comment", "version", "created_at"),
	}
	if at != nil {
		c.Changed = *at
	}
	if c.Actor == "" {
		c.Actor = audit.text("user_id")
		delete(c.Extra, "user_id")
	}
	switch audit.text("action") {
	case "create":
		c.Operation, r.state = chrononaut.OperationInsert, changes
	case "update":
		c.Operation = chrononaut.OperationUpdate
		if r.state != nil {
			r.state = applied(r.state, changes)
		}
	case "destroy":
		// It says all that it knows itself.
		c.Operation, c.State, r.state = chrononaut.OperationDelete, merged(r.state, changes), nil
		return []Change{c}, nil
	default:
		return nil, badChange(id, "its action is not known")
	}
	if r.state == nil {
		return nil, badChange(id, "no create comes before it, so that the record's state is not known")
	}
	c.State = r.state
	return []Change{c}, nil
}

func merged(state, more map[string]json.RawMessage) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	maps.Copy(all, state)
	maps.Copy(all, more)
	return all
}
