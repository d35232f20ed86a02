package chrononaut_test

import (
	"errors"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// A record whose key changes between the plan and its application is found under
// its new one.
func TestRestoreOverwriteFollowsChangedKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE k (id integer PRIMARY KEY, v text)`)
	f.track("k", nil)
	f.exec(`INSERT INTO k VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')`)
	f.exec(`UPDATE k SET v = 'changed'`)
	plan := must(f.client.Restore(t.Context(), f.name("k"), keys(1, 2, 3), chrononaut.ToVersion(0), nil))(t)
	f.exec(`UPDATE k SET id = 5 WHERE id = 1`, `UPDATE k SET id = 6 WHERE id = 5`, `UPDATE k SET id = 7 WHERE id = 2`, `DELETE FROM k WHERE id = 7`)
	result := f.apply(plan, &chrononaut.RestoreApplyOpts{OnConflict: chrononaut.RestoreOverwrite})
	f.wantRows(`SELECT id || v FROM k ORDER BY id`, "1one", "2two", "3three", "4changed")
	if result.Updated != 2 || result.Inserted != 1 {
		t.Errorf("result: %+v", result)
	}

	// Another record has the key.
	f.exec(`UPDATE k SET v = 'changed'`)
	plan = must(f.client.Restore(t.Context(), f.name("k"), keys(1), chrononaut.ToVersion(0), nil))(t)
	f.exec(`UPDATE k SET id = 8 WHERE id = 1`, `UPDATE k SET id = 1 WHERE id = 4`)
	if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r", OnConflict: chrononaut.RestoreOverwrite}); !errors.Is(err, chrononaut.ErrRestoreConflict) {
		t.Errorf("written over another record: %v, %v", err, f.rows(`SELECT id || v FROM k ORDER BY id`))
	}
}
