package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Lease says that somebody edits a record for a while: see [Client.Lease].
type Lease struct {
	// ID numbers leases. A later lease of a record has a higher one: it is a
	// fencing token for systems outside of the database too.
	ID int64
	// Token is known to the holder only: with the ID it renews, releases, and
	// marks writes as the holder's. Empty in what [Client.Leases] returns.
	Token string
	// Table and Key are the record, by the key that it had when the lease was read.
	Table Table
	Key   Key
	// Holder is the actor of the context that it was taken under, and without one
	// the role that was logged in.
	Holder string
	// Version is that of the record when it was leased.
	Version int
	// Granted, Renewed and Expires are of the database's clock.
	Granted, Renewed, Expires time.Time
	// Enforced says that the database refuses other writes of the record.
	Enforced bool
	// Rationale is empty when there was none.
	Rationale string
}

// LeaseOpts are the options of [Client.Lease]. Nil means the defaults.
type LeaseOpts struct {
	// Enforce refuses other writes of the record while the lease runs, whoever makes
	// them: they get [ErrLeased]. Defaults to false: others see the lease, and it
	// binds those who ask for one.
	Enforce bool
	// TakeOver ends a lease that somebody else has. It needs a rationale. Defaults to
	// false.
	TakeOver bool
	// Rationale is shown to others. Defaults to that of the context.
	Rationale string
	// Version refuses the lease with [*StaleError] when the record is at another one
	// than the holder has read. Defaults to any.
	Version *int
}

// LeasesOpts narrows [Client.Leases]. Nil means all leases that run.
type LeasesOpts struct {
	// Table is the table of the records. Defaults to all.
	Table Table
	// Holder is that of [Lease.Holder]. Defaults to everybody.
	Holder string
	// Limit is the greatest number of leases. Defaults to no limit.
	Limit int
}

// Lease gives the caller a record to edit for a time, which can be longer than any
// transaction: "Ann is editing this record". One lease of a record runs at any
// time. It ends when it is released, when it expires by the database's clock, and
// when somebody takes it over. The record need not be written meanwhile; the lease
// is recorded in the log, as are its end by [Client.ReleaseLease] and by a takeover.
//
// A write under [WithLease] is refused with [ErrLeaseLost] once the lease has
// ended, so that a holder who was gone for too long cannot overwrite what others
// did since. With [LeaseOpts.Enforce] the database refuses the writes of everybody
// else, of any client.
//
// The time, ttl, is between one millisecond and 24 hours. Renew the lease while it
// is needed: a holder that died blocks others for no longer than ttl, or twice that
// if the server's clock is set back meanwhile.
//
// Errors: [*LeasedError] when the record is leased, by whomever: leases are told
// apart by their tokens, not by their holders, so that somebody's second window
// does not get one either. [ErrNotFound] when there is no such record,
// [*HeldError] when it is held, [*StaleError] for [LeaseOpts.Version],
// [ErrNoRationale], [ErrLeaseTTL], [ErrNotTracked], [ErrKey].
//
// A client of a database uses a transaction of its own, three round trips. One of a
// transaction takes the lease in that: others wait for its end, and it is gone when
// that is rolled back. An enforced lease waits for transactions that write the
// record; its caller needs the privilege to update it.
func (c *Client) Lease(ctx context.Context, table Table, key Key, ttl time.Duration, opts *LeaseOpts) (*Lease, error) {
	info, normal, err := c.recordKey(ctx, table, key)
	if err != nil {
		return nil, fmt.Errorf("lease a record of %s: %w", table, WrapError(err))
	}
	return c.lease(ctx, info, normal, ttl, opts)
}

// Lease is [Client.Lease] for a record of the history's table.
func (h *History[T]) Lease(ctx context.Context, of any, ttl time.Duration, opts *LeaseOpts) (*Lease, error) {
	info, key, err := h.resolve(ctx, of)
	if err != nil {
		return nil, h.wrap("lease a record", err)
	}
	return h.client.lease(ctx, info, key, ttl, opts)
}

func (c *Client) lease(ctx context.Context, info *tableInfo, key string, ttl time.Duration, opts *LeaseOpts) (l *Lease, err error) {
	o := LeaseOpts{}
	if opts != nil {
		o = *opts
	}
	if o.Rationale == "" {
		o.Rationale, _ = attributionOf(ctx).extraInfo["rationale"].(string)
	}
	switch {
	case !info.tracked:
		err = ErrNotTracked
	case o.TakeOver && strings.TrimSpace(o.Rationale) == "":
		err = ErrNoRationale
	case !isLeaseTTL(ttl):
		err = ErrLeaseTTL
	default:
		err = c.leasing(ctx, func(ctx context.Context, q chronodriver.Queryer, engine leaser) error {
			l, err = engine.takeLease(ctx, q, info, key, ttl, o)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("lease a record of %s: %w", info.table, err)
	}
	return l, nil
}

func isLeaseTTL(ttl time.Duration) bool { return ttl >= time.Millisecond && ttl <= 24*time.Hour }

// RenewLease lets a lease run for another ttl from now on, which may be shorter
// than what is left of it. It sets the times of l. A lease that has expired is
// over, also when nobody has got the record since: [*LeaseLostError]. Only ID and
// Token of l are looked at. Costs what [Client.Lease] costs.
func (c *Client) RenewLease(ctx context.Context, l *Lease, ttl time.Duration) error {
	if !isLeaseTTL(ttl) {
		return fmt.Errorf("renew lease %d: %w", l.ID, ErrLeaseTTL)
	}
	err := c.leasing(ctx, func(ctx context.Context, q chronodriver.Queryer, engine leaser) error {
		renewed, err := engine.renewLease(ctx, q, l.ID, l.Token, ttl)
		if err == nil {
			l.Renewed, l.Expires = renewed.Renewed, renewed.Expires
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("renew lease %d: %w", l.ID, err)
	}
	return nil
}

// ReleaseLease ends a lease. One that has ended already is a [*LeaseLostError]:
// what was done under it may have been refused. It waits for transactions that
// write under the lease. Only ID and Token of l are looked at. Costs what
// [Client.Lease] costs.
func (c *Client) ReleaseLease(ctx context.Context, l *Lease) error {
	err := c.leasing(ctx, func(ctx context.Context, q chronodriver.Queryer, engine leaser) error {
		return engine.releaseLease(ctx, q, l.ID, l.Token)
	})
	if err != nil {
		return fmt.Errorf("release lease %d: %w", l.ID, err)
	}
	return nil
}

// Leases returns the leases that run, those that were granted last first. Costs one
// round trip.
func (c *Client) Leases(ctx context.Context, opts *LeasesOpts) ([]Lease, error) {
	o := LeasesOpts{}
	if opts != nil {
		o = *opts
	}
	if o.Table.Name != "" {
		info, err := c.table(ctx, o.Table)
		if err != nil {
			return nil, fmt.Errorf("leases of %s: %w", o.Table, WrapError(err))
		}
		o.Table = info.table
	}
	return c.leases(ctx, leaseFilter{LeasesOpts: o})
}

// LeaseOf returns the lease of a record that runs, and nil when there is none. Costs
// one round trip.
func (c *Client) LeaseOf(ctx context.Context, table Table, key Key) (*Lease, error) {
	info, normal, err := c.recordKey(ctx, table, key)
	if err != nil {
		return nil, fmt.Errorf("lease of a record of %s: %w", table, WrapError(err))
	}
	found, err := c.leases(ctx, leaseFilter{LeasesOpts: LeasesOpts{Table: info.table}, key: normal})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (c *Client) leases(ctx context.Context, f leaseFilter) ([]Lease, error) {
	engine, ok := c.reader.(leaser)
	if !ok {
		return nil, fmt.Errorf("leases on this engine: %w", errors.ErrUnsupported)
	}
	found, err := engine.leases(ctx, c.queryer, f)
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", WrapError(notInstalled(contextError(ctx, err))))
	}
	return found, nil
}

// claim is a lease as contexts and the database have it.
type claim struct {
	ID    int64  `json:"id"`
	Token string `json:"token"`
}

// WithLease returns a context whose changes are those of the lease's holder. The
// database refuses each of them, in any tracked table, once the lease has ended:
// [ErrLeaseLost]. Calls nest and add up: all leases have to run. A lease without
// its token, as [Client.Leases] returns it, and nil are refused too. No additional
// round trip.
func WithLease(ctx context.Context, l *Lease) context.Context {
	c := claim{}
	if l != nil {
		c = claim{l.ID, l.Token}
	}
	a := attributionOf(ctx)
	if !slices.Contains(a.leases, c) {
		a.leases = append(slices.Clip(a.leases), c)
	}
	return a.in(ctx)
}

// leaser leases records of one engine. It is called in a transaction that carries
// the attribution of ctx; errors have the states of chronodriver.
type leaser interface {
	// takeLease returns [ErrNotFound] when there is no such record. The key is a
	// normalized one.
	takeLease(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key string, ttl time.Duration, opts LeaseOpts) (*Lease, error)
	// renewLease returns the lease with its new times.
	renewLease(ctx context.Context, q chronodriver.Queryer, id int64, token string, ttl time.Duration) (*Lease, error)
	releaseLease(ctx context.Context, q chronodriver.Queryer, id int64, token string) error
	// leases reads those that run. It is not called in a transaction.
	leases(ctx context.Context, q chronodriver.Queryer, f leaseFilter) ([]Lease, error)
}

// leaseFilter narrows leases; key is a normalized one of the table, or empty.
type leaseFilter struct {
	LeasesOpts

	key string
}

// leasing runs f in the client's transaction, or in one of its own.
func (c *Client) leasing(ctx context.Context, f func(context.Context, chronodriver.Queryer, leaser) error) error {
	engine, ok := c.reader.(leaser)
	if !ok {
		return fmt.Errorf("leases on this engine: %w", errors.ErrUnsupported)
	}
	err := c.transact(ctx, func(ctx context.Context, q chronodriver.Queryer) error { return f(ctx, q, engine) })
	return WrapError(notInstalled(contextError(ctx, err)))
}

// recordKey reads what is known of a table, and brings a key of it into the form
// that history has.
func (c *Client) recordKey(ctx context.Context, table Table, key Key) (*tableInfo, string, error) {
	info, err := c.table(ctx, table)
	if err != nil {
		return nil, "", err
	}
	normal, err := c.reader.normalizeKey(ctx, c.queryer, info, key)
	return info, normal, err
}
