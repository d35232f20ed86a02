package sqltext_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

const (
	postgres = chronodriver.PostgreSQL
	sqlite   = chronodriver.SQLite
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		dialect chronodriver.Dialect
		in      string
		want    []string
	}{
		{"empty statements are left out", postgres, " ; -- a\n;/* b */", nil},
		{"several statements", postgres, "select 1; select 2 ;", []string{"select 1", "select 2 "}},
		{"a semicolon in a string", postgres, `select ';', E'\';', "a;b"; select 2`, []string{`select ';', E'\';', "a;b"`, "select 2"}},
		{"a semicolon in a comment", postgres, "select /* ; /* ; */ ; */ 1 -- ;\n; select 2", []string{"select /* ; /* ; */ ; */ 1 -- ;\n", "select 2"}},
		{"a dollar quote", postgres, "do $a$ begin; $$ ; end $a$; select $1", []string{"do $a$ begin; $$ ; end $a$", "select $1"}},
		{"a function with an SQL body", postgres, "create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3", []string{"create function f() returns int begin atomic select case when true then 1 end; select 2; end", "select 3"}},
		{"a rule", postgres, "create rule r as on insert to t do also (select 1; select 2); select 3", []string{"create rule r as on insert to t do also (select 1; select 2)", "select 3"}},
		{"a trigger of SQLite", sqlite, "create temp trigger x after insert on t begin select case when 1 then 2 end; select ';'; end; select 3", []string{"create temp trigger x after insert on t begin select case when 1 then 2 end; select ';'; end", "select 3"}},
		{"names of SQLite", sqlite, "select [a;b], `c;d`; select $x", []string{"select [a;b], `c;d`", "select $x"}},
		{"an open string", postgres, "select 'a; b", []string{"select 'a; b"}},
		{"an open name of SQLite", sqlite, "select [a; b", []string{"select [a; b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range sqltext.Split(tc.dialect, tc.in) {
				got = append(got, s.Text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Split(%q) mismatch (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in        string
		want      sqltext.Control
		savepoint string
		chains    bool
	}{
		{in: "select 1"},
		{in: "/* a */ begin", want: sqltext.Begin},
		{in: "BEGIN IMMEDIATE", want: sqltext.Begin},
		{in: "start transaction read only", want: sqltext.Begin},
		{in: "commit", want: sqltext.Commit},
		{in: "end", want: sqltext.Commit},
		{in: "commit and chain", want: sqltext.Commit, chains: true},
		{in: "commit and no chain", want: sqltext.Commit},
		{in: "commit prepared 'a'"},
		{in: "prepare transaction 'a'", want: sqltext.Commit},
		{in: "prepare a as select 1"},
		{in: "rollback", want: sqltext.Rollback},
		{in: "abort work", want: sqltext.Rollback},
		{in: "rollback prepared 'a'"},
		{in: "savepoint A", want: sqltext.Savepoint, savepoint: "a"},
		{in: `savepoint "A b"`, want: sqltext.Savepoint, savepoint: "a b"},
		{in: "savepoint [A b]", want: sqltext.Savepoint, savepoint: "a b"},
		{in: "savepoint 'A b'", want: sqltext.Savepoint, savepoint: "a b"},
		{in: "release a", want: sqltext.Release, savepoint: "a"},
		{in: "release savepoint a", want: sqltext.Release, savepoint: "a"},
		{in: "rollback to a", want: sqltext.RollbackTo, savepoint: "a"},
		{in: "rollback transaction to savepoint a", want: sqltext.RollbackTo, savepoint: "a"},
	} {
		s, ok := sqltext.Head(sqlite, tc.in)
		if !ok {
			t.Errorf("Head(%q) found no statement", tc.in)
		}
		control, savepoint := s.Control()
		if control != tc.want || savepoint != tc.savepoint || s.Chains() != tc.chains {
			t.Errorf("Control(%q) = %v, %q, chains %v; want %v, %q, %v", tc.in, control, savepoint, s.Chains(), tc.want, tc.savepoint, tc.chains)
		}
	}
}

func TestAlone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dialect chronodriver.Dialect
		in      string
		want    bool
	}{
		{postgres, "vacuum analyze t", true},
		{postgres, "-- why\nVACUUM", true},
		{postgres, "create database x", true},
		{postgres, "create table x (a int)", false},
		{postgres, "create index on t (a)", false},
		{postgres, "create unique index concurrently i on t (a)", true},
		{postgres, "drop index concurrently i", true},
		{postgres, `alter table "a"."b" detach partition c.d concurrently`, true},
		{postgres, "alter system set a = 1", true},
		{postgres, "commit prepared 'a'", true},
		{postgres, "commit", false},
		{postgres, "insert into t select concurrently", false},
		{postgres, "call p()", false},
		{postgres, "", true},
		{sqlite, "pragma foreign_keys = off", true},
		{sqlite, "vacuum", true},
		{sqlite, "attach 'x' as y", true},
		{sqlite, "insert into t values (1)", false},
	} {
		s, _ := sqltext.Head(tc.dialect, tc.in)
		if got := s.Alone(tc.dialect); got != tc.want {
			t.Errorf("Alone(%q) = %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want bool
	}{
		{"select 1", false},
		{"(select 1)", false},
		{"values (1)", false},
		{"explain insert into t values (1)", false},
		{"pragma table_info(t)", false},
		{"with a as (select 1), insert_ (b) as materialized (values (1)) select * from a", false},
		{"with a as (select 1) insert into t select * from a", true},
		{"WITH RECURSIVE a AS (SELECT 1) Update t SET x = 1", true},
		{"with a as (select 1) delete from t", true},
		{"with a as (select 1) replace into t select * from a", true},
		{"replace into t values (1)", true},
		{"create table t (a)", true},
		{"begin", false},
		{"savepoint a", false},
	} {
		statements := sqltext.Split(sqlite, tc.in)
		if got := statements[0].Write(); got != tc.want {
			t.Errorf("Write(%q) = %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestSelects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want bool
	}{
		{"select 1", true},
		{"((select 1) union select 2)", true},
		{"/* a */ values (1)", true},
		{"table t", true},
		{"set a = 1", true},
		{"explain insert into t values (1)", true},
		{"explain (analyze, verbose) insert into t values (1)", false},
		{"explain analyse insert into t values (1)", false},
		{"with a as (select 1) select 1", false},
		{"with a as (insert into t values (1) returning 1) select 1", false},
		{"insert into t values (1)", false},
		{"merge into t using s on true when matched then delete", false},
		{"copy t from stdin", false},
		{"execute p", false},
		{"truncate t", false},
	} {
		s, _ := sqltext.Head(postgres, tc.in)
		if got := s.Selects(); got != tc.want {
			t.Errorf("Selects(%q) = %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestAttributable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want bool
	}{
		{"insert into t values (1)", true},
		{"savepoint a", false},
		{"begin", false},
		{"prepare transaction 'a'", false},
		{"prepare a as insert into t values (1)", true},
		{"vacuum", false},
		{"call p()", false},
		{"do $$ begin end $$", false},
	} {
		s, _ := sqltext.Head(postgres, tc.in)
		if got := s.Attributable(); got != tc.want {
			t.Errorf("Attributable(%q) = %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestMayBeName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"add_todo": true, " add_todo ": true, "": true, "insert into t values (1)": false, "a;b": false, "--": false, "a\nb": false, `"a"`: false} {
		if got := sqltext.MayBeName(in); got != want {
			t.Errorf("MayBeName(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestHeadDoesNotReadALongStatement(t *testing.T) {
	t.Parallel()
	s, ok := sqltext.Head(postgres, "insert into t values "+strings.Repeat("(1, 2), ", 1000)+"(1, 2)")
	if control, _ := s.Control(); !ok || control != sqltext.None || len(s.Text) > 1000 {
		t.Errorf("Head() = %d bytes, %v, want the beginning", len(s.Text), ok)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("select 'a;'; create trigger t begin x; end;", true)
	f.Add("[", true)
	f.Add("do $$ ; $$; select E'\\';'", false)
	f.Fuzz(func(t *testing.T, sql string, isSQLite bool) {
		dialect := postgres
		if isSQLite {
			dialect = sqlite
		}
		rest := sql
		for _, s := range sqltext.Split(dialect, sql) {
			i := strings.Index(rest, s.Text)
			if i < 0 || strings.Trim(s.Text, " \t\r\n\f\v") == "" {
				t.Fatalf("Split(%q) made %q up", sql, s.Text)
			}
			rest = rest[i+len(s.Text):]
			s.Control()
			s.Chains()
			s.Alone(dialect)
			s.Attributable()
			s.Selects()
			s.Write()
			s.RefusedInPast()
		}
	})
}
