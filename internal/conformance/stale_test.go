package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// counterClient is a client, on one connection of its own, of a table of counters.
type counterClient struct {
	read func(ctx context.Context) (n, version int, err error)
	// write sets the counter if it is at a version still.
	write func(ctx context.Context, n, version int) error
}

// Two services on different adapters, many connections, one record: who read an old
// version is refused and tries again, and no increment is lost.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	clients, each := pgtest.Size(20, 50), 4
	ctx := t.Context()
	database := pgtest.New(t)
	config, err := pgxpool.ParseConfig(database.URL())
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = int32(clients / 2) //nolint:gosec // a small number
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	migrator, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Up(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `CREATE TABLE counters (id integer PRIMARY KEY, n integer NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	counters := chrononaut.Table{Schema: "public", Name: "counters"}
	if _, err := migrator.Track(ctx, counters, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `INSERT INTO counters VALUES (1, 0)`); err != nil {
		t.Fatal(err)
	}

	key := chrononaut.Key{"id": 1}
	db := chronopgx.New(pool, nil)
	client, err := db.Client()
	if err != nil {
		t.Fatal(err)
	}
	const read = `SELECT n, version FROM counters WHERE id = 1`
	// The ways to say which version a write is based on.
	const given = `UPDATE counters SET n = $1, version = $2 WHERE id = 1`
	const counted = `UPDATE counters SET n = $1, version = $2 + 1 WHERE id = 1 AND version = $2`
	const asked = `UPDATE counters SET n = $1 WHERE id = 1 AND version = $2`
	const upserted = `INSERT INTO counters (id, n, version) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n, version = excluded.version`

	over := func(driver string) func(i int) counterClient {
		pool, err := chronosql.Open(driver, database.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		pool.SetMaxOpenConns(clients / 2)
		t.Cleanup(func() { _ = pool.Close() })
		return func(i int) counterClient {
			return counterClient{
				read: func(ctx context.Context) (n, version int, err error) {
					return n, version, pool.QueryRowContext(ctx, read).Scan(&n, &version)
				},
				write: func(ctx context.Context, n, version int) error {
					switch i % 4 {
					case 0:
						_, err := pool.ExecContext(ctx, given, n, version)
						return err
					case 1:
						return chronosql.ExecAtVersion(ctx, pool, client, counters, key, version, counted, n, version)
					case 2:
						_, err := pool.ExecContext(ctx, upserted, n, version)
						return err
					}
					return chronosql.ExecAtVersion(ctx, pool, client, counters, key, version, asked, n, version)
				},
			}
		}
	}
	overPgx := func(i int) counterClient {
		return counterClient{
			read: func(ctx context.Context) (n, version int, err error) {
				err = db.QueryRow(ctx, read).Scan(&n, &version)
				return n, version, err
			},
			write: func(ctx context.Context, n, version int) error {
				switch i % 5 {
				case 0:
					_, err := db.Exec(ctx, given, n, version)
					return err
				case 1:
					return chronopgx.ExecAtVersion(ctx, db, client, counters, key, version, counted, n, version)
				case 2:
					_, err := db.Exec(ctx, upserted, n, version)
					return err
				case 3:
					_, err := client.Merge(ctx, counters, key, version, map[string]any{"n": n})
					return err
				}
				return chronopgx.ExecAtVersions(ctx, db, counters, 1, asked, n, version)
			},
		}
	}
	overStdlib, overPq := over("pgx"), over("postgres")

	var wait sync.WaitGroup
	for i := range clients {
		client := overPgx(i / 2)
		switch i % 4 {
		case 1:
			client = overStdlib(i / 4)
		case 3:
			client = overPq(i / 4)
		}
		wait.Go(func() {
			ctx := chrononaut.WithActor(ctx, fmt.Sprint("client ", i))
			for done := 0; done < each; {
				n, version, err := client.read(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				switch err := chrononaut.WrapError(client.write(ctx, n+1, version)); {
				case err == nil:
					done++
				case !errors.Is(err, chrononaut.ErrStale):
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	var n, version, recorded, actors int
	if err := pool.QueryRow(ctx, read).Scan(&n, &version); err != nil {
		t.Fatal(err)
	}
	err = pool.QueryRow(ctx, `SELECT count(*), count(DISTINCT user_info ->> 'user_id') FROM chrononaut.chrononaut_activity WHERE operation = 'update'`).Scan(&recorded, &actors)
	if n != clients*each || version != n || recorded != n || actors != clients || err != nil {
		t.Errorf("%d increments and %d versions, %d in history by %d clients, %v; want %d", n, version, recorded, actors, err, clients*each)
	}
}
