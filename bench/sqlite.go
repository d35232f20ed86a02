package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver sqlite

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

var (
	//go:embed sql/sqlite.sql
	sqliteSQL string
	//go:embed sql/sqlite_limit.sql
	sqliteLimitSQL string
)

const (
	sqliteOne  = "sqlite_update_one"
	sqliteBulk = "sqlite_update_bulk"
)

// sqlite measures updates in a file.
type sqlite struct {
	db      *sql.DB
	rows    int
	singles int // transactions of a block in one round, for each way
	// prepared are the statements that update a row by its key.
	prepared map[way]*sql.Stmt
}

func measureSQLite(ctx context.Context, b *bench) (results []result, err error) {
	dir, err := os.MkdirTemp("", "chrononaut-bench-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Nothing is synchronized, as on the server.
	dsn := "file:" + filepath.Join(dir, "bench.db") + "?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(off)"
	db, err := chronosql.Open("sqlite", dsn, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	s := &sqlite{db: db, rows: 20_000, singles: 20}
	if b.short {
		s.rows = 2_000
	}
	if err := s.setUp(ctx); err != nil {
		return nil, fmt.Errorf("set up the tables: %w", err)
	}
	for _, f := range []struct {
		name  string
		round func(ctx context.Context, round int) (map[way]time.Duration, error)
	}{{sqliteOne, s.one}, {sqliteBulk, s.bulk}} {
		if !b.wants(f.name) {
			continue
		}
		t := times{}
		for round := range roundCount {
			took, err := f.round(ctx, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			for w, d := range took {
				t[w] = append(t[w], microseconds(d))
			}
		}
		r, err := t.added(f.name, "µs/row")
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, s.verify(ctx)
}

// setUp makes three tables; the limit's history has the columns and indexes of ours.
func (s *sqlite) setUp(ctx context.Context) error {
	m, err := chronomigrate.New(chronosql.NewDriver(s.db, chronodriver.SQLite, nil), nil)
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx, nil); err != nil {
		return err
	}
	var history string
	err = s.db.QueryRowContext(ctx, `SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE tbl_name = 'chrononaut_activity' AND type IN ('table', 'index') ORDER BY type DESC)`).
		Scan(&history)
	if err != nil {
		return err
	}
	statements := []string{strings.ReplaceAll(history, "chrononaut_activity", "history_limit")}
	for _, w := range ourWays {
		statements = append(statements, strings.NewReplacer("TABLE_NAME", account.table(w), "ROWS", strconv.Itoa(s.rows)).Replace(sqliteSQL))
	}
	for _, statement := range append(statements, sqliteLimitSQL) {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if _, err := m.Track(ctx, chrononaut.Table{Name: account.table(ours)}, nil, nil); err != nil {
		return err
	}
	// Ours numbers the rows that were there before at their first change.
	for _, w := range ourWays {
		if _, err := s.updateAll(ctx, w); err != nil {
			return err
		}
	}
	if _, err := s.db.ExecContext(ctx, `ANALYZE`); err != nil {
		return err
	}
	return s.prepareOne(ctx)
}

// prepareOne prepares the statements: SQLite compiles the triggers along with them.
func (s *sqlite) prepareOne(ctx context.Context) (err error) {
	s.prepared = map[way]*sql.Stmt{}
	for _, w := range ourWays {
		if s.prepared[w], err = s.db.PrepareContext(ctx, updateSQLite(w)+` WHERE id = ?`); err != nil { //nolint:sqlclosecheck // closed with the database
			return err
		}
	}
	return nil
}

func updateSQLite(w way) string { return `UPDATE ` + account.table(w) + ` SET balance = balance + 1` }

// inTransaction measures f and its transaction, which has an actor and a rationale.
func (s *sqlite) inTransaction(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) (took time.Duration, err error) {
	ctx = chrononaut.WithRationale(chrononaut.WithActor(ctx, "ann@example.com"), "benchmark")
	start := time.Now()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	if err := f(ctx, tx); err != nil {
		return 0, errors.Join(err, tx.Rollback())
	}
	err = tx.Commit()
	return time.Since(start), err
}

// updateRows updates rows by their ids, in one transaction.
func (s *sqlite) updateRows(ctx context.Context, w way, ids []int) (time.Duration, error) {
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		stmt := tx.StmtContext(ctx, s.prepared[w])
		defer func() { err = errors.Join(err, stmt.Close()) }()
		for _, id := range ids {
			if _, err := stmt.ExecContext(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// updateAll updates all rows in one statement.
func (s *sqlite) updateAll(ctx context.Context, w way) (time.Duration, error) {
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, updateSQLite(w))
		return err
	})
}

// turns are the ways, in an order that differs from turn to turn.
func (s *sqlite) turns(turn int) []way {
	first := turn % len(ourWays)
	return slices.Concat(ourWays[first:], ourWays[:first])
}

// one updates rows one by one, a block of them in a transaction.
func (s *sqlite) one(ctx context.Context, round int) (map[way]time.Duration, error) {
	blocks := map[way][]time.Duration{}
	for b := range s.singles {
		var ids []int
		for n := range block {
			ids = append(ids, (b*block+n)*7919%s.rows+1)
		}
		for _, w := range s.turns(round + b) {
			took, err := s.updateRows(ctx, w, ids)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w, err)
			}
			blocks[w] = append(blocks[w], took/block)
		}
	}
	return medians(blocks), nil
}

// bulk updates all rows in one statement.
func (s *sqlite) bulk(ctx context.Context, round int) (map[way]time.Duration, error) {
	took := map[way]time.Duration{}
	for _, w := range s.turns(round) {
		d, err := s.updateAll(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w, err)
		}
		took[w] = d / time.Duration(s.rows)
	}
	return took, nil
}

// verify makes sure that ours and the limit have recorded the same.
func (s *sqlite) verify(ctx context.Context) error {
	read := func(w way, history string) (n int, last map[string]any, err error) {
		var row string
		err = s.db.QueryRowContext(ctx, `SELECT count(*), (
			SELECT json_object('id', b.id, 'changed', b.changed, 'version', b.version, 'key', json(b.key), 'data', json(b.data), 'user_info', json(b.user_info),
			                   'extra_info', json(b.extra_info), 'operation', b.operation, 'transaction_id', b.transaction_id, 'previous_key', b.previous_key)
			  FROM `+history+` AS b WHERE b.table_name = a.table_name ORDER BY b.id DESC LIMIT 1)
			FROM `+history+` AS a WHERE a.table_name = ? AND a.operation = 'update'`, account.table(w)).Scan(&n, &row)
		if err != nil {
			return 0, nil, fmt.Errorf("read the history of %s: %w", w, err)
		}
		return n, last, json.Unmarshal([]byte(row), &last)
	}
	n, mine, err := read(ours, "chrononaut_activity")
	if err != nil {
		return err
	}
	m, byHand, err := read(limit, "history_limit")
	if err != nil {
		return err
	}
	if n != m {
		return fmt.Errorf("ours has %d changes, the limit %d", n, m)
	}
	return compareChanges(mine, byHand, sameValues...)
}
