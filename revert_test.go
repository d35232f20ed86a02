package chrononaut_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestRevertKeepsWhatOthersChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	job, ann := chrononaut.WithActor(t.Context(), "job"), chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), "asked for")
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two'), (3, 'three')`)
	f.execAs(job, `UPDATE todos SET title = title || '!'; INSERT INTO todos VALUES (4, 'four'); DELETE FROM todos WHERE id = 3`)
	f.execAs(ann, `UPDATE todos SET done = true WHERE id = 1`, `UPDATE todos SET title = 'zwei' WHERE id = 2`, `UPDATE todos SET done = true WHERE id = 4`)
	plan := must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "job"}, nil))(t)
	var conflicts []string
	for _, i := range plan.Conflicts() {
		l := i.Later[len(i.Later)-1]
		conflicts = append(conflicts, fmt.Sprintf("%v %s %s %s %v %v", i.Key["id"], i.Action, l.Actor, l.Rationale, l.Columns, l.Undone))
	}
	slices.Sort(conflicts)
	if want := []string{"2 update ann asked for [title] false", "4 delete ann asked for [done] false"}; !slices.Equal(conflicts, want) {
		t.Errorf("conflicts: %q, want %q", conflicts, want)
	}
	var conflict *chrononaut.RestoreConflictError
	if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}); !errors.As(err, &conflict) || len(conflict.Conflicts) != 2 {
		t.Errorf("apply: %v", err)
	}
	f.apply(plan, &chrononaut.RestoreApplyOpts{OnConflict: chrononaut.RestoreSkip})
	f.wantRows(`SELECT row(id, title, done)::text FROM todos ORDER BY id`, "(1,one,t)", "(2,zwei,f)", "(3,three,f)", "(4,four,t)")
	if _, err := f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "nobody"}, nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("revert of nothing: %v", err)
	}
}

func TestRevertNamesRowsThatRefer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE a (id integer PRIMARY KEY, code text UNIQUE)`, `CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a ON DELETE CASCADE)`)
	f.track("a", &chronomigrate.TrackOptions{})
	f.track("b", &chronomigrate.TrackOptions{})
	job := chrononaut.WithActor(t.Context(), "job")
	f.execAs(job, `INSERT INTO a VALUES (1, 'x')`)
	plan := must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "job"}, nil))(t)
	f.exec(`INSERT INTO b VALUES (1, 1)`)
	// The plan is older than the row, which the foreign key would delete.
	if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}); !errors.Is(err, chrononaut.ErrRestoreBlocked) {
		t.Errorf("apply: %v", err)
	}
	plan = must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "job"}, nil))(t)
	if got := problems(plan); !slices.Equal(got, []string{"referenced"}) {
		t.Errorf("problems: %v", got)
	}
	f.wantRows(`SELECT id::text FROM b`, "1")
	f.exec(`DELETE FROM b`, `DELETE FROM a`, `INSERT INTO a VALUES (2, 'x')`)
	// The unique value is another's, the parent is gone.
	if got := problems(f.undelete("a", chrononaut.Key{"id": 1})); !slices.Equal(got, []string{"unique"}) {
		t.Errorf("problems: %v", got)
	}
	if got := problems(f.undelete("b", chrononaut.Key{"id": 1})); !slices.Equal(got, []string{"parent"}) {
		t.Errorf("problems: %v", got)
	}
}

// Records that exchange their keys, and one whose key changed twice.
func TestRevertKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE k (id integer PRIMARY KEY DEFERRABLE, name text)`)
	f.track("k", &chronomigrate.TrackOptions{})
	f.exec(`INSERT INTO k VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
	job := chrononaut.WithActor(t.Context(), "job")
	f.execAs(job, `UPDATE k SET id = 3 - id WHERE id < 3; UPDATE k SET id = 7 WHERE id = 3; UPDATE k SET id = 8 WHERE id = 7`)
	f.wantRows(`SELECT id || name FROM k ORDER BY id`, "1b", "2a", "8c")
	f.apply(must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "job"}, nil))(t), nil)
	f.wantRows(`SELECT id || name FROM k ORDER BY id`, "1a", "2b", "3c")
}

// A writer races with plans that are applied. Each of its changes is either in the
// row, or was seen and refused: none is lost without a trace in a conflict.
func TestRestoreRacesWithAWriter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE c (id integer PRIMARY KEY, n integer NOT NULL, note text)`)
	f.track("c", &chronomigrate.TrackOptions{})
	f.exec(`INSERT INTO c VALUES (1, 0, 'good')`, `UPDATE c SET note = 'bad'`)
	const rounds = 40
	var wg sync.WaitGroup
	wg.Go(func() {
		for range rounds {
			if _, err := f.db.Exec(t.Context(), `UPDATE c SET n = n + 1, note = 'bad'`); err != nil {
				t.Error(err)
			}
		}
	})
	applied, refused := 0, 0
	for range rounds {
		plan, err := f.client.Restore(t.Context(), f.name("c"), keys(1), chrononaut.ToVersion(0), &chrononaut.RestoreOpts{Columns: []string{"note"}})
		if err != nil {
			t.Fatal(err)
		}
		planned := plan.Items
		result, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"})
		switch {
		case errors.Is(err, chrononaut.ErrRestoreConflict):
			refused++
		case err != nil:
			t.Fatal(err)
		case result.Updated > 0:
			applied++
			if len(planned) != 1 {
				t.Errorf("%d records were planned", len(planned))
			}
		}
	}
	wg.Wait()
	t.Logf("%d applied, %d refused", applied, refused)
	f.wantRows(`SELECT n::text FROM c`, fmt.Sprint(rounds))
	// A restore follows the version that its plan knew at once.
	f.wantRows(`SELECT count(*)::text FROM chrononaut.chrononaut_activity r JOIN chrononaut.chrononaut_activity p ON p.key = r.key AND p.version = r.version - 1
		WHERE r.operation = 'restore' AND p.data ->> 'note' = 'bad' AND p.data -> 'n' = r.data -> 'n'`, fmt.Sprint(applied))
}

func TestRestoreInChunks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE p (id integer PRIMARY KEY, n integer CHECK (n < 100))`)
	f.track("p", &chronomigrate.TrackOptions{})
	f.exec(`INSERT INTO p SELECT g, g FROM generate_series(1, 30) AS g`)
	at := f.now()
	f.exec(`UPDATE p SET n = 0`, `ALTER TABLE p DROP CONSTRAINT p_n_check, ADD CHECK (n <> 25)`)
	plan := must(f.client.Restore(t.Context(), f.name("p"), nil, chrononaut.ToPoint(chrononaut.At(at)), nil))(t)
	opts := &chrononaut.RestoreApplyOpts{Rationale: "r", ChunkSize: 10}
	var partial *chrononaut.PartialError
	if _, err := plan.Apply(t.Context(), opts); !errors.As(err, &partial) {
		t.Fatalf("apply: %v", err)
	}
	if partial.Done != 20 || partial.Total != 30 || partial.Result.Updated != 20 || len(partial.Left.Items) != 10 {
		t.Errorf("partial: %d of %d, %+v, %d left", partial.Done, partial.Total, partial.Result, len(partial.Left.Items))
	}
	f.wantRows(`SELECT count(*)::text FROM p WHERE n > 0`, "20")
	if _, err := plan.DryRun(t.Context(), nil); err == nil {
		t.Error("the check constraint has no say in a dry run")
	}
	f.exec(`ALTER TABLE p DROP CONSTRAINT p_n_check`)
	if result := must(partial.Left.Apply(t.Context(), opts))(t); result.Updated != 10 {
		t.Errorf("result: %+v", result)
	}
	f.wantRows(`SELECT count(*)::text FROM p WHERE n = id`, "30")
}
