package chronomigrate_test

import (
	"strings"
	"testing"

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
			t.Fatalf("CheckHardened() = %v", describe(err))
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
	t.Run("what comes through is found", func(t *testing.T) {
		t.Parallel()
		for _, tc := range []struct{ open, action string }{
			{`GRANT INSERT ON chrononaut.chrononaut_activity TO %s`, "INSERT of a forged row into history"},
			{`GRANT UPDATE ON chrononaut.chrononaut_activity TO %s`, "SELECT … FOR UPDATE of history, which would stop others"},
			{`GRANT EXECUTE ON FUNCTION chrononaut.note_erased TO %s; GRANT TEMP ON DATABASE %d TO %s`, "trigger functions of history on a table of its own"},
			{`GRANT CREATE ON SCHEMA chrononaut TO %s`, "a function of its own in the schema of history"},
			{`GRANT TRIGGER ON todos TO %s`, "a trigger of its own on a tracked table, or a foreign key to it"},
			{`GRANT pg_write_all_data TO %s`, "INSERT of a row as Python chrononaut writes it"},
			{`ALTER ROLE %s SUPERUSER`, "SET SESSION AUTHORIZATION"},
			{`GRANT %o TO %s`, "SET ROLE to the owner of history, or of its triggers"},
			{`GRANT EXECUTE ON FUNCTION chrononaut.guard_row TO %s`, "functions that only triggers need, to damage keys of the past or to learn what is held"},
		} {
			h := hardened(t)
			h.exec(strings.NewReplacer("%s", h.app, "%d", h.db.Name, "%o", h.opts.Owner).Replace(tc.open))
			results, err := h.migrator.CheckHardened(t.Context(), &chronomigrate.CheckHardenedOpts{Attackers: []chronomigrate.Attacker{chronomigrate.AttackerApplication}})
			if err != nil {
				t.Fatalf("%s: CheckHardened() = %v", tc.open, describe(err))
			}
			found := false
			for _, r := range results {
				found = found || r.Action == tc.action && !r.OK()
			}
			if !found {
				t.Errorf("%s: the attack %q came through unseen", tc.open, tc.action)
			}
		}
	})

	t.Run("an admin tries what it may", func(t *testing.T) {
		t.Parallel()
		h := unhardened(t)
		admin := h.role("_admin")
		h.exec(`GRANT CREATE ON DATABASE `+h.db.Name+` TO `+admin, `GRANT `+h.owner+`, `+h.app+` TO `+admin)
		h.opts.Admins = []string{admin}
		h.harden()
		results, err := h.migratorAs(admin).CheckHardened(t.Context(), nil)
		if err != nil {
			t.Fatalf("CheckHardened() = %v", describe(err))
		}
		for _, r := range results {
			if want := r.Attacker == chronomigrate.AttackerSuperuser; (r.Got == chronomigrate.OutcomeUntried) != want || !r.OK() {
				t.Errorf("%s, %s: %s (%s)", r.Attacker, r.Action, r.Got, r.Detail)
			}
		}
		_, err = unhardened(t).migrator.CheckHardened(t.Context(), nil)
		wantTyped(t, "CheckHardened", err, chronomigrate.ErrNotHardened)
	})
}
