package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
)

// DefaultVersionColumn is the version column of a table whose options name no
// other.
const DefaultVersionColumn = "version"

// Options are the tracking options of a table as the registry keeps them.
type Options struct {
	Hidden        []string `json:"hidden,omitempty"`
	Untracked     []string `json:"untracked,omitempty"`
	VersionColumn string   `json:"version_column,omitempty"`
	Strict        bool     `json:"strict,omitempty"`
	RecordChanges bool     `json:"record_changes,omitempty"`
	NoHistory     bool     `json:"no_history,omitempty"`
	Adopted       bool     `json:"adopted,omitempty"`
	Generation    int      `json:"generation,omitempty"`
	// SharedWithPython says that a running Python chrononaut writes the table.
	SharedWithPython bool `json:"shared_with_python,omitempty"`
	// Layout is "period" where the past is read from periods.
	Layout string `json:"layout,omitempty"`
	// Python declares rows of Python chrononaut that are about the table.
	Python []PythonRows `json:"python,omitempty"`
	Aliases
}

// PythonRows are the rows of Python chrononaut with one table name: see the
// migration that reads them.
type PythonRows struct {
	Name       string                        `json:"name"`
	Attributes map[string]*string            `json:"attributes,omitempty"`
	Enums      map[string]map[string]*string `json:"enums,omitempty"`
	Timezone   string                        `json:"timezone,omitempty"`
}

// DecodeOptions reads chrononaut_table.options.
func DecodeOptions(options string) (Options, error) {
	var o Options
	err := json.Unmarshal([]byte(options), &o)
	return o, err
}

// Inspected is what the catalog says of a table: the result of inspect.sql.
type Inspected struct {
	Schema      string              `json:"schema"`
	Name        string              `json:"name"`
	Kind        string              `json:"kind"` // pg_class.relkind
	Persistence string              `json:"persistence"`
	IsPartition bool                `json:"is_partition"`
	HasChildren bool                `json:"has_children"`
	IsChild     bool                `json:"is_child"`
	Rows        float64             `json:"rows"`
	Key         []string            `json:"key"`
	Columns     []Column            `json:"columns"`
	Tables      []InspectedTable    `json:"tables"` // the table, then its partitions
	Functions   []InspectedFunction `json:"functions"`
	// KeyDeferred says that the primary key is checked when the transaction ends.
	KeyDeferred bool `json:"key_deferred"`
	// Deferrable says that the table has foreign keys which are checked as late as
	// when the transaction ends.
	Deferrable bool            `json:"deferrable"`
	Past       InspectedPast   `json:"past"`
	Period     InspectedPeriod `json:"period"`
}

// InspectedPeriod is what there is of a table's periods. What is missing is empty.
type InspectedPeriod struct {
	Registered bool   `json:"registered"`
	Comment    string `json:"comment"` // of the table of periods
	Trigger    string `json:"trigger"` // pg_trigger.tgenabled of what feeds it
	Built      bool   `json:"built"`
	Open       int64  `json:"open"` // records whose periods are to be made again
}

// InspectedPast is what there is of the time machine for a table. What is missing
// is empty.
type InspectedPast struct {
	Schema  string `json:"schema"`  // of the view
	Comment string `json:"comment"` // of the view
	Keys    string `json:"keys"`    // the comment of the table of keys
	Covered bool   `json:"covered"` // each relation of the table's schema has a past or is refused
	Allowed bool   `json:"allowed"` // whether this role can make the view
	Shared  bool   `json:"shared"`  // with whom the table is, and with nobody else
	Policy  string `json:"policy"`  // its row security, as a condition
}

// InspectedTable is a table or one of its partitions.
type InspectedTable struct {
	Schema   string             `json:"schema"`
	Name     string             `json:"name"`
	Kind     string             `json:"kind"`
	Triggers []InspectedTrigger `json:"triggers"`
}

// Qualified is the qualified, quoted name.
func (t InspectedTable) Qualified() string { return QuoteIdent(t.Schema) + "." + QuoteIdent(t.Name) }

// Trigger returns the trigger of a name, or nil.
func (t InspectedTable) Trigger(name string) *InspectedTrigger {
	i := slices.IndexFunc(t.Triggers, func(g InspectedTrigger) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Triggers[i]
}

// Captures reports whether all changes are captured: see captures() in the
// migrations.
func (t InspectedTable) Captures() bool {
	enabled := func(name, how string) bool {
		g := t.Trigger(name)
		return g != nil && g.Enabled == how
	}
	byStatement := enabled(CaptureTrigger, EnabledReplica) && enabled(InsertTrigger, EnabledOrigin) &&
		enabled(UpdateTrigger, EnabledOrigin) && enabled(DeleteTrigger, EnabledOrigin) && enabled(PartitionTrigger, EnabledOrigin)
	return enabled(TruncateTrigger, EnabledAlways) && (enabled(CaptureTrigger, EnabledAlways) || byStatement)
}

// InspectedTrigger is a trigger on a table.
type InspectedTrigger struct {
	Name           string `json:"name"`
	Enabled        string `json:"enabled"` // pg_trigger.tgenabled
	Type           int    `json:"type"`    // pg_trigger.tgtype
	Conditional    bool   `json:"conditional"`
	OfPartition    bool   `json:"of_partition"` // its condition is that of [Trigger.OfPartition]
	OldRows        string `json:"old_rows"`     // pg_trigger.tgoldtable
	NewRows        string `json:"new_rows"`     // pg_trigger.tgnewtable
	FunctionSchema string `json:"function_schema"`
	Function       string `json:"function"`
}

// Row reports whether it is a row trigger.
func (t InspectedTrigger) Row() bool { return t.Type&1 != 0 }

// InspectedFunction is one of the table's functions.
type InspectedFunction struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	Definer bool     `json:"definer"`
	Config  []string `json:"config"`
	Comment *string  `json:"comment"`
}

// InspectSQL returns the query that describes a table and its arguments. It
// yields one row with one text column for [ParseInspected], or no row when
// there is no such table. An empty schema means the search path.
func InspectSQL(historySchema, schema, name string) (sql string, args []any, err error) {
	sql, err = render("inspect.sql", historySchema, nil)
	return sql, []any{schema, name}, err
}

// ParseInspected reads the result of [InspectSQL].
func ParseInspected(document string) (*Inspected, error) {
	found := &Inspected{}
	if err := json.Unmarshal([]byte(document), found); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return found, nil
}

// Function returns the function of a name, or nil.
func (i *Inspected) Function(name string) *InspectedFunction {
	n := slices.IndexFunc(i.Functions, func(f InspectedFunction) bool { return f.Name == name })
	if n < 0 {
		return nil
	}
	return &i.Functions[n]
}

// Column returns the column of a name, or nil.
func (i *Inspected) Column(name string) *Column {
	n := slices.IndexFunc(i.Columns, func(c Column) bool { return c.Name == name })
	if n < 0 {
		return nil
	}
	return &i.Columns[n]
}

// Table is the inspected table as the templates and [Table.RecordSelect] want
// it.
func (i *Inspected) Table(historySchema string, opts Options) *Table {
	if opts.VersionColumn == "" {
		opts.VersionColumn = DefaultVersionColumn
	}
	return &Table{
		HistorySchema: historySchema,
		Schema:        i.Schema,
		Name:          i.Name,
		KeyColumns:    i.Key,
		Columns:       slices.Clone(i.Columns),
		Partitioned:   i.Kind == "p",
		RowByRow:      i.Kind == "p" || i.hasRowTriggers(),
		Deferrable:    i.Deferrable,
		VersionColumn: opts.VersionColumn,
		Adopted:       opts.Adopted,
		Hidden:        opts.Hidden,
		Untracked:     opts.Untracked,
		Strict:        opts.Strict,
		RecordChanges: opts.RecordChanges,
		History:       !opts.NoHistory,
		Python:        opts.Python,
		Aliases:       opts.Aliases,
		Layout:        opts.Layout,
	}
}

// hasRowTriggers reports whether the application has AFTER ROW triggers on the table.
func (i *Inspected) hasRowTriggers() bool {
	const before, instead = 2, 64
	return len(i.Tables) > 0 && slices.ContainsFunc(i.Tables[0].Triggers, func(t InspectedTrigger) bool {
		return t.Row() && t.Type&(before|instead) == 0 && !IsTrigger(t.Name)
	})
}
