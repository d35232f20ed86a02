package chronopgx_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// What follows has the shape of the code that sqlc generates for pgx/v5, with
// :one, :many, :exec, :copyfrom and :batchexec queries.

type sqlcDBTX interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
	CopyFrom(ctx context.Context, tableName pgx.Identifier, columnNames []string, rowSrc pgx.CopyFromSource) (int64, error)
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}

var (
	_ sqlcDBTX = (*chronopgx.DB)(nil)
	_ sqlcDBTX = pgx.Tx(nil)
)

type sqlcQueries struct{ db sqlcDBTX }

func (q *sqlcQueries) WithTx(tx pgx.Tx) *sqlcQueries { return &sqlcQueries{db: tx} }

type sqlcTodo struct {
	ID    int64
	Title string
	Done  bool
}

const sqlcCreate = `-- name: CreateTodo :one
INSERT INTO todos (title) VALUES ($1) RETURNING id, title, done
`

func (q *sqlcQueries) CreateTodo(ctx context.Context, title string) (sqlcTodo, error) {
	row := q.db.QueryRow(ctx, sqlcCreate, title)
	var i sqlcTodo
	err := row.Scan(&i.ID, &i.Title, &i.Done)
	return i, err
}

const sqlcFinish = `-- name: FinishTodos :many
UPDATE todos SET done = true WHERE id = ANY($1::bigint[]) RETURNING id, title, done
`

func (q *sqlcQueries) FinishTodos(ctx context.Context, ids []int64) ([]sqlcTodo, error) {
	rows, err := q.db.Query(ctx, sqlcFinish, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []sqlcTodo
	for rows.Next() {
		var i sqlcTodo
		if err := rows.Scan(&i.ID, &i.Title, &i.Done); err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return items, nil
}

const sqlcDelete = `-- name: DeleteTodo :exec
DELETE FROM todos WHERE title = $1
`

func (q *sqlcQueries) DeleteTodo(ctx context.Context, title string) error {
	_, err := q.db.Exec(ctx, sqlcDelete, title)
	return err
}

func (q *sqlcQueries) ImportTodos(ctx context.Context, titles []string) (int64, error) {
	return q.db.CopyFrom(ctx, []string{"todos"}, []string{"title"}, pgx.CopyFromSlice(len(titles), func(i int) ([]any, error) { return []any{titles[i]}, nil }))
}

const sqlcRename = `-- name: RenameTodos :batchexec
UPDATE todos SET title = $2 WHERE title = $1
`

func (q *sqlcQueries) RenameTodos(ctx context.Context, titles [][2]string, f func(int, error)) error {
	batch := &pgx.Batch{}
	for _, a := range titles {
		batch.Queue(sqlcRename, a[0], a[1])
	}
	br := q.db.SendBatch(ctx, batch)
	for t := range titles {
		_, err := br.Exec()
		f(t, err)
	}
	return br.Close()
}

func TestSqlc(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, f *fixture) {
		t.Helper()
		use := func(q *sqlcQueries, ctx context.Context) {
			t.Helper()
			a := must[sqlcTodo](t)(q.CreateTodo(ctx, "a"))
			done := must[[]sqlcTodo](t)(q.FinishTodos(ctx, []int64{a.ID}))
			if diff := cmp.Diff([]sqlcTodo{{a.ID, "a", true}}, done); diff != "" {
				t.Errorf("FinishTodos() mismatch (-want +got):\n%s", diff)
			}
			if n := must[int64](t)(q.ImportTodos(ctx, []string{"b", "c"})); n != 2 {
				t.Errorf("ImportTodos() = %d, want 2", n)
			}
			err := q.RenameTodos(ctx, [][2]string{{"b", "B"}, {"c", "C"}}, func(i int, err error) {
				if err != nil {
					t.Errorf("rename %d: %v", i, err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := q.DeleteTodo(ctx, "a"); err != nil {
				t.Fatal(err)
			}
		}
		queries := &sqlcQueries{f.db}
		use(queries, f.as("ann"))
		f.wantLog("a insert ann", "a update ann", "b insert ann", "c insert ann", "B update ann", "C update ann", "a delete ann")
		f.forget()

		tx := must[pgx.Tx](t)(f.db.Begin(f.as("bob")))
		use(queries.WithTx(tx), t.Context())
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.wantLog("a insert bob", "a update bob", "b insert bob", "c insert bob", "B update bob", "C update bob", "a delete bob")
	})
}

func TestHelpersOfPgx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type todo struct {
		ID    int64
		Title string
		Done  bool
	}
	// The error is the rows', as in pgx's documentation.
	rows, _ := f.db.Query(f.as("ann"), "insert into todos (title) values ($1), ($2) returning id, title, done", "a", "b")
	todos, err := pgx.CollectRows(rows, pgx.RowToStructByName[todo])
	if err != nil || len(todos) != 2 || todos[1].Title != "b" {
		t.Errorf("CollectRows() = %+v, %v", todos, err)
	}
	rows, _ = f.db.Query(f.as("ann"), "update todos set done = true where title = $1 returning id, title, done", "a")
	updated, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[todo])
	if err != nil || !updated.Done {
		t.Errorf("CollectExactlyOneRow() = %+v, %v", updated, err)
	}
	var title string
	rows, _ = f.db.Query(f.as("ann"), "delete from todos returning title")
	tag, err := pgx.ForEachRow(rows, []any{&title}, func() error { return nil })
	if err != nil || tag.RowsAffected() != 2 {
		t.Errorf("ForEachRow() = %s, %v; want two rows", tag, err)
	}
	rows, _ = f.db.Query(f.as("ann"), "select no_such_column from todos where id = $1", 1)
	if _, err := pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
		t.Error("CollectRows() of a query that failed succeeded")
	}
	f.wantLog("a insert ann", "b insert ann", "a update ann", "b delete ann", "a delete ann")
}

const sqlcList = `-- name: ListTodos :many
SELECT id, title, done FROM todos WHERE id > $1 ORDER BY id
`

func (q *sqlcQueries) ListTodos(ctx context.Context, after int64) ([]sqlcTodo, error) {
	rows, err := q.db.Query(ctx, sqlcList, after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []sqlcTodo
	for rows.Next() {
		var i sqlcTodo
		if err := rows.Scan(&i.ID, &i.Title, &i.Done); err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	return items, rows.Err()
}

func TestSqlcInThePast(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			f, past := newPastFixture(t, database(t).URL(), mode)
			queries := &sqlcQueries{f.db}
			want := func(q *sqlcQueries, ctx context.Context, title string) {
				t.Helper()
				if got := must[[]sqlcTodo](t)(q.ListTodos(ctx, 0)); len(got) != 2 || got[0].Title != title {
					t.Errorf("ListTodos() = %v, want %s first", got, title)
				}
			}
			for range 3 {
				want(queries, past, "old")
				want(queries, t.Context(), "new")
			}
			tx := must[pgx.Tx](t)(f.db.Begin(past))
			want(queries.WithTx(tx), t.Context(), "old")
			if _, err := queries.WithTx(tx).CreateTodo(t.Context(), "a"); !errors.Is(err, chrononaut.ErrPast) {
				t.Errorf("CreateTodo() error = %v, want %v", err, chrononaut.ErrPast)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := queries.ImportTodos(past, []string{"b"}); !errors.Is(err, chrononaut.ErrPast) {
				t.Errorf("ImportTodos() error = %v, want %v", err, chrononaut.ErrPast)
			}
			if err := queries.RenameTodos(past, [][2]string{{"b", "B"}}, func(int, error) {}); !errors.Is(err, chrononaut.ErrPast) {
				t.Errorf("RenameTodos() error = %v, want %v", err, chrononaut.ErrPast)
			}
		})
	}
}
