package chronomigrate_test

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

type captureCase struct {
	name   string
	minVer int
	tables string   // created before tracking
	track  []string // defaults to todos
	opts   *chronomigrate.TrackOptions
	after  string   // created after tracking
	run    []string // each by itself
	want   []string
}

const todosTable = `CREATE TABLE todos (id integer PRIMARY KEY, title text, done boolean NOT NULL DEFAULT false)`

// againTrigger changes a row again after it was written.
const againTrigger = `
	CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN UPDATE todos SET title = title || '!' WHERE id = NEW.id AND title NOT LIKE '%!!'; RETURN NULL; END $$;
	CREATE TRIGGER aaa AFTER INSERT OR UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION again()`

var captureCases = []captureCase{
	{
		name: "one row is inserted, updated and deleted",
		run:  []string{`INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`, `DELETE FROM todos`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 1}`,
			`tx3 todos delete v2 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 2}`,
		},
	},
	{
		name: "several rows are inserted, updated and deleted by one statement each",
		run:  []string{`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `UPDATE todos SET done = true`, `DELETE FROM todos`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": true, "title": "a", "version": 1}`,
			`tx2 todos update v1 {"id": 2} {"id": 2, "done": true, "title": "b", "version": 1}`,
			`tx3 todos delete v2 {"id": 1} {"id": 1, "done": true, "title": "a", "version": 2}`,
			`tx3 todos delete v2 {"id": 2} {"id": 2, "done": true, "title": "b", "version": 2}`,
		},
	},
	{
		name: "ON CONFLICT DO UPDATE is one update, DO NOTHING and WHERE false are nothing",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a')`,
			`INSERT INTO todos VALUES (1, 'b'), (2, 'c') ON CONFLICT (id) DO UPDATE SET title = excluded.title`,
			`INSERT INTO todos VALUES (1, 'x') ON CONFLICT DO NOTHING`,
			`INSERT INTO todos VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET title = 'x' WHERE false`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 1}`,
			`tx2 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "c", "version": 0}`,
		},
	},
	{
		name:   "MERGE inserts, updates and deletes",
		minVer: 15,
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`,
			`MERGE INTO todos AS t USING (VALUES (1, 'x'), (2, NULL), (3, 'y')) AS s (id, title) ON s.id = t.id
			  WHEN MATCHED AND s.title IS NULL THEN DELETE
			  WHEN MATCHED THEN UPDATE SET title = s.title
			  WHEN NOT MATCHED THEN INSERT (id, title) VALUES (s.id, s.title)`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
			`tx2 todos delete v1 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 1}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "x", "version": 1}`,
			`tx2 todos insert v0 {"id": 3} {"id": 3, "done": false, "title": "y", "version": 0}`,
		},
	},
	{
		name: "UPDATE FROM and data-modifying CTEs",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
			`UPDATE todos AS t SET title = s.title FROM (VALUES (1, 'x'), (1, 'y')) AS s (id, title) WHERE s.id = t.id`,
			`WITH gone AS (DELETE FROM todos WHERE id = 2 RETURNING *), new AS (INSERT INTO todos SELECT 20, title FROM gone RETURNING *)
			 UPDATE todos SET done = true WHERE id = 3`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
			`tx1 todos insert v0 {"id": 3} {"id": 3, "done": false, "title": "c", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "x", "version": 1}`,
			`tx3 todos update v1 {"id": 3} {"id": 3, "done": true, "title": "c", "version": 1}`,
			`tx3 todos delete v1 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 1}`,
			`tx3 todos insert v0 {"id": 20} {"id": 20, "done": false, "title": "b", "version": 0}`,
		},
	},
	{
		name: "several changes of one row in one transaction and one function",
		after: `CREATE FUNCTION thrice() RETURNS void LANGUAGE sql AS $$
			UPDATE todos SET title = 'b' WHERE id = 1; UPDATE todos SET title = 'c' WHERE id = 1; UPDATE todos SET title = 'b' WHERE id = 1 $$`,
		run: []string{`BEGIN; INSERT INTO todos VALUES (1, 'a'); SELECT thrice(); DELETE FROM todos; INSERT INTO todos VALUES (1, 'z'); COMMIT`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 1}`,
			`tx1 todos update v2 {"id": 1} {"id": 1, "done": false, "title": "c", "version": 2}`,
			`tx1 todos update v3 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 3}`,
			`tx1 todos delete v4 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 4}`,
			`tx1 todos insert v5 {"id": 1} {"id": 1, "done": false, "title": "z", "version": 5}`,
		},
	},
	{
		name: "a row inserted and deleted in one transaction leaves both",
		run:  []string{`BEGIN; INSERT INTO todos VALUES (1, 'a'); DELETE FROM todos; COMMIT`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos delete v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
		},
	},
	{
		name: "ROLLBACK TO SAVEPOINT takes back the history too",
		run: []string{
			`BEGIN; INSERT INTO todos VALUES (1, 'a'); SAVEPOINT s; UPDATE todos SET title = 'b'; SAVEPOINT r; DELETE FROM todos;
			 ROLLBACK TO r; RELEASE r; ROLLBACK TO s; UPDATE todos SET title = 'c'; COMMIT`,
			`BEGIN; DELETE FROM todos; ROLLBACK`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "c", "version": 1}`,
		},
	},
	{
		name: "PREPARE TRANSACTION and COMMIT PREPARED record once",
		run:  []string{`BEGIN; INSERT INTO todos VALUES (1, 'a'); PREPARE TRANSACTION 'capture'`, `COMMIT PREPARED 'capture'`},
		want: []string{`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`},
	},
	{
		name: "updates that change nothing record nothing and keep the version",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a')`,
			`UPDATE todos SET title = title`, `UPDATE todos SET title = 'a', done = false`, `UPDATE todos SET version = 0`, `UPDATE todos SET version = 1`,
			`INSERT INTO todos VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET title = excluded.title`,
			`UPDATE todos SET title = 'b', version = 0`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 1}`,
		},
	},
	{
		name: "a version that the application inserts is replaced",
		run:  []string{`INSERT INTO todos VALUES (1, 'a', false, 99)`},
		want: []string{`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`},
	},
	{
		name:   "no-op updates of types without equality",
		tables: `CREATE TABLE odd (id integer PRIMARY KEY, j json, x xml, p point, n numeric, b text)`,
		track:  []string{"odd"},
		run: []string{
			`INSERT INTO odd VALUES (1, '{"a":1}', '<a/>', '(1,2)', 1.0, repeat('x', 3000))`,
			`UPDATE odd SET j = '{"a":1}', x = '<a/>', p = '(1,2)', n = 1.0, b = repeat('x', 3000)`,
			`UPDATE odd SET b = 'b'`,
			`UPDATE odd SET j = '{"a": 1}'`, `UPDATE odd SET n = 1.00`, `UPDATE odd SET p = '(1,3)'`,
		},
		want: []string{
			`tx1 odd insert v0 {"id": 1} {"b": "` + strings.Repeat("x", 3000) + `", "j": {"chrononaut:text": "{\"a\":1}"}, "n": 1.0, "p": "(1,2)", "x": "<a/>", "id": 1, "version": 0}`,
			`tx2 odd update v1 {"id": 1} {"b": "b", "j": {"chrononaut:text": "{\"a\":1}"}, "n": 1.0, "p": "(1,2)", "x": "<a/>", "id": 1, "version": 1}`,
			`tx3 odd update v2 {"id": 1} {"b": "b", "j": {"chrononaut:text": "{\"a\": 1}"}, "n": 1.0, "p": "(1,2)", "x": "<a/>", "id": 1, "version": 2}`,
			`tx4 odd update v3 {"id": 1} {"b": "b", "j": {"chrononaut:text": "{\"a\": 1}"}, "n": 1.00, "p": "(1,2)", "x": "<a/>", "id": 1, "version": 3}`,
			`tx5 odd update v4 {"id": 1} {"b": "b", "j": {"chrononaut:text": "{\"a\": 1}"}, "n": 1.00, "p": "(1,3)", "x": "<a/>", "id": 1, "version": 4}`,
		},
	},
	{
		name: "COPY, and COPY FREEZE in the transaction that truncated",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a')`,
			`BEGIN; TRUNCATE todos; COPY todos (id, title) FROM PROGRAM 'printf "1\\tb\\n2\\tc\\n"' WITH (FREEZE); COMMIT`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos truncate v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
			`tx2 todos insert v2 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 2}`,
			`tx2 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "c", "version": 0}`,
		},
	},
	{
		name: "TRUNCATE CASCADE of several tables records each row once",
		tables: `CREATE TABLE a (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, x text);
			CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a); CREATE TABLE c (id integer PRIMARY KEY, b integer REFERENCES b)`,
		track: []string{"a", "b", "c"},
		run: []string{
			`INSERT INTO a (x) VALUES ('1')`, `INSERT INTO b VALUES (1, 1)`, `INSERT INTO c VALUES (1, 1)`,
			`TRUNCATE a, b RESTART IDENTITY CASCADE`,
			`INSERT INTO a (x) VALUES ('2')`,
		},
		want: []string{
			`tx1 a insert v0 {"id": 1} {"x": "1", "id": 1, "version": 0}`,
			`tx2 b insert v0 {"id": 1} {"a": 1, "id": 1, "version": 0}`,
			`tx3 c insert v0 {"id": 1} {"b": 1, "id": 1, "version": 0}`,
			`tx4 a truncate v1 {"id": 1} {"x": "1", "id": 1, "version": 1}`,
			`tx4 b truncate v1 {"id": 1} {"a": 1, "id": 1, "version": 1}`,
			`tx4 c truncate v1 {"id": 1} {"b": 1, "id": 1, "version": 1}`,
			`tx5 a insert v2 {"id": 1} {"x": "2", "id": 1, "version": 2}`,
		},
	},
	{
		name: "TRUNCATE rolled back leaves nothing",
		run:  []string{`INSERT INTO todos VALUES (1, 'a')`, `BEGIN; TRUNCATE todos; ROLLBACK`, `TRUNCATE todos`, `TRUNCATE todos`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos truncate v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
		},
	},
	{
		name: "foreign keys cascade: the parent's change comes first",
		tables: `CREATE TABLE p (id integer PRIMARY KEY);
			CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE);
			CREATE TABLE n (id integer PRIMARY KEY, p integer REFERENCES p ON DELETE SET NULL ON UPDATE SET NULL);
			CREATE TABLE d (id integer PRIMARY KEY, p integer DEFAULT 7 REFERENCES p ON DELETE SET DEFAULT)`,
		track: []string{"p", "c", "n", "d"},
		run: []string{
			`INSERT INTO p VALUES (1), (2), (7)`, `INSERT INTO c VALUES (1, 1)`, `INSERT INTO n VALUES (1, 1)`, `INSERT INTO d VALUES (1, 2)`,
			`UPDATE p SET id = 3 WHERE id = 1`, `DELETE FROM p WHERE id = 3`, `DELETE FROM p WHERE id = 2`,
		},
		want: []string{
			`tx1 p insert v0 {"id": 1} {"id": 1, "version": 0}`,
			`tx1 p insert v0 {"id": 2} {"id": 2, "version": 0}`,
			`tx1 p insert v0 {"id": 7} {"id": 7, "version": 0}`,
			`tx2 c insert v0 {"id": 1} {"p": 1, "id": 1, "version": 0}`,
			`tx3 n insert v0 {"id": 1} {"p": 1, "id": 1, "version": 0}`,
			`tx4 d insert v0 {"id": 1} {"p": 2, "id": 1, "version": 0}`,
			`tx5 p update v1 {"id": 3} {"id": 3, "version": 1} was {"id": 1}`,
			`tx5 c update v1 {"id": 1} {"p": 3, "id": 1, "version": 1}`,
			`tx5 n update v1 {"id": 1} {"p": null, "id": 1, "version": 1}`,
			`tx6 p delete v2 {"id": 3} {"id": 3, "version": 2}`,
			`tx6 c delete v2 {"id": 1} {"p": 3, "id": 1, "version": 2}`,
			`tx7 p delete v1 {"id": 2} {"id": 2, "version": 1}`,
			`tx7 d update v1 {"id": 1} {"p": 7, "id": 1, "version": 1}`,
		},
	},
	{
		name: "deferred constraints do not defer capture nor its context",
		tables: `CREATE TABLE p (id integer PRIMARY KEY);
			CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)`,
		track: []string{"p", "c"},
		run: []string{`BEGIN; SET CONSTRAINTS ALL DEFERRED;
			SET LOCAL chrononaut.context = '{"user_info": {"user_id": "a"}}'; INSERT INTO c VALUES (1, 1);
			SET LOCAL chrononaut.context = '{"user_info": {"user_id": "b"}}'; INSERT INTO p VALUES (1); COMMIT`},
		want: []string{
			`tx1 c insert v0 {"id": 1} {"p": 1, "id": 1, "version": 0} by "a"`,
			`tx1 p insert v0 {"id": 1} {"id": 1, "version": 0} by "b"`,
		},
	},
	{
		name: "the application's BEFORE triggers change the row or refuse it",
		after: `
			CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				IF NEW.title = 'skip' THEN RETURN NULL; END IF;
				IF NEW.title = 'undo' THEN RETURN OLD; END IF;
				NEW.title := upper(NEW.title);
				RETURN NEW;
			END $$;
			CREATE TRIGGER a_first BEFORE INSERT OR UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION before();
			CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
			CREATE TRIGGER a_keep BEFORE DELETE ON todos FOR EACH ROW EXECUTE FUNCTION keep()`,
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (2, 'skip')`, `UPDATE todos SET title = 'b'`, `UPDATE todos SET title = 'undo'`,
			`UPDATE todos SET title = 'skip'`, `UPDATE todos SET title = 'b'`, `DELETE FROM todos`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "A", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "B", "version": 1}`,
		},
	},
	{
		name: "a BEFORE trigger that runs after ours is still recorded",
		after: `
			CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := upper(NEW.title); NEW.version := 50; RETURN NEW; END $$;
			CREATE TRIGGER zzzzz BEFORE INSERT OR UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION late()`,
		run: []string{`INSERT INTO todos VALUES (1, 'a')`},
		want: []string{
			`tx1 todos insert v50 {"id": 1} {"id": 1, "done": false, "title": "A", "version": 50}`,
		},
	},
	{
		name:   "an AFTER trigger of the application that updates the same row comes second",
		tables: todosTable + ";" + againTrigger,
		run:    []string{`INSERT INTO todos VALUES (1, 'a')`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "a!", "version": 1}`,
			`tx1 todos update v2 {"id": 1} {"id": 1, "done": false, "title": "a!!", "version": 2}`,
		},
	},
	{
		name:  "one that is made after tracking began comes first",
		after: againTrigger,
		run:   []string{`INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`},
		want: []string{
			`tx1 todos update v2 {"id": 1} {"id": 1, "done": false, "title": "a!!", "version": 2}`,
			`tx1 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "a!", "version": 1}`,
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos update v5 {"id": 1} {"id": 1, "done": false, "title": "b!!", "version": 5}`,
			`tx2 todos update v4 {"id": 1} {"id": 1, "done": false, "title": "b!", "version": 4}`,
			`tx2 todos update v3 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 3}`,
		},
	},
	{
		name: "a trigger of the application that inserts again what is deleted, also one made after tracking began",
		after: `
			CREATE FUNCTION revive() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN INSERT INTO todos (id, title) VALUES (OLD.id, OLD.title || '!'); RETURN NULL; END $$;
			CREATE TRIGGER revive AFTER DELETE ON todos FOR EACH ROW EXECUTE FUNCTION revive()`,
		run: []string{`INSERT INTO todos VALUES (1, 'a')`, `DELETE FROM todos`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos insert v2 {"id": 1} {"id": 1, "done": false, "title": "a!", "version": 2}`,
			`tx2 todos delete v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
		},
	},
	{
		name:   "generated columns are recorded with their value, and no-op updates stay none",
		tables: `CREATE TABLE g (id integer PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)`,
		track:  []string{"g"},
		run:    []string{`INSERT INTO g VALUES (1, 5)`, `UPDATE g SET a = 5`, `UPDATE g SET a = 6`, `DELETE FROM g`},
		want: []string{
			`tx1 g insert v0 {"id": 1} {"a": 5, "b": 10, "id": 1, "version": 0}`,
			`tx2 g update v1 {"id": 1} {"a": 6, "b": 12, "id": 1, "version": 1}`,
			`tx3 g delete v2 {"id": 1} {"a": 6, "b": 12, "id": 1, "version": 2}`,
		},
	},
	{
		name: "a tracked generated column fed by an untracked one counts",
		tables: `CREATE TABLE g (id integer PRIMARY KEY, a integer, c integer,
			b integer GENERATED ALWAYS AS (a / 10) STORED, d integer GENERATED ALWAYS AS (c) STORED)`,
		track: []string{"g"},
		opts:  &chronomigrate.TrackOptions{Untracked: []string{"a", "c", "d"}},
		run:   []string{`INSERT INTO g VALUES (1, 5, 1)`, `UPDATE g SET c = 2`, `UPDATE g SET a = 50`, `DELETE FROM g`},
		want: []string{
			`tx1 g insert v0 {"id": 1} {"b": 0, "id": 1, "version": 0}`,
			`tx2 g update v1 {"id": 1} {"b": 5, "id": 1, "version": 1}`,
			`tx3 g delete v2 {"id": 1} {"b": 5, "id": 1, "version": 2}`,
		},
	},
	{
		name:  "untracked columns are left out and alone make no version",
		track: []string{"todos"},
		opts:  &chronomigrate.TrackOptions{Untracked: []string{"done"}},
		run:   []string{`INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET done = true`, `UPDATE todos SET done = false, title = 'b'`, `TRUNCATE todos`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "title": "a", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "title": "b", "version": 1}`,
			`tx3 todos truncate v2 {"id": 1} {"id": 1, "title": "b", "version": 2}`,
		},
	},
	{
		name: "hidden columns leave only a note that they changed",
		opts: &chronomigrate.TrackOptions{Hidden: []string{"title"}},
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (2, NULL)`, `UPDATE todos SET title = 'b' WHERE id = 1`, `UPDATE todos SET title = 'b' WHERE id = 1`,
			`UPDATE todos SET done = true WHERE id = 1`, `DELETE FROM todos WHERE id = 1`, `TRUNCATE todos`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "version": 0} extra {"hidden_cols_changed": ["title"]}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "done": false, "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "version": 1} extra {"hidden_cols_changed": ["title"]}`,
			`tx3 todos update v2 {"id": 1} {"id": 1, "done": true, "version": 2}`,
			`tx4 todos delete v3 {"id": 1} {"id": 1, "done": true, "version": 3}`,
			`tx5 todos truncate v1 {"id": 2} {"id": 2, "done": false, "version": 1}`,
		},
	},
	{
		name:   "the first change of a row from before tracking records its former state",
		tables: todosTable + `; INSERT INTO todos VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')`,
		run: []string{
			`UPDATE todos SET title = title WHERE id = 5`,
			`UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos WHERE id = 2`, `UPDATE todos SET id = 30 WHERE id = 3`, `TRUNCATE todos`,
		},
		want: []string{
			`tx1 todos baseline v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "x", "version": 1}`,
			`tx2 todos baseline v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
			`tx2 todos delete v1 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 1}`,
			`tx3 todos baseline v0 {"id": 3} {"id": 3, "done": false, "title": "c", "version": 0}`,
			`tx3 todos update v1 {"id": 30} {"id": 30, "done": false, "title": "c", "version": 1} was {"id": 3}`,
			`tx4 todos baseline v0 {"id": 4} {"id": 4, "done": false, "title": "d", "version": 0}`,
			`tx4 todos baseline v0 {"id": 5} {"id": 5, "done": false, "title": "e", "version": 0}`,
			`tx4 todos truncate v1 {"id": 4} {"id": 4, "done": false, "title": "d", "version": 1}`,
			`tx4 todos truncate v1 {"id": 5} {"id": 5, "done": false, "title": "e", "version": 1}`,
			`tx4 todos truncate v2 {"id": 1} {"id": 1, "done": false, "title": "x", "version": 2}`,
			`tx4 todos truncate v2 {"id": 30} {"id": 30, "done": false, "title": "c", "version": 2}`,
		},
	},
	{
		name: "a primary key changes and changes back",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET id = 2, title = 'b'`, `UPDATE todos SET id = 1`,
			`INSERT INTO todos VALUES (2, 'new')`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos update v1 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 1} was {"id": 1}`,
			`tx3 todos update v2 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 2} was {"id": 2}`,
			`tx4 todos insert v3 {"id": 2} {"id": 2, "done": false, "title": "new", "version": 3}`,
		},
	},
	{
		name:   "two primary keys are swapped in one statement",
		tables: `CREATE TABLE todos (id integer PRIMARY KEY DEFERRABLE, title text)`,
		run:    []string{`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `UPDATE todos SET id = 3 - id`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "title": "a", "version": 0}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "title": "b", "version": 0}`,
			`tx2 todos update v1 {"id": 2} {"id": 2, "title": "a", "version": 1} was {"id": 1}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "title": "b", "version": 1} was {"id": 2}`,
		},
	},
	{
		name:   "primary keys shift by one in one statement",
		tables: `CREATE TABLE todos (id integer PRIMARY KEY DEFERRABLE, title text)`,
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`, `UPDATE todos SET title = 'B' WHERE id = 2`,
			`UPDATE todos SET id = id + 1`, `INSERT INTO todos VALUES (1, 'c')`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "title": "a", "version": 0}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "title": "b", "version": 0}`,
			`tx2 todos update v1 {"id": 2} {"id": 2, "title": "B", "version": 1}`,
			`tx3 todos update v2 {"id": 2} {"id": 2, "title": "a", "version": 2} was {"id": 1}`,
			`tx3 todos update v2 {"id": 3} {"id": 3, "title": "B", "version": 2} was {"id": 2}`,
			`tx4 todos insert v3 {"id": 1} {"id": 1, "title": "c", "version": 3}`,
		},
	},
	{
		name: "a key that is deleted and inserted again continues its versions",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a')`, `DELETE FROM todos`, `INSERT INTO todos VALUES (1, 'b')`, `TRUNCATE todos`,
			`BEGIN; INSERT INTO todos VALUES (1, 'c'); ROLLBACK`, `INSERT INTO todos VALUES (1, 'd')`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos delete v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
			`tx3 todos insert v2 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 2}`,
			`tx4 todos truncate v3 {"id": 1} {"id": 1, "done": false, "title": "b", "version": 3}`,
			`tx5 todos insert v4 {"id": 1} {"id": 1, "done": false, "title": "d", "version": 4}`,
		},
	},
	{
		name: "session_replication_role = replica does not turn capture off",
		run:  []string{`SET session_replication_role = replica`, `INSERT INTO todos VALUES (1, 'a')`, `TRUNCATE todos`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos truncate v1 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 1}`,
		},
	},
	{
		name: "WHERE CURRENT OF and FOR UPDATE",
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`,
			`BEGIN; SELECT * FROM todos FOR UPDATE; COMMIT`,
			`BEGIN; DECLARE c CURSOR FOR SELECT * FROM todos ORDER BY id FOR UPDATE; FETCH c; UPDATE todos SET title = 'x' WHERE CURRENT OF c;
			 FETCH c; DELETE FROM todos WHERE CURRENT OF c; COMMIT`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx1 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": false, "title": "x", "version": 1}`,
			`tx2 todos delete v1 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 1}`,
		},
	},
	{
		name: "writes through views, rules and functions",
		after: `CREATE VIEW open AS SELECT * FROM todos WHERE NOT done;
			CREATE VIEW ruled AS SELECT id, title FROM todos;
			CREATE RULE ins AS ON INSERT TO ruled DO INSTEAD INSERT INTO todos VALUES (NEW.id, NEW.title)`,
		run: []string{`INSERT INTO open VALUES (1, 'a')`, `UPDATE open SET done = true`, `INSERT INTO ruled VALUES (2, 'b')`},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"id": 1, "done": false, "title": "a", "version": 0}`,
			`tx2 todos update v1 {"id": 1} {"id": 1, "done": true, "title": "a", "version": 1}`,
			`tx3 todos insert v0 {"id": 2} {"id": 2, "done": false, "title": "b", "version": 0}`,
		},
	},
	{
		name: "rows move between partitions: one update each, under the parent's name",
		tables: `CREATE TABLE todos (id integer, part integer, x text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
			CREATE TABLE p1 PARTITION OF todos FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF todos FOR VALUES IN (2)`,
		run: []string{
			`INSERT INTO todos VALUES (1, 1, 'a'), (2, 1, 'b')`, `UPDATE todos SET part = 2, x = 'c' WHERE id = 1`, `UPDATE todos SET part = 3 - part`,
			`UPDATE todos SET x = 'd' WHERE id = 1`, `DELETE FROM todos WHERE id = 2`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1, "part": 1} {"x": "a", "id": 1, "part": 1, "version": 0}`,
			`tx1 todos insert v0 {"id": 2, "part": 1} {"x": "b", "id": 2, "part": 1, "version": 0}`,
			`tx2 todos update v1 {"id": 1, "part": 2} {"x": "c", "id": 1, "part": 2, "version": 1} was {"id": 1, "part": 1}`,
			`tx3 todos update v1 {"id": 2, "part": 2} {"x": "b", "id": 2, "part": 2, "version": 1} was {"id": 2, "part": 1}`,
			`tx3 todos update v2 {"id": 1, "part": 1} {"x": "c", "id": 1, "part": 1, "version": 2} was {"id": 1, "part": 2}`,
			`tx4 todos update v3 {"id": 1, "part": 1} {"x": "d", "id": 1, "part": 1, "version": 3}`,
			`tx5 todos delete v2 {"id": 2, "part": 2} {"x": "b", "id": 2, "part": 2, "version": 2}`,
		},
	},
	{
		name: "a hidden column is noted when its row moves",
		opts: &chronomigrate.TrackOptions{Hidden: []string{"x"}},
		tables: `CREATE TABLE todos (id integer, part integer, x text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
			CREATE TABLE p1 PARTITION OF todos FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF todos FOR VALUES IN (2)`,
		run: []string{`INSERT INTO todos VALUES (1, 1, 'a')`, `UPDATE todos SET part = 2, x = 'c'`, `UPDATE todos SET part = 1`},
		want: []string{
			`tx1 todos insert v0 {"id": 1, "part": 1} {"id": 1, "part": 1, "version": 0} extra {"hidden_cols_changed": ["x"]}`,
			`tx2 todos update v1 {"id": 1, "part": 2} {"id": 1, "part": 2, "version": 1} was {"id": 1, "part": 1} extra {"hidden_cols_changed": ["x"]}`,
			`tx3 todos update v2 {"id": 1, "part": 1} {"id": 1, "part": 1, "version": 2} was {"id": 1, "part": 2}`,
		},
	},
	{
		name: "partitions of partitions, attached and detached ones, and leaves written directly",
		tables: `CREATE TABLE todos (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id);
			CREATE TABLE low PARTITION OF todos FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
			CREATE TABLE low1 PARTITION OF low FOR VALUES FROM (0) TO (50);
			CREATE TABLE low2 (x text, id integer NOT NULL)`,
		after: `ALTER TABLE low2 ADD version integer; ALTER TABLE low ATTACH PARTITION low2 FOR VALUES FROM (50) TO (100);
			CREATE TABLE high PARTITION OF todos FOR VALUES FROM (100) TO (200)`,
		run: []string{
			`INSERT INTO todos VALUES (1, 'a')`, `INSERT INTO low2 VALUES ('b', 60)`, `INSERT INTO high VALUES (100, 'c')`,
			`UPDATE todos SET id = 61 WHERE id = 1`, `UPDATE low SET id = 2 WHERE id = 61`, `UPDATE todos SET id = 101 WHERE id = 60`,
			`UPDATE low1 SET x = 'd'`, `DELETE FROM high WHERE id = 100`,
			`ALTER TABLE todos DETACH PARTITION high`, `INSERT INTO high VALUES (150, 'not recorded')`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"x": "a", "id": 1, "version": 0}`,
			`tx2 todos insert v0 {"id": 60} {"x": "b", "id": 60, "version": 0}`,
			`tx3 todos insert v0 {"id": 100} {"x": "c", "id": 100, "version": 0}`,
			`tx4 todos update v1 {"id": 61} {"x": "a", "id": 61, "version": 1} was {"id": 1}`,
			`tx5 todos update v2 {"id": 2} {"x": "a", "id": 2, "version": 2} was {"id": 61}`,
			`tx6 todos update v1 {"id": 101} {"x": "b", "id": 101, "version": 1} was {"id": 60}`,
			`tx7 todos update v3 {"id": 2} {"x": "d", "id": 2, "version": 3}`,
			`tx8 todos delete v1 {"id": 100} {"x": "c", "id": 100, "version": 1}`,
		},
	},
	{
		name: "TRUNCATE of a partitioned table and of a leaf record each row once",
		tables: `CREATE TABLE todos (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id);
			CREATE TABLE low PARTITION OF todos FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
			CREATE TABLE low1 PARTITION OF low FOR VALUES FROM (0) TO (50);
			CREATE TABLE high PARTITION OF todos FOR VALUES FROM (100) TO (200)`,
		run: []string{
			`INSERT INTO todos VALUES (1, 'a'), (100, 'b')`, `TRUNCATE high`, `INSERT INTO todos VALUES (101, 'c')`,
			`TRUNCATE todos, low1`,
			`BEGIN; INSERT INTO todos VALUES (1, 'd'); TRUNCATE low; INSERT INTO todos VALUES (1, 'e'); TRUNCATE todos; COMMIT`,
		},
		want: []string{
			`tx1 todos insert v0 {"id": 1} {"x": "a", "id": 1, "version": 0}`,
			`tx1 todos insert v0 {"id": 100} {"x": "b", "id": 100, "version": 0}`,
			`tx2 todos truncate v1 {"id": 100} {"x": "b", "id": 100, "version": 1}`,
			`tx3 todos insert v0 {"id": 101} {"x": "c", "id": 101, "version": 0}`,
			`tx4 todos truncate v1 {"id": 1} {"x": "a", "id": 1, "version": 1}`,
			`tx4 todos truncate v1 {"id": 101} {"x": "c", "id": 101, "version": 1}`,
			`tx5 todos insert v2 {"id": 1} {"x": "d", "id": 1, "version": 2}`,
			`tx5 todos truncate v3 {"id": 1} {"x": "d", "id": 1, "version": 3}`,
			`tx5 todos insert v4 {"id": 1} {"x": "e", "id": 1, "version": 4}`,
			`tx5 todos truncate v5 {"id": 1} {"x": "e", "id": 1, "version": 5}`,
		},
	},
	{
		name: "a partition move that the application's trigger refuses is no change",
		tables: `CREATE TABLE todos (id integer, part integer, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
			CREATE TABLE p1 PARTITION OF todos FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF todos FOR VALUES IN (2)`,
		after: `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
			CREATE TRIGGER no BEFORE DELETE ON p1 FOR EACH ROW EXECUTE FUNCTION no()`,
		run: []string{`INSERT INTO todos VALUES (1, 1)`, `BEGIN; UPDATE todos SET part = 2; INSERT INTO todos VALUES (1, 2); COMMIT`},
		want: []string{
			`tx1 todos insert v0 {"id": 1, "part": 1} {"id": 1, "part": 1, "version": 0}`,
			`tx2 todos insert v0 {"id": 1, "part": 2} {"id": 1, "part": 2, "version": 0}`,
		},
	},
}

func TestCapture(t *testing.T) {
	t.Parallel()
	for _, tc := range captureCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if f.db.ServerMajor() < tc.minVer {
				t.Skipf("needs PostgreSQL %d", tc.minVer)
			}
			if tc.tables == "" {
				tc.tables = todosTable
			}
			if tc.track == nil {
				tc.track = []string{"todos"}
			}
			f.exec(tc.tables)
			for _, table := range tc.track {
				f.track(table, tc.opts)
			}
			if tc.after != "" {
				f.exec(tc.after)
			}
			f.exec(tc.run...)
			f.wantHistory(tc.want...)
			// A move that was refused half-way leaves its note, which nobody reads.
			if !strings.Contains(tc.name, "refuses is no change") {
				f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_move`)
			}
			// The live table's version is that of the last change.
			for _, table := range tc.track {
				if err := sameAsLive(t.Context(), f.conn.QueryRow, f.inspected("public", table)); err != nil && !strings.Contains(tc.name, "detached") {
					t.Error(err)
				}
			}
		})
	}
}
