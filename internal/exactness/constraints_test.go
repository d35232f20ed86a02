package exactness_test

import (
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

// TestChecksAfterWrites has a transaction come to an end because of what another
// one has done, after all of its own writes: PostgreSQL checks foreign keys when
// the rows are written already, deferred ones when the transaction ends. The other
// goes on writing meanwhile. A state in which the first is there and the second
// is not was never allowed.
func TestChecksAfterWrites(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		// reference is how children refer to their parents.
		reference string
		// other is what the other transaction begins with, own what waits for it.
		other, own string
		deferred   bool
	}{
		{"a parent is deleted whose child has just been deleted", "", "DELETE FROM children WHERE id = 1", "DELETE FROM parents WHERE id = 1", false},
		{"a deletion that cascades finds no child any more", "ON DELETE CASCADE", "DELETE FROM children WHERE id = 1", "DELETE FROM parents WHERE id = 1", false},
		{"a parent gets another key when its child has just been deleted", "", "DELETE FROM children WHERE id = 1", "UPDATE parents SET id = 7 WHERE id = 1", false},
		{"a new key that cascades finds no child any more", "ON UPDATE CASCADE", "UPDATE children SET parent = 2 WHERE id = 1", "UPDATE parents SET id = 7 WHERE id = 1", false},
		{"a parent is truncated whose child has just been deleted", "", "DELETE FROM children", "TRUNCATE parents, children", false},
		{"a child comes before its parent", "DEFERRABLE INITIALLY DEFERRED", "INSERT INTO parents VALUES (3)", "INSERT INTO children VALUES (3, 3)", true},
		{"a parent goes before its child", "DEFERRABLE INITIALLY DEFERRED", "DELETE FROM children WHERE id = 1", "DELETE FROM parents WHERE id = 1", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.exec(`CREATE TABLE parents (id integer PRIMARY KEY)`,
				`CREATE TABLE children (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES parents `+tc.reference+`)`,
				`CREATE TABLE others (id integer PRIMARY KEY)`)
			l.track("parents", nil)
			l.track("children", nil)
			l.track("others", nil)
			l.exec(`INSERT INTO parents VALUES (1), (2)`, `INSERT INTO children VALUES (1, 1), (2, 2)`)

			began := l.now()
			other, own := l.begin(), l.begin()
			other.exec(tc.other)
			instants := []time.Time{l.now()}
			ended := make(chan error, 1)
			go func() {
				_, err := own.tx.Exec(t.Context(), tc.own)
				if tc.deferred {
					ended <- err
					return
				}
				if err == nil {
					err = own.tx.Commit(t.Context())
				}
				ended <- err
			}()
			if tc.deferred {
				if err := <-ended; err != nil {
					t.Fatal(describe(err))
				}
			} else {
				l.blocked(own.pid)
			}
			instants = append(instants, l.now())
			other.exec(`INSERT INTO others VALUES (1)`)
			instants = append(instants, l.now())
			other.commit()
			if tc.deferred {
				own.commit()
			} else if err := <-ended; err != nil {
				t.Fatal(describe(err))
			}

			instants = append(instants, value[[]time.Time](l, "SELECT array_agg(changed) FROM chrononaut.chrononaut_activity WHERE changed > $1", began)...)
			for _, at := range append(instants, l.now()) {
				l.want(chrononaut.At(at), "SELECT c.id::text FROM children AS c LEFT JOIN parents AS p ON p.id = c.parent WHERE p.id IS NULL")
			}
		})
	}
}
