package chronomigrate_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// moved makes history look as if a dump had brought it from another cluster.
const moved = `UPDATE chrononaut.chrononaut_cluster SET system_identifier = 1`

// inTransaction writes to todos and returns the transaction's id.
func (f *fixture) inTransaction(statements ...string) uint64 {
	f.Helper()
	f.exec(`BEGIN`)
	f.exec(statements...)
	xid, err := strconv.ParseUint(f.text(`SELECT pg_current_xact_id()::text`), 10, 64)
	if err != nil {
		f.Fatal(err)
	}
	f.exec(`COMMIT`)
	return xid
}

// renumber gives the changes of a transaction the id of another one, as if
// another cluster had written them.
func (f *fixture) renumber(from, to uint64) {
	f.Helper()
	f.exec(`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_append_only`,
		`UPDATE chrononaut.chrononaut_activity SET transaction_id = '`+strconv.FormatUint(to, 10)+`' WHERE transaction_id = '`+strconv.FormatUint(from, 10)+`'`,
		`ALTER TABLE chrononaut.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_append_only`)
}

func TestSettle(t *testing.T) {
	t.Parallel()

	t.Run("a transaction of this cluster is not mixed with one of another that had its id", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		old := f.inTransaction(`INSERT INTO todos VALUES (1, 'of the old cluster'), (2, 'of the old cluster')`)
		between := f.text(`SELECT clock_timestamp()::text`)
		f.exec(moved)
		f.wantCheck("history_moved cluster")
		if _, err := f.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(describe(err))
		}
		f.wantCheck()
		now := f.inTransaction(`UPDATE todos SET title = 'of this one' WHERE id = 2`)
		f.renumber(old, now)

		client, err := chronopgx.New(f.pool, nil).Client()
		if err != nil {
			t.Fatal(err)
		}
		changes, err := client.Activity(t.Context(), &chrononaut.ActivityOpts{Transaction: now})
		if err != nil || len(changes) != 1 || changes[0].Operation != chrononaut.OperationUpdate {
			t.Errorf("Activity(Transaction) = %+v, %v; want the update alone", changes, err)
		}
		until, err := time.Parse("2006-01-02 15:04:05.999999-07", between)
		if err != nil {
			t.Fatal(err)
		}
		changes, err = client.Activity(t.Context(), &chrononaut.ActivityOpts{Transaction: now, Until: until})
		if err != nil || len(changes) != 2 || changes[0].Operation != chrononaut.OperationInsert {
			t.Errorf("Activity(Transaction, Until) = %+v, %v; want the old cluster's two inserts", changes, err)
		}
		changes, err = client.Activity(t.Context(), &chrononaut.ActivityOpts{Transaction: now + 1})
		if err != nil || len(changes) != 0 {
			t.Errorf("Activity(Transaction) of one without changes = %+v, %v", changes, err)
		}
	})

	t.Run("track settles it too, once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(moved)
		if plan := f.track("todos", nil); len(plan.Steps) != 2 {
			t.Errorf("Track() did %s", plan.SQL())
		}
		f.wantCheck()
		if plan := f.track("todos", nil); !plan.Empty() {
			t.Errorf("Track() again did %s", plan.SQL())
		}
		f.wantText("2", `SELECT count(*)::text FROM chrononaut.chrononaut_cluster`)
	})

	t.Run("ids that the sequence does not know are skipped, so that writes go on", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO chrononaut.chrononaut_activity (id, table_name, version) SELECT n, '', 0 FROM generate_series(2, 9) AS n`)
		f.refused("23505", `INSERT INTO todos VALUES (1, 'a')`)
		f.wantCheck("history_moved sequence")
		if _, err := f.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(describe(err))
		}
		f.wantCheck()
		f.exec(`INSERT INTO todos VALUES (1, 'a')`)
		f.wantText("10 10", `SELECT (SELECT max(first_id) FROM chrononaut.chrononaut_cluster) || ' ' || max(id) FROM chrononaut.chrononaut_activity`)
	})

	t.Run("a role that may not settle history can run up and track all the same", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY)`)
		role := f.role("tracker")
		f.exec(`GRANT USAGE, CREATE ON SCHEMA chrononaut TO `+role,
			`GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA chrononaut TO `+role, `GRANT USAGE ON ALL SEQUENCES IN SCHEMA chrononaut TO `+role,
			`SELECT chrononaut.grant_keys('`+role+`')`, `ALTER TABLE todos OWNER TO `+role, moved)
		other := f.migratorAs(role)
		if _, err := other.Track(t.Context(), f.table("todos"), nil, nil); err != nil {
			t.Fatalf("Track() = %v", describe(err))
		}
		f.wantCheck("history_moved cluster", "past chrononaut_past.todos")
		if _, err := f.migrator.Up(t.Context(), &chronomigrate.MigrateOpts{DryRun: true}); err != nil {
			t.Fatal(err)
		}
		f.wantCheck("history_moved cluster", "past chrononaut_past.todos")
	})
}
