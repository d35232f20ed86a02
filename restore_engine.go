package chrononaut

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// restorer writes the statements of plans for one engine. The first argument of
// each is a JSON array of restoreArg.
type restorer interface {
	// planSettings is SQL that begins the transaction in which a plan is made.
	planSettings() string
	// applySettings is SQL that begins the one in which it is applied.
	applySettings() string
	// describe reads what the catalog says of a table; info is that of the reader.
	describe(ctx context.Context, q chronodriver.Queryer, t *restoreTable) error
	// lives selects n, whether it is the target, and a change.
	lives(t *restoreTable, until lifeUntil) (sql string, args []any, err error)
	// states selects n and a change, for keys that had a record then.
	states(t *restoreTable, until lifeUntil) (sql string, args []any, err error)
	// departures selects n, the id and the version of a change, and the key as JSON.
	departures(t *restoreTable) (sql string, args []any, err error)
	// present selects n, the version and, unless it locks, the state.
	present(t *restoreTable, lock bool) (sql string, err error)
	// misfits selects n and the indexes of columns, as scanRecord gets them; the
	// empty text when every value fits.
	misfits(t *restoreTable) (sql string, err error)
	// write is the statement of a step.
	write(t *restoreTable, s *RestoreStep) (sql string, err error)
	// same calls back with the number of each value that its columns take, and with
	// that of the first one that is equal to it.
	same(ctx context.Context, q chronodriver.Queryer, c *comparison, values []comparedValue, visit func(n, first int)) error
	// aside is the statement that moves records aside: see restoreRounds. Their set
	// are the columns, of which some become NULL.
	aside(t *restoreTable, columns []string) (sql string, err error)
	// parents selects the n whose foreign key refers to nothing.
	parents(t *restoreTable, fk *foreignKey) (sql string, err error)
	// references selects n and how many rows refer to it by the foreign key.
	references(t *restoreTable, fk *foreignKey) (sql string, err error)
	// clashes selects n and the key of a row that has the unique values already.
	clashes(t *restoreTable, u *uniqueKey) (sql string, err error)
	// straddlers selects the keys that transactions changed before a time: its
	// arguments are the ids and the time.
	straddlers(t *restoreTable) (sql string, err error)
	// straddling selects the ids of transactions that a time does not see, and the id
	// of history from which on that is so; the empty text when their changes say it.
	straddling(p Point) (sql string, args []any)
	// changedTables selects the schema and the name of the tables with changes.
	changedTables(o *ActivityOpts) (sql string, args []any, err error)
	// transactionEnd selects the time of a transaction's last change.
	transactionEnd(id uint64) (sql string, args []any)
	// transactionID selects the id of the running transaction, as text.
	transactionID() string
	// settle is SQL that ends the writing: what was deferred is checked.
	settle() string
	// time is a time as an argument.
	time(p Point) string
}

// restoreArg is what a statement gets to know of an item.
type restoreArg struct {
	N   int    `json:"n"`
	Key string `json:"key"`
	// ID is that of the change whose state is brought back.
	ID int64 `json:"id,omitempty"`
	// Before bounds the changes of a life, After and Version those that took the key
	// away.
	Before  int64    `json:"before,omitempty"`
	After   int64    `json:"after"`
	Version int      `json:"version"`
	Set     []string `json:"set,omitempty"`
}

func encodeArgs(args []restoreArg) string {
	encoded, _ := json.Marshal(args) // numbers and texts
	return string(encoded)
}

// lifeUntil says which state of a life is the target: the last one up to a point,
// up to a version, or before the change that the argument names.
type lifeUntil struct {
	point   Point
	version *int
	before  bool
	// excepted are transactions that wrote up to the point and are not in it, where
	// their ids are given to changes from an id of history on.
	excepted     []string
	exceptedFrom int64
}

// restoreTable is a table that a plan is about.
type restoreTable struct {
	info     *tableInfo
	columns  []catalogColumn
	refers   []foreignKey
	referred []foreignKey
	uniques  []uniqueKey
	triggers []string
	// own are columns that Chrononaut's triggers set.
	own []string
	// all says that records are all keys that have changed since.
	all     bool
	records []*restoreRecord
	byKey   map[string]*restoreRecord
}

// catalogColumn is what the catalog says of a column.
type catalogColumn struct {
	Name    string  `json:"name"`
	NotNull bool    `json:"not_null"`
	Default *string `json:"default"` // SQL
	// TypeDefault says that the type of the column, a domain, has a default.
	TypeDefault bool   `json:"type_default"`
	Identity    string `json:"identity"` // a: always, d: by default
	Generated   bool   `json:"generated"`
	// Exact names the types whose values are equal only when their texts are; it is
	// empty for others.
	Exact string `json:"exact"`
	// Scaled says that numbers keep their zeros at the end, Loose that a value which
	// was recorded when the column had another type is known by its text.
	Scaled bool `json:"scaled"`
	Loose  bool `json:"loose"`
	// Aside is SQL for a value that no row has; empty where there is none. The alias k
	// is an item's.
	Aside string `json:"aside"`
}

// foreignKey says that columns of a table refer to those of a parent.
type foreignKey struct {
	Name          string   `json:"name"`
	Table         Table    `json:"table"`
	Columns       []string `json:"columns"`
	Parent        Table    `json:"parent"`
	ParentColumns []string `json:"parent_columns"`
	Deferrable    bool     `json:"deferrable"`
	// OnDelete is what happens to the rows when the parent's goes: a nothing, r
	// refused, c cascade, n set NULL, d set default.
	OnDelete string `json:"on_delete"`
	OnUpdate string `json:"on_update"`
	// MatchFull says that either all columns are NULL or none.
	MatchFull bool `json:"match_full"`
	// unenforced says that the connection does not enforce it.
	unenforced bool
}

// uniqueKey is a unique index, the primary key too.
type uniqueKey struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	// Immediate says that each row is checked when it is written.
	Immediate bool `json:"immediate"`
	// NullsEqual says that only one row may be NULL.
	NullsEqual bool `json:"nulls_equal"`
	// collations are those of the columns, on SQLite.
	collations []string
}

func (t *restoreTable) column(name string) *catalogColumn {
	i := slices.IndexFunc(t.columns, func(c catalogColumn) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

// same reports whether two values of a column are the same to whoever reads it.
func (t *restoreTable) same(name string, a, b json.RawMessage) bool {
	c := t.column(name)
	if c == nil || !c.Loose {
		return equalJSON(a, b)
	}
	x, ok := jsonText(a)
	y, ok2 := jsonText(b)
	return ok && ok2 && x == y || (!c.Scaled || !ok || !ok2) && equalJSON(a, b)
}

// writable lists the columns that a plan can write, in the table's order.
func (t *restoreTable) writable() []string {
	skip := t.info.versionColumns()
	var names []string
	for _, name := range t.info.columns {
		c := t.column(name)
		// A column that is called version and is not the version column is data.
		if c == nil || c.Generated || name == t.info.versionColumn || slices.Contains(skip, name) || slices.Contains(t.own, name) {
			continue
		}
		names = append(names, name)
	}
	return names
}
