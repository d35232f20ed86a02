package chronosql_test

import (
	"context"
	"database/sql"
	"testing"
)

// What follows has the shape of the code that sqlc generates for database/sql,
// with prepared queries.

type sqlcDBTX interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

var (
	_ sqlcDBTX = (*sql.DB)(nil)
	_ sqlcDBTX = (*sql.Tx)(nil)
)

type sqlcQueries struct {
	db         sqlcDBTX
	tx         *sql.Tx
	createStmt *sql.Stmt
	deleteStmt *sql.Stmt
}

const sqlcCreate = `-- name: CreateTodo :one
INSERT INTO todos (title) VALUES ($1) RETURNING id
`

const sqlcDelete = `-- name: DeleteTodo :execrows
DELETE FROM todos WHERE title = $1
`

// sqlcPrepare leaves out one of the queries: sqlc runs those without a
// statement as text.
func sqlcPrepare(ctx context.Context, db sqlcDBTX) (*sqlcQueries, error) {
	q := sqlcQueries{db: db}
	var err error
	if q.createStmt, err = db.PrepareContext(ctx, sqlcCreate); err != nil {
		return nil, err
	}
	return &q, nil
}

func (q *sqlcQueries) WithTx(tx *sql.Tx) *sqlcQueries {
	return &sqlcQueries{db: tx, tx: tx, createStmt: q.createStmt, deleteStmt: q.deleteStmt}
}

func (q *sqlcQueries) exec(ctx context.Context, stmt *sql.Stmt, query string, args ...any) (sql.Result, error) {
	switch {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	case stmt != nil:
		return stmt.ExecContext(ctx, args...)
	default:
		return q.db.ExecContext(ctx, query, args...)
	}
}

func (q *sqlcQueries) queryRow(ctx context.Context, stmt *sql.Stmt, query string, args ...any) *sql.Row {
	switch {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	case stmt != nil:
		return stmt.QueryRowContext(ctx, args...)
	default:
		return q.db.QueryRowContext(ctx, query, args...)
	}
}

func (q *sqlcQueries) CreateTodo(ctx context.Context, title string) (int64, error) {
	row := q.queryRow(ctx, q.createStmt, sqlcCreate, title)
	var id int64
	err := row.Scan(&id)
	return id, err
}

func (q *sqlcQueries) DeleteTodo(ctx context.Context, title string) (int64, error) {
	result, err := q.exec(ctx, q.deleteStmt, sqlcDelete, title)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func TestSqlc(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixtureAt(t, database(t).URL(), mode, nil)
			use := func(q *sqlcQueries, ctx context.Context) {
				t.Helper()
				if id, err := q.CreateTodo(ctx, "a"); err != nil || id == 0 {
					t.Fatalf("CreateTodo() = %d, %v", id, err)
				}
				if n, err := q.DeleteTodo(ctx, "a"); err != nil || n != 1 {
					t.Fatalf("DeleteTodo() = %d, %v; want 1", n, err)
				}
			}
			queries, err := sqlcPrepare(t.Context(), f.db)
			if err != nil {
				t.Fatal(err)
			}
			defer queries.createStmt.Close()
			use(queries, f.as("ann"))
			use(queries, t.Context())
			tx := f.begin(f.as("bob"))
			use(queries.WithTx(tx), t.Context())
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			f.wantLog("a insert ann", "a delete ann", "a insert -", "a delete -", "a insert bob", "a delete bob")
		})
	}
}
