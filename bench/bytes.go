package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	bytesUpdate  = "bytes_update" // of accounts, in tables and indexes
	bytesTable   = "bytes_table"
	bytesIndexes = "bytes_indexes"
	bytesWAL     = "bytes_wal"
)

// shopTables are the tables of Chinook, with an update of all their rows.
var shopTables = []struct {
	name   string
	key    []string
	change string
}{
	{"artist", []string{"artist_id"}, `name = left(name, 119) || '.'`},
	{"album", []string{"album_id"}, `title = left(title, 159) || '.'`},
	{"employee", []string{"employee_id"}, `title = left(title, 29) || '.'`},
	{"customer", []string{"customer_id"}, `company = left(company, 79) || '.'`},
	{"genre", []string{"genre_id"}, `name = left(name, 119) || '.'`},
	{"media_type", []string{"media_type_id"}, `name = left(name, 119) || '.'`},
	{"track", []string{"track_id"}, `milliseconds = milliseconds + 1`},
	{"playlist", []string{"playlist_id"}, `name = left(name, 119) || '.'`},
	{"playlist_track", []string{"playlist_id", "track_id"}, ``}, // has but its key
	{"invoice", []string{"invoice_id"}, `total = total + 1`},
	{"invoice_line", []string{"invoice_line_id"}, `quantity = quantity + 1`},
}

// size is what a way takes for its history.
type size struct{ table, indexes float64 }

// measureBytes measures what history takes of a disk.
func measureBytes(ctx context.Context, b *bench) (results []result, err error) {
	for _, m := range []struct {
		figures []string
		measure func(context.Context, *bench) ([]result, error)
	}{{[]string{bytesUpdate}, measureUpdateBytes}, {[]string{bytesTable, bytesIndexes, bytesWAL}, measureShopBytes}} {
		if !slices.ContainsFunc(m.figures, b.wants) {
			continue
		}
		measured, err := m.measure(ctx, b)
		results = append(results, measured...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// measureUpdateBytes updates each account once in each way.
func measureUpdateBytes(ctx context.Context, b *bench) (results []result, err error) {
	err = b.withDatabase(ctx, "bytes_update", func(pool *pgxpool.Pool) error {
		peers, err := findPeers(ctx, pool)
		if err != nil {
			return err
		}
		if err := makeTables(ctx, pool, []*shape{&account}, peers); err != nil {
			return err
		}
		update := &figure{shape: &account, operation: "update", statement: updateBulk}
		return withConn(ctx, pool, func(conn *pgx.Conn) error {
			t := times{}
			for _, w := range account.ways(peers)[1:] {
				if _, err := conn.Exec(ctx, account.fill().sql(w), 1, few); err != nil {
					return fmt.Errorf("%s: %w", w, err)
				}
				before, err := historySize(ctx, conn, w)
				if err != nil {
					return err
				}
				if _, err := conn.Exec(ctx, update.sql(w), 1, few); err != nil {
					return fmt.Errorf("%s: %w", w, err)
				}
				after, err := historySize(ctx, conn, w)
				if err != nil {
					return err
				}
				t[w] = []float64{(after.table + after.indexes - before.table - before.indexes) / few}
			}
			results = append(results, t.whole(bytesUpdate, "bytes/version"))
			return nil
		})
	})
	return results, err
}

// measureShopBytes inserts and updates all rows of Chinook in each way.
func measureShopBytes(ctx context.Context, b *bench) (results []result, err error) {
	script, err := readShop()
	if err != nil || script == "" {
		return nil, err
	}
	err = b.withDatabase(ctx, "bytes", func(pool *pgxpool.Pool) error {
		peers, err := findPeers(ctx, pool)
		if err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, script); err != nil {
			return fmt.Errorf("load Chinook: %w", err)
		}
		return withConn(ctx, pool, func(conn *pgx.Conn) error {
			table, indexes, wal := times{}, times{}, times{}
			for _, w := range account.ways(peers) {
				before, err := historySize(ctx, conn, w)
				if err != nil {
					return err
				}
				written, versions, err := changeShop(ctx, pool, conn, w)
				if err != nil {
					return fmt.Errorf("%s: %w", w, err)
				}
				after, err := historySize(ctx, conn, w)
				if err != nil {
					return err
				}
				if w != none {
					table[w] = []float64{(after.table - before.table) / versions}
					indexes[w] = []float64{(after.indexes - before.indexes) / versions}
				}
				wal[w] = []float64{written / versions}
			}
			added, err := wal.added(bytesWAL, "bytes/version")
			if err != nil {
				return err
			}
			for _, r := range []result{table.whole(bytesTable, "bytes/version"), indexes.whole(bytesIndexes, "bytes/version"), added} {
				if b.wants(r.Name) {
					results = append(results, r)
				}
			}
			return nil
		})
	})
	return results, err
}

// readShop returns what makes Chinook's tables, or nothing if they are not there.
func readShop() (string, error) {
	file := os.Getenv("CHRONONAUT_CHINOOK")
	if file == "" {
		file = filepath.Join("..", "..", "shared", "data", "chinook", "chinook-postgresql.sql")
		if _, err := os.Stat("bench"); err == nil { // run from the root
			file = filepath.Join("..", "shared", "data", "chinook", "chinook-postgresql.sql")
		}
	}
	script, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Printf("left out: bytes per version, because the music shop is not at %s; CHRONONAUT_CHINOOK may name chinook-postgresql.sql elsewhere\n", file)
		return "", nil
	}
	// The script begins with making the database, for psql.
	_, ddl, found := strings.Cut(string(script), `\c chinook;`)
	if err == nil && !found {
		err = fmt.Errorf(`%s has no \c chinook`, file)
	}
	return ddl, err
}

// changeShop makes the tables, inserts and updates their rows, and returns how much WAL
// that wrote, and how many versions.
func changeShop(ctx context.Context, pool *pgxpool.Pool, conn *pgx.Conn, w way) (wal, versions float64, err error) {
	schema := shopSchema(w)
	if _, err := pool.Exec(ctx, `CREATE SCHEMA `+schema); err != nil {
		return 0, 0, err
	}
	for _, t := range shopTables {
		create := fmt.Sprintf(`CREATE TABLE %s.%s (LIKE public.%s INCLUDING ALL) WITH (autovacuum_enabled = off)`, schema, t.name, t.name)
		if _, err := pool.Exec(ctx, create); err != nil {
			return 0, 0, err
		}
		if err := keepHistory(ctx, pool, w, schema, t.name, nil); err != nil {
			return 0, 0, err
		}
	}
	var start string
	if err := conn.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn()::text`).Scan(&start); err != nil {
		return 0, 0, err
	}
	for _, t := range shopTables {
		table := schema + "." + t.name
		insert := fmt.Sprintf(`INSERT INTO %s SELECT * FROM public.%s`, table, t.name)
		update := fmt.Sprintf(`UPDATE %s SET %s`, table, t.change)
		if w == limit {
			history := byHand{schema: shopSchema(ours), table: t.name, key: t.key, operation: "insert"}
			insert = `WITH changed AS (` + insert + ` RETURNING *)` + history.insert()
			history.operation = "update"
			update = `WITH changed AS (` + update + `, version = version + 1 RETURNING *)` + history.insert()
		}
		statements := []string{insert, update}
		if t.change == "" {
			statements = statements[:1]
		}
		for _, sql := range statements {
			tag, err := conn.Exec(ctx, sql)
			if err != nil {
				return 0, 0, fmt.Errorf("%s: %w", sql, err)
			}
			versions += float64(tag.RowsAffected())
		}
	}
	err = conn.QueryRow(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn)::float8`, start).Scan(&wal)
	return wal, versions, err
}

func shopSchema(w way) string { return "shop_" + w.String() }

// historySize adds up the tables that a way has for history.
func historySize(ctx context.Context, conn *pgx.Conn, w way) (s size, err error) {
	which := map[way]string{
		none:     `false`,
		limit:    `c.relname = 'history_limit'`,
		ours:     `n.nspname = 'chrononaut'`,
		periods:  `c.relname LIKE '%\_history' AND n.nspname IN ('public', 'shop_periods')`,
		tableLog: `c.relname LIKE '%\_log' AND (n.nspname = 'shop_table_log' OR c.relname = 'account_table_log_log')`,
	}[w]
	err = conn.QueryRow(ctx, `
		SELECT coalesce(sum(pg_table_size(c.oid)), 0)::float8, coalesce(sum(pg_indexes_size(c.oid)), 0)::float8
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND (`+which+`)`).
		Scan(&s.table, &s.indexes)
	if err != nil {
		return s, fmt.Errorf("measure the size of %s: %w", w, err)
	}
	return s, nil
}
