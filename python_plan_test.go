package chrononaut_test

import (
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// Reading a record that Python wrote, and the log of its table, goes through an
// index.
func TestPythonReadsUseIndexes(t *testing.T) {
	t.Parallel()
	f := newPythonFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text, version integer)`, `INSERT INTO todos VALUES (7, 'x', 19)`,
		`INSERT INTO chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info)
		 SELECT CASE WHEN i % 2 = 0 THEN 'todos' ELSE 'elsewhere' END, now() - interval '1 hour' + i * interval '1 millisecond', i / 2 % 20, jsonb_build_object('id', i / 40),
		        jsonb_build_object('id', i / 40, 'title', 'x' || i, 'version', i / 2 % 20), '{"user_id": "bob", "remote_addr": null}', '{}'
		   FROM generate_series(0, 39999) AS i`)
	if _, err := f.migrator.Adopt(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
	f.exec(`UPDATE todos SET title = 'y'`)
	driver := &recorder{Queryer: chronopgx.NewDriver(f.pool, nil)}
	client := must(chrononaut.NewClient(driver, chronodriver.PostgreSQL, &chrononaut.Config{Schema: "public"}))(t)
	h := chrononaut.NewHistory[map[string]any](client, f.name("public.todos"), nil)
	ctx, todos := t.Context(), f.name("public.todos")
	five := 5
	reads := map[string]func() error{
		"Versions": func() error {
			got, err := h.Versions(ctx, 7, nil)
			if len(got) != 21 {
				t.Errorf("%d versions", len(got))
			}
			return err
		},
		"Versions, a page": func() error {
			_, err := h.Versions(ctx, 7, &chrononaut.VersionsOpts{FromVersion: &five, Limit: 3})
			return err
		},
		"Version":      func() error { _, err := h.Version(ctx, 7, 3); return err },
		"Previous":     func() error { _, err := h.Previous(ctx, 7); return err },
		"At":           func() error { _, err := h.At(ctx, 7, time.Now()); return err },
		"ChangedSince": func() error { _, err := h.ChangedSince(ctx, 7, time.Now().Add(-time.Hour)); return err },
		"the log, a page": func() error {
			got, err := client.Activity(ctx, &chrononaut.ActivityOpts{Table: todos, Limit: 10, WithBefore: true})
			if len(got) != 10 {
				t.Errorf("%d changes", len(got))
			}
			return err
		},
	}
	// The first call also reads the catalog, which is not what is looked at here.
	if _, err := h.Version(ctx, 7, 3); err != nil {
		t.Fatal(err)
	}
	for _, statistics := range []string{"without statistics", "with statistics"} {
		if statistics == "with statistics" {
			f.exec(`VACUUM ANALYZE chrononaut_activity`)
		}
		for name, read := range reads {
			driver.queries = nil
			if err := read(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, q := range driver.queries {
				for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
					plan := f.explain(q, mode)
					plan.walk(func(n node) {
						if n.Type == "Seq Scan" && n.Relation == "chrononaut_activity" {
							t.Errorf("%s, %s, %s: a sequential scan of history in\n%s", name, statistics, mode, q.sql)
						}
					})
					if pages := plan.Hit + plan.Read; pages > 500 {
						t.Errorf("%s, %s, %s: %d pages", name, statistics, mode, pages)
					}
				}
			}
		}
	}
}
