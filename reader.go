package chrononaut

import (
	"context"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// tableInfo is what reading needs to know of a table.
type tableInfo struct {
	table         Table
	keyColumns    []string
	hidden        []string
	untracked     []string
	versionColumn string
	tracked       bool
	since         time.Time
	gaps          []gap
	// columns are those that history has values of, in the table's order. Empty
	// when the table is gone.
	columns []string
	// stamp tells whether the table, or how it is tracked, has changed since.
	stamp string

	// SQLite: the table, nil when it is gone, and its definition.
	sqlite      *sqlite.Inspected
	sqliteTable *sqlite.Table
	definition  string
	// PostgreSQL: the table, nil when it is gone, and its key.
	postgres *postgres.Table
	keyTypes []postgres.Column
	// pastPolicy is the table's row security as a condition.
	pastPolicy *string
	// Rows of Python chrononaut that are about the table.
	python []postgres.PythonSource
	// Older names of the table and its columns.
	aliases postgres.Aliases
}

// versionColumns are the keys of data that hold the version, not a column.
func (i *tableInfo) versionColumns() []string {
	if i.versionColumn == "version" {
		return []string{"version"}
	}
	for _, c := range i.columns {
		if c == "version" {
			return []string{i.versionColumn}
		}
	}
	return []string{i.versionColumn, "version"}
}

// reader writes the queries of one engine, and reads their rows.
type reader interface {
	// load reads the registry and the catalog. It returns ErrNotTracked,
	// ErrNotInstalled.
	load(ctx context.Context, q chronodriver.Queryer, table Table) (*tableInfo, error)
	// normalizeKey brings a key into the form that history has.
	normalizeKey(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key Key) (string, error)
	// timeline selects the changes of the record that has, or had last, a
	// normalized key, across changes of its primary key.
	timeline(info *tableInfo, key string, f timelineFilter) (sql string, args []any, err error)
	// last selects the newest change, in the bounds of the filter's times, that
	// made the key what it is or took it from its record.
	last(info *tableInfo, key string, f timelineFilter) (sql string, args []any, err error)
	// changed selects a page of the keys of a table that have changes in a time.
	changed(info *tableInfo, f changedFilter) (sql string, args []any, err error)
	// changedIDs selects the first and the last id of those changes.
	changedIDs(info *tableInfo, from, to time.Time) (sql string, args []any, err error)
	// departure selects the first change after an id, and up to a time, that took
	// the key from its record.
	departure(info *tableInfo, key string, afterID int64, until time.Time) (sql string, args []any, err error)
	// past returns the state of a table at a point, as a subquery in parentheses.
	past(ctx context.Context, q chronodriver.Queryer, info *tableInfo, p Point, opts AsOfOpts) (string, error)
	// takeSnapshot returns a token of what is seen.
	takeSnapshot(ctx context.Context, q chronodriver.Queryer) (string, error)
	// exists asks whether the table has a row with the key now.
	exists(info *tableInfo, key string) (sql string, args []any, err error)
	// activity selects from the log, of a table unless info is nil.
	activity(info *tableInfo, f *ActivityOpts) (sql string, args []any, err error)
	// scanChange returns destinations for the columns of a change, with the state
	// before it if that was selected, and a function that fills the change
	// afterwards.
	scanChange(c *Change, before bool) (dest []any, finish func() error)
	// scanRecord returns destinations for the columns that timeline and last
	// select after those of the change and the stamp, and a function that fills
	// the record's own destinations, one for each column of the table. It names
	// the columns whose value does not fit.
	scanRecord(c *Change, info *tableInfo, record []any) (dest []any, finish func() (unreadable []string, err error))
}

// timelineFilter narrows a timeline.
type timelineFilter struct {
	after, before *time.Time
	fromVersion   *int // inclusive
	toVersion     *int // inclusive
	hidden        bool // only changes of hidden columns
	// lifeUpTo takes the life that the key had up to this version, not its last.
	lifeUpTo    *int
	newestFirst bool
	limit       int
}

// changedFilter is a page of [reader.changed].
type changedFilter struct {
	from, to        time.Time // the first exclusive
	afterID, upToID int64     // the first exclusive
	limit           int
}

func readerFor(dialect chronodriver.Dialect, config *Config) (reader, error) {
	switch dialect {
	case chronodriver.PostgreSQL:
		return &postgresReader{schema: config.HistorySchema()}, nil
	case chronodriver.SQLite:
		return sqliteReader{}, nil
	}
	return nil, fmt.Errorf("unknown database engine %q", dialect)
}
