package chrononaut_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronounsafe"
)

// Rows that belong to a held record are held with it: those that there are, new ones,
// those that would move there or away, and the rows below them.
func TestHoldOfChildren(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE orders (id integer PRIMARY KEY, note text)`,
		`CREATE TABLE items (id integer PRIMARY KEY, order_id integer REFERENCES orders, what text)`,
		`CREATE TABLE notes (id integer PRIMARY KEY, item_id integer REFERENCES items ON DELETE CASCADE)`)
	for _, table := range []string{"orders", "items", "notes"} {
		f.track(table, nil)
	}
	f.exec(`INSERT INTO orders VALUES (1), (2)`, `INSERT INTO items VALUES (10, 1), (11, 1), (20, 2), (30, NULL), (40, 2)`, `INSERT INTO notes VALUES (100, 10), (200, 20), (300, NULL), (400, 40)`,
		`UPDATE items SET order_id = 1 WHERE id = 40`, `UPDATE notes SET id = 401 WHERE id = 400`)
	hold := f.hold("orders", keys(1), &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: f.name("items"), Children: []chrononaut.Relation{{Table: f.name("notes")}}}}})
	if r := hold.Children[0]; r.Table != f.name("public.items") || r.Columns["order_id"] != "id" || r.Children[0].Columns["item_id"] != "id" {
		t.Errorf("the relations of the hold: %+v", hold.Children)
	}
	refused := []string{
		`UPDATE orders SET note = 'x' WHERE id = 1`, `UPDATE items SET what = 'x' WHERE id = 10`, `DELETE FROM items WHERE id = 11`,
		`INSERT INTO items VALUES (12, 1)`, `UPDATE items SET order_id = 1 WHERE id = 20`, `UPDATE items SET order_id = 2 WHERE id = 10`, `UPDATE items SET order_id = NULL WHERE id = 10`,
		`UPDATE items SET order_id = 1 WHERE id = 30`, `UPDATE items SET id = 13 WHERE id = 11`, `TRUNCATE items CASCADE`, `TRUNCATE notes`,
		`UPDATE notes SET id = 9 WHERE id = 100`, `DELETE FROM notes`, `INSERT INTO notes VALUES (101, 10)`, `UPDATE notes SET item_id = 40 WHERE id = 300`, `UPDATE notes SET item_id = NULL WHERE id = 401`,
		`SET LOCAL session_replication_role = replica; INSERT INTO items VALUES (12, 1)`, `SELECT chrononaut.suppress('x'); INSERT INTO items VALUES (12, 1)`,
	}
	f.held(hold, refused...)
	f.exec(`UPDATE orders SET note = 'x' WHERE id = 2`, `UPDATE items SET what = 'x' WHERE id IN (20, 30)`, `INSERT INTO items VALUES (21, 2), (31, NULL)`, `UPDATE items SET order_id = NULL WHERE id = 21`,
		`INSERT INTO notes VALUES (201, 20), (301, NULL)`, `UPDATE notes SET item_id = 20 WHERE id = 300`, `DELETE FROM notes WHERE id = 200`)
	// A row that comes back is one that is added.
	if plan := must(f.client.Undelete(t.Context(), f.name("notes"), keys(200), nil))(t); len(plan.Blocked()) != 0 {
		t.Errorf("what is not held is in the way of\n%s", plan)
	}
	// History of the children stays as well, also of before they became some.
	for table, id := range map[string]int{"items": 40, "notes": 401} {
		tx := must(f.db.Begin(t.Context()))(t)
		door := must(chronounsafe.Suppress(t.Context(), chronopgx.NewTxDriver(tx), "x", &chronounsafe.Opts{AllowErase: true}))(t)
		_, err := door.EraseHistory(t.Context(), f.name(table), chrononaut.Key{"id": id})
		f.wantHeld(hold, "erasure of "+table, err)
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.held(hold, `SELECT chrononaut.suppress('x', true); DELETE FROM chrononaut.chrononaut_activity WHERE table_name = 'items' AND key = '{"id": 40}' AND version = 0`)
	for table, want := range map[string]int{"orders": 1, "items": 1, "notes": 1} {
		if holds := must(f.client.Holds(t.Context(), &chrononaut.HoldsOpts{Table: f.name(table)}))(t); len(holds) != want {
			t.Errorf("holds of %s: %+v", table, holds)
		}
	}
	if holds := must(f.client.Holds(t.Context(), &chrononaut.HoldsOpts{Table: f.name("notes"), Key: chrononaut.Key{"id": 100}}))(t); len(holds) != 1 {
		t.Errorf("holds of a grandchild: %+v", holds)
	}
	f.release(hold)
	for _, sql := range refused {
		if _, err := f.pool.Exec(t.Context(), `BEGIN; `+sql+`; ROLLBACK`); errors.Is(chrononaut.WrapError(err), chrononaut.ErrHeld) {
			t.Errorf("%s\nafter the release: %v", sql, err)
		}
	}
}

// Keys of several columns, of other types than the child's, and odd names.
func TestHoldOfOddChildren(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE SCHEMA "S ""s"""`, `CREATE TABLE "S ""s"""."p'p" ("a ""x""" integer, b char(5), code text UNIQUE, PRIMARY KEY ("a ""x""", b))`,
		`CREATE TABLE "c%I" ("k'" bigint, "the ""a""" bigint, "the 'b'" char(5), code text, FOREIGN KEY ("the ""a""", "the 'b'") REFERENCES "S ""s"""."p'p" ("a ""x""", b) ON UPDATE CASCADE, PRIMARY KEY ("k'", code))`,
		`CREATE TABLE loose (id integer PRIMARY KEY, parent text, parent_id integer)`)
	const parent, child = `"S ""s"""."p'p"`, `"c%I"`
	for _, table := range []string{parent, child, "loose"} {
		f.track(table, nil)
	}
	f.exec(`INSERT INTO `+parent+` VALUES (1, 'x', 'one'), (1, 'y', 'two'), (2, 'x', NULL)`, `INSERT INTO `+child+` VALUES (1, 1, 'x', 'c'), (2, 1, 'y', 'c'), (3, 1, NULL, 'c')`,
		`INSERT INTO loose VALUES (1, 'one'), (2, 'two'), (3, NULL)`)
	key := []chrononaut.Key{{`a "x"`: 1, "b": "x"}}
	hold := f.hold(parent, key, &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: f.name(child)}, {Table: f.name("loose"), Columns: map[string]string{"parent": "code"}}}})
	f.held(hold, `UPDATE `+child+` SET code = 'x' WHERE "k'" = 1`, `INSERT INTO `+child+` VALUES (4, 1, 'x', 'c')`, `UPDATE `+child+` SET "the 'b'" = 'x' WHERE "k'" IN (2, 3)`,
		`INSERT INTO loose VALUES (4, 'one')`, `DELETE FROM loose WHERE id = 1`, `UPDATE loose SET parent = 'one'`)
	f.exec(`UPDATE `+child+` SET code = 'x' WHERE "k'" IN (2, 3)`, `INSERT INTO `+child+` VALUES (5, 2, 'x', 'c')`, `DELETE FROM loose WHERE id > 1`, `INSERT INTO loose VALUES (5, 'two'), (6, NULL)`)
	f.release(hold)

	refuse := func(what string, want string, relation chrononaut.Relation) {
		t.Helper()
		_, err := f.client.Hold(t.Context(), f.name(parent), key, "x", &chrononaut.HoldOpts{Children: []chrononaut.Relation{relation}})
		if !errors.Is(err, chrononaut.ErrLocking) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refuse("no foreign key", "has 0 foreign keys", chrononaut.Relation{Table: f.name("loose")})
	refuse("no such column", "are not there", chrononaut.Relation{Table: f.name("loose"), Columns: map[string]string{"nothing": "code"}})
	f.exec(`ALTER TABLE loose ADD span interval`, `CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`, `ALTER TABLE loose ADD spoken text COLLATE any_case`)
	refuse("an interval", "equal values", chrononaut.Relation{Table: f.name("loose"), Columns: map[string]string{"span": "code"}})
	refuse("a collation", "equal values", chrononaut.Relation{Table: f.name("loose"), Columns: map[string]string{"spoken": "code"}})
	if _, err := f.client.Hold(t.Context(), f.name(parent), nil, "x", &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: f.name(child)}}}); !errors.Is(err, chrononaut.ErrLocking) {
		t.Errorf("children of a whole table: %v", err)
	}
	f.exec(`CREATE TABLE plain (id integer)`)
	if _, err := f.client.Hold(t.Context(), f.name(parent), key, "x", &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: f.name("plain")}}}); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("a child that is not tracked: %v", err)
	}
}

// A parent that is gone has children too, where nothing refers by a foreign key; and
// a table can be its own child.
func TestHoldOfChildrenOfTheGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE people (id integer PRIMARY KEY, boss integer REFERENCES people, nick text)`, `CREATE TABLE calls (id integer PRIMARY KEY, nick text)`)
	f.track("people", nil)
	f.track("calls", nil)
	f.exec(`INSERT INTO people VALUES (1, NULL, 'ann'), (2, 1, 'bob'), (3, 2, 'cy'), (4, NULL, 'dan')`, `INSERT INTO calls VALUES (1, 'dan'), (2, 'ann')`, `DELETE FROM people WHERE id = 4`)
	hold := f.hold("people", keys(4), &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: f.name("calls"), Columns: map[string]string{"nick": "nick"}}}})
	f.held(hold, `INSERT INTO calls VALUES (3, 'dan')`, `DELETE FROM calls WHERE id = 1`, `INSERT INTO people VALUES (4)`)
	f.exec(`DELETE FROM calls WHERE id = 2`)
	f.release(hold)
	tree := f.hold("people", keys(1), &chrononaut.HoldOpts{Children: []chrononaut.Relation{{Table: f.name("people")}}})
	f.held(tree, `UPDATE people SET nick = 'x' WHERE id = 2`, `INSERT INTO people VALUES (5, 1)`, `UPDATE people SET boss = 1 WHERE id = 3`)
	f.exec(`UPDATE people SET nick = 'x' WHERE id = 3`, `INSERT INTO people VALUES (6, 2)`)
}
