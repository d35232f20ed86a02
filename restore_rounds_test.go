package chrononaut_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// Unique values that rows have exchanged, or shifted along, come back.
func TestRestoreExchangedUniqueValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE EXTENSION citext`)
	for name, c := range map[string]struct{ column, a, b, c, between string }{
		"text":     {"text UNIQUE", "'a'", "'b'", "'c'", "'t'"},
		"required": {"text NOT NULL UNIQUE", "'a'", "'b'", "'c'", "'t'"},
		"number":   {"smallint NOT NULL CHECK (v >= 0) UNIQUE", "1", "2", "3", "9"},
		"uuid":     {"uuid NOT NULL UNIQUE", "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'", "'00000000-0000-0000-0000-000000000003'", "gen_random_uuid()"},
		"case":     {"citext UNIQUE", "'a'", "'B'", "'c'", "'t'"},
		"deferred": {"date NOT NULL UNIQUE DEFERRABLE", "'2026-01-01'", "'2026-01-02'", "'2026-01-03'", "'2026-02-01'"},
	} {
		table := "x_" + name
		f.exec(`CREATE TABLE ` + table + ` (id integer PRIMARY KEY, v ` + c.column + `, n integer)`)
		f.track(table, nil)
		f.exec(`INSERT INTO ` + table + ` VALUES (1, ` + c.a + `), (2, ` + c.b + `), (3, ` + c.c + `)`)
		all := `SELECT row(id, v)::text FROM ` + table + ` ORDER BY id`
		want := f.rows(all)
		then := chrononaut.ToPoint(chrononaut.At(f.now()))
		set := func(id, value string) string { return `UPDATE ` + table + ` SET v = ` + value + ` WHERE id = ` + id }
		restore := func() {
			t.Helper()
			plan := must(f.client.Restore(t.Context(), f.name(table), nil, then, nil))(t)
			f.apply(plan, nil)
			f.wantRows(all, want...)
		}
		// Two, all three, and along a chain in both directions.
		f.exec(set("1", c.between), set("2", c.a), set("1", c.b))
		restore()
		f.exec(set("1", c.between), set("2", c.a), set("3", c.b), set("1", c.c))
		restore()
		f.exec(set("3", c.between), set("2", c.c), set("1", c.b))
		restore()
		f.exec(set("1", c.between), set("2", c.a), set("3", c.b))
		restore()
	}
}

// Keys that were shifted go back one after another.
func TestRevertShiftedKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE k (id integer PRIMARY KEY, v text)`)
	f.track("k", nil)
	f.exec(`INSERT INTO k VALUES (1, 'one'), (2, 'two'), (3, 'three')`)
	job := chrononaut.WithActor(t.Context(), "job")
	f.execAs(job, `UPDATE k SET id = 10 WHERE id = 1; UPDATE k SET id = 1 WHERE id = 2; UPDATE k SET id = 2 WHERE id = 3`)
	result := f.apply(must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "job"}, nil))(t), nil)
	f.wantRows(`SELECT id || v FROM k ORDER BY id`, "1one", "2two", "3three")
	f.apply(must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))(t), nil)
	f.wantRows(`SELECT id || v FROM k ORDER BY id`, "1two", "2three", "10one")
}

// Two unique columns, whose values are exchanged between different rows.
func TestRestoreExchangedValuesOfTwoColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE k (id integer PRIMARY KEY, a integer UNIQUE, b text NOT NULL UNIQUE, c integer, UNIQUE (a, c))`)
	f.track("k", nil)
	f.exec(`INSERT INTO k SELECT g, g, g, g / 2 FROM generate_series(1, 40) AS g`)
	then := chrononaut.ToPoint(chrononaut.At(f.now()))
	all := `SELECT row(id, a, b, c)::text FROM k ORDER BY id`
	want := f.rows(all)
	f.exec(`UPDATE k SET a = NULL, b = 'x' || b`, `UPDATE k SET a = 1 + id * 7 % 41, b = 1 + id * 11 % 41 WHERE id <> 20`)
	plan := must(f.client.Restore(t.Context(), f.name("k"), nil, then, nil))(t)
	if len(plan.Steps) != 1 {
		t.Errorf("steps: %s", plan)
	}
	result := f.apply(plan, nil)
	f.wantRows(all, want...)
	if result.Updated != 40 {
		t.Errorf("updated %d rows, want 40", result.Updated)
	}
}

// Where nothing can be moved aside, the plan says so, and what has to do with it is
// left out with it.
func TestRestoreCircleOfKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE k (id integer PRIMARY KEY, v date NOT NULL UNIQUE, n integer)`)
	f.track("k", nil)
	f.exec(`INSERT INTO k VALUES (1, '2026-01-01'), (2, '2026-01-02'), (3, '2026-01-03'), (4, '2026-01-04')`)
	then := chrononaut.ToPoint(chrononaut.At(f.now()))
	f.exec(`UPDATE k SET v = '2026-02-01' WHERE id = 1`, `UPDATE k SET v = '2026-01-01' WHERE id = 2`, `UPDATE k SET v = '2026-01-02' WHERE id = 1`,
		`UPDATE k SET n = 1 WHERE id = 4`)
	plan := must(f.client.Restore(t.Context(), f.name("k"), nil, then, nil))(t)
	if got := problems(plan); !slices.Equal(got, []string{"unique"}) || len(plan.Blocked()) != 2 {
		t.Errorf("problems: %v\n%s", got, plan)
	}
	if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}); !errors.Is(err, chrononaut.ErrRestoreBlocked) {
		t.Errorf("applied: %v", err)
	}
	result := f.apply(plan, &chrononaut.RestoreApplyOpts{SkipBlocked: true})
	if result.Updated != 1 || len(result.Skipped) != 2 {
		t.Errorf("result: %+v", result)
	}
}

// What is left out takes along what cannot be without it.
func TestRestoreSkipsWhatDependsOnTheSkipped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE p (id integer PRIMARY KEY, name text UNIQUE)`, `CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p ON DELETE CASCADE)`,
		`CREATE TABLE d (id integer PRIMARY KEY, c integer REFERENCES c ON DELETE CASCADE)`)
	for _, name := range []string{"p", "c", "d"} {
		f.track(name, nil)
	}
	f.exec(`INSERT INTO p VALUES (1, 'a'), (2, 'b')`, `INSERT INTO c VALUES (1, 1), (2, 2)`, `INSERT INTO d VALUES (1, 1), (2, 2)`)
	then := chrononaut.ToPoint(chrononaut.At(f.now()))
	f.exec(`DELETE FROM p`, `INSERT INTO p VALUES (9, 'a')`)
	with := &chrononaut.RestoreOpts{With: []chrononaut.Table{f.name("c"), f.name("d")}}
	for name, plan := range map[string]*chrononaut.RestorePlan{
		"undelete": f.undelete("p", keys(1, 2)...),
		"restore":  must(f.client.Restore(t.Context(), f.name("p"), nil, then, with))(t),
	} {
		result, err := plan.DryRun(t.Context(), &chrononaut.RestoreApplyOpts{SkipBlocked: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if result.Inserted != 3 || len(result.Skipped) < 3 {
			t.Errorf("%s: %d inserted, %d skipped; want 3 and 3", name, result.Inserted, len(result.Skipped))
		}
		if _, err := plan.DryRun(t.Context(), nil); !errors.Is(err, chrononaut.ErrRestoreBlocked) {
			t.Errorf("%s: %v, want %v", name, err, chrononaut.ErrRestoreBlocked)
		}
	}

	// A conflict that has arisen since.
	f.exec(`DELETE FROM p WHERE id = 9`)
	plan := must(f.client.Restore(t.Context(), f.name("p"), nil, then, with))(t)
	f.exec(`INSERT INTO p VALUES (1, 'new')`)
	result := f.apply(plan, &chrononaut.RestoreApplyOpts{OnConflict: chrononaut.RestoreSkip})
	if result.Inserted != 3 || len(result.Skipped) != 3 {
		t.Errorf("%d inserted, %d skipped; want 3 and 3", result.Inserted, len(result.Skipped))
	}
	f.wantRows(`SELECT p::text FROM c`, "2")
}
