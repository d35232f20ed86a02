package property_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

const (
	writers   = 6
	perWriter = 5
)

// effort is a random statement. What a statement does among others is known only
// when it has run: inserts and deletes say whether each row that it counted is
// an insert or a deletion.
type effort struct {
	table            *table
	sql              string
	inserts, deletes bool
}

// committed is what a transaction counted.
type committed struct {
	actor            string
	inserts, deletes map[string]int // by table
}

// writing is many connections at work on the tables of one case.
type writing struct {
	*run
	mu           sync.Mutex
	transactions map[string]committed
	refused      int
	err          error
}

// TestManyWriters has several connections with different settings run random
// transactions at once, on the few rows of random tables. History must hold what
// the transactions that were committed have counted, under their actors, and
// nothing of the others; and it must be what the tables are in the end.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	transactions, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := &writing{run: b.newRun(rt), transactions: map[string]committed{}}
		w.manyWriters(rt)
		transactions, refused = transactions+len(w.transactions), refused+w.refused
	})
	t.Logf("%d cases, %d transactions committed, %d refused", b.cases, transactions, refused)
}

func (w *writing) manyWriters(rt *rapid.T) {
	w.fill(rt)
	for _, t := range w.w.tables {
		w.track(rt, t)
	}
	var plans [writers][perWriter][]effort
	for i := range plans {
		for k := range plans[i] {
			for range rapid.IntRange(1, 3).Draw(rt, "statements") {
				plans[i][k] = append(plans[i][k], w.drawEffort(rt))
			}
		}
	}
	var group sync.WaitGroup
	for i := range writers {
		db := chronopgx.New(w.admin, nil)
		if i < len(w.sessions) {
			db = w.sessions[i]
		}
		group.Go(func() {
			for k, plan := range plans[i] {
				w.attempt(db, fmt.Sprintf("writer %d, transaction %d", i, k), plan)
			}
		})
	}
	group.Wait()
	if w.err != nil {
		rt.Fatalf("%v", w.err)
	}
	w.invariants(rt)
	w.counts(rt)
	for _, t := range w.w.tables {
		w.tableIsHistory(rt, t)
	}
}

// drawEffort draws a statement about rows that there may be.
func (w *writing) drawEffort(rt *rapid.T) effort {
	t := w.table(rt)
	touch := effort{table: t, sql: fmt.Sprintf("UPDATE %s SET %s = %[2]s", t.sql(), ident(t.keyNames()[0]))}
	values, ok := t.drawRow(rt)
	if !ok {
		return touch
	}
	// Later statements, of all writers, are about this row too.
	if len(t.rows) < 6 {
		t.rows[t.id(values)] = &row{values: t.complete(values), version: absent}
	}
	insert := t.insertSQL([]map[string]value{values}, "")
	set := t.drawSet(rt)
	target := t.drawRows(rt, 2)
	switch what := rapid.IntRange(0, 6).Draw(rt, "what"); {
	case what < 2 && !t.deferrable:
		return effort{table: t, sql: insert + " ON CONFLICT DO NOTHING", inserts: true}
	case what <= 2:
		return effort{table: t, sql: insert, inserts: true}
	case what == 3:
		return effort{table: t, sql: "DELETE FROM " + t.sql() + " WHERE " + t.whereAny(target), deletes: true}
	case what == 4 && !t.deferrable:
		// A deferrable key can be taken before the transaction that has it gives
		// it away: see decision 0006.
		for _, c := range t.keyColumns() {
			set[c.name] = values[c.name]
		}
		return effort{table: t, sql: "UPDATE " + t.sql() + " SET " + assignments(set) + " WHERE " + t.whereAny(target[:1])}
	case len(set) == 0:
		return touch
	}
	return effort{table: t, sql: "UPDATE " + t.sql() + " SET " + assignments(set) + " WHERE " + t.whereAny(target)}
}

// attempt runs a transaction. Deadlocks and broken constraints roll it back.
func (w *writing) attempt(db *chronopgx.DB, actor string, plan []effort) {
	ctx := chrononaut.WithRationale(chrononaut.WithActor(w.Context(), actor), "one of many")
	done := committed{actor: actor, inserts: map[string]int{}, deletes: map[string]int{}}
	var id, last string
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// There are many deadlocks, which need not take a second each.
		if _, err := tx.Exec(ctx, "SET LOCAL deadlock_timeout = '20ms'"); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text").Scan(&id); err != nil {
			return err
		}
		for _, e := range plan {
			last = e.sql
			tag, err := tx.Exec(ctx, e.sql)
			if err != nil {
				return err
			}
			if e.inserts {
				done.inserts[e.table.name] += int(tag.RowsAffected())
			}
			if e.deletes {
				done.deletes[e.table.name] += int(tag.RowsAffected())
			}
		}
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	switch state := chronodriver.State(err); {
	case err == nil:
		w.transactions[id] = done
	case strings.HasPrefix(state, "23"), strings.HasPrefix(state, "40"):
		w.refused++
	case w.err == nil:
		w.err = fmt.Errorf("%s: %s: %w", actor, last, err)
	}
}

// counts compares history with what the transactions counted.
func (w *writing) counts(rt *rapid.T) {
	recorded := map[string]committed{}
	rows, err := w.admin.Query(w.Context(), `SELECT transaction_id::text, coalesce(user_info ->> 'user_id', ''), table_name, operation, count(*)
		  FROM chrononaut.chrononaut_activity
		 WHERE table_schema = $1 AND key <> '{}' AND operation <> 'baseline' GROUP BY 1, 2, 3, 4`, w.schema)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	var id, actor, name, operation string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&id, &actor, &name, &operation, &n}, func() error {
		got, ok := recorded[id]
		if !ok {
			got = committed{actor: actor, inserts: map[string]int{}, deletes: map[string]int{}}
		}
		if got.actor != actor {
			return fmt.Errorf("transaction %s is recorded under %q and %q", id, got.actor, actor)
		}
		switch operation {
		case "insert":
			got.inserts[name] = n
		case "delete":
			got.deletes[name] = n
		}
		recorded[id] = got
		return nil
	}); err != nil {
		rt.Fatalf("%v", err)
	}
	for id, got := range recorded {
		want, ok := w.transactions[id]
		if !ok {
			rt.Fatalf("history has changes of transaction %s by %q, which was not committed", id, got.actor)
		}
		if got.actor != want.actor {
			rt.Fatalf("transaction %s is recorded under %q, want %q", id, got.actor, want.actor)
		}
	}
	for id, want := range w.transactions {
		got := recorded[id]
		for _, t := range w.w.tables {
			if got.inserts[t.name] != want.inserts[t.name] {
				rt.Fatalf("%s: %d inserts into %s are recorded, want %d", want.actor, got.inserts[t.name], t.name, want.inserts[t.name])
			}
			// What a foreign key deletes is not in the command's count.
			n := got.deletes[t.name]
			if n < want.deletes[t.name] || len(t.foreignKeys) == 0 && n > want.deletes[t.name] {
				rt.Fatalf("%s: %d deletions from %s are recorded, want %d", want.actor, n, t.name, want.deletes[t.name])
			}
		}
	}
}

// tableIsHistory compares a table with its history. Only rows from before
// tracking that have not changed since, which have no version, are not in it.
func (w *writing) tableIsHistory(rt *rapid.T, t *table) {
	unrecorded := w.keysOf(rt, t, ident(t.versionColumn)+" IS NULL")
	differences, err := chronotest.Replay(w.Context(), w.driver, t.qualified(), &chronotest.ReplayOpts{Values: true, Limit: -1})
	if err != nil {
		rt.Fatalf("%v", err)
	}
	for _, d := range differences {
		key, err := d.Key.JSON()
		if err != nil {
			rt.Fatalf("%v", err)
		}
		if d.Kind != chronotest.Unrecorded || !unrecorded[normalize(key)] {
			rt.Fatalf("history is not the table: %v", d)
		}
	}
	behind := w.keysOf(rt, t, fmt.Sprintf("%s <> chrononaut.last_version(%s, %s, chrononaut.normalize_key(%[2]s, %[3]s, %s))",
		ident(t.versionColumn), quote(t.schema), quote(t.name), t.keyObject()))
	if diff := gocmp.Diff(map[string]bool{}, behind); diff != "" {
		rt.Fatalf("rows of %s whose version is not that of their last change (-want +got):\n%s", t.name, diff)
	}
	// A baseline that finds nothing but the rows without history.
	progress, err := w.migrator.Baseline(w.Context(), t.qualified(), &chronomigrate.BaselineOpts{ChunkSize: 3})
	if err != nil {
		rt.Fatalf("baseline of %s: %v", t.name, err)
	}
	if progress.Recorded != int64(len(unrecorded)) {
		rt.Fatalf("the baseline of %s recorded %d rows, want the %d without history", t.name, progress.Recorded, len(unrecorded))
	}
}

func (w *writing) keysOf(rt *rapid.T, t *table, where string) map[string]bool {
	rows, err := w.admin.Query(w.Context(), fmt.Sprintf("SELECT %s::text FROM %s WHERE %s", t.keyObject(), t.sql(), where))
	if err != nil {
		rt.Fatalf("%v", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		rt.Fatalf("%v", err)
	}
	found := map[string]bool{}
	for _, key := range keys {
		found[normalize(key)] = true
	}
	return found
}

// keyObject is SQL for the key of a row, as history has it.
func (t *table) keyObject() string {
	var parts []string
	for _, name := range t.keyNames() {
		parts = append(parts, quote(name)+", "+ident(name))
	}
	return "jsonb_build_object(" + strings.Join(parts, ", ") + ")"
}
