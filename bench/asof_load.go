package main

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

var (
	//go:embed sql/asof_setup.sql
	asofSetupSQL string
	//go:embed sql/asof_periods.sql
	asofPeriodsSQL string
)

// asofSize says how much past there is.
type asofSize struct {
	rows     int // accounts, and purchases
	versions int // of each account; a purchase has two
	others   int // rows of past_short and past_long
	rounds   int
}

var (
	smallAsof = asofSize{rows: 1_000, versions: 10, others: 100, rounds: 3}
	fullAsof  = asofSize{rows: 10_000, versions: 10, others: 1_000, rounds: 3}
)

// chunk is how many rows one transaction changes while the past is made.
const chunk = 1000

// purchaseRows are purchases, ids $1 to $1 + $2 - 1.
const purchaseRows = `SELECT i, i, 'item ' || i % 1000, (i % 5000) / 100.0, false, '2026-01-01'::timestamptz + i * '1 second'::interval
	FROM generate_series($1::bigint, $1::bigint + $2 - 1) AS i`

// made is the past that was made.
type made struct {
	at time.Time // half of all versions are older
	// noPeriods says why the extension is not measured.
	noPeriods error
}

// makePast creates the tables, and all their versions with updates that the
// capture triggers record. Every account changes once before any changes again,
// so that one record's versions lie far apart, as they do in life.
func makePast(ctx context.Context, pool *pgxpool.Pool, size asofSize, layout chronomigrate.Layout) (m made, err error) {
	if _, err := pool.Exec(ctx, accountSQL+asofSetupSQL); err != nil {
		return m, err
	}
	// One message is one transaction: nothing is left of it if it fails.
	_, m.noPeriods = pool.Exec(ctx, asofPeriodsSQL)
	migrator, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return m, err
	}
	for _, name := range []string{"past_account", "past_purchase", "past_short", "past_long"} {
		if _, err := migrator.Track(ctx, chrononaut.Table{Name: name}, &chronomigrate.TrackOptions{Layout: layout}, nil); err != nil {
			return m, err
		}
		if _, err := migrator.BuildPeriods(ctx, chrononaut.Table{Name: name}, nil); err != nil {
			return m, err
		}
	}

	statements := []string{
		`INSERT INTO past_account SELECT * FROM account_rows($1, $2)`,
		`INSERT INTO past_purchase ` + purchaseRows,
	}
	pay := []string{`UPDATE past_purchase SET paid = true WHERE id >= $1 AND id < $1 + $2`}
	change := []string{`UPDATE past_account SET balance = balance + 1, visits = visits + 1 WHERE id >= $1 AND id < $1 + $2`}
	if m.noPeriods == nil {
		statements = append(statements,
			`INSERT INTO periods_account SELECT * FROM account_rows($1, $2)`,
			`INSERT INTO periods_purchase `+purchaseRows)
		pay = append(pay, `UPDATE periods_purchase SET paid = true WHERE id >= $1 AND id < $1 + $2`)
		change = append(change, `UPDATE periods_account SET balance = balance + 1, visits = visits + 1 WHERE id >= $1 AND id < $1 + $2`)
	}
	if err := inChunks(ctx, pool, size.rows, statements); err != nil {
		return m, err
	}
	others := []string{
		`INSERT INTO past_short SELECT i, 'name ' || i, 0 FROM generate_series($1::bigint, $1::bigint + $2 - 1) AS i`,
		`INSERT INTO past_long SELECT i, 'name ' || i, 0 FROM generate_series($1::bigint, $1::bigint + $2 - 1) AS i`,
	}
	if err := inChunks(ctx, pool, size.others, others); err != nil {
		return m, err
	}
	for version := 1; version < size.versions; version++ {
		if err := inChunks(ctx, pool, size.rows, change); err != nil {
			return m, err
		}
		if err := changeOthers(ctx, pool, size); err != nil {
			return m, err
		}
		if version == size.versions/2 {
			if err := pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&m.at); err != nil {
				return m, err
			}
			if err := inChunks(ctx, pool, size.rows, pay); err != nil {
				return m, err
			}
		}
		if _, err := pool.Exec(ctx, `VACUUM`); err != nil {
			return m, err
		}
	}
	if _, err := pool.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return m, err
	}
	return m, verifyPast(ctx, pool, size)
}

// inChunks runs statements that each change $2 rows from id $1 on.
func inChunks(ctx context.Context, pool *pgxpool.Pool, rows int, statements []string) error {
	for first := 1; first <= rows; first += chunk {
		n := min(chunk, rows-first+1)
		for _, sql := range statements {
			if _, err := pool.Exec(ctx, sql, first, n); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
	}
	return nil
}

// changeOthers gives every row of past_short a version, and every row of
// past_long, nine of ten rows there ten of them.
func changeOthers(ctx context.Context, pool *pgxpool.Pool, size asofSize) error {
	const set = ` SET changes = changes + 1 WHERE id >= $1 AND id < $1 + $2`
	if err := inChunks(ctx, pool, size.others, []string{`UPDATE past_short` + set, `UPDATE past_long` + set}); err != nil {
		return err
	}
	for range 9 {
		if err := inChunks(ctx, pool, size.others, []string{`UPDATE past_long` + set + ` AND id % 10 <> 0`}); err != nil {
			return err
		}
	}
	return nil
}

// verifyPast makes sure that all the versions are there.
func verifyPast(ctx context.Context, pool *pgxpool.Pool, size asofSize) error {
	rows, err := pool.Query(ctx, `SELECT table_name, count(*) FROM chrononaut.chrononaut_activity WHERE table_schema = 'public' AND key <> '{}' GROUP BY table_name`)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	var name string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error { counts[name] = n; return nil }); err != nil {
		return err
	}
	want := map[string]int{
		"past_account":  size.rows * size.versions,
		"past_purchase": size.rows * 2,
		"past_short":    size.others * size.versions,
		"past_long":     size.others*size.versions + size.others*9/10*9*(size.versions-1),
	}
	for name, n := range want {
		if counts[name] != n {
			return fmt.Errorf("history has %d versions of %s instead of %d", counts[name], name, n)
		}
	}
	return nil
}
