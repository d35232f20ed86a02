package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var _ restorer = (*postgresReader)(nil)

// planSettings makes one snapshot of all that is read, and values look as the
// triggers write them. Compiling the queries would take longer than they do.
func (r *postgresReader) planSettings() string {
	return `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off;
SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'`
}

// applySettings: rows are locked one by one, and seen as they are by then.
func (r *postgresReader) applySettings() string {
	return `SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL jit = off; SET CONSTRAINTS ALL DEFERRED`
}

func (r *postgresReader) describe(ctx context.Context, q chronodriver.Queryer, t *restoreTable) error {
	sql, err := postgres.RestoreSQL(r.schema, "catalog", postgres.RestoreArgs{})
	if err != nil {
		return err
	}
	var document string
	found, err := queryOne(ctx, q, []any{&document}, sql, t.info.table.Schema, t.info.table.Name)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: %s is gone", ErrNotTracked, t.info.table)
	}
	var catalog struct {
		Columns          []catalogColumn
		Refers, Referred []foreignKey
		Uniques          []uniqueKey
		Triggers         []string
	}
	if err := json.Unmarshal([]byte(document), &catalog); err != nil {
		return errors.New("read the catalog: malformed JSON")
	}
	t.columns, t.refers, t.referred, t.uniques, t.triggers = catalog.Columns, catalog.Refers, catalog.Referred, catalog.Uniques, catalog.Triggers
	if t.info.postgres.RecordChanges {
		t.own = []string{"change_info", "changed"}
	}
	return nil
}

func (r *postgresReader) restoreSQL(t *restoreTable, name string, change func(*postgres.RestoreArgs)) (string, error) {
	args := postgres.RestoreArgs{ReadArgs: r.args(t.info), Table: t.info.postgres}
	if change != nil {
		change(&args)
	}
	return postgres.RestoreSQL(r.schema, name, args)
}

func (r *postgresReader) lives(t *restoreTable, until lifeUntil) (string, []any, error) {
	return r.untilSQL(t, "lives", until)
}

func (r *postgresReader) states(t *restoreTable, until lifeUntil) (string, []any, error) {
	return r.untilSQL(t, "states", until)
}

func (r *postgresReader) untilSQL(t *restoreTable, name string, until lifeUntil) (string, []any, error) {
	c := &conditions{args: []any{nil}}
	var condition string
	switch {
	case until.before:
		condition = "a.id < l.before"
	case until.version != nil:
		condition = "a.version <= " + c.placeholder(versionOf(*until.version)) + "::integer"
	default:
		at := c.placeholder(r.time(until.point)) + "::timestamptz"
		// What a transaction wrote that ended after the point had not happened yet: one
		// that wrote later, or whose end counts.
		condition = "a.changed <= " + at + ` AND (a.transaction_id IS NULL OR a.operation IS NOT DISTINCT FROM 'baseline' OR (
                   SELECT x.changed FROM ` + postgres.QuoteIdent(r.schema) + `.chrononaut_activity AS x
                    WHERE x.transaction_id = a.transaction_id
                      AND x.id < coalesce((SELECT min(s.first_id) FROM ` + postgres.QuoteIdent(r.schema) + `.chrononaut_cluster AS s WHERE s.first_id > a.id), 9223372036854775807)
                    ORDER BY x.id DESC LIMIT 1) <= ` + at
		if len(until.excepted) > 0 {
			condition += " AND NOT (a.id >= " + c.placeholder(until.exceptedFrom) + "::bigint AND a.transaction_id = ANY (" +
				c.placeholder("{"+strings.Join(until.excepted, ",")+"}") + "::text::xid8[]))"
		}
		condition += ")"
	}
	sql, err := r.restoreSQL(t, name, func(a *postgres.RestoreArgs) { a.Until = condition })
	return sql, c.args[1:], err
}

func (r *postgresReader) departures(t *restoreTable) (string, []any, error) {
	sql, err := r.restoreSQL(t, "departures", nil)
	return sql, nil, err
}

func (r *postgresReader) present(t *restoreTable, lock bool) (string, error) {
	return r.restoreSQL(t, "present", func(a *postgres.RestoreArgs) { a.Lock = lock })
}

func (r *postgresReader) misfits(t *restoreTable) (string, error) {
	return r.restoreSQL(t, "misfits", nil)
}

func (r *postgresReader) write(t *restoreTable, s *RestoreStep) (string, error) {
	return r.restoreSQL(t, string(s.Action), func(a *postgres.RestoreArgs) {
		for _, name := range s.written() {
			c := postgres.RestoreColumn{Name: name, Always: s.always(name)}
			if d := t.column(name).Default; d != nil {
				c.Default = *d
			}
			a.Columns = append(a.Columns, c)
		}
		for _, name := range s.without {
			a.Columns = append(a.Columns, postgres.RestoreColumn{Name: name, Null: true})
		}
	})
}

func (r *postgresReader) aside(t *restoreTable, columns []string) (string, error) {
	return r.restoreSQL(t, "aside", func(a *postgres.RestoreArgs) {
		for _, name := range columns {
			a.Columns = append(a.Columns, postgres.RestoreColumn{Name: name, Aside: t.asideValue(name)})
		}
	})
}

func (r *postgresReader) same(ctx context.Context, q chronodriver.Queryer, c *comparison, values []comparedValue, visit func(n, first int)) error {
	sql, err := r.restoreSQL(c.parent, "same", func(a *postgres.RestoreArgs) {
		a.From, a.To = c.childColumns, c.parentColumns
		if c.child != nil {
			a.Child = c.child.info.postgres
		}
	})
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return err
	}
	var n, first int
	return eachRow(ctx, q, []any{&n, &first}, func() error {
		visit(n, first)
		return nil
	}, sql, string(encoded))
}

func (r *postgresReader) parents(t *restoreTable, fk *foreignKey) (string, error) {
	return r.restoreSQL(t, "parents", func(a *postgres.RestoreArgs) {
		a.From, a.To, a.Other = fk.Columns, fk.ParentColumns, postgres.ReadArgs{Schema: fk.Parent.Schema, Name: fk.Parent.Name}.Qualified()
	})
}

func (r *postgresReader) references(t *restoreTable, fk *foreignKey) (string, error) {
	return r.restoreSQL(t, "references", func(a *postgres.RestoreArgs) {
		a.From, a.To, a.Other = fk.Columns, fk.ParentColumns, postgres.ReadArgs{Schema: fk.Table.Schema, Name: fk.Table.Name}.Qualified()
	})
}

func (r *postgresReader) clashes(t *restoreTable, u *uniqueKey) (string, error) {
	return r.restoreSQL(t, "clashes", func(a *postgres.RestoreArgs) { a.From = u.Columns })
}

func (r *postgresReader) straddlers(t *restoreTable) (string, error) {
	return r.restoreSQL(t, "straddlers", nil)
}

func (r *postgresReader) straddling(p Point) (string, []any) {
	return "SELECT s.transaction_id::text, s.from_id FROM " + postgres.QuoteIdent(r.schema) + ".straddling($1::timestamptz) AS s", []any{r.time(p)}
}

func (r *postgresReader) changedTables(o *ActivityOpts) (string, []any, error) {
	c := &conditions{}
	args := postgres.RestoreArgs{}
	if o.Transaction != 0 {
		args.Transaction = c.placeholder(strconv.FormatUint(o.Transaction, 10)) + "::xid8"
	}
	c.actor(o.Actor)
	if !o.Since.IsZero() {
		c.add("a.changed", ">=", earliest(o.Since), "timestamptz")
	}
	if !o.Until.IsZero() {
		c.add("a.changed", "<=", latest(o.Until), "timestamptz")
	}
	args.Where = c.where
	sql, err := postgres.RestoreSQL(r.schema, "tables", args)
	return sql, c.args, err
}

func (r *postgresReader) transactionEnd(id uint64) (string, []any) {
	schema := postgres.QuoteIdent(r.schema)
	return "SELECT " + schema + ".transaction_end($1::text::xid8, " + schema + ".cluster_start((SELECT max(t.id) FROM " + schema +
		".chrononaut_activity AS t WHERE t.transaction_id = $1::text::xid8)))", []any{strconv.FormatUint(id, 10)}
}

func (r *postgresReader) time(p Point) string { return latest(p.at) }

func (r *postgresReader) transactionID() string {
	return "SELECT pg_catalog.pg_current_xact_id()::text"
}

func (r *postgresReader) settle() string { return "SET CONSTRAINTS ALL IMMEDIATE" }
