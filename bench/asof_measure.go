package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// mode is how a query is sent, and what is timed.
type mode string

const (
	prepared   mode = ""            // client's time, in a transaction, prepared
	unprepared mode = "/unprepared" // client's time, in a transaction, planned each time
	outside    mode = "/outside"    // client's time, prepared, each its own transaction
	onServer   mode = "/server"     // planning and execution, in a transaction, prepared
)

var modes = []mode{prepared, unprepared, outside, onServer}

// traveler asks one question in one way. Each has a connection of its own.
type traveler struct {
	conn *pgx.Conn
	way  way
	at   string // the point in time, as travel() takes it; only for ours
}

const (
	travelSQL = `SELECT chrononaut.travel($1::jsonb)`
	arriveSQL = `SELECT chrononaut.travel_end()`
)

// begin opens a transaction, of the past if the way is ours.
func (t *traveler) begin(ctx context.Context) error {
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	if t.way == ours {
		batch.Queue(travelSQL, t.at)
	}
	return t.conn.SendBatch(ctx, batch).Close()
}

func (t *traveler) end(ctx context.Context) error {
	batch := &pgx.Batch{}
	if t.way == ours {
		batch.Queue(arriveSQL)
	}
	batch.Queue("COMMIT")
	return t.conn.SendBatch(ctx, batch).Close()
}

// asofMeasurement measures the figures on a past that was made.
type asofMeasurement struct {
	travelers []*traveler
	size      asofSize
	at        time.Time
}

// asofWays take turns.
var asofWays = []way{none, limit, periods, ours}

// measureAsof makes the past and measures the figures.
func measureAsof(ctx context.Context, b *bench) (results []result, err error) {
	size := fullAsof
	size.rows = b.past
	if b.short {
		size = smallAsof
	}
	err = b.withDatabase(ctx, "asof", func(pool *pgxpool.Pool) error {
		start := time.Now()
		made, err := makePast(ctx, pool, size, b.layout)
		if err != nil {
			return fmt.Errorf("make a past: %w", err)
		}
		fmt.Printf("as of: %d accounts with %d versions, made in %.0f s\n", size.rows, size.rows*size.versions, time.Since(start).Seconds())
		m := &asofMeasurement{size: size, at: made.at}
		return m.withTravelers(ctx, pool, made.noPeriods, func() error {
			results, err = m.measure(ctx, b)
			return err
		})
	})
	return results, err
}

// withTravelers calls f when each way has its traveler.
func (m *asofMeasurement) withTravelers(ctx context.Context, pool *pgxpool.Pool, noPeriods error, f func() error) (err error) {
	defer func() {
		for _, t := range m.travelers {
			err = errors.Join(err, cleanUp(ctx, t.conn.Close))
		}
	}()
	for _, w := range asofWays {
		if w == periods && noPeriods != nil {
			fmt.Printf("left out: periods, whose extension is not installed on the server: %v\n", noPeriods)
			continue
		}
		conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig.Copy())
		if err != nil {
			return err
		}
		at := fmt.Sprintf(`{"at": %q}`, m.at.Format(time.RFC3339Nano))
		m.travelers = append(m.travelers, &traveler{conn: conn, way: w, at: at})
	}
	return f()
}

// measure measures the wanted figures.
func (m *asofMeasurement) measure(ctx context.Context, b *bench) (results []result, err error) {
	var figures []asofFigure
	for _, f := range allAsofFigures() {
		if b.wants(f.name) {
			figures = append(figures, f)
		}
	}
	if err := m.prepare(ctx, figures); err != nil {
		return nil, err
	}
	for _, f := range figures {
		if err := m.compare(ctx, f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	for _, f := range figures {
		rs, err := m.figure(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		results = append(results, rs...)
	}
	for _, f := range []struct {
		name    string
		measure func(context.Context) (times, error)
	}{{asofTravel, m.travel}, {growth.name, m.grow}} {
		if !b.wants(f.name) {
			continue
		}
		t, err := f.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		results = append(results, t.whole(f.name, "µs"))
	}
	return results, nil
}

// query is the text of a figure for a way.
func (m *asofMeasurement) query(f asofFigure, way way) string {
	return strings.ReplaceAll(f.queries[way], "TIME", m.at.UTC().Format(`'2006-01-02T15:04:05.999999Z'`)+"::timestamptz")
}

// inTransaction calls do for each traveler, in a transaction.
func (m *asofMeasurement) inTransaction(ctx context.Context, do func(*traveler) error) error {
	for _, t := range m.travelers {
		if err := t.begin(ctx); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		if err := do(t); err != nil {
			return err
		}
		if err := t.end(ctx); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}

func (m *asofMeasurement) prepare(ctx context.Context, figures []asofFigure) error {
	return m.inTransaction(ctx, func(t *traveler) error {
		for _, f := range figures {
			if _, err := t.conn.Prepare(ctx, f.name, m.query(f, t.way)); err != nil {
				return fmt.Errorf("%s: prepare: %w", f.name, err)
			}
		}
		if t.way != ours {
			return nil
		}
		for name, sql := range map[string]string{"short": growth.short, "long": growth.long} {
			if _, err := t.conn.Prepare(ctx, name, sql); err != nil {
				return fmt.Errorf("%s: prepare: %w", growth.name, err)
			}
		}
		return nil
	})
}

// compare makes sure that the ways that read the past find the same.
func (m *asofMeasurement) compare(ctx context.Context, f asofFigure) error {
	answers := map[way][]string{}
	err := m.inTransaction(ctx, func(t *traveler) error {
		rows, err := t.conn.Query(ctx, `SELECT (to_jsonb(q) - '{version,system_time_start,system_time_end}'::text[])::text FROM (`+
			strings.TrimSuffix(m.query(f, t.way), "/* past */")+`) AS q ORDER BY 1`, m.size.rows/3)
		if err != nil {
			return err
		}
		answers[t.way], err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return err
	}
	if len(answers[ours]) == 0 {
		return errors.New("no rows")
	}
	for way, answer := range answers {
		if way != none && !slices.Equal(answer, answers[ours]) {
			return fmt.Errorf("ours finds %d rows and way %d other ones, %d", len(answers[ours]), way, len(answer))
		}
	}
	return nil
}

// figure measures one figure in all modes.
func (m *asofMeasurement) figure(ctx context.Context, f asofFigure) ([]result, error) {
	var results []result
	for _, mode := range modes {
		took := times{}
		for round := range m.size.rounds * f.repeat() {
			for i := range m.travelers {
				t := m.travelers[(i+round)%len(m.travelers)]
				if f.repeat() > 5 && round >= 4*m.size.rounds {
					continue
				}
				block, err := m.block(ctx, t, f, mode, round)
				if err != nil {
					return nil, err
				}
				if round > 0 { // the first is for the caches
					took[t.way] = append(took[t.way], microseconds(block))
				}
			}
		}
		results = append(results, took.whole(f.name+string(mode), "µs"))
	}
	return results, nil
}

// key is a key that differs from round to round.
func (m *asofMeasurement) key(n int) int { return n*7919%max(m.size.rows-1000, 1) + 1 }

// block is the time of one query, the mean of as many as a figure repeats.
func (m *asofMeasurement) block(ctx context.Context, t *traveler, f asofFigure, mode mode, round int) (took time.Duration, err error) {
	if mode != outside {
		if err := t.begin(ctx); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	var inside time.Duration
	for i := range f.repeat() {
		key := m.key(round*f.repeat() + i)
		switch mode {
		case prepared:
			err = drain(t.conn.Query(ctx, f.name, key))
		case unprepared:
			err = drain(t.conn.Query(ctx, m.query(f, t.way), pgx.QueryExecModeExec, key))
		case outside:
			err = t.alone(ctx, f.name, key)
		case onServer:
			var d time.Duration
			d, err = explain(ctx, t.conn, fmt.Sprintf("EXECUTE %s(%d)", f.name, key))
			inside += d
		}
		if err != nil {
			return 0, err
		}
	}
	took = time.Since(start)
	if mode == onServer {
		took = inside
	}
	if mode != outside {
		if err := t.end(ctx); err != nil {
			return 0, err
		}
	}
	return took / time.Duration(f.repeat()), nil
}

// alone runs a prepared statement outside a transaction. Traveling takes the
// same round trip as the statement.
func (t *traveler) alone(ctx context.Context, name string, key int) error {
	if t.way != ours {
		return drain(t.conn.Query(ctx, name, key))
	}
	batch := &pgx.Batch{}
	batch.Queue(travelSQL, t.at)
	batch.Queue(name, key)
	batch.Queue(arriveSQL)
	return t.conn.SendBatch(ctx, batch).Close()
}

func drain(rows pgx.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
		rows.RawValues()
	}
	return rows.Err()
}

// travel measures what entering the past costs: a transaction without a query.
func (m *asofMeasurement) travel(ctx context.Context) (times, error) {
	took := times{}
	for round := range 20 * m.size.rounds {
		for _, t := range m.travelers {
			if t.way != none && t.way != ours {
				continue
			}
			start := time.Now()
			if err := errors.Join(t.begin(ctx), t.end(ctx)); err != nil {
				return nil, err
			}
			if round > 0 {
				took[t.way] = append(took[t.way], microseconds(time.Since(start)))
			}
		}
	}
	return took, nil
}

// grow measures the point read among records of few and of many versions: few is
// what none is elsewhere.
func (m *asofMeasurement) grow(ctx context.Context) (times, error) {
	took := times{}
	t := m.travelers[len(m.travelers)-1]
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	for round := range 20 * m.size.rounds {
		for w, name := range map[way]string{none: "short", ours: "long"} {
			start := time.Now()
			for i := range 50 {
				key := (round*50+i)*7919%(m.size.others/10)*10 + 10 // one of the tenth
				if err := drain(t.conn.Query(ctx, name, key)); err != nil {
					return nil, err
				}
			}
			if round > 0 {
				took[w] = append(took[w], microseconds(time.Since(start))/50)
			}
		}
	}
	return took, t.end(ctx)
}
