-- Gives rows another value for a moment in the columns of their set, which no other
-- row gets.
UPDATE {{.Table.Qualified}} AS t
   SET {{range $i, $c := .Columns}}{{if $i}},
       {{end}}{{ident $c.Name}} = CASE WHEN k.set ? {{literal $c.Name}} THEN {{$c.Aside}} ELSE t.{{ident $c.Name}} END{{end}}
  FROM (SELECT i.n, i.item -> 'set' AS set{{range $i, $c := .Table.KeyColumns}}, {{$.Table.ValueIn $c "i.key"}} AS k{{$i}}{{end}}
          FROM {{template "restore_items" .}}
        OFFSET 0) AS k
 WHERE {{template "restore_match" .}}
