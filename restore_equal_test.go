package chrononaut_test

import (
	"fmt"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// A foreign key compares by the types of its columns, not by how values are written.
func TestRestoreForeignKeysCompareByType(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE EXTENSION citext`, `CREATE DOMAIN price AS numeric`,
		`CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
	for n, c := range []struct{ parent, child, value, same string }{
		{"numeric", "numeric", "1.50", "1.5"},
		{"numeric", "integer", "2.0", "2"},
		{"price", "numeric", "1.50", "1.5"},
		{"citext", "citext", "'Ann'", "'ANN'"},
		{"text COLLATE blind", "text COLLATE blind", "'Ann'", "'ANN'"},
		{"char(5)", "text", "'ab'", "'ab'"},
		{"float8", "integer", "3", "3"},
		{"integer", "bigint", "4", "4"},
	} {
		parent, child := fmt.Sprintf("p%d", n), fmt.Sprintf("c%d", n)
		f.exec(`CREATE TABLE `+parent+` (id `+c.parent+` PRIMARY KEY, v integer)`,
			`CREATE TABLE `+child+` (id integer PRIMARY KEY, p `+c.child+` REFERENCES `+parent+` ON DELETE CASCADE)`)
		f.track(parent, nil)
		f.track(child, nil)
		f.exec(`INSERT INTO `+parent+` VALUES (`+c.value+`, 1)`, `INSERT INTO `+child+` VALUES (1, `+c.same+`)`)
		then := chrononaut.ToPoint(chrononaut.At(f.now()))
		state := `SELECT row(p.id, c.p)::text FROM ` + parent + ` AS p JOIN ` + child + ` AS c ON c.p = p.id`
		want := f.rows(state)
		last := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name(parent), Limit: 1}))(t)[0]
		name := c.parent + " and " + c.child

		f.exec(`DELETE FROM ` + parent)
		f.apply(f.undelete(parent, last.Key), nil)
		f.wantRows(state, want...)

		f.exec(`DELETE FROM ` + parent)
		plan := must(f.client.Restore(t.Context(), f.name(child), nil, then, &chrononaut.RestoreOpts{With: []chrononaut.Table{f.name(parent)}}))(t)
		if blocked := plan.Blocked(); len(blocked) > 0 {
			t.Errorf("%s: blocked:\n%s", name, plan)
			continue
		}
		f.apply(plan, nil)
		f.wantRows(state, want...)

		// And the other way round: the rows that refer to it go first.
		f.exec(`DELETE FROM ` + parent)
		empty := chrononaut.ToPoint(chrononaut.At(f.now()))
		f.exec(`INSERT INTO `+parent+` VALUES (`+c.value+`, 1)`, `INSERT INTO `+child+` VALUES (1, `+c.same+`)`)
		plan = must(f.client.Restore(t.Context(), f.name(parent), nil, empty, &chrononaut.RestoreOpts{With: []chrononaut.Table{f.name(child)}, DeleteNew: true}))(t)
		if blocked := plan.Blocked(); len(blocked) > 0 {
			t.Errorf("%s: blocked:\n%s", name, plan)
			continue
		}
		f.apply(plan, nil)
		f.wantRows(state)
	}
}

// A key that is written in another way is the same key.
func TestRestoreKeysThatAreEqualNumbers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE n (id numeric PRIMARY KEY, v text)`)
	f.track("n", nil)
	f.exec(`INSERT INTO n VALUES (1.5, 'a'), (2.00, 'b')`)
	then := chrononaut.ToPoint(chrononaut.At(f.now()))
	f.exec(`DELETE FROM n`, `INSERT INTO n VALUES (1.50, 'c'), (2, 'd')`, `DELETE FROM n WHERE v = 'c'`)
	plan := must(f.client.Restore(t.Context(), f.name("n"), nil, then, nil))(t)
	if len(plan.Items) != 2 {
		t.Errorf("%d records, want 2\n%s", len(plan.Items), plan)
	}
	f.apply(plan, nil)
	f.wantRows(`SELECT id || v FROM n ORDER BY id`, "1.5a", "2.00b")
}
