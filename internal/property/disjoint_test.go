package property_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// TestDisjoint has 16 transactions open at once, each of which has written rows
// of its own in every way: none may have waited for another.
func TestDisjoint(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		for _, partitioned := range []bool{false, true} {
			name := fmt.Sprintf("%s, partitioned %t", level, partitioned)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				quoted := func(suffix string) string { return pgx.Identifier{name + suffix}.Sanitize() }
				table := quoted("")
				ddl := "CREATE TABLE " + table + " (id integer PRIMARY KEY, n integer)"
				if partitioned {
					ddl += " PARTITION BY HASH (id)"
					for i := range 2 {
						ddl += fmt.Sprintf("; CREATE TABLE %s PARTITION OF %s FOR VALUES WITH (MODULUS 2, REMAINDER %d)", quoted(fmt.Sprint(i)), table, i)
					}
				}
				config := b.admin.Config()
				config.MaxConns = connections
				// A wait becomes an error instead of a test that hangs.
				config.ConnConfig.RuntimeParams["lock_timeout"] = "20s"
				pool, err := pgxpool.NewWithConfig(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				defer pool.Close()
				if _, err := pool.Exec(t.Context(), ddl); err != nil {
					t.Fatal(err)
				}
				parsed, err := chrononaut.ParseTable(table)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := b.migrator.Track(t.Context(), parsed, nil, nil); err != nil {
					t.Fatal(err)
				}
				if _, err := pool.Exec(t.Context(), "INSERT INTO "+table+" SELECT generate_series(0, 799), 0"); err != nil {
					t.Fatal(err)
				}
				db := chronopgx.New(pool, nil)
				var written, finished sync.WaitGroup
				written.Add(connections)
				for i := range connections {
					finished.Go(func() {
						arrive := sync.OnceFunc(written.Done)
						defer arrive()
						ctx := chrononaut.WithActor(t.Context(), fmt.Sprint(i))
						err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
							for _, sql := range []string{
								"UPDATE %[1]s SET n = n + 1 WHERE id = %[2]d", "DELETE FROM %[1]s WHERE id = %[2]d + 1", "INSERT INTO %[1]s VALUES (%[2]d + 1, 2)",
								"UPDATE %[1]s SET id = id + 10000 WHERE id = %[2]d + 2", "INSERT INTO %[1]s VALUES (%[2]d + 2, 3) ON CONFLICT (id) DO UPDATE SET n = 4",
							} {
								if _, err := tx.Exec(ctx, fmt.Sprintf(sql, table, i*50)); err != nil {
									return fmt.Errorf("%s: %w", sql, err)
								}
							}
							arrive()
							written.Wait()
							return nil
						})
						// Serializable transactions lock pages of indexes, which a small
						// table's rows share with or without us.
						if err != nil && level != pgx.Serializable {
							t.Error(err)
						}
					})
				}
				finished.Wait()
				var changes, actors int
				err = pool.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT user_info ->> 'user_id') FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND user_info ->> 'user_id' IS NOT NULL", parsed.Name).
					Scan(&changes, &actors)
				if want := actors * 5; err != nil || changes != want || level != pgx.Serializable && actors != connections {
					t.Errorf("%d changes by %d actors, %v; want %d by %d", changes, actors, err, want, connections)
				}
			})
		}
	}
}
