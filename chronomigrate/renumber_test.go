package chronomigrate_test

import "testing"

// One statement deletes a key and inserts it again. The deletion has the lower version,
// whichever of the two is recorded first, and RETURNING shows the version that the row has.
func TestAKeyIsReplacedInOneStatement(t *testing.T) {
	t.Parallel()
	for name, departed := range map[string]bool{"before a record has ever gone": false, "later": true} {
		for order, replace := range map[string]string{
			"the insertion ends first": `WITH d AS (DELETE FROM todos WHERE id IN (1, 2) RETURNING id), i AS (INSERT INTO todos (id, title) SELECT id, 'b' FROM d LIMIT 1 RETURNING *) SELECT version::text FROM i`,
			"the deletion ends first":  `WITH d AS (DELETE FROM todos WHERE id IN (1, 2) RETURNING id), i AS (INSERT INTO todos (id, title) SELECT min(id), 'b' FROM d RETURNING *) SELECT version::text FROM i`,
		} {
			t.Run(name+" "+order, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.todos()
				if departed {
					f.exec(`INSERT INTO todos (id) VALUES (9)`, `DELETE FROM todos`)
				}
				f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'a')`)
				if departed {
					f.wantText("2", replace)
				} else {
					f.exec(replace)
				}
				f.wantText("2", `SELECT version::text FROM todos WHERE id = 1`)
				f.wantText("insert 0, delete 1, insert 2", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY version) FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}'`)
				f.exec(`UPDATE todos SET title = 'c'`)
				f.wantText("3 3", `SELECT version || ' ' || (SELECT max(version) FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}') FROM todos`)
			})
		}
	}
}

// replaced deletes a row and inserts it again in one statement, of a table from which no
// record has gone: the version has to be corrected once the row is written.
func (f *fixture) replaced(table string) {
	f.Helper()
	f.exec(`WITH d AS (DELETE FROM ` + table + ` RETURNING id) INSERT INTO ` + table + ` (id) SELECT id FROM d`)
}

func TestCorrectedVersions(t *testing.T) {
	t.Parallel()
	t.Run("a trigger of the application changes every row that is updated", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE t (id integer PRIMARY KEY, x text, at timestamptz)`,
			`CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := clock_timestamp(); RETURN NEW; END'`,
			`CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()`)
		f.track("t", nil)
		f.exec(`INSERT INTO t (id, x) VALUES (1, 'a')`)
		f.replaced("t")
		// What the trigger changed is a change of its own.
		f.wantText("insert 0, delete 1, insert 2, update 3", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY version) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
		f.wantText("t 3", `SELECT (to_jsonb(t) = (SELECT data FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1))::text::char(1) || ' ' || version FROM t`)

		// The same of a key that another transaction deletes first.
		f.exec(`BEGIN`, `DELETE FROM t`)
		other, done := f.connect(), make(chan error, 1)
		go func() {
			_, err := other.Exec(t.Context(), `INSERT INTO t (id) VALUES (1)`)
			done <- err
		}()
		f.blocked(other)
		f.exec(`COMMIT`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		f.wantText("true", `SELECT (version = (SELECT max(version) FROM chrononaut.chrononaut_activity))::text FROM t`)
	})

	t.Run("the table has columns of the names of variables", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE t (id integer PRIMARY KEY, row_version integer, record_key jsonb, v integer)`)
		f.track("t", nil)
		f.exec(`INSERT INTO t (id, row_version) VALUES (1, 7)`)
		f.replaced("t")
		f.wantText("2", `SELECT version::text FROM t`)
	})

	t.Run("another table has taken the name", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE t (id integer PRIMARY KEY)`)
		f.track("t", nil)
		f.exec(`INSERT INTO t VALUES (1)`, `ALTER TABLE t RENAME TO t_old`, `CREATE TABLE t (id integer PRIMARY KEY, version integer)`, `INSERT INTO t VALUES (1, 42)`)
		f.replaced("t_old")
		f.wantText("42 2", `SELECT t.version || ' ' || o.version FROM t, t_old AS o`)
	})

	t.Run("rows lag behind history when they are truncated", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id) VALUES (1)`, `UPDATE todos SET title = 'a'`,
			`ALTER TABLE todos DISABLE TRIGGER USER; UPDATE todos SET version = 0; ALTER TABLE todos ENABLE TRIGGER USER`, `TRUNCATE todos`)
		f.wantText("insert 0, update 1, truncate 2", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY version) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
	})
}

// A key that another record had is never taken at the version after its last: what is taken
// for the next change of that record would hide that this one left its own key.
func TestAKeyIsNotTakenUnseen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, ''), (2, '')`, `DELETE FROM todos WHERE id = 2`, `UPDATE todos SET title = 'y' WHERE id = 1`,
		`BEGIN`, `UPDATE todos SET id = 2 WHERE id = 1 RETURNING set_config('chrononaut.rekeyed', '', true)`, `COMMIT`)
	f.wantText(`{"id": 1}`, `SELECT previous_key::text FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`)
}
