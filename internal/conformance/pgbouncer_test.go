//go:build unix

package conformance_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// TestPgBouncer runs clients that alternate on one connection to the server.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"in transaction mode": "",
		// As some administrators have it.
		"in transaction mode with DISCARD ALL": "server_reset_query = DISCARD ALL\nserver_reset_query_always = 1\n",
	}
	for name, extra := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := trackedDatabase(t)
			bouncer := startPgBouncer(t, direct.URL(), extra)
			plain := direct.Pool(t)
			for client, open := range map[string]func(t *testing.T, url string) bouncerClient{
				"chronopgx exec":                     pgxClient(pgx.QueryExecModeExec),
				"chronopgx simple_protocol":          pgxClient(pgx.QueryExecModeSimpleProtocol),
				"chronosql over pgx exec":            sqlClient("pgx", "default_query_exec_mode=exec"),
				"chronosql over pgx simple_protocol": sqlClient("pgx", "default_query_exec_mode=simple_protocol"),
				"chronosql over lib/pq":              sqlClient("postgres", "binary_parameters=yes"),
			} {
				t.Run(client, func(t *testing.T) {
					// Not parallel: the clients share the connection.
					checkAlternating(t, plain, open(t, bouncer), open(t, bouncer))
				})
			}
		})
	}
}

// bouncerClient is an application.
type bouncerClient struct {
	// exec runs a single statement; tx runs it in a transaction.
	exec, tx func(ctx context.Context, sql string, args ...any) error
}

// checkAlternating lets two clients change rows whose title says who does it.
func checkAlternating(t *testing.T, plain *pgxpool.Pool, first, second bouncerClient) {
	t.Helper()
	const rounds = 10
	work := func(client bouncerClient, actor string) error {
		ctx := chrononaut.WithActor(t.Context(), actor)
		for range rounds {
			for _, step := range []struct {
				ctx   context.Context
				run   func(ctx context.Context, sql string, args ...any) error
				title string
			}{
				{ctx, client.tx, actor},
				{t.Context(), client.exec, "nobody"},
				{ctx, client.exec, actor},
				{t.Context(), client.tx, "nobody"},
			} {
				if err := step.run(step.ctx, "INSERT INTO todos (title) VALUES ($1)", step.title); err != nil {
					return err
				}
			}
		}
		return nil
	}
	var before int64
	if err := plain.QueryRow(t.Context(), `SELECT max(id) FROM chrononaut.chrononaut_activity`).Scan(&before); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for client, actor := range map[*bouncerClient]string{&first: "ann", &second: "bob"} {
		wg.Go(func() {
			if err := work(*client, actor); err != nil {
				t.Errorf("%s: %v", actor, err)
			}
		})
	}
	wg.Wait()
	rows, _ := plain.Query(t.Context(), `
		SELECT concat_ws(' ', data ->> 'title', coalesce(user_info ->> 'user_id', 'nobody'), count(*))
		  FROM chrononaut.chrononaut_activity WHERE id > $1
		 GROUP BY data ->> 'title', user_info ->> 'user_id' ORDER BY 1`, before)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("ann ann %d, bob bob %d, nobody nobody %d", 2*rounds, 2*rounds, 4*rounds)
	if got := strings.Join(lines, ", "); got != want {
		t.Errorf("title, actor, changes = %s; want %s", got, want)
	}
}

func pgxClient(mode pgx.QueryExecMode) func(t *testing.T, url string) bouncerClient {
	return func(t *testing.T, url string) bouncerClient {
		t.Helper()
		config, err := pgxpool.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.DefaultQueryExecMode = mode
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		db := chronopgx.New(pool, nil)
		return bouncerClient{
			exec: func(ctx context.Context, sql string, args ...any) error {
				_, err := db.Exec(ctx, sql, args...)
				return err
			},
			tx: func(ctx context.Context, sql string, args ...any) error {
				return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, sql, args...)
					return err
				})
			},
		}
	}
}

func sqlClient(driver, option string) func(t *testing.T, url string) bouncerClient {
	return func(t *testing.T, url string) bouncerClient {
		t.Helper()
		db, err := chronosql.Open(driver, url+"&"+option, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return bouncerClient{
			exec: func(ctx context.Context, query string, args ...any) error {
				_, err := db.ExecContext(ctx, query, args...)
				return err
			},
			tx: func(ctx context.Context, query string, args ...any) error {
				return inTx(ctx, db, func(tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, query, args...)
					return err
				})
			},
		}
	}
}

// beginner is what pools and connections have in common.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

func inTx(ctx context.Context, db beginner, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// startPgBouncer runs a PgBouncer in transaction mode, with one connection to
// the server, until the test is over, and returns its URL.
func startPgBouncer(t *testing.T, serverURL, settings string) string {
	t.Helper()
	program := findPgBouncer(t)
	server, err := pgx.ParseConfig(serverURL)
	if err != nil {
		t.Fatal("the server's URL cannot be parsed")
	}
	port := freePort(t)
	dir := t.TempDir()
	database := fmt.Sprintf("host=%s port=%d user=%s", server.Host, server.Port, server.User)
	if server.Password != "" {
		database += " password='" + strings.ReplaceAll(server.Password, "'", "''") + "'"
	}
	config := fmt.Sprintf(`[databases]
* = %s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
ignore_startup_parameters = extra_float_digits
%s`, database, port, settings)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, file)
	if credential := unprivileged(t); credential != nil {
		// PgBouncer refuses to run as root.
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
		if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { //nolint:gosec // to be entered by another user
			t.Fatal(err)
		}
		if err := os.Chown(file, int(credential.Uid), int(credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start PgBouncer: %v", err)
	}
	ready, ended := make(chan struct{}), make(chan string, 1)
	go func() {
		var log strings.Builder
		for lines := bufio.NewScanner(output); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "process up") {
				close(ready)
			}
		}
		_ = cmd.Wait()
		ended <- log.String()
	}()
	select {
	case <-ready:
	case log := <-ended:
		t.Fatalf("PgBouncer ended:\n%s", log)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("stop PgBouncer: %v", err)
		}
		log := <-ended
		if t.Failed() {
			t.Logf("PgBouncer said:\n%s", log)
		}
	})
	u := url.URL{
		Scheme: "postgres", User: url.User(server.User), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Path: "/" + server.Database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

func findPgBouncer(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	t.Skip("PgBouncer is not installed; on Debian: apt-get install pgbouncer")
	return ""
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// unprivileged returns a user for programs that refuse to run as root; nil if
// we are not root.
func unprivileged(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
