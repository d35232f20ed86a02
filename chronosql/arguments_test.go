package chronosql_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
)

// TestArgumentsOfPgx passes what pgx takes besides values.
func TestArgumentsOfPgx(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixtureAt(t, database(t).URL(), mode, nil)
			f.exec(t.Context(), insert, "old")
			past := chrononaut.AsOf(f.as("ann"), time.Now())
			f.forget()
			named := pgx.NamedArgs{"t": "named", "old": "old"}
			for _, ctx := range []context.Context{t.Context(), f.as("ann")} {
				for _, query := range []struct {
					sql  string
					args []any
				}{
					{"insert into todos (title) values (@t)", []any{named}},
					{"insert into todos (title) values ($1)", []any{pgx.QueryExecModeExec, "exec"}},
					{"insert into todos (title) values (@t)", []any{pgx.QueryExecModeSimpleProtocol, named}},
					{"select 1; insert into todos (title) values ($1)", []any{pgx.QueryExecModeSimpleProtocol, "simple"}},
					{"select 1; insert into todos (title) values ('empty')", []any{pgx.NamedArgs{}}},
				} {
					result, err := f.db.ExecContext(ctx, query.sql, query.args...)
					if err != nil {
						t.Errorf("%s: %v", query.sql, err)
						continue
					}
					if n, err := result.RowsAffected(); n != 1 || err != nil {
						t.Errorf("%s: %d rows, %v; want 1", query.sql, n, err)
					}
				}
				for _, query := range []struct {
					sql  string
					args []any
				}{
					{"insert into todos (title) values (@t) returning title", []any{named}},
					{"insert into todos (title) values ($1) returning title", []any{pgx.QueryExecModeExec, "named"}},
				} {
					var title string
					if err := f.db.QueryRowContext(ctx, query.sql, query.args...).Scan(&title); err != nil || title != "named" {
						t.Errorf("%s: %q, %v", query.sql, title, err)
					}
				}
			}
			f.wantLog(
				"named insert -", "exec insert -", "named insert -", "simple insert -", "empty insert -", "named insert -", "named insert -",
				"named insert ann", "exec insert ann", "named insert ann", "simple insert ann", "empty insert ann", "named insert ann", "named insert ann")

			read := func(db runner) {
				t.Helper()
				for _, args := range [][]any{{named}, {pgx.QueryExecModeExec, named}, {pgx.QueryExecModeSimpleProtocol, named}} {
					var n int
					if err := db.QueryRowContext(past, "select count(*) from todos where title in (@t, @old)", args...).Scan(&n); err != nil || n != 1 {
						t.Errorf("in the past: %d rows, %v; want 1", n, err)
					}
					if _, err := db.ExecContext(past, "select count(*) from todos where title in (@t, @old)", args...); err != nil {
						t.Errorf("in the past: %v", err)
					}
				}
			}
			read(f.db)
			tx := f.begin(past)
			read(tx)
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
			tx = f.begin(f.as("bob"))
			if _, err := tx.ExecContext(t.Context(), "insert into todos (title) values (@t)", named); err != nil {
				t.Error(err)
			}
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}

			broken := errors.New("broken")
			if err := f.db.QueryRowContext(f.as("ann"), insert, rewriter{broken}).Scan(new(int)); !errors.Is(err, broken) {
				t.Errorf("error = %v, want the rewriter's", err)
			}
		})
	}
}

type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// rewriter fails.
type rewriter struct{ err error }

func (r rewriter) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return "", nil, r.err
}
