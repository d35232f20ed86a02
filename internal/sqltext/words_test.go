package sqltext_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

func TestWords(t *testing.T) {
	t.Parallel()
	const in = `SELECT "Odd ""x""".[y] AS z, :p, 'S' FROM t -- no
		/* none */ WHERE 1e5 < ?1`
	var got []string
	for _, w := range sqltext.Words(in) {
		name := w.Name
		if w.Parameter {
			name = "parameter " + name
		}
		if w.Behind == "AS" {
			name = "as " + name
		}
		got = append(got, name+" "+in[w.Start:w.End])
	}
	want := []string{"select SELECT", `odd "x" "Odd ""x"""`, "y [y]", "as AS", "as z z", "parameter p p", "s 'S'", "from FROM", "t t", "where WHERE"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Words mismatch (-want +got):\n%s", diff)
	}
}

func TestRefusedInPastOfSQLite(t *testing.T) {
	t.Parallel()
	for query, refused := range map[string]bool{
		"SELECT 1": false, "WITH a AS (SELECT 1) SELECT * FROM a": false, "VALUES (1)": false, "EXPLAIN QUERY PLAN SELECT 1": false,
		"PRAGMA table_info(todos)": false, "SAVEPOINT a": false, "ROLLBACK TO a": false, "RELEASE a": false,
		"PRAGMA query_only = 0": true, "PRAGMA query_only(0)": true, "PRAGMA main.query_only": true, "BEGIN": true, "END": true, "ROLLBACK": true,
		"INSERT INTO a VALUES (1)": true, "WITH a AS (SELECT 1) DELETE FROM b": true, "REPLACE INTO a VALUES (1)": true,
		"ATTACH 'x' AS y": true, "VACUUM": true, "DROP VIEW temp.todos": true, "CREATE TABLE a (b)": true, "ANALYZE": true,
	} {
		for _, s := range sqltext.Split(sqlite, query) {
			if got := s.RefusedInPastOfSQLite(); (got != "") != refused {
				t.Errorf("%s: refused %q, want it: %v", query, got, refused)
			}
		}
	}
}
