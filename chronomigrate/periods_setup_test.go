package chronomigrate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// periods is a fixture whose table stock can have the layout period, and its past
// can be read from history too.
type periods struct {
	*fixture
	points []string
}

// newPeriods tracks the table stock, which the statements create, with the layout
// json.
func newPeriods(t *testing.T, opts *chronomigrate.TrackOptions, statements ...string) *periods {
	t.Helper()
	f := newFixture(t)
	f.exec(statements...)
	f.track("stock", opts)
	p := &periods{fixture: f}
	p.mirror()
	return p
}

// mirror keeps the view of the past that reads history as by_history.stock.
func (p *periods) mirror() {
	p.Helper()
	p.exec(`DROP SCHEMA IF EXISTS by_history CASCADE`, `CREATE SCHEMA by_history`,
		`DO $$ BEGIN EXECUTE 'CREATE VIEW by_history.stock AS ' || pg_get_viewdef('chrononaut_past.stock'::regclass); END $$`)
}

// build gives the table the layout period.
func (p *periods) build(opts *chronomigrate.TrackOptions) {
	p.Helper()
	o := chronomigrate.TrackOptions{}
	if opts != nil {
		o = *opts
	}
	o.Layout = chronomigrate.LayoutPeriod
	p.track("stock", &o)
	p.finish()
}

func (p *periods) finish() {
	p.Helper()
	if _, err := p.migrator.BuildPeriods(p.Context(), p.table("stock"), &chronomigrate.PeriodsOpts{ChunkSize: 3}); err != nil {
		p.Fatalf("BuildPeriods() = %v", describe(err))
	}
}

// mark remembers the present as points, by time and by snapshot.
func (p *periods) mark() {
	p.Helper()
	p.points = append(p.points, pointsNow(p.fixture, p.conn)...)
}

func pointsNow(f *fixture, conn *pgx.Conn) []string {
	f.Helper()
	var at, snapshot string
	if err := conn.QueryRow(f.Context(), `SELECT jsonb_build_object('at', chrononaut.iso_time(clock_timestamp()), 'incomplete', true, 'unsettled', true)::text,
		jsonb_build_object('snapshot', chrononaut.take_snapshot(), 'incomplete', true)::text`).Scan(&at, &snapshot); err != nil {
		f.Error(describe(err))
	}
	return []string{at, snapshot}
}

// past reads the table as of a point from a view.
func (p *periods) past(view, point string) (string, error) {
	p.Helper()
	tx, err := p.conn.Begin(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = tx.Rollback(p.Context()) }()
	if _, err := tx.Exec(p.Context(), `SELECT chrononaut.travel($1::jsonb)`, point); err != nil {
		return "", err
	}
	var state string
	err = tx.QueryRow(p.Context(), `SELECT coalesce(string_agg(s::text, E'\n' ORDER BY s::text COLLATE "C"), '') FROM `+view+` AS s`).Scan(&state)
	return state, err
}

// agree compares what the periods say with what history says, at all points and
// at the time of every change, and that the view reads the periods.
func (p *periods) agree() {
	p.Helper()
	p.wantText("true", `SELECT (pg_get_viewdef('chrononaut_past.stock'::regclass) LIKE '%_period k%')::text`)
	p.compare("chrononaut_past.stock")
}

func (p *periods) compare(view string) {
	p.Helper()
	p.mark()
	rows, err := p.conn.Query(p.Context(), `SELECT jsonb_build_object('at', chrononaut.iso_time(a.changed + m.later), 'incomplete', true, 'unsettled', true)::text
		FROM chrononaut.chrononaut_activity AS a, (VALUES (interval '0'), (interval '-1 microsecond')) AS m (later)
		WHERE a.table_name = 'stock' AND a.key <> '{}' ORDER BY a.id DESC LIMIT 100`)
	if err != nil {
		p.Fatal(err)
	}
	points, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		p.Fatal(err)
	}
	differences := 0
	for _, point := range append(points, p.points...) {
		want, errWant := p.past("by_history.stock", point)
		got, errGot := p.past(view, point)
		if (errWant == nil) != (errGot == nil) {
			p.Errorf("at %s: history says %v, the periods say %v", point, errWant, errGot)
			differences++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			p.Errorf("at %s (-history +periods):\n%s", point, diff)
			differences++
		}
		if differences > 3 {
			p.FailNow()
		}
	}
}
