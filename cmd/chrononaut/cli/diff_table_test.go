package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffOfATableTellsWhatBecameOfItsRecords(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		w.mustSQL(todos)
		w.must("track", "todos")
		w.mustSQL(`INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')`)
		middle := w.changes("todos", "4")[0]["changed"].(string)
		w.mustSQL(`UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos WHERE id = 2`, `UPDATE todos SET id = 5 WHERE id = 3`)
		got := w.must("diff", "todos", "--from", middle)
		want := "changed 1  title: a → x\ndeleted 2\nchanged 3 → 5  id: 3 → 5\n"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("diff of the table mismatch (-want +got):\n%s", diff)
		}
		if got := w.must("diff", "todos", "1", "4", "--from", middle); got != "changed 1  title: a → x\n" {
			t.Errorf("diff of two records = %q", got)
		}
		unified := w.must("diff", "todos", "--from", middle, "--format", "unified")
		if want := "-id: 3\n+id: 5\n"; !strings.HasSuffix(unified, want) {
			t.Errorf("unified diff = %q, want it to end with %q", unified, want)
		}
	})
}
