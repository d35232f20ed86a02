package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// indexFigure has the parts index/NAME and index/NAME_bytes.
const indexFigure = "index"

// index is an index of history, by itself on a table of its own.
type index struct {
	name, table string
}

// measureIndexes measures what each index of history takes for itself: it inserts the
// same versions into tables that have one index each, and into one that has none.
func measureIndexes(ctx context.Context, b *bench) (results []result, err error) {
	rounds, rows := 5, few
	if b.short {
		rounds, rows = 3, few/10
	}
	err = b.withDatabase(ctx, "indexes", func(pool *pgxpool.Pool) error {
		return withConn(ctx, pool, func(conn *pgx.Conn) error {
			if err := makeTables(ctx, pool, []*shape{&account}, nil); err != nil {
				return err
			}
			// An insert and an update of each row, as they are mixed in life.
			fill, update := account.fill(), &figure{shape: &account, operation: "update", statement: updateBulk}
			for _, f := range []*figure{fill, update} {
				if _, err := conn.Exec(ctx, f.sql(ours), 1, rows); err != nil {
					return err
				}
			}
			indexes, err := singleIndexes(ctx, conn)
			if err != nil {
				return err
			}
			took := make([]times, len(indexes))
			for round := range rounds {
				for i := range indexes {
					i = (i + round) % len(indexes)
					start := time.Now()
					tag, err := conn.Exec(ctx, `INSERT INTO `+indexes[i].table+` SELECT * FROM chrononaut.chrononaut_activity`)
					if err != nil {
						return fmt.Errorf("%s: %w", indexes[i].name, err)
					}
					if took[i] == nil {
						took[i] = times{}
					}
					took[i][ours] = append(took[i][ours], microseconds(time.Since(start))/float64(tag.RowsAffected()))
					if round == rounds-1 { // the size is read
						continue
					}
					if _, err := conn.Exec(ctx, `TRUNCATE `+indexes[i].table); err != nil {
						return err
					}
				}
			}
			for i, x := range indexes[1:] {
				t := times{none: took[0][ours], ours: slices.Clone(took[i+1][ours])}
				for round, without := range t[none] {
					t[ours][round] -= without
				}
				results = append(results, t.whole(indexFigure+"/"+x.name, "µs/row"))
				var size float64
				err := conn.QueryRow(ctx, `SELECT pg_indexes_size(format('%I', $1::text))::float8 / (SELECT count(*) FROM chrononaut.chrononaut_activity)`, x.table).Scan(&size)
				if err != nil {
					return err
				}
				results = append(results, times{ours: {size}}.whole(indexFigure+"/"+x.name+"_bytes", "bytes/version"))
			}
			return nil
		})
	})
	return results, err
}

// singleIndexes makes a table for each index of history, after one that has none.
func singleIndexes(ctx context.Context, conn *pgx.Conn) ([]index, error) {
	rows, err := conn.Query(ctx, `
		SELECT relname::text, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
		 WHERE indrelid = 'chrononaut.chrononaut_activity'::regclass ORDER BY indexrelid`)
	if err != nil {
		return nil, err
	}
	found := []index{{name: "none", table: "single_none"}}
	statements := []string{`CREATE TABLE single_none (LIKE chrononaut.chrononaut_activity) WITH (autovacuum_enabled = off)`}
	var name, definition string
	_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		name := strings.TrimPrefix(name, "chrononaut_activity_")
		table := "single_" + name
		found = append(found, index{name, table})
		statements = append(statements,
			`CREATE TABLE `+table+` (LIKE chrononaut.chrononaut_activity) WITH (autovacuum_enabled = off)`,
			strings.Replace(definition, " ON chrononaut.chrononaut_activity ", " ON "+table+" ", 1))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return found, nil
}
