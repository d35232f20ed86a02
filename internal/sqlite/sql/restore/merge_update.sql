-- Writes columns of the record ?1 if it is at the version ?2. What it returns is of
-- before: triggers write the version afterwards.
UPDATE main.{{ident .Table.Name}} AS r
   SET {{range $i, $c := .Columns}}{{if $i}}, {{end}}{{ident $c.Name}} = {{placeholder $i}}{{end}}
 WHERE {{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "?1"}}) AND {{.Table.KeyObject "r"}} = ?1 AND {{.Table.RowVersion "r"}} = ?2
RETURNING {{.Table.RowVersion (ident .Table.Name)}}
