package chronomigrate_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// bodies of functions have golden files of their own in internal/postgres.
var bodies = regexp.MustCompile(`(?s)(AS \$chrononaut\$\n).*?(\$chrononaut\$)`)

// The plans as a dry run prints them.
func TestGoldenPlans(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tables  string
		opts    *chronomigrate.TrackOptions
		before  *chronomigrate.TrackOptions // tracked so before
		breaks  string                      // SQL after that
		untrack bool
	}{
		"track":                  {tables: todosTable},
		"track_options":          {tables: todosTable, opts: &chronomigrate.TrackOptions{Hidden: []string{"title"}, Untracked: []string{"done"}, Strict: true}},
		"track_record_changes":   {tables: todosTable, opts: &chronomigrate.TrackOptions{RecordChanges: true}},
		"track_adopted_version":  {tables: `CREATE TABLE todos (id integer PRIMARY KEY, rev integer)`, opts: &chronomigrate.TrackOptions{VersionColumn: "rev"}},
		"track_changed_options":  {tables: todosTable, before: &chronomigrate.TrackOptions{}, opts: &chronomigrate.TrackOptions{Untracked: []string{"done"}}},
		"track_without_history":  {tables: todosTable, before: &chronomigrate.TrackOptions{}, opts: &chronomigrate.TrackOptions{NoHistory: true, RecordChanges: true}},
		"track_repairs_triggers": {tables: todosTable, before: &chronomigrate.TrackOptions{}, breaks: `ALTER TABLE todos DISABLE TRIGGER USER; DROP TRIGGER "000_chrononaut_truncate" ON todos`},
		"track_partitioned": {tables: `CREATE TABLE todos (id integer PRIMARY KEY) PARTITION BY RANGE (id);
			CREATE TABLE low PARTITION OF todos FOR VALUES FROM (0) TO (10); CREATE TABLE high PARTITION OF todos FOR VALUES FROM (10) TO (20)`},
		"untrack": {tables: todosTable, before: &chronomigrate.TrackOptions{}, untrack: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(tc.tables)
			if tc.before != nil {
				f.track("todos", tc.before)
			}
			if tc.breaks != "" {
				f.exec(tc.breaks)
			}
			state := f.wholeState()
			dry := &chronomigrate.ApplyOpts{DryRun: true}
			plan, err := f.migrator.Track(t.Context(), f.table("todos"), tc.opts, dry)
			if tc.untrack {
				plan, err = f.migrator.Untrack(t.Context(), f.table("todos"), dry)
			}
			if err != nil {
				t.Fatal(describe(err))
			}
			if f.wholeState() != state {
				t.Error("the dry run changed something")
			}
			for _, step := range plan.Steps {
				if step.Comment == "" || step.SQL == "" {
					t.Errorf("a step says too little: %+v", step)
				}
			}
			// A checksum changes with each body.
			got := bodies.ReplaceAllString(plan.SQL(), "$1…\n$2")
			got = regexp.MustCompile(`source [0-9a-f]{32}`).ReplaceAllString(got, "source …")
			goldenFile(t, "plans/"+name+".sql", got)

			// What is printed is what runs.
			if err := try(t.Context(), f.conn, plan.SQL()); err != nil {
				t.Fatalf("the printed plan fails: %v", describe(err))
			}
			f.wantCheck()
		})
	}
}

// goldenFile compares a text with a file under testdata, or writes the file.
func goldenFile(t *testing.T, name, got string) {
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
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s differs (-want +got); when that is right, run make golden and read its diff:\n%s", path, diff)
	}
}
