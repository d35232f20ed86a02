package chronomigrate_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Values of many types, and of types of the application's, read from periods.
func TestPeriodsTypes(t *testing.T) {
	t.Parallel()
	p := newPeriods(t, &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"note"}},
		`CREATE TYPE mood AS ENUM ('sad', 'ok')`, `CREATE DOMAIN positive AS numeric(6, 2) CHECK (value > 0)`, `CREATE TYPE pair AS (a integer, b text)`,
		`CREATE DOMAIN short AS varchar(5) COLLATE "C"`,
		`CREATE TABLE stock (code short, mood mood, n integer, PRIMARY KEY (code, mood), price positive, pair pair, moods mood[], j json, b jsonb,
			f double precision, r real, i interval, ts timestamp(2), tz timestamptz, bin bytea, xml xml, u uuid, span int4range, spans int4multirange,
			chars char(4), "Odd ""name" text COLLATE "C", arr integer[][], fs float8[], money money, bits bit(3), inet inet,
			secret text, note text, twice integer GENERATED ALWAYS AS (n * 2) STORED)`)
	p.build(&chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"note"}})
	p.exec(`INSERT INTO stock (code, mood, n, price, pair, moods, j, b, f, r, i, ts, tz, bin, xml, u, span, spans, chars, "Odd ""name", arr, fs, money, bits, inet, secret, note)
		VALUES ('a', 'ok', 1, 1.5, (1, 'x'), '{sad,ok}', '{"a":1, "a":2}', '{"x": [1]}', '-0', 1.25, '1 mon -2 days', '2020-01-01 10:00:00.126', '2020-01-01 10:00+02', '\x00ff', '<a/>', gen_random_uuid(),
			'[1,5)', '{[1,2),[4,9)}', 'ab', 'é', '{{1,2},{3,4}}', '{NaN,-0,Infinity}', '12.34', B'101', '10.0.0.1/8', 's', 'n'),
		('b', 'sad', 2, 99, NULL, '[0:1]={sad,ok}', 'null', 'null', 'NaN', 'Infinity', '-1 year', 'infinity', '-infinity', '', NULL, NULL, 'empty', '{}', '', '', '[0:1]={1,2}', NULL, NULL, NULL, '::1', NULL, NULL),
		('b', 'ok', NULL, NULL, ROW(NULL, NULL), '{}', '"\u0000"', '"x"', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 's', NULL),
		('c', 'ok', 3, 1, NULL, NULL, NULL, '{"chrononaut:text": "no"}', 1e300, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{1,2}', NULL, NULL, NULL, NULL, NULL)`)
	p.mark()
	p.exec(`UPDATE stock SET n = n + 1, tz = now(), arr = arr || '{{5,6}}' WHERE code = 'a'`, `DELETE FROM stock WHERE code = 'b' AND mood = 'sad'`,
		`UPDATE stock SET code = 'd' WHERE code = 'c'`)
	p.agree()
	p.wantText("0", `SELECT count(*)::text FROM chrononaut.`+p.periodTable()+` WHERE raw IS NOT NULL`)
	p.finish()
	p.agree()
	// Nothing hidden or untracked is in the periods, in whatever form.
	p.wantText("0", `SELECT count(*)::text FROM chrononaut.`+p.periodTable()+` AS k WHERE k::text ~ '(^|,)[sn](,|$)'`)
}

// The application's migrations go on working, and so do its writes.
func TestPeriodsSchemaChange(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		changes []string
		after   string // a statement that writes
		gone    bool   // the view of the past has columns that are gone
	}{
		"a column is added":                {[]string{`ALTER TABLE stock ADD COLUMN extra text DEFAULT 'e'`}, `UPDATE stock SET extra = 'f', amount = amount + 1`, false},
		"a column is dropped":              {[]string{`ALTER TABLE stock DROP COLUMN amount`}, `UPDATE stock SET name = 'after'`, false},
		"a type that a value fits":         {[]string{`ALTER TABLE stock ALTER COLUMN amount TYPE numeric(12, 4)`}, `UPDATE stock SET amount = 3.25`, false},
		"a type that no value fits":        {[]string{`ALTER TABLE stock ALTER COLUMN tags TYPE date[] USING '{2020-01-01}'`}, `UPDATE stock SET tags = tags || tags`, true},
		"an integer becomes a text":        {[]string{`ALTER TABLE stock ALTER COLUMN n TYPE text USING 'n' || n`}, `UPDATE stock SET n = 'text'`, true},
		"a column is renamed":              {[]string{`ALTER TABLE stock RENAME name TO title`}, `UPDATE stock SET title = 'after'`, false},
		"a type of the application's goes": {[]string{`ALTER TABLE stock DROP COLUMN mood`}, `UPDATE stock SET name = 'after'`, false},
		"a label is renamed":               {[]string{`ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'`}, `UPDATE stock SET mood = 'fine'`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeriods(t, nil, `CREATE TYPE mood AS ENUM ('sad', 'ok')`,
				`CREATE TABLE stock (id integer PRIMARY KEY, name text, amount numeric(8, 2), tags text[], n integer, mood mood)`)
			p.exec(`INSERT INTO stock SELECT i, 'n' || i, i, ARRAY['a'], i, 'ok' FROM generate_series(1, 4) AS i`)
			p.build(nil)
			// This session has run the functions for the table as it was.
			p.exec(`UPDATE stock SET amount = amount + 1`)
			p.exec(tc.changes...)
			p.mark()
			p.exec(tc.after, `INSERT INTO stock (id) VALUES (9)`, `DELETE FROM stock WHERE id = 2`, `UPDATE stock SET id = 8 WHERE id = 3`)
			if !tc.gone {
				p.compare("chrononaut_past.stock")
			}
			p.build(nil)
			p.mirrorOther()
			p.agree()
			p.wantCheck()
		})
	}
}

// mirrorOther makes the view that reads history anew, from what another migrator
// would make for the layout json.
func (p *periods) mirrorOther() {
	p.Helper()
	p.exec(`DROP SCHEMA by_history CASCADE`)
	tx, err := p.conn.Begin(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	_ = tx.Rollback(p.Context())
	p.track("stock", &chronomigrate.TrackOptions{Layout: chronomigrate.LayoutJSON})
	p.mirror()
	p.build(nil)
}

// The periods of erased history go with it.
func TestPeriodsErase(t *testing.T) {
	t.Parallel()
	p := newPeriods(t, nil, stock)
	p.exec(`INSERT INTO stock SELECT i, 'secret ' || i, i, NULL FROM generate_series(1, 4) AS i`, `UPDATE stock SET amount = 9`, `UPDATE stock SET id = 12 WHERE id = 2`)
	p.build(nil)
	p.exec(`UPDATE stock SET amount = 10`)
	p.mark()
	erase := func(where string) {
		p.Helper()
		p.exec(`BEGIN`, `SELECT chrononaut.suppress('asked for', true)`, `DELETE FROM chrononaut.chrononaut_activity WHERE table_name = 'stock' AND `+where, `COMMIT`)
	}
	held := func() string {
		p.Helper()
		return p.text(`SELECT coalesce(string_agg(k::text, ' '), '') FROM chrononaut.` + p.periodTable() + ` AS k WHERE k::text LIKE '%secret 1%' OR k::text LIKE '%secret 2%'`)
	}
	erase(`key IN ('{"id": 1}', '{"id": 2}', '{"id": 12}')`)
	if got := held(); got != "" {
		t.Errorf("the periods still have %s", got)
	}
	// A part of what history has: the rest stays right.
	erase(`key = '{"id": 3}' AND version = 1`)
	p.agree()
	// While they are made.
	p.exec(`INSERT INTO stock VALUES (7, 'secret 1', 1, NULL)`)
	p.track("stock", &chronomigrate.TrackOptions{})
	p.track("stock", &chronomigrate.TrackOptions{Layout: chronomigrate.LayoutPeriod})
	p.exec(`SELECT chrononaut.period_chunk('public', 'stock', 100)`)
	erase(`key = '{"id": 7}'`)
	erase(`key = '{"id": 4}' AND version = 0`)
	if got := held(); got != "" {
		t.Errorf("the periods still have %s", got)
	}
	p.finish()
	p.agree()
}

// What goes wrong with periods is found, and track puts it right.
func TestPeriodsDrift(t *testing.T) {
	t.Parallel()
	p := newPeriods(t, nil, stock, `INSERT INTO stock VALUES (1, 'a', 1, NULL)`)
	p.build(nil)
	name := p.periodName()
	p.wantCheck()
	follow := p.text(`SELECT quote_ident(follow_function) FROM chrononaut.chrononaut_period`)
	for _, broken := range []string{
		`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER ` + follow,
		`ALTER TABLE chrononaut.chrononaut_activity ENABLE TRIGGER ` + follow,
		`DROP TRIGGER ` + follow + ` ON chrononaut.chrononaut_activity`,
		`DROP TABLE chrononaut.` + name + ` CASCADE`,
		`DELETE FROM chrononaut.chrononaut_period`,
		`ALTER TABLE stock ADD COLUMN more text`,
	} {
		p.exec(broken)
		if !strings.HasPrefix(broken, "DROP TABLE") {
			p.exec(`UPDATE stock SET amount = amount + 1`)
		}
		if got := p.check(); len(got) == 0 {
			t.Errorf("%s: nothing found", broken)
		}
		p.build(nil)
		p.wantCheck()
	}
	p.mirrorOther()
	p.agree()

	// The layout can be asked for from the start, and ends with tracking.
	if _, err := p.migrator.Untrack(t.Context(), p.table("stock"), nil); err != nil {
		t.Fatal(describe(err))
	}
	p.wantText("0", `SELECT ((SELECT count(*) FROM pg_class WHERE relname LIKE 'stock%period%') + (SELECT count(*) FROM pg_proc WHERE proname LIKE 'stock%period%')) || ''`)
	p.compare("chrononaut_past.stock")
	p.build(nil)
	p.exec(`UPDATE stock SET amount = amount + 1`)
	p.mirrorOther()
	p.agree()
	if _, err := p.migrator.Untrack(t.Context(), p.table("stock"), nil); err != nil {
		t.Fatal(describe(err))
	}
	p.exec(`DROP SCHEMA by_history CASCADE`)
	if _, err := p.migrator.Down(t.Context(), nil); err != nil {
		t.Error(describe(err))
	}
}

// A key that no index entry of the periods can hold does not stop the write.
func TestPeriodsLongKey(t *testing.T) {
	t.Parallel()
	p := newPeriods(t, nil, `CREATE TABLE stock (name text PRIMARY KEY, amount integer)`)
	p.build(nil)
	p.exec(`INSERT INTO stock SELECT string_agg(md5(i::text), '') FROM generate_series(1, 83) AS i`)
	p.mark()
	if _, err := p.past("stock", p.points[0]); chronodriver.State(err) != "TM011" {
		t.Errorf("got %v, want SQLSTATE TM011", err)
	}
	p.track("stock", &chronomigrate.TrackOptions{})
	p.compare("chrononaut_past.stock")
	p.track("stock", &chronomigrate.TrackOptions{Layout: chronomigrate.LayoutPeriod})
	_, err := p.migrator.BuildPeriods(t.Context(), p.table("stock"), nil)
	if chronodriver.State(err) != "TM009" {
		t.Errorf("BuildPeriods() = %v, want SQLSTATE TM009", err)
	}
}

// Roles without rights on history read the past of what they may read, and write.
func TestPeriodsRoles(t *testing.T) {
	t.Parallel()
	p := newPeriods(t, nil, stock, `INSERT INTO stock VALUES (1, 'a', 1, NULL)`)
	p.build(nil)
	role := p.role("_reader")
	p.exec(`GRANT SELECT, UPDATE ON stock TO `+role, `GRANT USAGE ON SCHEMA chrononaut TO `+role)
	p.build(nil)
	p.mark()
	p.exec(`BEGIN`, `SET LOCAL ROLE `+role, `UPDATE stock SET amount = 2`, `COMMIT`)
	tx, err := p.conn.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	var amount string
	for _, sql := range []string{`SET LOCAL ROLE ` + role, `SELECT chrononaut.travel('` + p.points[0] + `')`} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(describe(err))
		}
	}
	if err := tx.QueryRow(t.Context(), `SELECT amount::text FROM stock WHERE id = 1`).Scan(&amount); err != nil {
		t.Fatal(describe(err))
	}
	if amount != "1.00" {
		t.Errorf("got %s, want 1.00", amount)
	}
}
