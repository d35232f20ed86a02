package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/cli"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden runs the scripts in testdata/scripts on each engine and compares
// the transcripts with testdata/ENGINE. A script has one command on each line:
//
//	chrononaut ARGS         the command
//	sql [-a ACTOR] [-r RATIONALE] STATEMENT
//	unattributed STATEMENT  which a strict table refuses
//	held STATEMENT          which a hold refuses
//	leased STATEMENT        which an enforced lease refuses
//	env NAME=VALUE          for the commands that follow
//	as [ROLE]               they are logged in as a role; without, as a superuser
//	terminal WIDTH          they print for a terminal; 0 is a pipe again
//	only ENGINE             the rest of the script
//	NAME=$(chrononaut ARGS) keeps what it prints, for words that are $NAME
//
// and words as in a shell. In a transcript, lines of standard error begin with
// "! " and an exit status that is not 0 with "? "; what differs from run to run
// is replaced.
func TestGolden(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, engine := range engines {
		for _, script := range scripts {
			name := strings.TrimSuffix(filepath.Base(script), ".txt")
			t.Run(string(engine.dialect)+" "+name, func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(script)
				if err != nil {
					t.Fatal(err)
				}
				got := engine.open(t).script(string(text))
				file := filepath.Join("testdata", string(engine.dialect), name+".txt")
				if got == "" {
					return // The script is for another engine.
				}
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", file, diff)
				}
			})
		}
	}
}

// engine is a kind of database.
type engine struct {
	dialect chronodriver.Dialect
	open    func(t *testing.T) *world
}

var engines = []engine{{chronodriver.PostgreSQL, openPostgres}, {chronodriver.SQLite, openSQLite}}

func openSQLite(t *testing.T) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test ?.db")
	db, err := chronosql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_pragma=busy_timeout(10000)&_txlock=immediate", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	address := "sqlite:" + file
	return &world{t: t, url: address, driver: chronosql.NewDriver(db, chronodriver.SQLite, nil), env: map[string]string{"DATABASE_URL": address}}
}

// dropRoles drops the roles whose names begin with that of a database.
func dropRoles(t *testing.T, db *pgtest.Database) {
	t.Helper()
	if db == nil {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, os.Getenv("CHRONONAUT_TEST_DATABASE_URL"))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, $1)`, db.Name+"_")
	if err != nil {
		t.Error(err)
		return
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		_, failed := conn.Exec(ctx, `DROP ROLE `+pgx.Identifier{name}.Sanitize())
		err = errors.Join(err, failed)
	}
	if err != nil {
		t.Error(err)
	}
}

func openPostgres(t *testing.T) *world {
	t.Helper()
	var db *pgtest.Database
	// Roles are of the whole server: those of a test have the name of its database,
	// and go after that has gone.
	t.Cleanup(func() { dropRoles(t, db) })
	db = pgtest.New(t)
	return &world{t: t, name: db.Name, url: db.URL(), driver: chronopgx.NewDriver(db.Pool(t), nil), env: map[string]string{"DATABASE_URL": db.URL()}}
}

// world is what the command runs in: a database of its own.
type world struct {
	t      *testing.T
	url    string
	name   string // of the database, on PostgreSQL
	driver chronodriver.Driver
	env    map[string]string
	config cli.Config
}

// run runs the command and returns what it printed.
func (w *world) run(ctx context.Context, args ...string) (stdout, stderr string, status int) {
	var out, err bytes.Buffer
	config := w.config
	config.Stdout, config.Stderr = &out, &err
	config.User = "deploy"
	if config.Env == nil {
		config.Env = func(name string) string { return w.env[name] }
	}
	status = cli.Run(ctx, &config, args)
	return out.String(), err.String(), status
}

// must runs the command, which must succeed, and returns its output.
func (w *world) must(args ...string) string {
	w.t.Helper()
	stdout, stderr, status := w.run(w.t.Context(), args...)
	if status != 0 {
		w.t.Fatalf("chrononaut %s exits with %d\n%s%s", strings.Join(args, " "), status, stdout, stderr)
	}
	return stdout
}

// sql runs a statement in a transaction with the attribution of ctx.
func (w *world) sql(ctx context.Context, statement string) error {
	tx, err := w.driver.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, statement); err == nil {
		return tx.Commit(ctx)
	}
	return errors.Join(err, tx.Rollback(ctx))
}

func (w *world) mustSQL(statements ...string) {
	w.t.Helper()
	for _, statement := range statements {
		if err := w.sql(w.t.Context(), statement); err != nil {
			w.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// count and text return the only value of a query.
func (w *world) count(query string) (n int64) {
	w.t.Helper()
	w.value(query, &n)
	return n
}

func (w *world) text(query string) (s string) {
	w.t.Helper()
	w.value(query, &s)
	return s
}

func (w *world) value(query string, dest any) {
	w.t.Helper()
	rows, err := w.driver.Query(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	found := 0
	for rows.Next() {
		found++
		err = rows.Scan(dest)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil || found != 1 {
		w.t.Fatalf("%s has %d rows: %v", query, found, err)
	}
}

func (w *world) script(script string) string {
	t := w.t
	t.Helper()
	var b strings.Builder
	vars := map[string]string{}
	for line := range strings.Lines(strings.ReplaceAll(script, "DBNAME", w.name)) {
		line = strings.TrimSpace(line)
		b.WriteString(line + "\n")
		words, err := shellWords(line)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", line, err)
		case len(words) == 0 || strings.HasPrefix(line, "#"):
			continue
		}
		for i, word := range words {
			if value, ok := vars[strings.TrimPrefix(word, "$")]; ok && word[0] == '$' {
				words[i] = value
			}
		}
		if name, first, ok := strings.Cut(words[0], "=$("); ok && first == "chrononaut" {
			words[len(words)-1] = strings.TrimSuffix(words[len(words)-1], ")")
			vars[name] = strings.TrimSpace(w.must(words[1:]...))
			continue
		}
		switch words[0] {
		case "chrononaut":
			stdout, stderr, status := w.run(t.Context(), words[1:]...)
			b.WriteString(stdout)
			for line := range strings.Lines(stderr) {
				b.WriteString("! " + line)
			}
			if status != 0 {
				fmt.Fprintf(&b, "? %d\n", status)
			}
			b.WriteString("\n")
		case "sql":
			if err := w.sqlWords(t.Context(), words[1:]); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		case "unattributed", "held", "leased":
			if err := w.sqlWords(t.Context(), words[1:]); !errors.Is(chrononaut.WrapError(err), refusals[words[0]]) {
				t.Fatalf("%s: error = %v, want %v", line, err, refusals[words[0]])
			}
		case "env":
			name, value, _ := strings.Cut(words[1], "=")
			w.env[name] = value
		case "as":
			w.env["DATABASE_URL"] = w.url
			if len(words) > 1 {
				w.env["DATABASE_URL"] = w.as(words[1], nil).url
			}
		case "terminal":
			width, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			w.config.Width, w.config.StdoutTTY = width, width > 0
		case "only":
			if words[1] != string(w.driver.Dialect()) {
				return ""
			}
		default:
			t.Fatalf("unknown command in script: %s", line)
		}
	}
	return w.stable(b.String())
}

// refusals are the errors of statements that must be refused.
var refusals = map[string]error{
	"unattributed": chrononaut.ErrUnattributed, "held": chrononaut.ErrHeld, "leased": chrononaut.ErrLeased,
}

func (w *world) sqlWords(ctx context.Context, words []string) error {
	for len(words) > 2 {
		switch words[0] {
		case "-a":
			ctx = chrononaut.WithActor(ctx, words[1])
		case "-r":
			ctx = chrononaut.WithRationale(ctx, words[1])
		default:
			return fmt.Errorf("unknown flag %s", words[0])
		}
		words = words[2:]
	}
	return w.sql(ctx, words[0])
}

// unstable is what differs from run to run, with what stands for it: of the
// same length where tables are aligned.
var unstable = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`), "2026-01-02T03:04:05.678901Z"},
	{regexp.MustCompile(`( at| until) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "$1 2026-01-02T03:04:05.678901Z"}, // by chance without a fraction
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?Z`), "2026-01-02 03:04:05Z"},
	{regexp.MustCompile(`"(changed|placed|at|granted|renewed|expires)":"[^"]*"`), `"$1":"2026-01-02T03:04:05.678901Z"`},
	{regexp.MustCompile(`"token":"[^"]*"`), `"token":"4f2a9c"`},
	{regexp.MustCompile(`(?m)^(\d+):[0-9A-Za-z_-]{16,}$`), `$1:4f2a9c`},
	{regexp.MustCompile(`"transaction":\d+`), `"transaction":4711`},
	{regexp.MustCompile(`"transactions":\[\d+\]`), `"transactions":[4711]`},
	{regexp.MustCompile(`revert --tx \d+ undoes`), `revert --tx 4711 undoes`},
	{regexp.MustCompile(`"transaction_id":\d+`), `"transaction_id":4711`},
	{regexp.MustCompile(`(transaction(?:\x1b\[m)? +)\d+`), `${1}4711`},
	{regexp.MustCompile(`"database_user":"[^"]*"`), `"database_user":"app"`},
	{regexp.MustCompile(`(database user(?:\x1b\[m)? +)\S+`), `${1}app`},
	{regexp.MustCompile(`(superuser )\w+: `), `${1}app: `},
	{regexp.MustCompile(`\(\d+ statements\)`), `(9 statements)`},
	{regexp.MustCompile(`("?generation"?[:=])\d+`), `${1}1`},
	{regexp.MustCompile(`snapshot:[\w:,]+`), "snapshot:1:1767323045678901:4711:4711:"},
	{regexp.MustCompile(`"duration_ms":\d+`), `"duration_ms":8`},
	{regexp.MustCompile(`\([\d.]+m?s\)`), `(8ms)`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), `127.0.0.1:5432`},
}

func (w *world) stable(transcript string) string {
	if file, ok := strings.CutPrefix(w.url, "sqlite:"); ok {
		transcript = strings.ReplaceAll(transcript, file, "test.db")
	}
	if w.name != "" {
		transcript = strings.ReplaceAll(transcript, w.name, "DBNAME")
	}
	for _, u := range unstable {
		transcript = u.pattern.ReplaceAllString(transcript, u.with)
	}
	return transcript
}

// shellWords splits a line as a shell does, as far as the scripts need it.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	in, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			in, quote = true, r
		case r == ' ':
			if in {
				words = append(words, word.String())
			}
			in = false
			word.Reset()
		default:
			in = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
