package cli_test

import (
	"bytes"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/cli"
)

// fullDisk is standard output that takes some bytes and no more.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	}
	d.room -= len(p)
	return len(p), nil
}

func TestAnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		withTodos(w)
		w.mustSQL(`UPDATE todos SET title = 'c' WHERE id = 1`, `CREATE TABLE other (id integer PRIMARY KEY)`)
		run := func(room int, args ...string) {
			t.Helper()
			var stderr bytes.Buffer
			config := cli.Config{Stdout: &fullDisk{room}, Stderr: &stderr, Env: func(name string) string { return w.env[name] }, User: "deploy"}
			status := cli.Run(t.Context(), &config, args)
			if status != 2 || !strings.Contains(stderr.String(), "write to standard output: no space left on device") {
				t.Errorf("%v exits with %d: %s", args, status, &stderr)
			}
		}
		for _, args := range [][]string{
			{"--help"},
			{"help", "log"},
			{"snapshot"},
			{"check"},
			{"check", "--uncovered"},
			{"migrate", "status"},
			{"migrate", "get"},
			{"log"},
			{"log", "--json"},
			{"show", "todos", "1"},
			{"diff", "todos", "1"},
			{"diff", "todos", "1", "--format", "unified"},
			{"blame", "todos", "1"},
			{"hold", "todos", "1", "--reason", "r"},
			{"release", "1", "--rationale", "r"},
			{"holds", "--all"},
			{"strict"},
			{"strict", "on", "--dry-run"},
			{"track", "other", "--dry-run"},
			{"restore", "todos", "1", "--to-version", "0", "--rationale", "r", "--dry-run"},
		} {
			run(0, args...)
		}
		run(10, "log")
		run(0, "lease", "todos", "2", "--ttl", "1h")
		run(0, "lease", "todos", "2", "--ttl", "1h", "--json")
		if leases := w.must("lease", "list"); leases != "" {
			t.Errorf("a lease runs whose token nobody has: %s", leases)
		}
	})
}
