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

// historyFindings looks at history's own functions and guards, and for settings
// that turn triggers off.
func (e *postgresEngine) historyFindings(ctx context.Context, q chronodriver.Queryer) ([]finding, error) {
	findings, err := e.changedFunctions(ctx, q)
	if err != nil {
		return nil, err
	}
	sql, err := postgres.Query(e.schema, "check_history.sql", nil)
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
	for _, f := range findings {
		switch f.kind {
		case ProblemFunctionMissing, ProblemFunctionChanged:
			c.report(f.kind, f.object, "the function "+f.object+" of history, which the triggers call, is "+f.detail,
				"Run chrononaut track on any table: it repairs the function.")
		case ProblemHistoryTrigger:
			c.report(f.kind, f.object, "the append-only trigger "+f.object+" of history is "+f.detail+"; history may have been rewritten meanwhile",
				"Run chrononaut track on any table: it repairs the trigger.")
		case ProblemHistoryAccess:
			c.report(f.kind, f.object, "the role "+f.object+", which owns trigger functions, cannot write history because of "+f.detail+"; writes to its tables fail",
				"Let the role that owns history own the functions, or grant it INSERT and SELECT on history and take row security off it.")
		case ProblemHistoryMoved:
			message := "history was written in another cluster; its transaction ids are told apart from new ones only by a mark"
			if f.object == "sequence" {
				message = "history has ids that its sequence gives out again; writes to tracked tables fail when it does"
			}
			c.report(f.kind, f.object, message, "Run chrononaut migrate up, as the owner of history.")
		case ProblemReplicaRole:
			c.report(f.kind, f.object, "session_replication_role is set to "+f.detail+" for "+f.object+"; the application's own triggers and foreign keys do not fire there",
				"Reset it: ALTER ROLE … RESET session_replication_role.")
		}
	}
	return c.problems, nil
}
