package conformance_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	_ "github.com/ncruces/go-sqlite3/driver" // the driver "sqlite3"
	_ "modernc.org/sqlite"                   // the driver "sqlite"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// sqliteDrivers are the drivers that every SQLite test runs on.
var sqliteDrivers = map[string]string{"modernc": "sqlite", "ncruces": "sqlite3"}

// eachSQLite runs a test on both drivers, with a database of its own.
func eachSQLite(t *testing.T, f func(t *testing.T, db *sqliteDB)) {
	t.Helper()
	for name, driver := range sqliteDrivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, openSQLite(t, driver, filepath.Join(t.TempDir(), "test.db")))
		})
	}
}

// sqliteDB is a pool of one connection, so that PRAGMAs stay.
type sqliteDB struct {
	*sql.DB
	t      testing.TB
	name   string // of the driver
	path   string
	driver chronodriver.Driver
}

func openSQLite(t testing.TB, driver, path string) *sqliteDB {
	t.Helper()
	dsn := "file:" + path + "?_pragma=busy_timeout(60000)&_pragma=foreign_keys(1)&_pragma=synchronous(0)"
	db, err := chronosql.Open(driver, dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.SetMaxOpenConns(1)
	return &sqliteDB{db, t, driver, path, chronosql.NewDriver(db, chronodriver.SQLite, nil)}
}

func (db *sqliteDB) exec(query string, args ...any) {
	db.t.Helper()
	db.execCtx(db.t.Context(), query, args...)
}

func (db *sqliteDB) execCtx(ctx context.Context, query string, args ...any) {
	db.t.Helper()
	if _, err := db.ExecContext(ctx, query, args...); err != nil {
		db.t.Fatalf("%s: %v", query, err)
	}
}

// rows returns the result of a query as text, one line per row.
func (db *sqliteDB) rows(query string, args ...any) (lines []string) {
	db.t.Helper()
	rows, err := db.QueryContext(db.t.Context(), query, args...)
	if err != nil {
		db.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		db.t.Fatal(err)
	}
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			db.t.Fatal(err)
		}
		line := ""
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			if i > 0 {
				line += "|"
			}
			if v != nil {
				line += fmt.Sprint(v)
			}
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		db.t.Fatalf("%s: %v", query, err)
	}
	return lines
}

func TestSQLiteValuesComeBackExactly(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		query := "SELECT " + sqlite.ReadValue(`'{"a\"b":' || `+sqlite.WriteValue("?1")+` || '}'`, `a"b`) +
			", " + sqlite.ReadValue(`'{"x y":' || `+sqlite.WriteValue("?1")+` || '}'`, "x y")
		for _, want := range []any{
			nil, int64(0), int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1),
			0.1, 1.0, 1e300, 5e-324, math.MaxFloat64, 0.1 + 0.2, 1.0 / 3, math.Inf(1), math.Inf(-1), -123.456,
			"", "null", "1", `{"a": [1, null]}`, `quote " and ' and \ and 	tab`, "a\x00b", "\u2028 é 漢 🎈", "caf\xe9 \x80 \xe2\x82",
			[]byte{},
			[]byte("text"),
			[]byte{0, 255},
		} {
			var got, other any
			if err := db.QueryRowContext(t.Context(), query, want).Scan(&got, &other); err != nil {
				t.Fatal(err)
			}
			for _, v := range []any{got, other} {
				if fmt.Sprintf("%T %v", v, v) != fmt.Sprintf("%T %v", want, want) {
					t.Errorf("%T %#v came back as %T %#v", want, want, v, v)
				}
			}
		}
	})
}
