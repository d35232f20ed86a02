package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

func TestParseRelation(t *testing.T) {
	t.Parallel()
	table := func(schema, name string) chrononaut.Table { return chrononaut.Table{Schema: schema, Name: name} }
	for _, test := range []struct {
		text string
		want chrononaut.Relation
	}{
		{"orders", chrononaut.Relation{Table: table("", "orders")}},
		{"shop.Orders > order_lines", chrononaut.Relation{
			Table: table("shop", "orders"), Children: []chrononaut.Relation{{Table: table("", "order_lines")}},
		}},
		{"notes:Todo_ID=id", chrononaut.Relation{Table: table("", "notes"), Columns: map[string]string{"todo_id": "id"}}},
		{`"a>b":"x=y"="p,q", c = d>"e:f":g=h`, chrononaut.Relation{
			Table: table("", "a>b"), Columns: map[string]string{"x=y": "p,q", "c": "d"},
			Children: []chrononaut.Relation{{Table: table("", "e:f"), Columns: map[string]string{"g": "h"}}},
		}},
	} {
		got, err := parseRelation(test.text)
		if err != nil {
			t.Errorf("parseRelation(%q): %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("parseRelation(%q) mismatch (-want +got):\n%s", test.text, diff)
		}
	}
	for _, bad := range []string{"", ">", "a>", ">a", "a b", "a:", "a:b", "a:b=", "a:=b", "a:b=c,", "a:b=c,b=d", `a:"b=c`, "a>b>", "a.b.c"} {
		if got, err := parseRelation(bad); err == nil {
			t.Errorf("parseRelation(%q) = %v, want an error", bad, got)
		}
	}
}

func TestRelationsAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	var relations []chrononaut.Relation
	for _, text := range []string{`a>b:c=d`, `a>"B":c=d,e=f>g`, `h`, `a:x=y`} {
		r, err := parseRelation(text)
		if err != nil {
			t.Fatal(err)
		}
		relations = addRelation(relations, r)
	}
	if got, want := relationsText(relations), `a>b:c=d a>"B":c=d,e=f>g h a:x=y`; got != want {
		t.Errorf("relationsText = %s, want %s", got, want)
	}
	if len(relations) != 3 {
		t.Errorf("there are %d relations, want 3: the same one is there once", len(relations))
	}
}
