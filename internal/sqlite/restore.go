package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// RestoreArgs are what the statements of plans are made of: the files in
// sql/restore.
type RestoreArgs struct {
	Table *Table
	// Until is a condition on the alias a, and l for the life of an item.
	Until string
	Lock  bool
	// Columns are those that are written.
	Columns []RestoreColumn
	// From are the columns of the foreign key or the unique index, To those that
	// it refers to, and Other the table at the other end.
	From, To []string
	Other    string
	Where    []string
}

// RestoreColumn is a column that a statement writes.
type RestoreColumn struct {
	Name    string
	Always  bool   // every item writes it
	Default string // SQL for the value that a row gets otherwise
}

// PresentImage is SQL for the state of a row in the form of data.
func (t *Table) PresentImage(row string) string {
	version := "coalesce(CAST(" + row + "." + QuoteIdent(t.VersionColumn) + " AS INTEGER), 'null')"
	image := t.Image(row)
	if image == "" {
		return "'{}'"
	}
	return image + " || " + t.VersionSuffix(version)
}

var restoreFunctions = template.FuncMap{
	"ident":   QuoteIdent,
	"literal": QuoteLiteral,
	"value":   ReadValue,
	"since": func(t *Table, key, version string) changesArgs {
		return changesArgs{QuoteLiteral(t.HistoryName), QuoteLiteral(t.VersionNames()), key, version}
	},
	"changes": func(name, versions, key, version string) changesArgs {
		return changesArgs{name, versions, key, version}
	},
	"placeholder": valuePlaceholder,
	"stored": func(n int, column string, t *Table) string {
		return storedAs(valuePlaceholder(n), t.Affinity(*t.Column(column)))
	},
}

// changesArgs are what the statements in changes.sql are made of: SQL for the name of
// the table, the names of the version in data, the key, and the version.
type changesArgs struct{ Name, Versions, Key, Version string }

// valuePlaceholder stands for a value, of which two other arguments come first.
func valuePlaceholder(n int) string { return "?" + strconv.Itoa(n+3) }

// storedAs is SQL for a value as a column stores it.
func storedAs(value string, affinity Affinity) string {
	switch affinity {
	case Text:
		return "iif(typeof(" + value + ") IN ('integer', 'real'), CAST(" + value + " AS TEXT), " + value + ")"
	case Integer, Numeric, Real:
		return "iif(typeof(" + value + ") = 'text' AND CAST(" + value + " AS NUMERIC) = " + value + ", CAST(" + value + " AS NUMERIC), " + value + ")"
	case Blob:
	}
	return value
}

// restoreFiles holds the parsed templates, by name.
var restoreFiles sync.Map

// RestoreSQL renders a statement of a plan: a file in sql/restore.
func RestoreSQL(name string, args RestoreArgs) (string, error) {
	known, ok := restoreFiles.Load(name)
	if !ok {
		tmpl, err := template.New("").Funcs(restoreFunctions).
			ParseFS(files, "sql/read/parts.sql", "sql/hold.sql", "sql/restore/changes.sql", "sql/restore/parts.sql", "sql/restore/"+name+".sql")
		if err != nil {
			return "", fmt.Errorf("parse template %s: %w", name, err)
		}
		known, _ = restoreFiles.LoadOrStore(name, tmpl)
	}
	var b bytes.Buffer
	if err := known.(*template.Template).ExecuteTemplate(&b, name+".sql", args); err != nil {
		return "", fmt.Errorf("render template %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// ForeignKey is a foreign key as the catalog has it.
type ForeignKey struct {
	Table, Parent          string
	Columns, ParentColumns []string
	OnDelete, OnUpdate     string
	id                     int
}

// ForeignKeys reads the foreign keys of a table and those that refer to it. Costs
// one round trip.
func ForeignKeys(ctx context.Context, q chronodriver.Queryer, name string) (keys []ForeignKey, err error) {
	sql, err := RestoreSQL("keys", RestoreArgs{})
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k ForeignKey
		var from string
		var to *string
		if err := rows.Scan(&k.Table, &k.id, &k.Parent, &from, &to, &k.OnDelete, &k.OnUpdate); err != nil {
			return nil, err
		}
		if n := len(keys) - 1; n < 0 || keys[n].Table != k.Table || keys[n].id != k.id {
			keys = append(keys, k)
		}
		last := &keys[len(keys)-1]
		last.Columns = append(last.Columns, from)
		if to != nil {
			last.ParentColumns = append(last.ParentColumns, *to)
		}
	}
	return keys, rows.Err()
}
