package chrononaut_test

import (
	"context"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// A transaction that ended after a time because of what another one did is not in
// the state of that time: neither AsOf shows it, nor is it brought back.
func TestRestoreToATimeIsWhatAsOfShows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE p (id integer PRIMARY KEY, v text)`,
		`CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p DEFERRABLE INITIALLY DEFERRED)`)
	f.track("p", nil)
	f.track("c", nil)
	f.exec(`INSERT INTO p VALUES (1, 'a')`, `INSERT INTO c VALUES (1, 1)`)
	tx := must(f.db.Begin(t.Context()))(t)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	var id uint64
	if err := tx.QueryRow(t.Context(), `WITH d AS (DELETE FROM p) SELECT pg_current_xact_id()::text::bigint`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	at := f.now()
	f.exec(`DELETE FROM c`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	const count = `SELECT (SELECT count(*) FROM p) || ' ' || (SELECT count(*) FROM c)`
	var shown string
	if err := f.db.QueryRow(chrononaut.AsOf(t.Context(), at), count).Scan(&shown); err != nil || shown != "1 1" {
		t.Fatalf("AsOf shows %q, %v; want one row each", shown, err)
	}
	with := &chrononaut.RestoreOpts{With: []chrononaut.Table{f.name("c")}, DeleteNew: true}
	plan := must(f.client.Restore(t.Context(), f.name("p"), nil, chrononaut.ToPoint(chrononaut.At(at)), with))(t)
	f.apply(plan, nil)
	f.wantRows(count, "1 1")
	f.wantRows(`SELECT v FROM p`, "a")

	// By its key alone, and as of the transaction.
	f.exec(`DELETE FROM c; DELETE FROM p`)
	f.apply(must(f.client.Restore(t.Context(), f.name("p"), keys(1), chrononaut.ToPoint(chrononaut.At(at)), nil))(t), nil)
	f.wantRows(count, "1 0")
	f.exec(`INSERT INTO c VALUES (1, 1)`)
	plan = must(f.client.Restore(t.Context(), f.name("p"), nil, chrononaut.ToPoint(chrononaut.AtTransaction(id)), with))(t)
	f.apply(plan, nil)
	f.wantRows(count, "0 0")
}
