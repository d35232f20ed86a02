package property_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// execute runs a statement.
type execute func(ctx context.Context, sql string, args ...any) error

// attributed is a pool under test.
type attributed struct {
	exec execute
	// tx commits what f has done unless it fails or panics.
	tx func(ctx context.Context, f func(exec execute, set func(context.Context) error) error) error
}

// constant is what Config.ExtraInfo returns, always the same map: nothing may
// be added to it.
var constant = map[string]any{"app": "test"}

// TestManyAuthors has hundreds of goroutines write under their own names through
// few connections, with errors, panics, cancellations and nested contexts. Every
// row says in its columns who writes it and why, so history proves itself.
func TestManyAuthors(t *testing.T) {
	t.Parallel()
	goroutines := 200
	if testing.Short() {
		goroutines = 50
	}
	b := newBench(t)
	for name, open := range map[string]func(t *testing.T) attributed{"chronopgx": b.openPgx, "chronosql": b.openSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := "notes_" + name
			if _, err := b.admin.Exec(t.Context(), "CREATE TABLE "+table+" (id text PRIMARY KEY, author text, extra jsonb, gone boolean)"); err != nil {
				t.Fatal(err)
			}
			if _, err := b.migrator.Track(t.Context(), chrononaut.Table{Name: table}, nil, nil); err != nil {
				t.Fatal(err)
			}
			a := &authors{T: t, table: table, door: open(t), committed: map[string]bool{}}
			var group sync.WaitGroup
			for i := range goroutines {
				group.Go(func() { a.run(rand.New(rand.NewPCG(20260102, uint64(i))), i) })
			}
			group.Wait()
			a.check(b.admin)
		})
	}
	t.Cleanup(func() {
		if len(constant) != 1 {
			t.Errorf("Config.ExtraInfo's map was changed to %v", constant)
		}
	})
}

func (b *bench) openPgx(t *testing.T) attributed {
	t.Helper()
	config := b.admin.Config()
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	own := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return constant }}
	db := chronopgx.New(pool, own)
	return attributed{
		exec: func(ctx context.Context, sql string, args ...any) error {
			_, err := db.Exec(ctx, sql, args...)
			return err
		},
		tx: func(ctx context.Context, f func(exec execute, set func(context.Context) error) error) error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				return f(func(ctx context.Context, sql string, args ...any) error {
					_, err := tx.Exec(ctx, sql, args...)
					return err
				}, func(ctx context.Context) error { return chronopgx.SetContext(ctx, tx, own) })
			})
		},
	}
}

func (b *bench) openSQL(t *testing.T) attributed {
	t.Helper()
	own := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any { return constant }}
	db, err := chronosql.Open("pgx", b.url, own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	db.SetMaxOpenConns(8)
	return attributed{
		exec: func(ctx context.Context, query string, args ...any) error {
			_, err := db.ExecContext(ctx, query, args...)
			return err
		},
		tx: func(ctx context.Context, f func(exec execute, set func(context.Context) error) error) (err error) {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() {
				// Also after a panic. A transaction whose context ended is gone already.
				if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) && ctx.Err() == nil {
					err = errors.Join(err, rollback)
				}
			}()
			if err := f(func(ctx context.Context, query string, args ...any) error {
				_, err := tx.ExecContext(ctx, query, args...)
				return err
			}, func(ctx context.Context) error { return chronosql.SetContext(ctx, tx, own) }); err != nil {
				return err
			}
			return tx.Commit()
		},
	}
}

// authors writes notes.
type authors struct {
	*testing.T
	table string
	door  attributed

	mu        sync.Mutex
	committed map[string]bool
}

// author is who writes, as the context says, and as the row must say.
type author struct {
	ctx   context.Context
	name  string
	extra map[string]any
}

func (a author) as(name string) author {
	return author{chrononaut.WithActor(a.ctx, name), name, a.extra}
}

func (a author) because(why string) author {
	a.ctx = chrononaut.WithRationale(a.ctx, why)
	a.extra = maps.Clone(a.extra)
	a.extra["rationale"] = why
	return a
}

// write inserts a note, changes it and perhaps deletes it.
func (a *authors) write(who author, exec execute, id string, gone bool) error {
	text, err := json.Marshal(who.extra)
	if err != nil {
		return err
	}
	if err := exec(who.ctx, "INSERT INTO "+a.table+" (id, author, extra) VALUES ($1, $2, $3)", id, who.name, string(text)); err != nil {
		return err
	}
	if gone {
		return exec(who.ctx, "DELETE FROM "+a.table+" WHERE id = $1", id)
	}
	return nil
}

// run is one goroutine. Its own context is the root of all that it does.
func (a *authors) run(rng *rand.Rand, number int) {
	root := author{a.Context(), "", constant}
	if number%3 > 0 {
		root = root.as(fmt.Sprint("author ", number))
	}
	if number%3 > 1 {
		root = root.because(fmt.Sprint("reason ", number))
	}
	for n := range 12 {
		id := fmt.Sprint(number, ".", n)
		err := a.step(rng.IntN(10), root, id)
		a.mu.Lock()
		a.committed[id] = err == nil
		a.mu.Unlock()
		if err != nil && !errors.Is(err, errRollback) {
			a.Errorf("note %s: %v", id, err)
		}
	}
}

func (a *authors) step(what int, who author, id string) (err error) {
	type setter = func(context.Context) error
	switch what {
	case 0: // a statement of its own
		return a.write(who, a.door.exec, id, false)
	case 1:
		return a.door.tx(who.ctx, func(exec execute, _ setter) error { return a.write(who, exec, id, true) })
	case 2: // an error
		return a.door.tx(who.ctx, func(exec execute, _ setter) error {
			return errors.Join(a.write(who, exec, id, false), errRollback)
		})
	case 3: // an error of the database, which aborts the transaction
		err := a.door.tx(who.ctx, func(exec execute, _ setter) error {
			if err := a.write(who, exec, id, false); err != nil {
				return err
			}
			return exec(who.ctx, "SELECT 1 / 0")
		})
		if err == nil {
			return errors.New("a division by zero was committed")
		}
		return errRollback
	case 4: // a panic
		defer func() {
			if recover() != nil {
				err = errRollback
			}
		}()
		return a.door.tx(who.ctx, func(exec execute, _ setter) error {
			if err := a.write(who, exec, id, false); err != nil {
				return err
			}
			panic("on purpose")
		})
	case 5: // a context that ends in the middle
		ctx, cancel := context.WithCancel(who.ctx)
		defer cancel()
		err := a.door.tx(ctx, func(exec execute, _ setter) error {
			if err := a.write(who, exec, id, false); err != nil {
				return err
			}
			cancel()
			return exec(ctx, "SELECT 1")
		})
		if err == nil {
			return errors.New("a transaction whose context had ended was committed")
		}
		return errRollback
	case 6: // a nested context, and the outer one again
		inner := who.as("inner " + id).because("inner reason")
		if err := a.write(inner, a.door.exec, id+" inner", false); err != nil {
			return err
		}
		return a.write(who, a.door.exec, id, true)
	case 7: // the transaction's attribution counts, not the statement's
		other := author{chrononaut.WithActor(who.ctx, "nobody"), who.name, who.extra}
		return a.door.tx(who.ctx, func(exec execute, _ setter) error { return a.write(other, exec, id, true) })
	case 8: // somebody takes over
		second := who.as("second " + id).because("took over")
		return a.door.tx(who.ctx, func(exec execute, set setter) error {
			if err := a.write(who, exec, id, true); err != nil {
				return err
			}
			if err := set(second.ctx); err != nil {
				return err
			}
			return a.write(second, exec, id+" second", false)
		})
	default: // information about one record
		noted := who
		noted.extra = maps.Clone(who.extra)
		noted.extra["note"] = id
		noted.ctx = chrononaut.AppendChangeInfo(who.ctx, chrononaut.Table{Name: a.table}, chrononaut.Key{"id": id}, map[string]any{"note": id})
		return a.door.tx(noted.ctx, func(exec execute, _ setter) error {
			if err := a.write(noted, exec, id, true); err != nil {
				return err
			}
			return a.write(who, exec, id+" other", false)
		})
	}
}

// check compares every change with what its row says.
func (a *authors) check(pool *pgxpool.Pool) {
	a.Helper()
	rows, err := pool.Query(a.Context(), `
		SELECT key ->> 'id', coalesce(user_info ->> 'user_id', ''), data ->> 'author', extra_info::text, (data -> 'extra')::text, extra_info = data -> 'extra'
		  FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND operation <> 'track'`, a.table)
	if err != nil {
		a.Fatal(err)
	}
	var id, actor, author, extra, own string
	var same bool
	changes := map[string]int{}
	total := 0
	if _, err := pgx.ForEachRow(rows, []any{&id, &actor, &author, &extra, &own, &same}, func() error {
		total++
		changes[id]++
		if actor != author || !same {
			a.Errorf("note %s of %q with %s is recorded as by %q with %s", id, author, own, actor, extra)
		}
		return nil
	}); err != nil {
		a.Fatal(err)
	}
	for id, ok := range a.committed {
		if got := changes[id] > 0; got != ok {
			a.Errorf("note %s: in history %t, committed %t", id, got, ok)
		}
	}
	a.Logf("%d changes, %d notes", total, len(a.committed))
}
