-- Whether the table has the row now; ?1 is its key.
SELECT EXISTS (SELECT 1 FROM main.{{ident .Name}} AS t WHERE {{range $i, $c := .Key}}{{if $i}} AND {{end}}t.{{ident $c}} IS {{value "?1" $c}}{{end}})
