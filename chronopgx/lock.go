package chronopgx

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
)

// Lock locks the present row of a record until the transaction ends, and returns
// it with its version: see [chrononaut.History.Lock].
//
//	tx, err := db.Begin(ctx)
//	account, err := chronopgx.Lock(ctx, tx, accounts, 7, nil)
func Lock[T any](ctx context.Context, tx pgx.Tx, history *chrononaut.History[T], of any, opts *chrononaut.LockOpts) (*chrononaut.Locked[T], error) {
	return history.Lock(ctx, NewTxDriver(tx), of, opts)
}

// LockAll locks many records of a table, in an order in which callers cannot block
// each other for ever: see [chrononaut.History.LockAll].
func LockAll[T any](ctx context.Context, tx pgx.Tx, history *chrononaut.History[T], of []any, opts *chrononaut.LockOpts) ([]chrononaut.Locked[T], error) {
	return history.LockAll(ctx, NewTxDriver(tx), of, opts)
}
