package cli_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestRefusalsHaveAReasonAndAHint(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos, `CREATE TABLE keyless (id integer)`, `CREATE TABLE versioned (id integer PRIMARY KEY, version text)`, `CREATE VIEW look AS SELECT * FROM todos`)
		w.must("track", "todos")
		for _, refusal := range []struct{ args, reason string }{
			{"track nowhere", "no_table"},
			{"track keyless", "no_key"},
			{"track look", "not_trackable"},
			{"track versioned", "version_column"},
			{"track versioned --version-column version", "version_column"},
			{"track todos --hidden nope", "no_column"},
			{"track todos --untracked id", "option"},
			{"track todos --hidden title --untracked title", "option"},
			{"untrack versioned", "not_tracked"},
			{"migrate down --yes", "still_tracked"},
		} {
			stdout, stderr, status := w.run(t.Context(), append(strings.Fields(refusal.args), "--json")...)
			if status != 2 || stdout != "" || !strings.Contains(stderr, `"reason":"`+refusal.reason+`"`) || !strings.Contains(stderr, `"hint":"`) {
				t.Errorf("%s exits with %d: %s%s", refusal.args, status, stdout, stderr)
			}
		}
		w.must("check")
		if out := w.must("track", "todos"); !strings.Contains(out, "nothing to do") {
			t.Errorf("after the refusals, track says %s", out)
		}
	})
}

func TestABusyTable(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		tx, err := w.driver.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `INSERT INTO todos (id) VALUES (1)`); err != nil {
			t.Fatal(err)
		}
		_, stderr, status := w.run(t.Context(), "track", "todos", "--lock-timeout", "20ms", "--attempts", "2", "--json")
		if status != 2 || !strings.Contains(stderr, `"reason":"busy"`) || !strings.Contains(stderr, "no lock after 2 attempts") || !strings.Contains(stderr, `"hint":`) {
			t.Errorf("track of a busy table exits with %d: %s", status, stderr)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.must("track", "todos")
	})
}

func TestHistoryOfANewerProgram(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos, `INSERT INTO chrononaut.chrononaut_migration (version, name) VALUES (999, 'from the future')`)
	if out, _, status := w.run(t.Context(), "migrate", "status", "--json"); status != 1 || !strings.Contains(out, `"state":"newer"`) {
		t.Errorf("status exits with %d: %s", status, out)
	}
	for _, args := range [][]string{{"migrate", "up"}, {"track", "todos"}, {"check"}, {"migrate", "down", "--yes"}} {
		_, stderr, status := w.run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"newer_history"`) || !strings.Contains(stderr, `"hint":"Use a newer chrononaut."`) {
			t.Errorf("%v exits with %d: %s", args, status, stderr)
		}
	}
}

// as returns the world with another role or with settings in its URL.
func (w *world) as(role string, settings map[string]string) *world {
	w.t.Helper()
	u := mustURL(w.t, w.url)
	if role != "" {
		u.User = url.User(role)
	}
	query := u.Query()
	for name, value := range settings {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return &world{t: w.t, url: u.String(), env: map[string]string{"DATABASE_URL": u.String()}}
}

func TestAReadOnlyConnection(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'b')`, `CREATE TABLE other (id integer PRIMARY KEY)`)
	reader := w.as("", map[string]string{"default_transaction_read_only": "on"})
	for _, args := range [][]string{{"log"}, {"log", "todos", "1"}, {"show", "todos", "1"}, {"diff", "todos", "1"}, {"check"}, {"migrate", "status"}} {
		reader.must(args...)
	}
	for _, args := range [][]string{{"track", "other"}, {"track", "todos", "--baseline"}, {"untrack", "todos"}} {
		_, stderr, status := reader.run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"read_only"`) || !strings.Contains(stderr, `"hint":`) {
			t.Errorf("%v exits with %d: %s", args, status, stderr)
		}
	}
	w.must("check")
}

// The grants are those of docs/tracking.md.
func TestRolesWithFewPrivileges(t *testing.T) {
	w := onPostgres(t)
	w.mustSQL(todos)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'b')`)
	name := strings.TrimPrefix(mustURL(t, w.url).Path, "/")
	auditor, stranger := name+"_auditor", name+"_stranger"
	w.mustSQL(`CREATE ROLE `+auditor+` LOGIN`, `CREATE ROLE `+stranger+` LOGIN`,
		`GRANT USAGE ON SCHEMA chrononaut TO `+auditor,
		`GRANT SELECT ON chrononaut.chrononaut_activity, chrononaut.chrononaut_table, chrononaut.chrononaut_migration TO `+auditor)
	t.Cleanup(func() {
		for _, role := range []string{auditor, stranger} {
			for _, statement := range []string{`DROP OWNED BY ` + role, `DROP ROLE ` + role} {
				if err := w.sql(context.WithoutCancel(t.Context()), statement); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for _, args := range [][]string{{"log"}, {"log", "todos", "1"}, {"show", "todos", "1"}, {"diff", "todos", "1"}, {"migrate", "status"}} {
		w.as(auditor, nil).must(args...)
		_, stderr, status := w.as(stranger, nil).run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"privilege"`) {
			t.Errorf("%v of a role without privileges exits with %d: %s", args, status, stderr)
		}
	}
	for _, args := range [][]string{{"track", "todos", "--strict"}, {"untrack", "todos"}} {
		_, stderr, status := w.as(auditor, nil).run(t.Context(), append(args, "--json")...)
		if status != 2 || !strings.Contains(stderr, `"reason":"privilege"`) {
			t.Errorf("%v of the auditor exits with %d: %s", args, status, stderr)
		}
	}
	w.must("check")
}

// The grants are those of docs/command.md.
func TestRolesThatLock(t *testing.T) {
	w := onPostgres(t)
	withTodos(w)
	name := strings.TrimPrefix(mustURL(t, w.url).Path, "/")
	text := readFile(t, docs)
	// Each has only what is granted to it.
	as := map[string]*world{}
	for _, grantee := range []string{"auditor", "lawyer", "editor"} {
		role := name + "_" + grantee
		w.mustSQL(`CREATE ROLE ` + role + ` LOGIN`)
		t.Cleanup(func() {
			for _, statement := range []string{`DROP OWNED BY ` + role, `DROP ROLE ` + role} {
				if err := w.sql(context.WithoutCancel(t.Context()), statement); err != nil {
					t.Error(err)
				}
			}
		})
		grants := regexp.MustCompile(`(?m)^(grant .*) to `+grantee+`;`).FindAllStringSubmatch(text, -1)
		if len(grants) < 4 {
			t.Errorf("%s has %d grants to %s", docs, len(grants), grantee)
		}
		for _, grant := range grants {
			w.mustSQL(grant[1] + ` TO ` + role)
		}
		as[grantee] = w.as(role, nil)
	}
	lawyer, editor := as["lawyer"], as["editor"]
	lawyer.must("hold", "todos", "1", "--reason", "audit")
	lawyer.must("holds", "todos", "1")
	as["auditor"].must("holds", "todos", "1")
	lawyer.must("release", "1", "--rationale", "settled")
	w.mustSQL(`GRANT SELECT ON todos TO ` + name + `_editor`)
	lease := strings.TrimSpace(editor.must("lease", "todos", "1", "--ttl", "10m"))
	editor.must("lease", "renew", lease, "--ttl", "20m")
	editor.must("lease", "list", "todos", "1")
	as["auditor"].must("lease", "list", "todos", "1")
	editor.must("lease", "release", lease)
	enforced := []string{"lease", "todos", "1", "--ttl", "10m", "--enforce"}
	if _, stderr, status := editor.run(t.Context(), append(enforced, "--json")...); status != 2 || !strings.Contains(stderr, `"reason":"privilege"`) {
		t.Errorf("an enforced lease of a role that may not update exits with %d: %s", status, stderr)
	}
	w.mustSQL(`GRANT UPDATE ON todos TO ` + name + `_editor`)
	editor.must(enforced...)
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestRefusedConnections(t *testing.T) {
	w := onPostgres(t)
	u := mustURL(t, w.url)
	with := func(change func(u *url.URL)) string {
		changed := *u
		change(&changed)
		return changed.String()
	}
	for want, address := range map[string]string{
		"check the name of the database": with(func(u *url.URL) { u.Path = "/chrononaut_no_such_database" }),
		"check the user":                 with(func(u *url.URL) { u.User = url.User("chrononaut_no_such_role") }),
		"sslmode=prefer":                 with(func(u *url.URL) { u.RawQuery = "sslmode=require" }),
	} {
		if strings.Contains(address, "sslmode=require") && w.text(`SHOW ssl`) == "on" {
			continue
		}
		_, stderr, status := w.run(t.Context(), "check", "--database-url", address)
		if status != 2 || !strings.Contains(stderr, "\nTry: "+want) {
			t.Errorf("a connection that is refused exits with %d and does not advise %q: %s", status, want, stderr)
		}
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	t.Parallel()
	w := &world{t: t, env: map[string]string{}}
	for _, address := range []string{
		"postgres://ann:geheim99@127.0.0.1:1/db?connect_timeout=5", "postgres://ann:geheim99@nowhere.invalid/db", "postgres://ann:geheim99@[::1/db",
		"postgres://ann:geheim99@127.0.0.1:1/db?sslmode=geheim99", "mysql://ann:geheim99@h/db", "postgres://ann:geheim99@127.0.0.1:x/db", "host=h password=geheim99",
	} {
		for _, args := range [][]string{{"check"}, {"check", "--json"}, {"log"}, {"migrate", "up"}} {
			stdout, stderr, status := w.run(t.Context(), append(args, "--database-url", address)...)
			if status != 2 || strings.Contains(stdout+stderr, "geheim99") {
				t.Errorf("%v exits with %d: %s%s", args, status, stdout, stderr)
			}
		}
	}
}
