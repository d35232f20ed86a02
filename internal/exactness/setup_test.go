package exactness_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// lab is a database with history, and connections to it.
type lab struct {
	*testing.T
	db       *pgtest.Database
	pool     *pgxpool.Pool
	migrator *chronomigrate.Migrator
	layout   chronomigrate.Layout
}

// layouts are the ways in which queries of the past find the state of a table.
var layouts = []chronomigrate.Layout{chronomigrate.LayoutJSON, chronomigrate.LayoutPeriod}

func newLab(t *testing.T) *lab {
	t.Helper()
	db := pgtest.NewFrom(t, "exactness", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		_, err = m.Up(ctx, nil)
		return err
	})
	return openLab(t, db)
}

// openLab connects to a database, where history may be missing still.
func openLab(t *testing.T, db *pgtest.Database) *lab {
	t.Helper()
	config, err := pgxpool.ParseConfig(db.URL())
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 40
	// There are many deadlocks, which need not take a second each.
	config.ConnConfig.RuntimeParams["deadlock_timeout"] = "50ms"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &lab{T: t, db: db, pool: pool, migrator: m}
}

// in is the lab in a subtest.
func (l *lab) in(t *testing.T) *lab {
	t.Helper()
	return &lab{T: t, db: l.db, pool: l.pool, migrator: l.migrator, layout: l.layout}
}

// exec runs statements, each in a transaction of its own.
func (l *lab) exec(statements ...string) {
	l.Helper()
	for _, sql := range statements {
		if _, err := l.pool.Exec(l.Context(), sql); err != nil {
			l.Fatalf("%s\n%v", sql, describe(err))
		}
	}
}

func describe(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return fmt.Errorf("%w\ndetail: %s\nhint: %s\nwhere: %s", err, e.Detail, e.Hint, e.Where)
	}
	return err
}

// value reads one value.
func value[V any](l *lab, sql string, args ...any) V {
	l.Helper()
	var v V
	if err := l.pool.QueryRow(l.Context(), sql, args...).Scan(&v); err != nil {
		l.Fatalf("%s\n%v", sql, describe(err))
	}
	return v
}

// now is the time by the database's clock.
func (l *lab) now() time.Time {
	l.Helper()
	return value[time.Time](l, "SELECT clock_timestamp()")
}

// track tracks a table with its present rows.
func (l *lab) track(table string, opts *chronomigrate.TrackOptions) {
	l.Helper()
	parsed, err := chrononaut.ParseTable(table)
	if err != nil {
		l.Fatal(err)
	}
	if l.layout != "" {
		o := chronomigrate.TrackOptions{}
		if opts != nil {
			o = *opts
		}
		o.Layout = l.layout
		opts = &o
	}
	if _, err := l.migrator.Track(l.Context(), parsed, opts, nil); err != nil {
		l.Fatalf("track %s: %v", table, describe(err))
	}
	if _, err := l.migrator.Baseline(l.Context(), parsed, nil); err != nil {
		l.Fatalf("baseline of %s: %v", table, describe(err))
	}
	if l.layout != chronomigrate.LayoutPeriod {
		return
	}
	if _, err := l.migrator.BuildPeriods(l.Context(), parsed, nil); err != nil {
		l.Fatalf("periods of %s: %v", table, describe(err))
	}
}

// past runs f in a transaction that reads the past at a point.
func (l *lab) past(p chrononaut.Point, f func(ctx context.Context, tx pgx.Tx) error) error {
	return l.pastWith(p, nil, pgx.TxOptions{}, f)
}

func (l *lab) pastWith(p chrononaut.Point, opts *chrononaut.AsOfOpts, options pgx.TxOptions, f func(ctx context.Context, tx pgx.Tx) error) error {
	ctx := l.Context()
	point, _ := chrononaut.EncodeAsOf(chrononaut.AsOfPoint(ctx, p, opts))
	return pgx.BeginTxFunc(ctx, l.pool, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT chrononaut.travel($1::jsonb)", point); err != nil {
			return err
		}
		if err := f(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "SELECT chrononaut.travel_end()")
		return err
	})
}

// lines reads one text column of the past, row by row.
func (l *lab) lines(p chrononaut.Point, sql string) (lines []string, err error) {
	l.Helper()
	err = l.past(p, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql+" /* past */")
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return lines, err
}

// want reads one text column of the past and compares it.
func (l *lab) want(p chrononaut.Point, sql string, want ...string) {
	l.Helper()
	got, err := l.lines(p, sql)
	if err != nil {
		l.Errorf("%s: %s\n%v", p, sql, describe(err))
		return
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		l.Errorf("%s: %s = %q, want %q", p, sql, got, want)
	}
}

// refused wants an error of a kind where a point is read.
func (l *lab) refused(p chrononaut.Point, sql string, want error) {
	l.Helper()
	got, err := l.lines(p, sql)
	if !errors.Is(chrononaut.WrapError(err), want) {
		l.Errorf("%s: %s = %q, %v; want the error %v", p, sql, got, describe(err), want)
	}
}

// isRolledBack reports whether a writer lost a race, after which its transaction
// has no effect.
func isRolledBack(err error) bool {
	switch chronodriver.State(err) {
	case "40001", "40P01", "23505", "23503":
		return true
	}
	return errors.Is(err, errOnPurpose)
}

var errOnPurpose = errors.New("rolled back on purpose")

// soakTime is how long soak tests run; they are skipped without it.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("CHRONONAUT_TEST_SOAK")
	if text == "" {
		t.Skip("CHRONONAUT_TEST_SOAK is not set")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("CHRONONAUT_TEST_SOAK: %v", err)
	}
	return d
}

// soakNumber is another number in the environment, for longer runs.
func soakNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
