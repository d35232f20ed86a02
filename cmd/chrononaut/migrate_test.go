package main_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	binary := build(t)
	file := filepath.Join(t.TempDir(), "app.db")
	for _, engine := range []struct{ name, url, driver, source, history string }{
		{name: "PostgreSQL", driver: "pgx", history: "chrononaut."},
		{name: "SQLite", url: "sqlite:" + file, driver: "sqlite", source: "file:" + file},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			if engine.url == "" {
				engine.url = pgtest.New(t).URL()
				engine.source = engine.url
			}
			t.Run("ten processes that start at once install history once", func(t *testing.T) {
				testTenAtOnce(t, binary, engine.url)
			})
			t.Run("a newer history schema is refused", func(t *testing.T) {
				db, err := sql.Open(engine.driver, engine.source)
				if err != nil {
					t.Fatal(err)
				}
				_, err = db.ExecContext(t.Context(), "INSERT INTO "+engine.history+"chrononaut_migration (version, name) VALUES (999, 'future')")
				if err := errors.Join(err, db.Close()); err != nil {
					t.Fatal(err)
				}
				testNewer(t, binary, engine.url)
			})
		})
	}
}

// testTenAtOnce runs ten processes on a database without history.
func testTenAtOnce(t *testing.T, binary, url string) {
	t.Helper()
	const processes = 10
	commands := make([]*exec.Cmd, processes)
	outputs := make([]bytes.Buffer, processes)
	for i := range commands {
		commands[i] = exec.CommandContext(t.Context(), binary, "migrate", "up", "--database-url", url)
		commands[i].Stdout, commands[i].Stderr = &outputs[i], &outputs[i]
	}
	for _, command := range commands {
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
	}
	applied := 0
	for i, command := range commands {
		err := command.Wait()
		out := outputs[i].String()
		switch {
		case err != nil:
			t.Errorf("a process fails: %v\n%s", err, out)
		case strings.Contains(out, "applied migration 001 history"):
			applied++
		case !strings.Contains(out, "history is at the newest version"):
			t.Errorf("a process says %q", out)
		}
	}
	if applied != 1 {
		t.Errorf("%d processes install history, want 1", applied)
	}
	for _, args := range [][]string{{"migrate", "status"}, {"check"}} {
		if out, err := exec.CommandContext(t.Context(), binary, append(args, "--database-url", url)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// testNewer runs commands on a database with version 999 of history.
func testNewer(t *testing.T, binary, url string) {
	t.Helper()
	for _, args := range [][]string{{"migrate", "up"}, {"migrate", "down", "--yes"}, {"track", "todos"}} {
		command := exec.CommandContext(t.Context(), binary, append(args, "--json", "--database-url", url)...)
		var stderr bytes.Buffer
		command.Stderr = &stderr
		err := command.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(stderr.String(), `"reason":"newer_history"`) ||
			!strings.Contains(stderr.String(), "version 999") || !strings.Contains(stderr.String(), "Use a newer chrononaut.") {
			t.Errorf("%s on a newer schema: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
	}
	out, err := exec.CommandContext(t.Context(), binary, "migrate", "status", "--database-url", url).Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "history is at version 999, this program knows") {
		t.Errorf("migrate status on a newer schema: %v\n%s", err, out)
	}
}
