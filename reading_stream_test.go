package chrononaut_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

func TestStreamsGiveTheirConnectionBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'x')`,
		`DO $$ BEGIN FOR i IN 1 .. 2000 LOOP UPDATE todos SET title = repeat('x', 1000) || i; END LOOP; END $$`)
	// With a pool of one connection, nothing goes on after a leak.
	config := f.pool.Config()
	config.MaxConns = 1
	pool := must(pgxpool.NewWithConfig(t.Context(), config))(t)
	t.Cleanup(pool.Close)
	client := must(chronopgx.New(pool, nil).Client())(t)
	h = h.With(client)
	for name, read := range map[string]func(ctx context.Context, cancel func()) error{
		"to the end": func(ctx context.Context, _ func()) error {
			n := 0
			for _, err := range h.All(ctx, 1, nil) {
				if err != nil {
					return err
				}
				n++
			}
			if n != 2001 {
				t.Errorf("%d snapshots, want 2001", n)
			}
			return nil
		},
		"broken off": func(ctx context.Context, _ func()) error {
			for _, err := range h.All(ctx, 1, nil) {
				return err
			}
			return nil
		},
		"broken off with a canceled context": func(ctx context.Context, cancel func()) error {
			for _, err := range h.All(ctx, 1, nil) {
				cancel()
				return err
			}
			return nil
		},
		"canceled in the middle": func(ctx context.Context, cancel func()) error {
			n := 0
			for _, err := range h.All(ctx, 1, nil) {
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("error = %v, want context.Canceled", err)
					}
					return nil
				}
				if n++; n == 10 {
					cancel()
				}
			}
			t.Error("the sequence ended without the error")
			return nil
		},
		"canceled before": func(ctx context.Context, cancel func()) error {
			cancel()
			for _, err := range h.All(ctx, 1, nil) {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error = %v, want context.Canceled", err)
				}
			}
			return nil
		},
		"a panic in the loop": func(ctx context.Context, _ func()) (err error) {
			defer func() { _ = recover() }()
			for range h.All(ctx, 1, nil) {
				panic("in the loop")
			}
			return nil
		},
		"the log, broken off": func(ctx context.Context, _ func()) error {
			for _, err := range client.ActivityAll(ctx, nil) {
				return err
			}
			return nil
		},
		"the log, canceled": func(ctx context.Context, cancel func()) error {
			for _, err := range client.ActivityAll(ctx, nil) {
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("error = %v, want context.Canceled", err)
				}
				cancel()
			}
			return nil
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		if err := read(ctx, cancel); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		if err := pool.Ping(ctx); err != nil {
			t.Fatalf("%s: the connection is not given back: %v", name, err)
		}
		cancel()
	}
}

// The live heap is measured in the middle of the stream.
func TestStreamsUseConstantMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes 80 MB of history")
	}
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'x')`,
		`DO $$ BEGIN FOR i IN 1 .. 4000 LOOP UPDATE todos SET title = repeat(md5(i::text), 625); END LOOP; END $$`)
	live := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	n, size, start, most := 0, 0, live(), uint64(0)
	for s, err := range h.All(t.Context(), 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		size += len(s.Record.Title)
		if n++; n%500 == 0 {
			most = max(most, live())
		}
	}
	// Other tests run at the same time; all of the history would be 80 MB and as much again as JSON.
	if size < 80_000_000 || most > start && most-start > 60_000_000 {
		t.Errorf("streaming %d bytes took %d more bytes of memory", size, most-start)
	}
}

func TestOneClientServesManyGoroutines(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 20 {
				got, err := h.Versions(t.Context(), 1, nil)
				if err != nil || len(got) < 2 {
					t.Errorf("%d versions, error %v; want 2 or more", len(got), err)
					return
				}
				if _, err := f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Table: f.name("todos")}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		f.exec(`ALTER TABLE todos ADD COLUMN extra integer`, `UPDATE todos SET extra = 1`, `ALTER TABLE todos DROP COLUMN extra`)
	}
	readers.Wait()
}
