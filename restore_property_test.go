package chrononaut_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// library is a small world of tables that refer to each other and to themselves.
var library = []string{
	`CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL UNIQUE DEFERRABLE, mentor integer REFERENCES authors ON DELETE SET NULL ON UPDATE CASCADE)`,
	`CREATE TABLE books (author integer REFERENCES authors ON DELETE CASCADE ON UPDATE CASCADE, n integer, title text, price numeric(10,4),
	   tags text[], seen timestamptz, PRIMARY KEY (author, n))`,
	`CREATE TABLE pages (id integer PRIMARY KEY, author integer NOT NULL, n integer NOT NULL, body jsonb,
	   FOREIGN KEY (author, n) REFERENCES books ON DELETE CASCADE ON UPDATE CASCADE)`,
}

var libraryTables = []string{"authors", "books", "pages"}

// libraryState prints all rows without their versions.
func (f *fixture) libraryState() string {
	f.Helper()
	var b strings.Builder
	for _, table := range libraryTables {
		rows := must(f.pool.Query(f.Context(), "SELECT (to_jsonb(t) - 'version')::text FROM "+table+" AS t ORDER BY 1"))(f)
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				f.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", table, row)
		}
		if err := rows.Err(); err != nil {
			f.Fatal(err)
		}
	}
	return b.String()
}

// libraryChange is a random statement; one that breaks a constraint is undone.
func libraryChange(r *rand.Rand) string {
	const keys = 6
	id, other, n := r.IntN(keys), r.IntN(keys), r.IntN(3)
	switch r.IntN(14) {
	case 0, 1:
		return fmt.Sprintf(`INSERT INTO authors VALUES (%d, 'a%d', %d) ON CONFLICT DO NOTHING`, id, r.IntN(20), other)
	case 2:
		return fmt.Sprintf(`INSERT INTO authors VALUES (%d, 'a%d')`, id, r.IntN(20))
	case 3, 4, 5:
		return fmt.Sprintf(`INSERT INTO books VALUES (%d, %d, 'b%d', %d.5, '{x,y}', now()) ON CONFLICT (author, n) DO UPDATE SET title = excluded.title`, id, n, r.IntN(9), r.IntN(9))
	case 6, 7:
		return fmt.Sprintf(`INSERT INTO pages VALUES (%d, %d, %d, '{"p": %d}') ON CONFLICT (id) DO UPDATE SET body = excluded.body`, r.IntN(12), id, n, r.IntN(9))
	case 8:
		return fmt.Sprintf(`DELETE FROM authors WHERE id = %d`, id)
	case 9:
		return fmt.Sprintf(`DELETE FROM books WHERE author = %d AND n = %d`, id, n)
	case 10:
		return fmt.Sprintf(`UPDATE authors SET mentor = %d WHERE id = %d`, other, id)
	case 11:
		return fmt.Sprintf(`UPDATE authors SET id = %d WHERE id = %d`, other, id)
	case 12:
		return fmt.Sprintf(`UPDATE books SET n = %d, price = price + 1 WHERE author = %d`, n, id)
	}
	return fmt.Sprintf(`UPDATE books SET title = 'c%d', tags = tags || 'z' WHERE n = %d`, r.IntN(9), n)
}

// moment is a state of the library and the time by which it was complete.
type moment struct {
	state string
	at    time.Time
}

func (f *fixture) libraryHistory(ctx context.Context, r *rand.Rand, transactions int) []moment {
	f.Helper()
	var moments []moment
	for range transactions {
		tx := must(f.db.Begin(ctx))(f)
		for range 1 + r.IntN(3) {
			inner := must(tx.Begin(ctx))(f)
			if _, err := inner.Exec(ctx, libraryChange(r)); err != nil {
				_ = inner.Rollback(ctx)
			} else if err := inner.Commit(ctx); err != nil {
				f.Fatal(err)
			}
		}
		if err := tx.Commit(ctx); err != nil {
			f.Fatal(err)
		}
		moments = append(moments, moment{f.libraryState(), f.now()})
	}
	return moments
}

func (f *fixture) apply(plan *chrononaut.RestorePlan, opts *chrononaut.RestoreApplyOpts) *chrononaut.RestoreResult {
	f.Helper()
	o := chrononaut.RestoreApplyOpts{}
	if opts != nil {
		o = *opts
	}
	o.Rationale = "because"
	result, err := plan.Apply(f.Context(), &o)
	if err != nil {
		f.Fatalf("apply: %v\n%s", err, plan)
	}
	if len(result.Differences) > 0 {
		f.Fatalf("differences: %+v\n%s", result.Differences, plan)
	}
	return result
}

func TestRestoreModel(t *testing.T) {
	t.Parallel()
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(library...)
			for _, table := range libraryTables {
				f.track(table, &chronomigrate.TrackOptions{})
			}
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			ctx := chrononaut.WithActor(t.Context(), "writer")
			moments := f.libraryHistory(ctx, r, 40)
			for round := range 6 {
				goal := moments[r.IntN(len(moments))]
				before := f.libraryState()
				f.restoreLibrary(round, goal, before)
				// A state that was brought back is history like any other.
				moments = append(moments, moment{f.libraryState(), f.now()})
				moments = append(moments, f.libraryHistory(ctx, r, 3)...)
			}
		})
	}
}

func (f *fixture) restoreLibrary(round int, goal moment, before string) {
	f.Helper()
	var plan *chrononaut.RestorePlan
	if round%2 == 0 {
		opts := &chrononaut.RestoreOpts{DeleteNew: true, With: []chrononaut.Table{f.name("books"), f.name("authors")}}
		plan = must(f.client.Restore(f.Context(), f.name("pages"), nil, chrononaut.ToPoint(chrononaut.At(goal.at)), opts))(f)
	} else {
		var err error
		target := chrononaut.RevertTarget{Actor: "writer", Since: goal.at.Add(time.Microsecond)}
		if plan, err = f.client.Revert(f.Context(), target, nil); err != nil {
			return // Nothing has changed since.
		}
	}
	opts := &chrononaut.RestoreApplyOpts{OnConflict: chrononaut.RestoreOverwrite}
	if round%2 != 0 && len(plan.Conflicts()) > 0 {
		return // Restores in between are another's changes.
	}
	result := f.apply(plan, opts)
	if round%2 == 0 {
		if diff := cmp.Diff(goal.state, f.libraryState()); diff != "" {
			f.Fatalf("restored state (-want +got):\n%s\n%s", diff, plan)
		}
	}
	if len(result.Transactions) == 0 {
		return
	}
	after := f.libraryState()
	back := must(f.client.Revert(f.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))(f)
	again := f.apply(back, nil)
	if diff := cmp.Diff(before, f.libraryState()); diff != "" {
		f.Fatalf("state after the revert (-want +got):\n%s\n%s", diff, back)
	}
	f.apply(must(f.client.Revert(f.Context(), chrononaut.RevertTarget{Transaction: again.Transactions[0]}, nil))(f), nil)
	if diff := cmp.Diff(after, f.libraryState()); diff != "" {
		f.Fatalf("state after the revert of the revert (-want +got):\n%s", diff)
	}
}
