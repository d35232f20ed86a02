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

const clients = 16

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

// measureConcurrent measures how many statements a second many clients get through.
func measureConcurrent(ctx context.Context, b *bench) (results []result, err error) {
	rounds, statements := 5, 100
	if b.short {
		rounds, statements = 3, 20
	}
	err = b.withDatabase(ctx, "concurrent", func(pool *pgxpool.Pool) error {
		peers, err := findPeers(ctx, pool)
		if err != nil {
			return err
		}
		ways := crowd.ways(peers)
		if err := makeTables(ctx, pool, []*shape{&crowd}, peers); err != nil {
			return err
		}
		rows := crowd.count(b.short)
		fill, update := crowd.fill(), &figure{name: "update", shape: &crowd, operation: "update", statement: updateOne}
		return withClients(ctx, pool, func(conns []*pgx.Conn) error {
			for _, w := range ways {
				if _, err := conns[0].Exec(ctx, fill.sql(w), 1, rows); err != nil {
					return fmt.Errorf("fill %s: %w", w, err)
				}
				for _, conn := range conns {
					if _, err := conn.Prepare(ctx, update.prepared(w), update.sql(w)); err != nil {
						return err
					}
				}
			}
			if _, err := pool.Exec(ctx, `VACUUM ANALYZE`); err != nil {
				return err
			}
			for _, c := range crowds {
				if !b.wants(c.name) {
					continue
				}
				t := times{}
				for round := range rounds {
					first := round % len(ways)
					for _, w := range slices.Concat(ways[first:], ways[:first]) {
						if w == c.unfit && w != none {
							continue
						}
						took, err := inParallel(conns, func(client int, conn *pgx.Conn) error {
							for n := range statements {
								if _, err := conn.Exec(ctx, update.prepared(w), c.id(client, n, rows)); err != nil {
									return err
								}
							}
							return nil
						})
						if err != nil {
							return fmt.Errorf("%s: %s: %w", c.name, w, err)
						}
						t[w] = append(t[w], float64(clients*statements)/took.Seconds())
					}
					if err := vacuumShape(ctx, pool, &crowd, ways); err != nil {
						return err
					}
				}
				results = append(results, t.whole(c.name, "statements/s"))
			}
			return nil
		})
	})
	return results, err
}

func vacuumShape(ctx context.Context, pool *pgxpool.Pool, s *shape, ways []way) error {
	var tables []string
	for _, w := range ways {
		tables = append(tables, s.table(w))
	}
	if _, err := pool.Exec(ctx, `VACUUM `+strings.Join(tables, ", ")); err != nil {
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
