package chrononaut

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

func (r *postgresReader) takeSnapshot(ctx context.Context, q chronodriver.Queryer) (token string, err error) {
	_, err = queryOne(ctx, q, []any{&token}, "SELECT "+postgres.QuoteIdent(r.schema)+".take_snapshot()")
	return token, err
}

func (r *postgresReader) past(ctx context.Context, q chronodriver.Queryer, info *tableInfo, p Point, opts AsOfOpts) (string, error) {
	if info.postgres == nil || info.pastPolicy == nil {
		return "", fmt.Errorf("%w: the table is gone", ErrNotTracked)
	}
	sql, err := postgres.Read(r.schema, "point", postgres.ReadArgs{})
	if err != nil {
		return "", err
	}
	var document, unknown string
	if _, err := queryOne(ctx, q, []any{&document, &unknown}, sql, p.encode(opts), info.table.Schema, info.table.Name); err != nil {
		return "", notInstalled(err)
	}
	if unknown != "" {
		return "", fmt.Errorf("%w: %s", ErrNotRecorded, unknown)
	}
	var point postgres.PointLiterals
	if err := json.Unmarshal([]byte(document), &point); err != nil {
		return "", fmt.Errorf("read the point: %w", err)
	}
	view := info.postgres.Past("", *info.pastPolicy, info.python)
	view.Point = &point
	query, err := view.SQL()
	return "(" + query + ")", err
}
