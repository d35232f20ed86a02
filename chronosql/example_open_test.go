package chronosql_test

import (
	"context"
	"fmt"
	"log"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// The pool is a plain *sql.DB. The driver pgx is registered by importing
// github.com/jackc/pgx/v5/stdlib.
func ExampleOpen() {
	databaseURL, done := pgtest.Example("tracked", prepare)
	defer done()

	db, err := chronosql.Open("pgx", databaseURL, nil)
	if err != nil {
		log.Panic(err)
	}
	defer db.Close()

	ctx := chrononaut.WithActor(context.Background(), "ann@example.com")
	ctx = chrononaut.WithRationale(ctx, "asked by phone")
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Panic(err)
	}
	defer tx.Rollback() // does nothing after Commit
	var id int64
	if err := tx.QueryRowContext(ctx, "INSERT INTO todos (title) VALUES ($1) RETURNING id", "buy milk").Scan(&id); err != nil {
		log.Panic(err)
	}
	if err := tx.Commit(); err != nil {
		log.Panic(err)
	}
	// Outside a transaction.
	if _, err := db.ExecContext(ctx, "UPDATE todos SET done = true WHERE id = $1", id); err != nil {
		log.Panic(err)
	}

	type Todo struct {
		ID    int64
		Title string
		Done  bool
	}
	history, err := chronosql.History[Todo](db, "todos", nil)
	if err != nil {
		log.Panic(err)
	}
	diff, err := history.DiffVersions(ctx, id, 0, 1)
	if err != nil {
		log.Panic(err)
	}
	for _, c := range diff {
		fmt.Printf("%s: %s to %s\n", c.Column, c.From, c.To)
	}
	// Output:
	// done: false to true
}

// Another one goes on with the transaction.
func ExampleSetContext() {
	databaseURL, done := pgtest.Example("tracked", prepare)
	defer done()

	db, err := chronosql.Open("pgx", databaseURL, nil)
	if err != nil {
		log.Panic(err)
	}
	defer db.Close()
	ctx := chrononaut.WithActor(context.Background(), "ann")
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Panic(err)
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO todos (id, title) VALUES (1, 'buy milk')"); err != nil {
		log.Panic(err)
	}
	if err := chronosql.SetContext(chrononaut.WithActor(ctx, "bob"), tx, nil); err != nil {
		log.Panic(err)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE todos SET done = true"); err != nil {
		log.Panic(err)
	}
	if err := tx.Commit(); err != nil {
		log.Panic(err)
	}

	history, err := chronosql.History[struct{}](db, "todos", nil)
	if err != nil {
		log.Panic(err)
	}
	for s, err := range history.All(ctx, 1, nil) {
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(s.Version, s.Operation, s.Actor)
	}
	// Output:
	// 0 insert ann
	// 1 update bob
}
