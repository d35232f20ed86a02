package postgres

import "strings"

// ReadArgs are what the reading queries are made of.
type ReadArgs struct {
	ChangedArgs

	Schema      string // of the table, not of history
	Name        string
	Record      *Table   // also select the typed record
	Where       []string // conditions on the alias a
	NewestFirst bool
	OldestFirst bool
	Limit       int
	Upper       string // placeholder: the life of the key up to this version
	Column      string // placeholder
	Transaction string // placeholder
	Until       string // placeholder: with Transaction, the time up to which it was
	Before      bool   // also select the state before
	Key         []Column
	// WithoutHidden leaves out of data what the registry says is hidden now.
	WithoutHidden bool
	// Python says which rows of Python chrononaut are about the table.
	Python []PythonSource
	// Aliases say what the table and its columns are called in older rows, Renamed
	// where these are, and Own which rows under the present names are its own.
	Aliases Aliases
	Renamed []RenamedSource
	Own     string
	// LogNames and LogOwn say the same for the log, which finds rows by the
	// table's names alone: each row is in one of them.
	LogNames []RenamedSource
	LogOwn   string
	// HistorySchema is needed with Aliases.
	HistorySchema string
}

// WithAliases also reads rows under older names.
func (a ReadArgs) WithAliases(historySchema string, aliases Aliases, key []string) ReadArgs {
	a.HistorySchema, a.Aliases = historySchema, aliases
	a.Renamed, a.Own = aliases.Sources(a.Schema, a.Name, key)
	a.LogNames, a.LogOwn = aliases.Sources(a.Schema, a.Name, nil)
	return a
}

// Mapped reports whether rows are not only the table's own as they are.
func (a ReadArgs) Mapped() bool {
	return len(a.Python) > 0 || len(a.Aliases.Renames) > 0 || a.Aliases.After > 0
}

// isArgs are the arguments of the template that finds a record in the index.
type isArgs struct {
	Schema, Name, Column, Key, Upper string
	Bounds                           string
	Renamed                          []RenamedSource
}

// Of is the same for rows under another name.
func (a isArgs) Of(s RenamedSource) renamedIsArgs { return renamedIsArgs{s, a.Column, a.Key} }

// renamedIsArgs are the arguments of the template that finds a record in the
// index under an older name.
type renamedIsArgs struct {
	RenamedSource
	Column, Key string
}

// Is gives the template "is" the column that holds the key and the key.
func (a ReadArgs) Is(column, key string) isArgs {
	return isArgs{a.Schema, a.Name, column, key, a.Upper, a.Own, a.Renamed}
}

// Qualified is the qualified, quoted name of the table.
func (a ReadArgs) Qualified() string { return QuoteIdent(a.Schema) + "." + QuoteIdent(a.Name) }

// Read renders a reading query: a file in sql/read.
func Read(schema, name string, args ReadArgs) (string, error) {
	sql, err := render("read/"+name+".sql", schema, args)
	return strings.TrimSpace(sql), err
}
