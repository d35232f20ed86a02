package chrononaut_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

const pythonHistory = `CREATE TABLE chrononaut_activity (
	id BIGSERIAL NOT NULL PRIMARY KEY, table_name TEXT NOT NULL, changed TIMESTAMP WITH TIME ZONE NOT NULL, version INTEGER NOT NULL,
	key JSONB DEFAULT '{}' NOT NULL, data JSONB DEFAULT '{}' NOT NULL, user_info JSONB DEFAULT '{}' NOT NULL, extra_info JSONB DEFAULT '{}' NOT NULL);
	CREATE INDEX ix_chrononaut_activity_key_table_name ON chrononaut_activity (key, table_name)`

// newPythonFixture is a database that Python chrononaut uses, with history in
// the schema public.
func newPythonFixture(t *testing.T, files ...string) *fixture {
	t.Helper()
	db := pgtest.New(t)
	pool := db.Pool(t)
	script := []string{pythonHistory}
	for _, name := range files {
		script = append(script, string(must(os.ReadFile(name))(t)))
	}
	if err := runScript(t.Context(), pool, strings.Join(script, ";\n")); err != nil {
		t.Fatal(err)
	}
	config := &chrononaut.Config{Schema: "public"}
	f := &fixture{T: t, pool: pool, db: chronopgx.New(pool, config)}
	f.client = must(f.db.Client())(t)
	f.migrator = must(chronomigrate.New(chronopgx.NewDriver(pool, config), &chronomigrate.Config{Schema: "public"}))(t)
	return f
}

func runScript(ctx context.Context, pool *pgxpool.Pool, script string) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, script).ReadAll()
	return err
}

// thingRows is how the rows in testdata/python have to be declared.
var thingRows = chronomigrate.PythonRows{
	Attributes: map[string]string{"due_at": "due"},
	Enums: map[string]map[string]string{
		"priority":  {"Priority.LOW": "low", "Priority.HIGH": "high"},
		"mood":      {"Mood": ""},
		"mood_text": {"Mood": ""},
	},
	Timezone: "America/New_York",
}

// TestPythonValues reads rows that SQLAlchemy and psycopg2 wrote as Python
// chrononaut does: see testdata/python/write.py.
func TestPythonValues(t *testing.T) {
	t.Parallel()
	f := newPythonFixture(t, "testdata/python/things.sql", "testdata/python/rows.sql")
	_, err := f.migrator.Adopt(t.Context(), &chronomigrate.AdoptOpts{Rows: map[chrononaut.Table][]chronomigrate.PythonRows{f.name("public.things"): {thingRows}}})
	if err != nil {
		t.Fatal(err)
	}
	f.track("things", &chronomigrate.TrackOptions{VersionColumn: "version"})
	// The trigger records the same values.
	f.exec(`UPDATE things SET version = 1`, `UPDATE things SET small = coalesce(small, 0) + 1`)
	h := history[map[string]any](f, "public.things")
	for id := 1; id <= 7; id++ {
		snapshots := versions(f, h, id, nil)
		if len(snapshots) != 3 {
			t.Fatalf("record %d has %d versions", id, len(snapshots))
		}
		for version := range 2 {
			if unreadable := snapshots[version].Unreadable; len(unreadable) > 0 {
				t.Errorf("record %d, version %d: %v is unreadable: %s", id, version, unreadable, snapshots[version].Data[unreadable[0]])
			}
			for _, column := range must(h.Diff(&snapshots[version], &snapshots[2]))(t) {
				if column.Column != "small" {
					t.Errorf("record %d, version %d: %s\nPython  %s\ntrigger %s", id, version, column.Column, column.From, column.To)
				}
			}
		}
	}
}

// TestPythonLiterals reads what repr() writes as what Python's json module
// writes of the same value.
func TestPythonLiterals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	lines := strings.Split(strings.TrimSpace(string(must(os.ReadFile("testdata/python/literals.jsonl"))(t))), "\n")
	type pair struct{ Repr, JSON string }
	var literals, want []string
	for _, line := range lines {
		var p pair
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		literals, want = append(literals, p.Repr), append(want, p.JSON)
	}
	read := func(literals []string) []*string {
		// A NUL in text cannot have reached history.
		rows, err := f.pool.Query(t.Context(), `SELECT chrononaut.python_json(l) FROM unnest($1::text[]) WITH ORDINALITY AS a (l, n) ORDER BY n`, literals)
		if err != nil {
			t.Fatal(err)
		}
		return must(pgx.CollectRows(rows, pgx.RowTo[*string]))(t)
	}
	for i, got := range read(literals) {
		if got == nil || *got != want[i] {
			t.Errorf("%s\ngot  %v\nwant %s", literals[i], deref(got), want[i])
		}
	}

	t.Run("no text makes it fail, and what it reads is JSON", func(t *testing.T) {
		t.Parallel()
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in every run
		var broken []string
		for _, literal := range literals {
			for range 5 {
				runes := []rune(literal)
				at := random.IntN(len(runes))
				switch random.IntN(3) {
				case 0:
					runes = append(runes[:at:at], runes[at+1:]...)
				case 1:
					runes[at] = []rune(`'"\{[(,: )]}x1`)[random.IntN(14)]
				case 2:
					runes = runes[:at]
				}
				broken = append(broken, string(runes))
			}
		}
		for i, got := range read(broken) {
			if got != nil && !json.Valid([]byte(*got)) {
				t.Errorf("%s is read as %s", broken[i], *got)
			}
		}
	})

	t.Run("text that repr() would not write is none", func(t *testing.T) {
		t.Parallel()
		for i, got := range read([]string{
			`[1,2]`, `["a"]`, `['it\'s']`, `{'a':1}`, `[draft]`, `[1] and [2]`, `{}{}`, `(1)x`, `[1, 2`, `{'a'}`, `{'a': }`, `[1, ]`, `[null]`, `[true]`,
			`{[1]: 2}`, `['a' 'b']`, `(1]`, `[01]`, `[undefined]`, `[<Pri.HIGH: 'high'>]`, ``, `text`, `'a'`, `1`,
		}) {
			if got != nil {
				t.Errorf("text %d is read as %s", i, *got)
			}
		}
	})
}

func deref(s *string) string {
	if s == nil {
		return "nothing"
	}
	return *s
}
