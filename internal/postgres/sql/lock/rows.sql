-- The rows of the items of $1, locked, as they are by then. They are locked in the
-- order of the primary key, whatever the order of the items: of two statements
-- that want the same rows the later one waits at the first of them.
SELECT k.n,
       (SELECT {{template "stamp"}}
          FROM {{schema}}.chrononaut_table AS r
         WHERE r.table_schema = {{literal .Table.Schema}} AND r.table_name = {{literal .Table.Name}}),
       t.{{ident .Table.VersionColumn}}{{range .Table.Columns}}, t.{{ident .Name}}{{end}}
  FROM {{template "restore_keys" .}}
  JOIN {{.Table.Qualified}} AS t ON {{template "restore_match" .}}
 ORDER BY {{range $i, $c := .Table.KeyColumns}}{{if $i}}, {{end}}t.{{ident $c}}{{end}}
   FOR {{.Strength}} OF t{{if .SkipLocked}} SKIP LOCKED{{end}}
