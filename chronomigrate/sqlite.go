package chronomigrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// sqliteSchema is what registries and history call the main database.
const sqliteSchema = "main"

type sqliteEngine struct{ driver chronodriver.Driver }

var _ engine = (*sqliteEngine)(nil)

func (e *sqliteEngine) migrations() ([]migration, error) {
	known, err := sqlite.Migrations()
	if err != nil {
		return nil, err
	}
	migrations := make([]migration, len(known))
	for i, m := range known {
		migrations[i] = migration{m.Version, m.Name, m.Up, m.Down}
	}
	return migrations, nil
}

// withLock runs f in a transaction. SQLite has one writer at a time, and a
// transaction that reads before it writes fails when another has written in
// between; so that other migrators are excluded, and f is repeated.
func (e *sqliteEngine) withLock(ctx context.Context, f func(tx chronodriver.Tx) error) error {
	opts := (*ApplyOpts)(nil).withDefaults()
	return e.repeat(ctx, opts, func() error { return inTx(ctx, e.driver, f) })
}

// repeat calls f until the database is not busy any more.
func (e *sqliteEngine) repeat(ctx context.Context, opts *ApplyOpts, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if !chronodriver.Busy(err) {
			return err
		}
		if attempt >= opts.MaxAttempts {
			return hint(fmt.Errorf("%w: no lock after %d attempts: %w", ErrBusy, attempt, err), "Try again when no long transaction writes to the database, or allow a longer lock timeout.")
		}
		pause := time.NewTimer(opts.LockTimeout / 4)
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
	}
}

func (e *sqliteEngine) version(ctx context.Context, q chronodriver.Queryer) (int, error) {
	var installed bool
	if err := queryRow(ctx, q, []any{&installed}, `SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'chrononaut_migration')`); err != nil || !installed {
		return 0, err
	}
	var version int
	err := queryRow(ctx, q, []any{&version}, `SELECT coalesce(max(version), 0) FROM main.chrononaut_migration`)
	return version, err
}

// settle has nothing to do: the numbers of transactions are in the file.
func (e *sqliteEngine) settle(context.Context, chronodriver.Tx) error { return nil }

func (e *sqliteEngine) setVersion(ctx context.Context, tx chronodriver.Tx, m migration, up bool) error {
	name := "migrated"
	if !up {
		name = "reverted"
	}
	sql, err := sqlite.MigrationSQL(name, sqlite.Migration{Version: m.Version, Name: m.Name})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

func (e *sqliteEngine) tables(ctx context.Context, q chronodriver.Queryer) (tables []TrackedTable, err error) {
	registered, err := e.registry(ctx, q)
	for _, r := range registered {
		tables = append(tables, r.TrackedTable)
	}
	return tables, err
}

// sqliteTable is a row of the registry with what only this engine keeps.
type sqliteTable struct {
	TrackedTable
	// known are the columns that the triggers were generated for.
	known []string
}

func (e *sqliteEngine) registry(ctx context.Context, q chronodriver.Queryer) (tables []sqliteTable, err error) {
	sql, err := sqlite.Query("tables")
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t sqliteTable
		var since, keys, options string
		if err := rows.Scan(&t.Table.Schema, &t.Table.Name, &t.Tracked, &since, &keys, &options); err != nil {
			return nil, err
		}
		if t.Since, err = time.Parse(time.RFC3339Nano, since); err != nil {
			return nil, fmt.Errorf("read registry of %s: %w", t.Table, err)
		}
		if err := json.Unmarshal([]byte(keys), &t.KeyColumns); err != nil {
			return nil, fmt.Errorf("read key columns of %s: %w", t.Table, err)
		}
		decoded, err := sqlite.DecodeOptions(options)
		if err != nil {
			return nil, fmt.Errorf("read options of %s: %w", t.Table, err)
		}
		t.known = decoded.Known
		t.Options = TrackOptions{
			Hidden: decoded.Hidden, Untracked: decoded.Untracked, VersionColumn: decoded.VersionColumn,
			Strict: decoded.Strict, RecordChanges: decoded.RecordChanges, NoHistory: decoded.NoHistory,
		}
		tables = append(tables, t)
	}
	return tables, rows.Err()
}

func (e *sqliteEngine) uncovered(ctx context.Context, q chronodriver.Queryer) ([]chronodriver.Table, error) {
	sql, err := sqlite.Query("uncovered")
	if err != nil {
		return nil, err
	}
	names, err := queryStrings(ctx, q, sql)
	tables := make([]chronodriver.Table, len(names))
	for i, name := range names {
		tables[i] = chronodriver.Table{Schema: sqliteSchema, Name: name}
	}
	return tables, err
}

// apply runs a plan. While another connection writes, it waits for the lock of
// the database as long as the options say.
func (e *sqliteEngine) apply(ctx context.Context, opts *ApplyOpts, plan func(tx chronodriver.Tx) (*Plan, error)) (*Plan, error) {
	var result *Plan
	err := e.repeat(ctx, opts, func() error {
		return inTx(ctx, e.driver, func(tx chronodriver.Tx) (err error) {
			if result, err = plan(tx); err != nil || opts.DryRun {
				return err
			}
			for _, step := range result.Steps {
				if _, err := tx.Exec(ctx, step.SQL, step.Args...); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (e *sqliteEngine) wrap(err error) error {
	if err == nil || isKnown(err) {
		return err
	}
	switch message := err.Error(); {
	case chronodriver.Busy(err):
		return hint(fmt.Errorf("%w: %w", ErrBusy, err), "Try again when no long transaction writes to the database.")
	case strings.Contains(message, "readonly database") || strings.Contains(message, "read-only database") || strings.Contains(message, "read only"):
		return hint(fmt.Errorf("%w: %w", ErrReadOnly, err), "Open the database for writing, and check the permissions of the file and its directory.")
	}
	return err
}

// queryStrings returns the first column of a query.
func queryStrings(ctx context.Context, q chronodriver.Queryer, sql string, args ...any) (values []string, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}
