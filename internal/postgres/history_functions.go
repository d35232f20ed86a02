package postgres

import (
	"regexp"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// HistoryIndexes returns the CREATE INDEX statements of the history table, by
// the name of the index.
func HistoryIndexes(schema string) (map[string]string, error) {
	migrations, err := Migrations(schema)
	if err != nil {
		return nil, err
	}
	indexes := map[string]string{}
	for _, m := range migrations {
		for _, statement := range sqltext.Split(chronodriver.PostgreSQL, m.Up) {
			i := historyIndex.FindStringSubmatchIndex(statement.Text)
			if i == nil {
				continue
			}
			indexes[statement.Text[i[2]:i[3]]] = strings.TrimSpace(statement.Text[i[0]:])
		}
	}
	return indexes, nil
}

// ClosedFunctions returns the names of the functions that the migrations take from
// PUBLIC.
func ClosedFunctions(schema string) ([]string, error) {
	migrations, err := Migrations(schema)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range migrations {
		for _, statement := range sqltext.Split(chronodriver.PostgreSQL, m.Up) {
			revoked := closedFunction.FindStringSubmatch(statement.Text)
			if revoked == nil {
				continue
			}
			// A signature has no name before its parentheses.
			for _, name := range functionName.FindAllStringSubmatch(revoked[1], -1) {
				names = append(names, name[1])
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

var (
	closedFunction = regexp.MustCompile(`REVOKE EXECUTE ON FUNCTION ([^;]*) FROM PUBLIC`)
	functionName   = regexp.MustCompile(`\.(\w+)\(`)
)

var historyIndex = regexp.MustCompile(`CREATE (?:UNIQUE )?INDEX (chrononaut_activity_\w+) ON `)

// HistoryFunctions returns the CREATE OR REPLACE FUNCTION statements of the
// functions that the migrations make, by name: the triggers call them.
func HistoryFunctions(schema string) (map[string]string, error) {
	migrations, err := Migrations(schema)
	if err != nil {
		return nil, err
	}
	functions := map[string]string{}
	prefix := "CREATE FUNCTION " + QuoteIdent(schema) + "."
	for _, m := range migrations {
		for _, statement := range sqltext.Split(chronodriver.PostgreSQL, m.Up) {
			// A comment may come first.
			i := strings.Index(statement.Text, prefix)
			if i < 0 {
				continue
			}
			rest := statement.Text[i+len(prefix):]
			name, _, _ := strings.Cut(rest, "(")
			functions[name] = "CREATE OR REPLACE FUNCTION " + QuoteIdent(schema) + "." + rest
		}
	}
	return functions, nil
}
