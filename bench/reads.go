package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// pastRow is a row of the tables whose history is read.
type pastRow struct {
	ID      int64
	Name    string
	Balance float64
	Status  string
	Visits  int
	Note    string
	Version int
}

// past is a history that is read.
type past struct {
	versions int
	random   *rand.Rand
	server   *serverClock
	client   *chrononaut.Client
	history  map[int]*chrononaut.History[pastRow]
}

// reads are the questions. Each is about another record, actor, transaction or day at
// every turn.
var reads = []struct {
	name string
	ask  func(ctx context.Context, p *past) error
}{
	{"read_versions", func(ctx context.Context, p *past) error {
		h, key := p.record()
		return expect[chrononaut.Snapshot[pastRow]](perRecord)(h.Versions(ctx, key, nil))
	}},
	{"read_at", func(ctx context.Context, p *past) error {
		h, key := p.record()
		_, err := h.At(ctx, key, p.when(p.versions/2))
		return err
	}},
	{"read_previous", func(ctx context.Context, p *past) error {
		h, key := p.record()
		_, err := h.Previous(ctx, key)
		return err
	}},
	{"read_diff", func(ctx context.Context, p *past) error {
		h, key := p.record()
		_, err := h.DiffVersions(ctx, key, 2, perRecord-2)
		return err
	}},
	{"read_actor", func(ctx context.Context, p *past) error {
		return expect[chrononaut.Change](50)(p.client.Activity(ctx, &chrononaut.ActivityOpts{Actor: fmt.Sprintf("user %d", p.random.IntN(1000)), Limit: 50}))
	}},
	{"read_table", func(ctx context.Context, p *past) error {
		return expect[chrononaut.Change](50)(p.client.Activity(ctx, &chrononaut.ActivityOpts{Table: p.table(), Limit: 50}))
	}},
	{"read_transaction", func(ctx context.Context, p *past) error {
		return expect[chrononaut.Change](10)(p.client.Activity(ctx, &chrononaut.ActivityOpts{Transaction: uint64(1_000_000 + p.random.IntN(p.versions/10))}))
	}},
	{"read_column", func(ctx context.Context, p *past) error {
		since := p.when(p.random.IntN(p.versions))
		_, err := p.client.Activity(ctx, &chrononaut.ActivityOpts{Table: p.table(), Column: "status", Since: since, Until: since.Add(24 * time.Hour)})
		return err
	}},
}

const streamMemory = "stream_memory"

func questions() (names []string) {
	for _, r := range reads {
		names = append(names, r.name)
	}
	return names
}

// record returns a record.
func (p *past) record() (*chrononaut.History[pastRow], chrononaut.Key) {
	records := p.versions / perRecord
	r := p.random.IntN(records)
	return p.history[r%readsTables+1], chrononaut.Key{"id": r/readsTables + 1}
}

func (p *past) table() chrononaut.Table {
	return chrononaut.Table{Name: fmt.Sprintf("past_%d", p.random.IntN(readsTables)+1)}
}

// when is the time of the nth version: see reads_load.sql.
func (p *past) when(n int) time.Time {
	return time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Add(-time.Duration(p.versions-n) * 43_200 * time.Millisecond)
}

// expect makes sure that a question has an answer of n parts.
func expect[T any](n int) func([]T, error) error {
	return func(answer []T, err error) error {
		if err == nil && len(answer) != n {
			err = fmt.Errorf("found %d instead of %d", len(answer), n)
		}
		return err
	}
}

// measureReads measures the server's time for each question, on a large history and
// on a small one, and the memory that streaming takes.
func measureReads(ctx context.Context, b *bench) (results []result, err error) {
	err = b.withHistory(ctx, b.versions, func(large *pgxpool.Pool) error {
		return b.withHistory(ctx, smallHistory, func(small *pgxpool.Pool) error {
			results, err = b.measurePasts(ctx, large, small)
			if err != nil || !b.wants(streamMemory) {
				return err
			}
			r, err := measureStream(ctx, large, b.versions)
			if err == nil {
				results = append(results, r)
			}
			return err
		})
	})
	return results, err
}

func (b *bench) measurePasts(ctx context.Context, large, small *pgxpool.Pool) (results []result, err error) {
	// The first turns are for the caches, and for the server to settle on a plan: a statement of each
	// table has to be run six times.
	const warm, turns = 240, 200
	for _, pool := range []*pgxpool.Pool{large, small} {
		if err := prewarm(ctx, pool); err != nil {
			return nil, err
		}
	}
	err = withServerClock(ctx, large, func(largeClock *serverClock) error {
		return withServerClock(ctx, small, func(smallClock *serverClock) error {
			pasts := map[way]*past{}
			for w, p := range map[way]*past{ours: {versions: b.versions, server: largeClock}, limit: {versions: smallHistory, server: smallClock}} {
				p.random = rand.New(rand.NewPCG(1, uint64(w)))
				if err := p.open(); err != nil {
					return err
				}
				pasts[w] = p
			}
			for _, r := range reads {
				if !b.wants(r.name) {
					continue
				}
				t := times{}
				for turn := range warm + turns {
					for w, p := range pasts {
						p.server.took = 0
						if err := r.ask(ctx, p); err != nil {
							return fmt.Errorf("%s: %w", r.name, err)
						}
						if turn >= warm {
							t[w] = append(t[w], microseconds(p.server.took))
						}
					}
				}
				results = append(results, t.whole(r.name, "µs"))
			}
			return nil
		})
	})
	return results, err
}

// prewarm reads a history into the server's shared buffers, as far as they hold it: a server that
// works has it there, and what a page costs that is not there the machine decides.
func prewarm(ctx context.Context, pool *pgxpool.Pool) error {
	available, err := isAvailable(ctx, pool, "pg_prewarm")
	if err != nil {
		return err
	}
	if !available {
		fmt.Println("reads: the server does not have the extension pg_prewarm; its buffers hold what the turns before have read")
		return nil
	}
	_, err = pool.Exec(ctx, `
		CREATE EXTENSION IF NOT EXISTS pg_prewarm;
		SELECT pg_prewarm('chrononaut.chrononaut_activity');
		SELECT pg_prewarm(indexrelid) FROM pg_index WHERE indrelid = 'chrononaut.chrononaut_activity'::regclass`)
	return err
}

// open makes the clients, whose queries the server's clock measures.
func (p *past) open() (err error) {
	if p.client, err = chrononaut.NewClient(p.server, chronodriver.PostgreSQL, nil); err != nil {
		return err
	}
	p.history = map[int]*chrononaut.History[pastRow]{}
	for t := range readsTables {
		p.history[t+1] = chrononaut.NewHistory[pastRow](p.client, chrononaut.Table{Name: fmt.Sprintf("past_%d", t+1)}, nil)
	}
	return nil
}

// measureStream measures the greatest heap while many changes are streamed, and
// while a tenth of them are. It streams once before, for what is made once.
func measureStream(ctx context.Context, pool *pgxpool.Pool, versions int) (result, error) {
	client, err := chronopgx.New(pool, nil).Client()
	if err != nil {
		return result{}, err
	}
	n := min(versions, 1_000_000)
	t := times{}
	for _, turn := range []struct {
		way way
		n   int
	}{{none, n / 10}, {limit, n / 10}, {ours, n}} {
		peak, err := peakHeap(ctx, client, turn.n)
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", streamMemory, err)
		}
		t[turn.way] = []float64{float64(peak) / 1e6}
	}
	delete(t, none)
	return t.whole(streamMemory, "MB"), nil
}

// peakHeap streams n changes.
func peakHeap(ctx context.Context, client *chrononaut.Client, n int) (peak uint64, err error) {
	runtime.GC()
	streamed := 0
	for change, err := range client.ActivityAll(ctx, &chrononaut.ActivityOpts{OldestFirst: true, AfterID: readsTables}) {
		if err != nil {
			return 0, err
		}
		if change.Version < 0 {
			return 0, fmt.Errorf("a change has the version %d", change.Version)
		}
		if streamed++; streamed%1_000 == 0 {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			peak = max(peak, stats.HeapInuse)
		}
		if streamed == n {
			return peak, nil
		}
	}
	return 0, fmt.Errorf("streamed %d changes instead of %d", streamed, n)
}
