package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

func TestLogFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`CREATE TABLE other (id integer PRIMARY KEY, title text)`)
	f.track("other", nil)
	ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "o'bob")
	f.execAs(ann, `INSERT INTO todos (id, title, secret) VALUES (1, 'a', 's')`, `INSERT INTO other VALUES (1, 'a')`)
	f.execAs(bob, `UPDATE todos SET title = 'b'`, `UPDATE todos SET secret = 't'`, `UPDATE todos SET title = 'b', done = true`,
		`UPDATE todos SET id = 2`, `UPDATE todos SET title = 'c'`, `DELETE FROM todos`, `INSERT INTO todos (id, title) VALUES (2, 'c')`)
	all := []chrononaut.Change{}
	for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{OldestFirst: true}))(t) {
		if c.Operation != chrononaut.OperationTrack {
			all = append(all, c)
		}
	}
	todos := f.name("todos")
	for name, tc := range map[string]struct {
		opts chrononaut.ActivityOpts
		want []int
	}{
		"actor":                       {chrononaut.ActivityOpts{Actor: "ann"}, []int{0, 1}},
		"actor and table":             {chrononaut.ActivityOpts{Actor: "ann", Table: todos}, []int{0}},
		"actor with a quote":          {chrononaut.ActivityOpts{Actor: "o'bob", Limit: 2}, []int{2, 3}},
		"nobody":                      {chrononaut.ActivityOpts{Actor: "' OR true --"}, []int{}},
		"table":                       {chrononaut.ActivityOpts{Table: f.name("other"), Operation: "insert"}, []int{1}},
		"operation":                   {chrononaut.ActivityOpts{Operation: chrononaut.OperationDelete}, []int{7}},
		"transaction":                 {chrononaut.ActivityOpts{Transaction: all[4].TransactionID}, []int{4}},
		"since and until":             {chrononaut.ActivityOpts{Since: all[2].Changed, Until: all[4].Changed}, []int{2, 3, 4}},
		"after and before an id":      {chrononaut.ActivityOpts{AfterID: all[2].ID, BeforeID: all[5].ID}, []int{3, 4}},
		"column":                      {chrononaut.ActivityOpts{Column: "title", Table: todos}, []int{0, 2, 6, 8}},
		"column of a changed key":     {chrononaut.ActivityOpts{Column: "id", Table: todos}, []int{0, 5, 8}},
		"hidden column":               {chrononaut.ActivityOpts{Column: "secret", Table: todos}, []int{0, 3}},
		"untracked column":            {chrononaut.ActivityOpts{Column: "visits", Table: todos}, []int{}},
		"column with a quote":         {chrononaut.ActivityOpts{Column: `title'"`, Table: todos}, []int{}},
		"a column, without its table": {chrononaut.ActivityOpts{Column: "done"}, []int{0, 4, 8}},
	} {
		tc.opts.OldestFirst = true
		got := []int{}
		for _, c := range must(f.client.Activity(t.Context(), &tc.opts))(t) {
			got = append(got, slices.IndexFunc(all, func(a chrononaut.Change) bool { return a.ID == c.ID }))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("by %s: changes mismatch (-want +got):\n%s", name, diff)
		}
	}
	newest := must(f.client.Activity(t.Context(), nil))(t)
	if newest[0].ID != all[8].ID || newest[0].Actor != "o'bob" || newest[0].DatabaseUser == "" {
		t.Errorf("newest change = %+v, want the last one, by o'bob", newest[0])
	}
	if _, err := f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("nothing")}); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("a table that was never tracked: error = %v, want ErrNotTracked", err)
	}
}

// Pages of a record's versions and of the log lose nothing and repeat nothing while others write.
func TestPagesWhileOthersWrite(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, '0')`)
	for i := range 30 {
		f.exec(fmt.Sprintf(`UPDATE todos SET title = '%d' WHERE id = 1`, i+1))
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := f.db.Exec(ctx, fmt.Sprintf(`UPDATE todos SET title = 'w%d %d' WHERE id = 1`, w, i)); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var got []int
	next := 0
	for range 12 {
		page := versions(f, h, 1, &chrononaut.VersionsOpts{FromVersion: &next, Limit: 3})
		for _, s := range page {
			got = append(got, s.Version)
			next = s.Version + 1
		}
	}
	for i, v := range got {
		if v != i {
			t.Fatalf("versions of the pages = %v, want each once, in order", got)
		}
	}
	// Backwards through the log: what was there when the first page was read comes once.
	before := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Limit: -1}))(t)
	opts := chrononaut.ActivityOpts{BeforeID: before[0].ID + 1, Limit: 7}
	var ids, want []int64
	for {
		page := must(f.client.Activity(t.Context(), &opts))(t)
		for _, c := range page {
			ids = append(ids, c.ID)
			opts.BeforeID = c.ID
		}
		if len(page) < opts.Limit {
			break
		}
	}
	stop()
	writers.Wait()
	for _, c := range before {
		want = append(want, c.ID)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids of the pages mismatch (-want +got):\n%s", diff)
	}
}
