package conformance_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// pastState is what a table was at one instant, as a copy that was kept.
type pastState struct {
	token       string
	transaction uint64
	rows        []string
}

// TestSQLitePastIsACopyOfEachState writes at random, in transactions, keeps a
// copy of the table after each, and compares it with the past.
func TestSQLitePastIsACopyOfEachState(t *testing.T) {
	t.Parallel()
	for _, kind := range keyKinds {
		t.Run("with keys of the kind "+kind.name, func(t *testing.T) {
			t.Parallel()
			for name, driver := range sqliteDrivers {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					dir, n := t.TempDir(), 0
					rapid.Check(t, func(r *rapid.T) {
						n++
						checkSQLitePast(t, r, kind, driver, filepath.Join(dir, fmt.Sprint(n)))
					})
				})
			}
		})
	}
}

func checkSQLitePast(t *testing.T, r *rapid.T, kind keyKind, driver, path string) {
	db := openSQLite(t, driver, path)
	defer db.Close()
	db.exec(`CREATE TABLE t (` + kind.column + `, u TEXT UNIQUE, v, hidden, notes, sum AS (coalesce(u, '') || '!')) ` + kind.suffix)
	db.exec(`CREATE VIEW w AS SELECT k, v FROM main.t WHERE v IS NOT NULL`)
	db.track("t", &chronomigrate.TrackOptions{Hidden: []string{"hidden"}, Untracked: []string{"notes"}})
	ctx := chrononaut.WithActor(context.Background(), "ann")

	states := []pastState{keepPast(r, db.DB)}
	for range rapid.IntRange(1, 7).Draw(r, "transactions") {
		writePast(ctx, r, db.DB, kind)
		states = append(states, keepPast(r, db.DB))
	}
	for i, state := range states {
		points := []chrononaut.Point{chrononaut.AtSnapshot(state.token)}
		if state.transaction > 0 {
			points = append(points, chrononaut.AtTransaction(state.transaction))
		}
		for _, p := range points {
			got := pastDump(chrononaut.AsOfPoint(context.Background(), p, nil), r, db.DB)
			if diff := cmp.Diff(state.rows, got); diff != "" {
				r.Fatalf("state %d at %s (-want +got):\n%s", i, p, diff)
			}
		}
	}
	// In time: whole transactions, in the order of the states.
	times := textsOf(r, db.DB, `SELECT DISTINCT changed FROM chrononaut_activity WHERE key <> '{}'`)
	for _, at := range times {
		point, err := chrononaut.ParsePoint(at)
		if err != nil {
			r.Fatal(err)
		}
		got := pastDump(chrononaut.AsOfPoint(context.Background(), point, &chrononaut.AsOfOpts{AllowUnsettled: true}), r, db.DB)
		n := slices.IndexFunc(states, func(s pastState) bool { return slices.Equal(s.rows, got) })
		if n < 0 {
			r.Fatalf("the state at %s is none that there was: %q", at, got)
		}
	}
}

// writePast runs a transaction.
func writePast(ctx context.Context, r *rapid.T, db *sql.DB, kind keyKind) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		r.Fatal(err)
	}
	for range rapid.IntRange(1, 4).Draw(r, "statements") {
		drawPastWrite(r, tx, kind)
	}
	end := tx.Commit
	if rapid.IntRange(0, 5).Draw(r, "end") == 0 {
		end = tx.Rollback
	}
	if err := end(); err != nil {
		r.Fatal(err)
	}
}

// keepPast keeps a copy of the table.
func keepPast(r *rapid.T, db *sql.DB) pastState {
	state := pastState{rows: pastDump(context.Background(), r, db)}
	client, err := chronosql.Client(db, nil)
	if err != nil {
		r.Fatal(err)
	}
	if state.token, err = client.TakeSnapshot(context.Background()); err != nil {
		r.Fatal(err)
	}
	if err := db.QueryRow(`SELECT last_transaction FROM chrononaut_context`).Scan(&state.transaction); err != nil {
		r.Fatal(err)
	}
	return state
}

// drawPastWrite runs one statement. It may be refused; the transaction goes on.
func drawPastWrite(r *rapid.T, tx *sql.Tx, kind keyKind) {
	row := drawRecord(r, kind)
	policy := drawPolicy(r)
	var query string
	args := []any{row.key, row.u, row.v, row.hidden, row.notes}
	switch rapid.IntRange(0, 4).Draw(r, "statement") {
	case 0, 1:
		query = `INSERT OR ` + policy + ` INTO t (k, u, v, hidden, notes) VALUES (?1, ?2, ?3, ?4, ?5)`
	case 2:
		query = `UPDATE OR ` + policy + ` t SET u = ?2, v = ?3, hidden = ?4, notes = ?5 WHERE k = ?1`
	case 3:
		query, args = `UPDATE OR `+policy+` t SET k = ?1 WHERE k = ?2`, []any{row.key, drawKey(r, kind)}
	default:
		query, args = `DELETE FROM t WHERE k = ?1`, []any{row.key}
	}
	_, err := tx.Exec(query, args...)
	r.Logf("%s %q: %v", query, args, err)
}

// pastDump reads the table in several ways, and returns its rows in some order
// that is always the same.
func pastDump(ctx context.Context, r *rapid.T, db *sql.DB) []string {
	read := func(query string, args ...any) (lines []string, keys []any) {
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			r.Fatalf("%s: %v", query, err)
		}
		defer rows.Close()
		for rows.Next() {
			var v [6]any
			if err := rows.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5]); err != nil {
				r.Fatal(err)
			}
			// What is not in history is not compared, but has to be NULL then.
			if _, past := chrononaut.AsOfFrom(ctx); past && (v[3] != nil || v[4] != nil) {
				r.Fatalf("hidden and untracked columns in the past: %v", v)
			}
			lines, keys = append(lines, rowText(append(v[:3:3], v[5]))), append(keys, v[0])
		}
		if err := rows.Err(); err != nil {
			r.Fatalf("%s: %v", query, err)
		}
		slices.Sort(lines)
		return lines, keys
	}
	const columns = `SELECT k, u, v, hidden, notes, version || sum FROM `
	all, keys := read(columns + `main.t`)
	byKey := map[string]bool{}
	for _, key := range keys {
		if b, ok := key.([]byte); ok && len(b) == 0 {
			// Drivers bind a nil slice as NULL.
			key = []byte{}
		}
		found, _ := read(columns+`t WHERE k = ?1`, key)
		for _, line := range found {
			byKey[line] = true
		}
	}
	if diff := cmp.Diff(all, slices.Sorted(maps.Keys(byKey)), cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
		r.Fatalf("found by key (-want +got):\n%s", diff)
	}
	// Joined with itself, and with a view that is materialized.
	joined, _ := read(`SELECT a.k, a.u, a.v, NULL, NULL, a.version || a.sum FROM t AS a JOIN "main".[t] AS b ON a.version IS b.version AND a.k IS b.k AND typeof(a.k) = typeof(b.k) LEFT JOIN w ON w.k IS a.k AND 0`)
	return append([]string{fmt.Sprint(len(joined))}, all...)
}

func textsOf(r *rapid.T, db *sql.DB, query string) (all []string) {
	rows, err := db.Query(query)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			r.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return all
}
