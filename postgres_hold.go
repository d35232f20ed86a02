package chrononaut

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var _ holder = (*postgresReader)(nil)

func (r *postgresReader) hold(ctx context.Context, q chronodriver.Queryer, info *tableInfo, keys []Key, reason string, opts HoldOpts) (string, error) {
	var encoded *string
	if keys != nil {
		list, err := r.encodeKeys(info, keys)
		if err != nil {
			return "", err
		}
		encoded = &list
	}
	options := map[string]any{"allow_insert": opts.AllowInsert, "two_people": opts.TwoPeople}
	if opts.Timeout > 0 {
		options["timeout"] = max(opts.Timeout.Milliseconds(), 1)
	}
	if len(opts.Children) > 0 {
		children, err := r.qualify(ctx, q, opts.Children)
		if err != nil {
			return "", err
		}
		options["children"] = relationDocuments(children)
	}
	settings, err := json.Marshal(options)
	if err != nil {
		return "", err
	}
	var document string
	_, err = queryOne(ctx, q, []any{&document}, "SELECT "+postgres.QuoteIdent(r.schema)+".hold($1::text, $2::text, $3::jsonb, $4::text, $5::jsonb)::text",
		info.table.Schema, info.table.Name, encoded, reason, string(settings))
	switch state := chronodriver.State(err); {
	case state == "P0002":
		return "", fmt.Errorf("%w: %w", ErrNotFound, err)
	case strings.HasPrefix(state, "22") || state == "23514" || state == "23502": // the latter of a domain
		return "", keyError(err)
	}
	return document, err
}

// encodeKeys writes keys as the function reads them, which brings them into the
// form that history has.
func (r *postgresReader) encodeKeys(info *tableInfo, keys []Key) (string, error) {
	parts := make([]string, len(keys))
	for i, key := range keys {
		encoded, _, err := r.encodeKey(info, key)
		if err != nil {
			return "", err
		}
		parts[i] = encoded
	}
	return "[" + strings.Join(parts, ",") + "]", nil
}

// qualify gives the tables of relations the schema in which they are tracked.
func (r *postgresReader) qualify(ctx context.Context, q chronodriver.Queryer, relations []Relation) ([]Relation, error) {
	relations = slices.Clone(relations)
	for i := range relations {
		info, _, err := r.registered(ctx, q, relations[i].Table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", relations[i].Table, err)
		}
		relations[i].Table = info.table
		if relations[i].Children, err = r.qualify(ctx, q, relations[i].Children); err != nil {
			return nil, err
		}
	}
	return relations, nil
}

func (r *postgresReader) release(ctx context.Context, q chronodriver.Queryer, id int64, rationale string) (string, error) {
	var document string
	_, err := queryOne(ctx, q, []any{&document}, "SELECT "+postgres.QuoteIdent(r.schema)+".release($1::bigint, $2::text)::text", id, rationale)
	if chronodriver.State(err) == "P0002" {
		return "", fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return document, err
}

func (r *postgresReader) holds(ctx context.Context, q chronodriver.Queryer, info *tableInfo, opts HoldsOpts, visit func(string) error) error {
	args := postgres.ReadArgs{Limit: max(opts.Limit, 0)}
	c := &conditions{}
	if !opts.All {
		args.Where = append(args.Where, "h.released IS NULL")
	}
	if info != nil {
		schema, name := c.placeholder(info.table.Schema)+"::text", c.placeholder(info.table.Name)+"::text"
		own := "h.table_schema = " + schema + " AND h.table_name = " + name
		scope := "s.table_schema = " + schema + " AND s.table_name = " + name
		if opts.Key != nil {
			key, err := r.normalizeKey(ctx, q, info, opts.Key)
			if err != nil {
				return err
			}
			k := c.placeholder(key) + "::jsonb"
			own += " AND (h.keys IS NULL OR h.keys @> pg_catalog.jsonb_build_array(" + k + "))"
			scope += " AND s.match = " + k + " AND s.record_hash = pg_catalog.jsonb_hash_extended(" + k + ", pg_catalog.hashtextextended(" + schema + " || '.' || " + name + ", 0))"
		}
		args.Where = append(args.Where, "("+own+" OR h.id IN (SELECT s.hold_id FROM "+postgres.QuoteIdent(r.schema)+".chrononaut_hold_scope AS s WHERE "+scope+" AND NOT s.past))")
	}
	sql, err := postgres.Read(r.schema, "holds", args)
	if err != nil {
		return err
	}
	var document string
	return eachRow(ctx, q, []any{&document}, func() error { return visit(document) }, sql, c.args...)
}

func (r *postgresReader) holdColumns(ctx context.Context, q chronodriver.Queryer, info *tableInfo) (columns []string, err error) {
	schema := postgres.QuoteIdent(r.schema)
	var column string
	err = eachRow(ctx, q, []any{&column}, func() error {
		columns = append(columns, column)
		return nil
	}, "SELECT DISTINCT c.name FROM "+schema+`.chrononaut_hold_shape AS f
 CROSS JOIN pg_catalog.unnest(f.columns || CASE WHEN f.columns = '{}' THEN ''::text END) AS c (name)
 WHERE f.table_schema = $1::text AND f.table_name = $2::text AND c.name IS NOT NULL`, info.table.Schema, info.table.Name)
	return columns, err
}

func (r *postgresReader) heldStates(ctx context.Context, q chronodriver.Queryer, info *tableInfo, states string, visit func(int, string) error) error {
	sql, err := postgres.RestoreSQL(r.schema, "held", postgres.RestoreArgs{ReadArgs: r.args(info)})
	if err != nil {
		return err
	}
	var n int
	var document string
	return eachRow(ctx, q, []any{&n, &document}, func() error { return visit(n, document) }, sql, states)
}
