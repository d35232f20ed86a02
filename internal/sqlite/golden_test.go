package sqlite_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func pointer(s string) *string { return &s }

func TestGoldenTriggers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		table *sqlite.Inspected
		opts  sqlite.Options
	}{
		"plain": {
			&sqlite.Inspected{Name: "todos", Kind: "table", SQL: `CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, version INTEGER)`, Columns: []sqlite.Column{
				{Name: "id", Type: "INTEGER", Key: 1}, {Name: "title", Type: "TEXT"}, {Name: "version", Type: "INTEGER"},
			}},
			sqlite.Options{},
		},
		"options": {
			&sqlite.Inspected{
				Name: `Odd "name"`, Kind: "table", WithoutRowid: 1, Acts: true,
				SQL: `CREATE TABLE "Odd ""name""" (b TEXT NOT NULL, "a'" BLOB NOT NULL, secret, loud AS (upper(secret)), note, email TEXT NOT NULL DEFAULT 'none' UNIQUE, revision INTEGER, change_info TEXT, changed TEXT, PRIMARY KEY (b, "a'")) WITHOUT ROWID`,
				Columns: []sqlite.Column{
					{Name: "b", Type: "TEXT", NotNull: 1, Key: 1},
					{Name: "a'", Type: "BLOB", NotNull: 1, Key: 2},
					{Name: "secret"},
					{Name: "loud", Hidden: 2},
					{Name: "note"},
					{Name: "email", Type: "TEXT", NotNull: 1, Default: pointer("'none'")},
					{Name: "revision", Type: "INTEGER"},
					{Name: "change_info", Type: "TEXT"},
					{Name: "changed", Type: "TEXT"},
				},
				Indexes: []sqlite.Index{
					{Name: "lower_email", Origin: "c", Partial: 1, SQL: pointer(`CREATE UNIQUE INDEX lower_email ON "Odd ""name""" (lower(email) DESC) WHERE note IS NULL`), Columns: []sqlite.IndexColumn{{Collation: "BINARY"}}},
					{Name: "sqlite_autoindex_1", Origin: "pk", Columns: []sqlite.IndexColumn{{Name: "b", Collation: "NOCASE"}, {Name: "a'", Collation: "BINARY"}}},
					{Name: "sqlite_autoindex_2", Origin: "u", Columns: []sqlite.IndexColumn{{Name: "email", Collation: "BINARY"}}},
				},
			},
			sqlite.Options{Hidden: []string{"secret"}, Untracked: []string{"note"}, VersionColumn: "revision", Strict: true, RecordChanges: true},
		},
		"without history": {
			&sqlite.Inspected{Name: "notes", Kind: "table", SQL: `CREATE TABLE notes (id INTEGER PRIMARY KEY, body)`, Columns: []sqlite.Column{
				{Name: "id", Type: "INTEGER", Key: 1}, {Name: "body"}, {Name: "change_info", Type: "TEXT"}, {Name: "changed", Type: "TEXT"},
			}},
			sqlite.Options{NoHistory: true, RecordChanges: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := tc.table.Describe(tc.opts)
			var b strings.Builder
			for _, kind := range table.Kinds() {
				sql, err := table.TriggerSQL(kind, table.TriggerName(kind, 0))
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(sql + ";\n\n")
			}
			path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".sql")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a file of the repository
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s (-want +got); run make golden if it is meant:\n%s", path, diff)
			}
		})
	}
}

func TestTriggersSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	table := (&sqlite.Inspected{Name: "insert_2", SQL: `CREATE TABLE insert_2 (id INTEGER PRIMARY KEY)`, Columns: []sqlite.Column{{Name: "id", Type: "INTEGER", Key: 1}, {Name: "version"}}}).Describe(sqlite.Options{})
	for _, kind := range table.Kinds() {
		for _, number := range []int{0, 3} {
			name := table.TriggerName(kind, number)
			sql, err := table.TriggerSQL(kind, name)
			if err != nil {
				t.Fatal(err)
			}
			trigger := sqlite.InspectedTrigger{Name: name, SQL: sqlite.StoredSQL(sql)}
			if got := trigger.Kind(); got != kind {
				t.Errorf("%s: kind %q, want %q", name, got, kind)
			}
			if !trigger.Intact() {
				t.Errorf("%s is not intact as it was generated", name)
			}
			trigger.SQL += " "
			if trigger.Intact() {
				t.Errorf("%s is intact although it was changed", name)
			}
		}
	}
}
