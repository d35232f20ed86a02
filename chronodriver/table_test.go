package chronodriver_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

func TestParseTable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want chronodriver.Table
	}{
		{`todos`, chronodriver.Table{Name: "todos"}},
		{`Todos`, chronodriver.Table{Name: "todos"}},
		{`billing.todos`, chronodriver.Table{Schema: "billing", Name: "todos"}},
		{`"Odd Name"."x"`, chronodriver.Table{Schema: "Odd Name", Name: "x"}},
		{`"a""b"."c.d"`, chronodriver.Table{Schema: `a"b`, Name: "c.d"}},
		{`"$f$"`, chronodriver.Table{Name: "$f$"}},
	} {
		got, err := chronodriver.ParseTable(tc.in)
		if err != nil || got != tc.want {
			t.Errorf("ParseTable(%s) = %+v, %v; want %+v", tc.in, got, err, tc.want)
		}
		again, err := chronodriver.ParseTable(got.String())
		if err != nil || again != got {
			t.Errorf("ParseTable(%s.String()) = %+v, %v; want it back", tc.in, again, err)
		}
	}
	for _, in := range []string{``, `.`, `a.`, `.a`, `"a`, `""`, `a b`, `a.b.c`, `"a"b`, "a\x00b", "\xff"} {
		if got, err := chronodriver.ParseTable(in); err == nil {
			t.Errorf("ParseTable(%q) = %+v, want an error", in, got)
		}
	}
}

func FuzzParseTable(f *testing.F) {
	for _, s := range []string{`a`, `"a""b".c`, `a."b`, `$f$`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		table, err := chronodriver.ParseTable(s)
		if err != nil {
			return
		}
		again, err := chronodriver.ParseTable(table.String())
		if err != nil || again != table {
			t.Fatalf("ParseTable(%q) = %+v, printed as %s, read back as %+v, %v", s, table, table, again, err)
		}
	})
}
