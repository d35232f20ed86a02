package postgres_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// columns makes columns of the form plain from their names, with "name:form"
// for others.
func columns(specs ...string) []postgres.Column {
	var columns []postgres.Column
	for i, spec := range specs {
		name, form, _ := strings.Cut(spec, ":")
		if form == "" {
			form = "plain"
		}
		columns = append(columns, postgres.Column{Name: name, Form: form, Attnum: int16(i + 1), Ordinal: int16(i + 1)})
	}
	return columns
}

// The generated functions of one table for each feature, as they are installed.
func TestGoldenFunctions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		table postgres.Table
		kinds []string
	}{
		"simple": {table: postgres.Table{
			Name: "todos", KeyColumns: []string{"id"}, Columns: columns("id", "title", "done", "version"), VersionColumn: "version", History: true,
		}},
		"hidden_untracked": {table: postgres.Table{
			Name: "people", KeyColumns: []string{"id"}, Columns: columns("id", "name", "secret", "note", "version"), VersionColumn: "version", History: true,
			Hidden: []string{"secret"}, Untracked: []string{"note"},
		}},
		"special_types": {table: postgres.Table{
			Name: "docs", KeyColumns: []string{"id"}, VersionColumn: "version", History: true,
			Columns: columns("id", "j:text", "b:jsonb", "x:xml", "a:array", "f:float", "fs:floats", "r:record", "version"),
		}},
		"composite_key": {table: postgres.Table{
			Name: "lines", KeyColumns: []string{"order_id", "line"}, Columns: columns("line", "order_id", "price", "version"), VersionColumn: "version", History: true,
		}},
		"partitioned": {table: postgres.Table{
			Name: "parts", KeyColumns: []string{"id", "day"}, Columns: columns("id", "day", "secret", "version"), VersionColumn: "version", History: true,
			Partitioned: true, Hidden: []string{"secret"},
		}},
		"strict": {table: postgres.Table{
			Name: "todos", KeyColumns: []string{"id"}, Columns: columns("id", "title", "version"), VersionColumn: "version", History: true, Strict: true,
		}},
		"record_changes": {table: postgres.Table{
			Name: "todos", KeyColumns: []string{"id"}, Columns: columns("id", "title", "version", "change_info:jsonb", "changed"), VersionColumn: "version",
			History: true, RecordChanges: true,
		}},
		"record_changes_only": {table: postgres.Table{
			Name: "todos", KeyColumns: []string{"id"}, Columns: columns("id", "title", "change_info:jsonb", "changed"), VersionColumn: "version", RecordChanges: true,
		}},
		"adopted_version_column": {table: postgres.Table{
			Name: "todos", KeyColumns: []string{"id"}, Columns: columns("id", "title", "rev"), VersionColumn: "rev", History: true, Adopted: true,
		}},
		"old_rows_generated_virtual": {table: postgres.Table{
			Name: "todos", KeyColumns: []string{"id"}, VersionColumn: "version", History: true, Untracked: []string{"cache"},
			Columns: []postgres.Column{
				{Name: "id", Form: "plain"},
				{Name: "cache", Form: "plain", Missing: true, Feeds: []string{"total"}},
				{Name: "total", Form: "plain", Generated: true},
				{Name: "shown", Form: "plain", Generated: true, Virtual: true},
				{Name: "version", Form: "plain"},
			},
		}},
		"periods": {kinds: []string{postgres.PeriodFill, postgres.PeriodFollow}, table: postgres.Table{
			Name: "stock", KeyColumns: []string{"id", "kind"}, VersionColumn: "version", History: true, Hidden: []string{"secret"}, Layout: "period",
			Columns: []postgres.Column{
				{Name: "id", Form: "plain", Type: "integer", TypeName: "pg_catalog.int4", BaseType: "pg_catalog.int4", FullType: "integer", KeyType: "integer"},
				{Name: "kind", Form: "plain", Type: "kind", TypeName: "public.kind", BaseType: "public.kind", FullType: "public.kind", KeyType: "text"},
				{Name: `the "amount"`, Form: "plain", Type: "numeric(8,2)", TypeName: `pg_catalog."numeric"`, BaseType: `pg_catalog."numeric"`, FullType: "numeric(8,2)", KeyType: "numeric(8,2)"},
				{Name: "price", Form: "plain", Type: "price", TypeName: "public.price", BaseType: `pg_catalog."numeric"`, FullType: "public.price", KeyType: "numeric"},
				{Name: "moods", Form: "array", Type: "mood[]", TypeName: "public._mood", BaseType: "public._mood", FullType: "public.mood[]", KeyType: "text"},
				{Name: "secret", Form: "plain", Type: "text", TypeName: "pg_catalog.text", BaseType: "pg_catalog.text", FullType: "text", KeyType: "text"},
				{Name: "version", Form: "plain", Type: "integer", TypeName: "pg_catalog.int4", BaseType: "pg_catalog.int4", FullType: "integer", KeyType: "integer"},
			},
		}},
		"odd_names": {table: postgres.Table{
			HistorySchema: `History's "schema"`, Schema: `a.b`, Name: `back\slash $chrononaut$`, KeyColumns: []string{`quo"te`, `apos'trophe`},
			Columns: columns(`quo"te`, `apos'trophe`, `select`, `{{braces}}`, `{a},`, `ünï`), VersionColumn: `the "version"`, History: true,
			Hidden: []string{`select`}, Untracked: []string{`{{braces}}`, `{a},`},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.table.HistorySchema == "" {
				tc.table.HistorySchema, tc.table.Schema = "chrononaut", "public"
			}
			if tc.kinds == nil {
				tc.kinds = tc.table.Functions()
			}
			var b strings.Builder
			for _, kind := range tc.kinds {
				statement, err := tc.table.FunctionSQL(kind)
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(strings.TrimRight(statement, "\n") + ";\n\n")
			}
			golden(t, "functions/"+name+".sql", b.String())
		})
	}
}

// golden compares a text with a file under testdata, or writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make golden writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); when that is right, run make golden and read its diff:\n%s", path, diff)
	}
}
