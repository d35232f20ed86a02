package chrononaut

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func (sqliteReader) past(ctx context.Context, q chronodriver.Queryer, info *tableInfo, p Point, opts AsOfOpts) (string, error) {
	point, err := sqlite.DecodePoint(p.encode(opts))
	if err != nil {
		return "", err
	}
	place, err := point.Place(ctx, q)
	if err == nil && !place.Settled && !point.Unsettled {
		if err = point.Settle(ctx, q); err == nil {
			place, err = point.Place(ctx, q)
		}
	}
	if err != nil {
		return "", notInstalled(err)
	}
	relations, err := sqlite.ReadRelations(ctx, q, place.Cut, info.table.Name, nil)
	switch {
	case err != nil:
		return "", err
	case len(relations) == 0 || !relations[0].Tracked:
		return "", ErrNotTracked
	case relations[0].Past == nil:
		return "", fmt.Errorf("%w: the table was not recorded then", ErrNotRecorded)
	}
	sql, err := relations[0].Past.SQL()
	return "(" + sql + ")", err
}

func (sqliteReader) takeSnapshot(ctx context.Context, q chronodriver.Queryer) (string, error) {
	return sqlite.TakeSnapshot(ctx, q)
}
