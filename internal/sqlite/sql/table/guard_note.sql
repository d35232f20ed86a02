CREATE TRIGGER main.{{ident .Trigger}} BEFORE INSERT ON {{ident .Table.Name}}
WHEN {{template "guarded" .Table}}
BEGIN
    -- Held rows that this one excludes: see chrononaut_held_row.
{{- $table := .Table}}
{{- range .Table.Conflicts}}
    INSERT INTO chrononaut_held_row (table_name, key, id)
    SELECT DISTINCT {{literal $table.HistoryName}}, i.key, g.id
      FROM (SELECT c.columns,
                   (SELECT {{$table.KeyObject "r"}} FROM {{ident $table.Name}} AS r WHERE {{.}}) AS key,
                   (SELECT {{$table.GuardMatch "c.columns" "r"}} FROM {{ident $table.Name}} AS r WHERE {{.}}) AS match
              FROM chrononaut_guarded AS c, {{$table.Fallback "new"}}, {{$table.Fallback "r"}}
             WHERE c.table_name = {{literal $table.HistoryName}}
             LIMIT -1) AS i
      JOIN chrononaut_guard AS g ON g.table_name = {{literal $table.HistoryName}} AND g.columns = i.columns AND g.match = i.match AND g.kind = 'hold'
     WHERE i.key IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM chrononaut_held_row AS h WHERE h.table_name = {{literal $table.HistoryName}} AND h.key = i.key AND h.id = g.id);
{{- end}}
END
