package chrononaut

import "github.com/chrononaut-go/chrononaut/internal/postgres"

var _ staler = (*postgresReader)(nil)

func (r *postgresReader) stale(info *tableInfo) (string, error) {
	return postgres.RestoreSQL(r.schema, "stale", postgres.RestoreArgs{ReadArgs: r.args(info), Table: info.postgres})
}

func (r *postgresReader) keyText(info *tableInfo, key Key) (string, error) {
	if err := info.checkKey(key); err != nil {
		return "", err
	}
	encoded, _, err := r.encodeKey(info, key)
	return encoded, err
}
