package postgres

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// history is the migrations of a history schema and what they make, as far as it
// is asked for again and again: every plan and every check compares it with the
// catalog.
type history struct {
	schema             string
	migrations         []Migration
	indexes, functions map[string]string
	closed             []string
}

// lastHistory is that of the schema that was asked for last. Hardly any process
// has more than one, and one that has very many must not keep them all.
var lastHistory atomic.Pointer[history]

func historyOf(schema string) (*history, error) {
	if last := lastHistory.Load(); last != nil && last.schema == schema {
		return last, nil
	}
	migrations, err := renderMigrations(schema)
	if err != nil {
		return nil, err
	}
	h := &history{schema: schema, migrations: migrations, indexes: map[string]string{}, functions: map[string]string{}}
	for _, m := range migrations {
		for _, statement := range sqltext.Split(chronodriver.PostgreSQL, m.Up) {
			h.add(statement.Text)
		}
	}
	slices.Sort(h.closed)
	lastHistory.Store(h)
	return h, nil
}

func (h *history) add(statement string) {
	if i := historyIndex.FindStringSubmatchIndex(statement); i != nil {
		h.indexes[statement[i[2]:i[3]]] = strings.TrimSpace(statement[i[0]:])
	}
	if revoked := closedFunction.FindStringSubmatch(statement); revoked != nil {
		// A signature has no name before its parentheses.
		for _, name := range functionName.FindAllStringSubmatch(revoked[1], -1) {
			h.closed = append(h.closed, name[1])
		}
	}
	// A comment may come first.
	if _, rest, ok := strings.Cut(statement, "CREATE FUNCTION "+QuoteIdent(h.schema)+"."); ok {
		name, _, _ := strings.Cut(rest, "(")
		h.functions[name] = "CREATE OR REPLACE FUNCTION " + QuoteIdent(h.schema) + "." + rest
	}
}

// HistoryIndexes returns the CREATE INDEX statements of the history table, by
// the name of the index.
func HistoryIndexes(schema string) (map[string]string, error) {
	h, err := historyOf(schema)
	if err != nil {
		return nil, err
	}
	return maps.Clone(h.indexes), nil
}

// ClosedFunctions returns the names of the functions that the migrations take from
// PUBLIC.
func ClosedFunctions(schema string) ([]string, error) {
	h, err := historyOf(schema)
	if err != nil {
		return nil, err
	}
	return slices.Clone(h.closed), nil
}

// HistoryFunctions returns the CREATE OR REPLACE FUNCTION statements of the
// functions that the migrations make, by name: the triggers call them.
func HistoryFunctions(schema string) (map[string]string, error) {
	h, err := historyOf(schema)
	if err != nil {
		return nil, err
	}
	return maps.Clone(h.functions), nil
}

var (
	historyIndex   = regexp.MustCompile(`CREATE (?:UNIQUE )?INDEX (chrononaut_activity_\w+) ON `)
	closedFunction = regexp.MustCompile(`REVOKE EXECUTE ON FUNCTION ([^;]*) FROM PUBLIC`)
	functionName   = regexp.MustCompile(`\.(\w+)\(`)
)
