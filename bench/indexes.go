package main

import (
	"context"
	"fmt"
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
			// An insert and an update of each row.
			update := &figure{shape: &account, operation: "update", statement: updateBulk}
			for _, f := range []*figure{account.fill(), update} {
				if _, err := conn.Exec(ctx, f.sql(ours), 1, rows); err != nil {
					return err
				}
			}
			indexes, err := singleIndexes(ctx, conn)
			if err != nil {
				return err
			}
			took, err := fillIndexes(ctx, conn, indexes, rounds)
			if err != nil {
				return err
			}
			bare := took[0]
			for i, x := range indexes[1:] {
				added := make([]float64, rounds)
				for round, with := range took[i+1] {
					added[round] = with - bare[round]
				}
				var size float64
				err := conn.QueryRow(ctx, `SELECT pg_indexes_size($1::text::regclass)::float8 / (SELECT count(*) FROM chrononaut.chrononaut_activity)`, x.table).Scan(&size)
				if err != nil {
					return err
				}
				name := indexFigure + "/" + x.name
				results = append(results,
					times{none: bare, ours: added}.whole(name, "µs/row"),
					times{ours: {size}}.whole(name+"_bytes", "bytes/version"))
			}
			return nil
		})
	})
	return results, err
}

// fillIndexes returns the µs that inserting a version into each table takes, by round.
func fillIndexes(ctx context.Context, conn *pgx.Conn, indexes []index, rounds int) ([][]float64, error) {
	took := make([][]float64, len(indexes))
	for round := range rounds {
		for turn := range indexes {
			i := (turn + round) % len(indexes)
			if _, err := conn.Exec(ctx, `TRUNCATE `+indexes[i].table); err != nil {
				return nil, err
			}
			start := time.Now()
			tag, err := conn.Exec(ctx, `INSERT INTO `+indexes[i].table+` SELECT * FROM chrononaut.chrononaut_activity`)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", indexes[i].name, err)
			}
			took[i] = append(took[i], microseconds(time.Since(start))/float64(tag.RowsAffected()))
		}
	}
	return took, nil
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
