package chrononaut_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// Each case records one state, changes the schema, and reads the state with a history that knew the
// table before and with one that did not. The record is a map, so that its columns are the table's.
func TestSchemaChangesLeaveThePastReadable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after []string
		column        string
		want          any
		unreadable    []string
		recorded      string
	}{
		"a column that was added later is NULL": {
			after:  []string{`ALTER TABLE t ADD COLUMN due integer NOT NULL DEFAULT 7`},
			column: "due", want: nil,
		},
		"a column that was dropped stays in the data": {
			after:  []string{`ALTER TABLE t DROP COLUMN c`},
			column: "c", want: nil, recorded: `"old"`,
		},
		"a column that was renamed keeps its old name in the data": {
			after:  []string{`ALTER TABLE t RENAME COLUMN c TO d`},
			column: "d", want: nil,
		},
		"a column with a wider type": {
			before: []string{`ALTER TABLE t ALTER c TYPE integer USING 7`},
			after:  []string{`ALTER TABLE t ALTER c TYPE bigint`},
			column: "c", want: int64(7), recorded: `7`,
		},
		"a column whose type cannot hold the value": {
			after:  []string{`ALTER TABLE t ALTER c TYPE integer USING 1`},
			column: "c", want: nil, recorded: `"old"`, unreadable: []string{"c"},
		},
		"a column that became an array": {
			after:  []string{`ALTER TABLE t ALTER c TYPE text[] USING ARRAY[c]`},
			column: "c", want: nil, recorded: `"old"`, unreadable: []string{"c"},
		},
		"a column that became jsonb": {
			after:  []string{`ALTER TABLE t ALTER c TYPE jsonb USING to_jsonb(c)`},
			column: "c", want: "old", recorded: `"old"`,
		},
		"a label of an enum that was renamed": {
			before: []string{`CREATE TYPE mood AS ENUM ('old', 'happy')`, `ALTER TABLE t ALTER c TYPE mood USING c::mood`},
			after:  []string{`ALTER TYPE mood RENAME VALUE 'old' TO 'new'`},
			column: "c", want: nil, recorded: `"old"`, unreadable: []string{"c"},
		},
		"a label in an array of an enum that was renamed": {
			before: []string{`CREATE TYPE mood AS ENUM ('old', 'happy')`, `ALTER TABLE t ALTER c TYPE mood[] USING ARRAY[c::mood]`},
			after:  []string{`ALTER TYPE mood RENAME VALUE 'old' TO 'new'`},
			column: "c", want: nil, recorded: `["old"]`, unreadable: []string{"c"},
		},
		"a label in a composite value that was renamed": {
			before: []string{`CREATE TYPE mood AS ENUM ('old', 'happy')`, `CREATE TYPE pair AS (a mood, b integer)`, `ALTER TABLE t ALTER c TYPE pair USING ('old', 1)::pair`},
			after:  []string{`ALTER TYPE mood RENAME VALUE 'old' TO 'new'`},
			column: "c", want: nil, recorded: `{"a": "old", "b": 1}`, unreadable: []string{"c"},
		},
		"a table that was dropped": {
			after:  []string{`DROP TABLE t`},
			column: "c", want: nil, recorded: `"old"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE t (id integer PRIMARY KEY, c text)`, `INSERT INTO t VALUES (1, 'old')`)
			f.exec(tc.before...)
			f.track("t", &chronomigrate.TrackOptions{})
			if _, err := f.migrator.Baseline(t.Context(), f.name("t"), nil); err != nil {
				t.Fatal(err)
			}
			known := history[map[string]any](f, "public.t")
			versions(f, known, 1, nil)
			f.exec(tc.after...)
			fresh := chrononaut.NewHistory[map[string]any](must(chronopgx.New(f.pool, nil).Client())(t), f.name("t"), nil)
			for which, h := range map[string]*chrononaut.History[map[string]any]{"known": known, "fresh": fresh} {
				found := versions(f, h, 1, nil)
				if len(found) != 1 {
					t.Fatalf("%s: %d versions, want 1", which, len(found))
				}
				s := found[0]
				if diff := cmp.Diff(tc.want, s.Record[tc.column]); diff != "" {
					t.Errorf("%s: record[%s] mismatch (-want +got):\n%s", which, tc.column, diff)
				}
				if diff := cmp.Diff(tc.unreadable, s.Unreadable); diff != "" {
					t.Errorf("%s: unreadable columns mismatch (-want +got):\n%s", which, diff)
				}
				value, err := s.Column(tc.column)
				if tc.recorded == "" && !errors.Is(err, chrononaut.ErrNoColumn) || tc.recorded != "" && string(value) != tc.recorded {
					t.Errorf("%s: Column(%s) = %s, %v; want %q", which, tc.column, value, err, tc.recorded)
				}
			}
		})
	}
}

func TestReadingInATransactionSurvivesAMisfit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'no number')`, `ALTER TABLE todos ALTER title TYPE integer USING 1`)
	tx, err := f.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	inTx := h.With(f.client.With(chronopgx.NewTxDriver(tx)))
	if got := versions(f, inTx, 1, nil); len(got) != 1 || len(got[0].Unreadable) != 1 {
		t.Errorf("versions = %+v, want one with an unreadable column", got)
	}
	if _, err := tx.Exec(t.Context(), `INSERT INTO todos (id, title) VALUES (2, 2)`); err != nil {
		t.Errorf("the transaction is not usable any more: %v", err)
	}
	// What the transaction itself did is read as well.
	if got := versions(f, inTx, 2, nil); len(got) != 1 {
		t.Errorf("%d versions of the transaction's own record, want 1", len(got))
	}
	if got := versions(f, h, 2, nil); len(got) != 0 {
		t.Errorf("%d versions outside the transaction, want none", len(got))
	}
}

// A history that was made before the options changed must not show what has been hidden since.
func TestColumnsHiddenLaterAreNotShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE users (id integer PRIMARY KEY, name text, card text)`)
	f.track("users", nil)
	h := history[map[string]any](f, "users")
	f.exec(`INSERT INTO users VALUES (1, 'ann', '4711')`)
	if got := versions(f, h, 1, nil)[0].Record["card"]; got != "4711" {
		t.Fatalf("card = %v before it was hidden, want 4711", got)
	}
	f.track("users", &chronomigrate.TrackOptions{Hidden: []string{"card"}})
	f.exec(`UPDATE users SET name = 'bob', card = '4712'`)
	// The first call afterwards is one that needs to know what is hidden.
	first := must(h.DiffVersions(t.Context(), 1, 0, 1))(t)
	if c, ok := first.Column("card"); !ok || !c.Hidden {
		t.Errorf("diff of the hidden column = %+v, %v; want it listed", c, ok)
	}
	for _, s := range versions(f, h, 1, nil) {
		if _, shown := s.Record["card"]; shown || s.Data["card"] != nil {
			t.Errorf("version %d shows the hidden column", s.Version)
		}
		if _, err := s.Column("card"); !errors.Is(err, chrononaut.ErrHidden) {
			t.Errorf("Column(card) of version %d: error = %v, want ErrHidden", s.Version, err)
		}
	}
	diff := must(h.DiffVersions(t.Context(), 1, 0, 1))(t)
	if c, ok := diff.Column("card"); !ok || !c.Hidden || c.From != nil || c.To != nil {
		t.Errorf("diff of the hidden column = %+v, %v; want it listed without values", c, ok)
	}
	for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("users")}))(t) {
		if c.Data["card"] != nil {
			t.Errorf("the log shows the hidden column in version %d", c.Version)
		}
	}
}

func TestReadingWithoutHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY)`, `DROP SCHEMA chrononaut CASCADE`)
	if _, err := history[todo](f, "todos").Versions(t.Context(), 1, nil); !errors.Is(err, chrononaut.ErrNotInstalled) {
		t.Errorf("Versions: error = %v, want ErrNotInstalled", err)
	}
	if _, err := f.client.Activity(t.Context(), nil); !errors.Is(err, chrononaut.ErrNotInstalled) {
		t.Errorf("Activity: error = %v, want ErrNotInstalled", err)
	}
}
