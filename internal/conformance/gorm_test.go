package conformance_test

import (
	"context"
	"database/sql"
	"regexp"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
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
			conformance.Run(t, func(t *testing.T) *conformance.Env {
				t.Helper()
				db := gormPool(t, mode.driver, pgtest.New(t).URL(), mode.plain)
				return gormEnv(t, openGORM(t, postgres.New(postgres.Config{Conn: db}), mode.config), mode.generic)
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

var numbered = regexp.MustCompile(`[$?]\d+`)

func gormEnv(t *testing.T, db *gorm.DB, generic bool) *conformance.Env {
	t.Helper()
	driver, err := chronogorm.NewDriver(db)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(db *gorm.DB) func(ctx context.Context, query string, args ...any) error {
		return func(ctx context.Context, query string, args ...any) error {
			// GORM numbers placeholders itself.
			query = numbered.ReplaceAllString(query, "?")
			if generic {
				return gorm.G[any](db).Exec(ctx, query, args...)
			}
			return db.WithContext(ctx).Exec(query, args...).Error
		}
	}
	return &conformance.Env{
		Driver: driver,
		Exec:   exec(db),
		QueryInt: func(ctx context.Context, query string, args ...any) (n int64, err error) {
			query = numbered.ReplaceAllString(query, "?")
			if generic {
				err = gorm.G[any](db).Raw(query, args...).Scan(ctx, &n)
			} else {
				err = db.WithContext(ctx).Raw(query, args...).Scan(&n).Error
			}
			return n, err
		},
		Tx: func(ctx context.Context, f func(exec func(ctx context.Context, sql string, args ...any) error) error) error {
			return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return f(exec(tx)) })
		},
	}
}
