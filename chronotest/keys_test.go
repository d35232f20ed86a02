package chronotest_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

type keyed struct {
	ID    int
	Title string
}

func TestExchangedKeys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ rows, update string }{
		"two records swap":                       {`(1), (2)`, `id = 3 - id`},
		"three records rotate":                   {`(1), (2), (3)`, `id = id % 3 + 1`},
		"three records rotate the other way":     {`(1), (2), (3)`, `id = (id + 1) % 3 + 1`},
		"records move up":                        {`(1), (2), (3), (4)`, `id = id + 1`},
		"records move down":                      {`(1), (2), (3), (4)`, `id = id - 1`},
		"records in another order move up":       {`(4), (2), (3), (1)`, `id = id + 1`},
		"records in another order rotate":        {`(3), (1), (2)`, `id = id % 3 + 1`},
		"records in a third order rotate by two": {`(2), (3), (1)`, `id = (id + 1) % 3 + 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.exec("INSERT INTO orders (id) VALUES " + tc.rows)
			b.exec("UPDATE orders SET title = id::text")
			// Versions that differ.
			for range 5 {
				b.exec("UPDATE orders SET price = coalesce(price, 0) + 1 WHERE id = 3")
			}
			b.exec("UPDATE orders SET price = coalesce(price, 0) + 1 WHERE id = 2")
			b.exec("UPDATE orders SET " + tc.update)
			b.want(b.replay(nil))

			client, err := chrononaut.NewClient(b.driver, chronodriver.PostgreSQL, nil)
			if err != nil {
				t.Fatal(err)
			}
			history := chrononaut.NewHistory[keyed](client, orders, nil)
			rows, err := b.pool.Query(t.Context(), "SELECT id, title FROM orders")
			if err != nil {
				t.Fatal(err)
			}
			titles := map[int]string{}
			for rows.Next() {
				var id int
				var title string
				if err := rows.Scan(&id, &title); err != nil {
					t.Fatal(err)
				}
				titles[id] = title
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			for id, title := range titles {
				versions, err := history.Versions(t.Context(), id, &chrononaut.VersionsOpts{NewestFirst: true})
				if err != nil || len(versions) < 3 || versions[0].Record.Title != title || versions[len(versions)-2].Record.Title != title {
					t.Errorf("versions of %d = %v, %v; want those of the record that is called %s", id, versions, err, title)
					continue
				}
				s, err := history.At(t.Context(), id, versions[0].Changed.AddDate(1, 0, 0))
				if err != nil || s.Record.Title != title {
					t.Errorf("At(%d, later) = %v, %v; want the record that is called %s", id, s, err, title)
				}
			}
			progress, err := b.migrator.Baseline(t.Context(), orders, nil)
			if err != nil || progress.Recorded != 0 {
				t.Errorf("Baseline() = %+v, %v; want nothing recorded", progress, err)
			}
			b.exec("UPDATE orders SET title = title || '!'")
			b.exec("UPDATE orders SET id = id + 10")
			b.exec("UPDATE orders SET id = id - 10")
			chronotest.RequireReplay(t, b.driver, orders, nil)
		})
	}
}
