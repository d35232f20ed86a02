package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// TestCaptureRare has the cases that random statements found: see
// internal/property.
func TestCaptureRare(t *testing.T) {
	t.Parallel()

	t.Run("columns added after tracking are exact, whatever their type", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`ALTER TABLE todos ADD COLUMN j json, ADD COLUMN b jsonb, ADD COLUMN d double precision, ADD COLUMN a integer[]`,
			`INSERT INTO todos (id, j, b, d, a) VALUES (1, '{"a":1, "a" : "\u0000"}', 'null', '-0', '[0:1]={5,6}')`,
			`UPDATE todos SET title = 'a'`,
			`DELETE FROM todos`)
		const rest = `"a": {"chrononaut:text": "[0:1]={5,6}"}, "b": {"chrononaut:text": "null"}, "d": {"chrononaut:text": "-0"}, ` +
			`"j": {"chrononaut:text": "{\"a\":1, \"a\" : \"\\u0000\"}"}, "id": 1, "done": false, "title": `
		f.wantHistory(
			`tx1 todos insert v0 {"id": 1} {`+rest+`null, "version": 0}`,
			`tx2 todos update v1 {"id": 1} {`+rest+`"a", "version": 1}`,
			`tx3 todos delete v2 {"id": 1} {`+rest+`"a", "version": 2}`,
		)
	})

	t.Run("another column that takes the name of an untracked one is read with its default", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE notes (id integer PRIMARY KEY, title text, seen text, upper text GENERATED ALWAYS AS (upper(title)) STORED);
			CREATE TABLE parts (id integer PRIMARY KEY, title text, seen text) PARTITION BY RANGE (id);
			CREATE TABLE parts_0 PARTITION OF parts FOR VALUES FROM (0) TO (10)`)
		f.track("notes", &chronomigrate.TrackOptions{Untracked: []string{"seen", "upper"}})
		f.track("parts", &chronomigrate.TrackOptions{Untracked: []string{"seen"}})
		// Rows that do not hold the default of a column that was added later: of
		// the table, and of a table that becomes a partition.
		f.exec(`INSERT INTO notes (id, title) VALUES (1, 'a'), (2, 'a')`, `INSERT INTO parts (id, title) VALUES (1, 'a')`,
			`ALTER TABLE notes DROP COLUMN seen, DROP COLUMN upper`,
			`ALTER TABLE notes ADD COLUMN seen text NOT NULL DEFAULT 'long since', ADD COLUMN upper jsonb NOT NULL DEFAULT '{"a": 1}'`,
			`CREATE TABLE parts_1 (id integer PRIMARY KEY, title text)`,
			`INSERT INTO parts_1 VALUES (11, 'a')`,
			`ALTER TABLE parts_1 ADD COLUMN seen text DEFAULT 'long since', ADD COLUMN version integer`,
			`ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (10) TO (20)`)
		f.exec(`UPDATE notes SET seen = 'now'`, `UPDATE notes SET title = 'b' WHERE id = 1`, `DELETE FROM notes`,
			`UPDATE parts SET seen = 'now'`, `UPDATE parts SET title = 'b'`, `DELETE FROM parts`)
		f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE data ?| '{seen,upper}'`)
		f.wantText("delete 2 insert 2 update 1", `SELECT string_agg(operation || ' ' || n, ' ' ORDER BY operation) FROM (
			SELECT operation, count(*) AS n FROM chrononaut.chrononaut_activity WHERE operation <> 'track' AND table_name = 'notes' GROUP BY operation) AS x`)
	})

	t.Run("TRUNCATE of a partitioned table records rows from before tracking once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY HASH (id);
			CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0)`,
			`INSERT INTO parts VALUES (1)`)
		f.track("parts", nil)
		f.exec(`TRUNCATE parts`, `INSERT INTO parts VALUES (1)`, `TRUNCATE parts_0`)
		f.wantHistory(
			`tx1 parts baseline v0 {"id": 1} {"id": 1, "version": 0}`,
			`tx1 parts truncate v1 {"id": 1} {"id": 1, "version": 1}`,
			`tx2 parts insert v2 {"id": 1} {"id": 1, "version": 2}`,
			`tx3 parts truncate v3 {"id": 1} {"id": 1, "version": 3}`,
		)
	})

	t.Run("rows from before tracking that exchange their keys keep the state before it", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE pairs (id integer PRIMARY KEY DEFERRABLE, v text)`, `INSERT INTO pairs VALUES (1, 'a'), (2, 'b')`)
		f.track("pairs", nil)
		f.exec(`UPDATE pairs SET id = 3 - id`)
		f.wantHistory(
			`tx1 pairs baseline v0 {"id": 1} {"v": "a", "id": 1, "version": 0}`,
			`tx1 pairs baseline v0 {"id": 2} {"v": "b", "id": 2, "version": 0}`,
			`tx1 pairs update v1 {"id": 2} {"v": "a", "id": 2, "version": 1} was {"id": 1}`,
			`tx1 pairs update v1 {"id": 1} {"v": "b", "id": 1, "version": 1} was {"id": 2}`,
		)
	})

	t.Run("rows of two partitions that exchange their keys have the same version", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE parts (id integer PRIMARY KEY DEFERRABLE) PARTITION BY LIST (id);
			CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2)`)
		f.track("parts", nil)
		f.exec(`INSERT INTO parts VALUES (1), (2)`, `UPDATE parts SET id = 3 - id`)
		f.wantHistory(
			`tx1 parts insert v0 {"id": 1} {"id": 1, "version": 0}`,
			`tx1 parts insert v0 {"id": 2} {"id": 2, "version": 0}`,
			`tx2 parts update v1 {"id": 2} {"id": 2, "version": 1} was {"id": 1}`,
			`tx2 parts update v1 {"id": 1} {"id": 1, "version": 1} was {"id": 2}`,
		)
	})

	t.Run("keys whose text depends on settings are the same in every session", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE odd (k bytea, at timestamptz, PRIMARY KEY (k, at)) PARTITION BY LIST (k);
			CREATE TABLE odd_1 PARTITION OF odd FOR VALUES IN ('\x01'); CREATE TABLE odd_2 PARTITION OF odd FOR VALUES IN ('\x02')`)
		f.track("odd", nil)
		f.exec(`INSERT INTO odd VALUES ('\x01', '2026-01-02 03:04:05+00')`,
			`SET bytea_output = 'escape'; SET TimeZone = 'Asia/Kathmandu'`,
			`UPDATE odd SET k = '\x02'`, `DELETE FROM odd`, `INSERT INTO odd VALUES ('\x02', '2026-01-02 03:04:05+00')`)
		const at = `"at": "2026-01-02T03:04:05+00:00"`
		f.wantHistory(
			`tx1 odd insert v0 {"k": "\\x01", `+at+`} {"k": "\\x01", `+at+`, "version": 0}`,
			`tx2 odd update v1 {"k": "\\x02", `+at+`} {"k": "\\x02", `+at+`, "version": 1} was {"k": "\\x01", `+at+`}`,
			`tx3 odd delete v2 {"k": "\\x02", `+at+`} {"k": "\\x02", `+at+`, "version": 2}`,
			`tx4 odd insert v3 {"k": "\\x02", `+at+`} {"k": "\\x02", `+at+`, "version": 3}`,
		)
	})

	t.Run("rows older than a column with a default", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE old (id integer PRIMARY KEY)`, `INSERT INTO old SELECT generate_series(1, 400)`,
			`ALTER TABLE old ADD COLUMN j jsonb DEFAULT '{"a": 1}', ADD COLUMN a text[] DEFAULT '{x,y}',
				ADD COLUMN secret text DEFAULT 'a secret', ADD COLUMN cache text DEFAULT 'a value', ADD COLUMN d double precision DEFAULT '-0', ADD COLUMN t text DEFAULT 't'`)
		f.track("old", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"cache"}})
		for range 4 {
			f.exec(`UPDATE old SET cache = 'other' WHERE id IN (SELECT id FROM old WHERE version IS NULL LIMIT 10)`,
				`UPDATE old SET d = 1 WHERE id IN (SELECT id FROM old WHERE version IS NULL LIMIT 10)`,
				`DELETE FROM old WHERE id IN (SELECT id FROM old WHERE version IS NULL LIMIT 10)`,
				`INSERT INTO old VALUES (0) ON CONFLICT (id) DO UPDATE SET d = old.d - 1`)
		}
		f.wantText("360 0", `SELECT count(*) || ' ' || count(*) FILTER (WHERE j <> '{"a": 1}' OR a <> '{x,y}' OR secret <> 'a secret' OR cache NOT IN ('a value', 'other')) FROM old WHERE id > 0`)
		f.wantText(`{"a": ["x", "y"], "d": {"chrononaut:text": "-0"}, "j": {"a": 1}, "t": "t", "version": 0}`,
			`SELECT string_agg(DISTINCT (data - 'id')::text, ' ') FROM chrononaut.chrononaut_activity WHERE operation = 'baseline'`)
		f.exec(`TRUNCATE old`)
	})
}
