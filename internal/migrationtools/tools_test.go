package migrationtools_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	atlassqlite "ariga.io/atlas/sql/sqlite"
	gomigrate "github.com/golang-migrate/migrate/v4"
	gomigratedatabase "github.com/golang-migrate/migrate/v4/database"
	gomigratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	gomigratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	bunmigrate "github.com/uptrace/bun/migrate"
	bunschema "github.com/uptrace/bun/schema"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// tool runs the files in a directory, all the way up or down. A tool is made
// anew for each database; what it keeps besides the database is in it.
type tool struct {
	format   chronomigrate.Format
	up, down func(ctx context.Context, db *database, dir string) error
}

func tools() []*tool {
	atlas := &atlasTool{revisions: map[string]*migrate.Revision{}}
	return []*tool{
		{chronomigrate.FormatGoose, gooseUp, gooseDown},
		{chronomigrate.FormatGolangMigrate, golangMigrateUp, golangMigrateDown},
		{chronomigrate.FormatBun, bunUp, bunDown},
		{chronomigrate.FormatAtlas, atlas.run, atlas.run},
	}
}

func gooseProvider(db *database, dir string) (*goose.Provider, error) {
	dialect := goose.DialectPostgres
	if db.dialect == chronodriver.SQLite {
		dialect = goose.DialectSQLite3
	}
	return goose.NewProvider(dialect, db.pool, os.DirFS(dir))
}

func gooseUp(ctx context.Context, db *database, dir string) error {
	provider, err := gooseProvider(db, dir)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

func gooseDown(ctx context.Context, db *database, dir string) error {
	provider, err := gooseProvider(db, dir)
	if err != nil {
		return err
	}
	_, err = provider.DownTo(ctx, 0)
	return err
}

// golangMigrate runs f. After a failure it does what the tool asks for: says by
// hand which version the database has.
func golangMigrate(db *database, dir string, f func(m *gomigrate.Migrate) error) (err error) {
	source, err := iofs.New(os.DirFS(dir), ".")
	if err != nil {
		return err
	}
	// It closes the pool that it is given.
	pool, err := db.open()
	if err != nil {
		return err
	}
	var target gomigratedatabase.Driver
	if db.dialect == chronodriver.SQLite {
		target, err = gomigratesqlite.WithInstance(pool, &gomigratesqlite.Config{})
	} else {
		target, err = gomigratepgx.WithInstance(pool, &gomigratepgx.Config{})
	}
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	m, err := gomigrate.NewWithInstance("iofs", source, string(db.dialect), target)
	if err != nil {
		return errors.Join(err, target.Close())
	}
	defer func() {
		sourceErr, databaseErr := m.Close()
		err = errors.Join(err, sourceErr, databaseErr)
	}()
	if err := f(m); err != nil {
		// The file that failed, going down, is the first one.
		return errors.Join(err, m.Force(1))
	}
	return nil
}

func golangMigrateUp(_ context.Context, db *database, dir string) error {
	return golangMigrate(db, dir, (*gomigrate.Migrate).Up)
}

func golangMigrateDown(_ context.Context, db *database, dir string) error {
	return golangMigrate(db, dir, (*gomigrate.Migrate).Down)
}

func bunMigrator(ctx context.Context, db *database, dir string) (*bunmigrate.Migrator, error) {
	var dialect bunschema.Dialect = pgdialect.New()
	if db.dialect == chronodriver.SQLite {
		dialect = sqlitedialect.New()
	}
	migrations := bunmigrate.NewMigrations()
	if err := migrations.Discover(os.DirFS(dir)); err != nil {
		return nil, err
	}
	// Otherwise a migration that failed counts as done.
	m := bunmigrate.NewMigrator(bun.NewDB(db.pool, dialect), migrations, bunmigrate.WithMarkAppliedOnSuccess(true))
	return m, m.Init(ctx)
}

func bunUp(ctx context.Context, db *database, dir string) error {
	m, err := bunMigrator(ctx, db, dir)
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx)
	return err
}

func bunDown(ctx context.Context, db *database, dir string) error {
	m, err := bunMigrator(ctx, db, dir)
	if err != nil {
		return err
	}
	// Each migration may be of another group.
	for {
		group, err := m.Rollback(ctx)
		if err != nil || group.IsZero() {
			return err
		}
	}
}

// atlasTool runs each file in one transaction, as atlas migrate apply does.
type atlasTool struct{ revisions map[string]*migrate.Revision }

func (a *atlasTool) run(ctx context.Context, db *database, path string) error {
	dir, err := migrate.NewLocalDir(path)
	if err != nil {
		return err
	}
	executor, err := a.executor(db, db.pool, dir)
	if err != nil {
		return err
	}
	pending, err := executor.Pending(ctx)
	if errors.Is(err, migrate.ErrNoPendingFiles) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range pending {
		tx, err := db.pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		executor, err := a.executor(db, tx, dir)
		if err == nil {
			err = executor.Execute(ctx, file)
		}
		if err != nil {
			// The revisions of Atlas are in the same transaction.
			delete(a.revisions, file.Version())
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (a *atlasTool) executor(db *database, conn schema.ExecQuerier, dir migrate.Dir) (*migrate.Executor, error) {
	open := atlaspostgres.Open
	if db.dialect == chronodriver.SQLite {
		open = atlassqlite.Open
	}
	driver, err := open(conn)
	if err != nil {
		return nil, err
	}
	return migrate.NewExecutor(driver, dir, a, migrate.WithAllowDirty(true))
}

func (*atlasTool) Ident() *migrate.TableIdent { return &migrate.TableIdent{Name: "revisions"} }

func (a *atlasTool) ReadRevisions(context.Context) ([]*migrate.Revision, error) {
	return slices.SortedFunc(maps.Values(a.revisions), func(a, b *migrate.Revision) int { return strings.Compare(a.Version, b.Version) }), nil
}

func (a *atlasTool) ReadRevision(_ context.Context, version string) (*migrate.Revision, error) {
	if r, ok := a.revisions[version]; ok {
		return r, nil
	}
	return nil, migrate.ErrRevisionNotExist
}

func (a *atlasTool) WriteRevision(_ context.Context, r *migrate.Revision) error {
	a.revisions[r.Version] = r
	return nil
}

func (a *atlasTool) DeleteRevision(_ context.Context, version string) error {
	delete(a.revisions, version)
	return nil
}

// write writes files that are not there yet.
func write(t *testing.T, dir string, files []chronomigrate.File) {
	t.Helper()
	for _, file := range files {
		if file.Present {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name), []byte(file.Content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func names(files []chronomigrate.File) string {
	var all []string
	for _, file := range files {
		all = append(all, file.Name)
	}
	return strings.Join(all, " ")
}
