package conformance_test

import (
	"database/sql"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

// gormMode is a way in which applications use GORM.
type gormMode struct {
	driver string
	// plain is a pool that is not one of package chronosql.
	plain  bool
	config gorm.Config
	// generic uses gorm.G.
	generic bool
}

func TestGORM(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]gormMode{
		"chronosql":                              {driver: "pgx"},
		"chronosql with PrepareStmt":             {driver: "pgx", config: gorm.Config{PrepareStmt: true}},
		"chronosql with SkipDefaultTransaction":  {driver: "pgx", config: gorm.Config{SkipDefaultTransaction: true}},
		"chronosql with G":                       {driver: "pgx", generic: true},
		"chronosql over lib/pq":                  {driver: "postgres"},
		"plain pool":                             {driver: "pgx", plain: true},
		"plain pool with PrepareStmt":            {driver: "pgx", plain: true, config: gorm.Config{PrepareStmt: true}},
		"plain pool with SkipDefaultTransaction": {driver: "pgx", plain: true, config: gorm.Config{SkipDefaultTransaction: true}},
		"plain pool with G":                      {driver: "pgx", plain: true, generic: true},
		"plain pool over lib/pq":                 {driver: "postgres", plain: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.RunPostgreSQL(t, func(t *testing.T, url string) *conformance.Env {
				t.Helper()
				db := gormPool(t, mode.driver, url, mode.plain)
				return conformance.GORMEnv(t, openGORM(t, postgres.New(postgres.Config{Conn: db}), mode.config), mode.generic)
			})
		})
	}
}

func TestGORMModels(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{"chronosql": false, "plain pool": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.RunGORM(t, func(t *testing.T) *gorm.DB {
				t.Helper()
				return openGORM(t, postgres.New(postgres.Config{Conn: gormPool(t, "pgx", conformance.Installed(t).URL(), plain)}), gorm.Config{})
			})
		})
	}
}

// gormStaleModes are the ways in which GORM writes, as far as they matter to the
// check of versions.
var gormStaleModes = map[string]gorm.Config{
	"plain":                  {},
	"PrepareStmt":            {PrepareStmt: true},
	"SkipDefaultTransaction": {SkipDefaultTransaction: true, TranslateError: true},
	"both":                   {SkipDefaultTransaction: true, PrepareStmt: true},
}

func TestGORMStale(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]gormMode{
		"chronosql":                   {driver: "pgx"},
		"chronosql over lib/pq":       {driver: "postgres"},
		"chronosql with both":         {driver: "pgx", config: gormStaleModes["both"]},
		"plain pool":                  {driver: "pgx", plain: true},
		"plain pool with PrepareStmt": {driver: "pgx", plain: true, config: gormStaleModes["PrepareStmt"]},
		"plain pool with SkipDefaultTransaction, lib/pq": {driver: "postgres", plain: true, config: gormStaleModes["SkipDefaultTransaction"]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.RunGORMStale(t, func(t *testing.T) *gorm.DB {
				t.Helper()
				return openGORM(t, postgres.New(postgres.Config{Conn: gormPool(t, mode.driver, conformance.Installed(t).URL(), mode.plain)}), mode.config)
			})
		})
	}
}

func gormPool(t *testing.T, driver, dsn string, plain bool) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if !plain {
		_ = db.Close()
		db, err = chronosql.Open(driver, dsn, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.SetMaxOpenConns(4)
	return db
}

func openGORM(t *testing.T, dialector gorm.Dialector, config gorm.Config) *gorm.DB {
	t.Helper()
	config.Logger = logger.Discard
	db, err := gorm.Open(dialector, &config)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Use(chronogorm.New(nil)); err != nil {
		t.Fatal(err)
	}
	return db
}
