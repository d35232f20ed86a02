// Command pgx keeps an order book in PostgreSQL by way of pgx, and shows what
// history knows of it afterwards.
//
// It needs DATABASE_URL, and makes a table example_orders.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

func main() {
	if err := run(context.Background(), os.Getenv("DATABASE_URL"), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// order is a row, now or then.
type order struct {
	ID       int64
	Customer string
	Amount   string // exact, as numeric is
	Card     string
}

func run(ctx context.Context, databaseURL string, out io.Writer) error {
	pool, err := pgxpool.New(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := setUp(ctx, pool); err != nil {
		return err
	}
	// From here on as any pool; code that sqlc generates takes it, too.
	db := chronopgx.New(pool, nil)

	// The night's import runs as a job, and needs no transaction of its own.
	job := chrononaut.WithActor(ctx, "import")
	if _, err := db.CopyFrom(job, pgx.Identifier{"example_orders"}, []string{"id", "customer", "amount", "card"},
		pgx.CopyFromRows([][]any{{1, "Ann", "10.00", "4111"}, {2, "Bob", "20.00", "4222"}})); err != nil {
		return err
	}

	// People act in transactions: who and why travel with BEGIN.
	clerk := chrononaut.WithRationale(chrononaut.WithActor(ctx, "clerk"), "customer asked by phone")
	err = pgx.BeginFunc(clerk, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(clerk, "UPDATE example_orders SET amount = amount + 2.50, card = '4333' WHERE id = $1", 1); err != nil {
			return err
		}
		_, err := tx.Exec(clerk, "DELETE FROM example_orders WHERE id = $1", 2)
		return err
	})
	if err != nil {
		return err
	}
	return report(ctx, db, out)
}

// setUp makes the table, and lets it remember. It can be repeated.
func setUp(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `
		DROP TABLE IF EXISTS example_orders;
		CREATE TABLE example_orders (id bigint PRIMARY KEY, customer text NOT NULL, amount numeric(10, 2) NOT NULL, card text)`)
	if err != nil {
		return err
	}
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx, nil); err != nil {
		return err
	}
	_, err = m.Track(ctx, chrononaut.Table{Name: "example_orders"}, &chronomigrate.TrackOptions{Hidden: []string{"card"}}, nil)
	return err
}

func report(ctx context.Context, db *chronopgx.DB, out io.Writer) error {
	history, err := chronopgx.History[order](db, "example_orders")
	if err != nil {
		return err
	}
	var last [2]chrononaut.Snapshot[order]
	for s, err := range history.All(ctx, 1, nil) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "order 1, version %d: %s by %s (%s): %s owes %s\n", s.Version, s.Operation, s.Actor, s.Rationale, s.Record.Customer, s.Record.Amount)
		last[0], last[1] = last[1], s
	}
	diff, err := history.DiffVersions(ctx, 1, last[0].Version, last[1].Version)
	if err != nil {
		return err
	}
	for _, c := range diff {
		if c.Hidden {
			fmt.Fprintf(out, "  %s changed; its values are not kept\n", c.Column)
			continue
		}
		fmt.Fprintf(out, "  %s: %s, then %s\n", c.Column, c.From, c.To)
	}
	// A deleted record has a past as well.
	then, err := history.At(ctx, 2, last[1].Changed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "order 2, before: %s owes %s\n", then.Record.Customer, then.Record.Amount)
	_, err = history.At(ctx, 2, time.Now())
	var deleted *chrononaut.DeletedError
	if !errors.As(err, &deleted) {
		return fmt.Errorf("want order 2 to be deleted: %w", err)
	}
	fmt.Fprintf(out, "order 2, now: deleted by %s (%s)\n", deleted.Last.Actor, deleted.Last.Rationale)
	return nil
}
