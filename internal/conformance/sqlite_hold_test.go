package conformance_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// guard gives a table the triggers that the first hold or lease gives it.
func (db *sqliteDB) guard(name string) {
	db.t.Helper()
	if _, err := sqlite.Guard(db.t.Context(), db.driver, sqlite.Options{}, name); err != nil {
		db.t.Fatal(err)
	}
}

func TestSQLiteHoldInPlainSQL(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, a, notes)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, code, a) VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)`)
		db.guard("t")
		db.exec(`INSERT INTO chrononaut_hold (table_name, record_keys, reason) VALUES ('t', '[{"id":2},{"id":9}]', 'it''s "held"')`)
		db.exec(`UPDATE t SET a = a + 1 WHERE id <> 2`)
		db.fails("TM016", `UPDATE t SET a = 0`)
		db.fails("TM016", `UPDATE t SET a = a`)
		db.fails("TM016", `DELETE FROM t`)
		db.fails("TM016", `INSERT INTO t (id) VALUES (9)`)
		db.fails("TM016", `UPDATE t SET id = 9 WHERE id = 1`)
		db.fails("TM016", `INSERT OR REPLACE INTO t (id, code) VALUES (2, 'n')`)
		db.fails("TM016", `INSERT OR REPLACE INTO t (id, code) VALUES (7, 'y')`)
		db.fails("TM016", `UPDATE OR REPLACE t SET code = 'y' WHERE id = 1`)
		db.exec(`INSERT OR IGNORE INTO t (id, code) VALUES (2, 'n')`)
		db.exec(`INSERT INTO t (id, code) VALUES (4, 'y') ON CONFLICT DO NOTHING`)
		db.exec(`INSERT OR REPLACE INTO t (id, code) VALUES (3, 'z2')`)
		db.fails("TM016", `INSERT INTO t (id, code) VALUES (4, 'y') ON CONFLICT (code) DO UPDATE SET a = 0`)
		db.wants("rows", db.rows(`SELECT id, code, a FROM t ORDER BY id`), `1|x|2`, `2|y|2`, `3|z2|`)
		db.exec(`UPDATE chrononaut_hold SET rationale = 'over' WHERE id = 1`)
		db.exec(`UPDATE t SET a = 0`)
		db.wants("records", db.rows(`SELECT operation, data FROM chrononaut_activity WHERE key = '{}' AND operation <> 'track'`),
			`hold|{"hold":1,"keys":[{"id":2},{"id":9}],"reason":"it's \"held\"","children":[],"allow_insert":false,"two_people":false}`,
			`release|{"hold":1,"keys":[{"id":2},{"id":9}],"children":[],"reason":"it's \"held\""}`)
		db.wants("guards", db.rows(`SELECT * FROM chrononaut_guard UNION ALL SELECT *, '', '', '', '', '' FROM chrononaut_guarded`))
	})
}

func (db *sqliteDB) hold(table string, keys []chrononaut.Key, opts *chrononaut.HoldOpts) *chrononaut.Hold {
	db.t.Helper()
	ctx := chrononaut.WithActor(db.t.Context(), `ann's "x" <ann@example.com>`)
	hold, err := db.client().Hold(ctx, chrononaut.Table{Name: table}, keys, "it's a \"lawsuit\"\n2026/4 é (hold 99)", opts)
	if err != nil {
		db.t.Fatal(err)
	}
	return hold
}

func (db *sqliteDB) release(hold *chrononaut.Hold) {
	db.t.Helper()
	if _, err := db.client().Release(db.t.Context(), hold.ID, "over"); err != nil {
		db.t.Fatal(err)
	}
}

// held asserts that statements are refused because of a hold.
func (db *sqliteDB) held(hold *chrononaut.Hold, statements ...string) {
	db.t.Helper()
	for _, sql := range statements {
		err := db.try(db.t.Context(), sql)
		var held *chrononaut.HeldError
		if !errors.As(err, &held) {
			db.t.Errorf("%s\nwas not refused as held: %v", sql, err)
			continue
		}
		if held.Hold != hold.ID || held.Reason != hold.Reason || held.Actor != hold.Actor || !held.Since.Equal(hold.Placed) || held.Table.Name == "" {
			db.t.Errorf("%s\n%+v, want that of %+v", sql, held, hold)
		}
	}
}

func sqliteKeys(ids ...int) (keys []chrononaut.Key) {
	for _, id := range ids {
		keys = append(keys, chrononaut.Key{"id": id})
	}
	return keys
}

func TestSQLiteHolds(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE "Odd ""name's""" (id INTEGER PRIMARY KEY, a, notes)`)
		const odd = `"Odd ""name's"""`
		name := `Odd "name's"`
		db.track(name, &chronomigrate.TrackOptions{Untracked: []string{"notes"}})
		db.exec(`INSERT INTO ` + odd + ` (id, a) VALUES (1, 1), (2, 2), (3, 3)`)
		db.exec(`DELETE FROM ` + odd + ` WHERE id = 3`)
		hold := db.hold(name, sqliteKeys(1, 3), nil)
		if hold.ID != 1 || hold.Table != (chrononaut.Table{Schema: "main", Name: name}) || len(hold.Keys) != 2 || hold.Released != nil || hold.Placed.IsZero() {
			t.Errorf("hold %+v", hold)
		}
		writes := []string{
			`UPDATE ` + odd + ` SET notes = 'x' WHERE id = 1`,
			`UPDATE ` + odd + ` SET version = version + 1 WHERE id = 1`,
			`UPDATE ` + odd + ` SET id = 3 WHERE id = 2`,
			`INSERT INTO ` + odd + ` (id) VALUES (3)`,
			`DELETE FROM ` + odd,
			`BEGIN; UPDATE chrononaut_context SET suppressed = 1, reason = 'test'; UPDATE ` + odd + ` SET a = 9; COMMIT`,
		}
		for _, sql := range writes {
			db.held(hold, sql)
			_ = db.try(t.Context(), `ROLLBACK`)
		}
		db.wants("rows", db.rows(`SELECT id, a, notes, version FROM `+odd), `1|1||0`, `2|2||0`)
		db.exec(`ALTER TABLE ` + odd + ` ADD COLUMN later`)
		db.held(hold, `UPDATE `+odd+` SET later = 1`)
		db.exec(`ALTER TABLE ` + odd + ` DROP COLUMN a`)
		db.held(hold, `UPDATE `+odd+` SET notes = 1`)

		// What has holds stays tracked, and under its name.
		_, err := db.migrator().Untrack(t.Context(), chrononaut.Table{Name: name}, nil)
		if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
			t.Errorf("untrack: got error %v, want ErrHeld", err)
		}
		db.track(name, &chronomigrate.TrackOptions{Untracked: []string{"notes"}})
		db.held(hold, `UPDATE `+odd+` SET later = 1`)
		db.exec(`ALTER TABLE ` + odd + ` RENAME TO other`)
		if _, err := db.migrator().Track(t.Context(), chrononaut.Table{Name: "other"}, &chronomigrate.TrackOptions{VersionColumn: "version"}, nil); !errors.Is(err, chronomigrate.ErrNotTrackable) {
			t.Errorf("track of the renamed table: got error %v, want ErrNotTrackable", err)
		}
		db.held(hold, `UPDATE other SET later = 1`)
		db.exec(`ALTER TABLE other RENAME TO ` + odd)

		second := db.hold(name, nil, nil)
		db.held(hold, `DELETE FROM `+odd)
		if holds, err := db.client().Holds(t.Context(), nil); err != nil || len(holds) != 2 || holds[0].ID != second.ID || holds[1].ID != hold.ID {
			t.Errorf("holds %+v, error %v", holds, err)
		}
		db.release(hold)
		db.held(second, `UPDATE `+odd+` SET later = 1`, `INSERT INTO `+odd+` (id) VALUES (77)`)
		db.release(second)
		for _, sql := range []string{`UPDATE ` + odd + ` SET later = 1`, `INSERT INTO ` + odd + ` (id) VALUES (3), (4)`, `DELETE FROM ` + odd} {
			db.exec(sql)
		}
		if all, err := db.client().Holds(t.Context(), &chrononaut.HoldsOpts{All: true, Table: chrononaut.Table{Name: name}, Key: chrononaut.Key{"id": 1}}); err != nil || len(all) != 2 || all[1].Released == nil || all[1].Released.Rationale != "over" {
			t.Errorf("all holds %+v, error %v", all, err)
		}
		if _, err := db.client().Release(t.Context(), hold.ID, "again"); !errors.Is(err, chrononaut.ErrLocking) {
			t.Errorf("release again: got error %v, want ErrLocking", err)
		}
		if _, err := db.client().Release(t.Context(), 99, "none"); !errors.Is(err, chrononaut.ErrNotFound) {
			t.Errorf("release of none: got error %v, want ErrNotFound", err)
		}
		if _, err := db.client().Hold(t.Context(), chrononaut.Table{Name: name}, sqliteKeys(99), "r", nil); !errors.Is(err, chrononaut.ErrNotFound) {
			t.Errorf("hold of no record: got error %v, want ErrNotFound", err)
		}
		if _, err := db.client().Hold(t.Context(), chrononaut.Table{Name: name}, sqliteKeys(1), "r", &chrononaut.HoldOpts{AllowInsert: true}); !errors.Is(err, chrononaut.ErrLocking) {
			t.Errorf("inserts into a record: got error %v, want ErrLocking", err)
		}
		// Nothing is left that costs a write anything.
		db.track(name, &chronomigrate.TrackOptions{Untracked: []string{"notes"}})
		db.wants("triggers", db.rows(`SELECT count(*) FROM sqlite_schema WHERE name GLOB 'chrononaut_*_guard_*' AND tbl_name = ?1`, name), "0")
	})
}

func TestSQLiteHoldOfATable(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 1)`)
		hold := db.hold("t", nil, &chrononaut.HoldOpts{AllowInsert: true, TwoPeople: true})
		db.exec(`INSERT INTO t (id, a) VALUES (2, 2)`)
		db.exec(`INSERT OR IGNORE INTO t (id, a) VALUES (2, 3)`)
		db.held(hold, `UPDATE t SET a = 1 WHERE id = 2`, `INSERT OR REPLACE INTO t (id, a) VALUES (2, 3)`, `DELETE FROM t`, `UPDATE t SET version = 5`,
			`INSERT INTO t (id, a) VALUES (2, 3) ON CONFLICT (id) DO UPDATE SET a = excluded.a`)
		db.wants("rows", db.rows(`SELECT * FROM t`), `1|1|0`, `2|2|0`)

		client := db.client()
		ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "bob")
		if _, err := client.Release(t.Context(), hold.ID, "no name"); !errors.Is(err, chrononaut.ErrLocking) {
			t.Errorf("release by nobody: got error %v, want ErrLocking", err)
		}
		first, err := client.Release(ann, hold.ID, "settled")
		if err != nil || first.Requested == nil || first.Requested.Actor != "ann" || first.Requested.Rationale != "settled" || first.Released != nil {
			t.Errorf("first release: %+v, error %v", first, err)
		}
		if _, err := client.Release(ann, hold.ID, "again"); !errors.Is(err, chrononaut.ErrLocking) {
			t.Errorf("second release by the same: got error %v, want ErrLocking", err)
		}
		db.held(hold, `UPDATE t SET a = 1`)
		second, err := client.Release(bob, hold.ID, "agreed")
		if err != nil || second.Requested == nil || second.Released == nil || second.Released.Actor != "bob" {
			t.Errorf("second release: %+v, error %v", second, err)
		}
		db.exec(`UPDATE t SET a = 7`)
		db.wants("the log", db.rows(`SELECT operation, user_info ->> 'user_id', extra_info ->> 'rationale', json_remove(data, '$.reason') FROM chrononaut_activity WHERE operation IN ('hold', 'release_request', 'release')`),
			`hold|`+hold.Actor+`|`+hold.Reason+`|{"hold":1,"keys":null,"children":[],"allow_insert":true,"two_people":true}`,
			`release_request|ann|settled|{"hold":1,"keys":null,"children":[]}`, `release|bob|agreed|{"hold":1,"keys":null,"children":[]}`)
	})
}

func TestSQLiteHoldsChildren(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, a)`)
		db.exec(`CREATE TABLE lines (id TEXT PRIMARY KEY NOT NULL, "order" REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE, a)`)
		db.exec(`CREATE TABLE parts (line TEXT REFERENCES lines ON DELETE CASCADE, n, a, PRIMARY KEY (line, n)) WITHOUT ROWID`)
		db.exec(`CREATE TABLE letters (id INTEGER PRIMARY KEY, code REFERENCES orders (code) ON UPDATE CASCADE)`)
		for _, name := range []string{"orders", "lines", "parts", "letters"} {
			db.track(name, &chronomigrate.TrackOptions{Untracked: map[string][]string{"lines": {"order"}}[name]})
		}
		db.exec(`INSERT INTO orders (id, code) VALUES (1, 'X'), (2, 'Y'), (3, 'Z')`)
		db.exec(`INSERT INTO lines (id, "order") VALUES ('a', 1), ('b', 1), ('c', 2)`)
		db.exec(`UPDATE lines SET id = 'a2' WHERE id = 'a'`)
		db.exec(`INSERT INTO parts (line, n) VALUES ('a2', 1), ('c', 1)`)
		db.exec(`INSERT INTO letters (id, code) VALUES (1, 'x'), (2, 'y')`)
		db.exec(`DELETE FROM orders WHERE id = 3`)
		hold := db.hold("orders", sqliteKeys(1, 3), &chrononaut.HoldOpts{Children: []chrononaut.Relation{
			{Table: chrononaut.Table{Name: "lines"}, Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "parts"}, Columns: map[string]string{"line": "id"}}}},
			{Table: chrononaut.Table{Name: "letters"}},
		}})
		if hold.Children[0].Columns["order"] != "id" || hold.Children[0].Children[0].Columns["line"] != "id" || hold.Children[1].Columns["code"] != "code" {
			t.Errorf("relations %+v", hold.Children)
		}
		db.held(hold, `UPDATE lines SET a = 1 WHERE id = 'a2'`, `DELETE FROM lines WHERE id = 'b'`, `INSERT INTO lines (id, "order") VALUES ('n', 1)`,
			`INSERT INTO lines (id, "order") VALUES ('n', '1')`, `INSERT INTO lines (id, "order") VALUES ('n', 1.0)`, `INSERT INTO lines (id, "order") VALUES ('n', '3.0')`,
			`UPDATE lines SET "order" = 1 WHERE id = 'c'`, `UPDATE lines SET "order" = 2 WHERE id = 'b'`,
			`UPDATE parts SET a = 1 WHERE line = 'a2'`, `INSERT INTO parts (line, n) VALUES ('b', 1)`, `UPDATE parts SET line = 'a2', n = 2`,
			`DELETE FROM letters`, `INSERT INTO letters (code) VALUES ('X')`, `INSERT INTO letters (code) VALUES ('x')`,
			`DELETE FROM orders WHERE id = 1`, `INSERT OR REPLACE INTO orders (id, code) VALUES (4, 'x')`)
		for _, sql := range []string{
			`UPDATE lines SET a = 2 WHERE id = 'c'`, `INSERT INTO lines (id, "order") VALUES ('d', 2), ('e', NULL)`, `UPDATE orders SET id = 22, code = 'y2' WHERE id = 2`,
			`UPDATE parts SET a = 1 WHERE line = 'c'`, `INSERT INTO letters (code) VALUES ('Y2'), (NULL)`, `DELETE FROM orders WHERE id = 22 AND 0`, `DELETE FROM parts WHERE line = 'c'`,
		} {
			db.exec(sql)
		}
		// History of all of them, through the door, and under the former key.
		door := func(condition string) string {
			return `BEGIN; UPDATE chrononaut_context SET suppressed = 1, allow_erase = 1, reason = 'test'; DELETE FROM chrononaut_activity WHERE ` + condition + `; COMMIT`
		}
		for _, condition := range []string{
			`table_name = 'orders' AND key = '{"id":1}'`, `key = '{"id":3}'`, `table_name = 'lines' AND key = '{"id":"a"}'`, `key = '{"id":"a2"}'`,
			`key = '{"line":"a2","n":1}'`, `table_name = 'letters' AND key = '{"id":1}'`,
		} {
			db.held(hold, door(condition))
			db.exec(`ROLLBACK`)
		}
		db.exec(door(`table_name = 'lines' AND key = '{"id":"c"}'`) + `; UPDATE chrononaut_context SET suppressed = 0, allow_erase = 0, reason = NULL`)
		db.fails("TM004", door(`operation = 'hold'`))
		db.exec(`ROLLBACK`)
		db.release(hold)
		db.exec(`DELETE FROM letters; DELETE FROM orders`)
		db.wants("guards", db.rows(`SELECT * FROM chrononaut_guard UNION ALL SELECT *, '', '', '', '', '' FROM chrononaut_guarded`))
	})
}

func TestSQLiteHoldsAreNotWrittenByHand(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 1)`)
		hold := db.hold("t", sqliteKeys(1), nil)
		for _, sql := range []string{
			`DELETE FROM chrononaut_hold`, `UPDATE chrononaut_hold SET released = '{}'`, `UPDATE chrononaut_hold SET reason = 'x'`, `UPDATE OR REPLACE chrononaut_hold SET id = 7`,
			`INSERT OR REPLACE INTO chrononaut_hold (id, table_name, record_keys, reason) VALUES (1, 't', '[{"id":5}]', 'r')`,
			`DELETE FROM chrononaut_guard`, `UPDATE chrononaut_guard SET match = 'x'`, `UPDATE OR REPLACE chrononaut_guard SET kind = 'lease'`,
			`INSERT INTO chrononaut_guard VALUES ('t', '{}', '{}', 'hold', 1, 0, NULL)`, `DELETE FROM chrononaut_guarded`, `UPDATE chrononaut_guarded SET table_name = 'x'`,
		} {
			db.fails("TM004", sql)
		}
		db.fails("TM020", `UPDATE chrononaut_hold SET rationale = '  '`)
		db.fails("TM020", `INSERT INTO chrononaut_hold (table_name, reason) VALUES ('t', ' ')`)
		db.fails("TM020", `INSERT INTO chrononaut_hold (table_name, reason) VALUES ('none', 'r')`)
		db.fails("TM020", `INSERT INTO chrononaut_hold (table_name, reason, placed) VALUES ('t', 'r', 'long ago')`)
		db.fails("TM020", `INSERT INTO chrononaut_hold (table_name, record_keys, reason) VALUES ('t', '[{"x":1}]', 'r')`)
		db.fails("TM020", `INSERT INTO chrononaut_hold (table_name, record_keys, reason) VALUES ('t', '[]', 'r')`)
		db.fails("TM016", `DELETE FROM chrononaut_table`)
		db.fails("TM016", `UPDATE chrononaut_table SET tracked = 0`)
		for _, pragma := range []string{`ignore_check_constraints = 1`, `trusted_schema = 0`, `defer_foreign_keys = 1`, `writable_schema = 0`} {
			db.exec(`PRAGMA ` + pragma)
			db.held(hold, `UPDATE t SET a = 2`, `DELETE FROM t`, `UPDATE OR FAIL t SET a = 2`, `UPDATE OR IGNORE t SET a = 2`, `INSERT OR IGNORE INTO t (id) VALUES (8), (1) ON CONFLICT DO UPDATE SET a = 3`)
			db.fails("TM004", `DELETE FROM chrononaut_guard`)
		}
		// From another file, to which this one is attached.
		other := openSQLite(t, db.name, filepath.Join(t.TempDir(), "other.db"))
		other.exec(`ATTACH ?1 AS held`, db.path)
		other.held(hold, `UPDATE held.t SET a = 2`, `DELETE FROM held.t`, `INSERT OR REPLACE INTO held.t (id) VALUES (1)`)
		other.exec(`DETACH held`)

		// What cannot be refused is found.
		db.exec(`DROP TRIGGER chrononaut_t_guard_update`)
		db.exec(`UPDATE t SET a = 2`)
		db.exec(`DROP TRIGGER chrononaut_guard_no_delete`)
		db.exec(`DELETE FROM chrononaut_guard`)
		var kinds []string
		problems, err := db.migrator().Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			kinds = append(kinds, string(p.Kind)+" "+p.Object)
		}
		db.wants("problems", kinds, "history_trigger chrononaut_guard_no_delete", "hold 1", "trigger_missing chrononaut_t_guard_update")
	})
}

func TestSQLiteRestoreOverAHold(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, a)`)
		db.exec(`CREATE TABLE lines (id REAL PRIMARY KEY NOT NULL, "order" TEXT REFERENCES orders, a)`)
		db.track("orders", nil)
		db.track("lines", nil)
		db.exec(`INSERT INTO orders (id, a) VALUES (1, 1), (2, 1)`)
		db.exec(`INSERT INTO lines (id, "order", a) VALUES (0.5, 1, 1), (1.5, 2, 1), (2.5, 1, 1)`)
		db.exec(`UPDATE orders SET a = 2`)
		db.exec(`UPDATE lines SET a = 2`)
		db.exec(`UPDATE lines SET "order" = 2 WHERE id = 2.5`)
		hold := db.hold("orders", sqliteKeys(1), &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "lines"}}}})
		restored := func(table string, id any) (held *chrononaut.HeldError) {
			t.Helper()
			plan, err := db.client().Restore(t.Context(), chrononaut.Table{Name: table}, []chrononaut.Key{{"id": id}}, chrononaut.ToVersion(0), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range plan.Items {
				for _, p := range item.Problems {
					if p.Kind == chrononaut.ProblemHeld {
						held = p.Held
					}
				}
			}
			if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}); (err == nil) != (held == nil) {
				t.Errorf("apply: got error %v, problem %v", err, held)
			}
			return held
		}
		for _, r := range []struct {
			table string
			id    any
			held  bool
		}{{"orders", 1, true}, {"orders", 2, false}, {"lines", 0.5, true}, {"lines", 1.5, false}, {"lines", 2.5, true}} {
			if held := restored(r.table, r.id); (held != nil) != r.held || held != nil && (held.Hold != hold.ID || held.Table.Name != r.table || held.Reason != hold.Reason) {
				t.Errorf("%s %v: %+v", r.table, r.id, held)
			}
		}
		db.exec(`UPDATE lines SET a = 3 WHERE id = 1.5`)
		whole := db.hold("lines", nil, nil)
		if held := restored("lines", 1.5); held == nil || held.Hold != whole.ID || !held.Whole {
			t.Errorf("of a whole table: %+v", held)
		}
	})
}

// Other connections have statements prepared, and transactions open, when the first
// hold of a table is placed.
func TestSQLiteHoldsAndOtherConnections(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				db.exec(`PRAGMA journal_mode = ` + mode)
				db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)`)
				db.track("t", nil)
				db.exec(`WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 2000) INSERT INTO t (id, a) SELECT i, 0 FROM s`)
				other := openSQLite(t, db.name, db.path)
				prepared, err := other.Prepare(`UPDATE t SET a = a + 1 WHERE id = ?1`)
				if err != nil {
					t.Fatal(err)
				}
				defer prepared.Close()
				if _, err := prepared.Exec(1); err != nil {
					t.Fatal(err)
				}
				// One that is writing is waited for, as long as it may.
				tx, err := other.Begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec(`UPDATE t SET a = 5 WHERE id = 1`); err != nil {
					t.Fatal(err)
				}
				if _, err := db.client().Hold(t.Context(), chrononaut.Table{Name: "t"}, sqliteKeys(1), "r", &chrononaut.HoldOpts{Timeout: time.Millisecond}); !errors.Is(err, chrononaut.ErrLocked) {
					t.Errorf("a hold while another writes: %v", err)
				}
				db.wants("patience", db.rows(`PRAGMA busy_timeout`), "60000")
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				var ids []int
				for id := range 1000 {
					ids = append(ids, id+1)
				}
				hold := db.hold("t", sqliteKeys(ids...), nil)
				for _, id := range []int{1, 500, 1000} {
					if _, err := prepared.Exec(id); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
						t.Errorf("prepared before the hold: got error %v, want ErrHeld", err)
					}
				}
				if _, err := prepared.Exec(1001); err != nil {
					t.Error(err)
				}
				other.held(hold, `UPDATE t SET a = 1`)
				db.release(hold)
				if _, err := prepared.Exec(1); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSQLiteHoldsChildrenAsTheParentCompares has a column without a type refer to an
// integer: the text 2 is a child of 2 before and after the hold, and also when it is
// replaced because of another unique column.
func TestSQLiteHoldsChildrenAsTheParentCompares(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE parents (id INTEGER PRIMARY KEY)`)
		db.exec(`CREATE TABLE names (name TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID`)
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, p, name, code TEXT UNIQUE)`)
		for _, name := range []string{"parents", "names", "t"} {
			db.track(name, nil)
		}
		db.exec(`INSERT INTO parents (id) VALUES (2), (3)`)
		db.exec(`INSERT INTO names (name) VALUES ('Ann'), ('3')`)
		db.exec(`INSERT INTO t (id, p, name, code) VALUES (1, '2', 'x', 'a'), (2, 2.0, 'x', 'b'), (3, 'two', 'ANN', 'c'), (4, NULL, 3, 'd'), (5, 3, 'x', 'e'), (6, x'32', 'x', 'f')`)
		child := func(column, parent string) *chrononaut.HoldOpts {
			return &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: chrononaut.Table{Name: "t"}, Columns: map[string]string{column: parent}}}}
		}
		db.hold("parents", sqliteKeys(2), child("p", "id"))
		db.hold("names", []chrononaut.Key{{"name": "Ann"}, {"name": "3"}}, child("name", "name"))
		for _, code := range []string{"a", "b", "c", "d"} {
			db.fails("TM016", `UPDATE t SET p = 9, name = 'y' WHERE code = '`+code+`'`)
			db.fails("TM016", `INSERT OR REPLACE INTO t (id, code) VALUES (9, '`+code+`')`)
		}
		db.exec(`INSERT OR REPLACE INTO t (id, p, name, code) VALUES (9, 3, 'x', 'e')`)
		db.exec(`UPDATE t SET name = 'y' WHERE code IN ('e', 'f')`)
		db.wants("rows", db.rows(`SELECT id FROM t ORDER BY id`), "1", "2", "3", "4", "6", "9")
	})
}
