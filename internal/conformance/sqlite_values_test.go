package conformance_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// oddValues are values that are easily recorded wrong.
var oddValues = []any{
	nil, int64(0), int64(1), int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1),
	0.1, 1.0, 1e300, 5e-324, math.MaxFloat64, 0.1 + 0.2, 1.0 / 3, math.Inf(1), math.Inf(-1), -123.456, 1e15, 123456789012345678.0,
	"", "null", "1", "1.0", `{"a": [1, null]}`, `[]`, `quote " and ' and \ and 	tab`, "a\x00b", "\u2028 é 漢 🎈", "caf\xe9 \x80 \xe2\x82", "A", "a",
	[]byte{},
	[]byte("text"),
	[]byte{0, 255},
}

func TestSQLiteEveryValueInEveryColumn(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		types := []string{"", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "JSON", "DATETIME", "BOOLEAN", "TEXT COLLATE NOCASE"}
		var columns, names []string
		for i, typ := range types {
			names = append(names, fmt.Sprintf("c%d", i))
			columns = append(columns, names[i]+" "+typ)
		}
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, ` + strings.Join(columns, ", ") + `)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id) VALUES (1)`)
		set := strings.Join(names, " = ?1, ") + " = ?1"
		reads := make([]string, len(names))
		for i, name := range names {
			value := sqlite.ReadValue("a.data", name)
			reads[i] = "(t." + name + " IS NOT " + value + " COLLATE BINARY OR typeof(t." + name + ") <> typeof(" + value + "))"
		}
		before := "0"
		for _, v := range oddValues {
			db.exec(`UPDATE t SET `+set, v)
			last := db.rows(`SELECT max(version) FROM chrononaut_activity WHERE table_name = 't' AND key <> '{}'`)[0]
			if last == before && v != nil {
				t.Errorf("the change to %T %v made no version", v, v)
			}
			before = last
			got := db.rows(`SELECT ` + strings.Join(reads, ", ") + `, json_valid(a.data) FROM t, chrononaut_activity AS a
				WHERE a.table_name = 't' AND a.key <> '{}' ORDER BY a.version DESC LIMIT 1`)
			db.wants(fmt.Sprintf("columns that %T %v is not recorded exactly in", v, v), got, strings.Repeat("0|", len(names))+"1")
			// The same once more is no change.
			db.exec(`UPDATE t SET `+set, v)
			if now := db.rows(`SELECT max(version) FROM chrononaut_activity WHERE table_name = 't' AND key <> '{}'`)[0]; now != last {
				t.Errorf("setting %T %v again made a version", v, v)
			}
		}
	})
}

func TestSQLiteKeys(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE composite (z INT, a TEXT, v, PRIMARY KEY (z, a)) WITHOUT ROWID`)
		db.exec(`CREATE TABLE blobs (k BLOB PRIMARY KEY, v ANY) STRICT`)
		db.exec(`CREATE TABLE folded (k TEXT COLLATE NOCASE PRIMARY KEY, v)`)
		db.exec(`CREATE TABLE untyped (k PRIMARY KEY, v)`)
		db.exec(`CREATE TABLE descending (k INTEGER PRIMARY KEY DESC, v)`)
		for _, name := range []string{"composite", "blobs", "folded", "untyped", "descending"} {
			db.track(name, nil)
		}
		keys := func(table string) []string {
			return db.rows(`SELECT operation, version, key, previous_key FROM chrononaut_activity WHERE table_name = ?1 AND key <> '{}' ORDER BY id`, table)
		}
		db.exec(`INSERT INTO composite (z, a, v) VALUES (1, 'x', 1), (1, 'y', 2)`)
		db.exec(`UPDATE composite SET a = a || a WHERE a = 'x'`)
		db.exec(`DELETE FROM composite WHERE z = 1`)
		db.wants("composite", keys("composite"), `insert|0|{"a":"x","z":1}|`, `insert|0|{"a":"y","z":1}|`,
			`update|1|{"a":"xx","z":1}|{"a":"x","z":1}`, `delete|2|{"a":"xx","z":1}|`, `delete|1|{"a":"y","z":1}|`)

		db.exec(`INSERT INTO blobs (k, v) VALUES (x'00ff', 1)`)
		db.exec(`UPDATE blobs SET k = x'01', v = 'x'`)
		db.wants("blobs", keys("blobs"), `insert|0|{"k":{"chrononaut:blob":"\\x00ff"}}|`,
			`update|1|{"k":{"chrononaut:blob":"\\x01"}}|{"k":{"chrononaut:blob":"\\x00ff"}}`)

		db.exec(`INSERT INTO folded (k, v) VALUES ('a', 1)`)
		db.exec(`UPDATE folded SET k = 'A'`)
		db.exec(`UPDATE folded SET v = 2 WHERE k = 'a'`)
		db.exec(`REPLACE INTO folded (k, v) VALUES ('a', 1)`)
		db.wants("folded", keys("folded"), `insert|0|{"k":"a"}|`, `update|1|{"k":"A"}|{"k":"a"}`, `update|2|{"k":"A"}|`, `delete|3|{"k":"A"}|`, `insert|2|{"k":"a"}|`)

		db.exec(`INSERT INTO untyped (k, v) VALUES (1, 1), ('1', 2), (x'31', 3), (0.5, 4)`)
		db.exec(`UPDATE untyped SET k = 1.0 WHERE k = 1`)
		db.wants("untyped", keys("untyped"), `insert|0|{"k":1}|`, `insert|0|{"k":"1"}|`, `insert|0|{"k":{"chrononaut:blob":"\\x31"}}|`, `insert|0|{"k":0.5}|`, `update|1|{"k":1.0}|{"k":1}`)

		for _, table := range []string{"folded", "untyped", "descending"} {
			db.fails("TM006", `INSERT INTO `+table+` (v) VALUES (1)`)
			db.fails("TM006", `INSERT OR IGNORE INTO `+table+` (v) VALUES (1)`)
		}
		db.fails("TM006", `UPDATE folded SET k = NULL`)
		db.exec(`INSERT INTO descending (k, v) VALUES (5, 1)`)
		db.wants("descending", keys("descending"), `insert|0|{"k":5}|`)
	})
}

func TestSQLiteOddNames(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		names := []string{`select`, `a"b`, `it's`, `MiXed`, `漢字 é`, `with space`, `[x]`, "`y`", `a.b`, `$`, `c`, `r`, `i`, `k`, `old`, `new`, `\`}
		var columns, values []string
		for _, name := range names {
			columns = append(columns, sqlite.QuoteIdent(name)+` TEXT DEFAULT 'x'`)
			values = append(values, sqlite.QuoteIdent(name)+" = 'y'")
		}
		for _, table := range []string{`order`, `T"able' 漢`, `MiXed`, `r`, `c`, `i`, `chrono naut`} {
			quoted := sqlite.QuoteIdent(table)
			db.exec(`CREATE TABLE ` + quoted + ` ("the ""Key" INTEGER, "KEY 2" TEXT DEFAULT 'k', ` + strings.Join(columns, ", ") + `, hush, PRIMARY KEY ("the ""Key", "KEY 2"))`)
			if _, err := db.migrator().Track(t.Context(), chronodriver.Table{Name: table}, &chronomigrate.TrackOptions{Hidden: []string{"HUSH", `it's`}, VersionColumn: `the "version"`}, nil); err != nil {
				t.Fatal(err)
			}
			db.exec(`INSERT INTO ` + quoted + ` ("the ""Key") VALUES (1)`)
			db.exec(`UPDATE ` + quoted + ` SET ` + strings.Join(values, ", ") + `, hush = 1`)
			db.exec(`REPLACE INTO ` + quoted + ` ("the ""Key") VALUES (1)`)
			got := db.rows(`SELECT operation, key, data ->> '$.version', extra_info FROM chrononaut_activity WHERE table_name = ?1 AND key <> '{}'`, table)
			const key = `{"KEY 2":"k","the \"Key":1}`
			db.wants("history of "+table, got, `insert|`+key+`|0|{"hidden_cols_changed":["it's"]}`, `update|`+key+`|1|{"hidden_cols_changed":["it's","hush"]}`,
				`delete|`+key+`|2|{}`, `insert|`+key+`|3|{"hidden_cols_changed":["it's"]}`)
			if got := db.rows(`SELECT count(*) FROM chrononaut_activity AS a, json_each(a.data) WHERE a.table_name = ?1 AND a.operation = 'update'`, table); got[0] != fmt.Sprint(2+len(names)-1+2) {
				t.Errorf("%s: the state has %s members, want the key, all columns but the hidden ones, and two versions", table, got[0])
			}
		}
	})
}

func TestSQLiteWideTables(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		const width = 600
		columns := make([]string, width)
		for i := range columns {
			columns[i] = fmt.Sprintf("c%d", i)
		}
		db.exec(`CREATE TABLE wide (id INTEGER PRIMARY KEY, ` + strings.Join(columns, ", ") + `)`)
		db.track("wide", &chronomigrate.TrackOptions{Hidden: columns[:100]})
		db.exec(`INSERT INTO wide (id, c599) VALUES (1, NULL)`)
		db.exec(`UPDATE wide SET c599 = 'x', c0 = 1`)
		db.exec(`DELETE FROM wide`)
		db.wants("history", db.rows(`SELECT operation, version, data ->> '$.c599', json_type(data, '$.c100'), json_type(data, '$.c99'), (SELECT count(*) FROM json_each(data)), extra_info
			FROM chrononaut_activity WHERE key <> '{}'`),
			`insert|0||null||502|{}`, `update|1|x|null||502|{"hidden_cols_changed":["c0"]}`, `delete|2|x|null||502|{}`)
	})
}

func TestSQLiteGeneratedAndHiddenColumns(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT AS (a + 1) STORED, c INT GENERATED ALWAYS AS (b * 2),
			secret TEXT, "shout" TEXT AS (upper(secret)), twice TEXT AS (shout || shout), note TEXT)`)
		db.track("t", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"note"}})
		db.exec(`INSERT INTO t (id, a, secret, note) VALUES (1, 1, 'hush', 'n')`)
		db.exec(`UPDATE t SET secret = 'Hush'`)
		db.exec(`UPDATE t SET note = 'other'`)
		db.exec(`UPDATE t SET a = 2, note = 'third', secret = secret`)
		db.exec(`REPLACE INTO t (id, a) VALUES (1, 1)`)
		db.wants("history", db.history("t"),
			`insert|0|{"id":1}||{"id":1,"a":1,"b":2,"c":4,"version":0}|{"hidden_cols_changed":["secret"]}`,
			`update|1|{"id":1}||{"id":1,"a":1,"b":2,"c":4,"version":1}|{"hidden_cols_changed":["secret"]}`,
			`update|2|{"id":1}||{"id":1,"a":2,"b":3,"c":6,"version":2}|`,
			`delete|3|{"id":1}||{"id":1,"a":2,"b":3,"c":6,"version":3}|`,
			`insert|4|{"id":1}||{"id":1,"a":1,"b":2,"c":4,"version":4}|`,
		)
		db.wants("places that have what is hidden", db.rows(`SELECT * FROM chrononaut_activity WHERE data || extra_info || key LIKE '%hush%'`))
		db.wants("places that have what is hidden", db.rows(`SELECT * FROM chrononaut_replaced WHERE data || cause LIKE '%hush%'`))
	})
}

func TestSQLiteAttribution(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.exec(`CREATE TABLE blobs (k BLOB PRIMARY KEY NOT NULL, a)`)
		db.track("t", nil)
		db.track("blobs", nil)
		ctx := chrononaut.WithActor(t.Context(), "ann")
		ctx = chrononaut.WithExtraInfo(ctx, map[string]any{"rationale": "why", "n": nil, "x\"y": map[string]any{"deep": []int{1}}, "f": 0.1234567890123456789})
		ctx = chrononaut.AppendChangeInfo(ctx, chrononaut.Table{Name: "t"}, chrononaut.Key{"id": 2}, map[string]any{"n": 1, "rationale": nil})
		ctx = chrononaut.AppendChangeInfo(ctx, chrononaut.Table{Name: "t"}, chrononaut.Key{"id": 2}, map[string]any{"more": true})
		ctx = chrononaut.AppendChangeInfo(ctx, chrononaut.Table{Name: "blobs"}, chrononaut.Key{"k": `\x00ff`}, map[string]any{"blob": 1})
		write := func(ctx context.Context, sql string) []string {
			t.Helper()
			db.execCtx(ctx, sql)
			return db.rows(`SELECT user_info, extra_info, transaction_id IS NOT NULL FROM chrononaut_activity ORDER BY id DESC LIMIT 2`)
		}
		const plain = `{"f":0.12345678901234568,"n":null,"rationale":"why","x\"y":{"deep":[1]}}`
		db.wants("two rows", write(ctx, `INSERT INTO t (id, a) VALUES (1, 1), (2, 2)`),
			`{"remote_addr":null,"user_id":"ann"}|{"f":0.12345678901234568,"more":true,"n":1,"rationale":null,"x\"y":{"deep":[1]}}|1`,
			`{"remote_addr":null,"user_id":"ann"}|`+plain+`|1`)
		if got := write(ctx, `INSERT INTO blobs (k, a) VALUES (x'00ff', 1)`)[0]; !strings.Contains(got, `"blob":1`) {
			t.Errorf("a blob key: got %s, want its own change information", got)
		}
		db.wants("the next transaction", write(t.Context(), `UPDATE t SET a = a + 1`),
			`{"user_id":null,"remote_addr":null}|{}|0`, `{"user_id":null,"remote_addr":null}|{}|0`)

		db.track("t", &chronomigrate.TrackOptions{Strict: true})
		db.fails("TM001", `UPDATE t SET a = 7`)
		db.fails("TM001", `DELETE FROM t`)
		db.fails("TM001", `INSERT OR IGNORE INTO t (a) VALUES (7)`)
		db.exec(`UPDATE t SET a = a`)
		write(chrononaut.WithExtraInfo(t.Context(), nil), `UPDATE t SET a = 8`)
		write(chrononaut.WithRationale(t.Context(), "r"), `UPDATE t SET a = 9`)
		db.exec(`UPDATE blobs SET a = 7`)
		db.exec(`INSERT INTO chrononaut_setting VALUES ('strict', 'true')`)
		db.fails("TM001", `UPDATE blobs SET a = 8`)
	})
}

func TestSQLiteRecordChanges(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		ctx := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), "why")
		const info = `{"remote_addr":null,"user_id":"ann","extra":{"rationale":"why"}}`
		for _, noHistory := range []bool{false, true} {
			name := fmt.Sprintf("t%v", noHistory)
			db.exec(`CREATE TABLE ` + name + ` (id INTEGER PRIMARY KEY, a, note)`)
			opts := &chronomigrate.TrackOptions{RecordChanges: true, NoHistory: noHistory, Untracked: []string{"note"}}
			db.track(name, opts)
			if plan := db.track(name, nil); !plan.Empty() {
				t.Errorf("tracking %s again: got %s, want nothing", name, plan.SQL())
			}
			db.execCtx(ctx, `INSERT INTO `+name+` (id, a) VALUES (1, 1), (2, 2)`)
			db.wants(name, db.rows(`SELECT id, change_info, changed LIKE '20%Z' FROM `+name), `1|`+info+`|1`, `2|`+info+`|1`)
			db.exec(`UPDATE ` + name + ` SET note = 1`)
			db.exec(`UPDATE ` + name + ` SET a = 5 WHERE id = 2`)
			db.wants(name, db.rows(`SELECT id, change_info FROM `+name), `1|`+info, `2|{"user_id":null,"remote_addr":null}`)
			if !noHistory {
				db.wants("history and row", db.rows(`SELECT t.id FROM `+name+` AS t, chrononaut_activity AS a WHERE a.key = json_object('id', t.id)
					AND a.version = t.version AND a.data ->> 'change_info' = t.change_info AND a.data ->> 'changed' = t.changed`), "1", "2")
			}
		}
		db.wants("history of the one without", db.rows(`SELECT count(*) FROM chrononaut_activity WHERE table_name = 'ttrue' AND key <> '{}'`), "0")
		db.wants("problems", db.problems())
	})
}

func TestSQLiteSuppressedRows(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a)`)
		db.track("t", nil)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 1)`)
		db.exec(`INSERT OR IGNORE INTO t (id, a) VALUES (1, 1)`)
		db.exec(`BEGIN; UPDATE chrononaut_context SET suppressed = 1, reason = 'test'; UPDATE t SET a = 2; INSERT INTO t (id, a, version) VALUES (2, 2, 5);
			DELETE FROM t WHERE id = 1; UPDATE chrononaut_context SET suppressed = 0, reason = NULL; COMMIT`)
		db.exec(`INSERT INTO t (id, a) VALUES (1, 3)`)
		db.wants("the table", db.rows(`SELECT * FROM t`), "1|3|1", "2|2|")
		db.exec(`UPDATE t SET a = 4`)
		want := []string{
			`insert|0|{"id":1}||{"id":1,"a":1,"version":0}|`,
			`insert|1|{"id":1}||{"id":1,"a":3,"version":1}|`,
			`update|2|{"id":1}||{"id":1,"a":4,"version":2}|`,
			`baseline|0|{"id":2}||{"id":2,"a":2,"version":0}|`,
			`update|1|{"id":2}||{"id":2,"a":4,"version":1}|`,
		}
		if diff := cmp.Diff(want, db.history("t")); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

// TestSQLiteArguments uses arguments of types that a connection lets pass and its
// statements do not take.
func TestSQLiteArguments(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, n)`)
		n := int64(7)
		if _, err := db.ExecContext(t.Context(), `INSERT INTO t VALUES (?, ?)`, &n, uint8(8)); err != nil {
			t.Fatal(err)
		}
		var got int
		if err := db.QueryRowContext(t.Context(), `SELECT n FROM t WHERE id = ? AND n = ?`, &n, int16(8)).Scan(&got); err != nil || got != 8 {
			t.Errorf("n = %d, %v; want 8", got, err)
		}
	})
}
