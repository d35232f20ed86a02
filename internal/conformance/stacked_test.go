package conformance_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"github.com/ncruces/go-sqlite3/gormlite"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
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

// TestOtelSQLWithGORM has GORM's plugin find out that the pool underneath
// attributes.
func TestOtelSQLWithGORM(t *testing.T) {
	t.Parallel()
	config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return map[string]any{"program": "shop"} }}
	for name, open := range map[string]func(t *testing.T) *gorm.DB{
		"on PostgreSQL": func(t *testing.T) *gorm.DB {
			t.Helper()
			parsed, err := pgx.ParseConfig(conformance.Installed(t).URL())
			if err != nil {
				t.Fatal(err)
			}
			pool := otelsql.OpenDB(chronosql.NewConnector(stdlib.GetConnector(*parsed), chronodriver.PostgreSQL, config))
			t.Cleanup(func() { _ = pool.Close() })
			return openGORM(t, postgres.New(postgres.Config{Conn: pool}), gorm.Config{})
		},
		"on SQLite": func(t *testing.T) *gorm.DB {
			t.Helper()
			plain, err := sql.Open("sqlite3", "")
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			connector, err := plain.Driver().(driver.DriverContext).OpenConnector("file:" + filepath.Join(t.TempDir(), "test.db"))
			if err != nil {
				t.Fatal(err)
			}
			pool := otelsql.OpenDB(chronosql.NewConnector(connector, chronodriver.SQLite, config))
			t.Cleanup(func() { _ = pool.Close() })
			return openGORM(t, gormlite.OpenDB(pool), gorm.Config{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			if err := db.AutoMigrate(&stocked{}); err != nil {
				t.Fatal(err)
			}
			ctx := chrononaut.WithActor(t.Context(), "ann")
			s := stocked{Name: "nail"}
			if err := db.WithContext(ctx).Create(&s).Error; err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return tx.Model(&s).Update("name", "screw").Error })
			if err != nil {
				t.Fatal(err)
			}
			history, err := chronogorm.History[stocked](db)
			if err != nil {
				t.Fatal(err)
			}
			versions, err := history.Versions(t.Context(), chrononaut.Key{"id": s.ID}, nil)
			if err != nil || len(versions) != 2 {
				t.Fatalf("%d versions, %v; want 2", len(versions), err)
			}
			for _, v := range versions {
				if actor := v.Change.Actor; actor != "ann" || v.Change.ExtraInfo["program"] != "shop" {
					t.Errorf("version %d by %s with %v, want it by ann, and the program", v.Change.Version, actor, v.Change.ExtraInfo)
				}
			}
			past := db.WithContext(chrononaut.AsOf(t.Context(), before))
			var was []stocked
			if err := past.Find(&was).Error; err != nil || len(was) != 1 || was[0].Name != "nail" {
				t.Errorf("in the past: %v, %v; want the nail", was, err)
			}
			var one stocked
			err = past.Transaction(func(tx *gorm.DB) error { return tx.First(&one, s.ID).Error })
			if err != nil || one.Name != "nail" {
				t.Errorf("in a transaction of the past: %v, %v; want the nail", one, err)
			}
		})
	}
}
