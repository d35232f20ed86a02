package chronomigrate_test

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// JSON in PostgreSQL cannot hold a text of 256 MiB or more.
func TestTextThatJSONCannotHold(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs a gigabyte of memory")
	}
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, body text)`)
	f.exec(`ALTER TABLE docs ALTER body SET STORAGE EXTERNAL`)
	f.track("docs", nil)
	const insert = `INSERT INTO docs VALUES (1, repeat('x', 268435456))`
	// The error says where it comes from, and nothing is left of the write.
	if err := f.refusal("54000", insert); !strings.Contains(err.Where, "docs") {
		t.Errorf("error %v at %s, which does not name the table", err, err.Where)
	}
	f.wantText("0 0", `SELECT (SELECT count(*) FROM docs) || ' ' || (SELECT count(*) FROM chrononaut.chrononaut_activity WHERE operation = 'insert')`)

	f.track("docs", &chronomigrate.TrackOptions{Untracked: []string{"body"}})
	f.exec(insert)
	f.wantText(`{"id": 1, "version": 0}`, `SELECT data::text FROM chrononaut.chrononaut_activity WHERE operation = 'insert'`)
}
