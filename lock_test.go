package chrononaut_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

func TestLockReturnsThePresentRow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type row struct {
		ID, Visits    int
		Title, Secret string
		Done          bool
		Version       int
	}
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one', false, 's', 3), (2, NULL, true, NULL, NULL)`, `UPDATE todos SET title = 'two' WHERE id = 1`)
	h := history[row](f, "todos")
	tx := f.begin()
	got := must(chronopgx.Lock(t.Context(), tx, h, 1, nil))(t)
	want := &chrononaut.Locked[row]{Record: row{1, 3, "two", "s", false, 1}, Key: chrononaut.Key{"id": 1}, Version: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	if free(f, h, 1) || !free(f, h, 2) {
		t.Error("another record is locked than was asked for")
	}
	asMap := must(chronopgx.Lock(t.Context(), tx, history[map[string]any](f, "todos"), 2, nil))(t)
	if diff := cmp.Diff(map[string]any{"id": int32(2), "title": nil, "done": true, "secret": nil, "visits": nil, "version": int32(0)}, asMap.Record); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	if _, err := chronopgx.Lock(t.Context(), tx, history[struct{}](f, "todos"), 2, nil); err != nil {
		t.Error(err)
	}
	f.commit(tx)
	if !free(f, h, 1) {
		t.Error("the lock has outlived the transaction")
	}
}

func TestLockRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one')`)
	lock := func(ctx context.Context, q chronodriver.Queryer, of any, opts *chrononaut.LockOpts) error {
		_, err := h.Lock(ctx, q, of, opts)
		return err
	}
	tx := chronopgx.NewTxDriver(f.begin())
	yesterday := chrononaut.AsOf(t.Context(), time.Now().AddDate(0, 0, -1))
	_, notTracked := history[todo](f, "nothing").Lock(t.Context(), tx, 1, nil)
	past := must(f.db.Begin(chrononaut.AsOf(t.Context(), time.Now())))(t)
	defer func() { _ = past.Rollback(t.Context()) }()
	for name, tc := range map[string]struct{ got, want error }{
		"outside of a transaction":            {lock(t.Context(), chronopgx.NewDriver(f.pool, nil), 1, nil), chrononaut.ErrNoTransaction},
		"in the past":                         {lock(yesterday, tx, 1, nil), chrononaut.ErrPast},
		"in a transaction that reads it":      {lock(t.Context(), chronopgx.NewTxDriver(past), 1, nil), chrononaut.ErrPast},
		"a record that is not":                {lock(t.Context(), tx, 9, nil), chrononaut.ErrNotFound},
		"a record that is not, without delay": {lock(t.Context(), tx, 9, &chrononaut.LockOpts{NoWait: true}), chrononaut.ErrNotFound},
		"a record that is not, with a limit":  {lock(t.Context(), tx, 9, &chrononaut.LockOpts{Timeout: time.Minute}), chrononaut.ErrNotFound},
		"another column":                      {lock(t.Context(), tx, chrononaut.Key{"x": 1}, nil), chrononaut.ErrKey},
		"no key":                              {lock(t.Context(), tx, nil, nil), chrononaut.ErrKey},
		"a table that is not tracked":         {notTracked, chrononaut.ErrNotTracked},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
	for name, opts := range map[string]*chrononaut.LockOpts{"both strengths": {Share: true, Delete: true}, "a negative timeout": {Timeout: -1}} {
		if lock(t.Context(), tx, 1, opts) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLockAllTakesEachRecordOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 20) AS n`)
	tx := f.begin()
	of := []any{7, int64(3), chrononaut.Key{"id": json.Number("7")}, chrononaut.Key{"id": "3"}, todo{ID: 10}, &todo{ID: 3}, uint8(7)}
	records := must(chronopgx.LockAll(t.Context(), tx, h, of, nil))(t)
	var ids []int
	for _, r := range records {
		ids = append(ids, r.Record.ID)
	}
	if diff := cmp.Diff([]int{7, 3, 10}, ids); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
	if none := must(chronopgx.LockAll(t.Context(), tx, h, nil, nil))(t); len(none) != 0 {
		t.Errorf("locked %v", none)
	}
	_, err := chronopgx.LockAll(t.Context(), tx, h, []any{30, 1, 29}, nil)
	if missing := missingError(t, err); !cmp.Equal(missing.Keys, []chrononaut.Key{{"id": 30}, {"id": 29}}) {
		t.Errorf("missing: %v", missing.Keys)
	}
	_, err = chronopgx.LockAll(t.Context(), tx, h, []any{31, 2}, &chrononaut.LockOpts{NoWait: true})
	if missing := missingError(t, err); !cmp.Equal(missing.Keys, []chrononaut.Key{{"id": 31}}) {
		t.Errorf("missing: %v", missing.Keys)
	}
	if free(f, h, 1) || !free(f, h, 2) {
		t.Error("the savepoint was not rolled back, or there was one")
	}
}

// Callers cannot block each other for ever when all of them take rows in one order.
func TestLockAllLocksInTheOrderOfTheKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE "Odd ""Lines""" ("Order ID" text COLLATE "C", "select" numeric, "a.b" text, "VERSION" integer, PRIMARY KEY ("select", "Order ID")) PARTITION BY LIST ("Order ID")`,
		`CREATE TABLE parts_a PARTITION OF "Odd ""Lines""" FOR VALUES IN ('a', 'é''"\')`, `CREATE TABLE parts_b PARTITION OF "Odd ""Lines""" FOR VALUES IN ('b')`)
	f.track(`"Odd ""Lines"""`, &chronomigrate.TrackOptions{VersionColumn: "VERSION"})
	f.exec(`INSERT INTO "Odd ""Lines""" VALUES ('b', 2, 'first'), ('a', 10, 'second'), ('b', 10, 'third'), ('é''"\', 11, 'last')`)
	h := history[map[string]any](f, `"Odd ""Lines"""`)
	key := func(line any, order string) chrononaut.Key {
		return chrononaut.Key{"select": line, "Order ID": order}
	}
	first, second, third, last := key(2, "b"), key(json.Number("10.0"), "a"), key("10", "b"), key(11, `é'"\`)
	a, b := f.begin(), f.begin()
	if _, err := chronopgx.Lock(t.Context(), a, h, third, nil); err != nil {
		t.Fatal(err)
	}
	done := lockBeside(f, b, h, []any{last, third, second, first}, nil)
	for _, tc := range []struct {
		name string
		of   chrononaut.Key
		want bool
	}{{"the first", first, false}, {"the second", second, false}, {"the last", last, true}} {
		if got := free(f, h, tc.of); got != tc.want {
			t.Errorf("%s is free: %t", tc.name, got)
		}
	}
	f.commit(a)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	var names []string
	for _, r := range got.records {
		names = append(names, r.Record["a.b"].(string))
	}
	if diff := cmp.Diff([]string{"last", "third", "second", "first"}, names); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
}

func TestLockStrengths(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 3) AS n`, `CREATE TABLE parts (id integer PRIMARY KEY, todo integer REFERENCES todos)`)
	tx := f.begin()
	lock := func(of any, opts chrononaut.LockOpts) {
		t.Helper()
		must(chronopgx.Lock(t.Context(), tx, h, of, &opts))(t)
	}
	lock(1, chrononaut.LockOpts{})
	lock(2, chrononaut.LockOpts{Delete: true})
	lock(3, chrononaut.LockOpts{Share: true})
	for name, tc := range map[string]struct {
		sql  string
		want string
	}{
		"a row that refers to a locked one":             {`INSERT INTO parts VALUES (1, 1)`, ""},
		"a row that refers to one locked to be deleted": {`INSERT INTO parts VALUES (2, 2)`, "55P03"},
		"a row that refers to a shared one":             {`INSERT INTO parts VALUES (3, 3)`, ""},
		"an update of a locked row":                     {`UPDATE todos SET done = true WHERE id = 1`, "55P03"},
		"an update of a shared row":                     {`UPDATE todos SET done = true WHERE id = 3`, "55P03"},
		"a delete of a shared row":                      {`DELETE FROM todos WHERE id = 3`, "55P03"},
	} {
		other := f.begin()
		f.execIn(other, `SET LOCAL lock_timeout = '30ms'`)
		if _, err := other.Exec(t.Context(), tc.sql); chronodriver.State(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
		f.execIn(other, `ROLLBACK`)
	}
	other := f.begin()
	if _, err := chronopgx.Lock(t.Context(), other, h, 3, &chrononaut.LockOpts{Share: true, NoWait: true}); err != nil {
		t.Errorf("a second shared lock: %v", err)
	}
}

func TestLockReadsTheTableAsItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type row struct {
		ID      int
		Title   string
		Color   string
		Version int
	}
	f.todos()
	f.exec(`INSERT INTO todos VALUES (1, 'one')`)
	h := history[row](f, "todos")
	if _, err := chronopgx.Lock(t.Context(), f.begin(), h, 1, nil); err != nil {
		t.Fatal(err)
	}
	f.exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'todos'::regclass AND pid <> pg_backend_pid()`)
	f.exec(`ALTER TABLE todos ADD color text DEFAULT 'red'`)
	tx := f.begin()
	if got := must(chronopgx.Lock(t.Context(), tx, h, 1, nil))(t); got.Record.Color != "red" {
		t.Errorf("locked %+v", got.Record)
	}
	f.execIn(tx, `ALTER TABLE todos RENAME color TO shade`, `ALTER TABLE todos ADD color text DEFAULT 'blue'`)
	_, err := chronopgx.Lock(t.Context(), tx, h, 1, nil)
	if err != nil {
		t.Errorf("in the transaction that has changed the table: %v", err)
	}
	f.execIn(tx, `ROLLBACK`)
	// What was read in that transaction is found to be wrong once.
	_, _ = chronopgx.Lock(t.Context(), f.begin(), h, 1, nil)
	if got := must(chronopgx.Lock(t.Context(), f.begin(), h, 1, nil))(t); got.Record.Color != "red" {
		t.Errorf("locked %+v after a rollback of the change", got.Record)
	}
}

func TestLockSkipsWhatOthersHave(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 5) AS n`)
	a, b := f.begin(), f.begin()
	must(chronopgx.LockAll(t.Context(), a, h, []any{2, 4}, nil))(t)
	for _, opts := range []*chrononaut.LockOpts{{SkipLocked: true}, {SkipLocked: true, Timeout: time.Minute}} {
		var ids []int
		for _, r := range must(chronopgx.LockAll(t.Context(), b, h, []any{5, 4, 3, 2, 9}, opts))(t) {
			ids = append(ids, r.Record.ID)
		}
		if diff := cmp.Diff([]int{5, 3}, ids); diff != "" {
			t.Errorf("locked (-want +got):\n%s", diff)
		}
	}
	if _, err := chronopgx.Lock(t.Context(), b, h, 2, &chrononaut.LockOpts{SkipLocked: true}); !errors.Is(err, chrononaut.ErrLocked) {
		t.Errorf("a single record: %v", err)
	}
	f.usable(b)
}

// The savepoint is the call's own: another one of the same name stays.
func TestLockInsideSavepoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos SELECT n FROM generate_series(1, 3) AS n`)
	other, tx := f.begin(), f.begin()
	must(chronopgx.Lock(t.Context(), other, h, 3, nil))(t)
	f.execIn(tx, `SAVEPOINT chrononaut_lock`, `UPDATE todos SET title = 'kept' WHERE id = 1`)
	_, err := chronopgx.LockAll(t.Context(), tx, h, []any{2, 3}, &chrononaut.LockOpts{NoWait: true})
	_ = lockedError(t, err)
	must(chronopgx.LockAll(t.Context(), tx, h, []any{1, 2}, &chrononaut.LockOpts{Timeout: time.Minute}))(t)
	f.usable(tx)
	f.execIn(tx, `RELEASE SAVEPOINT chrononaut_lock`)
	f.commit(tx)
	f.wantRows(`SELECT title FROM todos WHERE id = 1`, "kept")

	// In a nested transaction of pgx, whose rollback lets go of the lock.
	tx = f.begin()
	if err := pgx.BeginFunc(t.Context(), tx, func(inner pgx.Tx) error {
		must(chronopgx.Lock(t.Context(), inner, h, 1, nil))(t)
		return errors.New("undo")
	}); err == nil || !free(f, h, 1) {
		t.Errorf("after a rollback to a savepoint: %v", err)
	}
}
