// Package pgpast lets statements that somebody types read the past of a
// PostgreSQL database: one at a time, or from a client such as psql, for which
// it stands between the client and the server.
package pgpast

import (
	"context"
	"errors"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// Point is a point of the past of one database. It is safe for concurrent use.
type Point struct {
	argument  string // of travel()
	relations *travel.Relations
}

// NewPoint returns the point that ctx reads at, for history in a schema.
func NewPoint(ctx context.Context, schema string) (*Point, error) {
	argument, ok := chrononaut.EncodeAsOf(ctx)
	if !ok {
		return nil, errors.New("no point in the past")
	}
	return &Point{argument, travel.NewRelations(schema)}, nil
}

// travel makes the transaction that is open read the past.
func (p *Point) travel() string { return p.relations.Travel(p.argument) }

// begin begins a transaction that reads the past.
func (p *Point) begin() string { return "BEGIN; " + p.travel() }

// statement is a text as it has to be sent.
func (p *Point) statement(ctx context.Context, sql string, load travel.Load) (*travel.Statement, error) {
	return p.relations.Statement(ctx, p.argument, sql, false, load)
}
