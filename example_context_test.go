package chrononaut_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// openExample returns a database in which the tables todos and orders are
// tracked, the latter strictly.
func openExample(config *chrononaut.Config) (db *chronopgx.DB, done func()) {
	url, drop := pgtest.Example("attribution examples", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		if _, err := pool.Exec(ctx, `CREATE TABLE todos (id bigint PRIMARY KEY, title text); CREATE TABLE orders (id bigint PRIMARY KEY)`); err != nil {
			return err
		}
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		if _, err := m.Track(ctx, chrononaut.Table{Name: "todos"}, nil, nil); err != nil {
			return err
		}
		_, err = m.Track(ctx, chrononaut.Table{Name: "orders"}, &chronomigrate.TrackOptions{Strict: true}, nil)
		return err
	})
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		log.Panic(err)
	}
	return chronopgx.New(pool, config), func() { pool.Close(); drop() }
}

// printLog prints the inserted records with who and why.
func printLog(db *chronopgx.DB) {
	client, err := db.Client()
	if err != nil {
		log.Panic(err)
	}
	for c, err := range client.ActivityAll(context.Background(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationInsert, OldestFirst: true}) {
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(c.Key["id"], c.UserInfo, c.ExtraInfo)
	}
}

// Values nest and end with the context that has them.
func ExampleWithActor() {
	db, done := openExample(nil)
	defer done()
	insert := func(ctx context.Context, id int) {
		if _, err := db.Exec(ctx, "INSERT INTO todos (id) VALUES ($1)", id); err != nil {
			log.Panic(err)
		}
	}

	ctx := chrononaut.WithRemoteAddr(chrononaut.WithActor(context.Background(), "ann"), "10.0.0.7")
	insert(ctx, 1)
	insert(chrononaut.WithActor(ctx, "job 7, for ann"), 2)
	insert(ctx, 3)
	insert(context.Background(), 4)
	printLog(db)
	// Output:
	// 1 map[remote_addr:10.0.0.7 user_id:ann] map[]
	// 2 map[remote_addr:10.0.0.7 user_id:job 7, for ann] map[]
	// 3 map[remote_addr:10.0.0.7 user_id:ann] map[]
	// 4 map[remote_addr:<nil> user_id:<nil>] map[]
}

// The key that is set last, or for one record, wins.
func ExampleWithExtraInfo() {
	config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any {
		return map[string]any{"build": "v1.2", "ticket": "none"}
	}}
	db, done := openExample(config)
	defer done()

	ctx := chrononaut.WithExtraInfo(context.Background(), map[string]any{"ticket": 4711})
	ctx = chrononaut.WithRationale(ctx, "asked by phone")
	ctx = chrononaut.AppendChangeInfo(ctx, chrononaut.Table{Name: "todos"}, chrononaut.Key{"id": 2}, map[string]any{"ticket": 4712})
	if _, err := db.Exec(ctx, "INSERT INTO todos (id) VALUES (1), (2)"); err != nil {
		log.Panic(err)
	}
	printLog(db)
	// Output:
	// 1 map[remote_addr:<nil> user_id:<nil>] map[build:v1.2 rationale:asked by phone ticket:4711]
	// 2 map[remote_addr:<nil> user_id:<nil>] map[build:v1.2 rationale:asked by phone ticket:4712]
}

// A strict table refuses changes without a reason, whoever makes them.
func ExampleWithRationale() {
	db, done := openExample(nil)
	defer done()

	ctx := chrononaut.WithActor(context.Background(), "ann")
	_, err := db.Exec(ctx, "INSERT INTO orders VALUES (1)")
	fmt.Println(errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed))
	_, err = db.Exec(chrononaut.WithRationale(ctx, "asked by phone"), "INSERT INTO orders VALUES (1)")
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}
