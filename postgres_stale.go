package chrononaut

import (
	"context"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var _ staler = (*postgresReader)(nil)

func (r *postgresReader) stale(info *tableInfo) (string, error) {
	return postgres.RestoreSQL(r.schema, "stale", postgres.RestoreArgs{ReadArgs: r.args(info), Table: info.postgres})
}

func (r *postgresReader) keyText(_ context.Context, _ chronodriver.Queryer, info *tableInfo, key Key) (string, error) {
	if err := info.checkKey(key); err != nil {
		return "", err
	}
	encoded, _, err := r.encodeKey(info, key)
	return encoded, err
}

func (r *postgresReader) allColumns(info *tableInfo) []string {
	names := make([]string, len(info.postgres.Columns))
	for i, c := range info.postgres.Columns {
		names[i] = c.Name
	}
	return names
}

func (r *postgresReader) mergeUpdate(info *tableInfo, columns []string) (string, error) {
	return r.mergeSQL(info, "update", columns)
}

// mergedVersion: a BEFORE trigger has written it by then.
func (r *postgresReader) mergedVersion(*tableInfo) (string, error) { return "", nil }

func (r *postgresReader) mergeLock(info *tableInfo) (string, error) {
	return r.mergeSQL(info, "lock", nil)
}

func (r *postgresReader) mergeCompare(info *tableInfo, columns []string) (string, error) {
	return r.mergeSQL(info, "compare", columns)
}

func (r *postgresReader) mergeSQL(info *tableInfo, name string, columns []string) (string, error) {
	args, err := postgres.NewMergeArgs(info.postgres, columns)
	if err != nil {
		return "", err
	}
	return postgres.MergeSQL(r.schema, name, args)
}
