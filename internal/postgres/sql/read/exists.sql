-- Whether the table has the row now; $1 is its key.
SELECT EXISTS (SELECT FROM {{.Qualified}} AS t WHERE {{range $i, $c := .Key}}{{if $i}} AND {{end}}t.{{ident $c.Name}} = ($1::jsonb ->> {{literal $c.Name}})::{{$c.Type}}{{end}})
