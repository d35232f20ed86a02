package main

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

var (
	//go:embed sql/shape_account.sql
	accountSQL string
	//go:embed sql/shape_hidden.sql
	hiddenSQL string
	//go:embed sql/shape_toast.sql
	toastSQL string
	//go:embed sql/shape_wide.sql
	wideSQL string
)

// shape is a kind of table that is measured: one table NAME_WAY for each way.
type shape struct {
	name string
	// sql makes the table without history and the function NAME_rows(first, n), which
	// returns the rows with the ids from first on. Without it, both are account's.
	sql string
	// change is what updates set; t is the table.
	change string
	rows   int
	short  int // the same in -short
	// more rows follow that nothing changes.
	more  int
	track *chronomigrate.TrackOptions
	peers bool
	// omitted are the columns that the limit leaves out of a row's image, as an array.
	omitted string
	// extra is what the limit adds to extra_info.
	extra string
	// condition is what the limit asks of a row before it changes it.
	condition string
	// prepare is called when the rows are there. The others are those from the id on.
	prepare func(ctx context.Context, pool *pgxpool.Pool, s *shape, others int) error
}

const payment = `balance = t.balance + 1`

var (
	account = shape{name: "account", sql: accountSQL, change: payment, rows: 100_000, short: 20_000, peers: true}
	// ledger is like account; none of its rows is ever deleted.
	ledger = shape{name: "ledger", rows: few, short: few, peers: true}
	held   = shape{
		name: "held", change: payment, rows: 10_000, short: 2_000, more: 10_000, prepare: hold,
		condition: ` AND NOT EXISTS (SELECT FROM held_records AS h WHERE h.table_name = 'held' AND h.id = t.id)`,
	}
	strict = shape{name: "strict", change: payment, rows: 10_000, short: 2_000, track: &chronomigrate.TrackOptions{Strict: true}}
	hidden = shape{
		name: "hidden", sql: hiddenSQL, change: payment + `, secret_1 = md5(t.secret_1)`, rows: 10_000, short: 2_000,
		track:   &chronomigrate.TrackOptions{Hidden: secrets},
		omitted: `{` + strings.Join(secrets, ",") + `}`, extra: `, "hidden_cols_changed": ["secret_1"]`,
	}
	wide  = shape{name: "wide", sql: wideSQL, change: `c1 = t.c1 + 1`, rows: 2_000, short: 500, peers: true}
	toast = shape{name: "toast", sql: toastSQL, change: `visits = t.visits + 1`, rows: 20, short: 5, peers: true}
	crowd = shape{name: "crowd", change: payment, rows: 10_000, short: 2_000, peers: true}
)

var secrets = []string{
	"secret_1", "secret_2", "secret_3", "secret_4", "secret_5", "secret_6",
	"secret_7", "secret_8", "secret_9", "secret_10", "secret_11", "secret_12",
}

func (s *shape) table(w way) string { return s.name + "_" + w.String() }

// source is the shape that the table and its rows are like.
func (s *shape) source() *shape {
	if s.sql == "" {
		return &account
	}
	return s
}

func (s *shape) count(short bool) int {
	if short {
		return s.short
	}
	return s.rows
}

// fill is how the tables get their rows.
func (s *shape) fill() *figure {
	return &figure{name: s.name + "_fill", shape: s, operation: "insert", statement: insertRows}
}

// ways are those that the shape is measured in.
func (s *shape) ways(peers []way) []way {
	if !s.peers {
		return ourWays
	}
	return append(slices.Clone(ourWays), peers...)
}

// makeTables makes the tables of the shapes, empty.
func makeTables(ctx context.Context, pool *pgxpool.Pool, shapes []*shape, peers []way) error {
	made := map[*shape]bool{}
	setUp := func(s *shape) error {
		if made[s] {
			return nil
		}
		made[s] = true
		_, err := pool.Exec(ctx, s.sql)
		return err
	}
	if err := setUp(&account); err != nil { // others are like it
		return err
	}
	for _, s := range shapes {
		if err := setUp(s.source()); err != nil {
			return fmt.Errorf("make the tables of %s: %w", s.name, err)
		}
		for _, w := range s.ways(peers) {
			create := fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (LIKE %s INCLUDING ALL) WITH (autovacuum_enabled = off)`, s.table(w), s.source().table(none))
			if _, err := pool.Exec(ctx, create); err != nil {
				return fmt.Errorf("make %s: %w", s.table(w), err)
			}
			if err := keepHistory(ctx, pool, w, "public", s.table(w), s.track); err != nil {
				return fmt.Errorf("make %s keep history: %w", s.table(w), err)
			}
		}
	}
	return nil
}

// hold holds the other records, in ours and by hand.
func hold(ctx context.Context, pool *pgxpool.Pool, s *shape, others int) error {
	client, err := chronopgx.New(pool, nil).Client()
	if err != nil {
		return err
	}
	keys := make([]chrononaut.Key, s.more)
	for i := range keys {
		keys[i] = chrononaut.Key{"id": others + i}
	}
	if _, err := client.Hold(ctx, chrononaut.Table{Name: s.table(ours)}, keys, "benchmark", nil); err != nil {
		return fmt.Errorf("hold records: %w", err)
	}
	_, err = pool.Exec(ctx, fmt.Sprintf(`
		CREATE TABLE held_records (table_name text, id bigint, PRIMARY KEY (table_name, id));
		INSERT INTO held_records SELECT 'held', i FROM generate_series(%d, %d) AS i;
		ANALYZE held_records`, others, others+s.more-1))
	return err
}
