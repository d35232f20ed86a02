package chronotest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

func (b *bundle) track(table string, opts *chronomigrate.TrackOptions) {
	b.Helper()
	if _, err := b.migrator.Track(b.Context(), named(table), opts, nil); err != nil {
		b.Fatal(err)
	}
}

// rename renames columns, given in pairs, and declares it.
func (b *bundle) rename(table string, pairs ...string) {
	b.Helper()
	r := chronomigrate.Renaming{Columns: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Columns[pairs[i]] = pairs[i+1]
	}
	b.declare(table, r)
}

func (b *bundle) declare(table string, r chronomigrate.Renaming) {
	b.Helper()
	if _, err := b.migrator.Rename(b.Context(), named(table), r, nil); err != nil {
		b.Fatal(err)
	}
}

func named(table string) chrononaut.Table {
	schema, name, found := strings.Cut(table, ".")
	if !found {
		schema, name = "public", table
	}
	return chrononaut.Table{Schema: schema, Name: name}
}

// wantReplay compares the differences of a table.
func (b *bundle) wantReplay(table string, want ...string) {
	b.Helper()
	differences, err := chronotest.Replay(b.Context(), b.driver, named(table), &chronotest.ReplayOpts{Values: true})
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, d := range differences {
		got = append(got, d.String())
	}
	b.want(got, want...)
}

func TestReplayFollowsRenames(t *testing.T) {
	t.Parallel()

	t.Run("of a table, to another schema and back", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(everything)
		b.exec(`CREATE SCHEMA attic`)
		b.declare("orders", chronomigrate.Renaming{Table: named("attic.purchases")})
		b.wantReplay("attic.purchases")
		b.exec(`UPDATE attic.purchases SET title = 'y' WHERE id = 1; DELETE FROM attic.purchases WHERE id = 2;
			INSERT INTO attic.purchases (id) VALUES (7); UPDATE attic.purchases SET id = 31 WHERE id = 30`)
		b.wantReplay("attic.purchases")
		b.declare("attic.purchases", chronomigrate.Renaming{Table: orders})
		b.wantReplay("orders")
		b.exec(`TRUNCATE orders`)
		b.wantReplay("orders")
	})

	t.Run("and leaves the old name to another table", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`INSERT INTO orders (id, title) VALUES (1, 'a'), (2, 'b')`)
		b.declare("orders", chronomigrate.Renaming{Table: named("purchases")})
		for _, sql := range []string{"", "CREATE TABLE orders (id integer PRIMARY KEY, title text)"} {
			b.exec(sql)
			if _, err := chronotest.Replay(t.Context(), b.driver, orders, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
				t.Errorf("Replay under the old name after %q: %v, want %v", sql, err, chrononaut.ErrNotTracked)
			}
		}
		b.track("orders", nil)
		b.exec(`INSERT INTO orders VALUES (1, 'other'), (3, 'only here'); DELETE FROM purchases WHERE id = 1`)
		b.wantReplay("orders")
		b.wantReplay("purchases")
	})

	t.Run("of columns, with a name that is used again", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(everything)
		b.rename("orders", "title", "headline", "weights", "burdens")
		b.rename("orders", "headline", "caption", "version", "revision")
		b.exec(`ALTER TABLE orders ADD title text`)
		b.track("orders", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"cache"}, VersionColumn: "revision"})
		b.wantReplay("orders")
		b.exec(`UPDATE orders SET title = 'new' WHERE id = 1`)
		b.wantReplay("orders")
	})

	t.Run("of columns of the key", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`CREATE TABLE r (a integer, b integer, x text, PRIMARY KEY (a, b))`)
		b.track("r", nil)
		b.exec(`INSERT INTO r VALUES (1, 2, 'stays'), (3, 4, 'moves'), (5, 6, 'goes'), (7, 8, 'moves later');
			UPDATE r SET a = 9 WHERE a = 3; DELETE FROM r WHERE a = 5`)
		b.rename("r", "a", "c")
		b.wantReplay("r")
		b.exec(`UPDATE r SET c = 10 WHERE c = 7; INSERT INTO r VALUES (3, 4, 'took over')`)
		b.wantReplay("r")
		b.rename("r", "b", "c", "c", "b")
		b.wantReplay("r")
		b.declare("r", chronomigrate.Renaming{Table: named("s")})
		b.exec(`UPDATE s SET c = 0 WHERE b = 1; DELETE FROM s WHERE b = 9`)
		b.wantReplay("s")
	})

	t.Run("that a migration had made before", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text)`)
		b.track("r", nil)
		b.exec(`INSERT INTO r VALUES (1, 'one'), (2, 'two'); ALTER TABLE r RENAME a TO b; UPDATE r SET b = 'new' WHERE id = 2`)
		b.wantReplay("r", `public.r {"id":1}: differs in b; b is "one", in history nothing`)
		b.rename("r", "a", "b")
		b.wantReplay("r")
	})

	t.Run("and still finds what was not captured", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`CREATE TABLE r (id integer PRIMARY KEY, a text, secret text)`)
		b.track("r", nil)
		b.exec(`INSERT INTO r SELECT n, 'a', 'recorded' FROM generate_series(1, 3) AS n`)
		b.track("r", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
		b.rename("r", "a", "b", "id", "k", "secret", "classified")
		b.declare("r", chronomigrate.Renaming{Table: named("s")})
		b.exec(`ALTER TABLE s DISABLE TRIGGER USER;
			UPDATE s SET b = 'x' WHERE k = 1; DELETE FROM s WHERE k = 2; INSERT INTO s VALUES (4, 'a', 'b')`)
		b.wantReplay("s",
			`public.s {"k":1}: differs in b; b is "x", in history "a"`,
			`public.s {"k":2}: history has the row, the table does not`,
			`public.s {"k":4}: the table has the row, history does not`)
		differences, err := chronotest.Replay(t.Context(), b.driver, named("s"), &chronotest.ReplayOpts{Values: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range differences {
			for _, name := range []string{"secret", "classified"} {
				if d.History[name] != nil || d.Live[name] != nil {
					t.Errorf("%s has a value of the hidden column", d)
				}
			}
		}
	})
}
