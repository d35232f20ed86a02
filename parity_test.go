package chrononaut_test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// parityRows are the rows that docs/parity.md must have: the behaviour of
// Python chrononaut (P), its defects (B) and the traps of triggers (T).
var parityRows = map[string][2]int{
	"P-001": {1, 12}, "P-020": {20, 30}, "P-040": {40, 48}, "P-050": {50, 57}, "P-060": {60, 65}, "P-070": {70, 72},
	"P-075": {75, 78}, "P-080": {80, 84}, "P-090": {90, 95}, "B-01": {1, 51},
	"T01": {1, 14}, "T20": {20, 33}, "T40": {40, 51}, "T60": {60, 84},
}

// TestParityNamesTestsThatExist reads docs/parity.md: every row is there, and
// every test that it names is in the repository.
func TestParityNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := testsInRepository(t)
	file, err := os.Open("docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	row := regexp.MustCompile(`^\| ((?:P-|B-|T)\d+b?) \|`)
	named := regexp.MustCompile("`((?:Test|Fuzz|Example)[^`]*)`")
	seen := map[string]bool{}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		match := row.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		seen[match[1]] = true
		names := named.FindAllStringSubmatch(line, -1)
		elsewhere := strings.Contains(line, "no counterpart") || strings.Contains(line, "later issue") || strings.Contains(line, "documented")
		if len(names) == 0 && !elsewhere {
			t.Errorf("docs/parity.md:%d: %s names no test and does not say why", n, match[1])
		}
		for _, name := range names {
			function, subtest, _ := strings.Cut(name[1], "/")
			source, ok := tests[function]
			if !ok {
				t.Errorf("docs/parity.md:%d: %s names %s, which does not exist", n, match[1], function)
				continue
			}
			if subtest != "" && !strings.Contains(source, subtest) {
				t.Errorf("docs/parity.md:%d: %s names the subtest %q of %s, which does not exist", n, match[1], subtest, function)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for first, bounds := range parityRows {
		prefix := strings.TrimRight(first, "0123456789")
		digits := len(first) - len(prefix)
		for i := bounds[0]; i <= bounds[1]; i++ {
			id := prefix + pad(i, digits)
			if !seen[id] {
				t.Errorf("docs/parity.md has no row %s", id)
			}
		}
	}
}

func pad(n, digits int) string {
	s := ""
	for ; n > 0; n /= 10 {
		s = string(rune('0'+n%10)) + s
	}
	for len(s) < digits {
		s = "0" + s
	}
	return s
}

// testsInRepository maps the name of each test function to its package's test
// sources, where its subtests are to be found.
func testsInRepository(t *testing.T) map[string]string {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
	packages := map[string]string{}
	names := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		inSuite := strings.Contains(filepath.ToSlash(path), "internal/conformance/")
		if !strings.HasSuffix(path, "_test.go") && !inSuite {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		packages[dir] += string(source)
		for _, match := range function.FindAllStringSubmatch(string(source), -1) {
			names[match[1]] = append(names[match[1]], dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{}
	for name, dirs := range names {
		for _, dir := range dirs {
			tests[name] += packages[dir]
		}
	}
	return tests
}
