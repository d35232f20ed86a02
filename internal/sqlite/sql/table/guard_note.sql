CREATE TRIGGER main.{{ident .Trigger}} BEFORE INSERT ON {{ident .Table.Name}}
WHEN {{template "guarded" .Table}}
BEGIN
    -- Held and leased rows that this one excludes: see chrononaut_held_row.
{{- $table := .Table}}
{{- range .Table.Conflicts}}
    INSERT INTO chrononaut_write (table_name, operation, own, columns, old_match, key)
    SELECT {{literal $table.HistoryName}}, 'replace', 0, i.columns, i.match, i.key
      FROM (SELECT c.columns,
                   (SELECT {{$table.KeyObject "r"}} FROM {{ident $table.Name}} AS r WHERE {{.}}) AS key,
                   (SELECT {{$table.GuardMatch "c.columns" "r"}} FROM {{ident $table.Name}} AS r WHERE {{.}}) AS match
              FROM chrononaut_guarded AS c, {{$table.Fallback "new"}}, {{$table.Fallback "r"}}
             WHERE c.table_name = {{literal $table.HistoryName}}
             LIMIT -1) AS i
     WHERE i.key IS NOT NULL;
{{- end}}
END
