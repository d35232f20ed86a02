package postgres

import (
	"encoding/json"
	"fmt"
	"strings"
)

// PythonSource is what reading needs to know of rows of Python chrononaut that
// are about a table.
type PythonSource struct {
	Name string
	// Rows is the declaration, as JSON.
	Rows string
	// Data is SQL that brings a.data of such rows into the form of data.
	Data string
}

// ParsePythonSources reads what the query "registry" says of a table; an empty
// document means that there are none.
func ParsePythonSources(document string) ([]PythonSource, error) {
	if document == "" {
		return nil, nil
	}
	var found []struct {
		Rows json.RawMessage
		Data string
	}
	if err := json.Unmarshal([]byte(document), &found); err != nil {
		return nil, fmt.Errorf("read declared rows of Python: %w", err)
	}
	var sources []PythonSource
	for _, f := range found {
		var rows PythonRows
		if err := json.Unmarshal(f.Rows, &rows); err != nil {
			return nil, fmt.Errorf("read declared rows of Python: %w", err)
		}
		sources = append(sources, PythonSource{Name: rows.Name, Rows: string(f.Rows), Data: f.Data})
	}
	return sources, nil
}

// PythonSource describes rows whose states the server translates one by one, by
// what is declared when they are read.
func (t *Table) PythonSource(rows PythonRows) (PythonSource, error) {
	declared, err := json.Marshal(rows)
	data := QuoteIdent(t.HistorySchema) + ".python_data(" + QuoteLiteral(t.Schema) + ", " + QuoteLiteral(t.Name) + ", a.table_name, a.data)"
	return PythonSource{Name: rows.Name, Rows: string(declared), Data: data}, err
}

// pythonIsArgs are the arguments of the template that finds Python's rows about
// a record in the index.
type pythonIsArgs struct {
	PythonSource
	Key string
}

// PythonIs gives the template "python_is" one source, and SQL for the key.
func (a ReadArgs) PythonIs(source PythonSource, key string) pythonIsArgs {
	return pythonIsArgs{source, key}
}

// DataColumn is the column of the alias a that typed values are read from.
func (a ReadArgs) DataColumn() string {
	if a.Mapped() {
		return "a.readable"
	}
	return "a.data"
}

// PythonMisfits is SQL for a text that lists the columns whose value Python
// did not write exactly, as [Table.Misfits] does.
func (t *Table) PythonMisfits(data string) string {
	var b strings.Builder
	b.WriteString("''")
	for i, c := range t.RecordColumns() {
		fmt.Fprintf(&b, " || CASE WHEN %s -> %s -> 'chrononaut:lossy' IS NOT NULL THEN '%d,' ELSE '' END", data, QuoteLiteral(c.Name), i)
	}
	return b.String()
}
