package postgres

import "strings"

// ImportArgs are what the statements of an import are made of.
type ImportArgs struct {
	Schema, Name string // of the table that history is about
	// KeySQL and ImageSQL come from the database: the key and the image of a
	// row r.
	KeySQL, ImageSQL string
	Columns          []string // of the table
	VersionColumn    string
	VersionKey       bool // data also has the version as "version"
	Python           bool // Python chrononaut's rows are about the table too

	Source     string   // the table of the other tool, qualified and quoted
	Context    string   // its table of contexts, likewise
	Key        []string // the columns of the primary key
	Period     string   // the column of the period
	Conditions []string // the columns that choose rows of the source
}

// Qualified is the qualified, quoted name of the table.
func (a ImportArgs) Qualified() string { return QuoteIdent(a.Schema) + "." + QuoteIdent(a.Name) }

// KeyColumn is the only column of the primary key.
func (a ImportArgs) KeyColumn() string { return a.Key[0] }

// Number is the number of the placeholder of a condition.
func (a ImportArgs) Number(i int) int { return i + 1 }

type keyOf struct {
	Key []string
	Of  string
}

// KeyOf gives the template "key" a JSON expression that has the columns.
func (a ImportArgs) KeyOf(expression string) keyOf { return keyOf{a.Key, expression} }

// Import renders a statement of an import.
func Import(schema, name string, args ImportArgs) (string, error) {
	sql, err := render("import/"+name+".sql", schema, args)
	return strings.TrimSpace(sql), err
}
