package pgpast_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/internal/pgpast"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// open returns a database whose table todos had two rows at a point, and has
// three. Nothing may ever count three.
func open(t *testing.T) (db *pgtest.Database, past context.Context) {
	t.Helper()
	db = pgtest.NewFrom(t, "pgpast", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		driver := chronopgx.NewDriver(pool, nil)
		m, err := chronomigrate.New(driver, nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		_, err = pool.Exec(ctx, `
			CREATE TABLE todos (id integer PRIMARY KEY, title text);
			CREATE TABLE other (id integer PRIMARY KEY);
			CREATE FUNCTION peek() RETURNS SETOF integer LANGUAGE sql AS 'SELECT id FROM public.todos';
			CREATE PROCEDURE leave() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'`)
		if err != nil {
			return err
		}
		_, err = m.Track(ctx, chrononaut.Table{Name: "todos"}, nil, nil)
		return err
	})
	pool := db.Pool(t)
	ctx := t.Context()
	if _, err := pool.Exec(ctx, `INSERT INTO todos VALUES (1, 'a'), (2, 'b')`); err != nil {
		t.Fatal(err)
	}
	var id uint64
	if err := pool.QueryRow(ctx, `SELECT max(transaction_id::text::bigint) FROM chrononaut.chrononaut_activity`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, `INSERT INTO todos VALUES (3, 'new')`); err != nil {
		t.Fatal(err)
	}
	return db, chrononaut.AsOfPoint(ctx, chrononaut.AtTransaction(id), nil)
}

// proxied starts a proxy and returns how to reach the database through it.
func proxied(t *testing.T) (db *pgtest.Database, config *pgx.ConnConfig) {
	t.Helper()
	db, past := open(t)
	server, err := pgconn.ParseConfig(db.URL())
	if err != nil {
		t.Fatal(err)
	}
	point, err := pgpast.NewPoint(past, chrononaut.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- pgpast.NewProxy(server, point).Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	config, err = pgx.ParseConfig(fmt.Sprintf("host=%s port=5432 user=%s dbname=%s application_name=client", dir, server.User, server.Database))
	if err != nil {
		t.Fatal(err)
	}
	return db, config
}

func connect(t *testing.T, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

func TestStatementsReadThePastInAllModes(t *testing.T) {
	t.Parallel()
	_, config := proxied(t)
	for _, mode := range modes {
		config.DefaultQueryExecMode = mode
		conn := connect(t, config)
		for range 2 { // the second time, a statement may be prepared
			for _, sql := range []string{
				"SELECT count(*) FROM todos", "SELECT count(*) FROM public.todos", `select count("public"."todos".*) from "public" . todos`,
				"WITH t AS MATERIALIZED (TABLE public.todos) SELECT count(*) FROM t -- the past", "SELECT count(*) FROM todos WHERE id > $1",
			} {
				var args []any
				if strings.Contains(sql, "$1") {
					args = append(args, 0)
				}
				var n int
				if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil || n != 2 {
					t.Errorf("%v: %s = %d, %v, want 2", mode, sql, n, err)
				}
			}
			for sql, state := range map[string]string{
				"SELECT * FROM peek()":                                  chronodriver.StatePast,
				"SELECT * FROM other":                                   chronodriver.StatePast,
				"SELECT * FROM public.other":                            chronodriver.StatePast,
				"UPDATE todos SET title = 'x' RETURNING id":             chronodriver.StatePast,
				"SET search_path = public":                              chronodriver.StatePast,
				"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE": chronodriver.StatePast,
				"CREATE TABLE more (id integer)":                        "25006",
				"SELECT nextval('pg_catalog.nothing')":                  "42P01",
				"SELECT 1/(SELECT min(id) - 1 FROM todos)":              "22012",
				"CALL leave()":                                          "2D000",
			} {
				_, err := conn.Exec(t.Context(), sql)
				if got := chronodriver.State(err); got != state {
					t.Errorf("%v: %s: SQLSTATE %s, want %s: %v", mode, sql, got, state, err)
				}
			}
			rows, _ := conn.Query(t.Context(), "SELECT * FROM peek()")
			if n, err := pgx.CollectRows(rows, pgx.RowTo[int]); err == nil {
				t.Errorf("%v: the rows of a function that reads the present are a result: %v", mode, n)
			}
		}
	}
}

// placeOfNope counts characters from 1.
func placeOfNope(sql string) int {
	before, _, _ := strings.Cut(sql, "nope")
	return utf8.RuneCountInString(before) + 1
}

func TestErrorsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	_, config := proxied(t)
	for _, mode := range modes {
		config.DefaultQueryExecMode = mode
		for _, sql := range []string{"SELECT 'ä', nope FROM public.todos", "SELECT 'ä', 1 AS b FROM public.todos, public.todos x WHERE nope"} {
			_, err := connect(t, config).Exec(t.Context(), sql)
			var server *pgconn.PgError
			if want := placeOfNope(sql); !errors.As(err, &server) || int(server.Position) != want {
				t.Errorf("%v: %s: %+v, want position %d", mode, sql, server, want)
			}
		}
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	const sql = "SELECT 'ä'; SELECT count(*) FROM public.todos; SELECT nope FROM public.todos"
	_, err := connect(t, config).Exec(t.Context(), sql)
	var server *pgconn.PgError
	if want := placeOfNope(sql); !errors.As(err, &server) || int(server.Position) != want {
		t.Errorf("of several statements: %+v, want position %d", server, want)
	}
}

// Whatever a client does, in and out of transactions, and by one text of several
// statements: what it can count is the past.
func TestEveryStatementOfASessionIsInThePast(t *testing.T) {
	t.Parallel()
	_, config := proxied(t)
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	statements := []string{
		"BEGIN", "BEGIN READ WRITE", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "COMMIT", "COMMIT AND CHAIN", "ROLLBACK", "ROLLBACK AND CHAIN", "ABORT",
		"END", "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "SELECT 1/0", "SELECT nope", "INSERT INTO public.todos VALUES (9)", "SELECT * FROM peek()",
		"SET TRANSACTION READ WRITE", "SET search_path = public", "RESET ALL", "DISCARD ALL", "SELECT set_config('search_path', 'public', true)", "SELECT 1 AS",
		"SELECT set_config('chrononaut.as_of', '', true)", "DECLARE c CURSOR FOR SELECT 2 FROM public.other", "", "CALL leave()", "PREPARE p AS SELECT 1", "DEALLOCATE ALL",
		"SET extra_float_digits = 2", "LISTEN x", "DO $$ BEGIN PERFORM count(*) FROM todos; END $$",
	}
	const count = "SELECT count(*) AS n FROM todos"
	counted, sessions := 0, 15
	if testing.Short() {
		sessions = 3
	}
	for range sessions {
		conn := connect(t, config).PgConn()
		for range 25 {
			text := statements[random.IntN(len(statements))]
			for range random.IntN(3) {
				text += ";" + statements[random.IntN(len(statements))]
			}
			for _, sql := range []string{text, count, strings.Replace(count, "todos", "public.todos", 1), text + ";" + count} {
				results, _ := conn.Exec(t.Context(), sql).ReadAll()
				for _, result := range results {
					if len(result.FieldDescriptions) == 0 || result.FieldDescriptions[0].Name != "n" || len(result.Rows) == 0 {
						continue
					}
					if counted++; result.Err == nil && string(result.Rows[0][0]) != "2" {
						t.Errorf("%s: count(*) = %s, want 2", sql, result.Rows[0][0])
					}
				}
			}
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if counted < 15*sessions {
		t.Errorf("rows were counted only %d times", counted)
	}
}

func TestTransactionsOfTheClient(t *testing.T) {
	t.Parallel()
	db, config := proxied(t)
	conn := connect(t, config)
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{AccessMode: pgx.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT * FROM peek()"); chronodriver.State(err) != chronodriver.StatePast {
		t.Errorf("a function that reads the present: %v", err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT 1"); chronodriver.State(err) != "25P02" {
		t.Errorf("after an error, a statement of the transaction: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	var application, zone string
	if _, err := conn.Exec(t.Context(), "SET TimeZone = 'Asia/Tokyo'"); err != nil {
		t.Error(err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('application_name'), current_setting('TimeZone')").Scan(&application, &zone); err != nil || application != "client" || zone != "Asia/Tokyo" {
		t.Errorf("settings of the client are %q and %q, %v", application, zone, err)
	}
	// Idle, the client holds nothing that is in the way of others.
	if _, err := db.Pool(t).Exec(t.Context(), "SET lock_timeout = '5s'; DROP TABLE todos CASCADE"); err != nil {
		t.Error(err)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	_, config := proxied(t)
	conn := connect(t, config)
	var out strings.Builder
	tag, err := conn.PgConn().CopyTo(t.Context(), &out, "COPY (SELECT id, title FROM public.todos ORDER BY id) TO STDOUT")
	if err != nil || out.String() != "1\ta\n2\tb\n" || tag.RowsAffected() != 2 {
		t.Errorf("COPY TO = %q, %v", out.String(), err)
	}
	if _, err := conn.PgConn().CopyTo(t.Context(), io.Discard, "COPY (SELECT * FROM peek()) TO STDOUT"); chronodriver.State(err) != chronodriver.StatePast {
		t.Errorf("COPY of the present: %v", err)
	}
	if _, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader("9\tx\n"), "COPY todos FROM STDIN"); chronodriver.State(err) != chronodriver.StatePast {
		t.Errorf("COPY FROM: %v", err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM todos").Scan(&n); err != nil || n != 2 {
		t.Errorf("after it, count(*) = %d, %v", n, err)
	}
}

func TestStatementsCanBeCancelled(t *testing.T) {
	t.Parallel()
	db, config := proxied(t)
	conn := connect(t, config)
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT pg_sleep(600)")
		done <- err
	}()
	pool := db.Pool(t)
	for running := 0; running == 0; {
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(600)%' AND state = 'active'").Scan(&running)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; chronodriver.State(err) != "57014" {
		t.Errorf("the statement ended with %v", err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM todos").Scan(&n); err != nil || n != 2 {
		t.Errorf("after it, count(*) = %d, %v", n, err)
	}
}

func TestManyClients(t *testing.T) {
	t.Parallel()
	_, config := proxied(t)
	var all sync.WaitGroup
	for range 8 {
		conn := connect(t, config)
		all.Go(func() {
			for range 20 {
				var n, size int
				err := conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM todos), sum(length(repeat('x', i))) FROM generate_series(1, 2000) AS i").Scan(&n, &size)
				if err != nil || n != 2 || size != 2001000 {
					t.Errorf("count(*) = %d, %d characters, %v", n, size, err)
				}
			}
		})
	}
	all.Wait()
}

func TestConnectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	_, config := proxied(t)
	for change, f := range map[string]func(c *pgx.ConnConfig){
		"user":     func(c *pgx.ConnConfig) { c.User = "somebody" },
		"database": func(c *pgx.ConnConfig) { c.Database = "postgres" },
		"setting":  func(c *pgx.ConnConfig) { c.RuntimeParams["work_mem"] = "nonsense" },
	} {
		c := config.Copy()
		f(c)
		if conn, err := pgx.ConnectConfig(t.Context(), c); err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("another %s: no error", change)
		} else if chronodriver.State(err) == "" {
			t.Errorf("another %s: %v", change, err)
		}
	}
	// A client that asks for encryption, and one that talks nonsense.
	for _, code := range []uint32{80877103, 80877104} {
		conn, err := net.Dial("unix", filepath.Join(config.Host, ".s.PGSQL.5432"))
		if err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1)
		if err := binary.Write(conn, binary.BigEndian, []uint32{8, code}); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != 'N' {
			t.Errorf("asked for encryption, it answers %q, %v", answer, err)
		}
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
			t.Errorf("asked for nonsense, it answers %q, %v", rest, err)
		}
		_ = conn.Close()
	}
}

func TestAServerThatGoes(t *testing.T) {
	t.Parallel()
	db, config := proxied(t)
	conn := connect(t, config)
	if _, err := db.Pool(t).Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'client' AND datname = current_database()"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil || !conn.IsClosed() {
		t.Errorf("after the server has ended the connection: %v", err)
	}
	connect(t, config)
}
