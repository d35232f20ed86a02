package chronomigrate

import (
	"context"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func (e *sqliteEngine) strict(ctx context.Context, q chronodriver.Queryer) (strict bool, err error) {
	err = queryRow(ctx, q, []any{&strict}, `SELECT EXISTS (SELECT 1 FROM chrononaut_setting WHERE name = 'strict' AND value = 'true')`)
	return strict, err
}

const (
	setStrict   = `INSERT INTO chrononaut_setting (name, value) VALUES ('strict', 'true') ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	unsetStrict = `DELETE FROM chrononaut_setting WHERE name = 'strict'`
)

// planStrict has only the setting to write: the triggers read it.
func (e *sqliteEngine) planStrict(ctx context.Context, tx chronodriver.Tx, strict bool) (*Plan, error) {
	plan := &Plan{Transactional: true}
	now, err := e.strict(ctx, tx)
	if err != nil || now == strict {
		return plan, err
	}
	step := Step{Comment: strictComment, SQL: setStrict, Reverse: unsetStrict}
	if !strict {
		step.SQL, step.Reverse = step.Reverse, step.SQL
	}
	record := Step{Comment: strictRecordComment}
	record.SQL, err = sqlite.PlanSQL("record", sqlite.PlanArgs{Table: &sqlite.Table{}, Name: "strict", Options: strictChange(now, strict)})
	if err != nil {
		return nil, err
	}
	plan.Steps = append(plan.Steps, step, record)
	return plan, nil
}
