package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var (
	//go:embed sql/reads_tables.sql
	readsTablesSQL string
	//go:embed sql/reads_load.sql
	readsLoadSQL string
)

const (
	readsTables = 20
	perRecord   = 10 // versions of each record
	// smallHistory is what the large history is compared with.
	smallHistory   = 100_000
	historyPrefix  = "chrononaut_bench_history_"
	loadedAtOnce   = 500_000
	firstOfHistory = `'2000-01-01'`
)

// withHistory calls f with a database that has a history of so many versions. It is
// made once, and stays on the server for the next run; dropHistories drops it.
func (b *bench) withHistory(ctx context.Context, versions int, f func(*pgxpool.Pool) error) error {
	name := fmt.Sprintf("%s%d", historyPrefix, versions)
	mark, err := historyMark()
	if err != nil {
		return err
	}
	found, err := b.findMark(ctx, name)
	if err != nil {
		return err
	}
	if found == mark {
		fmt.Printf("reads: %d versions, from an earlier run: database %s\n", versions, name)
		return b.connected(ctx, name, f)
	}
	if err := b.admin(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return err
	}
	if err := b.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return err
	}
	start := time.Now()
	if err := b.connected(ctx, name, func(pool *pgxpool.Pool) error { return loadHistory(ctx, pool, versions) }); err != nil {
		return fmt.Errorf("make a history of %d versions: %w", versions, err)
	}
	fmt.Printf("reads: %d versions, made in %.0f s: database %s\n", versions, time.Since(start).Seconds(), name)
	if err := b.admin(ctx, fmt.Sprintf("COMMENT ON DATABASE %s IS '%s'", name, mark)); err != nil {
		return err
	}
	return b.connected(ctx, name, f)
}

// historyMark changes with what makes a history.
func historyMark() (string, error) {
	migrations, err := postgres.Migrations(chronomigrate.DefaultSchema)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("chrononaut bench %x", sha256.Sum256([]byte(readsTablesSQL+readsLoadSQL+fmt.Sprint(migrations))))[:40], nil
}

// findMark returns what marks a database, if it is there and was made to the end.
func (b *bench) findMark(ctx context.Context, name string) (mark string, err error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return "", fmt.Errorf("connect to the server of %s: %w", envURL, err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	err = conn.QueryRow(ctx, `SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1`, name).Scan(&mark)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return mark, err
}

// dropHistories drops the histories that runs have left on the server.
func (b *bench) dropHistories(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return fmt.Errorf("connect to the server of %s: %w", envURL, err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	rows, err := conn.Query(ctx, `SELECT datname::text FROM pg_database WHERE datname ~ $1`, "^"+historyPrefix+`\d+$`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			return err
		}
		fmt.Printf("dropped: database %s\n", name)
	}
	return nil
}

// loadHistory writes the versions without triggers, and makes the indexes afterwards.
func loadHistory(ctx context.Context, pool *pgxpool.Pool, versions int) error {
	if err := installHistory(ctx, pool); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, readsTablesSQL); err != nil {
		return err
	}
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return err
	}
	for t := range readsTables {
		if _, err := m.Track(ctx, chrononaut.Table{Name: fmt.Sprintf("past_%d", t+1)}, nil, nil); err != nil {
			return err
		}
	}
	if err := verifyLoad(ctx, pool); err != nil {
		return err
	}
	return withConn(ctx, pool, func(conn *pgx.Conn) error {
		indexes, err := dropIndexes(ctx, conn)
		if err != nil {
			return err
		}
		for first := 0; first < versions; first += loadedAtOnce {
			if _, err := conn.Exec(ctx, readsLoadSQL, first, min(loadedAtOnce, versions-first), versions); err != nil {
				return fmt.Errorf("load: %w", err)
			}
		}
		// The tables were tracked before all of it.
		statements := append([]string{
			`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_append_only`,
			`UPDATE chrononaut.chrononaut_activity SET changed = ` + firstOfHistory + ` WHERE operation = 'track'`,
			`ALTER TABLE chrononaut.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_append_only`,
			`UPDATE chrononaut.chrononaut_table SET tracked_since = ` + firstOfHistory,
			`SET maintenance_work_mem = '256MB'`,
		}, indexes...)
		for _, sql := range append(statements, `VACUUM (ANALYZE, FREEZE)`, `CHECKPOINT`) {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
}

// dropIndexes drops the indexes of history but the primary key, and returns what makes
// them again.
func dropIndexes(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
		 WHERE indrelid = 'chrononaut.chrononaut_activity'::regclass AND NOT indisprimary ORDER BY indexrelid`)
	if err != nil {
		return nil, err
	}
	var names, definitions []string
	var name, definition string
	if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		names, definitions = append(names, name), append(definitions, definition)
		return nil
	}); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DROP INDEX "+name); err != nil {
			return nil, err
		}
	}
	return definitions, nil
}

// errRolledBack ends a transaction whose changes are to be forgotten.
var errRolledBack = errors.New("rolled back")

// verifyLoad makes sure that loaded versions have the columns that the triggers fill.
func verifyLoad(ctx context.Context, pool *pgxpool.Pool) error {
	err := withConn(ctx, pool, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			const last = `SELECT to_jsonb(a) FROM chrononaut.chrononaut_activity AS a WHERE table_name = 'past_1' ORDER BY id DESC LIMIT 1`
			var captured, loaded map[string]any
			if _, err := tx.Exec(ctx, `INSERT INTO past_1 (id, name) VALUES (2, 'Name 20')`); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, last).Scan(&captured); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, readsLoadSQL, 0, 1, perRecord); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, last).Scan(&loaded); err != nil {
				return err
			}
			if err := compareChanges(captured, loaded); err != nil {
				return err
			}
			return errRolledBack
		})
	})
	if !errors.Is(err, errRolledBack) {
		return fmt.Errorf("compare a loaded version with a captured one: %w", err)
	}
	return nil
}
