package chronotest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

var orders = chrononaut.Table{Schema: "public", Name: "orders"}

type bundle struct {
	*testing.T
	pool     *pgxpool.Pool
	driver   chronodriver.Driver
	migrator *chronomigrate.Migrator
}

// setup gives a test a database with a table of many types, which is tracked.
// Two of its columns have no values in history.
func setup(t *testing.T) *bundle {
	t.Helper()
	database := pgtest.NewFrom(t, "chronotest", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		_, err = pool.Exec(ctx, `
			CREATE TYPE mood AS ENUM ('sad', 'happy');
			CREATE TYPE pair AS (x double precision, y text);
			CREATE TABLE orders (
				id         integer PRIMARY KEY DEFERRABLE,
				title      text,
				secret     text,
				cache      text,
				price      numeric,
				weight     double precision,
				weights    real[],
				tags       text[],
				document   json,
				documentb  jsonb,
				made       timestamptz,
				took       interval,
				feeling    mood,
				couple     pair,
				during     tstzrange,
				raw        bytea,
				doubled    integer GENERATED ALWAYS AS (id * 2) STORED
			);`)
		if err != nil {
			return err
		}
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		_, err = m.Track(ctx, orders, &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"cache"}}, nil)
		return err
	})
	b := &bundle{T: t, pool: database.Pool(t)}
	b.driver = chronopgx.NewDriver(b.pool, nil)
	var err error
	if b.migrator, err = chronomigrate.New(b.driver, nil); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bundle) exec(sql string, args ...any) {
	b.Helper()
	if _, err := b.pool.Exec(b.Context(), sql, args...); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

// untracked runs a statement while the triggers of a table are disabled.
func (b *bundle) untracked(sql string) {
	b.Helper()
	b.exec("BEGIN; ALTER TABLE orders DISABLE TRIGGER USER; " + sql + "; ALTER TABLE orders ENABLE TRIGGER USER, ENABLE REPLICA TRIGGER \"000_chrononaut_capture\"," +
		"ENABLE ALWAYS TRIGGER \"000_chrononaut_truncate\", ENABLE ALWAYS TRIGGER \"zzzz_chrononaut_version\"; COMMIT")
}

func (b *bundle) replay(opts *chronotest.ReplayOpts) []string {
	b.Helper()
	differences, err := chronotest.Replay(b.Context(), b.driver, orders, opts)
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, d := range differences {
		got = append(got, d.String())
	}
	return got
}

func (b *bundle) want(got []string, want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("differences mismatch (-want +got):\n%s", diff)
	}
}

// everything writes in many ways.
const everything = `
	INSERT INTO orders VALUES
		(1, 'a', 's', 'c', 1.10, '-0', '{-0,NaN}', '{a,NULL,"b c"}', '{"a": 1, "a": 2}', 'null', '2026-01-02 03:04:05.678901+00', '1 mon -2 days', 'happy', '(-0,"x y")', '[2026-01-01,)', '\x00ff'),
		(2, 'b', NULL, NULL, 'NaN', 'Infinity', '[2:3]={1,2}', '{{a,b},{c,d}}', 'null', '{"n": null}', 'infinity', '-00:00:01', 'sad', '(,)', 'empty', '\x');
	INSERT INTO orders VALUES (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f'), (7, 'g');
	UPDATE orders SET title = title || '!', secret = 'other' WHERE id < 4;
	UPDATE orders SET cache = 'untracked' WHERE id = 3;
	UPDATE orders SET id = 30 WHERE id = 3;
	INSERT INTO orders VALUES (3, 'took over');
	UPDATE orders SET id = 9 - id WHERE id IN (4, 5);
	DELETE FROM orders WHERE id = 6;
	INSERT INTO orders VALUES (6, 'again');
	DELETE FROM orders WHERE id = 7;
	ALTER TABLE orders ADD COLUMN added text;
	UPDATE orders SET added = 'x' WHERE id = 1;
	ALTER TABLE orders ALTER COLUMN title TYPE varchar(100), ALTER COLUMN price TYPE text, DROP COLUMN took;`

func TestReplay(t *testing.T) {
	t.Parallel()

	t.Run("finds nothing where everything was captured", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(everything)
		b.want(b.replay(nil))
		b.want(b.replay(&chronotest.ReplayOpts{Values: true, Limit: -1}))
		chronotest.RequireReplay(t, b.driver, chrononaut.Table{Name: "orders"}, nil)
		b.exec("TRUNCATE orders")
		b.want(b.replay(nil))
		b.exec("INSERT INTO orders VALUES (1, 'after')")
		b.want(b.replay(nil))
	})

	t.Run("does not depend on the session's settings", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(everything)
		config := b.pool.Config()
		for name, value := range map[string]string{
			"timezone": "Asia/Kathmandu", "datestyle": "SQL, DMY", "intervalstyle": "sql_standard",
			"extra_float_digits": "-3", "bytea_output": "escape", "search_path": "pg_catalog",
		} {
			config.ConnConfig.RuntimeParams[name] = value
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		differences, err := chronotest.Replay(t.Context(), chronopgx.NewDriver(pool, nil), orders, nil)
		if err != nil || len(differences) != 0 {
			t.Errorf("Replay() = %v, %v; want no difference", differences, err)
		}
	})

	t.Run("finds what was not captured", func(t *testing.T) {
		t.Parallel()
		for _, tc := range []struct {
			sql  string
			want []string
		}{
			{`UPDATE orders SET title = 'x' WHERE id = 1`, []string{`public.orders {"id":1}: differs in title`}},
			{`UPDATE orders SET title = NULL, price = '1.100' WHERE id = 1`, []string{`public.orders {"id":1}: differs in title, price`}},
			{`UPDATE orders SET weight = 0 WHERE id = 1`, []string{`public.orders {"id":1}: differs in weight`}},
			{`UPDATE orders SET weights = '{0,NaN}' WHERE id = 1`, []string{`public.orders {"id":1}: differs in weights`}},
			{`UPDATE orders SET document = '{"a": 1, "a":2}' WHERE id = 1`, []string{`public.orders {"id":1}: differs in document`}},
			{`UPDATE orders SET documentb = NULL WHERE id = 1`, []string{`public.orders {"id":1}: differs in documentb`}},
			{`UPDATE orders SET couple = '(0,"x y")' WHERE id = 1`, []string{`public.orders {"id":1}: differs in couple`}},
			{`UPDATE orders SET version = 7 WHERE id = 1`, []string{`public.orders {"id":1}: differs in version`}},
			{`UPDATE orders SET added = NULL WHERE id = 1`, []string{`public.orders {"id":1}: differs in added`}},
			{`UPDATE orders SET added = 'y' WHERE id = 2`, []string{`public.orders {"id":2}: differs in added`}},
			{`DELETE FROM orders WHERE id = 2`, []string{`public.orders {"id":2}: history has the row, the table does not`}},
			{`INSERT INTO orders VALUES (7, 'deleted before'), (100, 'never seen')`, []string{
				`public.orders {"id":7}: the table has the row, history does not`, `public.orders {"id":100}: the table has the row, history does not`,
			}},
			{`UPDATE orders SET id = 40 WHERE id = 30`, []string{
				`public.orders {"id":30}: history has the row, the table does not`, `public.orders {"id":40}: the table has the row, history does not`,
			}},
			{`UPDATE orders SET secret = 'x', cache = 'y'`, nil},
		} {
			t.Run(tc.sql, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.exec(everything)
				b.untracked(tc.sql)
				b.want(b.replay(nil), tc.want...)
			})
		}
	})

	t.Run("sees a TRUNCATE that was not captured", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec("INSERT INTO orders VALUES (1)")
		b.untracked("TRUNCATE orders")
		b.want(b.replay(nil), `public.orders {"id":1}: history has the row, the table does not`)
	})

	t.Run("wants a baseline of older rows", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec("CREATE TABLE older (a text, b date, PRIMARY KEY (b, a)); INSERT INTO older SELECT n, '2026-01-01' FROM generate_series(1, 3) AS n")
		older := chrononaut.Table{Schema: "public", Name: "older"}
		if _, err := b.migrator.Track(t.Context(), older, nil, nil); err != nil {
			t.Fatal(err)
		}
		differences, err := chronotest.Replay(t.Context(), b.driver, older, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(differences) != 3 || differences[0].Kind != chronotest.Unrecorded {
			t.Errorf("Replay() = %v, want 3 unrecorded rows", differences)
		}
		b.exec("UPDATE older SET a = 'x' WHERE a = '3'")
		if _, err := b.migrator.Baseline(t.Context(), older, nil); err != nil {
			t.Fatal(err)
		}
		chronotest.RequireReplay(t, b.driver, older, nil)
		b.exec("UPDATE older SET b = '2026-01-02' WHERE a = '1'")
		chronotest.RequireReplay(t, b.driver, older, nil)
	})

	t.Run("knows a version column of another name", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`CREATE SCHEMA "Odd Name"; CREATE TABLE "Odd Name"."Select" ("Id" bigint PRIMARY KEY, "ro""w" text)`)
		odd := chrononaut.Table{Schema: "Odd Name", Name: "Select"}
		if _, err := b.migrator.Track(t.Context(), odd, &chronomigrate.TrackOptions{VersionColumn: "lock version"}, nil); err != nil {
			t.Fatal(err)
		}
		b.exec(`INSERT INTO "Odd Name"."Select" VALUES (1, 'a'), (2, 'b'); UPDATE "Odd Name"."Select" SET "ro""w" = 'c' WHERE "Id" = 1`)
		chronotest.RequireReplay(t, b.driver, odd, nil)
	})

	t.Run("follows a partitioned table", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`CREATE TABLE parts (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
			CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20)`)
		parts := chrononaut.Table{Schema: "public", Name: "parts"}
		if _, err := b.migrator.Track(t.Context(), parts, nil, nil); err != nil {
			t.Fatal(err)
		}
		b.exec(`INSERT INTO parts SELECT n, n FROM generate_series(0, 19) AS n; DELETE FROM parts WHERE id = 15; UPDATE parts SET id = 15 WHERE id = 5; DELETE FROM parts WHERE id = 6`)
		chronotest.RequireReplay(t, b.driver, parts, nil)
	})

	t.Run("reports values only when asked", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec("INSERT INTO orders (id, title, secret) VALUES (1, 'in history', 'hidden'), (2, 'gone', 'hidden')")
		b.untracked("UPDATE orders SET title = 'in the table' WHERE id = 1; DELETE FROM orders WHERE id = 2")
		for _, values := range []bool{false, true} {
			differences, err := chronotest.Replay(t.Context(), b.driver, orders, &chronotest.ReplayOpts{Values: values})
			if err != nil || len(differences) != 2 {
				t.Fatalf("Replay() = %v, %v; want two differences", differences, err)
			}
			text := fmt.Sprint(differences)
			if got := strings.Contains(text, "in history"); got != values {
				t.Errorf("Replay() with Values %t says %q", values, text)
			}
			if strings.Contains(fmt.Sprintf("%+v", differences), "hidden") {
				t.Error("Replay() reports a hidden value")
			}
			if !values && (differences[0].History != nil || differences[1].History != nil) {
				t.Errorf("Replay() without Values has values")
			}
		}
		b.want(b.replay(&chronotest.ReplayOpts{Values: true, Limit: 1}), `public.orders {"id":1}: differs in title; title is "in the table", in history "in history"`)
		b.want(b.replay(&chronotest.ReplayOpts{Ignore: []string{"title"}}), `public.orders {"id":2}: history has the row, the table does not`)
	})

	t.Run("refuses what has no history", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec("CREATE TABLE other (id integer PRIMARY KEY)")
		for _, tc := range []struct {
			table  string
			schema string
			want   error
		}{
			{"other", "", chrononaut.ErrNotTracked},
			{"nothing", "", chrononaut.ErrNotTracked},
			{"orders", "nowhere", chrononaut.ErrNotInstalled},
		} {
			_, err := chronotest.Replay(t.Context(), b.driver, chrononaut.Table{Name: tc.table}, &chronotest.ReplayOpts{Schema: tc.schema})
			if !errors.Is(err, tc.want) {
				t.Errorf("Replay(%s) = %v, want %v", tc.table, err, tc.want)
			}
		}
		b.exec("DROP TABLE orders")
		if _, err := chronotest.Replay(t.Context(), b.driver, orders, nil); !errors.Is(err, chronomigrate.ErrNoTable) {
			t.Errorf("Replay of a dropped table: %v, want %v", err, chronomigrate.ErrNoTable)
		}
	})
}

// recorder is a test that only notes its failures.
type recorder struct {
	testing.TB
	errors, fatals []string
}

func (r *recorder) Error(args ...any)                 { r.errors = append(r.errors, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.fatals = append(r.fatals, fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func TestRequireReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec("INSERT INTO orders VALUES (1, 'a'), (2, 'b')")
	r := &recorder{TB: t}
	chronotest.RequireReplay(r, b.driver, orders, nil)
	if len(r.fatals)+len(r.errors) != 0 {
		t.Errorf("RequireReplay failed: %q %q", r.fatals, r.errors)
	}
	b.untracked("UPDATE orders SET title = 'x'")
	chronotest.RequireReplay(r, b.driver, orders, nil)
	want := []string{"public.orders is not what its history says; 2 differences:\npublic.orders {\"id\":1}: differs in title\npublic.orders {\"id\":2}: differs in title"}
	if diff := cmp.Diff(want, r.fatals); diff != "" {
		t.Errorf("failures mismatch (-want +got):\n%s", diff)
	}
	chronotest.RequireReplay(r, b.driver, chrononaut.Table{Name: "nothing"}, nil)
	if len(r.fatals) != 2 {
		t.Errorf("RequireReplay of an untracked table: %q, want one more failure", r.fatals)
	}
}

func TestAssertTracked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assert := func(opts *chronotest.TrackedOpts) []string {
		t.Helper()
		r := &recorder{TB: t}
		chronotest.AssertTracked(r, b.driver, opts)
		if len(r.fatals) > 0 {
			t.Errorf("AssertTracked ended the test: %q", r.fatals)
		}
		return r.errors
	}
	contains := func(got []string, want ...string) {
		t.Helper()
		if len(got) != len(want) {
			t.Errorf("got failures %q, want %q", got, want)
			return
		}
		for i, s := range want {
			if !strings.Contains(got[i], s) {
				t.Errorf("got failure %q, want %q", got[i], s)
			}
		}
	}
	contains(assert(nil))
	contains(assert(&chronotest.TrackedOpts{Tables: []chrononaut.Table{orders, {Name: "orders"}}, Except: []chrononaut.Table{}}))
	contains(assert(&chronotest.TrackedOpts{Tables: []chrononaut.Table{{Schema: "elsewhere", Name: "orders"}}}), "elsewhere.orders is not tracked")

	b.exec("CREATE TABLE other (id integer PRIMARY KEY)")
	contains(assert(nil))
	contains(assert(&chronotest.TrackedOpts{Except: []chrononaut.Table{}}), "public.other")
	contains(assert(&chronotest.TrackedOpts{Except: []chrononaut.Table{{Name: "other"}}}))

	b.exec(`ALTER TABLE orders DISABLE TRIGGER "000_chrononaut_capture"`)
	contains(assert(nil), "trigger_disabled: public.orders: ")
	contains(assert(&chronotest.TrackedOpts{Schema: "nowhere"}), "history is not installed")
}
