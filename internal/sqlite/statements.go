package sqlite

import (
	"encoding/json"
	"regexp"
	"strings"
)

// PlanArgs are what the statements of a plan are made of.
type PlanArgs struct {
	Table   *Table
	Name    string // of a column, a trigger or an operation
	Type    string // of the column
	Options string // JSON
}

// KeyColumns is the key as the registry keeps it: a JSON array.
func (a PlanArgs) KeyColumns() (string, error) {
	encoded, err := json.Marshal(a.Table.Key())
	return string(encoded), err
}

// PlanSQL renders one of the statements in plan.sql.
func PlanSQL(name string, args PlanArgs) (string, error) { return render("plan.sql#"+name, args) }

// KeysSQL renders one of the statements in keys.sql.
func KeysSQL(name string, table *Table) (string, error) {
	return render("keys.sql#"+name, PlanArgs{Table: table})
}

// MigrationSQL renders the statement that notes a migration: migrated or
// reverted.
func MigrationSQL(name string, m Migration) (string, error) { return render("plan.sql#"+name, m) }

// ExportArgs are what the statements in export.sql are made of.
type ExportArgs struct {
	// Version is that of the history schema.
	Version  int
	Table    *Table
	Shape    string // what the query "shape" says of the table
	Problems []ExportProblem
}

// ExportProblem is a condition that a file for a migration tool checks, and
// what it says then.
type ExportProblem struct{ Name, Message string }

// ExportSQL renders one of the statements in export.sql.
func ExportSQL(name string, args ExportArgs) (string, error) {
	return render("export.sql#"+name, args)
}

// BaselineSQL renders one of the statements in baseline.sql. After says that
// the chunk is not the first one.
func BaselineSQL(name string, table *Table, after bool) (string, error) {
	return render("baseline.sql#"+name, struct {
		Table *Table
		After bool
	}{table, after})
}

// Query returns a query from its file.
func Query(name string) (string, error) {
	sql, err := files.ReadFile("sql/" + name + ".sql")
	return strings.TrimSpace(string(sql)), err
}

var guard = regexp.MustCompile(`(?s)CREATE TRIGGER (\w+) .*?\nEND;`)

var historyIndex = regexp.MustCompile(`(?s)CREATE INDEX (chrononaut_activity_\w+) ON [^;]*`)

// HistoryIndexes returns the CREATE INDEX statements of the history table, by
// the name of the index, as the catalog has them.
func HistoryIndexes() (map[string]string, error) {
	migrations, err := Migrations()
	if err != nil {
		return nil, err
	}
	indexes := map[string]string{}
	for _, m := range migrations {
		for _, match := range historyIndex.FindAllStringSubmatch(m.Up, -1) {
			indexes[match[1]] = match[0]
		}
	}
	return indexes, nil
}

// Guards returns the triggers of the history schema itself, as the catalog has
// them.
func Guards() (map[string]string, error) {
	migrations, err := Migrations()
	if err != nil {
		return nil, err
	}
	guards := map[string]string{}
	for _, m := range migrations {
		for _, match := range guard.FindAllStringSubmatch(m.Up, -1) {
			guards[match[1]] = strings.TrimSuffix(match[0], ";")
		}
	}
	return guards, nil
}
