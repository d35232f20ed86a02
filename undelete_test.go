package chrononaut_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (f *fixture) undelete(table string, keys ...chrononaut.Key) *chrononaut.RestorePlan {
	f.Helper()
	return must(f.client.Undelete(f.Context(), f.name(table), keys, nil))(f)
}

// problems lists the kinds of a plan's problems.
func problems(plan *chrononaut.RestorePlan) (kinds []string) {
	for _, p := range plan.Problems {
		kinds = append(kinds, string(p.Kind))
	}
	for _, i := range plan.Items {
		for _, p := range i.Problems {
			kinds = append(kinds, string(p.Kind))
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func TestUndeleteCohort(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE SCHEMA "My Shop"`,
		`CREATE TABLE "My Shop"."Customer ""x""" (id integer PRIMARY KEY, boss integer REFERENCES "My Shop"."Customer ""x""" ON DELETE CASCADE)`,
		`CREATE TABLE "My Shop"."order" (customer integer REFERENCES "My Shop"."Customer ""x""" ON DELETE CASCADE, "No." integer, PRIMARY KEY (customer, "No."))`,
		`CREATE TABLE lines (id integer PRIMARY KEY, customer integer, "no" integer, FOREIGN KEY (customer, "no") REFERENCES "My Shop"."order" ON DELETE CASCADE)`,
		`CREATE TABLE notes (id integer PRIMARY KEY, line integer REFERENCES lines ON DELETE SET NULL)`,
		`CREATE TABLE scratch (line integer REFERENCES lines ON DELETE CASCADE)`)
	for _, table := range []string{`"My Shop"."Customer ""x"""`, `"My Shop"."order"`, "lines", "notes"} {
		f.track(table, &chronomigrate.TrackOptions{})
	}
	f.exec(`INSERT INTO "My Shop"."Customer ""x""" VALUES (1, NULL), (2, 1), (3, NULL)`, `INSERT INTO "My Shop"."order" VALUES (1, 1), (1, 2), (2, 1), (3, 1)`,
		`INSERT INTO lines VALUES (1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 1, 2)`, `INSERT INTO notes VALUES (1, 1), (2, 3), (3, 2)`)
	state := `SELECT 'c' || id || coalesce(boss, 0) FROM "My Shop"."Customer ""x""" UNION ALL SELECT 'o' || customer || "No." FROM "My Shop"."order"
		UNION ALL SELECT 'l' || id FROM lines UNION ALL SELECT 'n' || id || coalesce(line, 0) FROM notes ORDER BY 1`
	f.exec(`DELETE FROM "My Shop"."order" WHERE "No." = 2`) // Before, and so not of the cohort.
	want := f.rows(state)
	f.exec(`DELETE FROM "My Shop"."Customer ""x""" WHERE id = 1`)
	f.wantRows(state, "c30", "l3", "n10", "n23", "n30", "o31")
	plan := f.undelete(`"My Shop"."Customer ""x"""`, chrononaut.Key{"id": 1})
	if got := problems(plan); !slices.Equal(got, []string{"untracked_table"}) {
		t.Errorf("problems: %v", got)
	}
	result := f.apply(plan, nil)
	f.wantRows(state, want...)
	f.apply(must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))(t), nil)
	f.wantRows(state, "c30", "l3", "n10", "n23", "n30", "o31")
}

func TestUndeleteWhatIsThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one'), (2, 'two')`, `DELETE FROM todos WHERE id = 2`)
	plan := f.undelete("todos", chrononaut.Key{"id": 1})
	if !plan.Empty() || !slices.Equal(problems(plan), []string{"exists"}) {
		t.Errorf("plan: %s", plan)
	}
	if _, err := f.client.Undelete(t.Context(), f.name("todos"), keys(9), nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("undelete of a record that was never: %v", err)
	}
	// Inserted by somebody else since the plan was made.
	plan = f.undelete("todos", chrononaut.Key{"id": 2})
	f.execAs(chrononaut.WithActor(t.Context(), "eve"), `INSERT INTO todos VALUES (2, 'mine')`)
	var conflict *chrononaut.RestoreConflictError
	if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}); !errors.As(err, &conflict) || conflict.Conflicts[0].Changes[0].Actor != "eve" {
		t.Fatalf("apply: %v", err)
	}
	f.wantRows(`SELECT title FROM todos WHERE id = 2`, "mine")
	result := f.apply(plan, &chrononaut.RestoreApplyOpts{OnConflict: chrononaut.RestoreSkip})
	if len(result.Skipped) != 1 || result.Inserted != 0 {
		t.Errorf("result: %+v", result)
	}
	f.apply(plan, &chrononaut.RestoreApplyOpts{OnConflict: chrononaut.RestoreOverwrite})
	f.wantRows(`SELECT title FROM todos WHERE id = 2`, "two")
}

// Rows that refer to each other, by foreign keys that can be deferred, or be NULL
// for a moment, or neither.
func TestUndeleteCircles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		team, person string
		steps        int
		blocked      bool
	}{
		"deferrable": {"lead integer NOT NULL", "REFERENCES team DEFERRABLE", 2, false},
		"nullable":   {"lead integer", "REFERENCES team", 3, false},
		"neither":    {"lead integer NOT NULL", "NOT NULL REFERENCES team", 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE team (id integer PRIMARY KEY, `+tc.team+`)`, `CREATE TABLE person (id integer PRIMARY KEY, team integer `+tc.person+`)`)
			if tc.blocked {
				f.exec(`ALTER TABLE person DROP CONSTRAINT person_team_fkey`)
			}
			f.track("team", &chronomigrate.TrackOptions{})
			f.track("person", &chronomigrate.TrackOptions{})
			f.exec(`INSERT INTO team VALUES (1, 1)`, `INSERT INTO person VALUES (1, 1)`)
			f.exec(`ALTER TABLE team ADD CONSTRAINT lead FOREIGN KEY (lead) REFERENCES person ON DELETE CASCADE`)
			if tc.blocked {
				f.exec(`ALTER TABLE person ADD FOREIGN KEY (team) REFERENCES team ON DELETE CASCADE`)
			}
			ctx := chrononaut.WithActor(t.Context(), "eve")
			if tc.blocked {
				f.execAs(ctx, `DELETE FROM person`)
			} else {
				f.execAs(ctx, `SET CONSTRAINTS ALL DEFERRED; UPDATE person SET team = NULL; DELETE FROM person`)
			}
			plan := must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "eve"}, nil))(t)
			if len(plan.Steps) != tc.steps {
				t.Errorf("plan: %s", plan)
			}
			_, err := plan.DryRun(t.Context(), nil)
			if tc.blocked != errors.Is(err, chrononaut.ErrRestoreBlocked) {
				t.Fatalf("dry run: %v\n%s", err, plan)
			}
			if !tc.blocked {
				f.apply(plan, nil)
				f.wantRows(`SELECT t.lead || ' ' || p.team FROM team t, person p`, "1 1")
			}
		})
	}
}

// A key that a record had before its last one leads to it.
func TestUndeleteByAnEarlierKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE k (id integer PRIMARY KEY, v text)`)
	f.track("k", nil)
	f.exec(`INSERT INTO k VALUES (10, 'a'), (20, 'b')`, `UPDATE k SET id = 15 WHERE id = 10`, `UPDATE k SET id = 19 WHERE id = 15`, `DELETE FROM k WHERE id = 19`,
		`UPDATE k SET id = 29 WHERE id = 20`)
	f.apply(f.undelete("k", keys(10)...), nil)
	f.wantRows(`SELECT id || v FROM k ORDER BY id`, "19a", "29b")
	if got := problems(f.undelete("k", keys(20)...)); !slices.Equal(got, []string{"exists"}) {
		t.Errorf("problems of a record that goes on under another key: %v", got)
	}
}
