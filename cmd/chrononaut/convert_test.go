package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// The old history of 300 records, changed three times each. Every third is deleted.
const legacyTodos = `
	CREATE TABLE todo (id integer PRIMARY KEY, title text, version integer);
	CREATE TABLE todo_history (id integer, title text, version integer, changed timestamptz, change_info jsonb, PRIMARY KEY (id, version));
	INSERT INTO todo SELECT n, 'now', 3 FROM generate_series(1, 300) AS n WHERE n % 3 > 0;
	INSERT INTO todo_history
		SELECT n, 'state ' || v, v, '2020-01-01'::timestamptz + v * '1 day'::interval, jsonb_build_object('user_id', 'user ' || v)
		  FROM generate_series(1, 300) AS n, generate_series(0, 2) AS v`

func TestConvertKilled(t *testing.T) {
	t.Parallel()
	binary := build(t)
	db := pgtest.New(t)
	pool := db.Pool(t)
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), binary, append(args, "--database-url", db.URL())...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("migrate", "up")
	if _, err := pool.Exec(t.Context(), legacyTodos); err != nil {
		t.Fatal(err)
	}
	kill(t, pool, exec.CommandContext(t.Context(), binary, "convert", "todo", "--hidden=", "--chunk", "10", "--database-url", db.URL()))
	if got := countHistory(t, pool); got != 600 {
		t.Fatalf("%d changes are recorded when the process is gone, want the 600 of the 15 chunks before", got)
	}
	if out := run("convert", "todo", "--hidden=", "--chunk", "10", "--json"); !strings.Contains(out, `"records":150,"changes":600,"recorded":600,`) {
		t.Errorf("the second process says %s", out)
	}
	if got := countHistory(t, pool); got != 1200 {
		t.Errorf("%d changes are recorded, want 1200", got)
	}
	run("convert", "todo", "--hidden=", "--verify")
}

// kill runs a conversion to its sixteenth chunk and kills the process there.
func kill(t *testing.T, pool *pgxpool.Pool, command *exec.Cmd) {
	t.Helper()
	ctx := t.Context()
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	// The conversion waits for the transaction to give up this version of record 155.
	if err := tx.QueryRow(ctx, `
		INSERT INTO chrononaut.chrononaut_activity (table_name, table_schema, version, key, data, operation, extra_info)
		VALUES ('todo', 'public', 2, '{"id": 155}', '{}', 'update', '{"imported": {"from": "chrononaut-0.2", "id": "2"}}')
		RETURNING pg_backend_pid()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for waits := false; !waits; {
		select {
		case err := <-ended:
			t.Fatalf("the process ends by itself: %v\n%s", err, out.String())
		default:
		}
		if err := pool.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND $1 = ANY (pg_blocking_pids(pid)))`, pid).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := command.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the process is not killed: %v\n%s", err, out.String())
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
}

func countHistory(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM chrononaut.chrononaut_activity WHERE table_name = 'todo' AND key <> '{}'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
