package chronomigrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func (e *sqliteEngine) check(ctx context.Context, q chronodriver.Queryer, registered TrackedTable) ([]Problem, error) {
	if registered.Table.Name == "" {
		return e.checkHistory(ctx, q)
	}
	name := chronodriver.Table{Name: registered.Table.Name}.String()
	repair := "Run chrononaut track " + name + "."
	c := &checker{table: registered.Table}
	found, err := e.inspect(ctx, q, registered.Table)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return e.checkGone(ctx, q, registered, name)
	}
	if len(found.Key()) == 0 {
		c.report(ProblemNoKey, "", "the table has no primary key any more", "Give it one, then run chrononaut track "+name+".")
		return c.problems, nil
	}
	if !slices.Equal(found.Key(), registered.KeyColumns) {
		c.report(ProblemKeyChanged, strings.Join(found.Key(), ", "), "the primary key is not the one that is tracked: "+strings.Join(registered.KeyColumns, ", "), repair)
	}
	opts := registered.Options.normalize()
	renamed := found.HiddenNow()
	for _, column := range slices.Concat(opts.Hidden, opts.Untracked) {
		if found.Column(column) != nil && (renamed[column] == "" || renamed[column] == column) {
			continue
		}
		message := "the table has no column " + column + ", which is hidden or untracked; it was renamed or dropped"
		if now := renamed[column]; now != "" {
			message = "the hidden column " + column + " was renamed to " + now + "; its values stay hidden"
		}
		c.report(ProblemColumnMissing, column, message, repair[:len(repair)-1]+" with the present names in --hidden and --untracked.")
	}
	p := &sqlitePlanner{found: found}
	if p.guarded, err = e.guarded(ctx, q, found); err != nil && !isKnown(err) {
		return nil, err
	}
	p.describe(opts)
	if p.table.History() && found.Column(p.table.VersionColumn) == nil {
		c.report(ProblemColumnMissing, p.table.VersionColumn, "the version column was renamed or dropped", repair[:len(repair)-1]+" with its present name in --version-column.")
		return c.problems, nil
	}
	if err := e.checkTriggers(ctx, q, c, p, repair); err != nil {
		return nil, err
	}
	if err := e.checkKeys(ctx, q, c, p); err != nil {
		return nil, err
	}
	for _, t := range found.Before() {
		c.report(ProblemTriggerOrder, t.Name, "the AFTER trigger "+t.Name+" was created after Chrononaut's and runs before them; what it changes is recorded in the wrong order, and RAISE(IGNORE) or RAISE(FAIL) in it loses history",
			repair)
	}
	return c.problems, e.planFixes(ctx, q, c, registered)
}

// checkGone says what became of a table that is not there under its name.
func (e *sqliteEngine) checkGone(ctx context.Context, q chronodriver.Queryer, registered TrackedTable, name string) ([]Problem, error) {
	c := &checker{table: registered.Table}
	taken, err := e.triggers(ctx, q)
	if err != nil {
		return nil, err
	}
	table := (&sqlite.Inspected{Name: registered.Table.Name}).Describe(registered.Options.sqliteOptions())
	for _, kind := range table.Kinds() {
		if now, ok := taken[table.TriggerName(kind, 0)]; ok {
			present := chronodriver.Table{Name: now}.String()
			c.report(ProblemTableDropped, name, "the table was renamed to "+present+"; its changes are recorded under the name "+name,
				"Run chrononaut track "+present+" with the options of the table, and chrononaut untrack "+name+"; history under the old name stays.")
			return c.problems, nil
		}
	}
	c.report(ProblemTableDropped, name, "the table does not exist; it was dropped or renamed",
		"Run chrononaut untrack "+name+"; its history stays. Track a renamed table under its new name.")
	return c.problems, nil
}

func (e *sqliteEngine) checkTriggers(ctx context.Context, q chronodriver.Queryer, c *checker, p *sqlitePlanner, repair string) error {
	number, err := e.number(ctx, q, p.table)
	if err != nil {
		return err
	}
	wanted, err := p.wanted(number)
	if err != nil {
		return err
	}
	registered, err := e.find(ctx, q, p.found.Name)
	if err != nil {
		return err
	}
	var known []string
	if registered != nil {
		known = registered.known
	}
	sameColumns := slices.Equal(known, p.known())
	for _, name := range p.known() {
		if !slices.Contains(known, name) {
			c.report(ProblemOutdated, name, "column "+name+" was added or renamed since the table was tracked; an added column is not captured", repair)
		}
	}
	for _, name := range known {
		if p.found.Column(name) == nil {
			c.report(ProblemOutdated, name, "column "+name+" was dropped or renamed since the table was tracked; history goes on to name it", repair)
		}
	}
	existing := map[string]sqlite.InspectedTrigger{}
	for _, t := range p.found.Ours() {
		existing[t.Kind()] = t
	}
	for i, kind := range p.table.Kinds() {
		t, ok := existing[kind]
		switch {
		case !ok:
			c.report(ProblemTriggerMissing, wanted[i].Name, "the trigger "+wanted[i].Name+" is missing; the table may have been rebuilt by a migration", repair)
		case t.SQL == sqlite.StoredSQL(wanted[i].SQL):
		case t.Intact():
			if sameColumns {
				c.report(ProblemOutdated, t.Name, "the trigger "+t.Name+" was generated for other options or indexes, or by another version", repair)
			}
		case sameColumns:
			c.report(ProblemTriggerChanged, t.Name, "the trigger "+t.Name+" was changed by hand", repair)
		}
	}
	return nil
}

// checkKeys looks for keys of history, and of rows, that the past would not find.
func (e *sqliteEngine) checkKeys(ctx context.Context, q chronodriver.Queryer, c *checker, p *sqlitePlanner) error {
	if !p.table.History() {
		return nil
	}
	existing, err := e.keyTable(ctx, q, p.table)
	if err != nil || existing != p.table.KeyTableSQL() {
		return err // there is none, or track makes it anew
	}
	sql, err := sqlite.KeysSQL("lost_keys", p.table)
	if err != nil {
		return err
	}
	var lost int64
	if err := queryRow(ctx, q, []any{&lost}, sql); err != nil || lost == 0 {
		return err
	}
	c.report(ProblemPast, p.table.KeyTable(), "the past of the table lacks "+plural(lost, "record that history has", "records that history has"), "Somebody has deleted keys by hand. Drop the table "+p.table.KeyTable()+" and run chrononaut track "+chronodriver.Table{Name: p.table.Name}.String()+", which reads them from history.")
	return nil
}

// checkHistory looks at the guards and indexes of history itself.
func (e *sqliteEngine) checkHistory(ctx context.Context, q chronodriver.Queryer) ([]Problem, error) {
	c := &checker{table: historyOfSQLite}
	plan := &Plan{}
	err := e.historyObjects(ctx, q, func(kind, name, state string, steps []Step) {
		plan.Steps = append(plan.Steps, steps...)
		if kind == "index" {
			c.report(ProblemHistoryIndex, name, "the index "+name+" of history is "+state+"; reading is slow without it", "Run chrononaut check --fix, which builds it.")
			return
		}
		c.report(ProblemHistoryTrigger, name, "the trigger "+name+" of history is "+state, "History may have been rewritten. chrononaut check --fix makes the trigger again.")
	})
	if err != nil {
		return nil, err
	}
	c.fixes(plan, "")
	if err := e.checkRows(ctx, q, c); err != nil {
		return nil, err
	}
	return c.problems, e.checkHolds(ctx, q, c)
}

// checkRows looks for entries of history that the triggers do not write.
func (e *sqliteEngine) checkRows(ctx context.Context, q chronodriver.Queryer, c *checker) (err error) {
	sql, err := sqlite.Query("odd_rows")
	if err != nil {
		return err
	}
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var table, kind string
		var first, count int64
		if err := rows.Scan(&table, &kind, &first, &count); err != nil {
			return err
		}
		what := map[string]string{
			"malformed": "state is no JSON object and cannot be read",
			"doubled":   "version another entry of the same record has",
		}[kind]
		c.report(ProblemHistoryRow, strconv.FormatInt(first, 10), fmt.Sprintf("history of table %s has %s whose %s, the first is entry %d", table, plural(count, "entry", "entries"), what, first),
			"Look at what wrote them. Only the unsafe door can delete entries of history.")
	}
	return rows.Err()
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "one " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// checkHolds looks for holds of which not everything is looked for.
func (e *sqliteEngine) checkHolds(ctx context.Context, q chronodriver.Queryer, c *checker) error {
	sql, err := sqlite.Query("lost_holds")
	if err != nil {
		return err
	}
	lost, err := queryStrings(ctx, q, sql)
	for _, id := range lost {
		c.report(ProblemHold, id, "something that hold "+id+" is of is not looked for any more; it may have been changed",
			"Look at what has changed, then place the hold again and release this one.")
	}
	return err
}

var historyOfSQLite = chronodriver.Table{Schema: sqliteSchema, Name: "chrononaut_activity"}

// planGuards repairs history itself.
func (e *sqliteEngine) planGuards(ctx context.Context, q chronodriver.Queryer) (*Plan, error) {
	plan := &Plan{Table: historyOfSQLite, Transactional: true}
	err := e.historyObjects(ctx, q, func(_, _, _ string, steps []Step) { plan.Steps = append(plan.Steps, steps...) })
	return plan, err
}

// historyObjects reports the triggers and indexes of history that are not as
// the migrations made them, with the statements that make them again.
func (e *sqliteEngine) historyObjects(ctx context.Context, q chronodriver.Queryer, report func(kind, name, state string, steps []Step)) error {
	guards, err := sqlite.Guards()
	if err != nil {
		return err
	}
	indexes, err := sqlite.HistoryIndexes()
	if err != nil {
		return err
	}
	for _, kind := range []string{"trigger", "index"} {
		wanted := map[string]map[string]string{"trigger": guards, "index": indexes}[kind]
		for _, name := range slices.Sorted(maps.Keys(wanted)) {
			found, err := queryStrings(ctx, q, `SELECT sql FROM main.sqlite_schema WHERE type = ?1 AND name = ?2`, kind, name)
			if err != nil {
				return fmt.Errorf("read %s %s: %w", kind, name, err)
			}
			if len(found) > 0 && found[0] == wanted[name] {
				continue
			}
			state, steps := "missing", []Step(nil)
			if len(found) > 0 {
				state = "not as it should be"
				steps = append(steps, Step{Comment: "To be replaced.", SQL: "DROP " + strings.ToUpper(kind) + " main." + sqlite.QuoteIdent(name), object: name})
			}
			steps = append(steps, Step{Comment: "History's own " + kind + ".", SQL: wanted[name], object: name})
			report(kind, name, state, steps)
		}
	}
	return nil
}

// planFixes plans what track would do: SQLite's triggers are replaced together,
// so that it is the fix of each of a table's problems.
func (e *sqliteEngine) planFixes(ctx context.Context, q chronodriver.Queryer, c *checker, registered TrackedTable) error {
	if len(c.problems) == 0 {
		return nil
	}
	plan, err := e.planTrack(ctx, q, registered.Table, registered.Options)
	if err != nil {
		if isKnown(err) {
			return nil
		}
		return err
	}
	for i := range c.problems {
		if c.problems[i].Kind != ProblemColumnMissing && c.problems[i].Kind != ProblemPast {
			c.problems[i].Fix = plan.Steps
		}
	}
	return nil
}
