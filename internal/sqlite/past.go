package sqlite

import (
	"strconv"
	"strings"
)

// Past is what the SQL of a table's past is made of.
type Past struct {
	Table *Table
	// Cut is the id of the last entry of the log that counts.
	Cut int64
	// Until is the id of the entry that says that the table was not tracked any
	// more, of the first one after the cut; 0 for none.
	Until int64
	// Moves: some record has had another key.
	Moves bool
	// Unrecorded: of some row a state is not recorded.
	Unrecorded bool
}

// SQL renders the query for the state of the table.
func (p Past) SQL() (string, error) { return render("past.sql#past", p) }

// CreateSQL renders the statement that shadows the table with it.
func (p Past) CreateSQL() (string, error) {
	sql, err := p.SQL()
	return shadow(p.Table.Name, sql), err
}

// shadow makes a query of the name of a relation in the main database.
func shadow(name, query string) string {
	return "CREATE TEMP VIEW " + QuoteIdent(name) + " AS " + query
}

// RefuseSQL is the statement that shadows a relation with one that cannot be
// read. SQLite can raise an error of our own only in triggers; but it names the
// table that does not exist.
func RefuseSQL(name, state, reason string) string {
	return shadow(name, "SELECT 1 FROM main."+QuoteIdent(state+": "+reason))
}

// MirrorSQL is the statement that shadows a view of the application's with the
// same one over the past, from its definition in the catalog. rewrite is given
// the part in which names of relations are.
func MirrorSQL(definition string, rewrite func(string) string) string {
	tokens := lex(definition)
	// CREATE VIEW name: the catalog keeps no more in front of the name.
	const name = 2
	if len(tokens) <= name {
		return definition
	}
	return "CREATE TEMP VIEW " + rewrite(definition[tokens[name].start:])
}

// NotRecorded is SQL that raises an error when it is evaluated, which is not
// before a row is read: it depends on its key.
func (p Past) NotRecorded() string {
	return "json_extract('{}', " + QuoteLiteral("TM011: the state of a row of "+p.Table.HistoryName+" is not recorded") + " || substr(" + p.Key() + ", 1, 0))"
}

// Key is SQL for the key of the row k of the table of keys.
func (p Past) Key() string { return p.Table.KeyText("k") }

// CutSQL and UntilSQL are SQL for the numbers.
func (p Past) CutSQL() string { return strconv.FormatInt(p.Cut, 10) }

// UntilSQL is empty when there is no bound.
func (p Past) UntilSQL() string {
	if p.Until == 0 {
		return ""
	}
	return strconv.FormatInt(p.Until, 10)
}

// Columns lists the columns of the table as SQL, in its order. Each is an
// expression that has the affinity and, for drivers, the declared type of the
// column: those of the last SELECT in a compound one, of which only the first
// returns a row.
func (p Past) Columns() []string {
	tracked := map[string]bool{p.Table.VersionColumn: true}
	for _, c := range p.Table.Tracked() {
		tracked[c.Name] = true
	}
	var columns []string
	for _, c := range p.Table.Columns {
		var sql string
		typed := "SELECT r." + QuoteIdent(c.Name) + " FROM main." + QuoteIdent(p.Table.Name) + " AS r WHERE 0"
		switch {
		case c.Hidden == 1:
			continue
		case c.Key > 0:
			sql = "k." + QuoteIdent(c.Name)
		case !tracked[c.Name]:
			sql = "(" + typed + ")"
		case c.Type == "":
			sql = ReadValue("a.data", c.Name)
		default:
			sql = "(SELECT " + readAs("a.data", c.Name, p.Table.Affinity(c)) + " UNION ALL " + typed + ")"
		}
		if collation := p.Table.Collation(c.Name); collation != "" && c.Key == 0 {
			sql += " COLLATE " + QuoteIdent(collation)
		}
		columns = append(columns, sql+" AS "+QuoteIdent(c.Name))
	}
	return columns
}

// readAs is ReadValue for a column that may have had another type: the value as
// the column would store it now.
func readAs(data, column string, affinity Affinity) string {
	value := ReadValue(data, column)
	rest := strings.TrimPrefix(value, "CASE json_type(")
	if rest == value {
		return value
	}
	plain := "json_extract(" + data + ", " + QuoteLiteral(`$."`+column+`"`) + ")"
	var convert string
	switch affinity {
	case Text:
		convert = " WHEN 'integer' THEN CAST(" + plain + " AS TEXT) WHEN 'real' THEN CAST(" + plain + " AS TEXT)"
	case Integer, Numeric, Real:
		// Text that is a number, and loses nothing as one.
		convert = " WHEN 'text' THEN iif(CAST(CAST(" + plain + " AS NUMERIC) AS TEXT) = " + plain + ", CAST(" + plain + " AS NUMERIC), " + plain + ")"
		if affinity == Real {
			convert += " WHEN 'integer' THEN CAST(" + plain + " AS REAL)"
		}
	case Blob:
		return value
	}
	return strings.TrimSuffix(value, " ELSE "+plain+" END") + convert + " ELSE " + plain + " END"
}
