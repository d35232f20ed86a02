package chrononaut

import (
	"context"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

var _ staler = sqliteReader{}

func (r sqliteReader) stale(info *tableInfo) (string, error) { return r.staleSQL(info, "stale", nil) }

// keyText brings a key into the form that history has.
func (r sqliteReader) keyText(ctx context.Context, q chronodriver.Queryer, info *tableInfo, key Key) (string, error) {
	if err := info.checkKey(key); err != nil {
		return "", err
	}
	return r.normalizeKey(ctx, q, info, key)
}

func (r sqliteReader) allColumns(info *tableInfo) []string {
	var names []string
	for _, c := range info.sqliteTable.Columns {
		if !c.Generated() {
			names = append(names, c.Name)
		}
	}
	return names
}

func (r sqliteReader) mergeUpdate(info *tableInfo, columns []string) (string, error) {
	return r.staleSQL(info, "merge_update", columns)
}

// mergedVersion: triggers write it after the statement has returned the row.
func (r sqliteReader) mergedVersion(info *tableInfo) (string, error) { return r.mergeLock(info) }

func (r sqliteReader) mergeLock(info *tableInfo) (string, error) {
	return r.staleSQL(info, "merge_lock", nil)
}

func (r sqliteReader) mergeCompare(info *tableInfo, columns []string) (string, error) {
	return r.staleSQL(info, "merge_compare", columns)
}

func (r sqliteReader) staleSQL(info *tableInfo, name string, columns []string) (string, error) {
	args := sqlite.RestoreArgs{Table: info.sqliteTable}
	for _, c := range columns {
		args.Columns = append(args.Columns, sqlite.RestoreColumn{Name: c})
	}
	return sqlite.RestoreSQL(name, args)
}
