package property_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// TestTravel keeps a copy of the tables at each step of random statements and
// changes of the schema, and compares what the time machine says of that step
// with the copy: later, when the tables have other columns and types.
func TestTravel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	steps := 0
	rapid.Check(t, func(rt *rapid.T) { steps += b.travel(rt, 8) })
	t.Logf("%d cases, %d steps compared", b.cases, steps)
}

func TestSoakTravel(t *testing.T) {
	cases, steps := 0, 0
	soak(t, func(t *testing.T, seed uint64) {
		t.Helper()
		if err := flag.Set("rapid.seed", strconv.FormatUint(seed, 10)); err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		rapid.Check(t, func(rt *rapid.T) { steps += b.travel(rt, 1000) })
		cases += b.cases
	})
	t.Logf("%d cases, %d steps compared", cases, steps)
}

// journey is a case that is compared by copies of its tables.
type journey struct {
	*run
	copies []step
	// changed says that the schema did: the views of the past have to follow, and
	// a baseline to find what no trigger saw.
	changed  bool
	compared int
}

// step is a copy of the tables, and when it was made.
type step struct {
	at     time.Time
	token  string
	tables []string // in SQL, in the order of the world's
}

// travel runs a case and returns how many copies were compared, of which there
// are at most so many at the end.
func (b *bench) travel(rt *rapid.T, most int) int {
	j := &journey{run: b.newRun(rt)}
	j.unsettled = true
	j.fill(rt)
	j.changed = true
	actions := j.actions()
	for _, name := range []string{"add column", "drop column", "rename column", "retype", "retype key", "rename excluded"} {
		do := actions[name]
		actions[name] = func(rt *rapid.T) {
			do(rt)
			j.changed = true
		}
	}
	j.admit(rt, "CREATE SCHEMA "+ident(j.schema+" copies"))
	rt.Cleanup(func() {
		for _, name := range []string{j.schema + " copies", pastSchema(j.schema)} {
			if _, err := b.admin.Exec(b.Context(), "DROP SCHEMA IF EXISTS "+ident(name)+" CASCADE"); err != nil {
				b.Log(err)
			}
		}
	})
	actions[""] = j.keep // after each of them
	rt.Repeat(actions)
	if j.tx != nil {
		j.commit(rt)
		j.keep(rt)
	}
	for i := max(0, len(j.copies)-most); i < len(j.copies); i++ {
		j.compare(rt, i)
	}
	return j.compared
}

func pastSchema(schema string) string { return "chrononaut_past_" + schema }

// keep copies the tables, unless a transaction is open, and looks back at one of
// the copies.
func (j *journey) keep(rt *rapid.T) {
	if j.tx != nil {
		return
	}
	if j.changed {
		for _, t := range j.w.tables {
			j.track(rt, t)
			if _, err := j.migrator.Baseline(j.Context(), t.qualified(), &chronomigrate.BaselineOpts{}); err != nil {
				rt.Fatalf("baseline of %s: %v", t.name, err)
			}
			j.sameColumns(rt, t)
		}
		j.changed = false
	}
	s := step{}
	ctx := j.Context()
	err := pgx.BeginTxFunc(ctx, j.admin, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		token, err := chrononaut.TakeSnapshot(ctx, chronopgx.NewTxDriver(tx))
		if err != nil {
			return err
		}
		s.token = token
		for i, t := range j.w.tables {
			s.tables = append(s.tables, ident(j.schema+" copies")+"."+ident(fmt.Sprint(len(j.copies), " ", i)))
			if _, err := tx.Exec(ctx, "CREATE TABLE "+s.tables[i]+" AS SELECT * FROM "+t.sql()); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&s.at)
	})
	if err != nil {
		rt.Fatalf("%v", err)
	}
	rt.Logf("-- copy %d, at %s", len(j.copies), s.at.Format(time.RFC3339Nano))
	j.copies = append(j.copies, s)
	j.compare(rt, rapid.IntRange(0, len(j.copies)-1).Draw(rt, "looks back"))
}

// sameColumns compares the columns of the view with the table's.
func (j *journey) sameColumns(rt *rapid.T, t *table) {
	past := t.pastSQL()
	if diff := gocmp.Diff(j.columnsOf(rt, t.sql()), j.columnsOf(rt, past)); diff != "" {
		rt.Fatalf("columns of %s (-table +view):\n%s", past, diff)
	}
}

func (t *table) pastSQL() string { return ident(pastSchema(t.schema)) + "." + ident(t.name) }

// columnsOf lists the names and types of a relation's columns.
func (j *journey) columnsOf(rt *rapid.T, relation string) [][2]string {
	rows, err := j.admin.Query(j.Context(), `SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, relation)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	var name, typ string
	var columns [][2]string
	if _, err := pgx.ForEachRow(rows, []any{&name, &typ}, func() error {
		columns = append(columns, [2]string{name, typ})
		return nil
	}); err != nil {
		rt.Fatalf("%s: %v", relation, err)
	}
	return columns
}

// compare compares a copy with the past at its time and at its token.
func (j *journey) compare(rt *rapid.T, n int) {
	s := j.copies[n]
	for i, t := range j.w.tables {
		past, kept := j.selects(rt, t, s.tables[i])
		want := j.lines(rt, j.admin, kept)
		for _, p := range []string{s.at.Format(time.RFC3339Nano), s.token} {
			point, err := chrononaut.ParsePoint(p)
			if err != nil {
				rt.Fatalf("%v", err)
			}
			ctx := j.Context()
			encoded, _ := chrononaut.EncodeAsOf(chrononaut.AsOfPoint(ctx, point, nil))
			err = pgx.BeginFunc(ctx, j.admin, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, "SELECT chrononaut.travel($1::jsonb)", encoded); err != nil {
					return err
				}
				if diff := gocmp.Diff(want, j.lines(rt, tx, past)); diff != "" {
					rt.Fatalf("%s at %s, of which copy %d was made (-copy +past):\n%s", t.name, p, n, diff)
				}
				_, err := tx.Exec(ctx, "SELECT chrononaut.travel_end()")
				return err
			})
			if err != nil {
				rt.Fatalf("%s at %s: %v", t.name, p, err)
			}
		}
	}
	j.compared++
}

// selects are queries of the rows of the past and of a copy, in the table's
// present columns: hidden, untracked and new ones are NULL, and values whose
// column has another type by now are converted.
func (j *journey) selects(rt *rapid.T, t *table, kept string) (past, copied string) {
	before := j.columnsOf(rt, kept)
	var pasts, copies []string
	for _, c := range j.columnsOf(rt, t.sql()) {
		i := slices.IndexFunc(before, func(b [2]string) bool { return b[0] == c[0] })
		isKey := slices.ContainsFunc(t.columns, func(m *column) bool { return m.name == c[0] && m.key })
		if isKey && i >= 0 && c[1] == "numeric" {
			// 1.5 and 1.50 are one key: see docs/travel.md.
			pasts = append(pasts, "trim_scale("+ident(c[0])+")::text")
			copies = append(copies, "trim_scale("+ident(c[0])+"::numeric)::text")
			continue
		}
		pasts = append(pasts, ident(c[0])+"::text")
		excluded := slices.ContainsFunc(t.columns, func(m *column) bool { return m.name == c[0] && (m.hidden || m.untracked) })
		switch {
		case excluded || i < 0:
			copies = append(copies, "NULL")
		case before[i][1] != c[1]:
			copies = append(copies, ident(c[0])+"::"+c[1]+"::text")
		default:
			copies = append(copies, ident(c[0])+"::text")
		}
	}
	query := func(columns []string, from string) string {
		return "SELECT ROW(" + strings.Join(columns, ", ") + ")::text FROM " + from
	}
	return query(pasts, t.pastSQL()), query(copies, kept)
}

func (j *journey) lines(rt *rapid.T, q queryer, sql string) []string {
	rows, err := q.Query(j.Context(), sql+" ORDER BY 1")
	if err != nil {
		rt.Fatalf("%s\n%v", sql, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		rt.Fatalf("%s\n%v", sql, err)
	}
	return lines
}

var _ = context.Background
