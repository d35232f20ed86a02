package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Generation numbers the generated triggers. It grows whenever their text
// changes.
const Generation = 5

// The columns of the RecordChanges option.
const (
	changeInfoColumn = "change_info"
	changedColumn    = "changed"
)

// Table is what the templates know of a tracked table.
type Table struct {
	*Inspected
	Options
	// HistoryName is the name that history knows the table by.
	HistoryName string
	uniques     []unique
}

// Describe is the inspected table as the templates want it.
func (i *Inspected) Describe(opts Options) *Table {
	if opts.VersionColumn == "" {
		opts.VersionColumn = DefaultVersionColumn
	}
	if c := i.Column(opts.VersionColumn); c != nil {
		opts.VersionColumn = c.Name
	}
	t := &Table{Inspected: i, Options: opts, HistoryName: i.Name}
	t.uniques = i.uniqueRows()
	return t
}

// History reports whether the table's changes are recorded.
func (t *Table) History() bool { return !t.NoHistory }

// Light reports whether no trigger of the application sees that ours write the
// version into a row: what such a trigger changes would have to be numbered too.
func (t *Table) Light() bool {
	return t.History() && !t.RecordChanges && !slices.ContainsFunc(t.Triggers, func(trigger InspectedTrigger) bool {
		return !strings.HasPrefix(trigger.Name, triggerPrefix) && trigger.OfUpdate(t.VersionColumn)
	})
}

// Short reports whether most updates are recorded by a trigger of their own.
func (t *Table) Short() bool { return t.History() && !t.RecordChanges }

// Tracked lists the columns whose values enter history, in the table's order,
// without the version column.
func (t *Table) Tracked() []Column {
	leaking := t.feeds(t.Options.Hidden)
	return slices.DeleteFunc(t.RecordColumns(t.Options), func(c Column) bool {
		return SameName(c.Name, t.VersionColumn) || slices.Contains(leaking, c.Name)
	})
}

// HiddenColumns lists the hidden columns that the table has now.
func (t *Table) HiddenColumns() []Column { return t.named(t.Options.Hidden) }

func (t *Table) named(names []string) []Column {
	var columns []Column
	for _, c := range t.Columns {
		if slices.ContainsFunc(names, func(name string) bool { return SameName(name, c.Name) }) {
			columns = append(columns, c)
		}
	}
	return columns
}

// own reports whether a column is one that the triggers set on the row.
func (t *Table) own(c Column) bool {
	return t.RecordChanges && (SameName(c.Name, changeInfoColumn) || SameName(c.Name, changedColumn))
}

// compared lists the columns whose change makes a version.
func (t *Table) compared() []Column {
	return slices.DeleteFunc(slices.Concat(t.Tracked(), t.HiddenColumns()), t.own)
}

// feeds lists the generated columns that are computed from one of the columns,
// directly or through others. A column that a definition names only by chance
// counts too.
func (t *Table) feeds(names []string) []string {
	var generated []string
	if len(names) == 0 || !slices.ContainsFunc(t.Columns, Column.Generated) {
		return nil
	}
	definitions, _ := list(t.SQL)
	for added := true; added; {
		added = false
		for _, definition := range definitions {
			if len(definition) == 0 {
				continue
			}
			c := t.Column(definition[0].text)
			if c == nil || !c.Generated() || slices.Contains(generated, c.Name) {
				continue
			}
			if slices.ContainsFunc(definition[1:], func(tok token) bool {
				return tok.name && slices.ContainsFunc(slices.Concat(names, generated), func(name string) bool { return SameName(name, tok.text) })
			}) {
				generated, added = append(generated, c.Name), true
			}
		}
	}
	return generated
}

// join puts SQL terms together in groups, so that the expression of a wide
// table does not become deeper than SQLite allows.
func join(terms []string, operator string) string {
	const group = 50
	if len(terms) <= group {
		return strings.Join(terms, operator)
	}
	var groups []string
	for chunk := range slices.Chunk(terms, group) {
		groups = append(groups, "("+strings.Join(chunk, operator)+")")
	}
	return join(groups, operator)
}

// value is SQL for a column's value in data.
func (t *Table) value(c Column, row string) string {
	reference := row + "." + QuoteIdent(c.Name)
	switch {
	case c.Name == t.RowidAlias():
		return reference
	case t.own(c) && row == "r" && SameName(c.Name, changeInfoColumn):
		// As the statement that follows will set it.
		return "json_quote(" + changeInfo + ")"
	case t.own(c) && row == "r":
		return "json_quote(" + now + ")"
	}
	return t.writeValue(c, reference)
}

// writeValue is WriteValue for a column.
func (i *Inspected) writeValue(c Column, reference string) string {
	if i.Affinity(c) == Text {
		return "iif(" + reference + " >= x'', " + writeBlob(reference) + ", json_quote(" + reference + "))"
	}
	return WriteValue(reference)
}

// Image is SQL for the state of a row, but for the version and the closing
// brace: see VersionSuffix.
func (t *Table) Image(row string) string {
	var terms []string
	for _, c := range t.Tracked() {
		separator := ","
		if len(terms) == 0 {
			separator = "{"
		}
		terms = append(terms, QuoteLiteral(separator+quoteJSON(c.Name)+":")+" || "+t.value(c, row))
	}
	return join(terms, "\n            || ")
}

// Document is SQL for the whole state of a row, as Image and VersionSuffix make it.
// One call of json_object costs less than putting its parts together.
func (t *Table) Document(row, version string) string {
	const most = 60 // half of the arguments that a function can have
	tracked := t.Tracked()
	if len(tracked)+2 > most || slices.ContainsFunc(tracked, func(c Column) bool { return !plainName(c.Name) }) || !plainName(t.VersionColumn) {
		return t.Image(row) + " || " + t.VersionSuffix(version)
	}
	var members []string
	for _, c := range tracked {
		members = append(members, QuoteLiteral(c.Name)+", "+t.member(c, row))
	}
	members = append(members, QuoteLiteral(t.VersionColumn)+", "+version)
	if t.Column(DefaultVersionColumn) == nil && !SameName(t.VersionColumn, DefaultVersionColumn) {
		members = append(members, QuoteLiteral(DefaultVersionColumn)+", "+version)
	}
	return "json_object(" + strings.Join(members, ",\n                ") + ")"
}

// plainName reports whether a name is the same in JSON, whoever writes that.
func plainName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// member is SQL for a column's value as json_object takes it. It cannot take BLOBs,
// and rounds REALs.
func (t *Table) member(c Column, row string) string {
	reference := row + "." + QuoteIdent(c.Name)
	if c.Name == t.RowidAlias() {
		return reference
	}
	text := reference + " >= '' COLLATE BINARY AND " + reference + " < x''"
	// What a function for JSON returned is not JSON in a column.
	plain := " WHEN " + text + " THEN " + reference + " || '' WHEN " + reference + " IS NULL THEN NULL"
	switch t.Affinity(c) {
	case Text:
		return "CASE WHEN " + reference + " < x'' THEN " + reference + " || '' WHEN " + reference + " IS NULL THEN NULL ELSE json(" + writeBlob(reference) + ") END"
	case Integer, Numeric:
		return "CASE WHEN typeof(" + reference + ") = 'integer' THEN " + reference + plain + " ELSE json(" + WriteValue(reference) + ") END"
	case Real:
		// Amounts of money and the like are exact in 15 digits.
		return "CASE WHEN " + reference + " BETWEEN -1e11 AND 1e11 AND round(" + reference + " * 1e4) / 1e4 = " + reference + " THEN " + reference + plain + " ELSE json(" + WriteValue(reference) + ") END"
	default:
		return "CASE WHEN typeof(" + reference + ") = 'integer' THEN " + reference + plain + " ELSE json(" + WriteValue(reference) + ") END"
	}
}

// VersionSuffix is SQL for the end of an image. The version may be any expression:
// in one that adds, || would come before +.
func (t *Table) VersionSuffix(version string) string {
	version = "(" + version + ")"
	sql := QuoteLiteral(","+quoteJSON(t.VersionColumn)+":") + " || " + version
	if t.Column(DefaultVersionColumn) == nil && !SameName(t.VersionColumn, DefaultVersionColumn) {
		sql += ` || ',"version":' || ` + version
	}
	return sql + " || '}'"
}

// Fallback is SQL for a FROM item that has the columns of the table that an
// ALTER TABLE could drop. A name that the row no longer has is looked for in
// the queries around it, and found there as NULL.
func (t *Table) Fallback(alias string) string {
	var items []string
	for _, c := range t.Columns {
		if c.Key == 0 && !SameName(c.Name, t.VersionColumn) {
			items = append(items, "NULL AS "+QuoteIdent(c.Name))
		}
	}
	if len(items) == 0 {
		items = []string{"NULL"}
	}
	return "(SELECT " + strings.Join(items, ", ") + ") AS " + alias
}

// Changed is SQL for whether an UPDATE changed anything that counts. The names
// of NEW and OLD are looked for in subqueries of their own: see Fallback.
func (t *Table) Changed() string {
	terms := t.changes(t.compared())
	if len(terms) == 0 {
		return "(SELECT 0)"
	}
	return "(SELECT (SELECT " + join(terms, "\n        OR ") + ")\n        FROM " + t.Fallback("new") + ", " + t.Fallback("old") + ")"
}

func (t *Table) changes(columns []Column) []string {
	var terms []string
	for _, c := range columns {
		n, o := `NEW.`+QuoteIdent(c.Name), `OLD.`+QuoteIdent(c.Name)
		terms = append(terms, n+" IS NOT "+o+" COLLATE BINARY")
		if t.Affinity(c) == Blob {
			// 1 and 1.0 are equal.
			terms = append(terms, "typeof("+n+") <> typeof("+o+")")
		}
	}
	return terms
}

// ChangedShort is SQL for whether an UPDATE changed something that counts, and
// nothing that only its name enters history of.
func (t *Table) ChangedShort() string {
	tracked := slices.DeleteFunc(t.Tracked(), func(c Column) bool { return c.Key > 0 })
	terms := t.changes(tracked)
	if len(terms) == 0 {
		return "0"
	}
	sql := "(" + join(terms, "\n                                                        OR ") + ")"
	if hidden := t.changes(t.HiddenColumns()); len(hidden) > 0 {
		sql += " AND NOT (" + join(hidden, "\n                                                        OR ") + ")"
	}
	return sql
}

// SameKey is SQL for whether an UPDATE keeps the key to the letter.
func (t *Table) SameKey() string {
	var terms []string
	for _, name := range t.Key() {
		n, o := "NEW."+QuoteIdent(name), "OLD."+QuoteIdent(name)
		terms = append(terms, n+" = "+o+" COLLATE BINARY")
		if t.Affinity(*t.Column(name)) == Blob {
			terms = append(terms, "typeof("+n+") = typeof("+o+")")
		}
	}
	return strings.Join(terms, " AND ")
}

// OfColumns lists the columns whose assignment can change what counts: all but
// those that the triggers themselves set, so that these do not fire again, and
// are not even compiled. SQLite does not mind names that a table does not have.
func (t *Table) OfColumns() string {
	var names []string
	for _, c := range t.Columns {
		if !SameName(c.Name, t.VersionColumn) && !t.own(c) && !c.Generated() {
			names = append(names, QuoteIdent(c.Name))
		}
	}
	return strings.Join(append(names, t.rowids()...), ", ")
}

// rowids are the names of the rowid that no column has: assigning to them is
// assigning to its alias.
func (t *Table) rowids() []string {
	var names []string
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if t.WithoutRowid == 0 && t.Column(name) == nil {
			names = append(names, name)
		}
	}
	return names
}

// HiddenSet is SQL for the names of the hidden columns that an INSERT set, each
// as JSON after a comma.
func (t *Table) HiddenSet() string {
	return t.names(t.HiddenColumns(), func(c string) string { return "NEW." + c + " IS NOT NULL" })
}

// HiddenChanged is the same for those that an UPDATE changed.
func (t *Table) HiddenChanged() string {
	return t.names(t.HiddenColumns(), changedNames)
}

// names is SQL for the names of columns of which a condition is true, each as JSON
// after a comma.
func (t *Table) names(columns []Column, condition func(column string) string) string {
	var terms []string
	for _, c := range columns {
		// The name is the one that a hidden column had when it was hidden: one that is
		// renamed since stays hidden.
		terms = append(terms, "iif("+condition(QuoteIdent(c.Name))+", "+QuoteLiteral(","+quoteJSON(c.Name))+", '')")
	}
	if len(terms) == 0 {
		return "''"
	}
	return join(terms, "\n            || ")
}

// Match is SQL for whether a row is the one with the key of another; both are
// aliases.
func (t *Table) Match(row, other string) string {
	var terms []string
	for _, name := range t.Key() {
		terms = append(terms, row+"."+QuoteIdent(name)+" = "+other+"."+QuoteIdent(name))
	}
	return strings.Join(terms, " AND ")
}

// Same is Match for keys that are equal to the letter: texts that a collation
// takes for equal are not, nor are 1 and 1.0.
func (t *Table) Same(row, other string) string {
	terms := []string{t.Match(row, other)}
	for _, name := range t.Key() {
		if name == t.RowidAlias() {
			continue
		}
		x, y := row+"."+QuoteIdent(name), other+"."+QuoteIdent(name)
		terms = append(terms, x+" = "+y+" COLLATE BINARY", "typeof("+x+") = typeof("+y+")")
	}
	return strings.Join(terms, " AND ")
}

// Vanished is SQL for whether the row that had a key is no longer in the table,
// or NEW has taken its place.
func (t *Table) Vanished(key string) string {
	return "(" + key + " = " + t.KeyObject("NEW") + "\n            OR " + t.Gone(key) + ")"
}

// Gone is SQL for whether no row of the table has a key.
func (t *Table) Gone(key string) string {
	return "NOT EXISTS (SELECT 1 FROM " + QuoteIdent(t.Name) + " AS r WHERE " +
		t.KeyColumns() + " = (" + t.ReadKey(key) + ") AND " + t.KeyObject("r") + " = " + key + ")"
}

// NullKey is SQL for whether a row has NULL in its key, or empty if it cannot.
func (t *Table) NullKey(row string) string {
	var terms []string
	for _, name := range t.Key() {
		c := t.Column(name)
		if name == t.RowidAlias() || c.NotNull != 0 || t.WithoutRowid != 0 {
			continue
		}
		terms = append(terms, row+"."+QuoteIdent(name)+" IS NULL")
	}
	return strings.Join(terms, " OR ")
}

// Last is SQL for the highest version that history has for a key, counting the
// change that took the key away from a record; -1 for none.
func (t *Table) Last(key string) string {
	name := QuoteLiteral(t.HistoryName)
	return fmt.Sprintf(`max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = %s AND a.key = %s), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = %s AND a.previous_key = %s), -1))`,
		name, key, name, key)
}

// Recorded is SQL for the version of the last record under a key; NULL for
// none.
func (t *Table) Recorded(key string) string {
	return "(SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = " + QuoteLiteral(t.HistoryName) + " AND a.key = " + key + " ORDER BY a.version DESC)"
}

// Newest is SQL for the version of the last entry of history, if that is of the
// key; NULL if not.
func (t *Table) Newest(key string) string {
	return "(SELECT iif(a.key = " + key + " AND a.table_name = " + QuoteLiteral(t.HistoryName) + ", a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC)"
}

// RowVersion is SQL for the version of a row as a number, 0 for none.
func (t *Table) RowVersion(row string) string {
	return "coalesce(CAST(" + row + "." + QuoteIdent(t.VersionColumn) + " AS INTEGER), 0)"
}

const (
	now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
	// changeInfo is what the column change_info says.
	changeInfo = `(SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x)`
)

// Now is SQL for the time of the statement.
func (t *Table) Now() string { return now }

// Stamps is SQL for the assignments of the RecordChanges option.
func (t *Table) Stamps() string {
	return QuoteIdent(changeInfoColumn) + " = " + changeInfo + ", " + QuoteIdent(changedColumn) + " = " + now
}

// ReadKey is SQL for the values of a key, from the JSON object that history
// has: one value, or several with commas.
func (t *Table) ReadKey(key string) string {
	var values []string
	for _, name := range t.Key() {
		if name == t.RowidAlias() && !strings.ContainsAny(name, "\"\\") {
			values = append(values, "json_extract("+key+", "+QuoteLiteral(`$."`+name+`"`)+")")
			continue
		}
		values = append(values, ReadValue(key, name))
	}
	return strings.Join(values, ", ")
}

// KeyColumns is SQL for the columns of the key with commas, in parentheses if
// there are several.
func (t *Table) KeyColumns() string {
	var columns []string
	for _, name := range t.Key() {
		columns = append(columns, QuoteIdent(name))
	}
	if len(columns) == 1 {
		return columns[0]
	}
	return "(" + strings.Join(columns, ", ") + ")"
}

// RecordMatch is SQL for whether x.value, an entry of the context's records,
// is about the row.
func (t *Table) RecordMatch(row string) string {
	terms := []string{
		"x.value ->> '$.table_name' = " + QuoteLiteral(t.HistoryName) + " COLLATE NOCASE",
		"coalesce(x.value ->> '$.table_schema', 'main') = 'main'",
		fmt.Sprintf("(SELECT count(*) FROM json_each(x.value, '$.key')) = %d", len(t.Key())),
	}
	for _, name := range t.Key() {
		column := row + "." + QuoteIdent(name)
		terms = append(terms, "(SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = "+QuoteLiteral(name)+
			" COLLATE NOCASE) IS CASE typeof("+column+") WHEN 'blob' THEN '\\x' || lower(hex("+column+")) ELSE "+column+" END")
	}
	return strings.Join(terms, "\n                        AND ")
}

// BasedOnPresent is SQL for whether an UPDATE gives the version column the value
// that it has or the next one.
func (t *Table) BasedOnPresent() string {
	version := t.RowVersion("OLD")
	return "coalesce(NEW." + QuoteIdent(t.VersionColumn) + " IN (" + version + ", " + version + " + 1), 0)"
}

// VersionNames are the names by which data has the version, as JSON.
func (t *Table) VersionNames() string {
	names := "[" + quoteJSON(t.VersionColumn)
	if t.Column(DefaultVersionColumn) == nil && !SameName(t.VersionColumn, DefaultVersionColumn) {
		names += "," + quoteJSON(DefaultVersionColumn)
	}
	return names + "]"
}

// SQLName is the table as SQL writes it.
func (t *Table) SQLName() string {
	return chronodriver.Table{Schema: "main", Name: t.HistoryName}.String()
}

// StaleReport begins what is told of a stale write, as JSON.
func (t *Table) StaleReport() string {
	return `{"table_schema":"main","table_name":` + quoteJSON(t.HistoryName) + `,"versions":` + t.VersionNames()
}

// AllChanged is SQL for the names of the columns that an UPDATE has changed, each as
// JSON after a comma.
func (t *Table) AllChanged() string {
	return t.names(slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool {
		return SameName(c.Name, t.VersionColumn) || t.own(c) || c.Generated()
	}), changedNames)
}

// OthersChanged is SQL for the names of the columns that an UPDATE has changed of
// those that history does not hold, each as JSON after a comma.
func (t *Table) OthersChanged() string {
	return t.names(t.named(slices.Concat(t.Options.Hidden, t.Options.Untracked)), changedNames)
}

// changedNames is SQL for whether an UPDATE has changed a column.
func changedNames(c string) string {
	return "(NEW." + c + " IS NOT OLD." + c + " COLLATE BINARY OR typeof(NEW." + c + ") <> typeof(OLD." + c + "))"
}
