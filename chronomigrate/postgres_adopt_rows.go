package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// foundRows is what Python's rows of one name look like.
type foundRows struct {
	name       string
	key        map[string]json.RawMessage // of the newest
	attributes []string
	members    map[string][]string // text like Pri.HIGH, by attribute
}

// declareFound declares the rows of every name that history has and no table
// has yet, and adds what the options say.
func (m *Migrator) declareFound(ctx context.Context, e *postgresEngine, o *AdoptOpts, result *AdoptResult) error {
	names, err := e.foundRows(ctx)
	if err != nil {
		return err
	}
	wanted, err := e.wantedRows(ctx, o, names)
	if err != nil {
		return err
	}
	for _, table := range slices.SortedFunc(maps.Keys(wanted), compareTables) {
		apply := o.ApplyOpts
		if _, err := m.DeclarePython(ctx, table, wanted[table], &apply); err != nil {
			return err
		}
	}
	for _, found := range names {
		rows := AdoptedRows{Name: found.name}
		for _, table := range slices.SortedFunc(maps.Keys(wanted), compareTables) {
			if rowsNamed(wanted[table], found.name) != nil {
				rows.Tables = append(rows.Tables, table)
			}
		}
		if rows.Notes, err = e.noteRows(ctx, found, rows.Tables, wanted); err != nil {
			return err
		}
		result.Rows = append(result.Rows, rows)
	}
	return nil
}

// wantedRows puts together what is declared, what the rows tell, and what the
// options say.
func (e *postgresEngine) wantedRows(ctx context.Context, o *AdoptOpts, names []foundRows) (map[chronodriver.Table][]PythonRows, error) {
	tables, err := e.tables(ctx, e.driver)
	if err != nil {
		return nil, err
	}
	wanted := map[chronodriver.Table][]PythonRows{}
	known := map[string]bool{}
	for _, t := range tables {
		for _, rows := range t.python {
			known[rows.Name] = true
			wanted[t.Table] = append(wanted[t.Table], pythonRows(rows))
		}
	}
	said := map[chronodriver.Table][]PythonRows{}
	for table, rows := range o.Rows {
		found, err := e.inspect(ctx, e.driver, table)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, hint(fmt.Errorf("%s: %w", table, ErrNoTable), noTableHint)
		}
		for _, r := range rows {
			if r.Name == "" {
				r.Name = found.Name
			}
			// Rows of another name are somebody else's only if they are said to be.
			known[r.Name] = known[r.Name] || r.Name != found.Name
			name := chronodriver.Table{Schema: found.Schema, Name: found.Name}
			said[name] = append(said[name], r)
		}
	}
	for _, found := range names {
		if known[found.name] {
			continue
		}
		chain, err := e.inferRows(ctx, found)
		if err != nil {
			return nil, err
		}
		for _, link := range chain {
			wanted[link.table] = append(wanted[link.table], link.rows)
		}
	}
	for table, rows := range said {
		for _, r := range rows {
			declared := rowsNamed(wanted[table], r.Name)
			if declared == nil {
				wanted[table] = append(wanted[table], PythonRows{Name: r.Name})
				declared = &wanted[table][len(wanted[table])-1]
			}
			declared.add(r)
		}
	}
	for _, rows := range wanted {
		for i := range rows {
			if o.Timezone != "" {
				rows[i].Timezone = o.Timezone
			}
		}
	}
	return wanted, nil
}

func rowsNamed(rows []PythonRows, name string) *PythonRows {
	i := slices.IndexFunc(rows, func(r PythonRows) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &rows[i]
}

// add adds what another declaration of the same rows says.
func (r *PythonRows) add(other PythonRows) {
	for attribute, column := range other.Attributes {
		if r.Attributes == nil {
			r.Attributes = map[string]string{}
		}
		// A column has one attribute.
		maps.DeleteFunc(r.Attributes, func(_, known string) bool { return known != "" && known == column })
		r.Attributes[attribute] = column
	}
	for column, members := range other.Enums {
		if r.Enums == nil {
			r.Enums = map[string]map[string]string{}
		}
		r.Enums[column] = members
	}
	if other.Timezone != "" {
		r.Timezone = other.Timezone
	}
}

func compareTables(a, b chronodriver.Table) int { return strings.Compare(a.String(), b.String()) }

func (e *postgresEngine) foundRows(ctx context.Context) ([]foundRows, error) {
	sql, err := postgres.Query(e.schema, "adopt.sql#names", nil)
	if err != nil {
		return nil, err
	}
	rows, err := e.driver.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []foundRows
	for rows.Next() {
		var f foundRows
		var key, attributes, members string
		if err := rows.Scan(&f.name, &key, &attributes, &members); err != nil {
			return nil, err
		}
		for text, dest := range map[string]any{key: &f.key, attributes: &f.attributes, members: &f.members} {
			if err := json.Unmarshal([]byte(text), dest); err != nil {
				return nil, fmt.Errorf("read rows of %s: %w", f.name, err)
			}
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

// link is one table that rows of a name are about.
type link struct {
	table chronodriver.Table
	rows  PythonRows
}

// inferRows finds the tables that rows are about: the one of their name and,
// where the rows have the columns of the tables that its primary key refers to,
// those of the models that it inherits from.
func (e *postgresEngine) inferRows(ctx context.Context, found foundRows) ([]link, error) {
	table, err := e.tableNamed(ctx, found.name)
	if err != nil || table == nil {
		return nil, err
	}
	var chain []link
	var columns [][]string
	for table != nil && len(chain) < 10 {
		inspected, err := e.inspect(ctx, e.driver, *table)
		if err != nil || inspected == nil || len(inspected.Key) == 0 {
			return chain, err
		}
		own := make([]string, len(inspected.Columns))
		for i, c := range inspected.Columns {
			own[i] = c.Name
		}
		rows := PythonRows{Name: found.name}
		// A key of one column has one attribute.
		if attributes := slices.Collect(maps.Keys(found.key)); len(attributes) == 1 && len(inspected.Key) == 1 && attributes[0] != inspected.Key[0] {
			rows.Attributes = map[string]string{attributes[0]: inspected.Key[0]}
		}
		chain, columns = append(chain, link{*table, rows}), append(columns, own)
		if table, err = e.inheritedFrom(ctx, *table, found, columns); err != nil {
			return nil, err
		}
	}
	// What is another table's column is no column of this one.
	for i := range chain {
		for j := range chain {
			for _, name := range columns[j] {
				if i == j || slices.Contains(columns[i], name) || chain[i].rows.Attributes[name] != "" || !slices.Contains(found.attributes, name) {
					continue
				}
				if chain[i].rows.Attributes == nil {
					chain[i].rows.Attributes = map[string]string{}
				}
				chain[i].rows.Attributes[name] = ""
			}
		}
	}
	return chain, nil
}

// tableNamed is the table that the search path finds, else the only one of that
// name; nil when there is none, or several.
func (e *postgresEngine) tableNamed(ctx context.Context, name string) (*chronodriver.Table, error) {
	sql, err := postgres.Query(e.schema, "adopt.sql#tables", nil)
	if err != nil {
		return nil, err
	}
	rows, err := e.driver.Query(ctx, sql, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var schemas []string
	var first bool
	for rows.Next() {
		var schema string
		var visible bool
		if err := rows.Scan(&schema, &visible); err != nil {
			return nil, err
		}
		first = first || visible
		schemas = append(schemas, schema)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(schemas) == 0 || len(schemas) > 1 && !first {
		return nil, nil
	}
	return &chronodriver.Table{Schema: schemas[0], Name: name}, nil
}

// inheritedFrom is the table that the primary key of one refers to, if the rows
// have columns of it that none of the tables before has.
func (e *postgresEngine) inheritedFrom(ctx context.Context, table chronodriver.Table, found foundRows, known [][]string) (*chronodriver.Table, error) {
	sql, err := postgres.Query(e.schema, "adopt.sql#parents", nil)
	if err != nil {
		return nil, err
	}
	var parents []chronodriver.Table
	rows, err := e.driver.Query(ctx, sql, table.Schema, table.Name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var parent chronodriver.Table
		if err := rows.Scan(&parent.Schema, &parent.Name); err != nil {
			return nil, err
		}
		parents = append(parents, parent)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for _, parent := range parents {
		inspected, err := e.inspect(ctx, e.driver, parent)
		if err != nil {
			return nil, err
		}
		for _, c := range inspected.Columns {
			isKnown := slices.ContainsFunc(known, func(names []string) bool { return slices.Contains(names, c.Name) })
			if !isKnown && c.Name != "version" && slices.Contains(found.attributes, c.Name) {
				return &parent, nil
			}
		}
	}
	return nil, nil
}

// noteRows says what reading the rows cannot know by itself.
func (e *postgresEngine) noteRows(ctx context.Context, found foundRows, tables []chronodriver.Table, declared map[chronodriver.Table][]PythonRows) ([]string, error) {
	if len(tables) == 0 {
		return []string{"they belong to no table: say which one with --rows " + found.name + "=TABLE, or leave them to the log"}, nil
	}
	unknown := slices.DeleteFunc(slices.Clone(found.attributes), func(name string) bool { return name == "version" })
	var notes []string
	for _, table := range tables {
		inspected, err := e.inspect(ctx, e.driver, table)
		if err != nil {
			return nil, err
		}
		rows := rowsNamed(declared[table], found.name)
		if inspected == nil || rows == nil {
			continue
		}
		unknown = slices.DeleteFunc(unknown, func(name string) bool {
			_, mapped := rows.Attributes[name]
			return mapped || inspected.Column(name) != nil
		})
		notes = append(notes, noteValues(found, table, inspected, *rows)...)
	}
	for _, name := range unknown {
		notes = append(notes, fmt.Sprintf("the attribute %s is no column of %s: say which one with --attribute %s.%s=COLUMN, or it was dropped", name, tables[0], tables[0], name))
	}
	return notes, nil
}

func noteValues(found foundRows, table chronodriver.Table, inspected *postgres.Inspected, rows PythonRows) []string {
	var notes []string
	for _, c := range inspected.Columns {
		attribute := c.Name
		for a, column := range rows.Attributes {
			if column == c.Name {
				attribute = a
			}
		}
		if !slices.Contains(found.attributes, attribute) {
			continue
		}
		var undeclared []string
		for _, member := range found.members[attribute] {
			class, _, _ := strings.Cut(member, ".")
			_, one := rows.Enums[c.Name][member]
			_, all := rows.Enums[c.Name][class]
			if !one && !all && !slices.Contains(undeclared, class) {
				undeclared = append(undeclared, class)
			}
		}
		slices.Sort(undeclared)
		// Text that only looks like it has many different first parts.
		if len(undeclared) > 0 && len(undeclared) <= 3 {
			notes = append(notes, fmt.Sprintf("column %s of %s has members of a Python enum (%s): say what they stand for with --enum %s.%s=%s, or with %s.MEMBER:VALUE,… where the value is not the name",
				c.Name, table, strings.Join(undeclared, ", "), table, c.Name, undeclared[0], undeclared[0]))
		}
		if strings.HasSuffix(c.BaseType, `."timestamp"`) && rows.Timezone == "" {
			notes = append(notes, fmt.Sprintf("column %s of %s has no time zone: Python took its values for local time and they are read as if that was UTC; say which zone it was with --timezone ZONE", c.Name, table))
		}
	}
	return notes
}

// pythonRows is the opposite of registered.
func pythonRows(r postgres.PythonRows) PythonRows {
	rows := PythonRows{Name: r.Name, Timezone: r.Timezone}
	for attribute, column := range r.Attributes {
		if rows.Attributes == nil {
			rows.Attributes = map[string]string{}
		}
		rows.Attributes[attribute] = ""
		if column != nil {
			rows.Attributes[attribute] = *column
		}
	}
	for column, members := range r.Enums {
		if rows.Enums == nil {
			rows.Enums = map[string]map[string]string{}
		}
		rows.Enums[column] = map[string]string{}
		for member, value := range members {
			rows.Enums[column][member] = ""
			if value != nil {
				rows.Enums[column][member] = *value
			}
		}
	}
	return rows
}
