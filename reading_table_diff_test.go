package chrononaut_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

func (f *fixture) tableDiff(h *chrononaut.History[map[string]any], from time.Time) []string {
	f.Helper()
	var got []string
	for r, err := range h.DiffAll(f.Context(), from, time.Time{}, nil) {
		if err != nil {
			f.Fatal(err)
		}
		line := fmt.Sprint(r.Kind, " ", r.Key, ":")
		for _, c := range r.Columns {
			line += fmt.Sprintf(" %s=%s>%s", c.Column, c.From, c.To)
		}
		got = append(got, line)
	}
	return got
}

func TestTableDiffsReadOlderNamesAndManyPages(t *testing.T) {
	t.Parallel()
	t.Run("columns that were renamed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r VALUES (1, 'x'), (2, 'x')`)
		from := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Limit: 1}))(t)[0].Changed
		f.exec(`UPDATE r SET a = 'y' WHERE id = 1`)
		f.rename("r", columns("a", "b"))
		f.exec(`UPDATE r SET b = 'z' WHERE id = 2`, `INSERT INTO r VALUES (3, 'x')`)
		got := f.tableDiff(history[map[string]any](f, "r"), from)
		want := []string{`changed map[id:1]: b="x">"y"`, `changed map[id:2]: b="x">"z"`, `inserted map[id:3]: b=>"x" id=>3`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("differences mismatch (-want +got):\n%s", diff)
		}
	})
	t.Run("more changes than a page has, most of which are not the last", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE r (id integer PRIMARY KEY, a integer)`)
		f.track("r", nil)
		f.exec(`INSERT INTO r SELECT i, 0 FROM generate_series(1, 3) AS i`)
		from := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Limit: 1}))(t)[0].Changed
		f.exec(`DO $$ BEGIN FOR i IN 1..600 LOOP UPDATE r SET a = i WHERE id = 1; END LOOP; END $$`,
			`INSERT INTO r SELECT i, 0 FROM generate_series(4, 1203) AS i`, `UPDATE r SET a = 1 WHERE id = 2`)
		got := f.tableDiff(history[map[string]any](f, "r"), from)
		const want = 1 + 1200 + 1
		if len(got) != want || got[0] != `changed map[id:1]: a=0>600` || got[want-1] != `changed map[id:2]: a=0>1` {
			t.Errorf("%d differences, want %d", len(got), want)
		}
	})
	t.Run("a table that is not tracked", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, err := range history[map[string]any](f, "nowhere").DiffAll(t.Context(), time.Time{}, time.Time{}, nil) {
			if !errors.Is(err, chrononaut.ErrNotTracked) {
				t.Errorf("error = %v, want ErrNotTracked", err)
			}
		}
	})
}
