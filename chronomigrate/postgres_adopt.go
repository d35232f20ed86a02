package chronomigrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// historyShape is what the catalog says of a table chrononaut_activity.
type historyShape struct {
	Kind     string                  `json:"kind"`
	Inherits bool                    `json:"inherits"`
	Owned    bool                    `json:"owned"`
	Key      []string                `json:"key"`
	Columns  map[string]shapedColumn `json:"columns"`
	Indexes  map[string]bool         `json:"indexes"` // by name, whether it is valid
}

type shapedColumn struct {
	Type     string  `json:"type"`
	Required bool    `json:"required"`
	Default  *string `json:"default"`
}

// pythonColumns are the columns of Python's table, all of them required, with
// their types, and ours, with the text of their defaults.
var (
	pythonColumns = map[string]string{
		"id": "bigint", "table_name": "text", "changed": "timestamp with time zone", "version": "integer",
		"key": "jsonb", "data": "jsonb", "user_info": "jsonb", "extra_info": "jsonb",
	}
	ownColumns = map[string]string{
		"operation": "text", "table_schema": "text", "transaction_id": "xid8", "database_user": "text", "previous_key": "jsonb",
	}
	ownDefaults = map[string]string{
		"changed": "clock_timestamp()", "key": "'{}'::jsonb", "data": "'{}'::jsonb", "user_info": "'{}'::jsonb", "extra_info": "'{}'::jsonb",
		"transaction_id": "pg_current_xact_id()", "database_user": "SESSION_USER",
	}
)

func (e *postgresEngine) historyShape(ctx context.Context, q chronodriver.Queryer) (*historyShape, error) {
	sql, err := postgres.Query(e.schema, "adopt.sql#shape", nil)
	if err != nil {
		return nil, err
	}
	var document string
	switch err := queryRow(ctx, q, []any{&document}, sql); {
	case errors.Is(err, errNoRow):
		return nil, nil
	case err != nil:
		return nil, err
	}
	shape := &historyShape{}
	if err := json.Unmarshal([]byte(document), shape); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return shape, nil
}

// validateShape refuses a table that is not Python's, or ours made of it.
func (e *postgresEngine) validateShape(ctx context.Context, shape *historyShape, installed bool) error {
	name := chronodriver.Table{Schema: e.schema, Name: "chrononaut_activity"}.String()
	if shape == nil {
		sql, err := postgres.Query(e.schema, "adopt.sql#elsewhere", nil)
		if err != nil {
			return err
		}
		var schemas string
		if err := queryRow(ctx, e.driver, []any{&schemas}, sql); err != nil {
			return err
		}
		advice := "Python chrononaut makes it; without it, run chrononaut migrate up."
		if schemas != "" {
			advice = "There is one in: " + schemas + ". Name the schema: --schema " + schemas + "."
		}
		return hint(fmt.Errorf("%s: %w", name, ErrNoTable), advice)
	}
	var wrong []string
	if shape.Kind != "r" || shape.Inherits {
		wrong = append(wrong, "it is not a plain table")
	}
	if !slices.Equal(shape.Key, []string{"id"}) {
		wrong = append(wrong, "its primary key is not (id)")
	}
	for _, column := range slices.Sorted(maps.Keys(pythonColumns)) {
		found, ok := shape.Columns[column]
		switch want := pythonColumns[column]; {
		case !ok:
			wrong = append(wrong, "it has no column "+column)
		case found.Type != want:
			wrong = append(wrong, fmt.Sprintf("column %s has type %s, not %s", column, found.Type, want))
		case column == "id" && found.Default == nil:
			wrong = append(wrong, "column id has no default")
		}
	}
	for _, column := range slices.Sorted(maps.Keys(shape.Columns)) {
		found := shape.Columns[column]
		_, theirs := pythonColumns[column]
		want, ours := ownColumns[column]
		switch {
		case ours && found.Type != want:
			wrong = append(wrong, fmt.Sprintf("column %s has type %s, not %s", column, found.Type, want))
		case !ours && !theirs && found.Required && found.Default == nil:
			wrong = append(wrong, fmt.Sprintf("column %s has no default and must not be null", column))
		}
	}
	if len(wrong) > 0 {
		return hint(fmt.Errorf("%s: %w: %s", name, ErrShape, strings.Join(wrong, "; ")), "Nothing was changed. Tables of versions up to 0.2 are converted: chrononaut convert.")
	}
	if !shape.Owned && !installed {
		return hint(fmt.Errorf("%s: %w", name, ErrPrivilege), "The role needs to own the table.")
	}
	return nil
}

// adoptStep is a step and how to run it.
type adoptStep struct {
	AdoptStep
	statements []string
	install    bool // counts as the migrations
}

func (s *adoptStep) add(statements ...string) {
	s.statements = append(s.statements, statements...)
	s.SQL = strings.Join(s.statements, ";\n") + ";\n"
}

// adoptSteps lists what is left to do.
func (e *postgresEngine) adoptSteps(shape *historyShape, installed bool) ([]adoptStep, error) {
	adoption, err := postgres.Adopt(e.schema)
	if err != nil {
		return nil, err
	}
	columns, err := postgres.PlanSQL(e.schema, "adopt_columns", postgres.PlanArgs{})
	if err != nil {
		return nil, err
	}
	defaults, err := postgres.PlanSQL(e.schema, "adopt_defaults", postgres.PlanArgs{})
	if err != nil {
		return nil, err
	}
	var steps []adoptStep
	if !shape.hasOwnColumns() {
		step := adoptStep{AdoptStep: AdoptStep{
			Comment: "Our columns, all of them nullable and without a default, so that no row is rewritten,\nand then the defaults, which count for new rows only.",
			Lock:    "ACCESS EXCLUSIVE, for a few milliseconds whatever the size of the table; waited for briefly at a time",
		}}
		step.add(columns, defaults)
		steps = append(steps, step)
	}
	for _, index := range adoption.Indexes {
		valid, exists := shape.Indexes[index.Name]
		if valid {
			continue
		}
		if exists {
			drop, err := postgres.PlanSQL(e.schema, "adopt_drop_index", postgres.PlanArgs{Name: index.Name})
			if err != nil {
				return nil, err
			}
			step := adoptStep{AdoptStep: AdoptStep{
				Comment: "An index that an interruption left invalid.",
				Lock:    "SHARE UPDATE EXCLUSIVE: readers and writers go on", Alone: true,
			}}
			step.add(drop)
			steps = append(steps, step)
		}
		step := adoptStep{AdoptStep: AdoptStep{
			Comment: "The index " + index.Name + ", built while the table is in use.",
			Lock:    "SHARE UPDATE EXCLUSIVE while it reads the table twice: readers and writers go on, other schema changes and VACUUM wait", Alone: true,
		}}
		step.add(index.SQL)
		steps = append(steps, step)
	}
	if !installed {
		step := adoptStep{install: true, AdoptStep: AdoptStep{
			Comment: "The other tables and the functions of history, and last the triggers that keep\nhistory append-only. The migrations count as applied.",
			Lock:    "SHARE ROW EXCLUSIVE, at the end of the transaction, for a few milliseconds: writers wait, readers go on; waited for briefly at a time",
		}}
		step.add(adoption.Apart...)
		step.add(adoption.Guards...)
		steps = append(steps, step)
	}
	return steps, nil
}

func (e *postgresEngine) hasPythonRows(ctx context.Context) (has bool, err error) {
	err = queryRow(ctx, e.driver, []any{&has}, `SELECT EXISTS (SELECT FROM `+postgres.QuoteIdent(e.schema)+`.chrononaut_activity WHERE table_schema IS NULL)`)
	return has, err
}

func (s *historyShape) hasOwnColumns() bool {
	for column := range ownColumns {
		if _, ok := s.Columns[column]; !ok {
			return false
		}
	}
	for column, want := range ownDefaults {
		if d := s.Columns[column].Default; d == nil || *d != want && *d != "pg_catalog."+want {
			return false
		}
	}
	return true
}

func (e *postgresEngine) runAdoptStep(ctx context.Context, o *AdoptOpts, step adoptStep) error {
	if step.Alone {
		if err := e.notBuilding(ctx); err != nil {
			return err
		}
		_, err := e.driver.Exec(ctx, step.statements[0])
		const queryCanceled = "57014"
		if chronodriver.State(err) == queryCanceled && ctx.Err() == nil {
			return hint(err, "statement_timeout or lock_timeout ended the step. Run it again without them: PGOPTIONS='-c statement_timeout=0 -c lock_timeout=0'.")
		}
		return err
	}
	migrations, err := e.migrations()
	if err != nil {
		return err
	}
	return e.retry(ctx, &o.ApplyOpts, func(tx chronodriver.Tx) error {
		if step.install {
			// Another run may have been faster.
			if version, err := e.version(ctx, tx); err != nil || version > 0 {
				return err
			}
		}
		if err := setLockTimeout(ctx, tx, &o.ApplyOpts); err != nil {
			return err
		}
		for _, statement := range step.statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		for _, m := range migrations {
			if !step.install {
				break
			}
			if err := e.setVersion(ctx, tx, m, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// notBuilding refuses to go on while another session builds an index on the
// table: it looks like one that is invalid.
func (e *postgresEngine) notBuilding(ctx context.Context) error {
	var building bool
	err := queryRow(ctx, e.driver, []any{&building}, `
		SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
		                 JOIN pg_catalog.pg_class AS c ON c.oid = p.relid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		                WHERE p.datname = pg_catalog.current_database() AND n.nspname = $1::text AND c.relname = 'chrononaut_activity')`, e.schema)
	if err == nil && building {
		err = hint(fmt.Errorf("%w: another session builds an index on the history table", ErrBusy), "Wait for it, or end it, and run the command again.")
	}
	return err
}
