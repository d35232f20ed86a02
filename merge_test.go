package chrononaut_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

type form = map[string]any

func TestMerge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	table := f.name("todos")
	ann := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann@example.com"), "merge")
	f.exec(`INSERT INTO todos (id, title, secret, visits) SELECT n, 'a', 's', 0 FROM generate_series(1, 20) AS n`)
	merge := func(id, version int, mine form) (int, *chrononaut.StaleError) {
		t.Helper()
		v, err := f.client.Merge(ann, table, chrononaut.Key{"id": id}, version, mine)
		var stale *chrononaut.StaleError
		if err != nil && !errors.As(err, &stale) {
			t.Fatal(err)
		}
		return v, stale
	}
	row := func(id int) (s string) {
		t.Helper()
		if err := f.pool.QueryRow(t.Context(), `SELECT concat_ws(' ', coalesce(title, 'NULL'), done::text, secret, visits, version) FROM todos WHERE id = $1`, id).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for what, test := range map[string]struct {
		id      int
		theirs  string
		mine    form
		want    string
		overlap []string
	}{
		"nobody wrote":             {1, ``, form{"title": "mine", "done": true}, "mine true s 0 1", nil},
		"another column":           {2, `UPDATE todos SET done = true WHERE id = 2`, form{"title": "mine"}, "mine true s 0 2", nil},
		"the same column":          {3, `UPDATE todos SET title = 'b' WHERE id = 3`, form{"title": "mine", "done": true}, "b false s 0 1", []string{"title"}},
		"the same value":           {4, `UPDATE todos SET title = 'mine' WHERE id = 4`, form{"title": "mine"}, "mine false s 0 1", []string{"title"}},
		"a whole form":             {5, `UPDATE todos SET title = 'b' WHERE id = 5`, form{"id": 5, "title": "a", "done": true}, "b true s 0 2", nil},
		"there and back":           {6, `UPDATE todos SET title = 'b' WHERE id = 6; UPDATE todos SET title = 'a' WHERE id = 6`, form{"title": "mine"}, "mine false s 0 3", nil},
		"NULL over their change":   {7, `UPDATE todos SET title = 'b' WHERE id = 7`, form{"title": nil}, "b false s 0 1", []string{"title"}},
		"NULL beside their change": {8, `UPDATE todos SET done = true WHERE id = 8`, form{"title": nil}, "NULL true s 0 2", nil},
		"over their NULL":          {9, `UPDATE todos SET title = NULL WHERE id = 9`, form{"title": "mine"}, "NULL false s 0 1", []string{"title"}},
		"hidden, theirs too":       {10, `UPDATE todos SET secret = 't' WHERE id = 10`, form{"secret": "u"}, "a false t 0 1", []string{"secret"}},
		"hidden, the same":         {11, `UPDATE todos SET secret = 't' WHERE id = 11`, form{"secret": "t"}, "a false t 0 1", []string{"secret"}},
		"hidden, only mine":        {12, `UPDATE todos SET title = 'b' WHERE id = 12`, form{"secret": "u"}, "b false u 0 2", nil},
		"untracked":                {13, `UPDATE todos SET visits = 1, title = 'b' WHERE id = 13`, form{"visits": 5}, "b false s 5 1", nil},
		"nothing":                  {14, `UPDATE todos SET title = 'b' WHERE id = 14`, form{}, "b false s 0 1", nil},
		"nothing at the present":   {15, ``, nil, "a false s 0 0", nil},
		"what is so already":       {16, ``, form{"title": "a"}, "a false s 0 0", nil},
	} {
		if test.theirs != "" {
			f.exec(test.theirs)
		}
		v, stale := merge(test.id, 0, test.mine)
		if got := row(test.id); got != test.want {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
		if (stale != nil) != (test.overlap != nil) || stale != nil && (cmp.Diff(test.overlap, stale.Overlap) != "" || len(stale.Mine) != len(test.mine) || stale.Mergeable()) {
			t.Errorf("%s: %+v", what, stale)
		}
		if at := row(test.id); stale == nil && !strings.HasSuffix(at, " "+string(rune('0'+v))) {
			t.Errorf("%s: version %d of %q", what, v, at)
		}
	}
	if s := must(h.Versions(t.Context(), 2, nil))(t); s[2].Actor != "ann@example.com" || s[2].Rationale != "merge" {
		t.Errorf("%+v", s[2].Change)
	}

	// A record that is gone, came back, or has another key.
	f.exec(`DELETE FROM todos WHERE id IN (18, 19)`, `INSERT INTO todos (id, title) VALUES (19, 'new')`, `UPDATE todos SET id = 30 WHERE id = 20`)
	if _, e := merge(18, 0, form{"title": "x"}); e == nil || !e.Deleted || e.Mergeable() || len(e.Changes) != 1 {
		t.Errorf("%+v", e)
	}
	if _, e := merge(19, 0, form{"title": "x"}); e == nil || e.Deleted || e.Based || e.Mergeable() {
		t.Errorf("%+v", e)
	}
	if _, e := merge(20, 0, form{"title": "x"}); e == nil || !e.Deleted {
		t.Errorf("%+v", e)
	}
	if v, e := merge(30, 0, form{"title": "x"}); e != nil || v != 2 {
		t.Errorf("%d, %+v", v, e)
	}
	// A version that never was.
	if _, e := merge(1, 7, form{"title": "x"}); e == nil || e.Based {
		t.Errorf("%+v", e)
	}

	for _, mine := range []form{{"no": 1}, {"version": 3}, {"Title": "x"}, {`ti"tle`: "x"}} {
		if _, err := f.client.Merge(ann, table, chrononaut.Key{"id": 1}, 0, mine); !errors.Is(err, chrononaut.ErrNoColumn) {
			t.Errorf("%v: %v", mine, err)
		}
	}
	if _, err := f.client.Merge(ann, table, chrononaut.Key{"no": 1}, 0, form{"title": "x"}); !errors.Is(err, chrononaut.ErrKey) {
		t.Error(err)
	}

	// In a transaction of the caller's.
	tx := f.begin()
	if v, err := f.client.With(chronopgx.NewTxDriver(tx)).Merge(t.Context(), table, chrononaut.Key{"id": 1}, 0, form{"visits": 8}); err != nil || v != 1 {
		t.Errorf("%d, %v", v, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := row(1); got != "mine true s 0 1" {
		t.Errorf("%q", got)
	}
}

// A merge does not wait for those who insert rows that refer to the record.
func TestMergeBesideNewChildren(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `CREATE TABLE notes (todo integer REFERENCES todos)`, `UPDATE todos SET done = true`)
	tx := f.begin()
	f.execIn(tx, `INSERT INTO notes VALUES (1)`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if version, err := f.client.Merge(ctx, f.name("todos"), chrononaut.Key{"id": 1}, 0, form{"id": 1, "title": "mine"}); version != 2 || err != nil {
		t.Errorf("merge: version %d, error %v; want 2", version, err)
	}
	f.commit(tx)
}

func TestMergeTypes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TYPE mood AS ENUM ('sad', 'glad')`, `CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> 'bad')`,
		`CREATE TABLE "odd ""things" (a uuid, b timestamptz, n numeric(10, 2), j jsonb, k json, m mood, s short, l text[], y bytea, f double precision, d date,
			"odd ""name" varchar(3), g integer GENERATED ALWAYS AS (1) STORED, other integer, PRIMARY KEY (a, b))`,
		`INSERT INTO "odd ""things" VALUES ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', '2020-01-02 03:04:05.678901Z', 1.50, '{"a": 1}', '{"a":1, "a":2}', 'sad', 'abc', '{x,NULL}', '\x0001', 1.5, '2020-02-03', 'abc')`)
	table := chrononaut.Table{Schema: "public", Name: `odd "things`}
	if _, err := f.migrator.Track(t.Context(), table, nil, nil); err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE "odd ""things" SET other = 0`, `UPDATE "odd ""things" SET other = 1`)
	at := time.Date(2020, 1, 2, 4, 4, 5, 678901000, time.FixedZone("", 3600))
	key := chrononaut.Key{"a": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "b": at}
	null := "NULL"
	same := form{
		"n": "1.5", "j": form{"a": 1}, "k": `{"a":1, "a":2}`, "m": "sad", "s": "abc", "l": []*string{&[]string{"x"}[0], nil}, "y": []byte{0, 1}, "f": 1.5,
		"d": time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC), `odd "name`: "abc",
	}
	if v, err := f.client.Merge(t.Context(), table, key, 1, same); err != nil || v != 2 {
		t.Fatalf("a form that changes nothing: version %d, %v", v, err)
	}
	other := form{"n": 2.25, "j": nil, "k": `[]`, "m": "glad", "s": "def", "l": []string{}, "y": []byte{2}, "f": -1.5, "d": "2021-01-01", `odd "name`: null[:2]}
	if v, err := f.client.Merge(t.Context(), table, key, 1, other); err != nil || v != 3 {
		t.Fatalf("version %d, %v", v, err)
	}
	var got string
	if err := f.pool.QueryRow(t.Context(), `SELECT concat_ws('|', n, j, k, m, s, l, y, f, d, "odd ""name", other) FROM "odd ""things"`).Scan(&got); err != nil || got != `2.25|[]|glad|def|{}|\x02|-1.5|2021-01-01|NU|1` {
		t.Errorf("%q, %v", got, err)
	}
	var stale *chrononaut.StaleError
	if _, err := f.client.Merge(t.Context(), table, key, 2, form{"n": 3, "m": "sad", `odd "name`: "xyz"}); !errors.As(err, &stale) ||
		cmp.Diff([]string{"n", `odd "name`}, stale.Overlap) != "" {
		t.Errorf("%v %+v", err, stale)
	}
	if _, err := f.client.Merge(t.Context(), table, key, 3, form{"s": "bad"}); err == nil || !strings.Contains(err.Error(), "23514") {
		t.Error(err)
	}
	// What does not fit is the database's error, also where others have written.
	for name, mine := range map[string]form{"22001": {`odd "name`: "abcd"}, "428C9": {"g": 2}, "23502": {"a": nil}} {
		for _, version := range []int{2, 3} {
			if _, err := f.client.Merge(t.Context(), table, key, version, mine); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s at %d: %v", name, version, err)
			}
		}
	}
}

// The table changes between the version and the merge, and while the client
// remembers how it was.
func TestMergeAfterTheSchemaChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, a text, b text, c text)`)
	f.track("docs", nil)
	table, key := f.name("docs"), chrononaut.Key{"id": 1}
	f.exec(`INSERT INTO docs VALUES (1, '7', 'b', 'c')`)
	if _, err := f.client.Merge(t.Context(), table, key, 0, form{"b": "B"}); err != nil {
		t.Fatal(err)
	}
	f.exec(`ALTER TABLE docs DROP COLUMN c`, `ALTER TABLE docs ALTER a TYPE integer USING a::integer`, `ALTER TABLE docs ADD fresh integer DEFAULT 5`)
	f.exec(`UPDATE docs SET b = 'BB'`)
	if v, err := f.client.Merge(t.Context(), table, key, 1, form{"a": 8}); err != nil || v != 3 {
		t.Errorf("version %d, %v", v, err)
	}
	if v, err := f.client.Merge(t.Context(), table, key, 1, form{"a": 7}); err != nil || v != 3 {
		t.Errorf("the value of that version: %d, %v", v, err)
	}
	var stale *chrononaut.StaleError
	if _, err := f.client.Merge(t.Context(), table, key, 1, form{"fresh": 6}); !errors.As(err, &stale) || cmp.Diff([]string{"fresh"}, stale.Overlap) != "" {
		t.Errorf("%v %+v", err, stale)
	}
	if _, err := f.client.Merge(t.Context(), table, key, 3, form{"c": "C"}); !errors.Is(err, chrononaut.ErrNoColumn) {
		t.Error(err)
	}
	if _, err := f.migrator.Rename(t.Context(), table, chronomigrate.Renaming{Columns: map[string]string{"b": "body"}}, nil); err != nil {
		t.Fatal(err)
	}
	if v, err := f.client.Merge(t.Context(), table, key, 2, form{"body": "BB", "fresh": 9}); err != nil || v != 4 {
		t.Errorf("version %d, %v", v, err)
	}
	if _, err := f.client.Merge(t.Context(), table, key, 1, form{"body": "CC"}); !errors.As(err, &stale) || cmp.Diff([]string{"body"}, stale.Overlap) != "" {
		t.Errorf("%v %+v", err, stale)
	}
}
