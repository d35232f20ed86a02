// Package conformance is the suite that every adapter has to pass, in each of
// its modes. It is a module of its own, so that the drivers it needs stay out
// of everybody's dependencies.
package conformance

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Env is one adapter, in one mode, on a database of its own.
type Env struct {
	// Driver is the adapter's driver, for migrations and reading.
	Driver chronodriver.Driver
	// Exec runs a statement outside a transaction.
	Exec func(ctx context.Context, sql string, args ...any) error
	// QueryInt runs a statement that returns one number, outside a transaction.
	QueryInt func(ctx context.Context, sql string, args ...any) (int64, error)
	// QueryText runs a statement that returns one text, outside a transaction.
	QueryText func(ctx context.Context, sql string, args ...any) (string, error)
	// TxText runs f in a transaction that was begun under ctx; f runs statements
	// that return one text.
	TxText func(ctx context.Context, f func(query func(ctx context.Context, sql string, args ...any) (string, error)) error) error
	// Tx runs f in a transaction that was begun under ctx, and commits it when
	// f returns no error.
	Tx func(ctx context.Context, f func(exec func(ctx context.Context, sql string, args ...any) error) error) error

	prepared bool // The table is there and tracked.
}

// bench is a database with one tracked table.
type bench struct {
	*Env
	t      *testing.T
	client *chrononaut.Client
	todos  *chrononaut.History[todo]
	table  chrononaut.Table
}

type todo struct {
	ID      int64
	Title   string
	Done    bool
	Secret  string
	Visits  int64
	Version int
}

// Run runs the suite. Setup returns a fresh database for each test.
func Run(t *testing.T, setup func(t *testing.T) *Env) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"records inserts, updates and deletes with their versions", recordsOperations},
		{"attributes changes of a transaction", attributesTransactions},
		{"attributes statements outside a transaction", attributesStatements},
		{"attributes statements that return rows", attributesReturning},
		{"leaks attribution into nothing", leaksNothing},
		{"keeps attribution across savepoints", keepsAcrossSavepoints},
		{"records nothing that is rolled back", recordsNothingRolledBack},
		{"goes on after an aborted transaction", goesOnAfterAbort},
		{"attaches information to one record only", attachesToOneRecord},
		{"refuses unattributed writes to a strict table", refusesUnattributed},
		{"refuses to rewrite history", refusesRewrite},
		{"keeps hidden values out of history", hides},
		{"makes no version of an untracked change", ignoresUntracked},
		{"records upserts as what they do", recordsUpserts},
		{"follows a change of the primary key", followsKey},
		{"reads versions, past states and diffs", reads},
		{"reads the log by actor, table, time, transaction and column", readsLog},
		{"tells what was not recorded from what did not exist", tellsNotRecorded},
		{"carries every kind of text as actor and rationale", carriesText},
		{"attributes every row of a statement", attributesEveryRow},
		{"merges nested contexts", mergesNestedContexts},
		{"keeps the actors of several goroutines apart", keepsGoroutinesApart},
		{"records each state of a transaction", recordsEachState},
		{"records changes whose rows come from a query", recordsSelections},
		{"keeps the state before tracking", keepsTheStateBeforeTracking},
		{"streams snapshots and changes", streams},
		{"pages through versions and the log", pages},
		{"reads the state before each change of the log", readsBefore},
		{"tells when a table was not tracked", tellsGaps},
		{"reads inside a transaction what it did itself", readsInTransaction},
		{"reads the past of any query", readsThePast},
		{"reads the past of qualified names", readsThePastOfQualifiedNames},
		{"refuses to write in the past", refusesToWriteInThePast},
		{"refuses to read the present in the past", refusesThePresent},
		{"keeps a transaction at its point", keepsItsPoint},
		{"leaks the past into nothing", leaksNoPast},
		{"reads history itself under a context of the past", readsHistoryInThePast},
		{"locks rows, and says who has them", locksRows},
		{"refuses stale writes, and merges those that can be", refusesStaleWrites},
		{"leases records", leasesRecords},
		{"ends leases when they expire", expiresLeases},
		{"holds records, until two people release them", holdsRecords},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newBench(t, setup(t)))
		})
	}
}

// The table that most tests are about.
const createTodos = `CREATE TABLE todos (id bigint PRIMARY KEY, title text NOT NULL DEFAULT '', done boolean NOT NULL DEFAULT false, secret text, visits bigint NOT NULL DEFAULT 0)`

var (
	todosTable   = chrononaut.Table{Name: "todos"}
	todosOptions = &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"visits"}}
)

func newBench(t *testing.T, env *Env) *bench {
	t.Helper()
	b := &bench{Env: env, t: t, table: todosTable}
	if !env.prepared {
		ddl := createTodos
		if env.Driver.Dialect() == chronodriver.SQLite {
			ddl = strings.Replace(ddl, "id bigint", "id integer", 1)
		}
		if _, err := env.Driver.Exec(t.Context(), ddl); err != nil {
			t.Fatal(err)
		}
		b.track(todosOptions)
	}
	var err error
	if b.client, err = chrononaut.NewClient(env.Driver, env.Driver.Dialect(), nil); err != nil {
		t.Fatal(err)
	}
	b.todos = chrononaut.NewHistory[todo](b.client, b.table, nil)
	return b
}

func (b *bench) track(opts *chronomigrate.TrackOptions) {
	b.t.Helper()
	m, err := chronomigrate.New(b.Driver, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := m.Up(b.t.Context(), nil); err != nil {
		b.t.Fatal(err)
	}
	if _, err := m.Track(b.t.Context(), b.table, opts, nil); err != nil {
		b.t.Fatal(err)
	}
	b.tick()
}

// sql writes placeholders for the engine: $1 or ?1.
func (b *bench) sql(s string) string {
	if b.Driver.Dialect() == chronodriver.SQLite {
		return strings.ReplaceAll(s, "$", "?")
	}
	return s
}

func (b *bench) exec(ctx context.Context, sql string, args ...any) {
	b.t.Helper()
	if err := b.Exec(ctx, b.sql(sql), args...); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	b.tick()
}

// tick waits for the next millisecond: SQLite's clock has no finer steps, and
// tests tell changes apart by their times.
func (b *bench) tick() {
	if b.Driver.Dialect() != chronodriver.SQLite {
		return
	}
	for start := time.Now().UnixMilli(); time.Now().UnixMilli() == start; {
		runtime.Gosched()
	}
}

func (b *bench) tx(ctx context.Context, statements ...string) {
	b.t.Helper()
	err := b.Tx(ctx, func(exec func(ctx context.Context, sql string, args ...any) error) error {
		for _, s := range statements {
			if err := exec(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.tick()
}

// log returns the changes of todos, oldest first, one line each.
func (b *bench) log() []string {
	b.t.Helper()
	lines := []string{}
	for _, c := range b.changes() {
		lines = append(lines, fmt.Sprintf("%v %d %s %s", c.Key["id"], c.Version, c.Operation, c.Actor))
	}
	return lines
}

func (b *bench) changes() []chrononaut.Change {
	b.t.Helper()
	changes, err := b.client.Activity(b.t.Context(), &chrononaut.ActivityOpts{Table: b.table, OldestFirst: true, Limit: -1})
	if err != nil {
		b.t.Fatal(err)
	}
	records := changes[:0]
	for _, c := range changes {
		if c.Operation != chrononaut.OperationTrack {
			records = append(records, c)
		}
	}
	return records
}

func (b *bench) versions(of any, opts *chrononaut.VersionsOpts) []chrononaut.Snapshot[todo] {
	b.t.Helper()
	snapshots, err := b.todos.Versions(b.t.Context(), of, opts)
	if err != nil {
		b.t.Fatal(err)
	}
	return snapshots
}

// wantSet is wantLog for statements that change their rows in any order.
func (b *bench) wantSet(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(b.log()))); diff != "" {
		b.t.Errorf("log mismatch (-want +got):\n%s", diff)
	}
}

func (b *bench) wantLog(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.log(), cmpopts.EquateEmpty()); diff != "" {
		b.t.Errorf("log mismatch (-want +got):\n%s", diff)
	}
}
