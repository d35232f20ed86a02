package chrononaut_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestStaleUpsertIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`CREATE UNIQUE INDEX ON todos (title)`, `INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'x')`)
	const upsert = `INSERT INTO todos (id, title, version) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET title = excluded.title, version = excluded.version`
	f.upsert(upsert, 1, "b", 0)
	f.upsert(upsert, 1, "c", 1)
	f.isAt(1, 2)
	for _, version := range []int{0, 1, 4, 100, -7} {
		if e := f.staleOf(upsert, 1, "d", version); *e.Expected != version || e.Actual != 2 {
			t.Errorf("version %d: %v", version, e)
		}
	}
	f.upsert(upsert, 3, "new", 5)
	f.isAt(3, 0)

	// A deleted record that comes back continues its versions, whatever is given.
	f.exec(`DELETE FROM todos WHERE id = 3`)
	f.upsert(upsert, 3, "again", 0)
	f.isAt(3, 2)

	// Who does not write the version is not looked at, and excluded can be asked.
	f.upsert(`INSERT INTO todos (id, title, version) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET title = excluded.title`, 1, "d", 0)
	f.isAt(1, 3)
	const asked = upsert + ` WHERE todos.version = excluded.version`
	if n := f.upsert(asked, 1, "e", 2); n != 0 {
		t.Errorf("%d rows", n)
	}
	if n := f.upsert(asked, 1, "e", 3); n != 1 {
		t.Errorf("%d rows", n)
	}
	f.isAt(1, 4)

	// No version is version 0, also while no record of the table has ever gone.
	const without = `INSERT INTO %s (id, title) VALUES (1, 'f') ON CONFLICT (id) DO UPDATE SET title = excluded.title, version = excluded.version`
	if e := f.staleOf(fmt.Sprintf(without, "todos")); *e.Expected != 0 || e.Actual != 4 {
		t.Errorf("%v", e)
	}
	f.exec(`CREATE TABLE kept (id integer PRIMARY KEY, title text)`)
	f.track("kept", nil)
	f.exec(`INSERT INTO kept VALUES (1, 'a')`, `UPDATE kept SET title = 'b'`)
	if e := f.staleOf(fmt.Sprintf(without, "kept")); *e.Expected != 0 || e.Actual != 1 {
		t.Errorf("%v", e)
	}
	f.upsert(`INSERT INTO kept (id, title, version) VALUES (1, 'c', 1) ON CONFLICT (id) DO UPDATE SET title = excluded.title, version = excluded.version`)

	// Where another unique key is in conflict, excluded has the version of a new row.
	_ = f.staleOf(`INSERT INTO todos (id, title, version) VALUES (9, 'e', 4) ON CONFLICT (title) DO UPDATE SET done = true, version = excluded.version`)

	// Without a conflict clause nothing is different.
	if _, err := f.pool.Exec(t.Context(), `INSERT INTO todos (id, title, version) VALUES (1, 'a', 0)`); err == nil {
		t.Error("the key is taken")
	}
	f.exec(`INSERT INTO todos (id, title, version) VALUES (1, 'a', 0) ON CONFLICT DO NOTHING`, `UPDATE todos SET done = true, version = 4 WHERE id = 1`)
	f.isAt(1, 5)
}

// The row that an upsert would update is deleted while it waits for it: it inserts
// one, whose version is not the one that was given.
func TestUpsertOfARowThatGoes(t *testing.T) {
	t.Parallel()
	for _, version := range []int{2, 0, -3} {
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`, `UPDATE todos SET title = 'c'`)
		tx, other := f.begin(), f.begin()
		f.execIn(tx, `DELETE FROM todos`)
		done := make(chan error, 1)
		go func() {
			_, err := other.Exec(t.Context(), `INSERT INTO todos (id, title, version) VALUES (1, 'd', $1) ON CONFLICT (id) DO UPDATE SET title = 'd', version = excluded.version`, version)
			done <- errors.Join(err, other.Commit(t.Context()))
		}()
		f.waits(other)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		f.isAt(1, 4)
		if got := lines(versions(f, history[todo](f, "todos"), 1, nil)); len(got) != 5 || got[4] != `{"id":1} 4 insert` {
			t.Errorf("%q", got)
		}
	}
}

// The row that an upsert found in its snapshot has gone since: the versions of that life are
// not in the snapshot.
func TestUpsertWithAnOldSnapshot(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"NULL", "0", "1", "-3"} {
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`)
		tx := f.begin(pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		f.execIn(tx, `SELECT FROM todos`)
		f.exec(`DELETE FROM todos`)
		_, err := tx.Exec(t.Context(), `INSERT INTO todos (id, title, version) VALUES (1, 'd', `+version+`) ON CONFLICT (id) DO UPDATE SET title = 'd'`)
		if got := chronodriver.State(err); got != "40001" {
			t.Errorf("version %s: %v", version, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// An adopted version column that has a default and a check.
func TestUpsertWithAnAdoptedColumn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, body text, rev integer NOT NULL DEFAULT 1 CHECK (rev >= 0))`, `INSERT INTO docs VALUES (1, 'a', 7)`)
	f.track("docs", &chronomigrate.TrackOptions{VersionColumn: "rev"})
	if e := f.staleOf(`UPDATE docs SET body = 'b', rev = DEFAULT WHERE id = 1`); *e.Expected != 1 || e.Actual != 7 || e.Based {
		t.Errorf("%+v", e)
	}
	f.exec(`INSERT INTO docs (id, body) VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET body = excluded.body`)
	if e := f.staleOf(`INSERT INTO docs (id, body, rev) VALUES (1, 'c', 7) ON CONFLICT (id) DO UPDATE SET body = excluded.body, rev = excluded.rev`); *e.Expected != 7 || e.Actual != 8 || !e.Based || len(e.Changes) != 1 {
		t.Errorf("%+v", e)
	}
	f.exec(`INSERT INTO docs (id, body, rev) VALUES (1, 'c', 8) ON CONFLICT (id) DO UPDATE SET body = excluded.body, rev = excluded.rev`)
}

func (f *fixture) upsert(sql string, args ...any) int64 {
	f.Helper()
	tag, err := f.pool.Exec(f.Context(), sql, args...)
	if err != nil {
		f.Fatalf("%s %v: %v", sql, args, err)
	}
	return tag.RowsAffected()
}
