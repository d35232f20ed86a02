package chrononaut_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

func TestTwoTimesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE orders (id integer PRIMARY KEY, total numeric(10,2), secret text)`, `CREATE TABLE other (id integer PRIMARY KEY)`)
	f.track("orders", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	f.exec(`INSERT INTO orders VALUES (1, 10, 'x'), (2, 20, 'y'), (3, 30, 'z')`)
	client := must(chrononaut.NewClient(chronopgx.NewDriver(f.pool, nil), chronodriver.PostgreSQL, nil))(t)
	monday := f.now()
	f.exec(`UPDATE orders SET total = 11 WHERE id = 1`, `DELETE FROM orders WHERE id = 2`)
	tuesday := f.now()
	f.exec(`UPDATE orders SET total = 12 WHERE id = 1`, `INSERT INTO orders VALUES (4, 40, 'w')`)

	at := func(p chrononaut.Point) string {
		t.Helper()
		sql, err := client.At(p, nil).Table(t.Context(), chrononaut.Table{Name: "orders"})
		if err != nil {
			t.Fatal(err)
		}
		return sql
	}
	query := fmt.Sprintf(`SELECT string_agg(format('%%s %%s %%s %%s', coalesce(a.id, b.id, o.id), a.total, b.total, o.total), ', ' ORDER BY coalesce(a.id, b.id, o.id))
		FROM %s AS a FULL JOIN %s AS b ON b.id = a.id FULL JOIN orders AS o ON o.id = coalesce(a.id, b.id)`, at(chrononaut.At(monday)), at(chrononaut.At(tuesday)))
	if got, want := f.rows(query)[0], "1 10.00 11.00 12.00, 2 20.00  , 3 30.00 30.00 30.00, 4   40.00"; normalize(got) != normalize(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := f.rows(`SELECT count(secret)::text FROM ` + at(chrononaut.At(monday)) + ` AS a`)[0]; got != "0" {
		t.Errorf("%s hidden values are shown", got)
	}

	token, err := client.TakeSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.exec(`DELETE FROM orders`)
	if got := f.rows(`SELECT string_agg(a.id || ' ' || a.total, ', ' ORDER BY a.id) FROM ` + at(chrononaut.AtSnapshot(token)) + ` AS a`)[0]; got != "1 12.00, 3 30.00, 4 40.00" {
		t.Errorf("at the snapshot: %q", got)
	}

	past := client.At(chrononaut.At(time.Now().Add(-24*time.Hour)), nil)
	if _, err := past.Table(t.Context(), chrononaut.Table{Name: "orders"}); !errors.Is(err, chrononaut.ErrNotRecorded) {
		t.Errorf("before tracking: %v", err)
	}
	if _, err := past.Table(t.Context(), chrononaut.Table{Name: "other"}); !errors.Is(err, chrononaut.ErrNotTracked) {
		t.Errorf("a table that is not tracked: %v", err)
	}
	var horizon *chrononaut.HorizonError
	_, err = client.At(chrononaut.At(time.Now().Add(24*time.Hour)), nil).Table(t.Context(), chrononaut.Table{Name: "orders"})
	if !errors.As(err, &horizon) || horizon.Horizon.IsZero() || time.Since(horizon.Horizon) > time.Minute {
		t.Errorf("in the future: %v", err)
	}
	for _, token := range []string{"snapshot:", "snapshot:0:1:9:9:9:", "snapshot:7:1:9:9:", "'; DROP TABLE orders"} {
		if _, err := client.At(chrononaut.AtSnapshot(token), nil).Table(t.Context(), chrononaut.Table{Name: "orders"}); !errors.Is(err, chrononaut.ErrPoint) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func normalize(s string) string {
	return strings.Join(strings.Fields(s), " ")
}
