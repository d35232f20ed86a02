package chrononaut

import (
	"time"

	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

func (r *postgresReader) changed(info *tableInfo, f changedFilter) (string, []any, error) {
	c := &conditions{}
	args := r.args(info)
	args.ChangedArgs = postgres.ChangedArgs{
		From: c.placeholder(latest(f.from)) + "::timestamptz", To: c.placeholder(latest(f.to)) + "::timestamptz",
		AfterID: c.placeholder(f.afterID) + "::bigint", UpToID: c.placeholder(f.upToID) + "::bigint",
		HiddenChanges: len(info.hidden) > 0,
	}
	args.Limit = f.limit
	sql, err := postgres.Read(r.schema, "changed_keys", args)
	return sql, c.args, err
}

func (r *postgresReader) changedIDs(info *tableInfo, from, to time.Time) (string, []any, error) {
	c := &conditions{}
	args := r.args(info)
	args.From, args.To = c.placeholder(latest(from))+"::timestamptz", c.placeholder(latest(to))+"::timestamptz"
	sql, err := postgres.Read(r.schema, "changed_ids", args)
	return sql, c.args, err
}

func (r *postgresReader) departure(info *tableInfo, key string, afterID int64, until time.Time) (string, []any, error) {
	c := &conditions{args: []any{key}}
	c.add("a.id", ">", afterID, "bigint")
	c.add(recordTime, "<=", latest(until), "timestamptz")
	args := r.args(info)
	args.Where, args.Record = c.where, info.postgres
	sql, err := postgres.Read(r.schema, "departure", args)
	return sql, c.args, err
}
