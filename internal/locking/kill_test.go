package locking_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// runClient is a client that is killed: it takes its locks, says "ready", and goes
// on until the end of its input or of itself.
func runClient(part string) {
	ctx := context.Background()
	err := func() error {
		pool, err := pgxpool.New(ctx, os.Getenv("CHRONONAUT_TEST_LOCKING_URL"))
		if err != nil {
			return err
		}
		db := chronopgx.New(pool, nil)
		accounts, err := chronopgx.History[account](db, "accounts")
		if err != nil {
			return err
		}
		client, err := db.Client()
		if err != nil {
			return err
		}
		ctx = chrononaut.WithActor(ctx, "the client")
		if part == "lease" {
			_, err = accounts.Lease(ctx, 1, 3*time.Second, &chrononaut.LeaseOpts{Enforce: true})
			return err
		}
		if part == "hold" {
			_, err = client.Hold(ctx, chrononaut.Table{Name: "accounts"}, []chrononaut.Key{{"id": 1}}, "an audit", nil)
			return err
		}
		tx, err := db.Begin(ctx)
		if err != nil {
			return err
		}
		if _, err := chronopgx.LockAll(ctx, tx, accounts, []any{3, 1}, nil); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET n = 99 WHERE id = 1`); err != nil {
			return err
		}
		go func() {
			switch part {
			case "waiting":
				_, _ = chronopgx.Lock(ctx, tx, accounts, 5, nil)
			case "waiting with a limit":
				_, _ = chronopgx.Lock(ctx, tx, accounts, 5, &chrononaut.LockOpts{Timeout: 2 * time.Second})
			case "computing":
				_, _ = tx.Exec(ctx, `SELECT pg_sleep(3600)`)
			}
		}()
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, "ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// client starts a client with settings of its sessions, and returns when it has its
// locks; kill is kill -9.
func (b *bank) client9(part, settings string) (kill func()) {
	b.Helper()
	url := b.url + "&application_name=client"
	if settings != "" {
		url += "&options=" + strings.NewReplacer(" ", "%20", "=", "%3D").Replace(settings)
	}
	command := exec.CommandContext(b.Context(), os.Args[0])
	command.Env = append(os.Environ(), clientVariable+"="+part, "CHRONONAUT_TEST_LOCKING_URL="+url)
	input, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = command.Process.Kill()
			_ = command.Wait()
			_ = input.Close()
		}
	}
	b.Cleanup(kill)
	command.Stderr = os.Stderr
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != "ready\n" {
		b.Fatalf("the client said %q, %v", line, err)
	}
	return kill
}

// locked asks who has record 1 locked, in the words of an error; "" when it is free.
func (b *bank) locked() string {
	b.Helper()
	tx, err := b.db.Begin(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tx.Rollback(b.Context()) }()
	got, err := chronopgx.Lock(b.Context(), tx, b.accounts, 1, &chrononaut.LockOpts{NoWait: true})
	switch {
	case errors.Is(err, chrononaut.ErrLocked):
		return err.Error()
	case err != nil:
		b.Fatal(err)
	case got.Record.N != 0:
		b.Fatalf("what the client wrote was committed: %+v", got.Record)
	}
	return ""
}

// until asks again and again; the test's own time limit ends what never happens.
func (b *bank) until(what string, is func() bool) time.Duration {
	b.Helper()
	start := time.Now()
	for !is() {
		if err := b.Context().Err(); err != nil {
			b.Fatalf("%s: %v", what, err)
		}
	}
	return time.Since(start)
}

// active says that the client's session is in a statement: waiting for a lock, or
// sleeping.
func (b *bank) active() bool {
	b.Helper()
	return b.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'client'
		AND state = 'active' AND wait_event IN ('transactionid', 'tuple', 'PgSleep')`) == 1
}

func TestRowLocksOfAKilledClient(t *testing.T) {
	t.Parallel()
	const check = "-c client_connection_check_interval=100ms"
	t.Run("are gone when it is idle in its transaction", func(t *testing.T) {
		t.Parallel()
		b := newBank(t, 5, 4)
		kill := b.client9("idle", "")
		if text := b.locked(); !strings.Contains(text, `("client")`) {
			t.Errorf("before: %q", text)
		}
		kill()
		t.Logf("free after %v", b.until("free", func() bool { return b.locked() == "" }))
	})
	for part, name := range map[string]string{"waiting": "waits for a lock", "computing": "is in a statement", "waiting with a limit": "waits for a lock with a limit"} {
		t.Run("are gone when it "+name+", by client_connection_check_interval", func(t *testing.T) {
			t.Parallel()
			b := newBank(t, 5, 4)
			tx, err := b.db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if _, err := chronopgx.Lock(t.Context(), tx, b.accounts, 5, nil); err != nil {
				t.Fatal(err)
			}
			kill := b.client9(part, check)
			b.until("in a statement", b.active)
			kill()
			t.Logf("free after %v", b.until("free", func() bool { return b.locked() == "" }))
		})
	}
	t.Run("stay while it waits for a lock, where nothing checks", func(t *testing.T) {
		t.Parallel()
		b := newBank(t, 5, 4)
		tx, err := b.db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chronopgx.Lock(t.Context(), tx, b.accounts, 5, nil); err != nil {
			t.Fatal(err)
		}
		kill := b.client9("waiting", "-c client_connection_check_interval=0")
		b.until("waiting", b.active)
		kill()
		if text := b.locked(); !strings.Contains(text, `("client")`) || !b.active() {
			t.Errorf("after the kill: %q", text)
		}
		// The end of the wait is the end of the client's session.
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("free after %v", b.until("free", func() bool { return b.locked() == "" }))
	})
	t.Run("are gone at the limit of a wait, where nothing checks", func(t *testing.T) {
		t.Parallel()
		b := newBank(t, 5, 4)
		tx, err := b.db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		if _, err := chronopgx.Lock(t.Context(), tx, b.accounts, 5, nil); err != nil {
			t.Fatal(err)
		}
		kill := b.client9("waiting with a limit", "-c client_connection_check_interval=0")
		b.until("waiting", b.active)
		kill()
		t.Logf("free after %v", b.until("free", func() bool { return b.locked() == "" }))
	})
}

// A client that stops, and whose host is there, keeps its locks: the server's own
// limit for idle transactions ends them.
func TestRowLocksOfAStuckClient(t *testing.T) {
	t.Parallel()
	b := newBank(t, 5, 4)
	b.client9("idle", "-c idle_in_transaction_session_timeout=500ms")
	t.Logf("free after %v", b.until("free", func() bool { return b.locked() == "" }))
}

func TestLeaseOfAKilledClient(t *testing.T) {
	t.Parallel()
	b := newBank(t, 5, 4)
	kill := b.client9("lease", "")
	kill()
	lease, err := b.client.LeaseOf(t.Context(), b.table, chrononaut.Key{"id": 1})
	if err != nil || lease == nil || lease.Holder != "the client" {
		t.Fatalf("lease %+v, %v", lease, err)
	}
	write := func() error {
		_, err := b.pool.Exec(t.Context(), `UPDATE accounts SET n = 1 WHERE id = 1`)
		return err
	}
	if err := chrononaut.WrapError(write()); !errors.Is(err, chrononaut.ErrLeased) {
		t.Errorf("a write by somebody else: %v", err)
	}
	b.until("written", func() bool {
		err := write()
		if err != nil && chronodriver.State(err) != chronodriver.StateLeased {
			t.Fatal(err)
		}
		return err == nil
	})
	var changed time.Time
	if err := b.pool.QueryRow(t.Context(), `SELECT max(changed) FROM chrononaut.chrononaut_activity WHERE operation = 'update'`).Scan(&changed); err != nil {
		t.Fatal(err)
	}
	if late := changed.Sub(lease.Expires); late < 0 || lease.Expires.Sub(lease.Granted) != 3*time.Second {
		t.Errorf("the lease was to end at %v, and others could write at %v", lease.Expires, changed)
	} else {
		t.Logf("written %v after the lease ended", late)
	}
}

// A hold is meant to last.
func TestHoldOfAKilledClient(t *testing.T) {
	t.Parallel()
	b := newBank(t, 5, 4)
	b.client9("hold", "")()
	_, err := b.pool.Exec(t.Context(), `UPDATE accounts SET n = 1 WHERE id = 1`)
	if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
		t.Errorf("a write: %v", err)
	}
	holds, err := b.client.Holds(t.Context(), nil)
	if err != nil || len(holds) != 1 || holds[0].Actor != "the client" {
		t.Errorf("holds %+v, %v", holds, err)
	}
}
