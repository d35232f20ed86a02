package chronogorm_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// setup is how a test opens GORM.
type setup struct {
	// plain is a pool that is not one of package chronosql.
	plain  bool
	gorm   gorm.Config
	plugin *chronogorm.Config
}

// modes are the ways in which applications open GORM, as far as they matter
// to attribution.
var modes = map[string]setup{
	"chronosql":                            {},
	"chronosql, PrepareStmt":               {gorm: gorm.Config{PrepareStmt: true}},
	"chronosql, SkipDefaultTransaction":    {gorm: gorm.Config{SkipDefaultTransaction: true}},
	"plain":                                {plain: true},
	"plain, PrepareStmt":                   {plain: true, gorm: gorm.Config{PrepareStmt: true}},
	"plain, SkipDefaultTransaction":        {plain: true, gorm: gorm.Config{SkipDefaultTransaction: true}},
	"plain, both":                          {plain: true, gorm: gorm.Config{SkipDefaultTransaction: true, PrepareStmt: true}},
	"chronosql, both and TranslateError":   {gorm: gorm.Config{SkipDefaultTransaction: true, PrepareStmt: true, TranslateError: true}},
	"plain, DisableNestedTransaction":      {plain: true, gorm: gorm.Config{DisableNestedTransaction: true}},
	"chronosql, QueryFields, no plain FKs": {gorm: gorm.Config{QueryFields: true, DisableForeignKeyConstraintWhenMigrating: true}},
}

// open opens a database without the plugin.
func (s setup) open(t *testing.T, url string) *gorm.DB {
	t.Helper()
	var pool *sql.DB
	var err error
	if s.plain {
		pool, err = sql.Open("pgx", url)
	} else {
		pool, err = chronosql.Open("pgx", url, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	pool.SetMaxOpenConns(4)
	config := s.gorm
	config.Logger = logger.Discard
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &config)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// use opens a database with the plugin.
func (s setup) use(t *testing.T, url string) *gorm.DB {
	t.Helper()
	db := s.open(t, url)
	if err := db.Use(chronogorm.New(s.plugin)); err != nil {
		t.Fatal(err)
	}
	return db
}

// open opens a database with the plugin, and migrates models. History is
// installed already, unless the plugin has options, which may be about that.
func open(t *testing.T, s setup, models ...any) *gorm.DB {
	t.Helper()
	var database *pgtest.Database
	if s.plugin == nil {
		database = installed(t)
	} else {
		database = pgtest.New(t)
	}
	db := s.use(t, database.URL())
	must(t, db.AutoMigrate(models...))
	return db
}

func installed(t *testing.T) *pgtest.Database {
	t.Helper()
	return pgtest.NewFrom(t, "chronogorm", func(ctx context.Context, url string) error {
		pool, err := chronosql.Open("pgx", url, nil)
		if err != nil {
			return err
		}
		m, err := chronomigrate.New(chronosql.NewDriver(pool, chronodriver.PostgreSQL, nil), nil)
		if err == nil {
			_, err = m.Up(ctx, nil)
		}
		return errors.Join(err, pool.Close())
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ran returns the error of a finisher, so that must can take it.
func ran(db *gorm.DB) error { return db.Error }

// changes returns what the log has, oldest first, without what is about tables.
func changes(t *testing.T, db *gorm.DB) []chrononaut.Change {
	t.Helper()
	client, err := chronogorm.Client(db)
	must(t, err)
	all, err := client.Activity(t.Context(), &chrononaut.ActivityOpts{OldestFirst: true, Limit: -1})
	must(t, err)
	records := []chrononaut.Change{}
	for _, c := range all {
		if c.Operation != chrononaut.OperationTrack {
			records = append(records, c)
		}
	}
	return records
}

// wantLog compares the log with lines of table, key, version, operation and
// actor.
func wantLog(t *testing.T, db *gorm.DB, want ...string) {
	t.Helper()
	got := []string{}
	for _, c := range changes(t, db) {
		key, err := c.Key.JSON()
		must(t, err)
		got = append(got, fmt.Sprintf("%s %s %d %s %s", c.Table.Name, key, c.Version, c.Operation, c.Actor))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("log mismatch (-want +got):\n%s", diff)
	}
}

func as(t *testing.T, actor string) context.Context {
	t.Helper()
	return chrononaut.WithActor(t.Context(), actor)
}

func history[T any](t *testing.T, db *gorm.DB) *chrononaut.History[T] {
	t.Helper()
	h, err := chronogorm.History[T](db)
	must(t, err)
	return h
}
