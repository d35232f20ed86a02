package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/cli"
)

const todos = `CREATE TABLE todos (id integer PRIMARY KEY, title text, password text)`

// onEngines runs a test in a world of its own on each engine, with history
// installed.
func onEngines(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(string(engine.dialect), func(t *testing.T) {
			t.Parallel()
			w := engine.open(t)
			w.must("migrate", "up")
			test(w)
		})
	}
}

// onPostgres is onEngines for PostgreSQL.
func onPostgres(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := openPostgres(t)
	w.must("migrate", "up")
	return w
}

// onSQLite is onEngines for SQLite.
func onSQLite(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := openSQLite(t)
	w.must("migrate", "up")
	return w
}

// changes runs log and returns what it printed, as JSON.
func (w *world) changes(args ...string) []map[string]any {
	w.t.Helper()
	var changes []map[string]any
	dec := json.NewDecoder(strings.NewReader(w.must(append([]string{"log", "--json"}, args...)...)))
	dec.UseNumber()
	for {
		var change map[string]any
		switch err := dec.Decode(&change); err {
		case nil:
			changes = append(changes, change)
		case io.EOF:
			return changes
		default:
			w.t.Fatal(err)
		}
	}
}

// cancelOn cancels a context when something is written.
type cancelOn struct {
	io.Writer
	cancel context.CancelFunc
}

func (c cancelOn) Write(p []byte) (int, error) {
	c.cancel()
	return c.Writer.Write(p)
}

func TestBaselineGoesOnAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos, `INSERT INTO todos (id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i FROM n`)

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stderr strings.Builder
		status := cli.Run(ctx, &cli.Config{
			Stdout: io.Discard, Stderr: cancelOn{&stderr, cancel}, StderrTTY: true,
			Env: func(name string) string { return w.env[name] },
		}, []string{"track", "todos", "--baseline", "--chunk", "7"})
		if status != 2 || !strings.Contains(stderr.String(), "interrupted\nTry: the same command again") {
			t.Errorf("the interrupted baseline exits with %d and says %q", status, &stderr)
		}
		begun := len(w.changes("todos", "--operation", "baseline", "--limit", "0"))
		if begun == 0 || begun >= 50 {
			t.Fatalf("%d rows were recorded before the interrupt, want some of 50", begun)
		}

		if out := w.must("track", "todos", "--baseline"); !strings.Contains(out, "recorded the present state of 50 rows") {
			t.Errorf("the baseline that goes on says %q", out)
		}
		keys := map[string]bool{}
		for _, c := range w.changes("todos", "--operation", "baseline", "--limit", "0") {
			keys[fmt.Sprint(c["key"])] = true
		}
		if len(keys) != 50 {
			t.Errorf("%d records have a baseline, want 50", len(keys))
		}
	})
}

func TestProgressOfABaseline(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos, `INSERT INTO todos (id) VALUES (1), (2), (3)`)
		track := []string{"track", "todos", "--baseline", "--chunk", "1"}
		w.config.StderrTTY = true
		_, stderr, _ := w.run(t.Context(), track...)
		if !strings.Contains(stderr, "\r\x1b[Kbaseline of ") || !strings.HasSuffix(stderr, "\r\x1b[K") {
			t.Errorf("on a terminal the baseline shows %q, want a bar that is taken away at the end", stderr)
		}
		for _, flag := range []string{"--quiet", "--json"} {
			if _, stderr, _ := w.run(t.Context(), append(track, flag)...); stderr != "" {
				t.Errorf("with %s the baseline shows %q", flag, stderr)
			}
		}
		w.config.StderrTTY = false
		if _, stderr, _ := w.run(t.Context(), track...); stderr != "" {
			t.Errorf("in a pipe a short baseline shows %q", stderr)
		}
	})
}

func TestTrackKeepsTheOptionsThatAreNotGiven(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		w.must("track", "todos", "--hidden", "password", "--strict")
		w.must("track", "todos", "--untracked", "title")
		_ = w.must("track", "todos")
		if err := w.sql(t.Context(), `INSERT INTO todos (id, title, password) VALUES (1, 'a', 'secret')`); err == nil {
			t.Error("the table is not strict any more")
		}
		w.must("track", "todos", "--strict=false")
		w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'secret')`)
		data := w.changes("todos", "1")[0]["data"]
		if diff := cmp.Diff(map[string]any{"id": json.Number("1"), "version": json.Number("0")}, data); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		w.must("track", "todos", "--hidden=", "--untracked=")
		w.mustSQL(`UPDATE todos SET title = 'b'`)
		if data := w.changes("todos", "1")[0]["data"].(map[string]any); data["title"] != "b" || data["password"] != "secret" {
			t.Errorf("after both lists are cleared, data is %v", data)
		}
	})
}

func TestVersionColumnAndRecordChanges(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(`CREATE TABLE todos (id integer PRIMARY KEY, title text, lock_version integer)`)
		w.must("track", "todos", "--version-column", "lock_version", "--record-changes")
		w.mustSQL(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`)
		if n := w.count(`SELECT count(*) FROM todos WHERE lock_version = 1 AND change_info IS NOT NULL AND changed IS NOT NULL`); n != 1 {
			t.Errorf("%d rows have their version and their change on them, want 1", n)
		}
		var columns []string
		for _, column := range w.changes("todos", "1", "--limit", "1")[0]["diff"].([]any) {
			columns = append(columns, column.(map[string]any)["column"].(string))
		}
		if !slices.Contains(columns, "title") || slices.Contains(columns, "lock_version") || slices.Contains(columns, "version") {
			t.Errorf("the change changed %q; the version does not count", columns)
		}
	})
}

func TestRefusalsHaveAReasonAndAHint(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos, `CREATE TABLE keyless (id integer)`, `CREATE TABLE versioned (id integer PRIMARY KEY, version text)`, `CREATE VIEW look AS SELECT * FROM todos`)
		w.must("track", "todos")
		for _, refusal := range []struct{ args, reason string }{
			{"track nowhere", "no_table"},
			{"track keyless", "no_key"},
			{"track look", "not_trackable"},
			{"track versioned", "version_column"},
			{"track versioned --version-column version", "version_column"},
			{"track todos --hidden nope", "no_column"},
			{"track todos --untracked id", "option"},
			{"track todos --hidden title --untracked title", "option"},
			{"untrack versioned", "not_tracked"},
			{"migrate down --yes", "still_tracked"},
		} {
			stdout, stderr, status := w.run(t.Context(), append(strings.Fields(refusal.args), "--json")...)
			if status != 2 || stdout != "" || !strings.Contains(stderr, `"reason":"`+refusal.reason+`"`) || !strings.Contains(stderr, `"hint":"`) {
				t.Errorf("%s exits with %d: %s%s", refusal.args, status, stdout, stderr)
			}
		}
		w.must("check")
		if out := w.must("track", "todos"); !strings.Contains(out, "nothing to do") {
			t.Errorf("after the refusals, track says %s", out)
		}
	})
}

func TestABusyTable(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		tx, err := w.driver.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `INSERT INTO todos (id) VALUES (1)`); err != nil {
			t.Fatal(err)
		}
		_, stderr, status := w.run(t.Context(), "track", "todos", "--lock-timeout", "20ms", "--attempts", "2", "--json")
		if status != 2 || !strings.Contains(stderr, `"reason":"busy"`) || !strings.Contains(stderr, "no lock after 2 attempts") || !strings.Contains(stderr, `"hint":`) {
			t.Errorf("track of a busy table exits with %d: %s", status, stderr)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.must("track", "todos")
	})
}

func TestDemoOnATerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 200} {
		w := &world{t: t, env: map[string]string{}, config: cli.Config{StdoutTTY: true, Width: width}}
		if out := w.must("demo", "--file", filepath.Join(t.TempDir(), "shop.db")); !strings.Contains(out, "\x1b[") {
			t.Errorf("the demo shows no colors: %s", out)
		}
	}
}

func TestWhatDryRunPrintsCanBeRunByHand(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		plan := w.must("track", "todos", "--hidden", "password", "--dry-run")
		if _, _, status := w.run(t.Context(), "log", "todos"); status != 2 {
			t.Fatalf("log exits with %d after the dry run: the table must not be tracked", status)
		}
		if !strings.HasPrefix(plan, "-- ") {
			t.Errorf("the plan does not begin with a comment:\n%.200s", plan)
		}
		w.mustSQL(plan)
		if out := w.must("track", "todos", "--hidden", "password"); !strings.Contains(out, "nothing to do") {
			t.Errorf("after the plan was run by hand, track says %q", out)
		}
		w.must("check")

		untrack := w.must("untrack", "todos", "--dry-run")
		w.must("check", "todos")
		w.mustSQL(untrack)
		if out := w.must("untrack", "todos"); !strings.Contains(out, "nothing to do") {
			t.Errorf("after the plan was run by hand, untrack says %q", out)
		}
	})
}

func TestWhatMigrateGetPrintsCanBeRunByHand(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine.dialect), func(t *testing.T) {
			t.Parallel()
			w := engine.open(t)
			w.mustSQL(w.must("migrate", "get"))
			w.must("migrate", "status")
			w.mustSQL(todos)
			w.must("track", "todos")
			w.must("check")
			w.must("untrack", "todos")
			w.mustSQL(w.must("migrate", "get", "--down"))
			if out, _, status := w.run(t.Context(), "migrate", "status"); status != 1 {
				t.Errorf("status exits with %d after the schema was removed by hand: %s", status, out)
			}
		})
	}
}

func TestPagesOfTheLogAreTheLog(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		w.must("track", "todos")
		for i := range 7 {
			w.mustSQL(fmt.Sprintf(`INSERT INTO todos (id) VALUES (%d)`, i), `UPDATE todos SET title = coalesce(title, '') || 'x' WHERE id = 0`)
		}
		for _, args := range [][]string{{}, {"--oldest-first"}, {"todos", "0"}, {"todos", "0", "--oldest-first"}} {
			whole := w.changes(append(args, "--limit", "0")...)
			page := "--before-id"
			if slices.Contains(args, "--oldest-first") {
				page = "--after-id"
			}
			pages := w.changes(append(args, "--limit", "3")...)
			for last := pages; len(last) == 3; {
				id := last[len(last)-1]["id"].(json.Number)
				last = w.changes(append(args, "--limit", "3", page, id.String())...)
				pages = append(pages, last...)
			}
			if diff := cmp.Diff(whole, pages); diff != "" {
				t.Errorf("log %v (-whole +pages):\n%s", args, diff)
			}
		}
	})
}

// The conditions of a record's log are not those of the database's query.
func TestTheLogOfARecordIsTheLogOfItsTable(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos, `INSERT INTO todos (id, title, password) VALUES (1, 'before', 'x')`)
		w.must("track", "todos", "--hidden", "password")
		for _, words := range [][]string{
			{"-a", "ann", `UPDATE todos SET title = 'a' WHERE id = 1`},
			{"-a", "ann", `UPDATE todos SET password = 'a' WHERE id = 1`},
			{"-a", "bob", `DELETE FROM todos WHERE id = 1`},
			{"-a", "bob", `INSERT INTO todos (id, title, password) VALUES (1, 'a', 'y')`},
			{"-a", "ann", `UPDATE todos SET title = NULL WHERE id = 1`},
			{"-a", "ann", `UPDATE todos SET password = NULL, title = 'b' WHERE id = 1`},
		} {
			if err := w.sqlWords(t.Context(), words); err != nil {
				t.Fatal(err)
			}
		}
		whole := w.changes("todos", "--limit", "0")
		middle := whole[3]
		for _, filter := range [][]string{
			{},
			{"--actor", "ann"},
			{"--column", "title"},
			{"--column", "password"},
			{"--column", "id"},
			{"--column", "nope"},
			{"--operation", "delete"},
			{"--operation", "baseline"},
			{"--tx", middle["transaction_id"].(json.Number).String()},
			{"--since", middle["changed"].(string)},
			{"--until", middle["changed"].(string)},
			{"--actor", "bob", "--column", "title"},
			{"--oldest-first", "--limit", "2"},
			{"--limit", "2", "--actor", "ann"},
		} {
			table := w.changes(append([]string{"todos"}, filter...)...)
			table = slices.DeleteFunc(table, func(c map[string]any) bool { return c["operation"] == "track" })
			if slices.Contains(filter, "--oldest-first") {
				// The first of the table is that it was tracked.
				table = w.changes("todos", "--oldest-first", "--limit", "3")[1:]
			}
			record := w.changes(append([]string{"todos", "1"}, filter...)...)
			if diff := cmp.Diff(table, record); diff != "" {
				t.Errorf("log todos %v (-table +record):\n%s", filter, diff)
			}
		}
	})
}

func TestNumbersInJSONAreExact(t *testing.T) {
	w := onPostgres(t)
	long := strings.Repeat("1234567890", 30) + "." + strings.Repeat("0987654321", 10)
	w.mustSQL(`CREATE TABLE n (id bigint PRIMARY KEY, b bigint, n numeric, f float8, nan numeric)`)
	w.must("track", "n")
	w.mustSQL(`INSERT INTO n VALUES (9223372036854775807, 9007199254740993, ` + long + `, 0.1, 'NaN')`)
	want := `"data":{"b":9007199254740993,"f":0.1,"id":9223372036854775807,"n":` + long + `,"nan":"NaN","version":0}`
	for _, args := range [][]string{{"log", "--json", "n", "9223372036854775807"}, {"show", "--json", "n", "9223372036854775807"}, {"diff", "--json", "n", "id=9223372036854775807"}} {
		if out := w.must(args...); !strings.Contains(out, want) || !strings.Contains(out, `"key":{"id":9223372036854775807}`) {
			t.Errorf("%v prints\n%s\nwant in it\n%s", args, out, want)
		}
	}
	if out := w.must("show", "n", "9223372036854775807"); !strings.Contains(out, long) || !strings.Contains(out, "9007199254740993") {
		t.Errorf("show prints\n%s", out)
	}
}

func TestValuesOfSQLite(t *testing.T) {
	w := onSQLite(t)
	w.mustSQL(`CREATE TABLE v (id integer PRIMARY KEY, i integer, r real, b blob, t text)`)
	w.must("track", "v")
	w.mustSQL(`INSERT INTO v (id, i, r, b, t) VALUES (9223372036854775807, 9007199254740993, 0.1, x'00ff10', 'a' || char(27) || '[31m' || char(10))`,
		`INSERT INTO v (id, r, t) VALUES (2, 9e999, 'NULL')`)
	for _, want := range []struct{ args, text string }{
		{"9223372036854775807", "id       9223372036854775807\nb        \\x00ff10\ni        9007199254740993\nr        0.1\nt        'a\\x1b[31m\\n'\n"},
		{"9223372036854775807 --json", `"data":{"b":{"chrononaut:blob":"\\x00ff10"},"i":9007199254740993,"id":9223372036854775807,"r":0.1,"t":"a\u001b[31m\n","version":0}`},
		{"2", "id       2\nb        NULL\ni        NULL\nr        Infinity\nt        'NULL'\n"},
		{"2 --json", `"data":{"b":null,"i":null,"id":2,"r":{"chrononaut:real":"Infinity"},"t":"NULL","version":0}`},
	} {
		if out := w.must(append([]string{"show", "v"}, strings.Fields(want.args)...)...); !strings.Contains(out, want.text) {
			t.Errorf("show v %s prints\n%s\nwant in it\n%s", want.args, out, want.text)
		}
	}
}

func TestDriftOnSQLite(t *testing.T) {
	w := onSQLite(t)
	w.mustSQL(todos)
	w.must("track", "todos")
	w.mustSQL(`DROP TRIGGER ` + w.text(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'todos' ORDER BY name LIMIT 1`))
	if out, stderr, status := w.run(t.Context(), "check", "--json"); status != 1 || !strings.Contains(out, `"kind":"trigger_missing"`) {
		t.Errorf("check exits with %d: %s%s", status, out, stderr)
	}
	w.must("track", "todos")
	w.must("check")
}

func TestNamesOnSQLiteIgnoreCase(t *testing.T) {
	w := onSQLite(t)
	w.mustSQL(`CREATE TABLE "Todos" ("ID" integer PRIMARY KEY, "Title" text, "Password" text)`)
	w.must("track", "todos", "--hidden", "password")
	w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'secret')`)
	for _, column := range []string{"title", "TITLE", `"Title"`, "password"} {
		if n := len(w.changes("todos", "--column", column)); n != 1 {
			t.Errorf("%d changes set column %s, want 1", n, column)
		}
	}
	if out := w.must("log", "todos", "1", "--json"); strings.Contains(out, "secret") {
		t.Errorf("the log shows a hidden column: %s", out)
	}
	for _, args := range [][]string{{"todos", "1"}, {"TODOS", "id=1"}, {"main.todos", "ID=1"}, {`"Todos"`, `"ID"=1`}} {
		w.must(append([]string{"show"}, args...)...)
	}
	if _, stderr, status := w.run(t.Context(), "log", "other.todos"); status != 2 || !strings.Contains(stderr, "table does not exist") {
		t.Errorf("log of a table in another schema exits with %d: %s", status, stderr)
	}
}

func TestThePastIsReadableAfterTheTableChanged(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos, `ALTER TABLE todos RENAME COLUMN password TO gone`)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos VALUES (1, 'not a number', 'x')`, `ALTER TABLE todos ALTER COLUMN title TYPE integer USING 5, DROP COLUMN gone`)
	w.must("track", "todos")
	w.mustSQL(`UPDATE todos SET title = 6`)
	if out := w.must("show", "todos", "1", "--version", "0"); !strings.Contains(out, "not a number") {
		t.Errorf("show prints\n%s", out)
	}
	if out := w.must("diff", "todos", "1", "--from", "0", "--to", "1"); !strings.Contains(out, "title   not a number  6") || !strings.Contains(out, "gone    x             -") {
		t.Errorf("diff prints\n%s", out)
	}
	w.mustSQL(`DROP TABLE todos`)
	if out := w.must("show", "todos", "1"); !strings.Contains(out, "title    6") {
		t.Errorf("show of a dropped table prints\n%s", out)
	}
}

func TestTablesOfTheSameNameInTwoSchemas(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(`CREATE SCHEMA "Odd"`, `CREATE TABLE "Odd"."T" (id integer PRIMARY KEY)`, `CREATE SCHEMA other`, `CREATE TABLE other."T" (id integer PRIMARY KEY)`)
	w.must("track", `"Odd"."T"`)
	w.must("track", `other."T"`)
	w.mustSQL(`INSERT INTO "Odd"."T" VALUES (1)`)
	if n := len(w.changes(`"Odd"."T"`, "1")); n != 1 {
		t.Errorf("the table has %d changes, want 1", n)
	}
	if _, stderr, status := w.run(t.Context(), "log", `other."T"`, "1"); status != 1 {
		t.Errorf("log of the other exits with %d: %s", status, stderr)
	}
	_, stderr, status := w.run(t.Context(), "log", `"T"`)
	if status != 2 || !strings.Contains(stderr, "more than one schema") || !strings.Contains(stderr, `Try: write the schema: "Odd"."T".`) {
		t.Errorf("log without the schema exits with %d: %s", status, stderr)
	}
}

func TestHistoryInAnotherSchema(t *testing.T) {
	t.Parallel()
	w := engines[0].open(t)
	for _, args := range [][]string{{"migrate", "up"}, {"migrate", "status"}} {
		w.must(append(args, "--schema", `Audit "X"`)...)
	}
	w.mustSQL(todos)
	w.must("track", "todos", "--schema", `Audit "X"`)
	w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'b')`)
	w.must("show", "todos", "1", "--schema", `Audit "X"`)
	w.must("check", "--schema", `Audit "X"`)
	if _, stderr, status := w.run(t.Context(), "show", "todos", "1"); status != 2 || !strings.Contains(stderr, "history is not installed") {
		t.Errorf("without the schema, show exits with %d: %s", status, stderr)
	}
}

func TestCheckFindsDriftAndTrackRepairsIt(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos)
	w.must("track", "todos", "--hidden", "password")
	for _, drift := range []struct {
		kind, sql string
		repair    []string
	}{
		{"trigger_missing", `DROP TRIGGER "000_chrononaut_capture" ON todos`, nil},
		{"trigger_disabled", `ALTER TABLE todos DISABLE TRIGGER USER`, nil},
		{"column_missing", `ALTER TABLE todos RENAME COLUMN password TO secret`, []string{"--hidden", "secret"}},
	} {
		w.mustSQL(drift.sql)
		stdout, stderr, status := w.run(t.Context(), "check", "--json")
		if status != 1 || !strings.Contains(stdout, `"kind":"`+drift.kind+`"`) || !strings.Contains(stdout, `"ok":false`) || stderr != "" {
			t.Errorf("after %s, check exits with %d: %s%s", drift.sql, status, stdout, stderr)
		}
		w.must(append([]string{"track", "todos"}, drift.repair...)...)
		w.must("check")
	}
}

func TestHistoryOfANewerProgram(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos, `INSERT INTO chrononaut.chrononaut_migration (version, name) VALUES (999, 'from the future')`)
	if out, _, status := w.run(t.Context(), "migrate", "status", "--json"); status != 1 || !strings.Contains(out, `"state":"newer"`) {
		t.Errorf("status exits with %d: %s", status, out)
	}
	for _, args := range [][]string{{"migrate", "up"}, {"track", "todos"}, {"check"}, {"migrate", "down", "--yes"}} {
		_, stderr, status := w.run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"newer_history"`) || !strings.Contains(stderr, `"hint":"Use a newer chrononaut."`) {
			t.Errorf("%v exits with %d: %s", args, status, stderr)
		}
	}
}

// as returns the world with another role or with settings in its URL.
func (w *world) as(role string, settings map[string]string) *world {
	w.t.Helper()
	u := mustURL(w.t, w.url)
	if role != "" {
		u.User = url.User(role)
	}
	query := u.Query()
	for name, value := range settings {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return &world{t: w.t, url: u.String(), env: map[string]string{"DATABASE_URL": u.String()}}
}

func TestAReadOnlyConnection(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'b')`, `CREATE TABLE other (id integer PRIMARY KEY)`)
	reader := w.as("", map[string]string{"default_transaction_read_only": "on"})
	for _, args := range [][]string{{"log"}, {"log", "todos", "1"}, {"show", "todos", "1"}, {"diff", "todos", "1"}, {"check"}, {"migrate", "status"}} {
		reader.must(args...)
	}
	for _, args := range [][]string{{"track", "other"}, {"track", "todos", "--baseline"}, {"untrack", "todos"}} {
		_, stderr, status := reader.run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"read_only"`) || !strings.Contains(stderr, `"hint":`) {
			t.Errorf("%v exits with %d: %s", args, status, stderr)
		}
	}
	w.must("check")
}

// The grants are those of docs/tracking.md.
func TestRolesWithFewPrivileges(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'b')`)
	name := strings.TrimPrefix(mustURL(t, w.url).Path, "/")
	auditor, stranger := name+"_auditor", name+"_stranger"
	w.mustSQL(`CREATE ROLE `+auditor+` LOGIN`, `CREATE ROLE `+stranger+` LOGIN`,
		`GRANT USAGE ON SCHEMA chrononaut TO `+auditor,
		`GRANT SELECT ON chrononaut.chrononaut_activity, chrononaut.chrononaut_table, chrononaut.chrononaut_migration TO `+auditor)
	t.Cleanup(func() {
		for _, role := range []string{auditor, stranger} {
			for _, statement := range []string{`DROP OWNED BY ` + role, `DROP ROLE ` + role} {
				if err := w.sql(context.WithoutCancel(t.Context()), statement); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for _, args := range [][]string{{"log"}, {"log", "todos", "1"}, {"show", "todos", "1"}, {"diff", "todos", "1"}, {"migrate", "status"}} {
		w.as(auditor, nil).must(args...)
		_, stderr, status := w.as(stranger, nil).run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"privilege"`) {
			t.Errorf("%v of a role without privileges exits with %d: %s", args, status, stderr)
		}
	}
	for _, args := range [][]string{{"track", "todos", "--strict"}, {"untrack", "todos"}} {
		_, stderr, status := w.as(auditor, nil).run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"privilege"`) {
			t.Errorf("%v of the auditor exits with %d: %s", args, status, stderr)
		}
	}
	w.must("check")
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestRemovingHistoryIsConfirmed(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		w.must("track", "todos")
		w.must("untrack", "todos")
		w.config.StdinTTY, w.config.StderrTTY = true, true
		for _, answer := range []string{"no\n", "y\n", ""} {
			w.config.Stdin = strings.NewReader(answer)
			if _, stderr, status := w.run(t.Context(), "migrate", "down"); status != 1 || !strings.Contains(stderr, "nothing was removed") {
				t.Errorf("after %q, it exits with %d: %s", answer, status, stderr)
			}
			w.must("migrate", "status")
		}
		w.config.Stdin = strings.NewReader("yes\n")
		w.must("migrate", "down")
	})
}

func TestSecretsAreNotInErrors(t *testing.T) {
	t.Parallel()
	w := &world{t: t, env: map[string]string{}}
	for _, address := range []string{
		"postgres://ann:geheim99@127.0.0.1:1/db?connect_timeout=5", "postgres://ann:geheim99@nowhere.invalid/db", "postgres://ann:geheim99@[::1/db",
		"postgres://ann:geheim99@127.0.0.1:1/db?sslmode=geheim99", "mysql://ann:geheim99@h/db", "postgres://ann:geheim99@127.0.0.1:x/db", "host=h password=geheim99",
	} {
		for _, args := range [][]string{{"check"}, {"check", "--json"}, {"log"}, {"migrate", "up"}} {
			stdout, stderr, status := w.run(t.Context(), append(args, "--database-url", address)...)
			if status != 2 || strings.Contains(stdout+stderr, "geheim99") {
				t.Errorf("%v exits with %d: %s%s", args, status, stdout, stderr)
			}
		}
	}
}

func TestHelpIsForEveryCommand(t *testing.T) {
	t.Parallel()
	w := &world{t: t, env: map[string]string{}}
	for _, args := range [][]string{{}, {"migrate"}, {"migrate", "up"}, {"track"}, {"untrack"}, {"check"}, {"log"}, {"show"}, {"diff"}} {
		out := w.must(append(args, "--help")...)
		if !strings.Contains(out, "Usage:") || !strings.Contains(out, "Examples:") && len(args) != 1 {
			t.Errorf("help of %v:\n%s", args, out)
		}
		for line := range strings.Lines(out) {
			// Flags have lines as long as their description.
			if len(strings.TrimSpace(line)) > 100 && !strings.Contains(line, "--") {
				t.Errorf("help of %v has a long line: %s", args, line)
			}
		}
	}
	if out := w.must("--version"); !strings.HasPrefix(out, "chrononaut version ") {
		t.Errorf("--version prints %q", out)
	}
}
