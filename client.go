package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Client reads history. Adapters make it. It is safe for concurrent use.
type Client struct {
	queryer chronodriver.Queryer
	reader  reader

	mu     sync.Mutex
	tables map[Table]*tableInfo
}

// NewClient returns a client for a database or a transaction on it. A nil
// config means the defaults.
func NewClient(queryer chronodriver.Queryer, dialect chronodriver.Dialect, config *Config) (*Client, error) {
	r, err := readerFor(dialect, config)
	if err != nil {
		return nil, err
	}
	return &Client{queryer: present{queryer}, reader: r, tables: map[Table]*tableInfo{}}, nil
}

// With returns a client that reads through another queryer, a transaction for
// example, and shares what it knows of the tables.
func (c *Client) With(queryer chronodriver.Queryer) *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	tables := make(map[Table]*tableInfo, len(c.tables))
	for name, info := range c.tables {
		tables[name] = info
	}
	return &Client{queryer: present{queryer}, reader: c.reader, tables: tables}
}

// present reads history itself, also under a context or in a transaction whose
// queries read the past.
type present struct{ queryer chronodriver.Queryer }

func (present) context(ctx context.Context) context.Context {
	return chronodriver.WithOwn(Present(ctx))
}

func (p present) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return p.queryer.Exec(p.context(ctx), sql, args...)
}

func (p present) Query(ctx context.Context, sql string, args ...any) (chronodriver.Rows, error) {
	return p.queryer.Query(p.context(ctx), sql, args...)
}

// table returns what is known of a table; the first call for a table costs two
// round trips.
func (c *Client) table(ctx context.Context, name Table) (*tableInfo, error) {
	c.mu.Lock()
	info := c.tables[name]
	c.mu.Unlock()
	if info != nil {
		return info, nil
	}
	info, err := c.reader.load(ctx, c.queryer, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.tables[name] = info
	c.mu.Unlock()
	return info, nil
}

// forget drops what is known of a table, unless it has been read anew already.
func (c *Client) forget(name Table, known *tableInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables[name] == known {
		delete(c.tables, name)
	}
}

// contextError says that the context ended, where a driver has words of its own
// for that.
func contextError(ctx context.Context, err error) error {
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

// schemaChanged reports an error that means that the table is no longer as it
// was when the client last read the catalog.
func schemaChanged(err error) bool {
	if errors.Is(err, errStale) {
		return true
	}
	switch chronodriver.State(err) {
	case "0A000", "42703", "42P01", "42804", "42704":
		return true
	}
	return false
}

// quietError has a cause that it does not print, because the cause's message
// can contain values of a record.
type quietError struct {
	err, cause error
}

func (e *quietError) Error() string { return e.err.Error() }

func (e *quietError) Unwrap() []error { return []error{e.err, e.cause} }

// queryOne scans the only row of a query; found is false when there is none.
func queryOne(ctx context.Context, q chronodriver.Queryer, dest []any, sql string, args ...any) (found bool, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	return true, rows.Err()
}
