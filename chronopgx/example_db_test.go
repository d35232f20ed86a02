package chronopgx_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// openExample returns a pool of a database in which the table todos is tracked.
func openExample() (pool *pgxpool.Pool, done func()) {
	url, drop := pgtest.Example("tracked", prepare)
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		log.Panic(err)
	}
	return pool, func() { pool.Close(); drop() }
}

// A transaction carries who acts and why from its beginning.
func ExampleDB_Begin() {
	pool, done := openExample()
	defer done()

	db := chronopgx.New(pool, nil)
	ctx := chrononaut.WithActor(context.Background(), "ann@example.com")
	ctx = chrononaut.WithRationale(ctx, "asked by phone")
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO todos (id, title) VALUES ($1, $2)", 1, "buy milk"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE todos SET done = true WHERE id = $1", 1)
		return err
	})
	if err != nil {
		log.Panic(err)
	}

	type Todo struct {
		ID    int64
		Title string
		Done  bool
	}
	history, err := chronopgx.History[Todo](db, "todos")
	if err != nil {
		log.Panic(err)
	}
	for s, err := range history.All(ctx, 1, nil) {
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(s.Version, s.Operation, s.Actor, s.Rationale, s.Record.Title, s.Record.Done)
	}
	// Output:
	// 0 insert ann@example.com asked by phone buy milk false
	// 1 update ann@example.com asked by phone buy milk true
}

// Single statements carry attribution too, in their own round trip. So do
// queries that return rows, batches, and copies.
func ExampleDB_Query() {
	pool, done := openExample()
	defer done()

	db := chronopgx.New(pool, nil)
	ctx := chrononaut.WithActor(context.Background(), "ann@example.com")
	rows, _ := db.Query(ctx, "INSERT INTO todos (title) VALUES ('buy milk'), ('read') RETURNING title")
	titles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(titles)

	client, err := db.Client()
	if err != nil {
		log.Panic(err)
	}
	changes, err := client.Activity(ctx, &chrononaut.ActivityOpts{Actor: "ann@example.com"})
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(len(changes), "changes by", changes[0].Actor)
	// Output:
	// [buy milk read]
	// 2 changes by ann@example.com
}

// Several people act in one transaction.
func ExampleSetContext() {
	pool, done := openExample()
	defer done()

	db := chronopgx.New(pool, nil)
	ctx := context.Background()
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		for _, actor := range []string{"ann", "bob"} {
			if err := chronopgx.SetContext(chrononaut.WithActor(ctx, actor), tx, nil); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO todos (title) VALUES ($1)", "of "+actor); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Panic(err)
	}

	client, err := db.Client()
	if err != nil {
		log.Panic(err)
	}
	changes, err := client.Activity(ctx, &chrononaut.ActivityOpts{Operation: chrononaut.OperationInsert, OldestFirst: true})
	if err != nil {
		log.Panic(err)
	}
	for _, c := range changes {
		fmt.Println(c.Key["id"], c.Actor)
	}
	// Output:
	// 1 ann
	// 2 bob
}

// A connection of its own, not of a DB.
func ExampleTxOptions() {
	pool, done := openExample()
	defer done()

	ctx := chrononaut.WithActor(context.Background(), "ann")
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		log.Panic(err)
	}
	defer conn.Close(ctx)
	opts, err := chronopgx.TxOptions(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable}, nil)
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(opts.BeginQuery)
	err = pgx.BeginTxFunc(ctx, conn, opts, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO todos (title) VALUES ('buy milk')")
		return err
	})
	if err != nil {
		log.Panic(err)
	}
	// Output:
	// begin isolation level serializable; SET LOCAL chrononaut.context = '{"user_info":{"remote_addr":null,"user_id":"ann"}}'
}
