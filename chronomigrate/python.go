package chronomigrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// PythonRows declares rows of history that Python chrononaut wrote, and that
// have no table_schema for that reason, to be about a table. Reading by key,
// version numbers and baselines know them from then on.
type PythonRows struct {
	// Name is their table_name: the name of the model's own table, without a
	// schema. Defaults to the name of the table that they are declared for. The
	// rows of a model that inherits from another across tables have the name of
	// its own table: declare that name for the parent's table too.
	Name string
	// Attributes are the attributes of the model whose name is not that of
	// their column, with the column; an empty one for an attribute that is no
	// column of this table. Defaults to none.
	Attributes map[string]string
	// Enums say what members of Python enums stand for, by column: "Pri.HIGH"
	// with the value in the database, or "Pri" with an empty value where the
	// name of each member is the value. Defaults to none: members are read as
	// lossy values then, where the column has an enum type.
	Enums map[string]map[string]string
	// Timezone is the zone in which the Python processes ran. They took
	// timestamps without time zone for local time in it. Defaults to UTC.
	Timezone string
}

func (r PythonRows) registered() postgres.PythonRows {
	rows := postgres.PythonRows{Name: r.Name, Timezone: r.Timezone}
	for attribute, column := range r.Attributes {
		if rows.Attributes == nil {
			rows.Attributes = map[string]*string{}
		}
		rows.Attributes[attribute] = nil
		if column != "" {
			rows.Attributes[attribute] = &column
		}
	}
	for column, members := range r.Enums {
		if rows.Enums == nil {
			rows.Enums = map[string]map[string]*string{}
		}
		rows.Enums[column] = map[string]*string{}
		for member, value := range members {
			rows.Enums[column][member] = &value
			if !strings.Contains(member, ".") {
				rows.Enums[column][member] = nil
			}
		}
	}
	return rows
}

// DeclarePython declares the rows of Python chrononaut that are about a table,
// in place of what was declared before. A tracked table gets triggers that
// continue their version numbers; one that is not tracked can be read by key
// and tracked later. The rows themselves are not touched. Errors: those of
// [Migrator.Track].
func (m *Migrator) DeclarePython(ctx context.Context, table chronodriver.Table, rows []PythonRows, apply *ApplyOpts) (*Plan, error) {
	plan, err := m.engine.apply(ctx, apply.withDefaults(), func(tx chronodriver.Tx) (*Plan, error) {
		if err := m.requireInstalled(ctx, tx); err != nil {
			return nil, err
		}
		e, ok := m.engine.(*postgresEngine)
		if !ok {
			return nil, hint(fmt.Errorf("%w: Python chrononaut needs PostgreSQL", ErrOption), "On SQLite there are no such rows.")
		}
		return e.planPython(ctx, tx, table, rows)
	})
	if err != nil {
		return nil, fmt.Errorf("declare rows of Python for %s: %w", table, m.engine.wrap(err))
	}
	return plan, nil
}

func (e *postgresEngine) planPython(ctx context.Context, tx chronodriver.Tx, name chronodriver.Table, rows []PythonRows) (*Plan, error) {
	found, err := e.inspect(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, hint(ErrNoTable, noTableHint)
	}
	// Not nil, which would keep what is declared.
	declared := []postgres.PythonRows{}
	for _, r := range rows {
		if r.Name == "" {
			r.Name = found.Name
		}
		if slices.ContainsFunc(declared, func(d postgres.PythonRows) bool { return d.Name == r.Name }) {
			return nil, hint(fmt.Errorf("%w: rows of %s are declared twice", ErrOption, r.Name), "Put both into one declaration.")
		}
		if err := e.validatePython(ctx, tx, found, r); err != nil {
			return nil, err
		}
		declared = append(declared, r.registered())
	}
	registered, err := e.registered(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	if registered != nil && registered.Tracked {
		return e.planTrackWith(ctx, tx, name, registered.Options, declared)
	}
	return e.planUntrackedPython(found, registered, declared)
}

// planUntrackedPython notes in the registry what reading needs.
func (e *postgresEngine) planUntrackedPython(found *postgres.Inspected, registered *TrackedTable, declared []postgres.PythonRows) (*Plan, error) {
	if len(found.Key) == 0 {
		return nil, hint(ErrNoKey, "History is kept by primary key. Add one: ALTER TABLE … ADD PRIMARY KEY (…).")
	}
	opts, adopted, aliases := TrackOptions{}, false, postgres.Aliases{}
	if registered != nil {
		opts, adopted, aliases = registered.Options, registered.adopted, registered.aliases
	}
	p := &planner{
		engine: e, found: found, table: e.describe(found, opts, false),
		plan: &Plan{Table: chronodriver.Table{Schema: found.Schema, Name: found.Name}, Transactional: true},
	}
	if registered != nil && samePython(registered.python, declared) {
		return p.plan, nil
	}
	options, err := encodeOptions(opts, adopted, declared, aliases, postgres.Generation)
	if err != nil {
		return nil, err
	}
	p.add("Note in the registry which rows of Python chrononaut are about the table.", "register_python", postgres.PlanArgs{Options: options}, "")
	return p.plan, p.err
}

func (e *postgresEngine) validatePython(ctx context.Context, q chronodriver.Queryer, found *postgres.Inspected, r PythonRows) error {
	columns := slices.Collect(maps.Keys(r.Enums))
	taken := map[string]string{}
	for _, attribute := range slices.Sorted(maps.Keys(r.Attributes)) {
		column := r.Attributes[attribute]
		if column == "" {
			continue
		}
		if other, ok := taken[column]; ok {
			return hint(fmt.Errorf("%w: the attributes %s and %s have one column", ErrOption, other, attribute), "Name the attribute that is tracked.")
		}
		taken[column] = attribute
		columns = append(columns, column)
	}
	slices.Sort(columns)
	for _, column := range columns {
		if found.Column(column) == nil {
			return hint(fmt.Errorf("%s: %w", column, ErrNoColumn), "The table's columns are: "+columnNames(found)+".")
		}
	}
	return knownTimezone(ctx, q, r.Timezone)
}

func knownTimezone(ctx context.Context, q chronodriver.Queryer, zone string) error {
	if zone == "" {
		return nil
	}
	var known bool
	err := queryRow(ctx, q, []any{&known}, `SELECT EXISTS (SELECT FROM pg_catalog.pg_timezone_names WHERE name = $1::text)`, zone)
	if err == nil && !known {
		err = hint(fmt.Errorf("%w: there is no time zone %q", ErrOption, zone), "Write it as PostgreSQL does: Europe/Vienna.")
	}
	return err
}

func samePython(a, b []postgres.PythonRows) bool {
	x, errX := encodeOptions(TrackOptions{}, false, a, postgres.Aliases{}, 0)
	y, errY := encodeOptions(TrackOptions{}, false, b, postgres.Aliases{}, 0)
	return errX == nil && errY == nil && x == y
}
