package chrononaut

import (
	"context"
	"errors"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

func (sqliteReader) past(context.Context, chronodriver.Queryer, *tableInfo, Point, AsOfOpts) (string, error) {
	return "", errors.ErrUnsupported
}

func (sqliteReader) takeSnapshot(context.Context, chronodriver.Queryer) (string, error) {
	return "", errors.ErrUnsupported
}
