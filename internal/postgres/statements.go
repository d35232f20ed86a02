package postgres

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The kinds of functions that a table's triggers call, and those call.
const (
	Baseline  = "baseline"  // writes the state of a row before its first recorded change
	Number    = "number"    // numbers one row
	Version   = "version"   // the version trigger's
	Record    = "record"    // writes the history of one row
	Capture   = "capture"   // the row trigger's
	Statement = "statement" // the statement triggers'
	Truncate  = "truncate"  // the TRUNCATE trigger's
)

// AllFunctions are the kinds in the order in which they are made.
var AllFunctions = []string{Baseline, Number, Version, Record, Capture, Statement, Truncate}

// Functions lists the kinds of functions that the table needs.
func (t *Table) Functions() []string {
	switch {
	case t.History && t.RowByRow:
		return []string{Baseline, Number, Version, Record, Capture, Truncate}
	case t.History:
		return AllFunctions
	case t.RecordChanges:
		return []string{Number, Version}
	}
	return nil
}

// The names of a table's triggers. Triggers fire in the order of their names:
// the version trigger after the application's BEFORE triggers, whose changes it
// must see, the others before the application's AFTER triggers, which may change
// the same row again.
const (
	VersionTrigger   = "zzzz_chrononaut_version"
	CaptureTrigger   = "000_chrononaut_capture"
	InsertTrigger    = "000_chrononaut_capture_insert"
	UpdateTrigger    = "000_chrononaut_capture_update"
	DeleteTrigger    = "000_chrononaut_capture_delete"
	PartitionTrigger = "000_chrononaut_capture_partition"
	BeforeTrigger    = "000_chrononaut_before_delete"
	TruncateTrigger  = "000_chrononaut_truncate"
)

// How a trigger is enabled, as pg_trigger.tgenabled has it.
const (
	EnabledAlways  = "A"
	EnabledOrigin  = "O"
	EnabledReplica = "R"
	Disabled       = "D"
)

// Trigger is one of a table's triggers, as it should be.
type Trigger struct {
	Name  string
	Title string // what it is called in messages
	Kind  string // of its function
	// When is its time and its events in SQL.
	When string
	// Type is pg_trigger.tgtype: a sum of row 1, before 2, insert 4, delete 8,
	// update 16, truncate 32.
	Type int
	// Enabled is pg_trigger.tgenabled.
	Enabled string
	// OldRows and NewRows name its transition tables.
	OldRows, NewRows string
	// OfPartition says that it fires while the table is a partition only.
	OfPartition bool
}

// Row reports whether it is a row trigger.
func (g Trigger) Row() bool { return g.Type&1 != 0 }

// Cloned reports whether PostgreSQL clones it from a partitioned table to its
// partitions.
func (g Trigger) Cloned() bool { return g.Row() && !g.OfPartition }

// Triggers lists the triggers that the table needs, in an order in which they can
// be made one after the other while rows are written: that of single rows, which
// may have captured all there is until now, comes after those of statements.
func (t *Table) Triggers() []Trigger {
	version := Trigger{Name: VersionTrigger, Title: "version trigger", Kind: Version, When: "BEFORE INSERT OR UPDATE", Type: 1 + 2 + 4 + 16, Enabled: EnabledAlways}
	capture := Trigger{Name: CaptureTrigger, Title: "capture trigger", Kind: Capture, When: "AFTER INSERT OR UPDATE OR DELETE", Type: 1 + 4 + 8 + 16, Enabled: EnabledAlways}
	truncate := Trigger{Name: TruncateTrigger, Title: "truncate trigger", Kind: Truncate, When: "BEFORE TRUNCATE", Type: 2 + 32, Enabled: EnabledAlways}
	switch {
	case t.History && t.RowByRow:
		return []Trigger{version, capture, truncate}
	case t.History:
		// The apply worker of logical replication fires no statement triggers.
		capture.Title, capture.Enabled = "capture trigger of replicated rows", EnabledReplica
		return []Trigger{
			version,
			{Name: BeforeTrigger, Title: "trigger before DELETE", Kind: Statement, When: "BEFORE DELETE", Type: 2 + 8, Enabled: EnabledOrigin},
			{Name: InsertTrigger, Title: "capture trigger of INSERT", Kind: Statement, When: "AFTER INSERT", Type: 4, Enabled: EnabledOrigin, NewRows: "new_rows"},
			{Name: UpdateTrigger, Title: "capture trigger of UPDATE", Kind: Statement, When: "AFTER UPDATE", Type: 16, Enabled: EnabledOrigin, OldRows: "old_rows", NewRows: "new_rows"},
			{Name: DeleteTrigger, Title: "capture trigger of DELETE", Kind: Statement, When: "AFTER DELETE", Type: 8, Enabled: EnabledOrigin, OldRows: "old_rows"},
			// The application has attached the table to another one, which is not tracked: what
			// is written through that fires no trigger of statements here.
			{Name: PartitionTrigger, Title: "capture trigger of a partition", Kind: Capture, When: capture.When, Type: capture.Type, Enabled: EnabledOrigin, OfPartition: true},
			capture, truncate,
		}
	case t.RecordChanges:
		return []Trigger{version}
	}
	return nil
}

// AllTriggers lists the triggers that the table would have with all that can be
// asked for, and that a partition may have from when it was a table of its own.
func (t *Table) AllTriggers() []Trigger {
	all := (&Table{History: true}).Triggers()
	if !t.Partitioned {
		return all
	}
	return append((&Table{RowByRow: true, History: true}).Triggers(), all[slices.IndexFunc(all, func(g Trigger) bool { return g.OfPartition })])
}

// IsTrigger reports whether one of a table's triggers has the name.
func IsTrigger(name string) bool {
	return slices.ContainsFunc((&Table{History: true}).Triggers(), func(g Trigger) bool { return g.Name == name })
}

// FunctionSQL returns the CREATE OR REPLACE FUNCTION statement of a kind.
func (t *Table) FunctionSQL(kind string) (string, error) {
	return render("table/"+kind+".sql", t.HistorySchema, t)
}

// FunctionSource returns the body of a CREATE FUNCTION statement as
// pg_proc.prosrc has it. The statement ends with the dollar quote that opened
// the body, and no name in the statement contains it.
func FunctionSource(statement string) string {
	_, body := splitFunction(statement)
	return body
}

// KnownColumns are the columns that the source of a record function was
// generated for, with "version" in any case; nil when it does not say.
func KnownColumns(source string) []string {
	found := knownNames.FindStringSubmatch(source)
	if found == nil {
		return nil
	}
	var names []string
	for _, literal := range quotedName.FindAllString(found[1], -1) {
		names = append(names, strings.ReplaceAll(literal[1:len(literal)-1], "''", "'"))
	}
	return names
}

var (
	// Names with a backslash are written otherwise, and are not looked for.
	knownNames = regexp.MustCompile(`IF image - ARRAY\[((?:'(?:[^'\\]|'')*'(?:, )?)*)\]::pg_catalog.text\[\]`)
	quotedName = regexp.MustCompile(`'(?:[^']|'')*'`)
)

// FunctionConfig returns the settings of a CREATE FUNCTION statement as
// pg_proc.proconfig has them, in the statement's order.
func FunctionConfig(statement string) []string {
	head, _ := splitFunction(statement)
	_, head, _ = strings.Cut(head[strings.LastIndex(head, " SECURITY DEFINER\n"):], "\n")
	var config []string
	for line := range strings.Lines(head) {
		if setting, ok := strings.CutPrefix(strings.TrimSpace(line), "SET "); ok {
			name, value, _ := strings.Cut(setting, " = ")
			config = append(config, name+"="+strings.Trim(value, "'"))
		}
	}
	return config
}

// splitFunction returns what comes before the body, and the body.
func splitFunction(statement string) (head, body string) {
	statement = strings.TrimSuffix(strings.TrimSpace(statement), "$")
	tag := statement[strings.LastIndexByte(statement, '$'):] + "$"
	head, body, _ = strings.Cut(strings.TrimSuffix(statement, tag[:len(tag)-1]), tag)
	return head, body
}

// Is reports whether the function is the one that a CREATE FUNCTION statement
// makes.
func (f *InspectedFunction) Is(statement string) bool {
	return f.Definer && f.Source == FunctionSource(statement) && slices.Equal(f.Config, FunctionConfig(statement))
}

// FunctionComment is what the comment of one of a table's functions says: the generation
// that made it, a checksum of its source, by which a function that was changed
// by hand is told from one that is out of date, and the table's options, which
// a dump of the schema alone would lose with the registry.
func FunctionComment(source, options string) string {
	return fmt.Sprintf("chrononaut generation %d, source %s, options %s", Generation, Checksum(source), options)
}

// Unchanged reports whether the function is as it was generated, with whatever
// generation and options.
func (f *InspectedFunction) Unchanged() bool {
	return f.Comment != nil && strings.Contains(*f.Comment, ", source "+Checksum(f.Source)+",")
}

// Checksum is the checksum in a function's comment.
func Checksum(source string) string {
	sum := md5.Sum([]byte(source))
	return hex.EncodeToString(sum[:])
}

// PlanArgs are what the statements of a plan are made of.
type PlanArgs struct {
	Table   *Table
	On      string // the table or partition, qualified and quoted
	Name    string // of a column, trigger, function kind or operation
	Trigger Trigger
	Comment string
	Options string   // JSON
	Again   bool     // columns may be there already
	To      string   // a new name
	From    *Table   // the table under its old name
	Closed  []string // functions of history that not everybody may call
}

// PlanSQL renders one of the statements in plan.sql.
func PlanSQL(schema, name string, args PlanArgs) (string, error) {
	sql, err := render("plan.sql#"+name, schema, args)
	return strings.TrimSpace(sql), err
}

// Query renders a query from its file.
func Query(schema, file string, data any) (string, error) { return render(file, schema, data) }

// Migration is one numbered migration of the history schema.
type Migration struct {
	Version  int
	Name     string
	Up, Down string
}

// Previous is the version that Down goes back to.
func (m Migration) Previous() int { return m.Version - 1 }

// Migrations renders all migrations for a history schema, in order.
func Migrations(schema string) ([]Migration, error) {
	h, err := historyOf(schema)
	if err != nil {
		return nil, err
	}
	return slices.Clone(h.migrations), nil
}

func renderMigrations(schema string) ([]Migration, error) {
	names, err := fs.Glob(files, "sql/migrations/*.up.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var migrations []Migration
	for _, path := range names {
		base := strings.TrimSuffix(strings.TrimPrefix(path, "sql/migrations/"), ".up.sql")
		number, name, _ := strings.Cut(base, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number: %w", base, err)
		}
		if n := len(migrations); n > 0 && version != migrations[n-1].Version+1 {
			return nil, fmt.Errorf("migration %s does not follow %s: give it the number %03d", base, migrations[n-1].Name, migrations[n-1].Version+1)
		}
		up, err := render("migrations/"+base+".up.sql", schema, nil)
		if err != nil {
			return nil, err
		}
		down, err := render("migrations/"+base+".down.sql", schema, nil)
		if err != nil {
			return nil, err
		}
		migrations = append(migrations, Migration{version, name, up, down})
	}
	return migrations, nil
}
