package chrononaut

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

var _ restorer = sqliteReader{}

func (r sqliteReader) planSettings() string { return "" }

// applySettings: foreign keys are checked at the end, and the transaction is the
// only one that writes from here on.
func (r sqliteReader) applySettings() string {
	return "PRAGMA defer_foreign_keys = ON; UPDATE main.chrononaut_context SET id = id WHERE id = 1"
}

func (r sqliteReader) describe(ctx context.Context, q chronodriver.Queryer, t *restoreTable) error {
	table := t.info.sqliteTable
	for _, c := range table.Columns {
		column := catalogColumn{Name: c.Name, NotNull: c.NotNull != 0, Default: c.Default, Generated: c.Generated()}
		switch table.Affinity(c) {
		case sqlite.Integer, sqlite.Numeric, sqlite.Real:
			// Of a size that every one of them holds exactly.
			column.Aside = "abs(random() / 4096)"
		case sqlite.Text, sqlite.Blob:
			column.Aside = "hex(randomblob(16))"
		}
		t.columns = append(t.columns, column)
	}
	if alias := table.RowidAlias(); alias != "" {
		// SQLite gives it a value.
		t.column(alias).TypeDefault = true
	}
	if table.RecordChanges {
		t.own = []string{"change_info", "changed"}
	}
	primary := uniqueKey{Name: "PRIMARY KEY", Columns: table.Key(), Immediate: true}
	for _, name := range primary.Columns {
		primary.collations = append(primary.collations, table.Collation(name))
	}
	t.uniques = []uniqueKey{primary}
	for _, i := range table.Indexes {
		u := uniqueKey{Name: i.Name, Immediate: true}
		for _, c := range i.Columns {
			u.Columns = append(u.Columns, c.Name)
			u.collations = append(u.collations, c.Collation)
		}
		if i.Partial == 0 && i.Origin != "pk" && !slices.Contains(u.Columns, "") {
			t.uniques = append(t.uniques, u)
		}
	}
	for _, g := range table.Triggers {
		if !strings.HasPrefix(g.Name, "chrononaut_") {
			t.triggers = append(t.triggers, g.Name)
		}
	}
	return r.describeKeys(ctx, q, t)
}

func (r sqliteReader) describeKeys(ctx context.Context, q chronodriver.Queryer, t *restoreTable) error {
	keys, err := sqlite.ForeignKeys(ctx, q, t.info.table.Name)
	if err != nil {
		return err
	}
	var enforced int
	if _, err := queryOne(ctx, q, []any{&enforced}, "PRAGMA foreign_keys"); err != nil {
		return err
	}
	actions := map[string]string{"NO ACTION": "a", "RESTRICT": "r", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}
	for _, k := range keys {
		fk := foreignKey{
			Name: k.Table + " (" + strings.Join(k.Columns, ", ") + ")", Table: Table{Schema: sqliteSchema, Name: k.Table}, Columns: k.Columns,
			Parent: Table{Schema: sqliteSchema, Name: k.Parent}, ParentColumns: k.ParentColumns,
			Deferrable: true, OnDelete: actions[k.OnDelete], OnUpdate: actions[k.OnUpdate], unenforced: enforced == 0,
		}
		if len(fk.ParentColumns) != len(fk.Columns) {
			continue // The parent is not there.
		}
		if sqlite.SameName(k.Table, t.info.table.Name) {
			fk.Table = t.info.table
			t.refers = append(t.refers, fk)
		}
		if sqlite.SameName(k.Parent, t.info.table.Name) {
			fk.Parent = t.info.table
			t.referred = append(t.referred, fk)
		}
	}
	return nil
}

func (r sqliteReader) restoreSQL(t *restoreTable, name string, change func(*sqlite.RestoreArgs)) (string, error) {
	args := sqlite.RestoreArgs{Table: t.info.sqliteTable}
	if change != nil {
		change(&args)
	}
	return sqlite.RestoreSQL(name, args)
}

func (r sqliteReader) lives(t *restoreTable, until lifeUntil) (string, []any, error) {
	return r.untilSQL(t, "lives", until)
}

func (r sqliteReader) states(t *restoreTable, until lifeUntil) (string, []any, error) {
	return r.untilSQL(t, "states", until)
}

func (r sqliteReader) untilSQL(t *restoreTable, name string, until lifeUntil) (string, []any, error) {
	// ?1 are the items, ?2 is the table.
	c := &sqliteConditions{args: []any{nil, t.info.table.Name}}
	var condition string
	switch {
	case until.before:
		condition = "a.id < l.before"
	case until.version != nil:
		condition = "a.version <= " + c.placeholder(int64(*until.version))
	default:
		// Transactions that write follow each other: only the one that wrote next can
		// have written before the point too.
		at := c.placeholder(r.time(until.point))
		condition = "a.changed <= " + at + " AND (a.operation IS 'baseline' OR coalesce(a.transaction_id <> (SELECT x.transaction_id FROM main.chrononaut_activity AS x WHERE x.changed > " + at +
			" ORDER BY x.id LIMIT 1), 1))"
	}
	sql, err := r.restoreSQL(t, name, func(a *sqlite.RestoreArgs) { a.Until = condition })
	return sql, c.args[1:], err
}

func (r sqliteReader) departures(t *restoreTable) (string, []any, error) {
	sql, err := r.restoreSQL(t, "departures", nil)
	return sql, []any{t.info.table.Name}, err
}

// present locks nothing: there is one writer, which has begun.
func (r sqliteReader) present(t *restoreTable, lock bool) (string, error) {
	return r.restoreSQL(t, "present", func(a *sqlite.RestoreArgs) { a.Lock = lock })
}

// misfits: a column takes any value.
func (r sqliteReader) misfits(*restoreTable) (string, error) { return "", nil }

func (r sqliteReader) write(t *restoreTable, s *RestoreStep) (string, error) {
	return r.restoreSQL(t, string(s.Action), func(a *sqlite.RestoreArgs) {
		for _, name := range s.written() {
			c := sqlite.RestoreColumn{Name: name, Always: s.always(name)}
			if d := t.column(name).Default; d != nil {
				c.Default = *d
			}
			a.Columns = append(a.Columns, c)
		}
	})
}

// aside needs no more than one random number for each row: two are never the same.
func (r sqliteReader) aside(t *restoreTable, columns []string) (string, error) {
	table := t.info.sqliteTable
	var set []string
	for _, name := range columns {
		set = append(set, sqlite.QuoteIdent(name)+" = iif("+table.KeyColumns()+" IN (SELECT "+table.ReadKey("(e.value ->> '$.key')")+
			" FROM json_each(?1) AS e WHERE EXISTS (SELECT 1 FROM json_each(e.value, '$.set') AS s WHERE s.value = "+sqlite.QuoteLiteral(name)+")), "+
			t.asideValue(name)+", "+sqlite.QuoteIdent(name)+")")
	}
	return "UPDATE main." + sqlite.QuoteIdent(table.Name) + " SET " + strings.Join(set, ", ") + " WHERE " + table.KeyColumns() +
		" IN (SELECT " + table.ReadKey("(e.value ->> '$.key')") + " FROM json_each(?1) AS e)", nil
}

// same compares as SQLite does: a foreign key by the affinity and the collation of
// the parent's column, a unique index by its own.
func (r sqliteReader) same(_ context.Context, _ chronodriver.Queryer, c *comparison, values []comparedValue, visit func(n, first int)) error {
	firsts := map[string]int{}
	for _, v := range values {
		columns := c.parentColumns
		if v.Child {
			columns = c.childColumns
		}
		var b strings.Builder
		for n, name := range columns {
			table, of := c.parent.info.sqliteTable, c.parentColumns[n]
			collation := table.Collation(of)
			if c.collations != nil {
				collation = c.collations[n]
			}
			b.WriteString(comparableText(convert(decodeSQLite(v.Data[name]), table.Affinity(*table.Column(of))), collation))
			b.WriteByte(0)
		}
		first, known := firsts[b.String()]
		if !known {
			first = v.N
			firsts[b.String()] = first
		}
		visit(v.N, first)
	}
	return nil
}

// comparableText is a text that is the same for values which are equal.
func comparableText(value any, collation string) string {
	switch v := value.(type) {
	case int64:
		return "n" + strconv.FormatInt(v, 10)
	case float64:
		if whole := int64(v); float64(whole) == v && math.Abs(v) < 1<<63 {
			return "n" + strconv.FormatInt(whole, 10)
		}
		return "n" + strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		switch strings.ToUpper(collation) {
		case "NOCASE": // of ASCII
			v = strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					r += 'a' - 'A'
				}
				return r
			}, v)
		case "RTRIM":
			v = strings.TrimRight(v, " ")
		}
		return "t" + v
	case []byte:
		return "b" + string(v)
	}
	return ""
}

func (r sqliteReader) parents(t *restoreTable, fk *foreignKey) (string, error) {
	return r.restoreSQL(t, "parents", func(a *sqlite.RestoreArgs) { a.From, a.To, a.Other = fk.Columns, fk.ParentColumns, fk.Parent.Name })
}

func (r sqliteReader) references(t *restoreTable, fk *foreignKey) (string, error) {
	return r.restoreSQL(t, "references", func(a *sqlite.RestoreArgs) { a.From, a.To, a.Other = fk.Columns, fk.ParentColumns, fk.Table.Name })
}

func (r sqliteReader) clashes(t *restoreTable, u *uniqueKey) (string, error) {
	return r.restoreSQL(t, "clashes", func(a *sqlite.RestoreArgs) { a.From = u.Columns })
}

func (r sqliteReader) straddlers(t *restoreTable) (string, error) {
	return r.restoreSQL(t, "straddlers", nil)
}

// straddling: the transactions of SQLite end with their last change.
func (r sqliteReader) straddling(Point) (string, []any) { return "", nil }

func (r sqliteReader) changedTables(o *ActivityOpts) (string, []any, error) {
	c := &sqliteConditions{}
	if o.Transaction != 0 {
		c.add("a.transaction_id =", int64(o.Transaction)) //nolint:gosec // the counter stays small
	}
	if o.Actor != "" {
		c.add("json_extract(a.user_info, '$.user_id') =", o.Actor)
	}
	if !o.Since.IsZero() {
		c.add("a.changed >=", millisecondsUp(o.Since))
	}
	if !o.Until.IsZero() {
		c.add("a.changed <=", milliseconds(o.Until))
	}
	sql, err := sqlite.RestoreSQL("tables", sqlite.RestoreArgs{Where: c.where})
	return sql, c.args, err
}

func (r sqliteReader) transactionEnd(id uint64) (string, []any) {
	return "SELECT max(a.changed) FROM main.chrononaut_activity AS a WHERE a.transaction_id = ?1", []any{int64(id)} //nolint:gosec // the counter stays small
}

func (r sqliteReader) transactionID() string {
	return "SELECT CAST(transaction_id AS TEXT) FROM main.chrononaut_context WHERE id = 1"
}

func (r sqliteReader) settle() string { return "" }

func (r sqliteReader) time(p Point) string { return milliseconds(p.at) }
