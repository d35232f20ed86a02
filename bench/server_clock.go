package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// serverClock measures what the queries of a client take on the server: it runs each
// of them once more, prepared, under EXPLAIN.
type serverClock struct {
	chronodriver.Queryer
	conn     *pgx.Conn
	prepared map[string]*preparedQuery
	// took adds up planning and execution.
	took time.Duration
}

type preparedQuery struct {
	name  string
	types []uint32
}

// withServerClock calls f with a clock on a connection of its own.
func withServerClock(ctx context.Context, pool *pgxpool.Pool, f func(*serverClock) error) error {
	return withConn(ctx, pool, func(conn *pgx.Conn) error {
		return f(&serverClock{Queryer: chronopgx.NewDriver(pool, nil), conn: conn, prepared: map[string]*preparedQuery{}})
	})
}

// Query measures a query and runs it.
func (c *serverClock) Query(ctx context.Context, sql string, args ...any) (chronodriver.Rows, error) {
	if err := c.measure(ctx, sql, args); err != nil {
		return nil, fmt.Errorf("measure a query: %w", err)
	}
	return c.Queryer.Query(ctx, sql, args...)
}

func (c *serverClock) measure(ctx context.Context, sql string, args []any) error {
	q := c.prepared[sql]
	if q == nil {
		q = &preparedQuery{name: fmt.Sprintf("measured_%d", len(c.prepared))}
		description, err := c.conn.Prepare(ctx, q.name, sql)
		if err != nil {
			return err
		}
		q.types = description.ParamOIDs
		c.prepared[sql] = q
	}
	execute := "EXECUTE " + q.name
	if len(args) > 0 {
		literals := make([]string, len(args))
		for i, arg := range args {
			encoded, err := c.conn.TypeMap().Encode(q.types[i], pgx.TextFormatCode, arg, nil)
			if err != nil {
				return err
			}
			literals[i] = "NULL"
			if encoded != nil {
				literals[i] = "'" + strings.ReplaceAll(string(encoded), "'", "''") + "'"
			}
		}
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	took, err := explain(ctx, c.conn, execute)
	c.took += took
	return err
}

// explain returns the server's time for a statement: planning and execution.
func explain(ctx context.Context, conn *pgx.Conn, statement string) (time.Duration, error) {
	var text string
	err := conn.QueryRow(ctx, `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+statement, pgx.QueryExecModeSimpleProtocol).Scan(&text)
	if err != nil {
		return 0, err
	}
	var plans []struct {
		Planning  float64 `json:"Planning Time"`
		Execution float64 `json:"Execution Time"`
	}
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		return 0, fmt.Errorf("read a plan: %w", err)
	}
	if len(plans) != 1 {
		return 0, errors.New("read a plan: there is not one")
	}
	return time.Duration((plans[0].Planning + plans[0].Execution) * float64(time.Millisecond)), nil
}
