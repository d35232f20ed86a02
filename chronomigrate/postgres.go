package chronomigrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// migrationLock is the key of the advisory lock that migrators take: "chrono"
// in ASCII.
const migrationLock = 0x6368726f6e6f

type postgresEngine struct {
	driver chronodriver.Driver
	schema string
}

var _ engine = (*postgresEngine)(nil)

func (e *postgresEngine) migrations() ([]migration, error) {
	rendered, err := postgres.Migrations(e.schema)
	if err != nil {
		return nil, err
	}
	var migrations []migration
	for _, m := range rendered {
		migrations = append(migrations, migration{m.Version, m.Name, m.Up, m.Down})
	}
	return migrations, nil
}

func (e *postgresEngine) withLock(ctx context.Context, f func(tx chronodriver.Tx) error) error {
	return inTx(ctx, e.driver, func(tx chronodriver.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)`, int64(migrationLock)); err != nil {
			return err
		}
		return f(tx)
	})
}

func (e *postgresEngine) version(ctx context.Context, q chronodriver.Queryer) (int, error) {
	var installed bool
	if err := queryRow(ctx, q, []any{&installed},
		// Not to_regclass(), which may answer from a cache of before the lock.
		`SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		                 WHERE n.nspname = $1::text AND c.relname = 'chrononaut_migration')`,
		e.schema); err != nil || !installed {
		return 0, err
	}
	sql, err := postgres.Query(e.schema, "version.sql", nil)
	if err != nil {
		return 0, err
	}
	var version int
	err = queryRow(ctx, q, []any{&version}, sql)
	return version, err
}

func (e *postgresEngine) setVersion(ctx context.Context, tx chronodriver.Tx, m migration, up bool) error {
	args := postgres.Migration{Version: m.Version, Name: m.Name}
	name := "plan.sql#migrated"
	if !up {
		name = "plan.sql#reverted"
	}
	sql, err := postgres.Query(e.schema, name, args)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

func (e *postgresEngine) settle(ctx context.Context, tx chronodriver.Tx) error {
	// Asked first, because not everybody may settle it.
	sql, err := postgres.Query(e.schema, "plan.sql#moved", nil)
	if err != nil {
		return err
	}
	var moved bool
	if err := queryRow(ctx, tx, []any{&moved}, sql); err != nil || !moved {
		return err
	}
	if sql, err = postgres.Query(e.schema, "plan.sql#settle", nil); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

func (e *postgresEngine) tables(ctx context.Context, q chronodriver.Queryer) ([]TrackedTable, error) {
	sql, err := postgres.Query(e.schema, "tables.sql", nil)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []TrackedTable
	for rows.Next() {
		var t TrackedTable
		var keys, options string
		if err := rows.Scan(&t.Table.Schema, &t.Table.Name, &t.Tracked, &t.Since, &keys, &options, &t.unregistered); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(keys), &t.KeyColumns); err != nil {
			return nil, fmt.Errorf("read key columns of %s: %w", t.Table, err)
		}
		if t.Options, t.adopted, t.python, t.aliases, err = decodeOptions(options); err != nil {
			return nil, fmt.Errorf("read options of %s: %w", t.Table, err)
		}
		tables = append(tables, t)
	}
	return tables, errors.Join(rows.Err(), rows.Close())
}

func (e *postgresEngine) uncovered(ctx context.Context, q chronodriver.Queryer) ([]chronodriver.Table, error) {
	sql, err := postgres.Query(e.schema, "uncovered.sql", nil)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []chronodriver.Table
	for rows.Next() {
		var t chronodriver.Table
		if err := rows.Scan(&t.Schema, &t.Name); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, errors.Join(rows.Err(), rows.Close())
}

// apply waits for the table's lock only briefly at a time: while it waits, new
// writers queue up behind it.
func (e *postgresEngine) apply(ctx context.Context, opts *ApplyOpts, plan func(tx chronodriver.Tx) (*Plan, error)) (*Plan, error) {
	var result *Plan
	err := e.retry(ctx, opts, func(tx chronodriver.Tx) error {
		var err error
		if result, err = plan(tx); err != nil {
			return err
		}
		if err := e.keepHardened(ctx, tx, result); err != nil || opts.DryRun {
			return err
		}
		if err := setLockTimeout(ctx, tx, opts); err != nil {
			return err
		}
		if err := e.lockRegistered(ctx, tx, result); err != nil {
			return err
		}
		for _, step := range result.Steps {
			if _, err := tx.Exec(ctx, step.SQL); err != nil {
				return err
			}
		}
		return nil
	})
	return result, err
}

func setLockTimeout(ctx context.Context, tx chronodriver.Tx, opts *ApplyOpts) error {
	timeout := fmt.Sprintf("%dms", max(opts.LockTimeout.Milliseconds(), 1))
	_, err := tx.Exec(ctx, `SELECT pg_catalog.set_config('lock_timeout', $1::text, true)`, timeout)
	return err
}

// retry runs f in a transaction that excludes other migrators, and again when it
// cannot have a lock.
func (e *postgresEngine) retry(ctx context.Context, opts *ApplyOpts, f func(tx chronodriver.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := e.withLock(ctx, f)
		const lockNotAvailable, deadlockDetected = "55P03", "40P01"
		state := chronodriver.State(err)
		if state != lockNotAvailable && state != deadlockDetected {
			return err
		}
		if attempt >= opts.MaxAttempts {
			return hint(fmt.Errorf("%w: no lock after %d attempts", ErrBusy, attempt), "Try again when no long transaction uses the table, or allow a longer lock timeout.")
		}
		// Let the writers that queued up behind the attempt go first.
		pause := time.NewTimer(opts.LockTimeout / 4)
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// lockRegistered takes the registry's row before the plan locks the table, in
// the order in which a baseline takes them.
func (e *postgresEngine) lockRegistered(ctx context.Context, tx chronodriver.Tx, plan *Plan) error {
	if plan.Empty() {
		return nil
	}
	sql, err := postgres.Query(e.schema, "plan.sql#lock_registered", nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql, plan.Table.Schema, plan.Table.Name)
	return err
}

func (e *postgresEngine) wrap(err error) error {
	if err == nil {
		return nil
	}
	if isKnown(err) {
		return err
	}
	switch chronodriver.State(err) {
	case "42501":
		return hint(fmt.Errorf("%w: %w", ErrPrivilege, err), e.privilegeHint(err))
	case "54011":
		return hint(fmt.Errorf("%w: %w", ErrNotTrackable, err), "The version needs a column; drop one, or adopt an integer column: --version-column NAME.")
	case chronodriver.StateNotTrackable:
		return hint(fmt.Errorf("%w: %w", ErrNotTrackable, err), "Track each table that the view reads, and mirror each view, first.")
	case "25006":
		return hint(fmt.Errorf("%w: %w", ErrReadOnly, err), "Connect to the primary server, without default_transaction_read_only.")
	}
	return chrononaut.WrapError(err)
}

var deniedObject = regexp.MustCompile(`permission denied for (schema|database|table|view|sequence|function) ([^\n]*?)(?: \(SQLSTATE|$|\n)`)

// privilegeHint says what a role lacks: who reads history need not be able to
// change what is tracked.
func (e *postgresEngine) privilegeHint(err error) string {
	const history = "To read, the role needs USAGE on the history schema and SELECT on its tables; to install and to track, it needs to own them and the table. See docs/command.md."
	denied := deniedObject.FindStringSubmatch(err.Error())
	switch {
	case denied == nil: // It must be the owner of something.
		return "The role needs to own the table, or be a member of its owner."
	case denied[1] == "database":
		return "The role needs CREATE on the database."
	case denied[1] == "schema" && denied[2] == e.schema, denied[1] != "schema" && strings.HasPrefix(denied[2], "chrononaut_"):
		return history
	case denied[1] == "schema":
		return "The role needs USAGE on the schema " + postgres.QuoteIdent(denied[2]) + ", and CREATE to make something there."
	}
	return "The role needs to own the table and history."
}

// isKnown reports whether an error is one of this package already.
func isKnown(err error) bool {
	return slices.ContainsFunc([]error{
		ErrNoTable, ErrNoColumn, ErrNoKey, ErrNotTrackable, ErrVersionColumn, ErrOption, ErrNoHistory,
		ErrNewerHistory, ErrNotTracked, ErrStillTracked, ErrPrivilege, ErrBusy, ErrReadOnly, ErrShape, ErrRole, errors.ErrUnsupported,
	}, func(known error) bool { return errors.Is(err, known) })
}

// inTx runs f in a transaction.
func inTx(ctx context.Context, driver chronodriver.Driver, f func(tx chronodriver.Tx) error) error {
	tx, err := driver.Begin(ctx)
	if err != nil {
		return err
	}
	// After a commit this does nothing; after an error the error counts.
	defer tx.Rollback(context.WithoutCancel(ctx))
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

var errNoRow = errors.New("no row")

// queryRow scans the only row of a query; errNoRow when there is none.
func queryRow(ctx context.Context, q chronodriver.Queryer, dest []any, sql string, args ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		return errNoRow
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return errors.Join(rows.Err(), rows.Close())
}
