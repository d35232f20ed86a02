package locking_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

const (
	soakVariable   = "CHRONONAUT_TEST_SOAK"
	clientVariable = "CHRONONAUT_TEST_LOCKING_CLIENT"
)

// TestMain also is the main function of clients that are killed: see kill_test.go.
func TestMain(m *testing.M) {
	if part := os.Getenv(clientVariable); part != "" {
		runClient(part)
	}
	os.Exit(m.Run())
}

type account struct {
	ID      int
	Balance int
	N       int
	Version int
}

// bank is a database with accounts, and entries that refer to them.
type bank struct {
	*testing.T
	url      string
	pool     *pgxpool.Pool
	db       *chronopgx.DB
	client   *chrononaut.Client
	accounts *chrononaut.History[account]
	table    chrononaut.Table
}

func newBank(t *testing.T, accounts, connections int) *bank {
	t.Helper()
	database := pgtest.NewFrom(t, "locking", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		if _, err := pool.Exec(ctx, `CREATE TABLE accounts (id integer PRIMARY KEY, balance integer NOT NULL, n integer NOT NULL);
			CREATE TABLE entries (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, account integer NOT NULL REFERENCES accounts ON DELETE CASCADE, amount integer NOT NULL);
			CREATE INDEX ON entries (account)`); err != nil {
			return err
		}
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		for _, name := range []string{"accounts", "entries"} {
			if _, err := m.Track(ctx, chrononaut.Table{Name: name}, nil, nil); err != nil {
				return err
			}
		}
		return nil
	})
	config, err := pgxpool.ParseConfig(database.URL())
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = int32(connections) //nolint:gosec // a small number
	// A deadlock is to be found soon, also where somebody else would end it by going on.
	config.ConnConfig.RuntimeParams["deadlock_timeout"] = "20ms"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	b := &bank{T: t, url: database.URL(), pool: pool, db: chronopgx.New(pool, nil), table: chrononaut.Table{Schema: "public", Name: "accounts"}}
	if b.client, err = b.db.Client(); err != nil {
		t.Fatal(err)
	}
	b.accounts = chrononaut.NewHistory[account](b.client, b.table, nil)
	b.exec(`INSERT INTO accounts SELECT n, 1000, 0 FROM generate_series(1, $1::integer) AS n`, accounts)
	return b
}

func (b *bank) exec(sql string, args ...any) {
	b.Helper()
	if _, err := b.db.Exec(b.Context(), sql, args...); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

func (b *bank) number(sql string, args ...any) (n int) {
	b.Helper()
	if err := b.pool.QueryRow(b.Context(), sql, args...).Scan(&n); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	return n
}

func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(soakVariable)
	if text == "" {
		t.Skip(soakVariable + " is not set")
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	return duration
}
