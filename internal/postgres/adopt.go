package postgres

import (
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// AdoptedIndex is an index of the history table, made while it is in use.
type AdoptedIndex struct {
	Name string
	SQL  string // CREATE INDEX CONCURRENTLY
}

// Adoption is what makes an existing chrononaut_activity the history table: the
// migrations, taken apart by the locks that their statements need on it.
type Adoption struct {
	Indexes []AdoptedIndex
	// Apart do not touch the table.
	Apart []string
	// Guards are about the table itself and come last.
	Guards []string
}

// Adopt takes the migrations apart. The statement that creates the table is
// left out.
func Adopt(schema string) (*Adoption, error) {
	migrations, err := Migrations(schema)
	if err != nil {
		return nil, err
	}
	activity := QuoteIdent(schema) + ".chrononaut_activity"
	a := &Adoption{}
	for _, m := range migrations {
		for _, statement := range sqltext.Split(chronodriver.PostgreSQL, m.Up) {
			text := withoutComments(statement.Text)
			head, rest, _ := strings.Cut(text, activity)
			switch {
			case strings.HasPrefix(text, "CREATE TABLE "+activity+" ("):
			case isIndex(head) && strings.HasSuffix(head, " ON ") && strings.HasPrefix(rest, " "):
				fields := strings.Fields(head)
				name := fields[len(fields)-2]
				a.Indexes = append(a.Indexes, AdoptedIndex{name, strings.Replace(text, "INDEX "+name, "INDEX CONCURRENTLY IF NOT EXISTS "+name, 1)})
			case strings.HasPrefix(text, "COMMENT ON TABLE "+activity+" "),
				strings.HasPrefix(text, "ALTER TABLE "+activity+" "),
				strings.HasPrefix(text, "CREATE TRIGGER ") && strings.Contains(text, " ON "+activity+"\n"):
				a.Guards = append(a.Guards, text)
			default:
				a.Apart = append(a.Apart, text)
			}
		}
	}
	python := AdoptedIndex{Name: "chrononaut_activity_python"}
	if python.SQL, err = PlanSQL(schema, "adopt_python_index", PlanArgs{}); err != nil {
		return nil, err
	}
	a.Indexes = append(a.Indexes, python)
	return a, nil
}

func isIndex(head string) bool {
	return strings.HasPrefix(head, "CREATE INDEX ") || strings.HasPrefix(head, "CREATE UNIQUE INDEX ")
}

// withoutComments leaves out the comments before a statement.
func withoutComments(text string) string {
	text = strings.TrimSpace(text)
	for strings.HasPrefix(text, "--") {
		_, text, _ = strings.Cut(text, "\n")
		text = strings.TrimSpace(text)
	}
	return text
}
