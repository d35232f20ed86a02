package chronotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// ReplayOpts are the options of [Replay] and [RequireReplay].
type ReplayOpts struct {
	// Ignore names columns that are not compared. Defaults to none.
	Ignore []string
	// Limit is the greatest number of differences; -1 is no limit. Defaults to
	// 100.
	Limit int
	// Schema holds history. Defaults to [chrononaut.DefaultSchema].
	Schema string
	// Values also reports the differing values. Defaults to false: only names
	// of columns are reported, and keys.
	Values bool
}

// DifferenceKind says how a row differs from history.
type DifferenceKind string

// The kinds of differences.
const (
	// Unrecorded rows are in the table, and history does not know them or has
	// their end.
	Unrecorded DifferenceKind = "unrecorded"
	// Missing rows are not in the table, and history has no end of them.
	Missing DifferenceKind = "missing"
	// Changed rows have other values than history.
	Changed DifferenceKind = "changed"
)

// Difference is a row that is not as its history says.
type Difference struct {
	Table chrononaut.Table
	Key   chrononaut.Key
	Kind  DifferenceKind
	// Columns names the columns of a changed row that differ.
	Columns []string
	// History and Live hold the values of these columns on either side, or of
	// all columns of a row that only one side has, as JSON in the form of
	// [chrononaut.Data]. They are nil unless [ReplayOpts.Values] is set.
	History, Live chrononaut.Data
}

// String describes the difference in one line.
func (d Difference) String() string {
	key, err := d.Key.JSON()
	if err != nil {
		key = "{}"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", d.Table, key)
	switch d.Kind {
	case Unrecorded:
		b.WriteString("the table has the row, history does not")
	case Missing:
		b.WriteString("history has the row, the table does not")
	default:
		b.WriteString("differs in " + strings.Join(d.Columns, ", "))
		for _, name := range d.Columns {
			if d.History != nil || d.Live != nil {
				fmt.Fprintf(&b, "; %s is %s, in history %s", name, orNothing(d.Live[name]), orNothing(d.History[name]))
			}
		}
	}
	return b.String()
}

func orNothing(value json.RawMessage) string {
	if value == nil {
		return "nothing"
	}
	return string(value)
}

// Replay rebuilds a tracked table from its history (the last change of every
// key, with deletions, truncation and changes of the primary key) and returns
// the rows in which the table differs, in the order of their keys; nothing
// means that history is the table. Hidden and untracked columns, which history
// does not have, are left out; the version counts.
//
// The comparison is exact: values are compared in the form in which history
// holds them, and where that differs, as values of the column's present type,
// so that a column whose type was changed meanwhile may still be equal. What no
// trigger can see is reported as a difference: rows that were there before
// tracking began and never changed (record them with a baseline), the default
// value that ALTER TABLE … ADD COLUMN gives to existing rows, changes made
// while capture was suppressed.
//
// Renames that were declared ([chronomigrate.Migrator.Rename]) are followed:
// history from before them counts under the present names of the table, its
// columns and its key. Without a declaration, a column's value from before it was
// renamed is a difference until the row has changed or a baseline has recorded
// it.
//
// It reads the whole table and its whole history in one statement, on the
// server where that can be, so the result is consistent while others write.
// The whole takes a few seconds for a million rows.
//
// Errors: [chrononaut.ErrNotTracked], [chrononaut.ErrNotInstalled].
func Replay(ctx context.Context, driver chronodriver.Driver, table chrononaut.Table, opts *ReplayOpts) ([]Difference, error) {
	o := ReplayOpts{}
	if opts != nil {
		o = *opts
	}
	if o.Limit == 0 {
		o.Limit = 100
	}
	differences, err := replay(ctx, driver, table, o)
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", table, err)
	}
	return differences, nil
}

func replay(ctx context.Context, driver chronodriver.Driver, table chrononaut.Table, o ReplayOpts) ([]Difference, error) {
	var replayer func(ctx context.Context, driver chronodriver.Driver, table *chronomigrate.TrackedTable, o ReplayOpts) ([]Difference, error)
	switch dialect := driver.Dialect(); dialect {
	case chronodriver.PostgreSQL:
		replayer = replayPostgres
		if table.Schema == "" {
			var err error
			if table, err = resolvePostgres(ctx, driver, table); err != nil {
				return nil, err
			}
		}
	case chronodriver.SQLite:
		replayer = replaySQLite
	default:
		return nil, fmt.Errorf("unknown database engine %q", dialect)
	}
	tracked, err := find(ctx, driver, table, o)
	if err != nil {
		return nil, err
	}
	return replayer(ctx, driver, tracked, o)
}

// find reads how the table is tracked.
func find(ctx context.Context, driver chronodriver.Driver, table chrononaut.Table, o ReplayOpts) (*chronomigrate.TrackedTable, error) {
	m, err := chronomigrate.New(driver, &chronomigrate.Config{Schema: o.Schema})
	if err != nil {
		return nil, err
	}
	tables, err := m.Tables(ctx)
	if errors.Is(err, chronomigrate.ErrNoHistory) {
		return nil, fmt.Errorf("%w: %w", chrononaut.ErrNotInstalled, err)
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(tables, func(t chronomigrate.TrackedTable) bool {
		if driver.Dialect() == chronodriver.SQLite {
			return sqlite.SameName(t.Table.Name, table.Name)
		}
		return t.Table == table || table.Schema == "" && t.Table.Name == table.Name
	})
	if i < 0 || tables[i].Options.NoHistory {
		return nil, chrononaut.ErrNotTracked
	}
	return &tables[i], nil
}

// restrict leaves of the two states what the difference is about.
func (d *Difference) restrict(history, live chrononaut.Data) {
	d.History, d.Live = history, live
	if d.Kind != Changed {
		return
	}
	for _, data := range []chrononaut.Data{history, live} {
		for name := range data {
			if !slices.Contains(d.Columns, name) {
				delete(data, name)
			}
		}
	}
}

// RequireReplay fails the test, and ends it, unless the table is exactly what
// its history says: see [Replay]. A nil opts means the defaults.
func RequireReplay(t testing.TB, driver chronodriver.Driver, table chrononaut.Table, opts *ReplayOpts) {
	t.Helper()
	differences, err := Replay(t.Context(), driver, table, opts)
	if err != nil {
		t.Fatal(err)
		return
	}
	if len(differences) == 0 {
		return
	}
	lines := make([]string, len(differences))
	for i, d := range differences {
		lines[i] = d.String()
	}
	t.Fatalf("%s is not what its history says; %d differences:\n%s", table, len(differences), strings.Join(lines, "\n"))
}
