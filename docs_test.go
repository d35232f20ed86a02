package chrononaut_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinksInDocumentation follows the relative links of all Markdown files, to
// files and to the headings in them.
func TestLinksInDocumentation(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code := regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]+`")
	for _, file := range findFiles(t, "*.md") {
		// A code span may be what a link is called, so that something has to stay.
		text := code.ReplaceAllString(readFile(t, file), "code")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, heading, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path := file
			if target != "" {
				path = filepath.Join(filepath.Dir(file), filepath.FromSlash(target))
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: the link %s leads nowhere", file, match[1])
				continue
			}
			if heading != "" && !hasHeading(readFile(t, path), heading) {
				t.Errorf("%s: the link %s leads to no heading", file, match[1])
			}
		}
	}
}

// hasHeading tells whether a Markdown text has a heading with this anchor.
func hasHeading(text, anchor string) bool {
	heading := regexp.MustCompile(`(?m)^#+ +(.*)$`)
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		words := dropped.ReplaceAllString(strings.ToLower(match[1]), "")
		if strings.ReplaceAll(words, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// TestDecisionsAreNumberedAndListed keeps the list of docs/decisions complete.
func TestDecisionsAreNumberedAndListed(t *testing.T) {
	t.Parallel()
	list := readFile(t, "docs/decisions/README.md")
	numbers := map[string]string{}
	for _, file := range findFiles(t, "[0-9]*.md") {
		if filepath.ToSlash(filepath.Dir(file)) != "docs/decisions" {
			continue
		}
		name := filepath.Base(file)
		number, _, _ := strings.Cut(name, "-")
		if other := numbers[number]; other != "" {
			t.Errorf("%s and %s have the same number", other, name)
		}
		numbers[number] = name
		title, _, _ := strings.Cut(readFile(t, file), "\n")
		title, ok := strings.CutPrefix(title, "# "+number+" ")
		if !ok {
			t.Errorf("%s does not begin with its number and title", file)
		}
		if entry := "[" + number + "](" + name + ") " + title + "\n"; !strings.Contains(list, entry) {
			t.Errorf("docs/decisions/README.md does not list %s as %q", name, entry)
		}
	}
}

func TestPackagesHaveComments(t *testing.T) {
	t.Parallel()
	has := map[string]bool{}
	for _, file := range findFiles(t, "*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(file)
		has[dir] = has[dir] || parsed.Doc != nil
	}
	for dir, ok := range has {
		if !ok {
			t.Errorf("no file of the package in %s says what it is for", dir)
		}
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
