package chrononaut_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// Where the title of a record comes from.
func ExampleHistory_Blame() {
	db, done := openExample(nil)
	defer done()
	ctx := context.Background()
	execAs(db, "ann", "first", "INSERT INTO todos VALUES (7, 'Buy a bike')")
	execAs(db, "bob", "ticket 4711", "UPDATE todos SET title = 'Buy a red bike' WHERE id = 7")

	blame, err := exampleTodos(db).Blame(ctx, 7, nil)
	if err != nil {
		log.Panic(err)
	}
	for _, c := range blame.Columns {
		fmt.Printf("%s %s: version %d by %s: %s\n", c.Column, c.Value, c.Since.Version, c.Since.Actor, c.Since.Rationale)
	}
	// Output:
	// id 7: version 0 by ann: first
	// title "Buy a red bike": version 1 by bob: ticket 4711
}

// What became of the records of a table.
func ExampleHistory_DiffAll() {
	db, done := openExample(nil)
	defer done()
	ctx := context.Background()
	execAs(db, "ann", "", "INSERT INTO todos VALUES (1, 'one'), (2, 'two'), (3, 'three')")
	todos := exampleTodos(db)
	before, err := todos.Version(ctx, 3, 0)
	if err != nil {
		log.Panic(err)
	}
	execAs(db, "bob", "", "UPDATE todos SET title = 'uno' WHERE id = 1")
	execAs(db, "bob", "", "DELETE FROM todos WHERE id = 2")
	execAs(db, "bob", "", "UPDATE todos SET id = 4 WHERE id = 3")

	for r, err := range todos.DiffAll(ctx, before.Changed, time.Time{}, nil) {
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(r.Kind, r.Key["id"])
		for _, c := range r.Columns {
			fmt.Printf("  %s: (%s) to (%s)\n", c.Column, c.From, c.To)
		}
	}
	// Output:
	// changed 1
	//   title: ("one") to ("uno")
	// deleted 2
	//   id: (2) to ()
	//   title: ("two") to ()
	// changed 4
	//   id: (3) to (4)
}

// A difference inside a document.
func ExampleColumnDiff_Paths() {
	column := chrononaut.ColumnDiff{
		Column: "settings",
		From:   []byte(`{"color": "red", "tags": ["a", "b"]}`),
		To:     []byte(`{"color": "blue", "tags": ["b", "c"]}`),
	}
	for _, p := range column.Paths() {
		fmt.Printf("%s: (%s) to (%s)\n", p.Path(), p.From, p.To)
	}
	// Output:
	// /color: ("red") to ("blue")
	// /tags/0: ("a") to ()
	// /tags/1: () to ("c")
}

func execAs(db *chronopgx.DB, actor, rationale, sql string) {
	ctx := chrononaut.WithActor(context.Background(), actor)
	if rationale != "" {
		ctx = chrononaut.WithRationale(ctx, rationale)
	}
	if _, err := db.Exec(ctx, sql); err != nil {
		log.Panic(err)
	}
}

func exampleTodos(db *chronopgx.DB) *chrononaut.History[struct{}] {
	client, err := db.Client()
	if err != nil {
		log.Panic(err)
	}
	return chrononaut.NewHistory[struct{}](client, chrononaut.Table{Name: "todos"}, nil)
}
