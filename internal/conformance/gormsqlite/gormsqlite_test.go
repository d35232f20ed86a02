// Package gormsqlite tests GORM on SQLite, with GORM's own dialect over the
// driver of modernc. It is a package of its own because that dialect brings a
// driver along that has the same name as that of ncruces.
package gormsqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

func open(t *testing.T, config gorm.Config) *gorm.DB {
	t.Helper()
	pool, err := chronosql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db")+"?_pragma=busy_timeout(60000)&_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(0)", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	config.Logger = logger.Discard
	db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), &config)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Use(chronogorm.New(nil)); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestGORM(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]struct {
		config  gorm.Config
		generic bool
	}{
		"plain":                  {},
		"PrepareStmt":            {config: gorm.Config{PrepareStmt: true}},
		"SkipDefaultTransaction": {config: gorm.Config{SkipDefaultTransaction: true}},
		"G":                      {generic: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Env {
				t.Helper()
				return conformance.GORMEnv(t, open(t, mode.config), mode.generic)
			})
		})
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	conformance.RunGORM(t, func(t *testing.T) *gorm.DB {
		t.Helper()
		return open(t, gorm.Config{})
	})
}

func TestStale(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]gorm.Config{"plain": {}, "SkipDefaultTransaction": {SkipDefaultTransaction: true, PrepareStmt: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.RunGORMStale(t, func(t *testing.T) *gorm.DB {
				t.Helper()
				return open(t, config)
			})
		})
	}
}

func TestPlainPoolIsRefused(t *testing.T) {
	t.Parallel()
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), &gorm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Use(chronogorm.New(nil)); !errors.Is(err, chronogorm.ErrPool) || !strings.Contains(err.Error(), "chronosql") {
		t.Errorf("Use: error = %v, want ErrPool that names chronosql", err)
	}
}
