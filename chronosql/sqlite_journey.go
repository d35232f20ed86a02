package chronosql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	sqlitesql "github.com/chrononaut-go/chrononaut/internal/sqlite"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// journey is a transaction of SQLite that reads the past. In it the connection
// has a TEMP view for each relation of the main database that its queries may
// name, which they find first. The views are part of the transaction, and are gone with
// a ROLLBACK, whatever happens in it.
type journey struct {
	// present says that relations that are not tracked are read as they are.
	present bool
	// relations are those that a query must not find, by their names in lower
	// case.
	relations map[string]*relation
	// open are those of the present that a query may find.
	open map[string]bool
	// attached are other databases, whose relations are refused.
	attached map[string]bool
	// made are the views that there may be.
	made map[string]bool
	// readOnly says that the connection was so before.
	readOnly bool
	// suspect: a query failed, which may have ended the transaction.
	suspect bool
}

// relation is what hides a relation of the present.
type relation struct {
	// sql creates the view.
	sql string
	// table is nil for views and for what is refused.
	table *sqlitesql.Table
	// names are the words in the definition of a view.
	names []sqltext.Word
	there bool
}

// beacon is a view that is there as long as the transaction is.
const beacon = "chrononaut_past"

// refusedText returns why a text must not be sent to read the past, or "".
// Apart says that it is outside of a transaction.
func refusedText(query string, apart bool) string {
	for _, statement := range sqltext.Split(chronodriver.SQLite, query) {
		if reason := statement.RefusedInPastOfSQLite(); reason != "" {
			return reason
		}
		if control, _ := statement.Control(); apart && control != sqltext.None {
			return "there is no transaction to save a point in"
		}
	}
	return ""
}

// surroundings looks at what else a query on the connection could read.
func (j *journey) surroundings(ctx context.Context, q chronodriver.Queryer) (err error) {
	rows, err := q.Query(ctx, `SELECT 'database', name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')
		UNION ALL SELECT 'temp', name FROM temp.sqlite_schema WHERE type IN ('table', 'view')
		UNION ALL SELECT 'query_only', '' FROM pragma_query_only WHERE query_only`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kind, name string
		if err := rows.Scan(&kind, &name); err != nil {
			return err
		}
		switch {
		case kind == "query_only":
			j.readOnly = true
		case kind == "temp":
			// It may have the name of a table, and no view can.
			return fmt.Errorf("%w: the connection has the temporary table %s", chrononaut.ErrPast, name)
		case !j.present:
			j.attached[sqlitesql.Fold(name)] = true
		}
	}
	return rows.Err()
}

// add takes in the relations of the main database, and those of others that a
// name without a database would find.
func (j *journey) add(ctx context.Context, q chronodriver.Queryer, relations []sqlitesql.Relation) error {
	for i := range relations {
		r := &relations[i]
		if r.Shadowed(j.present) {
			j.relations[sqlitesql.Fold(r.Name)] = &relation{}
		} else {
			j.open[sqlitesql.Fold(r.Name)] = true
		}
	}
	for i := range relations {
		r := &relations[i]
		hidden := j.relations[sqlitesql.Fold(r.Name)]
		if hidden == nil {
			continue
		}
		var err error
		if hidden.sql, err = r.ShadowSQL(j.qualified); err != nil {
			return err
		}
		switch {
		case r.Past != nil:
			hidden.table = r.Past.Table
		case r.Kind == "view":
			hidden.names = sqltext.Words(r.Definition)
		}
	}
	for database := range j.attached {
		names, err := texts(ctx, q, "SELECT name FROM "+sqlitesql.QuoteIdent(database)+".sqlite_schema WHERE type IN ('table', 'view')")
		if err != nil {
			return err
		}
		for _, name := range names {
			if j.relations[sqlitesql.Fold(name)] == nil && !strings.HasPrefix(sqlitesql.Fold(name), "sqlite_") {
				j.relations[sqlitesql.Fold(name)] = &relation{
					sql: sqlitesql.RefuseSQL(name, chronodriver.StatePast, "table "+name+" is not in the main database and has no past"),
				}
			}
		}
	}
	return nil
}

// qualified lets names that say the main database find the views.
func (j *journey) qualified(query string) string {
	rewritten := sqltext.Rewrite(chronodriver.SQLite, query, func(schema, name string) (string, bool) {
		return `"temp"`, schema == "main" && j.relations[name] != nil
	})
	return rewritten.Text
}

// prepare returns the text of a query as it is sent, and the statements that
// make what it reads.
func (j *journey) prepare(query string) (text string, missing []string, err error) {
	if err := j.refuseAttached(query); err != nil {
		return "", nil, err
	}
	words := sqltext.Words(query)
	if text, err = j.withoutRowid(query, words); err != nil {
		return "", nil, err
	}
	return j.qualified(text), j.missing(words, nil), nil
}

// missing lists the statements that make the views that are named.
func (j *journey) missing(words []sqltext.Word, statements []string) []string {
	for _, w := range words {
		r := j.relations[w.Name]
		if r == nil || r.there {
			continue
		}
		r.there, j.made[w.Name] = true, true
		statements = append(statements, r.sql)
		statements = j.missing(r.names, statements)
	}
	return statements
}

func (j *journey) refuseAttached(query string) (err error) {
	if len(j.attached) == 0 {
		return nil
	}
	sqltext.Rewrite(chronodriver.SQLite, query, func(schema, name string) (string, bool) {
		if j.attached[schema] {
			err = fmt.Errorf("%w: the statement was not sent: %s.%s is not in the main database and has no past", chrononaut.ErrPast, schema, name)
		}
		return "", false
	})
	return err
}

// all lists the statements that make all views. A transaction has them from its
// beginning: a view that is made later ends the queries whose rows are still open.
func (j *journey) all() []string {
	var statements []string
	for _, name := range slices.Sorted(maps.Keys(j.relations)) {
		statements = j.missing([]sqltext.Word{{Name: name}}, statements)
	}
	return statements
}

// home are the statements that end the transaction.
func (j *journey) home() string {
	statements := []string{"PRAGMA query_only = OFF", "DROP VIEW temp." + beacon}
	for _, name := range slices.Sorted(maps.Keys(j.made)) {
		statements = append(statements, "DROP VIEW IF EXISTS temp."+sqlitesql.QuoteIdent(name))
	}
	statements = append(statements, "COMMIT")
	if j.readOnly {
		statements = append(statements, j.writable())
	}
	return strings.Join(statements, ";\n")
}

// writable is the statement that lets the connection write again, if it could
// before.
func (j *journey) writable() string {
	if j.readOnly {
		return "PRAGMA query_only = ON"
	}
	return "PRAGMA query_only = OFF"
}
