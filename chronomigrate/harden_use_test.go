package chronomigrate_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// TestHardenedUse has what an application goes on doing in a hardened database, and
// what a dump of it restores.
func TestHardenedUse(t *testing.T) {
	t.Parallel()

	t.Run("the application reads, travels, locks and restores", func(t *testing.T) {
		t.Parallel()
		h := hardened(t)
		config, err := pgxpool.ParseConfig(h.db.URL())
		if err != nil {
			t.Fatal(err)
		}
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, `SET SESSION AUTHORIZATION `+h.app)
			return err
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		db := chronopgx.New(pool, nil)
		ctx := chrononaut.WithActor(t.Context(), "ann")
		exec := func(sql string) {
			t.Helper()
			if _, err := db.Exec(ctx, sql); err != nil {
				t.Fatalf("%s: %v", sql, describe(err))
			}
		}
		must := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s = %v", what, describe(err))
			}
		}
		exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`)
		var before time.Time
		if err := h.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&before); err != nil {
			t.Fatal(err)
		}
		exec(`UPDATE todos SET title = 'c' WHERE id = 1`)
		exec(`DELETE FROM todos WHERE id = 2`)

		client, err := db.Client()
		must("Client()", err)
		history, err := chronopgx.History[struct {
			ID    int
			Title *string
			Done  bool
		}](db, "todos")
		must("History()", err)
		versions, err := history.Versions(ctx, 1, nil)
		must("Versions()", err)
		if len(versions) != 2 {
			t.Errorf("%d versions, want 2", len(versions))
		}
		_, err = history.At(ctx, 1, before)
		must("At()", err)
		for _, err := range history.DiffAll(ctx, before, time.Now(), nil) {
			must("DiffAll()", err)
		}
		_, err = history.Blame(ctx, 1, nil)
		must("Blame()", err)
		_, err = client.Activity(ctx, nil)
		must("Activity()", err)
		_, err = client.Holds(ctx, nil)
		must("Holds()", err)
		_, err = client.Leases(ctx, nil)
		must("Leases()", err)
		table := chrononaut.Table{Schema: "public", Name: "todos"}
		key := chrononaut.Key{"id": 1}
		must("Stale()", client.Stale(ctx, table, key, 1))
		_, err = client.Merge(ctx, table, key, 0, map[string]any{"done": true})
		must("Merge()", err)
		var n int
		past := chrononaut.AsOf(ctx, before)
		tx, err := db.Begin(past)
		must("Begin()", err)
		must("a query of the past", tx.QueryRow(past, `SELECT count(*) FROM todos`).Scan(&n))
		must("Commit()", tx.Commit(past))
		if n != 2 {
			t.Errorf("the past has %d rows, want 2", n)
		}
		plan, err := client.Restore(chrononaut.WithRationale(ctx, "test"), table, []chrononaut.Key{key, {"id": 2}}, chrononaut.ToPoint(chrononaut.At(before)), nil)
		if err != nil {
			t.Fatalf("Restore() = %v", describe(err))
		}
		_, err = plan.Apply(chrononaut.WithRationale(ctx, "test"), nil)
		must("Apply()", err)
		h.wantText("a,b", `SELECT string_agg(title, ',' ORDER BY id) FROM todos`)
	})

	t.Run("a dump restores it hardened", func(t *testing.T) {
		t.Parallel()
		h := hardened(t)
		h.execOn(h.as(h.app), `INSERT INTO todos VALUES (1, 'a')`)
		file := h.dump()
		other := h.another()
		other.mustRestore(file)
		other.wantCheck()
		if again, err := other.migrator.Harden(t.Context(), nil, nil); err != nil || !again.Empty() {
			t.Errorf("Harden() = %v, %v, want nothing to do", again, err)
		}
		other.execOn(other.as(h.app), `UPDATE todos SET title = 'b'`)
		other.conn = other.as(h.app)
		other.refused("42501", `DELETE FROM chrononaut.chrononaut_activity`)
	})
}
