package chronopgx_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// Any query reads the past under a context that says so.
func Example_past() {
	pool, done := openExample()
	defer done()

	db := chronopgx.New(pool, nil)
	ctx := context.Background()
	if _, err := db.Exec(ctx, "INSERT INTO todos (title) VALUES ('buy milk'), ('read')"); err != nil {
		log.Panic(err)
	}
	var monday time.Time
	if err := db.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&monday); err != nil {
		log.Panic(err)
	}
	if _, err := db.Exec(ctx, "DELETE FROM todos WHERE title = 'read'"); err != nil {
		log.Panic(err)
	}

	past := chrononaut.AsOf(ctx, monday)
	for _, ctx := range []context.Context{ctx, past} {
		rows, _ := db.Query(ctx, "SELECT title FROM public.todos ORDER BY id")
		titles, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(titles)
	}
	_, err := db.Exec(past, "UPDATE todos SET done = true")
	fmt.Println(errors.Is(err, chrononaut.ErrPast))
	// Output:
	// [buy milk]
	// [buy milk read]
	// true
}
