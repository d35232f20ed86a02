package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func TestGoldenPast(t *testing.T) {
	t.Parallel()
	plain := (&sqlite.Inspected{Name: "todos", Kind: "table", SQL: `CREATE TABLE todos (id INTEGER PRIMARY KEY, title VARCHAR(20) COLLATE NOCASE, due DATETIME, version INTEGER)`, Columns: []sqlite.Column{
		{Name: "id", Type: "INTEGER", Key: 1}, {Name: "title", Type: "VARCHAR(20)"}, {Name: "due", Type: "DATETIME"}, {Name: "version", Type: "INTEGER"},
	}}).Describe(sqlite.Options{})
	odd := (&sqlite.Inspected{
		Name: `Odd "name"`, Kind: "table", WithoutRowid: 1,
		SQL: `CREATE TABLE "Odd ""name""" (b "odd TYPE" NOT NULL COLLATE RTRIM, "a'" BLOB NOT NULL, secret TEXT, note, revision INTEGER, PRIMARY KEY (b, "a'")) WITHOUT ROWID`,
		Columns: []sqlite.Column{
			{Name: "b", Type: `"odd TYPE"`, NotNull: 1, Key: 1},
			{Name: "a'", Type: "BLOB", NotNull: 1, Key: 2},
			{Name: "secret", Type: "TEXT"},
			{Name: "note"},
			{Name: "revision", Type: "INTEGER"},
		},
	}).Describe(sqlite.Options{Hidden: []string{"secret"}, VersionColumn: "revision"})
	var b strings.Builder
	for _, p := range []sqlite.Past{{Table: plain, Cut: 42}, {Table: odd, Cut: 42, Until: 99, Moves: true, Unrecorded: true}} {
		sql, err := p.CreateSQL()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(p.Table.KeyTableSQL() + ";\n\n" + sql + ";\n\n")
	}
	path := filepath.Join("testdata", "past.sql")
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
}
