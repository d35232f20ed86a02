package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "github.com/lib/pq"              // the driver postgres
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// door is a way into the database, whose round trips are counted.
type door struct {
	name string
	// open connects, through the adapter or with the driver alone.
	open func(ctx context.Context, url string, adapter bool) (opened, error)
}

// opened does some work: one statement by itself, and a transaction of two.
type opened struct {
	work  func(ctx context.Context) error
	close func() error
}

var doors = []door{
	{"round_trips_chronopgx", openPgx},
	{"round_trips_chronosql", openSQL("pgx")},
	{"round_trips_chronosql_pq", openSQL("postgres")},
	{"round_trips_chronogorm", openGORM},
}

func doorNames() (names []string) {
	for _, d := range doors {
		names = append(names, d.name)
	}
	return names
}

const (
	tripsTable  = `CREATE TABLE trips (id bigint PRIMARY KEY, n integer NOT NULL); INSERT INTO trips VALUES (1, 0)`
	tripsUpdate = `UPDATE trips SET n = n + $1 WHERE id = 1`
)

// measureRoundTrips counts what the driver alone takes without who and why, and what
// the adapter takes with both.
func measureRoundTrips(ctx context.Context, b *bench) (results []result, err error) {
	err = b.withDatabase(ctx, "round_trips", func(pool *pgxpool.Pool) error {
		if _, err := pool.Exec(ctx, tripsTable); err != nil {
			return err
		}
		if err := keepHistory(ctx, pool, ours, "public", "trips", nil); err != nil {
			return err
		}
		databaseURL, err := url.Parse(b.url)
		if err != nil {
			return errors.New(envURL + " is not a URL")
		}
		databaseURL.Path = "/" + pool.Config().ConnConfig.Database
		for _, d := range doors {
			if !b.wants(d.name) {
				continue
			}
			plain, err := d.count(ctx, databaseURL.String(), false)
			if err != nil {
				return fmt.Errorf("%s: the driver alone: %w", d.name, err)
			}
			tracked, err := d.count(ctx, databaseURL.String(), true)
			if err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			results = append(results, result{Name: d.name, Unit: "round trips", None: &plain, Ours: tracked - plain, Peers: map[string]float64{}})
		}
		return nil
	})
	return results, err
}

// count counts the round trips of the work, once everything is prepared.
func (d door) count(ctx context.Context, databaseURL string, adapter bool) (trips float64, err error) {
	proxy, err := wiretest.Listen(ctx, databaseURL)
	if err != nil {
		return 0, err
	}
	defer proxy.Close()
	db, err := d.open(ctx, proxy.URL(), adapter)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if adapter {
		ctx = chrononaut.WithRationale(chrononaut.WithActor(ctx, "ann@example.com"), "benchmark")
	}
	if err := db.work(ctx); err != nil {
		return 0, err
	}
	proxy.Reset()
	if err := db.work(ctx); err != nil {
		return 0, err
	}
	return float64(proxy.RoundTrips()), nil
}

func openPgx(ctx context.Context, databaseURL string, adapter bool) (opened, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return opened{}, err
	}
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return opened{}, err
	}
	var db interface {
		Begin(ctx context.Context) (pgx.Tx, error)
		Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	} = pool
	if adapter {
		db = chronopgx.New(pool, nil)
	}
	return opened{
		close: func() error { pool.Close(); return nil },
		work: func(ctx context.Context) error {
			if _, err := db.Exec(ctx, tripsUpdate, 1); err != nil {
				return err
			}
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				for range 2 {
					if _, err := tx.Exec(ctx, tripsUpdate, 1); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}, nil
}

func openSQL(driver string) func(context.Context, string, bool) (opened, error) {
	return func(_ context.Context, databaseURL string, adapter bool) (opened, error) {
		db, err := openDB(driver, databaseURL, adapter)
		if err != nil {
			return opened{}, err
		}
		return opened{close: db.Close, work: func(ctx context.Context) error {
			if _, err := db.ExecContext(ctx, tripsUpdate, 1); err != nil {
				return err
			}
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			for range 2 {
				if _, err := tx.ExecContext(ctx, tripsUpdate, 1); err != nil {
					return errors.Join(err, tx.Rollback())
				}
			}
			return tx.Commit()
		}}, nil
	}
}

func openGORM(_ context.Context, databaseURL string, adapter bool) (opened, error) {
	pool, err := openDB("pgx", databaseURL, adapter)
	if err != nil {
		return opened{}, err
	}
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{})
	if err == nil && adapter {
		err = db.Use(chronogorm.New(nil))
	}
	if err != nil {
		return opened{}, errors.Join(err, pool.Close())
	}
	return opened{close: pool.Close, work: func(ctx context.Context) error {
		db := db.WithContext(ctx)
		update := func(db *gorm.DB) error { return db.Exec(tripsUpdate, 1).Error }
		if err := update(db); err != nil {
			return err
		}
		return db.Transaction(func(tx *gorm.DB) error {
			if err := update(tx); err != nil {
				return err
			}
			return update(tx)
		})
	}}, nil
}

// openDB opens a pool of one connection.
func openDB(driver, databaseURL string, adapter bool) (*sql.DB, error) {
	open := sql.Open
	if adapter {
		open = func(driver, databaseURL string) (*sql.DB, error) { return chronosql.Open(driver, databaseURL, nil) }
	}
	db, err := open(driver, databaseURL)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}
