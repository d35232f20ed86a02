package property_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// value is one value of a column: as text that the type's input function
// reads, and as history must hold it.
type value struct {
	text string
	json string
	null bool
}

var null = value{json: "null", null: true}

// sql writes the value as a literal, whatever standard_conforming_strings is.
func (v value) sql() string {
	if v.null {
		return "NULL"
	}
	return quote(v.text)
}

// copyText writes the value for COPY in text format.
func (v value) copyText() string {
	if v.null {
		return `\N`
	}
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(v.text)
}

func quote(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// kind is a type with values. Two of its values are the same if and only if
// their texts are.
type kind struct {
	name   string // in SQL
	values *rapid.Generator[value]
	// secret makes values that can be found wherever they leak.
	secret *rapid.Generator[value]
	// widened are the types to which ALTER TABLE may change a column of this
	// one, with what becomes of a value.
	widened map[string]func(value) value
}

// marker is in every value of a hidden or untracked column.
const marker = "5ec2e7"

func samples(pairs ...string) *rapid.Generator[value] {
	var values []value
	for i := 0; i < len(pairs); i += 2 {
		values = append(values, value{text: pairs[i], json: pairs[i+1]})
	}
	return rapid.SampledFrom(values)
}

// scalars are samples whose JSON is a string of the same text.
func scalars(texts ...string) *rapid.Generator[value] {
	return rapid.Map(rapid.SampledFrom(texts), textValue)
}

func textValue(s string) value { return value{text: s, json: jsonString(s)} }

// wrapped are samples that history holds as text.
func wrapped(texts ...string) *rapid.Generator[value] {
	return rapid.Map(rapid.SampledFrom(texts), func(s string) value {
		return value{text: s, json: `{"chrononaut:text": ` + jsonString(s) + `}`}
	})
}

func numbers(texts ...string) *rapid.Generator[value] {
	return rapid.Map(rapid.SampledFrom(texts), func(s string) value { return value{text: s, json: s} })
}

func secretText(format string) *rapid.Generator[value] {
	return rapid.Map(rapid.IntRange(0, 9), func(n int) value {
		return value{text: fmt.Sprintf(format, fmt.Sprint(marker, n)), json: "leaked"}
	})
}

var (
	same     = func(v value) value { return v }
	asString = func(v value) value {
		if v.null {
			return v
		}
		return textValue(v.text)
	}
)

// kinds are the types of columns outside the key.
var kinds = []*kind{
	{name: "integer", values: numbers("0", "1", "-1", "7", "2147483647"), widened: map[string]func(value) value{"bigint": same, "numeric": same, "text": asString}},
	{name: "bigint", values: numbers("0", "9007199254740993", "-9223372036854775808"), widened: map[string]func(value) value{"numeric": same, "text": asString}},
	{name: "boolean", values: samples("true", "true", "false", "false")},
	{name: "text", values: rapid.OneOf(
		scalars("", "a", "it's", `back\slash`, `"quoted"`, "{}", "null", "tab\tnew\nline", "日本 🕰", `{"chrononaut:text": "x"}`, strings.Repeat("long ", 600)),
		rapid.Map(rapid.StringMatching(`[ -~äλ]{0,12}`), textValue),
	), secret: secretText("%s"), widened: map[string]func(value) value{"character varying": same}},
	{name: "character varying(300)", values: scalars("", "v", "w' w"), widened: map[string]func(value) value{"text": same, "character varying(400)": same}},
	{name: "character(5)", values: samples("ab", `"ab   "`, "abcde", `"abcde"`)},
	{
		name: "numeric", values: rapid.OneOf(numbers("0", "1.5", "1.50", "-12345678901234567890.123456789012345678901234567890"), scalars("NaN", "Infinity", "-Infinity")),
		widened: map[string]func(value) value{"text": asString},
	},
	{name: "numeric(12,2)", values: numbers("0.00", "1.50", "-3.25"), widened: map[string]func(value) value{"numeric": same}},
	{name: "double precision", values: rapid.OneOf(numbers("0", "0.1", "-123456.75"), scalars("NaN", "Infinity"), wrapped("-0"))},
	{name: "real", values: rapid.OneOf(numbers("0", "0.1", "2.5"), wrapped("-0"))},
	{name: "uuid", values: scalars("00000000-0000-0000-0000-000000000000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), secret: rapid.Just(value{text: marker + "00-0000-0000-0000-000000000000", json: "leaked"})},
	{name: "date", values: scalars("2026-01-02", "infinity", "0044-03-15 BC")},
	{name: "time", values: scalars("01:02:03", "23:59:59.999999")},
	{name: "timestamp", values: samples("2026-01-02 03:04:05.5", `"2026-01-02T03:04:05.5"`, "-infinity", `"-infinity"`)},
	{name: "timestamptz", values: samples(
		"2026-01-02 03:04:05.678901+00", `"2026-01-02T03:04:05.678901+00:00"`,
		"2026-07-02 03:04:05+05:45", `"2026-07-01T21:19:05+00:00"`, "infinity", `"infinity"`)},
	{name: "interval", values: samples("P1Y2M3DT4H5M6.5S", `"1 year 2 mons 3 days 04:05:06.5"`, "PT-1S", `"-00:00:01"`, "P0D", `"00:00:00"`, "P1M-2D", `"1 mon -2 days"`)},
	{name: "bytea", values: scalars(`\x`, `\x00ff`, `\xdeadbeef`)},
	{name: "json", values: wrapped(`{"a":1, "a" : 2}`, `null`, `[1,{"b":null}]`, `"\u0000"`)},
	{
		name: "jsonb", values: rapid.OneOf(
			samples(`{"a": [1, null, {"b": 1.50}]}`, `{"a": [1, null, {"b": 1.50}]}`, `"s"`, `"s"`, `[]`, `[]`, `12345678901234567890`, `12345678901234567890`),
			wrapped(`null`, `{"chrononaut:text": "x"}`)),
		secret: rapid.Map(rapid.IntRange(0, 9), func(n int) value { return value{text: fmt.Sprintf(`{"k": "%s%d"}`, marker, n), json: "leaked"} }),
	},
	{name: "integer[]", values: rapid.OneOf(samples("{}", "[]", "{1,NULL,3}", "[1, null, 3]", "{{1,2},{3,4}}", "[[1, 2], [3, 4]]"), wrapped("[0:1]={5,6}"))},
	{name: "text[]", values: samples(`{a,NULL,"b c","q\"x"}`, `["a", null, "b c", "q\"x"]`, `{"NULL",""}`, `["NULL", ""]`), secret: secretText(`{x,"%s"}`)},
	{name: "double precision[]", values: rapid.OneOf(samples("{1.5,NULL}", "[1.5, null]"), wrapped("{1.5,-0}"))},
	{name: "jsonb[]", values: wrapped(`{"{\"a\": 1}",NULL,"null"}`)},
	{name: "int4range", values: scalars("[1,5)", "empty", "(,7)")},
	{name: "tstzrange", values: scalars(`["2026-01-01 00:00:00+00",)`)},
	{name: "int4multirange", values: scalars("{}", "{[1,3),[5,7)}")},
	{name: "inet", values: scalars("10.0.0.1/8", "::1")},
	{name: "bit(4)", values: scalars("1010", "0000")},
	{name: "xml", values: scalars("<a>1</a>", "<b/>")},
	{name: "public.mood", values: scalars("sad", "it's ok")},
	{name: "public.positive", values: numbers("1", "2")},
	{name: "public.pair", values: samples(`(1,"x y")`, `{"x": 1, "y": "x y"}`, `(,)`, `{"x": null, "y": null}`, `(7,"")`, `{"x": 7, "y": ""}`)},
	{name: "public.pair[]", values: samples(`{"(1,a)",NULL}`, `[{"x": 1, "y": "a"}, null]`)},
}

// types are the user-defined ones among them.
const types = `
	CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'happy');
	CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0);
	CREATE TYPE public.pair AS (x integer, y text);`

// keyKinds are the types of key columns. Few values: keys have to come back.
var keyKinds = []*kind{
	{name: "integer", values: numbers("1", "2", "3", "4", "5", "-6"), widened: map[string]func(value) value{"bigint": same}},
	{name: "bigint", values: numbers("1", "2", "3", "9007199254740993", "-9223372036854775808")},
	{name: "uuid", values: scalars("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "ffffffff-ffff-ffff-ffff-ffffffffffff")},
	{name: "text", values: scalars("", "a", "b", "it's", `{"id": 1}`, strings.Repeat("k", 2000), "日本")},
	{name: "date", values: scalars("2026-01-01", "2026-01-02", "0044-03-15 BC", "infinity")},
	{name: "numeric", values: numbers("1.5", "1.50", "2", "2.0", "0", "12345678901234567890.5")},
	{name: "bytea", values: scalars(`\x`, `\x00`, `\xff00ff`, `\x`+strings.Repeat("ab", 1000))},
}

// keyID is the same for values that a unique index takes for the same.
func (k *kind) keyID(v value) string {
	if k.name == "numeric" && strings.Contains(v.text, ".") {
		return strings.TrimSuffix(strings.TrimRight(v.text, "0"), ".")
	}
	return v.text
}

func kindNamed(list []*kind, name string) *kind {
	for _, k := range list {
		if k.name == name {
			return k
		}
	}
	return nil
}
