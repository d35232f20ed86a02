package sqltext_test

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

func TestRefusedInPast(t *testing.T) {
	t.Parallel()
	const (
		writes = "it writes"
		ends   = "it begins or ends"
		sets   = "it changes what"
		alone  = "it cannot run"
		locks  = "it locks"
	)
	for in, want := range map[string]string{
		"select 1":                   "",
		"select * from t for update": locks,
		"select * from (select * from t for no key update) t":    locks,
		"select * from t FOR SHARE of t nowait":                  locks,
		"select * from t for key share":                          locks,
		"select substring(a from 1 for 2), update, share from t": "",
		"values (1)":                         "",
		"with a as (select 1) select update": "",
		"with a as (select 1), b as materialized (table a) select * from a": "",
		"select (update) from t":                          "",
		"explain select 1":                                "",
		"explain (analyze) with a as (select 1) select 1": "",
		"declare c cursor for select 1":                   "",
		"savepoint a":                                     "",
		"rollback to a":                                   "",
		"release a":                                       "",
		"lock table t":                                    "",
		"copy (select * from t) to stdout":                "",
		"copy t to stdout":                                "",
		"set statement_timeout = 1":                       "",
		"set local time zone 'UTC'":                       "",
		"set local chrononaut.context = '{}'":             "",
		"reset statement_timeout":                         "",
		"call p()":                                        "",
		"/* begin */ select 'commit'":                     "",
		"insert into t values (1)":                        writes,
		"UPDATE t SET a = 1":                              writes,
		"with a as (select 1) delete from t":              writes,
		"with a as (insert into t values (1) returning 1) select 1":         writes,
		"with a as not materialized (merge into t using s on true) table a": writes,
		"explain (analyze, verbose) insert into t values (1)":               writes,
		"merge into t using s on true when matched then delete":             writes,
		"truncate t":                         writes,
		"copy t (a, b) from stdin":           writes,
		"begin":                              ends,
		"start transaction":                  ends,
		"commit and chain":                   ends,
		"END":                                ends,
		"rollback":                           ends,
		"prepare transaction 'a'":            ends,
		"set search_path = public":           sets,
		"set local search_path to public":    sets,
		`SET SESSION "Search_Path" = public`: sets,
		`set U&"search\005fpath" = public`:   sets,
		"set schema 'public'":                sets,
		"set role a":                         sets,
		"set local role a":                   sets,
		"set session authorization a":        sets,
		"set transaction read write":         sets,
		"set session characteristics as transaction read write": sets,
		"set transaction_read_only = off":                       sets,
		"set default_transaction_read_only = off":               sets,
		"set chrononaut.as_of = ''":                             sets,
		`set "chrononaut.as_of" = ''`:                           sets,
		"set standard_conforming_strings = off":                 sets,
		"reset search_path":                                     sets,
		"reset all":                                             sets,
		"reset":                                                 sets,
		"discard plans":                                         alone,
		"vacuum":                                                alone,
		"create index concurrently i on t (a)":                  alone,
	} {
		statements := sqltext.Split(postgres, in)
		if got := statements[0].RefusedInPast(); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("RefusedInPast(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	isOne := func(name string) bool { return name == "todos" || name == "Odd" }
	for in, want := range map[string]string{
		"select * from Todos":                         "todos",
		`select 'todos', "a".todos, "Odd"`:            "todos",
		`select "Todos", Odd, 'todos' -- todos`:       "",
		`select $$todos$$, todoses, "Odd" from todos`: "Odd",
	} {
		if got := sqltext.Mentions(postgres, in, isOne); got != want {
			t.Errorf("Mentions(%q) = %q, want %q", in, got, want)
		}
	}
}
