package chrononaut_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// snippetImports are the packages that the Go snippets of the documentation
// may use, by the name that they use them by.
var snippetImports = map[string]string{
	"chrononaut":    "github.com/chrononaut-go/chrononaut",
	"chronodriver":  "github.com/chrononaut-go/chrononaut/chronodriver",
	"chronogorm":    "github.com/chrononaut-go/chrononaut/chronogorm",
	"chronohttp":    "github.com/chrononaut-go/chrononaut/chronohttp",
	"chronoimport":  "github.com/chrononaut-go/chrononaut/chronoimport",
	"chronomigrate": "github.com/chrononaut-go/chrononaut/chronomigrate",
	"chronopgx":     "github.com/chrononaut-go/chrononaut/chronopgx",
	"chronosql":     "github.com/chrononaut-go/chrononaut/chronosql",
	"chronotest":    "github.com/chrononaut-go/chrononaut/chronotest",
	"chronounsafe":  "github.com/chrononaut-go/chrononaut/chronounsafe",
	"context":       "context",
	"errors":        "errors",
	"fmt":           "fmt",
	"gorm":          "gorm.io/gorm",
	"http":          "net/http",
	"iter":          "iter",
	"json":          "encoding/json",
	"netip":         "net/netip",
	"pgx":           "github.com/jackc/pgx/v5",
	"pgxpool":       "github.com/jackc/pgx/v5/pgxpool",
	"postgres":      "gorm.io/driver/postgres",
	"sql":           "database/sql",
	"stdlib":        "github.com/jackc/pgx/v5/stdlib",
	"time":          "time",
}

// snippetScope is what the snippets take for granted. What they declare
// themselves hides it.
const snippetScope = `
var (
	ctx         context.Context
	databaseURL string
	pool        *pgxpool.Pool
	conn        *pgx.Conn
	db          *gorm.DB
	sqlConn     *sql.Conn
	id          int64
	todo        Todo
	h           *chrononaut.History[Todo]
	monday      time.Time
	tuesday     time.Time
	yesterday   time.Time
)

type Todo struct {
	ID    int64
	Title string
	Done  bool
}
`

// TestSnippetsCompile type-checks the Go code of README.md and the guides, so
// that they say what the code does.
func TestSnippetsCompile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	lookup := exportData(t)
	fence := regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	for _, file := range append(files, "README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range fence.FindAllSubmatchIndex(text, -1) {
			line := 1 + strings.Count(string(text[:at[2]]), "\n")
			if err := checkSnippet(string(text[at[2]:at[3]]), lookup); err != nil {
				t.Errorf("%s:%d: %v", file, line, err)
			}
		}
	}
}

// checkSnippet type-checks declarations, or else statements. Positions in its
// error count from the snippet's first line.
func checkSnippet(snippet string, lookup importer.Lookup) error {
	fset := token.NewFileSet()
	// The scope is a file of its own, so that lines stay what they are.
	scope, err := parser.ParseFile(fset, "scope", header(snippetScope)+snippetScope, 0)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(fset, "snippet", header(snippet)+snippet, 0)
	if err != nil {
		file, err = parser.ParseFile(fset, "snippet", header(snippet)+"func _() {"+snippet+"\n}", 0)
	}
	if err != nil {
		return err
	}
	var first error
	config := types.Config{
		Importer: importer.ForCompiler(fset, "gc", lookup),
		Error: func(err error) {
			// Soft errors are unused variables and imports.
			if problem, ok := err.(types.Error); (!ok || !problem.Soft) && first == nil { //nolint:errorlint // not wrapped
				first = err
			}
		},
	}
	_, _ = config.Check("snippet", fset, []*ast.File{scope, file}, nil)
	return first
}

// header imports what a text uses, on one line.
func header(text string) string {
	var b strings.Builder
	b.WriteString("package snippet;")
	for name, path := range snippetImports {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(text) {
			fmt.Fprintf(&b, "import %s %q;", name, path)
		}
	}
	return b.String()
}

// exportData finds the compiled types of the packages that snippets use.
func exportData(t *testing.T) importer.Lookup {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}"}
	for _, path := range snippetImports {
		args = append(args, path)
	}
	slices.Sort(args[5:])
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
}
