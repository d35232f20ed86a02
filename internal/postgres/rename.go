package postgres

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Aliases say what a table and its columns are called in older rows of history:
// see the migration rename.
type Aliases struct {
	Renames []Rename `json:"renames,omitempty"`
	After   int64    `json:"after,omitempty"`
	// Concealed are former names of hidden columns.
	Concealed []Concealed `json:"concealed,omitempty"`
	// Moved is set where the table has another name now.
	Moved bool `json:"moved,omitempty"`
}

// Rename is about rows with ids after After and up to UpTo.
type Rename struct {
	Schema  string            `json:"schema"`
	Name    string            `json:"name"`
	After   int64             `json:"after"`
	UpTo    int64             `json:"up_to"`
	Columns map[string]string `json:"columns,omitempty"`
}

// Concealed is a name that a column which is hidden had in rows up to an id.
type Concealed struct {
	Name string `json:"name"`
	UpTo int64  `json:"up_to"`
}

// Extend returns the aliases after a renaming of columns, of the table or of both:
// schema and name are what rows up to the id say. Rows after it have the new
// names; loose says that rows before it may have them too.
func (a Aliases) Extend(schema, name string, columns map[string]string, hidden []string, upTo int64, loose bool) Aliases {
	now := func(column string) string {
		if renamed, ok := columns[column]; ok {
			return renamed
		}
		return column
	}
	extended := Aliases{Concealed: slices.Clone(a.Concealed), After: a.After}
	for _, r := range a.Renames {
		composed := map[string]string{}
		present := map[string]bool{}
		for was, is := range r.Columns {
			present[is] = true
			composed[was] = now(is)
		}
		// What had its present name until now.
		for was, is := range columns {
			if _, ok := composed[was]; !ok && !present[was] {
				composed[was] = is
			}
		}
		r.Columns = withoutSame(composed)
		extended.Renames = append(extended.Renames, r)
	}
	extended.Renames = append(extended.Renames, Rename{schema, name, a.After, upTo, withoutSame(maps.Clone(columns))})
	for was := range columns {
		if slices.Contains(hidden, was) {
			extended.Concealed = append(extended.Concealed, Concealed{was, upTo})
		}
	}
	if !loose {
		extended.After = upTo
	}
	return extended
}

// Withdraw takes the last renaming of columns back, if it is the given one; the
// columns keep the names that they have.
func (a Aliases) Withdraw(schema, name string, columns map[string]string) (withdrawn Aliases, ok bool) {
	n := len(a.Renames) - 1
	if n < 0 || a.Renames[n].Schema != schema || a.Renames[n].Name != name || len(columns) == 0 || !maps.Equal(a.Renames[n].Columns, columns) {
		return a, false
	}
	last := a.Renames[n]
	before := map[string]string{}
	for was, is := range columns {
		before[is] = was
	}
	withdrawn.After = last.After
	for _, r := range a.Renames[:n] {
		restored := map[string]string{}
		for was, is := range r.Columns {
			if earlier, ok := before[is]; ok {
				is = earlier
			}
			restored[was] = is
		}
		r.Columns = withoutSame(restored)
		withdrawn.Renames = append(withdrawn.Renames, r)
	}
	for _, c := range a.Concealed {
		if _, named := columns[c.Name]; !named || c.UpTo != last.UpTo {
			withdrawn.Concealed = append(withdrawn.Concealed, c)
		}
	}
	return withdrawn, true
}

func withoutSame(columns map[string]string) map[string]string {
	maps.DeleteFunc(columns, func(was, is string) bool { return was == is })
	return columns
}

// RenamedSource are rows of history in which the keys of the table's records
// are found by one name of the table and its key columns.
type RenamedSource struct {
	Schema, Name string
	// Then and Now map the key's columns to their names in those rows and back, as
	// JSON.
	Then, Now string
	// Bounds is a condition on a.id; empty for all.
	Bounds string
}

// span is a range of ids, exclusive and inclusive.
type span struct{ after, upTo int64 }

// Sources returns where rows about the table are, by key, other than under its
// present names, and the bounds of those under them. Ranges of different keys
// overlap where a migration's rename was declared later; without a key there is
// one source for each name of the table.
func (a Aliases) Sources(schema, name string, key []string) (sources []RenamedSource, bounds string) {
	own := []span{{a.After, math.MaxInt64}}
	spans := map[RenamedSource][]span{}
	var order []RenamedSource
	for _, r := range a.Renames {
		then, now := map[string]string{}, map[string]string{}
		for was, is := range r.Columns {
			if slices.Contains(key, is) {
				then[is], now[was] = was, is
			}
		}
		if r.Schema == schema && r.Name == name && len(now) == 0 {
			own = append(own, span{r.After, r.UpTo})
			continue
		}
		s := RenamedSource{Schema: r.Schema, Name: r.Name, Then: encodeColumns(then), Now: encodeColumns(now)}
		if _, ok := spans[s]; !ok {
			order = append(order, s)
		}
		spans[s] = append(spans[s], span{r.After, r.UpTo})
	}
	for _, s := range order {
		ranges := spans[s]
		s.Bounds = spanSQL(ranges)
		sources = append(sources, s)
	}
	return sources, spanSQL(own)
}

func encodeColumns(columns map[string]string) string {
	encoded, err := json.Marshal(columns)
	if err != nil {
		// A map of strings has a JSON form.
		panic(err)
	}
	return string(encoded)
}

// spanSQL is the condition on a.id; empty when it holds for all.
func spanSQL(spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return int(min(max(a.after-b.after, -1), 1)) })
	var merged []span
	for _, s := range spans {
		if n := len(merged); n > 0 && s.after <= merged[n-1].upTo {
			merged[n-1].upTo = max(merged[n-1].upTo, s.upTo)
			continue
		}
		merged = append(merged, s)
	}
	var parts []string
	for _, s := range merged {
		switch {
		case s.after == 0 && s.upTo == math.MaxInt64:
			return ""
		case s.upTo == math.MaxInt64:
			parts = append(parts, fmt.Sprintf("a.id > %d", s.after))
		default:
			parts = append(parts, fmt.Sprintf("a.id > %d AND a.id <= %d", s.after, s.upTo))
		}
	}
	return strings.Join(parts, " OR ")
}

// MappedKey is SQL for a key or a state under the present names.
func (a ReadArgs) MappedKey(column string) string {
	return a.Aliases.Mapped(a.HistorySchema, "renamed_data", column)
}

// MappedInfo is the same for extra_info.
func (a ReadArgs) MappedInfo(column string) string {
	return a.Aliases.Mapped(a.HistorySchema, "renamed_info", column)
}

// Mapped is SQL that calls a function of history, renamed_data or renamed_info,
// on a column for each of the renames that a row is about.
func (a Aliases) Mapped(historySchema, function, column string) string {
	for _, r := range a.Renames {
		if len(r.Columns) == 0 {
			continue
		}
		column = fmt.Sprintf("%s.%s(%s, CASE WHEN a.table_schema = %s AND a.table_name = %s AND a.id > %d AND a.id <= %d THEN %s::jsonb END)",
			QuoteIdent(historySchema), function, column, QuoteLiteral(r.Schema), QuoteLiteral(r.Name), r.After, r.UpTo, QuoteLiteral(encodeColumns(r.Columns)))
	}
	return column
}
