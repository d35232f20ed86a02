package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func (e *sqliteEngine) script(m migration, up bool) (string, error) {
	args := sqlite.ExportArgs{Version: m.Version, Problems: []sqlite.ExportProblem{
		{Name: "installed", Message: "history is installed already"},
		{Name: "version", Message: fmt.Sprintf("the history schema is not at version %d, which this migration reverts", m.Version)},
		{Name: "tracked", Message: "tables are still tracked; revert the migrations that track them, or run chrononaut untrack on every table"},
		{Name: "history", Message: "there is history, and this migration would delete it for good; to allow it: INSERT INTO chrononaut_setting (name, value) VALUES ('drop_history', 'true')"},
	}}
	checks, noted, body := []string{"require_version", "require_untracked"}, "reverted", m.Down
	switch {
	case up && m.Version == 1:
		checks, noted, body = []string{"require_nothing"}, "migrated", m.Up
	case up:
		args.Version--
		args.Problems[1].Message = fmt.Sprintf("the history schema is not at version %d, which this migration is for", args.Version)
		checks, noted, body = []string{"require_version"}, "migrated", m.Up
	case m.Version == 1:
		checks = append(checks, "require_no_history")
	}
	guard, err := sqliteGuard(args, checks)
	if err != nil {
		return "", err
	}
	sql, err := sqlite.MigrationSQL(noted, sqlite.Migration{Version: m.Version, Name: m.Name})
	if err != nil {
		return "", err
	}
	return joinStatements([]string{guard, body, sql}), nil
}

// sqliteGuard renders a script that fails when a check does not hold.
func sqliteGuard(args sqlite.ExportArgs, checks []string) (string, error) {
	var parts []string
	for _, name := range slices.Concat([]string{"open"}, checks, []string{"close"}) {
		sql, err := sqlite.ExportSQL(name, args)
		if err != nil {
			return "", err
		}
		if sql != "" {
			parts = append(parts, sql)
		}
	}
	return strings.Join(parts, "\n"), nil
}

func (e *sqliteEngine) exportTrack(ctx context.Context, tx chronodriver.Tx, name chronodriver.Table, opts *TrackOptions) (exportStep, error) {
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return exportStep{}, err
	}
	if found == nil {
		return exportStep{}, e.missing(ctx, tx, name)
	}
	registered, err := e.find(ctx, tx, found.Name)
	if err != nil {
		return exportStep{}, err
	}
	if registered != nil && registered.Tracked {
		return exportStep{}, hint(fmt.Errorf("%w: the table is tracked in this database", ErrOption),
			"On SQLite a file can only begin tracking. Make it with a database that does not track the table, or run chrononaut track.")
	}
	wanted := TrackOptions{}
	if opts != nil {
		wanted = *opts
	}
	asked := wanted.VersionColumn
	if wanted, err = validateSQLite(found, registered, wanted.normalize(), asked); err != nil {
		return exportStep{}, err
	}
	if err := e.requireKeys(ctx, tx, found.Describe(wanted.sqliteOptions())); err != nil {
		return exportStep{}, err
	}
	return e.renderTrack(ctx, tx, found, wanted)
}

func (e *sqliteEngine) renderTrack(ctx context.Context, tx chronodriver.Tx, found *sqlite.Inspected, opts TrackOptions) (exportStep, error) {
	p := &sqlitePlanner{found: found, plan: &Plan{}}
	p.describe(opts)
	args := sqlite.ExportArgs{Table: p.table, Problems: []sqlite.ExportProblem{
		{Name: "shape", Message: "the table " + found.Name + " does not have the columns and unique indexes that it had where this migration was made"},
		{Name: "keys", Message: "the table " + found.Name + " has rows with NULL in the primary key"},
		{Name: "twice", Message: "the table " + found.Name + " is tracked already"},
	}}
	shape, err := sqlite.ExportSQL("shape", args)
	if err != nil {
		return exportStep{}, err
	}
	if err := queryRow(ctx, tx, []any{&args.Shape}, shape); err != nil {
		return exportStep{}, err
	}
	guard, err := sqliteGuard(args, []string{"require_shape", "require_keys", "require_not_tracked"})
	if err != nil {
		return exportStep{}, err
	}
	p.columns(opts)
	addedColumns := len(p.plan.Steps)
	life, err := e.planKeys(ctx, tx, p, nil)
	if err != nil {
		return exportStep{}, err
	}
	life.again = true
	if err := e.planTriggers(ctx, tx, p); err != nil {
		return exportStep{}, err
	}
	options, err := p.options(opts)
	if err != nil {
		return exportStep{}, err
	}
	p.add("Note in the registry how the table is tracked.", "register", sqlite.PlanArgs{Options: options}, "")
	shown, err := json.Marshal(opts.sqliteOptions())
	if err != nil {
		return exportStep{}, err
	}
	p.add("Record in history itself that tracking began or changed.", "record", sqlite.PlanArgs{Name: "track", Options: string(shown)}, "")
	p.planLives(life)
	if p.err != nil {
		return exportStep{}, p.err
	}
	step := exportStep{name: "chrononaut_track_" + safeName(found.Name), up: guard + "\n\n" + p.plan.SQL()}

	down := &sqlitePlanner{found: found, table: p.table, plan: &Plan{}}
	for _, s := range p.plan.Steps[addedColumns:] {
		if s.Reverse != "" {
			down.plan.Steps = append(down.plan.Steps, Step{Comment: "End capture.", SQL: s.Reverse})
		}
	}
	down.add("What the triggers have noted means nothing any more.", "forget", sqlite.PlanArgs{}, "")
	down.add("History stays. The registry remembers the options.", "unregister", sqlite.PlanArgs{}, "")
	down.add("Record in history itself that tracking ended.", "record", sqlite.PlanArgs{Name: "untrack", Options: "{}"}, "")
	for _, s := range slices.Backward(p.plan.Steps[:addedColumns]) {
		down.plan.Steps = append(down.plan.Steps, Step{Comment: "SQLite cannot add a column only where it is missing; so that the file can be\nrun again, the column goes. History has the versions.", SQL: s.Reverse})
	}
	step.down = down.plan.SQL()
	return step, down.err
}
