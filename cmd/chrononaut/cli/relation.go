package cli

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/chrononaut-go/chrononaut"
)

const childHint = "--child TABLE follows the foreign key; --child 'orders>order_lines' goes on to the rows below; --child 'notes:todo_id=id' names the columns, CHILD=PARENT."

// parseRelation reads the value of --child: tables with > between, each the
// child of the one before, and each with the columns that refer to its parent
// after a colon, CHILD=PARENT with commas between, where they are not those of a
// foreign key. It returns the first of them with the others below it.
func parseRelation(s string) (chrononaut.Relation, error) {
	level, rest, more := cutUnquoted(s, '>')
	text, pairs, columns := cutUnquoted(level, ':')
	table, err := chrononaut.ParseTable(strings.TrimSpace(text))
	if err != nil {
		return chrononaut.Relation{}, err
	}
	r := chrononaut.Relation{Table: table}
	if columns {
		if r.Columns, err = parsePairs(pairs); err != nil {
			return chrononaut.Relation{}, err
		}
	}
	if more {
		below, err := parseRelation(rest)
		if err != nil {
			return chrononaut.Relation{}, err
		}
		r.Children = []chrononaut.Relation{below}
	}
	return r, nil
}

func parsePairs(s string) (map[string]string, error) {
	columns := map[string]string{}
	for more := true; more; {
		var pair string
		pair, s, more = cutUnquoted(s, ',')
		left, right, ok := cutUnquoted(pair, '=')
		if !ok {
			return nil, errors.New("columns are CHILD=PARENT")
		}
		child, err := parseColumn(left)
		if err != nil {
			return nil, err
		}
		if _, twice := columns[child]; twice {
			return nil, errors.New("column " + quoteColumn(child) + " is there twice")
		}
		if columns[child], err = parseColumn(right); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// cutUnquoted is strings.Cut at the first separator outside of double quotes.
func cutUnquoted(s string, separator byte) (before, after string, found bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// addRelation adds a relation to those that are there: a table that is related by
// the same columns is there once, with all children.
func addRelation(all []chrononaut.Relation, r chrononaut.Relation) []chrononaut.Relation {
	for i := range all {
		if all[i].Table == r.Table && maps.Equal(all[i].Columns, r.Columns) {
			for _, child := range r.Children {
				all[i].Children = addRelation(all[i].Children, child)
			}
			return all
		}
	}
	return append(all, r)
}

// relations gives tables and columns of relations the names that they have in
// the database.
func (db *database) relations(ctx context.Context, parent chrononaut.Table, written []chrononaut.Relation) ([]chrononaut.Relation, error) {
	var found []chrononaut.Relation
	for _, r := range written {
		entry, _, err := db.requireTracked(ctx, r.Table)
		if err != nil {
			return nil, err
		}
		resolved := chrononaut.Relation{Table: entry.Table}
		for child, column := range r.Columns {
			if child, err = db.column(ctx, entry.Table, child); err != nil {
				return nil, err
			}
			if column, err = db.column(ctx, parent, column); err != nil {
				return nil, err
			}
			if resolved.Columns == nil {
				resolved.Columns = map[string]string{}
			}
			resolved.Columns[child] = column
		}
		if resolved.Children, err = db.relations(ctx, entry.Table, r.Children); err != nil {
			return nil, err
		}
		found = addRelation(found, resolved)
	}
	return found, nil
}
