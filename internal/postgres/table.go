package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// Generation numbers the generated triggers. It grows whenever their text
// changes, so that the check command can tell an old trigger from one that
// was changed by hand.
const Generation = 1

// Column is a column of a table as the catalog has it.
type Column struct {
	Name    string `json:"name"`
	Attnum  int16  `json:"attnum"`
	Ordinal int16  `json:"ordinal"` // position among the columns that are not dropped
	Type    string `json:"type"`    // format_type()
	// TypeName is the type, qualified and quoted, without a type modifier, and BaseType
	// the one behind all domains.
	TypeName string `json:"type_name"`
	BaseType string `json:"base_type"`
	// Form says how data holds values: see column_form() in the migrations.
	Form string `json:"form"`
	// Pinned says that the type's input function depends on settings.
	Pinned bool `json:"pinned"`
	// Generated is a generated column: BEFORE triggers do not see it.
	Generated bool `json:"generated"`
	// Missing says that rows older than the column may lack it.
	Missing bool `json:"missing"`
	// Virtual is a generated column that is not stored: triggers do not see it.
	Virtual bool `json:"virtual"`
	// Feeds names the generated columns that are computed from this one.
	Feeds []string `json:"feeds"`
	// KeyType is the type in the table of keys: see key_type() in the migrations.
	KeyType string `json:"key_type"`
	// FullType is the type with its modifier, as it can be written anywhere, and
	// Collation the column's if it is not the type's.
	FullType  string `json:"full_type"`
	Collation string `json:"collation"`
	// Expression computes a virtual column.
	Expression string `json:"expression"`
}

// Table is what the templates know of a tracked table.
type Table struct {
	HistorySchema string
	Schema        string
	Name          string
	KeyColumns    []string
	Columns       []Column
	Partitioned   bool
	// RowByRow says that a row trigger captures, not one of statements: the table is
	// partitioned, or the application has AFTER ROW triggers on it, which may change
	// the same row again before a statement ends.
	RowByRow bool
	// Deferrable says that the table has foreign keys that are checked late.
	Deferrable bool

	VersionColumn string
	// Adopted says that the version column is older than tracking: rows without
	// history may have a version.
	Adopted       bool
	Hidden        []string
	Untracked     []string
	Strict        bool
	RecordChanges bool
	History       bool
	// Python declares rows of Python chrononaut that are about the table.
	Python []PythonRows
	Aliases
	// Layout is "period" where periods are kept, and Periods says that the view of
	// the past reads them.
	Layout  string
	Periods bool
}

// LastVersion is the function that knows the last version of a key.
func (t *Table) LastVersion() string {
	name := ".last_version"
	switch {
	case len(t.Renames) > 0:
		name = ".renamed_last_version"
	case len(t.Python) > 0:
		name = ".python_last_version"
	}
	return QuoteIdent(t.HistorySchema) + name
}

// UnknownElsewhere is SQL for whether neither Python chrononaut nor the table
// under an older name has recorded anything of a key, as a condition that
// follows others; empty where there are no such rows at all.
func (t *Table) UnknownElsewhere(key string) string {
	of := "(" + QuoteLiteral(t.Schema) + ", " + QuoteLiteral(t.Name) + ", " + key + ")"
	condition := ""
	if len(t.Python) > 0 {
		condition = " AND (" + QuoteIdent(t.HistorySchema) + ".python_last" + of + ").id IS NULL"
	}
	if len(t.Renames) > 0 {
		condition += " AND " + QuoteIdent(t.HistorySchema) + ".renamed_version" + of + " IS NULL"
	}
	return condition
}

type imageArgs struct {
	Table *Table
	Row   string
}

type compareArgs struct {
	Table   *Table
	Ignored []string
}

func (a compareArgs) IgnoredAndVersion() []string {
	return append(slices.Clone(a.Ignored), a.Table.VersionColumn)
}

// Excluded lists the columns whose values never enter history.
func (t *Table) Excluded() []string {
	names := append(slices.Clone(t.Hidden), t.Untracked...)
	for _, c := range t.Columns {
		if c.Virtual && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// KnownNames lists the keys that data may have without a look at the catalog.
func (t *Table) KnownNames() []string {
	names := []string{t.VersionColumn, "version"}
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Special lists the columns that to_jsonb() cannot always write exactly.
func (t *Table) Special() []Column {
	return t.captured(func(c Column) bool { return c.Form != "plain" && c.Form != "record" && c.Form != "float" })
}

// Blanked lists the columns that are set to NULL in a row before to_jsonb()
// writes it.
func (t *Table) Blanked() []string {
	var names []string
	for _, c := range t.Special() {
		names = append(names, c.Name)
	}
	return append(names, t.Excluded()...)
}

// Assignable returns the attribute number of the named column if its field may
// be assigned in a row that is stored; 0 if rows may lack it, or if there is no
// such column, or not yet. See changed.sql.
func (t *Table) Assignable(name string) int16 {
	for _, c := range t.Columns {
		if c.Name == name && !c.Missing && !t.Partitioned && !t.sets(name) {
			return c.Attnum
		}
	}
	return 0
}

// sets reports whether the version trigger sets the named column, other than
// the version.
func (t *Table) sets(name string) bool {
	return t.RecordChanges && (name == "change_info" || name == "changed")
}

// Floats lists the columns that are a floating-point number. Only -0 needs
// care there, which is cheaper to look for than to treat them as special.
func (t *Table) Floats() []Column {
	return t.captured(func(c Column) bool { return c.Form == "float" })
}

// captured lists the tracked columns outside the key that match.
func (t *Table) captured(match func(Column) bool) []Column {
	excluded := t.Excluded()
	var columns []Column
	for _, c := range t.Columns {
		if match(c) && !slices.Contains(excluded, c.Name) && !slices.Contains(t.KeyColumns, c.Name) {
			columns = append(columns, c)
		}
	}
	return columns
}

// NotCompared lists the columns that the version trigger leaves out when it
// decides whether an UPDATE changes anything: untracked ones, unless a tracked
// generated column is computed from them, generated ones, which a BEFORE
// trigger sees as NULL, and those that the trigger itself sets.
func (t *Table) NotCompared() []string {
	var names []string
	for _, c := range t.Columns {
		untracked := slices.Contains(t.Untracked, c.Name)
		feedsTracked := slices.ContainsFunc(c.Feeds, func(name string) bool { return !slices.Contains(t.Untracked, name) })
		if c.Generated || t.sets(c.Name) || untracked && !feedsTracked {
			names = append(names, c.Name)
		}
	}
	return names
}

// VersionKey reports whether data needs a key "version" of its own, because
// the version column has another name and no column is called so.
func (t *Table) VersionKey() bool {
	return t.VersionColumn != "version" && !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == "version" })
}

// KeyObject is SQL for the key of a row variable.
func (t *Table) KeyObject(row string) string {
	parts := make([]string, len(t.KeyColumns))
	for i, name := range t.KeyColumns {
		parts[i] = QuoteLiteral(name) + ", " + row + "." + QuoteIdent(name)
	}
	return "pg_catalog.jsonb_build_object(" + strings.Join(parts, ", ") + ")"
}

// ColumnImage is SQL for the value of a special column of a row variable.
func (t *Table) ColumnImage(c Column, row string) string {
	reference := row + "." + QuoteIdent(c.Name)
	schema := QuoteIdent(t.HistorySchema)
	switch c.Form {
	case "jsonb":
		return schema + ".image_jsonb(" + reference + "::jsonb)"
	case "text":
		return schema + ".image_text(" + reference + "::text)"
	case "array":
		return schema + ".image_array(" + reference + ")"
	case "xml":
		return "pg_catalog.to_jsonb(" + reference + "::text)"
	case "float", "floats":
		return schema + ".image_float(" + reference + ")"
	}
	return "pg_catalog.to_jsonb(" + reference + ")"
}

// KeyNeedsSettings reports whether the key in JSON could depend on settings of
// the session, as that of a bytea or a timestamptz does.
func (t *Table) KeyNeedsSettings() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool {
		base, _, _ := strings.Cut(c.Type, "(")
		return slices.Contains(t.KeyColumns, c.Name) && !slices.Contains(settledTypes, base)
	})
}

// settledTypes look the same in JSON under all settings.
var settledTypes = []string{"smallint", "integer", "bigint", "numeric", "uuid", "text", "character varying", "character", "boolean", "date"}

// RecordHash is the expression of the record index, over columns of
// chrononaut_activity; key is the column, as in a.key.
func (t *Table) RecordHash(key string) string {
	alias := key[:strings.IndexByte(key, '.')+1]
	return "pg_catalog.jsonb_hash_extended(" + key + ", pg_catalog.hashtextextended(coalesce(" +
		alias + "table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) " + alias + "table_name, 0))"
}

// RecordHashOf is the same value for a key of this table.
func (t *Table) RecordHashOf(key string) string {
	return "pg_catalog.jsonb_hash_extended(" + key + ", pg_catalog.hashtextextended(" +
		QuoteLiteral(t.Schema+"."+t.Name) + ", 0))"
}

// HiddenColumns are the hidden columns that the table has now.
func (t *Table) HiddenColumns() []Column {
	var columns []Column
	for _, c := range t.Columns {
		if slices.Contains(t.Hidden, c.Name) {
			columns = append(columns, c)
		}
	}
	return columns
}

// HiddenNames is an argument of assert_hidden().
func (t *Table) HiddenNames() []string {
	var names []string
	for _, c := range t.HiddenColumns() {
		names = append(names, c.Name)
	}
	return names
}

// HiddenAttnums is an argument of assert_hidden().
func (t *Table) HiddenAttnums() string {
	var numbers []int16
	for _, c := range t.HiddenColumns() {
		numbers = append(numbers, c.Attnum)
	}
	return quoteInt2Array(numbers)
}

// HiddenOrdinals is an argument of assert_hidden().
func (t *Table) HiddenOrdinals() string {
	var numbers []int16
	for _, c := range t.HiddenColumns() {
		numbers = append(numbers, c.Ordinal)
	}
	return quoteInt2Array(numbers)
}

// FunctionName is the name of one of the table's functions. It carries
// a hash of the table's full name: two long names may share their first 63
// bytes.
func (t *Table) FunctionName(kind string) string {
	sum := sha256.Sum256([]byte(t.Schema + "\x00" + t.Name))
	suffix := "_" + hex.EncodeToString(sum[:4]) + "_" + kind
	const limit = 63
	return cutName(t.Name, limit-len(suffix)) + suffix
}

// cutName cuts a name to a number of bytes, between characters.
func cutName(name string, limit int) string {
	for len(name) > limit {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// Function is the qualified, quoted name of one of them.
func (t *Table) Function(kind string) string {
	return QuoteIdent(t.HistorySchema) + "." + QuoteIdent(t.FunctionName(kind))
}

// Qualified is the qualified, quoted name of the table.
func (t *Table) Qualified() string { return QuoteIdent(t.Schema) + "." + QuoteIdent(t.Name) }

func (t *Table) names() []string {
	names := []string{t.HistorySchema, t.Schema, t.Name}
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	names = append(names, t.KeyColumns...)
	return append(names, t.Excluded()...)
}
