package conformance_test

import (
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

func TestDiffAndBlame(t *testing.T) {
	t.Parallel()
	t.Run("pgx", func(t *testing.T) {
		t.Parallel()
		conformance.RunDiffs(t, func(t *testing.T) *conformance.Env {
			return pgxEnv(t, pgx.QueryExecModeCacheStatement, conformance.Installed(t).URL())
		})
	})
	for name, driver := range sqliteDrivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.RunDiffs(t, func(t *testing.T) *conformance.Env {
				path := filepath.Join(t.TempDir(), "test.db")
				return sqlEnv(t, driver, "file:"+path+"?_pragma=busy_timeout(60000)&_pragma=synchronous(0)&_txlock=immediate")
			})
		})
	}
}
