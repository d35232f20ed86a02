package exactness_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// TestSchemaChanges changes the tables of a bank while its clients write and
// others travel. Who travels gets the right answer, or an error that says why not.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	b := newBank(t, "")
	duration := pgtest.Size(time.Second, 3*time.Second)
	changes, travels := 0, 0
	errs := map[string]int{}
	b.work(6, 21, time.Now().Add(duration),
		func(done <-chan struct{}) {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				column := fmt.Sprint("added", n)
				for _, sql := range []string{
					"ALTER TABLE accounts ADD COLUMN " + column + " text DEFAULT 'x'",
					"ALTER TABLE entries ALTER COLUMN amount TYPE numeric(12,2)",
					"ALTER TABLE entries ADD COLUMN " + column + " integer",
					"ALTER TABLE accounts DROP COLUMN " + column,
					"ALTER TABLE entries RENAME COLUMN " + column + " TO renamed" + column,
				} {
					if err := b.alter(sql); err != nil {
						b.Errorf("%s: %v", sql, describe(err))
						return
					}
					changes++
				}
			}
		},
		func(done <-chan struct{}) {
			rng := rand.New(rand.NewPCG(21, 22)) //nolint:gosec // not a secret
			for {
				select {
				case <-done:
					return
				default:
				}
				p := chrononaut.At(b.now().Add(-time.Duration(rng.ExpFloat64() * float64(time.Second))))
				if at, _ := p.Time(); at.Before(b.began) {
					continue
				}
				s, err := b.read(p)
				switch {
				case errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon):
				case err != nil:
					errs[chronodriver.State(err)]++
				case s.broken() != "":
					b.Errorf("%s, while the schema changed: %s", p, s.broken())
				default:
					travels++
				}
			}
		})
	for state, n := range errs {
		switch state {
		case "40P01", "42P01", "0A000", "XX000": // a deadlock, or the view is being made anew
		default:
			t.Errorf("%d travels had SQLSTATE %s", n, state)
		}
	}
	if travels == 0 || changes == 0 {
		t.Errorf("%d travels, %d changes of the schema", travels, changes)
	}
	b.track("accounts", nil)
	b.track("entries", nil)
	b.compareInstants(b.instants(8, rand.New(rand.NewPCG(23, 24)))) //nolint:gosec // not a secret
	t.Logf("%d changes of the schema, %d travels, errors %v", changes, travels, errs)
}

// alter changes a table, when the clients let it, and tracks it again.
func (b *bank) alter(sql string) error {
	for {
		err := pgx.BeginFunc(b.Context(), b.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(b.Context(), sql)
			return err
		})
		if err == nil {
			break
		}
		if chronodriver.State(err) != "40P01" {
			return err
		}
	}
	for _, name := range []string{"accounts", "entries"} {
		if _, err := b.migrator.Track(b.Context(), chrononaut.Table{Name: name}, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// TestTravellersAreNotInTheWay has a migration change a table that somebody reads
// the past of at that moment.
func TestTravellersAreNotInTheWay(t *testing.T) {
	t.Parallel()
	l, before := todos(t)
	l.exec(`UPDATE todos SET title = 'b'`)
	guest := l.begin()
	point, _ := chrononaut.EncodeAsOf(chrononaut.AsOf(t.Context(), before))
	guest.exec("SELECT chrononaut.travel($1::jsonb)", point)
	read := func() string {
		var got string
		if err := guest.tx.QueryRow(t.Context(), "SELECT string_agg(id || ' ' || title, ',') FROM todos /* past */").Scan(&got); err != nil {
			t.Fatal(describe(err))
		}
		return got
	}
	if got := read(); got != "1 a" {
		t.Errorf("before the migration: %q", got)
	}
	for _, sql := range []string{
		`ALTER TABLE todos ADD COLUMN done boolean`, `ALTER TABLE todos ALTER COLUMN title TYPE varchar(50)`,
		`ALTER TABLE todos DROP COLUMN done`, `ALTER TABLE todos RENAME TO tasks`, `DROP TABLE tasks`,
	} {
		if _, err := l.pool.Exec(t.Context(), "SET lock_timeout = '5s'; "+sql); err != nil {
			t.Errorf("%s: %v", sql, describe(err))
		}
	}
	if got := read(); got != "1 a" {
		t.Errorf("after the migration: %q", got)
	}
}

// TestKeysOfChangedTables inserts rows whose keys the trigger could not place,
// because a column was added whose type JSON cannot hold as it is.
func TestKeysOfChangedTables(t *testing.T) {
	t.Parallel()
	l, _ := todos(t)
	l.exec(`ALTER TABLE todos ADD COLUMN note xml DEFAULT '<a/>'`, `INSERT INTO todos VALUES (2, 'b'), (3, 'c')`, `UPDATE todos SET id = 4 WHERE id = 3`)
	at := chrononaut.At(l.now())
	l.rightOrRefused(at, titles, "1 a", "2 b", "4 c")
	l.track("todos", nil)
	l.want(at, titles, "1 a", "2 b", "4 c")
	l.want(chrononaut.At(l.now()), titles, "1 a", "2 b", "4 c")
}
