package chrononaut_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
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
