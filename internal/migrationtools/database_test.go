package migrationtools_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// todosTable is the application's table. Columns that were dropped leave gaps in
// the numbers of those that come after.
var todosTable = []string{
	`CREATE TABLE todos (id integer PRIMARY KEY, gone integer, title text, password text, seen timestamp, price numeric)`,
	`ALTER TABLE todos DROP COLUMN gone`,
}

type database struct {
	t        *testing.T
	dialect  chronodriver.Dialect
	pool     *sql.DB
	open     func() (*sql.DB, error)
	migrator *chronomigrate.Migrator
	client   *chrononaut.Client
}

var engines = []struct {
	dialect chronodriver.Dialect
	open    func(t *testing.T) *database
}{
	{chronodriver.PostgreSQL, func(t *testing.T) *database {
		t.Helper()
		address := pgtest.New(t).URL()
		return newDatabase(t, chronodriver.PostgreSQL, func() (*sql.DB, error) { return sql.Open("pgx", address) })
	}},
	{chronodriver.SQLite, func(t *testing.T) *database {
		t.Helper()
		file := filepath.Join(t.TempDir(), "test.db")
		return newDatabase(t, chronodriver.SQLite, func() (*sql.DB, error) {
			return sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_txlock=immediate")
		})
	}},
}

func newDatabase(t *testing.T, dialect chronodriver.Dialect, open func() (*sql.DB, error)) *database {
	t.Helper()
	pool, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	db := &database{t: t, dialect: dialect, pool: pool, open: open}
	driver := chronosql.NewDriver(pool, dialect, nil)
	if db.migrator, err = chronomigrate.New(driver, nil); err != nil {
		t.Fatal(err)
	}
	if db.client, err = chrononaut.NewClient(driver, dialect, nil); err != nil {
		t.Fatal(err)
	}
	return db
}

func (db *database) exec(statements ...string) {
	db.t.Helper()
	for _, statement := range statements {
		if _, err := db.pool.ExecContext(db.t.Context(), statement); err != nil {
			db.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// history is what a table of Chrononaut's is called.
func (db *database) history(table string) string {
	if db.dialect == chronodriver.PostgreSQL {
		return "chrononaut." + table
	}
	return table
}

// requireClean fails unless the history schema is at the newest version, up has
// nothing to do, and nothing is found to be wrong.
func (db *database) requireClean() {
	db.t.Helper()
	ctx := db.t.Context()
	status, err := db.migrator.Status(ctx)
	if err != nil || status.Version != status.Latest {
		db.t.Fatalf("status: %+v, %v", status, err)
	}
	result, err := db.migrator.Up(ctx, nil)
	if err != nil || len(result.Versions) > 0 {
		db.t.Fatalf("up applies %+v, %v", result, err)
	}
	db.requireNoDrift()
}

func (db *database) requireNoDrift() {
	db.t.Helper()
	problems, err := db.migrator.Check(db.t.Context(), nil)
	if err != nil {
		db.t.Fatal(err)
	}
	for _, p := range problems {
		db.t.Errorf("check finds %s: %s", p.Kind, p.Message)
	}
}

// operations lists what happened to a record, the oldest first.
func (db *database) operations(id string) []string {
	db.t.Helper()
	rows, err := db.pool.QueryContext(db.t.Context(), "SELECT operation FROM "+db.history("chrononaut_activity")+" WHERE "+db.idOfKey()+" = '"+id+"' ORDER BY id")
	if err != nil {
		db.t.Fatal(err)
	}
	defer rows.Close()
	var operations []string
	for rows.Next() {
		var operation string
		if err := rows.Scan(&operation); err != nil {
			db.t.Fatal(err)
		}
		operations = append(operations, operation)
	}
	if err := rows.Err(); err != nil {
		db.t.Fatal(err)
	}
	return operations
}

func (db *database) idOfKey() string {
	if db.dialect == chronodriver.PostgreSQL {
		return "key ->> 'id'"
	}
	return "CAST(json_extract(key, '$.id') AS TEXT)"
}

func (db *database) version(ctx context.Context) int {
	db.t.Helper()
	status, err := db.migrator.Status(ctx)
	if err != nil {
		db.t.Fatal(err)
	}
	return status.Version
}

func (db *database) requireOperations(id string, want ...string) {
	db.t.Helper()
	if got := db.operations(id); !slices.Equal(got, want) {
		db.t.Errorf("history of record %s: %v, want %v", id, got, want)
	}
}
