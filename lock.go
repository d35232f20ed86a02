package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// LockOpts are the options of [History.Lock] and [History.LockAll]. Nil means the
// defaults: wait until the rows can be locked, against everybody's writes.
type LockOpts struct {
	// NoWait returns a [*LockedError] instead of waiting for others' locks of rows.
	NoWait bool
	// SkipLocked leaves out what cannot be locked at once, because others have it
	// locked or because it is not there: for workers that take what nobody else has.
	// To Lock it means the same as NoWait.
	SkipLocked bool
	// Timeout bounds the call: a [*LockedError] is returned when it has passed. It
	// bounds also the waiting for a lock of the whole table (ALTER TABLE), which
	// NoWait and SkipLocked alone do not. Units of a millisecond; 0 means no bound but
	// that of the session's own settings.
	Timeout time.Duration
	// Share locks against writes only: others may lock with Share too. Two who do
	// and then both write are a deadlock.
	Share bool
	// Delete locks also against new rows that refer to the record by a foreign key.
	// Needed to delete the record or to change its key without waiting for those who
	// are inserting such rows: see [History.Lock].
	Delete bool
}

// Locked is a record that is locked until the transaction ends.
type Locked[T any] struct {
	// Record has all the columns of the row, hidden and untracked ones too: what is
	// saved from it loses nothing.
	Record T
	Key    Key
	// Version is that of the record, for [Client.Stale] and for ETags. 0 when the
	// row has none.
	Version int
}

// ErrLocked is returned when a row cannot be locked, as [*LockedError].
var ErrLocked = errors.New("record is locked")

// ErrNoTransaction is returned when rows are to be locked outside of a
// transaction: the locks would be gone before the call returns.
var ErrNoTransaction = errors.New("locking rows needs a transaction")

// LockedError is returned when others have rows locked and there is no time to
// wait for them. It is [ErrLocked].
type LockedError struct {
	Table Table
	// Keys are the records that are in the way, as far as that is known.
	Keys []Key
	// Holders are those who have them locked. Empty when the database cannot tell:
	// they have gone meanwhile, or the session's own lock_timeout ended the
	// transaction, in which nothing can be asked then.
	Holders []LockHolder
	// Lease is the one that the record has, where Keys is a single one: who edits the
	// record need not be who has its row locked. Nil also when the role may not read
	// leases.
	Lease *Lease

	cause error
}

// LockHolder is a session that has a row, or its table, locked.
type LockHolder struct {
	// PID is the server process of the session, as pg_cancel_backend takes it.
	PID int
	// Application is what the session says it is: application_name.
	Application string
	// DatabaseUser is the role that logged in.
	DatabaseUser string
	// ClientAddr is the address it connects from, and Since when its transaction
	// began. Of sessions of other roles the database tells both to superusers and to
	// members of pg_read_all_stats only. ClientAddr is empty for a local socket.
	ClientAddr string
	Since      time.Time
	// Possible says that the session is one of several that may have it: the lock was
	// taken in a savepoint that is released, and the database does not tell by whom.
	Possible bool
	// Prepared is the name of a transaction that was prepared with PREPARE
	// TRANSACTION, which no session runs: PID is 0.
	Prepared string
}

// Error says who has the row locked, not which row.
func (e *LockedError) Error() string {
	text := "a record of table " + e.Table.String() + " is locked"
	if len(e.Keys) > 1 {
		text = fmt.Sprintf("%d records of table %s are locked", len(e.Keys), e.Table)
	}
	for i, h := range e.Holders {
		switch {
		case i > 0:
			text += ", "
		case h.Possible:
			text += " by one of "
		default:
			text += " by "
		}
		text += h.String()
	}
	if e.Lease != nil {
		text += fmt.Sprintf("; it is leased to %q until %s", e.Lease.Holder, e.Lease.Expires.UTC().Format(time.RFC3339))
	}
	return text
}

// String describes the session: "process 4711 (billing) of app at 10.0.0.7 since …".
func (h LockHolder) String() string {
	text := fmt.Sprintf("process %d", h.PID)
	if h.Prepared != "" {
		text = fmt.Sprintf("the prepared transaction %q", h.Prepared)
	}
	if h.Application != "" {
		text += fmt.Sprintf(" (%q)", h.Application)
	}
	if h.DatabaseUser != "" {
		text += " of " + h.DatabaseUser
	}
	if h.ClientAddr != "" {
		text += " at " + h.ClientAddr
	}
	if !h.Since.IsZero() {
		text += " since " + h.Since.UTC().Format(time.RFC3339)
	}
	return text
}

// Is reports whether target is [ErrLocked].
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Unwrap returns the driver's error, if there was one.
func (e *LockedError) Unwrap() error { return e.cause }

// MissingError is returned when records are to be locked that are not there. It is
// [ErrNotFound].
type MissingError struct {
	Table Table
	// Keys are those that were not found, in the order in which they were given.
	Keys []Key
	// Secured says that the row is there and row security keeps it from being locked
	// by this role.
	Secured bool
}

// Error says how many, not which.
func (e *MissingError) Error() string {
	text := fmt.Sprintf("%d records of table %s: %v", len(e.Keys), e.Table, ErrNotFound)
	if len(e.Keys) == 1 {
		text = ErrNotFound.Error()
	}
	if e.Secured {
		text += ": row security keeps it from being locked"
	}
	return text
}

// Is reports whether target is [ErrNotFound].
func (e *MissingError) Is(target error) bool { return target == ErrNotFound }

// Lock locks the present row of a record until the transaction ends, and returns
// it: nobody else can change, delete or lock it meanwhile. Tx is a transaction as
// an adapter wraps it; the adapters have shorter ways. The record is found by its
// present key; of is as for the other methods.
//
// The lock is the one that an UPDATE takes (FOR NO KEY UPDATE on PostgreSQL). Others
// can go on inserting rows that refer to the record: their foreign keys lock it too,
// and in no order that anybody chose. To delete the record, or to change its key,
// lock it with [LockOpts.Delete], which keeps such rows out as well.
//
// Who waits gets the row as it is by then, whatever the transaction has read
// before. In a transaction of the isolation level REPEATABLE READ or SERIALIZABLE
// a row that was changed since its snapshot is an error with the SQLSTATE 40001
// instead: repeat the transaction.
//
// Errors: [*LockedError]; [*MissingError], which is [ErrNotFound], also for a record
// that is deleted or gets another key while the call waits; [ErrNoTransaction];
// [ErrPast] under a context that reads the past; [ErrNotTracked], [ErrKey];
// [errors.ErrUnsupported] on SQLite. After these the transaction can go on; with
// NoWait or a Timeout nothing that the call has locked stays locked. A deadlock, a
// session's own lock_timeout or an ended context abort it.
//
// Costs one round trip, whether it waits or not, and three with a Timeout. Before an
// error there are one to eight more, to find out why.
func (h *History[T]) Lock(ctx context.Context, tx chronodriver.Queryer, of any, opts *LockOpts) (*Locked[T], error) {
	o := LockOpts{}
	if opts != nil {
		o = *opts
	}
	if o.SkipLocked {
		o.SkipLocked, o.NoWait = false, true
	}
	locked, err := h.LockAll(ctx, tx, []any{of}, &o)
	if err != nil {
		return nil, err
	}
	return &locked[0], nil
}

// LockAll is [History.Lock] for many records of the table in one statement. They
// are locked in the order of their primary key, whatever order they are given in,
// so that callers who lock with one call, and tables in one order, cannot block
// each other for ever. The result has each record once, in the order in which
// they are named first; none for no records.
//
// Costs one round trip, whether it waits or not; with NoWait or Timeout three.
func (h *History[T]) LockAll(ctx context.Context, tx chronodriver.Queryer, of []any, opts *LockOpts) ([]Locked[T], error) {
	locked, err := h.lockAll(ctx, tx, of, opts)
	if err != nil {
		return nil, fmt.Errorf("lock of %s: %w", h.table, WrapError(notInstalled(contextError(ctx, err))))
	}
	return locked, nil
}

// locker locks rows of one engine.
type locker interface {
	// normalizeKeys is normalizeKey for many, at the same cost.
	normalizeKeys(ctx context.Context, q chronodriver.Queryer, info *tableInfo, keys []Key) ([]string, error)
	// lockColumns are those that lockRows selects after n, the stamp and the version.
	lockColumns(info *tableInfo) []string
	// lockRows selects the rows of the items, locked.
	lockRows(info *tableInfo, o LockOpts) (sql string, err error)
	// lockBegin is SQL for a savepoint in which statements take no longer than a
	// time, lockEnd keeps what was done in it, and lockUndo undoes it; with ask the
	// savepoint stays for lockStates.
	lockBegin(timeout time.Duration) (string, error)
	lockEnd() (string, error)
	lockUndo(ask bool) (string, error)
	// lockStates tells what became of items: those that have a row.
	lockStates(ctx context.Context, q chronodriver.Queryer, info *tableInfo, items string, o LockOpts) (map[int]lockState, error)
	// lockTable tells who has the whole table locked; with writers, also who writes to
	// it.
	lockTable(ctx context.Context, q chronodriver.Queryer, info *tableInfo, writers bool) ([]LockHolder, error)
	// lockTimedOut reports whether a statement was ended because a lock took too long;
	// late says that the statement's time had passed.
	lockTimedOut(err error, late bool) bool
}

// lockState is what is known of a row that was not locked.
type lockState struct {
	// secured says that row security applies.
	secured bool
	holders []LockHolder
}

func (h *History[T]) lockAll(ctx context.Context, tx chronodriver.Queryer, of []any, opts *LockOpts) ([]Locked[T], error) {
	o := LockOpts{}
	if opts != nil {
		o = *opts
	}
	if _, past := AsOfFrom(ctx); past {
		return nil, fmt.Errorf("%w: the past cannot be locked", ErrPast)
	}
	if !inTransaction(tx) {
		return nil, ErrNoTransaction
	}
	engine, ok := h.client.reader.(locker)
	switch {
	case !ok:
		return nil, fmt.Errorf("SQLite has no locks of rows, a transaction that begins with BEGIN IMMEDIATE has the whole database: %w", errors.ErrUnsupported)
	case o.Share && o.Delete:
		return nil, errors.New("a lock is either shared or for deleting")
	case o.Timeout < 0:
		return nil, errors.New("the timeout is negative")
	}
	info, err := h.client.tableIn(ctx, tx, h.table)
	if err != nil {
		return nil, err
	}
	const attempts = 4
	for i := 1; ; i++ {
		l := locking[T]{h: h, tx: tx, engine: engine, info: info, opts: o}
		locked, err := l.run(ctx, of)
		if !schemaChanged(err) {
			return locked, err
		}
		h.client.forget(h.table, info)
		if i == attempts || !errors.Is(err, errStale) {
			// After an error of the server the transaction reads nothing more.
			return nil, err
		}
		// Not remembered: the change may be the transaction's own.
		fresh, err := h.client.reader.load(ctx, present{tx}, h.table)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(fresh.keyColumns, info.keyColumns) {
			return nil, fmt.Errorf("%w: %s", ErrKeyChanged, info.table)
		}
		info = fresh
	}
}

// inTransaction reports whether a queryer is no pool: a pool can begin
// transactions. One that makes savepoints says itself what it is.
func inTransaction(q chronodriver.Queryer) bool {
	if own, ok := q.(interface{ InTransaction() bool }); ok {
		return own.InTransaction()
	}
	_, pool := q.(beginner)
	return !pool
}

// tableIn is table, read through a transaction.
func (c *Client) tableIn(ctx context.Context, tx chronodriver.Queryer, name Table) (*tableInfo, error) {
	c.mu.Lock()
	info := c.tables[name]
	c.mu.Unlock()
	if info != nil {
		return info, nil
	}
	info, err := c.reader.load(ctx, present{tx}, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.tables[name] = info
	c.mu.Unlock()
	return info, nil
}
