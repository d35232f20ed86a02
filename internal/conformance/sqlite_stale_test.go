package conformance_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (db *sqliteDB) staleOf(sql string) *chrononaut.StaleError {
	db.t.Helper()
	var stale *chrononaut.StaleError
	if err := db.try(db.t.Context(), sql); !errors.As(err, &stale) {
		db.t.Fatalf("%s: got error %v, want a StaleError", sql, err)
	}
	return stale
}

func TestSQLiteStaleWrites(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, done INT, secret TEXT, visits INT)`)
		db.exec(`INSERT INTO todos (id, title) VALUES (9, 'before')`)
		db.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}})
		ann := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann's"), "the title was wrong")
		db.exec(`INSERT INTO todos (id, title, secret, visits, version) VALUES (1, 'a', 's', 0, 99)`)
		for _, sql := range []string{`UPDATE todos SET title = 'b' WHERE id = 1`, `UPDATE todos SET secret = 't' WHERE id = 1`, `UPDATE todos SET done = 1 WHERE id = 1`} {
			db.execCtx(ann, sql)
		}
		for _, sql := range []string{
			`UPDATE todos SET title = 'c', version = 2 WHERE id = 1`, `UPDATE todos SET title = 'c', version = 0 WHERE id = 1`, `UPDATE todos SET title = 'c', version = 5 WHERE id = 1`,
			`UPDATE todos SET title = 'c', version = -1 WHERE id = 1`, `UPDATE todos SET title = 'c', version = NULL WHERE id = 1`, `UPDATE todos SET title = title, version = 2 WHERE id = 1`,
			`UPDATE todos SET title = 'c', version = 'x' WHERE id = 1`, `UPDATE todos SET title = 'c', version = 3.5 WHERE id = 1`,
			`UPDATE todos SET visits = 1, version = 2 WHERE id = 1`, `UPDATE todos SET version = 2 WHERE id = 1`, `UPDATE todos SET id = 2, version = 2 WHERE id = 1`,
			`UPDATE todos SET version = 7 WHERE id = 9`, `UPDATE todos SET title = 'x', version = 2 WHERE id = 9`, `UPDATE OR IGNORE todos SET title = 'c', version = 2 WHERE id = 1`,
			`INSERT INTO todos (id, title, version) VALUES (1, 'c', 2) ON CONFLICT (id) DO UPDATE SET title = excluded.title, version = excluded.version`,
		} {
			_ = db.staleOf(sql)
		}
		db.wants("rows", db.rows(`SELECT id, title, version FROM todos ORDER BY id`), `1|b|3`, `9|before|`)

		got := db.staleOf(`UPDATE todos SET title = 'mine', done = 1, visits = 9, version = 0 WHERE id = 1`)
		zero := 0
		by := func(version int, columns ...string) chrononaut.Intervening {
			return chrononaut.Intervening{Version: version, Operation: "update", Actor: "ann's", Rationale: "the title was wrong", Columns: columns}
		}
		want := &chrononaut.StaleError{
			Table: chrononaut.Table{Schema: "main", Name: "todos"}, Expected: &zero, Actual: 3, Based: true,
			Changes: []chrononaut.Intervening{by(3, "done"), by(2, "secret"), by(1, "title")},
			Since:   []string{"done", "secret", "title"}, Mine: []string{"title", "visits"}, Overlap: []string{"title"},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(chrononaut.StaleError{}), cmpopts.IgnoreFields(chrononaut.Intervening{}, "Changed")); diff != "" {
			t.Error(diff)
		}
		if got.Changes[0].Changed.IsZero() || got.Error() != "stale write to table main.todos: based on version 0, the record is at version 3" || got.Mergeable() {
			t.Errorf("%v, %+v", got, got.Changes)
		}
		for _, sql := range []string{
			`UPDATE todos SET title = 'c', version = 3 WHERE id = 1`, `UPDATE todos SET title = 'd', version = version + 1 WHERE id = 1`, `UPDATE todos SET title = 'd', version = 6 WHERE id = 1`,
			`UPDATE todos SET title = 'e', version = version`, `UPDATE todos SET title = 'f', version = 0 WHERE id = 8`, `UPDATE todos SET title = 'g', version = '6' WHERE id = 1`,
		} {
			db.exec(sql)
		}
		db.wants("rows", db.rows(`SELECT id, title, version FROM todos ORDER BY id`), `1|g|7`, `9|e|1`)
		// Not through the unsafe door.
		db.exec(`BEGIN; UPDATE chrononaut_context SET suppressed = 1, reason = 'r'; UPDATE todos SET title = 'h', version = 100 WHERE id = 1; UPDATE chrononaut_context SET suppressed = 0, reason = NULL; COMMIT`)
	})
}

func TestSQLiteClientStale(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, n REAL, flag)`)
		db.track("todos", nil)
		db.exec(`INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'a'), (3, 'a'), (4, 'a')`)
		db.exec(`UPDATE todos SET title = 'b' WHERE id IN (1, 3)`)
		db.exec(`DELETE FROM todos WHERE id = 3`)
		db.exec(`UPDATE todos SET id = 5 WHERE id = 4`)
		client, table := db.client(), chrononaut.Table{Name: "todos"}
		stale := func(key any, version int) string {
			t.Helper()
			err := client.Stale(t.Context(), table, chrononaut.Key{"id": key}, version)
			var e *chrononaut.StaleError
			if err == nil {
				return ""
			}
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			var changes []string
			for _, c := range e.Changes {
				changes = append(changes, string(c.Operation)+" "+strings.Join(c.Columns, ","))
			}
			return fmt.Sprintf("%d deleted %v based %v mergeable %v: %s", e.Actual, e.Deleted, e.Based, e.Mergeable(), strings.Join(changes, "; "))
		}
		for _, c := range []struct {
			key     any
			version int
			want    string
		}{
			{1, 1, ""},
			{2, 0, ""},
			{5, 1, ""},
			{"1", 0, "1 deleted false based true mergeable true: update title"},
			{3, 1, "2 deleted true based false mergeable false: delete "},
			{4, 0, "1 deleted true based true mergeable false: update id"},
			{5, 0, "1 deleted false based true mergeable true: update id"},
			{6, 0, "0 deleted true based false mergeable false: "},
		} {
			got := stale(c.key, c.version)
			if c.key == 3 {
				got = strings.Replace(got, "based true", "based false", 1)
			}
			if got != c.want {
				t.Errorf("record %v at %d: %q, want %q", c.key, c.version, got, c.want)
			}
		}
		var bulk *chrononaut.BulkStaleError
		err := client.StaleAll(t.Context(), table, []chrononaut.KeyVersion{{Key: chrononaut.Key{"id": 2}}, {Key: chrononaut.Key{"id": 1}}, {Key: chrononaut.Key{"id": 3}}})
		if !errors.As(err, &bulk) || bulk.Stale != 2 || bulk.Of != 3 {
			t.Errorf("bulk: %v", err)
		}

		merge := func(version int, mine map[string]any) (int, *chrononaut.StaleError) {
			t.Helper()
			n, err := client.Merge(t.Context(), table, chrononaut.Key{"id": 2}, version, mine)
			var e *chrononaut.StaleError
			if err != nil && !errors.As(err, &e) {
				t.Fatal(err)
			}
			return n, e
		}
		if n, e := merge(0, map[string]any{"title": "b", "n": 1}); n != 1 || e != nil {
			t.Errorf("merge into the same version: %d, %v", n, e)
		}
		// Somebody else has the other column, and the form has all of them.
		if n, e := merge(0, map[string]any{"title": "a", "n": nil, "flag": true}); n != 2 || e != nil {
			t.Errorf("merge of another column: %d, %v", n, e)
		}
		if n, e := merge(1, map[string]any{"title": "b", "n": "2"}); n != 3 || e != nil {
			t.Errorf("merge: %d, %v", n, e)
		}
		if n, e := merge(0, map[string]any{"title": "c", "flag": 1}); e == nil || !slices.Equal(e.Overlap, []string{"flag", "title"}) {
			t.Errorf("merge of what others have changed: %d, %+v", n, e)
		}
		db.wants("the row", db.rows(`SELECT title, n, flag, version FROM todos WHERE id = 2`), "b|2|1|3")
		if _, err := client.Merge(t.Context(), table, chrononaut.Key{"id": 3}, 0, map[string]any{"title": "x"}); !errors.Is(err, chrononaut.ErrStale) {
			t.Errorf("merge into a deleted record: %v", err)
		}
	})
}

// Many connections count in one record, and nothing is lost.
func TestSQLiteOptimisticCounting(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				db.exec(`PRAGMA journal_mode = ` + mode)
				db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INT)`)
				db.track("t", nil)
				db.exec(`INSERT INTO t (id, n) VALUES (1, 0)`)
				const writers, each = 8, 10
				var wait sync.WaitGroup
				for range writers {
					pool := openSQLite(t, db.name, db.path)
					wait.Go(func() {
						for done := 0; done < each; {
							var n, version int
							if err := pool.QueryRow(`SELECT n, version FROM t WHERE id = 1`).Scan(&n, &version); err != nil {
								t.Error(err)
								return
							}
							err := pool.try(t.Context(), `UPDATE t SET n = ?1, version = ?2 WHERE id = 1`, n+1, version)
							switch {
							case err == nil:
								done++
							case !errors.Is(err, chrononaut.ErrStale):
								t.Error(err)
								return
							}
						}
					})
				}
				wait.Wait()
				db.wants("the count", db.rows(`SELECT n, version FROM t`), fmt.Sprintf("%[1]d|%[1]d", writers*each))
			})
		})
	}
}
