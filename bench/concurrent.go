package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	clients = 16
	// planned is how many statements each client runs, in each way, before a round: by then plans are kept.
	planned = 10
)

// crowds say which of the rows 1 to rows a client changes with its nth statement.
var crowds = []struct {
	name string
	id   func(client, n, rows int) int
	// unfit is a way that fails at it: periods refuses to change a row that a
	// transaction has changed that began later, "invalid row version".
	unfit way
}{
	{name: "concurrent_rows", id: func(client, n, rows int) int { return client*(rows/clients) + n%(rows/clients) + 1 }},
	{name: "concurrent_hot", id: func(int, int, int) int { return 1 }, unfit: periods},
}

// throng is many clients that update the rows of a shape, in each way in turn.
type throng struct {
	pool       *pgxpool.Pool
	conns      []*pgx.Conn
	ways       []way
	rows       int
	statements int // of each client in a round
}

// updateOfClient is what a client does again and again.
var updateOfClient = &figure{name: "update", shape: &crowd, operation: "update", statement: updateOne}

// measureConcurrent measures how many statements a second many clients get through.
func measureConcurrent(ctx context.Context, b *bench) (results []result, err error) {
	err = b.withDatabase(ctx, "concurrent", func(pool *pgxpool.Pool) error {
		peers, err := findPeers(ctx, pool)
		if err != nil {
			return err
		}
		if err := makeTables(ctx, pool, []*shape{&crowd}, peers); err != nil {
			return err
		}
		return withClients(ctx, pool, func(conns []*pgx.Conn) error {
			t := &throng{pool: pool, conns: conns, ways: crowd.ways(peers), rows: crowd.count(b.short), statements: 400}
			if b.short {
				t.statements = 100
			}
			if err := t.setUp(ctx); err != nil {
				return err
			}
			for _, c := range crowds {
				if !b.wants(c.name) {
					continue
				}
				throughput, err := t.measure(ctx, c.id, c.unfit)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				results = append(results, throughput.whole(c.name, "statements/s"))
			}
			return nil
		})
	})
	return results, err
}

// setUp fills the tables and prepares the statements.
func (t *throng) setUp(ctx context.Context) error {
	fill := crowd.fill()
	for _, w := range t.ways {
		if _, err := t.conns[0].Exec(ctx, fill.sql(w), 1, t.rows); err != nil {
			return fmt.Errorf("fill %s: %w", w, err)
		}
		for _, conn := range t.conns {
			if err := updateOfClient.prepare(ctx, conn, w); err != nil {
				return err
			}
		}
	}
	_, err := t.pool.Exec(ctx, `VACUUM ANALYZE`)
	return err
}

// measure returns the statements a second, of all ways but the one that is unfit.
func (t *throng) measure(ctx context.Context, id func(client, n, rows int) int, unfit way) (times, error) {
	throughput := times{}
	for round := range roundCount {
		first := round % len(t.ways)
		for _, w := range slices.Concat(t.ways[first:], t.ways[:first]) {
			if w == unfit && unfit != none {
				continue
			}
			run := func(statements int) (time.Duration, error) {
				return inParallel(t.conns, func(client int, conn *pgx.Conn) error {
					for n := range statements {
						if _, err := conn.Exec(ctx, updateOfClient.prepared(w), id(client, n, t.rows)); err != nil {
							return err
						}
					}
					return nil
				})
			}
			// VACUUM has invalidated the plans of all sessions.
			if _, err := run(planned); err != nil {
				return nil, fmt.Errorf("%s: %w", w, err)
			}
			took, err := run(t.statements)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w, err)
			}
			throughput[w] = append(throughput[w], float64(clients*t.statements)/took.Seconds())
		}
		if err := t.vacuum(ctx); err != nil {
			return nil, err
		}
	}
	return throughput, nil
}

// vacuum lets the next round find the tables as this one did.
func (t *throng) vacuum(ctx context.Context) error {
	var tables []string
	for _, w := range t.ways {
		tables = append(tables, crowd.table(w))
	}
	if _, err := t.pool.Exec(ctx, `VACUUM `+strings.Join(tables, ", ")); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}

// withClients calls f with a connection for each client.
func withClients(ctx context.Context, pool *pgxpool.Pool, f func([]*pgx.Conn) error) error {
	var open func(conns []*pgx.Conn) error
	open = func(conns []*pgx.Conn) error {
		if len(conns) == clients {
			return f(conns)
		}
		return withConn(ctx, pool, func(conn *pgx.Conn) error { return open(append(conns, conn)) })
	}
	return open(nil)
}

// inParallel calls work for all clients at once, and returns how long the last of
// them took.
func inParallel(conns []*pgx.Conn, work func(client int, conn *pgx.Conn) error) (time.Duration, error) {
	var wait sync.WaitGroup
	failed := make([]error, len(conns))
	start := time.Now()
	for client, conn := range conns {
		wait.Go(func() { failed[client] = work(client, conn) })
	}
	wait.Wait()
	return time.Since(start), errors.Join(failed...)
}
