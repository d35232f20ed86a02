package postgres

import (
	"fmt"
	"strings"
	"time"
)

// ConvertArgs are what the statements are made of that convert the layout of
// Python chrononaut up to 0.2.
type ConvertArgs struct {
	Schema, Name  string // of the table that history is about
	Source        string // what converted rows are marked with
	Key           []ConvertKey
	VersionColumn string
	// Chain is the table and, with joined inheritance, its parents up to the
	// root.
	Chain []ConvertTable
	// SeedCompatible gives each state the attribution that Python's converter
	// gives it.
	SeedCompatible bool

	// After is the last key of the chunk before: a JSON array of texts.
	After string
	// Update looks only at records of which history lacks a change, and From
	// only at those that changed since then.
	Update bool
	From   time.Time
}

// ConvertKey is a column of the primary key, with its type in the table.
type ConvertKey struct {
	Name, Type string
	// Cast says that the history table has another type.
	Cast bool
}

// ConvertTable is a table with its history table.
type ConvertTable struct {
	Live, History           string   // qualified and quoted
	Key                     []string // columns, called the same in both
	LiveImage, HistoryImage string   // of a row r
	// Columns are those of the history table that enter history.
	Columns []string
	// Created is the column with the time of the row's creation; empty for none.
	Created string
	// Which of the columns that matter the tables have.
	LiveVersion, LiveCreated, HistoryCreated, HistoryChanged, HistoryInfo bool
}

// ConvertParent is a parent with its place in the chain.
type ConvertParent struct {
	ConvertTable
	Place int
}

// Main is the table itself.
func (a ConvertArgs) Main() ConvertTable { return a.Chain[0] }

// Parents are the parents, the nearest first.
func (a ConvertArgs) Parents() []ConvertParent {
	var parents []ConvertParent
	for i, t := range a.Chain[1:] {
		parents = append(parents, ConvertParent{t, i + 1})
	}
	return parents
}

// FromText is From as a literal can hold it.
func (a ConvertArgs) FromText() string {
	if a.From.IsZero() {
		return ""
	}
	return a.From.UTC().Format(time.RFC3339Nano)
}

// each joins what f writes for the columns of the key.
func (a ConvertArgs) each(separator string, f func(i int, k ConvertKey) string) string {
	parts := make([]string, len(a.Key))
	for i, k := range a.Key {
		parts[i] = f(i, k)
	}
	return strings.Join(parts, separator)
}

func (a ConvertArgs) live(i int) string { return "r." + QuoteIdent(a.Key[i].Name) }

func (a ConvertArgs) history(i int) string {
	if a.Key[i].Cast {
		return a.live(i) + "::" + a.Key[i].Type
	}
	return a.live(i)
}

// Keys lists the columns k1, k2 … of a relation.
func (a ConvertArgs) Keys(relation string) string {
	return a.each(", ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s.k%d", relation, i+1) })
}

// KeyNames lists k1, k2 …
func (a ConvertArgs) KeyNames() string {
	return a.each(", ", func(i int, _ ConvertKey) string { return fmt.Sprintf("k%d", i+1) })
}

// Joined says that a row of a parent's history has the key of the relation k.
func (a ConvertArgs) Joined(p ConvertParent) string {
	return a.each(" AND ", func(i int, _ ConvertKey) string {
		return fmt.Sprintf("p%d.%s = k.k%d", p.Place, QuoteIdent(p.Key[i]), i+1)
	})
}

// KeyTexts is the key of a relation as a JSON array of texts.
func (a ConvertArgs) KeyTexts(relation string) string {
	return "pg_catalog.jsonb_build_array(" +
		a.each(", ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s.k%d::text", relation, i+1) }) + ")"
}

// LiveKeys selects the key of a row r of the table, HistoryKeys that of a row
// r of the history table.
func (a ConvertArgs) LiveKeys() string {
	return a.each(", ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s AS k%d", a.live(i), i+1) })
}

// HistoryKeys is described at LiveKeys.
func (a ConvertArgs) HistoryKeys() string {
	return a.each(", ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s AS k%d", a.history(i), i+1) })
}

// OfLive and OfHistory say that a row r has the key of the relation k; OfParent
// says it of a parent's.
func (a ConvertArgs) OfLive() string {
	return a.each(" AND ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s = k.k%d", a.live(i), i+1) })
}

// OfHistory is described at OfLive.
func (a ConvertArgs) OfHistory() string {
	return a.each(" AND ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s = k.k%d", a.history(i), i+1) })
}

// OfParent is described at OfLive.
func (a ConvertArgs) OfParent(t ConvertTable) string {
	return a.each(" AND ", func(i int, _ ConvertKey) string { return fmt.Sprintf("r.%s = k.k%d", QuoteIdent(t.Key[i]), i+1) })
}

// Same says that two relations have the same key.
func (a ConvertArgs) Same(one, other string) string {
	return a.each(" AND ", func(i int, _ ConvertKey) string { return fmt.Sprintf("%s.k%d = %s.k%d", one, i+1, other, i+1) })
}

// PastLive and PastHistory say that a row r comes after the last chunk.
func (a ConvertArgs) PastLive() string { return a.past(a.live) }

// PastHistory is described at PastLive.
func (a ConvertArgs) PastHistory() string { return a.past(a.history) }

func (a ConvertArgs) past(column func(int) string) string {
	if a.After == "" {
		return "true"
	}
	return "(" + a.each(", ", func(i int, _ ConvertKey) string { return column(i) }) + ") > (" +
		a.each(", ", func(i int, k ConvertKey) string {
			return fmt.Sprintf("(%s::jsonb ->> %d)::%s", QuoteLiteral(a.After), i, k.Type)
		}) + ")"
}

// KeyObject is the key of a relation as history has it.
func (a ConvertArgs) KeyObject(relation string) string {
	return a.keyObject(func(i int) string { return fmt.Sprintf("%s.k%d", relation, i+1) })
}

func (a ConvertArgs) keyObject(column func(int) string) string {
	return "pg_catalog.jsonb_build_object(" +
		a.each(", ", func(i int, k ConvertKey) string {
			return QuoteLiteral(k.Name) + ", pg_catalog.to_jsonb(" + column(i) + ")"
		}) + ")"
}

// About says that a row a of history is about the record whose key a relation
// has; AboutLive and AboutHistory, whose row r is.
func (a ConvertArgs) About(relation string) string { return a.about(a.KeyObject(relation)) }

// AboutLive is described at About.
func (a ConvertArgs) AboutLive() string { return a.about(a.keyObject(a.live)) }

// AboutHistory is described at About.
func (a ConvertArgs) AboutHistory() string { return a.about(a.keyObject(a.history)) }

func (a ConvertArgs) about(key string) string {
	hash := "pg_catalog.hashtextextended(" + QuoteLiteral(a.Schema) + " || '.' || " + QuoteLiteral(a.Name) + ", 0)"
	return "pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))" +
		" = pg_catalog.jsonb_hash_extended(" + key + ", " + hash + ")" +
		" AND a.key = " + key + " AND a.table_name || '' = " + QuoteLiteral(a.Name) + " AND a.table_schema || '' = " + QuoteLiteral(a.Schema)
}

// ConvertCompared is a column with the place of its table in the chain.
type ConvertCompared struct {
	Name  string
	Place int
}

// Compared lists the columns of a state. Of a name that several tables of the
// chain have, the nearest has the say.
func (a ConvertArgs) Compared() []ConvertCompared {
	var compared []ConvertCompared
	seen := map[string]bool{}
	for i, t := range a.Chain {
		for _, name := range t.Columns {
			if !seen[name] {
				seen[name] = true
				compared = append(compared, ConvertCompared{name, i})
			}
		}
	}
	return compared
}

// Convert renders a statement of a conversion.
func Convert(schema, name string, args ConvertArgs) (string, error) {
	sql, err := render("convert.sql#"+name, schema, args)
	return strings.TrimSpace(sql), err
}
