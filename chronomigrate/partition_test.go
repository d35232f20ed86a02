package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// A tracked table that is attached to one that is not tracked goes on recording, whether
// it is written by its own name or by that of its parent.
func TestATrackedTableBecomesAPartition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE t (id integer PRIMARY KEY, x text)`)
	f.track("t", nil)
	f.exec(`INSERT INTO t VALUES (1, 'a'), (2, 'a')`, `UPDATE t SET x = 'b' WHERE id = 1`,
		`CREATE TABLE p (id integer, x text, version integer) PARTITION BY RANGE (id)`, `ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (0) TO (100)`,
		`CREATE TABLE other PARTITION OF p FOR VALUES FROM (100) TO (200)`,
		`INSERT INTO p VALUES (3, 'b')`, `UPDATE p SET x = 'c' WHERE id = 1`, `DELETE FROM p WHERE id = 2`,
		`INSERT INTO t VALUES (4, 'd')`, `UPDATE t SET x = 'd' WHERE id = 3`, `UPDATE t SET x = 'd' WHERE id = 3`, `DELETE FROM t WHERE id = 4`,
		`UPDATE p SET id = 101 WHERE id = 3`, `UPDATE p SET id = 5 WHERE id = 101`)
	want := []string{
		`insert {"id": 1} v0`, `insert {"id": 2} v0`, `update {"id": 1} v1`,
		`insert {"id": 3} v0`, `update {"id": 1} v2`, `delete {"id": 2} v1`,
		`insert {"id": 4} v0`, `update {"id": 3} v1`, `delete {"id": 4} v1`,
		`delete {"id": 3} v2`, `insert {"id": 5} v0`,
	}
	const history = `SELECT array_agg(operation || ' ' || key || ' v' || version ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`
	f.wantStrings(want, history)
	f.wantCheck("not_trackable public.t")

	// Also as replica, and as pg_restore --disable-triggers leaves it.
	f.exec(`SET session_replication_role = replica`, `UPDATE p SET x = 'e' WHERE id = 1`, `RESET session_replication_role`,
		`ALTER TABLE t DISABLE TRIGGER ALL`, `ALTER TABLE t ENABLE TRIGGER ALL`, `UPDATE p SET x = 'f' WHERE id = 1`, `UPDATE t SET x = 'g' WHERE id = 1`,
		`ALTER TABLE p DETACH PARTITION t`, `UPDATE t SET x = 'h' WHERE id = 1`)
	f.wantStrings(append(want, `update {"id": 1} v3`, `update {"id": 1} v4`, `update {"id": 1} v5`, `update {"id": 1} v6`), history)
	f.track("t", nil)
	f.wantCheck()
}

// As check says: the history of the partition's name goes on under that of the table, where
// it takes the name.
func TestATablePartitionsItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE t (id integer PRIMARY KEY, x text)`)
	f.track("t", nil)
	f.exec(`INSERT INTO t VALUES (1, 'a'), (2, 'a')`, `ALTER TABLE t RENAME TO t_1`,
		`CREATE TABLE t (id integer PRIMARY KEY, x text, version integer) PARTITION BY RANGE (id)`, `ALTER TABLE t ATTACH PARTITION t_1 FOR VALUES FROM (0) TO (100)`,
		`UPDATE t SET x = 'b' WHERE id = 1`)
	f.track("t", nil)
	f.exec(`UPDATE t SET x = 'c' WHERE id = 1`, `DELETE FROM t_1 WHERE id = 2`, `TRUNCATE t`)
	f.wantStrings([]string{`insert {"id": 1} v0`, `insert {"id": 2} v0`, `update {"id": 1} v1`, `update {"id": 1} v2`, `delete {"id": 2} v1`, `truncate {"id": 1} v3`},
		`SELECT array_agg(operation || ' ' || key || ' v' || version ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
	f.wantCheck()
}

// The table that a tracked one is attached to can be tracked when the other is not any more.
func TestTrackTheParent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE t (id integer PRIMARY KEY, x text)`)
	f.track("t", nil)
	f.exec(`INSERT INTO t VALUES (1, 'a')`, `CREATE TABLE p (id integer PRIMARY KEY, x text, version integer) PARTITION BY RANGE (id)`,
		`ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (0) TO (100)`)
	if _, err := f.migrator.Untrack(t.Context(), chronodriver.Table{Name: "t"}, nil); err != nil {
		t.Fatal(err)
	}
	f.track("p", &chronomigrate.TrackOptions{VersionColumn: "version"})
	f.exec(`UPDATE p SET x = 'b'`)
	f.wantStrings([]string{`insert t v0`, `baseline p v0`, `update p v1`}, `SELECT array_agg(operation || ' ' || table_name || ' v' || version ORDER BY id) FROM chrononaut.chrononaut_activity WHERE key <> '{}'`)
}
