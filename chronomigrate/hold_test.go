package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// wantHeld asserts that a statement is refused because of a hold.
func (f *fixture) wantHeld(sql string) {
	f.Helper()
	if _, err := f.pool.Exec(f.Context(), sql); chronodriver.State(err) != chronodriver.StateHeld {
		f.Errorf("%s\nwas not refused: %v", sql, err)
	}
}

// Rows of a table of which others are held are written at once. One that is held, or
// moves away from its key or to that of a held one, is refused with all the others.
func TestHoldStatements(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE lots (id integer PRIMARY KEY, owner integer, n integer)`)
	f.track("lots", nil)
	f.exec(`INSERT INTO lots SELECT i, i % 10, 0 FROM generate_series(1, 1000) AS i`, `SELECT chrononaut.hold('public', 'lots', '[{"id": 500}]', 'lawsuit')`,
		`UPDATE lots SET n = 1 WHERE id <> 500`, `DELETE FROM lots WHERE id > 900`, `INSERT INTO lots SELECT i, i % 10, 0 FROM generate_series(901, 2000) AS i`)
	f.wantText("999 update, 100 delete, 2100 insert", `SELECT string_agg(concat(c.n, ' ', c.operation), ', ' ORDER BY c.first)
		FROM (SELECT count(*) AS n, operation, CASE operation WHEN 'update' THEN 1 WHEN 'delete' THEN 2 ELSE 3 END AS first
		        FROM chrononaut.chrononaut_activity WHERE operation IN ('update', 'delete', 'insert') GROUP BY operation) AS c`)
	for _, sql := range []string{
		`UPDATE lots SET n = 2`, `UPDATE lots SET n = n WHERE id = 500`, `DELETE FROM lots WHERE id < 501`, `UPDATE lots SET id = -id`,
		`UPDATE lots SET id = 3000 WHERE id = 500`, `INSERT INTO lots VALUES (-1, 0, 0) ON CONFLICT DO NOTHING; UPDATE lots SET n = 3`,
	} {
		f.wantHeld(sql)
	}
	// Also once keys of the table were changed.
	f.exec(`SELECT chrononaut.release(1, 'over')`, `UPDATE lots SET n = 4`)
	f.exec(`UPDATE lots SET id = -id WHERE id = 7`, `SELECT chrononaut.hold('public', 'lots', '[{"id": 8}]', 'lawsuit')`, `UPDATE lots SET id = -id WHERE id = 9`)
	f.wantHeld(`UPDATE lots SET id = -id WHERE id = 8`)
	f.wantHeld(`UPDATE lots SET n = 5`)
	f.wantText("0", `SELECT count(*)::text FROM lots AS l WHERE (SELECT max(a.version) FROM chrononaut.chrononaut_activity AS a WHERE a.key = jsonb_build_object('id', l.id)) IS DISTINCT FROM l.version`)
}

// Holds go along in a dump. Where the value of the sequence was left out that says
// which tables are guarded, the triggers look always.
func TestDumpWithHolds(t *testing.T) {
	t.Parallel()
	f := dumped(t)
	f.exec(`SELECT chrononaut.hold('public', 'todos', '[{"id": 2}]', 'lawsuit')`)
	file := f.dump()
	whole := f.another()
	whole.mustRestore(file)
	whole.wantHeld(`UPDATE todos SET title = 'x' WHERE id = 2`)
	whole.exec(`SELECT chrononaut.release(1, 'over')`, `UPDATE todos SET title = 'x' WHERE id = 2`, `SELECT chrononaut.hold('public', 'todos', '[{"id": 2}]', 'another')`)
	whole.wantHeld(`DELETE FROM todos`)

	part := f.another()
	part.mustRestore(f.dump("--exclude-table-data=chrononaut.chrononaut_guarded"))
	part.wantHeld(`UPDATE todos SET title = 'x' WHERE id = 2`)
}
