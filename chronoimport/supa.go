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

// SupaAudit reads the record versions of supa_audit.
//
// A record that is older than its first version begins with a baseline, the
// state before that version, which has the version's time and the id ID/before.
// A change of the primary key ends the record under the old key, with the id
// ID/departed, and begins one under the new. A TRUNCATE deletes the records that
// were there. auth_uid, where the table has it, is the actor; further columns go
// to the extra information.
type SupaAudit struct {
	// Table holds the versions. Defaults to audit.record_version.
	Table chrononaut.Table
	// Of is the table that the versions name. Defaults to the target; it differs
	// when the table was renamed since.
	Of chrononaut.Table
}

// Name returns supa_audit.
func (s *SupaAudit) Name() string { return "supa_audit" }

func (s *SupaAudit) table() chrononaut.Table { return orTable(s.Table, "audit", "record_version") }

func (s *SupaAudit) of(t *Target) chrononaut.Table {
	of := s.Of
	if of.Name == "" {
		return t.Table
	}
	if of.Schema == "" {
		of.Schema = t.Table.Schema
	}
	return of
}

// Count counts the versions.
func (s *SupaAudit) Count(ctx context.Context, db chronodriver.Queryer, target *Target) (int64, error) {
	of := s.of(target)
	return count(ctx, db, target, s.table(), []string{"table_schema", "table_name"}, of.Schema, of.Name)
}

// Changes reads the versions.
func (s *SupaAudit) Changes(ctx context.Context, db chronodriver.Queryer, target *Target) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		source, err := sourceTable(ctx, db, target, s.table())
		if err != nil {
			yield(Change{}, err)
			return
		}
		of := s.of(target)
		args := postgres.ImportArgs{Source: source}
		r := &supaReader{target: target}
		err = query(ctx, db, target, "supa_truncates", args, func(scan func(...any) error) (bool, error) {
			var t truncate
			err := scan(&t.id, &t.at)
			r.truncates = append(r.truncates, t)
			return true, err
		}, of.Schema, of.Name)
		if err != nil {
			yield(Change{}, err)
			return
		}
		stopped := false
		each(ctx, db, target, "supa_audit", args, r.read, func(c Change, err error) bool {
			stopped = !yield(c, err) || err != nil && !isBad(err)
			return !stopped
		}, of.Schema, of.Name)
		if !stopped {
			if c, ok := r.end(); ok {
				yield(c, nil)
			}
		}
	}
}

type truncate struct {
	id int64
	at time.Time
}

// supaReader keeps the last change of the record that it is at.
type supaReader struct {
	target    *Target
	truncates []truncate
	last      Change // its ID is empty when there was none
	lastID    int64
}

func (r *supaReader) read(scan func(...any) error) ([]Change, error) {
	var at time.Time
	var text string
	var departed bool
	if err := scan(&at, &text, &departed); err != nil {
		return nil, fmt.Errorf("read the source: %w", err)
	}
	version, err := readRow(text)
	if err != nil {
		return nil, err
	}
	id := version.text("id")
	var number int64
	if _, err := fmt.Sscan(id, &number); err != nil {
		return nil, badChange(id, "its id is not a number")
	}
	before, _, err := version.document(r.target, "old_record")
	if err != nil {
		return nil, badChange(id, "old_record %s", err)
	}
	after, _, err := version.document(r.target, "record")
	if err != nil {
		return nil, badChange(id, "record %s", err)
	}
	c := Change{
		ID: id, Changed: at, State: after, Actor: version.text("auth_uid"),
		Extra: version.extra("id", "record_id", "old_record_id", "op", "ts", "table_oid", "table_schema", "table_name", "record", "old_record", "auth_uid"),
	}
	switch op := version.text("op"); {
	case departed:
		c.ID, c.Operation, c.State = id+"/departed", chrononaut.OperationDelete, before
	case op == "INSERT":
		c.Operation = chrononaut.OperationInsert
	case op == "UPDATE":
		c.Operation = chrononaut.OperationUpdate
	case op == "DELETE":
		c.Operation, c.State = chrononaut.OperationDelete, before
	case op == "SNAPSHOT":
		c.Operation = chrononaut.OperationBaseline
	default:
		return nil, badChange(id, "its operation is not known")
	}
	var ok bool
	if c.Key, ok = r.target.key(c.State); !ok {
		return nil, badChange(id, "it lacks a column of the primary key")
	}
	return r.follow(c, number, before, departed), nil
}

// follow returns a change and what has to come before it.
func (r *supaReader) follow(c Change, number int64, before map[string]json.RawMessage, departed bool) []Change {
	var changes []Change
	same := r.last.ID != "" && string(r.last.Key) == string(c.Key)
	if !same {
		if end, ok := r.end(); ok {
			changes = append(changes, end)
		}
	} else if t, ok := r.truncated(number); ok {
		changes = append(changes, t)
		r.last = t
	}
	if c.Operation == chrononaut.OperationUpdate && !departed {
		if key, ok := r.target.key(before); ok && string(key) != string(c.Key) {
			// It comes under this key from another.
			c.Operation = chrononaut.OperationInsert
		}
	}
	if !same && before != nil && c.Operation != chrononaut.OperationInsert {
		baseline := c
		baseline.ID, baseline.Operation, baseline.State, baseline.Actor, baseline.Extra = c.ID+"/before", chrononaut.OperationBaseline, before, "", nil
		changes = append(changes, baseline)
	}
	r.last, r.lastID = c, number
	return append(changes, c)
}

// truncated returns the TRUNCATE that ended the record after its last change
// and before the version of a number.
func (r *supaReader) truncated(number int64) (Change, bool) {
	if r.last.Operation.Gone() {
		return Change{}, false
	}
	for _, t := range r.truncates {
		if t.id > r.lastID && t.id < number {
			c := r.last
			c.ID, c.Operation, c.Changed, c.Actor, c.Extra = fmt.Sprintf("%d", t.id), chrononaut.OperationTruncate, t.at, "", nil
			return c, true
		}
	}
	return Change{}, false
}

// end returns the TRUNCATE after the record's last change, if there is one.
func (r *supaReader) end() (Change, bool) {
	if r.last.ID == "" {
		return Change{}, false
	}
	const noVersion = 1<<63 - 1
	c, ok := r.truncated(noVersion)
	r.last = Change{}
	return c, ok
}
