package chrononaut

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

var _ leaser = sqliteReader{}

// lock runs one of the statements in lock.sql.
func (r sqliteReader) lock(ctx context.Context, q chronodriver.Queryer, name string, lock sqlite.LockArgs, args ...any) error {
	sql, err := sqlite.LockSQL(name, lock)
	if err != nil {
		return err
	}
	_, err = q.Exec(ctx, sql, args...)
	return err
}

// guard makes the triggers of a table look for holds and leases. The transaction is
// the one that writes from here on.
func (r sqliteReader) guard(ctx context.Context, q chronodriver.Queryer, name Table) (*tableInfo, *sqlite.Table, error) {
	info, err := r.load(ctx, q, name)
	if err != nil {
		return nil, nil, err
	}
	if !info.tracked {
		return nil, nil, ErrNotTracked
	}
	if info.sqliteTable == nil {
		return nil, nil, fmt.Errorf("%w: the table is gone, or has no primary key", ErrNotTracked)
	}
	table, err := sqlite.Guard(ctx, q, info.sqliteTable.Options, info.table.Name)
	if errors.Is(err, sqlite.ErrNotCaptured) {
		err = fmt.Errorf("%w: %w", ErrNotTracked, err)
	}
	return info, table, err
}

func (r sqliteReader) takeLease(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key string, ttl time.Duration, o LeaseOpts) (*Lease, error) {
	if err := r.lock(ctx, q, "begin", sqlite.LockArgs{}); err != nil {
		return nil, err
	}
	_, table, err := r.guard(ctx, q, info.table)
	if err != nil {
		return nil, err
	}
	args := sqlite.LockArgs{Table: table}
	sql, err := sqlite.LockSQL("version", args)
	if err != nil {
		return nil, err
	}
	var version int64
	switch found, err := queryOne(ctx, q, []any{&version}, sql, key); {
	case err != nil:
		return nil, err
	case !found:
		return nil, ErrNotFound
	case o.Version != nil && int64(*o.Version) != version:
		return nil, fmt.Errorf("%s: stale write to table %s: based on version %d, the record is at version %d", chronodriver.StateStale, info.table, *o.Version, version)
	}
	if err := r.lock(ctx, q, "unheld", args, key); err != nil {
		return nil, err
	}
	var rationale any
	if o.Rationale != "" {
		rationale = o.Rationale
	}
	token := rand.Text()
	if err := r.lock(ctx, q, "take", args, table.HistoryName, key, token, version, ttl.Seconds(), integer(o.Enforce), integer(o.TakeOver), rationale); err != nil {
		return nil, err
	}
	// It may have expired by now.
	c := &sqliteConditions{}
	c.add("l.table_name =", info.table.Name)
	c.add("l.key =", key)
	found, err := r.leasesWhere(ctx, q, c, 0)
	if err != nil {
		return nil, err
	}
	lease, err := one(found)
	if err == nil {
		lease.Token = token
	}
	return lease, err
}

// integer is a truth value as SQLite keeps it.
func integer(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (r sqliteReader) renewLease(ctx context.Context, q chronodriver.Queryer, id int64, token string, ttl time.Duration) (*Lease, error) {
	if err := r.lock(ctx, q, "renew", sqlite.LockArgs{}, id, token, ttl.Seconds()); err != nil {
		return nil, err
	}
	found, err := r.leasesWhere(ctx, q, &sqliteConditions{where: []string{"l.id = ?1"}, args: []any{id}}, 0)
	if err != nil {
		return nil, err
	}
	return one(found)
}

func (r sqliteReader) releaseLease(ctx context.Context, q chronodriver.Queryer, id int64, token string) error {
	return r.lock(ctx, q, "release_lease", sqlite.LockArgs{}, id, token)
}

func (r sqliteReader) leases(ctx context.Context, q chronodriver.Queryer, f leaseFilter) ([]Lease, error) {
	c := &sqliteConditions{where: []string{"l.runs"}}
	if f.Table.Name != "" {
		c.add("l.table_name =", f.Table.Name)
	}
	if f.key != "" {
		c.add("l.key =", f.key)
	}
	if f.Holder != "" {
		c.add("json_extract(l.user_info, '$.user_id') =", f.Holder)
	}
	return r.leasesWhere(ctx, q, c, f.Limit)
}

func (r sqliteReader) leasesWhere(ctx context.Context, q chronodriver.Queryer, c *sqliteConditions, limit int) (found []Lease, err error) {
	sql, err := sqlite.LockSQL("leases", sqlite.LockArgs{Where: c.where, Limit: max(limit, 0)})
	if err != nil {
		return nil, err
	}
	l := Lease{}
	l.Table.Schema = sqliteSchema
	var key, granted, renewed, expires string
	var version int64
	err = eachRow(ctx, q, []any{&l.ID, &l.Table.Name, &key, &l.Holder, &version, &granted, &renewed, &expires, &l.Enforced, &l.Rationale}, func() error {
		lease := l
		lease.Version = int(version)
		var errs [3]error
		lease.Granted, errs[0] = time.Parse(time.RFC3339Nano, granted)
		lease.Renewed, errs[1] = time.Parse(time.RFC3339Nano, renewed)
		lease.Expires, errs[2] = time.Parse(time.RFC3339Nano, expires)
		if err := errors.Join(errs[:]...); err != nil {
			return fmt.Errorf("read lease %d: malformed time", l.ID)
		}
		lease.Key = nil
		if err := decodeJSON(key, &lease.Key); err != nil {
			return fmt.Errorf("read lease %d: %w", l.ID, err)
		}
		found = append(found, lease)
		return nil
	}, sql, c.args...)
	return found, err
}
