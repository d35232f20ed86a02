package chrononaut_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

func keys(ids ...int) []chrononaut.Key {
	var keys []chrononaut.Key
	for _, id := range ids {
		keys = append(keys, chrononaut.Key{"id": id})
	}
	return keys
}

// rows prints what a query selects, one column.
func (f *fixture) rows(sql string) []string {
	f.Helper()
	rows := must(f.pool.Query(f.Context(), sql))(f)
	defer rows.Close()
	found := []string{}
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			f.Fatal(err)
		}
		found = append(found, row)
	}
	if err := rows.Err(); err != nil {
		f.Fatal(err)
	}
	return found
}

func (f *fixture) wantRows(sql string, want ...string) {
	f.Helper()
	if diff := cmp.Diff(append([]string{}, want...), f.rows(sql)); diff != "" {
		f.Errorf("%s (-want +got):\n%s", sql, diff)
	}
}

func TestRestoreToVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one', false, 's', 3), (2, 'x', true, 't', 4)`,
		`UPDATE todos SET title = 'two'`, `UPDATE todos SET done = true, secret = 'new', visits = 9 WHERE id = 1`)
	plan := must(f.client.Restore(t.Context(), f.name("todos"), keys(1), chrononaut.ToVersion(0), nil))(t)
	f.wantRows(`SELECT title FROM todos WHERE id = 1`, "two") // A plan writes nothing.
	item := plan.Items[0]
	var columns []string
	for _, c := range item.Columns {
		columns = append(columns, c.Column+" "+string(c.From)+" "+string(c.To))
	}
	if diff := cmp.Diff([]string{`title "two" "one"`, `done true false`}, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if len(item.Later) != 2 || !slices.Equal(item.Later[1].Columns, []string{"done", "secret"}) {
		t.Errorf("later changes: %+v", item.Later)
	}
	if len(item.Problems) != 1 || item.Problems[0].Kind != chrononaut.ProblemHidden {
		t.Errorf("problems: %v", item.Problems)
	}
	if _, err := plan.Apply(t.Context(), nil); !errors.Is(err, chrononaut.ErrNoRationale) {
		t.Errorf("applied without a reason: %v", err)
	}
	if _, err := plan.DryRun(t.Context(), nil); err != nil {
		t.Errorf("dry run: %v", err)
	}
	f.wantRows(`SELECT title FROM todos WHERE id = 1`, "two")
	result := f.apply(plan, &chrononaut.RestoreApplyOpts{Actor: "ann"})
	if result.Updated != 1 || len(result.Transactions) != 1 {
		t.Errorf("result: %+v", result)
	}
	f.wantRows(`SELECT row(title, done, secret, visits, version)::text FROM todos ORDER BY id`, `(one,f,new,9,3)`, `(two,t,t,4,1)`)
	last := versions(f, h, 1, &chrononaut.VersionsOpts{NewestFirst: true, Limit: 1})[0]
	if last.Operation != chrononaut.OperationRestore || last.Actor != "ann" || last.Rationale != "because" || last.TransactionID != result.Transactions[0] {
		t.Errorf("recorded: %+v", last.Change)
	}
	// Blame, the log and a conflict with a plan that is old by now.
	blame := must(h.Blame(t.Context(), 1, nil))(t)
	if c, _ := blame.Column("title"); c.Since.Operation != chrononaut.OperationRestore {
		t.Errorf("title is there since %+v", c.Since)
	}
	var conflict *chrononaut.RestoreConflictError
	if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "again"}); !errors.As(err, &conflict) {
		t.Fatalf("an old plan was applied: %v", err)
	}
	if c := conflict.Conflicts[0].Changes; len(c) != 1 || c[0].Actor != "ann" || !slices.Equal(c[0].Columns, []string{"done", "title"}) {
		t.Errorf("conflicting changes: %+v", c)
	}
	if changes := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationRestore, Column: "title", WithBefore: true}))(t); len(changes) != 1 || string(changes[0].Before["title"]) != `"two"` {
		t.Errorf("the log has %+v", changes)
	}
}

func TestRestoreColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one')`, `UPDATE todos SET title = 'two', done = true`)
	restore := func(columns ...string) (*chrononaut.RestorePlan, error) {
		return f.client.Restore(t.Context(), f.name("todos"), keys(1), chrononaut.ToVersion(0), &chrononaut.RestoreOpts{Columns: columns})
	}
	f.apply(must(restore("title"))(t), nil)
	f.wantRows(`SELECT row(title, done)::text FROM todos`, `(one,t)`)
	for column, want := range map[string]error{"secret": chrononaut.ErrHidden, "visits": chrononaut.ErrUntracked, "nothing": chrononaut.ErrNoColumn} {
		if _, err := restore(column); !errors.Is(err, want) {
			t.Errorf("restore of column %s: %v, want %v", column, err, want)
		}
	}
	if plan := must(restore("title"))(t); !plan.Empty() || len(plan.Items) != 0 {
		t.Errorf("nothing is left to do, and the plan is\n%s", plan)
	}
}

func TestRestoreWhatIsNotRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one')`)
	for name, target := range map[string]chrononaut.RestoreTarget{
		"a version that was never": chrononaut.ToVersion(7),
		"a time before tracking":   chrononaut.ToPoint(chrononaut.At(f.now().AddDate(-1, 0, 0))),
	} {
		plan := must(f.client.Restore(t.Context(), f.name("todos"), keys(1), target, nil))(t)
		if len(plan.Items) != 1 || plan.Items[0].Problems[0].Kind != chrononaut.ProblemNotRecorded {
			t.Errorf("%s: %s", name, plan)
		}
		if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}); !errors.Is(err, chrononaut.ErrRestoreBlocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.client.Restore(t.Context(), f.name("none"), keys(1), chrononaut.ToVersion(0), nil); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("restore of a table that is not tracked: %v", err)
	}
}

func TestRestorePlanAsJSON(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one')`)
	f.execAs(chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "bob"), "why not"), `UPDATE todos SET title = 'two'`)
	plan := must(f.client.Restore(t.Context(), f.name("todos"), keys(1), chrononaut.ToVersion(0), nil))(t)
	var got map[string]any
	if err := json.Unmarshal(must(json.Marshal(plan))(t), &got); err != nil {
		t.Fatal(err)
	}
	item := got["items"].([]any)[0].(map[string]any)
	later := item["later"].([]any)[0].(map[string]any)
	delete(later, "id")
	delete(later, "changed")
	delete(later, "transaction")
	want := map[string]any{"actor": "bob", "rationale": "why not", "operation": "update", "version": 1.0, "columns": []any{"title"}, "undone": true}
	if diff := cmp.Diff(want, later); diff != "" {
		t.Errorf("later (-want +got):\n%s", diff)
	}
	if item["action"] != "update" || item["to_version"] != 0.0 || got["steps"].([]any)[0].(map[string]any)["sql"] == "" {
		t.Errorf("the plan as JSON: %v", got)
	}
}
