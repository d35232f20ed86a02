package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
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
			down := w.must("migrate", "get", "--down")
			if err := w.sql(t.Context(), down); err == nil || !strings.Contains(err.Error(), "tables are still tracked") {
				t.Errorf("going back while a table is tracked: %v", err)
			}
			w.must("untrack", "todos")
			if err := w.sql(t.Context(), down); err == nil || !strings.Contains(err.Error(), "there is history") {
				t.Errorf("going back while there is history: %v", err)
			}
			setting := "chrononaut_setting"
			if engine.dialect == chronodriver.PostgreSQL {
				setting = "chrononaut." + setting
			}
			w.mustSQL("INSERT INTO " + setting + " (name, value) VALUES ('drop_history', 'true')")
			w.mustSQL(down)
			if out, _, status := w.run(t.Context(), "migrate", "status"); status != 1 {
				t.Errorf("status exits with %d after the schema was removed by hand: %s", status, out)
			}
		})
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
		{"trigger_missing", `DROP TRIGGER "000_chrononaut_capture_update" ON todos`, nil},
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

func TestHelpIsForEveryCommand(t *testing.T) {
	t.Parallel()
	w := &world{t: t, env: map[string]string{}}
	for _, args := range [][]string{{}, {"migrate"}, {"migrate", "up"}, {"track"}, {"untrack"}, {"check"}, {"log"}, {"show"}, {"diff"}, {"query"}, {"shell"}, {"snapshot"}, {"hold"}, {"release"}, {"holds"}, {"lease"}, {"lease", "renew"}} {
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
