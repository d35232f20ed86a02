package chrononaut

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// PathDiff is one difference inside a column's value. Paths are JSON Pointers
// (RFC 6901): /tags/0 is the first element of the member tags, ~1 stands for a
// slash in a name and ~0 for a tilde, and the empty path is the whole value.
type PathDiff struct {
	// FromPath is where the earlier value has it, ToPath where the later one
	// has it: an element of an array may have moved, because others before it
	// were added or removed. What was added has no FromPath, what was removed no
	// ToPath: see From and To.
	FromPath string
	ToPath   string
	// From is nil when it was added, To when it was removed; a JSON null is null.
	From json.RawMessage
	To   json.RawMessage
}

// Path is where the difference is: in the later value, or, when it was removed,
// in the earlier one.
func (d PathDiff) Path() string {
	if d.To == nil {
		return d.FromPath
	}
	return d.ToPath
}

// Paths takes the difference of a column apart, where both values are documents:
// objects or arrays in a column of the types json, jsonb, an array or a composite
// type, or text that holds such a document, as SQLite has it. Objects are
// compared member by member, in the order of their names, arrays element by
// element, aligned by what they have in common. What is equal is left out;
// numbers are compared by value.
//
// Any other difference is one of the whole value, with the empty path: between
// scalars, of a column that is new or gone, between documents that differ in
// their spelling only, and between arrays where an alignment would take more
// than a million steps. A hidden column has none. Costs no round trip.
func (c ColumnDiff) Paths() []PathDiff {
	if c.Hidden {
		return nil
	}
	whole := []PathDiff{{From: c.From, To: c.To}}
	from, ok := document(c.From)
	if !ok {
		return whole
	}
	to, ok := document(c.To)
	if !ok {
		return whole
	}
	p := &pathDiffer{budget: alignmentSteps}
	p.compare("", "", from, to)
	if len(p.found) == 0 {
		return whole
	}
	return p.found
}

// document reads a value that is an object or an array, or text that holds one.
func document(raw json.RawMessage) (any, bool) {
	text := string(raw)
	if len(raw) > 0 && (raw[0] == '"' || raw[0] == '{') {
		// Not for an object that only looks like the wrapper of another value.
		if inner, ok := jsonText(raw); ok {
			text = inner
		}
	}
	text = strings.TrimLeft(text, " \t\r\n")
	if text == "" || text[0] != '{' && text[0] != '[' || !json.Valid([]byte(text)) {
		return nil, false
	}
	var value any
	return value, decodeJSON(text, &value) == nil
}

// alignmentSteps bounds what comparing the arrays of one value may cost.
const alignmentSteps = 1_000_000

type pathDiffer struct {
	found  []PathDiff
	budget int
}

func (p *pathDiffer) compare(fromPath, toPath string, from, to any) {
	switch x := from.(type) {
	case map[string]any:
		if y, ok := to.(map[string]any); ok {
			p.objects(fromPath, toPath, x, y)
			return
		}
	case []any:
		if y, ok := to.([]any); ok && p.arrays(fromPath, toPath, x, y) {
			return
		}
	}
	if !equalValues(from, to) {
		p.found = append(p.found, PathDiff{FromPath: fromPath, ToPath: toPath, From: encodeValue(from), To: encodeValue(to)})
	}
}

func (p *pathDiffer) added(path string, value any) {
	p.found = append(p.found, PathDiff{ToPath: path, To: encodeValue(value)})
}

func (p *pathDiffer) removed(path string, value any) {
	p.found = append(p.found, PathDiff{FromPath: path, From: encodeValue(value)})
}

func (p *pathDiffer) objects(fromPath, toPath string, from, to map[string]any) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(from)), maps.Keys(to))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		step := "/" + pointerEscaper.Replace(name)
		x, had := from[name]
		y, has := to[name]
		switch {
		case !had:
			p.added(toPath+step, y)
		case !has:
			p.removed(fromPath+step, x)
		default:
			p.compare(fromPath+step, toPath+step, x, y)
		}
	}
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// arrays compares element by element. It reports false when the budget does not
// allow it.
func (p *pathDiffer) arrays(fromPath, toPath string, from, to []any) bool {
	pairs, ok := p.align(from, to)
	if !ok {
		return false
	}
	i, j := 0, 0
	for _, pair := range append(pairs, [2]int{len(from), len(to)}) {
		// Between two elements that both have, the ones that replace each other
		// are taken as pairs, in order.
		for ; i < pair[0] && j < pair[1]; i, j = i+1, j+1 {
			p.compare(elementPath(fromPath, i), elementPath(toPath, j), from[i], to[j])
		}
		for ; i < pair[0]; i++ {
			p.removed(elementPath(fromPath, i), from[i])
		}
		for ; j < pair[1]; j++ {
			p.added(elementPath(toPath, j), to[j])
		}
		i, j = i+1, j+1
	}
	return true
}

func elementPath(array string, i int) string { return array + "/" + strconv.Itoa(i) }

// align finds a longest common subsequence: the indexes of equal elements, in
// order.
func (p *pathDiffer) align(from, to []any) ([][2]int, bool) {
	var pairs [][2]int
	start := 0
	for start < len(from) && start < len(to) && equalValues(from[start], to[start]) {
		pairs = append(pairs, [2]int{start, start})
		start++
	}
	tail := 0
	for tail < len(from)-start && tail < len(to)-start && equalValues(from[len(from)-1-tail], to[len(to)-1-tail]) {
		tail++
	}
	a, b := from[start:len(from)-tail], to[start:len(to)-tail]
	if len(a) > 0 && len(b) > 0 {
		if len(a) > p.budget/len(b) {
			return nil, false
		}
		p.budget -= len(a) * len(b)
		pairs = append(pairs, longestCommon(a, b, start)...)
	}
	for k := tail; k > 0; k-- {
		pairs = append(pairs, [2]int{len(from) - k, len(to) - k})
	}
	return pairs, true
}

// longestCommon is the textbook's table of lengths, filled from the end.
func longestCommon(a, b []any, offset int) [][2]int {
	equal := classes(a, b)
	width := len(b) + 1
	lengths := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if equal(i, j) {
				lengths[i*width+j] = lengths[(i+1)*width+j+1] + 1
			} else {
				lengths[i*width+j] = max(lengths[(i+1)*width+j], lengths[i*width+j+1])
			}
		}
	}
	var pairs [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case equal(i, j):
			pairs = append(pairs, [2]int{offset + i, offset + j})
			i, j = i+1, j+1
		case lengths[(i+1)*width+j] >= lengths[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// classes gives equal elements one number, so that comparing two of them, which
// is done for each pair, costs nothing.
func classes(a, b []any) func(i, j int) bool {
	known := map[string]int{}
	number := func(values []any) []int {
		numbers := make([]int, len(values))
		for i, v := range values {
			text := string(appendCanonical(nil, v))
			n, ok := known[text]
			if !ok {
				n = len(known)
				known[text] = n
			}
			numbers[i] = n
		}
		return numbers
	}
	x, y := number(a), number(b)
	return func(i, j int) bool { return x[i] == y[j] }
}

// appendCanonical writes a value so that equal ones are written equally.
func appendCanonical(b []byte, value any) []byte {
	switch v := value.(type) {
	case json.Number:
		if n, ok := rational(string(v)); ok {
			return append(b, n.RatString()...)
		}
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for _, e := range v {
			b = append(appendCanonical(b, e), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = append(appendCanonical(append(appendCanonical(b, name), ':'), v[name]), ',')
		}
		return append(b, '}')
	}
	return append(b, encodeValue(value)...)
}

// encodeValue writes a value that was read from JSON; numbers keep their form.
func encodeValue(value any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		// What decoding returned can be encoded.
		panic("chrononaut: encode a value of history: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
