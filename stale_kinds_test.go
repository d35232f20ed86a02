package chrononaut_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

func TestStaleWritesOfManyKindsOfTables(t *testing.T) {
	t.Parallel()
	text := func(f *fixture, sql string) (s string) {
		f.Helper()
		if err := f.pool.QueryRow(f.Context(), sql).Scan(&s); err != nil {
			f.Fatal(err)
		}
		return s
	}

	t.Run("a partitioned table, also when the row moves", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE events (id integer, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)`,
			`CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')`,
			`CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')`)
		f.track("events", nil)
		f.exec(`INSERT INTO events VALUES (1, '2020-05-05', 'a')`, `UPDATE events SET note = 'b'`)
		_ = f.staleOf(`UPDATE events SET day = '2021-05-05', version = 0`)
		f.exec(`UPDATE events SET day = '2021-05-05', version = 1`)
		if e := f.staleOf(`UPDATE events_2 SET note = 'c', version = 1`); e.Actual != 2 || !e.Based || strings.Join(e.Since, " ") != "day" || !e.Mergeable() {
			t.Errorf("%+v", e)
		}
		if v, err := f.client.Merge(t.Context(), f.name("events"), chrononaut.Key{"id": 1, "day": "2021-05-05"}, 1, form{"note": "c"}); err != nil || v != 3 {
			t.Errorf("%d, %v", v, err)
		}
		_ = f.staleOf(`INSERT INTO events (id, day, note, version) VALUES (1, '2021-05-05', 'd', 2) ON CONFLICT (id, day) DO UPDATE SET note = 'd', version = excluded.version`)
	})

	t.Run("rows that are older than tracking", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, body text)`, `INSERT INTO docs SELECT n, 'a' FROM generate_series(1, 6) AS n`)
		f.track("docs", nil)
		for id, version := range []string{"NULL", "0", "1", "DEFAULT", "version"} {
			sql := `UPDATE docs SET body = 'b', version = ` + version + ` WHERE id = $1`
			if n := f.upsert(sql, id+1); n != 1 {
				t.Errorf("version %s: %d rows", version, n)
			}
		}
		if e := f.staleOf(`UPDATE docs SET body = 'b', version = 2 WHERE id = 6`); e.Actual != 0 || e.Based {
			t.Errorf("%+v", e)
		}
		if got := text(f, `SELECT string_agg(coalesce(version::text, '-'), ' ' ORDER BY id) FROM docs`); got != "1 1 1 1 1 -" {
			t.Error(got)
		}
		if err := f.client.Stale(t.Context(), f.name("docs"), chrononaut.Key{"id": 6}, 0); err != nil {
			t.Error(err)
		}
		if v, err := f.client.Merge(t.Context(), f.name("docs"), chrononaut.Key{"id": 6}, 0, form{"body": "c"}); err != nil || v != 1 {
			t.Errorf("%d, %v", v, err)
		}
	})

	t.Run("no history, so no version: the column is the application's", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, body text, version integer)`)
		f.track("docs", &chronomigrate.TrackOptions{RecordChanges: true, NoHistory: true})
		f.exec(`INSERT INTO docs VALUES (1, 'a', 7)`, `UPDATE docs SET body = 'b', version = 99`)
		if got := text(f, `SELECT version::text FROM docs`); got != "99" {
			t.Error(got)
		}
	})

	t.Run("the period layout", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, body text)`)
		f.track("docs", &chronomigrate.TrackOptions{Layout: chronomigrate.LayoutPeriod})
		f.exec(`INSERT INTO docs VALUES (1, 'a')`, `UPDATE docs SET body = 'b', version = 0`)
		_ = f.staleOf(`UPDATE docs SET body = 'c', version = 0`)
	})

	t.Run("triggers of the application", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
		f.exec(`CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := OLD.version + 1; RETURN NEW; END'`,
			`CREATE TRIGGER counts BEFORE UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION counts()`, `UPDATE todos SET title = 'c'`)
		f.exec(`CREATE OR REPLACE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := 17; RETURN NEW; END'`)
		_ = f.staleOf(`UPDATE todos SET title = 'd'`)
	})

	t.Run("a transaction that writes it several times, and one that is suppressed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
		tx := f.begin()
		f.execIn(tx, `UPDATE todos SET title = 'b', version = 0`, `UPDATE todos SET title = 'c', version = 1`, `SAVEPOINT s`)
		if _, err := tx.Exec(t.Context(), `UPDATE todos SET title = 'd', version = 1`); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrStale) {
			t.Error(err)
		}
		f.execIn(tx, `ROLLBACK TO s`, `UPDATE todos SET title = 'd', version = 2`)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.isAt(1, 3)
		if _, err := f.pool.Exec(t.Context(), `BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE todos SET title = 'e', version = 1; COMMIT`); chronodriver.State(err) != chronodriver.StateStale {
			t.Error(err)
		}
		tx = f.begin()
		if _, err := chronounsafe.Suppress(t.Context(), chronopgx.NewTxDriver(tx), "a load", nil); err != nil {
			t.Fatal(err)
		}
		f.execIn(tx, `UPDATE todos SET title = 'quiet', version = 1`)
	})

	t.Run("replica mode is no way around", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`)
		_ = f.staleOf(`SET session_replication_role = replica; UPDATE todos SET title = 'b', version = 9`)
	})

	t.Run("more changes than are told", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `DO $$ BEGIN FOR i IN 1..700 LOOP UPDATE todos SET title = i::text; END LOOP; END $$`)
		e := f.staleOf(`UPDATE todos SET done = true, version = 0`)
		if len(e.Changes) != 50 || !e.More || !e.Based || e.Changes[0].Version != 700 || e.Changes[49].Version != 651 || len(e.Changes[49].Columns) != 1 || !e.Mergeable() {
			t.Errorf("%d changes, %+v", len(e.Changes), e.Changes)
		}
		e = f.staleOf(`UPDATE todos SET done = true, version = 650`)
		if len(e.Changes) != 50 || e.More {
			t.Errorf("%d changes, more %t", len(e.Changes), e.More)
		}
		e = f.staleOf(`UPDATE todos SET done = true, version = 649`)
		if len(e.Changes) != 50 || !e.More {
			t.Errorf("%d changes, more %t", len(e.Changes), e.More)
		}
	})
}
