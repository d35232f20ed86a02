package chronopgx

import (
	"context"

	"github.com/chrononaut-go/chrononaut"
)

// ExecAtVersion runs a statement that writes a record if it is at a version, which
// the statement itself says:
//
//	err := chronopgx.ExecAtVersion(ctx, tx, client, todos, chrononaut.Key{"id": 7}, 3,
//		"UPDATE todos SET title = $1 WHERE id = $2 AND version = $3", "new", 7, 3)
//
// When it wrote no row the error is a [*chrononaut.StaleError] with what has
// happened since, or says that the record is at that version all the same. db is a
// [DB], a pool, a connection or a transaction. That a row was written costs nothing
// more; that none was costs one round trip.
func ExecAtVersion(ctx context.Context, db runner, client *chrononaut.Client, table chrononaut.Table, key chrononaut.Key, version int, sql string, args ...any) error {
	tag, err := db.Exec(ctx, sql, args...)
	if err != nil || tag.RowsAffected() > 0 {
		return chrononaut.WrapError(err)
	}
	return client.With(queryer{db}).NotWritten(ctx, table, key, version)
}

// ExecAtVersions runs a statement that writes those of a number of records that are
// at their versions, one row for each:
//
//	err := chronopgx.ExecAtVersions(ctx, tx, todos, len(ids),
//		"UPDATE todos AS t SET done = true FROM unnest($1::int[], $2::int[]) AS u (id, version) WHERE t.id = u.id AND t.version = u.version", ids, versions)
//
// When it wrote fewer the error is a [*chrononaut.BulkStaleError] that says how
// many were stale, not which: RETURNING tells that, or [chrononaut.Client.StaleAll]
// before. The others are written; in a transaction the caller decides what becomes
// of them. Costs nothing more than the statement.
func ExecAtVersions(ctx context.Context, db runner, table chrononaut.Table, records int, sql string, args ...any) error {
	tag, err := db.Exec(ctx, sql, args...)
	if err != nil {
		return chrononaut.WrapError(err)
	}
	if written := int(tag.RowsAffected()); written < records {
		return &chrononaut.BulkStaleError{Table: table, Stale: records - written, Of: records}
	}
	return nil
}
