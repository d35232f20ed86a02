package chronomigrate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// now is a point of the past, as travel() takes it.
func (f *fixture) now() string {
	f.Helper()
	return f.text(`SELECT jsonb_build_object('at', clock_timestamp())::text`)
}

// past runs a query as of a point and returns its rows as text.
func (f *fixture) past(point, query string) string {
	f.Helper()
	rows, err := f.travel(f.conn, point, query)
	if err != nil {
		f.Fatalf("%s: %v", query, describe(err))
	}
	return rows
}

func (f *fixture) travel(conn *pgx.Conn, point, query string) (string, error) {
	tx, err := conn.Begin(f.Context())
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(f.Context()) }()
	if _, err := tx.Exec(f.Context(), `SELECT chrononaut.travel($1)`, point); err != nil {
		return "", err
	}
	rows, err := tx.Query(f.Context(), query, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var parts []string
		for _, raw := range row.RawValues() {
			if raw == nil {
				parts = append(parts, "∅")
				continue
			}
			parts = append(parts, string(raw))
		}
		return strings.Join(parts, " "), nil
	})
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(f.Context(), `SELECT chrononaut.travel_end()`)
	return strings.Join(lines, ", "), err
}

func (f *fixture) wantPast(want, point, query string) {
	f.Helper()
	if got := f.past(point, query); got != want {
		f.Errorf("%s\n got  %s\n want %s", query, got, want)
	}
}

func (f *fixture) wantPastError(state, point, query string) {
	f.Helper()
	var pgErr *pgconn.PgError
	if got, err := f.travel(f.conn, point, query); !errors.As(err, &pgErr) || pgErr.Code != state {
		f.Errorf("%s: got %q, %v, want an error %s", query, got, describe(err), state)
	}
}

func TestPastFollows(t *testing.T) {
	t.Parallel()
	const columns = `SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
		FROM pg_attribute AS a WHERE a.attrelid = '%s'::regclass AND a.attnum > 0 AND NOT a.attisdropped`
	for _, tc := range []struct {
		name, alter string
		query, want string
		state       string
	}{
		{name: "nothing", alter: `SELECT 1`, query: `SELECT id, a, m, n FROM docs ORDER BY id`, want: "1 one ok 1.50, 2 two sad 2.50"},
		{name: "a column is added", alter: `ALTER TABLE docs ADD b text DEFAULT 'now'`, query: `SELECT id, a, b FROM docs ORDER BY id`, want: "1 one ∅, 2 two ∅"},
		{name: "a column is dropped", alter: `ALTER TABLE docs DROP a`, query: `SELECT * FROM docs WHERE id = 1`, want: "1 ok 1.50 ∅ 0"},
		{name: "a column is retyped and values fit", alter: `ALTER TABLE docs ALTER n TYPE text`, query: `SELECT n || '!' FROM docs WHERE id = 1`, want: "1.50!"},
		{name: "a column is retyped and values do not fit", alter: `ALTER TABLE docs ALTER a TYPE integer USING 7`, query: `SELECT a FROM docs WHERE id = 1`, state: "22P02"},
		{name: "a varchar is too short", alter: `ALTER TABLE docs ALTER a TYPE varchar(2) USING left(a, 2)`, query: `SELECT a FROM docs WHERE id = 1`, state: "22000"},
		{name: "a number was more exact", alter: `ALTER TABLE docs ALTER n TYPE numeric(6,1)`, query: `SELECT n FROM docs WHERE id = 1`, want: "1.5"},
		{name: "the key is retyped", alter: `ALTER TABLE docs ALTER id TYPE bigint`, query: `SELECT a FROM docs WHERE id = 2::bigint`, want: "two"},
		{
			name: "an enum is replaced",
			alter: `ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM ('ok', 'sad', 'new');
				ALTER TABLE docs ALTER m TYPE mood USING m::text::mood; DROP TYPE mood_old`,
			query: `SELECT id, m FROM docs WHERE m = 'ok'`, want: "1 ok",
		},
		{
			name:  "the table is dropped and another has its name",
			alter: `DROP TABLE docs; CREATE TABLE docs (id integer PRIMARY KEY, other text)`,
			query: `SELECT id, other FROM docs ORDER BY id`, want: "1 ∅, 2 ∅",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.exec(`CREATE TYPE mood AS ENUM ('sad', 'ok')`,
				`CREATE TABLE docs (id integer PRIMARY KEY, a text, m mood, n numeric(6,2), secret text)`)
			f.track("docs", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
			f.exec(`INSERT INTO docs VALUES (1, 'one', 'ok', 1.5, 'x'), (2, 'two', 'sad', 2.5, 'y')`)
			point := f.now()
			f.exec(`UPDATE docs SET a = 'changed'`)
			for statement := range strings.SplitSeq(tc.alter, ";") {
				f.exec(statement)
			}
			opts := &chronomigrate.TrackOptions{Hidden: []string{"secret"}}
			if strings.Contains(tc.alter, "DROP TABLE") {
				opts = &chronomigrate.TrackOptions{}
			}
			f.track("docs", opts)
			f.wantCheck()
			if tc.state != "" {
				f.wantPastError(tc.state, point, tc.query)
			} else {
				f.wantPast(tc.want, point, tc.query)
			}
			if got, want := f.text(fmt.Sprintf(columns, "chrononaut_past.docs")), f.text(fmt.Sprintf(columns, "public.docs")); got != want {
				t.Errorf("the view has columns %s, the table %s", got, want)
			}
			if plan := f.track("docs", nil); !plan.Empty() {
				t.Errorf("a second Track() runs\n%s", plan.SQL())
			}
		})
	}
}

func TestPastIsSharedAsTheTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all, some, none := f.role("all"), f.role("some"), f.role("none")
	f.exec(`CREATE TABLE pay (id integer PRIMARY KEY, name text, amount numeric, owner name)`,
		`GRANT SELECT ON pay TO `+all, `GRANT SELECT (id, name) ON pay TO `+some, `GRANT USAGE ON SCHEMA chrononaut TO `+strings.Join([]string{all, some, none}, ", "))
	f.track("pay", nil)
	f.exec(`INSERT INTO pay VALUES (1, 'ann', 10, '` + all + `'), (2, 'bob', 20, 'bob')`)
	point := f.now()
	f.exec(`UPDATE pay SET amount = 0`)
	as := func(role, want, state, query string) {
		t.Helper()
		conn := f.connect()
		if _, err := conn.Exec(t.Context(), `SET ROLE `+role); err != nil {
			t.Fatal(err)
		}
		got, err := f.travel(conn, point, query)
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code != state || err == nil && (state != "" || got != want) || err != nil && pgErr == nil {
			t.Errorf("%s: %s: got %q, %v, want %q %s", role, query, got, describe(err), want, state)
		}
	}
	as(all, "1 10, 2 20", "", `SELECT id, amount FROM pay ORDER BY id`)
	as(some, "1 ann, 2 bob", "", `SELECT id, name FROM pay ORDER BY id`)
	as(some, "", "42501", `SELECT amount FROM pay`)
	as(none, "", "42501", `SELECT id FROM pay`)

	// Privileges that come later are found by check, and given by track.
	f.exec(`GRANT SELECT ON pay TO `+none, `REVOKE SELECT ON pay FROM `+all)
	f.wantCheck("past chrononaut_past.pay")
	f.track("pay", nil)
	f.wantCheck()
	as(none, "1, 2", "", `SELECT id FROM pay ORDER BY id`)
	as(all, "", "42501", `SELECT id FROM pay`)

	// Row security of today, for the rows of the past.
	f.exec(`GRANT SELECT ON pay TO `+all, `ALTER TABLE pay ENABLE ROW LEVEL SECURITY`, `CREATE POLICY own ON pay USING (owner = current_user)`)
	f.wantCheck("past chrononaut_past.pay")
	f.track("pay", nil)
	f.wantCheck()
	as(all, "1 10", "", `SELECT id, amount FROM pay ORDER BY id`)
	as(none, "", "", `SELECT id FROM pay ORDER BY id`)
	f.wantPast("1, 2", point, `SELECT id FROM pay ORDER BY id`)
	f.exec(`CREATE TABLE members (name name)`, `DROP POLICY own ON pay`, `CREATE POLICY member ON pay USING (owner IN (SELECT name FROM members))`)
	f.track("pay", nil)
	as(none, "", "TM012", `SELECT id FROM pay ORDER BY id`)
	f.exec(`DROP TABLE members CASCADE`)
}

func TestPastOfWhatWasNotCaptured(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, a text)`, `INSERT INTO docs VALUES (1, 'one'), (2, 'two'), (3, 'three')`)
	before := f.now()
	f.track("docs", nil)
	const all = `SELECT id, a FROM docs ORDER BY id`
	noBaseline := f.now()
	f.wantPastError("TM011", before, all)
	f.wantPastError("TM011", noBaseline, all)
	f.baseline("docs", 2)
	f.wantPast("1 one, 2 two, 3 three", noBaseline, all)
	f.wantPastError("TM011", before, all)

	// Nothing is captured for a while: one row goes, one changes, one comes.
	untracked := f.now()
	if _, err := f.migrator.Untrack(t.Context(), f.table("docs"), nil); err != nil {
		t.Fatal(err)
	}
	f.exec(`DELETE FROM docs WHERE id = 1`)
	gap := f.now()
	f.exec(`UPDATE docs SET a = 'TWO' WHERE id = 2`, `INSERT INTO docs (id, a) VALUES (4, 'four')`)
	f.track("docs", nil)
	tracked := f.now()
	f.wantPast("1 one, 2 two, 3 three", untracked, all)
	f.wantPastError("TM011", gap, all)
	f.wantPastError("TM011", tracked, all)
	f.baseline("docs", 2)
	complete := f.now()
	f.exec(`DELETE FROM docs`)
	f.wantPast("1 one, 2 two, 3 three", untracked, all)
	f.wantPastError("TM011", gap, all)
	f.wantPast("2 TWO, 3 three, 4 four", complete, all)
	f.wantPast("", f.now(), all)
	f.wantText("delete 1 true", `SELECT operation || ' ' || version || ' ' || (extra_info -> 'baseline') FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}' ORDER BY id DESC LIMIT 1`)
}

func TestPastIsMirroredByViews(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, a text)`, `CREATE TABLE lines (id integer PRIMARY KEY, doc integer, n integer)`,
		`CREATE VIEW totals AS SELECT d.id, d.a, sum(l.n) AS n FROM docs AS d JOIN lines AS l ON l.doc = d.id GROUP BY d.id, d.a`,
		`CREATE VIEW "Big ones" AS SELECT * FROM public.totals WHERE n > 5`)
	f.track("docs", nil)
	if _, err := f.migrator.MirrorView(t.Context(), f.table("totals"), nil); !errors.Is(err, chronomigrate.ErrNotTrackable) {
		t.Fatalf("MirrorView() of a view over a table that is not tracked = %v", describe(err))
	}
	f.track("lines", nil)
	for _, view := range []string{"totals", `"Big ones"`} {
		if _, err := f.migrator.MirrorView(t.Context(), f.table(view), nil); err != nil {
			t.Fatal(describe(err))
		}
		if again, err := f.migrator.MirrorView(t.Context(), f.table(view), nil); err != nil || !again.Empty() {
			t.Fatalf("MirrorView() of a view that is mirrored = %+v, %v", again, describe(err))
		}
	}
	f.wantText("totals, Big ones", `SELECT string_agg(table_name, ', ' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation = 'mirror'`)
	f.exec(`INSERT INTO docs VALUES (1, 'one'), (2, 'two')`, `INSERT INTO lines VALUES (1, 1, 3), (2, 1, 4), (3, 2, 1)`)
	point := f.now()
	f.exec(`DELETE FROM lines`)
	f.wantPast("1 one 7, 2 two 1", point, `SELECT * FROM totals ORDER BY id`)
	f.wantPast("1 one 7", point, `SELECT * FROM "Big ones"`)
	// They follow when a table's view is renewed.
	f.exec(`ALTER TABLE lines ADD extra text`)
	f.track("lines", nil)
	f.wantCheck()
	f.wantPast("1 one 7", point, `SELECT * FROM "Big ones"`)
	// A view that is gone is mirrored no more.
	f.exec(`DROP VIEW "Big ones"`)
	f.wantCheck("past public.\"Big ones\"")
	f.track("docs", nil)
	f.wantCheck()
	f.wantPastError("42P01", point, `SELECT * FROM "Big ones"`)
}

func TestPastOfAllKindsOfTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	virtual := ""
	if f.text(`SELECT (current_setting('server_version_num')::integer >= 180000)::text`) == "true" {
		virtual = `, twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL`
	}
	f.exec(`CREATE SCHEMA "Odd schema"`, `CREATE TYPE "Odd schema".pair AS (a integer, b text)`,
		`CREATE TABLE parts (id integer, day date, x text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)`,
		`CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`,
		`CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')`,
		`CREATE TABLE "Odd schema"."Odd ""table" (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer, "a b" integer[][], "Pair" "Odd schema".pair,
			pairs "Odd schema".pair[], sum integer GENERATED ALWAYS AS (n + 1) STORED, price numeric(8,2), "select" char(4), at timestamptz(0)`+virtual+`)`)
	f.track("parts", nil)
	f.track(`"Odd schema"."Odd ""table"`, nil)
	f.exec(`INSERT INTO parts VALUES (1, '2026-01-05', 'a'), (2, '2026-01-06', 'b')`,
		`INSERT INTO "Odd schema"."Odd ""table" (n, "a b", "Pair", pairs, price, "select", at) VALUES (1, '{{1,2},{3,NULL}}', '(1,"x y")', ARRAY[(2,'z')::"Odd schema".pair], 1.5, 'ab', '2026-01-01')`)
	f.exec(`CREATE TABLE copy AS SELECT * FROM "Odd schema"."Odd ""table"`)
	point := f.now()
	f.exec(`UPDATE parts SET day = '2026-02-05' WHERE id = 1`, `DELETE FROM parts WHERE id = 2`, `UPDATE "Odd schema"."Odd ""table" SET n = 5, "a b" = NULL, "Pair" = NULL, pairs = '{}'`)
	moved := f.now()
	f.exec(`DELETE FROM parts`, `DELETE FROM "Odd schema"."Odd ""table"`)
	f.wantPast("(1,2026-01-05,a,0), (2,2026-01-06,b,0)", point, `SELECT p FROM parts AS p ORDER BY id`)
	f.wantPast("(1,2026-02-05,a,1)", moved, `SELECT p FROM parts AS p ORDER BY id`)
	f.wantPastError("TM012", point, `SELECT * FROM parts1`)
	f.exec(`SET search_path = "Odd schema", public`)
	f.wantPast(f.text(`SELECT c::text FROM copy AS c`), point, `SELECT o FROM "Odd ""table" AS o`)
	f.wantPast("6 (5,∅)", moved, `SELECT sum, '(' || n || ',∅)' FROM "Odd ""table" WHERE "Pair" IS NULL AND pairs = '{}'`)
	if virtual != "" {
		f.wantPast("2", point, `SELECT twice FROM "Odd ""table" WHERE twice = 2`)
	}
	f.wantPast("1 t", point, `SELECT id, "Pair" = ROW(1, 'x y')::pair FROM "Odd ""table"`)
}

func TestPastOfKeysWrittenWhileTheSchemaChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, x xml, n integer)`)
	f.track("docs", nil)
	// The capture function names a column that is gone.
	f.exec(`ALTER TABLE docs RENAME x TO y`, `INSERT INTO docs VALUES (1, NULL, 1)`)
	f.wantPast("1", f.now(), `SELECT id FROM docs`)
	// And here the key does not fit what its keys were made for.
	f.exec(`ALTER TABLE docs ALTER id TYPE text`, `INSERT INTO docs VALUES ('two', NULL, 2)`)
	f.wantPastError("TM011", f.now(), `SELECT id FROM docs`)
	f.track("docs", nil)
	f.wantCheck()
	f.wantPast("1, two", f.now(), `SELECT id FROM docs ORDER BY id`)
	f.wantPast("2", f.now(), `SELECT n FROM docs WHERE id = 'two'`)
}
