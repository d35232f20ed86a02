package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// lockChange is what history says of a hold or a lease that was placed, asked to
// be released, or ended: the data of such a change.
type lockChange struct {
	// Of a hold.
	Hold        int64            `json:"hold"`
	Keys        []chrononaut.Key `json:"keys"`
	Children    []lockRelation   `json:"children"`
	TwoPeople   bool             `json:"two_people"`
	AllowInsert bool             `json:"allow_insert"`
	Reason      string           `json:"reason"`
	// Of a lease.
	Lease    int64          `json:"lease"`
	Key      chrononaut.Key `json:"key"`
	Expires  time.Time      `json:"expires"`
	Enforced bool           `json:"enforced"`
	// Former is the lease of the record before; FormerHolder had it when it was taken
	// over.
	Former       int64  `json:"former"`
	FormerHolder string `json:"former_holder"`
}

type lockRelation struct {
	Schema   string            `json:"schema"`
	Table    string            `json:"table"`
	Columns  map[string]string `json:"columns"`
	Children []lockRelation    `json:"children"`
}

func lockRelations(written []lockRelation) []chrononaut.Relation {
	var relations []chrononaut.Relation
	for _, r := range written {
		relations = append(relations, chrononaut.Relation{
			Table: chrononaut.Table{Schema: r.Schema, Name: r.Table}, Columns: r.Columns, Children: lockRelations(r.Children),
		})
	}
	return relations
}

var (
	holdOperations  = []chrononaut.Operation{chrononaut.OperationHold, chrononaut.OperationReleaseRequest, chrononaut.OperationRelease}
	leaseOperations = []chrononaut.Operation{chrononaut.OperationLease, chrononaut.OperationLeaseTakeover, chrononaut.OperationLeaseRelease}
)

// recordLocks are the changes of a log that are about holds on a record, or if they
// are asked for about its leases: these have no index by key, and there may be as
// many as there are versions. They are in the log's order.
func (db *database) recordLocks(ctx context.Context, entry *chronomigrate.TrackedTable, key chrononaut.Key, o *chrononaut.ActivityOpts) ([]chrononaut.Change, error) {
	conditions := chrononaut.ActivityOpts{Actor: o.Actor, Transaction: o.Transaction, Since: o.Since, Until: o.Until, BeforeID: o.BeforeID, AfterID: o.AfterID}
	wanted := holdOperations
	if o.Operation != "" {
		wanted = []chrononaut.Operation{o.Operation}
	}
	tables := []chrononaut.Table{entry.Table}
	var is func(l *lockChange) bool
	switch {
	case o.Column != "":
		return nil, nil
	case slices.Contains(leaseOperations, o.Operation):
		is = func(l *lockChange) bool { return formatKey(l.Key) == formatKey(key) }
	case slices.Contains(holdOperations, wanted[0]):
		holds, err := db.holdsOf(ctx, &chrononaut.HoldsOpts{Table: entry.Table, Key: key, All: true})
		if err != nil || len(holds) == 0 {
			return nil, err
		}
		tables = nil
		for i := range holds {
			// One that holds rows of another table too is in the log of that.
			if !slices.Contains(tables, holds[i].Table) {
				tables = append(tables, holds[i].Table)
			}
		}
		is = func(l *lockChange) bool {
			return slices.ContainsFunc(holds, func(h chrononaut.Hold) bool { return h.ID == l.Hold })
		}
	default:
		return nil, nil
	}
	var found []chrononaut.Change
	for _, conditions.Table = range tables {
		for _, conditions.Operation = range wanted {
			for c, err := range db.client.ActivityAll(ctx, &conditions) {
				if err != nil {
					return nil, err
				}
				if l, err := decodeLock(c.Data); err == nil && is(l) {
					found = append(found, c)
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b chrononaut.Change) int {
		if o.OldestFirst {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Compare(b.ID, a.ID)
	})
	return found, nil
}

// describeLock gives a change that is about a hold or a lease its keys and a
// description; ok is false for any other.
func (p *printer) describeLock(c *chrononaut.Change) (keys, text string, ok bool) {
	switch c.Operation {
	case chrononaut.OperationHold, chrononaut.OperationReleaseRequest, chrononaut.OperationRelease,
		chrononaut.OperationLease, chrononaut.OperationLeaseTakeover, chrononaut.OperationLeaseRelease:
	default:
		return "", "", false
	}
	l, err := decodeLock(c.Data)
	if err != nil {
		// Of another version, and printed as any other.
		return "", "", false
	}
	if c.Operation == chrononaut.OperationHold || c.Operation == chrononaut.OperationReleaseRequest || c.Operation == chrononaut.OperationRelease {
		h := &chrononaut.Hold{Keys: l.Keys, AllowInsert: l.AllowInsert}
		return heldKeys(h), l.hold(c.Operation), true
	}
	return formatKey(l.Key), p.leaseText(l, c.Operation), true
}

func decodeLock(data chrononaut.Data) (*lockChange, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber() // keys are exact
	l := &lockChange{}
	return l, decoder.Decode(l)
}

func (l *lockChange) hold(operation chrononaut.Operation) string {
	text := fmt.Sprintf("hold %d", l.Hold)
	if operation != chrononaut.OperationHold {
		// Its rationale is why it ended, and not why it began.
		return text + ": " + l.Reason
	}
	if len(l.Children) > 0 {
		text += ", with " + relationsText(lockRelations(l.Children))
	}
	if l.TwoPeople {
		text += ", two people release it"
	}
	return text
}

func (p *printer) leaseText(l *lockChange, operation chrononaut.Operation) string {
	text := fmt.Sprintf("lease %d", l.Lease)
	if operation == chrononaut.OperationLeaseRelease {
		return text
	}
	parts := []string{text + " until " + p.second(l.Expires)}
	if l.Enforced {
		parts = append(parts, "enforced")
	}
	if operation == chrononaut.OperationLeaseTakeover {
		parts = append(parts, fmt.Sprintf("taken over from %s (lease %d)", person(l.FormerHolder, ""), l.Former))
	}
	return strings.Join(parts, ", ")
}
