package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

var _ holder = sqliteReader{}

func (r sqliteReader) hold(ctx context.Context, q chronodriver.Queryer, info *tableInfo, keys []Key, reason string, opts HoldOpts) (document string, err error) {
	switch {
	case keys != nil && len(keys) == 0:
		return "", fmt.Errorf("%w: a hold is of at least one key", ErrLocking)
	case keys == nil && len(opts.Children) > 0:
		return "", fmt.Errorf("%w: a hold of a whole table has no relations; hold the other tables too", ErrLocking)
	}
	if err := r.beginHold(ctx, q, opts); err != nil {
		return "", err
	}
	info, table, err := r.guard(ctx, q, info.table)
	if err != nil {
		return "", err
	}
	h := &sqliteHold{r, q, nil, []string{}}
	children := []relationDocument{}
	var records *string
	if keys != nil {
		if records, err = h.records(ctx, info, table, keys); err != nil {
			return "", err
		}
		if len(opts.Children) > 0 {
			if children, err = h.relations(ctx, table, "", opts.Children); err != nil {
				return "", err
			}
		}
	}
	encoded, err := json.Marshal(children)
	if err != nil {
		return "", err
	}
	if err := r.lock(ctx, q, "place", sqlite.LockArgs{}, table.HistoryName, textOrNull(records), string(encoded), "["+strings.Join(h.scopes, ",")+"]",
		integer(opts.AllowInsert), integer(opts.TwoPeople), reason); err != nil {
		return "", err
	}
	return r.holdDocument(ctx, q, "placed")
}

// beginHold begins to write, and waits for who is writing as long as the options
// say.
func (r sqliteReader) beginHold(ctx context.Context, q chronodriver.Queryer, opts HoldOpts) (err error) {
	if opts.Timeout > 0 {
		var patience int64
		if _, err := queryOne(ctx, q, []any{&patience}, "PRAGMA busy_timeout"); err != nil {
			return err
		}
		if err := setPatience(ctx, q, max(opts.Timeout.Milliseconds(), 1)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, setPatience(context.WithoutCancel(ctx), q, patience)) }()
	}
	return r.lock(ctx, q, "begin", sqlite.LockArgs{})
}

func setPatience(ctx context.Context, q chronodriver.Queryer, milliseconds int64) error {
	// The statement returns a row.
	var set int64
	_, err := queryOne(ctx, q, []any{&set}, "PRAGMA busy_timeout = "+strconv.FormatInt(milliseconds, 10))
	return err
}

func textOrNull(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}

func (r sqliteReader) holdDocument(ctx context.Context, q chronodriver.Queryer, statement string, args ...any) (document string, err error) {
	sql, err := sqlite.LockSQL(statement, sqlite.LockArgs{})
	if err != nil {
		return "", err
	}
	found, err := queryOne(ctx, q, []any{&document}, sql, args...)
	if err == nil && !found {
		err = ErrNotFound
	}
	return document, err
}

// sqliteHold collects what a hold is of.
type sqliteHold struct {
	reader sqliteReader
	q      chronodriver.Queryer
	// keys is a JSON array of the texts of the records' keys.
	keys   any
	scopes []string
}

// records writes keys as history has them. They have to be of records, also of
// deleted ones.
func (h *sqliteHold) records(ctx context.Context, info *tableInfo, table *sqlite.Table, keys []Key) (*string, error) {
	texts := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if texts[i], err = h.reader.normalizeKey(ctx, h.q, info, key); err != nil {
			return nil, err
		}
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	list, err := json.Marshal(texts)
	if err != nil {
		return nil, err
	}
	h.keys = string(list)
	sql, err := sqlite.LockSQL("missing", sqlite.LockArgs{Table: table})
	if err != nil {
		return nil, err
	}
	var missing bool
	if _, err := queryOne(ctx, h.q, []any{&missing}, sql, h.keys); err != nil {
		return nil, err
	}
	if missing {
		return nil, fmt.Errorf("%w: neither %s nor its history has a record with one of the keys", ErrNotFound, info.table)
	}
	records := "[" + strings.Join(texts, ",") + "]"
	return &records, nil
}

// relations collects the rows of relations, whose parents are the rows of a query,
// or, where that is empty, the records. It returns the relations with their columns.
func (h *sqliteHold) relations(ctx context.Context, parent *sqlite.Table, parents string, relations []Relation) (documents []relationDocument, err error) {
	for _, relation := range relations {
		info, child, err := h.reader.guard(ctx, h.q, relation.Table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", relation.Table, err)
		}
		pairs, err := h.pairs(ctx, parent, child, relation)
		if err != nil {
			return nil, err
		}
		args := sqlite.LockArgs{Table: child, Pairs: pairs, Parents: parents}
		if parents == "" {
			of := sqlite.LockArgs{Table: parent}
			for _, p := range pairs {
				of.Columns = append(of.Columns, p.Parent)
			}
			slices.Sort(of.Columns)
			of.Columns = slices.Compact(of.Columns)
			if args.Parents, err = sqlite.LockSQL("parents", of); err != nil {
				return nil, err
			}
		}
		sql, err := sqlite.LockSQL("scopes", args)
		if err != nil {
			return nil, err
		}
		var scope string
		if err := eachRow(ctx, h.q, []any{&scope}, func() error { h.scopes = append(h.scopes, scope); return nil }, sql, h.keys); err != nil {
			return nil, err
		}
		document := relationDocument{Schema: info.table.Schema, Table: info.table.Name, Columns: map[string]string{}}
		for _, p := range pairs {
			document.Columns[p.Child] = p.Parent
		}
		if len(relation.Children) > 0 {
			for _, c := range child.Columns {
				args.Columns = append(args.Columns, c.Name)
			}
			rows, err := sqlite.LockSQL("children", args)
			if err != nil {
				return nil, err
			}
			if document.Children, err = h.relations(ctx, child, rows, relation.Children); err != nil {
				return nil, err
			}
		}
		documents = append(documents, document)
	}
	return documents, nil
}

// pairs says by which columns a relation refers to its parent.
func (h *sqliteHold) pairs(ctx context.Context, parent, child *sqlite.Table, relation Relation) ([]sqlite.ColumnPair, error) {
	columns := relation.Columns
	if columns == nil {
		keys, err := sqlite.ForeignKeys(ctx, h.q, child.Name)
		if err != nil {
			return nil, err
		}
		keys = slices.DeleteFunc(keys, func(k sqlite.ForeignKey) bool {
			return !sqlite.SameName(k.Table, child.Name) || !sqlite.SameName(k.Parent, parent.Name) || len(k.Columns) != len(k.ParentColumns)
		})
		if len(keys) != 1 {
			return nil, fmt.Errorf("%w: table %s has %d foreign keys that refer to %s; say which columns of the child have the values of which of the parent",
				ErrLocking, child.Name, len(keys), parent.Name)
		}
		columns = map[string]string{}
		for i, name := range keys[0].Columns {
			columns[name] = keys[0].ParentColumns[i]
		}
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("%w: the relation to %s has no columns", ErrLocking, child.Name)
	}
	var pairs []sqlite.ColumnPair
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		c, p := child.Column(name), parent.Column(columns[name])
		if c == nil || p == nil {
			return nil, fmt.Errorf("%w: the columns by which %s refers to %s are not there", ErrLocking, child.Name, parent.Name)
		}
		pairs = append(pairs, sqlite.ColumnPair{Child: c.Name, Parent: p.Name, Compare: parent.Compare(p.Name)})
	}
	return pairs, nil
}

func (r sqliteReader) release(ctx context.Context, q chronodriver.Queryer, id int64, rationale string) (string, error) {
	if err := r.lock(ctx, q, "release", sqlite.LockArgs{}, id, rationale); err != nil {
		return "", err
	}
	return r.holdDocument(ctx, q, "released", id)
}

func (r sqliteReader) holds(ctx context.Context, q chronodriver.Queryer, info *tableInfo, opts HoldsOpts, visit func(string) error) error {
	c := &sqliteConditions{}
	if !opts.All {
		c.where = append(c.where, "h.released IS NULL")
	}
	if info != nil {
		name := c.placeholder(info.table.Name)
		own, scope := "h.table_name = "+name, "g.table_name = "+name
		if opts.Key != nil {
			key, err := r.normalizeKey(ctx, q, info, opts.Key)
			if err != nil {
				return err
			}
			k := c.placeholder(key)
			own += " AND (h.record_keys IS NULL OR EXISTS (SELECT 1 FROM json_each(h.record_keys) AS k WHERE k.value = " + k + "))"
			scope += " AND g.match = " + k
		}
		c.where = append(c.where, "("+own+" OR h.id IN (SELECT g.id FROM main.chrononaut_guard AS g WHERE "+scope+" AND g.kind = 'hold'))")
	}
	sql, err := sqlite.LockSQL("holds", sqlite.LockArgs{Where: c.where, Limit: max(opts.Limit, 0)})
	if err != nil {
		return err
	}
	var document string
	return eachRow(ctx, q, []any{&document}, func() error { return visit(document) }, sql, c.args...)
}

func (r sqliteReader) holdColumns(ctx context.Context, q chronodriver.Queryer, info *tableInfo) (columns []string, err error) {
	sql, err := sqlite.LockSQL("hold_columns", sqlite.LockArgs{})
	if err != nil {
		return nil, err
	}
	var name string
	err = eachRow(ctx, q, []any{&name}, func() error { columns = append(columns, name); return nil }, sql, info.table.Name)
	return columns, err
}

func (r sqliteReader) heldStates(ctx context.Context, q chronodriver.Queryer, info *tableInfo, states string, visit func(int, string) error) error {
	sql, err := sqlite.RestoreSQL("held", sqlite.RestoreArgs{})
	if err != nil {
		return err
	}
	var n int
	var document string
	return eachRow(ctx, q, []any{&n, &document}, func() error { return visit(n, document) }, sql, states, info.table.Name)
}
