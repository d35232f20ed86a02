package chrononaut

import (
	"time"

	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func (r sqliteReader) changed(info *tableInfo, f changedFilter) (string, []any, error) {
	c := r.of(info, "", timelineFilter{})
	args := sqlite.ReadArgs{Limit: f.limit, ChangedArgs: sqlite.ChangedArgs{
		From: c.placeholder(milliseconds(f.from)), To: c.placeholder(milliseconds(f.to)),
		AfterID: c.placeholder(f.afterID), UpToID: c.placeholder(f.upToID),
	}}
	sql, err := sqlite.Read("changed_keys", args)
	return sql, c.args, err
}

func (r sqliteReader) changedIDs(info *tableInfo, from, to time.Time) (string, []any, error) {
	c := r.of(info, "", timelineFilter{})
	args := sqlite.ReadArgs{ChangedArgs: sqlite.ChangedArgs{From: c.placeholder(milliseconds(from)), To: c.placeholder(milliseconds(to))}}
	sql, err := sqlite.Read("changed_ids", args)
	return sql, c.args, err
}

func (r sqliteReader) departure(info *tableInfo, key string, afterID int64, until time.Time) (string, []any, error) {
	c := r.of(info, key, timelineFilter{before: &until})
	c.add("a.id >", afterID)
	sql, err := sqlite.Read("departure", sqlite.ReadArgs{Where: c.where})
	return sql, c.args, err
}
