package chronounsafe_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// historySchema is not the default, so that no query can have it built in.
const historySchema = `past "tense"`

const reason = "ticket 4711"

var (
	todos = chrononaut.Table{Schema: "public", Name: "todos"}
	opts  = &chronounsafe.Opts{Schema: historySchema}
	erase = &chronounsafe.Opts{Schema: historySchema, AllowErase: true}
)

type bundle struct {
	*testing.T
	database *pgtest.Database
	pool     *pgxpool.Pool
	driver   chronodriver.Driver
}

// setup gives a test a database with the tracked table todos.
func setup(t *testing.T) *bundle {
	t.Helper()
	database := pgtest.NewFrom(t, "chronounsafe", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		_, err = pool.Exec(ctx, `
			CREATE TABLE todos (id integer PRIMARY KEY, title text);
			ALTER TABLE todos DROP CONSTRAINT todos_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
			CREATE TABLE untracked (id integer PRIMARY KEY);`)
		if err != nil {
			return err
		}
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), &chronomigrate.Config{Schema: historySchema})
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		_, err = m.Track(ctx, todos, nil, nil)
		return err
	})
	b := &bundle{T: t, database: database, pool: database.Pool(t)}
	b.driver = chronopgx.NewDriver(b.pool, nil)
	return b
}

func (b *bundle) begin(ctx context.Context) chronodriver.Tx {
	b.Helper()
	tx, err := b.driver.Begin(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { tx.Rollback(context.WithoutCancel(ctx)) })
	return tx
}

func (b *bundle) exec(q chronodriver.Queryer, sql string, args ...any) {
	b.Helper()
	if _, err := q.Exec(b.Context(), sql, args...); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

func (b *bundle) suppress(tx chronodriver.Queryer, opts *chronounsafe.Opts) *chronounsafe.Door {
	b.Helper()
	door, err := chronounsafe.Suppress(b.Context(), tx, reason, opts)
	if err != nil {
		b.Fatal(err)
	}
	return door
}

func (b *bundle) resume(door *chronounsafe.Door) {
	b.Helper()
	if err := door.Resume(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) erase(door *chronounsafe.Door, id int) int64 {
	b.Helper()
	n, err := door.EraseHistory(b.Context(), chrononaut.Table{Name: "todos"}, chrononaut.Key{"id": id})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bundle) commit(tx chronodriver.Tx) {
	b.Helper()
	if err := tx.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// history lists all changes of the table in the order of the log, as
// "operation key version".
func (b *bundle) history() []string {
	b.Helper()
	rows, err := b.pool.Query(b.Context(), `
		SELECT operation || ' ' || coalesce(key ->> 'id', '') || ' ' || version
		  FROM `+pgx.Identifier{historySchema}.Sanitize()+`.chrononaut_activity
		 WHERE operation NOT IN ('track', 'suppress') ORDER BY id`)
	if err != nil {
		b.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *bundle) want(got, want []string) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("history mismatch (-want +got):\n%s", diff)
	}
}

// traces reads what the door left.
func (b *bundle) traces() []chrononaut.Change {
	b.Helper()
	client, err := chrononaut.NewClient(b.driver, b.driver.Dialect(), &chrononaut.Config{Schema: historySchema})
	if err != nil {
		b.Fatal(err)
	}
	changes, err := client.Activity(b.Context(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationSuppress, OldestFirst: true})
	if err != nil {
		b.Fatal(err)
	}
	return changes
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func TestSuppress(t *testing.T) {
	t.Parallel()

	t.Run("captures nothing until Resume, and versions have no gaps", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a'), (2, 'b')")
		tx := b.begin(t.Context())
		b.exec(tx, "UPDATE todos SET title = 'before' WHERE id = 1")
		door := b.suppress(tx, opts)
		b.exec(tx, "INSERT INTO todos VALUES (3, 'c')")
		b.exec(tx, "UPDATE todos SET title = 'while' WHERE id = 1")
		b.exec(tx, "UPDATE todos SET title = 'while again' WHERE id = 1")
		b.exec(tx, "DELETE FROM todos WHERE id = 2")
		b.resume(door)
		b.exec(tx, "UPDATE todos SET title = 'after' WHERE id = 1")
		b.commit(tx)
		b.exec(b.driver, "UPDATE todos SET title = 'later' WHERE id = 1")
		b.exec(b.driver, "UPDATE todos SET title = 'later' WHERE id = 3")
		b.exec(b.driver, "INSERT INTO todos VALUES (2, 'again')")
		b.want(b.history(), []string{
			"insert 1 0", "insert 2 0", "update 1 1", "update 1 2",
			// A version is left for the deletion that nobody saw.
			"update 1 3", "baseline 3 0", "update 3 1", "insert 2 2",
		})
	})

	t.Run("captures no TRUNCATE", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a')")
		tx := b.begin(t.Context())
		b.suppress(tx, opts)
		b.exec(tx, "TRUNCATE todos")
		b.commit(tx)
		b.want(b.history(), []string{"insert 1 0"})
	})

	t.Run("ends with the transaction", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		// One connection, so that whatever is left over is seen.
		config := b.pool.Config()
		config.MaxConns = 1
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		for i, end := range []func(pgx.Tx, context.Context) error{pgx.Tx.Commit, pgx.Tx.Rollback} {
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.suppress(chronopgx.NewTxDriver(tx), opts)
			if err := end(tx, t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), fmt.Sprintf("INSERT INTO todos VALUES (%d, 'x')", i)); err != nil {
				t.Fatal(err)
			}
		}
		b.want(b.history(), []string{"insert 0 0", "insert 1 0"})
		if got := len(b.traces()); got != 1 {
			t.Errorf("history has %d traces, want that of the committed transaction", got)
		}
	})

	t.Run("ends with a rollback to a savepoint before it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		b.exec(tx, "SAVEPOINT s")
		door := b.suppress(tx, erase)
		b.exec(tx, "INSERT INTO todos VALUES (1, 'rolled back')")
		b.exec(tx, "ROLLBACK TO s")
		b.exec(tx, "INSERT INTO todos VALUES (2, 'recorded')")
		b.exec(tx, "SAVEPOINT t")
		_, err := door.EraseHistory(t.Context(), todos, chrononaut.Key{"id": 2})
		wantError(t, err, chrononaut.ErrAppendOnly)
		b.exec(tx, "ROLLBACK TO t")
		b.resume(door)
		b.commit(tx)
		b.want(b.history(), []string{"insert 2 0"})
		if got := b.traces(); len(got) != 0 {
			t.Errorf("history has %d traces, want none", len(got))
		}
	})

	t.Run("stays when a savepoint after it is rolled back", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		b.suppress(tx, opts)
		b.exec(tx, "SAVEPOINT s")
		b.exec(tx, "ROLLBACK TO s")
		b.exec(tx, "INSERT INTO todos VALUES (1, 'a')")
		b.commit(tx)
		b.want(b.history(), nil)
	})

	t.Run("leaves other transactions alone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		b.suppress(tx, opts)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'other')")
		b.exec(tx, "INSERT INTO todos VALUES (2, 'ours')")
		b.commit(tx)
		b.want(b.history(), []string{"insert 1 0"})
	})

	t.Run("nests", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		outer := b.suppress(tx, opts)
		inner := b.suppress(tx, opts)
		b.resume(inner)
		b.resume(inner)
		b.exec(tx, "INSERT INTO todos VALUES (1, 'in the outer door')")
		b.resume(outer)
		b.exec(tx, "INSERT INTO todos VALUES (2, 'recorded')")
		again := b.suppress(tx, opts)
		b.exec(tx, "INSERT INTO todos VALUES (3, 'in the third door')")
		b.resume(again)
		b.exec(tx, "INSERT INTO todos VALUES (4, 'recorded')")
		b.commit(tx)
		b.want(b.history(), []string{"insert 2 0", "insert 4 0"})
		if got := len(b.traces()); got != 3 {
			t.Errorf("history has %d traces, want 3", got)
		}
	})

	t.Run("records who and why", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ctx := chrononaut.WithRemoteAddr(chrononaut.WithActor(t.Context(), "ann@example.com"), "192.0.2.1")
		tx := b.begin(chrononaut.WithRationale(ctx, "it's urgent"))
		b.suppress(tx, opts)
		b.commit(tx)
		tx = b.begin(t.Context())
		b.suppress(tx, erase)
		b.commit(tx)
		got := b.traces()
		if len(got) != 2 {
			t.Fatalf("history has %d traces, want 2", len(got))
		}
		first, second := got[0], got[1]
		if first.Actor != "ann@example.com" || first.RemoteAddr != "192.0.2.1" || first.Rationale != "it's urgent" || first.DatabaseUser != "postgres" {
			t.Errorf("trace = %+v, want actor, address, rationale and database user", first)
		}
		for i, want := range []string{"false", "true"} {
			why, _ := got[i].Data.Text("reason")
			erase, _ := got[i].Data.Text("allow_erase")
			if why != reason || erase != want {
				t.Errorf("trace %d has reason %q and allow_erase %s, want %q and %s", i, why, erase, reason, want)
			}
		}
		if second.Actor != "" {
			t.Errorf("trace has actor %q, want none", second.Actor)
		}
	})

	t.Run("is not opened by the setting alone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		// Nor by that of a transaction that was suppressed before.
		tx := b.begin(t.Context())
		b.suppress(tx, erase)
		b.commit(tx)
		tx = b.begin(t.Context())
		b.exec(tx, "SET LOCAL chrononaut.suppressed = 'on'")
		b.exec(tx, "INSERT INTO todos VALUES (1, 'a')")
		b.commit(tx)
		b.want(b.history(), []string{"insert 1 0"})
		tx = b.begin(t.Context())
		b.exec(tx, "SET LOCAL chrononaut.suppressed = 'on'")
		_, err := tx.Exec(t.Context(), "DELETE FROM "+activity)
		wantError(t, chrononaut.WrapError(err), chrononaut.ErrAppendOnly)
	})

	t.Run("needs a reason", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		for _, reason := range []string{"", " \t\n", "NUL \x00 byte"} {
			_, err := chronounsafe.Suppress(t.Context(), tx, reason, opts)
			wantError(t, err, chronounsafe.ErrReason)
		}
		_, err := chronounsafe.Suppress(t.Context(), tx, "not UTF-8: \xff", opts)
		wantError(t, err, chronounsafe.ErrReason)
	})

	t.Run("needs a transaction and leaves nothing without one", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := chronounsafe.Suppress(t.Context(), b.driver, reason, opts)
		wantError(t, err, chronounsafe.ErrNoTransaction)
		if got := b.traces(); len(got) != 0 {
			t.Errorf("history has %d traces, want none", len(got))
		}
	})

	t.Run("needs history", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := chronounsafe.Suppress(t.Context(), b.begin(t.Context()), reason, &chronounsafe.Opts{Schema: "nowhere"})
		wantError(t, err, chrononaut.ErrNotInstalled)
	})

	t.Run("refuses a malformed context", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		b.exec(tx, "SET LOCAL chrononaut.context = '{'")
		_, err := chronounsafe.Suppress(t.Context(), tx, reason, opts)
		wantError(t, err, chrononaut.ErrContext)
	})

	t.Run("knows the engine", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := chronounsafe.Suppress(t.Context(), b.begin(t.Context()), reason, &chronounsafe.Opts{Dialect: "oracle"})
		if err == nil {
			t.Error("Suppress on an unknown engine succeeded")
		}
	})
}

var (
	history  = pgx.Identifier{historySchema}.Sanitize()
	activity = history + ".chrononaut_activity"
)

func TestPrivileges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a')")

	role := "role_" + b.database.Name
	b.exec(b.driver, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() {
		if _, err := b.pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	b.exec(b.driver, "GRANT ALL ON todos TO "+role)
	address, err := url.Parse(b.database.URL())
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.User(role)
	pool, err := pgxpool.New(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	driver := chronopgx.NewDriver(pool, nil)
	schema := pgx.Identifier{historySchema}.Sanitize()

	attempt := func(opts *chronounsafe.Opts) (*chronounsafe.Door, chronodriver.Tx, error) {
		tx, err := driver.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tx.Rollback(context.WithoutCancel(t.Context())) })
		door, err := chronounsafe.Suppress(t.Context(), tx, reason, opts)
		return door, tx, err
	}

	// Step by step up to the privileges that the documentation names.
	_, _, err = attempt(opts)
	wantError(t, err, chronounsafe.ErrPrivilege)
	b.exec(b.driver, "GRANT USAGE ON SCHEMA "+schema+" TO "+role)
	_, _, err = attempt(opts)
	wantError(t, err, chronounsafe.ErrPrivilege)
	b.exec(b.driver, "GRANT EXECUTE ON FUNCTION "+schema+".suppress(text, boolean) TO "+role)
	door, tx, err := attempt(erase)
	if err != nil {
		t.Fatal(err)
	}
	b.exec(tx, "INSERT INTO todos VALUES (2, 'not recorded')")
	_, err = door.EraseHistory(t.Context(), todos, chrononaut.Key{"id": 1})
	wantError(t, err, chronounsafe.ErrPrivilege)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.exec(b.driver, "GRANT SELECT ON "+schema+".chrononaut_table TO "+role+"; GRANT SELECT, DELETE ON "+activity+" TO "+role)
	door, tx, err = attempt(erase)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.erase(door, 1); got != 1 {
		t.Errorf("EraseHistory deleted %d changes, want 1", got)
	}
	b.commit(tx)
	if got := b.traces(); len(got) != 1 || got[0].DatabaseUser != role {
		t.Errorf("traces = %+v, want one of %s", got, role)
	}
}

func TestEraseHistory(t *testing.T) {
	t.Parallel()

	t.Run("leaves nothing but the trace", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'forget me'), (2, 'keep me')")
		b.exec(b.driver, "UPDATE todos SET title = 'forget me too' WHERE id = 1")
		b.exec(b.driver, "DELETE FROM todos WHERE id = 1")
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'forget me again')")
		tx := b.begin(t.Context())
		door := b.suppress(tx, erase)
		b.exec(tx, "DELETE FROM todos WHERE id = 1")
		if got := b.erase(door, 1); got != 4 {
			t.Errorf("EraseHistory deleted %d changes, want 4", got)
		}
		b.commit(tx)
		b.want(b.history(), []string{"insert 2 0"})
		if got := len(b.traces()); got != 1 {
			t.Errorf("history has %d traces, want 1", got)
		}
		var remains int
		if err := b.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+activity+" AS a WHERE a::text LIKE '%forget me%'").Scan(&remains); err != nil {
			t.Fatal(err)
		}
		if remains != 0 {
			t.Errorf("%d changes still hold the value", remains)
		}
	})

	t.Run("leaves no lease of the record", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'forget me'), (2, 'keep me')")
		for _, key := range []string{`{"id": 1}`, `{"id": 2}`} {
			b.exec(b.driver, `SELECT `+history+`.release_lease((l.lease).id, l.token) FROM `+history+`.lease('public', 'todos', '`+key+`', '1 hour') AS l`)
		}
		tx := b.begin(t.Context())
		door := b.suppress(tx, erase)
		b.exec(tx, "DELETE FROM todos WHERE id = 1")
		b.erase(door, 1)
		b.commit(tx)
		for sql, want := range map[string]int{
			"SELECT count(*) FROM " + history + ".chrononaut_lease":                                                        1,
			"SELECT count(*) FROM " + activity + ` AS a WHERE a.operation LIKE 'lease%' AND a.data -> 'key' = '{"id": 1}'`: 0,
			"SELECT count(*) FROM " + activity + ` AS a WHERE a.operation LIKE 'lease%'`:                                   2,
		} {
			var n int
			if err := b.pool.QueryRow(t.Context(), sql).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d, %v; want %d", sql, n, err, want)
			}
		}
	})

	t.Run("follows the record across changes of its primary key", func(t *testing.T) {
		t.Parallel()
		// Record a moves 1, 2, 3; record b moves 9, 1; record c is made as 2,
		// deleted, and record d arrives at 2 from 8.
		for _, tc := range []struct {
			name string
			ids  []int
			want []string
		}{
			{"a by its present key", []int{3}, []string{"insert 9 0", "update 1 2", "insert 2 4", "delete 2 5", "insert 8 0", "update 2 6"}},
			{"b by its present key", []int{1}, []string{"insert 1 0", "update 2 1", "update 2 2", "update 3 3", "insert 2 4", "delete 2 5", "insert 8 0", "update 2 6"}},
			{"b by a key that it had", []int{9}, []string{"insert 1 0", "update 2 1", "update 2 2", "update 3 3", "insert 2 4", "delete 2 5", "insert 8 0", "update 2 6"}},
			{"d, then c, then a, by one key", []int{2, 2, 2}, []string{"insert 9 0", "update 1 2"}},
			{"everything", []int{1, 2, 3, 2}, nil},
		} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				for _, sql := range []string{
					"INSERT INTO todos VALUES (1, 'a')",
					"UPDATE todos SET id = 2 WHERE id = 1",
					"UPDATE todos SET title = 'aa' WHERE id = 2",
					"UPDATE todos SET id = 3 WHERE id = 2",
					"INSERT INTO todos VALUES (9, 'b')",
					"UPDATE todos SET id = 1 WHERE id = 9",
					"INSERT INTO todos VALUES (2, 'c')",
					"DELETE FROM todos WHERE id = 2",
					"INSERT INTO todos VALUES (8, 'd')",
					"UPDATE todos SET id = 2 WHERE id = 8",
				} {
					b.exec(b.driver, sql)
				}
				all := b.history()
				tx := b.begin(t.Context())
				door := b.suppress(tx, erase)
				var n int64
				for _, id := range tc.ids {
					n += b.erase(door, id)
				}
				b.commit(tx)
				got := b.history()
				if n != int64(len(all)-len(got)) {
					t.Errorf("EraseHistory returned %d, %d changes are gone", n, len(all)-len(got))
				}
				b.want(got, tc.want)
			})
		}
	})

	t.Run("tells records apart that swapped keys", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a'), (2, 'b')")
		b.exec(b.driver, "UPDATE todos SET id = 3 - id")
		tx := b.begin(t.Context())
		door := b.suppress(tx, erase)
		if got := b.erase(door, 1); got != 2 {
			t.Errorf("EraseHistory deleted %d changes, want 2", got)
		}
		b.commit(tx)
		b.want(b.history(), []string{"insert 1 0", "update 2 1"})
	})

	t.Run("is refused outside a door opened for it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a')")
		key := chrononaut.Key{"id": 1}

		_, err := new(chronounsafe.Door).EraseHistory(t.Context(), todos, key)
		wantError(t, err, chrononaut.ErrAppendOnly)

		door := b.suppress(b.begin(t.Context()), opts)
		_, err = door.EraseHistory(t.Context(), todos, key)
		wantError(t, err, chrononaut.ErrAppendOnly)

		door = b.suppress(b.begin(t.Context()), erase)
		b.resume(door)
		_, err = door.EraseHistory(t.Context(), todos, key)
		wantError(t, err, chrononaut.ErrAppendOnly)

		// Nor by SQL.
		for _, o := range []*chronounsafe.Opts{opts, erase} {
			tx := b.begin(t.Context())
			door := b.suppress(tx, o)
			if o.AllowErase {
				b.resume(door)
			}
			_, err = tx.Exec(t.Context(), "DELETE FROM "+activity)
			wantError(t, chrononaut.WrapError(err), chrononaut.ErrAppendOnly)
		}
		b.want(b.history(), []string{"insert 1 0"})
	})

	t.Run("does not let history be rewritten, nor the trace be deleted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a')")
		for _, sql := range []string{
			"UPDATE " + activity + " SET version = 7",
			"TRUNCATE " + activity,
			"DELETE FROM " + activity + " WHERE operation = 'suppress'",
		} {
			tx := b.begin(t.Context())
			b.suppress(tx, erase)
			_, err := tx.Exec(t.Context(), sql)
			wantError(t, chrononaut.WrapError(err), chrononaut.ErrAppendOnly)
		}
	})

	t.Run("reports what it cannot find", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tx := b.begin(t.Context())
		door := b.suppress(tx, erase)
		if got := b.erase(door, 1); got != 0 {
			t.Errorf("EraseHistory deleted %d changes, want 0", got)
		}
		for _, tc := range []struct {
			table chrononaut.Table
			key   chrononaut.Key
			want  error
		}{
			{chrononaut.Table{Name: "untracked"}, chrononaut.Key{"id": 1}, chrononaut.ErrNotTracked},
			{chrononaut.Table{Name: "nothing"}, chrononaut.Key{"id": 1}, chrononaut.ErrNotTracked},
			{chrononaut.Table{Schema: "elsewhere", Name: "todos"}, chrononaut.Key{"id": 1}, chrononaut.ErrNotTracked},
			{todos, chrononaut.Key{}, chrononaut.ErrKey},
			{todos, chrononaut.Key{"title": "a"}, chrononaut.ErrKey},
			{todos, chrononaut.Key{"id": "one"}, chrononaut.ErrKey},
		} {
			b.exec(tx, "SAVEPOINT s")
			_, err := door.EraseHistory(t.Context(), tc.table, tc.key)
			wantError(t, err, tc.want)
			b.exec(tx, "ROLLBACK TO s")
		}
	})

	t.Run("works after the table was dropped", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(b.driver, "INSERT INTO todos VALUES (1, 'a')")
		b.exec(b.driver, "DROP TABLE todos")
		tx := b.begin(t.Context())
		if got := b.erase(b.suppress(tx, erase), 1); got != 1 {
			t.Errorf("EraseHistory deleted %d changes, want 1", got)
		}
	})
}
