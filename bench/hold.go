package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// What the question costs whether a row is held: tracked tables of the same rows,
// the first without the question.
var heldTables = []string{
	"held_unasked",  // the check is cut out of its trigger
	"held_free",     // no hold, ever
	"held_released", // its bit is set, nothing is held
	"held_one",      // another record is held
	"held_many",     // 10,000 other records are held
}

const (
	heldRecords = 10_000
	heldPrefix  = "update_"
)

var (
	smallHeld = size{rows: 2_000, singles: 250, rounds: 5}
	fullHeld  = size{rows: 20_000, singles: 2_500, rounds: 9}
)

// heldFigures are the statements; TABLE stands for one of the tables.
var heldFigures = []struct{ name, sql string }{
	{"one", `UPDATE TABLE SET balance = balance + 1 WHERE id = $1`},
	{"bulk", `UPDATE TABLE SET balance = balance + 1 WHERE id <= $1`},
}

func heldName(figure, table string) string { return heldPrefix + figure + "/" + table }

// chooseHeld reports whether any of the figures matches.
func chooseHeld(pattern *regexp.Regexp) bool {
	for _, f := range heldFigures {
		for _, table := range heldTables[1:] {
			if pattern.MatchString(heldName(f.name, table)) {
				return true
			}
		}
	}
	return false
}

// measureHeld measures all of them: they take turns.
func measureHeld(ctx context.Context, pool *pgxpool.Pool, size size) (results []result, err error) {
	if err := setUpHeld(ctx, pool, size); err != nil {
		return nil, fmt.Errorf("set up tables with holds: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	if _, err := conn.Exec(ctx, `SELECT set_config('chrononaut.context', $1, false)`, attribution); err != nil {
		return nil, fmt.Errorf("say who changes the rows: %w", err)
	}
	for _, f := range heldFigures {
		for _, table := range heldTables {
			if _, err := conn.Prepare(ctx, heldName(f.name, table), strings.ReplaceAll(f.sql, "TABLE", table)); err != nil {
				return nil, err
			}
		}
		times := make([][]float64, len(heldTables))
		for round := range size.rounds {
			took, err := heldRound(ctx, conn, f.name, size, round)
			if err != nil {
				return nil, err
			}
			for i, d := range took {
				times[i] = append(times[i], float64(d.Nanoseconds())/1000)
			}
		}
		for i := range times {
			slices.Sort(times[i])
		}
		middle, last := size.rounds/2, size.rounds-1
		for i, table := range heldTables[1:] {
			of := times[i+1]
			results = append(results, result{
				Name: heldName(f.name, table), Unit: "µs/row", None: times[0][middle], Ours: of[middle], least: of[0], most: of[last],
				RatioToNone: math.Round(100*of[middle]/times[0][middle]) / 100, held: true,
			})
		}
	}
	return results, nil
}

// heldRound is one round of one statement, for each table.
func heldRound(ctx context.Context, conn *pgx.Conn, figure string, size size, round int) ([]time.Duration, error) {
	took := make([]time.Duration, len(heldTables))
	turns, argument := 1, func(int) int { return size.rows }
	if figure == "one" {
		turns, argument = size.singles, func(n int) int { return n*7919%size.rows + 1 }
	}
	for first := 0; first < turns; first += block {
		for i := range heldTables {
			table := (i + first/block + round) % len(heldTables)
			start := time.Now()
			for n := first; n < min(first+block, turns); n++ {
				if _, err := conn.Exec(ctx, heldName(figure, heldTables[table]), argument(n)); err != nil {
					return nil, fmt.Errorf("%s: %w", heldName(figure, heldTables[table]), err)
				}
			}
			took[table] += time.Since(start)
		}
	}
	rows := size.rows
	if figure == "one" {
		rows = turns
	}
	for i := range took {
		took[i] /= time.Duration(rows)
	}
	_, err := conn.Exec(ctx, "VACUUM "+strings.Join(heldTables, ", "))
	return took, err
}

// setUpHeld makes the tables, and the holds on records that nothing changes.
func setUpHeld(ctx context.Context, pool *pgxpool.Pool, size size) error {
	migrator, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return err
	}
	for _, table := range heldTables {
		if _, err := pool.Exec(ctx, `CREATE TABLE `+table+` (LIKE account_none INCLUDING ALL) WITH (autovacuum_enabled = off)`); err != nil {
			return err
		}
		if _, err := migrator.Track(ctx, chrononaut.Table{Name: table}, nil, nil); err != nil {
			return err
		}
		rows := size.rows + 1
		if table == "held_many" {
			rows = size.rows + heldRecords
		}
		if _, err := pool.Exec(ctx, `INSERT INTO `+table+` SELECT * FROM account_rows(1, $1)`, rows); err != nil {
			return err
		}
	}
	client, err := chronopgx.New(pool, nil).Client()
	if err != nil {
		return err
	}
	var keys []chrononaut.Key
	for n := range heldRecords {
		keys = append(keys, chrononaut.Key{"id": size.rows + 1 + n})
	}
	for table, keys := range map[string][]chrononaut.Key{"held_released": keys[:1], "held_one": keys[:1], "held_many": keys} {
		hold, err := client.Hold(ctx, chrononaut.Table{Name: table}, keys, "benchmark", nil)
		if err != nil {
			return err
		}
		if table == "held_released" {
			if _, err := client.Release(ctx, hold.ID, "benchmark"); err != nil {
				return err
			}
		}
	}
	if err := cutCheck(ctx, pool, "held_unasked"); err != nil {
		return err
	}
	var set bool
	if err := pool.QueryRow(ctx, `SELECT pg_sequence_last_value('chrononaut.chrononaut_guarded') & (chrononaut.guard_bit('public', 'held_free') | chrononaut.guard_bit('public', 'held_unasked')) <> 0`).Scan(&set); err != nil {
		return err
	}
	if set {
		return errors.New("a table without holds has the bit of another one")
	}
	_, err = pool.Exec(ctx, `VACUUM ANALYZE`)
	return err
}

// cutCheck takes the question out of the capture function of a table.
func cutCheck(ctx context.Context, pool *pgxpool.Pool, table string) error {
	var definition string
	err := pool.QueryRow(ctx, `SELECT pg_get_functiondef(tgfoid) FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname = '000_chrononaut_capture'`, table).Scan(&definition)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(definition, "    IF coalesce(pg_sequence_last_value(")
	_, after, ends := strings.Cut(rest, "\n    END IF;\n")
	if !found || !ends {
		return errors.New("the capture function asks in another way")
	}
	_, err = pool.Exec(ctx, before+after)
	return err
}
