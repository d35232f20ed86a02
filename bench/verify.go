package main

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"
)

// sameValues are the columns in which the history of ours and the limit's agree.
var sameValues = []string{"version", "key", "data", "user_info", "extra_info", "operation", "table_schema", "database_user", "previous_key"}

// verify makes sure that what was measured happened: ours and the limit have every
// change, and the same is in the last one.
func (c *capture) verify(ctx context.Context, s *shape) error {
	histories := map[way]string{ours: "chrononaut.chrononaut_activity", limit: "history_limit"}
	for w, history := range histories {
		var n int
		err := c.conn.QueryRow(ctx, `SELECT count(*) FROM `+history+` WHERE table_schema = 'public' AND table_name = $1 AND key <> '{}'`, s.table(w)).Scan(&n)
		if err != nil {
			return fmt.Errorf("count the changes of %s: %w", w, err)
		}
		if n != c.changed[s] {
			return fmt.Errorf("%s has %d changes instead of %d", w, n, c.changed[s])
		}
	}
	var mine, byHand map[string]any
	const last = ` WHERE table_schema = 'public' AND table_name = $1 AND ($2::jsonb IS NULL AND key <> '{}' OR key = $2) ORDER BY id DESC LIMIT 1`
	if err := c.conn.QueryRow(ctx, `SELECT to_jsonb(a) FROM `+histories[ours]+` AS a`+last, s.table(ours), nil).Scan(&mine); err != nil {
		return fmt.Errorf("read the last change of ours: %w", err)
	}
	if err := c.conn.QueryRow(ctx, `SELECT to_jsonb(a) FROM `+histories[limit]+` AS a`+last, s.table(limit), mine["key"]).Scan(&byHand); err != nil {
		return fmt.Errorf("read the last change of the limit: %w", err)
	}
	if err := compareChanges(mine, byHand, sameValues...); err != nil {
		return err
	}
	return c.verifyPeers(ctx, s)
}

// compareChanges looks whether a change of ours and one by hand have values in the
// same columns, and the same values in some.
func compareChanges(mine, byHand map[string]any, same ...string) error {
	for _, column := range slices.Sorted(maps.Keys(mine)) {
		if (mine[column] == nil) != (byHand[column] == nil) {
			return fmt.Errorf("the column %s of history is %v in ours and %v by hand", column, mine[column], byHand[column])
		}
		if slices.Contains(same, column) && !reflect.DeepEqual(mine[column], byHand[column]) {
			return fmt.Errorf("the column %s of history differs: ours has %v, by hand it is %v", column, mine[column], byHand[column])
		}
	}
	return nil
}

// verifyPeers makes sure that the peers have recorded something. The extension
// periods does not record what is inserted.
func (c *capture) verifyPeers(ctx context.Context, s *shape) error {
	for _, w := range s.ways(c.peers) {
		suffix, ok := map[way]string{periods: "_history", tableLog: "_log"}[w]
		if !ok || w == periods && !c.updated[s] {
			continue
		}
		var found bool
		err := c.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+pgx.Identifier{s.table(w) + suffix}.Sanitize()+`)`).Scan(&found)
		if err != nil {
			return fmt.Errorf("look into the history of %s: %w", w, err)
		}
		if !found {
			return fmt.Errorf("%s has recorded nothing", w)
		}
	}
	return nil
}
