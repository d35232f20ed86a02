package chronomigrate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// hardenedDatabase is one with an application that owned its tables until it was
// hardened.
type hardenedDatabase struct {
	*fixture
	app, owner string // of the application, and of its tables
	opts       *chronomigrate.HardenOptions
}

// unhardened is a database whose application owns its tables, as is usual. The
// superuser does the rest.
func unhardened(t *testing.T) *hardenedDatabase {
	t.Helper()
	db := pgtest.New(t)
	f := &fixture{T: t, db: db, pool: db.Pool(t)}
	f.conn = f.connect()
	f.migrator = f.newMigrator(nil)
	if _, err := f.migrator.Up(t.Context(), nil); err != nil {
		t.Fatal(describe(err))
	}
	h := &hardenedDatabase{fixture: f, app: f.role("_app"), owner: f.role("_tables")}
	// The roles that it makes itself.
	f.exec(`GRANT CREATE, USAGE ON SCHEMA public TO ` + h.app)
	h.execOn(h.as(h.app), todosTable, `CREATE TABLE notes (id bigserial PRIMARY KEY, body text, todo integer REFERENCES todos ON UPDATE CASCADE ON DELETE CASCADE)`,
		`CREATE TABLE parts (id integer PRIMARY KEY, body text) PARTITION BY RANGE (id)`,
		`CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)`, `CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (20)`)
	for _, table := range []string{"todos", "notes", "parts"} {
		f.track(table, nil)
	}
	h.opts = &chronomigrate.HardenOptions{
		Owner: f.role("_history"), Writer: f.role("_writer"), Applications: []string{h.app}, TableOwner: h.owner,
	}
	return h
}

// hardened is the same, hardened.
func hardened(t *testing.T) *hardenedDatabase {
	t.Helper()
	h := unhardened(t)
	h.harden()
	return h
}

func (h *hardenedDatabase) harden() *chronomigrate.Plan {
	h.Helper()
	plan, err := h.migrator.Harden(h.Context(), h.opts, nil)
	if err != nil {
		h.Fatalf("Harden() = %v", describe(err))
	}
	return plan
}

func TestHarden(t *testing.T) {
	t.Parallel()

	t.Run("is a plan first, runs once, and capture goes on", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		state := h.wholeState()
		plan, err := h.migrator.Harden(t.Context(), h.opts, &chronomigrate.ApplyOpts{DryRun: true})
		if err != nil || plan.Empty() || h.wholeState() != state {
			t.Fatalf("a dry run has %d steps, error %v, or changed something", len(plan.Steps), err)
		}
		h.harden()
		if again := h.harden(); !again.Empty() {
			t.Errorf("the second time has steps:\n%s", again.SQL())
		}
		h.wantCheck()
		h.conn = h.as(h.app)
		h.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `INSERT INTO notes (body, todo) VALUES ('n', 1)`, `UPDATE todos SET title = 'c' WHERE id = 1`,
			`UPDATE todos SET id = 3 WHERE id = 2`, `DELETE FROM todos WHERE id = 1`, `INSERT INTO parts VALUES (1, 'a'), (2, 'b')`, `UPDATE parts SET id = 11 WHERE id = 1`,
			`TRUNCATE parts`)
		h.wantText("todos insert 2,todos update 2,todos delete 1,notes insert 1,notes delete 1", `SELECT string_agg(format('%s %s %s', table_name, operation, n), ',' ORDER BY table_name DESC, first)
			FROM (SELECT table_name, operation, count(*) AS n, min(id) AS first FROM chrononaut.chrononaut_activity
			       WHERE operation NOT IN ('track', 'harden', 'baseline') AND table_name <> 'parts' GROUP BY 1, 2) AS a`)
		h.wantText("parts insert 2,parts update 1,parts truncate 2", `SELECT string_agg(format('%s %s %s', table_name, operation, n), ',' ORDER BY first)
			FROM (SELECT table_name, operation, count(*) AS n, min(id) AS first FROM chrononaut.chrononaut_activity
			       WHERE operation NOT IN ('track', 'harden', 'baseline') AND table_name = 'parts' GROUP BY 1, 2) AS a`)
	})

	t.Run("refuses roles that privileges do not bind", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		for _, tc := range []struct{ grant, revoke, want string }{
			{`ALTER ROLE %s SUPERUSER`, `ALTER ROLE %s NOSUPERUSER`, "is a superuser"},
			{`ALTER ROLE %s REPLICATION`, `ALTER ROLE %s NOREPLICATION`, "may replicate"},
			{`ALTER ROLE %s BYPASSRLS`, `ALTER ROLE %s NOBYPASSRLS`, "bypasses row security"},
			{`ALTER ROLE %s CREATEROLE`, `ALTER ROLE %s NOCREATEROLE`, "may create roles"},
			{`GRANT pg_write_all_data TO %s`, `REVOKE pg_write_all_data FROM %s`, "is a member of pg_write_all_data"},
			{`GRANT ` + h.opts.Owner + ` TO %s`, `REVOKE ` + h.opts.Owner + ` FROM %s`, "is a member of " + h.opts.Owner},
			{`GRANT ` + h.opts.Writer + ` TO %s`, `REVOKE ` + h.opts.Writer + ` FROM %s`, "is a member of " + h.opts.Writer},
			{`GRANT ` + h.owner + ` TO %s`, `REVOKE ` + h.owner + ` FROM %s`, "is a member of " + h.owner},
		} {
			h.exec(strings.ReplaceAll(tc.grant, "%s", h.app))
			_, err := h.migrator.Harden(t.Context(), h.opts, nil)
			wantTyped(t, tc.grant, err, chronomigrate.ErrRole)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: error %v, want %q", tc.grant, err, tc.want)
			}
			h.exec(strings.ReplaceAll(tc.revoke, "%s", h.app))
		}
		opts := *h.opts
		opts.TableOwner = ""
		_, err := h.migrator.Harden(t.Context(), &opts, nil)
		wantTyped(t, "an owner", err, chronomigrate.ErrRole)
		if err == nil || !strings.Contains(err.Error(), "owns public.todos") {
			t.Errorf("an owner: error %v", err)
		}
		opts = *h.opts
		opts.Applications = []string{"nobody of that name"}
		_, err = h.migrator.Harden(t.Context(), &opts, nil)
		wantTyped(t, "a role that is not there", err, chronomigrate.ErrRole)
		opts.Applications = nil
		_, err = h.migrator.Harden(t.Context(), &opts, nil)
		wantTyped(t, "no role", err, chronomigrate.ErrOption)
		_, err = h.migrator.Harden(t.Context(), nil, nil)
		wantTyped(t, "not hardened yet", err, chronomigrate.ErrOption)
	})

	t.Run("an admin that is no superuser goes on with everything", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		admin := h.role("_admin")
		h.exec(`ALTER ROLE `+admin+` CREATEROLE`, `GRANT CREATE ON DATABASE `+h.db.Name+` TO `+admin, `GRANT `+h.owner+` TO `+admin, `CREATE SCHEMA shop AUTHORIZATION `+h.owner)
		h.opts.Admins = []string{admin}
		h.harden()
		m := h.migratorAs(admin)
		h.execOn(h.as(h.owner), `CREATE TABLE shop.more (id integer PRIMARY KEY, body text)`, `GRANT ALL ON shop.more TO `+h.app, `GRANT USAGE ON SCHEMA shop TO `+h.app)
		for _, opts := range []*chronomigrate.TrackOptions{{}, {Layout: chronomigrate.LayoutPeriod}, {}} {
			if _, err := m.Track(t.Context(), h.table("shop.more"), opts, nil); err != nil {
				t.Fatalf("Track() = %v", describe(err))
			}
			if opts.Layout != "" {
				if _, err := m.BuildPeriods(t.Context(), h.table("shop.more"), nil); err != nil {
					t.Fatalf("BuildPeriods() = %v", describe(err))
				}
			}
			h.wantCheck()
			if again := h.harden(); !again.Empty() {
				t.Errorf("track left to do:\n%s", again.SQL())
			}
			h.execOn(h.as(h.app), `INSERT INTO shop.more VALUES (1, 'a'), (2, 'a')`, `UPDATE shop.more SET id = 3 WHERE id = 1`, `UPDATE shop.more SET id = id + 10`, `DELETE FROM shop.more`, `INSERT INTO shop.more VALUES (5, 'a')`, `TRUNCATE shop.more`)
		}
		h.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_period_todo`)
		if _, err := m.Baseline(t.Context(), h.table("todos"), nil); err != nil {
			t.Errorf("Baseline() = %v", describe(err))
		}
		if _, err := m.Rename(t.Context(), h.table("shop.more"), chronomigrate.Renaming{Table: h.table("shop.less")}, nil); err != nil {
			t.Errorf("Rename() = %v", describe(err))
		}
		h.wantCheck()
		h.execOn(h.as(h.app), `INSERT INTO shop.less VALUES (7, 'a')`)
		if _, err := m.Untrack(t.Context(), h.table("shop.less"), nil); err != nil {
			t.Errorf("Untrack() = %v", describe(err))
		}
		if problems, err := m.Check(t.Context(), nil); err != nil || len(problems) > 0 {
			t.Errorf("Check() = %v, %v", problems, err)
		}
	})

	t.Run("a managed service has no superuser", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		f := &fixture{T: t, db: db, pool: db.Pool(t)}
		f.conn = f.connect()
		tables, master, app := f.role("_tables"), f.role("_master"), f.role("_app")
		f.exec(`ALTER ROLE `+master+` CREATEROLE`, `ALTER DATABASE `+db.Name+` OWNER TO `+master, `GRANT ALL ON SCHEMA public TO `+master+` WITH GRANT OPTION`, `GRANT CREATE, USAGE ON SCHEMA public TO `+app,
			`GRANT `+app+`, `+tables+` TO `+master)
		f.migrator = f.migratorAs(master)
		if _, err := f.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(describe(err))
		}
		f.execOn(f.as(app), todosTable)
		f.track("todos", nil)
		opts := &chronomigrate.HardenOptions{Owner: db.Name + "_h", Writer: db.Name + "_w", Applications: []string{app}, TableOwner: tables}
		if _, err := f.migrator.Harden(t.Context(), opts, nil); err != nil {
			t.Fatalf("Harden() = %v", describe(err))
		}
		t.Cleanup(func() { f.dropRoles(opts.Owner, opts.Writer) })
		f.wantCheck()
		if again, err := f.migrator.Harden(t.Context(), nil, nil); err != nil || !again.Empty() {
			t.Errorf("again: %v, %v", again, err)
		}
		f.track("todos", &chronomigrate.TrackOptions{Untracked: []string{"done"}})
		f.wantCheck()
		f.conn = f.as(app)
		f.exec(`INSERT INTO todos VALUES (1, 'a')`, `TRUNCATE todos`)
		f.refused("42501", `SET ROLE `+opts.Owner)
	})

	t.Run("roles may read, hold and open the door as they are named, and others may not", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		auditor, historian, breaker, former := h.role("_auditor"), h.role("_historian"), h.role("_breaker"), h.role("_former")
		h.exec(`GRANT USAGE ON SCHEMA chrononaut TO `+former, `GRANT EXECUTE ON FUNCTION chrononaut.suppress TO `+former, `GRANT INSERT, DELETE ON chrononaut.chrononaut_activity TO `+former)
		h.opts.Readers, h.opts.PastReaders, h.opts.Suppressors = []string{auditor}, []string{historian}, []string{breaker}
		h.harden()
		h.wantCheck()
		h.execOn(h.as(h.app), `INSERT INTO todos VALUES (1, 'a')`, `SELECT * FROM chrononaut.chrononaut_activity`)
		h.conn = h.as(auditor)
		h.exec(`SELECT * FROM chrononaut.chrononaut_activity`)
		h.refused("42501", `SELECT * FROM todos`)
		h.refused("42501", `SELECT * FROM chrononaut.chrononaut_secret`)
		h.conn = h.as(historian)
		h.exec(`BEGIN`, `SELECT chrononaut.travel(jsonb_build_object('at', clock_timestamp(), 'unsettled', true, 'incomplete', true))`)
		h.wantText("a", `SELECT title FROM chrononaut_past.todos`)
		h.refused("42501", `SELECT * FROM public.todos`)
		h.exec(`ROLLBACK`)
		h.refused("42501", `SELECT * FROM chrononaut.chrononaut_activity`)
		h.conn = h.as(breaker)
		h.exec(`SELECT chrononaut.suppress('ticket 1')`)
		h.conn = h.as(former)
		h.refused("42501", `SELECT chrononaut.suppress('ticket 2')`)
		h.refused("42501", `INSERT INTO chrononaut.chrononaut_activity (table_name, version) VALUES ('todos', 77)`)

		h.opts.Readers, h.opts.PastReaders, h.opts.Suppressors = nil, nil, nil
		h.conn = h.connect()
		h.harden()
		if again := h.harden(); !again.Empty() {
			t.Errorf("the second time has steps:\n%s", again.SQL())
		}
		h.wantCheck()
		h.conn = h.as(auditor)
		h.refused("42501", `SELECT * FROM chrononaut.chrononaut_activity`)
		h.conn = h.as(historian)
		h.refused("42501", `SELECT title FROM chrononaut_past.todos`)
		h.conn = h.as(breaker)
		h.refused("42501", `SELECT chrononaut.suppress('ticket 3')`)
	})

	t.Run("who may hold and lease does, and nobody else", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		clerk := h.role("_clerk")
		h.execOn(h.as(h.app), `INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `GRANT SELECT, UPDATE ON todos TO `+clerk)
		h.opts.Holders, h.opts.Leasers = []string{clerk}, []string{clerk}
		h.harden()
		if again := h.harden(); !again.Empty() {
			t.Errorf("the second time has steps:\n%s", again.SQL())
		}
		h.wantCheck()
		h.conn = h.as(clerk)
		held := h.text(`SELECT chrononaut.hold('public', 'todos', '[{"id": 1}]', 'lawsuit', '{"children": [{"schema": "public", "table": "notes"}]}') ->> 'id'`)
		h.exec(`SELECT chrononaut.lease('public', 'todos', '{"id": 2}', '1 hour', true)`)
		h.conn = h.as(h.app)
		h.refused("TM016", `UPDATE todos SET title = 'c' WHERE id = 1`)
		h.refused("TM016", `INSERT INTO notes (body, todo) VALUES ('n', 1)`)
		h.refused("TM018", `UPDATE todos SET title = 'c' WHERE id = 2`)
		h.refused("42501", `SELECT chrononaut.release(`+held+`, 'x')`)
		h.refused("42501", `SELECT chrononaut.lease('public', 'todos', '{"id": 1}', '1 hour')`)
		h.refused("42501", `DELETE FROM chrononaut.chrononaut_hold_scope`)
		h.conn = h.as(clerk)
		h.exec(`SELECT chrononaut.release(`+held+`, 'settled')`, `SELECT chrononaut.release((chrononaut.hold('public', 'todos', NULL, 'all of it') ->> 'id')::bigint, 'x')`)
		h.execOn(h.as(h.app), `UPDATE todos SET title = 'c' WHERE id = 1`)
		results, err := h.migrator.CheckHardened(t.Context(), &chronomigrate.CheckHardenedOpts{Attackers: []chronomigrate.Attacker{chronomigrate.AttackerApplication}})
		if err != nil {
			t.Fatal(describe(err))
		}
		for _, r := range results {
			if !r.OK() {
				t.Errorf("%s: %s", r.Action, r.Got)
			}
		}

		// What it read for that is taken back, and what anybody gave away of a column.
		const tracking = `SELECT id, table_schema, table_name, operation, changed FROM chrononaut.chrononaut_activity`
		h.conn = h.as(clerk)
		h.exec(tracking, `SELECT * FROM chrononaut.chrononaut_hold`)
		h.refused("42501", `SELECT data FROM chrononaut.chrononaut_activity`)
		h.conn = h.connect()
		h.exec(`GRANT UPDATE (data) ON chrononaut.chrononaut_activity TO ` + h.app)
		h.opts.Holders, h.opts.Leasers = nil, nil
		h.harden()
		h.wantCheck()
		h.conn = h.as(clerk)
		h.refused("42501", tracking)
		h.refused("42501", `SELECT * FROM chrononaut.chrononaut_hold`)
		h.conn = h.as(h.app)
		h.refused("42501", `UPDATE chrononaut.chrononaut_activity SET data = '{}'`)
	})

	t.Run("row security of a table hides nothing from history", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		h.execOn(h.as(h.app), `ALTER TABLE todos ENABLE ROW LEVEL SECURITY`, `CREATE POLICY mine ON todos USING (id < 10)`)
		h.track("todos", nil)
		h.harden()
		h.wantCheck()
		h.execOn(h.as(h.owner), `INSERT INTO todos VALUES (1, 'a'), (20, 'b')`)
		h.execOn(h.as(h.app), `UPDATE todos SET title = 'c'`, `TRUNCATE todos CASCADE`)
		h.wantText("2", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'truncate'`)
	})

	t.Run("check finds what was taken back since", func(t *testing.T) {
		t.Parallel()
		h := hardened(t)
		h.exec(`GRANT INSERT ON chrononaut.chrononaut_activity TO `+h.app, `ALTER FUNCTION chrononaut.suppress OWNER TO CURRENT_USER`)
		problems, err := h.migrator.Check(t.Context(), nil)
		if err != nil || len(problems) != 2 || problems[0].Kind != chronomigrate.ProblemHistoryRoles {
			t.Fatalf("Check() = %v, %v, want two problems of roles", problems, err)
		}
		if _, err := h.migrator.Fix(t.Context(), nil); err != nil {
			t.Fatalf("Fix() = %v", describe(err))
		}
		h.wantCheck()
	})
}

// dropRoles drops roles that were made by Harden, with what they own.
func (f *fixture) dropRoles(names ...string) {
	ctx := context.WithoutCancel(f.Context())
	conn, err := pgx.Connect(ctx, f.db.URL())
	if err != nil {
		f.Errorf("drop roles: %v", err)
		return
	}
	defer conn.Close(ctx)
	for _, name := range names {
		if err := try(ctx, conn, `DROP OWNED BY `+name+` CASCADE; DROP ROLE `+name); err != nil {
			f.Errorf("drop roles: %v", err)
		}
	}
}
