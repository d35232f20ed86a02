package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	one, two := []string{"id"}, []string{"Line No", "order_id"}
	for _, tc := range []struct {
		arg     string
		columns []string
		want    chrononaut.Key
	}{
		{"42", one, chrononaut.Key{"id": "42"}},
		{"", one, chrononaut.Key{"id": ""}},
		{"a,b", one, chrononaut.Key{"id": "a,b"}},
		{"a=b", one, chrononaut.Key{"id": "a=b"}},
		{`"quoted"`, one, chrononaut.Key{"id": `"quoted"`}},
		{"id=42", one, chrononaut.Key{"id": "42"}},
		{"ID=42", one, chrononaut.Key{"id": "42"}},
		{`"ID"=42`, one, chrononaut.Key{"id": `"ID"=42`}},
		{`"id"="id=42"`, one, chrononaut.Key{"id": "id=42"}},
		{"id=", one, chrononaut.Key{"id": ""}},
		{`"Line No"=a,order_id=7`, two, chrononaut.Key{"Line No": "a", "order_id": "7"}},
		{`Line No=a,Order_ID=7`, two, chrononaut.Key{"Line No": "a", "order_id": "7"}},
		{`order_id=7,"Line No"="a,""b"""`, two, chrononaut.Key{"Line No": `a,"b"`, "order_id": "7"}},
		{`order_id=7,"Line No"=a"b=c`, two, chrononaut.Key{"Line No": `a"b=c`, "order_id": "7"}},
	} {
		got, err := parseKey(tc.arg, tc.columns, sameAsSQL)
		if err != nil {
			t.Errorf("parseKey(%q): %v", tc.arg, err)
		} else if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("parseKey(%q) (-want +got):\n%s", tc.arg, diff)
		}
	}
	for _, arg := range []string{
		"", "7", "order_id", "order_id=7", `order_id=7,`, `order_id=7,"Line No"`, `order_id=7,"Line No"="a`, `order_id=7,"Line No"="a"b`,
		`order_id=7,"Line No"=a,order_id=7`, `order_id=7,"line no"=a`, `order_id=7,"Line No"=a,x=1`, "order_id=\xff,\"Line No\"=a", "=7,a=b", `""=7`,
		`order_id=geheim`, `order_id=geheim,"Line No"="geheim"geheim`, `geheim`, `order_id=geheim,"Line No"="geheim`,
	} {
		if got, err := parseKey(arg, two, sameAsSQL); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("parseKey(%q) = %v, %v; want an error without values", arg, got, err)
		}
	}
}

// FuzzParseKey checks that a key that is printed reads back as the same key.
func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"42", "id=42", `a=1,b="x,y"`, `a="""",b=`, `"a"=1,b=2`, "b=1,a=\x01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		for _, columns := range [][]string{{"id"}, {"a", "b"}, {"Odd, Name", `with"quote`}, {"ID"}} {
			same := sameAsSQL
			if columns[0] == "ID" {
				same = sameIgnoringCase
			}
			key, err := parseKey(arg, columns, same)
			if err != nil {
				continue
			}
			printed := formatKey(key)
			again, err := parseKey(printed, columns, same)
			if err != nil {
				t.Fatalf("parseKey(%q) = %v, printed as %q: %v", arg, key, printed, err)
			}
			if diff := cmp.Diff(key, again); diff != "" {
				t.Fatalf("parseKey(%q), printed as %q and read again (-first +again):\n%s", arg, printed, diff)
			}
		}
	})
}

func TestParseColumns(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"":                  {},
		"a":                 {"a"},
		" A , b ":           {"a", "b"},
		`"Odd, ""Name""",b`: {`Odd, "Name"`, "b"},
		`"B" , "A"`:         {"B", "A"},
	} {
		got, err := parseColumns(in)
		if err != nil {
			t.Errorf("parseColumns(%q): %v", in, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parseColumns(%q) (-want +got):\n%s", in, diff)
		}
	}
	for _, in := range []string{",", "a,", ",a", "a b", `"a`, `""`, `"a"b`, `a"b`} {
		if got, err := parseColumns(in); err == nil {
			t.Errorf("parseColumns(%q) = %q, want an error", in, got)
		}
	}
}
