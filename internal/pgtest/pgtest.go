// Package pgtest gives every test a PostgreSQL database of its own.
//
// The server is named by the environment variable CHRONONAUT_TEST_DATABASE_URL: a superuser's URL
// of a maintenance database, on this machine. "make test" starts a throw-away server and sets it.
// Without it a test that needs a database fails; it does not skip.
//
// A database costs about as much as a small directory copy, so tests can have one each and run in
// parallel. Tests that need the same tables share the work of creating them through [NewFrom].
//
// All functions are safe for concurrent use, also by several test processes on one server.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	envURL = "CHRONONAUT_TEST_DATABASE_URL"

	// timeout bounds the work of creating or dropping one database. It is generous: a machine
	// that runs every package's tests at once is slow.
	timeout = 2 * time.Minute

	// staleAfter is the age at which databases that an earlier run left behind are dropped.
	staleAfter = 24 * time.Hour

	databasePrefix = "chrononaut_test_"
	templatePrefix = "chrononaut_template_"
)

// Database is an empty or prepared database that belongs to one test.
type Database struct {
	// Name is unique on the server, and needs no quoting.
	Name string

	server      *server
	serverMajor int
}

// New creates an empty database in UTF-8 with the C collation and drops it when the test and its
// subtests are complete, ending whatever connections are still open. It fails the test if there
// is no server.
func New(t testing.TB) *Database {
	t.Helper()
	return create(t, envURL, nil)
}

// NewOn is [New] on the server that another environment variable names, for tests that need two.
func NewOn(t testing.TB, variable string) *Database {
	t.Helper()
	return create(t, variable, nil)
}

// NewFrom is like [New], but the database is a copy of a template that prepare filled. Copying
// takes a few tens of milliseconds, whatever prepare does.
//
// Prepare runs once per key and test binary, however many processes run that binary, with the
// superuser's URL of the empty template. It must close its connections before it returns, and has
// two minutes. If prepare fails, so does the test, and the next test tries again.
//
// Because a new binary prepares anew, key need not change when prepare's work does. Two different
// functions in one test binary must have different keys.
func NewFrom(t testing.TB, key string, prepare func(ctx context.Context, url string) error) *Database {
	t.Helper()
	return create(t, envURL, &template{key: key, prepare: prepare})
}

// URL returns the superuser's connection URL of the database, fit for pgx and for lib/pq.
func (d *Database) URL() string { return d.server.databaseURL(d.Name) }

// ServerMajor returns the major version of the server, such as 15.
func (d *Database) ServerMajor() int { return d.serverMajor }

// Pool opens a connection pool with pgx's defaults, except that it allows enough connections for a
// test of concurrency, and closes it when the test is complete. Every call opens another pool.
// Closing waits for connections that the test still holds; so release them.
func (d *Database) Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(d.URL())
	if err != nil {
		t.Fatalf("pgtest: open a pool: %v", err)
	}
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("pgtest: open a pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func create(t testing.TB, variable string, tmpl *template) *Database {
	t.Helper()
	srv, err := findServer(variable)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()

	d := &Database{Name: newName(time.Now()), server: srv}
	err = srv.do(ctx, func(conn *pgx.Conn) error {
		var err error
		if d.serverMajor, err = major(conn); err != nil {
			return err
		}
		from := "template0"
		if tmpl != nil {
			if from, err = tmpl.ensure(ctx, srv, conn, d.serverMajor); err != nil {
				return fmt.Errorf("prepare template %q: %w", tmpl.key, err)
			}
		}
		return createDatabase(ctx, conn, d.serverMajor, d.Name, from)
	})
	if err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}

	// The cleanup of a pool, registered later, runs earlier.
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
		defer cancel()
		err := srv.do(ctx, func(conn *pgx.Conn) error { return dropDatabase(ctx, conn, d.Name) })
		if err != nil {
			t.Errorf("pgtest: drop the database: %v", err)
		}
	})
	return d
}

// server is the server under test.
type server struct{ url *url.URL }

// findServer is not called before a test needs a database, so that the other tests of a package
// run without a server.
func findServer(variable string) (*server, error) {
	value := os.Getenv(variable)
	if value == "" {
		return nil, errors.New(variable + " is not set, so there is no PostgreSQL server to test with\n" +
			"Try: make test, which starts a throw-away server, or put " +
			"`go run ./internal/cmd/testcluster --` before the command")
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		// The value may hold a password, and so may the error.
		return nil, errors.New(variable + " is not a URL that starts with postgres://")
	}
	config, err := pgx.ParseConfig(value)
	if err != nil {
		return nil, errors.New(variable + " is not a valid PostgreSQL URL")
	}
	if !onThisMachine(config.Host) {
		return nil, fmt.Errorf("%s names the host %s: tests create and drop databases, and do so on this machine only",
			variable, config.Host)
	}
	return &server{url: u}, nil
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasPrefix(host, "/") || ip != nil && ip.IsLoopback()
}

func (s *server) databaseURL(name string) string {
	u := *s.url
	u.Path, u.RawPath = "/"+name, ""
	return u.String()
}

// do runs f with a connection to the maintenance database. The connection is not kept: an idle one
// in each of many test processes would cost more than connecting does.
func (s *server) do(ctx context.Context, f func(*pgx.Conn) error) (err error) {
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return f(conn)
}

// major reads the version that the server sent when we connected, such as "15.18 (Debian ...)".
func major(conn *pgx.Conn) (int, error) {
	version := conn.PgConn().ParameterStatus("server_version")
	digits := regexp.MustCompile(`^\d+`).FindString(version)
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("read the server's version %q: %w", version, err)
	}
	return n, nil
}

// newName holds the time, for dropStale, and is random, for other processes.
func newName(now time.Time) string {
	return fmt.Sprintf("%s%x_%s", databasePrefix, now.Unix(), strings.ToLower(rand.Text()[:13]))
}

// createDatabase copies from, which must be template0 or one of our templates.
func createDatabase(ctx context.Context, conn *pgx.Conn, major int, name, from string) error {
	sql := "CREATE DATABASE " + quote(name) + " TEMPLATE " + quote(from)
	if major >= 15 {
		sql += " STRATEGY file_copy" // By way of the log, the default, takes three times as long.
	}
	if from == "template0" {
		// The results must not depend on how the server was set up.
		sql += " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
		if major >= 15 {
			sql += " LOCALE_PROVIDER libc"
		}
	}
	_, err := conn.Exec(ctx, sql)
	return err
}

func dropDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	return err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// template is a database that others are copied from.
type template struct {
	key     string
	prepare func(ctx context.Context, url string) error
}

// ready holds the templates that this process has seen: the server's URL and the template's name.
var ready sync.Map

// ensure creates the template unless it exists, and returns its name. A template exists under its
// name only when it is complete.
func (tmpl *template) ensure(ctx context.Context, srv *server, conn *pgx.Conn, major int) (name string, err error) {
	binary, err := binaryHash()
	if err != nil {
		return "", err
	}
	name = templateName(tmpl.key, binary)
	seen := srv.url.String() + "\n" + name
	if _, ok := ready.Load(seen); ok {
		return name, nil
	}

	// One process at a time; within a process, one test at a time, for each has its own session.
	// Closing the connection would release the lock as well, but only a little later.
	const lock = "('x' || left(md5($1), 16))::bit(64)::bigint"
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock("+lock+")", name); err != nil {
		return "", err
	}
	defer func() {
		_, unlockErr := conn.Exec(ctx, "SELECT pg_advisory_unlock("+lock+")", name)
		err = errors.Join(err, unlockErr)
	}()

	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	if err != nil {
		return "", err
	}
	if !exists {
		if err := tmpl.build(ctx, srv, conn, major, name); err != nil {
			return "", err
		}
	}
	ready.Store(seen, true)
	return name, nil
}

func (tmpl *template) build(ctx context.Context, srv *server, conn *pgx.Conn, major int, name string) (err error) {
	if err := dropStale(ctx, conn); err != nil {
		return fmt.Errorf("drop what earlier runs left: %w", err)
	}
	unfinished := newName(time.Now())
	if err := createDatabase(ctx, conn, major, unfinished, "template0"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, dropDatabase(ctx, conn, unfinished))
		}
	}()
	if err := tmpl.prepare(ctx, srv.databaseURL(unfinished)); err != nil {
		return err
	}
	// A connection to a template would make every copy of it fail, so none is allowed from here on.
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+quote(unfinished)+" ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	// Fails if prepare left a connection open.
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+quote(unfinished)+" RENAME TO "+quote(name)); err != nil {
		return err
	}
	comment := strconv.FormatInt(time.Now().Unix(), 16)
	_, err = conn.Exec(ctx, "COMMENT ON DATABASE "+quote(name)+" IS '"+comment+"'")
	return err
}

// dropStale drops old databases of ours. They pile up on a server that outlives the test run: the
// templates of former test binaries, and the databases of tests that were killed.
func dropStale(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
		SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '')
		FROM pg_database
		WHERE starts_with(datname, $1) OR starts_with(datname, $2)`, databasePrefix, templatePrefix)
	if err != nil {
		return err
	}
	var name, comment string
	var stale []string
	_, err = pgx.ForEachRow(rows, []any{&name, &comment}, func() error {
		// A template's time is in its comment, a test's in its name.
		created := comment
		if rest, ok := strings.CutPrefix(name, databasePrefix); ok {
			created, _, _ = strings.Cut(rest, "_")
		}
		seconds, err := strconv.ParseInt(created, 16, 64)
		if err == nil && time.Since(time.Unix(seconds, 0)) > staleAfter {
			stale = append(stale, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := dropDatabase(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

// templateName is readable, fits PostgreSQL's 63 bytes, and differs for every key and binary.
func templateName(key, binary string) string {
	sum := sha256.Sum256([]byte(binary + "\n" + key))
	readable := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(key), "_")
	const readableMax = 24
	readable = readable[:min(len(readable), readableMax)]
	return templatePrefix + readable + "_" + hex.EncodeToString(sum[:8])
}

// binaryHash identifies the running test binary.
var binaryHash = sync.OnceValues(func() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read the test binary: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
})
