package sqltext

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Rewritten is a text of SQL in which schemas were replaced.
type Rewritten struct {
	// Text is what is to be sent.
	Text  string
	edits []edit
}

// edit is a schema that was replaced; its places count characters.
type edit struct {
	at          int // in the new text
	was, became int // the lengths
}

// Rewrite replaces the schemas of qualified names of relations by what replace
// says, which has to be a quoted name. Replace gets a schema and a name as the
// catalog has them: unquoted names are folded, in SQLite all. A text without
// such a name comes back as the same string.
//
// A name is not that of a relation when an argument list follows, behind ::, AS
// and COLLATE. What remains unclear is taken for one: a table's alias and a
// column that are called like a schema and a relation in it.
func Rewrite(dialect chronodriver.Dialect, sql string, replace func(schema, name string) (replacement string, ok bool)) Rewritten {
	if !strings.Contains(sql, ".") {
		return Rewritten{Text: sql}
	}
	w := &rewriter{lexer: lexer{dialect: dialect, src: sql}, replace: replace}
	return w.run()
}

// Position turns the position of a character in the new text, counted from 1
// as PostgreSQL counts, into that in the old one.
func (r *Rewritten) Position(position int) int {
	shift := 0
	for _, e := range r.edits {
		if position <= e.at {
			break
		}
		if position <= e.at+e.became {
			return e.at + shift + 1
		}
		shift += e.was - e.became
	}
	return position + shift
}

type rewriter struct {
	lexer
	replace func(schema, name string) (string, bool)
	out     strings.Builder
	copied  int // how much of the old text is in out
	counted int // the characters in out
	edits   []edit
}

// part is one word of a dotted name.
type part struct {
	token
	end int
}

func (w *rewriter) run() Rewritten {
	var last [3]token // before the current one, the newest first
	t, ok := w.next()
	for ok {
		if t.kind != word {
			last = [3]token{t, last[0], last[1]}
			t, ok = w.next()
			continue
		}
		parts := []part{{t, w.pos}}
		var following token
		// A name goes on as long as dots and words follow.
		for {
			following, ok = w.next()
			if !ok || following.kind != dot {
				break
			}
			following, ok = w.next()
			if !ok || following.kind != word {
				break
			}
			parts = append(parts, part{following, w.pos})
		}
		if w.isRelation(parts, last, following) {
			w.rewrite(parts)
		}
		last = [3]token{parts[len(parts)-1].token, last[0], last[1]}
		t = following
	}
	if len(w.edits) == 0 {
		return Rewritten{Text: w.src}
	}
	w.out.WriteString(w.src[w.copied:])
	return Rewritten{w.out.String(), w.edits}
}

// isRelation reports whether a name may be that of a relation, or of something
// in it, by what stands before and behind.
func (w *rewriter) isRelation(parts []part, last [3]token, following token) bool {
	if len(parts) < 2 {
		return false
	}
	before := last[0]
	adjacent := before.kind == other && before.start == parts[0].start-1
	switch c := w.src[before.start]; {
	case before.kind == dot:
		return false
	case adjacent && (c == '@' || c == '$'):
		// A parameter.
		return false
	case adjacent && w.dialect == chronodriver.SQLite && (c == ':' || c == '#'):
		return false
	case c == ':' && before.kind == other && last[1].kind == other && w.src[last[1].start] == ':' && last[1].start == before.start-1:
		return false
	case before.upper == "AS" || before.upper == "COLLATE":
		return false
	}
	if following.kind == open {
		// A function, unless these are the columns of a table.
		return slices.Contains([]string{"INTO", "COPY"}, before.upper)
	}
	return true
}

// rewrite replaces the schema in schema.relation, schema.relation.column, or
// behind the name of the database.
func (w *rewriter) rewrite(parts []part) {
	for i := 0; i < len(parts)-1 && i < 2; i++ {
		schema := parts[i]
		replacement, ok := w.replace(w.fold(schema.token), w.fold(parts[i+1].token))
		if !ok {
			continue
		}
		if schema.start > 0 && w.src[schema.start-1] == '&' {
			// Or u&x.y would become u&"z".y, which is something else.
			replacement = " " + replacement
		}
		before := w.src[w.copied:schema.start]
		w.out.WriteString(before)
		w.out.WriteString(replacement)
		w.counted += utf8.RuneCountInString(before)
		e := edit{w.counted, utf8.RuneCountInString(w.src[schema.start:schema.end]), utf8.RuneCountInString(replacement)}
		w.edits = append(w.edits, e)
		w.counted += e.became
		w.copied = schema.end
		return
	}
}

// maxName is the length that PostgreSQL cuts names to, in bytes.
const maxName = 63

// fold returns a name as the catalog has it.
func (l *lexer) fold(t token) string {
	name := t.text
	if t.upper != "" || l.dialect == chronodriver.SQLite {
		name = strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, name)
	}
	if l.dialect == chronodriver.PostgreSQL && len(name) > maxName {
		n := maxName
		for n > 0 && !utf8.RuneStart(name[n]) {
			n--
		}
		name = name[:n]
	}
	return name
}
