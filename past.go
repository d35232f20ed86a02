package chrononaut

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Past reads tables as of one point, beside the present or another point in the
// same query. [Client.At] makes it; it is safe for concurrent use.
type Past struct {
	client *Client
	point  Point
	opts   AsOfOpts
}

// At returns a handle for a point of the past, for queries that need two times at
// once. Where the whole query is about one time, [AsOf] needs no change of the
// query. A nil opts means the defaults.
func (c *Client) At(p Point, opts *AsOfOpts) *Past {
	past := &Past{client: c, point: p}
	if opts != nil {
		past.opts = *opts
	}
	return past
}

// Table returns SQL for the rows that a table had at the point: a subquery in
// parentheses, with the table's columns, to stand in FROM under an alias.
//
//	before, err := client.At(chrononaut.At(monday), nil).Table(ctx, chrononaut.Table{Name: "orders"})
//	rows, err := db.Query(ctx, "SELECT o.id FROM orders AS o JOIN "+before+" AS b ON b.id = o.id WHERE o.total <> b.total")
//
// The point is resolved now: the text means the same state for ever. On
// PostgreSQL the role needs SELECT on the tables of history. Row security of the
// table is applied to the past rows.
//
// Errors: [HorizonError], [ErrNotRecorded], [ErrPoint], [ErrNotTracked]. Costs one round
// trip, and two more for the first call for a table.
func (p *Past) Table(ctx context.Context, name Table) (sql string, err error) {
	err = p.point.check()
	var info *tableInfo
	if err == nil {
		info, err = p.client.table(ctx, name)
	}
	if err == nil {
		sql, err = p.client.reader.past(ctx, p.client.queryer, info, p.point, p.opts)
	}
	if err != nil {
		return "", fmt.Errorf("the past of %s: %w", name, WrapError(err))
	}
	return sql, nil
}

// TakeSnapshot returns a token of what the client's transaction sees, for
// [AtSnapshot]: see [Client.With]. In a transaction of the isolation level
// REPEATABLE READ that is what all its queries see; else it is what a query sees at
// that moment. Changes of the transaction itself are not in it. The token is text,
// can be kept for as long as history is, and survives a dump and restore. Costs
// one round trip.
//
// Errors: [ErrHorizon] on a standby of PostgreSQL, [ErrNotInstalled].
func (c *Client) TakeSnapshot(ctx context.Context) (token string, err error) {
	if token, err = c.reader.takeSnapshot(ctx, c.queryer); err != nil {
		return "", fmt.Errorf("take a snapshot token: %w", WrapError(notInstalled(err)))
	}
	return token, nil
}

// TakeSnapshot is [Client.TakeSnapshot] for a transaction or a database that an
// adapter wrapped, with history in the default schema.
func TakeSnapshot(ctx context.Context, q chronodriver.Queryer) (token string, err error) {
	dialect := chronodriver.PostgreSQL
	if d, ok := q.(interface{ Dialect() chronodriver.Dialect }); ok {
		dialect = d.Dialect()
	}
	client, err := NewClient(q, dialect, nil)
	if err != nil {
		return "", err
	}
	return client.TakeSnapshot(ctx)
}
