package chrononaut_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// recorder remembers the queries on history.
type recorder struct {
	chronodriver.Queryer
	mu      sync.Mutex
	queries []recordedQuery
}

type recordedQuery struct {
	sql  string
	args []any
}

func (r *recorder) Query(ctx context.Context, sql string, args ...any) (chronodriver.Rows, error) {
	if strings.Contains(sql, "chrononaut_activity") {
		r.mu.Lock()
		r.queries = append(r.queries, recordedQuery{sql, args})
		r.mu.Unlock()
	}
	return r.Queryer.Query(ctx, sql, args...)
}

// node is a node of a plan.
type node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Hit      int    `json:"Shared Hit Blocks"`
	Read     int    `json:"Shared Read Blocks"`
	Plans    []node `json:"Plans"`
}

func (n node) walk(visit func(node)) {
	visit(n)
	for _, p := range n.Plans {
		p.walk(visit)
	}
}

// explain runs a query and returns its plan, planned anew each time or, generic, for any argument.
// EXPLAIN of a query with parameters knows what they are; only that of a prepared statement can be
// generic.
func (f *fixture) explain(q recordedQuery, mode string) node {
	f.Helper()
	var document string
	err := pgx.BeginFunc(f.Context(), f.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(f.Context(), `SELECT set_config('plan_cache_mode', $1, true)`, mode); err != nil {
			return err
		}
		// The protocol's own statement has the types of the parameters that reading gives them.
		statement, err := tx.Prepare(f.Context(), "explained", q.sql)
		if err != nil {
			return err
		}
		var literals []string
		for i, arg := range q.args {
			text, err := literal(tx.Conn().TypeMap(), statement.ParamOIDs[i], arg)
			if err != nil {
				return err
			}
			literals = append(literals, text)
		}
		execute := "EXECUTE explained"
		if literals != nil {
			execute += "(" + strings.Join(literals, ", ") + ")"
		}
		if err := tx.QueryRow(f.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+execute, pgx.QueryExecModeSimpleProtocol).Scan(&document); err != nil {
			return err
		}
		var generic bool
		if err := tx.QueryRow(f.Context(), `SELECT generic_plans > 0 FROM pg_prepared_statements WHERE name = 'explained'`).Scan(&generic); err != nil {
			return err
		}
		if wanted := mode == "force_generic_plan" || len(q.args) == 0; generic != wanted {
			f.Errorf("the plan is generic: %t, want %t, with %s", generic, wanted, mode)
		}
		return tx.Conn().Deallocate(f.Context(), "explained")
	})
	if err != nil {
		f.Fatalf("%s\n%v", q.sql, err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(document), &plans); err != nil {
		f.Fatal(err)
	}
	return plans[0].Plan
}

// literal is an argument of EXECUTE.
func literal(types *pgtype.Map, oid uint32, arg any) (string, error) {
	encoded, err := types.Encode(oid, pgtype.TextFormatCode, arg, nil)
	if err != nil || encoded == nil {
		return "NULL", err
	}
	return "'" + strings.ReplaceAll(string(encoded), "'", "''") + "'", nil
}

// Reading one record, and every documented filter of the log, goes through an index, before and after
// the table has statistics; and the pages that reading one record touches do not grow with the
// versions of other records.
func TestReadsUseIndexes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.todos()
	ann := chrononaut.WithActor(t.Context(), "ann")
	f.execAs(ann, `INSERT INTO todos (id, title, secret) VALUES (-1, 'a', 's')`)
	for i := range 20 {
		f.execAs(ann, fmt.Sprintf(`UPDATE todos SET title = '%d', secret = '%d' WHERE id = -1`, i, i))
	}
	f.execAs(ann, `UPDATE todos SET id = -2`, `UPDATE todos SET title = 'last'`, `INSERT INTO todos (id) VALUES (-3)`, `DELETE FROM todos WHERE id = -3`)
	own := must(f.client.Activity(t.Context(), &chrononaut.ActivityOpts{Actor: "ann", OldestFirst: true}))(t)
	middle := own[10]

	driver := &recorder{Queryer: chronopgx.NewDriver(f.pool, nil)}
	client := must(chrononaut.NewClient(driver, chronodriver.PostgreSQL, nil))(t)
	h = h.With(client)
	ctx := t.Context()
	two, nine := 2, 9
	log := func(o chrononaut.ActivityOpts) func() error {
		return func() error {
			_, err := client.Activity(ctx, &o)
			return err
		}
	}
	records := map[string]func() error{
		"Versions": func() error { _, err := h.Versions(ctx, -2, nil); return err },
		"Versions, a page": func() error {
			_, err := h.Versions(ctx, -2, &chrononaut.VersionsOpts{FromVersion: &two, ToVersion: &nine, Limit: 3})
			return err
		},
		"Versions, in time": func() error {
			_, err := h.Versions(ctx, -2, &chrononaut.VersionsOpts{After: middle.Changed, NewestFirst: true})
			return err
		},
		"Version":      func() error { _, err := h.Version(ctx, -2, 3); return err },
		"Previous":     func() error { _, err := h.Previous(ctx, -2); return err },
		"At":           func() error { _, err := h.At(ctx, -2, middle.Changed); return err },
		"At, now":      func() error { _, err := h.At(ctx, -2, time.Now().Add(time.Hour)); return err },
		"ChangedSince": func() error { _, err := h.ChangedSince(ctx, -2, middle.Changed); return err },
		"DiffVersions": func() error { _, err := h.DiffVersions(ctx, -2, 2, 9); return err },
		"DiffBetween":  func() error { _, err := h.DiffBetween(ctx, -2, middle.Changed, time.Time{}); return err },
		"a record that never was": func() error {
			got, err := h.Versions(ctx, -9, nil)
			if len(got) > 0 {
				t.Error("a record that never was has versions")
			}
			return err
		},
	}
	logs := map[string]func() error{
		"the newest":       log(chrononaut.ActivityOpts{}),
		"actor":            log(chrononaut.ActivityOpts{Actor: "ann"}),
		"an actor's page":  log(chrononaut.ActivityOpts{Actor: "bob", BeforeID: middle.ID, Limit: 10}),
		"table":            log(chrononaut.ActivityOpts{Table: f.name("todos")}),
		"table and actor":  log(chrononaut.ActivityOpts{Table: f.name("todos"), Actor: "ann"}),
		"table and column": log(chrononaut.ActivityOpts{Table: f.name("todos"), Column: "title"}),
		"transaction":      log(chrononaut.ActivityOpts{Transaction: middle.TransactionID}),
		"ids":              log(chrononaut.ActivityOpts{AfterID: middle.ID, OldestFirst: true}),
		"time":             log(chrononaut.ActivityOpts{Since: middle.Changed, Until: middle.Changed}),
		"time, from":       log(chrononaut.ActivityOpts{Since: time.Now().Add(-time.Minute), OldestFirst: true}),
		"operation":        log(chrononaut.ActivityOpts{Operation: chrononaut.OperationDelete}),
		"with before":      log(chrononaut.ActivityOpts{Table: f.name("todos"), Actor: "ann", WithBefore: true}),
	}
	run := func(reads map[string]func() error) map[string][]recordedQuery {
		queries := map[string][]recordedQuery{}
		for name, read := range reads {
			driver.queries = nil
			if err := read(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			queries[name] = driver.queries
		}
		return queries
	}
	pages := func(mode string) map[string]int {
		touched := map[string]int{}
		for name, queries := range run(records) {
			for _, q := range queries {
				plan := f.explain(q, mode)
				touched[name] += plan.Hit + plan.Read
			}
		}
		return touched
	}
	before := map[string]map[string]int{}
	modes := []string{"force_custom_plan", "force_generic_plan"}
	for _, mode := range modes {
		pages(mode) // warms the catalog caches
		before[mode] = pages(mode)
	}

	// Of a much smaller table PostgreSQL rightly prefers to read all.
	others := pgtest.Size(60_000, 200_000)
	f.exec(fmt.Sprintf(`
		INSERT INTO chrononaut.chrononaut_activity (table_schema, table_name, key, version, data, user_info, operation, changed)
		SELECT 'public', CASE WHEN i %% 2 = 0 THEN 'todos' ELSE 'elsewhere' END, jsonb_build_object('id', i / 20), i %% 20,
		       jsonb_build_object('id', i / 20, 'title', 'x' || i, 'version', i %% 20), '{"user_id": "bob"}', 'update',
		       now() + i * interval '1 second'
		  FROM generate_series(0, %d) AS i`, others-1))
	for _, statistics := range []string{"without statistics", "with statistics"} {
		if statistics == "with statistics" {
			f.exec(`VACUUM ANALYZE chrononaut.chrononaut_activity`)
		}
		for _, mode := range modes {
			for kind, reads := range map[string]map[string]func() error{"record": records, "log": logs} {
				for name, queries := range run(reads) {
					if len(queries) == 0 {
						t.Errorf("%s: no query was seen", name)
					}
					for _, q := range queries {
						plan := f.explain(q, mode)
						// As docs/limits.md says, the plans of these for any argument may walk through newer history.
						walks := mode == "force_generic_plan" && (name == "time" || name == "transaction")
						if touched := plan.Hit + plan.Read; kind == "log" && statistics == "with statistics" && touched > 1000 && !walks {
							t.Errorf("log %s, %s: %d pages", name, mode, touched)
						}
						plan.walk(func(n node) {
							if n.Type == "Seq Scan" && n.Relation == "chrononaut_activity" {
								t.Errorf("%s %s, %s, %s: a sequential scan of history in\n%s", kind, name, statistics, mode, q.sql)
							}
							if kind == "record" && n.Index != "" && n.Relation == "chrononaut_activity" && strings.HasSuffix(n.Index, "pkey") && n.Hit+n.Read > 20 {
								t.Errorf("record %s, %s, %s: %d pages through %s", name, statistics, mode, n.Hit+n.Read, n.Index)
							}
						})
					}
				}
			}
			after := pages(mode)
			for name, n := range after {
				// Each descent of a tree may pass one or two pages more.
				if allowed := 2*before[mode][name] + 40; n > allowed {
					t.Errorf("%s, %s, %s: %d pages, with %d versions of other records; %d pages without", name, statistics, mode, n, others, before[mode][name])
				}
			}
		}
	}
}
