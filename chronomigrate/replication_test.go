package chronomigrate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// TestReplication has a subscriber that keeps a history of its own: the worker
// that applies changes runs with session_replication_role = replica and an empty
// search path.
func TestReplication(t *testing.T) {
	t.Parallel()

	t.Run("what a subscription applies is recorded by the subscriber, once and in order", func(t *testing.T) {
		t.Parallel()
		publisher := publishing(t)
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

	t.Run("history is published instead: the subscriber has it once, and captures itself when it is promoted", func(t *testing.T) {
		t.Parallel()
		publisher := publishing(t)
		publisher.todos()
		publisher.exec(`INSERT INTO todos VALUES (1, 'copied'), (2, 'copied')`, `UPDATE todos SET title = 'c' WHERE id = 2`)
		publisher.exec(`CREATE PUBLICATION tables FOR TABLE todos`,
			`CREATE PUBLICATION history FOR TABLE chrononaut.chrononaut_activity WITH (publish = 'insert')`)
		subscriber := publisher.another()
		subscriber.mustRestore(publisher.dump("--schema-only"))
		// As docs/schema-changes.md says.
		subscriber.exec(`ALTER TABLE todos DISABLE TRIGGER "`+postgres.CaptureTrigger+`", ENABLE TRIGGER "`+postgres.VersionTrigger+`", ENABLE TRIGGER "`+postgres.TruncateTrigger+`"`,
			`SELECT chrononaut.settle_history(1000000000000)`)
		subscriber.subscribe(publisher, "tables, history")
		publisher.exec(`BEGIN; INSERT INTO todos VALUES (3, 'streamed'); UPDATE todos SET title = 'd' WHERE id = 2; COMMIT`, `DELETE FROM todos WHERE id = 1`)
		subscriber.caughtUp(publisher)
		subscriber.wantSameHistory(publisher)
		subscriber.wantText("2 d 2, 3 streamed 0", `SELECT string_agg(concat_ws(' ', id, title, version), ', ' ORDER BY id) FROM todos`)

		// Promoted: the application writes here, before anything else is done.
		subscriber.exec(`ALTER SUBSCRIPTION ` + subscriber.db.Name + ` DISABLE`)
		subscriber.exec(`UPDATE todos SET title = 'promoted' WHERE id = 2`, `INSERT INTO todos VALUES (1, 'again')`)
		subscriber.wantText("update 3, insert 2", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE id >= 1000000000000`)
		if _, err := subscriber.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(describe(err))
		}
		subscriber.track("todos", nil)
		subscriber.wantCheck()
		subscriber.exec(`SET session_replication_role = replica`, `DELETE FROM todos WHERE id = 2`)
		subscriber.wantText("delete 4", `SELECT operation || ' ' || version FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`)
	})

	t.Run("a plain table receives the version as a column, and nothing else happens", func(t *testing.T) {
		t.Parallel()
		publisher := publishing(t)
		publisher.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, shout text GENERATED ALWAYS AS (upper(title)) STORED)`)
		publisher.track("todos", nil)
		publisher.exec(`INSERT INTO todos VALUES (1, 'copied')`, `CREATE PUBLICATION todos FOR TABLE todos`)
		subscriber := publisher.another()
		subscriber.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, version integer, shout text GENERATED ALWAYS AS (upper(title) || '!') STORED)`)
		subscriber.subscribe(publisher, "todos")
		publisher.exec(`INSERT INTO todos VALUES (2, 'a')`, `UPDATE todos SET title = 'b' WHERE id = 1`, `UPDATE todos SET id = 3 WHERE id = 2`)
		subscriber.caughtUp(publisher)
		subscriber.wantText("1 b 1 B!, 3 a 1 A!", `SELECT string_agg(concat_ws(' ', id, title, version, shout), ', ' ORDER BY id) FROM todos`)
	})

	t.Run("a subscriber with a history of its own has it once, also of what is copied at first", func(t *testing.T) {
		t.Parallel()
		publisher := publishing(t)
		publisher.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, shout text GENERATED ALWAYS AS (upper(title)) STORED)`)
		publisher.track("todos", nil)
		publisher.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `UPDATE todos SET title = 'c' WHERE id = 1`, `CREATE PUBLICATION todos FOR TABLE todos`)
		subscriber := publisher.another()
		subscriber.mustRestore(publisher.dump("--schema-only"))
		subscriber.subscribe(publisher, "todos")
		publisher.exec(`UPDATE todos SET title = 'd' WHERE id = 1`, `DELETE FROM todos WHERE id = 2`)
		subscriber.caughtUp(publisher)
		// Versions are the subscriber's own: it counts from the copy on.
		subscriber.wantText("1 insert 0 C, 1 update 1 D, 2 insert 0 B, 2 delete 1 B", `
			SELECT string_agg(concat_ws(' ', key ->> 'id', operation, version, data ->> 'shout'), ', ' ORDER BY key, version) FROM chrononaut.chrononaut_activity`)
		subscriber.wantText("1", `SELECT string_agg(version::text, ' ') FROM todos`)
		// Dumped and restored, the subscriber's history is complete without its publisher.
		restored := subscriber.another()
		restored.mustRestore(subscriber.dump("--no-subscriptions", "--no-publications"))
		restored.wantSameHistory(subscriber)
	})
}

// publishing is a fixture whose server can be a publisher.
func publishing(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	if level := f.text(`SHOW wal_level`); level != "logical" {
		t.Skipf("wal_level is %s, logical replication needs logical", level)
	}
	return f
}

// caughtUp waits until the subscriber has everything that the publisher wrote
// before.
func (f *fixture) caughtUp(publisher *fixture) {
	f.Helper()
	position := publisher.text(`SELECT pg_current_wal_insert_lsn()::text`)
	publisher.eventually(`SELECT confirmed_flush_lsn >= $1::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $2`, position, f.db.Name)
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
