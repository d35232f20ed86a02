package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// block is how many single-row statements one way runs before the next has its turn.
	block = 50
	// roundCount is how often all ways take their turns.
	roundCount = 3
	// unused is the first id that no table has, and what each round moves on by.
	unused = 10_000_000
)

// capture measures figures: in each round all of them, and in each figure all ways
// in turn.
type capture struct {
	pool *pgxpool.Pool
	conn *pgx.Conn
	// periods has a connection of its own for each measurement: the extension keeps
	// some 12 kB of memory for each row that it has written, as long as its session.
	periods *pgx.Conn
	short   bool
	peers   []way
	singles int            // statements of one round, for each way
	changed map[*shape]int // rows that each way has changed
	updated map[*shape]bool
}

func measureCapture(ctx context.Context, b *bench) (results []result, err error) {
	figures := b.captureFigures()
	err = b.withDatabase(ctx, "capture", func(pool *pgxpool.Pool) error {
		peers, err := findPeers(ctx, pool)
		if err != nil {
			return err
		}
		return withConn(ctx, pool, func(conn *pgx.Conn) error {
			c := &capture{pool: pool, conn: conn, short: b.short, peers: peers, singles: 1_000, changed: map[*shape]int{}, updated: map[*shape]bool{}}
			samples, err := c.measure(ctx, figures)
			if err := errors.Join(err, c.closePeriods(ctx)); err != nil {
				return err
			}
			for _, s := range c.shapes(figures) {
				if err := c.verify(ctx, s); err != nil {
					return fmt.Errorf("verify %s: %w", s.name, err)
				}
			}
			for _, f := range figures {
				r, err := samples[f].added(f.name, "µs/row")
				if err != nil {
					return err
				}
				results = append(results, r)
			}
			return nil
		})
	})
	return results, err
}

// captureFigures are the wanted figures, and those that they need.
func (b *bench) captureFigures() []*figure {
	needed := map[string]bool{}
	for _, f := range captureFigures {
		if b.wants(f.name) {
			needed[f.name], needed[f.needs] = true, true
		}
	}
	return slices.DeleteFunc(slices.Clone(captureFigures), func(f *figure) bool { return !needed[f.name] })
}

func (c *capture) shapes(figures []*figure) (shapes []*shape) {
	for _, f := range figures {
		if !slices.Contains(shapes, f.shape) {
			shapes = append(shapes, f.shape)
		}
	}
	return shapes
}

// setUp makes the tables, fills them and prepares the statements.
func (c *capture) setUp(ctx context.Context, figures []*figure) error {
	shapes := c.shapes(figures)
	if err := makeTables(ctx, c.pool, shapes, c.peers); err != nil {
		return err
	}
	for _, s := range shapes {
		fill := s.fill()
		if err := errors.Join(c.prepare(ctx, fill), c.renewPeriods(ctx, fill)); err != nil {
			return err
		}
		for _, w := range s.ways(c.peers) {
			if err := c.run(ctx, fill, w, 1, s.count(c.short)+s.more); err != nil {
				return err
			}
		}
		c.changed[s] += s.count(c.short) + s.more
		if s.prepare != nil {
			if err := s.prepare(ctx, c.pool, s, s.count(c.short)+1); err != nil {
				return err
			}
		}
	}
	if _, err := c.conn.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	for _, f := range figures {
		if err := c.prepare(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// prepare prepares the statements of a figure, but that of periods.
func (c *capture) prepare(ctx context.Context, f *figure) error {
	for _, w := range f.shape.ways(c.peers) {
		if w == periods {
			continue
		}
		if err := f.prepare(ctx, c.conn, w); err != nil {
			return err
		}
	}
	return nil
}

// renewPeriods makes a new connection for periods, if it is measured, and prepares its
// statement of the figure.
func (c *capture) renewPeriods(ctx context.Context, f *figure) (err error) {
	if !slices.Contains(f.shape.ways(c.peers), periods) {
		return nil
	}
	if err := c.closePeriods(ctx); err != nil {
		return err
	}
	if c.periods, err = pgx.ConnectConfig(ctx, c.pool.Config().ConnConfig.Copy()); err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	return f.prepare(ctx, c.periods, periods)
}

func (c *capture) closePeriods(ctx context.Context) error {
	if c.periods == nil {
		return nil
	}
	return cleanUp(ctx, c.periods.Close)
}

// on is the connection of a way.
func (c *capture) on(w way) *pgx.Conn {
	if w == periods {
		return c.periods
	}
	return c.conn
}

// measure returns the time a row of each figure and way, in µs.
func (c *capture) measure(ctx context.Context, figures []*figure) (map[*figure]times, error) {
	if err := c.setUp(ctx, figures); err != nil {
		return nil, err
	}
	samples := map[*figure]times{}
	for round := range roundCount {
		fmt.Printf("capture: round %d of %d\n", round+1, roundCount)
		for _, f := range figures {
			if err := c.renewPeriods(ctx, f); err != nil {
				return nil, err
			}
			c.updated[f.shape] = c.updated[f.shape] || f.operation == "update"
			measure := c.bulk
			if f.kind == one {
				measure = c.singleRows
			}
			took, err := measure(ctx, f, round)
			if err != nil {
				return nil, err
			}
			if samples[f] == nil {
				samples[f] = times{}
			}
			for w, d := range took {
				samples[f][w] = append(samples[f][w], microseconds(d))
			}
		}
	}
	return samples, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// turns are the ways of a shape, in an order that differs from turn to turn.
func (c *capture) turns(s *shape, turn int) []way {
	ways := s.ways(c.peers)
	first := turn % len(ways)
	return slices.Concat(ways[first:], ways[:first])
}

// bulk changes all the rows of a figure at once, in each way.
func (c *capture) bulk(ctx context.Context, f *figure, round int) (took map[way]time.Duration, err error) {
	first, rows := 1, f.changes(c.short)
	switch f.kind {
	case extra, gone:
		first = unused * (2*round + 1)
	case copied:
		first = unused * (2*round + 2)
	}
	var data []byte
	if f.kind == copied {
		if data, err = c.copyOut(ctx, f, first, rows); err != nil {
			return nil, err
		}
	}
	took = map[way]time.Duration{}
	for _, w := range c.turns(f.shape, round) {
		start := time.Now()
		if f.kind == copied {
			err = c.copyIn(ctx, f, w, data, first, rows)
		} else {
			err = c.run(ctx, f, w, first, rows)
		}
		if err != nil {
			return nil, err
		}
		took[w] = time.Since(start) / time.Duration(rows)
	}
	if f.operation != "" {
		c.changed[f.shape] += rows
	}
	// The next measurement finds the tables as this one did.
	for w := range took {
		if _, err := c.conn.Exec(ctx, `VACUUM `+f.shape.table(w)); err != nil {
			return nil, fmt.Errorf("vacuum: %w", err)
		}
	}
	return took, nil
}

// run runs the prepared statement of a figure, and looks whether it did what it is to do.
func (c *capture) run(ctx context.Context, f *figure, w way, first, rows int) error {
	tag, err := c.on(w).Exec(ctx, f.prepared(w), first, rows)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.name, w, err)
	}
	if f.operation == "" && w == limit {
		rows = 0
	}
	if int(tag.RowsAffected()) != rows {
		return fmt.Errorf("%s: %s changed %d rows instead of %d", f.name, w, tag.RowsAffected(), rows)
	}
	return nil
}

// copyOut returns the rows of a copy.
func (c *capture) copyOut(ctx context.Context, f *figure, first, rows int) ([]byte, error) {
	var data bytes.Buffer
	_, err := c.conn.PgConn().CopyTo(ctx, &data, fmt.Sprintf(`COPY (SELECT * FROM %s_rows(%d, %d)) TO STDOUT`, f.shape.source().name, first, rows))
	return data.Bytes(), err
}

// copyIn copies rows into a table. By hand, history is written in the same transaction.
func (c *capture) copyIn(ctx context.Context, f *figure, w way, data []byte, first, rows int) error {
	var columns string
	err := c.conn.QueryRow(ctx, `SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0`, f.shape.table(none)).
		Scan(&columns)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, c.on(w), func(tx pgx.Tx) error {
		copySQL := strings.NewReplacer("TABLE", f.shape.table(w), "COLUMNS", columns).Replace(f.statement)
		if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(data), copySQL); err != nil {
			return fmt.Errorf("%s: %s: %w", f.name, w, err)
		}
		if w != limit {
			return nil
		}
		return c.run(ctx, f, w, first, rows)
	})
}

// singleRows runs statements that each are a transaction, in blocks, and takes the
// median of the blocks.
func (c *capture) singleRows(ctx context.Context, f *figure, round int) (map[way]time.Duration, error) {
	blocks := map[way][]time.Duration{}
	rows := f.shape.count(c.short)
	for b := range c.singles / block {
		for _, w := range c.turns(f.shape, b+round) {
			start := time.Now()
			for n := range block {
				id := (b*block+n)*7919%rows + 1 // all over the table
				if _, err := c.on(w).Exec(ctx, f.prepared(w), id); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", f.name, w, err)
				}
			}
			blocks[w] = append(blocks[w], time.Since(start)/block)
		}
		c.changed[f.shape] += block
	}
	return medians(blocks), nil
}

func medians(blocks map[way][]time.Duration) map[way]time.Duration {
	took := map[way]time.Duration{}
	for w, durations := range blocks {
		slices.Sort(durations)
		took[w] = durations[len(durations)/2]
	}
	return took
}
