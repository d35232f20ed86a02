package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/cli"
)

const docs = "../../../docs/command.md"

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The transcript is compared with the program by TestGolden.
func TestDocumentedExamplesAreReal(t *testing.T) {
	t.Parallel()
	w := &world{}
	files, err := filepath.Glob("testdata/postgresql/docs*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var transcript string
	for _, file := range files {
		transcript += readFile(t, file)
	}
	// Blank lines are not compared.
	blank := regexp.MustCompile(`(?m)^(\? \d+)?\n`)
	transcript = blank.ReplaceAllString(transcript, "")
	// What is on standard error, and hidden columns in a difference.
	noted := regexp.MustCompile(`(?m)^! `)
	transcript = noted.ReplaceAllString(transcript, "")
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readFile(t, docs), -1)
	if len(blocks) < 8 {
		t.Fatalf("%s has %d examples", docs, len(blocks))
	}
	for _, block := range blocks {
		for _, example := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			example = noted.ReplaceAllString(blank.ReplaceAllString(w.stable(strings.TrimSpace(example)+"\n"), ""), "")
			if !strings.Contains(transcript, example) {
				t.Errorf("%s has an example that is not in testdata/scripts/docs*.txt, or has other output:\n%s", docs, example)
			}
		}
	}
}

func TestEveryCommandAndFlagIsDocumented(t *testing.T) {
	t.Parallel()
	text := readFile(t, docs)
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.HasParent() && !strings.Contains(text, "`"+cmd.Name()) && !strings.Contains(text, cmd.Name()+"`") {
			t.Errorf("%s does not have the command %s", docs, cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile("--" + f.Name + `\b`).MatchString(text) {
				t.Errorf("%s does not have the flag --%s of %s", docs, f.Name, cmd.CommandPath())
			}
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(cli.New(nil))
}

func TestEveryReasonAndKindIsDocumented(t *testing.T) {
	t.Parallel()
	text := readFile(t, docs)
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	// Where a reason is written: in the table of those that are known, in an answer
	// that is no, and where an error is explained.
	written := regexp.MustCompile(`(?m)^\t\{\w+\.Err\w+, "(\w+)"\},|reason: "(\w+)"|reason\b.*? = (?:.*, )?"(\w+)"$|no\.reason, no\.try = "(\w+)"|reason, try = "(\w+)"`)
	reasons := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, match := range written.FindAllStringSubmatch(readFile(t, file), -1) {
			reasons[strings.Join(match[1:], "")] = true
		}
	}
	if len(reasons) < 40 {
		t.Errorf("%d reasons were found: %v", len(reasons), reasons)
	}
	for reason := range reasons {
		if !strings.Contains(text, "`"+reason+"`") {
			t.Errorf("%s does not have the reason %s", docs, reason)
		}
	}
	kinds := regexp.MustCompile(`ProblemKind = "(\w+)"`).FindAllStringSubmatch(readFile(t, "../../../chronomigrate/check.go"), -1)
	if len(kinds) < 20 {
		t.Errorf("%d kinds of problems were found", len(kinds))
	}
	for _, kind := range kinds {
		if !strings.Contains(text, "`"+kind[1]+"`") {
			t.Errorf("%s does not have the problem %s", docs, kind[1])
		}
	}
}

func TestTheReadmeShowsCommandsThatExist(t *testing.T) {
	t.Parallel()
	lines := regexp.MustCompile(`(?m)^\$ (chrononaut .*?)(?: +#.*)?$`).FindAllStringSubmatch(readFile(t, "../../../README.md"), -1)
	if len(lines) < 5 {
		t.Fatalf("README.md has %d commands", len(lines))
	}
	for _, line := range lines {
		words, err := shellWords(line[1])
		if err != nil {
			t.Errorf("%s: %v", line[1], err)
			continue
		}
		// Without a database, a command that is well formed ends with that.
		_, stderr, status := (&world{}).run(t.Context(), words[1:]...)
		if status != 2 || !strings.Contains(stderr, "no database given") {
			t.Errorf("%s exits with %d: %s", line[1], status, stderr)
		}
	}
}
