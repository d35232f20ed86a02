package chronomigrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// role creates a database role that is dropped with the test.
func (f *fixture) role(suffix string) string {
	f.Helper()
	name := f.db.Name + suffix
	f.exec(`CREATE ROLE ` + name)
	f.Cleanup(func() {
		ctx := context.WithoutCancel(f.Context())
		conn, err := pgx.Connect(ctx, f.db.URL())
		if err != nil {
			f.Errorf("drop role: %v", err)
			return
		}
		defer conn.Close(ctx)
		for _, sql := range []string{`ALTER DATABASE ` + f.db.Name + ` OWNER TO CURRENT_USER`, `DROP OWNED BY ` + name + ` CASCADE`, `DROP ROLE ` + name} {
			if err := try(ctx, conn, sql); err != nil {
				f.Errorf("%s: %v", sql, err)
			}
		}
	})
	return name
}

// as opens a session that is logged in as a role.
func (f *fixture) as(role string) *pgx.Conn {
	f.Helper()
	conn := f.connect()
	f.execOn(conn, `SET SESSION AUTHORIZATION `+role)
	return conn
}

// migratorAs returns a migrator whose sessions are logged in as a role.
func (f *fixture) migratorAs(role string) *chronomigrate.Migrator { return f.migratorSchema(role, "") }

// migratorSchema is the same with another history schema.
func (f *fixture) migratorSchema(role, schema string) *chronomigrate.Migrator {
	f.Helper()
	config, err := pgxpool.ParseConfig(f.db.URL())
	if err != nil {
		f.Fatal(err)
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET SESSION AUTHORIZATION `+role)
		return err
	}
	pool, err := pgxpool.NewWithConfig(f.Context(), config)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(pool.Close)
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), &chronomigrate.Config{Schema: schema})
	if err != nil {
		f.Fatal(err)
	}
	return m
}

// ownedFixture is an empty database that belongs to an ordinary role, with
// history and a tracked table made by it, and an application role that may only
// write to the table.
func ownedFixture(t *testing.T) (f *fixture, owner, app string) {
	t.Helper()
	db := pgtest.New(t)
	f = &fixture{T: t, db: db, pool: db.Pool(t)}
	f.conn = f.connect()
	owner, app = f.role("_owner"), f.role("_app")
	f.exec(`ALTER DATABASE `+db.Name+` OWNER TO `+owner, `GRANT ALL ON SCHEMA public TO `+owner)
	f.migrator = f.migratorAs(owner)
	if _, err := f.migrator.Up(t.Context(), nil); err != nil {
		t.Fatalf("Up() = %v", describe(err))
	}
	f.execOn(f.as(owner), todosTable, `GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON todos TO `+app, `INSERT INTO todos VALUES (9, 'old')`)
	f.track("todos", nil)
	return f, owner, app
}

func TestRoles(t *testing.T) {
	t.Parallel()

	t.Run("an ordinary role installs, tracks, records a baseline, checks and removes", func(t *testing.T) {
		t.Parallel()
		f, owner, _ := ownedFixture(t)
		f.baseline("todos", 0)
		f.wantCheck()
		f.wantText("baseline "+owner, `SELECT operation || ' ' || database_user FROM chrononaut.chrononaut_activity WHERE operation = 'baseline'`)
		if _, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil); err != nil {
			t.Errorf("Untrack() = %v", describe(err))
		}
		if _, err := f.migrator.Down(t.Context(), nil); err != nil {
			t.Errorf("Down() = %v", describe(err))
		}
	})

	t.Run("a role without any right on history is recorded and can do nothing to history", func(t *testing.T) {
		t.Parallel()
		f, _, app := ownedFixture(t)
		session := f.as(app)
		f.execOn(session, `INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET title = 'b' WHERE id = 1`, `TRUNCATE todos`)
		f.wantText("insert,update,baseline,truncate,truncate "+app, `SELECT string_agg(operation, ',' ORDER BY id) || ' ' || min(database_user) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		const activity = `chrononaut.chrononaut_activity`
		for _, sql := range []string{
			`SELECT * FROM ` + activity, `INSERT INTO ` + activity + ` (table_name, version) VALUES ('todos', 1)`, `UPDATE ` + activity + ` SET version = 1`,
			`DELETE FROM ` + activity, `TRUNCATE ` + activity, `COPY ` + activity + ` TO STDOUT`, `COPY ` + activity + ` FROM STDIN`, `ALTER TABLE ` + activity + ` DISABLE TRIGGER ALL`,
			`DROP TABLE ` + activity, `DELETE FROM chrononaut.chrononaut_table`, `SELECT chrononaut.suppress('why not')`, `SELECT nextval('chrononaut.chrononaut_activity_id_seq')`,
			`ALTER TABLE todos DISABLE TRIGGER ALL`, `DROP TRIGGER "000_chrononaut_capture" ON todos`, `SET session_replication_role = replica`,
		} {
			f.conn = session
			f.refused("42501", sql)
		}
	})

	t.Run("no setting that any role may set turns capture off", func(t *testing.T) {
		t.Parallel()
		f, _, app := ownedFixture(t)
		session := f.as(app)
		f.execOn(session, `SET chrononaut.suppressed = 'on'`, `SET chrononaut.renumber = 'on'`, `INSERT INTO todos VALUES (1, 'a')`,
			`UPDATE todos SET title = 'b' WHERE id = 1`)
		owner := f.conn
		f.conn = session
		f.refused("TM017", `UPDATE todos SET version = 17 WHERE id = 1`)
		f.refused("TM017", `UPDATE todos SET version = NULL WHERE id = 1`)
		f.conn = owner
		f.execOn(session, `DELETE FROM todos WHERE id = 1`)
		f.wantText("insert 0, update 1, delete 2", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
	})

	t.Run("temporary objects with the names of ours divert nothing", func(t *testing.T) {
		t.Parallel()
		f, _, app := ownedFixture(t)
		f.exec(`GRANT TEMP ON DATABASE ` + f.db.Name + ` TO ` + app)
		session := f.as(app)
		f.execOn(session,
			`CREATE TEMP TABLE chrononaut_activity (table_name text, changed timestamptz, version integer, key jsonb, data jsonb, user_info jsonb, extra_info jsonb,
				operation text, table_schema text, transaction_id xid8, database_user text, previous_key jsonb)`,
			`CREATE TEMP TABLE todos (id integer, title text, done boolean, version integer)`,
			`CREATE FUNCTION pg_temp.is_suppressed() RETURNS boolean LANGUAGE sql RETURN true`,
			`CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql RETURN '1970-01-01'::timestamptz`,
			`CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql RETURN 'forged'`,
			`SET search_path = pg_temp, public, pg_catalog`,
			`INSERT INTO public.todos VALUES (1, 'a')`, `UPDATE public.todos SET title = 'b' WHERE id = 1`, `DELETE FROM public.todos WHERE id = 1`, `TRUNCATE public.todos`)
		f.wantText("insert,update,delete,baseline,truncate true", `SELECT string_agg(operation, ',' ORDER BY id) || ' ' || bool_and(changed > '2020-01-01')
			FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.conn = session
		f.wantText("0", `SELECT count(*)::text FROM pg_temp.chrononaut_activity`)
	})

	t.Run("row security on history that stops its owner makes writes fail, and check names the role", func(t *testing.T) {
		t.Parallel()
		f, owner, app := ownedFixture(t)
		// Without FORCE the owner is exempt.
		f.exec(`ALTER TABLE chrononaut.chrononaut_activity ENABLE ROW LEVEL SECURITY`)
		f.execOn(f.as(app), `INSERT INTO todos VALUES (1, 'a')`)
		f.wantCheck()
		f.exec(`ALTER TABLE chrononaut.chrononaut_activity FORCE ROW LEVEL SECURITY`)
		f.conn = f.as(app)
		f.refused("42501", `INSERT INTO todos VALUES (2, 'a')`)
		f.wantText("0", `SELECT count(*)::text FROM todos WHERE id = 2`)
		f.wantCheck("history_access " + owner)
	})

	t.Run("a function whose owner may not write history is reported", func(t *testing.T) {
		t.Parallel()
		f, owner, app := ownedFixture(t)
		f.exec(`ALTER FUNCTION chrononaut.` + pgx.Identifier{f.inspected("public", "todos").FunctionName("capture")}.Sanitize() + `() OWNER TO ` + app)
		f.wantCheck("history_access " + app)
		f.exec(`REASSIGN OWNED BY ` + app + ` TO ` + owner)
		f.wantCheck()
	})

	t.Run("a role that lacks a privilege gets a typed error and changes nothing", func(t *testing.T) {
		t.Parallel()
		f, owner, app := ownedFixture(t)
		m := f.migratorAs(app)
		ctx, todos := t.Context(), f.table("todos")
		state := f.wholeState()
		for name, call := range map[string]func() error{
			"Up":       func() error { _, err := m.Up(ctx, nil); return err },
			"Down":     func() error { _, err := m.Down(ctx, nil); return err },
			"Track":    func() error { _, err := m.Track(ctx, todos, nil, nil); return err },
			"Untrack":  func() error { _, err := m.Untrack(ctx, todos, nil); return err },
			"Check":    func() error { _, err := m.Check(ctx, nil); return err },
			"Tables":   func() error { _, err := m.Tables(ctx); return err },
			"Baseline": func() error { _, err := m.Baseline(ctx, todos, nil); return err },
		} {
			wantTyped(t, name, call(), chronomigrate.ErrPrivilege)
		}
		// A role that may read history, and not write it.
		f.exec(`GRANT USAGE ON SCHEMA chrononaut TO `+app, `GRANT SELECT ON ALL TABLES IN SCHEMA chrononaut TO `+app)
		_, err := m.Track(ctx, todos, &chronomigrate.TrackOptions{Hidden: []string{"title"}}, nil)
		wantTyped(t, "Track", err, chronomigrate.ErrPrivilege)
		_, err = m.Untrack(ctx, todos, nil)
		wantTyped(t, "Untrack", err, chronomigrate.ErrPrivilege)
		_, err = m.Baseline(ctx, todos, nil)
		wantTyped(t, "Baseline", err, chronomigrate.ErrPrivilege)
		if got := f.wholeState(); got != state {
			t.Errorf("something changed:\nbefore %s\nafter  %s", state, got)
		}
		f.wantCheck()

		// A database in which the role may create nothing.
		f.exec(`CREATE SCHEMA other`)
		_, err = f.migratorSchema(owner, "other").Up(ctx, nil)
		wantTyped(t, "Up", err, chronomigrate.ErrPrivilege)
	})
}

// wholeState describes what a call that failed must not have changed: the
// catalog of the application and of history, the registry and history's size.
func (f *fixture) wholeState() string {
	f.Helper()
	return f.text(`
		SELECT concat_ws(E'\n',
			(SELECT string_agg(c.oid::regclass || ' ' || a.attname, ', ' ORDER BY c.oid, a.attnum) FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
			  WHERE c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'pg_toast', 'information_schema') AND c.relkind IN ('r', 'p', 'S', 'i')),
			(SELECT string_agg(t.tgrelid::regclass || ' ' || t.tgname || t.tgenabled::text, ', ' ORDER BY t.oid) FROM pg_trigger AS t),
			(SELECT string_agg(p.oid::regprocedure || md5(p.prosrc), ', ' ORDER BY p.oid) FROM pg_proc AS p WHERE p.oid >= 16384),
			CASE WHEN to_regclass('chrononaut.chrononaut_table') IS NOT NULL THEN
				query_to_xml('SELECT * FROM chrononaut.chrononaut_table', true, false, '')::text || query_to_xml('SELECT count(*) FROM chrononaut.chrononaut_activity', true, false, '')::text END)`)
}

// wantTyped wants an error of a kind, with a hint and without a connection string.
func wantTyped(t *testing.T, call string, err, want error) {
	t.Helper()
	var hint *chronomigrate.HintError
	switch {
	case !errors.Is(err, want):
		t.Errorf("%s = %v, want %q", call, err, want)
	case !errors.As(err, &hint) || hint.Hint == "":
		t.Errorf("%s = %v, which has no hint", call, err)
	case strings.Contains(err.Error(), "://"):
		t.Errorf("%s = %v, which tells a connection string", call, err)
	}
}
