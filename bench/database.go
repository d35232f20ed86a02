package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

var (
	//go:embed sql/setup.sql
	setupSQL string
	//go:embed sql/limit.sql
	limitSQL string
)

const cleanUpTimeout = 30 * time.Second

// withDatabase creates a database with the tables, calls f with connections to
// it, and drops the database again unless it is to be kept.
func withDatabase(ctx context.Context, url string, keep bool, f func(*pgxpool.Pool) error) (err error) {
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the server of %s: %w", envURL, err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, admin.Close)) }()

	name := pgx.Identifier{fmt.Sprintf("chrononaut_bench_%d", os.Getpid())}.Sanitize()
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return fmt.Errorf("create a database: %w", err)
	}
	defer func() {
		if keep {
			fmt.Printf("kept: database %s\n", name)
			return
		}
		drop := cleanUp(ctx, func(ctx context.Context) error {
			_, err := admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
			return err
		})
		if drop != nil {
			err = errors.Join(err, fmt.Errorf("drop the database: %w", drop))
		}
	}()

	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read %s: %w", envURL, err)
	}
	config.ConnConfig.Database = strings.Trim(name, `"`)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer pool.Close()
	if err := setUp(ctx, pool); err != nil {
		return fmt.Errorf("set up the tables: %w", err)
	}
	return f(pool)
}

// cleanUp calls f also after an interrupt.
func cleanUp(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	return f(ctx)
}

// setUp creates the three tables and tracks the one that is ours.
func setUp(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, setupSQL); err != nil {
		return err
	}
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx, nil); err != nil {
		return err
	}
	if _, err := m.Track(ctx, chrononaut.Table{Name: "account_ours"}, nil, nil); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, limitSQL)
	return err
}

// server says what the figures were measured on.
type server struct{ version, settings string }

func describeServer(ctx context.Context, pool *pgxpool.Pool) (s server, err error) {
	err = pool.QueryRow(ctx, `
		SELECT version(), string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY position)
		  FROM unnest(ARRAY['fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'shared_buffers']) WITH ORDINALITY AS s (name, position)`).
		Scan(&s.version, &s.settings)
	if err != nil {
		return s, fmt.Errorf("read the server's settings: %w", err)
	}
	return s, nil
}
