package sqlite

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"text/template"
)

// render runs a template: a file, or one that is defined in a file, as in
// "plan.sql#register".
func render(name string, data any) (string, error) {
	file, define, _ := strings.Cut(name, "#")
	tmpl, err := parsed(file)
	if err != nil {
		return "", err
	}
	if define == "" {
		define = file[strings.LastIndexByte(file, '/')+1:]
	}
	var b bytes.Buffer
	if err := tmpl.ExecuteTemplate(&b, define, data); err != nil {
		return "", fmt.Errorf("render template %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// parsedFiles holds what parsed has parsed, by file: every query that reads
// history is rendered anew.
var parsedFiles sync.Map

func parsed(file string) (*template.Template, error) {
	if known, ok := parsedFiles.Load(file); ok {
		return known.(*template.Template), nil
	}
	tmpl, err := template.New("").Funcs(functions).ParseFS(files, "sql/table/parts.sql", "sql/table/number.sql", "sql/hold.sql", "sql/"+file)
	if err != nil {
		return nil, fmt.Errorf("parse template %s: %w", file, err)
	}
	parsedFiles.Store(file, tmpl)
	return tmpl, nil
}

var functions = template.FuncMap{
	"ident":   QuoteIdent,
	"literal": QuoteLiteral,
	"value":   ReadValue,
	"row": func(t *Table, row string) any {
		return struct {
			Table *Table
			Row   string
		}{t, row}
	},
	"restored": func(t *Table, was string) any {
		return struct {
			Table *Table
			Was   string
		}{t, was}
	},
	"note": func(t *Table, except string) any {
		return struct {
			Table  *Table
			Except string
		}{t, except}
	},
}
