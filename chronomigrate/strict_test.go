package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestStrict(t *testing.T) {
	t.Parallel()
	const why = `BEGIN; SET LOCAL chrononaut.context = '{"extra_info": {"rationale": "because"}}'; `
	writes := []string{`INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`, `TRUNCATE todos`, `INSERT INTO todos VALUES (2, 'a')`, `DELETE FROM todos`}

	t.Run("a strict table refuses every write without change information, from any client", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(todosTable)
		f.track("todos", &chronomigrate.TrackOptions{Strict: true})
		for _, sql := range writes {
			if sql[:6] != "INSERT" {
				f.exec(`BEGIN; SET LOCAL chrononaut.context = '{"change_info": true}'; INSERT INTO todos VALUES (9, 'x') ON CONFLICT DO NOTHING; COMMIT`)
			}
			f.refused("TM001", sql)
			f.refused("TM001", `BEGIN; SET LOCAL chrononaut.context = '{"user_info": {"user_id": "ann"}}'; `+sql)
			f.exec(`ROLLBACK`, why+sql+`; COMMIT`)
		}
		f.exec(`INSERT INTO todos SELECT 1 WHERE false`, `UPDATE todos SET title = title`)
	})

	t.Run("a strict database is strict for every table, also one that is tracked later", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`CREATE TABLE later (id integer PRIMARY KEY)`, `CREATE TABLE on_row (id integer PRIMARY KEY)`)
		f.track("on_row", &chronomigrate.TrackOptions{NoHistory: true, RecordChanges: true})
		session := f.connect()
		f.execOn(session, `INSERT INTO todos VALUES (7, 'a')`, `INSERT INTO on_row VALUES (7)`)

		set := func(strict bool) *chronomigrate.Plan {
			plan, err := f.migrator.SetStrict(t.Context(), strict, nil)
			if err != nil {
				t.Fatalf("SetStrict() = %v", describe(err))
			}
			if got, err := f.migrator.Strict(t.Context()); err != nil || got != strict {
				t.Errorf("Strict() = %t, %v; want %t", got, err, strict)
			}
			return plan
		}
		plan, err := f.migrator.SetStrict(t.Context(), true, &chronomigrate.ApplyOpts{DryRun: true})
		if err != nil || plan.Empty() {
			t.Errorf("a dry run planned %+v, %v", plan, err)
		}
		f.exec(`INSERT INTO todos VALUES (8, 'a')`)
		set(true)
		f.track("later", nil)
		f.wantCheck()
		if plan := set(true); !plan.Empty() {
			t.Errorf("a second SetStrict runs\n%s", plan.SQL())
		}
		if plan := f.track("todos", nil); !plan.Empty() {
			t.Errorf("Track of an unchanged table runs\n%s", plan.SQL())
		}
		f.refused("TM001", `INSERT INTO todos VALUES (1, 'a')`)
		f.refused("TM001", `INSERT INTO later VALUES (1)`)
		f.refused("TM001", `INSERT INTO on_row VALUES (1)`)
		// Also in a session that has fired the triggers before.
		f.conn = session
		f.refused("TM001", `UPDATE todos SET title = 'b'`)
		f.exec(why + `INSERT INTO todos VALUES (1, 'a'); INSERT INTO later VALUES (1); INSERT INTO on_row VALUES (1); COMMIT`)

		// A table's own strictness outlives the database's.
		f.track("later", &chronomigrate.TrackOptions{Strict: true})
		set(false)
		f.wantCheck()
		f.exec(`INSERT INTO todos VALUES (2, 'a')`, `INSERT INTO on_row VALUES (2)`)
		f.refused("TM001", `INSERT INTO later VALUES (2)`)
		f.wantText("false true false", `SELECT string_agg((data @> '{"strict": true}')::text, ' ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE table_name = 'todos' AND operation = 'track'`)
		// History says so, also where no table is tracked.
		f.wantText("false true, true false", `SELECT string_agg((data ->> 'from') || ' ' || (data ->> 'to'), ', ' ORDER BY id)
			FROM chrononaut.chrononaut_activity WHERE table_name = '' AND operation = 'strict'`)
	})

	t.Run("the setting changed by hand is found by check and does nothing by itself", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE s (id integer PRIMARY KEY)`)
		f.track("s", nil)
		f.exec(`INSERT INTO chrononaut.chrononaut_setting VALUES ('strict', 'true')`, `INSERT INTO s VALUES (1)`)
		if got := f.check(); len(got) == 0 {
			t.Error("Check() found nothing")
		}
		f.track("s", nil)
		f.wantCheck()
		f.refused("TM001", `INSERT INTO s VALUES (2)`)
	})

	t.Run("needs history", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).another()
		_, err := f.migrator.SetStrict(t.Context(), true, nil)
		wantTyped(t, "SetStrict", err, chronomigrate.ErrNoHistory)
		_, err = f.migrator.Strict(t.Context())
		wantTyped(t, "Strict", err, chronomigrate.ErrNoHistory)
	})
}
