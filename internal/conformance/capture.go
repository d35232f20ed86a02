package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

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

// recordsEachState is about several changes of a record in one transaction, with savepoints.
func recordsEachState(t *testing.T, b *bench) {
	b.tx(chrononaut.WithActor(t.Context(), "ann"),
		`INSERT INTO todos (id, title) VALUES (1, 'a')`,
		`UPDATE todos SET title = 'b'`,
		`SAVEPOINT s`,
		`UPDATE todos SET title = 'lost'`,
		`DELETE FROM todos`,
		`ROLLBACK TO SAVEPOINT s`,
		`UPDATE todos SET title = 'c'`,
		`SAVEPOINT s2`,
		`DELETE FROM todos`,
		`RELEASE SAVEPOINT s2`,
		`INSERT INTO todos (id, title) VALUES (1, 'd')`,
	)
	var got []string
	for _, s := range b.versions(1, nil) {
		got = append(got, fmt.Sprintf("%d %s %s", s.Version, s.Operation, s.Record.Title))
	}
	if diff := cmp.Diff([]string{"0 insert a", "1 update b", "2 update c", "3 delete c", "4 insert d"}, got); diff != "" {
		t.Errorf("versions mismatch (-want +got):\n%s", diff)
	}
	version, err := b.QueryInt(t.Context(), `SELECT version FROM todos`)
	if err != nil || version != 4 {
		t.Errorf("version of the row = %d, %v; want 4", version, err)
	}
}

// recordsSelections is about changes whose rows come from a query.
func recordsSelections(t *testing.T, b *bench) {
	ctx := t.Context()
	b.exec(ctx, `INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'b')`)
	b.exec(ctx, `INSERT INTO todos (id, title) SELECT id + 10, title FROM todos`)
	b.exec(ctx, `UPDATE todos SET title = o.title || '!' FROM todos AS o WHERE o.id = todos.id + 10`)
	b.exec(ctx, `DELETE FROM todos WHERE id IN (SELECT id FROM todos WHERE title LIKE '%!')`)
	b.wantSet("1 0 insert ", "2 0 insert ", "11 0 insert ", "12 0 insert ", "1 1 update ", "2 1 update ", "1 2 delete ", "2 2 delete ")
}

// keepsTheStateBeforeTracking is about rows that were there before the table was tracked.
func keepsTheStateBeforeTracking(t *testing.T, b *bench) {
	ctx := t.Context()
	if _, err := b.Driver.Exec(ctx, `CREATE TABLE earlier (id integer PRIMARY KEY, title text)`); err != nil {
		t.Fatal(err)
	}
	b.exec(ctx, `INSERT INTO earlier (id, title) VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
	b.table.Name = "earlier"
	b.track(nil)
	b.todos = chrononaut.NewHistory[todo](b.client, b.table, nil)
	b.exec(ctx, `UPDATE earlier SET title = 'A' WHERE id = 1`)
	b.exec(ctx, `DELETE FROM earlier WHERE id = 2`)
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Baseline(ctx, b.table, nil); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int][]string{1: {"0 baseline a", "1 update A"}, 2: {"0 baseline b", "1 delete b"}, 3: {"0 baseline c"}} {
		var got []string
		for _, s := range b.versions(id, nil) {
			got = append(got, fmt.Sprintf("%d %s %s", s.Version, s.Operation, s.Record.Title))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("versions of %d mismatch (-want +got):\n%s", id, diff)
		}
	}
}
