package conformance_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (db *sqliteDB) client() *chrononaut.Client {
	db.t.Helper()
	client, err := chrononaut.NewClient(db.driver, chronodriver.SQLite, nil)
	if err != nil {
		db.t.Fatal(err)
	}
	return client
}

func sqliteHistory[T any](db *sqliteDB, table string) *chrononaut.History[T] {
	db.t.Helper()
	return chrononaut.NewHistory[T](db.client(), chrononaut.Table{Name: table}, nil)
}

func sqliteVersions[T any](db *sqliteDB, h *chrononaut.History[T], of any) []chrononaut.Snapshot[T] {
	db.t.Helper()
	snapshots, err := h.Versions(db.t.Context(), of, nil)
	if err != nil {
		db.t.Fatal(err)
	}
	return snapshots
}

type measurement struct {
	ID     int64
	Whole  int64
	Small  int8
	Ratio  float64
	Name   string
	Note   *string
	Bytes  []byte
	Flag   bool
	At     time.Time
	Day    time.Time
	Epoch  time.Time
	Any    any
	Nobody *int64
	Raw    []byte
	When   any
	Maybe  sql.NullTime
}

// What history says is compared with what the driver reads from the table itself.
func TestSQLiteRecordsComeBackAsTheDriverReadsThem(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE m (id INTEGER PRIMARY KEY, whole BIGINT, small TINYINT, ratio DOUBLE, name VARCHAR(20), note TEXT, bytes BLOB, flag BOOLEAN,
			at DATETIME, day DATE, epoch TIMESTAMP, any, nobody INTEGER, raw TEXT, "when" DATETIME, maybe TIMESTAMP)`)
		db.track("m", nil)
		h := sqliteHistory[measurement](db, "m")
		columns := []string{"id", "whole", "small", "ratio", "name", "note", "bytes", "flag", "at", "day", "epoch", "any", "nobody", "raw", `"when"`, "maybe"}
		at := time.Date(2024, 2, 29, 12, 34, 56, 789012345, time.UTC)
		for id, row := range [][]any{
			{int64(math.MaxInt64), 127, 0.1, `quote " ' \ é`, "x", []byte{0, 255}, true, "2024-02-29 12:34:56.789012345+00:00", "2024-02-29", "2024-02-29T12:34:56Z", "text", nil, `{"a": [1]}`, at, at},
			{int64(math.MinInt64), -128, 5e-324, "", nil, []byte{}, false, at, "2024-02-29", "2024-02-29T12:34:56+02:00", int64(1<<53 + 1), nil, "null", "2024-02-29 12:34:56", nil},
			{int64(1<<53 + 1), 0, math.MaxFloat64, "a\x00b", "", []byte("1"), true, "2024-02-29 12:34:56", at, at, 1.5, int64(1), "", "no time", "2024-02-29"},
			{0, 1, 3, "caf\xe9", nil, nil, false, at, at, at, []byte("b"), nil, nil, nil, nil},
		} {
			db.exec(`INSERT INTO m (`+strings.Join(columns, ", ")+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)`, append([]any{id}, row...)...)
			var live measurement
			err := db.QueryRowContext(t.Context(), `SELECT `+strings.Join(columns, ", ")+` FROM m WHERE id = ?1`, id).Scan(
				&live.ID, &live.Whole, &live.Small, &live.Ratio, &live.Name, &live.Note, &live.Bytes, &live.Flag, &live.At, &live.Day, &live.Epoch, &live.Any, &live.Nobody, &live.Raw, &live.When, &live.Maybe)
			if err != nil {
				t.Fatalf("row %d: %v", id, err)
			}
			s := sqliteVersions(db, h, id)[0]
			// For modernc an empty BLOB is nil.
			if diff := cmp.Diff(live, s.Record, cmpopts.EquateEmpty()); diff != "" || len(s.Unreadable) > 0 {
				t.Errorf("row %d: unreadable columns %v, mismatch (-live +history):\n%s", id, s.Unreadable, diff)
			}
		}
		// Not every driver reads numbers as times.
		db.exec(`INSERT INTO m (id, at, epoch, maybe) VALUES (9, 1709210096, 1709210096789, 1709210096)`)
		got := sqliteVersions(db, h, 9)[0].Record
		second, milli := time.Unix(1709210096, 0).UTC(), time.UnixMilli(1709210096789).UTC()
		if !got.At.Equal(second) || !got.Epoch.Equal(milli) || !got.Maybe.Time.Equal(second) {
			t.Errorf("times of numbers = %v, %v, %v; want %v, %v, %v", got.At, got.Epoch, got.Maybe.Time, second, milli, second)
		}
	})
}

// SQLite lets any value into a column, and drivers may refuse it for a field.
func TestSQLiteValuesThatDoNotFit(t *testing.T) {
	t.Parallel()
	type row struct {
		ID    int
		N     int8
		Title string
	}
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE r (id INTEGER PRIMARY KEY, n INTEGER, title TEXT)`)
		db.track("r", nil)
		h := sqliteHistory[row](db, "r")
		db.exec(`INSERT INTO r (id, n, title) VALUES (1, 'hunter2', 'a'), (2, 1000, 'b'), (3, NULL, NULL)`)
		s := sqliteVersions(db, h, 1)[0]
		if diff := cmp.Diff(row{ID: 1, Title: "a"}, s.Record); diff != "" || !slices.Equal(s.Unreadable, []string{"n"}) {
			t.Errorf("a text in an integer column: unreadable %v, record mismatch (-want +got):\n%s", s.Unreadable, diff)
		}
		_, err := h.Versions(t.Context(), 2, nil)
		const want = "versions of r: column n of main.r does not fit the Go value that it is scanned into"
		if err == nil || err.Error() != want {
			t.Errorf("a number that is too large for the field: error = %v, want %s", err, want)
		}
		if s := sqliteVersions(db, h, 3)[0]; s.Record != (row{ID: 3}) || len(s.Unreadable) > 0 {
			t.Errorf("NULL: unreadable %v, record %+v; want zero values", s.Unreadable, s.Record)
		}
	})
}

// Each case is a table with one row, and the Go values that must and must not find its history.
func TestSQLiteKeyForms(t *testing.T) {
	t.Parallel()
	uuid := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	for name, tc := range map[string]struct {
		column                 string
		values                 []any
		finds, misses, refuses []any
	}{
		"integer": {
			"id INTEGER PRIMARY KEY",
			[]any{7},
			[]any{7, "7", int8(7), 7.0, json.Number("7"), chrononaut.Key{"ID": 7}},
			[]any{8},
			[]any{"seven-secret", "7.5", nil, []byte("7"), chrononaut.Key{"id": 7, "x": 1}, chrononaut.Key{"x": 7}, chrononaut.Key{}, "7\xff"},
		},
		"bigint": {"id BIGINT PRIMARY KEY", []any{int64(math.MaxInt64)}, []any{int64(math.MaxInt64), "9223372036854775807"}, []any{"x", 1}, []any{uint64(math.MaxUint64)}},
		"text that looks like a number": {
			"id TEXT PRIMARY KEY", []any{"007"}, []any{"007"}, []any{7, "7", "'007'"}, nil,
		},
		"text of every kind":   {"id TEXT PRIMARY KEY", []any{`a"b\c'd` + "\n日本\u2028"}, []any{`a"b\c'd` + "\n日本\u2028"}, []any{`a"b`}, nil},
		"a number in text":     {"id TEXT PRIMARY KEY", []any{7}, []any{7, "7"}, []any{7.5}, nil},
		"real":                 {"id REAL PRIMARY KEY", []any{0.1}, []any{0.1, "0.1", json.Number("0.1")}, []any{1, 0.2}, nil},
		"a whole number, real": {"id REAL PRIMARY KEY", []any{1}, []any{1, 1.0, "1"}, []any{2}, nil},
		"numeric":              {"id NUMERIC(10,2) PRIMARY KEY", []any{"12.50"}, []any{12.5, "12.50", "12.5"}, []any{"12.51", "text"}, nil},
		"numeric, whole":       {"id DECIMAL PRIMARY KEY", []any{12.0}, []any{12, 12.0, "12.0", "1.2e1"}, []any{13}, nil},
		"blob":                 {"id BLOB PRIMARY KEY", []any{uuid[:]}, []any{uuid[:], uuid}, []any{"text", []byte{}}, nil},
		"untyped":              {"id PRIMARY KEY", []any{"1"}, []any{"1"}, []any{1}, nil},
		"boolean":              {"id BOOLEAN PRIMARY KEY", []any{true}, []any{true, 1}, []any{false}, nil},
		"datetime":             {"id DATETIME PRIMARY KEY", []any{time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)}, []any{time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)}, []any{"2024-01-02"}, nil},
		"several columns": {
			"b TEXT, a INTEGER, PRIMARY KEY (b, a)",
			[]any{"x", 7},
			[]any{chrononaut.Key{"a": 7, "b": "x"}, chrononaut.Key{"A": "7", "B": "x"}},
			[]any{chrononaut.Key{"a": 8, "b": "x"}},
			[]any{7, chrononaut.Key{"a": 7}, chrononaut.Key{"a": 7, "b": nil}},
		},
		"without rowid": {"id INTEGER PRIMARY KEY, n", []any{7, 1}, []any{7, "7"}, []any{8}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				options := ""
				if name == "without rowid" {
					options = " WITHOUT ROWID"
				}
				db.exec(`CREATE TABLE t (` + tc.column + `)` + options)
				db.track("t", nil)
				placeholders := "?1"
				if len(tc.values) > 1 {
					placeholders += ", ?2"
				}
				db.exec(`INSERT INTO t VALUES (`+placeholders+`, NULL)`, tc.values...)
				h := sqliteHistory[map[string]any](db, "t")
				for _, key := range tc.finds {
					if got := sqliteVersions(db, h, key); len(got) != 1 {
						t.Errorf("%T %v: %d versions, want 1", key, key, len(got))
					}
				}
				found := sqliteVersions(db, h, tc.finds[0])
				if len(found) == 1 && len(sqliteVersions(db, h, found[0].Key)) != 1 {
					t.Errorf("the key of the change, %v, finds nothing", found[0].Key)
				}
				for _, key := range tc.misses {
					if got, err := h.Versions(t.Context(), key, nil); err != nil || len(got) != 0 {
						t.Errorf("%T %v: %d versions, error %v; want none", key, key, len(got), err)
					}
				}
				for _, key := range tc.refuses {
					if _, err := h.Versions(t.Context(), key, nil); !errors.Is(err, chrononaut.ErrKey) || strings.Contains(err.Error(), "secret") {
						t.Errorf("%T %v: error = %v, want ErrKey", key, key, err)
					}
				}
			})
		})
	}
}

func TestSQLiteSchemaChangesLeaveThePastReadable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after      string
		column     string
		want       any
		recorded   string
		unreadable []string
	}{
		"a column that was added later is NULL":                    {`ALTER TABLE t ADD COLUMN due INTEGER NOT NULL DEFAULT 7`, "due", nil, "", nil},
		"a column that was dropped stays in the data":              {`ALTER TABLE t DROP COLUMN c`, "c", nil, `"old"`, nil},
		"a column that was renamed keeps its old name in the data": {`ALTER TABLE t RENAME COLUMN c TO d`, "d", nil, "", nil},
		"a table that was dropped":                                 {`DROP TABLE t`, "c", nil, `"old"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)`)
				db.track("t", nil)
				db.exec(`INSERT INTO t (id, c) VALUES (1, 'old')`)
				known := sqliteHistory[map[string]any](db, "t")
				sqliteVersions(db, known, 1)
				db.exec(tc.after)
				for which, h := range map[string]*chrononaut.History[map[string]any]{"known": known, "fresh": sqliteHistory[map[string]any](db, "t")} {
					s := sqliteVersions(db, h, 1)[0]
					if diff := cmp.Diff(tc.want, s.Record[tc.column]); diff != "" {
						t.Errorf("%s: record[%s] mismatch (-want +got):\n%s", which, tc.column, diff)
					}
					if _, there := s.Record["c"]; there && tc.column == "d" {
						t.Errorf("%s: the record has the old name", which)
					}
					value, err := s.Column(tc.column)
					if tc.recorded == "" && !errors.Is(err, chrononaut.ErrNoColumn) || tc.recorded != "" && string(value) != tc.recorded {
						t.Errorf("%s: Column(%s) = %s, %v; want %q", which, tc.column, value, err, tc.recorded)
					}
				}
			})
		})
	}
}

func TestSQLiteColumnsHiddenLaterAreNotShown(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, card TEXT)`)
		db.track("users", nil)
		h := sqliteHistory[map[string]any](db, "users")
		db.exec(`INSERT INTO users (id, name, card) VALUES (1, 'ann', '4711')`)
		if got := sqliteVersions(db, h, 1)[0].Record["card"]; got != "4711" {
			t.Fatalf("card = %v before it was hidden, want 4711", got)
		}
		db.track("users", &chronomigrate.TrackOptions{Hidden: []string{"card"}})
		db.exec(`UPDATE users SET name = 'bob', card = '4712'`)
		for _, s := range sqliteVersions(db, h, 1) {
			if _, shown := s.Record["card"]; shown || s.Data["card"] != nil {
				t.Errorf("version %d shows the hidden column", s.Version)
			}
		}
		diff, err := h.DiffVersions(t.Context(), 1, 0, 1)
		if c, ok := diff.Column("card"); err != nil || !ok || !c.Hidden || c.From != nil || c.To != nil {
			t.Errorf("diff of the hidden column = %+v, %v, error %v; want it listed without values", c, ok, err)
		}
		changes, err := db.client().Activity(t.Context(), &chrononaut.ActivityOpts{Table: chrononaut.Table{Name: "users"}, WithBefore: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if c.Data["card"] != nil || c.Before["card"] != nil {
				t.Errorf("the log shows the hidden column in version %d", c.Version)
			}
		}
	})
}

// The state around a life with a deletion, a second life and a change of the key.
func TestSQLiteFollowsTheLifeOfAKey(t *testing.T) {
	t.Parallel()
	type row struct {
		ID    int
		Title string
	}
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE r (id INTEGER PRIMARY KEY, title TEXT)`)
		db.track("r", nil)
		for _, sql := range []string{`INSERT INTO r (id, title) VALUES (1, 'a')`, `DELETE FROM r`, `INSERT INTO r (id, title) VALUES (1, 'b')`, `UPDATE r SET id = 2`, `INSERT INTO r (id, title) VALUES (1, 'c')`, `UPDATE r SET id = 3 WHERE id = 2`} {
			db.exec(sql)
		}
		h := sqliteHistory[row](db, "r")
		for key, want := range map[int][]string{1: {"1 0 insert", "1 1 delete", "1 2 insert", "1 4 insert"}, 3: {"1 0 insert", "1 1 delete", "1 2 insert", "2 3 update", "3 4 update"}, 2: {"1 0 insert", "1 1 delete", "1 2 insert", "2 3 update"}} {
			var got []string
			for _, s := range sqliteVersions(db, h, key) {
				got = append(got, fmt.Sprintf("%v %d %s", s.Key["id"], s.Version, s.Operation))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("versions of %d mismatch (-want +got):\n%s", key, diff)
			}
		}
		now := time.Now().Add(time.Hour)
		if s, err := h.At(t.Context(), 1, now); err != nil || s.Record.Title != "c" {
			t.Errorf("At(1) = %+v, %v; want c", s, err)
		}
		if s, err := h.At(t.Context(), 3, now); err != nil || s.Record.Title != "b" {
			t.Errorf("At(3) = %+v, %v; want b", s, err)
		}
		if _, err := h.At(t.Context(), 2, now); !errors.Is(err, chrononaut.ErrNotFound) {
			t.Errorf("At(2): error = %v, want ErrNotFound", err)
		}
		if changed, err := h.ChangedSince(t.Context(), 2, now); err != nil || changed {
			t.Errorf("ChangedSince(2, now) = %v, %v; want false", changed, err)
		}
		if changed, err := h.ChangedSince(t.Context(), 2, now.Add(-2*time.Hour)); err != nil || !changed {
			t.Errorf("ChangedSince(2, before) = %v, %v; want true", changed, err)
		}
	})
}

func TestSQLiteReadingWithoutHistory(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY)`)
		h := sqliteHistory[map[string]any](db, "t")
		if _, err := h.Versions(t.Context(), 1, nil); !errors.Is(err, chrononaut.ErrNotInstalled) {
			t.Errorf("Versions: error = %v, want ErrNotInstalled", err)
		}
		if _, err := db.client().Activity(t.Context(), nil); !errors.Is(err, chrononaut.ErrNotInstalled) {
			t.Errorf("Activity: error = %v, want ErrNotInstalled", err)
		}
		db.exec(`CREATE TABLE other (id INTEGER PRIMARY KEY)`)
		db.track("other", nil)
		if _, err := h.Versions(t.Context(), 1, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
			t.Errorf("Versions of a table that is not tracked: error = %v, want ErrNotTracked", err)
		}
		// A name is in any case, and in main.
		for _, name := range []chrononaut.Table{{Name: "OTHER"}, {Schema: "main", Name: "other"}} {
			if _, err := chrononaut.NewHistory[map[string]any](db.client(), name, nil).Versions(t.Context(), 1, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := chrononaut.NewHistory[map[string]any](db.client(), chrononaut.Table{Schema: "temp", Name: "other"}, nil).Versions(t.Context(), 1, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
			t.Errorf("temp.other: error = %v, want ErrNotTracked", err)
		}
	})
}

// sqliteRecorder remembers the queries on history.
type sqliteRecorder struct {
	chronodriver.Queryer
	mu      sync.Mutex
	queries []string
	args    [][]any
}

func (r *sqliteRecorder) Query(ctx context.Context, sql string, args ...any) (chronodriver.Rows, error) {
	if strings.Contains(sql, "chrononaut_activity") {
		r.mu.Lock()
		r.queries, r.args = append(r.queries, sql), append(r.args, args)
		r.mu.Unlock()
	}
	return r.Queryer.Query(ctx, sql, args...)
}

// Every read of one record and every filter of the log goes through an index,
// before and after SQLite has statistics of a longer history.
func TestSQLiteReadsUseIndexes(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE r (id INTEGER PRIMARY KEY, title TEXT)`)
		db.track("r", &chronomigrate.TrackOptions{})
		ctx := chrononaut.WithActor(t.Context(), "ann")
		db.execCtx(ctx, `INSERT INTO r (id, title) VALUES (1, 'a')`)
		db.execCtx(ctx, `UPDATE r SET id = 2, title = 'b'`)
		driver := &sqliteRecorder{Queryer: db.driver}
		client, err := chrononaut.NewClient(driver, chronodriver.SQLite, nil)
		if err != nil {
			t.Fatal(err)
		}
		table := chrononaut.Table{Name: "r"}
		h := chrononaut.NewHistory[map[string]any](client, table, nil)
		// What the client asks once, of the catalog and the registry, is no read.
		if _, err := h.Versions(ctx, 2, nil); err != nil {
			t.Fatal(err)
		}
		one, now := 1, time.Now()
		reads := map[string]func() error{
			"Versions": func() error { _, err := h.Versions(ctx, 2, nil); return err },
			"Versions, in time": func() error {
				_, err := h.Versions(ctx, 2, &chrononaut.VersionsOpts{After: now, FromVersion: &one, NewestFirst: true, Limit: 3})
				return err
			},
			"At":           func() error { _, err := h.At(ctx, 2, now.Add(time.Hour)); return err },
			"Previous":     func() error { _, err := h.Previous(ctx, 2); return err },
			"DiffVersions": func() error { _, err := h.DiffVersions(ctx, 2, 0, 1); return err },
			"DiffBetween":  func() error { _, err := h.DiffBetween(ctx, 2, now, now.Add(time.Hour)); return err },
			"ChangedSince": func() error { _, err := h.ChangedSince(ctx, 2, now); return err },
			"log":          func() error { _, err := client.Activity(ctx, nil); return err },
			"log, actor":   func() error { _, err := client.Activity(ctx, &chrononaut.ActivityOpts{Actor: "ann"}); return err },
			"log, table": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{Table: table, Column: "title", WithBefore: true})
				return err
			},
			"log, transaction": func() error { _, err := client.Activity(ctx, &chrononaut.ActivityOpts{Transaction: 1}); return err },
			"log, operation": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{Operation: chrononaut.OperationDelete})
				return err
			},
			"log, an actor's last": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{Actor: "ann", Limit: 50})
				return err
			},
			"log, a table's last": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{Table: table, Limit: 50})
				return err
			},
			"a column in a day": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{Table: table, Column: "title", Since: now, Until: now.Add(24 * time.Hour)})
				return err
			},
			"time": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{Since: now, Until: now.Add(time.Second)})
				return err
			},
			"log, ids": func() error {
				_, err := client.Activity(ctx, &chrononaut.ActivityOpts{AfterID: 1, BeforeID: 9})
				return err
			},
		}
		check := func(t *testing.T, name string, read func() error) {
			t.Helper()
			driver.queries, driver.args = nil, nil
			if err := read(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i, sql := range driver.queries {
				for _, step := range db.rows("EXPLAIN QUERY PLAN "+sql, driver.args[i]...) {
					// The whole log, newest first, is the table itself in its order.
					isLog := strings.HasPrefix(name, "log") || strings.HasPrefix(name, "time") || strings.HasPrefix(name, "a column")
					wholeLog := strings.TrimSuffix(name, ", with statistics") == "log"
					scan := strings.Contains(step, "SCAN a") || strings.Contains(step, "SCAN p") || strings.Contains(step, "SCAN chrononaut_activity")
					if scan && !wholeLog {
						t.Errorf("%s: %s in\n%s", name, step, sql)
					}
					if strings.Contains(step, "TEMP B-TREE") && isLog {
						t.Errorf("%s sorts: %s", name, step)
					}
				}
			}
			if len(driver.queries) == 0 {
				t.Errorf("%s: no query was seen", name)
			}
		}
		for name, read := range reads {
			check(t, name, read)
		}
		db.exec(`INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation, transaction_id)
			SELECT 'r', i / 500, '{"id":' || (i % 500 + 10) || '}', '{"id":1,"title":"x","version":0}', '{"user_id":"bob"}', 'update', i / 10
			  FROM (WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 5000) SELECT i FROM s)`)
		db.exec(`ANALYZE`)
		for name, read := range reads {
			check(t, name+", with statistics", read)
		}
	})
}

// The times of the log give bounds for ids, also where the clock was set back.
func TestSQLiteLogOfATimeAndTheClock(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY)`)
		db.track("t", nil)
		// Minutes after midnight, in the order of ids.
		minutes := []int{10, 20, 30, 15, 25, 35, 5, 40, 40, 50, 45, 60}
		start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, m := range minutes {
			db.exec(`INSERT INTO chrononaut_activity (table_name, version, key, data, operation, changed) VALUES ('t', ?1, '{"id":1}', '{"id":1}', 'update', ?2)`,
				i, start.Add(time.Duration(m)*time.Minute).Format("2006-01-02T15:04:05.000Z"))
		}
		for since := 0; since <= 65; since += 5 {
			for until := since; until <= 65; until += 5 {
				changes, err := db.client().Activity(t.Context(), &chrononaut.ActivityOpts{
					Since: start.Add(time.Duration(since) * time.Minute), Until: start.Add(time.Duration(until) * time.Minute), OldestFirst: true,
				})
				if err != nil {
					t.Fatal(err)
				}
				var got, want []string
				for _, c := range changes {
					got = append(got, fmt.Sprint(c.Version))
				}
				for i, m := range minutes {
					if m >= since && m <= until {
						want = append(want, fmt.Sprint(i))
					}
				}
				db.wants(fmt.Sprintf("changes from %d to %d", since, until), got, want...)
			}
		}
	})
}
