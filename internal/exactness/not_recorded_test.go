package exactness_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

// rightOrRefused wants these lines, or that history says that it cannot tell:
// never other lines.
func (l *lab) rightOrRefused(p chrononaut.Point, sql string, want ...string) {
	l.Helper()
	got, err := l.lines(p, sql)
	if errors.Is(chrononaut.WrapError(err), chrononaut.ErrNotRecorded) {
		return
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		l.Errorf("%s: %s = %q, %v; want %q or not recorded", p, sql, got, describe(err), want)
	}
}

// unsafely runs statements behind the unsafe door.
func (l *lab) unsafely(erase chrononaut.Key, statements ...string) {
	l.Helper()
	ctx := l.Context()
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		driver := chronopgx.NewTxDriver(tx)
		door, err := chronounsafe.Suppress(ctx, driver, "a test", &chronounsafe.Opts{AllowErase: erase != nil})
		if err != nil {
			return err
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		if erase != nil {
			_, err = door.EraseHistory(ctx, chrononaut.Table{Name: "todos"}, erase)
		}
		return err
	})
	if err != nil {
		l.Fatal(describe(err))
	}
}

func (l *lab) trackOnly(name string) {
	l.Helper()
	if _, err := l.migrator.Track(l.Context(), chrononaut.Table{Name: name}, nil, nil); err != nil {
		l.Fatal(describe(err))
	}
}

func TestNotRecorded(t *testing.T) {
	t.Parallel()

	t.Run("before tracking began", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, `INSERT INTO todos VALUES (1, 'a')`)
		before := chrononaut.At(l.now())
		l.track("todos", nil)
		after := chrononaut.At(l.now())
		l.exec(`UPDATE todos SET title = 'b'`)
		l.refused(before, titles, chrononaut.ErrNotRecorded)
		l.refused(before, "SELECT count(*)::text FROM todos", chrononaut.ErrNotRecorded)
		l.refused(before, "SELECT title FROM todos WHERE id = 1", chrononaut.ErrNotRecorded)
		l.refused(before, "SELECT title FROM todos WHERE id = 77", chrononaut.ErrNotRecorded)
		l.refused(before, "SELECT 'none' WHERE NOT EXISTS (SELECT FROM todos)", chrononaut.ErrNotRecorded)
		l.want(after, titles, "1 a")
		l.want(chrononaut.At(l.now()), titles, "1 b")
	})

	t.Run("rows that were there before and have no baseline", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, `INSERT INTO todos VALUES (1, 'a'), (2, 'b')`)
		l.trackOnly("todos")
		tracked := chrononaut.At(l.now())
		l.rightOrRefused(tracked, titles, "1 a", "2 b")
		l.exec(`UPDATE todos SET title = 'c' WHERE id = 1`, `INSERT INTO todos VALUES (3, 'd')`)
		changed := chrononaut.At(l.now())
		l.rightOrRefused(tracked, titles, "1 a", "2 b")
		l.rightOrRefused(changed, titles, "1 c", "2 b", "3 d")
		l.rightOrRefused(changed, "SELECT count(*)::text FROM todos", "3")
		if _, err := l.migrator.Baseline(t.Context(), chrononaut.Table{Name: "todos"}, nil); err != nil {
			t.Fatal(describe(err))
		}
		l.rightOrRefused(tracked, titles, "1 a", "2 b")
		l.rightOrRefused(changed, titles, "1 c", "2 b", "3 d")
		l.want(chrononaut.At(l.now()), titles, "1 c", "2 b", "3 d")
	})

	t.Run("while a baseline is half done", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`, `INSERT INTO todos SELECT n, 'a' FROM generate_series(1, 9) AS n`)
		l.trackOnly("todos")
		l.exec(`SELECT chrononaut.baseline_chunk('public', 'todos', 4)`)
		l.rightOrRefused(chrononaut.At(l.now()), "SELECT count(*)::text FROM todos", "9")
		l.exec(`SELECT chrononaut.baseline_chunk('public', 'todos', 4)`)
		l.rightOrRefused(chrononaut.At(l.now()), "SELECT count(*)::text FROM todos", "9")
		l.exec(`SELECT chrononaut.baseline_chunk('public', 'todos', 4)`)
		l.want(chrononaut.At(l.now()), "SELECT count(*)::text FROM todos", "9")
	})

	t.Run("a table that is tracked while it is empty needs no baseline", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		l.trackOnly("todos")
		tracked := chrononaut.At(l.now())
		l.exec(`INSERT INTO todos VALUES (1, 'a')`)
		l.rightOrRefused(tracked, titles)
		l.rightOrRefused(chrononaut.At(l.now()), titles, "1 a")
	})

	t.Run("in a gap of tracking, of which the rows that changed are known afterwards", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		l.track("todos", nil)
		l.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
		recorded := chrononaut.At(l.now())
		token := l.token()
		if _, err := l.migrator.Untrack(t.Context(), chrononaut.Table{Name: "todos"}, nil); err != nil {
			t.Fatal(describe(err))
		}
		begin := chrononaut.At(l.now())
		l.exec(`UPDATE todos SET title = 'unseen' WHERE id = 2`, `DELETE FROM todos WHERE id = 3`, `INSERT INTO todos VALUES (4, 'unseen')`)
		gap := chrononaut.At(l.now())
		gapToken := l.token()
		l.track("todos", nil)
		again := chrononaut.At(l.now())
		l.exec(`UPDATE todos SET title = 'seen' WHERE id = 4`)
		l.want(recorded, titles, "1 a", "2 b", "3 c")
		l.want(token, titles, "1 a", "2 b", "3 c")
		l.rightOrRefused(begin, titles, "1 a", "2 b", "3 c")
		l.refused(gap, titles, chrononaut.ErrNotRecorded)
		l.refused(gapToken, titles, chrononaut.ErrNotRecorded)
		l.want(again, titles, "1 a", "2 unseen", "4 unseen")
		l.want(chrononaut.At(l.now()), titles, "1 a", "2 unseen", "4 seen")
	})

	t.Run("after a suppression, until a baseline has found what it did", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		l.track("todos", nil)
		l.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
		before, token := chrononaut.At(l.now()), l.token()
		l.unsafely(nil, `UPDATE todos SET title = 'unseen' WHERE id = 1`, `DELETE FROM todos WHERE id = 2`, `INSERT INTO todos VALUES (4, 'unseen')`)
		after, afterToken := chrononaut.At(l.now()), l.token()
		l.exec(`UPDATE todos SET title = 'seen' WHERE id = 3`)
		later := chrononaut.At(l.now())
		l.want(before, titles, "1 a", "2 b", "3 c")
		l.want(token, titles, "1 a", "2 b", "3 c")
		l.rightOrRefused(after, titles, "1 unseen", "3 c", "4 unseen")
		l.rightOrRefused(afterToken, titles, "1 unseen", "3 c", "4 unseen")
		l.rightOrRefused(later, titles, "1 unseen", "3 seen", "4 unseen")
		l.track("todos", nil)
		l.want(before, titles, "1 a", "2 b", "3 c")
		l.rightOrRefused(after, titles, "1 unseen", "3 c", "4 unseen")
		l.rightOrRefused(later, titles, "1 unseen", "3 seen", "4 unseen")
		l.want(chrononaut.At(l.now()), titles, "1 unseen", "3 seen", "4 unseen")
	})

	t.Run("rows that were all deleted in a gap are not there afterwards", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		l.track("todos", nil)
		l.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`)
		before := chrononaut.At(l.now())
		if _, err := l.migrator.Untrack(t.Context(), chrononaut.Table{Name: "todos"}, nil); err != nil {
			t.Fatal(describe(err))
		}
		l.exec(`DELETE FROM todos`)
		l.trackOnly("todos")
		l.want(before, titles, "1 a", "2 b")
		l.rightOrRefused(chrononaut.At(l.now()), titles)
		l.exec(`INSERT INTO todos VALUES (2, 'again')`)
		l.rightOrRefused(chrononaut.At(l.now()), titles, "2 again")
		l.track("todos", nil)
		l.want(chrononaut.At(l.now()), titles, "2 again")
	})

	t.Run("after an erasure the times before it are not recorded", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		l.track("todos", nil)
		l.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'secret')`)
		before, token := chrononaut.At(l.now()), l.token()
		l.exec(`UPDATE todos SET title = 'b' WHERE id = 1`)
		l.unsafely(chrononaut.Key{"id": 2}, `DELETE FROM todos WHERE id = 2`)
		l.rightOrRefused(before, titles, "1 a", "2 secret")
		l.rightOrRefused(token, titles, "1 a", "2 secret")
		l.rightOrRefused(chrononaut.At(l.now()), titles, "1 b")
		// What is asked of a record that nobody has touched may be answered.
		l.rightOrRefused(before, "SELECT title FROM todos WHERE id = 1", "a")
		l.rightOrRefused(before, "SELECT title FROM todos WHERE id = 2", "secret")
	})

	t.Run("a table that is not tracked, and a write, are refused", func(t *testing.T) {
		t.Parallel()
		l, before := todos(t)
		l.exec(`CREATE TABLE plain (id integer)`)
		l.trackOnly("todos") // renews the views
		p := chrononaut.At(before)
		l.refused(p, "SELECT title FROM public.todos", chrononaut.ErrPast)
		l.refused(p, "SELECT count(*)::text FROM plain", chrononaut.ErrPast)
		for _, sql := range []string{"UPDATE todos SET title = 'x' RETURNING title", "UPDATE public.todos SET title = 'x' RETURNING title", "DELETE FROM todos RETURNING title", "SELECT id::text FROM plain"} {
			if got, err := l.lines(p, sql); err == nil {
				t.Errorf("%s = %q in the past", sql, got)
			}
		}
		l.want(chrononaut.At(l.now()), titles, "1 a")
	})
}
