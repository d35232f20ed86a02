CREATE TRIGGER main.{{ident .Trigger}} BEFORE UPDATE OF {{.Table.UniqueColumns}} ON {{ident .Table.Name}}
WHEN {{template "guarded" .Table}}
 AND {{.Table.UniqueChanged}}
BEGIN
    -- Other rows that the new values exclude, and that would have to go.
{{- $table := .Table}}
{{- range .Table.Conflicts}}
    INSERT INTO chrononaut_write (table_name, operation, own, columns, old_match)
    SELECT {{literal $table.HistoryName}}, 'delete', 0, i.columns, i.match
      FROM (SELECT c.columns,
                   (SELECT {{$table.GuardMatch "c.columns" "r"}} FROM {{ident $table.Name}} AS r WHERE {{.}} AND NOT ({{$table.Match "r" "OLD"}})) AS match
              FROM chrononaut_guarded AS c, {{$table.Fallback "new"}}, {{$table.Fallback "r"}}
             WHERE c.table_name = {{literal $table.HistoryName}}
             LIMIT -1) AS i
     WHERE i.match IS NOT NULL;
{{- end}}
END
