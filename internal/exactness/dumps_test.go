package exactness_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// TestDumps has readers dump tables with all types while clients write them, and
// compares each dump with the one that the time machine gives at the token that
// the reader kept.
func TestDumps(t *testing.T) {
	t.Parallel()
	duration := pgtest.Size(time.Second, 2*time.Second)
	for _, layout := range layouts {
		t.Run("layout "+string(layout), func(t *testing.T) {
			t.Parallel()
			newArchive(t, layout).run(6, duration, 20260102)
		})
	}
}

func TestSoakDumps(t *testing.T) {
	until := time.Now().Add(soakTime(t))
	rounds, dumps := 0, 0
	for seed := uint64(time.Now().UnixNano()); (rounds == 0 || time.Now().Before(until)) && !t.Failed(); seed++ { //nolint:gosec // not a secret
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			dumps += newArchive(t, layouts[rounds%len(layouts)]).run(12, 30*time.Second, seed)
		})
		rounds++
	}
	t.Logf("%d dumps", dumps)
}

// archive is a table with a column of every type, and one that refers to it.
type archive struct {
	*lab
	columns []pgtest.Type
	ids     int
}

const (
	archiveRows = 24
	// inOrder are the columns of a dump besides those of the types: a hidden and
	// an untracked one are NULL in the past, so they are in the present's dump.
	everythingDump = `COPY (SELECT * FROM %s.everything ORDER BY id) TO STDOUT`
	notesDump      = `COPY (SELECT id, part, of, %s, %s, body, version FROM %s."Odd ""notes""" ORDER BY id, part) TO STDOUT`
)

func newArchive(t *testing.T, layout chronomigrate.Layout) *archive {
	t.Helper()
	a := &archive{lab: newLab(t), ids: 2 * archiveRows}
	a.layout = layout
	a.exec(pgtest.TypesSchema)
	definition := "CREATE TABLE everything (id integer PRIMARY KEY"
	for _, typ := range pgtest.Types {
		if a.db.ServerMajor() < typ.Since {
			continue
		}
		definition += fmt.Sprintf(", c%d %s", len(a.columns), typ.Name)
		// Dumps of megabytes would be few.
		typ.Values = slices.DeleteFunc(slices.Clone(typ.Values), func(v string) bool { return strings.Contains(v, "3000000") })
		a.columns = append(a.columns, typ)
	}
	a.exec(definition+")",
		`CREATE TABLE "Odd ""notes""" (id uuid DEFAULT gen_random_uuid(), part integer, of integer REFERENCES everything ON DELETE CASCADE ON UPDATE CASCADE,
			secret text, scratch text, body text, PRIMARY KEY (id, part)) PARTITION BY HASH (part)`,
		`CREATE TABLE notes0 PARTITION OF "Odd ""notes""" FOR VALUES WITH (MODULUS 2, REMAINDER 0)`,
		`CREATE TABLE notes1 PARTITION OF "Odd ""notes""" FOR VALUES WITH (MODULUS 2, REMAINDER 1)`)
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // not a secret
	for id := range archiveRows {
		a.exec(a.insert(rng, id), fmt.Sprintf(`INSERT INTO "Odd ""notes""" (part, of, secret, body) VALUES (%d, %[1]d, 'secret', 'before tracking')`, id))
	}
	// Rows from before tracking have no version.
	a.track("everything", nil)
	a.track(`"Odd ""notes"""`, &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"scratch"}})
	return a
}

func (a *archive) draw(rng *rand.Rand, column int) string {
	values := a.columns[column].Values
	if n := rng.IntN(len(values) + 1); n < len(values) {
		return "(" + values[n] + ")::" + a.columns[column].Name
	}
	return "NULL"
}

func (a *archive) insert(rng *rand.Rand, id int) string {
	values := make([]string, len(a.columns))
	for i := range a.columns {
		values[i] = a.draw(rng, i)
	}
	return fmt.Sprintf("INSERT INTO everything VALUES (%d, %s)", id, strings.Join(values, ", "))
}

// statement is a random write.
func (a *archive) statement(rng *rand.Rand) string {
	id := rng.IntN(a.ids)
	switch what := rng.IntN(16); {
	case what < 7:
		var sets []string
		for _, i := range rng.Perm(len(a.columns))[:1+rng.IntN(6)] {
			sets = append(sets, fmt.Sprintf("c%d = %s", i, a.draw(rng, i)))
		}
		return fmt.Sprintf("UPDATE everything SET %s WHERE id BETWEEN %d AND %d", strings.Join(sets, ", "), id, id+rng.IntN(3))
	case what == 7:
		return a.insert(rng, id) + " ON CONFLICT DO NOTHING"
	case what == 8:
		return fmt.Sprintf("DELETE FROM everything WHERE id = %d", id)
	case what == 9:
		return fmt.Sprintf("UPDATE everything SET id = %d WHERE id = %d", rng.IntN(a.ids), id)
	case what == 10:
		return fmt.Sprintf("WITH gone AS (DELETE FROM everything WHERE id = %d RETURNING id) UPDATE everything SET c0 = 7 WHERE id = %d", id, rng.IntN(a.ids))
	case what == 11:
		return fmt.Sprintf(`INSERT INTO "Odd ""notes""" (part, of, secret, scratch, body) SELECT %d, id, 'hidden', 'untracked', md5(id::text) FROM everything WHERE id = %d`, rng.IntN(9), id)
	case what == 12: // to another partition, perhaps
		return fmt.Sprintf(`UPDATE "Odd ""notes""" SET part = part + 1, secret = 'hidden ' || part WHERE of = %d`, id)
	case what == 13:
		return fmt.Sprintf(`UPDATE "Odd ""notes""" SET scratch = scratch || '!', body = repeat(body, 2) WHERE of = %d AND length(body) < 500`, id)
	case what == 14 && rng.IntN(8) == 0:
		return `TRUNCATE "Odd ""notes"""`
	default:
		return fmt.Sprintf(`DELETE FROM "Odd ""notes""" WHERE of = %d`, id)
	}
}

// write runs a random transaction; those that lose a race have no effect.
func (a *archive) write(rng *rand.Rand) {
	a.Helper()
	level := []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}[rng.IntN(3)]
	err := pgx.BeginTxFunc(a.Context(), a.pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
		for range 1 + rng.IntN(5) {
			statement := a.statement(rng)
			if rng.IntN(6) == 0 {
				statement = "SAVEPOINT s; " + statement + "; ROLLBACK TO s; " + a.statement(rng)
			}
			if _, err := tx.Exec(a.Context(), statement); err != nil {
				return fmt.Errorf("%.200s: %w", statement, err)
			}
		}
		if rng.IntN(10) == 0 {
			return errOnPurpose
		}
		return nil
	})
	if err != nil && !isRolledBack(err) && a.Context().Err() == nil {
		a.Error(describe(err))
	}
}

// dump is what a reader kept.
type dump struct {
	token    string
	settings string
	tables   [2][]byte
}

var sessionSettings = []string{
	`SET LOCAL search_path = pg_catalog`,
	`SET LOCAL TimeZone = 'Asia/Kathmandu'; SET LOCAL DateStyle = 'German, DMY'; SET LOCAL IntervalStyle = 'sql_standard'; SET LOCAL extra_float_digits = -3;
		SET LOCAL bytea_output = 'escape'; SET LOCAL xmloption = 'document'; SET LOCAL search_path = other, pg_catalog`,
}

func copyOut(ctx context.Context, conn *pgconn.PgConn, schema string, hidden ...string) (tables [2][]byte, err error) {
	for i, sql := range []string{fmt.Sprintf(everythingDump, schema), fmt.Sprintf(notesDump, hidden[0], hidden[1], schema)} {
		var out bytes.Buffer
		if _, err := conn.CopyTo(ctx, &out, sql); err != nil {
			return tables, err
		}
		tables[i] = out.Bytes()
	}
	return tables, nil
}

// read dumps the present in a snapshot of its own.
func (a *archive) read(settings string) (d dump, err error) {
	d.settings = settings
	err = pgx.BeginTxFunc(a.Context(), a.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// A TRUNCATE empties the table for older snapshots too: so it has to wait.
		if _, err := tx.Exec(a.Context(), `LOCK TABLE everything, "Odd ""notes""" IN ACCESS SHARE MODE`); err != nil {
			return err
		}
		token, err := chrononaut.TakeSnapshot(a.Context(), chronopgx.NewTxDriver(tx))
		if err != nil {
			return err
		}
		d.token = token
		if _, err := tx.Exec(a.Context(), settings); err != nil {
			return err
		}
		d.tables, err = copyOut(a.Context(), tx.Conn().PgConn(), "public", "NULL", "NULL")
		return err
	})
	return d, err
}

// again dumps the past at the token.
func (a *archive) again(d dump) (tables [2][]byte, err error) {
	p, err := chrononaut.ParsePoint(d.token)
	if err != nil {
		return tables, err
	}
	err = a.past(p, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, d.settings); err != nil {
			return err
		}
		tables, err = copyOut(ctx, tx.Conn().PgConn(), "chrononaut_past", "secret", "scratch")
		return err
	})
	return tables, err
}

func (a *archive) run(clients int, duration time.Duration, seed uint64) int {
	a.Helper()
	until := time.Now().Add(duration)
	var writing sync.WaitGroup
	for i := range clients {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // not a secret
			for time.Now().Before(until) && !a.Failed() {
				a.write(rng)
			}
		})
	}
	var dumps []dump
	for n := 0; time.Now().Before(until) && !a.Failed(); n++ {
		d, err := a.read(sessionSettings[n%len(sessionSettings)])
		if err != nil {
			a.Error(describe(err))
			break
		}
		dumps = append(dumps, d)
		if n%5 == 0 { // a token is good at once
			a.compare(d)
		}
	}
	writing.Wait()
	for _, d := range dumps {
		if a.Failed() {
			break
		}
		a.compare(d)
	}
	a.Logf("%d dumps, %d changes", len(dumps), value[int](a.lab, "SELECT count(*) FROM chrononaut.chrononaut_activity"))
	return len(dumps)
}

func (a *archive) compare(d dump) {
	a.Helper()
	tables, err := a.again(d)
	if err != nil {
		a.Errorf("%s: %v", d.token, describe(err))
		return
	}
	for i := range tables {
		if !bytes.Equal(tables[i], d.tables[i]) {
			a.Errorf("%s: %s", d.token, a.firstDifference(i == 0, d.tables[i], tables[i]))
		}
	}
}

// firstDifference names the first column that differs.
func (a *archive) firstDifference(typed bool, want, got []byte) string {
	wants, gots := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range wants {
		if i >= len(gots) || wants[i] == gots[i] {
			continue
		}
		ws, gs := strings.Split(wants[i], "\t"), strings.Split(gots[i], "\t")
		for k := range ws {
			if k < len(gs) && ws[k] != gs[k] {
				name := fmt.Sprint("column ", k)
				if typed && k > 0 && k <= len(a.columns) {
					name = fmt.Sprintf("c%d %s", k-1, a.columns[k-1].Name)
				}
				return fmt.Sprintf("of row %s: %s = %.100q, want %.100q (%d lines, want %d)", ws[0], name, gs[k], ws[k], len(gots), len(wants))
			}
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(gots), len(wants))
}
