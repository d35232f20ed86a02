package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// onPast returns a world whose table todos had the rows 1 and 2 at a point.
func onPast(t *testing.T) (w *world, point string) {
	t.Helper()
	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip("no psql")
	}
	w = onPostgres(t)
	w.mustSQL(todos, `CREATE FUNCTION peek() RETURNS SETOF integer LANGUAGE sql AS 'SELECT id FROM public.todos'`)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos VALUES (1, 'a', 'x'), (2, 'b', 'x')`)
	point = "transaction:" + w.text(`SELECT max(transaction_id::text::bigint)::text FROM chrononaut.chrononaut_activity`)
	w.mustSQL(`INSERT INTO todos VALUES (3, 'new', 'x')`)
	return w, point
}

// shell runs a script in psql.
func (w *world) shell(point, script string, args ...string) (stdout, stderr string, status int) {
	w.t.Helper()
	w.config.Stdin = strings.NewReader(script)
	return w.run(w.t.Context(), append([]string{"shell", "--as-of", point, "--", "-At"}, args...)...)
}

func TestShellStaysInThePast(t *testing.T) {
	w, point := onPast(t)
	const count = "SELECT 'rows: ' || count(*) FROM todos;\nSELECT 'rows: ' || count(*) FROM public.todos;\n"
	steps := []string{
		"", "SELECT 1/0;", "SELECT nope;", "COMMIT;", "BEGIN;", "COMMIT;", "BEGIN READ WRITE;", "SELECT * FROM peek();", "ROLLBACK;",
		`\c`, `\c - - - 5432`, "SET search_path = public;", "RESET ALL;", "DISCARD ALL;", "SELECT set_config('search_path', 'public', false);",
		"DELETE FROM public.todos;", "DELETE FROM todos;", `COMMIT \; BEGIN \; SELECT 1 \; COMMIT;`, `\set AUTOCOMMIT off`, "COMMIT;", "SELECT 1/0;", "ROLLBACK;",
		`\set AUTOCOMMIT on`, "ROLLBACK;", `\set FETCH_COUNT 1`, `\unset FETCH_COUNT`, `SELECT title FROM public.todos \gdesc`, `\d todos`, "PREPARE p AS SELECT id FROM public.todos;",
		`\set ON_ERROR_ROLLBACK on`, "BEGIN;", "SELECT 1/0;", "COMMIT;",
	}
	script, want := "", 0
	for _, step := range steps {
		if step == "SELECT * FROM peek();" || strings.HasPrefix(step, "SELECT 1/0") {
			script += step + "\n" // a transaction fails with it, and count too
			continue
		}
		script += step + "\n" + count
		want += 2
	}
	stdout, stderr, status := w.shell(point, script)
	if status != 0 {
		t.Fatalf("shell exits with %d\n%s%s", status, stdout, stderr)
	}
	rows := regexp.MustCompile(`(?m)^rows: .*$`).FindAllString(stdout, -1)
	if len(rows) != want {
		t.Errorf("rows were counted %d times, want %d\n%s%s", len(rows), want, stdout, stderr)
	}
	for _, n := range rows {
		if n != "rows: 2" {
			t.Errorf("psql says %s, want 2", n)
		}
	}
	for _, refused := range []string{"the present of public.todos was read in the past", "refused in the past: the statement was not sent: it writes"} {
		if !strings.Contains(stderr, refused) {
			t.Errorf("psql does not say %q\n%s", refused, stderr)
		}
	}
	if w.count(`SELECT count(*) FROM todos`) != 3 {
		t.Error("psql has changed the table")
	}
}

func TestShellStartsPsqlAsItsUserDoes(t *testing.T) {
	w, point := onPast(t)
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".psqlrc"), []byte("\\set PROMPT1 mine\n\\set own 'it''s mine'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env["HOME"] = home
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "correct-horse"
	u.User = url.UserPassword(u.User.Username(), secret)
	w.env["DATABASE_URL"] = u.String()
	script := "\\echo :own :PROMPT1 :DBNAME\nSELECT current_setting('application_name');\n\\! echo \"$PGHOST\"\n"
	if runtime.GOOS == "linux" {
		script += "\\! { cat /proc/$PPID/cmdline; env; } | grep -ac " + secret + "; ls -ld \"$PGHOST\" | cut -c1-10\n"
	}
	stdout, stderr, status := w.shell(point, script)
	lines := strings.Split(stdout, "\n")
	prompt := regexp.MustCompile(`^it's mine %/ \[transaction of \d{4}-\d\d-\d\d [\d:.]+Z\]%R%x%#  ` + strings.TrimPrefix(u.Path, "/") + "$")
	if status != 0 || len(lines) < 3 || !prompt.MatchString(lines[0]) || lines[1] != "psql" {
		t.Fatalf("shell exits with %d\n%s%s", status, stdout, stderr)
	}
	if runtime.GOOS == "linux" && !slices.Equal(lines[3:5], []string{"0", "drwx------"}) {
		t.Errorf("psql has the password, or others can look into its directory: %q", lines[3:])
	}
	if _, err := os.Stat(lines[2]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory %s is left: %v", lines[2], err)
	}
}

func TestShellEndsAsPsqlDoes(t *testing.T) {
	w, point := onPast(t)
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-c", "SELECT 'rows: ' || count(*) FROM public.todos"}, 0, "rows: 2\n"},
		{[]string{"-c", "SELECT 1/0"}, 2, "division by zero\nchrononaut: psql: exit status 1\n"},
		{[]string{"--frob"}, 2, "chrononaut: psql: exit status 1\n"},
		{[]string{"-d", "postgres", "-c", "SELECT 1"}, 2, "this leads to one database"},
	} {
		stdout, stderr, status := w.shell(point, "", test.args...)
		if status != test.status || !strings.Contains(stdout+stderr, test.says) {
			t.Errorf("psql %q exits with %d: %s%s", test.args, status, stdout, stderr)
		}
	}
	for point, want := range map[string]string{"2999-01-01": `"reason":"horizon"`, "transaction:1": `"reason":"not_recorded"`} {
		_, stderr, _ := w.run(t.Context(), "query", "--as-of", point, "--json", "SELECT 1")
		if !strings.Contains(stderr, want) {
			t.Errorf("query as of %s: %s", point, stderr)
		}
		if _, stderr, status := w.run(t.Context(), "shell", "--as-of", point); status == 0 || strings.Contains(stderr, "psql") {
			t.Errorf("shell as of %s exits with %d: %s", point, status, stderr)
		}
	}
}

func TestShellIsForPostgreSQL(t *testing.T) {
	w := onSQLite(t)
	_, stderr, status := w.run(t.Context(), "shell", "--as-of", "now")
	if status != 2 || !strings.Contains(stderr, "shell is for PostgreSQL") || !strings.Contains(stderr, "Try: chrononaut query") {
		t.Errorf("shell exits with %d: %s", status, stderr)
	}
}

// A large result is not held in memory by the shell, and arrives.
func TestShellPassesOnLargeResults(t *testing.T) {
	w, point := onPast(t)
	stdout, stderr, status := w.shell(point, "", "-c", "SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
	if want := 20000 * 1001; status != 0 || len(stdout) != want {
		t.Errorf("shell exits with %d and %d bytes, want %d: %s", status, len(stdout), want, fmt.Sprintf("%.200s", stderr))
	}
}
