package sqlite

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kinds of triggers, in the order in which they are created: SQLite fires
// those that were created last first, and the version of a row can be written
// into it only after its change is in history.
const (
	KindSuppressed   = "suppressed"
	KindKeep         = "keep"
	KindNumberInsert = "number_insert"
	KindNumberUpdate = "number_update"
	KindInsert       = "insert"
	KindUpdate       = "update"
	KindShortUpdate  = "short_update"
	KindReplaced     = "replaced_update"
	KindReplacing    = "replaced_insert"
	KindDelete       = "delete"
	KindNoteInsert   = "note_insert"
	KindNoteUpdate   = "note_update"

	KindUnrecordedInsert = "unrecorded_insert"
	KindUnrecordedUpdate = "unrecorded_update"
	KindUnrecordedDelete = "unrecorded_delete"

	KindGuardNote   = "guard_note"
	KindGuardUnique = "guard_unique"
	KindGuardMoved  = "guard_moved"
	KindGuardInsert = "guard_insert"
	KindGuardUpdate = "guard_update"
	KindGuardDelete = "guard_delete"
)

// GuardKinds are the triggers of tables of which something is held or leased.
// They come last, and so fire first.
var GuardKinds = []string{KindGuardNote, KindGuardUnique, KindGuardMoved, KindGuardInsert, KindGuardUpdate, KindGuardDelete}

// Kinds lists the triggers that the table needs, in the order in which they
// have to be created.
func (t *Table) Kinds() []string {
	switch {
	case t.History():
		kinds := []string{
			KindSuppressed, KindUnrecordedInsert, KindUnrecordedUpdate, KindUnrecordedDelete, KindKeep, KindNumberInsert, KindNumberUpdate,
			KindInsert, KindUpdate, KindShortUpdate, KindReplaced, KindReplacing, KindDelete, KindNoteInsert, KindNoteUpdate,
		}
		left := KindShortUpdate
		if t.Short() {
			left = KindUnrecordedUpdate
		}
		kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == left })
		if t.Guarded {
			kinds = append(kinds, GuardKinds...)
		}
		return kinds
	case t.RecordChanges:
		return []string{KindNumberInsert, KindNumberUpdate}
	}
	return nil
}

// triggerPrefix begins the names of our triggers.
const triggerPrefix = "chrononaut_"

// TriggerName is the name of the trigger of a kind. number tells tables apart
// that had the same name, one after the other: names of triggers are unique in
// the whole database, and a table that is renamed keeps its triggers.
func (t *Table) TriggerName(kind string, number int) string {
	if number > 0 {
		return fmt.Sprintf("%s%s_%s_%d", triggerPrefix, t.Name, kind, number)
	}
	return triggerPrefix + t.Name + "_" + kind
}

// TriggerSQL is the statement that creates the trigger of a kind.
func (t *Table) TriggerSQL(kind, name string) (string, error) {
	sql, err := render("table/"+kind+".sql", struct {
		Table   *Table
		Trigger string
	}{t, name})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(sql))
	comment := fmt.Sprintf("BEGIN\n    -- chrononaut generation %d, checksum %x\n", Generation, sum[:8])
	return strings.Replace(sql, "BEGIN\n", comment, 1), nil
}

// StoredSQL is the statement as the catalog keeps it.
func StoredSQL(statement string) string {
	return strings.Replace(statement, "CREATE TRIGGER main.", "CREATE TRIGGER ", 1)
}

var checksumLine = regexp.MustCompile(`    -- chrononaut generation \d+, checksum ([0-9a-f]{16})\n`)

// Intact reports whether a trigger in the catalog is as it was generated,
// maybe by another version or for other columns.
func (t InspectedTrigger) Intact() bool {
	match := checksumLine.FindStringSubmatchIndex(t.SQL)
	if match == nil {
		return false
	}
	sql := "CREATE TRIGGER main." + strings.TrimPrefix(t.SQL[:match[0]]+t.SQL[match[1]:], "CREATE TRIGGER ")
	sum := sha256.Sum256([]byte(sql))
	return fmt.Sprintf("%x", sum[:8]) == t.SQL[match[2]:match[3]]
}

// Kind returns the kind of one of our triggers by its name, or the empty
// string.
func (t InspectedTrigger) Kind() string {
	name := strings.TrimRight(t.Name, "0123456789")
	if name != t.Name {
		name = strings.TrimSuffix(name, "_")
	}
	// The longer names first.
	for _, kind := range append(slices.Clone(GuardKinds),
		KindNumberInsert, KindNumberUpdate, KindNoteInsert, KindNoteUpdate, KindShortUpdate, KindReplaced, KindReplacing,
		KindUnrecordedInsert, KindUnrecordedUpdate, KindUnrecordedDelete,
		KindSuppressed, KindKeep, KindInsert, KindUpdate, KindDelete,
	) {
		if strings.HasSuffix(name, "_"+kind) {
			return kind
		}
	}
	return ""
}

// OfUpdate reports whether an UPDATE of a column alone fires a trigger.
func (t InspectedTrigger) OfUpdate(column string) bool {
	tokens := lex(t.SQL)
	event := slices.IndexFunc(tokens, func(tok token) bool {
		return slices.Contains([]string{"INSERT", "DELETE", "UPDATE"}, strings.ToUpper(tok.text))
	})
	for n, tok := range tokens[event+1:] {
		switch {
		case n == 0 && !strings.EqualFold(tokens[event].text, "UPDATE"):
			return false
		case n == 0 && !strings.EqualFold(tok.text, "OF"):
			return true
		case n > 0 && SameName(tok.text, column):
			return true
		case strings.EqualFold(tok.text, "ON"):
			return false
		}
	}
	return false
}

// After reports whether a trigger is an AFTER trigger.
func (t InspectedTrigger) After() bool {
	for _, tok := range lex(t.SQL) {
		switch strings.ToUpper(tok.text) {
		case "AFTER":
			return true
		case "BEFORE", "INSTEAD", "ON":
			return false
		}
	}
	return false
}

var hiddenTerm = regexp.MustCompile(`iif\(NEW\."((?:[^"]|"")*)" IS NOT NULL, '((?:[^']|'')*)', ''\)`)

// HiddenNow says what the hidden columns are called now, from the trigger for
// INSERT: SQLite changes the names of columns in triggers when they are
// renamed, but not the names that history has.
func (i *Inspected) HiddenNow() map[string]string {
	names := map[string]string{}
	for _, t := range i.Ours() {
		if t.Kind() != KindInsert {
			continue
		}
		for _, match := range hiddenTerm.FindAllStringSubmatch(t.SQL, -1) {
			var was string
			quoted := strings.TrimPrefix(strings.ReplaceAll(match[2], "''", "'"), ",")
			if json.Unmarshal([]byte(quoted), &was) == nil {
				names[was] = strings.ReplaceAll(match[1], `""`, `"`)
			}
		}
	}
	return names
}

// Ours lists the triggers on a table that are Chrononaut's, in the order of
// their creation.
func (i *Inspected) Ours() []InspectedTrigger {
	return slices.DeleteFunc(slices.Clone(i.Triggers), func(t InspectedTrigger) bool {
		return !strings.HasPrefix(t.Name, triggerPrefix)
	})
}

// Before lists the application's AFTER triggers that fire before ours, because
// they were created later.
func (i *Inspected) Before() []InspectedTrigger {
	ours := i.Ours()
	if len(ours) == 0 {
		return nil
	}
	var before []InspectedTrigger
	for _, t := range i.Triggers {
		if !strings.HasPrefix(t.Name, triggerPrefix) && t.Position > ours[0].Position && t.After() {
			before = append(before, t)
		}
	}
	return before
}
