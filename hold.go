package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Hold freezes records, or a whole table, until it is released.
type Hold struct {
	ID    int64
	Table Table
	// Keys are those of the records; nil for the whole table.
	Keys []Key
	// Children are the relations by which rows of other tables are held too, with
	// their columns.
	Children []Relation
	// Reason, Actor, DatabaseUser and Placed say why, who and when. Actor is empty
	// when the transaction named none.
	Reason       string
	Actor        string
	DatabaseUser string
	Placed       time.Time
	// TwoPeople says that two actors have to release it, AllowInsert that rows may
	// be added to the table.
	TwoPeople   bool
	AllowInsert bool
	// Requested is the first of two people who released it, Released the one who
	// ended it; nil until then.
	Requested *Approval
	Released  *Approval
}

// Approval says who released a hold, when and why.
type Approval struct {
	Actor        string
	DatabaseUser string
	At           time.Time
	Rationale    string
}

// Relation says that rows of a table, the child, belong to rows of another one.
type Relation struct {
	// Table is the child.
	Table Table
	// Columns maps columns of the child to the columns of the parent that have the
	// same values. Defaults to the only foreign key between the two.
	Columns map[string]string
	// Children are the relations of the child in turn.
	Children []Relation
}

// HoldOpts are the options of [Client.Hold]. Nil means the defaults.
type HoldOpts struct {
	// Children also holds the rows that belong to the records: those that there are
	// cannot change, and none can be added, neither by an insertion nor by an update
	// that moves them there. Their tables have to be tracked. Not for a whole table.
	// Defaults to none.
	Children []Relation
	// TwoPeople makes [Client.Release] take two calls, of different actors. Defaults
	// to false.
	TwoPeople bool
	// AllowInsert lets rows be added to a table that is held as a whole; they are
	// held from then on. Defaults to false.
	AllowInsert bool
	// Timeout is how long each transaction that is writing the records is waited
	// for; [*LockedError] when it has passed. Units of a millisecond. Defaults to the
	// server's lock_timeout, which is no limit unless it is set.
	Timeout time.Duration
}

// HoldsOpts narrow [Client.Holds]. Nil means no bounds.
type HoldsOpts struct {
	// Table is one whose rows are held, by relations too. Defaults to all.
	Table Table
	// Key is the record of the table that is held; not those of relations that have
	// been released. Needs a table.
	Key Key
	// All also returns holds that have been released. Defaults to false.
	All bool
	// Limit is the greatest number of holds. Defaults to no limit.
	Limit int
}

// holder places and releases holds on one engine. Documents are JSON, see
// holdDocument.
type holder interface {
	// hold places one and returns it.
	hold(ctx context.Context, q chronodriver.Queryer, info *tableInfo, keys []Key, reason string, opts HoldOpts) (document string, err error)
	// release releases one and returns it.
	release(ctx context.Context, q chronodriver.Queryer, id int64, rationale string) (document string, err error)
	// holds selects documents, the newest first; info is that of the table or nil.
	holds(ctx context.Context, q chronodriver.Queryer, info *tableInfo, opts HoldsOpts, visit func(document string) error) error
	// holdColumns are the columns by which rows of a table are held; none when none
	// are.
	holdColumns(ctx context.Context, q chronodriver.Queryer, info *tableInfo) ([]string, error)
	// heldStates selects the n of states, a JSON array of heldState, that are held,
	// each with the oldest of the holds.
	heldStates(ctx context.Context, q chronodriver.Queryer, info *tableInfo, states string, visit func(n int, document string) error) error
}

// heldState is a state of a record, those columns of it by which it may be held.
type heldState struct {
	N        int                        `json:"n"`
	State    map[string]json.RawMessage `json:"state"`
	Inserted bool                       `json:"inserted"`
}

// Hold freezes the records with the keys, or the whole table when keys is nil, for
// every client of the database, until [Client.Release]: INSERT of a held key,
// UPDATE of any column, DELETE, TRUNCATE, what a foreign key of another table would
// do, deleting history of them, and every restore fail with [*HeldError]. A record
// that was deleted can be held too: it cannot come back, and its history stays.
// Records may be held several times; they are free when all holds are released.
//
// Transactions that are writing the records are waited for, see
// [HoldOpts.Timeout]; those that come later find the hold. A transaction of
// REPEATABLE READ or SERIALIZABLE that began before the hold fails with a
// serialization failure when it writes the table. Where records are gone, and for a
// whole table and for [HoldOpts.Children], the table is locked against writes until
// the end of the transaction.
//
// The hold is a change of history of its own, with the operation [OperationHold]
// and the actor of the context. A client of a transaction places it there, under the
// attribution that the transaction began with; another client in a transaction of
// its own. Transactions that place holds follow one another.
//
// Errors: [ErrNotTracked], [ErrKey], [ErrNotFound] when neither the table nor
// history has the record, [ErrLocking] for what makes no sense, [*LockedError] when
// the timeout has passed, which says who is writing where the transaction was the
// client's own. Costs one round trip, besides those of the transaction, and some more
// after a timeout.
func (c *Client) Hold(ctx context.Context, table Table, keys []Key, reason string, opts *HoldOpts) (*Hold, error) {
	o := HoldOpts{}
	if opts != nil {
		o = *opts
	}
	hold, err := c.hold(ctx, table, keys, reason, o)
	if err != nil {
		return nil, fmt.Errorf("hold %s: %w", table, err)
	}
	return hold, nil
}

func (c *Client) hold(ctx context.Context, table Table, keys []Key, reason string, opts HoldOpts) (*Hold, error) {
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	info, err := c.table(ctx, table)
	if err != nil {
		return nil, WrapError(err)
	}
	var hold *Hold
	err = c.holding(ctx, func(ctx context.Context, q chronodriver.Queryer, engine holder) error {
		document, err := engine.hold(ctx, q, info, keys, reason, opts)
		if err != nil {
			return err
		}
		hold, err = parseHold(document)
		return err
	})
	if chronodriver.Busy(err) {
		err = c.inTheWay(ctx, info, keys, opts.Children, err)
	}
	return hold, err
}

// inTheWay says who is writing what was to be held, where the transaction that
// failed was the client's own: in another, nothing can be asked any more.
func (c *Client) inTheWay(ctx context.Context, info *tableInfo, keys []Key, children []Relation, failed error) error {
	locked := &LockedError{Table: info.table, cause: failed}
	engine, ok := c.reader.(locker)
	if !ok || !c.ownsTransactions() {
		return locked
	}
	ctx = present{}.context(ctx)
	found, err := c.writers(ctx, engine, info, keys, locked)
	if err == nil && len(locked.Holders) == 0 {
		// The hold locks the table where records are gone, and those of children.
		locked.Holders, err = engine.lockTable(ctx, c.queryer, info, found < len(keys) || keys == nil)
	}
	for _, child := range children {
		if err == nil && len(locked.Holders) == 0 {
			var table *tableInfo
			if table, err = c.table(ctx, child.Table); err == nil {
				locked.Holders, err = engine.lockTable(ctx, c.queryer, table, true)
			}
		}
	}
	return errors.Join(locked, contextError(ctx, err))
}

// writers adds to the error which of the records are locked, and by whom. It
// returns how many of them there are.
func (c *Client) writers(ctx context.Context, engine locker, info *tableInfo, keys []Key, locked *LockedError) (found int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	normal, err := engine.normalizeKeys(ctx, c.queryer, info, keys)
	if err != nil {
		return 0, err
	}
	items := make([]restoreArg, len(normal))
	for n, key := range normal {
		items[n] = restoreArg{N: n, Key: key}
	}
	states, err := engine.lockStates(ctx, c.queryer, info, encodeArgs(items), LockOpts{})
	for n, key := range keys {
		if len(states[n].holders) > 0 {
			locked.Keys = append(locked.Keys, key)
		}
	}
	locked.Holders = holdersOf(states)
	return len(states), err
}

// checkReason refuses what the database cannot hold, or what is no reason.
func checkReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return fmt.Errorf("%w: a reason is needed", ErrLocking)
	case !utf8.ValidString(reason) || strings.ContainsRune(reason, 0):
		return fmt.Errorf("%w: the reason is no text that the database can hold", ErrLocking)
	}
	return nil
}

// holding runs what places or releases holds: in the client's transaction, or in
// one of its own.
func (c *Client) holding(ctx context.Context, run func(context.Context, chronodriver.Queryer, holder) error) error {
	engine, ok := c.reader.(holder)
	if !ok {
		return fmt.Errorf("holds on this engine: %w", errors.ErrUnsupported)
	}
	err := c.transact(ctx, func(ctx context.Context, q chronodriver.Queryer) error { return run(ctx, q, engine) })
	return WrapError(notInstalled(contextError(ctx, err)))
}

// Release ends a hold. A hold of two people is ended by the second call, which has
// to be of another actor than the first: the first returns the hold with Requested
// set and Released nil.
//
// It is a change of history, with the operation [OperationRelease], or
// [OperationReleaseRequest] for the first of two people. Attribution and
// transaction are as with [Client.Hold].
//
// Errors: [ErrNotFound] when there is no such hold, [ErrLocking] when it was
// released already, when the second person is the first one, or when there is no
// actor for a hold of two people. Costs one round trip, besides those of the
// transaction.
func (c *Client) Release(ctx context.Context, id int64, rationale string) (*Hold, error) {
	if err := checkReason(rationale); err != nil {
		return nil, fmt.Errorf("release hold %d: %w", id, err)
	}
	var hold *Hold
	err := c.holding(ctx, func(ctx context.Context, q chronodriver.Queryer, engine holder) error {
		document, err := engine.release(ctx, q, id, rationale)
		if err != nil {
			return err
		}
		hold, err = parseHold(document)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("release hold %d: %w", id, err)
	}
	return hold, nil
}

// Holds returns the holds that are in force, the newest first. Costs one round
// trip.
func (c *Client) Holds(ctx context.Context, opts *HoldsOpts) ([]Hold, error) {
	o := HoldsOpts{}
	if opts != nil {
		o = *opts
	}
	holds, err := c.holds(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", WrapError(notInstalled(contextError(ctx, err))))
	}
	return holds, nil
}

func (c *Client) holds(ctx context.Context, opts HoldsOpts) ([]Hold, error) {
	engine, ok := c.reader.(holder)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	var info *tableInfo
	if opts.Table.Name != "" {
		var err error
		if info, err = c.table(ctx, opts.Table); err != nil {
			return nil, err
		}
	} else if opts.Key != nil {
		return nil, fmt.Errorf("%w: a key needs a table", ErrKey)
	}
	holds := []Hold{}
	err := engine.holds(ctx, c.queryer, info, opts, func(document string) error {
		hold, err := parseHold(document)
		if err == nil {
			holds = append(holds, *hold)
		}
		return err
	})
	return holds, err
}

// Hold freezes a record: see [Client.Hold].
func (h *History[T]) Hold(ctx context.Context, of any, reason string, opts *HoldOpts) (*Hold, error) {
	_, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("hold a record", err)
	}
	var k Key
	if err := decodeJSON(key, &k); err != nil {
		return nil, h.wrap("hold a record", err)
	}
	return h.client.Hold(ctx, h.table, []Key{k}, reason, opts)
}

// holdDocument is a hold as the database writes it.
type holdDocument struct {
	ID           int64              `json:"id"`
	Schema       string             `json:"schema"`
	Table        string             `json:"table"`
	Keys         []Key              `json:"keys"`
	Children     []relationDocument `json:"children"`
	AllowInsert  bool               `json:"allow_insert"`
	TwoPeople    bool               `json:"two_people"`
	Reason       string             `json:"reason"`
	Actor        string             `json:"actor"`
	DatabaseUser string             `json:"database_user"`
	Placed       time.Time          `json:"placed"`
	Requested    *approvalDocument  `json:"requested"`
	Released     *approvalDocument  `json:"released"`
}

type approvalDocument struct {
	Actor        string    `json:"actor"`
	DatabaseUser string    `json:"database_user"`
	At           time.Time `json:"at"`
	Rationale    string    `json:"rationale"`
}

func (d *approvalDocument) approval() *Approval {
	if d == nil {
		return nil
	}
	a := Approval(*d)
	return &a
}

// relationDocument is a relation as the database reads and writes it.
type relationDocument struct {
	Schema   string             `json:"schema"`
	Table    string             `json:"table"`
	Columns  map[string]string  `json:"columns,omitempty"`
	Children []relationDocument `json:"children,omitempty"`
}

func relationDocuments(relations []Relation) []relationDocument {
	var documents []relationDocument
	for _, r := range relations {
		documents = append(documents, relationDocument{r.Table.Schema, r.Table.Name, r.Columns, relationDocuments(r.Children)})
	}
	return documents
}

func relationsOf(documents []relationDocument) []Relation {
	var relations []Relation
	for _, d := range documents {
		relations = append(relations, Relation{Table{Schema: d.Schema, Name: d.Table}, d.Columns, relationsOf(d.Children)})
	}
	return relations
}

func parseHold(document string) (*Hold, error) {
	var d holdDocument
	if err := decodeJSON(document, &d); err != nil {
		return nil, err
	}
	return &Hold{
		ID: d.ID, Table: Table{Schema: d.Schema, Name: d.Table}, Keys: d.Keys, Children: relationsOf(d.Children),
		Reason: d.Reason, Actor: d.Actor, DatabaseUser: d.DatabaseUser, Placed: d.Placed,
		TwoPeople: d.TwoPeople, AllowInsert: d.AllowInsert, Requested: d.Requested.approval(), Released: d.Released.approval(),
	}, nil
}
