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
