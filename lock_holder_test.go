package chrononaut_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// holders asks who has records locked.
func holders(f *fixture, h *chrononaut.History[todo], opts chrononaut.LockOpts, of ...any) []chrononaut.LockHolder {
	f.Helper()
	tx := must(f.pool.Begin(f.Context()))(f)
	defer func() { _ = tx.Rollback(f.Context()) }()
	found := lockedError(f.T, errorOf(chronopgx.LockAll(f.Context(), tx, h, of, &opts)))
	f.usable(tx)
	return found.Holders
}

func TestLockSaysWhoIsInTheWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 9) AS n`, `CREATE TABLE parts (id integer PRIMARY KEY, todo integer REFERENCES todos)`)
	a, b, c := f.begin(), f.begin(), f.begin()
	f.execIn(a, `SET LOCAL application_name = 'billing "7"'`, `UPDATE todos SET title = 'x' WHERE id = 1`, `SELECT FROM todos WHERE id = 2 FOR SHARE`,
		`SAVEPOINT s`, `DELETE FROM todos WHERE id = 3`, `RELEASE s`, `INSERT INTO parts VALUES (4, 4)`, `SAVEPOINT s`, `SELECT FROM todos WHERE id = 5 FOR KEY SHARE`)
	f.execIn(b, `SELECT FROM todos WHERE id = 2 FOR SHARE`, `INSERT INTO parts VALUES (5, 5)`, `SAVEPOINT s`, `UPDATE todos SET title = 'y' WHERE id = 5`)
	// Sessions that have nothing to do with it.
	f.execIn(c, `SELECT FROM todos WHERE id = 9 FOR UPDATE`)
	for name, tc := range map[string]struct {
		of   []any
		opts chrononaut.LockOpts
		want []pgx.Tx
	}{
		"an update":                   {[]any{1}, chrononaut.LockOpts{}, []pgx.Tx{a}},
		"shared locks":                {[]any{2}, chrononaut.LockOpts{}, []pgx.Tx{a, b}},
		"a deletion in a savepoint":   {[]any{3}, chrononaut.LockOpts{Share: true}, []pgx.Tx{a}},
		"a row that refers to it":     {[]any{4}, chrononaut.LockOpts{Delete: true}, []pgx.Tx{a}},
		"an update beside references": {[]any{5}, chrononaut.LockOpts{}, []pgx.Tx{b}},
		"both":                        {[]any{5}, chrononaut.LockOpts{Delete: true}, []pgx.Tx{a, b}},
		"many":                        {[]any{9, 6, 1, 3}, chrononaut.LockOpts{}, []pgx.Tx{a, c}},
	} {
		for mode, change := range map[string]func(*chrononaut.LockOpts){
			"at once":      func(o *chrononaut.LockOpts) { o.NoWait = true },
			"with a limit": func(o *chrononaut.LockOpts) { o.Timeout = 20 * time.Millisecond },
		} {
			change(&tc.opts)
			found := holders(f, h, tc.opts, tc.of...)
			want := []chrononaut.LockHolder{}
			for _, tx := range tc.want {
				want = append(want, chrononaut.LockHolder{PID: pidOf(tx)})
			}
			if pids(found) != pids(want) {
				t.Errorf("%s, %s: locked by %v, want %v", name, mode, found, want)
			}
			tc.opts.NoWait, tc.opts.Timeout = false, 0
		}
	}
	first := holders(f, h, chrononaut.LockOpts{NoWait: true}, 1)[0]
	if first.Application != `billing "7"` || first.DatabaseUser != "postgres" || first.ClientAddr != "127.0.0.1" || time.Since(first.Since) > time.Hour {
		t.Errorf("locked by %+v", first)
	}
	if text := first.String(); !strings.Contains(text, `("billing \"7\"") of postgres at 127.0.0.1 since 20`) {
		t.Errorf("text: %s", text)
	}
}

// A savepoint that was released has a number that nobody owns any more.
func TestLockTakenInASavepoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 9) AS n`)
	a, b := f.begin(), f.begin()
	f.execIn(b, `SELECT FROM todos`)
	must(chronopgx.LockAll(t.Context(), a, h, []any{1, 2}, &chrononaut.LockOpts{NoWait: true}))(t)
	found := holders(f, h, chrononaut.LockOpts{NoWait: true}, 1)
	if pids(found) != pids([]chrononaut.LockHolder{{PID: pidOf(a)}}) || found[0].Possible {
		t.Errorf("locked by %+v", found)
	}
	must(chronopgx.LockAll(t.Context(), b, h, []any{5, 6}, nil))(t)
	must(chronopgx.LockAll(t.Context(), a, h, []any{3, 4}, &chrononaut.LockOpts{Timeout: time.Minute}))(t)
	err := errorOf(chronopgx.Lock(t.Context(), f.begin(), h, 3, &chrononaut.LockOpts{NoWait: true}))
	if found := lockedError(t, err).Holders; len(found) != 2 || !found[0].Possible || !found[1].Possible || !strings.Contains(err.Error(), " is locked by one of process ") {
		t.Errorf("got %v", err)
	}
	f.execIn(a, `ROLLBACK`)
	if !free(f, h, 3) {
		t.Error("the lock has outlived its transaction")
	}
}

func TestLockOfALeasedRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
	lease := must(h.Lease(chrononaut.WithActor(t.Context(), "ann"), 1, time.Hour, nil))(t)
	must(chronopgx.LockAll(t.Context(), f.begin(), h, []any{1, 2}, nil))(t)
	for name, opts := range map[string]*chrononaut.LockOpts{"at once": {NoWait: true}, "with a limit": {Timeout: 20 * time.Millisecond}} {
		tx := f.begin()
		err := errorOf(chronopgx.Lock(t.Context(), tx, h, 1, opts))
		if found := lockedError(t, err).Lease; found == nil || found.ID != lease.ID || found.Token != "" || !strings.Contains(err.Error(), `; it is leased to "ann" until 20`) {
			t.Errorf("%s: %v", name, err)
		}
		if found := lockedError(t, errorOf(chronopgx.Lock(t.Context(), tx, h, 2, opts))); found.Lease != nil {
			t.Errorf("%s: %v", name, found)
		}
		f.usable(tx)
	}
	if text := lockedError(t, errorOf(chronopgx.Lock(t.Context(), f.begin(), h, 1, &chrononaut.LockOpts{NoWait: true}))).Error(); strings.Contains(text, lease.Token) {
		t.Error("the message tells the token")
	}
}

func TestLockByAPreparedTransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
	tx := f.begin()
	name := "lock of " + t.Name() + tx.Conn().Config().Database
	f.execIn(tx, `UPDATE todos SET title = 'x' WHERE id = 1`, `PREPARE TRANSACTION '`+name+`'`)
	found := holders(f, h, chrononaut.LockOpts{NoWait: true}, 1)
	if len(found) != 1 || found[0].PID != 0 || found[0].Prepared != name || found[0].DatabaseUser != "postgres" || found[0].Since.IsZero() {
		t.Errorf("locked by %+v", found)
	}
	if text := found[0].String(); !strings.HasPrefix(text, `the prepared transaction "lock of`) {
		t.Errorf("text: %s", text)
	}
	f.execIn(tx, `ROLLBACK PREPARED '`+name+`'`)
}

// A lock of the whole table is not one that NoWait is about, but a timeout is.
func TestLockOfAWholeTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`)
	must(chronopgx.Lock(t.Context(), f.begin(), history[todo](f, "todos"), 1, nil))(t)
	f.exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'todos'::regclass AND pid <> pg_backend_pid()`)
	for _, mode := range []string{"EXCLUSIVE", "ACCESS EXCLUSIVE"} {
		a := f.begin()
		f.execIn(a, `LOCK TABLE todos IN `+mode+` MODE`)
		for name, opts := range map[string]chrononaut.LockOpts{
			"with a limit":             {Timeout: 20 * time.Millisecond},
			"at once, with a limit":    {NoWait: true, Timeout: 20 * time.Millisecond},
			"what is free, with limit": {SkipLocked: true, Timeout: 20 * time.Millisecond},
		} {
			for _, of := range [][]any{{1}, {2, 1}} {
				if found := holders(f, h, opts, of...); pids(found) != pids([]chrononaut.LockHolder{{PID: pidOf(a)}}) {
					t.Errorf("%s, %s: locked by %v", mode, name, found)
				}
			}
		}
		f.execIn(a, `ROLLBACK`)
	}
}

func TestLockForARoleWithFewRights(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	role := strings.ReplaceAll(f.pool.Config().ConnConfig.Database, "chrononaut_test", "role")
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`, `CREATE ROLE `+role, `GRANT USAGE ON SCHEMA chrononaut TO `+role,
		`GRANT SELECT ON ALL TABLES IN SCHEMA chrononaut TO `+role, `GRANT SELECT, UPDATE (title) ON todos TO `+role,
		`ALTER TABLE todos ENABLE ROW LEVEL SECURITY`, `CREATE POLICY read ON todos FOR SELECT USING (true)`, `CREATE POLICY write ON todos FOR UPDATE USING (id = 1)`)
	t.Cleanup(func() {
		f.pool.Reset()
		for _, sql := range []string{`DROP OWNED BY ` + role, `DROP ROLE ` + role} {
			if _, err := f.pool.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
	as := func() pgx.Tx {
		tx := f.begin()
		f.execIn(tx, `SET LOCAL ROLE `+role)
		return tx
	}
	a := f.begin()
	f.execIn(a, `SET LOCAL application_name = 'admin'`)
	must(chronopgx.Lock(t.Context(), a, h, 1, nil))(t)
	for name, opts := range map[string]*chrononaut.LockOpts{"at once": {NoWait: true}, "with a limit": {Timeout: 50 * time.Millisecond}} {
		tx := as()
		found := lockedError(t, errorOf(chronopgx.Lock(t.Context(), tx, h, 1, opts)))
		if len(found.Holders) != 1 || found.Holders[0] != (chrononaut.LockHolder{PID: pidOf(a), Application: "admin", DatabaseUser: "postgres"}) {
			t.Errorf("%s: locked by %+v", name, found.Holders)
		}
		// Seen, and not to be locked.
		if opts.Timeout > 0 {
			opts.Timeout = time.Minute
		}
		if missing := missingError(t, errorOf(chronopgx.Lock(t.Context(), tx, h, 2, opts))); !missing.Secured {
			t.Errorf("%s: %v", name, missing)
		}
		f.usable(tx)
	}
	if missing := missingError(t, errorOf(chronopgx.Lock(t.Context(), as(), h, 2, nil))); !missing.Secured || !strings.Contains(missing.Error(), "row security") {
		t.Errorf("got %v", missing)
	}
	f.execIn(a, `ROLLBACK`)
	must(chronopgx.Lock(t.Context(), as(), h, 1, nil))(t)
}
