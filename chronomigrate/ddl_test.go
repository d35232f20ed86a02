package chronomigrate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// The generated functions call others of history by the types of columns.
func TestAnArrayBecomesText(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, tags text[])`)
	f.track("docs", nil)
	f.exec(`INSERT INTO docs VALUES (1, '{a,b}')`, `UPDATE docs SET tags = '{c}'`,
		`ALTER TABLE docs ALTER tags TYPE text USING array_to_string(tags, ',')`,
		`UPDATE docs SET tags = 'd'`, `INSERT INTO docs VALUES (2, 'e')`, `DELETE FROM docs`)
	f.wantText("insert, update, update, insert, delete, delete",
		`SELECT string_agg(operation, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
	f.wantText("d", `SELECT data ->> 'tags' FROM chrononaut.chrononaut_activity WHERE operation = 'delete' ORDER BY id LIMIT 1`)
}

// Life with the application's migrations: each step is run after the table was
// tracked, and again by a session that has fired the triggers before, whose
// plans are made for the old table.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	const docs = `CREATE TABLE docs (id integer PRIMARY KEY, a integer, b text, secret text, note text, j json)`
	opts := &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"note"}}
	for _, tc := range []struct {
		name  string
		alter string
		write string
		data  string // of the last change
		used  string // the same in a session that fired the triggers before, where it differs
		check []string
	}{
		{
			name:  "a column is added",
			alter: `ALTER TABLE docs ADD c numeric DEFAULT 1.50`, write: `UPDATE docs SET b = 'y'`,
			data:  `{"a": 1, "b": "y", "c": 1.50, "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a json column is added",
			alter: `ALTER TABLE docs ADD c json`, write: `UPDATE docs SET c = '{"k":  1}'`,
			data:  `{"a": 1, "b": "x", "c": {"chrononaut:text": "{\"k\":  1}"}, "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a json column is added that jsonb cannot hold",
			alter: `ALTER TABLE docs ADD c json`, write: `UPDATE docs SET c = E'["\\\\u0000", 1e400000]'`,
			data:  `{"a": 1, "b": "x", "c": {"chrononaut:text": "[\"\\\\u0000\", 1e400000]"}, "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a column is dropped",
			alter: `ALTER TABLE docs DROP b`, write: `UPDATE docs SET a = 2`,
			data: `{"a": 2, "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			// The position of the hidden column, by which a dump and restore finds it.
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement", "outdated docs_truncate"},
		},
		{
			name:  "a column with a special form is dropped",
			alter: `ALTER TABLE docs DROP j`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "id": 1, "version": 1}`,
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a column is renamed",
			alter: `ALTER TABLE docs RENAME b TO c`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "c": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "an untracked column is renamed: it counts as a new one, and check says so",
			alter: `ALTER TABLE docs RENAME note TO remark`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "remark": "n", "version": 1}`,
			check: []string{"column_missing note", "outdated docs_baseline", "outdated docs_number", "outdated docs_version", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a hidden column is dropped",
			alter: `ALTER TABLE docs DROP secret`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"column_missing secret", "outdated docs_baseline", "outdated docs_record", "outdated docs_statement", "outdated docs_truncate"},
		},
		{
			name:  "a hidden column is retyped",
			alter: `ALTER TABLE docs ALTER secret TYPE bytea USING secret::bytea`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a column is retyped",
			alter: `ALTER TABLE docs ALTER a TYPE text`, write: `UPDATE docs SET a = 'z'`,
			data:  `{"a": "z", "b": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a text becomes a varchar",
			alter: `ALTER TABLE docs ALTER b TYPE varchar(10)`, write: `UPDATE docs SET b = 'z'`,
			data:  `{"a": 1, "b": "z", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "a json column becomes jsonb",
			alter: `ALTER TABLE docs ALTER j TYPE jsonb`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			used:  `{"a": 2, "b": "x", "j": {}, "id": 1, "version": 1}`,
			check: []string{"outdated docs_baseline", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "the key is retyped",
			alter: `ALTER TABLE docs ALTER id TYPE bigint`, write: `UPDATE docs SET id = 9007199254740993`,
			data:  `{"a": 1, "b": "x", "j": {"chrononaut:text": "{}"}, "id": 9007199254740993, "version": 1}`,
			check: []string{"outdated docs_version", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "the key is renamed",
			alter: `ALTER TABLE docs RENAME id TO docs_id`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "j": {"chrononaut:text": "{}"}, "docs_id": 1, "version": 1}`,
			check: []string{"key_changed docs_id", "outdated docs_baseline", "outdated docs_number", "outdated docs_version", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "the key is another one",
			alter: `ALTER TABLE docs DROP CONSTRAINT docs_pkey, ADD PRIMARY KEY (b)`, write: `UPDATE docs SET a = 2`,
			data:  `{"a": 2, "b": "x", "j": {"chrononaut:text": "{}"}, "id": 1, "version": 1}`,
			check: []string{"key_changed b", "outdated docs_baseline", "outdated docs_number", "outdated docs_version", "outdated docs_record", "outdated docs_statement"},
		},
		{
			name:  "everything at once",
			alter: `ALTER TABLE docs DROP b, DROP j, DROP note, ALTER a TYPE numeric, ADD d text DEFAULT 'd'`, write: `UPDATE docs SET a = 2.50`,
			data:  `{"a": 2.50, "d": "d", "id": 1, "version": 1}`,
			check: []string{"column_missing note", "outdated docs_baseline", "outdated docs_number", "outdated docs_version", "outdated docs_record", "outdated docs_statement", "outdated docs_truncate"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(docs)
			f.track("docs", opts)
			used, fresh := f.connect(), f.connect()
			f.execOn(used, `INSERT INTO docs VALUES (9, 1, 'x')`, `UPDATE docs SET a = 2, secret = 's'`, `DELETE FROM docs`)
			f.execOn(used, `INSERT INTO docs VALUES (1, 1, 'x', 'TOP SECRET', 'n', '{}')`)
			f.exec(tc.alter)

			f.execOn(used, `BEGIN`, tc.write)
			const last = `SELECT data::text FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`
			if tc.used == "" {
				tc.used = tc.data
			}
			got := ""
			if err := used.QueryRow(t.Context(), last).Scan(&got); err != nil || got != tc.used {
				t.Errorf("in a session that fired the triggers before:\ngot  %s, %v\nwant %s", got, err, tc.used)
			}
			f.execOn(used, `ROLLBACK`)
			f.execOn(fresh, tc.write)
			f.wantText(tc.data, last)
			f.execOn(used, `DELETE FROM docs`)
			f.wantText("delete", `SELECT operation FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`)
			f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity AS a WHERE a::text LIKE '%TOP SECRET%'`)

			var problems []string
			for _, line := range f.check() {
				if line == "past chrononaut_past.docs" {
					// The view has the columns of before until track renews it: TestPastFollows.
					continue
				}
				// The hash in a function's name says nothing here.
				if i := strings.Index(line, " docs_"); i > 0 && strings.Count(line, "_") > 1 && line[i+6:] != "id" {
					line = line[:i] + " docs" + line[strings.LastIndexByte(line, '_'):]
				}
				problems = append(problems, line)
			}
			if got, want := fmt.Sprint(problems), fmt.Sprint(tc.check); got != want {
				t.Errorf("Check() found %s, want %s", got, want)
			}
		})
	}

	t.Run("a renamed hidden column stops writes until track knows its name", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(docs)
		f.track("docs", opts)
		f.exec(`INSERT INTO docs VALUES (1, 1, 'x', 'TOP SECRET', 'n', '{}')`, `ALTER TABLE docs RENAME secret TO classified`)
		for _, sql := range []string{
			`UPDATE docs SET a = 2`, `INSERT INTO docs (id) VALUES (2)`, `DELETE FROM docs`, `TRUNCATE docs`,
		} {
			err := f.refusal("TM003", sql)
			if strings.Contains(fmt.Sprintf("%+v", *err), "TOP SECRET") {
				t.Errorf("%s: the error tells the value: %+v", sql, *err)
			}
		}
		if got := f.check(); len(got) == 0 || got[0] != "column_missing secret" {
			t.Errorf("Check() found %v, want the missing column first", got)
		}
		f.track("docs", &chronomigrate.TrackOptions{Hidden: []string{"classified"}, Untracked: []string{"note"}})
		f.exec(`UPDATE docs SET a = 2`, `UPDATE docs SET classified = 'TOP SECRET 2'`)
		f.wantCheck()
		f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity AS a WHERE a::text LIKE '%TOP SECRET%'`)
	})

	t.Run("a hidden column renamed and replaced by another of its name stops writes", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(docs)
		f.track("docs", opts)
		f.exec(`ALTER TABLE docs RENAME secret TO classified`, `ALTER TABLE docs ADD secret text`)
		f.refused("TM003", `INSERT INTO docs VALUES (1, 1, 'x', 'TOP SECRET')`)
		f.exec(`ALTER TABLE docs DROP classified`)
		f.refused("TM003", `INSERT INTO docs VALUES (1, 1, 'x')`)
		f.track("docs", nil)
		f.exec(`INSERT INTO docs VALUES (1, 1, 'x')`)
	})

	t.Run("a hidden column that exchanges its name with another stops writes, in open sessions and old snapshots too", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE people (id integer PRIMARY KEY, name text, secret text)`, `CREATE TABLE other (id integer)`)
		f.track("people", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
		used, old := f.connect(), f.connect()
		for _, conn := range []*pgx.Conn{used, old} {
			f.execOn(conn, `INSERT INTO people VALUES (1, 'x', 'TOP SECRET')`, `UPDATE people SET secret = 'TOP SECRET 2'`, `DELETE FROM people`)
		}
		f.execOn(old, `BEGIN ISOLATION LEVEL REPEATABLE READ`, `SELECT FROM other`)
		f.exec(`BEGIN`, `ALTER TABLE people RENAME secret TO hers`, `ALTER TABLE people RENAME name TO secret`, `ALTER TABLE people RENAME hers TO name`, `COMMIT`)
		for want, conn := range map[string]*pgx.Conn{"TM003": used, "40001": old} {
			_, err := conn.Exec(t.Context(), `INSERT INTO people (id, name) VALUES (1, 'TOP SECRET')`)
			if got := chronodriver.State(err); got != want {
				t.Errorf("an INSERT was refused with %q, want %s: %v", got, want, err)
			}
		}
		f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity AS a WHERE a::text LIKE '%TOP SECRET%'`)
	})

	// The catalog would not tell them of the column, nor that its values need more than to_jsonb().
	t.Run("transactions whose snapshot is older than a column are refused, others not", func(t *testing.T) {
		t.Parallel()
		for _, table := range []string{
			`CREATE TABLE notes (id integer PRIMARY KEY, a text)`,
			`CREATE TABLE notes (id integer PRIMARY KEY, a text) PARTITION BY RANGE (id); CREATE TABLE notes_1 PARTITION OF notes DEFAULT`,
		} {
			f := newFixture(t)
			f.exec(table, `CREATE TABLE other (id integer)`)
			f.track("notes", nil)
			old := f.connect()
			for _, sql := range []string{`UPDATE notes SET j = '{"a": 1, "a": 2}'`, `INSERT INTO notes (id, j) VALUES (3, '{}')`, `DELETE FROM notes`, `TRUNCATE notes`} {
				f.execOn(old, `INSERT INTO notes VALUES (1, 'x')`, `BEGIN ISOLATION LEVEL REPEATABLE READ`, `UPDATE notes SET a = 'y'`, `COMMIT`,
					`BEGIN ISOLATION LEVEL REPEATABLE READ`, `SELECT FROM other`)
				f.exec(`ALTER TABLE notes ADD j json`)
				if _, err := old.Exec(t.Context(), sql); chronodriver.State(err) != "40001" {
					t.Errorf("%s: %v, want a serialization failure", sql, err)
				}
				f.execOn(old, `ROLLBACK`, `BEGIN ISOLATION LEVEL REPEATABLE READ`, `UPDATE notes SET j = '{"a": 1, "a": 2}'`, `COMMIT`)
				f.wantText(`{"chrononaut:text": "{\"a\": 1, \"a\": 2}"}`, `SELECT data ->> 'j' FROM chrononaut.chrononaut_activity WHERE table_name = 'notes' ORDER BY id DESC LIMIT 1`)
				f.exec(`ALTER TABLE notes DROP j`, `DELETE FROM notes`)
			}
		}
	})

	t.Run("neither ALTER TYPE nor DROP COLUMN is refused because of a trigger", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(docs)
		f.track("docs", opts)
		for _, column := range []string{"a", "b", "secret", "note"} {
			f.exec(`ALTER TABLE docs ALTER `+column+` TYPE bytea USING ''`, `ALTER TABLE docs DROP `+column)
		}
		f.exec(`INSERT INTO docs VALUES (1, '{}')`, `DROP TABLE docs`)
	})

	t.Run("a table that is dropped and made again under its name starts untracked and continues its keys", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos VALUES (1, 'old')`, `DROP TABLE todos`)
		f.wantCheck("table_dropped public.todos")
		f.exec(todosTable, `INSERT INTO todos VALUES (1, 'new')`)
		f.wantText("0", `SELECT count(*)::text FROM pg_trigger WHERE tgrelid = 'todos'::regclass`)
		f.track("todos", nil)
		f.exec(`UPDATE todos SET title = 'newer'`)
		f.wantText("insert 0, track 0, update 1", `SELECT string_agg(operation || ' ' || version, ', ' ORDER BY id)
			FROM (SELECT * FROM chrononaut.chrononaut_activity ORDER BY id OFFSET 1) AS a`)
		f.wantCheck()
	})

	t.Run("a table that moves to another schema goes on under its old name until it is tracked there", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		used := f.connect()
		f.execOn(used, `INSERT INTO todos VALUES (1, 'a')`)
		f.exec(`CREATE SCHEMA app`, `ALTER TABLE todos SET SCHEMA app`, `ALTER SCHEMA app RENAME TO shop`)
		f.execOn(used, `UPDATE shop.todos SET title = 'b'`)
		f.wantText("public update 1", `SELECT table_schema || ' ' || operation || ' ' || version FROM chrononaut.chrononaut_activity ORDER BY id DESC LIMIT 1`)
		f.wantCheck("table_dropped public.todos")
		f.track("shop.todos", &chronomigrate.TrackOptions{VersionColumn: "version"})
		if _, err := f.migrator.Untrack(t.Context(), f.table("public.todos"), nil); err != nil {
			t.Fatal(describe(err))
		}
		f.wantCheck()
		f.execOn(used, `UPDATE shop.todos SET title = 'c'`, `DELETE FROM shop.todos`, `TRUNCATE shop.todos`)
		f.wantText("shop baseline 1, shop update 2, shop delete 3", `SELECT string_agg(table_schema || ' ' || operation || ' ' || version, ', ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE table_schema = 'shop' AND key <> '{}'`)
	})

	t.Run("a renamed table goes on under its old name, and check says so", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`ALTER TABLE todos RENAME TO tasks`, `INSERT INTO tasks VALUES (1, 'a')`)
		f.wantHistory(`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`)
		f.wantCheck("table_dropped public.todos")
	})
}

// What changes rows without firing a trigger. The tests say what is not
// recorded, so that docs/limits.md stays true.
func TestLimits(t *testing.T) {
	t.Parallel()
	const count = `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`

	t.Run("ALTER TYPE USING, ADD COLUMN DEFAULT and RENAME VALUE change rows without a trigger; a baseline records them", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TYPE mood AS ENUM ('happy', 'sad')`, `CREATE TABLE m (id integer PRIMARY KEY, n integer, mood mood)`)
		f.track("m", nil)
		f.exec(`INSERT INTO m VALUES (1, 1, 'sad'), (2, 2, 'happy')`,
			`ALTER TABLE m ALTER n TYPE integer USING n * 100`, `ALTER TABLE m ADD d text DEFAULT 'x'`, `ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`)
		f.wantText("2", count)
		if progress := f.baseline("m", 0); progress.Recorded != 2 {
			t.Errorf("the baseline recorded %d rows, want both", progress.Recorded)
		}
		f.wantText(`{"d": "x", "n": 100, "id": 1, "mood": "blue", "version": 1}`,
			`SELECT data::text FROM chrononaut.chrononaut_activity WHERE operation = 'baseline' AND key = '{"id": 1}'`)
		f.wantText("1 1", `SELECT string_agg(version::text, ' ') FROM m`)
		if progress := f.baseline("m", 0); progress.Recorded != 0 {
			t.Errorf("a second baseline recorded %d rows, want none", progress.Recorded)
		}
	})

	t.Run("ATTACH, DETACH and DROP of a partition move rows without a trigger; a baseline records those that came", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE p (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id)`,
			`CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)`)
		f.track("p", nil)
		f.exec(`CREATE TABLE p2 (LIKE p INCLUDING ALL)`, `INSERT INTO p2 VALUES (10, 'came')`, `INSERT INTO p VALUES (1, 'left')`,
			`ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)`, `ALTER TABLE p DETACH PARTITION p1`)
		f.wantText("1", count)
		f.wantCheck("trigger_missing 000_chrononaut_truncate", "trigger_elsewhere public.p1 000_chrononaut_truncate")
		f.track("p", nil)
		f.wantCheck()
		if progress := f.baseline("p", 0); progress.Recorded != 1 {
			t.Errorf("the baseline recorded %d rows, want the one that came", progress.Recorded)
		}
		f.exec(`UPDATE p SET x = 'stays' WHERE id = 10`, `TRUNCATE p2`)
		f.wantText("insert, baseline, update, truncate", `SELECT string_agg(operation, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)

		// What was detached is a table of its own, which nothing captures.
		f.wantText("0", `SELECT count(*)::text FROM pg_trigger WHERE tgrelid = 'p1'::regclass AND tgname = '000_chrononaut_capture'`)
		problems, err := f.migrator.Check(t.Context(), &chronomigrate.CheckOpts{Uncovered: true})
		if err != nil || len(problems) != 1 || problems[0].Table.Name != "p1" || problems[0].Kind != chronomigrate.ProblemUncovered {
			t.Errorf("Check(Uncovered) = %+v, %v; want p1", problems, err)
		}
		// It can be tracked; the version column that it took along is adopted.
		f.track("p1", &chronomigrate.TrackOptions{VersionColumn: "version"})
		f.exec(`UPDATE p1 SET x = 'again'`)
		f.wantText("1", `SELECT version::text FROM chrononaut.chrononaut_activity WHERE table_name = 'p1' AND operation = 'update'`)
	})

	t.Run("a table that joins an inheritance tree after it was tracked is reported", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`CREATE TABLE child () INHERITS (todos)`, `INSERT INTO child VALUES (7, 'not seen')`, `UPDATE todos SET title = 'not seen'`)
		f.wantText("0", count)
		f.wantCheck("not_trackable public.todos")
	})

	t.Run("lastval() is the history's sequence after a tracked INSERT", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE s (id serial PRIMARY KEY)`)
		f.track("s", nil)
		f.exec(`INSERT INTO s DEFAULT VALUES`)
		f.wantText("true", `SELECT (lastval() <> currval('s_id_seq') AND lastval() = currval('chrononaut.chrononaut_activity_id_seq'))::text`)
	})
}
