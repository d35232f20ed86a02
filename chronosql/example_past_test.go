package chronosql_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// A transaction reads at the point of the context that it began with.
func Example_past() {
	databaseURL, done := pgtest.Example("tracked", prepare)
	defer done()

	db, err := chronosql.Open("pgx", databaseURL, nil)
	if err != nil {
		log.Panic(err)
	}
	defer db.Close()
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "INSERT INTO todos (title) VALUES ('buy milk'), ('read')"); err != nil {
		log.Panic(err)
	}
	var monday time.Time
	if err := db.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&monday); err != nil {
		log.Panic(err)
	}
	if _, err := db.ExecContext(ctx, "DELETE FROM todos"); err != nil {
		log.Panic(err)
	}

	tx, err := db.BeginTx(chrononaut.AsOf(ctx, monday), nil)
	if err != nil {
		log.Panic(err)
	}
	defer tx.Rollback() // does nothing after Commit
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM todos").Scan(&n); err != nil {
		log.Panic(err)
	}
	// Tells whether anything else than the past was read.
	if err := tx.Commit(); err != nil {
		log.Panic(err)
	}
	fmt.Println(n)
	// Output: 2
}
