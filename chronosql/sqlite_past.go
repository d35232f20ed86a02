package chronosql

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/chrononaut-go/chrononaut"
)

var errSQLitePast = fmt.Errorf("%w: SQLite cannot read it yet", chrononaut.ErrPast)

func (s *sqlite) beginPast(context.Context, driver.TxOptions, string, string, bool) (driver.Tx, error) {
	return nil, errSQLitePast
}

func (s *sqlite) execPast(context.Context, string, call) (driver.Result, error) {
	return nil, errSQLitePast
}

func (s *sqlite) queryPast(context.Context, string, call) (driver.Rows, error) {
	return nil, errSQLitePast
}
