package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestMigrateGetWritesToADirectory(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine.dialect), func(t *testing.T) {
			t.Parallel()
			w, development := engine.open(t), engine.open(t)
			w.mustSQL(todos)
			development.mustSQL(todos)
			dir := filepath.Join(t.TempDir(), "new", "migrations")
			get := []string{"migrate", "get", "--output", dir, "--track", "todos", "--hidden", "password"}
			if out := development.must(get...); strings.Contains(out, "there already") || !strings.Contains(out, "chrononaut_track_todos.down.sql") {
				t.Errorf("get prints\n%s", out)
			}
			names := sqlFiles(t, dir)
			for _, name := range names {
				if strings.HasSuffix(name, ".up.sql") {
					w.mustSQL(read(t, filepath.Join(dir, name)))
				}
			}
			w.must("migrate", "status")
			w.must("check")
			w.mustSQL(`INSERT INTO todos (id, title, password) VALUES (1, 'a', 'secret')`)
			if out := w.must("log", "todos", "1", "--json"); !strings.Contains(out, `"insert"`) || strings.Contains(out, "secret") {
				t.Errorf("log says %s", out)
			}

			if out := development.must(get...); strings.Contains(out, "wrote") || strings.Count(out, "is there already") != len(names) {
				t.Errorf("a second time, get prints\n%s", out)
			}
			first := filepath.Join(dir, names[0])
			if err := os.WriteFile(first, []byte("-- edited\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, stderr, status := development.run(t.Context(), get...); status != 2 || !strings.Contains(stderr, "is not changed") {
				t.Errorf("with an edited file, get exits with %d: %s", status, stderr)
			}
			if got := read(t, first); got != "-- edited\n" {
				t.Errorf("the edited file is now\n%s", got)
			}
		})
	}
}

type printedFile struct {
	Name, Content string
	Down          bool
}

func TestMigrateGetPrintsEachFormat(t *testing.T) {
	t.Parallel()
	w := openSQLite(t)
	for _, format := range chronomigrate.Formats() {
		args := []string{"migrate", "get", "--engine", "postgresql", "--to", "1", "--format", string(format)}
		printed := w.must(args...)
		var document struct {
			Format string
			Files  []printedFile
		}
		if err := json.Unmarshal([]byte(w.must(append(args, "--json")...)), &document); err != nil {
			t.Fatal(err)
		}
		// One file is printed as it is.
		if document.Format != string(format) || document.Files[0].Down || document.Files[0].Content != printed {
			t.Errorf("%s: what is printed is not the first of the files:\n%s", format, printed)
		}
		if format == chronomigrate.FormatGoose || format == chronomigrate.FormatAtlas {
			continue
		}
		down := w.must(append(args, "--down")...)
		if i := slices.IndexFunc(document.Files, func(f printedFile) bool { return f.Down }); i < 0 || document.Files[i].Content != down {
			t.Errorf("%s: --down prints\n%s", format, down)
		}
	}
}

func sqlFiles(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
