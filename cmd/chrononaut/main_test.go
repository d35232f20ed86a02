package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build builds the command.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "chrononaut")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	return binary
}

func TestDemo(t *testing.T) {
	t.Parallel()
	binary := build(t)
	temporary := t.TempDir()
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"demo"}, args...)...)
		cmd.Env = append(os.Environ(), "TMPDIR="+temporary, "DATABASE_URL=postgres://nowhere.invalid/x", "USER=somebody")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	left := func() []string {
		files, err := filepath.Glob(filepath.Join(temporary, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}

	out, err := run()
	if err != nil || !strings.Contains(out, "Everything is as it should be") || !strings.Contains(out, "refused: history is append-only") {
		t.Errorf("demo: %v\n%s", err, out)
	}
	if testing.Short() {
		return
	}
	out, err = run("--json")
	var document struct {
		OK    bool             `json:"ok"`
		Steps []map[string]any `json:"steps"`
	}
	if err := json.Unmarshal([]byte(out), &document); err != nil || !document.OK || len(document.Steps) < 20 {
		t.Errorf("demo --json has %d steps: %v\n%s", len(document.Steps), err, out)
	}
	if err != nil {
		t.Errorf("demo --json: %v", err)
	}
	if files := left(); len(files) > 0 {
		t.Errorf("the demo leaves %v behind", files)
	}

	file := filepath.Join(temporary, "my shop.db")
	if out, err := run("--file", file); err != nil || !strings.Contains(out, "export DATABASE_URL='sqlite:"+file+"'") {
		t.Errorf("demo --file: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, "check", "--database-url", "sqlite:"+file)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "11 tables checked") {
		t.Errorf("check of the file that was kept: %v\n%s", err, out)
	}
	if out, err := run("--file", file); err == nil || !strings.Contains(out, "file already exists") {
		t.Errorf("demo with a file that exists: %v\n%s", err, out)
	}
	if out, err := run("--keep"); err != nil || len(left()) != 2 {
		t.Errorf("demo --keep leaves %v: %v\n%s", left(), err, out)
	}
}
