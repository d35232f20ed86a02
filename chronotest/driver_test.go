package chronotest_test

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

type rows struct{ pgx.Rows }

func (r rows) Columns() ([]string, error) {
	var n []string
	for _, f := range r.FieldDescriptions() {
		n = append(n, f.Name)
	}
	return n, nil
}
func (r rows) Close() error { r.Rows.Close(); return r.Err() }

type tx struct{ pgx.Tx }

func (t tx) Exec(ctx context.Context, s string, a ...any) (int64, error) {
	c, e := t.Tx.Exec(ctx, s, a...)
	return c.RowsAffected(), e
}

func (t tx) Query(ctx context.Context, s string, a ...any) (chronodriver.Rows, error) {
	r, e := t.Tx.Query(ctx, s, a...)
	return rows{r}, e
}

type drv struct{ *pgxpool.Pool }

func (t drv) Exec(ctx context.Context, s string, a ...any) (int64, error) {
	c, e := t.Pool.Exec(ctx, s, a...)
	return c.RowsAffected(), e
}

func (t drv) Query(ctx context.Context, s string, a ...any) (chronodriver.Rows, error) {
	r, e := t.Pool.Query(ctx, s, a...)
	return rows{r}, e
}
func (t drv) Dialect() chronodriver.Dialect { return chronodriver.PostgreSQL }
func (t drv) Begin(ctx context.Context) (chronodriver.Tx, error) {
	v, ok, err := chrononaut.EncodeContext(ctx, nil)
	if err != nil {
		return nil, err
	}
	o := pgx.TxOptions{}
	if ok {
		o.BeginQuery = "begin; set local chrononaut.context = " + postgres.QuoteLiteral(v)
	}
	x, e := t.Pool.BeginTx(ctx, o)
	return tx{x}, e
}

func newDriver(pool *pgxpool.Pool) chronodriver.Driver { return drv{pool} }
