package conformance_test

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

// openGormlite is GORM over the driver of ncruces. GORM's own dialect over
// modernc is in package gormsqlite.
func openGormlite(t *testing.T, config gorm.Config) *gorm.DB {
	t.Helper()
	pool, err := chronosql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "test.db")+"?_pragma=busy_timeout(60000)&_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(0)", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return openGORM(t, gormlite.OpenDB(pool), config)
}

func TestGormlite(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]gormMode{
		"plain":                  {},
		"PrepareStmt":            {config: gorm.Config{PrepareStmt: true}},
		"SkipDefaultTransaction": {config: gorm.Config{SkipDefaultTransaction: true}},
		"G":                      {generic: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Env {
				t.Helper()
				return conformance.GORMEnv(t, openGormlite(t, mode.config), mode.generic)
			})
		})
	}
}

func TestGormliteModels(t *testing.T) {
	t.Parallel()
	conformance.RunGORM(t, func(t *testing.T) *gorm.DB {
		t.Helper()
		return openGormlite(t, gorm.Config{})
	})
}

func TestGormliteStale(t *testing.T) {
	t.Parallel()
	for name, config := range gormStaleModes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.RunGORMStale(t, func(t *testing.T) *gorm.DB {
				t.Helper()
				return openGormlite(t, config)
			})
		})
	}
}
