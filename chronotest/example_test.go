package chronotest_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

// These stand for a program and for the database that its tests use.
var (
	pool       *pgxpool.Pool
	placeOrder = func(context.Context, *pgxpool.Pool) error { return nil }
)

// At the end of a test that writes in every way that the program has, history
// must be the table.
func ExampleRequireReplay() {
	_ = func(t *testing.T) { //nolint:thelper // stands for TestOrders
		if err := placeOrder(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		chronotest.RequireReplay(t, chronopgx.NewDriver(pool, nil), chrononaut.Table{Name: "orders"}, nil)
	}
}

// After the program's migrations every table must be tracked, save those that
// are named.
func ExampleAssertTracked() {
	_ = func(t *testing.T) { //nolint:thelper // stands for TestMigrations
		chronotest.AssertTracked(t, chronopgx.NewDriver(pool, nil), &chronotest.TrackedOpts{
			Except: []chrononaut.Table{{Name: "sessions"}, {Schema: "jobs", Name: "queue"}},
		})
	}
}

// A program may compare a live table with its history, too.
func ExampleReplay() {
	differences, err := chronotest.Replay(context.Background(), chronopgx.NewDriver(pool, nil), chrononaut.Table{Name: "orders"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range differences {
		fmt.Println(d) // names the row and the columns, not their values
	}
}
