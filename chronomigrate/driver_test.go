package chronomigrate_test

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

func newDriver(pool *pgxpool.Pool) chronodriver.Driver { return testDriver{pool} }

type testRows struct{ pgx.Rows }

func (r testRows) Columns() ([]string, error) {
	var n []string
	for _, f := range r.FieldDescriptions() {
		n = append(n, f.Name)
	}
	return n, nil
}
func (r testRows) Close() error { r.Rows.Close(); return r.Err() }

type testTx struct{ pgx.Tx }

func (t testTx) Exec(ctx context.Context, s string, a ...any) (int64, error) {
	c, e := t.Tx.Exec(ctx, s, a...)
	return c.RowsAffected(), e
}

func (t testTx) Query(ctx context.Context, s string, a ...any) (chronodriver.Rows, error) {
	r, e := t.Tx.Query(ctx, s, a...)
	return testRows{r}, e
}

type testDriver struct{ *pgxpool.Pool }

func (t testDriver) Exec(ctx context.Context, s string, a ...any) (int64, error) {
	c, e := t.Pool.Exec(ctx, s, a...)
	return c.RowsAffected(), e
}

func (t testDriver) Query(ctx context.Context, s string, a ...any) (chronodriver.Rows, error) {
	r, e := t.Pool.Query(ctx, s, a...)
	return testRows{r}, e
}
func (t testDriver) Dialect() chronodriver.Dialect { return chronodriver.PostgreSQL }
func (t testDriver) Begin(ctx context.Context) (chronodriver.Tx, error) {
	x, e := t.Pool.Begin(ctx)
	return testTx{x}, e
}
