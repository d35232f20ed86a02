package chrononaut_test

import (
	"errors"
	"testing"

	"github.com/chrononaut-go/chrononaut"
)

// held asserts that a statement is refused because of a hold.
func (f *fixture) held(hold *chrononaut.Hold, statements ...string) {
	f.Helper()
	for _, sql := range statements {
		_, err := f.pool.Exec(f.Context(), sql)
		var held *chrononaut.HeldError
		if !errors.As(chrononaut.WrapError(err), &held) {
			f.Errorf("%s\nwas not refused: %v", sql, err)
			continue
		}
		if held.Hold != hold.ID || held.Reason != hold.Reason || held.Actor != hold.Actor || !held.Since.Equal(hold.Placed) {
			f.Errorf("%s\n%+v, want that of %+v", sql, held, hold)
		}
	}
}

func (f *fixture) hold(table string, keys []chrononaut.Key, opts *chrononaut.HoldOpts) *chrononaut.Hold {
	f.Helper()
	ctx := chrononaut.WithActor(f.Context(), `ann "x" <ann@example.com>`)
	return must(f.client.Hold(ctx, f.name(table), keys, "lawsuit\n2026/4 \"é\"", opts))(f)
}

func (f *fixture) release(hold *chrononaut.Hold) {
	f.Helper()
	must(f.client.Release(f.Context(), hold.ID, "over"))(f)
}

func TestHoldRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.todos()
	f.exec(`INSERT INTO todos (id, title) VALUES (1, 'one'), (2, 'two')`)
	hold := f.hold("todos", keys(1), nil)
	f.held(hold, `UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos`, `TRUNCATE todos`)
	f.exec(`UPDATE todos SET title = 'x' WHERE id = 2`)
	f.release(hold)
	f.exec(`UPDATE todos SET title = 'x' WHERE id = 1`, `DELETE FROM todos`, `TRUNCATE todos`)
}
