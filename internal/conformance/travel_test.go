//go:build unix

package conformance_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/plugin/dbresolver"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// pastOf changes the only todo from old to new, and returns a context that reads
// what was.
func pastOf(t *testing.T, db *sql.DB) context.Context {
	t.Helper()
	var at time.Time
	if _, err := db.ExecContext(t.Context(), "INSERT INTO todos (title) VALUES ('old')"); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE todos SET title = 'new'"); err != nil {
		t.Fatal(err)
	}
	return chrononaut.AsOf(t.Context(), at)
}

// TestPgBouncerInThePast lets clients alternate between past and present on one
// connection to the server.
func TestPgBouncerInThePast(t *testing.T) {
	t.Parallel()
	direct := trackedDatabase(t)
	bouncer := startPgBouncer(t, direct.URL(), "")
	plain, err := sql.Open("pgx", direct.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	past := pastOf(t, plain)
	type reader func(ctx context.Context, sql string, args ...any) (string, error)
	overPgx := func(mode pgx.QueryExecMode) (apart, inside reader) {
		config, err := pgxpool.ParseConfig(bouncer)
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.DefaultQueryExecMode = mode
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		db := chronopgx.New(pool, nil)
		apart = func(ctx context.Context, sql string, args ...any) (s string, err error) {
			err = db.QueryRow(ctx, sql, args...).Scan(&s)
			return s, err
		}
		inside = func(ctx context.Context, sql string, args ...any) (s string, err error) {
			err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(&s) })
			return s, err
		}
		return apart, inside
	}
	overSQL := func(driver, option string) (apart, inside reader) {
		db, err := chronosql.Open(driver, bouncer+"&"+option, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		apart = func(ctx context.Context, query string, args ...any) (s string, err error) {
			err = db.QueryRowContext(ctx, query, args...).Scan(&s)
			return s, err
		}
		inside = func(ctx context.Context, query string, args ...any) (s string, err error) {
			err = inTx(ctx, db, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, query, args...).Scan(&s) })
			return s, err
		}
		return apart, inside
	}
	readers := map[string]reader{}
	add := func(name string, apart, inside reader) {
		readers[name], readers[name+" in transactions"] = apart, inside
	}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		apart, inside := overPgx(mode)
		add("chronopgx "+mode.String(), apart, inside)
		apart, inside = overSQL("pgx", "default_query_exec_mode="+strings.ReplaceAll(mode.String(), " ", "_"))
		add("chronosql over pgx "+mode.String(), apart, inside)
	}
	apart, inside := overSQL("postgres", "binary_parameters=yes")
	add("chronosql over lib/pq", apart, inside)
	var wg sync.WaitGroup
	for name, read := range readers {
		wg.Go(func() {
			for range 10 {
				for ctx, want := range map[context.Context]string{past: "old", t.Context(): "new"} {
					got, err := read(ctx, "SELECT title FROM public.todos WHERE id = $1", 1)
					if err != nil || got != want {
						t.Errorf("%s: %q, %v; want %s", name, got, err, want)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestRoundTripsOfThePastOverLibPQ holds what docs/travel.md says of drivers
// that cannot send two things at once.
func TestRoundTripsOfThePastOverLibPQ(t *testing.T) {
	t.Parallel()
	const query = "SELECT title FROM public.todos WHERE id = $1"
	proxy := wiretest.Start(t, trackedDatabase(t).URL())
	connector, err := pq.NewConnector(proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	db, err := chronosql.OpenDB(connector, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	past := pastOf(t, db)
	stmt, err := db.PrepareContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for _, tc := range []struct {
		name         string
		plain, extra int
		run          func(ctx context.Context) (string, error)
	}{
		{"a query", 2, 2, func(ctx context.Context) (title string, err error) {
			err = db.QueryRowContext(ctx, query, 1).Scan(&title)
			return title, err
		}},
		{"a query without parameters", 1, 2, func(ctx context.Context) (title string, err error) {
			err = db.QueryRowContext(ctx, "SELECT title FROM todos").Scan(&title)
			return title, err
		}},
		{"a prepared query", 1, 3, func(ctx context.Context) (title string, err error) {
			err = stmt.QueryRowContext(ctx, 1).Scan(&title)
			return title, err
		}},
		{"a transaction", 4, 2, func(ctx context.Context) (title string, err error) {
			err = inTx(ctx, db, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, query, 1).Scan(&title) })
			return title, err
		}},
	} {
		for _, step := range []struct {
			ctx   context.Context
			want  int
			title string
		}{{t.Context(), tc.plain, "new"}, {past, tc.plain + tc.extra, "old"}} {
			for range 2 {
				// The first time relations are read.
				proxy.Reset()
				if title, err := tc.run(step.ctx); err != nil || title != step.title {
					t.Fatalf("%s: %q, %v; want %s", tc.name, title, err, step.title)
				}
			}
			if got := proxy.RoundTrips(); got != step.want {
				t.Errorf("%s took %d round trips, want %d: %q", tc.name, got, step.want, proxy.Statements())
			}
		}
	}
}

func TestSQLXInThePast(t *testing.T) {
	t.Parallel()
	eachDriver(t, func(t *testing.T, f *sqlFixture) {
		t.Helper()
		past := pastOf(t, f.db)
		db := sqlx.NewDb(f.db, "postgres")
		for ctx, want := range map[context.Context]string{past: "old", t.Context(): "new"} {
			type todo struct {
				ID    int64
				Title string
			}
			var one todo
			if err := db.GetContext(ctx, &one, "SELECT id, title FROM public.todos WHERE id = $1", 1); err != nil || one.Title != want {
				t.Errorf("GetContext() = %+v, %v; want %s", one, err, want)
			}
			rows, err := db.NamedQueryContext(ctx, "SELECT id, title FROM todos WHERE id = :id", todo{ID: 1})
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				if err := rows.StructScan(&one); err != nil || one.Title != want {
					t.Errorf("StructScan() = %+v, %v; want %s", one, err, want)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Error(err)
			}
			tx, err := db.BeginTxx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			stmt, err := tx.PrepareNamedContext(ctx, "SELECT id, title FROM public.todos WHERE title <> :title")
			if err != nil {
				t.Fatal(err)
			}
			var all []todo
			if err := stmt.SelectContext(ctx, &all, todo{Title: "x"}); err != nil || len(all) != 1 || all[0].Title != want {
				t.Errorf("SelectContext() = %+v, %v; want %s", all, err, want)
			}
			if err := errors.Join(stmt.Close(), tx.Commit()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestOtherWrappersInThePast has another wrapper between chronosql and pgx, so that it
// does not know that it is pgx.
func TestOtherWrappersInThePast(t *testing.T) {
	t.Parallel()
	f := &sqlFixture{T: t, url: trackedDatabase(t).URL()}
	connector, err := otelsql.WrapDriver(stdlib.GetDefaultDriver()).(driver.DriverContext).OpenConnector(f.url)
	if err != nil {
		t.Fatal(err)
	}
	db := f.open(sql.OpenDB(chronosql.NewConnector(connector, chronodriver.PostgreSQL, nil)), nil)
	past := pastOf(t, db)
	for range 2 {
		for ctx, want := range map[context.Context]string{past: "old", t.Context(): "new"} {
			var apart, inside string
			err := db.QueryRowContext(ctx, "SELECT title FROM public.todos WHERE id = $1", 1).Scan(&apart)
			if err == nil {
				err = inTx(ctx, db, func(tx *sql.Tx) error {
					return tx.QueryRowContext(ctx, "SELECT title FROM public.todos WHERE id = $1", 1).Scan(&inside)
				})
			}
			if err != nil || apart != want || inside != want {
				t.Errorf("titles are %q and %q, %v; want %s", apart, inside, err, want)
			}
		}
	}
	if _, err := db.ExecContext(past, `SELECT FROM U&"publ\0069c".todos`); !errors.Is(err, chrononaut.ErrPast) {
		t.Errorf("error = %v, want %v", err, chrononaut.ErrPast)
	}
}

func TestGORMResolverInThePast(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]struct {
		plain  bool
		config gorm.Config
	}{
		"chronosql":                    {},
		"chronosql with PrepareStmt":   {config: gorm.Config{PrepareStmt: true}},
		"plain pools":                  {plain: true},
		"plain pools with PrepareStmt": {plain: true, config: gorm.Config{PrepareStmt: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openResolved(t, mode.plain, mode.config)
			// The replica is a database with a history of its own.
			replica := trackedItems(t, r.replica)
			for source, ctx := range map[string]context.Context{"replica": replica, "source": r.itemPast(t)} {
				for range 2 {
					var read []item
					db := r.WithContext(ctx)
					if source == "source" {
						db = db.Clauses(dbresolver.Write)
					}
					if err := db.Find(&read).Error; err != nil || len(read) != 1 || read[0].Title != source+" old" {
						t.Errorf("Find from the %s = %+v, %v; want its past", source, read, chrononaut.WrapError(err))
					}
				}
			}
			var read []item
			if err := r.Find(&read).Error; err != nil || len(read) != 1 || read[0].Title != "replica" {
				t.Errorf("Find = %+v, %v; want the replica's present", read, err)
			}
			err := r.WithContext(r.itemPast(t)).Transaction(func(tx *gorm.DB) error {
				return tx.First(&item{}, "title = ?", "source old").Error
			})
			if err != nil {
				t.Errorf("in a transaction: %v", err)
			}
			if err := r.WithContext(replica).Create(&item{ID: 9}).Error; !errors.Is(err, chrononaut.ErrPast) {
				t.Errorf("Create in the past: error = %v, want %v", err, chrononaut.ErrPast)
			}
		})
	}
}

// itemPast gives the primary an item, and returns a context that reads what it
// was called before.
func (r *resolved) itemPast(t *testing.T) context.Context {
	t.Helper()
	old := item{ID: 1, Title: "source old"}
	if err := chronogorm.AnyVersion(r.DB).Save(&old).Error; err != nil {
		t.Fatal(err)
	}
	var at time.Time
	if err := r.primary.QueryRowContext(t.Context(), "SELECT clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	old.Title = "source"
	if err := r.Save(&old).Error; err != nil {
		t.Fatal(err)
	}
	return chrononaut.AsOf(t.Context(), at)
}

// trackedItems tracks the items of the replica and changes them.
func trackedItems(t *testing.T, replica *sql.DB) context.Context {
	t.Helper()
	if _, err := replica.ExecContext(t.Context(), "DROP TABLE items"); err != nil {
		t.Fatal(err)
	}
	db := openGORM(t, postgres.New(postgres.Config{Conn: replica}), gorm.Config{})
	if err := db.AutoMigrate(&item{}); err != nil {
		t.Fatal(err)
	}
	if err := db.Create(&item{ID: 77, Title: "replica old"}).Error; err != nil {
		t.Fatal(err)
	}
	var at time.Time
	if err := replica.QueryRowContext(t.Context(), "SELECT clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	if err := db.Model(&item{ID: 77}).Update("title", "replica").Error; err != nil {
		t.Fatal(err)
	}
	return chrononaut.AsOf(t.Context(), at)
}
