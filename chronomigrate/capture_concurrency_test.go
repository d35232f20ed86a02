package chronomigrate_test

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestCaptureConcurrency(t *testing.T) {
	t.Parallel()
	t.Run("a key deleted by one transaction and inserted by another goes on growing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos VALUES (1, 'a')`)
		one, two := f.connect(), f.connect()
		f.execOn(one, `BEGIN`, `UPDATE todos SET title = 'b'`, `UPDATE todos SET title = 'c'`, `DELETE FROM todos`)
		done := make(chan error, 1)
		go func() { done <- try(t.Context(), two, `INSERT INTO todos VALUES (1, 'd')`) }()
		f.blocked(two)
		f.execOn(one, `COMMIT`)
		if err := <-done; err != nil {
			t.Fatal(describe(err))
		}
		f.wantText("0 1 2 3 4", `SELECT string_agg(version::text, ' ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
	})

	// The row is there when the statement is given its version, so that ON CONFLICT would have
	// an update of it; then it goes. History does not have the versions below its baseline.
	for name, partitions := range map[string]string{"a table": "", "a partitioned table": " PARTITION BY RANGE (id)"} {
		for _, level := range []string{"read committed", "repeatable read"} {
			t.Run("an upsert whose row goes meanwhile, into "+name+", "+level, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.exec(`CREATE TABLE t (id integer PRIMARY KEY, x text, version integer)` + partitions)
				if partitions != "" {
					f.exec(`CREATE TABLE t1 PARTITION OF t DEFAULT`)
				}
				f.exec(`INSERT INTO t VALUES (1, 'a', 3)`)
				f.track("t", &chronomigrate.TrackOptions{VersionColumn: "version"})
				f.baseline("t", 0)
				one, two := f.connect(), f.connect()
				f.execOn(two, `BEGIN ISOLATION LEVEL `+level, `SELECT FROM t`)
				f.execOn(one, `BEGIN`, `DELETE FROM t`)
				done := make(chan error, 1)
				go func() {
					done <- try(t.Context(), two, `INSERT INTO t (id, x) VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET x = excluded.x`)
				}()
				f.blocked(two)
				f.execOn(one, `COMMIT`)
				err := <-done
				if level == "repeatable read" {
					if chronodriver.State(err) != "40001" {
						t.Errorf("got error %v, want 40001", err)
					}
					return
				}
				if err != nil {
					t.Fatal(describe(err))
				}
				f.execOn(two, `COMMIT`)
				f.wantText("baseline 3, delete 4, insert 5", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
				f.wantText("5", `SELECT version::text FROM t`)
			})
		}
	}

	for _, change := range []string{`ALTER TABLE todos RENAME id TO nr`, `ALTER TABLE todos ALTER id TYPE bigint`, `ALTER TABLE todos RENAME TO todos_old; ALTER TABLE todos_old RENAME id TO nr`} {
		t.Run("the same after "+change, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.todos()
			one, two := f.connect(), f.connect()
			// The session has run the statements for the table as it was.
			race := func(table string) {
				f.exec(`INSERT INTO ` + table + ` VALUES (1, 'a')`)
				f.execOn(one, `BEGIN`, `UPDATE `+table+` SET title = 'b'`, `DELETE FROM `+table)
				done := make(chan error, 1)
				go func() { done <- try(t.Context(), two, `INSERT INTO `+table+` VALUES (1, 'd')`) }()
				f.blocked(two)
				f.execOn(one, `COMMIT`)
				if err := <-done; err != nil {
					t.Fatal(describe(err))
				}
				f.exec(`DELETE FROM ` + table)
			}
			race("todos")
			f.exec(change)
			if strings.Contains(change, "todos_old") {
				race("todos_old")
			} else {
				race("todos")
			}
			f.wantText("0", `SELECT (count(*) - count(DISTINCT (key, version)))::text FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
			f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation <> 'track' AND (data ->> 'version')::int <> version`)
			f.wantText("10", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		})
	}

	t.Run("two sessions that insert and delete one key never repeat a version", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		done := make(chan error, 4)
		for range 4 {
			conn := f.connect()
			go func() {
				for range 60 {
					if err := try(t.Context(), conn, `INSERT INTO todos VALUES (1, 'a') ON CONFLICT DO NOTHING`); err != nil {
						done <- describe(err)
						return
					}
					if err := try(t.Context(), conn, `UPDATE todos SET title = title || 'b'`); err != nil {
						done <- describe(err)
						return
					}
					if err := try(t.Context(), conn, `DELETE FROM todos`); err != nil {
						done <- describe(err)
						return
					}
				}
				done <- nil
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		f.wantText("0", `SELECT (count(*) - count(DISTINCT version))::text FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.wantText("0", `SELECT (max(version) + 1 - count(*))::text FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		// After an insert comes anything but an insert, and so on.
		f.wantText("0", `SELECT count(*)::text FROM (SELECT operation, lag(operation) OVER (ORDER BY version) AS former FROM chrononaut.chrononaut_activity WHERE operation <> 'track') AS c
			WHERE (operation = 'insert') <> (coalesce(former, 'delete') = 'delete')`)
	})

	t.Run("a transaction that began earlier updates a row committed by a later one", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		one, two := f.connect(), f.connect()
		f.execOn(one, `BEGIN`, `SELECT pg_current_xact_id()`)
		f.execOn(two, `INSERT INTO todos VALUES (1, 'a')`)
		f.execOn(one, `UPDATE todos SET title = 'b'`, `COMMIT`)
		f.wantText("insert 0, update 1", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY changed) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
	})

	t.Run("serializable transactions on different rows do not disturb each other", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos SELECT i, 'a' FROM generate_series(1, 4000) AS i`, `ANALYZE`)
		one, two := f.connect(), f.connect()
		f.execOn(one, `BEGIN ISOLATION LEVEL SERIALIZABLE`, `UPDATE todos SET title = 'b' WHERE id = 1`)
		f.execOn(two, `BEGIN ISOLATION LEVEL SERIALIZABLE`, `UPDATE todos SET title = 'b' WHERE id = 4000`)
		f.execOn(one, `INSERT INTO todos VALUES (5000, 'x')`)
		f.execOn(two, `INSERT INTO todos VALUES (9000, 'x')`)
		f.execOn(one, `COMMIT`)
		f.execOn(two, `COMMIT`)
	})
}
