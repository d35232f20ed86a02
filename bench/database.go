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

	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

//go:embed sql/limit.sql
var limitSQL string

const cleanUpTimeout = 30 * time.Second

// withDatabase creates a database that keeps history, calls f with connections to
// it, and drops the database again unless it is to be kept.
func (b *bench) withDatabase(ctx context.Context, name string, f func(*pgxpool.Pool) error) (err error) {
	name = fmt.Sprintf("chrononaut_bench_%s_%d", name, os.Getpid())
	if err := b.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return fmt.Errorf("create a database: %w", err)
	}
	defer func() {
		if b.keep {
			fmt.Printf("kept: database %s\n", name)
			return
		}
		drop := cleanUp(ctx, func(ctx context.Context) error { return b.admin(ctx, "DROP DATABASE "+name+" WITH (FORCE)") })
		if drop != nil {
			err = errors.Join(err, fmt.Errorf("drop the database: %w", drop))
		}
	}()
	return b.connected(ctx, name, func(pool *pgxpool.Pool) error {
		if err := installHistory(ctx, pool); err != nil {
			return fmt.Errorf("install history: %w", err)
		}
		return f(pool)
	})
}

// admin runs a statement on the server's first database.
func (b *bench) admin(ctx context.Context, sql string) (err error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return fmt.Errorf("connect to the server of %s: %w", envURL, err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// connected calls f with connections to a database.
func (b *bench) connected(ctx context.Context, database string, f func(*pgxpool.Pool) error) error {
	config, err := pgxpool.ParseConfig(b.url)
	if err != nil {
		return fmt.Errorf("read %s: %w", envURL, err)
	}
	config.ConnConfig.Database = database
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer pool.Close()
	return f(pool)
}

// installHistory makes our history, and the limit's.
func installHistory(ctx context.Context, pool *pgxpool.Pool) error {
	m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx, nil); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, limitSQL)
	return err
}

// withConn calls f with a connection of its own, whose changes are attributed.
func withConn(ctx context.Context, pool *pgxpool.Pool, f func(*pgx.Conn) error) (err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	if _, err := conn.Exec(ctx, `SELECT set_config('chrononaut.context', $1, false)`, attribution); err != nil {
		return fmt.Errorf("say who changes the rows: %w", err)
	}
	return f(conn)
}

// cleanUp calls f also after an interrupt.
func cleanUp(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	return f(ctx)
}

// describeServer says what the figures are measured on.
func (b *bench) describeServer(ctx context.Context) (description string, err error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return "", fmt.Errorf("connect to the server of %s: %w", envURL, err)
	}
	defer func() { err = errors.Join(err, cleanUp(ctx, conn.Close)) }()
	var version, settings string
	err = conn.QueryRow(ctx, `
		SELECT version(), string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY position)
		  FROM unnest(ARRAY['fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'shared_buffers']) WITH ORDINALITY AS s (name, position)`).
		Scan(&version, &settings)
	if err != nil {
		return "", fmt.Errorf("read the server's settings: %w", err)
	}
	return strings.Join([]string{version, settings}, "; "), nil
}
