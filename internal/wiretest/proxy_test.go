package wiretest_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func TestProxy(t *testing.T) {
	t.Parallel()

	t.Run("counts what a client waits for", func(t *testing.T) {
		t.Parallel()
		proxy := wiretest.Start(t, pgtest.New(t).URL())
		conn := connect(t, proxy.URL())
		if got := proxy.RoundTrips(); got != 1 {
			t.Errorf("connecting took %d round trips, want 1", got)
		}
		for _, tc := range []struct {
			name string
			want int
			run  func() error
		}{
			{"a statement", 1, func() error { _, err := conn.Exec(t.Context(), "create temp table a (i int)"); return err }},
			{"two statements in one text", 1, func() error { _, err := conn.Exec(t.Context(), "select 1; select 2"); return err }},
			{"two statements", 2, func() error {
				_, err := conn.Exec(t.Context(), "select 1")
				if err == nil {
					_, err = conn.Exec(t.Context(), "select 2")
				}
				return err
			}},
			{"a new statement with parameters", 2, func() error { _, err := conn.Exec(t.Context(), "insert into a values ($1)", 1); return err }},
			{"a known statement with parameters", 1, func() error { _, err := conn.Exec(t.Context(), "insert into a values ($1)", 2); return err }},
			{"a batch", 1, func() error {
				batch := &pgx.Batch{}
				batch.Queue("insert into a values ($1)", 3)
				batch.Queue("insert into a values ($1)", 4)
				return conn.SendBatch(t.Context(), batch).Close()
			}},
			// The columns are looked up, the copy is announced, its end is confirmed.
			{"a copy", 3, func() error {
				_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"a"}, []string{"i"}, pgx.CopyFromRows([][]any{{5}, {6}}))
				return err
			}},
		} {
			proxy.Reset()
			if err := tc.run(); err != nil {
				t.Fatalf("%s: %v", tc.name, err)
			}
			if got := proxy.RoundTrips(); got != tc.want {
				t.Errorf("%s took %d round trips, want %d: %q", tc.name, got, tc.want, proxy.Statements())
			}
		}
	})

	t.Run("shows the statements", func(t *testing.T) {
		t.Parallel()
		proxy := wiretest.Start(t, pgtest.New(t).URL())
		conn := connect(t, proxy.URL())
		proxy.Reset()
		if _, err := conn.Exec(t.Context(), "select 1; select 2"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "select $1::int", 3); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"select 1; select 2", "select $1::int"}, proxy.Statements()); diff != "" {
			t.Errorf("Statements() mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("loses the answer to a statement", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		proxy := wiretest.Start(t, db.URL())
		conn := connect(t, proxy.URL())
		proxy.CutAfter("create table a")
		if _, err := conn.Exec(t.Context(), "create table a ()"); err == nil || !conn.IsClosed() {
			t.Errorf("error = %v, closed = %v; want the connection to be lost", err, conn.IsClosed())
		}
		var exists bool
		if err := connect(t, proxy.URL()).QueryRow(t.Context(), "select to_regclass('a') is not null").Scan(&exists); err != nil || !exists {
			t.Errorf("table exists = %v, %v; want true", exists, err)
		}
	})
}
