package conformance_test

import (
	"database/sql"
	"database/sql/driver"
	"slices"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// TestSQLX runs sqlx over a pool of chronosql, with each driver.
func TestSQLX(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		type todo struct {
			ID    int64
			Title string
			Done  bool
		}
		db := sqlx.NewDb(f.db, "postgres")
		ctx := f.as("ann")

		if _, err := db.NamedExecContext(ctx, "INSERT INTO todos (title) VALUES (:title)", []todo{{Title: "a"}, {Title: "b"}}); err != nil {
			t.Fatal(err)
		}
		var added todo
		if err := db.GetContext(ctx, &added, "INSERT INTO todos (title) VALUES ($1) RETURNING id, title, done", "c"); err != nil || added.Title != "c" {
			t.Fatalf("GetContext() = %+v, %v", added, err)
		}
		stmt, err := db.PrepareNamedContext(ctx, "UPDATE todos SET done = true WHERE title = :title RETURNING id, title, done")
		if err != nil {
			t.Fatal(err)
		}
		var updated []todo
		if err := stmt.SelectContext(ctx, &updated, todo{Title: "a"}); err != nil || len(updated) != 1 || !updated[0].Done {
			t.Fatalf("SelectContext() = %+v, %v", updated, err)
		}
		if err := stmt.Close(); err != nil {
			t.Error(err)
		}
		tx, err := db.BeginTxx(f.as("bob"), nil)
		if err != nil {
			t.Fatal(err)
		}
		query, args, err := sqlx.In("DELETE FROM todos WHERE title IN (?)", []string{"b", "c"})
		if err != nil {
			t.Fatal(err)
		}
		f.exec(t.Context(), tx, tx.Rebind(query), args...)
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		f.wantLog("a insert ann", "b insert ann", "c insert ann", "a update ann", "b delete bob", "c delete bob")
	})
}

// TestOtelSQL stacks chronosql and a library that traces, either way round.
func TestOtelSQL(t *testing.T) {
	t.Parallel()
	for name, stack := range map[string]func(t *testing.T, url string, trace otelsql.Option) *sql.DB{
		"on top of chronosql": func(t *testing.T, url string, trace otelsql.Option) *sql.DB {
			t.Helper()
			config, err := pgx.ParseConfig(url)
			if err != nil {
				t.Fatal(err)
			}
			return otelsql.OpenDB(chronosql.NewConnector(stdlib.GetConnector(*config), chronodriver.PostgreSQL, nil), trace)
		},
		"below chronosql": func(t *testing.T, url string, trace otelsql.Option) *sql.DB {
			t.Helper()
			traced := otelsql.WrapDriver(stdlib.GetDefaultDriver(), trace)
			connector, err := traced.(driver.DriverContext).OpenConnector(url)
			if err != nil {
				t.Fatal(err)
			}
			return sql.OpenDB(chronosql.NewConnector(connector, chronodriver.PostgreSQL, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
			f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
			f.db = f.open(stack(t, f.url, otelsql.WithTracerProvider(provider)), nil)
			f.plain = f.open(sql.Open("pgx", f.url))

			f.exec(f.as("ann"), f.db, insertTodo, "a")
			if err := f.db.QueryRowContext(f.as("ann"), insertTodo+" RETURNING id", "b").Scan(new(int64)); err != nil {
				t.Fatal(err)
			}
			err := inTx(f.as("bob"), f.db, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(t.Context(), insertTodo, "c"); err != nil {
					return err
				}
				if err := chronosql.SetContext(f.as("carol"), tx, nil); err != nil {
					return err
				}
				_, err := tx.ExecContext(t.Context(), insertTodo, "d")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			f.exec(t.Context(), f.db, insertTodo, "e")
			f.wantLog("a insert ann", "b insert ann", "c insert bob", "d insert carol", "e insert -")

			var names []string
			for _, span := range spans.Ended() {
				names = append(names, span.Name())
			}
			for _, want := range []string{"sql.conn.begin_tx", "sql.conn.exec", "sql.conn.query", "sql.tx.commit"} {
				if !slices.Contains(names, want) {
					t.Errorf("spans %q, want %s among them", names, want)
				}
			}
		})
	}
}
