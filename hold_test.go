package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

// held asserts that statements, each of them on its own, are refused because of a
// hold.
func (f *fixture) held(hold *chrononaut.Hold, statements ...string) {
	f.Helper()
	for _, sql := range statements {
		_, err := f.pool.Exec(f.Context(), sql)
		f.wantHeld(hold, sql, chrononaut.WrapError(err))
	}
}

func (f *fixture) wantHeld(hold *chrononaut.Hold, what string, err error) {
	f.Helper()
	var held *chrononaut.HeldError
	switch {
	case !errors.As(err, &held) || !errors.Is(err, chrononaut.ErrHeld):
		f.Errorf("%s\nwas not refused: %v", what, err)
	case held.Hold != hold.ID || held.Reason != hold.Reason || held.Actor != hold.Actor || !held.Since.Equal(hold.Placed) || held.Table.Name == "":
		f.Errorf("%s\nrefused with %+v, want the hold %+v", what, held, hold)
	case chronodriver.State(err) != chronodriver.StateHeld:
		f.Errorf("%s\nSQLSTATE %q", what, chronodriver.State(err))
	}
}

func (f *fixture) hold(table string, keys []chrononaut.Key, opts *chrononaut.HoldOpts) *chrononaut.Hold {
	f.Helper()
	ctx := chrononaut.WithActor(f.Context(), `ann "x" <ann@example.com> is held by`)
	return must(f.client.Hold(ctx, f.name(table), keys, "lawsuit\n2026/4 \"é\" (hold 7)", opts))(f)
}

func (f *fixture) release(holds ...*chrononaut.Hold) {
	f.Helper()
	for _, hold := range holds {
		must(f.client.Release(f.Context(), hold.ID, "over"))(f)
	}
}

// Whatever a client does to a held record is refused, and works again afterwards;
// other records are free meanwhile.
func TestHoldRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) SELECT n, 'title' FROM generate_series(1, 5) AS n`, `DELETE FROM todos WHERE id = 5`)
	hold := f.hold("todos", keys(1, 5), nil)
	refused := []string{
		`UPDATE todos SET title = 'x' WHERE id = 1`,
		`UPDATE todos SET title = title WHERE id = 1`,
		`UPDATE todos SET visits = 7 WHERE id = 1`, // untracked
		`UPDATE todos SET secret = 's' WHERE id = 1`,
		`UPDATE todos SET version = 1 WHERE id = 1`,
		`UPDATE todos SET title = 'x'`,
		`UPDATE todos SET id = 11 WHERE id = 1`,
		`UPDATE todos SET id = 5 WHERE id = 2`, // the key of a record that is gone
		`WITH u AS (UPDATE todos SET title = 'x' WHERE id = 1 RETURNING *) SELECT * FROM u`,
		`DELETE FROM todos WHERE id = 1`,
		`DELETE FROM todos`,
		`TRUNCATE todos`,
		`INSERT INTO todos (id) VALUES (5)`,
		`INSERT INTO todos (id) SELECT n FROM generate_series(5, 9) AS n`,
		`INSERT INTO todos (id, title) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET title = excluded.title`,
		`INSERT INTO todos (id, title) VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET id = 5`,
		`SET LOCAL session_replication_role = replica; UPDATE todos SET title = 'x' WHERE id = 1`,
		`SET LOCAL session_replication_role = replica; DELETE FROM todos WHERE id = 1`,
		`SET LOCAL session_replication_role = replica; TRUNCATE todos`,
		`SELECT chrononaut.suppress('a mistake', true); UPDATE todos SET title = 'x' WHERE id = 1`,
		`SELECT chrononaut.suppress('a mistake'); DELETE FROM todos WHERE id = 1`,
		`SELECT chrononaut.suppress('a mistake'); INSERT INTO todos (id) VALUES (5)`,
		`SELECT chrononaut.suppress('a mistake'); TRUNCATE todos`,
		`SET LOCAL chrononaut.renumber = 'on'; UPDATE todos SET version = 1 WHERE id = 1`,
		`SET LOCAL chrononaut.context = '{"operation": "restore"}'; UPDATE todos SET title = 'x' WHERE id = 1`,
		`DO $$ BEGIN UPDATE todos SET title = 'x' WHERE id = 1; END $$`,
	}
	if f.pool.Config().ConnConfig != nil && f.major() >= 15 {
		refused = append(refused,
			`MERGE INTO todos AS t USING (VALUES (1)) AS s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET title = 'x'`,
			`MERGE INTO todos AS t USING (VALUES (1)) AS s (id) ON t.id = s.id WHEN MATCHED THEN DELETE`,
			`MERGE INTO todos AS t USING (VALUES (5)) AS s (id) ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)`)
	}
	before := f.rows(`SELECT t::text FROM todos AS t ORDER BY id`)
	f.held(hold, refused...)
	copies := func() error {
		_, err := f.pool.CopyFrom(f.Context(), pgx.Identifier{"todos"}, []string{"id"}, pgx.CopyFromRows([][]any{{8}, {5}}))
		return chrononaut.WrapError(err)
	}
	f.wantHeld(hold, "COPY", copies())
	f.wantRows(`SELECT t::text FROM todos AS t ORDER BY id`, before...)

	f.exec(`UPDATE todos SET title = 'free', visits = 3 WHERE id = 2`, `UPDATE todos SET id = 22 WHERE id = 3`, `DELETE FROM todos WHERE id = 4`,
		`INSERT INTO todos (id) VALUES (6)`, `SELECT * FROM todos WHERE id = 1 FOR UPDATE`, `INSERT INTO todos (id) VALUES (1) ON CONFLICT DO NOTHING`)

	f.release(hold)
	if err := copies(); err != nil {
		t.Errorf("COPY after the release: %v", err)
	}
	for _, sql := range refused {
		if _, err := f.pool.Exec(t.Context(), `BEGIN; DELETE FROM todos WHERE id = 5; `+sql+`; ROLLBACK`); errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
			t.Errorf("%s\nafter the release: %v", sql, err)
		}
	}
	f.exec(`UPDATE todos SET title = 'x' WHERE id = 1`, `TRUNCATE todos`)
}

func (f *fixture) major() int {
	f.Helper()
	var version int
	if err := f.pool.QueryRow(f.Context(), `SELECT current_setting('server_version_num')::integer / 10000`).Scan(&version); err != nil {
		f.Fatal(err)
	}
	return version
}

// What a foreign key does to a held row when its parent goes or changes is refused,
// and so the change of the parent; so is TRUNCATE by way of another table.
func TestHoldRefusesCascades(t *testing.T) {
	t.Parallel()
	free := strings.NewReplacer("9", "8", "id = 1", "id = 2")
	for action, statements := range map[string][]string{
		"ON DELETE CASCADE":                               {`DELETE FROM lists WHERE id = 1`, `TRUNCATE lists CASCADE`},
		"ON DELETE SET NULL":                              {`DELETE FROM lists WHERE id = 1`},
		"ON DELETE SET DEFAULT":                           {`DELETE FROM lists WHERE id = 1`},
		"ON UPDATE CASCADE":                               {`UPDATE lists SET id = 9 WHERE id = 1`},
		"ON UPDATE SET NULL":                              {`UPDATE lists SET id = 9 WHERE id = 1`},
		"ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED": {`DELETE FROM lists WHERE id = 1`},
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE lists (id integer PRIMARY KEY)`, `INSERT INTO lists VALUES (1), (2)`,
				`CREATE TABLE items (id integer PRIMARY KEY, list_id integer REFERENCES lists `+action+`)`)
			f.track("lists", nil)
			f.track("items", nil)
			f.exec(`INSERT INTO items VALUES (1, 1), (2, 2)`)
			hold := f.hold("items", keys(1), nil)
			f.held(hold, statements...)
			f.exec(free.Replace(statements[0]))
			f.wantRows(`SELECT row(id, list_id)::text FROM items WHERE id = 1`, "(1,1)")
			f.release(hold)
			f.exec(statements[0])
		})
	}
}

// A partitioned table is one, whatever partition is written, and however its name.
func TestHoldOfPartitions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE SCHEMA "Odd ""S"""`, `CREATE TABLE "Odd ""S"""."p 'x'" ("K ""1""" integer, b text, "is held by ""x""" text, PRIMARY KEY ("K ""1""", b)) PARTITION BY LIST (b)`,
		`CREATE TABLE pa PARTITION OF "Odd ""S"""."p 'x'" FOR VALUES IN ('a')`, `CREATE TABLE pb PARTITION OF "Odd ""S"""."p 'x'" DEFAULT`)
	const table = `"Odd ""S"""."p 'x'"`
	f.track(table, nil)
	f.exec(`INSERT INTO ` + table + ` VALUES (1, 'a', 'x'), (2, 'a', 'x'), (3, 'b', 'x')`)
	hold := f.hold(table, []chrononaut.Key{{`K "1"`: 1, "b": "a"}}, nil)
	f.held(hold,
		`UPDATE `+table+` SET "is held by ""x""" = 'y' WHERE "K ""1""" = 1`, `UPDATE pa SET "is held by ""x""" = 'y'`, `UPDATE `+table+` SET b = 'b' WHERE "K ""1""" = 1`,
		`DELETE FROM pa`, `TRUNCATE pa`, `TRUNCATE `+table, `UPDATE `+table+` SET b = 'q', "K ""1""" = 6 WHERE "K ""1""" = 1`)
	var held *chrononaut.HeldError
	if _, err := f.pool.Exec(t.Context(), `DELETE FROM pa`); !errors.As(chrononaut.WrapError(err), &held) || held.Table != f.name(table) || held.Whole {
		t.Errorf("the error is of %+v", held)
	}
	f.exec(`UPDATE `+table+` SET b = 'c' WHERE "K ""1""" = 2`, `UPDATE `+table+` SET b = 'a' WHERE "K ""1""" = 3`)
	f.release(hold)
	f.exec(`UPDATE ` + table + ` SET b = 'z'`)
}

// A whole table, with insertions allowed or not.
func TestHoldOfTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1)`)
	hold := f.hold("todos", nil, nil)
	if hold.Keys != nil {
		t.Errorf("keys of a whole table: %v", hold.Keys)
	}
	f.held(hold, `INSERT INTO todos (id) VALUES (2)`, `UPDATE todos SET title = 'x'`, `DELETE FROM todos`, `TRUNCATE todos`)
	var held *chrononaut.HeldError
	if _, err := f.pool.Exec(t.Context(), `DELETE FROM todos`); !errors.As(chrononaut.WrapError(err), &held) || !held.Whole {
		t.Errorf("the error is %+v", held)
	}
	f.release(hold)
	f.exec(`INSERT INTO todos (id) VALUES (2)`)
	hold = f.hold("todos", nil, &chrononaut.HoldOpts{AllowInsert: true})
	f.exec(`INSERT INTO todos (id) VALUES (3)`)
	f.held(hold, `UPDATE todos SET title = 'x' WHERE id = 3`, `DELETE FROM todos WHERE id = 2`, `TRUNCATE todos`)
	// Two holds: the oldest is named, and both have to go.
	second := f.hold("todos", keys(3), nil)
	f.held(hold, `UPDATE todos SET title = 'x' WHERE id = 3`)
	f.release(hold)
	f.held(second, `UPDATE todos SET title = 'x' WHERE id = 3`)
	f.exec(`UPDATE todos SET title = 'x' WHERE id = 2`)
	f.release(second)
	f.exec(`UPDATE todos SET title = 'x'`)
	if _, err := f.client.Hold(t.Context(), f.name("todos"), keys(1), "x", &chrononaut.HoldOpts{AllowInsert: true}); !errors.Is(err, chrononaut.ErrLocking) {
		t.Errorf("AllowInsert of a record: %v", err)
	}
}

// Values that jsonb cannot hold do not make a row of a guarded table unwritable, and
// neither let a held one be written.
func TestHoldWithOddValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE odd (k numeric(6, 2) PRIMARY KEY, j json, x float8, "when" timestamptz)`)
	f.track("odd", nil)
	f.exec(`INSERT INTO odd VALUES (1.50, '{"a": "\u0000"}', '-0', now()), (2, '"\u0000"', 'NaN', 'infinity')`)
	hold := f.hold("odd", []chrononaut.Key{{"k": 1.5}}, nil)
	f.held(hold, `UPDATE odd SET x = 1 WHERE k = 1.5`, `UPDATE odd SET j = '1' WHERE k = 1.5`, `DELETE FROM odd`)
	f.exec(`UPDATE odd SET j = '{"b": "\u0000"}' WHERE k = 2`, `DELETE FROM odd WHERE k = 2`, `INSERT INTO odd VALUES (3, '"\u0000"')`)
	// A column by which rows are held is renamed where no event trigger refuses it.
	f.exec(`ALTER EVENT TRIGGER chrononaut_held_alter DISABLE`, `ALTER TABLE odd RENAME k TO other`)
	f.held(hold, `UPDATE odd SET x = 1 WHERE other = 1.5`, `UPDATE odd SET x = 1 WHERE other = 3`)
	f.release(hold)
	f.exec(`UPDATE odd SET x = 1 WHERE other = 1.5`)
}

// History of what is held stays, through the unsafe door too, also what it has under
// older keys of the record; nothing else of it does.
func TestHoldKeepsHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'one'), (2, 'two'), (3, 'three')`,
		`UPDATE todos SET id = 11 WHERE id = 1`, `UPDATE todos SET id = 12 WHERE id = 11`,
		// Another record takes the key that it had.
		`UPDATE todos SET id = 1 WHERE id = 2`, `UPDATE todos SET title = 'other' WHERE id = 1`, `DELETE FROM todos WHERE id = 3`)
	hold := f.hold("todos", keys(12, 3), nil)
	erase := func(id int) (int64, error) {
		tx := must(f.db.Begin(t.Context()))(t)
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		door := must(chronounsafe.Suppress(t.Context(), chronopgx.NewTxDriver(tx), "erasure request", &chronounsafe.Opts{AllowErase: true}))(t)
		return door.EraseHistory(t.Context(), f.name("todos"), chrononaut.Key{"id": id})
	}
	for _, id := range []int{12, 3} {
		_, err := erase(id)
		f.wantHeld(hold, fmt.Sprintf("erasure of record %d", id), err)
	}
	if n, err := erase(1); err != nil || n == 0 {
		t.Errorf("erasure of the record that has a key which a held one had: %d, %v", n, err)
	}
	door := `SELECT chrononaut.suppress('x', true); `
	former := `key = '{"id": 1}' AND data ->> 'title' = 'one'`
	f.held(hold, door+`DELETE FROM chrononaut.chrononaut_activity WHERE key = '{"id": 12}'`, door+`DELETE FROM chrononaut.chrononaut_activity WHERE key = '{"id": 11}'`,
		door+`DELETE FROM chrononaut.chrononaut_activity WHERE `+former, `SET LOCAL session_replication_role = replica; `+door+`DELETE FROM chrononaut.chrononaut_activity WHERE `+former)
	// The hold itself is history that nothing deletes.
	f.release(hold)
	for _, sql := range []string{
		door + `DELETE FROM chrononaut.chrononaut_activity WHERE operation = 'hold'`, door + `DELETE FROM chrononaut.chrononaut_activity WHERE operation = 'release'`,
		`DELETE FROM chrononaut.chrononaut_hold`, `UPDATE chrononaut.chrononaut_hold SET released = NULL`, `TRUNCATE chrononaut.chrononaut_hold CASCADE`,
		`INSERT INTO chrononaut.chrononaut_hold (table_schema, table_name, reason, user_info, change) VALUES ('public', 'todos', 'x', '{}', 1)`,
		`TRUNCATE chrononaut.chrononaut_hold_scope`, `DELETE FROM chrononaut.chrononaut_hold_shape`, `SET LOCAL session_replication_role = replica; DELETE FROM chrononaut.chrononaut_hold`,
		`INSERT INTO chrononaut.chrononaut_hold_scope SELECT id, 'public', 'todos', '{}', 1 FROM chrononaut.chrononaut_hold`,
	} {
		if _, err := f.pool.Exec(t.Context(), sql); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrAppendOnly) {
			t.Errorf("%s\n%v", sql, err)
		}
	}
	second := f.hold("todos", keys(1), nil)
	for _, sql := range []string{`DELETE FROM chrononaut.chrononaut_hold_scope`, `UPDATE chrononaut.chrononaut_hold SET reason = 'x'`, `UPDATE chrononaut.chrononaut_hold SET released = '{}' WHERE id = ` + fmt.Sprint(second.ID)} {
		if _, err := f.pool.Exec(t.Context(), sql); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrAppendOnly) {
			t.Errorf("%s\n%v", sql, err)
		}
	}
	if n, err := erase(12); err != nil || n != 3 {
		t.Errorf("erasure after the release: %d, %v", n, err)
	}
}

// Holds and releases are in the log, with who, why, and what.
func TestHoldsAreHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1), (2)`)
	ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "bob")
	one := must(h.Hold(ann, 1, "lawsuit", &chrononaut.HoldOpts{TwoPeople: true}))(t)
	two := must(f.client.Hold(bob, f.name("todos"), keys(1, 2), "audit", nil))(t)
	all := must(f.client.Holds(t.Context(), nil))(t)
	if len(all) != 2 || all[0].ID != two.ID || all[1].Reason != "lawsuit" || all[1].Actor != "ann" || !all[1].TwoPeople || len(all[0].Keys) != 2 {
		t.Errorf("holds: %+v", all)
	}
	count := func(opts chrononaut.HoldsOpts) int { return len(must(f.client.Holds(t.Context(), &opts))(t)) }
	if got := []int{
		count(chrononaut.HoldsOpts{Table: f.name("todos")}), count(chrononaut.HoldsOpts{Table: f.name("todos"), Key: chrononaut.Key{"id": "2"}}),
		count(chrononaut.HoldsOpts{Table: f.name("todos"), Key: chrononaut.Key{"id": 3}}), count(chrononaut.HoldsOpts{Limit: 1}),
	}; fmt.Sprint(got) != "[2 1 0 1]" {
		t.Errorf("holds of a table, a record, another record, at most one: %v", got)
	}

	// Two people.
	if _, err := f.client.Release(t.Context(), one.ID, "over"); !errors.Is(err, chrononaut.ErrLocking) {
		t.Errorf("released by nobody: %v", err)
	}
	requested := must(f.client.Release(ann, one.ID, "settled"))(t)
	if requested.Requested == nil || requested.Requested.Actor != "ann" || requested.Released != nil {
		t.Errorf("after the first of two: %+v", requested)
	}
	if _, err := f.client.Release(ann, one.ID, "really"); !errors.Is(err, chrononaut.ErrLocking) {
		t.Errorf("released by the same person: %v", err)
	}
	f.held(two, `UPDATE todos SET title = 'x' WHERE id = 2`)
	released := must(f.client.Release(bob, one.ID, "agreed"))(t)
	if released.Released == nil || released.Released.Actor != "bob" || released.Released.Rationale != "agreed" || released.Requested.Rationale != "settled" {
		t.Errorf("after the second of two: %+v", released)
	}
	for name, err := range map[string]error{
		"released twice":    func() error { _, err := f.client.Release(bob, one.ID, "again"); return err }(),
		"without a reason":  func() error { _, err := f.client.Release(bob, two.ID, " "); return err }(),
		"held for nothing":  func() error { _, err := f.client.Hold(bob, f.name("todos"), keys(1), "", nil); return err }(),
		"held with a NUL":   func() error { _, err := f.client.Hold(bob, f.name("todos"), keys(1), "a\x00", nil); return err }(),
		"held of no record": func() error { _, err := f.client.Hold(bob, f.name("todos"), []chrononaut.Key{}, "x", nil); return err }(),
	} {
		if !errors.Is(err, chrononaut.ErrLocking) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.client.Release(bob, 99, "x"); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("there is no such hold: %v", err)
	}
	if _, err := f.client.Hold(bob, f.name("todos"), keys(7), "x", nil); !errors.Is(err, chrononaut.ErrNotFound) {
		t.Errorf("there is no such record: %v", err)
	}
	for _, key := range []chrononaut.Key{{"id": "x"}, {"nothing": 1}, {}} {
		if _, err := f.client.Hold(bob, f.name("todos"), []chrononaut.Key{key}, "x", nil); !errors.Is(err, chrononaut.ErrKey) || strings.Contains(err.Error(), `"x"`) {
			t.Errorf("key %v: %v", key, err)
		}
	}
	if _, err := f.client.Hold(bob, chrononaut.Table{Name: "nothing"}, nil, "x", nil); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("there is no such table: %v", err)
	}

	var log []string
	for _, c := range must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{OldestFirst: true, Since: one.Placed.Add(-1e9)}))(t) {
		if hold, ok := c.Data["hold"]; ok {
			log = append(log, fmt.Sprintf("%s %s %s %s %s", c.Operation, hold, c.Table, c.Actor, c.Rationale))
		}
	}
	if got, want := strings.Join(log, "\n"), `hold 1 public.todos ann lawsuit
hold 2 public.todos bob audit
release_request 1 public.todos ann settled
release 1 public.todos bob agreed`; got != want {
		t.Errorf("the log:\n%s", got)
	}
	if n := count(chrononaut.HoldsOpts{All: true}); n != 2 {
		t.Errorf("%d holds were placed", n)
	}
	if got := lines(versions(f, h, 1, nil)); len(got) != 1 {
		t.Errorf("the record's own history: %v", got)
	}
}

// In a transaction of the caller's, a hold comes and goes with it.
func TestHoldInATransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1)`)
	tx := must(f.db.Begin(chrononaut.WithActor(t.Context(), "ann")))(t)
	client := f.client.With(chronopgx.NewTxDriver(tx))
	hold := must(client.Hold(t.Context(), f.name("todos"), keys(1), "x", nil))(t)
	if hold.Actor != "ann" {
		t.Errorf("the actor is %q", hold.Actor)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE todos SET title = 'x'`); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
		t.Errorf("the transaction that placed it writes: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE todos SET title = 'x'`)
	if holds := must(f.client.Holds(t.Context(), &chrononaut.HoldsOpts{All: true}))(t); len(holds) != 0 {
		t.Errorf("a hold that was rolled back: %+v", holds)
	}
	f.wantRows(`SELECT operation FROM chrononaut.chrononaut_activity WHERE operation = 'hold'`)
	f.wantRows(`SELECT current_setting('lock_timeout')`, "0")
}

// A restore of what is held is a problem of the plan, and refused if it comes later.
func TestHoldAgainstRestores(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'one'), (2, 'two'), (3, 'three')`)
	f.exec(`UPDATE todos SET title = 'x'`, `DELETE FROM todos WHERE id = 3`)
	last := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationUpdate, Limit: 1}))(t)[0]
	restore := func() (*chrononaut.RestorePlan, error) {
		return f.client.Restore(t.Context(), f.name("todos"), keys(1, 2), chrononaut.ToVersion(0), nil)
	}
	undelete := func() (*chrononaut.RestorePlan, error) {
		return f.client.Undelete(t.Context(), f.name("todos"), keys(3), nil)
	}
	revert := func() (*chrononaut.RestorePlan, error) {
		return f.client.Revert(t.Context(), chrononaut.RevertTarget{Transaction: last.TransactionID}, nil)
	}
	earlier := must(restore())(t)
	hold := f.hold("todos", keys(1, 3), nil)
	_, err := earlier.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "x"})
	f.wantHeld(hold, "a plan that was made before the hold", err)
	for name, make := range map[string]func() (*chrononaut.RestorePlan, error){"restore": restore, "undelete": undelete, "revert": revert} {
		plan := must(make())(t)
		blocked := plan.Blocked()
		if len(blocked) == 0 {
			t.Errorf("%s: nothing is in the way of\n%s", name, plan)
			continue
		}
		for _, i := range blocked {
			found := false
			for _, p := range i.Problems {
				if p.Kind == chrononaut.ProblemHeld {
					found = true
					if p.Held == nil || p.Held.Hold != hold.ID || p.Held.Reason != hold.Reason || !strings.Contains(p.String(), "is held by") {
						t.Errorf("%s: %+v", name, p)
					}
				}
			}
			if id := fmt.Sprint(i.Key["id"]); !found || id == "2" {
				t.Errorf("%s: problems of record %s: %v", name, id, i.Problems)
			}
		}
		if _, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "x"}); !errors.Is(err, chrononaut.ErrRestoreBlocked) {
			t.Errorf("%s was applied: %v", name, err)
		}
	}
	result := f.apply(must(restore())(t), &chrononaut.RestoreApplyOpts{SkipBlocked: true})
	if result.Updated != 1 || len(result.Skipped) != 1 {
		t.Errorf("without what is held: %+v", result)
	}
	f.release(hold)
	f.apply(must(undelete())(t), nil)
	f.wantRows(`SELECT title FROM todos ORDER BY id`, "x", "two", "x")
}

// A table with holds stays as it is: tracked, and under its name. So do the columns.
func TestHoldOfTheTableItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id) VALUES (1)`)
	hold := f.hold("todos", keys(1), nil)
	_, err := f.migrator.Untrack(t.Context(), f.name("todos"), nil)
	f.wantHeld(hold, "untrack", err)
	_, err = f.migrator.Rename(t.Context(), f.name("todos"), chronomigrate.Renaming{Table: f.name("tasks")}, nil)
	f.wantHeld(hold, "rename", err)
	statements := []string{
		`DROP TABLE todos`, `DROP TABLE todos CASCADE`, `ALTER TABLE todos RENAME TO tasks`, `CREATE SCHEMA attic; ALTER TABLE todos SET SCHEMA attic`,
		`ALTER TABLE todos RENAME id TO key`, `ALTER TABLE todos DROP title`, `ALTER TABLE todos ALTER title TYPE varchar(1) USING 'x'`,
		`ALTER TABLE todos DISABLE TRIGGER ALL`, `ALTER TABLE todos DISABLE TRIGGER USER`, `ALTER TABLE todos ENABLE TRIGGER "000_chrononaut_capture"`,
		`ALTER TABLE todos ENABLE REPLICA TRIGGER "000_chrononaut_capture_update"`, `ALTER TABLE todos DISABLE TRIGGER "000_chrononaut_capture_delete"`,
		`DROP TRIGGER "000_chrononaut_capture" ON todos`, `DROP TRIGGER "000_chrononaut_capture_insert" ON todos`, `DROP SCHEMA public CASCADE`, `ALTER SCHEMA public RENAME TO other`,
		`DO $$ BEGIN BEGIN EXECUTE 'ALTER TABLE todos DISABLE TRIGGER ALL'; EXCEPTION WHEN division_by_zero THEN NULL; END; END $$`,
		`DELETE FROM chrononaut.chrononaut_table`, `UPDATE chrononaut.chrononaut_table SET tracked = false`, `UPDATE chrononaut.chrononaut_table SET table_name = 'x'`,
	}
	statements = append(statements,
		`ALTER TRIGGER "000_chrononaut_capture_update" ON todos RENAME TO x`, `ALTER TRIGGER "000_chrononaut_truncate" ON todos RENAME TO x`,
		`ALTER TRIGGER "000_chrononaut_capture" ON todos RENAME TO x; DROP TRIGGER x ON todos`,
		`CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE OR REPLACE TRIGGER "000_chrononaut_capture_update" AFTER UPDATE ON todos FOR EACH STATEMENT EXECUTE FUNCTION nothing()`,
		`DO $$ BEGIN EXECUTE (SELECT replace(replace(pg_get_triggerdef(oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), 'TRUNCATE ON', 'DELETE ON') FROM pg_trigger WHERE tgrelid = 'todos'::regclass AND tgname = '000_chrononaut_truncate'); END $$`,
		`DO $$ BEGIN EXECUTE (SELECT replace(replace(pg_get_triggerdef(oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), ' EXECUTE ', ' WHEN (false) EXECUTE ') FROM pg_trigger WHERE tgrelid = 'todos'::regclass AND tgname = '000_chrononaut_capture_delete'); END $$`,
	)
	f.held(hold, statements...)
	f.exec(`CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`, `CREATE TRIGGER app AFTER UPDATE ON todos FOR EACH ROW EXECUTE FUNCTION app()`,
		`ALTER TRIGGER app ON todos RENAME TO app2`, `DROP TRIGGER app2 ON todos`)
	f.exec(`ALTER TABLE todos ADD added integer DEFAULT 3`, `ALTER TABLE todos ALTER title SET DEFAULT 'x'`, `CREATE TABLE other (id integer)`, `ALTER TABLE other RENAME TO another`, `DROP TABLE another`)
	f.track("todos", &chronomigrate.TrackOptions{Hidden: []string{"secret"}}) // what repairs it is allowed
	f.held(hold, `UPDATE todos SET title = 'x'`)
	f.release(hold)
	f.exec(`ALTER TABLE todos RENAME TO tasks`, `DROP TABLE tasks CASCADE`)
}
