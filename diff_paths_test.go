package chrononaut_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut"
)

func TestPathsOfAColumn(t *testing.T) {
	t.Parallel()
	long := func(n, first int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ",%d", first+i)
		}
		return "[" + b.String()[1:] + "]"
	}
	for _, c := range []struct {
		name, from, to string
		want           []string
	}{
		{"a member of an object", `{"a": {"b": 1, "c": 2}}`, `{"a": {"b": 1, "c": 3}}`, []string{"/a/c: 2 > /a/c: 3"}},
		{"members that come and go", `{"a": 1, "b": null}`, `{"a": 1, "c": null}`, []string{"/b: null >", "> /c: null"}},
		{"names with slashes and tildes, and the empty name", `{"a/b~": 1, "": 1}`, `{"a/b~": 2, "": 2}`, []string{"/: 1 > /: 2", "/a~1b~0: 1 > /a~1b~0: 2"}},
		{"an element in front", `["b", "c"]`, `["a", "b", "c"]`, []string{`> /0: "a"`}},
		{"an element that goes", `["a", "b", "c"]`, `["a", "c"]`, []string{`/1: "b" >`}},
		{"an element that changes and moves", `[1, {"n": 1}, 9]`, `[0, 1, {"n": 2}, 9]`, []string{"> /0: 0", "/1/n: 1 > /2/n: 2"}},
		{"numbers by value", `{"a": 1.0, "b": 12345678901234567890123}`, `{"a": 1, "b": 12345678901234567890124}`, []string{"/b: 12345678901234567890123 > /b: 12345678901234567890124"}},
		{"numbers of another form in arrays", `[1.0, 2, 3]`, `[0, 1, 2.00, 3]`, []string{"> /0: 0"}},
		{"kinds that differ", `{"a": [1]}`, `{"a": {"0": 1}}`, []string{`/a: [1] > /a: {"0":1}`}},
		{"a text with markup, as it is", `{"a": "<"}`, `{"a": ">&"}`, []string{`/a: "<" > /a: ">&"`}},
		{"a column of the type json", `{"chrononaut:text": "{\"a\": 1}"}`, `{"chrononaut:text": "{\"a\": 2}"}`, []string{"/a: 1 > /a: 2"}},
		{"a document as text", `"{\"a\": 1}"`, `"{\"a\": 2}"`, []string{"/a: 1 > /a: 2"}},
		{"text that only begins like a document", `"{a"`, `"{b"`, []string{`: "{a" > : "{b"`}},
		{"documents that differ in their spelling", `"[1]"`, `"[ 1 ]"`, []string{`: "[1]" > : "[ 1 ]"`}},
		{"an array whose first index is not 1", `{"chrononaut:text": "[0:0]={1}"}`, `[1]`, []string{`: {"chrononaut:text": "[0:0]={1}"} > : [1]`}},
		{"a document that was NULL", `null`, `{"a": 1}`, []string{`: null > : {"a": 1}`}},
		{"scalars", `1`, `2`, []string{": 1 > : 2"}},
		{"arrays that are long and differ in the middle", long(5000, 0), "[-1" + long(5000, 0)[2:], []string{"/0: 0 > /0: -1"}},
		{"arrays above the bound", long(1100, 0), long(1100, 5000), []string{": " + long(1100, 0) + " > : " + long(1100, 5000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := chrononaut.ColumnDiff{From: json.RawMessage(c.from), To: json.RawMessage(c.to)}
			var got []string
			for _, p := range d.Paths() {
				line := ">"
				if p.From != nil {
					line = p.FromPath + ": " + string(p.From) + " " + line
				}
				if p.To != nil {
					line += " " + p.ToPath + ": " + string(p.To)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("paths mismatch (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a hidden column has none", func(t *testing.T) {
		t.Parallel()
		if got := (chrononaut.ColumnDiff{Hidden: true}).Paths(); got != nil {
			t.Errorf("paths of a hidden column = %v", got)
		}
	})
}

// Applying the differences to the earlier document makes the later one.
func TestPathsLeadFromOneDocumentToTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, pathsLeadToTheOther)
}

func FuzzPaths(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(pathsLeadToTheOther))
}

func pathsLeadToTheOther(t *rapid.T) {
	from, to := documents(3).Draw(t, "from"), documents(3).Draw(t, "to")
	if rapid.Bool().Draw(t, "related") {
		to = mutate(t, from)
	}
	d := chrononaut.ColumnDiff{From: encode(from), To: encode(to)}
	paths := d.Paths()
	if same := cmp.Equal(from, to); same {
		return // No difference would be asked for.
	}
	got := apply(t, from, paths)
	if diff := cmp.Diff(to, got); diff != "" {
		t.Fatalf("from %s to %s by %+v (-want +got):\n%s", d.From, d.To, paths, diff)
	}
	for _, p := range paths {
		if p.From != nil && p.To != nil && bytes.Equal(p.From, p.To) {
			t.Errorf("%s is no difference: %s", p.Path(), p.From)
		}
	}
}

// documents draws what decodes to the types of encoding/json. Numbers are small
// and whole, so that equal ones look alike and arrays have elements in common.
func documents(depth int) *rapid.Generator[any] {
	scalars := rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 5), func(n int) any { return json.Number(strconv.Itoa(n)) }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "b/~"}), func(s string) any { return s }),
		rapid.SampledFrom([]any{nil, true, false}),
	)
	if depth == 0 {
		return scalars
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return documents(depth - 1) })
	return rapid.OneOf(scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 6), func(s []any) any { return append([]any{}, s...) }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "", "x/y", "~"}), inner, 0, 4), func(m map[string]any) any { return m }),
	)
}

// mutate returns a copy with a few differences.
func mutate(t *rapid.T, value any) any {
	if rapid.IntRange(0, 5).Draw(t, "replace") == 0 {
		return documents(1).Draw(t, "other")
	}
	switch v := value.(type) {
	case []any:
		changed := []any{}
		for _, e := range v {
			switch rapid.IntRange(0, 5).Draw(t, "element") {
			case 0:
			case 1:
				changed = append(changed, documents(1).Draw(t, "new"), e)
			case 2:
				changed = append(changed, mutate(t, e))
			default:
				changed = append(changed, e)
			}
		}
		return changed
	case map[string]any:
		changed := map[string]any{}
		for name, e := range v {
			changed[name] = e
		}
		for _, name := range []string{"a", "b", "x/y"} {
			if e, ok := changed[name]; ok {
				changed[name] = mutate(t, e)
			}
		}
		return changed
	}
	return value
}

func encode(value any) json.RawMessage {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return b
}

// apply first takes away, from the end, what was removed or has changed, and then
// puts in, from the start, what was added or takes its place.
func apply(t *rapid.T, from any, paths []chrononaut.PathDiff) any {
	document := decode(t, encode(from))
	byPosition := func(a, b string) int {
		x, y := strings.Split(a, "/"), strings.Split(b, "/")
		return slices.CompareFunc(x, y, func(a, b string) int {
			m, errM := strconv.Atoi(a)
			n, errN := strconv.Atoi(b)
			if errM == nil && errN == nil {
				return m - n
			}
			return strings.Compare(a, b)
		})
	}
	removals := slices.DeleteFunc(slices.Clone(paths), func(p chrononaut.PathDiff) bool { return p.From == nil })
	slices.SortFunc(removals, func(a, b chrononaut.PathDiff) int { return byPosition(b.FromPath, a.FromPath) })
	for _, p := range removals {
		document = edit(t, document, p.FromPath, p.From, nil)
	}
	additions := slices.DeleteFunc(slices.Clone(paths), func(p chrononaut.PathDiff) bool { return p.To == nil })
	slices.SortFunc(additions, func(a, b chrononaut.PathDiff) int { return byPosition(a.ToPath, b.ToPath) })
	for _, p := range additions {
		document = edit(t, document, p.ToPath, nil, p.To)
	}
	return document
}

// edit removes what must be at a path, or puts something there.
func edit(t *rapid.T, document any, path string, old, value json.RawMessage) any {
	if path == "" {
		if old != nil {
			if diff := cmp.Diff(decode(t, old), document); diff != "" {
				t.Fatalf("what is removed is not what was there: %s", diff)
			}
			return nil
		}
		return decode(t, value)
	}
	step, rest, more := strings.Cut(path[1:], "/")
	if more {
		rest = "/" + rest
	}
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	switch v := document.(type) {
	case map[string]any:
		if !more && old != nil {
			edit(t, v[name], "", old, nil)
			delete(v, name)
			return v
		}
		v[name] = edit(t, v[name], rest, old, value)
		return v
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil {
			t.Fatalf("%s is no index", step)
		}
		switch {
		case more:
			v[i] = edit(t, v[i], rest, old, value)
			return v
		case old != nil:
			edit(t, v[i], "", old, nil)
			return slices.Delete(v, i, i+1)
		}
		return slices.Insert(v, i, decode(t, value))
	}
	t.Fatalf("%q leads into a %T", path, document)
	return nil
}

func decode(t *rapid.T, raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
