package chronoimport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// PriceLog reads a log that an application has kept of its own: a row of
// price_log has the whole article after each change.
type PriceLog struct{}

func (PriceLog) Name() string { return "price_log" }

func (PriceLog) Changes(ctx context.Context, db chronodriver.Queryer, _ *chronoimport.Target) iter.Seq2[chronoimport.Change, error] {
	return func(yield func(chronoimport.Change, error) bool) {
		rows, err := db.Query(ctx, `SELECT id::text, article, at, who, article_data::text FROM price_log ORDER BY article, id`)
		if err != nil {
			yield(chronoimport.Change{}, err)
			return
		}
		defer rows.Close()
		article := ""
		for rows.Next() {
			var id, name, who, data string
			var at time.Time
			if err := rows.Scan(&id, &name, &at, &who, &data); err != nil {
				yield(chronoimport.Change{}, err)
				return
			}
			change := chronoimport.Change{ID: id, Operation: chrononaut.OperationUpdate, Changed: at, Actor: who}
			if name != article {
				article, change.Operation = name, chrononaut.OperationInsert
			}
			if err := json.Unmarshal([]byte(data), &change.State); err != nil {
				if !yield(chronoimport.Change{}, &chronoimport.BadChangeError{ID: id, Reason: "article_data is not a JSON object"}) {
					return
				}
				continue
			}
			change.Key, err = json.Marshal(map[string]string{"name": name})
			if !yield(change, err) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(chronoimport.Change{}, err)
		}
	}
}

// A source of one's own is a few lines.
func ExampleSource() {
	ctx := context.Background()
	url, drop := pgtest.Example("price log", preparePriceLog)
	defer drop()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		panic(err)
	}
	defer pool.Close()

	result, err := chronoimport.Import(ctx, chronopgx.NewDriver(pool, nil), chrononaut.Table{Name: "articles"}, PriceLog{}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("imported:", result.Imported)
	type article struct{ Price json.Number }
	h, err := chronopgx.History[article](chronopgx.New(pool, nil), "articles")
	if err != nil {
		panic(err)
	}
	for s, err := range h.All(ctx, "bolt", nil) {
		if err != nil {
			panic(err)
		}
		fmt.Println(s.Version, s.Operation, s.Actor, s.Changed.UTC().Format(time.DateOnly), s.Record.Price)
	}
	// Output:
	// imported: 3
	// 0 insert ann 2024-01-01 1.00
	// 1 update bob 2024-01-02 1.50
}

func preparePriceLog(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx, nil); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `
		CREATE TABLE articles (name text PRIMARY KEY, price numeric(8,2));
		INSERT INTO articles VALUES ('bolt', 1.5), ('nut', 2);
		CREATE TABLE price_log (id serial PRIMARY KEY, article text, at timestamptz, who text, article_data json);
		INSERT INTO price_log (article, at, who, article_data) VALUES
			('bolt', '2024-01-01 00:00+00', 'ann', '{"price": "1"}'),
			('nut', '2024-01-01 00:00+00', 'ann', '{"price": "2"}'),
			('bolt', '2024-01-02 00:00+00', 'bob', '{"price": "1.5"}')`); err != nil {
		return err
	}
	_, err = m.Track(ctx, chrononaut.Table{Name: "articles"}, nil, nil)
	return err
}
