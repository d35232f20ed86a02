package chronomigrate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestValues(t *testing.T) {
	t.Parallel()

	for _, columns := range []int{60, 1599} {
		t.Run(fmt.Sprintf("a table of %d columns", columns), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var b strings.Builder
			b.WriteString(`CREATE TABLE wide (id integer PRIMARY KEY`)
			for i := 2; i <= columns; i++ {
				fmt.Fprintf(&b, `, c%d %s`, i, []string{"boolean", "json", "float4", "smallint", `"char"[]`}[i%5])
			}
			f.exec(b.String() + `)`)
			f.track("wide", nil)
			f.exec(`INSERT INTO wide (id, c2) VALUES (1, 1)`, `UPDATE wide SET c5 = true, c6 = '{}', c7 = '-0'`, `DELETE FROM wide`,
				`INSERT INTO wide (id) VALUES (2)`, `TRUNCATE wide`)
			f.wantText(fmt.Sprintf("insert %[1]d, update %[1]d, delete %[1]d, insert %[1]d, truncate %[1]d", columns+1), `
				SELECT string_agg(operation || ' ' || (SELECT count(*) FROM jsonb_object_keys(data)), ', ' ORDER BY id)
				  FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
			f.wantText(`true {"chrononaut:text": "{}"} {"chrononaut:text": "-0"}`, `SELECT concat_ws(' ', data -> 'c5', data -> 'c6', data -> 'c7')
				FROM chrononaut.chrononaut_activity WHERE operation = 'update'`)
			f.exec(`INSERT INTO wide (id, c5, c6, c7) VALUES (3, true, '[]', 1.5)`)
			if err := sameAsLive(t.Context(), f.conn.QueryRow, f.inspected("public", "wide")); err != nil {
				t.Error(err)
			}
		})
	}

	t.Run("a table that is full has no place for the version", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`DO $$ BEGIN EXECUTE 'CREATE TABLE wide (id integer PRIMARY KEY, ' || (SELECT string_agg('c' || i || ' boolean', ', ') FROM generate_series(2, 1600) AS i) || ')'; END $$`)
		state := f.wholeState()
		_, err := f.migrator.Track(t.Context(), f.table("wide"), nil, nil)
		wantTyped(t, "Track", err, chronomigrate.ErrNotTrackable)
		if f.wholeState() != state {
			t.Error("something changed")
		}
	})

	t.Run("hidden, untracked and special columns of domains that refuse NULL", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE DOMAIN secret AS text NOT NULL`, `CREATE DOMAIN checked AS text CHECK (VALUE IS NOT NULL AND VALUE <> '')`, `CREATE DOMAIN doc AS json NOT NULL`,
			`CREATE TABLE d (id integer PRIMARY KEY, s secret, c checked, u secret, j doc, x text)`)
		f.track("d", &chronomigrate.TrackOptions{Hidden: []string{"s", "c"}, Untracked: []string{"u"}})
		f.exec(`INSERT INTO d VALUES (1, 'TOP SECRET', 'TOP SECRET', 'u', '{"a":  1}', 'x')`, `UPDATE d SET u = 'v'`, `UPDATE d SET x = 'y', s = 'TOP SECRET 2'`, `DELETE FROM d`)
		f.wantHistory(
			`tx1 d insert v0 {"id": 1} {"j": {"chrononaut:text": "{\"a\":  1}"}, "x": "x", "id": 1, "version": 0} extra {"hidden_cols_changed": ["c", "s"]}`,
			`tx2 d update v1 {"id": 1} {"j": {"chrononaut:text": "{\"a\":  1}"}, "x": "y", "id": 1, "version": 1} extra {"hidden_cols_changed": ["s"]}`,
			`tx3 d delete v2 {"id": 1} {"j": {"chrononaut:text": "{\"a\":  1}"}, "x": "y", "id": 1, "version": 2}`)
	})

	t.Run("virtual generated columns are computed, not recorded", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		if f.db.ServerMajor() < 18 {
			t.Skip("needs PostgreSQL 18")
		}
		f.exec(`CREATE TABLE g (id integer PRIMARY KEY, a integer, v integer GENERATED ALWAYS AS (a * 2) VIRTUAL, s integer GENERATED ALWAYS AS (a * 3) STORED)`)
		f.track("g", nil)
		f.exec(`INSERT INTO g VALUES (1, 5)`, `UPDATE g SET a = 5`, `UPDATE g SET a = 6`, `ALTER TABLE g ADD w text GENERATED ALWAYS AS ('x') VIRTUAL`,
			`UPDATE g SET a = 7`)
		if err := sameAsLive(t.Context(), f.conn.QueryRow, f.inspected("public", "g")); err != nil {
			t.Error(err)
		}
		f.track("g", nil)
		f.exec(`DELETE FROM g`, `INSERT INTO g VALUES (2, 1)`)
		if progress := f.baseline("g", 0); progress.Recorded != 0 {
			t.Errorf("the baseline found %d rows that differ", progress.Recorded)
		}
		f.exec(`TRUNCATE g`)
		f.wantHistory(
			`tx1 g insert v0 {"id": 1} {"a": 5, "s": 15, "id": 1, "version": 0}`,
			`tx2 g update v1 {"id": 1} {"a": 6, "s": 18, "id": 1, "version": 1}`,
			`tx3 g update v2 {"id": 1} {"a": 7, "s": 21, "w": null, "id": 1, "version": 2}`,
			`tx4 g delete v3 {"id": 1} {"a": 7, "s": 21, "id": 1, "version": 3}`,
			`tx5 g insert v0 {"id": 2} {"a": 1, "s": 3, "id": 2, "version": 0}`,
			`tx6 g truncate v1 {"id": 2} {"a": 1, "s": 3, "id": 2, "version": 1}`)
		f.wantCheck()
	})

	t.Run("the same row under two sessions that agree on nothing leaves the same bytes", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE SCHEMA other`, `CREATE TABLE v (id integer PRIMARY KEY, ts timestamptz, i interval, b bytea, f float8, m money, x xml, r tstzrange, d date, t text, a timestamptz[])`)
		f.track("v", nil)
		one, other := f.connect(), f.connect()
		f.execOn(one, oneSession, `INSERT INTO v VALUES (1, '2024-02-29 12:34:56.123456+05:45', '1 year -3 days 04:05:06.7', '\x00ff', 0.1, 1.5::numeric::money, '<a/>',
			'[2024-01-01 00:00+00,)', '0044-03-15 BC', 'it''s', '{2024-01-01 00:00+00}')`)
		f.execOn(other, f.available(otherSession), `INSERT INTO public.v SELECT 2, ts, i, b, f, m, x, r, d, t, a FROM public.v`,
			`UPDATE public.v SET t = 'x' WHERE id = 2`)
		f.execOn(one, `UPDATE v SET t = 'x' WHERE id = 1`)
		f.wantText("2 2", `SELECT count(DISTINCT (data - 'id')::text) || ' ' || count(DISTINCT operation) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.execOn(other, `TRUNCATE public.v`)
		f.wantText("1", `SELECT count(DISTINCT (data - 'id')::text)::text FROM chrononaut.chrononaut_activity WHERE operation = 'truncate'`)
	})
}

// secretFixture has a table whose column secret is hidden.
func secretFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.exec(`CREATE TABLE people (id integer, name text, secret text, PRIMARY KEY (id))`, `INSERT INTO people VALUES (7, 'old', 'TOP SECRET')`)
	f.track("people", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	return f
}

func TestHiddenValues(t *testing.T) {
	t.Parallel()

	t.Run("the value of a hidden column is nowhere in the history schema", func(t *testing.T) {
		t.Parallel()
		f := secretFixture(t)
		f.exec(`INSERT INTO people VALUES (8, 'old', 'TOP SECRET')`, `INSERT INTO people VALUES (1, 'a', 'TOP SECRET'), (2, 'b', 'TOP SECRET')`,
			`UPDATE people SET secret = 'TOP SECRET 2'`, `UPDATE people SET id = 3, secret = 'TOP SECRET 3' WHERE id = 2`, `DELETE FROM people WHERE id = 3`,
			`INSERT INTO people VALUES (1, 'a', 'TOP SECRET 4') ON CONFLICT (id) DO UPDATE SET secret = excluded.secret`)
		f.baseline("people", 1)
		f.exec(`ALTER TABLE people DISABLE TRIGGER USER`, `UPDATE people SET name = 'z', secret = 'TOP SECRET 5'`)
		f.track("people", nil)
		f.baseline("people", 1)
		f.exec(`TRUNCATE people`)
		rows, err := f.conn.Query(t.Context(), `SELECT relname FROM pg_class WHERE relnamespace = 'chrononaut'::regnamespace AND relkind IN ('r', 'm', 'v')`)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(tables) < 5 {
			t.Fatalf("tables %v, %v", tables, err)
		}
		for _, table := range tables {
			f.wantText("0", `SELECT count(*)::text FROM chrononaut.`+pgx.Identifier{table}.Sanitize()+` AS t WHERE t::text LIKE '%SECRET%'`)
		}
		f.wantText("true", `SELECT (count(*) > 15)::text FROM chrononaut.chrononaut_activity`)
	})

	t.Run("nor in the error of a write that capture refuses", func(t *testing.T) {
		t.Parallel()
		f := secretFixture(t)
		writes := []string{
			`INSERT INTO people VALUES (1, 'a', 'TOP SECRET')`, `UPDATE people SET secret = 'TOP SECRET 2', id = 8`, `UPDATE people SET name = 'x'`, `DELETE FROM people`, `TRUNCATE people`,
		}
		for _, broken := range []struct{ name, breaks, mends string }{
			{"history refuses the row", `ALTER TABLE chrononaut.chrononaut_activity ADD CONSTRAINT never CHECK (version < 0) NOT VALID`, `ALTER TABLE chrononaut.chrononaut_activity DROP CONSTRAINT never`},
			{"history is gone", `ALTER TABLE chrononaut.chrononaut_activity RENAME TO elsewhere`, `ALTER TABLE chrononaut.elsewhere RENAME TO chrononaut_activity`},
			{"the context is malformed", `SET chrononaut.context = '{'`, `RESET chrononaut.context`},
			{"the column was renamed", `ALTER TABLE people RENAME secret TO secret2`, `ALTER TABLE people RENAME secret2 TO secret`},
			{"the key is gone", `ALTER TABLE people DROP CONSTRAINT people_pkey; ALTER TABLE people RENAME id TO nr`, `ALTER TABLE people RENAME nr TO id; ALTER TABLE people ADD PRIMARY KEY (id)`},
		} {
			f.exec(broken.breaks)
			for _, sql := range writes {
				switch broken.name {
				case "the column was renamed":
					sql = strings.ReplaceAll(sql, "SET secret ", "SET secret2 ")
				case "the key is gone":
					sql = strings.ReplaceAll(sql, "id = 8", "nr = 8")
				}
				err := try(t.Context(), f.conn, sql)
				if chronodriver.State(err) == "" {
					t.Errorf("%s: %s went through", broken.name, sql)
					continue
				}
				pgErr := err.(*pgconn.PgError) //nolint:errorlint // the server's own error, not wrapped
				if text := fmt.Sprintf("%+v", *pgErr); strings.Contains(text, "SECRET") && !strings.Contains(pgErr.InternalQuery, "SECRET") {
					t.Errorf("%s: %s: the error tells the value: %s", broken.name, sql, text)
				}
				if !strings.Contains(pgErr.Message+pgErr.Where, "people") {
					t.Errorf("%s: %s: the error does not name the table: %+v", broken.name, sql, *pgErr)
				}
			}
			f.exec(broken.mends)
			// Nothing of them was done.
			f.wantText(`(7,old,"TOP SECRET",)`, `SELECT string_agg(p::text, ' ') FROM people AS p`)
		}
		f.wantHistory()
	})
}
