package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// pastBench is a bench with two tracked tables, whose past and present differ
// in every way, and one that is not tracked.
type pastBench struct {
	*bench
	// past is a context that reads what was at the time at.
	past context.Context
	at   time.Time
}

func newPastBench(b *bench) *pastBench {
	b.t.Helper()
	skipSQLite(b)
	ctx := b.t.Context()
	for _, statement := range []string{
		`CREATE TABLE owners (id bigint PRIMARY KEY, name text NOT NULL)`,
		`CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL)`,
		`INSERT INTO settings VALUES ('color', 'red')`,
	} {
		b.exec(ctx, statement)
	}
	b.table = chrononaut.Table{Name: "owners"}
	b.track(nil)
	b.table = chrononaut.Table{Name: "todos"}
	b.exec(ctx, `INSERT INTO owners VALUES (1, 'ann'), (2, 'bob')`)
	b.exec(ctx, `INSERT INTO todos (id, title, done, secret, visits) VALUES (1, 'one', false, 's', 7), (2, 'two', true, 's', 7), (3, 'three', false, 's', 7)`)
	tr := &pastBench{bench: b, at: b.clock()}
	tr.past = chrononaut.AsOf(ctx, tr.at)
	b.exec(ctx, `UPDATE todos SET title = 'changed' WHERE id = 1`)
	b.exec(ctx, `DELETE FROM todos WHERE id = 2`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (4, 'four')`)
	b.exec(ctx, `UPDATE owners SET name = 'ben' WHERE id = 2`)
	return tr
}

func skipSQLite(b *bench) {
	b.t.Helper()
	if b.Driver.Dialect() == chronodriver.SQLite {
		b.t.Skip("SQLite travels in tests of its own")
	}
}

// clock is the database's clock.
func (b *bench) clock() time.Time {
	b.t.Helper()
	text, err := b.QueryText(b.t.Context(), `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`)
	if err != nil {
		b.t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

// want runs a query outside a transaction, and in one.
func (tr *pastBench) want(ctx context.Context, want, sql string, args ...any) {
	tr.t.Helper()
	if got, err := tr.QueryText(ctx, tr.sql(sql), args...); err != nil || got != want {
		tr.t.Errorf("%s: %q, %v; want %q", sql, got, chrononaut.WrapError(err), want)
	}
	err := tr.TxText(ctx, func(query func(ctx context.Context, sql string, args ...any) (string, error)) error {
		got, err := query(ctx, tr.sql(sql), args...)
		if err == nil && got != want {
			tr.t.Errorf("in a transaction, %s: %q; want %q", sql, got, want)
		}
		return err
	})
	if err != nil {
		tr.t.Errorf("in a transaction, %s: %v", sql, chrononaut.WrapError(err))
	}
}

// wantError wants a statement to be refused, outside a transaction and in one,
// and the next statement to read the present.
func (tr *pastBench) wantError(ctx context.Context, want error, sql string, args ...any) {
	tr.t.Helper()
	if err := chrononaut.WrapError(tr.Exec(ctx, tr.sql(sql), args...)); !errors.Is(err, want) {
		tr.t.Errorf("%s: error = %v, want %v", sql, err, want)
	}
	err := tr.Tx(ctx, func(exec func(ctx context.Context, sql string, args ...any) error) error {
		return exec(ctx, tr.sql(sql), args...)
	})
	if err = chrononaut.WrapError(err); !errors.Is(err, want) {
		tr.t.Errorf("in a transaction, %s: error = %v, want %v", sql, err, want)
	}
	tr.wantPresent() //nolint:contextcheck // reads the present, under a context of its own
}

const titles = `SELECT coalesce(string_agg(title, ',' ORDER BY id), '') FROM todos`

// wantPresent wants the present from every connection of the pool.
func (tr *pastBench) wantPresent() {
	tr.t.Helper()
	for range 4 {
		if got, err := tr.QueryText(tr.t.Context(), titles); err != nil || got != "changed,three,four" {
			tr.t.Fatalf("the present is %q, %v", got, err)
		}
	}
}

func readsThePast(t *testing.T, b *bench) {
	tr := newPastBench(b)
	for _, tc := range []struct {
		name, sql string
		args      []any
		past, now string
	}{
		{"a table", titles, nil, "one,two,three", "changed,three,four"},
		{"a row by its key", `SELECT title FROM todos WHERE id = $1`, []any{int64(1)}, "one", "changed"},
		{"an aggregate", `SELECT count(*)::text FROM todos WHERE done`, nil, "1", "0"},
		{"a join", `SELECT string_agg(o.name || ' ' || t.title, ',' ORDER BY t.id) FROM owners o JOIN todos AS t ON t.id = o.id`, nil, "ann one,bob two", "ann changed"},
		{"a left join", `SELECT string_agg(o.name || ' ' || coalesce(t.title, '-'), ',' ORDER BY o.id) FROM owners o LEFT JOIN todos t USING (id)`, nil, "ann one,bob two", "ann changed,ben -"},
		{"a common table expression", `WITH open AS (SELECT * FROM todos WHERE NOT done) SELECT string_agg(title, ',' ORDER BY id) FROM open`, nil, "one,three", "changed,three,four"},
		{"a recursive one", `WITH RECURSIVE n (i) AS (SELECT min(id) FROM todos UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT max(id) FROM todos)) SELECT string_agg(i::text, ',' ORDER BY i) FROM n`, nil, "1,2,3", "1,2,3,4"},
		{"subqueries", `SELECT string_agg(name, ',' ORDER BY id) FROM owners o WHERE EXISTS (SELECT FROM todos t WHERE t.id = o.id AND title = $1)`, []any{"two"}, "bob", ""},
		{"a window function", `SELECT string_agg(n::text || title, ',' ORDER BY id) FROM (SELECT row_number() OVER (ORDER BY title) AS n, title, id FROM todos) AS w`, nil, "1one,3two,2three", "1changed,3three,2four"},
		{"set operations", `SELECT string_agg(x, ',' ORDER BY x) FROM (SELECT title FROM todos EXCEPT SELECT 'three' UNION SELECT name FROM owners) AS u (x)`, nil, "ann,bob,one,two", "ann,ben,changed,four"},
		{"hidden and untracked columns", `SELECT coalesce(max(secret), '-') || coalesce(max(visits)::text, '-') FROM todos WHERE id = 3`, nil, "--", "s7"},
		{"a whole row", `SELECT (SELECT t FROM todos AS t WHERE id = 3)::text`, nil, "(3,three,f,,,0)", "(3,three,f,s,7,0)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// One after the other, so that the same text is prepared for both.
			for range 3 {
				tr.t = t
				past, now := tr.query(tr.past, tc.sql, tc.args...), tr.query(b.t.Context(), tc.sql, tc.args...)
				if past != tc.past || now != tc.now {
					t.Errorf("the past is %q and the present %q; want %q and %q", past, now, tc.past, tc.now)
				}
			}
			tr.want(tr.past, tc.past, tc.sql, tc.args...)
		})
	}
	tr.t = t
	tr.wantPresent()
}

// query returns the answer; no row and NULL are "".
func (tr *pastBench) query(ctx context.Context, sql string, args ...any) string {
	tr.t.Helper()
	got, err := tr.QueryText(ctx, "SELECT coalesce(("+tr.sql(sql)+"), '')", args...)
	if err != nil {
		tr.t.Fatalf("%s: %v", sql, chrononaut.WrapError(err))
	}
	return got
}

func readsThePastOfQualifiedNames(t *testing.T, b *bench) {
	skipSQLite(b)
	b.exec(t.Context(), `CREATE SCHEMA "Odd ""S"""`)
	b.exec(t.Context(), `CREATE TABLE "Odd ""S"""."T.x" (id bigint PRIMARY KEY, "from" text)`)
	b.table = chrononaut.Table{Schema: `Odd "S"`, Name: "T.x"}
	b.track(nil)
	b.exec(t.Context(), `INSERT INTO "Odd ""S"""."T.x" VALUES (1, 'old')`)
	tr := newPastBench(b)
	b.exec(t.Context(), `UPDATE "Odd ""S"""."T.x" SET "from" = 'new'`)
	for _, sql := range []string{
		`SELECT string_agg(title, ',' ORDER BY id) FROM public.todos`,
		`SELECT string_agg(public.todos.title, ',' ORDER BY "public"."todos".id) FROM "public" /* a */ . todos`,
		`SELECT string_agg(t.title, ',' ORDER BY id) FROM PUBLIC.Todos AS t WHERE 'public.todos' = $$public.todos$$`,
	} {
		tr.want(tr.past, "one,two,three", sql)
		tr.want(t.Context(), "changed,three,four", sql)
	}
	const odd = `SELECT x."from" FROM "Odd ""S"""."T.x" AS x WHERE x.id = $1`
	tr.want(tr.past, "old", odd, int64(1))
	tr.want(t.Context(), "new", odd, int64(1))
	// A table that has been tracked since the relations were read is known the
	// second time at the latest.
	b.exec(t.Context(), `CREATE TABLE later (id bigint PRIMARY KEY)`)
	b.table = chrononaut.Table{Name: "later"}
	b.track(nil)
	ctx := chrononaut.AsOf(t.Context(), b.clock())
	if _, err := b.QueryText(ctx, `SELECT count(*)::text FROM public.later`); err != nil && !errors.Is(chrononaut.WrapError(err), chrononaut.ErrPast) {
		t.Errorf("error = %v, want none or %v", err, chrononaut.ErrPast)
	}
	tr.want(ctx, "0", `SELECT count(*)::text FROM public.later`)
}

func refusesToWriteInThePast(t *testing.T, b *bench) {
	tr := newPastBench(b)
	b.exec(t.Context(), `CREATE FUNCTION write_todo() RETURNS integer LANGUAGE sql AS 'UPDATE public.todos SET title = ''written'' RETURNING 1'`)
	b.exec(t.Context(), `CREATE TABLE elsewhere (id bigint)`)
	for _, sql := range []string{
		`INSERT INTO todos (id) VALUES ($1)`,
		`INSERT INTO public.todos (id) VALUES ($1)`,
		`UPDATE todos SET title = 'x' WHERE id = $1`,
		`DELETE FROM todos WHERE id = $1`,
		`WITH gone AS (DELETE FROM todos WHERE id = $1 RETURNING id) SELECT count(*) FROM gone`,
	} {
		tr.wantError(tr.past, chrononaut.ErrPast, sql, int64(1))
	}
	for _, sql := range []string{
		`TRUNCATE todos`,
		`EXPLAIN ANALYZE DELETE FROM todos`,
		`SELECT write_todo()`,
		`CREATE TABLE more (id bigint)`,
		`DROP TABLE elsewhere`,
		`SELECT id INTO more FROM todos`,
		`SELECT * FROM todos FOR UPDATE`,
		`VACUUM`,
		// What could end the travel is refused too.
		`SET search_path = public`,
		`SET LOCAL ROLE none`,
		`RESET ALL`,
		`DISCARD ALL`,
		`SET TRANSACTION READ WRITE`,
		`COMMIT`,
	} {
		tr.wantError(tr.past, chrononaut.ErrPast, sql)
	}
	for _, sql := range []string{`SELECT 1; DELETE FROM todos`, `SELECT 1; ROLLBACK; SELECT 2`} {
		// A layer that prepares statements takes only one.
		if err := tr.Exec(tr.past, sql); !errors.Is(err, chrononaut.ErrPast) && chronodriver.State(err) != "42601" {
			t.Errorf("%s: error = %v, want %v", sql, err, chrononaut.ErrPast)
		}
		tr.wantPresent()
	}
	// Without a name of a table it is the server that refuses.
	tr.wantError(tr.past, chrononaut.ErrPast, `SELECT nextval('chrononaut.chrononaut_activity_id_seq')`)
}

func refusesThePresent(t *testing.T, b *bench) {
	tr := newPastBench(b)
	b.exec(t.Context(), `CREATE FUNCTION unqualified() RETURNS text LANGUAGE sql AS 'SELECT string_agg(title, '','' ORDER BY id) FROM todos'`)
	b.exec(t.Context(), `CREATE FUNCTION qualified() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT string_agg(title, '','' ORDER BY id) FROM public.todos); END'`)
	tr.want(tr.past, "one,two,three", `SELECT unqualified()`)
	tr.want(tr.past, "one,two,three", `SELECT public.unqualified()`)
	tr.wantError(tr.past, chrononaut.ErrPast, `SELECT qualified()`)
	tr.want(t.Context(), "changed,three,four", `SELECT qualified()`)

	// A name in the text that is written in a way that is not understood.
	tr.wantError(tr.past, chrononaut.ErrPast, `SELECT * FROM U&"publ\0069c".todos`)
	// A change of the search path that hides in a function.
	tr.wantError(tr.past, chrononaut.ErrPast, `SELECT set_config('search_path', 'public', true), count(*) FROM qualified()`)

	for _, sql := range []string{`SELECT value FROM settings`, `SELECT value FROM public.settings`, `SELECT value FROM todos AS t, "settings" AS s WHERE t.id = 1`} {
		tr.wantError(tr.past, chrononaut.ErrPast, sql)
		tr.wantError(tr.past, chrononaut.ErrPast, strings.Replace(sql, "value", "count(*)", 1))
		now := chrononaut.AsOfPoint(t.Context(), chrononaut.At(tr.at), &chrononaut.AsOfOpts{Untracked: chrononaut.UntrackedPresent})
		tr.want(now, "red", sql)
		tr.want(now, "one,two,three", titles)
	}
	early := chrononaut.AsOf(t.Context(), tr.at.AddDate(-1, 0, 0))
	tr.wantError(early, chrononaut.ErrNotRecorded, titles)
	if err := tr.Exec(tr.past, `SELECT no_such_column FROM todos`); err == nil || errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("a column that is not there: error = %v", err)
	}
	future := chrononaut.AsOf(t.Context(), tr.at.AddDate(1, 0, 0))
	tr.wantError(future, chrononaut.ErrHorizon, titles)
}

func keepsItsPoint(t *testing.T, b *bench) {
	tr := newPastBench(b)
	ctx := t.Context()
	other := chrononaut.AsOf(ctx, tr.at.Add(-time.Microsecond))
	type query = func(ctx context.Context, sql string, args ...any) (string, error)
	err := tr.TxText(tr.past, func(query query) error {
		// A context that says nothing reads what the transaction does.
		for _, under := range []context.Context{ctx, tr.past, chrononaut.Present(tr.past)} {
			got, err := query(under, titles) //nolint:contextcheck // contexts of both kinds
			if err != nil || got != "one,two,three" {
				return fmt.Errorf("%q: %w", got, err)
			}
		}
		if _, err := query(other, titles); !errors.Is(err, chrononaut.ErrPast) || !strings.Contains(err.Error(), "another point") {
			return fmt.Errorf("another point: error = %w", err)
		}
		// It was not sent.
		_, err := query(ctx, titles)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	err = tr.TxText(ctx, func(query query) error {
		_, err := query(tr.past, titles) //nolint:contextcheck // another context than the transaction's
		if !errors.Is(err, chrononaut.ErrPast) || !strings.Contains(err.Error(), "reads the present") {
			return fmt.Errorf("in a transaction of the present: error = %w", err)
		}
		got, err := query(ctx, titles)
		if err == nil && got != "changed,three,four" {
			err = errors.New(got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// Savepoints do not end it.
	err = tr.Tx(tr.past, func(exec func(ctx context.Context, sql string, args ...any) error) error {
		for _, s := range []string{"SAVEPOINT a", "SELECT 1 FROM todos", "ROLLBACK TO SAVEPOINT a", "RELEASE SAVEPOINT a"} {
			if err := exec(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return exec(ctx, "SELECT 1 / (CASE WHEN count(*) = 3 AND max(title) = 'two' THEN 1 ELSE 0 END) FROM todos")
	})
	if err != nil {
		t.Error(err)
	}
	// A savepoint that is rolled back does not hide that the present was read.
	err = tr.Tx(tr.past, func(exec func(ctx context.Context, sql string, args ...any) error) error {
		for _, s := range []string{"SAVEPOINT a", `SELECT FROM U&"publ\0069c".todos`} {
			if err := exec(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		if err := exec(ctx, "ROLLBACK TO SAVEPOINT a"); !errors.Is(err, chrononaut.ErrPast) {
			return fmt.Errorf("a savepoint in which the present was read: error = %w", err)
		}
		return exec(ctx, "ROLLBACK TO SAVEPOINT a")
	})
	if err != nil {
		t.Error(err)
	}
	// The attribution of the context is there too.
	err = tr.TxText(chrononaut.WithActor(tr.past, "ann"), func(query query) error {
		got, err := query(ctx, `SELECT current_setting('chrononaut.context')::jsonb #>> '{user_info,user_id}'`)
		if err == nil && got != "ann" {
			err = fmt.Errorf("the actor is %q", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	tr.wantPresent()
}

func leaksNoPast(t *testing.T, b *bench) {
	tr := newPastBench(b)
	type query = func(ctx context.Context, sql string, args ...any) (string, error)
	failed := errors.New("failed")
	for name, run := range map[string]func(ctx context.Context) error{
		"a statement": func(ctx context.Context) error { _, err := tr.QueryText(ctx, titles); return err },
		"an error":    func(ctx context.Context) error { _, err := tr.QueryText(ctx, `SELECT (1 / 0)::text`); return err },
		"no such table": func(ctx context.Context) error {
			_, err := tr.QueryText(ctx, `SELECT title FROM no_such_table`)
			return err
		},
		"a rollback": func(ctx context.Context) error { return tr.TxText(ctx, func(query query) error { return failed }) },
		"an error in a transaction": func(ctx context.Context) error {
			return tr.TxText(ctx, func(query query) error { _, err := query(ctx, `SELECT (1 / 0)::text`); return err })
		},
		"an aborted transaction that is committed": func(ctx context.Context) error {
			return tr.TxText(ctx, func(query query) error { _, _ = query(ctx, `SELECT (1 / 0)::text`); return nil })
		},
		"a cancelled statement": func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			_, err := tr.QueryText(ctx, `SELECT pg_sleep(10)::text FROM todos`)
			return err
		},
		"a cancelled transaction": func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			return tr.TxText(ctx, func(query query) error { _, err := query(ctx, `SELECT pg_sleep(10)::text FROM todos`); return err })
		},
		"a panic": func(ctx context.Context) (err error) {
			defer func() { err = fmt.Errorf("%v", recover()) }()
			return tr.TxText(ctx, func(query query) error {
				if _, err := query(ctx, titles); err != nil {
					return err
				}
				panic(failed)
			})
		},
		"a refused end": func(ctx context.Context) error {
			_, err := tr.QueryText(ctx, `SELECT count(*)::text FROM U&"publ\0069c".todos`)
			return err
		},
		"a refused point": func(ctx context.Context) error {
			_, err := tr.QueryText(chrononaut.AsOf(ctx, tr.at.AddDate(1, 0, 0)), titles)
			return err
		},
		"a refused transaction": func(ctx context.Context) error {
			return tr.TxText(chrononaut.AsOf(ctx, tr.at.AddDate(1, 0, 0)), func(query query) error { return nil })
		},
	} {
		if err := run(tr.past); (err == nil) != (name == "a statement") {
			t.Errorf("%s: error = %v", name, err)
		}
		tr.wantPresent()
		if got, err := tr.QueryText(t.Context(), `SELECT current_setting('transaction_read_only') || current_setting('search_path')`); err != nil || got != `off"$user", public` {
			t.Errorf("after %s the settings are %q, %v", name, got, err)
		}
	}
}

func readsHistoryInThePast(t *testing.T, b *bench) {
	tr := newPastBench(b)
	for range 2 {
		snapshot, err := b.todos.At(tr.past, 1, b.clock())
		if err != nil || snapshot.Record.Title != "changed" {
			t.Errorf("At = %+v, %v; want what the title is now", snapshot.Record, err)
		}
		if changes, err := b.client.Activity(tr.past, &chrononaut.ActivityOpts{Table: b.table}); err != nil || len(changes) == 0 {
			t.Errorf("Activity = %d changes, %v", len(changes), err)
		}
	}
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Track(tr.past, chrononaut.Table{Name: "settings"}, nil, nil); err == nil {
		t.Error("a table was tracked in the past")
	}
}
