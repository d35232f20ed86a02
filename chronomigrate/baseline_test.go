package chronomigrate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestBaseline(t *testing.T) {
	t.Parallel()
	// Every row has exactly one state from before, at version 0.
	const wrong = `
		SELECT count(*)::text FROM generate_series(1, 1000) AS i
		 WHERE (SELECT count(*) FROM chrononaut.chrononaut_activity AS a WHERE a.key = jsonb_build_object('id', i) AND a.operation = 'baseline' AND a.version = 0 AND a.data ->> 'title' = 'old') <> 1`

	t.Run("rows are recorded once, in chunks, with progress and who", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable, `INSERT INTO todos SELECT i, 'old' FROM generate_series(1, 1000) AS i`, `ANALYZE todos`)
		f.track("todos", nil)
		var seen []int64
		progress, err := f.migrator.Baseline(t.Context(), f.table("todos"), &chronomigrate.BaselineOpts{ChunkSize: 300, Progress: func(p chronomigrate.BaselineProgress) {
			seen = append(seen, p.Rows)
		}})
		if want := (chronomigrate.BaselineProgress{Rows: 1000, Recorded: 1000, Total: 1000, Done: true}); err != nil || progress != want {
			t.Errorf("Baseline() = %+v, %v; want %+v", progress, err, want)
		}
		if got := fmt.Sprint(seen); got != "[300 600 900 1000]" {
			t.Errorf("progress was %s", got)
		}
		f.wantText("0", wrong)
		f.wantText("", `SELECT coalesce(max(version)::text, '') FROM todos`)
		f.exec(`UPDATE todos SET title = 'new'`)
		f.wantText("1000 1000", `SELECT count(*) FILTER (WHERE operation = 'baseline') || ' ' || count(*) FILTER (WHERE operation = 'update' AND version = 1) FROM chrononaut.chrononaut_activity`)
		if p := f.baseline("todos", 0); p.Recorded != 0 {
			t.Errorf("a second run recorded %d rows", p.Recorded)
		}
		f.wantText("0", wrong)
	})

	t.Run("no row is missed or doubled while writers run and the run is interrupted again and again", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable, `INSERT INTO todos SELECT i, 'old' FROM generate_series(1, 1000) AS i`, `ANALYZE todos`)
		f.track("todos", nil)

		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 3)
		for w := range 3 {
			conn := f.connect()
			go func() {
				for i := 1; ctx.Err() == nil; i++ {
					id := (i*37 + w*333) % 1000
					if err := try(t.Context(), conn, fmt.Sprintf(`UPDATE todos SET title = 'new' || %[1]d WHERE id = %[2]d;
						DELETE FROM todos WHERE id = %[3]d; INSERT INTO todos VALUES (%[3]d, 'back') ON CONFLICT DO NOTHING;
						UPDATE todos SET id = %[4]d WHERE id = %[2]d`, i, id+1, (id+11)%1000+1, 10000+w*100000+i)); err != nil {
						done <- describe(err)
						return
					}
				}
				done <- nil
			}()
		}
		interrupted := 0
		for {
			run, cancel := context.WithCancel(t.Context())
			chunks := 0
			progress, err := f.migrator.Baseline(run, f.table("todos"), &chronomigrate.BaselineOpts{ChunkSize: 40, Progress: func(chronomigrate.BaselineProgress) {
				if chunks++; chunks == 3 {
					cancel()
				}
			}})
			cancel()
			if err == nil {
				if !progress.Done {
					t.Errorf("Baseline() = %+v without an error", progress)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("Baseline() = %v", describe(err))
			}
			interrupted++
		}
		stop()
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if interrupted < 5 {
			t.Errorf("interrupted only %d times", interrupted)
		}
		f.wantText("0", wrong)
		f.exec(`UPDATE todos SET done = true`)
		if err := sameAsLive(t.Context(), f.conn.QueryRow, f.inspected("public", "todos")); err != nil {
			t.Error(err)
		}
		if p := f.baseline("todos", 1000); p.Recorded != 0 {
			t.Errorf("another run found %d rows that differ from history", p.Recorded)
		}
	})

	t.Run("two runs at a time share the work", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable, `INSERT INTO todos SELECT i, 'old' FROM generate_series(1, 1000) AS i`)
		f.track("todos", nil)
		done := make(chan error, 4)
		for range 4 {
			go func() {
				_, err := f.migrator.Baseline(t.Context(), f.table("todos"), &chronomigrate.BaselineOpts{ChunkSize: 50})
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(describe(err))
			}
		}
		f.wantText("0", wrong)
		f.wantText("1000", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'baseline'`)
	})

	t.Run("rows that changed while nothing captured them are recorded as they are, whatever the application's triggers do to them", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, x text, touched integer NOT NULL DEFAULT 0)`)
		f.track("docs", nil)
		f.exec(`CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$`,
			`CREATE TRIGGER touch BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION touch()`,
			`INSERT INTO docs SELECT i, 'a' FROM generate_series(1, 5) AS i`,
			`ALTER TABLE docs DISABLE TRIGGER "000_chrononaut_capture_insert", DISABLE TRIGGER "000_chrononaut_capture_update", DISABLE TRIGGER "000_chrononaut_capture_delete"`,
			`UPDATE docs SET x = 'not seen' WHERE id > 2`, `DELETE FROM docs WHERE id = 5`, `INSERT INTO docs VALUES (6, 'not seen')`)
		f.wantCheck("trigger_disabled 000_chrononaut_capture_insert", "trigger_disabled 000_chrononaut_capture_update", "trigger_disabled 000_chrononaut_capture_delete")
		f.track("docs", nil)
		if p := f.baseline("docs", 2); p.Recorded != 4 {
			t.Errorf("recorded %d rows, want two that changed, one that came and one that went", p.Recorded)
		}
		if p := f.baseline("docs", 2); p.Recorded != 0 {
			t.Errorf("a second run recorded %d rows", p.Recorded)
		}
		f.wantText("3 not seen 2, 4 not seen 2, 6 not seen 0", `SELECT string_agg(concat_ws(' ', key ->> 'id', data ->> 'x', data ->> 'touched'), ', ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE operation = 'baseline'`)
		f.wantText("1", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'suppress'`)
	})

	t.Run("rows that have a version of before tracking keep it, and their first change records their state too", func(t *testing.T) {
		t.Parallel()
		for _, of := range []struct{ name, partition string }{{"plain", ""}, {"partitioned", " PARTITION BY RANGE (id)"}} {
			f := newFixture(t)
			f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, x text, rev integer)` + of.partition)
			if of.partition != "" {
				f.exec(`CREATE TABLE docs1 PARTITION OF docs FOR VALUES FROM (0) TO (10)`, `CREATE TABLE docs2 PARTITION OF docs FOR VALUES FROM (10) TO (100)`)
			}
			f.exec(`INSERT INTO docs SELECT i, 'old', i + 4 FROM generate_series(1, 6) AS i`, `UPDATE docs SET rev = NULL WHERE id = 6`)
			f.track("docs", &chronomigrate.TrackOptions{VersionColumn: "rev"})
			f.wantCheck()
			f.exec(`UPDATE docs SET x = 'new' WHERE id = 1`, `UPDATE docs SET x = 'newer' WHERE id = 1`, `DELETE FROM docs WHERE id = 2`, `UPDATE docs SET id = 30 WHERE id = 3`)
			if p := f.baseline("docs", 0); p.Recorded != 3 {
				t.Errorf("%s: the baseline recorded %d rows, want 4, 5 and 6", of.name, p.Recorded)
			}
			f.exec(`UPDATE docs SET x = 'new' WHERE id = 4`)
			f.track("docs", &chronomigrate.TrackOptions{VersionColumn: "rev", Strict: false, RecordChanges: true})
			f.exec(`INSERT INTO docs VALUES (7, 'new', 99)`, `TRUNCATE docs`)
			f.wantText(`1 baseline 5 5, 1 update 6 6, 1 update 7 7, 2 baseline 6 6, 2 delete 7 7, 3 baseline 7 7, 30 update 8 8, 4 baseline 8 8, 5 baseline 9 9, 6 baseline 0 0, 4 update 9 9, 7 insert 0 0`, `
				SELECT string_agg(concat_ws(' ', key ->> 'id', operation, version, data ->> 'rev'), ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'truncate')`)
			f.wantText(`1 8, 30 9, 4 10, 5 10, 6 1, 7 1`, `
				SELECT string_agg(concat_ws(' ', key ->> 'id', version), ', ' ORDER BY key ->> 'id') FROM chrononaut.chrononaut_activity WHERE operation = 'truncate'`)
			f.wantCheck()
		}
	})

	t.Run("TRUNCATE records the state of before of rows that have a version", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, rev integer)`, `INSERT INTO docs VALUES (1, 5), (2, NULL)`)
		f.track("docs", &chronomigrate.TrackOptions{VersionColumn: "rev"})
		f.exec(`TRUNCATE docs`)
		f.wantHistory(
			`tx1 docs baseline v5 {"id": 1} {"id": 1, "rev": 5, "version": 5}`,
			`tx1 docs baseline v0 {"id": 2} {"id": 2, "rev": 0, "version": 0}`,
			`tx1 docs truncate v6 {"id": 1} {"id": 1, "rev": 6, "version": 6}`,
			`tx1 docs truncate v1 {"id": 2} {"id": 2, "rev": 1, "version": 1}`)
	})

	t.Run("a statement_timeout makes the chunks smaller", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable, `INSERT INTO todos SELECT i, 'old' FROM generate_series(1, 1000) AS i`)
		f.track("todos", nil)
		// A chunk of more than a hundred rows waits for ever.
		f.exec(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF (SELECT count(*) FROM new) > 100 THEN PERFORM pg_sleep(3600); END IF; RETURN NULL; END $$`,
			`CREATE TRIGGER slow AFTER INSERT ON chrononaut.chrononaut_activity REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION slow()`,
			`ALTER DATABASE `+f.db.Name+` SET statement_timeout = '1s'`)
		f.pool.Reset()
		progress, err := f.migrator.Baseline(t.Context(), f.table("todos"), &chronomigrate.BaselineOpts{ChunkSize: 400})
		if err != nil || progress.Recorded != 1000 {
			t.Errorf("Baseline() = %+v, %v", progress, describe(err))
		}
		f.wantText("0", wrong)
	})

	t.Run("writers wait for nothing but the chunk with their row, and Track does not deadlock with it", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable, `INSERT INTO todos SELECT i, 'old' FROM generate_series(1, 1000) AS i`)
		f.track("todos", nil)
		// A chunk is held at its end, by its write of the progress.
		holder, writer := f.connect(), f.connect()
		f.exec(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$`,
			`CREATE TRIGGER wait BEFORE UPDATE OF baseline ON chrononaut.chrononaut_table FOR EACH ROW WHEN (NEW.baseline IS NOT NULL) EXECUTE FUNCTION wait()`)
		f.execOn(holder, `BEGIN`, `SELECT pg_advisory_xact_lock(42)`)
		done := make(chan error, 2)
		go func() {
			_, err := f.migrator.Baseline(t.Context(), f.table("todos"), &chronomigrate.BaselineOpts{ChunkSize: 100})
			done <- err
		}()
		f.eventually(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')`)
		f.execOn(writer, `UPDATE todos SET title = 'written' WHERE id = 999`, `INSERT INTO todos VALUES (4000, 'new')`, `DELETE FROM todos WHERE id = 998`)
		go func() {
			_, err := f.migrator.Track(t.Context(), f.table("todos"), &chronomigrate.TrackOptions{VersionColumn: "rev"}, nil)
			done <- err
		}()
		f.eventually(`SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		// Track waits before it locks the table.
		f.execOn(writer, `UPDATE todos SET title = 'written too' WHERE id = 999`)
		f.execOn(holder, `COMMIT`)
		for range 2 {
			if err := <-done; err != nil {
				t.Error(describe(err))
			}
		}
	})

	t.Run("composite keys, partitions, odd types of keys and other version columns", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE c (b text, a timestamptz, x text, "Order" numeric, PRIMARY KEY ("Order", a, b)) PARTITION BY HASH (b)`,
			`CREATE TABLE c0 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 0)`, `CREATE TABLE c1 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 1)`,
			`INSERT INTO c SELECT 'it''s "' || i % 7, '2024-01-01 00:00:00.000001+00'::timestamptz + i % 5 * interval '1 month', 'x', i % 3 + 0.50 FROM generate_series(1, 105) AS i`)
		f.track("c", &chronomigrate.TrackOptions{VersionColumn: "v"})
		f.exec(`SET TimeZone = 'Asia/Kathmandu'`)
		if p := f.baseline("c", 10); p.Recorded != 105 {
			t.Errorf("recorded %d of 105", p.Recorded)
		}
		if err := sameAsLive(t.Context(), f.conn.QueryRow, f.inspected("public", "c")); err == nil {
			t.Error("the live table has no versions yet; the comparison should find that")
		}
		f.exec(`UPDATE c SET x = 'y'`)
		if err := sameAsLive(t.Context(), f.conn.QueryRow, f.inspected("public", "c")); err != nil {
			t.Error(err)
		}
		f.wantText("105 0", `SELECT count(*) || ' ' || max(version) FROM chrononaut.chrononaut_activity WHERE operation = 'baseline'`)
	})

	t.Run("keys that are arrays and composites", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TYPE pair AS (a integer, b text)`, `CREATE TABLE k (a varchar(4)[], p pair, x text, PRIMARY KEY (a, p))`,
			`INSERT INTO k SELECT ARRAY['a', NULL, (i % 4)::text], ROW(i, 'ü')::pair FROM generate_series(1, 20) AS i`)
		f.track("k", nil)
		if p := f.baseline("k", 3); p.Recorded != 20 {
			t.Errorf("recorded %d of 20", p.Recorded)
		}
		f.exec(`ALTER TABLE k DISABLE TRIGGER USER`, `UPDATE k SET x = 'unseen'`, `ALTER TABLE k ENABLE TRIGGER USER`)
		f.track("k", nil)
		if p := f.baseline("k", 3); p.Recorded != 20 {
			t.Errorf("recorded %d of the 20 that changed unseen", p.Recorded)
		}
	})

	t.Run("what cannot be done is a typed error", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable)
		_, err := f.migrator.Baseline(t.Context(), f.table("todos"), nil)
		wantTyped(t, "Baseline", err, chronomigrate.ErrNotTracked)
		_, err = f.migrator.Baseline(t.Context(), f.table("nothing"), nil)
		wantTyped(t, "Baseline", err, chronomigrate.ErrNoTable)
		f.track("todos", &chronomigrate.TrackOptions{NoHistory: true, RecordChanges: true})
		_, err = f.migrator.Baseline(t.Context(), f.table("todos"), nil)
		wantTyped(t, "Baseline", err, chronomigrate.ErrNotTracked)
		if _, err := f.migrator.Untrack(t.Context(), f.table("todos"), nil); err != nil {
			t.Fatal(err)
		}
		_, err = f.migrator.Baseline(t.Context(), f.table("todos"), nil)
		wantTyped(t, "Baseline", err, chronomigrate.ErrNotTracked)
	})
}
