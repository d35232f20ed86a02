package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// database is an open database.
type database struct {
	driver   chronodriver.Driver
	migrator *chronomigrate.Migrator
	client   *chrononaut.Client
	close    func()
	// One of these is there.
	postgres *pgxpool.Pool
	sqlite   *sql.DB

	schema   string
	registry []chronomigrate.TrackedTable // once it has been read
}

// target is what a database URL says.
type target struct {
	dialect chronodriver.Dialect
	url     string // PostgreSQL
	file    string // SQLite
}

const urlHint = "set DATABASE_URL, or give --database-url, to postgres://USER@HOST/DATABASE or sqlite:FILE."

func (a *app) target() (target, error) {
	address := a.databaseURL
	if address == "" {
		address = a.Env("DATABASE_URL")
	}
	if address == "" {
		return target{}, usagef(urlHint, "no database given")
	}
	scheme, rest, _ := strings.Cut(address, ":")
	switch strings.ToLower(scheme) {
	case "postgres", "postgresql":
		if strings.HasPrefix(rest, "//") {
			return target{dialect: chronodriver.PostgreSQL, url: address}, nil
		}
	case "sqlite", "sqlite3":
		file := strings.TrimPrefix(rest, "//")
		switch file {
		case "":
			return target{}, usagef(urlHint, "the database URL names no file")
		case ":memory:":
			return target{}, usagef(urlHint, "a database in memory ends with the command")
		}
		return target{dialect: chronodriver.SQLite, file: file}, nil
	}
	return target{}, usagef(urlHint, "the database URL is of no kind that is known")
}

// withDatabase opens the database and runs f. A SQLite file that does not
// exist is made only if create is set.
func (a *app) withDatabase(ctx context.Context, create bool, f func(*database) error) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	db, err := a.open(ctx, t, create)
	if err != nil {
		return err
	}
	defer db.close()
	if err = f(db); err != nil && db.unadopted(ctx, err) {
		err = hinted(fmt.Errorf("the schema has the history table of Python chrononaut, which is not adopted: %w", chronomigrate.ErrNoHistory), "chrononaut adopt.")
	}
	return connecting(err)
}

// unadopted tells whether an error comes from a history table of Python chrononaut
// that nobody has taken over yet.
func (db *database) unadopted(ctx context.Context, err error) bool {
	const undefinedColumn, duplicateTable = "42703", "42P07"
	state := chronodriver.State(err)
	if db.driver.Dialect() != chronodriver.PostgreSQL ||
		!errors.Is(err, chronomigrate.ErrNoHistory) && !errors.Is(err, chrononaut.ErrNotInstalled) && state != undefinedColumn && state != duplicateTable {
		return false
	}
	python, failed := db.python(ctx)
	return failed == nil && python
}

// python tells whether there is such a table.
func (db *database) python(ctx context.Context) (python bool, err error) {
	if db.driver.Dialect() != chronodriver.PostgreSQL {
		return false, nil
	}
	rows, err := db.driver.Query(ctx, `
		SELECT count(*) FILTER (WHERE c.relname = 'chrononaut_activity') > 0 AND count(*) FILTER (WHERE c.relname = 'chrononaut_migration') = 0
		  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE n.nspname = $1::text AND c.relname IN ('chrononaut_activity', 'chrononaut_migration')`, db.schema)
	if err != nil {
		return false, err
	}
	_, err = scanLast(rows, &python)
	return python, err
}

func (a *app) open(ctx context.Context, t target, create bool) (*database, error) {
	config := &chrononaut.Config{Schema: a.schema}
	db := &database{schema: a.schema}
	switch t.dialect {
	case chronodriver.PostgreSQL:
		pool, err := openPostgres(ctx, t.url)
		if err != nil {
			return nil, connecting(err)
		}
		db.driver, db.postgres, db.close = chronopgx.NewDriver(pool, config), pool, pool.Close
	default:
		pool, err := a.openSQLite(ctx, t.file, create)
		if err != nil {
			return nil, err
		}
		db.driver, db.sqlite = chronosql.NewDriver(pool, chronodriver.SQLite, config), pool
		db.close = func() { _ = pool.Close() } // what was written is committed
	}
	var err error
	if db.migrator, err = chronomigrate.New(db.driver, &chronomigrate.Config{Schema: a.schema}); err == nil {
		db.client, err = chrononaut.NewClient(db.driver, t.dialect, config)
	}
	if err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

func openPostgres(ctx context.Context, address string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 30 * time.Second
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "chrononaut"
	}
	// Notices of the server are for programs that ask for them.
	config.ConnConfig.OnNotice = nil
	config.MaxConns = 4
	return pgxpool.NewWithConfig(ctx, config)
}

// openSQLite opens a file for reading and writing. Foreign keys are on, because
// a cascade is a change like any other.
func (a *app) openSQLite(ctx context.Context, file string, create bool) (*sql.DB, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
	case errors.Is(err, fs.ErrNotExist):
		return nil, hinted(fmt.Errorf("open %s: %w", quoteArg(file), fs.ErrNotExist), "check the name; only chrononaut migrate up makes a new file.")
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", quoteArg(file), bare(err))
	case info.IsDir():
		return nil, fmt.Errorf("open %s: it is a directory", quoteArg(file))
	}
	db, err := chronosql.Open("sqlite", a.sqliteDSN(file, create), nil)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", quoteArg(file), err)
	}
	// The first statement opens the file, and finds out whether it is one of
	// SQLite's.
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", quoteArg(file), err), db.Close())
	}
	return db, nil
}

func (a *app) sqliteDSN(file string, create bool) string {
	mode := "rw"
	if create {
		mode = "rwc"
	}
	wait := a.lockTimeout
	if wait == 0 {
		wait = 10 * time.Second
	}
	query := url.Values{
		"mode": {mode}, "_txlock": {"immediate"},
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()), "foreign_keys(1)"},
	}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + query.Encode()
}

// bare is the error of the operating system without the name of the file.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// tables returns what the registry has.
func (db *database) tables(ctx context.Context) ([]chronomigrate.TrackedTable, error) {
	if db.registry == nil {
		tables, err := db.migrator.Tables(ctx)
		if err != nil {
			return nil, err
		}
		db.registry = tables
	}
	return db.registry, nil
}

// resolve finds the schema of a table that is named without one.
func (db *database) resolve(ctx context.Context, name chrononaut.Table) (chrononaut.Table, bool, error) {
	if db.driver.Dialect() != chronodriver.PostgreSQL {
		return db.resolveSQLite(ctx, name)
	}
	quoted := pgx.Identifier{name.Name}.Sanitize()
	if name.Schema != "" {
		quoted = pgx.Identifier{name.Schema, name.Name}.Sanitize()
	}
	rows, err := db.driver.Query(ctx, `
		SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE c.oid = pg_catalog.to_regclass($1::text)`, quoted)
	if err != nil {
		return name, false, err
	}
	return scanTable(rows, name)
}

// scanTable returns the table that a query found, or the name as it was.
func scanTable(rows chronodriver.Rows, name chrononaut.Table) (chrononaut.Table, bool, error) {
	found := name
	ok, err := scanLast(rows, &found.Schema, &found.Name)
	if err != nil || !ok {
		return name, false, err
	}
	return found, true, nil
}

// scanLast scans the last row of a result, and closes it.
func scanLast(rows chronodriver.Rows, dest ...any) (found bool, err error) {
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return false, errors.Join(err, rows.Close())
		}
		found = true
	}
	return found, errors.Join(rows.Err(), rows.Close())
}

// tracked finds a table that is or was tracked, by its name as the user wrote
// it. It returns nil when there is none; exists says whether the table does.
func (db *database) tracked(ctx context.Context, name chrononaut.Table) (entry *chronomigrate.TrackedTable, table chrononaut.Table, exists bool, err error) {
	tables, err := db.tables(ctx)
	if err != nil {
		return nil, name, false, err
	}
	table, exists, err = db.resolve(ctx, name)
	if err != nil {
		return nil, name, false, err
	}
	var candidates []*chronomigrate.TrackedTable
	for i := range tables {
		if tables[i].Table == table {
			return &tables[i], table, exists, nil
		}
		if name.Schema == "" && tables[i].Table.Name == table.Name {
			candidates = append(candidates, &tables[i])
		}
	}
	switch {
	case exists || len(candidates) == 0:
		return nil, table, exists, nil
	case len(candidates) > 1:
		return nil, table, false, hinted(fmt.Errorf("%s: more than one schema has a table of that name", name),
			"write the schema: "+candidates[0].Table.String()+".")
	}
	return candidates[0], candidates[0].Table, false, nil
}

// requireTracked is tracked for commands that read history.
func (db *database) requireTracked(ctx context.Context, name chrononaut.Table) (entry *chronomigrate.TrackedTable, exists bool, err error) {
	entry, table, exists, err := db.tracked(ctx, name)
	if err == nil && !exists && (entry == nil || !entry.Tracked) {
		err = db.renamed(ctx, table)
	}
	switch {
	case err != nil:
		return nil, false, err
	case entry == nil && !exists:
		return nil, false, noTable(table)
	case entry == nil:
		return nil, false, hinted(fmt.Errorf("%s: %w", table, chrononaut.ErrNotTracked), "chrononaut track "+shellArg(table.String())+".")
	}
	return entry, exists, nil
}

// renamed returns an error that says which name a table has now that history was
// told of; nil when it was told of none.
func (db *database) renamed(ctx context.Context, table chrononaut.Table) error {
	if db.driver.Dialect() != chronodriver.PostgreSQL {
		return nil
	}
	rows, err := db.driver.Query(ctx, `
		SELECT t.table_schema, t.table_name FROM `+pgx.Identifier{db.schema, "chrononaut_table"}.Sanitize()+` AS t
		 WHERE t.tracked AND (t.table_schema <> $1::text OR t.table_name <> $2::text)
		   AND EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(t.options -> 'renames') AS n
		                WHERE n ->> 'name' = $2::text AND $1::text IN ('', n ->> 'schema'))`, table.Schema, table.Name)
	if err != nil {
		return err
	}
	now, found, err := scanTable(rows, table)
	if err != nil || !found {
		return err
	}
	return hinted(fmt.Errorf("%s: %w: its name is %s now", table, chrononaut.ErrNotTracked, now), "the same command with "+shellArg(now.String())+".")
}

// requireTable is requireTracked for commands that write the table.
func (db *database) requireTable(ctx context.Context, name chrononaut.Table) error {
	entry, exists, err := db.requireTracked(ctx, name)
	if err != nil || exists {
		return err
	}
	return hinted(fmt.Errorf("%s: %w any more", entry.Table, chronomigrate.ErrNoTable),
		"make the table again, with its columns, and chrononaut track "+shellArg(entry.Table.String())+"; its history is there: chrononaut log "+shellArg(entry.Table.String())+".")
}

func noTable(table chrononaut.Table) error {
	return hinted(fmt.Errorf("%s: %w", table, chronomigrate.ErrNoTable), "check the name and the schema; names with capitals need double quotes.")
}

// key reads the argument KEY for a table. The database gives its values their
// types, unless the table is gone: then they get those that history has.
func (db *database) key(ctx context.Context, entry *chronomigrate.TrackedTable, exists bool, arg string) (chrononaut.Key, error) {
	same := sameAsSQL
	if db.driver.Dialect() == chronodriver.SQLite {
		same = sameIgnoringCase
	}
	key, err := parseKey(arg, entry.KeyColumns, same)
	if err != nil || exists {
		return key, err
	}
	for change, err := range db.client.ActivityAll(ctx, &chrononaut.ActivityOpts{Table: entry.Table}) {
		if err != nil {
			return nil, err
		}
		if len(change.Key) > 0 {
			return likeKey(key, change.Key), nil
		}
	}
	return key, nil
}
