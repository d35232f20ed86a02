package chrononaut_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// A circle of tables is broken by a column that is NULL for a moment: also where it
// has a default, and where only one column of a foreign key may be NULL.
func TestRestoreCirclesOfTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for n, c := range []struct{ a, b string }{
		{"id integer PRIMARY KEY, b integer DEFAULT 77", "id integer PRIMARY KEY, a integer REFERENCES a%[1]d"},
		{"tenant integer, id integer, b integer, PRIMARY KEY (tenant, id)", "tenant integer NOT NULL, id integer, a integer, PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, a) REFERENCES a%[1]d"},
	} {
		a, b := fmt.Sprintf("a%d", n), fmt.Sprintf("b%d", n)
		tenant, key := "", "b"
		if n == 1 {
			tenant, key = "1, ", "tenant, b"
		}
		f.exec(fmt.Sprintf(`CREATE TABLE %s (`+c.a+`)`, a), `CREATE TABLE `+b+` (`+fmt.Sprintf(c.b, n)+`)`, `ALTER TABLE `+a+` ADD FOREIGN KEY (`+key+`) REFERENCES `+b)
		f.track(a, nil)
		f.track(b, nil)
		f.exec(`INSERT INTO `+a+` SELECT `+tenant+`g, NULL FROM generate_series(1, 3) AS g`, `INSERT INTO `+b+` SELECT `+tenant+`g, g FROM generate_series(1, 3) AS g`, `UPDATE `+a+` SET b = id`)
		then := chrononaut.ToPoint(chrononaut.At(f.now()))
		all := `SELECT row(x.*)::text FROM (SELECT id, b FROM ` + a + ` UNION ALL SELECT id, a FROM ` + b + ` ORDER BY 1, 2) AS x`
		want := f.rows(all)
		for _, chunk := range []int{0, 2} {
			f.exec(`UPDATE `+a+` SET b = NULL`, `DELETE FROM `+b, `DELETE FROM `+a)
			plan := must(f.client.Restore(t.Context(), f.name(a), nil, then, &chrononaut.RestoreOpts{With: []chrononaut.Table{f.name(b)}}))(t)
			result, err := plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r", ChunkSize: chunk})
			if err != nil {
				t.Errorf("%s in chunks of %d: %v\n%s", a, chunk, err, plan)
				break
			}
			if len(result.Differences) > 0 {
				t.Errorf("%s in chunks of %d: differences: %+v", a, chunk, result.Differences)
			}
			f.wantRows(all, want...)
		}
	}
}

// A value that another row has by an index that the plan does not know is no change
// since.
func TestRestoreUniqueByAnExpression(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE g (id integer PRIMARY KEY, email text, low text GENERATED ALWAYS AS (lower(email)) STORED UNIQUE)`,
		`CREATE TABLE e (id integer PRIMARY KEY, email text)`, `CREATE UNIQUE INDEX e_low ON e (lower(email))`)
	for _, name := range []string{"g", "e"} {
		f.track(name, nil)
		f.exec(`INSERT INTO `+name+` (id, email) VALUES (1, 'Ann')`, `DELETE FROM `+name, `INSERT INTO `+name+` (id, email) VALUES (2, 'ANN')`)
		_, err := f.undelete(name, keys(1)...).Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"})
		var blocked *chrononaut.RestoreBlockedError
		if !errors.As(err, &blocked) || errors.Is(err, chrononaut.ErrRestoreConflict) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p := blocked.Problems; len(p) != 1 || p[0].Kind != chrononaut.ProblemUnique || p[0].Constraint != name+"_low"+map[string]string{"g": "_key"}[name] {
			t.Errorf("%s: problems %v", name, p)
		}
	}
}
