package chronomigrate

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// finding is one row of check_history.sql.
type finding struct {
	kind           ProblemKind
	object, detail string
}

// historyFindings looks at history's own functions, indexes and triggers, and for settings
// that turn triggers off.
func (e *postgresEngine) historyFindings(ctx context.Context, q chronodriver.Queryer) ([]finding, error) {
	findings, err := e.changedFunctions(ctx, q)
	if err != nil {
		return nil, err
	}
	indexes, err := e.missingIndexes(ctx, q)
	if err != nil {
		return nil, err
	}
	findings = append(findings, indexes...)
	closed, err := postgres.ClosedFunctions(e.schema)
	if err != nil {
		return nil, err
	}
	sql, err := postgres.Query(e.schema, "check_history.sql", struct{ Closed []string }{closed})
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f finding
		if err := rows.Scan((*string)(&f.kind), &f.object, &f.detail); err != nil {
			return nil, err
		}
		findings = append(findings, f)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return findings, rows.Close()
}

// missingIndexes finds indexes of history that are gone, or not valid. Without
// them reading is slow, and versions of a key may occur twice.
func (e *postgresEngine) missingIndexes(ctx context.Context, q chronodriver.Queryer) (findings []finding, err error) {
	wanted, err := postgres.HistoryIndexes(e.schema)
	if err != nil {
		return nil, err
	}
	sql, err := postgres.Query(e.schema, "history_indexes.sql", nil)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	valid := map[string]bool{}
	for rows.Next() {
		var name string
		var isValid bool
		if err := rows.Scan(&name, &isValid); err != nil {
			return nil, err
		}
		valid[name] = isValid
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		switch isValid, ok := valid[name]; {
		case !ok:
			findings = append(findings, finding{ProblemHistoryIndex, name, "missing"})
		case !isValid:
			findings = append(findings, finding{ProblemHistoryIndex, name, "not valid"})
		}
	}
	return findings, rows.Err()
}

// changedFunctions finds functions of the history schema that are not as the
// migrations made them.
func (e *postgresEngine) changedFunctions(ctx context.Context, q chronodriver.Queryer) ([]finding, error) {
	wanted, err := postgres.HistoryFunctions(e.schema)
	if err != nil {
		return nil, err
	}
	sql, err := postgres.Query(e.schema, "history_functions.sql", nil)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sources := map[string]string{}
	for rows.Next() {
		var name, source string
		if err := rows.Scan(&name, &source); err != nil {
			return nil, err
		}
		sources[name] = source
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	var findings []finding
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		source, ok := sources[name]
		switch {
		case !ok:
			findings = append(findings, finding{ProblemFunctionMissing, name, "gone"})
		case !strings.Contains(wanted[name], source), source == "" && strings.HasSuffix(wanted[name], "$"):
			findings = append(findings, finding{ProblemFunctionChanged, name, "changed by hand"})
		}
	}
	return findings, nil
}

func (e *postgresEngine) checkHistory(ctx context.Context, q chronodriver.Queryer) ([]Problem, error) {
	findings, err := e.historyFindings(ctx, q)
	if err != nil {
		return nil, err
	}
	c := &checker{table: chronodriver.Table{Schema: e.schema, Name: "chrononaut_activity"}}
	plan, err := e.planFindings(findings)
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		switch f.kind {
		case ProblemFunctionMissing, ProblemFunctionChanged:
			c.report(f.kind, f.object, "the function "+f.object+" of history, which the triggers call, is "+f.detail,
				"Run chrononaut check --fix, or chrononaut track on any table: both repair the function.")
		case ProblemHistoryTrigger:
			message := "the append-only trigger " + f.object + " of history is " + f.detail + "; history may have been rewritten meanwhile"
			if joinsPython(f.object) {
				message = "the trigger " + f.object + " of history is " + f.detail + "; changes that a running Python chrononaut records may be in history twice"
			}
			c.report(f.kind, f.object, message,
				"Run chrononaut check --fix, or chrononaut track on any table: both repair the trigger.")
		case ProblemHistoryIndex:
			c.report(f.kind, f.object, "the index "+f.object+" of history is "+f.detail+"; reading is slow without it",
				"Run chrononaut check --fix, or chrononaut track on any table: both build the index, while writers wait.")
		case ProblemPast:
			c.reportOn(pastObject, f.kind, f.object, "the view "+f.object+", which is mirrored over the past, is "+f.detail,
				"Run chrononaut check --fix; a view that cannot be mirrored any more reads what has no past.")
		case ProblemHistoryAccess:
			c.report(f.kind, f.object, "the role "+f.object+", which owns trigger functions, cannot write history because of "+f.detail+"; writes to its tables fail",
				"Let the role that owns history own the functions, or grant it INSERT and SELECT on history and take row security off it.")
		case ProblemHold:
			target := ""
			if armsHold(f.detail) {
				target = holdObject
			}
			c.reportOn(target, f.kind, f.object, f.object+" is held, or keeps holds, and can be written all the same: "+f.detail,
				"Run chrononaut check --fix; a column or a table that has another name needs its own back.")
		case ProblemHistoryMoved:
			message := "history was written in another cluster; its transaction ids are told apart from new ones only by a mark"
			if f.object == "sequence" {
				message = "history has ids that its sequence gives out again; writes to tracked tables fail when it does"
			}
			c.report(f.kind, f.object, message, "Run chrononaut migrate up, as the owner of history.")
		case ProblemHistoryOpen:
			c.report(f.kind, f.object, "everybody may call the function "+f.object+" of history, as after a restore without privileges",
				"Run chrononaut track on any table, as the owner of history: it revokes that.")
		case ProblemHistoryRoles:
			message := "owners and privileges of history are not as they were set; missing is " + f.object
			if f.detail != "0" {
				message += ", and " + f.detail + " more"
			}
			c.report(f.kind, f.object, message, "Run chrononaut check --fix, or chrononaut harden, and find out who changed it.")
		case ProblemReplicaRole:
			c.report(f.kind, f.object, "session_replication_role is set to "+f.detail+" for "+f.object+"; the application's own triggers and foreign keys do not fire there",
				"Reset it if nothing needs it: "+resetRole(f.object))
		}
	}
	c.fixes(plan, postgres.QuoteIdent(e.schema)+".chrononaut_activity ")
	return c.problems, nil
}

// planGuards repairs history itself.
func (e *postgresEngine) planGuards(ctx context.Context, q chronodriver.Queryer) (*Plan, error) {
	findings, err := e.historyFindings(ctx, q)
	if err != nil {
		return nil, err
	}
	return e.planFindings(findings)
}

func (e *postgresEngine) planFindings(findings []finding) (*Plan, error) {
	p := &planner{
		engine: e, table: &postgres.Table{HistorySchema: e.schema},
		plan: &Plan{Table: chronodriver.Table{Schema: e.schema, Name: "chrononaut_activity"}, Transactional: true},
	}
	if err := p.guards(findings); err != nil {
		return nil, err
	}
	return p.plan, p.err
}

// resetRole is the statement that ends a setting of a role or database, from
// what check_history.sql says of it.
func resetRole(object string) string {
	const reset = " RESET session_replication_role;"
	if name, ok := strings.CutPrefix(object, "database "); ok {
		return "ALTER DATABASE " + postgres.QuoteIdent(name) + reset
	}
	role, database, both := strings.Cut(strings.TrimPrefix(object, "role "), " in database ")
	if both {
		database = " IN DATABASE " + postgres.QuoteIdent(database)
	}
	return "ALTER ROLE " + postgres.QuoteIdent(role) + database + reset
}
