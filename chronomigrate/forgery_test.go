package chronomigrate_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// TestForgery has what a role that may write a table, and make temporary tables
// with triggers of its own, tries so that the triggers take it for themselves.
func TestForgery(t *testing.T) {
	t.Parallel()
	// forger is a database in which the application may also read history.
	forger := func(t *testing.T) *fixture {
		t.Helper()
		f, _, app := ownedFixture(t)
		f.exec(`GRANT USAGE ON SCHEMA chrononaut TO `+app, `GRANT SELECT ON chrononaut.chrononaut_activity TO `+app, `GRANT TEMP ON DATABASE `+f.db.Name+` TO `+app)
		f.conn = f.as(app)
		return f
	}
	// inTrigger makes a temporary table whose trigger runs a statement: the triggers
	// of history are then triggers inside another.
	inTrigger := func(f *fixture, statement string) {
		f.Helper()
		f.exec(`CREATE TEMP TABLE own (id integer)`,
			`CREATE FUNCTION pg_temp.own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+statement+`; RETURN NULL; END $$`,
			`CREATE TRIGGER own AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION pg_temp.own()`)
	}

	t.Run("a trigger of somebody else's cannot give a record another version", func(t *testing.T) {
		t.Parallel()
		f := forger(t)
		inTrigger(f, `UPDATE todos SET version = 2147483647 WHERE id = 1; UPDATE todos SET version = NULL WHERE id = 2`)
		f.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'a')`, `UPDATE todos SET title = 'b'`,
			`SET chrononaut.renumber = 'on'`, `INSERT INTO own VALUES (1)`)
		f.wantText("1,1", `SELECT string_agg(version::text, ',') FROM todos WHERE id < 9`)
		f.wantText("4", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE key IN ('{"id": 1}', '{"id": 2}')`)
	})

	t.Run("the version of a record whose key changes is no setting's", func(t *testing.T) {
		t.Parallel()
		f := forger(t)
		f.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'a')`, `DELETE FROM todos WHERE id = 2`)
		for i, forged := range []string{`2147483646`, `2147483646 `, `2147483646 ` + strings.Repeat("0", 64), `nonsense`} {
			f.exec(`BEGIN`, `SET LOCAL chrononaut.rekeyed = '`+forged+`'`, `UPDATE todos SET id = 2 WHERE id = 1`)
			if got := f.text(`SELECT version::text FROM todos WHERE id = 2`); got != "2" {
				t.Errorf("forgery %d gives version %s, want 2", i, got)
			}
			f.exec(`ROLLBACK`)
		}
		// One that the triggers made is worth nothing in another transaction.
		f.exec(`BEGIN`, `UPDATE todos SET id = 2 WHERE id = 1`)
		signed := f.text(`SELECT current_setting('chrononaut.rekeyed')`)
		f.exec(`ROLLBACK`, `INSERT INTO todos VALUES (7, 'a')`, `DELETE FROM todos WHERE id = 7`)
		f.exec(`BEGIN`, `SET LOCAL chrononaut.rekeyed = '`+signed+`'`, `UPDATE todos SET id = 7 WHERE id = 1`)
		f.wantText("2", `SELECT version::text FROM todos WHERE id = 7`)
		f.refused("42501", `SELECT chrononaut.note_rekeyed(2147483646)`)
	})

	t.Run("a statement that changes keys cannot hide it", func(t *testing.T) {
		t.Parallel()
		f := forger(t)
		f.exec(`CREATE FUNCTION pg_temp.hide(id integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('chrononaut.rekeyed', '', true); RETURN id + 10; END $$`,
			`INSERT INTO todos VALUES (1, 'a'), (2, 'a'), (3, 'a')`, `UPDATE todos SET id = pg_temp.hide(id) WHERE id < 9`, `SET chrononaut.rekeyed = ''`, `UPDATE todos SET title = 'b'`)
		f.wantText("1 to 11, 2 to 12, 3 to 13", `SELECT string_agg(concat(previous_key ->> 'id', ' to ', key ->> 'id'), ', ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE previous_key IS NOT NULL`)
		f.refused("42501", `SELECT chrononaut.unsettle('public', 'todos')`)
		f.refused("42501", `SELECT setval('chrononaut.chrononaut_unsettled', 0)`)
		f.refused("42501", `SELECT chrononaut.note_departed('public', 'todos')`)
		f.refused("42501", `SELECT chrononaut.set_bit('chrononaut.chrononaut_departed', 'public', 'todos')`)
		f.refused("42501", `SELECT setval('chrononaut.chrononaut_departed', 0)`)
	})

	t.Run("a transaction cannot hide that it goes on writing", func(t *testing.T) {
		t.Parallel()
		f := forger(t)
		f.exec(`BEGIN`, `SET LOCAL chrononaut.long_until = '2999-01-01'`, `INSERT INTO todos VALUES (1, 'a')`)
		f.eventually(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction' AND now() > xact_start + interval '1 second')`)
		f.exec(`INSERT INTO todos VALUES (2, 'a')`, `COMMIT`)
		f.conn = f.connect()
		f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_long`)
	})

	t.Run("trigger functions of history do not run on a table of somebody else's", func(t *testing.T) {
		t.Parallel()
		f := forger(t)
		f.exec(`CREATE TEMP TABLE own (LIKE chrononaut.chrononaut_activity)`)
		for _, name := range []string{"refuse_rewrite", "python_complete", "python_replace", "note_ended", "note_erased", "period_erased", "lease_end"} {
			f.refused("42501", `CREATE TRIGGER own AFTER DELETE ON own REFERENCING OLD TABLE AS erased FOR EACH STATEMENT EXECUTE FUNCTION chrononaut.`+name+`()`)
		}
		f.refused("42501", `CREATE TRIGGER own AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION chrononaut.`+pgx.Identifier{f.inspected("public", "todos").FunctionName(postgres.Capture)}.Sanitize()+`()`)
	})

	t.Run("what only the triggers need is closed", func(t *testing.T) {
		t.Parallel()
		f := forger(t)
		for _, call := range []string{
			`suppress('x')`, `settle_history(1)`, `guard('public', 'todos')`, `guard_row('public', 'todos', 'UPDATE', '{}', '{}')`, `guard_truncate('public', 'todos')`,
			`add_key('public', 'todos', '{"id": 77}', false)`, `add_keys('public', 'todos', 0)`, `note_unplaced('public', 'todos')`, `signature('rekeyed 7')`, `rekeyed()`,
			`period_gap('public', 'todos', '{"id": 9}', 1, 1)`,
			`lease('public', 'todos', '{"id": 1}', '1 min')`, `lease_guard('public', 'todos')`, `renew_lease(1, 'x', '1 min')`, `release_lease(1, 'x')`,
			`lease_grant('public', 'todos', '{"id": 1}', '{}', 1, 1, '1 min', true, true, 'x', 'x')`,
			`lease_follow('public', 'todos', '{"id": 1}', '{"id": 2}')`, `lease_fence()`,
			pgx.Identifier{f.inspected("public", "todos").FunctionName(postgres.Record)}.Sanitize() + `('INSERT', 0, ROW(1), ROW(1))`,
			pgx.Identifier{f.inspected("public", "todos").FunctionName(postgres.Number)}.Sanitize() + `('INSERT', 0, ROW(1), ROW(1))`,
		} {
			f.refused("42501", `SELECT chrononaut.`+call)
		}
		// These say nothing that is not so.
		f.exec(`SET chrononaut.suppressed = 'on'`, `SELECT chrononaut.note_disturbed('public', 'todos'), chrononaut.note_long(), chrononaut.note_ending('todos'::regclass)`)
		f.conn = f.connect()
		f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_coverage WHERE kind = 'disturbed'`)
	})

	t.Run("TRUNCATE that row security would keep from being recorded is refused", func(t *testing.T) {
		t.Parallel()
		f, owner, app := ownedFixture(t)
		f.execOn(f.as(owner), `ALTER TABLE todos ENABLE ROW LEVEL SECURITY`, `ALTER TABLE todos FORCE ROW LEVEL SECURITY`)
		f.conn = f.as(app)
		f.refused("42501", `TRUNCATE todos`)
		f.execOn(f.as(owner), `ALTER TABLE todos NO FORCE ROW LEVEL SECURITY`)
		f.exec(`TRUNCATE todos`)
		f.conn = f.connect()
		f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'truncate'`)
	})
}
