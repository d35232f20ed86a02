package postgres_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var oddTexts = []string{
	``, `a`, `it's`, `''`, `quo"te`, `""`, `back\slash`, `\`, `\\`, `\'`, `'\`, `E'\'`, `$$`, `$tag$`, "new\nline", "tab\t", "\x01", `--`, `/*`, `;`, `%s %I`, `{{.}}`, `ünïcödé`, "\u2028", "😀", strings.Repeat("x", 63), strings.Repeat("é", 40),
}

// servers opens a session under each value of standard_conforming_strings.
func servers(t testing.TB) []*pgx.Conn {
	t.Helper()
	db := pgtest.New(t)
	var conns []*pgx.Conn
	for _, value := range []string{"on", "off"} {
		conn, err := pgx.Connect(t.Context(), db.URL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
		if _, err := conn.Exec(t.Context(), `SET escape_string_warning = off; SET standard_conforming_strings = `+value); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	return conns
}

// roundTrip lets the server read a quoted literal and a quoted identifier.
func roundTrip(ctx context.Context, t *testing.T, conn *pgx.Conn, text string) {
	t.Helper()
	// The simple protocol: nothing but the text of the statement is sent.
	results, err := conn.PgConn().Exec(ctx, `SELECT `+postgres.QuoteLiteral(text)).ReadAll()
	if err != nil {
		t.Fatalf("the server refuses the literal of %q: %v", text, err)
	}
	if got := string(results[0].Rows[0][0]); got != text || len(results) != 1 {
		t.Errorf("the literal of %q is read as %q", text, got)
	}
	const longest = 63
	if text == "" || len(text) > longest {
		return
	}
	results, err = conn.PgConn().Exec(ctx, `SELECT 1 AS `+postgres.QuoteIdent(text)).ReadAll()
	if err != nil {
		t.Fatalf("the server refuses the identifier of %q: %v", text, err)
	}
	if got := results[0].FieldDescriptions[0].Name; got != text || len(results) != 1 {
		t.Errorf("the identifier of %q is read as %q", text, got)
	}
}

func TestQuoting(t *testing.T) {
	t.Parallel()
	for _, conn := range servers(t) {
		for _, text := range oddTexts {
			roundTrip(t.Context(), t, conn, text)
		}
	}
}

// FuzzQuoting needs a server, and passes without one.
func FuzzQuoting(f *testing.F) {
	for _, text := range oddTexts {
		f.Add(text)
	}
	var conns []*pgx.Conn
	if os.Getenv("CHRONONAUT_TEST_DATABASE_URL") != "" {
		conns = servers(f)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return
		}
		for _, conn := range conns {
			roundTrip(context.Background(), t, conn, text)
		}
	})
}

// FuzzParseInspected reads documents, and writes what it read back.
func FuzzParseInspected(f *testing.F) {
	f.Add(`{}`)
	f.Add(`null`)
	f.Add(`{"schema": "public", "name": "todos", "kind": "r", "key": ["id"], "columns": [{"name": "id", "attnum": 1, "ordinal": 1, "form": "plain"}],
		"tables": [{"schema": "public", "name": "todos", "triggers": [{"name": "a", "enabled": "A", "type": 29}]}], "functions": [{"name": "f", "config": ["a=b"], "comment": null}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		found, err := postgres.ParseInspected(document)
		if err != nil {
			return
		}
		again, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		second, err := postgres.ParseInspected(string(again))
		if err != nil {
			t.Fatalf("cannot read back %s: %v", again, err)
		}
		if diff := cmp.Diff(found, second); diff != "" {
			t.Errorf("read back otherwise (-first +second):\n%s", diff)
		}
		// Whatever the names are, SQL is made of them, and its body found in it.
		table := found.Table("chrononaut", postgres.Options{})
		if len(table.KeyColumns) == 0 {
			return
		}
		for _, kind := range table.Functions() {
			statement, err := table.FunctionSQL(kind)
			if err != nil {
				t.Fatal(err)
			}
			body := postgres.FunctionSource(statement)
			if !strings.Contains(statement, body) || !strings.HasSuffix(strings.TrimSpace(body), "END") {
				t.Errorf("the body of the %s function is %q", kind, body)
			}
			if len(table.FunctionName(kind)) > 63 {
				t.Errorf("the function's name is too long: %q", table.FunctionName(kind))
			}
			isThin := slices.Contains([]string{postgres.Version, postgres.Capture, postgres.Statement}, kind)
			if len(postgres.FunctionConfig(statement)) == 0 && !isThin {
				t.Errorf("the %s function has no settings", kind)
			}
		}
	})
}
