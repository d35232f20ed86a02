package chrononaut_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const parityFile = "docs/parity.md"

// parityRows returns the rows that docs/parity.md must have: what
// Python chrononaut does (P), its defects (B) and the traps of triggers (T).
func parityRows() []string {
	var rows []string
	for _, r := range []struct {
		format      string
		first, last int
	}{
		{"P-%03d", 1, 12},
		{"P-%03d", 20, 30},
		{"P-%03d", 40, 48},
		{"P-%03d", 50, 57},
		{"P-%03d", 60, 65},
		{"P-%03d", 70, 72},
		{"P-%03d", 75, 78},
		{"P-%03d", 80, 84},
		{"P-%03d", 90, 95},
		{"B-%02d", 1, 51},
		{"T%02d", 1, 14},
		{"T%02d", 20, 33},
		{"T%02d", 40, 51},
		{"T%02d", 60, 84},
		{"T%02db", 77, 77},
	} {
		for n := r.first; n <= r.last; n++ {
			rows = append(rows, fmt.Sprintf(r.format, n))
		}
	}
	slices.Sort(rows)
	return rows
}

// TestParityRowsAreThoseOfTheSpecification compares parityRows with the
// specification, where it lies beside the repository.
func TestParityRowsAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	var rows []string
	for file, id := range map[string]*regexp.Regexp{
		"seed.md":             regexp.MustCompile(`\*\*([PB]-\d+)\b`),
		"trigger-pitfalls.md": regexp.MustCompile(`(?m)^- (T\d+b?) `),
	} {
		text, err := os.ReadFile(filepath.Join("..", "shared", "spec", file))
		if os.IsNotExist(err) {
			t.Skip("the specification is not at hand")
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range id.FindAllStringSubmatch(string(text), -1) {
			rows = append(rows, match[1])
		}
	}
	slices.Sort(rows)
	if diff := cmp.Diff(slices.Compact(rows), parityRows()); diff != "" {
		t.Errorf("rows mismatch (-specification +this test):\n%s", diff)
	}
}

// TestParityNamesTestsThatExist reads docs/parity.md: it has every row once,
// each row names tests or says why it has none, and every test that is named
// in the file is in the repository, subtests included.
func TestParityNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(parityFile)
	if err != nil {
		t.Fatal(err)
	}
	var (
		row    = regexp.MustCompile(`^\| ([PB]-\d+|T\d+b?) \| (.*) \|$`)
		named  = regexp.MustCompile("`((?:Test|Fuzz|Example)[^`]*)`")
		excuse = regexp.MustCompile(`(?i)\bno counterpart\b|\blater issue\b|\bdocumented in \[`)
	)
	tests := findTests(t)
	var rows []string
	for i, line := range strings.Split(string(text), "\n") {
		names := named.FindAllStringSubmatch(line, -1)
		for _, name := range names {
			if err := tests.find(name[1]); err != nil {
				t.Errorf("%s:%d: %v", parityFile, i+1, err)
			}
		}
		match := row.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		rows = append(rows, match[1])
		if len(names) == 0 && !excuse.MatchString(match[2]) {
			t.Errorf("%s:%d: %s names no test and does not say why", parityFile, i+1, match[1])
		}
	}
	slices.Sort(rows)
	if diff := cmp.Diff(parityRows(), rows); diff != "" {
		t.Errorf("rows of %s mismatch (-want +got):\n%s", parityFile, diff)
	}
}

func TestParityFindsTestsThatDoNotExist(t *testing.T) {
	t.Parallel()
	tests := findTests(t)
	for name, want := range map[string]bool{
		"TestAttribution": true,
		"TestAttribution/contexts nest and end without a trace":                        true,
		"TestAttribution/contexts nest":                                                false,
		"TestAttribution/refuses to rewrite history":                                   false, // of another test
		"TestCapture/one row is inserted, updated and deleted":                         true,
		"TestPgx/*/refuses to rewrite history":                                         true,
		"TestPgx/*/refuses to be tested":                                               false,
		"TestNothing":                                                                  false,
		"TestTypes/a value of type bytea is recorded and read exactly":                 true,
		"TestRootModuleDependencies/*":                                                 false, // says nothing
		"TestParityFindsTestsThatDoNotExist/contexts nest and end without a trace":     false,
		"TestPgx/*/refuses to rewrite history/contexts nest and end without any trace": false,
	} {
		if err := tests.find(name); (err == nil) != want {
			t.Errorf("find(%q) = %v, want it found: %v", name, err, want)
		}
	}
}

// testIndex knows the tests of the repository, by the name of their function,
// which packages may share.
type testIndex map[string][]map[string]*declaration

// declaration is a function, variable or constant of a package's tests: the
// strings in it, and the names in it, of which some are other declarations.
type declaration struct {
	literals, names []string
}

// find returns an error unless there is a test of this name. The parts of a
// subtest's name are separated by slashes; each must be, to the letter, a string
// that the test uses, or come from a format that it uses. The part * stands for
// names that the test computes, such as those of drivers.
func (index testIndex) find(name string) error {
	function, subtest, has := strings.Cut(name, "/")
	packages, ok := index[function]
	if !ok {
		return fmt.Errorf("there is no %s", function)
	}
	if !has {
		return nil
	}
	parts := strings.Split(subtest, "/")
	if parts[len(parts)-1] == "*" {
		return fmt.Errorf("%s does not say which subtest", name)
	}
	for _, declarations := range packages {
		if usesAll(declarations, function, parts) {
			return nil
		}
	}
	return fmt.Errorf("%s has no subtest %q", function, subtest)
}

func usesAll(declarations map[string]*declaration, function string, parts []string) bool {
	literals := reachable(declarations, function)
	for _, part := range parts {
		if part != "*" && !slices.ContainsFunc(literals, func(s string) bool { return isFormatted(s, part) }) {
			return false
		}
	}
	return true
}

// reachable returns the strings of a function and of the declarations that it
// uses. The tests themselves do not count: nobody calls them.
func reachable(declarations map[string]*declaration, function string) []string {
	var literals []string
	seen := map[string]bool{function: true}
	for queue := []string{function}; len(queue) > 0; queue = queue[1:] {
		d := declarations[queue[0]]
		literals = append(literals, d.literals...)
		for _, name := range d.names {
			if declarations[name] != nil && !seen[name] && !strings.HasPrefix(name, "Test") {
				seen[name] = true
				queue = append(queue, name)
			}
		}
	}
	return literals
}

var verb = regexp.MustCompile(`%[-+# 0]*\d*[a-zA-Z]`)

// isFormatted tells whether name is the string, or the string as a format
// yields it. A format must have words of its own.
func isFormatted(format, name string) bool {
	if format == name {
		return true
	}
	if !strings.Contains(strings.TrimSpace(verb.ReplaceAllString(format, "")), " ") {
		return false
	}
	var pattern strings.Builder
	end := 0
	for _, at := range verb.FindAllStringIndex(format, -1) {
		pattern.WriteString(regexp.QuoteMeta(format[end:at[0]]) + ".+")
		end = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(format[end:]))
	return end > 0 && regexp.MustCompile("^"+pattern.String()+"$").MatchString(name)
}

// findTests parses the tests of all our modules, and the conformance suite,
// whose subtests are not in test files.
func findTests(t *testing.T) testIndex {
	t.Helper()
	packages := map[string]map[string]*declaration{}
	for _, file := range findFiles(t, "*.go") {
		dir := filepath.ToSlash(filepath.Dir(file))
		if !strings.HasSuffix(file, "_test.go") && dir != "internal/conformance" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if packages[dir] == nil {
			packages[dir] = map[string]*declaration{}
		}
		addDeclarations(packages[dir], parsed)
	}
	index := testIndex{}
	for _, declarations := range packages {
		for name := range declarations {
			if regexp.MustCompile(`^(Test|Fuzz|Example)`).MatchString(name) {
				index[name] = append(index[name], declarations)
			}
		}
	}
	return index
}

func addDeclarations(declarations map[string]*declaration, file *ast.File) {
	add := func(name string, node ast.Node) {
		d := declarations[name]
		if d == nil {
			d = &declaration{}
			declarations[name] = d // Methods of the same name share one.
		}
		ast.Inspect(node, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.Ident:
				d.names = append(d.names, node.Name)
			case *ast.BasicLit:
				if text, err := strconv.Unquote(node.Value); err == nil && node.Kind == token.STRING {
					d.literals = append(d.literals, text)
				}
			}
			return true
		})
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			add(decl.Name.Name, decl)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range values.Names {
						add(name.Name, values)
					}
				}
			}
		}
	}
}
