package chronosql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// pgx takes other things than values before the arguments of a statement: options,
// and rewriters such as pgx.NamedArgs.

// options are those among the arguments of a call.
func options(args []driver.NamedValue) []driver.NamedValue {
	for i, a := range args {
		switch a.Value.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID, pgx.QueryRewriter:
		default:
			return args[:i]
		}
	}
	return args
}

// rewritten returns a call as its rewriter makes it, because a batch and a
// description of the statement need its real text.
func (p *overPgx) rewritten(ctx context.Context, c call) (call, error) {
	before := options(c.args)
	var rewriter pgx.QueryRewriter
	var kept []driver.NamedValue
	for _, a := range before {
		if r, ok := a.Value.(pgx.QueryRewriter); ok {
			rewriter = r
		} else {
			kept = append(kept, a)
		}
	}
	if rewriter == nil {
		return c, nil
	}
	query, args, err := rewriter.RewriteQuery(ctx, p.conn.pgx, c.query, values(c.args[len(before):]))
	if err != nil {
		return c, fmt.Errorf("rewrite query failed: %w", err)
	}
	return call{query: query, args: slices.Concat(kept, namedValues(args))}, nil
}

// several reports whether the text of a call may hold more than one statement.
func (p *overPgx) several(c call) bool {
	simple := p.config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol
	given := options(c.args)
	for _, a := range given {
		if mode, ok := a.Value.(pgx.QueryExecMode); ok {
			simple = mode == pgx.QueryExecModeSimpleProtocol
		}
	}
	return simple || len(given) == len(c.args)
}

// apart reports whether a call with arguments cannot be part of a batch, which
// takes no options, and expects one statement of a text.
func (p *overPgx) apart(c call) bool {
	return len(options(c.args)) > 0 || len(c.args) > 0 && p.several(c) && len(sqltext.Split(chronodriver.PostgreSQL, c.query)) > 1
}
