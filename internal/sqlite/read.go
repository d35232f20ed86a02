package sqlite

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// ReadArgs are what the reading queries are made of.
type ReadArgs struct {
	ChangedArgs

	Name        string   // of the table
	Where       []string // conditions on the alias a
	NewestFirst bool
	OldestFirst bool
	Limit       int
	Upper       string // placeholder: the life of the key up to this version
	Column      string // placeholder
	Before      bool   // also select the state before
	Key         []string
}

// Read renders a reading query: a file in sql/read.
func Read(name string, args ReadArgs) (string, error) {
	tmpl, err := template.New("").Funcs(template.FuncMap{"ident": QuoteIdent, "value": ReadValue}).
		ParseFS(files, "sql/read/parts.sql", "sql/read/"+name+".sql")
	if err != nil {
		return "", fmt.Errorf("parse template %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := tmpl.ExecuteTemplate(&b, name+".sql", args); err != nil {
		return "", fmt.Errorf("render template %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// WriteKey returns a query for a key as history has it, from the values of its
// columns: ?1 is that of the first name, and so on.
func WriteKey(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	var b strings.Builder
	for n, name := range sorted {
		separator := ","
		if n == 0 {
			separator = "{"
		}
		placeholder := "?" + strconv.Itoa(slices.Index(names, name)+1)
		b.WriteString(QuoteLiteral(separator+quoteJSON(name)+":") + " || " + WriteValue(placeholder) + " || ")
	}
	return "SELECT " + b.String() + "'}'"
}

// Affinity is how a column treats the values that it is given.
type Affinity string

// The affinities of SQLite.
const (
	Integer Affinity = "integer"
	Text    Affinity = "text"
	Blob    Affinity = "blob" // leaves values as they are
	Real    Affinity = "real"
	Numeric Affinity = "numeric"
)

// Affinity follows from the declared type.
func (i *Inspected) Affinity(c Column) Affinity {
	declared := strings.ToUpper(c.Type)
	contains := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(declared, part) })
	}
	switch {
	case i.StrictTypes != 0 && declared == "ANY":
		return Blob
	case contains("INT"):
		return Integer
	case contains("CHAR", "CLOB", "TEXT"):
		return Text
	case declared == "" || contains("BLOB"):
		return Blob
	case contains("REAL", "FLOA", "DOUB"):
		return Real
	}
	return Numeric
}
