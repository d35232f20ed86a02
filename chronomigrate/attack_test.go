package chronomigrate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestCheckHardened(t *testing.T) {
	t.Parallel()

	t.Run("everything is as published, and nothing stays", func(t *testing.T) {
		t.Parallel()
		h := hardened(t)
		h.execOn(h.as(h.app), `INSERT INTO todos VALUES (1, 'a')`)
		state := h.wholeState()
		results, err := h.migrator.CheckHardened(t.Context(), nil)
		if err != nil {
			var pg *pgconn.PgError
			errors.As(err, &pg)
			t.Fatalf("CheckHardened() = %v\n%s %s %s", err, pg.Where, pg.InternalQuery, pg.Detail)
		}
		attacks, err := chronomigrate.Attacks()
		if err != nil || len(results) != len(attacks) {
			t.Errorf("%d results of %d attacks, error %v", len(results), len(attacks), err)
		}
		for _, r := range results {
			if r.Got != r.Outcome {
				t.Errorf("%s, %s: %s (%s), published is %s by %s", r.Attacker, r.Action, r.Got, r.Detail, r.Outcome, r.By)
			}
			if kind, ok := strings.CutPrefix(r.By, "check: "); ok && !strings.Contains(r.Detail, kind) {
				t.Errorf("%s, %s: found as %s, published is %s", r.Attacker, r.Action, r.Detail, kind)
			}
		}
		if got := h.wholeState(); got != state {
			t.Errorf("something stayed:\nbefore %s\nafter  %s", state, got)
		}
	})
}
