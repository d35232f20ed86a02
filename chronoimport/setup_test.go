package chronoimport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// fixture is a database in which history is installed.
type fixture struct {
	*testing.T
	pool   *pgxpool.Pool
	driver chronodriver.Driver
	client *chrononaut.Client
}

func newFixture(t *testing.T, statements ...string) *fixture {
	t.Helper()
	db := pgtest.NewFrom(t, "import", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		_, err = m.Up(ctx, nil)
		return err
	})
	f := &fixture{T: t, pool: db.Pool(t)}
	f.driver = chronopgx.NewDriver(f.pool, nil)
	client, err := chronopgx.New(f.pool, nil).Client()
	if err != nil {
		t.Fatal(err)
	}
	f.client = client
	f.exec(statements...)
	return f
}

func (f *fixture) exec(statements ...string) {
	f.Helper()
	for _, sql := range statements {
		if _, err := f.pool.Exec(f.Context(), sql); err != nil {
			f.Fatalf("%s\n%v", sql, err)
		}
	}
}

func (f *fixture) track(table string, opts *chronomigrate.TrackOptions) {
	f.Helper()
	m, err := chronomigrate.New(f.driver, nil)
	if err == nil {
		_, err = m.Track(f.Context(), f.name(table), opts, nil)
	}
	if err != nil {
		f.Fatal(err)
	}
}

// baseline records what differs from history, and returns how many rows that are.
func (f *fixture) baseline(table string) int64 {
	f.Helper()
	m, err := chronomigrate.New(f.driver, nil)
	if err != nil {
		f.Fatal(err)
	}
	done, err := m.Baseline(f.Context(), f.name(table), nil)
	if err != nil {
		f.Fatal(err)
	}
	return done.Recorded
}

func (f *fixture) name(table string) chrononaut.Table {
	f.Helper()
	name, err := chrononaut.ParseTable(table)
	if err != nil {
		f.Fatal(err)
	}
	return name
}

func (f *fixture) load(table string, source chronoimport.Source, opts *chronoimport.Options) *chronoimport.Result {
	f.Helper()
	result, err := chronoimport.Import(f.Context(), f.driver, f.name(table), source, opts)
	if err != nil {
		f.Fatal(err)
	}
	return result
}

// wantCounts compares what an import did.
func (f *fixture) wantCounts(result *chronoimport.Result, imported, known, own, bad int64) {
	f.Helper()
	got := []int64{result.Read, result.Imported, result.Known, result.Own, result.Bad}
	if diff := cmp.Diff([]int64{imported + known + own + bad, imported, known, own, bad}, got); diff != "" {
		f.Errorf("read, imported, known, own, bad (-want +got):\n%s", diff)
	}
}

type record = map[string]any

// lines reads the history of a record: version, operation, time, actor, source's
// id, and the state without its version.
func (f *fixture) lines(table string, key any) []string {
	f.Helper()
	versions, err := chrononaut.NewHistory[record](f.client, f.name(table), nil).Versions(f.Context(), key, nil)
	if err != nil {
		f.Fatal(err)
	}
	lines := []string{}
	for i, v := range versions {
		if v.Version != i {
			f.Errorf("version %d comes at place %d", v.Version, i)
		}
		lines = append(lines, f.line(v.Change))
	}
	return lines
}

func (f *fixture) line(c chrononaut.Change) string {
	f.Helper()
	var data map[string]json.RawMessage
	var extra struct{ Imported struct{ From, ID string } }
	var text, info string
	if err := f.pool.QueryRow(f.Context(), "SELECT data::text, extra_info::text FROM chrononaut.chrononaut_activity WHERE id = $1", c.ID).Scan(&text, &info); err != nil {
		f.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		f.Fatal(err)
	}
	if err := json.Unmarshal([]byte(info), &extra); err != nil {
		f.Fatal(err)
	}
	if string(data["version"]) != fmt.Sprint(c.Version) {
		f.Errorf("the state of version %d says that it is version %s", c.Version, data["version"])
	}
	delete(data, "version")
	state, err := json.Marshal(data)
	if err != nil {
		f.Fatal(err)
	}
	at := "now"
	if extra.Imported.ID != "" {
		at = c.Changed.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s %s by %q id %q: %s", c.Operation, at, c.Actor, extra.Imported.ID, state)
}

func (f *fixture) wantLines(table string, key any, want ...string) {
	f.Helper()
	if diff := cmp.Diff(want, f.lines(table, key)); diff != "" {
		f.Errorf("history of %s %v (-want +got):\n%s", table, key, diff)
	}
}

func date(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

var sprintf = fmt.Sprintf

// wantExtra compares the extra information of a record's first change.
func (f *fixture) wantExtra(table string, key any, want string) {
	f.Helper()
	first, err := chrononaut.NewHistory[record](f.client, f.name(table), nil).Version(f.Context(), key, 0)
	if err != nil {
		f.Fatal(err)
	}
	var got string
	if err := f.pool.QueryRow(f.Context(), "SELECT extra_info::text FROM chrononaut.chrononaut_activity WHERE id = $1", first.ID).Scan(&got); err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("extra information (-want +got):\n%s", diff)
	}
}
