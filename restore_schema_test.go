package chrononaut_test

import (
	"slices"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestRestoreAfterTheSchemaChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE s (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial integer GENERATED ALWAYS AS (n * 2) STORED, n integer, old text, kind text,
		label text, secret text, "Odd ""c""" text)`)
	f.track("s", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	f.exec(`INSERT INTO s (n, old, kind, label, secret, "Odd ""c""") VALUES (1, 'o', 'k', 'l', 's', 'odd'), (2, 'o', '7', NULL, NULL, NULL)`,
		`UPDATE s SET n = 5, kind = '1', label = 'm', "Odd ""c""" = 'even'`, `DELETE FROM s WHERE id = 2`,
		`ALTER TABLE s DROP COLUMN old`, `ALTER TABLE s ADD COLUMN added text NOT NULL DEFAULT 'd'`, `ALTER TABLE s ALTER COLUMN kind TYPE integer USING kind::integer`)
	if _, err := f.migrator.Rename(t.Context(), f.name("s"), chronomigrate.Renaming{Columns: map[string]string{"label": "title"}}, nil); err != nil {
		t.Fatal(err)
	}
	f.client = must(f.db.Client())(t)
	plan := must(f.client.Restore(t.Context(), f.name("s"), keys(1, 2), chrononaut.ToVersion(0), nil))(t)
	if got, want := problems(plan), []string{"added", "dropped", "hidden", "type"}; !slices.Equal(got, want) {
		t.Errorf("problems: %v, want %v\n%s", got, want, plan)
	}
	f.apply(plan, nil)
	f.wantRows(`SELECT row(id, serial, n, kind, title, secret, added, "Odd ""c""")::text FROM s ORDER BY id`, `(1,2,1,1,l,s,d,odd)`, `(2,4,2,7,,,d,)`)

	f.exec(`DELETE FROM s WHERE id = 2`, `ALTER TABLE s ALTER COLUMN added DROP DEFAULT`)
	// The last state has the column by now; the first one has not.
	if got := problems(f.undelete("s", chrononaut.Key{"id": 2})); slices.Contains(got, "required") {
		t.Errorf("problems: %v", got)
	}
	plan = must(f.client.Restore(t.Context(), f.name("s"), keys(2), chrononaut.ToVersion(0), nil))(t)
	if len(plan.Blocked()) != 1 || !slices.Contains(problems(plan), "required") {
		t.Errorf("plan: %s", plan)
	}
}

func TestRestorePartitionedTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE m (region text, id integer, v text, PRIMARY KEY (region, id)) PARTITION BY LIST (region)`,
		`CREATE TABLE m_eu PARTITION OF m FOR VALUES IN ('eu')`, `CREATE TABLE m_us PARTITION OF m FOR VALUES IN ('us')`)
	f.track("m", &chronomigrate.TrackOptions{})
	f.exec(`INSERT INTO m VALUES ('eu', 1, 'a'), ('eu', 2, 'b'), ('us', 3, 'c')`)
	job := chrononaut.WithActor(t.Context(), "job")
	f.execAs(job, `UPDATE m SET region = 'us', v = 'moved' WHERE id = 1; DELETE FROM m WHERE id = 2; INSERT INTO m VALUES ('us', 9, 'new')`)
	result := f.apply(must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Actor: "job"}, nil))(t), nil)
	f.wantRows(`SELECT tableoid::regclass || ' ' || id || v FROM m ORDER BY id`, "m_eu 1a", "m_eu 2b", "m_us 3c")
	f.apply(must(f.client.Revert(t.Context(), chrononaut.RevertTarget{Transaction: result.Transactions[0]}, nil))(t), nil)
	f.wantRows(`SELECT tableoid::regclass || ' ' || id || v FROM m ORDER BY id`, "m_us 1moved", "m_us 3c", "m_us 9new")
}

func TestRestoreAllTypes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TYPE mood AS ENUM ('sad', 'ok')`, `CREATE TYPE pair AS (a integer, b text)`, `CREATE DOMAIN positive AS numeric(8,3) CHECK (VALUE > 0)`,
		`CREATE TABLE v (id uuid PRIMARY KEY, i8 bigint, n numeric, n2 numeric(10,4), f float8, f4 float4, t text, c char(5), vc varchar(7), b bytea, ok boolean,
			d date, ts timestamp, tz timestamptz, iv interval, tm time, ttz timetz, j json, jb jsonb, arr integer[], arr2 text[][], m mood, p pair, pp pair[], dom positive,
			rng int4range, mr nummultirange, ip inet, net cidr, mac macaddr, bits bit varying, x xml, money money, pt point, tsv tsvector, z text)`)
	f.track("v", &chronomigrate.TrackOptions{})
	f.exec(`INSERT INTO v VALUES ('00000000-0000-0000-0000-000000000001', 9223372036854775807, 12345678901234567890.12345678900, 1.5, '-0', 'NaN', E'q " \\ \' \n é', 'ab', 'vc', '\x00ff', true,
			'0044-03-15 BC', 'infinity', '2024-02-29 12:00:00.123456+02', '1 mon -2 days 03:04:05.6', '24:00', '10:00:00.5+02', '{"b": 1,  "a": [1.0, 1.0], "b": 2}', '{"n": 1.10, "chrononaut:text": "x"}', '[0:1]={1,NULL}', '{{a,"b,c"},{NULL,"NULL"}}', 'ok', '(1,"x ""y""")', '{"(1,a)","(,)"}', 7.125,
			'[1,5)', '{[1.5,2),[3,)}', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', B'101', '<a>&amp;</a>', '12.34', '(1.5,-0)', 'a:1 b:2', NULL)`, `INSERT INTO v (id) VALUES ('00000000-0000-0000-0000-000000000002')`)
	state := `SELECT row(v.*)::text FROM (SELECT id, i8, n, n2, f, f4, t, c, vc, b, ok, d, ts, tz, iv, tm, ttz, j::text, jb, arr, arr2, m, p, pp, dom, rng, mr, ip, net, mac, bits, x::text, money, pt, tsv, z FROM v ORDER BY id) AS v`
	want := f.rows(state)
	at := f.now()
	f.exec(`UPDATE v SET i8 = 1, n = 1, n2 = 2, f = 1, f4 = 2, t = 'x', c = 'x', vc = 'x', b = 'x', ok = false, d = now(), ts = now(), tz = now(), iv = '1s', tm = '10:00', ttz = '10:00+01', j = 'null', jb = 'null',
			arr = '{1}', arr2 = NULL, m = 'sad', p = NULL, pp = NULL, dom = 1, rng = NULL, mr = NULL, ip = NULL, net = NULL, mac = NULL, bits = NULL, x = NULL, money = 1, pt = '(1,1)', tsv = NULL, z = 'z' WHERE id::text LIKE '%1'`,
		`DELETE FROM v WHERE id::text LIKE '%2'`)
	point := chrononaut.ToPoint(chrononaut.At(at))
	plan := must(f.client.Restore(t.Context(), f.name("v"), nil, point, nil))(t)
	result := f.apply(plan, nil)
	f.wantRows(state, want...)
	if plan := must(f.client.Restore(t.Context(), f.name("v"), nil, point, nil))(t); !plan.Empty() {
		t.Errorf("nothing is left to do, and the plan is\n%s", plan)
	}
	// As inserted rows, too.
	f.exec(`DELETE FROM v`)
	f.apply(f.undelete("v", chrononaut.Key{"id": "00000000-0000-0000-0000-000000000001"}, chrononaut.Key{"id": "00000000-0000-0000-0000-000000000002"}), nil)
	f.wantRows(state, want...)
	if result.Updated != 1 || result.Inserted != 1 {
		t.Errorf("result: %+v", result)
	}
}

func TestRestoreNamesWhatTriggersDo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE g (id integer PRIMARY KEY, a text, b text)`, `CREATE TABLE audit (id serial PRIMARY KEY, said text)`)
	f.track("g", &chronomigrate.TrackOptions{})
	f.track("audit", &chronomigrate.TrackOptions{})
	f.exec(`INSERT INTO g VALUES (1, 'x', 'y'), (2, 'x', 'y')`, `UPDATE g SET a = 'z', b = 'z'`,
		`CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.id = 2 THEN RETURN NULL; END IF; INSERT INTO audit (said) VALUES (NEW.a); NEW.a := upper(NEW.a); RETURN NEW; END $$`,
		`CREATE TRIGGER loud BEFORE UPDATE ON g FOR EACH ROW EXECUTE FUNCTION loud()`)
	plan := must(f.client.Restore(t.Context(), f.name("g"), keys(1, 2), chrononaut.ToVersion(0), nil))(t)
	if got := problems(plan); !slices.Equal(got, []string{"triggers"}) {
		t.Errorf("problems: %v", got)
	}
	result := must(plan.Apply(t.Context(), &chrononaut.RestoreApplyOpts{Rationale: "r"}))(t)
	if len(result.Differences) != 2 || !slices.Equal(result.Differences[0].Columns, []string{"a"}) || !slices.Equal(result.Differences[1].Columns, []string{"a", "b"}) {
		t.Errorf("differences: %+v", result.Differences)
	}
	// What a trigger writes because of a restore is none.
	f.wantRows(`SELECT table_name || ' ' || operation FROM chrononaut.chrononaut_activity WHERE extra_info ? 'restore' ORDER BY id`, "audit insert", "g restore")
}

// What a column does not take any more, because it is shorter or its domain says
// more, is left out.
func TestRestoreIntoTighterColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE DOMAIN small AS integer`, `CREATE DOMAIN code AS text`,
		`CREATE TABLE s (id integer PRIMARY KEY, a text, b integer, c numeric, d text[], e bit varying, f code, g integer, h text)`)
	f.track("s", nil)
	f.exec(`INSERT INTO s VALUES (1, 'abcdef', 100, 12345.5, '{abcdef}', B'10101', 'long', 7, 'ab '), (2, 'abc', 1, 1.5, '{ab}', B'1', 'x', 8, 'é€x')`,
		`UPDATE s SET a = 'x', b = 1, c = 1, d = '{x}', e = B'1', f = 'x', g = 0, h = 'x'`,
		`ALTER TABLE s ALTER a TYPE varchar(3), ALTER b TYPE small, ALTER c TYPE numeric(5,2), ALTER d TYPE varchar(3)[], ALTER e TYPE bit varying(3), ALTER h TYPE varchar(3)`,
		`ALTER DOMAIN small ADD CHECK (value < 10)`, `ALTER DOMAIN code ADD CHECK (length(value) < 3)`)
	plan := must(f.client.Restore(t.Context(), f.name("s"), keys(1, 2), chrononaut.ToVersion(0), nil))(t)
	if p := plan.Items[0].Problems; len(p) != 1 || p[0].Kind != chrononaut.ProblemType || !slices.Equal(p[0].Columns, []string{"a", "b", "c", "d", "e", "f"}) {
		t.Errorf("problems: %v", p)
	}
	f.apply(plan, nil)
	f.wantRows(`SELECT row(id, a, b, c, d, e, f, g, h)::text FROM s ORDER BY id`, `(1,x,1,1.00,{x},1,x,7,"ab ")`, `(2,abc,1,1.50,{ab},1,x,8,é€x)`)
	f.exec(`DELETE FROM s WHERE id = 1`)
	plan = must(f.client.Restore(t.Context(), f.name("s"), keys(1), chrononaut.ToVersion(0), nil))(t)
	f.apply(plan, nil)
	f.wantRows(`SELECT row(id, a, b, c, d, e, f, g, h)::text FROM s WHERE id = 1`, `(1,,,,,,,7,"ab ")`)
}

// The zeros at the end of a number come back, and are no difference where the column
// cannot have others; nor is a value that only its type writes in another way.
func TestRestoreNumbersAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE DOMAIN amount AS numeric`, `CREATE TABLE s (id integer PRIMARY KEY, a numeric, b amount, c numeric, d text, e jsonb)`)
	f.track("s", nil)
	f.exec(`INSERT INTO s VALUES (1, 1.50, 1.50, 1.5, '5', '"5"')`, `UPDATE s SET a = 1.5, b = 1.5`,
		`ALTER TABLE s ALTER c TYPE numeric(5,2), ALTER d TYPE integer USING d::integer`, `UPDATE s SET e = '5'`)
	plan := must(f.client.Restore(t.Context(), f.name("s"), keys(1), chrononaut.ToVersion(0), nil))(t)
	var columns []string
	for _, c := range plan.Items[0].Columns {
		columns = append(columns, c.Column)
	}
	if !slices.Equal(columns, []string{"a", "b", "e"}) {
		t.Errorf("columns: %v\n%s", columns, plan)
	}
	if later := plan.Items[0].Later[0].Columns; !slices.Equal(later, []string{"a", "b"}) {
		t.Errorf("columns of the first change since: %v", later)
	}
	f.apply(plan, nil)
	f.wantRows(`SELECT row(a, b, c, d, e)::text FROM s`, `(1.50,1.50,1.50,5,"""5""")`)
	if plan := must(f.client.Restore(t.Context(), f.name("s"), keys(1), chrononaut.ToVersion(0), nil))(t); !plan.Empty() {
		t.Errorf("nothing is left to do, and the plan is\n%s", plan)
	}
}
