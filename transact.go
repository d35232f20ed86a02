package chrononaut

import (
	"context"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// transact runs what writes: in the client's transaction, or, where the client is
// one of a database, in one of its own, which carries the attribution of ctx.
func (c *Client) transact(ctx context.Context, run func(context.Context, chronodriver.Queryer) error) error {
	pool, ok := c.pool()
	if !ok {
		return run(ctx, c.queryer)
	}
	ctx = present{}.context(ctx)
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	if err := run(ctx, tx); err != nil {
		// The error of the statement says more than that of the end.
		_ = tx.Rollback(context.WithoutCancel(ctx))
		return err
	}
	return tx.Commit(ctx)
}

// beginner is a queryer that can begin transactions: that of a pool.
type beginner interface {
	Begin(ctx context.Context) (chronodriver.Tx, error)
}

// pool returns what begins the client's own transactions; ok is false for the
// client of a transaction.
func (c *Client) pool() (pool beginner, ok bool) {
	queryer := c.queryer
	if p, ok := queryer.(present); ok {
		queryer = p.queryer
	}
	pool, ok = queryer.(beginner)
	return pool, ok
}

// ownsTransactions reports whether [Client.transact] begins one.
func (c *Client) ownsTransactions() bool {
	_, ok := c.pool()
	return ok
}
