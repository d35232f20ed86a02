package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

func TestHistoryThatPythonWrote(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(`INSERT INTO chrononaut.chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info)
		VALUES ('todos', now(), 3, '{"id": 5}', '{"id": 5, "title": "x", "version": 3}', '{"user_id": "py", "remote_addr": "::1"}', '{}')`)
	change := w.changes("--actor", "py")[0]
	got := map[string]any{"operation": change["operation"], "remote_addr": change["remote_addr"], "table": change["table"], "diff": change["diff"]}
	want := map[string]any{
		"operation": nil, "remote_addr": "::1", "table": map[string]any{"schema": "", "name": "todos"},
		"diff": []any{
			map[string]any{"column": "id", "to": json.Number("5"), "hidden": false},
			map[string]any{"column": "title", "to": "x", "hidden": false},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the change (-want +got):\n%s", diff)
	}
	if out := w.must("log"); !strings.Contains(out, "py     -          todos  5    3        id=5, title=x") {
		t.Errorf("log prints\n%s", out)
	}
}

func TestALogShowsTransactions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		withTodos(w)
		log := w.must("log", "todos", "1", "--with-tx")
		words := strings.Fields(log)
		at := slices.Index(words, "TX")
		if at != 1 {
			w.t.Fatalf("the log is\n%s", log)
		}
		tx := strings.Fields(strings.Split(log, "\n")[1])[at]
		// That of a record that was inserted together with it is in the same one.
		if again := w.must("log", "todos", "2", "--tx", tx, "--with-tx"); !strings.Contains(again, " "+tx+" ") {
			w.t.Errorf("the log of transaction %s is\n%s", tx, again)
		}
		w.must("revert", "--tx", tx, "--rationale", "r")
	})
}
