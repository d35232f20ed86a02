package chrononaut

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var _ leaser = (*postgresReader)(nil)

func (r *postgresReader) takeLease(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key string, ttl time.Duration, o LeaseOpts) (*Lease, error) {
	sql, err := postgres.LeaseSQL(r.schema, "take", postgres.LeaseArgs{})
	if err != nil {
		return nil, err
	}
	var rationale *string
	if o.Rationale != "" {
		rationale = &o.Rationale
	}
	var version *int64
	if o.Version != nil {
		v := int64(*o.Version)
		version = &v
	}
	found, err := readLeases(ctx, q, sql, info.table.Schema, info.table.Name, key, interval(ttl), o.Enforce, o.TakeOver, rationale, version)
	switch {
	case chronodriver.State(err) == "P0002":
		return nil, ErrNotFound
	case err != nil:
		return nil, err
	}
	return one(found)
}

func (r *postgresReader) renewLease(ctx context.Context, q chronodriver.Queryer, id int64, token string, ttl time.Duration) (*Lease, error) {
	sql, err := postgres.LeaseSQL(r.schema, "renew", postgres.LeaseArgs{})
	if err != nil {
		return nil, err
	}
	found, err := readLeases(ctx, q, sql, id, token, interval(ttl))
	if err != nil {
		return nil, err
	}
	return one(found)
}

func (r *postgresReader) releaseLease(ctx context.Context, q chronodriver.Queryer, id int64, token string) error {
	sql, err := postgres.LeaseSQL(r.schema, "release", postgres.LeaseArgs{})
	if err != nil {
		return err
	}
	_, err = readLeases(ctx, q, sql, id, token)
	return err
}

func (r *postgresReader) leases(ctx context.Context, q chronodriver.Queryer, f leaseFilter) ([]Lease, error) {
	c := &conditions{}
	schema := postgres.QuoteIdent(r.schema)
	if f.Table.Name != "" {
		c.add("l.table_schema", "=", f.Table.Schema, "text")
		c.add("l.table_name", "=", f.Table.Name, "text")
	}
	if f.key != "" {
		key := c.placeholder(f.key) + "::jsonb"
		c.where = append(c.where, "l.record_hash = "+schema+".lease_hash($1::text, $2::text, "+key+") AND l.key = "+key)
	}
	if f.Holder != "" {
		c.add(schema+".lease_holder(l.user_info, l.database_user)", "=", f.Holder, "text")
	}
	sql, err := postgres.LeaseSQL(r.schema, "running", postgres.LeaseArgs{Where: c.where, Limit: f.Limit})
	if err != nil {
		return nil, err
	}
	return readLeases(ctx, q, sql, c.args...)
}

// interval is a time as the database reads it: PostgreSQL 14 reads no more than 31
// bits of microseconds. What is shorter than one microsecond is not cut to nothing
// less than it is: the database refuses both.
func interval(d time.Duration) string {
	sign, n := "", d.Microseconds()
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%06d seconds", sign, n/1_000_000, n%1_000_000)
}

func one(found []Lease) (*Lease, error) {
	if len(found) != 1 {
		return nil, errors.New("the database returned no lease")
	}
	return &found[0], nil
}

func readLeases(ctx context.Context, q chronodriver.Queryer, sql string, args ...any) (found []Lease, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l Lease
		var key string
		var version int64
		if err := rows.Scan(&l.ID, &l.Token, &l.Table.Schema, &l.Table.Name, &key, &l.Holder, &version,
			&l.Granted, &l.Renewed, &l.Expires, &l.Enforced, &l.Rationale); err != nil {
			return nil, err
		}
		if err := decodeJSON(key, &l.Key); err != nil {
			return nil, fmt.Errorf("read lease %d: %w", l.ID, err)
		}
		l.Version = int(version)
		found = append(found, l)
	}
	return found, rows.Err()
}
