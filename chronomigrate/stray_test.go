package chronomigrate_test

import "testing"

const operations = `SELECT array_agg(operation || ' ' || key || ' v' || version ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`

// A table that was swapped for a copy of itself keeps triggers that record under the name
// that is the copy's now. Check finds them, and track drops them.
func TestATableIsSwapped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE t (id integer PRIMARY KEY, x text)`)
	f.track("t", nil)
	f.exec(`INSERT INTO t VALUES (1, 'a')`, `CREATE TABLE t_new (LIKE t INCLUDING ALL)`, `INSERT INTO t_new SELECT * FROM t`,
		`ALTER TABLE t RENAME TO t_old`, `ALTER TABLE t_new RENAME TO t`, `TRUNCATE t_old`)
	f.track("t", nil)
	f.exec(`INSERT INTO t_old VALUES (1, 'old')`, `UPDATE t_old SET x = 'b'`, `DELETE FROM t_old`, `UPDATE t SET x = 'c'`)
	f.wantStrings([]string{`insert {"id": 1} v0`, `update {"id": 1} v1`}, operations)
	f.wantCheck()

	f.exec(`CREATE TRIGGER "000_chrononaut_truncate" BEFORE TRUNCATE ON t_old EXECUTE FUNCTION ` + f.inspected("public", "t").Function("truncate") + `()`)
	f.wantCheck("trigger_elsewhere public.t_old 000_chrononaut_truncate")
	if fixed, err := f.migrator.Fix(t.Context(), nil); err != nil || len(fixed.Left) > 0 {
		t.Errorf("Fix() = %+v, %v", fixed, err)
	}
	f.wantCheck()
}

// A partition that was detached keeps a trigger of the partitioned table.
func TestAPartitionIsSplit(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"rows with versions": false, "rows from before tracking": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY RANGE (id)`, `CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)`)
			want := []string{`insert {"id": 1} v0`, `insert {"id": 6} v0`}
			if before {
				f.exec(`INSERT INTO p VALUES (1), (6)`)
			}
			f.track("p", nil)
			if !before {
				f.exec(`INSERT INTO p VALUES (1), (6)`)
				want = append(want, `insert {"id": 1} v1`, `insert {"id": 6} v1`)
			}
			f.exec(`ALTER TABLE p DETACH PARTITION p1`, `CREATE TABLE p1a PARTITION OF p FOR VALUES FROM (0) TO (5)`, `CREATE TABLE p1b PARTITION OF p FOR VALUES FROM (5) TO (10)`,
				`INSERT INTO p SELECT * FROM p1`, `TRUNCATE p1`)
			f.wantStrings(want, operations)
			f.track("p", nil)
			f.wantCheck()
			f.exec(`DROP TABLE p1`)
		})
	}
}
