package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// way is a way of keeping history. They take turns.
type way int

const (
	none     way = iota
	limit        // the least that SQL can do by hand
	ours         // tracked
	periods      // the extension of that name
	tableLog     // the extension table_log
)

var (
	ourWays = []way{none, limit, ours}
	peers   = []way{periods, tableLog}
)

func (w way) String() string { return [...]string{"none", "limit", "ours", "periods", "table_log"}[w] }

// findPeers returns the peers whose extensions the server has, and says which it lacks.
func findPeers(ctx context.Context, pool *pgxpool.Pool) (found []way, err error) {
	for _, w := range peers {
		available, err := isAvailable(ctx, pool, w.String())
		if err != nil {
			return nil, err
		}
		if !available {
			fmt.Printf("left out: %s, whose extension is not installed on the server\n", w)
			continue
		}
		found = append(found, w)
	}
	return found, nil
}

// isAvailable reports whether the server has an extension.
func isAvailable(ctx context.Context, pool *pgxpool.Pool, extension string) (available bool, err error) {
	err = pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = $1)`, extension).Scan(&available)
	if err != nil {
		return false, fmt.Errorf("look for the extension %s: %w", extension, err)
	}
	return available, nil
}

// keepHistory makes a table keep history in a way. For the limit, only the column
// is made that it counts versions in.
func keepHistory(ctx context.Context, pool *pgxpool.Pool, w way, schema, table string, track *chronomigrate.TrackOptions) error {
	switch w {
	case limit:
		_, err := pool.Exec(ctx, fmt.Sprintf(`ALTER TABLE %s.%s ADD COLUMN version integer DEFAULT 0`, schema, table))
		return err
	case ours:
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		_, err = m.Track(ctx, chrononaut.Table{Schema: schema, Name: table}, track, nil)
		return err
	case periods:
		_, err := pool.Exec(ctx, fmt.Sprintf(`
			CREATE EXTENSION IF NOT EXISTS periods CASCADE;
			SELECT periods.add_system_time_period('%[1]s.%[2]s');
			SELECT periods.add_system_versioning('%[1]s.%[2]s');
			ALTER TABLE %[1]s.%[2]s_history SET (autovacuum_enabled = off)`, schema, table))
		return err
	case tableLog:
		// 5: with a number of its own for each row, and with who changed it.
		_, err := pool.Exec(ctx, fmt.Sprintf(`
			CREATE EXTENSION IF NOT EXISTS table_log;
			SELECT table_log_init(5, '%[1]s', '%[2]s', '%[1]s', '%[2]s_log');
			ALTER TABLE %[1]s.%[2]s_log SET (autovacuum_enabled = off)`, schema, table))
		return err
	}
	return nil
}
