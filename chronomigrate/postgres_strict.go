package chronomigrate

import (
	"context"
	"strconv"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

func (e *postgresEngine) strict(ctx context.Context, q chronodriver.Queryer) (strict bool, err error) {
	sql, err := postgres.Query(e.schema, "plan.sql#strict", nil)
	if err != nil {
		return false, err
	}
	err = queryRow(ctx, q, []any{&strict}, sql)
	return strict, err
}

func (e *postgresEngine) setStrict(strict bool) (string, error) {
	return postgres.PlanSQL(e.schema, "set_strict", postgres.PlanArgs{Name: strconv.FormatBool(strict)})
}

// planStrict writes the setting into the functions of all tracked tables, which
// then cost no look-up per row.
func (e *postgresEngine) planStrict(ctx context.Context, tx chronodriver.Tx, strict bool) (*Plan, error) {
	plan := &Plan{Transactional: true}
	now, err := e.strict(ctx, tx)
	if err != nil {
		return nil, err
	}
	if now != strict {
		step := Step{Comment: strictComment}
		if step.SQL, err = e.setStrict(strict); err != nil {
			return nil, err
		}
		if step.Reverse, err = e.setStrict(now); err != nil {
			return nil, err
		}
		record := Step{Comment: strictRecordComment}
		record.SQL, err = postgres.PlanSQL(e.schema, "record", postgres.PlanArgs{Table: &postgres.Table{}, Name: "strict", Options: strictChange(now, strict)})
		if err != nil {
			return nil, err
		}
		plan.Steps = append(plan.Steps, step, record)
	}
	tables, err := e.tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if !table.Tracked {
			continue
		}
		found, err := e.inspect(ctx, tx, table.Table)
		if err != nil {
			return nil, err
		}
		// What check reports is repaired by track, not here.
		if found == nil || len(found.Key) == 0 {
			continue
		}
		p := &planner{engine: e, found: found, table: e.describe(found, table.Options, strict), plan: &Plan{}}
		p.table.Adopted = table.adopted
		p.table.Python = table.python
		p.table.Aliases = table.aliases
		options, err := encodeOptions(p.effective(table.Options.normalize()), table.adopted, table.python, table.aliases, postgres.Generation)
		if err != nil {
			return nil, err
		}
		p.functions(options)
		if !p.plan.Empty() {
			p.add("Record in history itself that tracking changed.", "record", postgres.PlanArgs{Name: "track", Options: options}, "")
		}
		if p.err != nil {
			return nil, p.err
		}
		plan.Steps = append(plan.Steps, p.plan.Steps...)
	}
	return plan, nil
}

// effective are the options that hold for the table when those of the database
// are added to its own.
func (p *planner) effective(opts TrackOptions) TrackOptions {
	opts.Strict = p.table.Strict
	return opts
}
