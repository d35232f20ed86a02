package chronosql_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// panicking is a value that cannot be encoded.
type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("no JSON") }

func TestPanicsOfTheApplicationLeaveNoConnection(t *testing.T) {
	t.Parallel()
	f := newFixtureAt(t, database(t).URL(), pgx.QueryExecModeCacheStatement, &chrononaut.Config{
		ExtraInfo: func(ctx context.Context) map[string]any {
			if actor, _ := chrononaut.ActorFrom(ctx); actor == "nobody" {
				panic("no such user")
			}
			return nil
		},
	})
	for _, ctx := range []context.Context{f.as("nobody"), chrononaut.WithExtraInfo(f.as("ann"), map[string]any{"a": panicking{}})} {
		for name, run := range map[string]func() error{
			"BeginTx":     func() error { _, err := f.db.BeginTx(ctx, nil); return err },
			"ExecContext": func() error { _, err := f.db.ExecContext(ctx, "INSERT INTO todos (title) VALUES ('a')"); return err },
			"QueryRowContext": func() error {
				return f.db.QueryRowContext(ctx, "INSERT INTO todos (title) VALUES ('a') RETURNING id").Scan(new(int))
			},
		} {
			if err := run(); !errors.Is(err, chrononaut.ErrContext) {
				t.Errorf("%s: error = %v, want ErrContext", name, err)
			}
			if inUse := f.db.Stats().InUse; inUse > 0 {
				t.Fatalf("%s: %d connections are in use afterwards", name, inUse)
			}
		}
	}
	// A pool of somebody else's.
	func() {
		defer func() { _ = recover() }()
		ctx := chrononaut.WithExtraInfo(f.as("ann"), map[string]any{"a": panicking{}})
		_, _ = chronosql.NewDriver(f.plain, chronodriver.PostgreSQL, nil).Begin(ctx)
		t.Error("there was no panic")
	}()
	if inUse := f.plain.Stats().InUse; inUse > 0 {
		t.Errorf("%d connections of the plain pool are in use", inUse)
	}
	f.exec(f.as("ann"), "INSERT INTO todos (title) VALUES ('after')")
	f.wantLog("after insert ann")
}
