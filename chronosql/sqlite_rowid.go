package chronosql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	sqlitesql "github.com/chrononaut-go/chrononaut/internal/sqlite"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

var rowidNames = []string{"rowid", "_rowid_", "oid"}

// tableFunctions have rowids of their own.
var tableFunctions = []string{"json_each", "json_tree", "jsonb_each", "jsonb_tree", "generate_series"}

// withoutRowid names the key in the place of the rowid, which views do not have:
// to SQLite "rowid" in quotes would be a string then. It does so where that is
// surely meant: all tables of the query have an INTEGER PRIMARY KEY of the same
// name, and nothing else could have a column that is called so.
func (j *journey) withoutRowid(query string, words []sqltext.Word) (string, error) {
	var rowids []sqltext.Word
	keys := map[string]bool{}
	sure := true
	for _, w := range words {
		r := j.relations[w.Name]
		switch {
		case slices.Contains(rowidNames, w.Name):
			if w.Parameter || query[w.Start] == '\'' {
				continue
			}
			rowids = append(rowids, w)
			sure = sure && w.Behind != "AS"
		case w.Name == "with", j.open[w.Name], slices.Contains(tableFunctions, w.Name), strings.HasPrefix(w.Name, "pragma_"):
			sure = false
		case r != nil && r.table != nil:
			keys[r.table.RowidAlias()] = true
			if slices.ContainsFunc(rowidNames, func(name string) bool { return r.table.Column(name) != nil }) {
				// It may well mean that column, and finds nothing else.
				keys[""] = true
			}
		case r != nil && r.names != nil:
			sure = false
		}
	}
	if len(rowids) == 0 || len(keys) == 0 || j.namesColumn(rowids, words) {
		return query, nil
	}
	if !sure || len(keys) != 1 || keys[""] {
		return "", fmt.Errorf("%w: the statement was not sent: it reads the %s of a table, which is not kept; name the primary key", chrononaut.ErrPast, rowids[0].Name)
	}
	var b strings.Builder
	copied := 0
	for key := range keys {
		for _, w := range rowids {
			b.WriteString(query[copied:w.Start] + sqlitesql.QuoteIdent(key))
			copied = w.End
		}
	}
	return b.String() + query[copied:], nil
}

// namesColumn reports whether the words are columns of a table of the query.
func (j *journey) namesColumn(rowids, words []sqltext.Word) bool {
	return !slices.ContainsFunc(rowids, func(rowid sqltext.Word) bool {
		return !slices.ContainsFunc(words, func(w sqltext.Word) bool {
			r := j.relations[w.Name]
			return r != nil && r.table != nil && r.table.Column(rowid.Name) != nil
		})
	})
}
