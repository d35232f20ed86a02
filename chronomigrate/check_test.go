package chronomigrate_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// checked has a plain table, one with options and a partitioned one.
func checked(t *testing.T) *fixture {
	t.Helper()
	return newFixtureFrom(t, "checked", func(ctx context.Context, pool *pgxpool.Pool, m *chronomigrate.Migrator) error {
		if _, err := pool.Exec(ctx, `CREATE TABLE todos (id integer PRIMARY KEY, title text, done boolean NOT NULL DEFAULT false);
			CREATE TABLE people (id integer PRIMARY KEY, name text, secret text, note text);
			CREATE TABLE parts (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id);
			CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
			CREATE TABLE lowest PARTITION OF low FOR VALUES FROM (0) TO (5)`); err != nil {
			return err
		}
		for _, table := range []struct {
			name string
			opts *chronomigrate.TrackOptions
		}{
			{"todos", nil},
			{"people", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"note"}}},
			{"parts", nil},
		} {
			if _, err := m.Track(ctx, chronodriver.Table{Name: table.name}, table.opts, nil); err != nil {
				return err
			}
		}
		problems, err := m.Check(ctx, nil)
		if err == nil && len(problems) != 0 {
			err = fmt.Errorf("Check() of what was just tracked = %v", problems)
		}
		return err
	})
}

// drift is a way in which a database can be broken, and what repairs it.
type drift struct {
	name   string
	breaks []string
	want   []string // kind and object, without a function's table and hash
	repair string   // SQL that comes before track, where a human has to decide
	track  string   // defaults to todos
	opts   *chronomigrate.TrackOptions
	// clones says that each is found on partitions too, where they have row triggers
	// of their own: PostgreSQL 14 calls them internal.
	clones bool
}

func drifts() []drift {
	const version, capture, truncate = `"zzzz_chrononaut_version"`, `"000_chrononaut_capture"`, `"000_chrononaut_truncate"`
	const inserts, updates, deletes = `"000_chrononaut_capture_insert"`, `"000_chrononaut_capture_update"`, `"000_chrononaut_capture_delete"`
	const partition = `"000_chrononaut_capture_partition"`
	const deleting = `"000_chrononaut_before_delete"`
	of := func(kind string, triggers ...string) (want []string) {
		for _, name := range triggers {
			want = append(want, kind+" "+strings.Trim(name, `"`))
		}
		return want
	}
	all := []drift{
		{name: "nothing is wrong"},
		{
			name: "triggers are dropped",
			breaks: []string{
				`DROP TRIGGER ` + capture + ` ON todos`, `DROP TRIGGER ` + version + ` ON todos`, `DROP TRIGGER ` + truncate + ` ON todos`,
				`DROP TRIGGER ` + deleting + ` ON todos`, `DROP TRIGGER ` + inserts + ` ON todos`, `DROP TRIGGER ` + updates + ` ON todos`, `DROP TRIGGER ` + deletes + ` ON todos`,
			},
			want: of("trigger_missing", version, deleting, inserts, updates, deletes, capture, truncate),
		},
		{
			name:   "a statement trigger is dropped",
			breaks: []string{`DROP TRIGGER ` + updates + ` ON todos`},
			want:   of("trigger_missing", updates),
		},
		{
			name: "the row trigger captures alone",
			breaks: []string{
				`ALTER TABLE todos ENABLE ALWAYS TRIGGER ` + capture,
				`DROP TRIGGER ` + inserts + ` ON todos`, `DROP TRIGGER ` + updates + ` ON todos`, `DROP TRIGGER ` + deletes + ` ON todos`,
			},
		},
		{
			name:   "a trigger goes with a column that its hand-written condition names",
			breaks: []string{`CREATE OR REPLACE TRIGGER ` + capture + ` AFTER UPDATE OF title ON todos FOR EACH ROW EXECUTE FUNCTION {capture}()`, `ALTER TABLE todos DROP title CASCADE`},
			want:   []string{"outdated baseline", "outdated record", "outdated statement", "trigger_missing 000_chrononaut_capture"},
		},
		{
			name:   "all triggers are disabled",
			breaks: []string{`ALTER TABLE todos DISABLE TRIGGER ALL`},
			want:   of("trigger_disabled", version, deleting, inserts, updates, deletes, partition, capture, truncate),
		},
		{
			name:   "a trigger fires on the origin only, or on a replica only",
			breaks: []string{`ALTER TABLE todos ENABLE TRIGGER ` + truncate, `ALTER TABLE todos ENABLE REPLICA TRIGGER ` + version},
			want:   of("trigger_disabled", version, truncate),
		},
		{
			name:   "triggers fire where others do",
			breaks: []string{`ALTER TABLE todos ENABLE TRIGGER ` + capture, `ALTER TABLE todos ENABLE ALWAYS TRIGGER ` + inserts, `ALTER TABLE todos ENABLE REPLICA TRIGGER ` + deletes},
			want:   of("trigger_disabled", inserts, deletes, capture),
		},
		{
			name: "triggers have a condition, other events or another function",
			breaks: []string{
				`CREATE OR REPLACE TRIGGER ` + capture + ` AFTER INSERT OR UPDATE OR DELETE ON todos FOR EACH ROW WHEN (false) EXECUTE FUNCTION {capture}()`,
				`CREATE OR REPLACE TRIGGER ` + version + ` BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION {version}()`,
				`CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
				`CREATE OR REPLACE TRIGGER ` + truncate + ` BEFORE TRUNCATE ON todos EXECUTE FUNCTION nothing()`,
				`CREATE OR REPLACE TRIGGER ` + inserts + ` AFTER INSERT ON todos REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION {statement}()`,
				`CREATE OR REPLACE TRIGGER ` + updates + ` AFTER UPDATE ON todos REFERENCING OLD TABLE AS new_rows NEW TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {statement}()`,
				`CREATE OR REPLACE TRIGGER ` + deletes + ` AFTER DELETE ON todos REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION nothing()`,
				`CREATE OR REPLACE TRIGGER ` + partition + ` AFTER INSERT OR UPDATE OR DELETE ON todos FOR EACH ROW WHEN (pg_partition_root('people'::regclass) IS NOT NULL) EXECUTE FUNCTION {capture}()`,
			},
			want: of("trigger_changed", version, inserts, updates, deletes, partition, capture, truncate),
		},
		{
			name:   "a function is changed by hand",
			breaks: []string{`CREATE OR REPLACE FUNCTION {capture}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END'`},
			want:   []string{"function_changed capture"},
		},
		{
			name:   "a function loses its settings, or its rights",
			breaks: []string{`ALTER FUNCTION {record}(text, oid, record, record) RESET ALL`, `ALTER FUNCTION {capture}() SET search_path = public`, `ALTER FUNCTION {version}() SECURITY INVOKER`, `ALTER FUNCTION {truncate}() SET search_path = public`},
			want:   []string{"function_changed version", "function_changed record", "function_changed capture", "function_changed truncate"},
		},
		{
			name:   "functions that triggers call are gone",
			breaks: []string{`DROP FUNCTION {record}(text, oid, record, record), {number}(text, oid, record, record)`},
			want:   []string{"function_missing number", "function_missing record"},
		},
		{
			name:   "the function of the statement triggers is gone, and they with it",
			breaks: []string{`DROP FUNCTION {statement}() CASCADE`},
			want:   append([]string{"function_missing statement"}, of("trigger_missing", deleting, inserts, updates, deletes)...),
		},
		{
			name:   "a function is gone, and its trigger with it",
			breaks: []string{`DROP FUNCTION {truncate}() CASCADE`},
			want:   []string{"function_missing truncate", "trigger_missing 000_chrononaut_truncate"},
		},
		{
			name:   "the comment of a function of another generation is known",
			breaks: []string{`UPDATE pg_proc SET prosrc = prosrc || ' ' WHERE oid = '{capture}'::regproc`, `DO $$ BEGIN EXECUTE format('COMMENT ON FUNCTION {capture}() IS %L', (SELECT 'chrononaut generation 0, source ' || md5(prosrc) || ', options {}' FROM pg_proc WHERE oid = '{capture}'::regproc)); END $$`},
			want:   []string{"outdated capture"},
		},
		{
			name:   "the registry's options are changed by hand",
			breaks: []string{`UPDATE chrononaut.chrononaut_table SET options = '{"untracked": ["title"]}' WHERE table_name = 'todos'`},
			want:   []string{"outdated baseline", "outdated number", "outdated version", "outdated record", "outdated statement", "outdated truncate"},
		},
		{
			name:   "a hidden column is renamed",
			breaks: []string{`ALTER TABLE people RENAME secret TO classified`},
			want:   []string{"column_missing secret", "outdated baseline", "outdated record", "outdated statement", "outdated truncate"},
			track:  "people", opts: &chronomigrate.TrackOptions{Hidden: []string{"classified"}, Untracked: []string{"note"}},
		},
		{
			name:   "a hidden and an untracked column are dropped",
			breaks: []string{`ALTER TABLE people DROP secret, DROP note`},
			want:   []string{"column_missing secret", "column_missing note", "outdated baseline", "outdated number", "outdated version", "outdated record", "outdated statement", "outdated truncate"},
			track:  "people", opts: &chronomigrate.TrackOptions{},
		},
		{
			name:   "the version column is gone",
			breaks: []string{`ALTER TABLE todos DROP version`},
			want:   []string{"column_missing version"},
		},
		{
			name:   "the primary key is gone",
			breaks: []string{`ALTER TABLE todos DROP CONSTRAINT todos_pkey`},
			want:   []string{"no_key "},
			repair: `ALTER TABLE todos ADD PRIMARY KEY (id)`,
		},
		{
			name:   "the primary key is another one",
			breaks: []string{`ALTER TABLE todos DROP CONSTRAINT todos_pkey, ADD PRIMARY KEY (done, id)`},
			want:   []string{"key_changed done, id", "outdated baseline", "outdated number", "outdated version", "outdated record", "outdated statement"},
		},
		{
			name:   "the table is dropped",
			breaks: []string{`DROP TABLE todos`},
			want:   []string{"table_dropped public.todos"},
			repair: `CREATE TABLE todos (id integer PRIMARY KEY)`,
		},
		{
			name:   "the table is renamed",
			breaks: []string{`ALTER TABLE todos RENAME TO tasks`},
			want:   []string{"table_dropped public.todos"},
			repair: `ALTER TABLE tasks RENAME TO todos`,
		},
		{
			name:   "the table is moved to another schema",
			breaks: []string{`CREATE SCHEMA attic`, `ALTER TABLE todos SET SCHEMA attic`},
			want:   []string{"table_dropped public.todos"},
			repair: `ALTER TABLE attic.todos SET SCHEMA public`,
		},
		{
			name: "the application's triggers run on the wrong side",
			breaks: []string{
				`CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
				`CREATE TRIGGER zzzzz BEFORE UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION app()`,
				`CREATE TRIGGER middle BEFORE UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION app()`, `CREATE TRIGGER "000_b" AFTER UPDATE ON todos FOR EACH STATEMENT EXECUTE FUNCTION app()`,
				`CREATE TRIGGER "000_c" BEFORE UPDATE ON todos FOR EACH STATEMENT EXECUTE FUNCTION app()`,
			},
			want:   []string{"trigger_order 000_b", "trigger_order zzzzz"},
			repair: `ALTER TRIGGER zzzzz ON todos RENAME TO a; ALTER TRIGGER "000_b" ON todos RENAME TO b`,
		},
		{
			name: "the application has AFTER ROW triggers since the table was tracked",
			breaks: []string{
				`CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
				`CREATE TRIGGER app AFTER UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION app()`,
			},
			want: []string{"trigger_order 000_chrononaut_capture"},
		},
		{
			name: "the application's triggers run on the wrong side of those of a partitioned table",
			breaks: []string{
				`CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
				`CREATE TRIGGER "000_a" AFTER UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION app()`, `CREATE TRIGGER "000_b" AFTER UPDATE ON parts FOR EACH STATEMENT EXECUTE FUNCTION app()`,
			},
			want:   []string{"trigger_order 000_a", "trigger_order 000_a", "trigger_order 000_a"},
			repair: `ALTER TRIGGER "000_a" ON parts RENAME TO b`,
			track:  "parts",
			clones: true,
		},
		{
			name:   "a partition is attached: TRUNCATE of it alone is not covered",
			breaks: []string{`CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (20)`, `CREATE TABLE lower PARTITION OF low FOR VALUES FROM (5) TO (7)`},
			want:   []string{"trigger_missing 000_chrononaut_truncate", "trigger_missing 000_chrononaut_truncate"},
			track:  "parts",
		},
		{
			name:   "the triggers of a partition are disabled",
			breaks: []string{`ALTER TABLE lowest DISABLE TRIGGER USER`},
			want:   []string{"trigger_disabled zzzz_chrononaut_version", "trigger_disabled 000_chrononaut_capture", "trigger_disabled 000_chrononaut_truncate"},
			track:  "parts",
		},
		{
			name:   "history's own guards are dropped and disabled",
			breaks: []string{`DROP TRIGGER chrononaut_append_only ON chrononaut.chrononaut_activity`, `ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_append_only_truncate`, `DROP TRIGGER chrononaut_erased ON chrononaut.chrononaut_activity`, `DROP TRIGGER chrononaut_period_erased ON chrononaut.chrononaut_activity`, `DROP TRIGGER chrononaut_held ON chrononaut.chrononaut_activity`},
			want:   []string{"history_trigger chrononaut_append_only", "history_trigger chrononaut_append_only_truncate", "history_trigger chrononaut_erased", "history_trigger chrononaut_held", "history_trigger chrononaut_period_erased"},
		},
		{
			name: "history's own guards refuse less",
			breaks: []string{
				`CREATE OR REPLACE TRIGGER chrononaut_append_only BEFORE UPDATE OR DELETE ON chrononaut.chrononaut_activity FOR EACH ROW WHEN (false) EXECUTE FUNCTION chrononaut.refuse_rewrite()`,
				`CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
				`CREATE OR REPLACE TRIGGER chrononaut_append_only_truncate BEFORE TRUNCATE ON chrononaut.chrononaut_activity EXECUTE FUNCTION nothing()`,
			},
			want: []string{"history_trigger chrononaut_append_only", "history_trigger chrononaut_append_only_truncate"},
		},
		{
			name:   "the triggers for rows of Python are dropped",
			breaks: []string{`DROP TRIGGER chrononaut_python_complete ON chrononaut.chrononaut_activity`, `DROP TRIGGER chrononaut_python_replace ON chrononaut.chrononaut_activity`},
			want:   []string{"history_trigger chrononaut_python_complete", "history_trigger chrononaut_python_replace"},
		},
		{
			name:   "the triggers for rows of Python are disabled",
			breaks: []string{shared, `ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_python_complete`, `ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_python_replace`},
			want:   []string{"history_trigger chrononaut_python_complete", "history_trigger chrononaut_python_replace"},
		},
		{
			name:   "the triggers for rows of Python fire for replicas, only or too",
			breaks: []string{`ALTER TABLE chrononaut.chrononaut_activity ENABLE REPLICA TRIGGER chrononaut_python_complete`, `ALTER TABLE chrononaut.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_python_replace`},
			want:   []string{"history_trigger chrononaut_python_complete", "history_trigger chrononaut_python_replace"},
		},
		{
			name: "the triggers for rows of Python are disabled and have another condition",
			breaks: []string{
				`CREATE OR REPLACE TRIGGER chrononaut_python_complete BEFORE INSERT ON chrononaut.chrononaut_activity FOR EACH ROW EXECUTE FUNCTION chrononaut.python_complete()`,
				`CREATE OR REPLACE TRIGGER chrononaut_python_replace AFTER INSERT ON chrononaut.chrononaut_activity FOR EACH ROW WHEN (NEW.operation IS NULL) EXECUTE FUNCTION chrononaut.python_replace()`,
				shared,
				`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_python_complete`, `ALTER TABLE chrononaut.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_python_replace`,
			},
			want: []string{"history_trigger chrononaut_python_complete", "history_trigger chrononaut_python_replace"},
		},
		{
			name:   "a restore that disabled the triggers of history ends before it enables them again",
			breaks: []string{`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER ALL`},
			want: []string{
				"history_trigger chrononaut_append_only", "history_trigger chrononaut_append_only_truncate", "history_trigger chrononaut_erased", "history_trigger chrononaut_held", "history_trigger chrononaut_period_erased",
			},
		},
		{
			name:   "a restore has disabled the triggers of history and enabled them again",
			breaks: []string{`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER ALL`, `ALTER TABLE chrononaut.chrononaut_activity ENABLE TRIGGER ALL`},
			want:   []string{"history_trigger chrononaut_append_only", "history_trigger chrononaut_append_only_truncate", "history_trigger chrononaut_erased", "history_trigger chrononaut_held", "history_trigger chrononaut_period_erased"},
		},
		{
			name: "functions that the triggers call are changed and dropped",
			breaks: []string{
				`CREATE OR REPLACE FUNCTION chrononaut.is_suppressed() RETURNS boolean LANGUAGE sql RETURN true`,
				`CREATE OR REPLACE FUNCTION chrononaut.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
				`CREATE OR REPLACE FUNCTION chrononaut.may_erase() RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
				`DROP FUNCTION chrononaut.record_info`,
			},
			want: []string{"function_changed is_suppressed", "function_changed may_erase", "function_missing record_info", "function_changed refuse_rewrite"},
		},
		{
			name:   "session_replication_role is set for the database",
			breaks: []string{`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$`},
			want:   []string{"replica_role database {database}"},
			repair: `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET session_replication_role', current_database()); END $$`,
		},
		{
			name:   "indexes of history are dropped",
			breaks: []string{`DROP INDEX chrononaut.chrononaut_activity_record`, `DROP INDEX chrononaut.chrononaut_activity_operation`},
			want:   []string{"history_index chrononaut_activity_operation", "history_index chrononaut_activity_record"},
		},
		{
			name:   "the owner of a trigger function may not write history",
			breaks: []string{`ALTER FUNCTION {capture}() OWNER TO {role}`},
			want:   []string{"history_access {role}"},
		},
		{
			name: "row security keeps the owner of a trigger function from history",
			breaks: []string{
				`ALTER FUNCTION {capture}() OWNER TO {role}`, `GRANT USAGE ON SCHEMA chrononaut TO {role}`, `GRANT SELECT, INSERT ON chrononaut.chrononaut_activity TO {role}`,
				`GRANT USAGE ON SEQUENCE chrononaut.chrononaut_activity_id_seq TO {role}`, `ALTER TABLE chrononaut.chrononaut_activity ENABLE ROW LEVEL SECURITY`,
			},
			want:   []string{"history_access {role}"},
			repair: `ALTER TABLE chrononaut.chrononaut_activity DISABLE ROW LEVEL SECURITY`,
		},
		{
			name:   "history was written in another cluster",
			breaks: []string{moved},
			want:   []string{"history_moved cluster"},
		},
		{
			name:   "history has ids that its sequence has not given out",
			breaks: []string{`INSERT INTO chrononaut.chrononaut_activity (id, table_name, version) SELECT n, '', 0 FROM generate_series(100, 109) AS n`},
			want:   []string{"history_moved sequence"},
		},
		{
			name:   "the triggers do not know of a hold",
			breaks: []string{`SELECT chrononaut.hold('public', 'todos', NULL, 'lawsuit', '{"allow_insert": true}')`, `SELECT setval('chrononaut.chrononaut_guarded', 0)`},
			want:   []string{"hold public.todos"},
		},
		{
			name:   "the guards over holds are disabled, and dropped",
			breaks: []string{`ALTER TABLE chrononaut.chrononaut_hold DISABLE TRIGGER ALL`, `DROP TRIGGER chrononaut_held ON chrononaut.chrononaut_table`},
			want:   []string{"hold chrononaut_table", "hold chrononaut_hold", "hold chrononaut_hold"},
		},
		{
			name:   "the primary key is checked at the end of the transaction",
			breaks: []string{`ALTER TABLE todos DROP CONSTRAINT todos_pkey, ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED`},
			want:   []string{"not_trackable public.todos"},
			repair: `ALTER TABLE todos DROP CONSTRAINT todos_pkey, ADD PRIMARY KEY (id)`,
		},
		{
			name:   "the registry has lost a table",
			breaks: []string{`DELETE FROM chrononaut.chrononaut_table WHERE table_name = 'todos'`},
			want:   []string{"unregistered public.todos"},
		},
	}
	for i := range all {
		if all[i].track == "" {
			all[i].track = "todos"
		}
	}
	return all
}

// make makes the drift; the text in braces stands for names.
func (d *drift) make(f *fixture) (names *strings.Replacer, functions *postgres.Table) {
	f.Helper()
	functions = f.inspected("public", d.track)
	role := ""
	if strings.Contains(strings.Join(d.breaks, ""), "{role}") {
		role = f.role("_owner")
	}
	pairs := []string{"{role}", role, "{database}", f.db.Name}
	for _, kind := range postgres.AllFunctions {
		pairs = append(pairs, "{"+kind+"}", functions.Function(kind))
	}
	names = strings.NewReplacer(pairs...)
	for _, sql := range d.breaks {
		f.exec(names.Replace(sql))
	}
	return names, functions
}

// shared says in the registry that a table is shared with Python.
const shared = `UPDATE chrononaut.chrononaut_table SET options = options || '{"shared_with_python": true}' WHERE table_name = 'todos'`

// Every kind of drift, made by hand, is found, and track repairs it.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range drifts() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := checked(t)
			fill, functions := tc.make(f)
			problems, err := f.migrator.Check(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, want := []string{}, []string{}
			for _, p := range problems {
				object := p.Object
				for _, kind := range postgres.AllFunctions {
					if object == functions.FunctionName(kind) {
						object = kind
					}
				}
				if p.Kind != chronomigrate.ProblemPast {
					// What is wrong with a table is wrong with its view too: TestPastFollows.
					got = append(got, string(p.Kind)+" "+object)
				}
				if p.Hint == "" || p.Message == "" || p.Table.Name == "" {
					t.Errorf("a finding says too little: %+v", p)
				}
			}
			for _, w := range tc.want {
				want = append(want, fill.Replace(w))
			}
			if tc.clones && f.text(`SELECT (current_setting('server_version_num')::integer < 150000)::text`) == "true" {
				want = slices.Compact(want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Check() mismatch (-want +got):\n%s", diff)
			}

			if tc.repair != "" {
				f.exec(tc.repair)
			}
			if plan := f.track(tc.track, tc.opts); tc.breaks == nil && !plan.Empty() {
				t.Errorf("Track() of a healthy table runs\n%s", plan.SQL())
			}
			f.wantCheck()
			if plan := f.track(tc.track, nil); !plan.Empty() {
				t.Errorf("a second Track() runs\n%s", plan.SQL())
			}
			f.refused("TM004", `TRUNCATE chrononaut.chrononaut_activity`)
			f.exec(`INSERT INTO todos (id) VALUES (42)`, `INSERT INTO people (id) VALUES (42)`, `INSERT INTO parts VALUES (1)`, `DELETE FROM parts`)
			f.wantText("42 42 1 1", `SELECT string_agg(key ->> 'id', ' ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		})
	}

	t.Run("a table of before is uncovered until it is tracked, and again when it is not", func(t *testing.T) {
		t.Parallel()
		f := checked(t)
		f.exec(`CREATE TABLE other (id integer)`, `CREATE UNLOGGED TABLE fast (id integer)`, `CREATE VIEW v AS SELECT 1`, `CREATE TEMP TABLE passing (id integer)`)
		if _, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil); err != nil {
			t.Fatal(err)
		}
		f.wantCheck()
		problems, err := f.migrator.Check(t.Context(), &chronomigrate.CheckOpts{Uncovered: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range problems {
			got = append(got, string(p.Kind)+" "+p.Table.String())
		}
		if diff := cmp.Diff([]string{"uncovered public.fast", "uncovered public.other", "uncovered public.todos"}, got); diff != "" {
			t.Errorf("Check(Uncovered) mismatch (-want +got):\n%s", diff)
		}
	})
}
