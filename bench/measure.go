package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// block is how many single-row statements one way runs before the next has its turn.
const block = 50

// turn is the time that each way took for the same work, a row.
type turn [ways]time.Duration

type measurement struct {
	conn    *pgx.Conn
	size    size
	changed int // rows that each way has changed
}

// measure fills the tables and measures the figures.
func measure(ctx context.Context, pool *pgxpool.Pool, size size, figures []figure) (results []result, err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	m := &measurement{conn: conn, size: size}
	if _, err := conn.Exec(ctx, `SELECT set_config('chrononaut.context', $1, false)`, attribution); err != nil {
		return nil, fmt.Errorf("say who changes the rows: %w", err)
	}
	if err := m.prepare(ctx, fill); err != nil {
		return nil, err
	}
	if _, err := m.bulk(ctx, fill, 1, 0); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return nil, fmt.Errorf("vacuum: %w", err)
	}
	for _, f := range figures {
		if err := m.prepare(ctx, f); err != nil {
			return nil, err
		}
	}
	turns := make([][]turn, len(figures))
	for round := range size.rounds {
		for i, f := range figures {
			t, err := m.round(ctx, f, round)
			if err != nil {
				return nil, err
			}
			turns[i] = append(turns[i], t)
		}
	}
	if err := m.verify(ctx); err != nil {
		return nil, err
	}
	results = make([]result, len(figures))
	for i, f := range figures {
		var err error
		if results[i], err = summarize(f.name, turns[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (m *measurement) prepare(ctx context.Context, f figure) error {
	for way, sql := range f.statements {
		if _, err := m.conn.Prepare(ctx, f.prepared(way), sql); err != nil {
			return fmt.Errorf("%s: prepare: %w", f.name, err)
		}
	}
	return nil
}

func (f figure) prepared(way int) string { return fmt.Sprintf("%s_%d", f.name, way) }

// round measures one figure once.
func (m *measurement) round(ctx context.Context, f figure, round int) (turn, error) {
	if f.single {
		return m.singles(ctx, f, round)
	}
	first := 1
	if f.extra {
		first += (round + 1) * m.size.rows // keys that were never used
	}
	t, err := m.bulk(ctx, f, first, round)
	if err != nil {
		return t, err
	}
	// The next measurement finds the tables as this one did.
	if _, err := m.conn.Exec(ctx, `VACUUM account_none, account_limit, account_ours`); err != nil {
		return t, fmt.Errorf("vacuum: %w", err)
	}
	return t, nil
}

// bulk runs one statement for each way.
func (m *measurement) bulk(ctx context.Context, f figure, first, round int) (t turn, err error) {
	for i := range int(ways) {
		way := (i + round) % int(ways)
		start := time.Now()
		tag, err := m.conn.Exec(ctx, f.prepared(way), first, m.size.rows)
		t[way] = time.Since(start) / time.Duration(m.size.rows)
		if err != nil {
			return t, fmt.Errorf("%s: %w", f.name, err)
		}
		if int(tag.RowsAffected()) != m.size.rows {
			return t, fmt.Errorf("%s: changed %d rows instead of %d", f.name, tag.RowsAffected(), m.size.rows)
		}
	}
	m.changed += m.size.rows
	return t, nil
}

// singles runs statements that each are a transaction, in blocks, and takes the
// median of the blocks.
func (m *measurement) singles(ctx context.Context, f figure, round int) (t turn, err error) {
	blocks := make([][]time.Duration, ways)
	for b := range m.size.singles / block {
		for i := range int(ways) {
			way := (i + b + round) % int(ways)
			start := time.Now()
			for n := range block {
				id := (b*block+n)*7919%m.size.rows + 1 // all over the table
				if _, err := m.conn.Exec(ctx, f.prepared(way), id); err != nil {
					return t, fmt.Errorf("%s: %w", f.name, err)
				}
			}
			blocks[way] = append(blocks[way], time.Since(start)/block)
		}
		m.changed += block
	}
	for way, times := range blocks {
		slices.Sort(times)
		t[way] = times[len(times)/2]
	}
	return t, nil
}

// verify makes sure that what was measured happened: history has every change.
func (m *measurement) verify(ctx context.Context) error {
	for _, table := range []string{"chrononaut.chrononaut_activity WHERE table_name = 'account_ours' AND key <> '{}'", "history_limit"} {
		var n int
		if err := m.conn.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			return fmt.Errorf("count history: %w", err)
		}
		if n != m.changed {
			return fmt.Errorf("%s: history has %d changes instead of %d", table, n, m.changed)
		}
	}
	return nil
}

// summarize takes the medians over the rounds.
func summarize(name string, turns []turn) (result, error) {
	var added [ways][]time.Duration
	for _, t := range turns {
		added[none] = append(added[none], t[none])
		added[limit] = append(added[limit], t[limit]-t[none])
		added[ours] = append(added[ours], t[ours]-t[none])
	}
	for _, times := range added {
		slices.Sort(times)
	}
	microseconds := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	middle, last := len(turns)/2, len(turns)-1
	r := result{
		Name: name, Unit: "µs/row",
		None:  microseconds(added[none][middle]),
		Limit: microseconds(added[limit][middle]),
		Ours:  microseconds(added[ours][middle]),
		least: microseconds(added[ours][0]),
		most:  microseconds(added[ours][last]),
	}
	if r.Limit <= 0 || r.Ours <= 0 {
		return r, fmt.Errorf("%s: cannot be told from noise: ours added %.1f µs, the limit %.1f µs", name, r.Ours, r.Limit)
	}
	r.RatioToLimit = math.Round(100*r.Ours/r.Limit) / 100
	return r, nil
}
