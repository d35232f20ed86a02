package chronoimport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// todos are as Python chrononaut 0.2 leaves them: todo 1 was changed twice, 2
// never, 3 was deleted, and 4 has lost the change to its version 2.
const todos = `
	CREATE TABLE todo (id integer PRIMARY KEY, title varchar(60), price numeric(8,2), tags json, secret text, version integer);
	CREATE TABLE todo_history (id integer, title varchar(60), price numeric(8,2), tags json, version integer NOT NULL,
		changed timestamptz, change_info jsonb, PRIMARY KEY (id, version));
	INSERT INTO todo VALUES (1, 'c', 3, '{"a":  1}', 's', 2), (2, 'new', NULL, NULL, 's', NULL), (4, 'w', 4, NULL, 's', 3);
	INSERT INTO todo_history VALUES
		(1, 'a', 1.50, '[1, 2]', 0, '2020-01-01 00:00+00', '{"user_id": "ann", "remote_addr": "10.0.0.1", "extra": {"rationale": "first"}, "hidden_cols_changed": ["secret"]}'),
		(1, 'b', 2, NULL, 1, '2020-01-02 00:00+00', '{"user_id": "bob", "remote_addr": null, "ticket": 7}'),
		(3, 'gone', NULL, NULL, 0, '2020-01-03 00:00+00', '{"user_id": "eve", "remote_addr": null}'),
		(4, 'u', 1, NULL, 0, '2020-01-04 00:00+00', '{"user_id": "ann", "remote_addr": null}'),
		(4, 'v', 2, NULL, 2, '2020-01-05 00:00+00', '{"user_id": "bob", "remote_addr": null}')`

func (f *fixture) converter(table string, opts *chronoimport.ConverterOptions) *chronoimport.Converter {
	f.Helper()
	if opts == nil {
		opts = &chronoimport.ConverterOptions{}
	}
	opts.NeverTracked = true
	return chronoimport.NewConverter(f.driver, f.name(table), opts)
}

func (f *fixture) wantVerified(c *chronoimport.Converter) {
	f.Helper()
	v, err := c.Verify(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	if !v.OK() {
		f.Errorf("not as the old history: %+v", *v)
	}
}

// text is a JSON string without its quotes.
func text(value json.RawMessage) string { return strings.Trim(string(value), `"`) }

// adopt tracks a table with the version column that Python chrononaut made.
func (f *fixture) adopt(table string, hidden ...string) {
	f.Helper()
	f.track(table, &chronomigrate.TrackOptions{VersionColumn: "version", Hidden: hidden})
}

// story reads the history of a record: version, operation, who and why.
func (f *fixture) story(table string, key any) []string {
	f.Helper()
	versions, err := chrononaut.NewHistory[record](f.client, f.name(table), nil).Versions(f.Context(), key, nil)
	if err != nil {
		f.Fatal(err)
	}
	story := []string{}
	for _, v := range versions {
		extra := map[string]any{}
		for name, value := range v.ExtraInfo {
			if name != "imported" {
				extra[name] = value
			}
		}
		info, err := json.Marshal(extra)
		if err != nil {
			f.Fatal(err)
		}
		story = append(story, fmt.Sprintf("%d %s %s by %q from %q: %s %s", v.Version, v.Operation, v.Changed.UTC().Format("2006-01-02T15:04:05.999999"), v.Actor, v.RemoteAddr, text(v.Data["title"]), info))
	}
	return story
}

func (f *fixture) wantStory(table string, key any, want ...string) {
	f.Helper()
	if diff := cmp.Diff(want, f.story(table, key)); diff != "" {
		f.Errorf("history of %s %v (-want +got):\n%s", table, key, diff)
	}
}

func TestConvert(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos)
	c := f.converter("todo", &chronoimport.ConverterOptions{Hidden: []string{"secret"}, ChunkSize: 1})
	result, err := c.ConvertChunks(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&chronoimport.ConvertResult{Records: 4, Changes: 9, Recorded: 9, Done: true}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	f.adopt("todo", "secret")
	f.wantStory("todo", 1,
		`0 baseline 2019-12-31T23:59:59.999999 by "" from "": a {}`,
		`1 update 2020-01-01T00:00:00 by "ann" from "10.0.0.1": b {"hidden_cols_changed":["secret"],"rationale":"first"}`,
		`2 update 2020-01-02T00:00:00 by "bob" from "": c {"ticket":7}`)
	f.wantStory("todo", 3,
		`0 baseline 2020-01-02T23:59:59.999999 by "" from "": gone {}`,
		`1 delete 2020-01-03T00:00:00 by "eve" from "": gone {}`)
	// Who changed version 1 to 2 is lost, and so is when.
	f.wantStory("todo", 4,
		`0 baseline 2020-01-03T23:59:59.999999 by "" from "": u {}`,
		`2 baseline 2020-01-04T00:00:00 by "" from "": v {}`,
		`3 update 2020-01-05T00:00:00 by "bob" from "": w {}`)
	f.wantVerified(c)

	// Capture goes on with the next version.
	f.exec(`UPDATE todo SET title = 'd' WHERE id IN (1, 2)`, `INSERT INTO todo (id, title) VALUES (3, 'back')`)
	for key, want := range map[int][]int{1: {0, 1, 2, 3}, 2: {0, 1}, 3: {0, 1, 2}} {
		versions, err := chrononaut.NewHistory[record](f.client, f.name("todo"), nil).Versions(f.Context(), key, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, v := range versions {
			got = append(got, v.Version)
			if _, ok := v.Data["secret"]; ok {
				t.Errorf("version %d of %d has the hidden column", v.Version, key)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("versions of %d (-want +got):\n%s", key, diff)
		}
	}
	f.wantVerified(c)
}

func TestConvertAgain(t *testing.T) {
	t.Parallel()
	ways := map[string]func(context.Context, *chronoimport.Converter) (*chronoimport.ConvertResult, error){
		"in chunks": func(ctx context.Context, c *chronoimport.Converter) (*chronoimport.ConvertResult, error) {
			return c.ConvertChunks(ctx)
		},
		"all at once": func(ctx context.Context, c *chronoimport.Converter) (*chronoimport.ConvertResult, error) {
			return c.ConvertAll(ctx)
		},
		"as an update": func(ctx context.Context, c *chronoimport.Converter) (*chronoimport.ConvertResult, error) {
			return c.Update(ctx, time.Time{})
		},
	}
	for first := range ways {
		for second := range ways {
			t.Run(first+" and "+second, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, todos)
				c := f.converter("todo", nil)
				result, err := ways[first](f.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if result.Recorded != 9 {
					t.Errorf("the first time recorded %d changes, want 9", result.Recorded)
				}
				if result, err = ways[second](f.Context(), c); err != nil {
					t.Fatal(err)
				}
				if result.Recorded != 0 {
					t.Errorf("the second time recorded %d changes, want none", result.Recorded)
				}
				f.wantVerified(c)
			})
		}
	}
}

func TestConvertUpdate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos)
	c := f.converter("todo", &chronoimport.ConverterOptions{ChunkSize: 1})
	if _, err := c.ConvertAll(f.Context()); err != nil {
		t.Fatal(err)
	}
	// The Python application changes a record twice, deletes one and adds one.
	f.exec(`
		INSERT INTO todo_history VALUES
			(1, 'c', 3, '{"a":  1}', 2, '2021-01-01 00:00+00', '{"user_id": "cat", "remote_addr": null}'),
			(1, 'd', 3, NULL, 3, '2021-01-02 00:00+00', '{"user_id": "dan", "remote_addr": null}'),
			(2, 'new', NULL, NULL, 0, '2021-01-03 00:00+00', '{"user_id": "cat", "remote_addr": null}');
		UPDATE todo SET title = 'e', tags = NULL, version = 4 WHERE id = 1;
		DELETE FROM todo WHERE id = 2;
		INSERT INTO todo VALUES (5, 'late', NULL, NULL, 's', 0)`)
	result, err := c.Update(f.Context(), date("2021-01-01T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	if result.Recorded != 4 {
		t.Errorf("recorded %d changes, want 4", result.Recorded)
	}
	f.adopt("todo", "secret")
	if got := f.story("todo", 1); len(got) != 5 || got[3] != `3 update 2021-01-01T00:00:00 by "cat" from "": d {}` || got[4] != `4 update 2021-01-02T00:00:00 by "dan" from "": e {}` {
		t.Errorf("history of todo 1: %q", got)
	}
	if got := f.story("todo", 2); len(got) != 2 || got[1] != `1 delete 2021-01-03T00:00:00 by "cat" from "": new {}` {
		t.Errorf("history of todo 2: %q", got)
	}
	f.wantVerified(c)
}

func TestConvertSeedCompatible(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos)
	c := f.converter("todo", &chronoimport.ConverterOptions{SeedCompatible: true})
	if _, err := c.ConvertAll(f.Context()); err != nil {
		t.Fatal(err)
	}
	f.adopt("todo", "secret")
	got := f.story("todo", 1)
	want := []string{
		`0 baseline 2020-01-01T00:00:00 by "ann" from "10.0.0.1": a {"rationale":"first"}`,
		`1 update 2020-01-01T00:00:00 by "bob" from "": b {}`,
		`2 update 2020-01-02T00:00:00 by "" from "": c {}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	f.wantVerified(c)
}

// A conversion that is cut off goes on where it was, in another process.
func TestConvertGoesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos)
	ctx, cancel := context.WithCancel(f.Context())
	defer cancel()
	opts := &chronoimport.ConverterOptions{ChunkSize: 1, Progress: func(p chronoimport.ConvertProgress) {
		if p.Records == 2 {
			cancel()
		}
	}}
	if _, err := f.converter("todo", opts).ConvertChunks(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want canceled", err)
	}
	if _, err := f.converter("todo", &chronoimport.ConverterOptions{SeedCompatible: true}).Convert(f.Context()); !errors.Is(err, chronoimport.ErrUnfinished) {
		t.Errorf("other options: got %v, want ErrUnfinished", err)
	}
	c := f.converter("todo", &chronoimport.ConverterOptions{})
	result, err := c.ConvertChunks(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Records != 2 {
		t.Errorf("went on with %d records, want the 2 that were left", result.Records)
	}
	f.wantVerified(c)
}

func TestConvertOddTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
		CREATE SCHEMA "Odd ""S";
		CREATE TABLE "Odd ""S"."or'der" ("k Ey" uuid, "select" text, "v.al" bytea, created_at timestamp, version integer, PRIMARY KEY ("k Ey", "select"));
		CREATE TABLE "Odd ""S".archive ("k Ey" text, "select" varchar(9), "v.al" bytea, created_at timestamp, gone integer, version integer, changed timestamptz, change_info json, PRIMARY KEY ("k Ey", "select", version));
		INSERT INTO "Odd ""S"."or'der" VALUES ('a0000000-0000-0000-0000-000000000001', 'x', '\x00ff', '2019-01-01 00:00', 1), ('a0000000-0000-0000-0000-000000000001', 'y', '\x01', '2019-01-01 00:00', 0);
		INSERT INTO "Odd ""S".archive VALUES ('a0000000-0000-0000-0000-000000000001', 'x', '\x02', '2019-01-01 00:00', 5, 0, '2020-01-01 00:00+00', '{"user_id": "ann"}')`)
	c := f.converter(`"Odd ""S"."or'der"`, &chronoimport.ConverterOptions{ChunkSize: 1, History: f.name(`"Odd ""S".archive`)})
	report, err := c.Inspect(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &chronoimport.ConvertReport{
		Records: 2, HistoryRows: 1, Unchanged: 1,
		Columns: []chronoimport.ConvertColumn{{Name: "k Ey", Type: "text", Now: "uuid"}, {Name: "select", Type: "character varying", Now: "text"}, {Name: "gone", Type: "integer"}},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if _, err := c.ConvertChunks(f.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantVerified(c)
	f.adopt(`"Odd ""S"."or'der"`)
	key := map[string]any{"k Ey": "a0000000-0000-0000-0000-000000000001", "select": "x"}
	versions, err := chrononaut.NewHistory[record](f.client, f.name(`"Odd ""S"."or'der"`), nil).Versions(f.Context(), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range versions {
		got = append(got, fmt.Sprintf("%s %s %s", v.Operation, v.Changed.UTC().Format(time.RFC3339), text(v.Data["v.al"])))
	}
	if diff := cmp.Diff([]string{`insert 2019-01-01T00:00:00Z \\x02`, `update 2020-01-01T00:00:00Z \\x00ff`}, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestConvertJoinedInheritance(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
		CREATE TABLE todo (id integer PRIMARY KEY, title text, version integer);
		CREATE TABLE special (todo_id integer PRIMARY KEY REFERENCES todo, note text);
		CREATE TABLE todo_history (id integer, title text, version integer, changed timestamptz, change_info jsonb, PRIMARY KEY (id, version));
		CREATE TABLE special_history (todo_id integer, note text, version integer, PRIMARY KEY (todo_id, version));
		INSERT INTO todo VALUES (7, 'b', 1), (8, 'plain', 0);
		INSERT INTO special VALUES (7, 'm');
		INSERT INTO todo_history VALUES (7, 'a', 0, '2020-01-01 00:00+00', '{"user_id": "ann"}');
		INSERT INTO special_history VALUES (7, 'n', 0)`)
	c := f.converter("special", &chronoimport.ConverterOptions{Join: []chrononaut.Table{f.name("todo")}})
	result, err := c.ConvertAll(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Recorded != 2 {
		t.Errorf("recorded %d changes, want 2", result.Recorded)
	}
	f.wantVerified(c)
	f.track("special", nil)
	versions, err := chrononaut.NewHistory[record](f.client, f.name("special"), nil).Versions(f.Context(), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range versions {
		got = append(got, fmt.Sprintf("%d %s %s %s", v.Version, v.Actor, text(v.Data["title"]), text(v.Data["note"])))
	}
	if diff := cmp.Diff([]string{"0  a n", "1 ann b m"}, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestConvertInspects(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `
		CREATE TABLE todo (id integer PRIMARY KEY, title text, version integer);
		CREATE TABLE todo_history (id integer, title text, version integer, changed timestamptz, change_info jsonb);
		INSERT INTO todo VALUES (1, 'x', 1), (2, 'x', NULL), (3, 'x', 9), (5, 'x', 1);
		INSERT INTO todo_history VALUES
			(1, 'a', 0, now(), '{}'), (1, 'a', 3, now(), '{}'), (1, 'a', 3, now(), '{}'),
			(3, 'a', NULL, NULL, '{}'), (4, 'a', 1, now(), NULL)`)
	report, err := f.converter("todo", nil).Inspect(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &chronoimport.ConvertReport{
		Records: 5, HistoryRows: 5, Deleted: 1, Unchanged: 2,
		Gaps: 3, Duplicates: 1, NullVersions: 1, NullTimes: 1, Behind: 1,
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if result, err := f.converter("todo", nil).ConvertAll(f.Context()); err != nil || result.Recorded != 9 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestConvertVerifyFindsDifferences(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"a state":     `UPDATE todo_history SET title = 'other' WHERE id = 1 AND version = 1`,
		"a JSON text": `UPDATE todo_history SET tags = '[1,  2]' WHERE id = 1 AND version = 0`,
		"a user":      `UPDATE todo_history SET change_info = '{"user_id": "mallory"}' WHERE id = 1 AND version = 0`,
		"a time":      `UPDATE todo_history SET changed = now() WHERE id = 3`,
		"a reason":    `UPDATE todo_history SET change_info = change_info || '{"extra": {"rationale": "other"}}' WHERE id = 1 AND version = 1`,
		"a new row":   `INSERT INTO todo VALUES (9, 'x')`,
		"a deletion":  `DELETE FROM todo WHERE id = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, todos)
			c := f.converter("todo", nil)
			if _, err := c.ConvertAll(f.Context()); err != nil {
				t.Fatal(err)
			}
			f.wantVerified(c)
			f.exec(change)
			if v, err := c.Verify(f.Context()); err != nil || v.OK() {
				t.Errorf("got %+v, %v; want a difference", v, err)
			}
		})
	}
}

func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos,
		`CREATE TABLE keyless (id integer, version integer)`, `CREATE TABLE keyless_history (id integer, version integer, changed timestamptz)`,
		`CREATE TABLE other (id integer PRIMARY KEY, version integer)`, `CREATE TABLE other_history (id integer, changed timestamptz)`,
		`CREATE TABLE plain (id integer PRIMARY KEY, version integer)`, `CREATE TABLE plain_history (id integer, version integer)`,
		`CREATE TABLE seen (id integer PRIMARY KEY, version integer)`, `CREATE TABLE seen_history (id integer, version integer, changed timestamptz)`,
		`INSERT INTO chrononaut.chrononaut_activity (table_name, version, key, data) VALUES ('seen', 0, '{"id": 1}', '{}')`,
		`CREATE TABLE lonely (id integer PRIMARY KEY)`)
	for table, want := range map[string]error{
		"nowhere": chronoimport.ErrNoTable, "keyless": chronoimport.ErrNoKey, "lonely": chronoimport.ErrNoSource,
		"other": chronoimport.ErrLayout, "plain": chronoimport.ErrLayout, "seen": chronoimport.ErrConverted,
	} {
		if _, err := f.converter(table, nil).ConvertAll(f.Context()); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", table, err, want)
		}
	}
	c := chronoimport.NewConverter(f.driver, f.name("todo"), nil)
	if _, err := c.ConvertAll(f.Context()); !errors.Is(err, chronoimport.ErrNotTracked) {
		t.Errorf("not tracked: got %v", err)
	}
	if _, err := f.converter("todo", &chronoimport.ConverterOptions{Hidden: []string{"secrt"}}).ConvertAll(f.Context()); !errors.Is(err, chronoimport.ErrHidden) {
		t.Errorf("a hidden column that is not there: got %v", err)
	}
}

// A record that capture knows from its beginning is left out.
func TestConvertLeavesCapturedRecords(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos)
	f.adopt("todo")
	// 1 has a baseline and a version; 6 is new.
	f.exec(`UPDATE todo SET title = 'd' WHERE id = 1`, `INSERT INTO todo (id, title) VALUES (6, 'n')`)
	c := f.converter("todo", nil)
	result, err := c.ConvertAll(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Own != 1 {
		t.Errorf("left out %d records, want 1", result.Own)
	}
	f.wantVerified(c)
	if got := f.story("todo", 1); len(got) != 4 || got[3][:8] != "3 update" {
		t.Errorf("history of todo 1: %q", got)
	}
	if got := f.story("todo", 6); len(got) != 1 {
		t.Errorf("history of todo 6: %q", got)
	}
	if !slices.Contains(f.story("todo", 1), `1 update 2020-01-01T00:00:00 by "ann" from "10.0.0.1": b {"hidden_cols_changed":["secret"],"rationale":"first"}`) {
		t.Errorf("history of todo 1: %q", f.story("todo", 1))
	}
}

func TestConvertNullInfo(t *testing.T) {
	t.Parallel()
	for _, seed := range []bool{false, true} {
		t.Run(fmt.Sprintf("a change_info that is a JSON null says nothing, seed compatible %t", seed), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, todos, `UPDATE todo_history SET change_info = 'null'`)
			c := f.converter("todo", &chronoimport.ConverterOptions{Hidden: []string{"secret"}, SeedCompatible: seed})
			if _, err := c.ConvertChunks(f.Context()); err != nil {
				t.Fatal(err)
			}
			f.wantVerified(c)
		})
	}
}

func TestConvertVerifyFindsRowsInsertedAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, todos)
	c := f.converter("todo", &chronoimport.ConverterOptions{Hidden: []string{"secret"}})
	if _, err := c.ConvertChunks(f.Context()); err != nil {
		t.Fatal(err)
	}
	f.exec(`INSERT INTO todo VALUES (3, 'again', NULL, NULL, 's', 0)`)
	v, err := c.Verify(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v.OK() {
		t.Error("history has todo 3 as deleted, and nothing is said of it")
	}
}
