package chronopgx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

func TestAttributionEnds(t *testing.T) {
	t.Parallel()
	add := func(ctx context.Context, db interface {
		Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	}, title string,
	) error {
		_, err := db.Exec(ctx, insert, title)
		return err
	}
	failed := errors.New("failed on purpose")

	t.Run("with the context, however contexts nest", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		outer := chrononaut.WithRationale(f.as("ann"), "outer")
		inner := chrononaut.WithExtraInfo(chrononaut.WithActor(outer, "bob"), map[string]any{"ticket": 7})
		for _, step := range []struct {
			ctx         context.Context
			actor, info string
		}{
			{outer, "ann", `{"rationale": "outer"}`},
			{inner, "bob", `{"ticket": 7, "rationale": "outer"}`},
			{outer, "ann", `{"rationale": "outer"}`},
			{t.Context(), "-", `{}`},
		} {
			if err := add(step.ctx, f.db, "x"); err != nil {
				t.Fatal(err)
			}
			f.wantLog("x insert " + step.actor)
			if got := f.extra(); got != step.info {
				t.Errorf("extra information = %s, want %s", got, step.info)
			}
			f.forget()
		}
	})

	t.Run("with a transaction that fails", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		ctx := chrononaut.WithRationale(f.as("ann"), "why")
		err := pgx.BeginFunc(ctx, f.db, func(tx pgx.Tx) error {
			if err := add(ctx, tx, "a"); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatalf("error = %v, want %v", err, failed)
		}
		err = pgx.BeginFunc(ctx, f.db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select 1 / 0"); err == nil {
				return failed
			}
			// Refused, as is all else in an aborted transaction.
			return add(ctx, tx, "b")
		})
		var aborted *pgconn.PgError
		if !errors.As(err, &aborted) || aborted.Code != "25P02" {
			t.Fatalf("error = %v, want that the transaction is aborted", err)
		}
		if err := add(t.Context(), f.db, "c"); err != nil {
			t.Fatal(err)
		}
		f.wantLog("c insert -")
	})

	t.Run("with a transaction that panics", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		ctx := chrononaut.WithRationale(f.as("ann"), "why")
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_ = pgx.BeginFunc(ctx, f.db, func(tx pgx.Tx) error {
				if err := add(ctx, tx, "a"); err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		if err := add(t.Context(), f.db, "b"); err != nil {
			t.Fatal(err)
		}
		f.wantLog("b insert -")
	})

	t.Run("with an error after a note on one record", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		ctx := chrononaut.AppendChangeInfo(f.as("ann"), chrononaut.Table{Name: "todos"}, chrononaut.Key{"id": 1}, map[string]any{"note": "once"})
		must[pgconn.CommandTag](t)(f.db.Exec(ctx, "insert into todos (id, title) values (1, 'a')"))
		if got := f.extra(); got != `{"note": "once"}` {
			t.Errorf("extra information = %s, want the note", got)
		}
		must[pgconn.CommandTag](t)(f.db.Exec(f.as("ann"), "update todos set title = 'b'"))
		if got := f.extra(); got != "{}" {
			t.Errorf("extra information of the next change = %s, want none", got)
		}
	})

	t.Run("where it began: a transaction keeps the context of its beginning", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		err := pgx.BeginFunc(f.as("ann"), f.db, func(tx pgx.Tx) error {
			if err := add(f.as("bob"), tx, "a"); err != nil {
				return err
			}
			return pgx.BeginFunc(f.as("carol"), tx, func(tx pgx.Tx) error { return add(t.Context(), tx, "b") })
		})
		if err != nil {
			t.Fatal(err)
		}
		f.wantLog("a insert ann", "b insert ann")
	})

	t.Run("in each goroutine by itself", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		pool := must[*pgxpool.Pool](t)(pgxpool.New(t.Context(), f.url))
		defer pool.Close()
		db := chronopgx.New(pool, nil)
		var wg sync.WaitGroup
		for i := range 8 {
			actor := fmt.Sprintf("actor%d", i)
			wg.Go(func() {
				ctx := chrononaut.WithActor(t.Context(), actor)
				for range 10 {
					err := errors.Join(
						add(ctx, db, actor),
						add(t.Context(), db, "-"),
						pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return add(ctx, tx, actor) }),
					)
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		log := f.log()
		if len(log) != 8*10*3 {
			t.Errorf("%d changes, want %d", len(log), 8*10*3)
		}
		for _, line := range log {
			if words := strings.Fields(line); words[0] != words[2] {
				t.Errorf("change %q: the actor is another's", line)
			}
		}
	})

	t.Run("and leaves the session as it was", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, run := range []func() error{
			func() error { return add(f.as("ann"), f.db, "a") },
			func() error { _, err := f.db.Exec(f.as("ann"), "insert into todos (title) values ('b')"); return err },
			func() error {
				return pgx.BeginFunc(f.as("ann"), f.db, func(tx pgx.Tx) error { return add(t.Context(), tx, "c") })
			},
		} {
			if err := run(); err != nil {
				t.Fatal(err)
			}
			var setting string
			if err := f.pool.QueryRow(t.Context(), "select coalesce(current_setting('chrononaut.context', true), '')").Scan(&setting); err != nil || setting != "" {
				t.Errorf("setting afterwards = %q, %v; want none", setting, err)
			}
		}
	})
}

func TestSavepointsAndSetContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	exec := func(tx pgx.Tx, sql string, args ...any) {
		t.Helper()
		must[pgconn.CommandTag](t)(tx.Exec(ctx, sql, args...))
	}
	set := func(tx pgx.Tx, ctx context.Context) {
		t.Helper()
		if err := chronopgx.SetContext(ctx, tx, nil); err != nil {
			t.Fatal(err)
		}
	}
	tx := must[pgx.Tx](t)(f.db.Begin(f.as("ann")))
	exec(tx, insert, "a")
	nested := must[pgx.Tx](t)(tx.Begin(ctx))
	set(nested, f.as("bob"))
	exec(nested, insert, "b")
	if err := nested.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	exec(tx, insert, "c")
	nested = must[pgx.Tx](t)(tx.Begin(ctx))
	set(nested, f.as("bob"))
	if _, err := nested.Exec(ctx, "select 1 / 0"); err == nil {
		t.Error("a division by zero succeeded")
	}
	if err := nested.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	exec(tx, insert, "d")
	set(tx, f.as("carol"))
	exec(tx, insert, "e")
	set(tx, ctx)
	exec(tx, insert, "f")
	if err := chronopgx.SetContext(f.as("\x00"), tx, nil); !errors.Is(err, chrononaut.ErrContext) {
		t.Errorf("SetContext() of a NUL byte = %v, want ErrContext", err)
	}
	// It did not reach the transaction.
	exec(tx, insert, "g")
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	f.wantLog("a insert ann", "c insert ann", "d insert ann", "e insert carol", "f insert -", "g insert -")
}

func TestCaptureIsNotDeferred(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	err := pgx.BeginFunc(f.as("ann"), f.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "set constraints all deferred"); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), insert, "a"); err != nil {
			return err
		}
		return chronopgx.SetContext(f.as("bob"), tx, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	f.wantLog("a insert ann")
}

func TestSettingByHand(t *testing.T) {
	t.Parallel()

	t.Run("that is malformed makes the write fail", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, value := range []string{"ann", "{", "[]", `"ann"`, "1", "null", `{"user_info": "ann"}`, `{"user_info": null}`, `{"extra_info": []}`, `{"a": "\u0000"}`, `{"a": "\ud800"}`, `{"a": 1e400000}`} {
			_, err := f.pool.Exec(t.Context(), "set local chrononaut.context = '"+value+"'; insert into todos (title) values ('x')")
			if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrContext) {
				t.Errorf("%s: error = %v, want ErrContext", value, err)
			} else if strings.Contains(err.Error(), "ann") {
				t.Errorf("%s: the error %q quotes the value", value, err)
			}
		}
		f.wantLog()
	})

	t.Run("that is empty says nothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, value := range []string{"", "{}"} {
			must[pgconn.CommandTag](t)(f.pool.Exec(t.Context(), "set local chrononaut.context = '"+value+"'; insert into todos (title) values ('x')"))
		}
		f.wantLog("x insert -", "x insert -")
	})

	t.Run("outside a transaction does nothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		// Each is a transaction of its own.
		must[pgconn.CommandTag](t)(f.pool.Exec(t.Context(), "select set_config('chrononaut.context', $1, true)", `{"user_info": {"user_id": "ann"}}`))
		must[pgconn.CommandTag](t)(f.pool.Exec(t.Context(), insert, "a"))
		f.wantLog("a insert -")
	})
}

func TestTextOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, conforming := range []string{"on", "off"} {
		t.Run("with standard_conforming_strings "+conforming, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			must[pgconn.CommandTag](t)(f.pool.Exec(t.Context(), "set standard_conforming_strings = "+conforming))
			for _, text := range []string{`o'neil`, `\`, `\\`, `\'`, `'\`, `''`, `\x41\101\u0041`, `"x" $$y$$ $1 ? :a`, "a\tb\nc\r\x01\x7f", "\u2028\ufeff日本🕰é", `{"a": [1]}`, "", "<&>", strings.Repeat("é'\\", 10_000)} {
				ctx := chrononaut.WithRationale(f.as(text), text)
				must[pgconn.CommandTag](t)(f.db.Exec(ctx, "insert into todos (title) values ('a')"))
				must[pgconn.CommandTag](t)(f.db.Exec(ctx, insert, "b"))
				err := pgx.BeginFunc(ctx, f.db, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, insert, "c"); return err })
				if err != nil {
					t.Fatal(err)
				}
				var n int
				err = f.plain.QueryRow(t.Context(), `SELECT count(*) FROM chrononaut.chrononaut_activity
					WHERE id > $1 AND user_info ->> 'user_id' = $2 AND extra_info ->> 'rationale' = $2`, f.seen, text).Scan(&n)
				if err != nil || n != 3 {
					t.Errorf("%.20q: arrived with %d changes, %v; want 3", text, n, err)
				}
				f.forget()
			}
		})
	}
}

func TestStrictTable(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		const order = "insert into orders (id) values ($1)"
		key := chrononaut.Key{"id": 1}
		for name, ctx := range map[string]context.Context{
			"nothing":              t.Context(),
			"an actor":             f.as("ann"),
			"a note on the record": chrononaut.AppendChangeInfo(f.as("ann"), chrononaut.Table{Name: "orders"}, key, map[string]any{"note": 1}),
		} {
			runs := map[string]func() error{
				"Exec": func() error { _, err := f.db.Exec(ctx, order, 1); return err },
				"QueryRow": func() error {
					return f.db.QueryRow(ctx, order+" returning id", 1).Scan(new(int64))
				},
				"Begin": func() error {
					return pgx.BeginFunc(ctx, f.db, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, order, 1); return err })
				},
				"CopyFrom": func() error {
					_, err := f.db.CopyFrom(ctx, pgx.Identifier{"orders"}, []string{"id"}, pgx.CopyFromRows([][]any{{1}}))
					return err
				},
				"SendBatch": func() error {
					batch := &pgx.Batch{}
					batch.Queue(order, 1)
					return f.db.SendBatch(ctx, batch).Close()
				},
			}
			for door, run := range runs {
				if err := chrononaut.WrapError(run()); !errors.Is(err, chrononaut.ErrUnattributed) {
					t.Errorf("%s with %s: error = %v, want ErrUnattributed", door, name, err)
				}
			}
		}
		must[pgconn.CommandTag](t)(f.db.Exec(chrononaut.WithRationale(f.as("ann"), "why"), order, 1))
		must[pgconn.CommandTag](t)(f.db.Exec(chrononaut.WithExtraInfo(f.as("bob"), nil), "update orders set title = 'x'"))
		if _, err := f.db.Exec(f.as("ann"), "delete from orders where id = $1", 1); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
			t.Errorf("DELETE: error = %v, want ErrUnattributed", err)
		}
		f.wantLog(" insert ann", "x update bob")
	})
}

func TestMergeOrder(t *testing.T) {
	t.Parallel()
	constant := map[string]any{"a": "function", "b": "function", "c": "function"}
	config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return constant }}
	f := newFixtureAt(t, database(t).URL(), pgx.QueryExecModeCacheStatement, config)
	ctx := chrononaut.WithExtraInfo(f.as("ann"), map[string]any{"b": "context", "c": "context"})
	ctx = chrononaut.AppendChangeInfo(ctx, chrononaut.Table{Name: "todos"}, chrononaut.Key{"id": 1}, map[string]any{"c": "record"})
	for _, step := range []struct {
		ctx  context.Context
		id   int
		want string
	}{
		{ctx, 1, `{"a": "function", "b": "context", "c": "record"}`},
		{ctx, 2, `{"a": "function", "b": "context", "c": "context"}`},
		{t.Context(), 3, `{"a": "function", "b": "function", "c": "function"}`},
	} {
		must[pgconn.CommandTag](t)(f.db.Exec(step.ctx, "insert into todos (id) values ($1)", step.id))
		if got := f.extra(); got != step.want {
			t.Errorf("extra information of record %d = %s, want %s", step.id, got, step.want)
		}
	}
}

func TestUserInfoOfTheApplication(t *testing.T) {
	t.Parallel()
	config := &chrononaut.Config{UserInfo: func(context.Context) map[string]any {
		return map[string]any{"user_id": "session", "remote_addr": "10.0.0.1", "tenant": 7}
	}}
	f := newFixtureAt(t, database(t).URL(), pgx.QueryExecModeCacheStatement, config)
	must[pgconn.CommandTag](t)(f.db.Exec(t.Context(), insert, "a"))
	must[pgconn.CommandTag](t)(f.db.Exec(f.as("ann"), insert, "b"))
	rows, _ := f.plain.Query(t.Context(), `SELECT user_info::text FROM chrononaut.chrononaut_activity WHERE operation = 'insert' ORDER BY id`)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := `{"tenant": 7, "user_id": "session", "remote_addr": "10.0.0.1"} {"tenant": 7, "user_id": "ann", "remote_addr": "10.0.0.1"}`
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("user_info = %s, %v; want %s", strings.Join(got, " "), err, want)
	}
}
