package chrononaut

import (
	"context"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
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
	// columns and expressions give the typed record: SQL for each tracked
	// column, from the column data of alias a. Empty when the table is gone.
	columns     []string
	expressions []string
	keyTypes    []postgres.Column // PostgreSQL only
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

// reader writes the queries of one engine. All queries of changes return the
// columns of changeColumns first.
type reader interface {
	// load reads the registry and the catalog. It returns ErrNotTracked,
	// ErrNotInstalled.
	load(ctx context.Context, q chronodriver.Queryer, table Table) (*tableInfo, error)
	// normalizeKey brings a key into the form that history has.
	normalizeKey(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key string) (string, error)
	// timeline selects the changes of the record that has, or had last, a
	// normalized key, across changes of its primary key.
	timeline(info *tableInfo, key string, f timelineFilter) (sql string, args []any, err error)
	// last selects the newest change that made the key what it is at a time, or
	// took it from its record; at may be nil.
	last(info *tableInfo, key string, at *time.Time) (sql string, args []any, err error)
	// exists asks whether the table has a row with the key now.
	exists(info *tableInfo, key string) (sql string, args []any, err error)
	// activity selects from the log; the state before a change, NULL for an
	// insertion, comes last when it is asked for.
	activity(f *ActivityOpts) (sql string, args []any, err error)
	// scanChange returns destinations for the columns of changeColumns and a
	// function that fills the change afterwards.
	scanChange(c *Change) (dest []any, finish func() error)
	// adaptDest lets a destination take the engine's values, if it needs to.
	adaptDest(dest any) any
}

// timelineFilter narrows a timeline.
type timelineFilter struct {
	record        bool // also select the typed record
	after, before *time.Time
	fromVersion   *int // inclusive
	toVersion     *int // inclusive
	newestFirst   bool
	limit         int
}

func readerFor(dialect chronodriver.Dialect, config *Config) (reader, error) {
	switch dialect {
	case chronodriver.PostgreSQL:
		return &postgresReader{schema: config.HistorySchema()}, nil
	case chronodriver.SQLite:
		return &sqliteReader{}, nil
	}
	return nil, fmt.Errorf("unknown database engine %q", dialect)
}
