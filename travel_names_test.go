package chrononaut_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// A table of a schema that comes first hides one of the same name, in the past as
// in the present.
func TestNamesInThePastMeanTheSameTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE SCHEMA tenant`, `CREATE TABLE tenant.todos (title text)`, `INSERT INTO tenant.todos VALUES ('tenant one')`,
		`CREATE TABLE public.todos (id integer PRIMARY KEY, title text)`, `CREATE TABLE public.users (id integer PRIMARY KEY, title text)`)
	f.track("public.todos", nil)
	f.track("public.users", nil)
	f.exec(`INSERT INTO public.todos VALUES (1, 'public one')`, `INSERT INTO public.users VALUES (1, 'public user')`)
	config := f.pool.Config()
	config.ConnConfig.RuntimeParams["search_path"] = "tenant, public"
	pool := must(pgxpool.NewWithConfig(t.Context(), config))(t)
	t.Cleanup(pool.Close)
	db := chronopgx.New(pool, nil)
	read := func(ctx context.Context, sql string) (title string, err error) {
		tx, err := db.Begin(ctx)
		if err != nil {
			return "", err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		if err := tx.QueryRow(ctx, sql).Scan(&title); err != nil {
			return "", err
		}
		return title, tx.Commit(ctx)
	}
	point := chrononaut.At(f.now())
	refused := chrononaut.AsOfPoint(t.Context(), point, nil)
	allowed := chrononaut.AsOfPoint(t.Context(), point, &chrononaut.AsOfOpts{Untracked: chrononaut.UntrackedPresent})
	check := func(when string) {
		t.Helper()
		if title, err := read(refused, `SELECT title FROM todos`); !errors.Is(err, chrononaut.ErrPast) {
			t.Errorf("%s: todos in the past: %q, %v; want %v", when, title, err, chrononaut.ErrPast)
		}
		if title, err := read(allowed, `SELECT title FROM todos`); err != nil || title != "tenant one" {
			t.Errorf("%s: todos where the present is allowed: %q, %v; want those of the tenant", when, title, err)
		}
		for _, ctx := range []context.Context{refused, allowed} {
			if title, err := read(ctx, `SELECT title FROM users`); err != nil || title != "public user" {
				t.Errorf("%s: users in the past: %q, %v", when, title, err)
			}
		}
	}
	check("a schema without a past")

	// The schema has a past by now, and the table was made after it.
	f.exec(`DROP TABLE tenant.todos`, `CREATE TABLE tenant.notes (id integer PRIMARY KEY)`)
	f.track("tenant.notes", nil)
	f.exec(`CREATE TABLE tenant.todos (title text)`, `INSERT INTO tenant.todos VALUES ('tenant one')`)
	check("a table that is new in its schema")

	// A view over the past means the same table too, or is not made.
	f.exec(`CREATE VIEW tenant.titles AS SELECT title FROM tenant.todos`)
	if _, err := f.pool.Exec(t.Context(), `SELECT chrononaut.mirror_view('tenant', 'titles')`); err == nil {
		t.Errorf("a view over a table without a past was mirrored: %v", f.rows(`SELECT pg_get_viewdef(c.oid) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname = 'titles' AND n.nspname <> 'tenant'`))
	}

	// Another point in the same transaction, with other options.
	f.exec(`CREATE TABLE public.plain (title text)`, `INSERT INTO public.plain VALUES ('plain')`, `CREATE TABLE public.plain2 (id integer PRIMARY KEY)`)
	f.track("public.plain2", nil)
	tx := must(pool.Begin(t.Context()))(t)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	first, _ := chrononaut.EncodeAsOf(refused)
	second, _ := chrononaut.EncodeAsOf(allowed)
	var path, again, title string
	for _, step := range []struct {
		point string
		path  *string
	}{{second, &path}, {first, &again}, {second, &again}} {
		if _, err := tx.Exec(t.Context(), `SELECT chrononaut.travel($1)`, step.point); err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRow(t.Context(), `SHOW search_path`).Scan(step.path); err != nil {
			t.Fatal(err)
		}
	}
	if path != again {
		t.Errorf("the search path is %s, and after another point %s", path, again)
	}
	if err := tx.QueryRow(t.Context(), `SELECT title FROM plain`).Scan(&title); err != nil || title != "plain" {
		t.Errorf("the present of a table that is not tracked: %q, %v", title, err)
	}
}

// Nothing depends on how the session reads a backslash.
func TestThePastWithoutStandardStrings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TYPE public.pair AS (a integer, b text)`, `CREATE DOMAIN public.short AS varchar(3)`)
	config := f.pool.Config()
	config.ConnConfig.RuntimeParams["standard_conforming_strings"] = "off"
	pool := must(pgxpool.NewWithConfig(t.Context(), config))(t)
	t.Cleanup(pool.Close)
	f.db, f.pool = chronopgx.New(pool, nil), pool
	f.client = must(f.db.Client())(t)
	f.migrator = must(chronomigrate.New(chronopgx.NewDriver(pool, nil), nil))(t)
	f.exec(`CREATE TABLE s (id integer PRIMARY KEY, p pair, d short, v varchar(7))`)
	f.track("s", nil)
	f.exec(`INSERT INTO s VALUES (1, '(1,x)', 'abc', 'one')`)
	token := must(f.client.TakeSnapshot(t.Context()))(t)
	at := f.now()
	f.exec(`UPDATE s SET p = NULL, d = NULL, v = 'two'`)
	for name, p := range map[string]chrononaut.Point{"a time": chrononaut.At(at.Add(123 * time.Nanosecond)), "a token": chrononaut.AtSnapshot(token)} {
		var row string
		if err := f.db.QueryRow(chrononaut.AsOfPoint(t.Context(), p, nil), `SELECT row(s.p, s.d, s.v)::text FROM s`).Scan(&row); err != nil || row != `("(1,x)",abc,one)` {
			t.Errorf("%s: %s, %v", name, row, err)
		}
	}
	f.apply(must(f.client.Restore(t.Context(), f.name("s"), nil, chrononaut.ToPoint(chrononaut.At(at)), nil))(t), nil)
	f.wantRows(`SELECT row(s.p, s.d, s.v)::text FROM s`, `("(1,x)",abc,one)`)
}
