package pgtest

import (
	"context"
	"errors"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("gives each test an empty database of its own", func(t *testing.T) {
		t.Parallel()
		one, two := New(t), New(t)
		if one.Name == two.Name {
			t.Fatalf("both databases are named %s", one.Name)
		}
		for _, d := range []*Database{one, two} {
			// The second would fail if both were the same database.
			if _, err := d.Pool(t).Exec(t.Context(), "CREATE TABLE note (id int)"); err != nil {
				t.Errorf("create a table: %v", err)
			}
		}
	})

	t.Run("has a fixed encoding and collation", func(t *testing.T) {
		t.Parallel()
		d := New(t)
		var got [4]string
		err := d.Pool(t).QueryRow(t.Context(), `
			SELECT pg_encoding_to_char(encoding), datcollate, datctype, datname
			FROM pg_database WHERE datname = current_database()`).Scan(&got[0], &got[1], &got[2], &got[3])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([4]string{"UTF8", "C", "C", d.Name}, got); diff != "" {
			t.Errorf("database mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("knows the server's version", func(t *testing.T) {
		t.Parallel()
		d := New(t)
		var want int
		err := d.Pool(t).QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&want)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.ServerMajor(); got != want {
			t.Errorf("ServerMajor() = %d, want %d", got, want)
		}
	})

	t.Run("drops the database although connections are open", func(t *testing.T) {
		t.Parallel()
		var name string
		t.Run("inner", func(t *testing.T) {
			d := New(t)
			name = d.Name
			if _, err := pgx.Connect(t.Context(), d.URL()); err != nil {
				t.Fatal(err)
			}
		})
		if exists(t, name) {
			t.Errorf("database %s still exists after its test", name)
		}
	})
}

func TestNewFrom(t *testing.T) {
	t.Parallel()

	t.Run("prepares once and copies for each test", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int32
		prepare := func(ctx context.Context, url string) error {
			calls.Add(1)
			return execute(ctx, url, "CREATE TABLE note (id int); INSERT INTO note VALUES (1)")
		}
		t.Run("group", func(t *testing.T) {
			for range 4 {
				t.Run("copy", func(t *testing.T) {
					t.Parallel()
					pool := NewFrom(t, "note", prepare).Pool(t)
					var got int
					err := pool.QueryRow(t.Context(), "INSERT INTO note VALUES (2) RETURNING (SELECT count(*) FROM note)").Scan(&got)
					if err != nil {
						t.Fatal(err)
					}
					if got != 1 {
						t.Errorf("the copy had %d rows, want 1", got)
					}
				})
			}
		})
		// With -count=2 the second round finds the template of the first.
		if got := calls.Load(); got > 1 {
			t.Errorf("prepare ran %d times, want at most once", got)
		}
	})

	t.Run("keeps keys apart", func(t *testing.T) {
		t.Parallel()
		for _, table := range []string{"apart_a", "apart_b"} {
			d := NewFrom(t, table, func(ctx context.Context, url string) error {
				return execute(ctx, url, "CREATE TABLE "+table+" (id int)")
			})
			if err := execute(t.Context(), d.URL(), "SELECT FROM "+table); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("tries again after a failure", func(t *testing.T) {
		t.Parallel()
		srv, err := findServer(envURL)
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("broken")
		key := "again " + newName(time.Now()) // Not prepared by an earlier run with -count.
		for _, want := range []error{broken, nil} {
			tmpl := &template{key: key, prepare: func(context.Context, string) error { return want }}
			err := srv.do(t.Context(), func(conn *pgx.Conn) error {
				m, err := major(conn)
				if err != nil {
					return err
				}
				_, err = tmpl.ensure(t.Context(), srv, conn, m)
				return err
			})
			if !errors.Is(err, want) {
				t.Errorf("ensure() = %v, want %v", err, want)
			}
		}
	})
}

func TestDropStale(t *testing.T) {
	t.Parallel()
	srv, err := findServer(envURL)
	if err != nil {
		t.Fatal(err)
	}
	fresh := New(t)
	stale := newName(time.Now().Add(-staleAfter - time.Minute))
	err = srv.do(t.Context(), func(conn *pgx.Conn) error {
		if err := createDatabase(t.Context(), conn, fresh.ServerMajor(), stale, "template0"); err != nil {
			return err
		}
		return dropStale(t.Context(), conn)
	})
	if err != nil {
		t.Fatal(err)
	}
	if exists(t, stale) {
		t.Errorf("database %s still exists", stale)
	}
	if !exists(t, fresh.Name) {
		t.Errorf("database %s is gone", fresh.Name)
	}
}

func TestFindServerRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"no server":             "",
		"a key and value list":  "host=127.0.0.1 dbname=postgres",
		"another kind of URL":   "mysql://127.0.0.1/postgres",
		"a server further away": "postgres://postgres@192.0.2.1/postgres",
		"a host in the query":   "postgres:///postgres?host=192.0.2.1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envURL, value)
			if _, err := findServer(envURL); err == nil {
				t.Errorf("findServer(envURL) accepted %q", value)
			}
		})
	}
}

func TestTemplateName(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	rapid.Check(t, func(t *rapid.T) {
		one, two := rapid.String().Draw(t, "one"), rapid.String().Draw(t, "two")
		got := templateName(one, "binary")
		if !valid.MatchString(got) {
			t.Errorf("templateName(%q) = %q, which needs quoting", one, got)
		}
		if (one == two) != (got == templateName(two, "binary")) {
			t.Errorf("templateName() is not one to one for %q and %q", one, two)
		}
		if got == templateName(one, "another binary") {
			t.Errorf("templateName(%q) does not depend on the binary", one)
		}
	})
}

// BenchmarkNewFrom measures what one test pays for its database.
func BenchmarkNewFrom(b *testing.B) {
	prepare := func(ctx context.Context, url string) error {
		return execute(ctx, url, "CREATE TABLE note (id int)")
	}
	for b.Loop() {
		NewFrom(b, "benchmark", prepare)
	}
}

func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func exists(t *testing.T, name string) bool {
	t.Helper()
	srv, err := findServer(envURL)
	if err != nil {
		t.Fatal(err)
	}
	var found bool
	err = srv.do(t.Context(), func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&found)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
