package sqltext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// past is a database in which todos of the schemas public and main, and
// "Odd.Name" of "My ""Schema""", have a past.
func past(schema, name string) (string, bool) {
	switch {
	case (schema == "public" || schema == "main") && name == "todos":
		return `"p"`, true
	case schema == `My "Schema"` && name == "Odd.Name":
		return `"P ""x"""`, true
	case schema == strings.Repeat("x", 63) && name == "todos":
		return `"x"`, true
	}
	return "", false
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		dialect chronodriver.Dialect
		in      string
		want    string // empty: as it is
	}{
		{"a name", postgres, "select * from public.todos where id = $1", "select * from \"p\".todos where id = $1"},
		{"a name at the end", postgres, "table public.todos", "table \"p\".todos"},
		{"a name at the beginning", postgres, "public.todos", "\"p\".todos"},
		{"quoted names", postgres, `select * from "public"."todos", "public".todos, public."todos"`, `select * from "p"."todos", "p".todos, "p"."todos"`},
		{"folded names", postgres, `select * from PUBLIC.Todos`, `select * from "p".Todos`},
		{"quoted names are not folded", postgres, `select * from "PUBLIC".todos, public."Todos"`, ""},
		{"odd names", postgres, `select * from "My ""Schema"""."Odd.Name"`, `select * from "P ""x"""."Odd.Name"`},
		{"a long name is cut", postgres, "select * from " + strings.Repeat("x", 70) + ".todos", `select * from "x".todos`},
		{"space and comments around the dot", postgres, "select * from public /* a.b */ . -- c\n todos", "select * from \"p\" /* a.b */ . -- c\n todos"},
		{"columns", postgres, "select public.todos.id, public.todos.*, (public.todos).id from public.todos", "select \"p\".todos.id, \"p\".todos.*, (\"p\".todos).id from \"p\".todos"},
		{"behind the database", postgres, "select * from db.public.todos join db.public.other on true", "select * from db.\"p\".todos join db.public.other on true"},
		{"aliases, joins and lists", postgres, "select * from public.todos a left join public.todos as b using (id), lateral (select from public.todos) c", "select * from \"p\".todos a left join \"p\".todos as b using (id), lateral (select from \"p\".todos) c"},
		{"only in parentheses", postgres, "select * from only (public.todos)", "select * from only (\"p\".todos)"},
		{"common table expressions and set operations", postgres, "with a as (select * from public.todos) (table public.todos) union all select * from a", "with a as (select * from \"p\".todos) (table \"p\".todos) union all select * from a"},
		{"other names", postgres, "select t.todos, public.others.id from public.others t", ""},
		{"a field of a record", postgres, "select (x).public.todos from x", ""},
		{"a function", postgres, "select public.todos(1), public . todos /* a */ (2)", ""},
		{"a type", postgres, "select null::public.todos, null :: public.todos[], cast(null as public.todos)", ""},
		{"a collation", postgres, "select a collate public.todos from public.todos", "select a collate public.todos from \"p\".todos"},
		{"a slice is no type", postgres, "select a[1:public.todos.id] from public.todos", "select a[1:\"p\".todos.id] from \"p\".todos"},
		{"columns of a table", postgres, "copy public.todos (id) to stdout", "copy \"p\".todos (id) to stdout"},
		{"strings", postgres, `select 'public.todos', E'\'public.todos', U&'public.todos', $$public.todos$$, $a$ public.todos $b$ $a$`, ""},
		{"comments", postgres, "select 1 -- public.todos\n/* /* public.todos */ public.todos */", ""},
		{"a parameter", postgres, "select @public.todos", ""},
		{"a name with escapes", postgres, `select * from U&"public".todos`, ""},
		{"an ampersand before", postgres, "select u&public.todos.id", "select u& \"p\".todos.id"},
		{"numbers", postgres, "select 1.public.todos, .5 public.todos", "select 1.public.todos, .5 \"p\".todos"},
		{"several statements", postgres, "select 1; select * from public.todos; select 2", "select 1; select * from \"p\".todos; select 2"},
		{"an open string", postgres, "select 'public.todos", ""},
		{"a dot at the end", postgres, "select public.", ""},

		{"a name in SQLite", sqlite, "select main.todos.id from main.todos", "select \"p\".todos.id from \"p\".todos"},
		{"names of every kind in SQLite", sqlite, "select * from \"MAIN\".\"Todos\", [main].[todos], `main`.`todos`, 'main'.'todos'", "select * from \"p\".\"Todos\", \"p\".[todos], \"p\".`todos`, \"p\".'todos'"},
		{"parameters of SQLite", sqlite, "select :main.todos, @main.todos, $main.todos, ?1main.todos", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.want == "" {
				tc.want = tc.in
			}
			got := sqltext.Rewrite(tc.dialect, tc.in, past)
			if diff := cmp.Diff(tc.want, got.Text); diff != "" {
				t.Errorf("Rewrite(%q) mismatch (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestRewriteIsGivenOnlyNames(t *testing.T) {
	t.Parallel()
	sqltext.Rewrite(postgres, `select 1.5, t.id, 'a.b' from x.t`, func(schema, name string) (string, bool) {
		if got := schema + "." + name; got != "t.id" && got != "x.t" {
			t.Errorf("asked for %q", got)
		}
		return "", false
	})
}

func TestRewrittenPosition(t *testing.T) {
	t.Parallel()
	// Characters, not bytes, and schemas that become shorter.
	const in = "select 'äö', no1 from public.todos, no2, public.todos as b where no3"
	rewritten := sqltext.Rewrite(postgres, in, past)
	characters := func(s, word string) int {
		before, _, _ := strings.Cut(s, word)
		return utf8.RuneCountInString(before) + 1
	}
	for _, word := range []string{"select", "no1", "from", "todos", ", no2", "no2", "as b", "no3"} {
		if got, want := rewritten.Position(characters(rewritten.Text, word)), characters(in, word); got != want {
			t.Errorf("Position of %q = %d, want %d", word, got, want)
		}
	}
	if got, want := rewritten.Position(characters(rewritten.Text, `"p".todos`)), characters(in, "public.todos"); got != want {
		t.Errorf("Position of the schema = %d, want %d", got, want)
	}
}

func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{
		"select * from public.todos where 'x' = public . /* a */ todos.id", `U&"public".todos`, "u&public.todos", "E'\\'.public.todos",
		"a.public.todos", "main.todos;$a$ public.todos", "public.todos(1)::public.todos", "[main].todos", ".5.public.todos",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, sql string, isSQLite bool) {
		dialect := postgres
		if isSQLite {
			dialect = sqlite
		}
		rewritten := sqltext.Rewrite(dialect, sql, past)
		was, is := sqltext.Tokens(dialect, sql), sqltext.Tokens(dialect, rewritten.Text)
		if len(was) != len(is) {
			t.Fatalf("Rewrite(%q) = %q, which has %d tokens, not %d", sql, rewritten.Text, len(is), len(was))
		}
		changed := false
		for i := range was {
			if was[i] == is[i] {
				continue
			}
			changed = true
			if i+1 >= len(was) || was[i+1] != "." || is[i] != `"p"` && is[i] != `"P ""x"""` {
				t.Fatalf("Rewrite(%q) = %q, in which %q became %q", sql, rewritten.Text, was[i], is[i])
			}
		}
		if !changed && rewritten.Text != sql {
			t.Fatalf("Rewrite(%q) = %q", sql, rewritten.Text)
		}
		for p := 1; p <= utf8.RuneCountInString(rewritten.Text); p++ {
			if got := rewritten.Position(p); got < 1 || got > utf8.RuneCountInString(sql) {
				t.Fatalf("Position(%d) of %q = %d", p, sql, got)
			}
		}
	})
}
