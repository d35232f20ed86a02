package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// fixture is a database in which history is installed.
type fixture struct {
	*testing.T
	pool     *pgxpool.Pool
	db       *chronopgx.DB
	client   *chrononaut.Client
	migrator *chronomigrate.Migrator
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db := pgtest.NewFrom(t, "reading", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		_, err = m.Up(ctx, nil)
		return err
	})
	f := &fixture{T: t, pool: db.Pool(t)}
	f.db = chronopgx.New(f.pool, nil)
	f.client = must(f.db.Client())(t)
	f.migrator = must(chronomigrate.New(chronopgx.NewDriver(f.pool, nil), nil))(t)
	return f
}

// must returns a value, or ends the test when there was an error.
func must[V any](value V, err error) func(t testing.TB) V {
	return func(t testing.TB) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// exec runs statements, each in its own transaction.
func (f *fixture) exec(statements ...string) {
	f.Helper()
	f.execAs(f.Context(), statements...)
}

func (f *fixture) execAs(ctx context.Context, statements ...string) {
	f.Helper()
	for _, sql := range statements {
		if _, err := f.db.Exec(ctx, sql); err != nil {
			var detail *pgconn.PgError
			if errors.As(err, &detail) {
				f.Fatalf("%s\n%v\n%s", sql, err, detail.Detail)
			}
			f.Fatalf("%s\n%v", sql, err)
		}
	}
}

func (f *fixture) track(table string, opts *chronomigrate.TrackOptions) {
	f.Helper()
	if _, err := f.migrator.Track(f.Context(), f.name(table), opts, nil); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) name(table string) chrononaut.Table {
	f.Helper()
	return must(chrononaut.ParseTable(table))(f)
}

// history reads a table through the fixture's client.
func history[T any](f *fixture, table string) *chrononaut.History[T] {
	f.Helper()
	return chrononaut.NewHistory[T](f.client, f.name(table), nil)
}

type todo struct {
	ID      int
	Title   string
	Done    bool
	Version int
}

// todos creates and tracks the table that most tests use.
func (f *fixture) todos() *chrononaut.History[todo] {
	f.Helper()
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, done boolean NOT NULL DEFAULT false, secret text, visits integer)`)
	f.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}})
	return history[todo](f, "todos")
}

// versions returns a record's snapshots, or ends the test.
func versions[T any](f *fixture, h *chrononaut.History[T], of any, opts *chrononaut.VersionsOpts) []chrononaut.Snapshot[T] {
	f.Helper()
	return must(h.Versions(f.Context(), of, opts))(f)
}

// lines describes snapshots: key, version, operation.
func lines[T any](snapshots []chrononaut.Snapshot[T]) []string {
	lines := []string{}
	for _, s := range snapshots {
		lines = append(lines, line(s.Change))
	}
	return lines
}

func line(c chrononaut.Change) string {
	key, err := c.Key.JSON()
	if err != nil {
		key = err.Error()
	}
	return fmt.Sprintf("%s %d %s", key, c.Version, c.Operation)
}
