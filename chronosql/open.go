package chronosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	sqlitesql "github.com/chrononaut-go/chrononaut/internal/sqlite"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// ErrDialect is returned for a driver of which it is not known whether its
// database is PostgreSQL or SQLite.
var ErrDialect = errors.New("unknown database driver")

// Open opens a database with a registered driver, as [sql.Open] does, whose
// changes are attributed. It connects to nothing yet. A nil config means the
// defaults.
//
// Errors: [ErrDialect] and those of sql.Open.
func Open(driverName, dsn string, config *chrononaut.Config) (*sql.DB, error) {
	// The only way to a registered driver.
	plain, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, err
	}
	base := plain.Driver()
	if err := plain.Close(); err != nil {
		return nil, err
	}
	dialect, ok := dialectOf(base)
	if !ok {
		return nil, fmt.Errorf("%w: %T; use NewConnector", ErrDialect, base)
	}
	var connector driver.Connector = dsnConnector{base, dsn}
	if d, ok := base.(driver.DriverContext); ok {
		if connector, err = d.OpenConnector(dsn); err != nil {
			return nil, err
		}
	}
	return sql.OpenDB(NewConnector(connector, dialect, config)), nil
}

// OpenDB is [sql.OpenDB] with attribution: for a connector of pgx's stdlib
// package, or of pq.NewConnector. Errors: [ErrDialect].
func OpenDB(connector driver.Connector, config *chrononaut.Config) (*sql.DB, error) {
	dialect, ok := dialectOf(connector.Driver())
	if !ok {
		return nil, fmt.Errorf("%w: %T; use NewConnector", ErrDialect, connector.Driver())
	}
	return sql.OpenDB(NewConnector(connector, dialect, config)), nil
}

// NewConnector wraps a connector, for use with [sql.OpenDB]: connections that
// it makes attribute what runs on them. Of a driver's own conversions of arguments
// it keeps those of driver.NamedValueChecker, not those of the deprecated
// driver.ColumnConverter.
func NewConnector(base driver.Connector, dialect chronodriver.Dialect, config *chrononaut.Config) driver.Connector {
	return &connector{base, newPool(dialect, config)}
}

// pool is what connections have in common.
type pool struct {
	dialect chronodriver.Dialect
	config  *chrononaut.Config
	past    *travel.Relations // of PostgreSQL
	known   *sqlitesql.KnownTables
}

func newPool(dialect chronodriver.Dialect, config *chrononaut.Config) *pool {
	return &pool{dialect, config, travel.NewRelations(config.HistorySchema()), &sqlitesql.KnownTables{}}
}

type connector struct {
	base driver.Connector
	*pool
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := c.base.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return c.wrap(base), nil
}

func (c *connector) Driver() driver.Driver {
	return &attributingDriver{c.base.Driver(), c.pool}
}

// Close closes the connector underneath, if it can be closed.
func (c *connector) Close() error {
	if closer, ok := c.base.(interface{ Close() error }); ok {
		return closer.Close()
	}
	return nil
}

// attributingDriver tells our pools from others.
type attributingDriver struct {
	driver.Driver
	*pool
}

func (d *attributingDriver) Open(name string) (driver.Conn, error) {
	base, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return d.wrap(base), nil
}

// dsnConnector serves drivers that have no connector of their own.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

func (c dsnConnector) Driver() driver.Driver { return c.driver }

// Attributes reports whether a pool was opened by this package. Of one that
// something else wraps, [ConfigThrough] tells.
func Attributes(db *sql.DB) bool {
	_, ok := db.Driver().(*attributingDriver)
	return ok
}

// ConfigOf returns the configuration that a pool of this package was opened
// with, nil for the defaults and for other pools.
func ConfigOf(db *sql.DB) *chrononaut.Config {
	if ours, ok := db.Driver().(*attributingDriver); ok {
		return ours.config
	}
	return nil
}

// ConfigThrough is [ConfigOf] for a pool that may be wrapped in something else: by
// otelsql, or another library whose connections have a method Raw or Unwrap for the
// one underneath. ok says whether the pool attributes. Only where its driver is not
// known does it take a connection, and sends nothing on it.
func ConfigThrough(ctx context.Context, db *sql.DB) (config *chrononaut.Config, ok bool, err error) {
	if Attributes(db) {
		return ConfigOf(db), true, nil
	}
	if _, known := DialectOf(db); known {
		return nil, false, nil
	}
	held, err := db.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	err = held.Raw(func(raw any) error {
		if ours := through(raw); ours != nil {
			config, ok = ours.config, true
		}
		return nil
	})
	return config, ok, errors.Join(err, held.Close())
}

// through returns our connection inside another, nil if there is none.
func through(raw any) *conn {
	for {
		switch c := raw.(type) {
		case *conn:
			return c
		case *borrowed:
			return c.conn
		case interface{ Raw() driver.Conn }:
			raw = c.Raw()
		case interface{ Unwrap() driver.Conn }:
			raw = c.Unwrap()
		default:
			return nil
		}
	}
}

// DialectOf tells the engine behind a pool, from its driver. ok is false for a
// driver that is not known.
func DialectOf(db *sql.DB) (dialect chronodriver.Dialect, ok bool) {
	return dialectOf(db.Driver())
}

func dialectOf(d driver.Driver) (chronodriver.Dialect, bool) {
	if ours, ok := d.(*attributingDriver); ok {
		return ours.dialect, true
	}
	t := reflect.TypeOf(d)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch path := t.PkgPath(); {
	case strings.HasPrefix(path, "github.com/jackc/pgx/"), path == "github.com/lib/pq":
		return chronodriver.PostgreSQL, true
	case strings.Contains(path, "sqlite"):
		return chronodriver.SQLite, true
	}
	return "", false
}
