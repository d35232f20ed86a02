// Package conformance is the suite that every adapter has to pass, in each of
// its modes. It is a module of its own, so that the drivers it needs stay out
// of everybody's dependencies.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Env is one adapter, in one mode, on a database of its own.
type Env struct {
	// Driver is the adapter's driver, for migrations and reading.
	Driver chronodriver.Driver
	// Exec runs a statement outside a transaction.
	Exec func(ctx context.Context, sql string, args ...any) error
	// QueryInt runs a statement that returns one number, outside a transaction.
	QueryInt func(ctx context.Context, sql string, args ...any) (int64, error)
	// Tx runs f in a transaction that was begun under ctx, and commits it when
	// f returns no error.
	Tx func(ctx context.Context, f func(exec func(ctx context.Context, sql string, args ...any) error) error) error
}

// bench is a database with one tracked table.
type bench struct {
	*Env
	t      *testing.T
	client *chrononaut.Client
	todos  *chrononaut.History[todo]
	table  chrononaut.Table
}

type todo struct {
	ID      int64
	Title   string
	Done    bool
	Secret  string
	Visits  int64
	Version int
}

// Run runs the suite. Setup returns a fresh database for each test.
func Run(t *testing.T, setup func(t *testing.T) *Env) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"records inserts, updates and deletes with their versions", recordsOperations},
		{"attributes changes of a transaction", attributesTransactions},
		{"attributes statements outside a transaction", attributesStatements},
		{"attributes statements that return rows", attributesReturning},
		{"leaks attribution into nothing", leaksNothing},
		{"keeps attribution across savepoints", keepsAcrossSavepoints},
		{"records nothing that is rolled back", recordsNothingRolledBack},
		{"goes on after an aborted transaction", goesOnAfterAbort},
		{"attaches information to one record only", attachesToOneRecord},
		{"refuses unattributed writes to a strict table", refusesUnattributed},
		{"refuses to rewrite history", refusesRewrite},
		{"keeps hidden values out of history", hides},
		{"makes no version of an untracked change", ignoresUntracked},
		{"records upserts as what they do", recordsUpserts},
		{"follows a change of the primary key", followsKey},
		{"reads versions, past states and diffs", reads},
		{"reads the log by actor, table, time, transaction and column", readsLog},
		{"tells what was not recorded from what did not exist", tellsNotRecorded},
		{"carries every kind of text as actor and rationale", carriesText},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newBench(t, setup(t)))
		})
	}
}

func newBench(t *testing.T, env *Env) *bench {
	t.Helper()
	ctx := t.Context()
	b := &bench{Env: env, t: t, table: chrononaut.Table{Name: "todos"}}
	ddl := `CREATE TABLE todos (id bigint PRIMARY KEY, title text NOT NULL DEFAULT '', done boolean NOT NULL DEFAULT false, secret text, visits bigint NOT NULL DEFAULT 0)`
	if env.Driver.Dialect() == chronodriver.SQLite {
		ddl = strings.Replace(ddl, "id bigint", "id integer", 1)
	}
	if _, err := env.Driver.Exec(ctx, ddl); err != nil {
		t.Fatal(err)
	}
	b.track(&chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}})
	var err error
	if b.client, err = chrononaut.NewClient(env.Driver, env.Driver.Dialect(), nil); err != nil {
		t.Fatal(err)
	}
	b.todos = chrononaut.NewHistory[todo](b.client, b.table, nil)
	return b
}

func (b *bench) track(opts *chronomigrate.TrackOptions) {
	b.t.Helper()
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := m.Up(b.t.Context(), nil); err != nil {
		b.t.Fatal(err)
	}
	if _, err := m.Track(b.t.Context(), b.table, opts, nil); err != nil {
		b.t.Fatal(err)
	}
}

// sql writes placeholders for the engine: $1 or ?1.
func (b *bench) sql(s string) string {
	if b.Driver.Dialect() == chronodriver.SQLite {
		return strings.ReplaceAll(s, "$", "?")
	}
	return s
}

func (b *bench) exec(ctx context.Context, sql string, args ...any) {
	b.t.Helper()
	if err := b.Exec(ctx, b.sql(sql), args...); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

func (b *bench) tx(ctx context.Context, statements ...string) {
	b.t.Helper()
	err := b.Tx(ctx, func(exec func(ctx context.Context, sql string, args ...any) error) error {
		for _, s := range statements {
			if err := exec(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// log returns the changes of todos, oldest first, one line each.
func (b *bench) log() []string {
	b.t.Helper()
	lines := []string{}
	for _, c := range b.changes() {
		lines = append(lines, fmt.Sprintf("%v %d %s %s", c.Key["id"], c.Version, c.Operation, c.Actor))
	}
	return lines
}

func (b *bench) changes() []chrononaut.Change {
	b.t.Helper()
	changes, err := b.client.Activity(b.t.Context(), &chrononaut.ActivityOpts{Table: b.table, OldestFirst: true, Limit: -1})
	if err != nil {
		b.t.Fatal(err)
	}
	records := changes[:0]
	for _, c := range changes {
		if c.Operation != chrononaut.OperationTrack {
			records = append(records, c)
		}
	}
	return records
}

func (b *bench) wantLog(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.log(), cmpopts.EquateEmpty()); diff != "" {
		b.t.Errorf("log mismatch (-want +got):\n%s", diff)
	}
}

func recordsOperations(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES ($1, $2)`, int64(1), "a")
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (2, 'b'), (3, 'c')`)
	b.exec(ctx, `UPDATE todos SET done = true`)
	b.exec(ctx, `UPDATE todos SET done = true`)
	b.exec(ctx, `DELETE FROM todos WHERE id = $1`, int64(2))
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (2, 'again')`)
	b.wantLog("1 0 insert ", "2 0 insert ", "3 0 insert ", "1 1 update ", "2 1 update ", "3 1 update ", "2 2 delete ", "2 3 insert ")
	version, err := b.QueryInt(ctx, b.sql(`SELECT version FROM todos WHERE id = 2`))
	if err != nil || version != 3 {
		t.Errorf("version of the row = %d, %v; want 3", version, err)
	}
}

func attributesTransactions(t *testing.T, b *bench) {
	ctx := chrononaut.WithRationale(chrononaut.WithRemoteAddr(chrononaut.WithActor(t.Context(), "ann"), "10.0.0.1"), "why")
	b.tx(ctx, `INSERT INTO todos (id) VALUES (1)`, `INSERT INTO todos (id) VALUES (2)`)
	changes := b.changes()
	if len(changes) != 2 {
		t.Fatalf("%d changes, want 2", len(changes))
	}
	for _, c := range changes {
		if c.Actor != "ann" || c.RemoteAddr != "10.0.0.1" || c.Rationale != "why" {
			t.Errorf("change of %v by %q from %q because %q, want ann, 10.0.0.1, why", c.Key, c.Actor, c.RemoteAddr, c.Rationale)
		}
		if c.TransactionID == 0 || c.TransactionID != changes[0].TransactionID {
			t.Errorf("transaction = %d, want that of the first change, %d", c.TransactionID, changes[0].TransactionID)
		}
	}
}

func attributesStatements(t *testing.T, b *bench) {
	for i := range 3 {
		ctx := chrononaut.WithActor(t.Context(), fmt.Sprintf("actor%d", i))
		b.exec(ctx, `INSERT INTO todos (id, title) VALUES ($1, $2)`, int64(i), "x")
	}
	b.wantLog("0 0 insert actor0", "1 0 insert actor1", "2 0 insert actor2")
}

func attributesReturning(t *testing.T, b *bench) {
	ctx := chrononaut.WithActor(t.Context(), "ann")
	id, err := b.QueryInt(ctx, b.sql(`INSERT INTO todos (id, title) VALUES ($1, 'x') RETURNING id`), int64(7))
	if err != nil || id != 7 {
		t.Fatalf("INSERT … RETURNING = %d, %v; want 7", id, err)
	}
	b.wantLog("7 0 insert ann")
}

func leaksNothing(t *testing.T, b *bench) {
	ann := chrononaut.WithActor(t.Context(), "ann")
	b.tx(ann, `INSERT INTO todos (id) VALUES (1)`)
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (2)`)
	b.exec(ann, `INSERT INTO todos (id) VALUES (3)`)
	b.tx(t.Context(), `INSERT INTO todos (id) VALUES (4)`)
	if err := b.Exec(ann, `INSERT INTO todos (id) VALUES (1)`); err == nil {
		t.Error("a duplicate key was accepted")
	}
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (5)`)
	b.wantLog("1 0 insert ann", "2 0 insert ", "3 0 insert ann", "4 0 insert ", "5 0 insert ")
}

func keepsAcrossSavepoints(t *testing.T, b *bench) {
	b.tx(chrononaut.WithActor(t.Context(), "ann"),
		`SAVEPOINT a`,
		`INSERT INTO todos (id) VALUES (1)`,
		`ROLLBACK TO SAVEPOINT a`,
		`INSERT INTO todos (id) VALUES (2)`,
		`SAVEPOINT b`,
		`INSERT INTO todos (id) VALUES (3)`,
		`RELEASE SAVEPOINT b`,
		`INSERT INTO todos (id) VALUES (4)`,
	)
	b.wantLog("2 0 insert ann", "3 0 insert ann", "4 0 insert ann")
}

func recordsNothingRolledBack(t *testing.T, b *bench) {
	failed := errors.New("failed on purpose")
	err := b.Tx(chrononaut.WithActor(t.Context(), "ann"), func(exec func(context.Context, string, ...any) error) error {
		if err := exec(t.Context(), `INSERT INTO todos (id) VALUES (1)`); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatalf("error = %v, want %v", err, failed)
	}
	b.wantLog()
}

func goesOnAfterAbort(t *testing.T, b *bench) {
	ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "bob")
	err := b.Tx(ann, func(exec func(context.Context, string, ...any) error) error {
		return exec(ann, `INSERT INTO no_such_table (id) VALUES (1)`)
	})
	if err == nil {
		t.Fatal("a statement on a missing table succeeded")
	}
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (1)`)
	b.tx(bob, `INSERT INTO todos (id) VALUES (2)`)
	b.wantLog("1 0 insert ", "2 0 insert bob")
}

func attachesToOneRecord(t *testing.T, b *bench) {
	ctx := chrononaut.WithExtraInfo(t.Context(), map[string]any{"a": 1, "b": 1})
	ctx = chrononaut.AppendChangeInfo(ctx, b.table, chrononaut.Key{"id": 2}, map[string]any{"b": 2})
	b.tx(ctx, `INSERT INTO todos (id) VALUES (1)`, `INSERT INTO todos (id) VALUES (2)`)
	changes := b.changes()
	for i, want := range []string{"1", "2"} {
		if got := fmt.Sprint(changes[i].ExtraInfo["b"]); got != want {
			t.Errorf("information of record %v: b = %s, want %s", changes[i].Key, got, want)
		}
	}
}

func refusesUnattributed(t *testing.T, b *bench) {
	b.track(&chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}, Strict: true})
	for name, ctx := range map[string]context.Context{
		"nothing":          t.Context(),
		"an actor only":    chrononaut.WithActor(t.Context(), "ann"),
		"a note on record": chrononaut.AppendChangeInfo(t.Context(), b.table, chrononaut.Key{"id": 1}, map[string]any{"x": 1}),
	} {
		err := b.Exec(ctx, `INSERT INTO todos (id) VALUES (1)`)
		if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
			t.Errorf("with %s: error = %v, want ErrUnattributed", name, err)
		}
	}
	b.exec(chrononaut.WithRationale(t.Context(), "why"), `INSERT INTO todos (id) VALUES (1)`)
	b.exec(chrononaut.WithExtraInfo(t.Context(), nil), `UPDATE todos SET title = 'x'`)
	if err := b.Exec(t.Context(), `DELETE FROM todos`); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
		t.Errorf("DELETE: error = %v, want ErrUnattributed", err)
	}
	b.wantLog("1 0 insert ", "1 1 update ")
}

func refusesRewrite(t *testing.T, b *bench) {
	b.exec(t.Context(), `INSERT INTO todos (id) VALUES (1)`)
	history := "chrononaut_activity"
	if b.Driver.Dialect() == chronodriver.PostgreSQL {
		history = "chrononaut.chrononaut_activity"
	}
	for _, sql := range []string{`UPDATE ` + history + ` SET version = 7`, `DELETE FROM ` + history} {
		if err := b.Exec(t.Context(), sql); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrAppendOnly) {
			t.Errorf("%s: error = %v, want ErrAppendOnly", sql, err)
		}
	}
	b.wantLog("1 0 insert ")
}

func hides(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, secret) VALUES (1, 'hunter2')`)
	b.exec(ctx, `UPDATE todos SET secret = 'hunter3'`)
	b.exec(ctx, `UPDATE todos SET title = 'x'`)
	b.wantLog("1 0 insert ", "1 1 update ", "1 2 update ")
	for i, want := range [][]string{{"secret"}, {"secret"}, nil} {
		c := b.changes()[i]
		if diff := cmp.Diff(want, c.HiddenChanged); diff != "" {
			t.Errorf("hidden columns of version %d mismatch (-want +got):\n%s", i, diff)
		}
		for column, value := range c.Data {
			if strings.Contains(string(value), "hunter") || column == "secret" {
				t.Errorf("version %d holds the hidden value in %s", i, column)
			}
		}
	}
	s, err := b.todos.Version(ctx, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Column("secret"); !errors.Is(err, chrononaut.ErrHidden) {
		t.Errorf("Column(secret): error = %v, want ErrHidden", err)
	}
	diff, err := b.todos.DiffVersions(ctx, 1, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := diff.Column("secret"); !ok || !c.Hidden || c.From != nil || c.To != nil {
		t.Errorf("diff of the hidden column = %+v, %v; want it listed without values", c, ok)
	}
}

func ignoresUntracked(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, visits) VALUES (1, 1)`)
	b.exec(ctx, `UPDATE todos SET visits = visits + 1`)
	b.exec(ctx, `UPDATE todos SET visits = visits + 1, title = 'x'`)
	b.wantLog("1 0 insert ", "1 1 update ")
	s, err := b.todos.Version(ctx, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Column("visits"); !errors.Is(err, chrononaut.ErrUntracked) {
		t.Errorf("Column(visits): error = %v, want ErrUntracked", err)
	}
	if _, err := s.Column("nothing"); !errors.Is(err, chrononaut.ErrNoColumn) {
		t.Errorf("Column(nothing): error = %v, want ErrNoColumn", err)
	}
}

func recordsUpserts(t *testing.T, b *bench) {
	ctx := t.Context()
	for range 2 {
		b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET title = 'b'`)
		b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'c') ON CONFLICT DO NOTHING`)
	}
	b.wantLog("1 0 insert ", "1 1 update ")
}

func followsKey(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	b.exec(ctx, `UPDATE todos SET id = 2`)
	b.exec(ctx, `UPDATE todos SET title = 'b'`)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'other')`)
	versions, err := b.todos.Versions(ctx, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range versions {
		got = append(got, fmt.Sprintf("%v %d %s", s.Key["id"], s.Version, s.Record.Title))
	}
	if diff := cmp.Diff([]string{"1 0 a", "2 1 a", "2 2 b"}, got); diff != "" {
		t.Errorf("versions mismatch (-want +got):\n%s", diff)
	}
	b.wantLog("1 0 insert ", "2 1 update ", "2 2 update ", "1 2 insert ")
}

func reads(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title, secret) VALUES (1, 'a', 's')`)
	b.exec(ctx, `UPDATE todos SET title = 'b'`)
	b.exec(ctx, `UPDATE todos SET done = true, title = 'it''s "c"'`)
	b.exec(ctx, `DELETE FROM todos`)
	versions, err := b.todos.Versions(ctx, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []todo
	var times []time.Time
	for _, s := range versions {
		got, times = append(got, s.Record), append(times, s.Changed)
	}
	want := []todo{
		{ID: 1, Title: "a"}, {ID: 1, Title: "b", Version: 1},
		{ID: 1, Title: `it's "c"`, Done: true, Version: 2}, {ID: 1, Title: `it's "c"`, Done: true, Version: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("versions mismatch (-want +got):\n%s", diff)
	}
	two := 2
	page, err := b.todos.Versions(ctx, chrononaut.Key{"id": 1}, &chrononaut.VersionsOpts{ToVersion: &two, NewestFirst: true, Limit: 2})
	if err != nil || len(page) != 2 || page[0].Version != 2 || page[1].Version != 1 {
		t.Errorf("page of versions = %d snapshots, %v; want versions 2 and 1", len(page), err)
	}
	inclusive, err := b.todos.Versions(ctx, 1, &chrononaut.VersionsOpts{After: times[1], Before: times[2]})
	if err != nil || len(inclusive) != 2 {
		t.Errorf("versions between the times of 1 and 2 = %d, %v; want both", len(inclusive), err)
	}
	for i, at := range times[:3] {
		s, err := b.todos.At(ctx, 1, at)
		if err != nil || s.Version != i {
			t.Errorf("At(time of version %d) = %+v, %v", i, s, err)
		}
	}
	var deleted *chrononaut.DeletedError
	if _, err := b.todos.At(ctx, 1, times[3]); !errors.As(err, &deleted) || !errors.Is(err, chrononaut.ErrNotFound) || deleted.Last.Version != 3 {
		t.Errorf("At(time of the deletion): error = %v, want DeletedError at version 3", err)
	}
	if s, err := b.todos.Previous(ctx, &todo{ID: 1, Version: 2}); err != nil || s.Version != 1 {
		t.Errorf("Previous(version 2) = %+v, %v; want version 1", s, err)
	}
	if _, err := b.todos.Previous(ctx, &todo{ID: 1}); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("Previous(version 0): error = %v, want ErrNotFound", err)
	}
	diff, err := b.todos.DiffVersions(ctx, 1, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{}
	for _, c := range diff {
		columns = append(columns, c.Column)
	}
	if d := cmp.Diff([]string{"done", "title"}, columns); d != "" {
		t.Errorf("columns of the diff mismatch (-want +got):\n%s", d)
	}
	if same, err := b.todos.DiffVersions(ctx, 1, 1, 1); err != nil || len(same) != 0 {
		t.Errorf("diff of a version with itself = %v, %v; want nothing", same, err)
	}
	if _, err := b.todos.DiffVersions(ctx, 1, 2, 1); !errors.Is(err, chrononaut.ErrOrder) {
		t.Errorf("diff backwards: error = %v, want ErrOrder", err)
	}
	if _, err := b.todos.DiffVersions(ctx, 1, 0, 99); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("diff up to a version that is not there: error = %v, want ErrNotFound", err)
	}
	between, err := b.todos.DiffBetween(ctx, 1, times[1], times[2])
	if err != nil || len(between) != 2 {
		t.Errorf("diff between times = %v, %v; want done and title", between, err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, times[3]); err != nil || changed {
		t.Errorf("ChangedSince(last change) = %v, %v; want false", changed, err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, times[2]); err != nil || !changed {
		t.Errorf("ChangedSince(before the deletion) = %v, %v; want true", changed, err)
	}
	if _, err := b.todos.Versions(ctx, "no number", nil); b.Driver.Dialect() == chronodriver.PostgreSQL && !errors.Is(err, chrononaut.ErrKey) {
		t.Errorf("a key that does not fit: error = %v, want ErrKey", err)
	}
	if _, err := b.todos.Versions(ctx, chrononaut.Key{"nothing": 1}, nil); !errors.Is(err, chrononaut.ErrKey) {
		t.Errorf("a key with another column: error = %v, want ErrKey", err)
	}
}

func readsLog(t *testing.T, b *bench) {
	ctx := t.Context()
	ann, bob := chrononaut.WithActor(ctx, "ann"), chrononaut.WithActor(ctx, "bob")
	b.tx(ann, `INSERT INTO todos (id, title) VALUES (1, 'a')`, `INSERT INTO todos (id, title) VALUES (2, 'a')`)
	b.exec(bob, `UPDATE todos SET title = 'b' WHERE id = 1`)
	b.exec(bob, `UPDATE todos SET done = true WHERE id = 1`)
	all := b.changes()
	for name, tc := range map[string]struct {
		opts chrononaut.ActivityOpts
		want []int
	}{
		"actor":       {chrononaut.ActivityOpts{Actor: "bob"}, []int{3, 2}},
		"transaction": {chrononaut.ActivityOpts{Transaction: all[0].TransactionID}, []int{1, 0}},
		"column":      {chrononaut.ActivityOpts{Column: "title", Table: b.table}, []int{2, 1, 0}},
		"operation":   {chrononaut.ActivityOpts{Operation: chrononaut.OperationUpdate}, []int{3, 2}},
		"since":       {chrononaut.ActivityOpts{Since: all[2].Changed, Table: b.table}, []int{3, 2}},
		"until":       {chrononaut.ActivityOpts{Until: all[1].Changed, Actor: "ann"}, []int{1, 0}},
		"page":        {chrononaut.ActivityOpts{Limit: 1, BeforeID: all[3].ID}, []int{2}},
		"oldest":      {chrononaut.ActivityOpts{Limit: 1, OldestFirst: true, AfterID: all[1].ID}, []int{2}},
		"nothing":     {chrononaut.ActivityOpts{Actor: "ann' OR '1'='1"}, nil},
	} {
		got, err := b.client.Activity(ctx, &tc.opts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var ids, want []int64
		for _, c := range got {
			ids = append(ids, c.ID)
		}
		for _, i := range tc.want {
			want = append(want, all[i].ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("by %s: ids mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func tellsNotRecorded(t *testing.T, b *bench) {
	ctx := t.Context()
	before := time.Now().Add(-time.Hour)
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a')`)
	if _, err := b.todos.At(ctx, 1, before); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("before tracking: error = %v, want ErrNotRecorded", err)
	}
	inserted := b.changes()[0].Changed
	if _, err := b.todos.At(ctx, 1, inserted.Add(-time.Microsecond)); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("before the insert: error = %v, want ErrNotFound", err)
	}
	if _, err := b.todos.At(ctx, 99, time.Now().Add(time.Hour)); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("a record that never was: error = %v, want ErrNotFound", err)
	}
	if changed, err := b.todos.ChangedSince(ctx, 1, before); err != nil || !changed {
		t.Errorf("ChangedSince(before tracking) = %v, %v; want true", changed, err)
	}
	nothing := chrononaut.NewHistory[todo](b.client, chrononaut.Table{Name: "no_such_table"}, nil)
	if _, err := nothing.Versions(ctx, 1, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("a table that is not tracked: error = %v, want ErrNotTracked", err)
	}
}

func carriesText(t *testing.T, b *bench) {
	for i, text := range []string{`o'neil`, `back\slash`, `\'; DROP TABLE todos; --`, `"double" $$dollar$$ $1 ?`, "tab\tnew\nline\u2028", "日本 🕰 é", `{"json": [1]}`, ``} {
		ctx := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), text), text)
		b.tx(ctx, fmt.Sprintf(`INSERT INTO todos (id) VALUES (%d)`, 2*i))
		b.exec(ctx, fmt.Sprintf(`INSERT INTO todos (id) VALUES (%d)`, 2*i+1))
		changes := b.changes()
		for _, c := range changes[len(changes)-2:] {
			if c.Actor != text || c.Rationale != text {
				t.Errorf("actor %q, rationale %q; want %q", c.Actor, c.Rationale, text)
			}
		}
	}
	err := b.Tx(chrononaut.WithActor(t.Context(), "nul\x00"), func(exec func(context.Context, string, ...any) error) error {
		return exec(t.Context(), `INSERT INTO todos (id) VALUES (1000)`)
	})
	if !errors.Is(err, chrononaut.ErrContext) {
		t.Errorf("an actor with a NUL byte: error = %v, want ErrContext", err)
	}
}
