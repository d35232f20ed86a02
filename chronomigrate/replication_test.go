package chronomigrate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestReplication has a subscriber that keeps a history of its own: the worker
// that applies changes runs with session_replication_role = replica and an empty
// search path.
func TestReplication(t *testing.T) {
	t.Parallel()

	t.Run("what a subscription applies is recorded by the subscriber, once and in order", func(t *testing.T) {
		t.Parallel()
		publisher := newFixture(t)
		if level := publisher.text(`SHOW wal_level`); level != "logical" {
			t.Skipf("wal_level is %s, logical replication needs logical", level)
		}
		subscriber := publisher.another()
		if _, err := subscriber.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		publisher.exec(todosTable, `INSERT INTO todos VALUES (1, 'copied')`, `CREATE PUBLICATION todos FOR TABLE todos`)
		subscriber.exec(todosTable)
		subscriber.track("todos", nil)
		subscriber.subscribe(publisher, "todos")
		publisher.exec(`INSERT INTO todos VALUES (2, 'a'), (3, 'b')`, `UPDATE todos SET title = 'c' WHERE id = 2`, `UPDATE todos SET title = 'c' WHERE id = 2`,
			`DELETE FROM todos WHERE id = 3`, `BEGIN; UPDATE todos SET id = 4 WHERE id = 2; DELETE FROM todos WHERE id = 1; COMMIT`)
		subscriber.eventually(`SELECT count(*) = 7 FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		publisher.exec(`TRUNCATE todos`)
		subscriber.eventually(`SELECT count(*) > 7 FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		subscriber.wantHistory(
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "copied", "version": 0}`,
			`tx2 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "a", "version": 0}`,
			`tx2 todos insert v0 {"id": 3} {"id": 3, "done": false, "title": "b", "version": 0}`,
			`tx3 todos update v1 {"id": 2} {"id": 2, "done": false, "title": "c", "version": 1}`,
			`tx4 todos delete v1 {"id": 3} {"id": 3, "done": false, "title": "b", "version": 1}`,
			`tx5 todos update v2 {"id": 4} {"id": 4, "done": false, "title": "c", "version": 2} was {"id": 2}`,
			`tx5 todos delete v1 {"id": 1} {"id": 1, "done": false, "title": "copied", "version": 1}`,
			`tx6 todos truncate v3 {"id": 4} {"id": 4, "done": false, "title": "c", "version": 3}`)
		subscriber.wantCheck()
	})
}

// subscribe subscribes to a publication in another database of the same server.
func (f *fixture) subscribe(publisher *fixture, publication string) {
	f.Helper()
	name := f.db.Name
	// In the same server the subscription cannot make the slot: it would wait for
	// its own transaction.
	publisher.exec(`SELECT pg_create_logical_replication_slot('` + name + `', 'pgoutput')`)
	f.Cleanup(func() {
		ctx := context.WithoutCancel(f.Context())
		for _, c := range []struct {
			of         *fixture
			statements []string
		}{
			{f, []string{`ALTER SUBSCRIPTION ` + name + ` DISABLE`, `ALTER SUBSCRIPTION ` + name + ` SET (slot_name = NONE)`, `DROP SUBSCRIPTION ` + name}},
			{publisher, []string{
				`SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE slot_name = '` + name + `' AND active`,
				`SELECT pg_drop_replication_slot('` + name + `')`,
			}},
		} {
			conn, err := pgx.Connect(ctx, c.of.db.URL())
			if err != nil {
				f.Errorf("end the subscription: %v", err)
				return
			}
			for _, sql := range c.statements {
				if err := try(ctx, conn, sql); err != nil {
					f.Errorf("%s: %v", sql, describe(err))
				}
			}
			conn.Close(ctx)
		}
	})
	config := publisher.conn.Config()
	f.exec(fmt.Sprintf(`CREATE SUBSCRIPTION %s CONNECTION 'host=%s port=%d user=%s dbname=%s' PUBLICATION %s WITH (create_slot = false, slot_name = '%s')`,
		name, config.Host, config.Port, config.User, config.Database, publication, name))
	f.eventually(`SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel`)
}
