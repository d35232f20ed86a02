package chrononaut_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goMod is the part of "go mod edit -json" that these tests look at.
type goMod struct {
	Module  struct{ Path string }
	Go      string
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace []struct{ Old struct{ Path string } }
}

func TestModulesHaveNoReplace(t *testing.T) {
	t.Parallel()
	// A user of a module does not get its replace directives, so it would not build for them.
	for _, file := range findFiles(t, "go.mod") {
		for _, r := range readGoMod(t, file).Replace {
			t.Errorf("%s replaces %s; go.work is what joins the modules", file, r.Old.Path)
		}
	}
}

func TestModulesAreInTheWorkspace(t *testing.T) {
	t.Parallel()
	// The scripts loop over go.work, so a module that is not in it would never be tested.
	var work struct{ Use []struct{ DiskPath string } }
	goCommand(t, &work, "work", "edit", "-json")
	var got, want []string
	for _, use := range work.Use {
		got = append(got, filepath.ToSlash(filepath.Clean(use.DiskPath)))
	}
	for _, file := range findFiles(t, "go.mod") {
		want = append(want, filepath.ToSlash(filepath.Dir(file)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules in go.work mismatch (-want +got):\n%s", diff)
	}
}

func TestModulesNeedTheSameGo(t *testing.T) {
	t.Parallel()
	want := readGoMod(t, "go.mod").Go
	for _, file := range findFiles(t, "go.mod") {
		if got := readGoMod(t, file).Go; got != want {
			t.Errorf("%s says go %s, want %s as in the root module", file, got, want)
		}
	}
}

func TestRootModuleDependencies(t *testing.T) {
	t.Parallel()

	t.Run("go.mod requires pgx and what the tests need", func(t *testing.T) {
		t.Parallel()
		var got []string
		for _, require := range readGoMod(t, "go.mod").Require {
			if !require.Indirect {
				got = append(got, require.Path)
			}
		}
		slices.Sort(got)
		want := []string{"github.com/google/go-cmp", "github.com/jackc/pgx/v5", "pgregory.net/rapid"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("direct requirements mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("packages use pgx and what pgx needs", func(t *testing.T) {
		t.Parallel()
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./...")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		allowed := []string{
			"github.com/chrononaut-go/chrononaut",
			"github.com/jackc/pgpassfile",
			"github.com/jackc/pgservicefile",
			"github.com/jackc/pgx/v5",
			"github.com/jackc/puddle/v2",
			"golang.org/x/sync",
			"golang.org/x/text",
		}
		modules := strings.Fields(string(out))
		slices.Sort(modules)
		for _, module := range slices.Compact(modules) {
			if !slices.Contains(allowed, module) {
				t.Errorf("the root module's packages depend on %s", module)
			}
		}
	})
}

func TestSQLiteDriverIsTheApplicationsChoice(t *testing.T) {
	t.Parallel()
	drivers := []string{
		"modernc.org/sqlite",
		"github.com/mattn/go-sqlite3",
		"github.com/ncruces/go-sqlite3",
		"github.com/glebarez",
		"zombiezen.com/go/sqlite",
		"crawshaw.io/sqlite",
		"gorm.io/driver/sqlite",
	}
	programs := []string{"cmd/", "examples/", "bench/", "internal/conformance/"}
	for _, file := range findFiles(t, "*.go") {
		slash := filepath.ToSlash(file)
		isProgram := slices.ContainsFunc(programs, func(dir string) bool { return strings.HasPrefix(slash, dir) })
		if isProgram || strings.HasSuffix(slash, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("read the imports: %v", err)
			continue
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: import %s: %v", file, spec.Path.Value, err)
			}
			for _, driver := range drivers {
				if path == driver || strings.HasPrefix(path, driver+"/") {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}

// findFiles returns the files of all our modules whose base name matches pattern.
func findFiles(t *testing.T, pattern string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			// As in the go command, plus the npm packages of internal/testservers.
			skip := path != "." && strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules"
			if skip {
				return filepath.SkipDir
			}
			return nil
		}
		if ok, err := filepath.Match(pattern, name); err != nil || !ok {
			return err
		}
		files = append(files, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readGoMod(t *testing.T, file string) goMod {
	t.Helper()
	var mod goMod
	goCommand(t, &mod, "mod", "edit", "-json", file)
	return mod
}

// goCommand runs the go command and decodes its JSON output.
func goCommand(t *testing.T, result any, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
}
