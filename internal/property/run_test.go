package property_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// bench is a database in which many cases run, each in a schema of its own.
type bench struct {
	*testing.T
	major    int
	url      string
	admin    *pgxpool.Pool
	driver   chronodriver.Driver
	migrator *chronomigrate.Migrator
	// sessions have different settings. None of them may matter.
	sessions []*chronopgx.DB
	cases    int
	changes  int
}

// settings are what capture must not depend on.
var settings = []map[string]string{
	{},
	{
		"timezone": "Asia/Kathmandu", "datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "extra_float_digits": "-3",
		"bytea_output": "escape", "xmloption": "document", "search_path": "pg_catalog", "standard_conforming_strings": "off", "escape_string_warning": "off",
	},
	{"timezone": "America/St_Johns", "intervalstyle": "iso_8601", "plan_cache_mode": "force_generic_plan", "search_path": ""},
}

func newBench(t *testing.T) *bench {
	t.Helper()
	database := pgtest.NewFrom(t, "property", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		if _, err := pool.Exec(ctx, types); err != nil {
			return err
		}
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		_, err = m.Up(ctx, nil)
		return err
	})
	b := &bench{T: t, major: database.ServerMajor(), url: database.URL(), admin: database.Pool(t)}
	b.driver = chronopgx.NewDriver(b.admin, nil)
	var err error
	if b.migrator, err = chronomigrate.New(b.driver, nil); err != nil {
		t.Fatal(err)
	}
	for _, params := range settings {
		config, err := pgxpool.ParseConfig(database.URL())
		if err != nil {
			t.Fatal(err)
		}
		config.MaxConns = 1
		// Every statement is another: preparing them gains nothing.
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		for name, value := range params {
			config.ConnConfig.RuntimeParams[name] = value
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		b.sessions = append(b.sessions, chronopgx.New(pool, nil))
	}
	return b
}

// run is one case: statements in a schema, one session at a time.
type run struct {
	*bench
	schema string
	w      *world
	at     *chronopgx.DB
	tx     pgx.Tx
	// saved are the worlds at BEGIN and at every savepoint since.
	saved  []*world
	lastID int64
	names  int
	// unsettled leaves history to be compared in another way.
	unsettled bool
}

func (b *bench) newRun(rt *rapid.T) *run {
	b.cases++
	r := &run{bench: b, schema: fmt.Sprint("case ", b.cases), at: b.sessions[0]}
	r.admit(rt, "CREATE SCHEMA "+ident(r.schema))
	rt.Cleanup(func() {
		// Tracked tables of former cases would slow down what reads the registry.
		ctx := b.Context()
		if r.tx != nil {
			if err := r.tx.Rollback(ctx); err != nil {
				b.Log(err)
			}
		}
		_, err := b.admin.Exec(ctx, "DROP SCHEMA "+ident(r.schema)+" CASCADE")
		if err == nil {
			_, err = b.admin.Exec(ctx, "DELETE FROM chrononaut.chrononaut_table WHERE table_schema = $1", r.schema)
		}
		if err != nil {
			b.Log(err)
		}
	})
	if err := b.admin.QueryRow(b.Context(), "SELECT coalesce(max(id), 0) FROM chrononaut.chrononaut_activity").Scan(&r.lastID); err != nil {
		rt.Fatalf("%v", err)
	}
	r.w = drawWorld(rt, r.schema)
	for _, t := range r.w.tables {
		r.admit(rt, t.create())
	}
	return r
}

// admit runs DDL and the like outside of the sessions.
func (r *run) admit(rt *rapid.T, sql string) {
	rt.Log(sql)
	if _, err := r.admin.Exec(r.Context(), sql); err != nil {
		rt.Fatalf("%v", err)
	}
}

func (t *table) qualified() chrononaut.Table { return chrononaut.Table{Schema: t.schema, Name: t.name} }

// options are those that the table is tracked with.
func (t *table) options() *chronomigrate.TrackOptions {
	o := &chronomigrate.TrackOptions{RecordChanges: t.recordChanges}
	if t.versionColumn != "version" {
		o.VersionColumn = t.versionColumn
	}
	for _, c := range t.columns {
		if c.hidden {
			o.Hidden = append(o.Hidden, c.name)
		}
		if c.untracked {
			o.Untracked = append(o.Untracked, c.name)
		}
	}
	return o
}

func (r *run) track(rt *rapid.T, t *table) {
	rt.Logf("-- track %s %+v", t.sql(), *t.options())
	if _, err := r.migrator.Track(r.Context(), t.qualified(), t.options(), nil); err != nil {
		rt.Fatalf("track %s: %v", t.name, err)
	}
	t.hiddenGone = false
}

// fill inserts rows before the tables are tracked.
func (r *run) fill(rt *rapid.T) {
	for _, t := range r.w.tables {
		if !oneIn(rt, 3, "rows before tracking") {
			continue
		}
		for range 3 {
			values, ok := t.drawRow(rt)
			if !ok || t.rows[t.id(values)] != nil {
				continue
			}
			t.rows[t.id(values)] = &row{values: t.complete(values), version: absent}
			r.admit(rt, t.insertSQL([]map[string]value{values}, ""))
		}
	}
}

// context carries the attribution of the present transaction.
func (r *run) context() context.Context {
	ctx := r.Context()
	if r.w.by.actor != "" {
		ctx = chrononaut.WithActor(ctx, r.w.by.actor)
	}
	if r.w.by.rationale != "" {
		ctx = chrononaut.WithRationale(ctx, r.w.by.rationale)
	}
	return ctx
}

// drawWho draws who does what follows, and in which session, unless a
// transaction has settled that.
func (r *run) drawWho(rt *rapid.T) {
	if r.tx != nil {
		return
	}
	r.w.rekeyed = 0
	r.at = rapid.SampledFrom(r.sessions).Draw(rt, "session")
	r.w.by = who{
		rapid.SampledFrom([]string{"", "ann", `o'neil\`}).Draw(rt, "actor"),
		rapid.SampledFrom([]string{"", "because"}).Draw(rt, "rationale"),
	}
}

// queryer is a session or its transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (r *run) queryer() queryer {
	if r.tx != nil {
		return r.tx
	}
	return r.at.Pool()
}

// send runs SQL in the transaction, or as one of its own.
func (r *run) send(rt *rapid.T, sql string) error {
	rt.Log(sql)
	if r.tx != nil {
		_, err := r.tx.Exec(r.Context(), sql)
		return err
	}
	_, err := r.at.Exec(r.context(), sql)
	return err
}

// exec runs a statement and compares what it left in history with the model.
func (r *run) exec(rt *rapid.T, sql string) {
	if err := r.send(rt, sql); err != nil {
		rt.Fatalf("%v", err)
	}
	r.settle(rt)
}

// fail runs a statement that the database must refuse.
func (r *run) fail(rt *rapid.T, sql, state string) {
	if r.tx != nil {
		if err := r.send(rt, "SAVEPOINT refused"); err != nil {
			rt.Fatalf("%v", err)
		}
	}
	if err := r.send(rt, sql); chronodriver.State(err) != state {
		rt.Fatalf("got error %v, want SQLSTATE %s", err, state)
	}
	if r.tx != nil {
		if err := r.send(rt, "ROLLBACK TO refused"); err != nil {
			rt.Fatalf("%v", err)
		}
	}
	r.settle(rt)
}

// copyIn runs COPY … FROM STDIN.
func (r *run) copyIn(rt *rapid.T, sql, data string) {
	rt.Logf("%s\n%s", sql, data)
	in := func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().CopyFrom(r.Context(), strings.NewReader(data), sql)
		return err
	}
	var err error
	if r.tx != nil {
		err = in(r.tx)
	} else {
		err = pgx.BeginFunc(r.context(), r.at, in)
	}
	if err != nil {
		rt.Fatalf("%v", err)
	}
	r.settle(rt)
}

// settle compares the changes since the last call with the model's.
func (r *run) settle(rt *rapid.T) {
	if r.unsettled {
		r.w.changes = nil
		return
	}
	rows, err := r.queryer().Query(r.Context(), `
		SELECT id, table_name, operation, version, key::text, coalesce(previous_key::text, ''), data::text, user_info::text, extra_info::text
		  FROM chrononaut.chrononaut_activity
		 WHERE id > $1 AND table_schema = $2 AND operation NOT IN ('track', 'untrack')`, r.lastID, r.schema)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	var got []change
	var id int64
	var c change
	_, err = pgx.ForEachRow(rows, []any{&id, &c.Table, &c.Operation, &c.Version, &c.Key, &c.Previous, &c.Data, &c.User, &c.Extra}, func() error {
		r.lastID = max(r.lastID, id)
		got = append(got, r.comparable(c))
		return nil
	})
	if err != nil {
		rt.Fatalf("%v", err)
	}
	want := r.w.changes
	r.w.changes = nil
	r.bench.changes += len(want)
	for _, list := range [][]change{got, want} {
		slices.SortFunc(list, func(a, b change) int {
			return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Key, b.Key), cmp.Compare(a.Version, b.Version), strings.Compare(a.Operation, b.Operation))
		})
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		rt.Fatalf("history mismatch (-want +got):\n%s", diff)
	}
}

// comparable brings a change into the model's form.
func (r *run) comparable(c change) change {
	c.Key, c.User = normalize(c.Key), normalize(c.User)
	if c.Previous != "" {
		c.Previous = normalize(c.Previous)
	}
	var extra map[string]any
	if err := json.Unmarshal([]byte(c.Extra), &extra); err != nil {
		panic(err)
	}
	if hidden, ok := extra["hidden_cols_changed"].([]any); ok {
		slices.SortFunc(hidden, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	c.Extra = encode(extra)
	var data map[string]json.RawMessage
	if err := json.Unmarshal([]byte(c.Data), &data); err != nil {
		panic(err)
	}
	for _, t := range r.w.tables {
		if _, ok := data["changed"]; ok && t.name == c.Table && t.recordChanges {
			delete(data, "changed") // the time, which the model cannot know
		}
	}
	c.Data = normalize(encode(data))
	return c
}

// finish compares the tables themselves with the model and with history.
func (r *run) finish(rt *rapid.T) {
	if r.tx != nil {
		r.commit(rt)
	}
	ctx := r.Context()
	for _, t := range r.w.tables {
		rows, err := r.admin.Query(ctx, fmt.Sprintf("SELECT %s::text, coalesce(%s, -1) FROM %s", t.keyObject(), ident(t.versionColumn), t.sql()))
		if err != nil {
			rt.Fatalf("%v", err)
		}
		got, want := map[string]int{}, map[string]int{}
		var key string
		var version int
		if _, err := pgx.ForEachRow(rows, []any{&key, &version}, func() error {
			got[normalize(key)] = version
			return nil
		}); err != nil {
			rt.Fatalf("%v", err)
		}
		for _, row := range t.rows {
			want[t.key(row.values)] = row.version
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			rt.Fatalf("versions of the rows of %s mismatch (-want +got):\n%s", t.name, diff)
		}
	}
	r.invariants(rt)
	for _, t := range r.w.tables {
		r.replayRecorded(rt, t)
		r.track(rt, t)
		if _, err := r.migrator.Baseline(ctx, t.qualified(), &chronomigrate.BaselineOpts{ChunkSize: 2}); err != nil {
			rt.Fatalf("baseline of %s: %v", t.name, err)
		}
		differences, err := chronotest.Replay(ctx, r.driver, t.qualified(), &chronotest.ReplayOpts{Values: true})
		if err != nil {
			rt.Fatalf("%v", err)
		}
		if len(differences) > 0 {
			rt.Fatalf("history is not the table: %v", differences)
		}
	}
	r.invariants(rt)
}

// replayRecorded compares a table with its history before a baseline closes the
// gaps that no trigger can see: rows that have not changed since tracking began,
// and columns that ALTER TABLE has added, renamed or changed.
func (r *run) replayRecorded(rt *rapid.T, t *table) {
	opts := &chronotest.ReplayOpts{Values: true, Limit: -1}
	for _, c := range t.columns {
		if strings.HasPrefix(c.name, "added ") {
			opts.Ignore = append(opts.Ignore, c.name)
		}
	}
	differences, err := chronotest.Replay(r.Context(), r.driver, t.qualified(), opts)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	unrecorded := map[string]bool{}
	for _, row := range t.rows {
		if row.version == absent {
			unrecorded[t.key(row.values)] = true
		}
	}
	for _, d := range differences {
		key, err := d.Key.JSON()
		if err != nil {
			rt.Fatalf("%v", err)
		}
		if d.Kind != chronotest.Unrecorded || !unrecorded[normalize(key)] {
			rt.Fatalf("history is not the table: %v", d)
		}
	}
}

// invariants hold for all history of the case, whatever happened in it.
func (r *run) invariants(rt *rapid.T) {
	for what, sql := range map[string]string{
		"a version of a key occurs twice": `SELECT count(*) - count(DISTINCT (table_name, key, version)) FROM chrononaut.chrononaut_activity
			WHERE table_schema = $1 AND key <> '{}'`,
		"versions of a key do not grow with time": `SELECT count(*) FROM (
			SELECT id < lag(id) OVER w OR changed < lag(changed) OVER w AS wrong FROM chrononaut.chrononaut_activity
			 WHERE table_schema = $1 AND key <> '{}' AND operation <> 'baseline' WINDOW w AS (PARTITION BY table_name, key ORDER BY version)) AS c WHERE wrong`,
		"a hidden or untracked value is in history": `SELECT count(*) FROM chrononaut.chrononaut_activity AS a WHERE table_schema = $1 AND a::text LIKE '%` + marker + `%'`,
	} {
		var n int
		if err := r.admin.QueryRow(r.Context(), sql, r.schema).Scan(&n); err != nil {
			rt.Fatalf("%v", err)
		}
		if n != 0 {
			rt.Fatalf("%s: %s", what, strconv.Itoa(n))
		}
	}
}
