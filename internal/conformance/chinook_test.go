package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

const (
	chinookChanges  = 10_000
	chinookInstants = 200
	chinookSeed     = 20260102
)

var chinookTables = []string{
	"album", "artist", "customer", "employee", "genre", "invoice", "invoice_line", "media_type", "playlist", "playlist_track", "track",
}

// shop is the Chinook music shop, tracked, and what its users did to it.
type shop struct {
	*testing.T
	rng     *rand.Rand
	url     string
	pool    *pgxpool.Pool
	db      *chronopgx.DB
	gorm    *gorm.DB
	psql    string // the program, or empty where it is not installed
	driver  chronodriver.Driver
	clerks  []clerk
	next    int // a key that no row has
	steps   map[string]int
	actors  map[string]clerk // by transaction
	instant []instant
}

// clerk is somebody who changes the shop, and why.
type clerk struct{ actor, rationale string }

// instant is a copy of a table, and when it was taken.
type instant struct {
	table string
	at    time.Time
	rows  map[string]string
}

// TestChinook changes the music shop ten thousand times through GORM, pgx and
// psql, and then compares history with the tables, with copies of them that were
// taken meanwhile, and with who did what.
func TestChinook(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	s := openShop(t)
	for s.count() < chinookChanges {
		s.clerk()
		for len(s.instant) < chinookInstants*s.count()/chinookChanges {
			s.copy()
		}
	}
	for len(s.instant) < chinookInstants {
		s.copy()
	}
	t.Logf("%d changes by %v, %d copies", s.count(), s.steps, len(s.instant))

	for _, table := range chinookTables {
		chronotest.RequireReplay(t, s.driver, chrononaut.Table{Name: table}, nil)
	}
	chronotest.AssertTracked(t, s.driver, &chronotest.TrackedOpts{Except: []chrononaut.Table{}})
	s.checkActors()
	s.checkInstants()
}

func openShop(t *testing.T) *shop {
	t.Helper()
	file := os.Getenv("CHRONONAUT_CHINOOK")
	if file == "" {
		file = filepath.Join("..", "..", "..", "shared", "data", "chinook", "chinook-postgresql.sql")
	}
	script, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the music shop is not at %s; CHRONONAUT_CHINOOK may name chinook-postgresql.sql elsewhere", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The script begins with making the database, for psql.
	_, ddl, found := strings.Cut(string(script), `\c chinook;`)
	if !found {
		t.Fatalf("%s has no \\c chinook", file)
	}
	database := pgtest.New(t)
	s := &shop{
		T: t, rng: rand.New(rand.NewPCG(chinookSeed, 0)), url: database.URL(), pool: database.Pool(t), next: 1_000_000,
		steps: map[string]int{}, actors: map[string]clerk{},
		clerks: []clerk{{"ann", "order"}, {"bob@example.com", ""}, {"o'neil", "price's up\n\"now\""}, {"", ""}, {"", "clean up"}, {"日本", "理由"}},
	}
	s.exec(ddl)
	s.db, s.driver = chronopgx.New(s.pool, nil), chronopgx.NewDriver(s.pool, nil)
	s.psql = findPsql()
	m, err := chronomigrate.New(s.driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, table := range chinookTables {
		if _, err := m.Track(t.Context(), chrononaut.Table{Name: table}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Baseline(t.Context(), chrononaut.Table{Name: table}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.exec("ANALYZE")
	s.gorm = openGORM(t, postgres.New(postgres.Config{Conn: gormPool(t, "pgx", s.url, false)}),
		gorm.Config{NamingStrategy: schema.NamingStrategy{SingularTable: true}})
	return s
}

func (s *shop) exec(sql string) {
	s.Helper()
	if _, err := s.pool.Exec(s.Context(), sql); err != nil {
		s.Fatal(err)
	}
}

// count is how many changes history has, apart from the baseline.
func (s *shop) count() int {
	n := 0
	for door, changes := range s.steps {
		if door != "rolled back" {
			n += changes
		}
	}
	return n
}

// id is a new key.
func (s *shop) id() int { s.next++; return s.next }

// clerk has somebody do something.
func (s *shop) clerk() {
	s.Helper()
	who := s.clerks[s.rng.IntN(len(s.clerks))]
	ctx := s.Context()
	if who.actor != "" {
		ctx = chrononaut.WithActor(ctx, who.actor)
	}
	if who.rationale != "" {
		ctx = chrononaut.WithRationale(ctx, who.rationale)
	}
	door, do := "pgx", s.viaPgx
	switch n := s.rng.IntN(5); {
	case n < 2:
		door, do = "gorm", s.viaGORM
	case n < 3 && s.psql != "":
		door, do = "psql", s.viaPsql
	}
	id, err := do(ctx, who)
	if errors.Is(err, errChangedMind) {
		s.steps["rolled back"]++
		return
	}
	if err != nil {
		s.Fatalf("%s: %v", door, err)
	}
	var changes int
	if err := s.pool.QueryRow(s.Context(), "SELECT count(*) FROM chrononaut.chrononaut_activity WHERE transaction_id = $1::text::xid8", id).Scan(&changes); err != nil {
		s.Fatal(err)
	}
	s.steps[door] += changes
	s.actors[id] = who
}

var errChangedMind = errors.New("changed my mind")

// checkActors compares who is in history with who it was.
func (s *shop) checkActors() {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT transaction_id::text, coalesce(user_info ->> 'user_id', ''), coalesce(extra_info ->> 'rationale', ''), count(*)
		FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'baseline') GROUP BY 1, 2, 3`)
	if err != nil {
		s.Fatal(err)
	}
	var id string
	var got clerk
	var n, total int
	if _, err := pgx.ForEachRow(rows, []any{&id, &got.actor, &got.rationale, &n}, func() error {
		total += n
		if want, ok := s.actors[id]; !ok || got != want {
			s.Errorf("%d changes of transaction %s are by %+v, want %+v (%t)", n, id, got, want, ok)
		}
		return nil
	}); err != nil {
		s.Fatal(err)
	}
	if total != s.count() {
		s.Errorf("history has %d changes, want %d", total, s.count())
	}
}

// copy notes what is in a table now.
func (s *shop) copy() {
	s.Helper()
	i := instant{table: chinookTables[s.rng.IntN(len(chinookTables))], rows: map[string]string{}}
	err := pgx.BeginTxFunc(s.Context(), s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		rows, err := tx.Query(s.Context(), fmt.Sprintf("SELECT jsonb_build_object(%s)::text, (to_jsonb(t) - 'version')::text FROM %s AS t", keyPairs(i.table), i.table))
		if err != nil {
			return err
		}
		var key, row string
		if _, err := pgx.ForEachRow(rows, []any{&key, &row}, func() error {
			i.rows[key] = row
			return nil
		}); err != nil {
			return err
		}
		return tx.QueryRow(s.Context(), "SELECT clock_timestamp()").Scan(&i.at)
	})
	if err != nil {
		s.Fatal(err)
	}
	s.instant = append(s.instant, i)
}

func keyPairs(table string) string {
	if table == "playlist_track" {
		return "'playlist_id', playlist_id, 'track_id', track_id"
	}
	return fmt.Sprintf("'%[1]s_id', %[1]s_id", table)
}

// checkInstants compares the past of random records with the copies: of those
// that were there, and of those that history knows from another time.
func (s *shop) checkInstants() {
	s.Helper()
	client, err := s.db.Client()
	if err != nil {
		s.Fatal(err)
	}
	known := map[string][]string{}
	rows, err := s.pool.Query(s.Context(), "SELECT DISTINCT table_name, key::text FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'baseline') ORDER BY 1, 2")
	if err != nil {
		s.Fatal(err)
	}
	var table, key string
	if _, err := pgx.ForEachRow(rows, []any{&table, &key}, func() error {
		known[table] = append(known[table], key)
		return nil
	}); err != nil {
		s.Fatal(err)
	}
	there, gone := 0, 0
	for _, i := range s.instant {
		history := chrononaut.NewHistory[struct{}](client, chrononaut.Table{Name: i.table}, nil)
		keys := slices.Sorted(maps.Keys(i.rows))
		for n := range 12 {
			from := keys
			if n%2 == 1 {
				from = known[i.table]
			}
			if len(from) == 0 {
				continue
			}
			text := from[s.rng.IntN(len(from))]
			var key chrononaut.Key
			if err := json.Unmarshal([]byte(text), &key); err != nil {
				s.Fatal(err)
			}
			want, exists := i.rows[text]
			got, err := history.At(s.Context(), key, i.at)
			if !exists {
				gone++
				if !errors.Is(err, chrononaut.ErrNotFound) {
					s.Errorf("%s %s at %v: got %v, %v; want ErrNotFound", i.table, text, i.at, got, err)
				}
				continue
			}
			there++
			if err != nil {
				s.Errorf("%s %s at %v: %v", i.table, text, i.at, err)
				continue
			}
			delete(got.Data, "version")
			if diff := cmp.Diff(normal(s.T, []byte(want)), normal(s.T, got.Data)); diff != "" {
				s.Errorf("%s %s at %v mismatch (-want +got):\n%s", i.table, text, i.at, diff)
			}
		}
	}
	s.Logf("%d past states compared, %d absences", there, gone)
}

// normal writes JSON in one form, without losing digits.
func normal(t *testing.T, v any) string {
	t.Helper()
	text, ok := v.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var decoded any
	if err := d.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(decoded)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// any is the key of a row that is there, by chance.
func (s *shop) any(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, column, from string,
) int {
	s.Helper()
	var id int
	sql := fmt.Sprintf("SELECT %[1]s FROM %[2]s ORDER BY %[1]s OFFSET (SELECT floor($1 * count(*))::int FROM %[2]s) LIMIT 1", column, from)
	if err := q.QueryRow(ctx, sql, s.rng.Float64()).Scan(&id); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
	return id
}

func (s *shop) price() string { return strconv.FormatFloat(float64(s.rng.IntN(400))/100, 'f', 2, 64) }
