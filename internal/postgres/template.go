// Package postgres generates the SQL that Chrononaut runs on PostgreSQL: the
// history schema, the triggers of a tracked table and the queries that read
// history. All of it comes from the embedded .sql templates, and every name
// and value in them passes through one quoting path in this file.
package postgres

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"sync"
	"text/template"
)

//go:embed sql
var files embed.FS

// QuoteIdent quotes an identifier.
func QuoteIdent(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// QuoteLiteral quotes a text literal so that it means the same under either
// value of standard_conforming_strings.
func QuoteLiteral(s string) string {
	quoted := `'` + strings.ReplaceAll(s, `'`, `''`) + `'`
	if strings.Contains(s, `\`) {
		return `E` + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// quoteTextArray writes a constant of type text[], qualified for functions that set
// no search_path.
func quoteTextArray(items []string) string {
	if len(items) == 0 {
		return `'{}'::pg_catalog.text[]`
	}
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = QuoteLiteral(s)
	}
	return "ARRAY[" + strings.Join(quoted, ", ") + "]::pg_catalog.text[]"
}

// quoteInt2Array writes a constant of type smallint[].
func quoteInt2Array(items []int16) string {
	parts := make([]string, len(items))
	for i, n := range items {
		parts[i] = fmt.Sprint(n)
	}
	return "'{" + strings.Join(parts, ",") + "}'::smallint[]"
}

// literalBody escapes SQL text for the inside of a single-quoted literal. It
// leaves backslashes alone: the templates use it only where a function pins
// standard_conforming_strings.
func literalBody(s string) string { return strings.ReplaceAll(s, `'`, `''`) }

// render runs a template for a history schema: a file, or one that is defined
// in a file, as in "plan.sql#register".
func render(name, schema string, data any) (string, error) {
	file, define, _ := strings.Cut(name, "#")
	tmpl, err := parsed(file)
	if err != nil {
		return "", err
	}
	// A clone has functions of its own and shares what was parsed.
	if tmpl, err = tmpl.Clone(); err != nil {
		return "", fmt.Errorf("clone template %s: %w", file, err)
	}
	tmpl.Funcs(functions(schema, dollarTag(schema, data)))
	if define == "" {
		define = file[strings.LastIndexByte(file, '/')+1:]
	}
	var b bytes.Buffer
	if err := tmpl.ExecuteTemplate(&b, define, data); err != nil {
		return "", fmt.Errorf("render template %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}

// parsedFiles holds what parsed has parsed, by file: every query that reads
// history is rendered anew.
var parsedFiles sync.Map

func parsed(file string) (*template.Template, error) {
	if known, ok := parsedFiles.Load(file); ok {
		return known.(*template.Template), nil
	}
	tmpl, err := template.New("").Funcs(functions("", "")).
		ParseFS(files, "sql/table/changed.sql", "sql/table/image.sql", "sql/settings.sql", "sql/period.sql", "sql/read/change.sql", "sql/restore/parts.sql", "sql/lease/columns.sql", "sql/"+file)
	if err != nil {
		return nil, fmt.Errorf("parse template %s: %w", file, err)
	}
	parsedFiles.Store(file, tmpl)
	return tmpl, nil
}

// functions are those of the templates; tag is a dollar quote.
func functions(schema, tag string) template.FuncMap {
	return template.FuncMap{
		"schema":      func() string { return QuoteIdent(schema) },
		"rawSchema":   func() string { return schema },
		"generation":  func() int { return Generation },
		"beside":      func(kind string) string { return besideSchema(schema, kind, "public") },
		"ident":       QuoteIdent,
		"literal":     QuoteLiteral,
		"literalBody": literalBody,
		"textArray":   quoteTextArray,
		"dollar":      func() string { return tag },
		"image":       func(t *Table, row string) imageArgs { return imageArgs{t, row} },
		"period":      func(t *Table, row string) periodArgs { return periodArgs{t, row} },
		"named":       func(t *Table, name string) namedArgs { return namedArgs{t, name} },
		"settled":     func(t *Table, settled bool) settledTable { return settledTable{t, settled} },
		"compare":     func(t *Table, ignored []string) compareArgs { return compareArgs{t, ignored} },
	}
}

// dollarTag picks a dollar quote that no name in the text contains.
func dollarTag(schema string, data any) string {
	names := schema
	if named, ok := data.(interface{ names() []string }); ok {
		names += "\n" + strings.Join(named.names(), "\n")
	}
	tag := "$chrononaut$"
	for i := 1; strings.Contains(names, tag); i++ {
		tag = fmt.Sprintf("$chrononaut%d$", i)
	}
	return tag
}
