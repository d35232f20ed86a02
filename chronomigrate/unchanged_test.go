package chronomigrate_test

import "testing"

// Statements of which some rows, or all, are set to the values that they have.
func TestRowsThatDoNotChange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, before string }{
		{"as it is", `SELECT`},
		{"with the note of the version trigger forged", `SET chrononaut.unchanged = 'on'`},
		{"with joins forbidden", `SET enable_hashjoin = off; SET enable_mergejoin = off`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.todos()
			f.exec(tc.before, `INSERT INTO todos (id, title) SELECT g, 't' || g FROM generate_series(1, 100) AS g`)
			const changes = `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation = 'update'`
			f.exec(`UPDATE todos SET title = title WHERE id = 1`, `UPDATE todos SET title = title`, `UPDATE todos SET title = 't1' WHERE id = 1`)
			f.wantText("0", changes)
			f.wantText("0", `SELECT max(version)::text FROM todos`)
			f.exec(`UPDATE todos SET title = CASE WHEN id % 10 = 0 THEN 'new' ELSE title END`)
			f.wantText("10", changes)
			f.exec(`BEGIN`, `UPDATE todos SET title = title`, `UPDATE todos SET title = 'other'`, `UPDATE todos SET title = 'other'`, `UPDATE todos SET title = 'another' WHERE id = 7`, `COMMIT`)
			f.wantText("111", changes)
			f.wantText("0", `SELECT count(*)::text FROM todos AS t WHERE version <> (
				SELECT max(a.version) FROM chrononaut.chrononaut_activity AS a WHERE a.key = jsonb_build_object('id', t.id) AND a.data ->> 'title' = t.title)`)
		})
	}

	t.Run("the session keeps its time zone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE days (id integer PRIMARY KEY, at timestamptz)`)
		f.track("days", nil)
		f.exec(`SET TimeZone = 'Asia/Kathmandu'`, `INSERT INTO days VALUES (1, now())`, `BEGIN`, `UPDATE days SET at = at`)
		f.wantText("Asia/Kathmandu", `SHOW TimeZone`)
		f.exec(`COMMIT`)
	})

	t.Run("a later trigger changes the row that the version trigger took for unchanged", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'b')`,
			`CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.done := true; RETURN NEW; END $$`,
			`CREATE TRIGGER zzzz_late BEFORE UPDATE ON todos FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION late()`,
			`UPDATE todos SET title = title`)
		f.wantText("1 true", `SELECT version || ' ' || (data ->> 'done') FROM chrononaut.chrononaut_activity WHERE operation = 'update'`)
	})
}
