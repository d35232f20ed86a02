package property_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

const (
	lifeSessions = 4
	lifeSteps    = 12
	lifeWrites   = 8 // of each session while a step is on its way
)

// life is a partitioned table whose schema changes while sessions that stay
// connected write to it.
type life struct {
	*testing.T
	rng      *rand.Rand
	admin    *pgxpool.Pool
	driver   chronodriver.Driver
	migrator *chronomigrate.Migrator
	sessions []*pgx.Conn

	schema, name string
	columns      map[string]string // besides the key and version, with their types
	parts        []int             // bounds of the attached partitions, by hundreds
	detached     []int
	names        int
	log          []string
	// settle says that the step changed rows, or keys, where no trigger sees it.
	settle bool

	mu      sync.Mutex // of log
	written atomic.Int64
	// Rows that were inserted and deleted: each is in history, also when a step
	// needs a baseline.
	inserted, deleted atomic.Int64
}

// TestSchemaLife changes a table's schema at random while several connections
// write to it, whose plans are made for the schemas of before. No write may fail
// because of history. After each step history, played again, is the table, and
// what the API reads of each row is what the table holds.
func TestSchemaLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("from seed ", seed), func(t *testing.T) {
			t.Parallel()
			newLife(t, b, fmt.Sprint("life", seed), seed).run(lifeSteps)
		})
	}
}

func TestSoakSchemaLife(t *testing.T) {
	steps, written := 0, int64(0)
	soak(t, func(t *testing.T, seed uint64) {
		t.Helper()
		l := newLife(t, newBench(t), "life", seed)
		l.run(4 * lifeSteps)
		steps, written = steps+4*lifeSteps, written+l.written.Load()
	})
	t.Logf("%d changes of schemas, %d writes", steps, written)
}

func newLife(t *testing.T, b *bench, schema string, seed uint64) *life {
	t.Helper()
	l := &life{
		T: t, rng: rand.New(rand.NewPCG(seed, 20260102)), admin: b.admin, driver: b.driver, migrator: b.migrator, //nolint:gosec // not a secret
		schema: schema, name: "docs", columns: map[string]string{"a": "integer", "b": "text", "c": "numeric"}, parts: []int{0, 1},
	}
	for i := range lifeSessions {
		config, err := pgx.ParseConfig(b.url)
		if err != nil {
			t.Fatal(err)
		}
		// Half of them prepare their statements, and all keep their plans.
		if i%2 == 1 {
			config.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
			config.DefaultQueryExecMode = pgx.QueryExecModeExec
		}
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
		l.sessions = append(l.sessions, conn)
	}
	l.ddl("CREATE SCHEMA " + schema)
	l.ddl("CREATE TABLE " + l.table() + " (id integer NOT NULL, p integer NOT NULL, a integer, b text, c numeric, PRIMARY KEY (id, p)) PARTITION BY RANGE (p)")
	for _, n := range l.parts {
		l.ddl(fmt.Sprintf("CREATE TABLE %s.part%d PARTITION OF %s FOR VALUES FROM (%d) TO (%d)", schema, n, l.table(), n, n+1))
	}
	l.track()
	return l
}

func (l *life) table() string { return l.schema + "." + l.name }

func (l *life) qualified() chrononaut.Table {
	return chrononaut.Table{Schema: l.schema, Name: l.name}
}

func (l *life) fatalf(format string, args ...any) {
	l.Helper()
	l.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), l.steps())
}

func (l *life) note(step string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, step)
}

func (l *life) steps() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.log, "\n")
}

func (l *life) ddl(sql string) {
	l.Helper()
	l.note(sql)
	for {
		_, err := l.admin.Exec(l.Context(), sql)
		if err == nil {
			return
		}
		// The writers may be in the way.
		if chronodriver.State(err) != "40P01" {
			l.fatalf("%v", err)
		}
	}
}

func (l *life) track() {
	l.Helper()
	l.note("-- track " + l.table())
	opts := &chronomigrate.TrackOptions{VersionColumn: "version"}
	if _, err := l.migrator.Track(l.Context(), l.qualified(), opts, nil); err != nil {
		l.fatalf("track: %v", err)
	}
}

func (l *life) run(steps int) {
	l.writeAll(nil)
	l.compare()
	for range steps {
		step := l.draw()
		l.writeAll(step)
		l.compare()
	}
	l.Logf("%d writes", l.written.Load())
}

// writeAll has every session write, and meanwhile changes the schema.
func (l *life) writeAll(change func()) {
	l.Helper()
	var group sync.WaitGroup
	for i, conn := range l.sessions {
		// The names that the session knows; the change may take them away.
		table, parts, columns := l.table(), slices.Clone(l.parts), maps.Clone(l.columns)
		rng := rand.New(rand.NewPCG(l.rng.Uint64(), uint64(i))) //nolint:gosec // not a secret
		group.Go(func() {
			for range lifeWrites {
				l.write(conn, rng, table, parts, columns)
			}
		})
	}
	if change != nil {
		change()
	}
	group.Wait()
	if l.Failed() {
		l.FailNow()
	}
}

// write runs one statement. It may fail for what the application itself did:
// the table, the column or the partition is not there any more.
func (l *life) write(conn *pgx.Conn, rng *rand.Rand, table string, parts []int, columns map[string]string) {
	id, part := rng.IntN(12), parts[rng.IntN(len(parts))]
	names := slices.Sorted(maps.Keys(columns))
	column := names[rng.IntN(len(names))]
	value := fmt.Sprintf("'%d'", rng.IntN(4))
	switch rng.IntN(6) {
	case 0:
		value = "NULL"
	case 1:
		if columns[column] == "text" {
			value = "'text'"
		}
	}
	// Few texts, so that the prepared statements of a session are used again.
	var sql string
	args := []any{id, part}
	switch rng.IntN(8) {
	case 0, 1, 2:
		sql = fmt.Sprintf("INSERT INTO %[1]s (id, p, %[2]s) VALUES ($1, $2, %[3]s) ON CONFLICT DO NOTHING", table, column, value)
	case 3:
		sql = "DELETE FROM " + table + " WHERE id = $1 AND p = $2"
	case 4:
		// To another partition.
		sql = "UPDATE " + table + " SET p = $3 WHERE id = $1 AND p = $2"
		args = append(args, parts[rng.IntN(len(parts))])
	default:
		sql = fmt.Sprintf("UPDATE %s SET %s = %s WHERE id = $1", table, column, value)
		args = args[:1]
	}
	tag, err := conn.Exec(l.Context(), sql, args...)
	if err == nil {
		l.written.Add(1)
		l.count(tag)
		return
	}
	var pgErr *pgconn.PgError
	// Undefined table and column, no partition or a CHECK of one, NOT NULL,
	// a duplicate, text for a number, a deadlock; a row that moved meanwhile.
	switch chronodriver.State(err) {
	case "40P01", "40001":
		return
	case "42P01", "42703", "23514", "23502", "23505", "22P02":
		// But not within a trigger.
		if errors.As(err, &pgErr) && pgErr.Where == "" {
			return
		}
	}
	l.Errorf("%s: %v\n%+v\nafter:\n%s", sql, err, pgErr, l.steps())
}

func (l *life) count(tag pgconn.CommandTag) {
	switch {
	case tag.Insert():
		l.inserted.Add(tag.RowsAffected())
	case tag.Delete():
		l.deleted.Add(tag.RowsAffected())
	}
}

// draw draws the next change of the schema.
func (l *life) draw() func() {
	names := slices.Sorted(maps.Keys(l.columns))
	column := names[l.rng.IntN(len(names))]
	l.names++
	fresh := fmt.Sprint("n", l.names)
	switch l.rng.IntN(12) {
	case 0:
		return func() { l.alter("ADD %s integer", fresh); l.columns[fresh] = "integer" }
	case 1:
		l.settle = true
		return func() { l.alter("ADD %s text NOT NULL DEFAULT 'd'", fresh); l.columns[fresh] = "text" }
	case 2:
		if len(names) < 3 {
			return l.track
		}
		return func() { l.alter("DROP %s", column); delete(l.columns, column) }
	case 3:
		l.settle = true // the old name is in history
		declared := l.rng.IntN(2) == 0
		return func() {
			if declared {
				l.rename(chronomigrate.Renaming{Columns: map[string]string{column: fresh}})
			} else {
				l.alter("RENAME %s TO %s", column, fresh)
			}
			l.columns[fresh] = l.columns[column]
			delete(l.columns, column)
		}
	case 4:
		if l.columns[column] == "text" {
			return func() { l.alter("ALTER %s DROP NOT NULL, ALTER %[1]s SET STORAGE EXTERNAL", column) }
		}
		to := map[string]string{"integer": "bigint", "bigint": "numeric", "numeric": "text"}[l.columns[column]]
		return func() { l.alter("ALTER %s TYPE %s", column, to); l.columns[column] = to }
	case 5:
		if l.columns[column] == "text" {
			return l.track
		}
		l.settle = true
		return func() { l.alter("ALTER %s TYPE %s USING %[1]s * 2", column, l.columns[column]) }
	case 6:
		l.settle = true
		return func() {
			l.ddl(fmt.Sprintf("BEGIN; LOCK TABLE %[1]s; UPDATE %[1]s SET %[2]s = '0' WHERE %[2]s IS NULL; ALTER TABLE %[1]s ALTER %[2]s SET NOT NULL; COMMIT; "+
				"ALTER TABLE %[1]s ALTER %[2]s DROP NOT NULL", l.table(), column))
		}
	case 7:
		// The same columns in another order are the same keys.
		columns := []string{"id, p", "p, id"}[l.rng.IntN(2)]
		return func() { l.alter("DROP CONSTRAINT docs_pkey, ADD CONSTRAINT docs_pkey PRIMARY KEY (%s)", columns) }
	case 8:
		next := slices.Max(append(slices.Clone(l.parts), l.detached...)) + 1
		return func() {
			l.ddl(fmt.Sprintf("CREATE TABLE %s.part%d PARTITION OF %s FOR VALUES FROM (%[2]d) TO (%[4]d)", l.schema, next, l.table(), next+1))
			l.parts = append(l.parts, next)
		}
	case 9:
		if len(l.parts) < 3 {
			return l.track
		}
		l.settle = true
		return func() {
			n := l.parts[0]
			l.detach(n)
			l.parts, l.detached = l.parts[1:], append(l.detached, n)
		}
	case 10:
		if len(l.detached) == 0 {
			return l.track
		}
		l.settle = true
		return func() {
			n := l.detached[0]
			// Made anew, with a row that no trigger has seen.
			l.ddl(fmt.Sprintf("DROP TABLE %s.part%d; CREATE TABLE %[1]s.part%[2]d (LIKE %s INCLUDING ALL)", l.schema, n, l.table()))
			l.ddl(fmt.Sprintf("INSERT INTO %s.part%d (id, p) VALUES (100, %[2]d) ON CONFLICT DO NOTHING", l.schema, n))
			l.ddl(fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s.part%d FOR VALUES FROM (%[3]d) TO (%[4]d)", l.table(), l.schema, n, n+1))
			l.parts, l.detached = append(l.parts, n), l.detached[1:]
		}
	default:
		l.settle = true
		return func() {
			// Tracked under its new name before anybody knows it. It is not declared: a
			// baseline does not compare rows with states under an older table name.
			old := l.qualified()
			name := fmt.Sprint("docs", l.names)
			l.ddl(fmt.Sprintf("ALTER TABLE %s RENAME TO %s", l.table(), name))
			l.name = name
			l.track()
			if _, err := l.migrator.Untrack(l.Context(), old, nil); err != nil {
				l.fatalf("untrack: %v", err)
			}
		}
	}
}

// rename renames and declares it, so that history follows.
func (l *life) rename(r chronomigrate.Renaming) {
	l.Helper()
	l.note(fmt.Sprintf("-- rename of %s: %v %s", l.table(), r.Columns, r.Table.Name))
	if _, err := l.migrator.Rename(l.Context(), l.qualified(), r, nil); err != nil {
		l.fatalf("rename: %v", err)
	}
}

// detach deletes the rows of a partition first, or history would have them
// alive.
func (l *life) detach(n int) {
	l.Helper()
	part := fmt.Sprintf("%s.part%d", l.schema, n)
	for {
		err := pgx.BeginFunc(l.Context(), l.admin, func(tx pgx.Tx) error {
			if _, err := tx.Exec(l.Context(), "LOCK TABLE "+l.table()); err != nil {
				return err
			}
			tag, err := tx.Exec(l.Context(), "DELETE FROM "+part)
			if err != nil {
				return err
			}
			l.note("DELETE FROM " + part + "; DETACH")
			if _, err = tx.Exec(l.Context(), "ALTER TABLE "+l.table()+" DETACH PARTITION "+part); err == nil {
				l.count(tag)
			}
			return err
		})
		if err == nil {
			return
		}
		if chronodriver.State(err) != "40P01" {
			l.fatalf("%v", err)
		}
	}
}

func (l *life) alter(format string, args ...any) {
	l.Helper()
	l.ddl("ALTER TABLE " + l.table() + " " + fmt.Sprintf(format, args...))
}

// compare plays history again, and reads every row through the API.
func (l *life) compare() {
	l.Helper()
	ctx := l.Context()
	var inserted, deleted int64
	if err := l.admin.QueryRow(ctx, `SELECT count(*) FILTER (WHERE operation = 'insert'), count(*) FILTER (WHERE operation = 'delete')
		FROM chrononaut.chrononaut_activity WHERE table_schema = $1`, l.schema).Scan(&inserted, &deleted); err != nil {
		l.Fatal(err)
	}
	if inserted != l.inserted.Load() || deleted != l.deleted.Load() {
		l.fatalf("history has %d insertions and %d deletions, the sessions made %d and %d", inserted, deleted, l.inserted.Load(), l.deleted.Load())
	}
	if l.settle {
		// What no trigger sees, a baseline records.
		l.track()
		if _, err := l.migrator.Baseline(ctx, l.qualified(), &chronomigrate.BaselineOpts{ChunkSize: 5}); err != nil {
			l.fatalf("baseline: %v", err)
		}
		l.settle = false
	}
	differences, err := chronotest.Replay(ctx, l.driver, l.qualified(), &chronotest.ReplayOpts{Values: true})
	if err != nil || len(differences) > 0 {
		l.fatalf("history is not the table: %v, %v", differences, err)
	}
	client, err := chrononaut.NewClient(l.driver, chronodriver.PostgreSQL, nil)
	if err != nil {
		l.Fatal(err)
	}
	history := chrononaut.NewHistory[map[string]any](client, l.qualified(), nil)
	rows, err := l.admin.Query(ctx, "SELECT * FROM "+l.table()+" WHERE version IS NOT NULL ORDER BY id LIMIT 5", pgx.QueryExecModeExec)
	if err != nil {
		l.Fatal(err)
	}
	live, err := pgx.CollectRows(rows, pgx.RowToMap)
	if err != nil {
		l.Fatal(err)
	}
	for _, row := range live {
		key := chrononaut.Key{"id": row["id"], "p": row["p"]}
		versions, err := history.Versions(ctx, key, &chrononaut.VersionsOpts{NewestFirst: true, Limit: 1})
		if err != nil || len(versions) != 1 {
			l.fatalf("Versions(%v) = %v, %v", key, versions, err)
		}
		if diff := gocmp.Diff(fmt.Sprint(row), fmt.Sprint(versions[0].Record)); diff != "" {
			l.fatalf("the newest version of %v is not the row (-row +history):\n%s", key, diff)
		}
	}
}
